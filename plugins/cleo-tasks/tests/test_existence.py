"""What the store answers to the others about its ids."""

from __future__ import annotations

from pathlib import Path

import pytest

from cleo_core.app import App
from cleo_tasks.api import STORE
from cleo_tasks.service.existence import existing_ids

ODD = ("", "T001\0", "T001\0x", "\ud800", "T001\ud800", '"T001', "null", "1", "t001", "T002", "é")


def test_ids_exist_as_they_are_spelt_and_no_others(cleo_app: App) -> None:
    cleo_app.service("tasks").add("The parser")
    assert existing_ids(cleo_app, "task", ("T001", *ODD)) == {"T001"}
    assert existing_ids(cleo_app, "task", ODD) == frozenset()
    assert existing_ids(cleo_app, "task", ()) == frozenset()


@pytest.mark.parametrize("kind", STORE.kinds)
def test_every_kind_is_answered_for(cleo_app: App, kind: str) -> None:
    cleo_app.service("tasks").add("The parser")
    assert existing_ids(cleo_app, kind, ("none",)) == frozenset()


def test_another_projects_file_says_nothing(cleo_app: App, cleo_project: Path) -> None:
    cleo_app.service("tasks").add("The parser")
    cleo_app.write(
        "tasks",
        lambda unit: unit.execute("UPDATE schema_meta SET value = 'x' WHERE key = 'project_id'"),
    )
    assert existing_ids(cleo_app, "task", ("T001",)) is None
