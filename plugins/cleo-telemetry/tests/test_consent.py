"""Recording begins with ``enable``, ends with ``disable``, and every no is a no."""

from __future__ import annotations

import json
import os
import runpy
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

_timings = runpy.run_path(str(Path(__file__).with_name("timings.py")))
COLUMNS, file, rows, commands, meta, execute = (
    _timings[name] for name in ("COLUMNS", "file", "rows", "commands", "meta", "execute")
)


def config_file() -> Path:
    return Path(os.environ["XDG_CONFIG_HOME"]) / "cleo" / "config.json"


@pytest.mark.guarantee(
    "telemetry-03",
    "After `enable`, one command is one row of exactly ten columns; enabling again keeps the id.",
)
def test_one_command_is_one_row(cleo_project: Path, cleo_cli: Any) -> None:
    done = cleo_cli("telemetry", "enable").data
    assert done == {
        "enabled": True,
        "effective": True,
        "anonymousId": done["anonymousId"],
        "path": str(file()),
    }
    assert UUID(done["anonymousId"]).version == 4
    assert file().stat().st_mode & 0o777 == 0o600
    cleo_cli("add", "a title", "--priority", "high")
    (row,) = rows()
    assert tuple(row) == COLUMNS
    assert {**row, "duration_ms": 0, "timestamp": ""} == {
        "id": 1,
        "anonymous_id": done["anonymousId"],
        "domain": "tasks",
        "gateway": "mutate",
        "operation": "add",
        "command": "tasks.add",
        "exit_code": 0,
        "duration_ms": 0,
        "error_code": None,
        "timestamp": "",
    }
    again = cleo_cli("telemetry", "enable")
    assert (again.code, again.error["code"]) == (102, "E_NO_CHANGE")
    assert meta()["anonymous_id"] == done["anonymousId"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("show", "T404"), ("tasks.show", "query", 4, "E_NOT_FOUND")),
        (("deps", "show", "T404"), ("tasks.deps.show", "query", 4, "E_NOT_FOUND")),
        (("show", "--nonsense"), ("tasks.show", "query", 2, "E_USAGE")),
        (("nonsense",), ("core.unknown", "query", 2, "E_USAGE")),
        (("deps", "nonsense"), ("core.unknown", "query", 2, "E_USAGE")),
        (("config", "get", "nope"), ("core.config.get", "query", 8, "E_CONFIG")),
        (("config", "set", "nope", "1"), ("core.config.set", "mutate", 8, "E_CONFIG")),
        (("version",), ("core.version", "query", 0, None)),
        (("telemetry", "status"), ("telemetry.telemetry.status", "query", 0, None)),
        (("telemetry", "enable"), ("telemetry.telemetry.enable", "mutate", 102, "E_NO_CHANGE")),
    ],
)
def test_a_row_says_which_command_and_how_it_ended(
    cleo_project: Path, cleo_cli: Any, words: tuple[str, ...], expected: tuple[Any, ...]
) -> None:
    cleo_cli("telemetry", "enable")
    outcome = cleo_cli(*words)
    (row,) = rows()
    assert (row["command"], row["gateway"], row["exit_code"], row["error_code"]) == expected
    assert row["command"] == f"{row['domain']}.{row['operation']}"
    assert row["exit_code"] == outcome.code


def test_the_duration_is_that_of_the_whole_command(cleo_project: Path, cleo_cli: Any) -> None:
    cleo_cli("telemetry", "enable")
    outcome = cleo_cli("version")
    (row,) = rows()
    assert row["duration_ms"] >= int(outcome.envelope["meta"]["durationMs"])


@pytest.mark.guarantee(
    "telemetry-04",
    "After `disable` nothing is recorded; `enable` goes on with the same id and all earlier rows.",
)
def test_disable_stops_and_keeps_what_there_is(cleo_project: Path, cleo_cli: Any) -> None:
    first = cleo_cli("telemetry", "enable").data["anonymousId"]
    cleo_cli("add", "one")
    assert cleo_cli("telemetry", "disable").data == {"enabled": False, "rowsKept": 1}
    for number in range(5):
        cleo_cli("add", f"task {number}")
    assert commands() == ["tasks.add"]
    assert set(meta()) == {"anonymous_id", "enabled_at", "disabled_at"}
    assert cleo_cli("telemetry", "enable").data["anonymousId"] == first
    cleo_cli("version")
    assert commands() == ["tasks.add", "core.version"]
    assert set(meta()) == {"anonymous_id", "enabled_at"}


def test_disable_says_when_there_is_nothing_to_disable(cleo_home: Path, cleo_cli: Any) -> None:
    assert cleo_cli("telemetry", "disable").error["code"] == "E_NO_CHANGE"
    assert not file().exists()


def test_disable_is_heard_whatever_became_of_the_file(cleo_project: Path, cleo_cli: Any) -> None:
    cleo_cli("telemetry", "enable")
    file().write_bytes(b"no database at all")
    done = cleo_cli("telemetry", "disable")
    assert done.data == {"enabled": False, "rowsKept": 0}
    assert [one["code"] for one in done.warnings] == ["W_TELEMETRY_UNUSABLE"]
    assert cleo_cli("telemetry", "status").data["enabled"] is False


@pytest.mark.guarantee(
    "telemetry-05",
    "DO_NOT_TRACK and CLEO_TELEMETRY=0 forbid recording whatever is enabled, no variable enables "
    "it, and `status` names what decided.",
)
@pytest.mark.parametrize(
    ("env", "enable", "recorded", "by"),
    [
        ({"DO_NOT_TRACK": "1"}, True, False, "DO_NOT_TRACK"),
        ({"DO_NOT_TRACK": "yes"}, True, False, "DO_NOT_TRACK"),
        ({"DO_NOT_TRACK": "0"}, True, True, "telemetry.enabled"),
        ({"DO_NOT_TRACK": "false"}, True, True, "telemetry.enabled"),
        ({"DO_NOT_TRACK": ""}, True, True, "telemetry.enabled"),
        ({"CLEO_TELEMETRY": "0"}, True, False, "CLEO_TELEMETRY"),
        ({"CLEO_TELEMETRY": "false"}, True, False, "CLEO_TELEMETRY"),
        ({"CLEO_TELEMETRY": "off"}, True, False, "CLEO_TELEMETRY"),
        ({"CLEO_TELEMETRY": "1"}, True, True, "telemetry.enabled"),
        ({"CLEO_TELEMETRY": "1"}, False, False, "default"),
        ({"CLEO_TELEMETRY": "1", "DO_NOT_TRACK": "1"}, True, False, "DO_NOT_TRACK"),
        ({}, False, False, "default"),
    ],
)
def test_off_wins(
    cleo_project: Path,
    cleo_cli: Any,
    env: dict[str, str],
    enable: bool,
    recorded: bool,
    by: str,
) -> None:
    if enable:
        cleo_cli("telemetry", "enable")
    cleo_cli("version", env=env)
    assert file().exists() is enable
    if enable:
        assert commands() == (["core.version"] if recorded else [])
    status = cleo_cli("telemetry", "status", env=env).data
    assert (status["enabled"], status["decidedBy"]) == (recorded, by)


def test_enable_says_that_a_variable_still_wins(cleo_project: Path, cleo_cli: Any) -> None:
    done = cleo_cli("telemetry", "enable", env={"DO_NOT_TRACK": "1"})
    assert (done.data["enabled"], done.data["effective"]) == (True, False)
    (warning,) = done.warnings
    assert warning["code"] == "W_TELEMETRY_OVERRIDDEN"
    assert "DO_NOT_TRACK" in warning["message"]
    assert json.loads(config_file().read_text()) == {"telemetry": {"enabled": True}}
    people = cleo_cli("telemetry", "disable", "--human")
    assert people.code == 0


def test_enable_says_what_is_recorded_and_how_to_stop(cleo_project: Path, cleo_cli: Any) -> None:
    shown = cleo_cli("telemetry", "enable", "--human").out
    for word in ("Never recorded", "never sent", "cleo telemetry disable", "purge --all"):
        assert word in shown
    cleo_cli("telemetry", "disable")
    assert "Never recorded" in cleo_cli("telemetry", "enable").envelope["meta"]["notice"]


@pytest.mark.guarantee(
    "telemetry-06",
    "A repository cannot opt a person in: the setting in a project's file is passed over, and "
    "named once.",
)
def test_a_project_cannot_opt_a_person_in(cleo_project: Path, cleo_cli: Any) -> None:
    (cleo_project / ".cleo" / "config.json").write_text('{"telemetry": {"enabled": true}}')
    outcome = cleo_cli("version", "--human")
    assert outcome.code == 0
    assert not file().exists()
    outcome = cleo_cli("list")
    said = [one["message"] for one in outcome.warnings] + outcome.err.splitlines()
    assert len([one for one in said if "telemetry.enabled" in one]) == 1, outcome
    assert not file().exists()
    status = cleo_cli("telemetry", "status")
    assert (status.data["enabled"], status.data["decidedBy"]) == (False, "default")
    assert "telemetry.enabled" in status.warnings[0]["message"]


def test_a_project_cannot_thin_out_what_is_kept(cleo_project: Path, cleo_cli: Any) -> None:
    (cleo_project / ".cleo" / "config.json").write_text('{"telemetry": {"max_rows": 1}}')
    assert cleo_cli("telemetry", "status").data["maxRows"] == 50_000


@pytest.mark.parametrize("content", ["{", "\x00", "[]", '{"telemetry": {"enabled": "maybe"}}'])
def test_a_config_that_cannot_be_read_is_a_no(
    cleo_project: Path, cleo_cli: Any, content: str
) -> None:
    cleo_cli("telemetry", "enable")
    config_file().write_text(content)
    outcome = cleo_cli("version", "--json")
    assert outcome.code == 0
    assert rows() == []
    assert cleo_cli("telemetry", "status").data["enabled"] is False
    if "maybe" not in content:
        assert outcome.err == ""
        assert cleo_cli("telemetry", "status").data["decidedBy"] == "global config"


def test_the_key_alone_makes_no_file(cleo_project: Path, cleo_cli: Any) -> None:
    cleo_cli("config", "set", "telemetry.enabled", "true", "--global")
    cleo_cli("version")
    assert not file().exists()
    status = cleo_cli("telemetry", "status")
    assert status.data["enabled"] is True
    assert [one["code"] for one in status.warnings] == ["W_TELEMETRY_UNUSABLE"]
    assert cleo_cli("telemetry", "enable").data["effective"] is True
    cleo_cli("version")
    assert commands() == ["core.version"]


def test_status_creates_and_opens_nothing(cleo_home: Path, cleo_cli: Any) -> None:
    found = cleo_cli("telemetry", "status").data
    assert found == {
        "installed": True,
        "enabled": False,
        "decidedBy": "default",
        "path": str(file()),
        "rows": 0,
        "bytes": 0,
        "retentionDays": 90,
        "maxRows": 50_000,
    }
    assert not any((cleo_home / "home").iterdir())


def test_without_a_home_nobody_is_measured_and_everything_works(
    cleo_project: Path, cleo_cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name)
    assert cleo_cli("list").code in (0, 100)
    assert cleo_cli("telemetry", "enable").error["exit"] == 8


def test_use_from_python_is_not_recorded(cleo_project: Path, cleo_cli: Any, cleo_app: Any) -> None:
    cleo_cli("telemetry", "enable")
    cleo_app.service("tasks").add(title="from Python")
    cleo_app.close()
    assert rows() == []
