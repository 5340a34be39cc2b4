"""The log of commands: what ends up in it, at which level, and where."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.cli.invocation import LOGGED
from cleo_core.errors import CODES
from cleo_core.locks import locked
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]

LOG = Path(".cleo/logs/cleo.log")
FIELDS = {
    *("ts", "level", "event", "command", "requestId", "projectId", "durationMs", "exit"),
    *("plugin", "message"),
}


def logged(file: Path = LOG) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.fixture(autouse=True)
def shelves(site: Any, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A project with one small store."""
    site.store("shelves", kind="shelf")
    monkeypatch.setenv("CLEO_PLUGINS", "shelves")
    assert cleo_cli("init").code == 0
    return site


def test_good_commands_and_refusals_leave_no_log(cleo_cli: Cli) -> None:
    for words in (("shelves", "add", "s1"), ("shelves", "list"), ("doctor",), ("config", "list")):
        assert cleo_cli(*words).code == 0
    assert cleo_cli("shelves", "show", "s1").code == 2
    assert cleo_cli("config", "set", "no.such", "1").code == 8
    assert not LOG.parent.exists()


@pytest.mark.parametrize("way", ["variable", "setting"])
def test_every_command_is_logged_where_that_is_asked_for(cleo_cli: Cli, way: str) -> None:
    env = {"CLEO_LOG_LEVEL": "info"} if way == "variable" else {}
    if way == "setting":
        assert cleo_cli("config", "set", "logging.level", "info").code == 0
    marker = json.loads(Path(".cleo/project-info.json").read_text())
    outcome = cleo_cli("shelves", "add", "s1", "--label", "my own words", env=env)
    line = logged()[-1]
    assert set(line) == FIELDS
    assert line["durationMs"] > 0
    assert line["requestId"] == outcome.envelope["meta"]["requestId"]
    shown = ("level", "event", "command", "projectId", "exit", "plugin", "message")
    assert [line[name] for name in shown] == [
        *("info", "command", "shelves add", marker["projectId"], 0, "shelves", None),
    ]
    refused = cleo_cli("config", "set", "no.such", "my own words", env=env)
    assert [logged()[-1][name] for name in ("exit", "message")] == [
        refused.code,
        refused.error["code"],
    ]
    assert "my own words" not in LOG.read_text()
    assert LOG.stat().st_mode & 0o777 == 0o600


def test_what_nobody_who_called_has_done_is_a_warning(
    cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cleo_core import stores

    Path(".cleo/shelves.db").unlink()

    def briefly(directory: str, name: str, **options: Any) -> Any:
        return locked(directory, name, **{**options, "timeout": 0.1})

    with locked(str(Path(".cleo").absolute()), "shelves"):
        if hasattr(stores, "locked"):
            monkeypatch.setattr(stores, "locked", briefly)
        else:
            monkeypatch.setattr("cleo_core.locks.locked", briefly)
        outcome = cleo_cli("shelves", "add", "s1")
    assert outcome.error["code"] == "E_LOCK_TIMEOUT"
    (line,) = logged()
    assert (line["level"], line["exit"], line["message"]) == ("warning", 7, "E_LOCK_TIMEOUT")
    assert set(CODES) >= LOGGED


def test_an_unexpected_error_is_logged_once_with_its_traceback(
    shelves: Any, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelves.plugin(
        "bad",
        """
        @hookimpl
        def cleo_register_commands():
            return [CommandSpec("bad", "PACKAGE.cli:bad", "Fails.", "Things")]
        """,
        cli="from cleo_core.cli import command\n\n\n@command('bad', project='optional')\n"
        "def bad(app):\n    '''Fail.'''\n    raise RuntimeError('token: hunter2hunter2')\n",
    )
    monkeypatch.setenv("CLEO_PLUGINS", "shelves,bad")
    outcome = cleo_cli("bad")
    assert outcome.error["code"] == "E_UNEXPECTED"
    (line,) = logged()
    assert (line["level"], line["event"], line["command"]) == ("error", "unexpected", "bad")
    assert "RuntimeError" in line["message"]
    assert "hunter2" not in LOG.read_text()
    assert line["projectId"] is not None


def test_the_log_is_rotated_as_the_settings_say(cleo_cli: Cli) -> None:
    for key, value in (("level", "info"), ("max_bytes", "600"), ("files", "2")):
        assert cleo_cli("config", "set", f"logging.{key}", value).code == 0
    for _ in range(8):
        assert cleo_cli("shelves", "list").code == 0
    names = sorted(path.name for path in LOG.parent.iterdir())
    assert [name for name in names if not name.endswith(".lock")] == ["cleo.log", "cleo.log.1"]
    assert all(path.stat().st_size <= 600 for path in LOG.parent.glob("cleo.log*"))


@pytest.mark.parametrize("spoil", ["{", '{"logging": {"level": 7, "files": "x"}}'])
def test_settings_of_the_log_that_are_wrong_fail_no_command(cleo_cli: Cli, spoil: str) -> None:
    Path(".cleo/config.json").write_text(spoil)
    assert cleo_cli("shelves", "list", "--json").code == 0


def test_a_log_that_cannot_be_written_fails_no_command(cleo_cli: Cli) -> None:
    Path(".cleo/logs").write_text("in the way")
    assert cleo_cli("shelves", "list", env={"CLEO_LOG_LEVEL": "debug"}).code == 0
