"""What is let happen on purpose stands in ``audit/overrides.jsonl``, one line each."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core import clock
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]

FILE = Path(".cleo/audit/overrides.jsonl")

FORCED = """
import click
from cleo_core.cli import Result, command, group


@command("drop", writes=True, project="optional")
@click.option("--force", is_flag=True, help="Although it is in use.")
@click.option("--fails", is_flag=True, help="Not at all.")
def drop(app, force, fails):
    '''Drop it.'''
    if fails:
        raise ValueError("no")
    return Result({"forced": force})


things = group("things", "Things.", drop)
"""


def lines(event: str, file: Path = FILE) -> list[dict[str, Any]]:
    """The records of one kind."""
    if not file.exists():
        return []
    found = [json.loads(line) for line in file.read_text().splitlines()]
    return [one for one in found if one["event"] == event]


@pytest.fixture
def things(site: Any, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A project with two small stores, and a command that can be forced."""
    site.store("shelves", kind="shelf")
    site.store("boxes", kind="box", reference='"shelf", "keep", "null"')
    site.plugin(
        "things",
        """
        @hookimpl
        def cleo_register_commands():
            return [CommandSpec("things", "PACKAGE.cli:things", "Things.", "Things")]
        """,
        cli=FORCED,
    )
    monkeypatch.setenv("CLEO_PLUGINS", "shelves,boxes,things")
    monkeypatch.delenv("CLEO_DISABLE_PLUGINS")
    return site


class TestForcedVerbs:
    def test_a_verb_that_is_forced_is_recorded_with_who_did_it(
        self, things: Any, cleo_cli: Cli
    ) -> None:
        assert cleo_cli("init").code == 0
        outcome = cleo_cli("things", "drop", "--force", agent="a1")
        (line,) = lines("forced")
        assert line == {
            "ts": line["ts"],
            "event": "forced",
            "command": "things drop",
            "options": ["force"],
            "actor": "a1",
            "requestId": outcome.envelope["meta"]["requestId"],
        }

    @pytest.mark.parametrize("words", [(), ("--force", "--dry-run"), ("--force", "--fails")])
    def test_what_is_not_forced_leaves_no_line(
        self, things: Any, cleo_cli: Cli, words: tuple[str, ...]
    ) -> None:
        assert cleo_cli("init").code == 0
        cleo_cli("things", "drop", *words)
        assert lines("forced") == []

    def test_outside_a_project_the_data_directory_has_it(
        self, things: Any, cleo_cli: Cli, cleo_home: Path
    ) -> None:
        assert cleo_cli("things", "drop", "--force").code == 0
        file = cleo_home / "home" / "data" / "cleo" / "audit" / "overrides.jsonl"
        assert len(lines("forced", file)) == 1
        assert file.stat().st_mode & 0o777 == 0o600

    def test_a_record_that_cannot_be_written_is_a_warning(self, things: Any, cleo_cli: Cli) -> None:
        assert cleo_cli("init").code == 0
        Path(".cleo/audit").write_text("in the way")
        outcome = cleo_cli("things", "drop", "--force")
        assert outcome.data == {"forced": True}
        assert [one["code"] for one in outcome.warnings] == ["W_NOT_RECORDED"]

    def test_a_task_taken_from_another_agent_is_one(
        self, cleo_project: Path, cleo_cli: Cli
    ) -> None:
        id_ = cleo_cli("add", "a title").data["task"]["id"]
        assert cleo_cli("claim", id_, agent="a1").code == 0
        assert cleo_cli("unclaim", id_, "--force", "--reason", "gone home", agent="a2").code == 0
        (line,) = lines("forced")
        assert (line["command"], line["actor"]) == ("unclaim", "a2")
        assert "gone home" not in FILE.read_text()


class TestPluginsLeftOut:
    def test_a_change_that_goes_past_a_plugins_guards_is_recorded(
        self, things: Any, cleo_cli: Cli
    ) -> None:
        assert cleo_cli("init").code == 0
        assert lines("plugins-left-out") == []
        env = {"CLEO_DISABLE_PLUGINS": "boxes"}
        assert cleo_cli("shelves", "add", "s1", env=env, agent="a1").code == 0
        (line,) = lines("plugins-left-out")
        assert set(line["plugins"]) >= {"boxes", "tasks"}
        assert line["actor"] == "a1"

    def test_reading_and_rehearsing_leave_no_line(
        self, things: Any, cleo_cli: Cli, frozen_bytes: Any
    ) -> None:
        assert cleo_cli("init").code == 0
        env = {"CLEO_DISABLE_PLUGINS": "boxes"}
        with frozen_bytes("."):
            assert cleo_cli("shelves", "list", env=env).code == 0
            assert cleo_cli("shelves", "add", "s1", "--dry-run", env=env).code == 0

    def test_a_day_of_work_leaves_one_line_for_each_actor(
        self, things: Any, cleo_cli: Cli, cleo_clock: Any
    ) -> None:
        assert cleo_cli("init").code == 0
        for number in range(3):
            assert cleo_cli("shelves", "add", f"s{number}").code == 0
        assert len(lines("plugins-left-out")) == 1
        assert cleo_cli("shelves", "add", "s3", agent="a1").code == 0
        assert len(lines("plugins-left-out")) == 2
        cleo_clock.advance(86400)
        assert cleo_cli("shelves", "add", "s4").code == 0
        assert [one["ts"][:10] for one in lines("plugins-left-out")] == [
            *["2026-03-25"] * 2,
            "2026-03-26",
        ]
        assert clock.now().startswith("2026-03-26")

    @pytest.mark.parametrize("before", [b"", b"{cut", b"\xff\n[1]\n" + b"x" * 20000 + b"\n"])
    def test_whatever_the_file_holds_the_change_is_made(
        self, things: Any, cleo_cli: Cli, before: bytes
    ) -> None:
        assert cleo_cli("init").code == 0
        FILE.parent.mkdir()
        FILE.write_bytes(before)
        assert cleo_cli("shelves", "add", "s1").warnings == []
        assert FILE.read_bytes().startswith(before)
        assert b"plugins-left-out" in FILE.read_bytes()

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
    def test_a_pipe_in_its_place_is_a_warning_and_not_waited_for(
        self, things: Any, cleo_cli: Cli
    ) -> None:
        assert cleo_cli("init").code == 0
        FILE.parent.mkdir()
        os.mkfifo(FILE)
        outcome = cleo_cli("shelves", "add", "s1")
        assert outcome.data["id"] == "s1"
        assert [one["code"] for one in outcome.warnings] == ["W_NOT_RECORDED"]
