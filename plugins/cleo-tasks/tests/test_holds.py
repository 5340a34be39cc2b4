"""Tasks that wait for something elsewhere are held by state, and nobody is offered them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.output import to_json
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]
PREFIX = "nexus: "
WAITS = "nexus: waits for other:T001"


@pytest.fixture
def peer(cleo_app: App, cleo_project: Path) -> App:
    """The project as another one works on it."""
    cleo_app.service("tasks").add("Task")
    return cleo_app.for_project(str(cleo_project), agent="nexus")


def hold(app: App, waits: Mapping[str, str | None]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = to_json(app.service("tasks").hold(waits, prefix=PREFIX))
    return {name: ids for name, ids in found.items() if ids}


def test_a_held_task_is_offered_to_nobody_until_it_is_let_go(cleo_app: App, peer: App) -> None:
    tasks = cleo_app.service("tasks")
    assert [one.task.id for one in tasks.next()] == ["T001"]
    assert hold(peer, {"T001": WAITS}) == {"blocked": ["T001"]}
    task = tasks.show("T001")[0]
    assert (task.status, task.blocked_reason, task.modified_by) == ("blocked", WAITS, "nexus")
    assert tasks.next() == []
    assert tasks.ready()[0] == []
    with pytest.raises(CleoError) as nothing:
        cleo_app.for_project(cleo_app.project.root, agent="ann").service("tasks").claim(next=True)
    assert nothing.value.code == "E_NOTHING_READY"
    assert hold(peer, {"T001": WAITS}) == {"left": ["T001"]}
    assert hold(peer, {"T001": WAITS + ", other:T002"}) == {"reworded": ["T001"]}
    assert hold(peer, {"T001": None}) == {"released": ["T001"]}
    assert hold(peer, {"T001": None}) == {"left": ["T001"]}
    task = tasks.show("T001")[0]
    assert (task.status, task.blocked_reason, task.version) == ("pending", None, 4)
    assert [one.task.id for one in tasks.next()] == ["T001"]


def test_each_change_is_audited_once_and_what_is_left_alone_never(cleo_app: App, peer: App) -> None:
    hold(peer, {"T001": WAITS})
    hold(peer, {"T001": WAITS, "T002": WAITS})
    rows = cleo_app.service("tasks").log_list(task="T001")[0]
    [row] = [row for row in rows if row["action"] == "task.hold"]
    assert (row["actor"], row["sessionId"]) == ("nexus", None)
    assert (row["before"], row["after"]) == (
        {"status": "pending", "blocked_reason": None},
        {"status": "blocked", "blocked_reason": WAITS},
    )


def test_only_pending_tasks_and_holds_of_the_same_beginning_are_touched(
    cleo_app: App, peer: App
) -> None:
    tasks = cleo_app.service("tasks")
    for title in ("Active", "Blocked", "Done", "Archived", "Proposed", "Blocked without a reason"):
        tasks.add(title, status="proposed" if title == "Proposed" else None)
    tasks.update("T002", status="active")
    tasks.update("T003", status="blocked", blocked_reason="somebody else: waits")
    tasks.complete("T004")
    tasks.delete("T005")
    tasks.update("T007", status="blocked")
    ids = [f"T00{number}" for number in range(2, 8)]
    before = [to_json(task) for task in tasks.show(*ids)]
    assert hold(peer, dict.fromkeys(ids, WAITS)) == {"left": ids}
    assert hold(peer, {**dict.fromkeys(ids), "T999": None}) == {"left": ids, "missing": ["T999"]}
    assert [to_json(task) for task in tasks.show(*ids)] == before


def test_no_session_is_asked_for(
    cleo_app: App, cleo_cli: Cli, peer: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cleo_cli("config", "set", "tasks.session.enforce", "block").code == 0
    monkeypatch.setenv("CLEO_SESSION_ID", "ses_of_another_project")
    assert hold(peer, {"T001": WAITS}) == {"blocked": ["T001"]}


def test_a_dry_run_changes_nothing(
    cleo_app: App, peer: App, cleo_project: Path, frozen_bytes: Any
) -> None:
    cleo_app.close()
    with frozen_bytes(cleo_project):
        with peer.dry_running():
            assert hold(peer, {"T001": WAITS}) == {"blocked": ["T001"]}
        peer.close()


@pytest.mark.parametrize(
    ("waits", "prefix", "exit_"),
    [
        ({"T001": "waits"}, PREFIX, 6),
        ({"T001": "nexus:  "}, PREFIX, 6),
        ({"T001": "nexus: \0"}, PREFIX, 6),
        ({"T001": "nexus: \ud800"}, PREFIX, 6),
        ({"T001": 7}, PREFIX, 6),
        ({"T001": WAITS}, "  ", 6),
        ({"T001": WAITS}, None, 6),
        ({"nonsense": WAITS}, PREFIX, 2),
        ({7: WAITS}, PREFIX, 2),
        (["T001"], PREFIX, 2),
        ("T001", PREFIX, 2),
    ],
)
def test_bad_input_is_refused_and_nothing_changes(
    cleo_app: App, peer: App, waits: Any, prefix: Any, exit_: int
) -> None:
    with pytest.raises(CleoError) as refused:
        peer.service("tasks").hold(waits, prefix=prefix)
    assert refused.value.exit == exit_
    assert cleo_app.service("tasks").show("T001")[0].version == 1
