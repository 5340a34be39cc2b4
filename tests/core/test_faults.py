"""The faults that tests put before chosen statements."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Faults, Outcome

Cli = Callable[..., Outcome]


@pytest.fixture
def things(site: object, cleo_project: Path, cleo_cli: Cli) -> Path:
    """A project with a store of things."""
    site.store("things", kind="thing")  # type: ignore[attr-defined]
    assert cleo_cli("things", "add", "t0").code == 0
    return cleo_project


def test_statements_are_told_in_order(things: Path, cleo_faults: Faults) -> None:
    found = cleo_faults.statements("things", "add", "t1")
    assert found.index("BEGIN IMMEDIATE") < found.index("COMMIT")
    assert any(sql.startswith("INSERT INTO things") for sql in found)


def test_a_kill_before_the_commit_loses_the_write_and_one_after_it_does_not(
    things: Path, cleo_faults: Faults, cleo_cli: Cli
) -> None:
    statements = cleo_faults.statements("things", "add", "t1")
    commit = statements.index("COMMIT") + 1
    killed = cleo_faults.killed_at(commit, "things", "add", "t2")
    assert killed.code == -9
    assert killed.out == ""
    assert [row["id"] for row in cleo_cli("things", "list").data] == ["t0", "t1"]


def test_a_kill_beyond_the_last_statement_does_nothing(things: Path, cleo_faults: Faults) -> None:
    done = cleo_faults.killed_at(10_000, "things", "add", "t1")
    assert done.code == 0
    assert done.envelope["data"]["id"] == "t1"


def test_a_full_disk_at_any_statement_of_a_write_is_one_clear_error(
    things: Path, cleo_faults: Faults, cleo_cli: Cli
) -> None:
    statements = cleo_faults.statements("things", "add", "t1")
    begin = statements.index("BEGIN IMMEDIATE") + 1
    for number in range(begin, statements.index("COMMIT") + 2):
        with cleo_faults.raising_at(number):
            outcome = cleo_cli("things", "add", f"n{number}")
        assert outcome.error["code"] == "E_DISK_FULL"
    assert [row["id"] for row in cleo_cli("things", "list").data] == ["t0", "t1"]


def test_another_error_can_be_raised(
    site: object, cleo_faults: Faults, cleo_open: Callable[..., App]
) -> None:
    site.store("things", kind="thing")  # type: ignore[attr-defined]
    with cleo_open() as app, cleo_faults.raising_at(1, KeyboardInterrupt) as seen:
        with pytest.raises(KeyboardInterrupt):
            app.service("things").add("t1")
        assert len(seen) == 1
    with cleo_open() as app:
        app.service("things").add("t1")
    with cleo_open() as app, pytest.raises(CleoError), cleo_faults.raising_at(1):
        app.service("things").list()
