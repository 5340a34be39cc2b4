"""The registry of statuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome
from cleo_tasks.enums import STATUS_REGISTRY

Cli = Callable[..., Outcome]


def test_the_registry_is_what_the_enums_say(cleo_app: App) -> None:
    rows, page = cleo_app.service("tasks").statuses()
    assert len(rows) == page.total == 35
    assert {
        (row.name, row.entity_type, row.namespace, row.description, row.is_terminal) for row in rows
    } == set(STATUS_REGISTRY)


FILTERS = (
    (("--entity", "task", "--terminal"), ["archived", "cancelled", "done"]),
    (("--entity", "task", "--open"), ["active", "blocked", "pending", "proposed"]),
    (("--namespace", "governance", "--open"), ["accepted", "proposed", "pending"]),
    (("--namespace", "manifest"), ["blocked", "partial", "archived", "completed"]),
    (("--entity", "session", "--namespace", "governance"), []),
    (("--entity", "session", "--limit", "1", "--offset", "1"), ["suspended"]),
)


def test_filters_leave_what_they_name(cleo_cli: Cli, cleo_project: Path) -> None:
    for words, names in FILTERS:
        outcome = cleo_cli("statuses", *words)
        assert [row["name"] for row in outcome.data] == names
        assert outcome.page["total"] >= len(names)
        assert cleo_cli("statuses", *words, "--quiet").out.split() == names


def test_a_row_says_what_the_status_means(cleo_cli: Cli, cleo_project: Path) -> None:
    assert cleo_cli("statuses", "--entity", "gate", "--open").data == [
        {
            "name": "pending",
            "entityType": "gate",
            "namespace": "governance",
            "description": "Not decided yet.",
            "isTerminal": False,
        }
    ]
    shown = cleo_cli("statuses", "--entity", "task", "--human").out
    assert "archived" in shown
    assert "Put away, and kept." in shown
    nothing = cleo_cli("statuses", "--entity", "task", "--namespace", "manifest", "--human")
    assert nothing.out == "No statuses.\n"


def test_what_no_status_can_be_asked_by_is_refused(cleo_app: App) -> None:
    wrong: tuple[dict[str, Any], ...] = (
        {"entity": "dragon"},
        {"namespace": 7},
        {"entity": ["task"]},
        {"limit": 0},
        {"offset": -1},
    )
    for filters in wrong:
        with pytest.raises(CleoError) as error:
            cleo_app.service("tasks").statuses(**filters)
        assert error.value.exit == 2
