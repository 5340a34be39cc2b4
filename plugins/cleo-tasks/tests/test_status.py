"""Cancelling, reopening, archiving, deleting and purging, with what hangs on a task."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome
from cleo_core.units import Unit

Cli = Callable[..., Outcome]
Open = Callable[..., App]

NOW = "2026-03-25T14:30:00.000Z"
TABLES = (
    *("tasks", "task_labels", "task_dependencies", "task_relations", "audit_log", "sessions"),
    *("lifecycle_pipelines", "task_work_history", "session_tasks", "schema_meta"),
)


def execute(app: App, *statements: str, **params: Any) -> None:
    """Put something into the store that no verb under test writes."""

    def body(unit: Unit) -> None:
        for sql in statements:
            unit.execute(sql, **params)

    app.write("tasks", body)


def add(app: App, title: str, **more: Any) -> str:
    """Add a task and return its id."""
    return str(app.service("tasks").add(title, allow_duplicate=True, **more).task.id)


def start_pipeline(app: App, id_: str, status: str = "in_progress") -> None:
    """Give a task a pipeline that stands in specification."""
    execute(
        app,
        "INSERT INTO lifecycle_pipelines (id, task_id, status, started_at, updated_at) "
        "SELECT 'pl_' || id, id, CASE :status WHEN 'in_progress' THEN 'active' ELSE :status END, "
        "created_at, created_at FROM tasks WHERE id = :id",
        id=id_,
        status=status,
    )
    execute(
        app,
        "INSERT INTO lifecycle_stages (id, pipeline_id, stage_name, status, sequence) "
        "SELECT 'pl_' || id || '/specification', 'pl_' || id, 'specification', :status, 4 "
        "FROM tasks WHERE id = :id",
        id=id_,
        status=status,
    )
    execute(
        app,
        "UPDATE lifecycle_pipelines SET current_stage_id = id || '/specification' "
        "WHERE task_id = :id",
        "UPDATE tasks SET pipeline_stage = 'specification' WHERE id = :id",
        id=id_,
    )


def row(app: App, id_: str) -> dict[str, Any]:
    """A task's columns as stored."""
    found = app.store("tasks").one("SELECT * FROM tasks WHERE id = :id", id=id_)
    assert found is not None
    return found


def statuses(app: App, *ids: str) -> list[str]:
    """The status of each task."""
    return [row(app, id_)["status"] for id_ in ids]


def audit(app: App, since: int = 0) -> list[dict[str, Any]]:
    """Rows of the log, ``before`` and ``after`` decoded."""
    rows = app.store("tasks").read(
        "SELECT id, action, entity_kind, entity_id, task_id, actor, reason, before_json, "
        "after_json FROM audit_log WHERE id > :since ORDER BY id",
        since=since,
    )
    for one in rows:
        for name in ("before", "after"):
            text = one.pop(f"{name}_json")
            one[name] = None if text is None else json.loads(text)
    return rows


def last_audit(app: App) -> int:
    """The id of the newest row of the log."""
    return int(app.store("tasks").scalar("SELECT coalesce(max(id), 0) FROM audit_log"))


def everything(app: App) -> list[list[dict[str, Any]]]:
    """All that these verbs could change."""
    return [app.store("tasks").read(f"SELECT * FROM {table} ORDER BY 1, 2") for table in TABLES]


def refusal(app: App, verb: str, *ids: str, **given: Any) -> CleoError:
    """The error that a verb ends in; nothing may be written."""
    before = everything(app)
    with pytest.raises(CleoError) as caught:
        getattr(app.service("tasks"), verb)(*ids, **given)
    assert everything(app) == before
    assert caught.value.fix
    return caught.value


def ids_of(lines: Sequence[Any]) -> list[str]:
    """The ids of records."""
    return [line.id for line in lines]


@pytest.fixture
def family(cleo_app: App) -> dict[str, str]:
    """An epic in an epic, with two tasks and a subtask below, and one task that is done."""
    ids = {"top": add(cleo_app, "top", type="epic")}
    ids["epic"] = add(cleo_app, "epic", type="epic", parent=ids["top"])
    ids["one"] = add(cleo_app, "one", parent=ids["epic"])
    ids["two"] = add(cleo_app, "two", parent=ids["epic"])
    ids["done"] = add(cleo_app, "done", parent=ids["epic"])
    cleo_app.service("tasks").complete(ids["done"])
    return ids


@pytest.mark.guarantee(
    "tasks-17", "A task with open children is not cancelled or deleted unless one says how"
)
@pytest.mark.parametrize("verb", ["cancel", "delete"])
def test_open_children_block(cleo_app: App, family: dict[str, str], verb: str) -> None:
    refused = refusal(cleo_app, verb, family["epic"])
    assert refused.code == "E_HAS_CHILDREN"
    assert refused.details["children"] == [family["one"], family["two"]]
    result = getattr(cleo_app.service("tasks"), verb)(family["epic"], family["two"], family["one"])
    assert ids_of(result.tasks) == [family["epic"], family["two"], family["one"]]


@pytest.mark.guarantee(
    "tasks-17", "Cascade closes everything open below a task, with one audit row for each"
)
@pytest.mark.parametrize(("verb", "status"), [("cancel", "cancelled"), ("delete", "archived")])
def test_cascade_takes_everything_open_along(
    cleo_app: App, family: dict[str, str], verb: str, status: str
) -> None:
    since = last_audit(cleo_app)
    result = getattr(cleo_app.service("tasks"), verb)(
        family["top"], children="cascade", reason="no budget"
    )
    closed = [family[name] for name in ("top", "epic", "one", "two")]
    assert ids_of(result.tasks) == closed
    assert statuses(cleo_app, *closed, family["done"]) == [status] * 4 + ["done"]
    rows = audit(cleo_app, since)
    assert sorted(one["entity_id"] for one in rows) == sorted(closed)
    assert {(one["action"], one["reason"]) for one in rows} == {(f"task.{verb}", "no budget")}
    assert all(one["after"]["status"] == status for one in rows)
    assert {row(cleo_app, id_)["version"] for id_ in closed} == {2}


@pytest.mark.guarantee("tasks-17", "Orphan moves the open children up, with one audit row for each")
@pytest.mark.parametrize("verb", ["cancel", "delete"])
def test_orphan_moves_the_children_up(cleo_app: App, family: dict[str, str], verb: str) -> None:
    since = last_audit(cleo_app)
    result = getattr(cleo_app.service("tasks"), verb)(family["epic"], children="orphan")
    assert result.moved == [
        {"id": family[name], "parentId": family["top"], "type": "task"} for name in ("one", "two")
    ]
    assert [row(cleo_app, family[name])["parent_id"] for name in ("one", "two", "done")] == [
        family["top"],
        family["top"],
        family["epic"],
    ]
    assert sorted(one["entity_id"] for one in audit(cleo_app, since)) == sorted(
        family[name] for name in ("epic", "one", "two")
    )


def test_orphan_passes_over_parents_that_close_too(cleo_app: App, family: dict[str, str]) -> None:
    subtask = add(cleo_app, "subtask", parent=add(cleo_app, "task", parent=family["top"]))
    result = cleo_app.service("tasks").cancel(family["epic"], family["top"], children="orphan")
    assert {one["id"]: one["parentId"] for one in result.moved} == {
        family["one"]: None,
        family["two"]: None,
        row(cleo_app, subtask)["parent_id"]: None,
    }


def test_an_orphaned_subtask_becomes_a_task(cleo_app: App) -> None:
    task = add(cleo_app, "task")
    subtask = add(cleo_app, "subtask", parent=task)
    result = cleo_app.service("tasks").delete(task, children="orphan")
    assert result.moved == [{"id": subtask, "parentId": None, "type": "task"}]


def test_children_is_one_of_three_words(cleo_cli: Cli, cleo_app: App) -> None:
    add(cleo_app, "x")
    assert refusal(cleo_app, "cancel", "T001", children="all").exit == 2
    assert cleo_cli("delete", "T001", "--children", "all").code == 2


def test_cancelling_frees_what_waited_and_names_it(cleo_app: App) -> None:
    first, second = add(cleo_app, "first"), add(cleo_app, "second")
    waiting = add(cleo_app, "waiting", depends=[first, second])
    tasks = cleo_app.service("tasks")
    assert tasks.cancel(first).unblocked_tasks == []
    result = tasks.cancel(second)
    assert ids_of(result.unblocked_tasks) == [waiting]
    assert cleo_app.warnings[-1]["message"] == (
        f"{waiting} depends on {first}, {second}, which were cancelled."
    )


@pytest.mark.parametrize(
    ("reason", "code"),
    [("x" * 501, 6), (" ", 6), ("", 6), ("a\0b", 6), ("x" * 500, 0), ("why | é 🦀", 0)],
)
@pytest.mark.parametrize("verb", ["cancel", "delete"])
def test_a_reason_has_1_to_500_characters(cleo_app: App, verb: str, reason: str, code: int) -> None:
    id_ = add(cleo_app, "x")
    if code:
        assert refusal(cleo_app, verb, id_, reason=reason).exit == code
        return
    getattr(cleo_app.service("tasks"), verb)(id_, reason=reason)
    assert audit(cleo_app)[-1]["reason"] == reason
    if verb == "cancel":
        assert row(cleo_app, id_)["cancellation_reason"] == reason


@pytest.mark.parametrize(
    ("verb", "state", "code"),
    [
        ("cancel", "done", "E_INVALID_TRANSITION"),
        ("cancel", "archived", "E_INVALID_TRANSITION"),
        ("cancel", "cancelled", "E_NO_CHANGE"),
        ("reopen", "pending", "E_NO_CHANGE"),
        ("reopen", "archived", "E_INVALID_TRANSITION"),
        ("archive", "pending", "E_INVALID_TRANSITION"),
        ("archive", "archived", "E_NO_CHANGE"),
        ("unarchive", "pending", "E_NO_CHANGE"),
        ("unarchive", "done", "E_NO_CHANGE"),
        ("delete", "archived", "E_NO_CHANGE"),
    ],
)
def test_a_verb_that_does_not_lead_there_names_what_does(
    cleo_app: App, verb: str, state: str, code: str
) -> None:
    tasks = cleo_app.service("tasks")
    id_ = add(cleo_app, "x")
    if state in ("done", "archived"):
        tasks.complete(id_)
    if state == "archived":
        tasks.archive(id_)
    if state == "cancelled":
        tasks.cancel(id_)
    refused = refusal(cleo_app, verb, id_)
    assert refused.code == code
    assert refused.fix.startswith("cleo ")


def test_what_is_there_already_is_passed_over_among_others(cleo_app: App) -> None:
    tasks = cleo_app.service("tasks")
    one, two = add(cleo_app, "one"), add(cleo_app, "two")
    tasks.cancel(one)
    assert ids_of(tasks.cancel(one, two).tasks) == [two]
    assert cleo_app.warnings[-1] == {
        "code": "W_NO_CHANGE",
        "message": f"{one} is cancelled already.",
    }
    assert refusal(cleo_app, "cancel", one, two).code == "E_NO_CHANGE"


def test_several_ids_are_all_or_nothing(cleo_app: App, family: dict[str, str]) -> None:
    free = add(cleo_app, "free")
    refused = refusal(cleo_app, "cancel", free, family["epic"])
    assert (refused.exit, refused.details["field"]) == (16, family["epic"])
    refused = refusal(cleo_app, "cancel", free, family["epic"], family["done"])
    assert refused.exit == 6
    assert {one["exit"] for one in refused.details["problems"]} == {6, 16}
    assert refusal(cleo_app, "delete", free, "T999").exit == 4
    assert refusal(cleo_app, "cancel", free, "1x").exit == 2


def test_reopening_names_who_waits_again(cleo_app: App) -> None:
    tasks = cleo_app.service("tasks")
    one, two, open_ = add(cleo_app, "one"), add(cleo_app, "two"), add(cleo_app, "open")
    free = add(cleo_app, "waits for both", depends=[one, two])
    add(cleo_app, "waits anyway", depends=[one, open_])
    finished = add(cleo_app, "finished", depends=[one])
    tasks.complete(one, two)
    tasks.complete(finished)
    result = tasks.reopen(one)
    assert ids_of(result.reblocked) == [free]
    assert tasks.reopen(two).reblocked == []


@pytest.mark.parametrize(
    ("status", "code"), [("pending", 0), ("active", 0), ("blocked", 2), ("done", 2), ("", 2)]
)
def test_a_task_is_reopened_as_pending_or_active(
    cleo_cli: Cli, cleo_app: App, status: str, code: int
) -> None:
    add(cleo_app, "x")
    cleo_app.service("tasks").complete("T001")
    assert cleo_cli("reopen", "T001", "--status", status).code == code
    assert statuses(cleo_app, "T001") == ["done" if code else status]


def test_reopening_needs_an_open_parent_and_for_active_its_dependencies(cleo_app: App) -> None:
    tasks = cleo_app.service("tasks")
    parent = add(cleo_app, "parent", type="epic")
    child = add(cleo_app, "child", parent=parent)
    tasks.complete(child)
    assert refusal(cleo_app, "reopen", child).code == "E_PARENT_CLOSED"
    assert ids_of(tasks.reopen(child, parent).tasks) == [child, parent]
    first = add(cleo_app, "first")
    tasks.cancel(child)
    tasks.update(child, add_depends=[first])
    assert refusal(cleo_app, "reopen", child, status="active").exit == 5
    assert ids_of(tasks.reopen(child).tasks) == [child]


@pytest.mark.guarantee(
    "tasks-16", "An epic's pipeline ends and goes on with it, through cascade, cancel and reopen"
)
@pytest.mark.parametrize("stage", ["in_progress", "blocked", "failed"])
def test_a_pipeline_is_cancelled_and_goes_on_with_its_task(
    cleo_app: App, family: dict[str, str], stage: str
) -> None:
    tasks = cleo_app.service("tasks")
    start_pipeline(cleo_app, family["epic"], stage)
    since = last_audit(cleo_app)
    tasks.cancel(family["top"], children="cascade")
    db = cleo_app.store("tasks")
    assert db.scalar("SELECT status FROM lifecycle_pipelines") == "cancelled"
    assert row(cleo_app, family["epic"])["pipeline_stage"] == "cancelled"
    (entry,) = [one for one in audit(cleo_app, since) if one["entity_kind"] == "pipeline"]
    was = "active" if stage == "in_progress" else stage
    assert (entry["entity_id"], entry["task_id"], entry["before"], entry["after"]) == (
        f"pl_{family['epic']}",
        family["epic"],
        {"status": was},
        {"status": "cancelled"},
    )
    tasks.reopen(family["top"], family["epic"])
    assert db.scalar("SELECT status FROM lifecycle_pipelines") == was
    assert db.scalar("SELECT version FROM lifecycle_pipelines") == 3
    assert row(cleo_app, family["epic"])["pipeline_stage"] == "specification"
    assert audit(cleo_app)[-1]["action"] == "pipeline.reactivate"


def test_a_reopened_task_without_pipeline_has_its_types_stage(cleo_app: App) -> None:
    tasks = cleo_app.service("tasks")
    ids = add(cleo_app, "epic", type="epic", stage="testing"), add(cleo_app, "task")
    tasks.cancel(*ids)
    tasks.reopen(*ids)
    assert [row(cleo_app, id_)["pipeline_stage"] for id_ in ids] == ["research", "implementation"]


@pytest.mark.guarantee(
    "tasks-17", "Delete, unarchive, archive and reopen keep reasons and times as they were"
)
@pytest.mark.parametrize("state", ["pending", "active", "blocked", "proposed", "done", "cancelled"])
def test_into_the_archive_and_out_again(cleo_app: App, cleo_clock: Any, state: str) -> None:
    tasks = cleo_app.service("tasks")
    id_ = add(cleo_app, "x", status="proposed" if state == "proposed" else "pending")
    if state in ("active", "blocked"):
        tasks.update(id_, status=state)
    if state == "blocked":
        tasks.update(id_, blocked_reason="no key")
    if state == "done":
        tasks.complete(id_)
    if state == "cancelled":
        tasks.cancel(id_, reason="no budget")
    before = row(cleo_app, id_)
    cleo_clock.advance(3600)
    tasks.delete(id_, reason="a mistake")
    deleted = row(cleo_app, id_)
    assert (deleted["archive_reason"], deleted["archived_from"]) == ("deleted", state)
    cleo_clock.advance(3600)
    result = tasks.unarchive(id_)
    assert ids_of(result.tasks) == [id_]
    after = row(cleo_app, id_)
    differing = {name for name in after if after[name] != before[name]}
    assert differing == {"version", "updated_at"}
    out, into = audit(cleo_app)[-1], audit(cleo_app)[-2]
    assert into["reason"] == "a mistake"
    assert out["before"]["archived_at"] == deleted["archived_at"]
    assert out["before"]["archive_reason"] == "deleted"


@pytest.mark.guarantee("tasks-17", "Putting a finished task away makes nobody wait again")
def test_archiving_a_finished_task_reblocks_nobody(cleo_app: App) -> None:
    tasks = cleo_app.service("tasks")
    first = add(cleo_app, "first")
    waiting = add(cleo_app, "waiting", depends=[first])
    tasks.complete(first)
    before = row(cleo_app, waiting)
    tasks.archive(first)
    assert row(cleo_app, waiting) == before
    assert tasks.show(waiting)[0].ready
    tasks.unarchive(first)
    assert row(cleo_app, waiting) == before


def test_unarchiving_needs_an_open_parent_for_an_open_task(cleo_app: App) -> None:
    tasks = cleo_app.service("tasks")
    parent = add(cleo_app, "parent", type="epic")
    open_, done = add(cleo_app, "open", parent=parent), add(cleo_app, "done", parent=parent)
    tasks.complete(done)
    tasks.delete(open_, done)
    tasks.delete(parent)
    assert refusal(cleo_app, "unarchive", open_).code == "E_PARENT_CLOSED"
    assert ids_of(tasks.unarchive(done).tasks) == [done]
    assert ids_of(tasks.unarchive(open_, parent).tasks) == [open_, parent]


def test_archive_selects_by_time_and_status(cleo_app: App, cleo_clock: Any) -> None:
    tasks = cleo_app.service("tasks")
    old, late, given_up = (add(cleo_app, name) for name in ("old", "late", "given up"))
    cleo_clock.set("2026-03-01T00:00:00Z")
    tasks.complete(old)
    cleo_clock.set("2026-03-02T00:00:00Z")
    tasks.complete(late)
    tasks.cancel(given_up)
    add(cleo_app, "open")
    assert refusal(cleo_app, "archive", done_before="2026-03-01").code == "E_NO_CHANGE"
    assert ids_of(tasks.archive(done_before="2026-03-02").tasks) == [old]
    assert ids_of(tasks.archive(all_done=True, cancelled=True).tasks) == [late, given_up]
    assert [row(cleo_app, id_)["archive_reason"] for id_ in (old, late, given_up)] == [
        "completed",
        "completed",
        "cancelled",
    ]
    assert refusal(cleo_app, "archive", all_done=True).code == "E_NO_CHANGE"


def test_closed_epics_with_open_children_are_skipped_and_named(cleo_app: App) -> None:
    tasks = cleo_app.service("tasks")
    epic = add(cleo_app, "epic", type="epic")
    child = add(cleo_app, "child", parent=epic)
    other = add(cleo_app, "other")
    tasks.complete(other)
    execute(
        cleo_app,
        "UPDATE tasks SET status = 'done', pipeline_stage = 'contribution', "
        "completed_at = created_at WHERE id = :id",
        id=epic,
    )
    result = tasks.archive(all_done=True)
    assert ids_of(result.tasks) == [other]
    assert result.skipped == [{"id": epic, "code": "E_HAS_CHILDREN", "children": [child]}]
    assert refusal(cleo_app, "archive", epic).exit == 16
    assert refusal(cleo_app, "archive", all_done=True).details["skipped"] == result.skipped


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), 2),
        (("T001", "--all-done"), 2),
        (("--done-before", "yesterday"), 2),
        (("T001", "--reason", "deleted"), 6),
        (("T001", "--reason", "nonsense"), 6),
        (("T001", "--reason", "superseded"), 0),
        (("--all-done", "--reason", "duplicate"), 0),
    ],
)
def test_what_archive_takes(
    cleo_cli: Cli, cleo_app: App, words: tuple[str, ...], code: int
) -> None:
    add(cleo_app, "x")
    cleo_app.service("tasks").complete("T001")
    outcome = cleo_cli("archive", *words)
    assert outcome.code == code, repr(outcome)
    assert row(cleo_app, "T001")["archive_reason"] == (None if code else words[-1])


def test_delete_is_refused_for_those_that_others_wait_for(cleo_app: App) -> None:
    tasks = cleo_app.service("tasks")
    first = add(cleo_app, "first")
    waiting = add(cleo_app, "waiting", depends=[first])
    closed = add(cleo_app, "closed", depends=[first])
    tasks.cancel(closed)
    refused = refusal(cleo_app, "delete", first)
    assert (refused.code, refused.details["dependants"]) == ("E_HAS_DEPENDENTS", [waiting])
    since = last_audit(cleo_app)
    result = tasks.delete(first, detach=True)
    assert result.detached == [{"id": waiting, "dependsOn": first}]
    assert ids_of(result.unblocked_tasks) == [waiting]
    assert tasks.show(waiting, closed)[0].depends_on == []
    assert tasks.show(closed)[0].depends_on == [first]
    assert {one["entity_id"]: one["after"] for one in audit(cleo_app, since)}[waiting] == {
        "depends_on": []
    }


def test_detaching_from_a_finished_task_frees_nobody(cleo_app: App) -> None:
    tasks = cleo_app.service("tasks")
    first = add(cleo_app, "first")
    free = add(cleo_app, "free", depends=[first])
    tasks.complete(first)
    result = tasks.delete(first, detach=True)
    assert result.detached == [{"id": free, "dependsOn": first}]
    assert result.unblocked_tasks == []


def test_dependants_that_are_deleted_too_do_not_count(cleo_app: App) -> None:
    first = add(cleo_app, "first")
    waiting = add(cleo_app, "waiting", depends=[first])
    result = cleo_app.service("tasks").delete(first, waiting)
    assert result.detached == []
    assert cleo_app.service("tasks").show(waiting)[0].depends_on == [first]


def test_children_are_asked_for_before_dependants(cleo_app: App, family: dict[str, str]) -> None:
    add(cleo_app, "waiting", depends=[family["epic"]])
    refused = refusal(cleo_app, "delete", family["epic"])
    assert [one["exit"] for one in refused.details["problems"]] == [16, 19]


def test_purge_removes_the_row_and_keeps_its_history(cleo_app: App) -> None:
    tasks = cleo_app.service("tasks")
    id_ = add(cleo_app, "secret plan", labels=["a"], acceptance=["b"], notes=["c"])
    waiting = add(cleo_app, "waiting", depends=[id_])
    start_pipeline(cleo_app, id_)
    execute(
        cleo_app,
        "INSERT INTO task_gate_results (task_id, gate, result, round, checked_at) "
        "VALUES (:id, 'implemented', 'pass', 1, :now)",
        "INSERT INTO task_relations (task_id, related_to, created_at) SELECT 'T002', :id, :now",
        id=id_,
        now=NOW,
    )
    assert refusal(cleo_app, "delete", id_, purge=True).code == "E_INVALID_TRANSITION"
    tasks.cancel(id_)
    tasks.archive(id_)
    since = last_audit(cleo_app)
    shown = tasks.show(id_)[0]
    result = tasks.delete(id_, purge=True, reason="on request")
    assert ids_of(result.tasks) == [id_]
    assert result.detached == [{"id": waiting, "dependsOn": id_}]
    assert not tasks.exists(id_)
    db = cleo_app.store("tasks")
    for table in ("task_gate_results", "lifecycle_pipelines", "lifecycle_stages", "task_labels"):
        assert db.scalar(f"SELECT count(*) FROM {table}") == 0
    assert db.read("PRAGMA foreign_key_check") == []
    assert tasks.show(waiting)[0].depends_on == []
    purged = {one["entity_id"]: one for one in audit(cleo_app, since)}
    assert set(purged) == {id_, waiting}
    assert purged[waiting]["before"] == {
        "depends_on": [id_],
        "relations": [{"related_to": id_, "relation_type": "related", "reason": None}],
    }
    entry = purged[id_]
    assert (entry["action"], entry["reason"], entry["after"]) == ("task.purge", "on request", None)
    assert list(entry["before"]) == ["sha256"]
    assert len(entry["before"]["sha256"]) == len(hashlib.sha256().hexdigest())
    assert db.scalar("SELECT count(*) FROM audit_log WHERE task_id = :id", id=id_) == 5
    assert shown.title not in json.dumps(entry)
    assert add(cleo_app, "the next") == "T003"


def test_purge_is_refused_while_others_need_the_task(cleo_app: App) -> None:
    tasks = cleo_app.service("tasks")
    parent = add(cleo_app, "parent", type="epic")
    child = add(cleo_app, "child", parent=parent)
    released, scoped = add(cleo_app, "released"), add(cleo_app, "scoped")
    tasks.session_start(f"task:{scoped}")
    tasks.complete(child, released, scoped)
    tasks.archive(parent, child, released, scoped)
    execute(
        cleo_app,
        "INSERT INTO release_manifests (id, version, created_at) VALUES ('rel-v1', 'v1', :now)",
        "INSERT INTO release_tasks (release_id, task_id) VALUES ('rel-v1', :id)",
        now=NOW,
        id=released,
    )
    assert refusal(cleo_app, "delete", parent, purge=True).details["children"] == [child]
    assert refusal(cleo_app, "delete", released, purge=True).exit == 19
    refused = refusal(cleo_app, "delete", scoped, purge=True)
    assert (refused.exit, len(refused.details["sessions"])) == (19, 1)
    assert refusal(cleo_app, "delete", released, scoped, purge=True).exit == 6
    assert refusal(cleo_app, "delete", parent, purge=True, children="cascade").exit == 2
    assert ids_of(tasks.delete(parent, child, purge=True).tasks) == [parent, child]
    tasks.session_end()
    tasks.delete(scoped, purge=True)


def test_closing_a_task_ends_the_work_on_it(cleo_open: Open) -> None:
    app = cleo_open(agent="a1")
    tasks = app.service("tasks")
    one, two = add(app, "one"), add(app, "two")
    for id_, verb in ((one, "cancel"), (two, "delete")):
        tasks.start(id_)
        getattr(tasks, verb)(id_)
        assert (
            app.store("tasks").scalar(
                "SELECT count(*) FROM sessions WHERE current_task_id IS NOT NULL"
            )
            == 0
        )
        assert row(app, id_)["assignee"] == "a1"


@pytest.mark.parametrize("verb", ["cancel", "delete", "reopen"])
def test_work_outside_the_session_is_refused(
    cleo_cli: Cli, cleo_open: Open, cleo_project: Path, verb: str
) -> None:
    cleo_cli("config", "set", "tasks.session.enforce", "block")
    app = cleo_open(agent="a1")
    tasks = app.service("tasks")
    tasks.session_start("global")
    one, two = add(app, "one"), add(app, "two")
    tasks.complete(two)
    at_hand = two if verb == "reopen" else one
    tasks.session_end()
    assert refusal(app, verb, at_hand).exit == 36
    tasks.session_start(f"task:{two if at_hand == one else one}")
    assert refusal(app, verb, at_hand).exit == 34


@pytest.mark.guarantee(
    "tasks-24", "Every change of a task is in the log once, with the columns before and after"
)
def test_one_audit_row_for_each_changed_task(cleo_app: App, family: dict[str, str]) -> None:
    tasks = cleo_app.service("tasks")
    first = add(cleo_app, "first")
    tasks.update(family["one"], depends=[first])
    since = last_audit(cleo_app)
    tasks.cancel(first, family["top"], children="cascade", reason="x")
    rows = audit(cleo_app, since)
    changed = [first, *(family[name] for name in ("top", "epic", "one", "two"))]
    assert sorted(one["entity_id"] for one in rows) == sorted(changed)
    entry = next(one for one in rows if one["entity_id"] == family["one"])
    assert entry["before"] == {
        "status": "pending",
        "pipeline_stage": "research",
        "cancelled_at": None,
        "cancellation_reason": None,
    }
    assert set(entry["after"]) == set(entry["before"])
    requests = cleo_app.store("tasks").read(
        "SELECT DISTINCT request_id FROM audit_log WHERE id > :since", since=since
    )
    assert requests == [{"request_id": cleo_app.request_id}]


@pytest.mark.guarantee("tasks-24", "A refused, rolled back or dry command leaves no row in the log")
def test_a_refusal_leaves_no_audit_row(
    cleo_cli: Cli, cleo_app: App, family: dict[str, str], frozen_bytes: Callable[[Path], Any]
) -> None:
    refusal(cleo_app, "cancel", family["epic"], family["one"])
    refusal(cleo_app, "complete", family["top"])
    cleo_app.close()
    with frozen_bytes(Path(cleo_app.project.root)):
        for words in (
            ("cancel", family["top"], "--children", "cascade"),
            ("delete", family["top"], "--children", "orphan"),
            ("archive", "--all-done"),
            ("complete", family["one"]),
        ):
            assert cleo_cli(*words, "--dry-run").code == 0


@pytest.mark.parametrize("verb", ["cancel", "reopen", "archive", "unarchive", "delete"])
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("nonsense",), 2),
        (("T" + "9" * 400,), 2),
        (("T999",), 4),
        (("T001", "T999"), 4),
        (("T001'; --",), 2),
        (("T001", "--if-version", "9"), 21),
        (("T001", "T002", "--if-version", "1"), 2),
        (("T001", "--nonsense"), 2),
    ],
)
def test_bad_words_end_in_one_clear_error(
    cleo_cli: Cli, cleo_app: App, verb: str, words: tuple[str, ...], code: int
) -> None:
    add(cleo_app, "x")
    add(cleo_app, "y")
    before = everything(cleo_app)
    outcome = cleo_cli(verb, *words)
    assert outcome.code == code, repr(outcome)
    assert outcome.error["fix"]
    assert everything(cleo_app) == before


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("update", "T002", "--title", "z"), "Changed T002: title"),
        (("update", "T002", "--title", "y"), "T002 is as it was."),
        (("complete", "T002"), "ready now: T003"),
        (("cancel", "T001", "--children", "orphan"), "T002 moved to the root as task"),
        (("delete", "T002", "--detach"), "T003 no longer depends on T002"),
        (("reopen", "T004"), "T004"),
        (("archive", "T004"), "▪ archived T004"),
    ],
)
def test_people_see_what_happened(
    cleo_cli: Cli, cleo_app: App, words: tuple[str, ...], shown: str
) -> None:
    epic = add(cleo_app, "x", type="epic")
    add(cleo_app, "y", parent=epic)
    add(cleo_app, "waits", depends=["T002"])
    add(cleo_app, "closed")
    cleo_app.service("tasks").cancel("T004")
    outcome = cleo_cli(*words, "--human")
    assert outcome.code == 0, repr(outcome)
    assert shown in outcome.out
