"""What a reading verb says comes from one state of the store, whatever is written meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import App
from cleo_core.database import Database

READS: dict[str, Callable[[Any], Any]] = {
    "lifecycle show": lambda tasks: tasks.lifecycle_show("T001"),
    "lifecycle history": lambda tasks: tasks.lifecycle_history("T001"),
    "lifecycle history --gates": lambda tasks: tasks.lifecycle_gate_history("T001"),
    "adr list": lambda tasks: tasks.adr_list(task="T001"),
    "adr show": lambda tasks: tasks.adr_show("1"),
    "adr find": lambda tasks: tasks.adr_find("one"),
    "manifest list": lambda tasks: tasks.manifest_list(task="T001"),
    "manifest show": lambda tasks: tasks.manifest_show("T001-one", "T001-two"),
    "manifest find": lambda tasks: tasks.manifest_find("one", task="T001"),
    "manifest stats": lambda tasks: tasks.manifest_stats(task="T001"),
    "manifest stages": lambda tasks: tasks.manifest_stages(task="T001"),
    "verify": lambda tasks: tasks.verify("T001"),
}


@pytest.fixture
def tasks(cleo_app: App, cleo_project: Path) -> Any:
    service = cleo_app.service("tasks")
    service.add("The parser", type="epic")
    service.lifecycle_start("T001")
    service.manifest_add("One", content="one", task="T001")
    service.manifest_add("Two", content="two", task="T001")
    service.adr_add("One file")
    service.adr_link("1", "T001")
    return service


@pytest.mark.parametrize("verb", READS)
def test_the_statements_of_a_read_see_one_state(
    tasks: Any, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    alone: list[str] = []
    asked: list[str] = []

    def watched(name: str) -> None:
        own = getattr(Database, name)

        def ask(self: Database, sql: str, /, **params: Any) -> Any:
            asked.append(sql)
            if not self.connection.in_transaction:
                alone.append(sql)
            return own(self, sql, **params)

        monkeypatch.setattr(Database, name, ask)

    for name in ("read", "one", "scalar", "iterate"):
        watched(name)
    READS[verb](tasks)
    assert asked
    assert len(asked) == 1 or alone == []
