"""Rows that were imported before: changes applied, deleted tasks revived, late edges added."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from cleo_core.database import Row
from cleo_core.errors import CleoError
from cleo_tasks.enums import OPEN_STATUS
from cleo_tasks.importers import agreed
from cleo_tasks.importers.allowing import leave_out, refusal
from cleo_tasks.importers.plan import ACCEPTED, CYCLE, KEPT, LINK, REVIVE, UPDATE
from cleo_tasks.importers.row import DEPENDENCY, PARENT
from cleo_tasks.service import hierarchy, pipelines, transitions
from cleo_tasks.store import focus, tasks, transfer

if TYPE_CHECKING:
    from cleo_tasks.importers.engine import Import
    from cleo_tasks.service.work import Work

#: Tasks of one unit; each takes more statements than a new one.
_UNIT = 250

#: Columns that a changed row sets where it says anything.
_COLUMNS = (
    *("title", "description", "priority", "role", "severity", "size", "scope", "phase"),
    *("acceptance", "files", "blocked_reason", "no_auto_complete", "started_at"),
)


def apply_updates(run: Import) -> None:
    """Apply what the plan decided for tasks that are here already."""
    plan = run.plan
    rows = [row for row in range(1, plan.rows + 1) if plan.outcome[row] in (UPDATE, REVIVE, LINK)]
    rows = _parents_first(run, rows)
    for first in range(0, len(rows), _UNIT):
        bodies = list(run.bodies(rows[first : first + _UNIT]))
        kept = run.write(partial(_unit, run, bodies))
        run.marks.update({"status_kept": kept[0]} if kept[0] else {})
        for index, state in kept[1].items():
            plan.edge_state[index] = state
        leave_out(run, kept[2])


def _parents_first(run: Import, rows: list[int]) -> list[int]:
    """Revived parents have to be there before their children."""
    revived = [row for row in rows if run.plan.outcome[row] == REVIVE]
    db = run.app.store("tasks")
    depth = {row: len(db.read(tasks.ANCESTORS, id=run.task_at(row))) for row in revived}
    return sorted(rows, key=lambda row: depth.get(row, 0))


def _unit(
    run: Import, bodies: list[dict[str, Any]], work: Work
) -> tuple[int, dict[int, int], dict[int, CleoError]]:
    """Returns how many statuses could not be taken over, what became of edges likewise, and what
    the rules refuse by now."""
    statuses: int = 0
    edges: dict[int, int] = {}
    refused: dict[int, CleoError] = {}
    for body in bodies:
        row = work.task(run.task_at(body["row"]))
        outcome = run.plan.outcome[body["row"]]
        if outcome == REVIVE:
            if row["archived_from"] in OPEN_STATUS:
                transitions.require_open_parent(work, row)
            transitions.move(work, row, row["archived_from"], verb="unarchive")
        link = {"provider": run.provider, "external_id": run.external_id(body["key"])}
        last = json.loads(work.scalar(transfer.LINK_OF, **link) or "{}")
        if outcome == UPDATE:
            error = refusal(run, work, row, body, last)
            if error is not None:
                refused[body["row"]] = error
                continue
            statuses += not _apply(run, work, row, body, last)
        if outcome in (UPDATE, LINK):
            kept = late_edges(run, work, row, body["row"])
            known = agreed.renewed(run, agreed.of(last), body, kept).stored()
            work.execute(transfer.AGREE, agreed=json.dumps(known, ensure_ascii=False), **link)
            edges |= kept
    return statuses, edges, refused


def _apply(run: Import, work: Work, row: Row, body: dict[str, Any], last: dict[str, Any]) -> bool:
    """Set what the source says and changed; what it does not say stays as it is here.

    :param last: the link's metadata.
    :returns: whether the status could be taken over, if it changed.
    """
    columns = body["columns"]
    link = {"provider": run.provider, "external_id": run.external_id(body["key"])}
    changes = {
        name: columns[name]
        for name in _COLUMNS
        if columns.get(name) not in (None, []) and name not in body["unsaid"]
    }
    changes["notes"] = row["notes"] + [
        note for note in columns.get("notes", ()) if note not in row["notes"]
    ]
    changes["metadata"] = merged(row["metadata"], run.metadata(body))
    changes |= assignment(run, work, row, columns, last)
    status = body["status"]
    taken = True
    if status not in (last.get("status"), row["status"]):
        moved = _status_columns(work, row, status, columns)
        taken = moved is not None
        changes |= moved or {}
    details = {"provider": run.provider, "externalId": link["external_id"]}
    if changes.get("status", row["status"]) not in OPEN_STATUS and row["status"] in OPEN_STATUS:
        focus.leave_task(work, row["id"], work.now)
    work.change(row, changes, details=details)
    if changes.get("status"):
        _pipeline_follows(work, row)
    if body["labels"]:
        work.change_labels(row, add=body["labels"])
    work.execute(
        transfer.SYNC_LINK,
        **link,
        url=body["url"],
        title=columns["title"],
        updated_at=columns.get("updated_at"),
        content_hash=body["hash"],
        metadata=json.dumps(
            {
                "status": status if taken else last.get("status"),
                "assignee": columns.get("assignee"),
            },
            ensure_ascii=False,
        ),
        now=work.now,
    )
    return taken


def takes_over(row: Row, columns: dict[str, Any], last: dict[str, Any]) -> bool:
    """Whether a holder that changed in the source holds the task, unless somebody here does.

    :param last: who held it there when the source was last read, under ``assignee``.
    """
    who, then = columns.get("assignee"), last.get("assignee")
    return who is not None and who != then and row["assignee"] in (None, then)


def assignment(
    run: Import, work: Work, row: Row, columns: dict[str, Any], last: dict[str, Any]
) -> dict[str, Any]:
    """The columns of a holder who takes over."""
    if not takes_over(row, columns, last):
        return {}
    run.check_assignees(work, [columns["assignee"]])
    return {"assignee": columns["assignee"], "claimed_at": columns["claimed_at"]}


def _status_columns(
    work: Work, row: Row, status: str, columns: dict[str, Any]
) -> dict[str, Any] | None:
    """The status and what goes with it; None where the hierarchy here does not allow it."""
    times = {
        name: columns.get(name)
        for name in (
            *("completed_at", "cancelled_at", "cancellation_reason"),
            *("archived_at", "archive_reason", "archived_from"),
        )
    }
    own = transitions.own_stage(work, row["id"])
    if status in OPEN_STATUS:
        try:
            transitions.require_open_parent(work, row)
        except CleoError:
            return None
        stage = (
            own
            or columns.get("pipeline_stage")
            or (
                row["pipeline_stage"]
                if row["status"] in OPEN_STATUS
                else transitions.open_stage(work, row)
            )
        )
        return {"status": status, "pipeline_stage": stage, **times}
    if work.read(tasks.OPEN_CHILDREN, id=row["id"]):
        return None
    stage = columns.get("pipeline_stage") or row["pipeline_stage"]
    if own is not None and times["archived_from"] in OPEN_STATUS:
        stage = own
    return {"status": status, "pipeline_stage": stage, **times}


def _pipeline_follows(work: Work, row: Row) -> None:
    """The task's own pipeline ends and goes on with it."""
    status = row["archived_from"] or row["status"]
    if status == "cancelled":
        pipelines.cancel_with_task(work, row["id"])
    elif status in OPEN_STATUS:
        pipelines.reactivate_with_task(work, row["id"])


def merged(here: dict[str, Any], there: dict[str, Any]) -> dict[str, Any]:
    """Metadata with what the source says now; what was added here stays."""
    imports = {**_object(here.get("import")), **_object(there.get("import"))}
    merged = {**here, **there}
    return {**merged, "import": imports} if imports else merged


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def late_edges(run: Import, work: Work, row: Row, number: int) -> dict[int, int]:
    """Add the edges that the plan accepted; returns the states of those that could not be."""
    from cleo_tasks.importers.writing import add_relation, staged_edges
    from cleo_tasks.service.placing import reparent_task

    plan = run.plan
    wanted = [
        index
        for index in run.edges_of(number)
        if plan.edge_state[index] == ACCEPTED and plan.edge_source[index] == number
    ]
    waits: list[tuple[int, str]] = []
    refused: dict[int, int] = {}
    for index, found in staged_edges(run, wanted):
        target = run.task_at(plan.edge_target[index])
        if found["kind"] == DEPENDENCY:
            waits.append((index, target))
        elif found["kind"] == PARENT:
            try:
                reparent_task(work, row, target)
            except CleoError:
                refused[index] = KEPT
        elif add_relation(work, row["id"], target, found):
            work.bump(row, {}, {"relations": [f"{found['type']} {target}"]})
    for index, target in waits:
        try:
            hierarchy.check_cycle(work, row["id"], depends_on=[target])
        except CleoError:
            refused[index] = CYCLE
            continue
        work.change_edges(row, add=[target])
    return refused
