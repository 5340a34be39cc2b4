"""What another project's plugin finds here: the verbs it uses, and what it is told of changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.api import Change, Veto
from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.plugins.record import Outcome as Answer
from cleo_core.testing import Frozen, Outcome

Cli = Callable[..., Outcome]
WAITS = "nexus: waits for other:T001"


class Peer:
    """A plugin that guards changes and is told of them.

    :ivar veto: what it answers, given the Change.
    """

    def __init__(self) -> None:
        self.guarded: list[Change] = []
        self.told: list[Change] = []
        self.veto: Callable[[Change], Veto | None] = lambda change: None

    def call(self, hook: str, *_: Any, **named: Any) -> list[Answer]:
        if hook == "cleo_guard_change":
            self.guarded.append(named["change"])
            return [Answer("peer", self.veto(named["change"]), None, 0.0)]
        if hook == "cleo_change_committed":
            self.told.append(named["change"])
        return []


@pytest.fixture
def peer(cleo_app: App, monkeypatch: pytest.MonkeyPatch) -> Peer:
    """Such a plugin, beside the tasks store."""
    found = Peer()
    hooks = ("cleo_guard_change", "cleo_change_committed")
    monkeypatch.setattr(cleo_app.plugins, "has", lambda hook: hook in hooks)
    monkeypatch.setattr(cleo_app.plugins, "call", found.call)
    return found


@pytest.fixture
def tasks(cleo_app: App) -> Any:
    service = cleo_app.service("tasks")
    service.add("One")
    service.add("Two")
    service.add("Three", type="epic")
    return service


def seen(peer: Peer, act: Callable[[], Any]) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """What one act says of one task: op, before and after; guard and listener are told alike."""
    peer.guarded.clear()
    peer.told.clear()
    act()
    guarded, told = (
        [change for change in changes if change.kind == "task"]
        for changes in (peer.guarded, peer.told)
    )
    assert [(one.op, one.before, one.after) for one in guarded] == [
        (one.op, one.before, one.after) for one in told
    ]
    [change] = told
    assert change.store == "tasks"
    [id_] = change.ids
    return change.op, dict(change.before.get(id_, {})), dict(change.after.get(id_, {}))


CASES: list[tuple[str, Callable[[Any], Any], dict[str, Any], dict[str, Any]]] = [
    (
        "a dependency comes",
        lambda tasks: tasks.deps_add("T001", "T002"),
        {"depends_on": []},
        {"depends_on": ["T002"]},
    ),
    (
        "a dependency comes by an edit",
        lambda tasks: tasks.update("T001", add_depends=["T002"]),
        {"depends_on": []},
        {"depends_on": ["T002"]},
    ),
    (
        "a parent comes",
        lambda tasks: tasks.reparent("T001", to="T003"),
        {"parent_id": None},
        {"parent_id": "T003"},
    ),
    (
        "work begins",
        lambda tasks: tasks.update("T001", status="active"),
        {"status": "pending"},
        {"status": "active"},
    ),
    (
        "work begins by start",
        lambda tasks: tasks.start("T001"),
        {"status": "pending"},
        {"status": "active"},
    ),
    (
        "it is done",
        lambda tasks: tasks.complete("T001"),
        {"status": "pending"},
        {"status": "done"},
    ),
    (
        "it is given up",
        lambda tasks: tasks.cancel("T001"),
        {"status": "pending"},
        {"status": "cancelled"},
    ),
    (
        "it is deleted",
        lambda tasks: tasks.delete("T001"),
        {"status": "pending", "archived_from": None, "archive_reason": None},
        {"status": "archived", "archived_from": "pending", "archive_reason": "deleted"},
    ),
    (
        "it is taken elsewhere",
        lambda tasks: tasks.archive_transferred({"T001": "p:T001"}, "moved"),
        {"status": "pending", "archived_from": None, "archive_reason": None},
        {"status": "archived", "archived_from": "pending", "archive_reason": "transferred"},
    ),
    (
        "it is held",
        lambda tasks: tasks.hold({"T001": WAITS}, prefix="nexus: "),
        {"status": "pending", "blocked_reason": None},
        {"status": "blocked", "blocked_reason": WAITS},
    ),
]


@pytest.mark.parametrize(
    ("act", "before", "after"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_guard_and_a_listener_see_what_matters_of_a_change(
    tasks: Any, peer: Peer, act: Any, before: dict[str, Any], after: dict[str, Any]
) -> None:
    op, was, becomes = seen(peer, lambda: act(tasks))
    assert op == "update"
    assert {name: was[name] for name in before} == before
    assert {name: becomes[name] for name in after} == after
    assert set(was) == set(becomes)


def test_what_was_closed_and_what_was_archived_tells_when_it_comes_back(
    tasks: Any, peer: Peer
) -> None:
    tasks.complete("T001")
    op, was, becomes = seen(peer, lambda: tasks.archive("T001"))
    assert (op, was["status"], becomes["status"]) == ("update", "done", "archived")
    assert becomes["archive_reason"] == "completed"
    op, was, becomes = seen(peer, lambda: tasks.unarchive("T001"))
    assert (op, was["status"], becomes["status"]) == ("update", "archived", "done")
    op, was, becomes = seen(peer, lambda: tasks.reopen("T001"))
    assert (op, was["status"], becomes["status"]) == ("update", "done", "pending")


def test_a_purge_tells_the_whole_task_as_it_was(tasks: Any, peer: Peer) -> None:
    tasks.deps_add("T001", "T002")
    tasks.update("T001", add_labels=["x"])
    tasks.delete("T001")
    op, was, becomes = seen(peer, lambda: tasks.delete("T001", purge=True))
    assert (op, becomes) == ("delete", {})
    assert (was["id"], was["status"], was["depends_on"], was["labels"]) == (
        "T001",
        "archived",
        ["T002"],
        ["x"],
    )


def test_a_new_task_tells_what_it_waits_for(tasks: Any, peer: Peer) -> None:
    op, was, becomes = seen(
        peer, lambda: tasks.add("Four", depends=["T001"], parent="T003", labels=["x"])
    )
    assert (op, was) == ("create", {})
    assert (becomes["status"], becomes["depends_on"], becomes["parent_id"]) == (
        "pending",
        ["T001"],
        "T003",
    )


def test_a_parent_that_is_finished_with_its_last_child_is_in_the_same_change(
    tasks: Any, peer: Peer
) -> None:
    tasks.reparent("T001", to="T003")
    peer.told.clear()
    tasks.complete("T001")
    [change] = peer.told
    assert set(change.ids) == {"T001", "T003"}
    assert {id_: one["status"] for id_, one in change.after.items()} == {
        "T001": "done",
        "T003": "done",
    }


def test_a_veto_leaves_everything_as_it_is(tasks: Any, peer: Peer) -> None:
    peer.veto = lambda change: Veto("T001 waits elsewhere", "cleo nexus deps show T001")
    for act in (
        lambda: tasks.update("T001", status="active"),
        lambda: tasks.complete("T001"),
        lambda: tasks.deps_add("T001", "T002"),
        lambda: tasks.delete("T001"),
        lambda: tasks.hold({"T001": WAITS}, prefix="nexus: "),
        lambda: tasks.archive_transferred({"T001": "p:T001"}, "moved"),
    ):
        with pytest.raises(CleoError) as refused:
            act()
        assert (refused.value.code, refused.value.exit) == ("E_GUARD", 6)
    assert tasks.show("T001")[0].version == 1
    assert peer.told == []


def test_who_would_refuse_a_blocked_task_its_status_gives_the_fix(tasks: Any, peer: Peer) -> None:
    tasks.hold({"T001": WAITS}, prefix="nexus: ")
    peer.veto = lambda change: Veto("T001 waits elsewhere", "cleo elsewhere show T001")
    for act in (
        lambda: tasks.start("T001"),
        lambda: tasks.complete("T001"),
        lambda: tasks.update("T001", status="done"),
    ):
        with pytest.raises(CleoError) as refused:
            act()
        error = refused.value
        assert (error.code, error.exit) == ("E_INVALID_TRANSITION", 6)
        assert error.message.endswith("peer: T001 waits elsewhere")
        assert error.fix == "cleo elsewhere show T001"
    peer.veto = lambda change: None
    with pytest.raises(CleoError) as refused:
        tasks.start("T001")
    assert refused.value.fix == "cleo update T001 --status active"


# Verbs


def test_the_verbs_that_read_do_so_in_a_project_that_is_only_looked_at(
    cleo_app: App, tasks: Any, cleo_cli: Cli, cleo_home: Path, cleo_project: Path
) -> None:
    other = cleo_home / "other"
    other.mkdir()
    assert cleo_cli("init", "second", cwd=other).code == 0
    with cleo_app.for_project(str(other)) as there:
        afar = there.service("tasks")
        afar.add("Epic of the parser", type="epic", labels=["x"])
        afar.lifecycle_start("T001")
        afar.add("Grammar", parent="T001")
        afar.deps_add("T002", afar.add("Lexer").task.id)
        afar.manifest_add("Found", type="research", task="T001", content="text")
    cleo_app.close()
    frozen = Frozen(other)
    with cleo_app.for_project(str(other), foreign=True) as there:
        afar = there.service("tasks")
        assert [task.title for task in afar.show("T002", "T003")] == ["Grammar", "Lexer"]
        hits, page = afar.find("parser")
        assert ([hit.id for hit in hits], page.total) == (["T001"], 1)
        assert afar.lifecycle_show("T001").pipeline.status == "active"
        assert [entry.title for entry in afar.manifest_list(task="T001")[0]] == ["Found"]
        assert [task.title for task in afar.show("T001", gates=True)] == ["Epic of the parser"]
        assert len(afar.edges()) == 2
        assert (afar.summary().tasks, list(afar.summary().labels)) == (3, ["x"])
        assert [one.id for one in afar.features()] == ["T001", "T002", "T003"]
        assert afar.export_records("T001").project_id == there.project.id
    frozen.check()


def test_the_verbs_that_write_do_so_as_the_peer(
    cleo_app: App, tasks: Any, cleo_cli: Cli, cleo_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = cleo_home / "other"
    other.mkdir()
    assert cleo_cli("init", "second", cwd=other).code == 0
    monkeypatch.setenv("CLEO_SESSION_ID", "ses_of_the_first_project")
    with cleo_app.for_project(str(other), agent="nexus") as there:
        afar = there.service("tasks")
        afar.add("One")
        afar.add("Two")
        external = f"{cleo_app.project.id}:T001"
        for created in (True, False):
            made = afar.link_add("T001", external, "nexus", "transferred", "outbound")
            assert made.created is created
        assert afar.deps_add("T002", "T001").added == ["T001"]
        with pytest.raises(CleoError) as again:
            afar.deps_add("T002", "T001")
        assert again.value.code == "E_NO_CHANGE"
        afar.update("T001", status="blocked", blocked_reason=WAITS)
        assert afar.show("T001")[0].blocked_reason == WAITS
        afar.update("T001", status="pending")
        assert {row["actor"] for row in afar.log_list(limit=100)[0]} == {"nexus"}
