"""``link reconcile``: who follows whom where a task and its record elsewhere differ."""

from __future__ import annotations

import json
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cleo_core.app
from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]
Write = Callable[..., str]

EARLY = "2020-01-01T00:00:00Z"
LATE = "2099-01-01T00:00:00Z"
POLICIES = ("cleo-wins", "provider-wins", "latest-wins", "report-only")


@contextmanager
def unwritten(project: Path) -> Iterator[None]:
    """Nothing is committed to the store inside, which another connection may hold open."""
    files = [project / ".cleo" / name for name in ("tasks.db", "tasks.db-wal")]
    before = [path.read_bytes() for path in files if path.exists()]
    yield
    assert [path.read_bytes() for path in files if path.exists()] == before


def record(id_: str, title: str = "", status: str = "open", **more: Any) -> dict[str, Any]:
    return {"external_id": id_, "title": title or f"Record {id_}", "status": status, **more}


@pytest.fixture
def write(cleo_home: Path) -> Write:
    def make(*rows: Any, name: str = "records.jsonl") -> str:
        path = cleo_home / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return str(path)

    return make


@pytest.fixture
def tasks(cleo_app: App) -> Any:
    return cleo_app.service("tasks")


@pytest.fixture
def seen(tasks: Any, write: Write) -> Callable[..., str]:
    """Records that were brought here once; gives the id of the last record's task."""

    def make(*rows: dict[str, Any], direction: str = "inbound") -> str:
        result = tasks.link_reconcile("jira", write(*rows))
        assert result.counts["create"] == len(rows)
        for one in result.actions:
            tasks.link_add(one.task_id, one.external_id, "jira", direction=direction)
        return str(result.actions[-1].task_id)

    return make


def only(result: Any) -> Any:
    [action] = result.actions
    return action


def shown(tasks: Any, id_: str) -> Any:
    return tasks.show(id_)[0]


def test_new_records_become_tasks_with_a_link(tasks: Any, write: Write) -> None:
    path = write(
        record("A-1", "One", url="https://j.example/A-1", updated_at=EARLY, points=3),
        record("A-2", "Two", "In Progress"),
        record("A-3", "Three", "closed"),
    )
    result = tasks.link_reconcile("jira", path)
    assert (result.read, result.counts["create"], result.absent) == (3, 3, 0)
    assert [one.task_id for one in result.actions] == ["T001", "T002", "T003"]
    found = tasks.show("T001", "T002", "T003")
    assert [one.status for one in found] == ["pending", "active", "done"]
    assert found[0].metadata == {"import": {"jira": {"points": 3}}}
    [link], _ = tasks.link_list("T001")
    assert (link.link_type, link.external_url) == ("created", "https://j.example/A-1")
    assert link.external_updated_at == "2020-01-01T00:00:00.000Z"
    assert link.content_hash
    assert link.last_sync_at


# policy, direction, when the record changed -> action, title here, title that goes out
BOTH: list[tuple[str, str, str | None, str, str, str | None]] = [
    ("cleo-wins", "inbound", LATE, "skip", "Ours", None),
    ("cleo-wins", "bidirectional", LATE, "outbound", "Ours", "Ours"),
    ("provider-wins", "inbound", EARLY, "update", "Theirs", None),
    ("provider-wins", "bidirectional", None, "update", "Theirs", None),
    ("provider-wins", "outbound", None, "outbound", "Ours", "Ours"),
    ("latest-wins", "inbound", LATE, "update", "Theirs", None),
    ("latest-wins", "inbound", EARLY, "skip", "Ours", None),
    ("latest-wins", "bidirectional", EARLY, "outbound", "Ours", "Ours"),
    ("latest-wins", "bidirectional", None, "conflict", "Ours", None),
    ("report-only", "bidirectional", LATE, "conflict", "Ours", None),
]


@pytest.mark.parametrize(("policy", "direction", "when", "action", "here", "out"), BOTH)
def test_the_policy_decides_where_both_sides_changed(
    policy: str,
    direction: str,
    when: str | None,
    action: str,
    here: str,
    out: str | None,
    tasks: Any,
    seen: Any,
    write: Write,
    cleo_project: Path,
) -> None:
    id_ = seen(record("A-1"), direction=direction)
    tasks.update(id_, title="Ours")
    path = write(record("A-1", "Theirs", **({"updated_at": when} if when else {})))
    result = tasks.link_reconcile("jira", path, policy=policy)
    assert result.counts[action] == 1
    assert shown(tasks, id_).title == here
    if out is not None:
        assert only(result).outbound == {"title": {"here": out, "outside": "Theirs"}}
    if action == "conflict":
        assert only(result).changes == {"title": {"here": "Ours", "outside": "Theirs"}}
    with unwritten(cleo_project):
        again = tasks.link_reconcile("jira", path, policy=policy)
    assert again.counts == result.counts if action != "update" else again.counts["skip"] == 1


@pytest.mark.parametrize("policy", POLICIES)
def test_what_only_the_record_changed_comes_in(
    policy: str, tasks: Any, seen: Any, write: Write
) -> None:
    id_ = seen(record("A-1"), direction="bidirectional")
    tasks.update(id_, priority="high")
    result = tasks.link_reconcile("jira", write(record("A-1", "Theirs")), policy=policy)
    assert (only(result).action, only(result).outbound) == ("update", {})
    kept = policy == "report-only"
    assert shown(tasks, id_).title == ("Record A-1" if kept else "Theirs")


@pytest.mark.parametrize("policy", POLICIES)
def test_what_only_the_task_changed_goes_out_and_nothing_is_sent(
    policy: str, tasks: Any, seen: Any, write: Write
) -> None:
    id_ = seen(record("A-1"), direction="bidirectional")
    tasks.complete(id_)
    path = write(record("A-1"))
    action = only(tasks.link_reconcile("jira", path, policy=policy))
    assert (action.action, action.changes) == ("outbound", {})
    assert action.outbound == {"status": {"here": "done", "outside": "pending"}}
    tasks.link_add(id_, "A-1", "jira", direction="inbound")
    assert tasks.link_reconcile("jira", path, policy=policy).reasons == {"kept here": 1}
    assert shown(tasks, id_).status == "done"


# status here, status there -> action, status here afterwards
MOVES: list[tuple[str, str, str, str]] = [
    ("pending", "done", "complete", "done"),
    ("pending", "in progress", "activate", "active"),
    ("pending", "on hold", "update", "blocked"),
    ("pending", "wontfix", "update", "cancelled"),
    ("active", "done", "complete", "done"),
    ("active", "open", "update", "pending"),
    ("active", "blocked", "update", "blocked"),
    ("blocked", "open", "update", "pending"),
    ("blocked", "started", "activate", "active"),
    ("blocked", "cancelled", "update", "cancelled"),
    ("done", "reopened", "update", "pending"),
    ("done", "doing", "activate", "active"),
    ("cancelled", "open", "update", "pending"),
    ("blocked", "done", "conflict", "blocked"),
    ("done", "blocked", "conflict", "done"),
    ("done", "cancelled", "conflict", "done"),
    ("cancelled", "done", "conflict", "cancelled"),
]


def test_each_status_is_followed_by_the_rules_of_its_verb(
    tasks: Any, seen: Any, write: Write
) -> None:
    before = [record(f"A-{number}", status=one[0]) for number, one in enumerate(MOVES)]
    seen(*before)
    after = [record(f"A-{number}", status=one[1]) for number, one in enumerate(MOVES)]
    result = tasks.link_reconcile("jira", write(*after))
    for (here, there, action, then), done in zip(MOVES, result.actions, strict=True):
        assert (done.action, shown(tasks, done.task_id).status) == (action, then), (here, there)
        if action == "conflict":
            assert done.code == "E_INVALID_TRANSITION"
    assert result.counts["conflict"] == 4
    # What was refused is tried again, and what was done is not.
    again = tasks.link_reconcile("jira", write(*after))
    assert (again.counts["conflict"], again.counts["skip"]) == (4, len(MOVES) - 4)


def test_a_refusal_is_a_conflict_that_changes_nothing(
    tasks: Any, seen: Any, write: Write, cleo_project: Path
) -> None:
    id_ = seen(record("A-1"))
    other = tasks.add("Comes first").task.id
    tasks.deps_add(id_, other)
    path = write(record("A-1", "New words", "done"))
    with unwritten(cleo_project):
        action = only(tasks.link_reconcile("jira", path))
    assert (action.action, action.code) == ("conflict", "E_DEPENDENCIES_OPEN")
    assert other in action.message
    assert shown(tasks, id_).title == "Record A-1"
    tasks.complete(other)
    assert only(tasks.link_reconcile("jira", path)).action == "complete"
    assert (shown(tasks, id_).title, shown(tasks, id_).status) == ("New words", "done")


def test_the_rules_of_complete_hold_for_whoever_reconciles(
    cleo_open: Callable[..., App], seen: Any, tasks: Any, write: Write
) -> None:
    id_ = seen(record("A-1"))
    cleo_open(agent="ada").service("tasks").claim(id_)
    path = write(record("A-1", status="done"))
    action = only(cleo_open(agent="bob").service("tasks").link_reconcile("jira", path))
    assert (action.action, action.code) == ("conflict", "E_CLAIMED")
    done = only(cleo_open(agent="ada").service("tasks").link_reconcile("jira", path))
    assert done.action == "complete"


def test_parents_and_what_waits_may_stand_first(tasks: Any, seen: Any, write: Write) -> None:
    ids = ("A-1", "A-2", "A-3", "A-4")
    seen(*(record(id_) for id_ in ids))
    tasks.reparent("T002", "T001")
    tasks.reparent("T003", "T001")
    tasks.deps_add("T002", "T003")
    tasks.deps_add("T004", "T001")
    path = write(*(record(id_, status="done") for id_ in ids))
    dry = tasks.link_reconcile("jira", path, policy="report-only")
    result = tasks.link_reconcile("jira", path)
    assert result.counts["complete"] == dry.counts["complete"] == 4
    assert {one.status for one in tasks.show("T001", "T002", "T003", "T004")} == {"done"}


def test_a_link_by_hand_is_followed_by_who_is_further_along(tasks: Any, write: Write) -> None:
    for number, status in enumerate(("pending", "active", "done"), 1):
        id_ = tasks.add(f"Task {number}").task.id
        tasks.link_add(id_, f"A-{number}", "jira", direction="bidirectional")
        if status != "pending":
            tasks.start(id_)
        if status == "done":
            tasks.complete(id_)
    path = write(
        record("A-1", "Task 1", "done"), record("A-2", "Task 2", "done"), record("A-3", "Task 3")
    )
    result = tasks.link_reconcile("jira", path)
    assert [one.action for one in result.actions] == ["complete", "complete", "outbound"]
    assert result.actions[2].outbound == {"status": {"here": "done", "outside": "pending"}}
    assert only(tasks.link_reconcile("jira", path)).action == "outbound"
    # What a link by hand is called elsewhere is no change of the task's title.
    other = write(record("A-1", "Called otherwise", "done"))
    assert tasks.link_reconcile("jira", other).counts["update"] == 1


def test_titles_that_never_agreed_are_the_policys_affair(tasks: Any, write: Write) -> None:
    tasks.add("Our name")
    tasks.link_add("T001", "A-1", "jira", direction="bidirectional")
    path = write(record("A-1", "Their name"))
    assert only(tasks.link_reconcile("jira", path)).action == "outbound"
    assert shown(tasks, "T001").title == "Our name"
    tasks.link_remove("T001", "A-1")
    tasks.link_add("T001", "A-1", "jira")
    assert only(tasks.link_reconcile("jira", path, policy="provider-wins")).action == "update"
    assert shown(tasks, "T001").title == "Their name"


def test_nothing_is_deleted_because_its_record_is_absent(
    tasks: Any, seen: Any, write: Write
) -> None:
    seen(record("A-1"), record("A-2"))
    result = tasks.link_reconcile("jira", write(record("A-2"), record("A-3", status="deleted")))
    assert (result.absent, result.reasons) == (1, {"deleted there": 1, "unchanged": 1})
    assert {one.status for one in tasks.show("T001", "T002")} == {"pending"}


def test_what_was_put_away_here_stays_so(tasks: Any, seen: Any, write: Write) -> None:
    seen(record("A-1"), record("A-2"))
    tasks.delete("T001")
    tasks.complete("T002")
    tasks.archive("T002")
    same = tasks.link_reconcile("jira", write(record("A-1"), record("A-2")))
    changed = tasks.link_reconcile(
        "jira", write(record("A-1", "New"), record("A-2", "New")), policy="provider-wins"
    )
    assert same.reasons == changed.reasons == {"archived here": 1, "deleted here": 1}


def test_the_link_says_what_was_last_seen(
    tasks: Any, seen: Any, write: Write, cleo_clock: Any
) -> None:
    id_ = seen(record("A-1"))
    [before], _ = tasks.link_list(id_)
    cleo_clock.advance(60)
    new = record("A-1", "New", url="https://j.example/1", updated_at="2026-02-02T02:02:02Z")
    tasks.link_reconcile("jira", write(new))
    [after], _ = tasks.link_list(id_)
    assert after.external_updated_at == "2026-02-02T02:02:02.000Z"
    assert (after.external_title, after.external_url) == ("New", "https://j.example/1")
    assert after.content_hash != before.content_hash
    assert after.last_sync_at > before.last_sync_at
    rows, _ = tasks.log_list(action="link.reconcile")
    assert [row["entityKind"] for row in rows] == ["link", "task"]
    # A record that says nothing new but when it was written is noted, and changes no task.
    version = shown(tasks, id_).version
    later = write({**new, "updated_at": "2026-03-03T00:00:00Z"})
    assert tasks.link_reconcile("jira", later).reasons == {"noted": 1}
    assert shown(tasks, id_).version == version


@pytest.mark.guarantee("tasks-29", "Reconciling the same records again writes no row.")
def test_a_dry_run_and_a_second_run_change_no_byte(
    cleo_cli: Cli, tasks: Any, seen: Any, write: Write, cleo_project: Path
) -> None:
    seen(record("A-1"), record("A-2"), record("A-3"))
    tasks.deps_add("T003", "T002")
    path = write(
        record("A-1", "New", "done"),
        record("A-2", status="blocked"),
        record("A-3", status="done"),
        record("A-4"),
        {"external_id": "A-5", "status": "flying"},
        "text",
    )
    argv = ("link", "reconcile", "jira", path)
    with unwritten(cleo_project):
        planned = cleo_cli(*argv, "--dry-run", "--report", "none.jsonl").data
        reported = cleo_cli(*argv, "--policy", "report-only").data
    assert not (cleo_project / "none.jsonl").exists()
    done = cleo_cli(*argv, "--report", "report.jsonl").data
    counts = {"create": 1, "update": 1, "complete": 1, "activate": 0, "conflict": 1}
    assert done["counts"] == {**counts, "skip": 2, "outbound": 0}
    assert planned["counts"] == reported["counts"] == done["counts"]
    assert [one["action"] for one in planned["actions"]] == [
        one["action"] for one in done["actions"]
    ]
    assert planned["actions"][3]["taskId"] == "T???"
    assert done["reasons"] == {"not an object": 1, "unknown status": 1}
    lines = [json.loads(line) for line in (cleo_project / "report.jsonl").read_text().splitlines()]
    assert [line["row"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert lines[2]["code"] == "E_DEPENDENCIES_OPEN"
    assert lines[4]["reason"] == "unknown status"
    with unwritten(cleo_project):
        again = cleo_cli(*argv).data
    assert (again["counts"]["skip"], again["counts"]["conflict"]) == (5, 1)


def test_a_report_is_written_though_nothing_else_is(
    cleo_cli: Cli, seen: Any, write: Write, cleo_project: Path
) -> None:
    seen(record("A-1"))
    path = write(record("A-1", "New"))
    argv = ("link", "reconcile", "jira", path, "--policy", "report-only", "--report", "r.jsonl")
    assert cleo_cli(*argv).data["counts"]["update"] == 1
    assert json.loads((cleo_project / "r.jsonl").read_text())["action"] == "update"
    assert cleo_cli(*argv).code == 2
    assert cleo_cli(*argv, "--force").code == 0


# The files of importers


def issue(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "number": number,
        "title": f"Issue {number}",
        "state": "OPEN",
        "url": f"https://github.com/acme/tool/issues/{number}",
        "createdAt": EARLY,
        "updatedAt": EARLY,
        **fields,
    }


def test_the_files_of_importers_are_read_too(tasks: Any, cleo_home: Path) -> None:
    path = cleo_home / "issues.json"

    def reconcile(*rows: Any, **options: Any) -> Any:
        path.write_text(json.dumps(rows))
        return tasks.link_reconcile("github", str(path), **options)

    path.write_text(json.dumps([issue(1), issue(2), issue(3)]))
    tasks.import_github(str(path))
    tasks.start("T001")
    # That it is being worked on is nothing that an issue could say.
    assert reconcile(issue(1), issue(2), issue(3)).reasons == {"unchanged": 3}
    tasks.update("T002", add_labels=["ours"], description="Ours.")
    result = reconcile(
        issue(1, state="CLOSED", closedAt=EARLY),
        issue(2, labels=[{"name": "ui"}], body="Theirs.", comments=[{"body": "Hm."}]),
        issue(3, state="CLOSED", stateReason="NOT_PLANNED", milestone={"title": "V 1"}),
        issue(4, blockedBy=[2], state="CLOSED"),
        issue(5, pull_request={}),
    )
    assert [one.action for one in result.actions] == ["complete", "update", "update", "create"]
    assert result.reasons == {"pull request": 1}
    first, second, third, fourth = tasks.show("T001", "T002", "T003", "T004")
    assert first.status == "done"
    assert (second.labels, second.description) == (["ours", "ui"], "Ours.")
    assert [note["text"] for note in second.notes] == ["Hm."]
    assert (third.status, third.cancellation_reason, third.phase) == (
        "cancelled",
        "not planned",
        "v-1",
    )
    assert fourth.depends_on == ["T002"]
    # An import has nothing left to do.
    assert tasks.import_github(str(path), update=True).reasons == {
        "pull request": 1,
        "unchanged": 4,
    }
    # A label that was taken away here does not come back with another change.
    tasks.update("T002", remove_labels=["ui"])
    reconcile(issue(2, labels=[{"name": "ui"}, {"name": "p1"}], body="Theirs."))
    assert shown(tasks, "T002").labels == ["ours", "p1"]
    reconcile(issue(2, labels=[{"name": "ui"}], body="All theirs."), policy="provider-wins")
    assert shown(tasks, "T002").labels == ["ours", "p1", "ui"]
    assert shown(tasks, "T002").description == "All theirs."


def test_edges_of_records_are_added_and_a_place_taken_here_is_kept(
    tasks: Any, cleo_home: Path
) -> None:
    path = cleo_home / "issues.json"

    def reconcile(*rows: Any, **options: Any) -> Any:
        path.write_text(json.dumps(rows))
        return tasks.link_reconcile("github", str(path), **options)

    reconcile(issue(1), issue(2, parent=1), issue(3, blockedBy=[9]))
    child = next(one for one in tasks.show("T001", "T002", "T003") if one.title == "Issue 2")
    waits = next(one for one in tasks.show("T001", "T002", "T003") if one.title == "Issue 3")
    # The record that was missing gets there, and the edge with it.
    result = reconcile(issue(3, blockedBy=[9]), issue(9))
    assert [one.action for one in result.actions] == ["update", "create"]
    assert shown(tasks, waits.id).depends_on == ["T004"]
    tasks.deps_remove(waits.id, ["T004"])
    tasks.reparent(child.id, "root")
    rows = (issue(1), issue(2, parent=1, body="x"), issue(3, blockedBy=[9], body="x"), issue(9))
    reconcile(*rows)
    assert shown(tasks, child.id).parent_id is None
    assert shown(tasks, child.id).description == "x"
    assert shown(tasks, waits.id).depends_on == []
    rows = (issue(1), issue(2, parent=1, body="y"), issue(3, blockedBy=[9], body="y"), issue(9))
    reconcile(*rows, policy="provider-wins")
    assert shown(tasks, child.id).parent_id == "T001"
    assert shown(tasks, waits.id).depends_on == ["T004"]


def test_the_generic_form_serves_every_provider(tasks: Any, write: Write, cleo_home: Path) -> None:
    path = cleo_home / "issues.json"
    path.write_text(json.dumps([issue(1)]))
    tasks.import_github(str(path))
    done = write({"status": "closed", **record("acme/tool#1", "Issue 1", "closed")})
    assert only(tasks.link_reconcile("github", done)).action == "complete"
    path.write_text(json.dumps([record("A-1"), record("A-2")]))
    assert tasks.link_reconcile("jira", str(path)).counts["create"] == 2


def test_task_master_and_taskwarrior_are_reconciled(tasks: Any, cleo_home: Path) -> None:
    path = cleo_home / "tasks.json"

    def master(status: str) -> str:
        below = {"id": 1, "title": "Below", "status": status}
        one = {"id": 1, "title": "One", "status": status, "subtasks": [below]}
        path.write_text(json.dumps({"master": {"tasks": [one]}, "x": {"tasks": [one]}}))
        return str(path)

    tasks.import_task_master(master("pending"), tags=["master"])
    result = tasks.link_reconcile("task-master", master("done"), tags=["master"])
    assert (result.read, result.counts["complete"]) == (2, 2)

    def warrior(**fields: Any) -> str:
        path.write_text(json.dumps([{"uuid": "u", "description": "W", "urgency": 1, **fields}]))
        return str(path)

    tasks.import_taskwarrior(warrior(status="pending"))
    started = warrior(status="pending", start="20260101T000000Z", urgency=7)
    assert only(tasks.link_reconcile("taskwarrior", started)).action == "activate"


# Over several runs


@pytest.fixture
def prune(request: pytest.FixtureRequest, tasks: Any) -> Callable[[], None]:
    def run() -> None:
        if request.node.callspec.params["prune_log"]:
            tasks.log_prune(before=LATE)

    return run


PRUNED = pytest.mark.parametrize("prune_log", [False, True], ids=["with its log", "log pruned"])


def test_addresses_come_without_who_opens_them(
    tasks: Any, write: Write, cleo_project: Path
) -> None:
    url = "https://ada:hunter2@j.example/A-1?x=@"
    path = write(record("A-1", url=url))
    tasks.link_reconcile("jira", path)
    [link], _ = tasks.link_list()
    assert link.external_url == "https://j.example/A-1?x=@"
    with unwritten(cleo_project):
        assert tasks.link_reconcile("jira", path).reasons == {"unchanged": 1}
    files = (cleo_project / ".cleo" / name for name in ("tasks.db", "tasks.db-wal"))
    assert not any(b"hunter2" in file.read_bytes() for file in files)


@PRUNED
@pytest.mark.parametrize("direction", ["inbound", "bidirectional"])
def test_what_was_kept_here_once_is_kept_until_both_sides_agree(
    direction: str,
    prune_log: bool,
    prune: Callable[[], None],
    tasks: Any,
    seen: Any,
    write: Write,
    cleo_project: Path,
) -> None:
    def reconcile(title: str, description: str, **options: Any) -> Any:
        prune()
        row = record("A-1", title, description=description)
        return tasks.link_reconcile("jira", write(row), **options)

    def described() -> tuple[str, str]:
        return shown(tasks, id_).title, shown(tasks, id_).description

    def goes_out(result: Any, outside: str) -> bool:
        if direction == "inbound":
            return "Ours" not in str(result.actions)
        return bool(only(result).outbound == {"description": {"here": "Ours", "outside": outside}})

    id_ = seen(record("A-1", description="First"), direction=direction)
    tasks.update(id_, description="Ours")
    assert goes_out(reconcile("Record A-1", "Theirs"), "Theirs")
    # They change something else, and nothing more: the words stay, and are told each time.
    assert goes_out(reconcile("New title", "Theirs"), "Theirs")
    assert described() == ("New title", "Ours")
    path = write(record("A-1", "New title", description="Theirs"))
    for policy in POLICIES:
        prune()
        with unwritten(cleo_project):
            again = tasks.link_reconcile("jira", path, policy=policy)
        assert goes_out(again, "Theirs")
        assert again.reasons == ({"kept here": 1} if direction == "inbound" else {})
    # They change the same words again, and the policy decides again.
    assert goes_out(reconcile("New title", "Theirs 2"), "Theirs 2")
    # They take ours over, and from then on follow each other as before.
    assert reconcile("New title", "Ours").reasons == {"noted": 1}
    assert only(reconcile("New title", "Theirs 3")).action == "update"
    assert described() == ("New title", "Theirs 3")


@PRUNED
def test_what_was_taken_away_here_stays_away(
    prune_log: bool, prune: Callable[[], None], tasks: Any, cleo_home: Path
) -> None:
    path = cleo_home / "issues.json"

    def reconcile(body: str, *labels: str, **options: Any) -> Any:
        prune()
        names = [{"name": name} for name in labels]
        child = issue(2, parent=1, blockedBy=[3], labels=names, body=body)
        path.write_text(json.dumps([issue(1), issue(3), child]))
        return tasks.link_reconcile("github", str(path), **options)

    def child() -> tuple[Any, ...]:
        found = shown(tasks, id_)
        return found.parent_id, found.depends_on, found.labels

    id_ = reconcile("0", "ui", "old").actions[2].task_id
    above, awaited = child()[0], child()[1]
    assert (above, awaited) != (None, [])
    tasks.reparent(id_, "root")
    tasks.deps_remove(id_, awaited)
    tasks.update(id_, remove_labels=["ui"], add_labels=["ours"], description="Ours")
    for body in ("1", "2"):
        reconcile(body, "ui", "old", "new")
        assert child() == (None, [], ["new", "old", "ours"])
    assert shown(tasks, id_).description == "Ours"
    reconcile("3", "ui", policy="provider-wins")
    assert child() == (above, awaited, ["new", "old", "ours", "ui"])
    assert shown(tasks, id_).description == "3"


def test_what_an_update_by_import_brought_counts_as_agreed(tasks: Any, cleo_home: Path) -> None:
    path = cleo_home / "issues.json"

    def wrote(*rows: Any) -> str:
        path.write_text(json.dumps(rows))
        return str(path)

    tasks.import_github(wrote(issue(1, body="First", blockedBy=[2])))
    # What it waits for gets there later, and the edge with it.
    tasks.import_github(wrote(issue(1, body="First", blockedBy=[2]), issue(2)))
    assert shown(tasks, "T001").depends_on == ["T002"]
    tasks.deps_remove("T001", ["T002"])
    tasks.link_reconcile("github", wrote(issue(1, title="A", body="First", blockedBy=[2])))
    assert shown(tasks, "T001").depends_on == []
    tasks.import_github(wrote(issue(1, title="B", body="Second", labels=["x"])), update=True)
    tasks.update("T001", remove_labels=["x"])
    third = wrote(issue(1, title="C", body="Third", labels=["x"]))
    assert only(tasks.link_reconcile("github", third)).action == "update"
    found = shown(tasks, "T001")
    assert (found.title, found.description, found.labels) == ("C", "Third", [])


def test_what_a_record_says_for_the_first_time_fills_what_is_empty(
    tasks: Any, write: Write
) -> None:
    tasks.add("Record A-1")
    tasks.add("Record A-2", description="Ours")
    for number in (1, 2):
        tasks.link_add(f"T00{number}", f"A-{number}", "jira", direction="bidirectional")
    tasks.link_reconcile("jira", write(record("A-1"), record("A-2")))
    rows = [record(f"A-{number}", description="Theirs") for number in (1, 2)]
    result = tasks.link_reconcile("jira", write(*rows))
    assert [one.action for one in result.actions] == ["update", "outbound"]
    assert [one.description for one in tasks.show("T001", "T002")] == ["Theirs", "Ours"]


def test_metadata_of_another_form_is_as_good_as_none(
    tasks: Any, seen: Any, write: Write, cleo_app: App
) -> None:
    id_ = seen(record("A-1", description="First"), direction="bidirectional")
    for odd in ('"x"', "[]", '{"columns": 1, "labels": [1, []], "waits": {}, "parent": 2}'):
        cleo_app.write(
            "tasks",
            lambda unit, odd=odd: unit.execute(
                "UPDATE external_task_links SET metadata_json = json_object('agreed', json(:odd))",
                odd=odd,
            ),
        )
        row = record("A-1", description=f"Theirs {odd}")
        assert only(tasks.link_reconcile("jira", write(row))).action == "outbound"
        assert shown(tasks, id_).description == "First"


_FIELDS = ("title", "description", "acceptance")
_STEPS = st.one_of(
    st.tuples(st.sampled_from(("here", "there")), st.sampled_from(_FIELDS)),
    st.tuples(st.sampled_from(("adopt", "silent")), st.sampled_from(_FIELDS)),
    st.tuples(st.just("label"), st.sampled_from(("add", "remove", "offer", "withdraw"))),
    st.tuples(st.just("prune"), st.just("")),
    st.tuples(st.just("reconcile"), st.sampled_from(("cleo-wins", "provider-wins", "report-only"))),
)


@pytest.mark.guarantee(
    "tasks-29", "Reconciling keeps what the policy favours and tells of each open difference."
)
@given(
    steps=st.lists(_STEPS, min_size=3, max_size=14),
    direction=st.sampled_from(("inbound", "bidirectional")),
)
@settings(
    max_examples=18,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_sequence_of_edits_and_runs_loses_what_the_policy_favours(
    steps: list[tuple[str, str]], direction: str, tasks: Any, cleo_home: Path
) -> None:
    path = cleo_home / "issues.jsonl"
    key = f"bd-{tasks.link_list(limit=1)[1].total}"
    there: dict[str, str | None] = dict.fromkeys(_FIELDS, f"Beginning of {key}")
    offered = {"both"}

    def reconcile(policy: str) -> Any:
        names = {"acceptance": "acceptance_criteria"}
        said = {names.get(name, name): f"{name} {text}" for name, text in there.items() if text}
        row = {"id": key, "status": "open", "labels": sorted(offered), **said}
        path.write_text(json.dumps(row) + "\n")
        return tasks.link_reconcile("beads", str(path), policy=policy)

    def here(name: str) -> Any:
        value = getattr(shown(tasks, id_), name)
        return value[0] if isinstance(value, list) else value

    id_ = only(reconcile("cleo-wins")).task_id
    tasks.link_add(id_, key, "beads", direction=direction)
    ours: set[str] = set()
    theirs: set[str] = set()
    kept: set[str] = set()
    taken: set[str] = set()
    for number, (step, which) in enumerate([*steps, ("reconcile", "cleo-wins")]):
        if step == "here":
            text = f"{which} {number} here"
            tasks.update(id_, **{which: [text] if which == "acceptance" else text})
            ours.add(which)
        elif step == "there":
            there[which] = f"{number} there"
            theirs.add(which)
        elif step == "adopt":
            there[which] = here(which).removeprefix(f"{which} ")
            # A change there, unless what is here is what both had.
            (theirs.add if which in ours else theirs.discard)(which)
        elif step == "silent" and which != "title":
            there[which] = None
            theirs.discard(which)
        elif step == "label":
            if which == "add":
                tasks.update(id_, add_labels=[f"l{number}"])
                kept.add(f"l{number}")
            elif which == "offer":
                offered.add(f"t{number}")
            elif which == "withdraw":
                offered.clear()
            elif gone := set(shown(tasks, id_).labels) & offered:
                tasks.update(id_, remove_labels=sorted(gone))
                taken |= gone
        elif step == "prune":
            tasks.log_prune(before=LATE)
        elif step == "reconcile":
            before = {name: here(name) for name in _FIELDS}
            result = reconcile(which)
            for name in _FIELDS:
                outside = None if there[name] is None else f"{name} {there[name]}"
                if outside in (None, before[name]):
                    # Who says nothing contradicts nobody; what is the same is agreed.
                    expected = before[name]
                    if outside is not None and which != "report-only":
                        ours.discard(name)
                        theirs.discard(name)
                elif which == "report-only":
                    expected = before[name]
                elif name in theirs and (which == "provider-wins" or name not in ours):
                    expected = outside
                    ours.discard(name)
                    theirs.discard(name)
                else:
                    assert name in ours
                    expected = before[name]
                    theirs.discard(name)
                assert here(name) == expected, (name, which)
            differ = {
                name for name, text in there.items() if text and here(name) != f"{name} {text}"
            }
            told = {name for one in result.actions for name in (*one.changes, *one.outbound)}
            if direction == "bidirectional":
                assert differ <= told
            elif differ and not result.actions:
                assert result.reasons == {"kept here": 1}
            labels = set(shown(tasks, id_).labels)
            assert kept <= labels
            if which == "cleo-wins":
                assert not taken & labels
            else:
                taken -= labels


# What goes wrong


@pytest.mark.parametrize(
    ("argv", "code", "exit"),
    [
        (("jira", "none.jsonl"), "E_IO", 3),
        (("Jira!", "odd.jsonl"), "E_VALIDATION", 6),
        (("jira", "odd.jsonl"), "E_VALIDATION", 6),
        (("jira", "odd.jsonl", "--policy", "mine"), "E_USAGE", 2),
        (("jsonl", "odd.jsonl"), "E_USAGE", 2),
        (("jira", "odd.jsonl", "--report", "no/such/r"), "E_IO", 3),
    ],
)
def test_what_cannot_be_is_one_clear_error(
    argv: tuple[str, ...], code: str, exit: int, cleo_cli: Cli, cleo_project: Path
) -> None:
    (cleo_project / "odd.jsonl").write_text("no records\n")
    with unwritten(cleo_project):
        refused = cleo_cli("link", "reconcile", *argv)
    assert (refused.code, refused.error["code"]) == (exit, code)
    assert refused.error["fix"]


def test_an_unknown_policy_from_python_is_refused(tasks: Any, write: Write) -> None:
    with pytest.raises(CleoError) as refused:
        tasks.link_reconcile("jira", write(), policy="mine")
    assert refused.value.exit == 2


def test_a_veto_stands_for_its_record_alone(
    tasks: Any, seen: Any, write: Write, cleo_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen(record("A-1"), record("A-2"), record("A-3"))

    def veto(plugins: Any, app: Any, changes: Any) -> None:
        if any("T002" in change.ids for change in changes):
            raise CleoError("E_GUARD", "not that one", fix="cleo show T002")

    monkeypatch.setattr(cleo_core.app, "guard", veto)
    monkeypatch.setattr(type(cleo_app.plugins), "has", lambda self, hook: True)
    path = write(*(record(f"A-{number}", status="done") for number in (1, 2, 3)))
    for policy in ("report-only", "cleo-wins"):
        result = tasks.link_reconcile("jira", path, policy=policy)
        assert [one.action for one in result.actions] == ["complete", "conflict", "complete"]
        assert result.actions[1].code == "E_GUARD"
    assert [one.status for one in tasks.show("T001", "T002", "T003")] == ["done", "pending", "done"]


@pytest.mark.parametrize("policy", ["report-only", "cleo-wins"])
def test_nobody_waits_for_a_rehearsal_and_nothing_is_left_of_it(
    policy: str,
    tasks: Any,
    seen: Any,
    write: Write,
    cleo_app: App,
    cleo_open: Callable[..., App],
    cleo_home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ids = [f"A-{number}" for number in range(4)]
    seen(*(record(id_) for id_ in ids))
    tasks.reparent("T002", "T001")
    tasks.reparent("T003", "T001")
    left = cleo_home / "temporary"
    left.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(left))
    monkeypatch.setenv("CLEO_BUSY_TIMEOUT_MS", "1")
    monkeypatch.setattr("cleo_core.database.BUSY_WAITS", ())
    other = cleo_open().service("tasks")
    added: list[str] = []

    def meanwhile(what: str, done: int, total: int) -> None:
        if what == "records":
            added.append(other.add(f"Meanwhile {len(added)}").task.id)

    path = write(*(record(id_, status="done") for id_ in ids))
    heard: list[Any] = []
    monkeypatch.setattr(cleo_core.app, "after_commit", lambda *args: heard.append(args))
    cleo_app.dry_run = policy != "report-only"
    result = tasks.link_reconcile("jira", path, policy=policy, progress=meanwhile)
    cleo_app.dry_run = False
    # The parent is refused at first, and goes after its children.
    assert result.counts["complete"] == 4
    assert len(added) == 5
    assert {one.status for one in tasks.show("T001", *added)} == {"pending"}
    assert list(left.iterdir()) == []
    assert heard == []


_KILLED = """\
import os, signal, sys
from cleo_core.app import App, open_app
left = [int(sys.argv[2])]
plain = App.write
def write(app, name, body):
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    left[0] -= 1
    return plain(app, name, body)
App.write = write
open_app().service("tasks").link_reconcile("jira", sys.argv[1])
"""


@pytest.mark.guarantee("tasks-29", "A reconciliation that was killed is finished by a re-run.")
@pytest.mark.parametrize("units", [1, 3])
def test_a_killed_run_is_finished_by_the_next(
    units: int, tasks: Any, seen: Any, write: Write, cleo_processes: Any
) -> None:
    seen(record("A-1"), record("A-2"))
    path = write(
        record("A-1", "New", "done"), record("A-2", status="started"), record("A-3", status="done")
    )
    [(code, _, err)] = cleo_processes([[sys.executable, "-c", _KILLED, path, str(units)]])
    assert code == -signal.SIGKILL, err
    tasks.link_reconcile("jira", path)
    found = tasks.show("T001", "T002", "T003")
    assert [one.status for one in found] == ["done", "active", "done"]
    assert found[0].title == "New"
    assert tasks.link_reconcile("jira", path).reasons == {"unchanged": 3}


_WORDS = st.sampled_from(("open", "in progress", "blocked", "done", "cancelled"))
_VERBS = st.sampled_from(("", "start", "complete", "cancel", "delete", "title"))


@given(
    rows=st.lists(st.tuples(_WORDS, _VERBS, _WORDS, st.booleans()), min_size=1, max_size=4),
    direction=st.sampled_from(("inbound", "outbound", "bidirectional")),
    policy=st.sampled_from(POLICIES),
    when=st.sampled_from((None, EARLY, LATE)),
)
@settings(
    max_examples=18,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_whatever_both_sides_did_the_counts_add_up_and_a_repeat_writes_nothing(
    rows: list[tuple[str, str, str, bool]],
    direction: str,
    policy: str,
    when: str | None,
    tasks: Any,
    write: Write,
) -> None:
    start = tasks.link_list(limit=1)[1].total
    names = [f"R-{start}-{number}" for number in range(len(rows))]
    made = tasks.link_reconcile(
        "jira", write(*(record(name, status=row[0]) for name, row in zip(names, rows, strict=True)))
    )
    for action, (_, verb, _, _) in zip(made.actions, rows, strict=True):
        tasks.link_add(action.task_id, action.external_id, "jira", direction=direction)
        try:
            if verb == "title":
                tasks.update(action.task_id, title="Ours")
            elif verb:
                getattr(tasks, verb)(action.task_id)
        except CleoError:
            continue
    more = {} if when is None else {"updated_at": when}
    path = write(
        *(
            record(name, "Theirs" if row[3] else "", row[2], **more)
            for name, row in zip(names, rows, strict=True)
        )
    )
    before = [shown(tasks, one.task_id) for one in made.actions]
    result = tasks.link_reconcile("jira", path, policy=policy)
    assert sum(result.counts.values()) == result.read == len(rows)
    assert sum(result.reasons.values()) == result.counts["skip"]
    if policy == "report-only" or direction == "outbound":
        after = [shown(tasks, one.task_id) for one in made.actions]
        assert [one.version for one in after] == [one.version for one in before]
    if direction == "inbound":
        assert result.counts["outbound"] == 0
        assert not any(one.outbound for one in result.actions)
    if direction == "outbound":
        assert result.counts["update"] + result.counts["complete"] + result.counts["activate"] == 0
    logged = tasks.log_list(limit=1)[1].total
    again = tasks.link_reconcile("jira", path, policy=policy)
    assert tasks.log_list(limit=1)[1].total == logged
    assert again.counts["conflict"] == result.counts["conflict"]


@pytest.mark.parametrize("given", [(), ("--policy", "latest-wins"), ("--no-assignee",)])
def test_who_is_overtaken_is_told_so_in_plain_words_with_a_command_that_finishes(
    given: tuple[str, ...],
    cleo_open: Callable[..., App],
    cleo_cli: Cli,
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from cleo_tasks.importers import reconciling

    path = write(record("A-1"), name="the records.jsonl")
    other = cleo_open().service("tasks")
    real = reconciling.insert_phases

    def late(run: Any) -> None:
        other.link_add(other.add("Faster").task.id, "A-1", "jira")
        real(run)

    with monkeypatch.context() as patch:
        patch.setattr(reconciling, "insert_phases", late)
        error = cleo_cli("link", "reconcile", "jira", path, *given).error
    assert error["code"] == "E_CONCURRENT_MODIFICATION"
    assert "was reconciled" in error["message"]
    assert "one of its records got a task meanwhile" in error["message"]
    assert "constraint" not in error["message"]
    assert error["fix"] == " ".join(["cleo link reconcile jira", f"'{path}'", *given])
    words = shlex.split(error["fix"])[1:]
    assert cleo_cli(*words).data["counts"]["create"] == 0
