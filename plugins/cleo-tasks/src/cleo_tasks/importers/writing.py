"""Second to fourth step of an import: tasks, edges, statuses, each in units of their own."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from cleo_core.inputs import without_user
from cleo_tasks.enums import OPEN_STATUS
from cleo_tasks.ids import task_id
from cleo_tasks.importers import agreed, mapping, numbering
from cleo_tasks.importers.agreed import Agreed
from cleo_tasks.importers.plan import ACCEPTED, CYCLE, FINISH, NEW, REOPENED, TYPES
from cleo_tasks.importers.row import DEPENDENCY, RELATION, Gate, Link
from cleo_tasks.service.entries import Bulk
from cleo_tasks.service.hierarchy import SCOPE_OF_TYPE
from cleo_tasks.service.work import Work
from cleo_tasks.store import graph, staging, transfer

if TYPE_CHECKING:
    from cleo_tasks.importers.engine import Import

#: Rows of one write unit: what other writers wait for at most.
UNIT = 1000

#: Every column that an imported task may set, with what it is when the source says nothing.
DEFAULTS: dict[str, Any] = {
    **dict.fromkeys(
        (
            *("description", "severity", "size", "phase", "blocked_reason", "assignee"),
            *("claimed_at", "modified_by", "started_at", "completed_at", "cancelled_at"),
            *("archived_at", "cancellation_reason", "archive_reason", "archived_from"),
        )
    ),
    "role": "work",
    "acceptance": [],
    "notes": [],
    "files": [],
    "no_auto_complete": False,
    "verification_round": 1,
    "version": 1,
}


def insert_phases(run: Import) -> None:
    """Make the phases that are missing."""
    if run.phases:
        run.write(lambda work: make_phases(work, run.phases))


def make_phases(work: Work, phases: Mapping[str, Mapping[str, Any]]) -> None:
    """Make those of some phases that are missing; slug -> columns."""
    for slug in transfer.missing_phases(work, list(phases)):
        values = {
            "position": None,
            "status": "pending",
            "started_at": None,
            "completed_at": None,
            **phases[slug],
        }
        work.execute(transfer.INSERT_PHASE, **values)
        work.note("phase", slug, None, values, action="phase.add", emit=False)


def insert_tasks(run: Import) -> None:
    """Insert the new tasks, parents before children, open ones as proposals."""
    plan = run.plan
    for batch in _batches(plan.order, run, "tasks"):
        # As much as can be is done before the unit, while others may write.
        new = [_prepared(run, body) for body in run.bodies(batch)]
        numbers, run.taken = run.write(partial(_insert_unit, run, new))
        for one, number in zip(new, numbers, strict=True):
            plan.seq[one.row] = number


def insert_edges(run: Import) -> None:
    """Insert the dependencies and relations of new tasks, in file order."""
    plan = run.plan
    for first in range(0, len(plan.edge_state), UNIT):
        run.progress("edges", first, len(plan.edge_state))
        rows = [
            (index, found)
            for index, found in _edges_between(run, first, min(first + UNIT, len(plan.edge_state)))
            if plan.edge_state[index] == ACCEPTED
            and plan.outcome[plan.edge_source[index]] in (NEW, FINISH)
        ]
        if rows:
            for index in run.write(partial(_edge_unit, run, rows)):
                plan.edge_state[index] = CYCLE


def open_tasks(run: Import) -> None:
    """Give the tasks their status, and note in their links that nothing is left to do."""
    plan = run.plan
    finishing = array("i", plan.order)
    finishing.extend(row for row in range(1, plan.rows + 1) if plan.outcome[row] == FINISH)
    for batch in _batches(finishing, run, "statuses"):
        run.write(partial(_open_unit, run, batch))


def add_relation(work: Work, id_: str, target: str, found: dict[str, Any]) -> int:
    """Insert one relation; returns whether it was new."""
    return int(work.execute(transfer.INSERT_RELATION, **_relation(work, id_, target, found)))


def staged_edges(run: Import, indexes: Iterable[int]) -> Iterator[tuple[int, dict[str, Any]]]:
    """What was staged of edges."""
    for index in indexes:
        yield from _edges_between(run, index, index + 1)


class _New(NamedTuple):
    """A new task but for its number, its parent and its place."""

    row: int
    values: dict[str, Any]
    encoded: dict[str, Any]
    labels: list[str]
    gates: list[dict[str, Any]]
    links: list[dict[str, Any]]
    brought: list[dict[str, Any]]
    details: dict[str, Any]
    agreed: Agreed


def _insert_unit(
    run: Import, new: Sequence[_New], work: Work
) -> tuple[list[int], numbering.Taken | None]:
    numbers, taken = numbering.take(run, work, [one.row for one in new])
    # Should this run be cut short, the next one knows by it which numbers are still the file's.
    reserved = {} if taken is None else {"numbers": [taken.above, taken.last]}
    ids = {one.row: task_id(number) for one, number in zip(new, numbers, strict=True)}
    parents = {
        row: None if not above else ids.get(above) or run.task_at(above)
        for row, above in ((one.row, run.plan.parent[one.row]) for one in new)
    }
    last = transfer.last_positions(work, list(dict.fromkeys(parents.values())))
    stored, notes, labels, gates, links, brought = [], [], [], [], [], []
    for one, number in zip(new, numbers, strict=True):
        parent = parents[one.row]
        owner = {"id": ids[one.row]}
        values = {**one.values, **owner, "parent_id": parent}
        if values["position"] is None:
            last[parent] = values["position"] = last[parent] + 1
        stored.append({**values, **one.encoded, "seq": number})
        known = {agreed.KEY: one.agreed._replace(parent=parent).stored()}
        labels += [{**owner, "label": label} for label in one.labels]
        gates += [{**gate, **owner} for gate in one.gates]
        links += [
            {**link, **owner, "metadata": _json({**link["metadata"], **known, **reserved})}
            for link in one.links
        ]
        brought += [{**link, **owner} for link in one.brought]
        notes.append(
            Bulk(
                ids[one.row],
                None,
                {**values, "labels": one.labels, "depends_on": []},
                one.details,
                {"status": run.final_status(one.row)},
            )
        )
    run.check_assignees(work, (one.values["assignee"] for one in new))
    transfer.insert_tasks(work, stored)
    work.executemany(transfer.INSERT_LABEL, labels)
    work.executemany(transfer.INSERT_GATE, gates)
    work.executemany(transfer.INSERT_LINK, links)
    work.executemany(transfer.INSERT_BROUGHT_LINK, brought)
    work.bulk(notes)
    return numbers, taken


def _prepared(run: Import, body: dict[str, Any]) -> _New:
    values = _values(run, body)
    return _New(
        body["row"],
        values,
        transfer.encoded(values),
        body["labels"],
        [_gate(run, Gate(*gate)) for gate in body["gates"]],
        [_link(run, values, body)],
        [_brought(run, link) for link in map(Link._make, body["links"]) if _foreign(run, link)],
        _details(run, body),
        agreed.of_new(run, values, body),
    )


def _values(run: Import, body: dict[str, Any]) -> dict[str, Any]:
    """All columns of a new task."""
    columns = body["columns"]
    if run.plan.marks[body["row"]] & REOPENED:
        columns = mapping.opened(columns)
    status = run.final_status(body["row"])
    type_ = TYPES[run.plan.type[body["row"]]]
    return {
        **DEFAULTS,
        **columns,
        "id": None,
        "type": type_,
        "scope": columns.get("scope") or SCOPE_OF_TYPE[type_],
        "status": "proposed" if status in OPEN_STATUS else status,
        "parent_id": None,
        "position": columns.get("position"),
        "pipeline_stage": columns.get("pipeline_stage")
        or ("research" if type_ == "epic" else "implementation"),
        "metadata": run.metadata(body),
        "origin": "imported",
        "created_by": columns.get("created_by") or (None if "version" in columns else run.actor),
        "modified_by": columns.get("modified_by", run.actor),
        "session_id": None,
    }


def _details(run: Import, body: dict[str, Any]) -> dict[str, Any]:
    """What the audit row of a new task says beside its columns: what the next steps add."""
    details: dict[str, Any] = {
        "provider": run.provider,
        "externalId": run.external_id(body["key"]),
    }
    waits = [
        edge[1]
        for index, edge in zip(run.edges_of(body["row"]), body["edges"], strict=True)
        if edge[0] == DEPENDENCY and run.plan.edge_state[index] == ACCEPTED
    ]
    if waits:
        details["dependsOn"] = waits
    return details


def _gate(run: Import, gate: Gate) -> dict[str, Any]:
    return {
        **gate._asdict(),
        "evidence": _json(gate.evidence),
        "checked_at": gate.checked_at or run.now,
    }


def _link(run: Import, values: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """The link of a new task; the time of its synchronisation is missing until all is done."""
    return {
        "provider": run.provider,
        "external_id": run.external_id(body["key"]),
        "url": body["url"],
        "title": values["title"],
        "type": "created",
        "direction": "inbound",
        "updated_at": body["columns"].get("updated_at"),
        "content_hash": body["hash"],
        "metadata": {"status": run.final_status(body["row"]), "assignee": values["assignee"]},
        "linked_at": run.now,
        "last_sync_at": None,
    }


def _foreign(run: Import, link: Link) -> bool:
    """Whether a link that a row brings along is none of those that this import itself makes."""
    return link.provider != run.provider or not link.external_id.startswith(run.prefix)


def _brought(run: Import, link: Link) -> dict[str, Any]:
    return {
        **link._asdict(),
        "external_id": run.spelled(link.provider, link.external_id),
        "url": None if link.url is None else without_user(link.url),
        "metadata": _json(link.metadata),
        "linked_at": link.linked_at or run.now,
        # Without it a link that an import made would seem to wait for the rest of that import.
        "last_sync_at": link.last_sync_at or (run.now if link.type == "created" else None),
    }


def _edge_unit(run: Import, rows: Sequence[tuple[int, dict[str, Any]]], work: Work) -> list[int]:
    """Returns the indexes of the edges that would close a loop by now."""
    plan = run.plan
    dropped: list[int] = []
    dependencies: dict[str, list[dict[str, Any]]] = {}
    relations = []
    for index, found in rows:
        id_, target = run.task_at(plan.edge_source[index]), run.task_at(plan.edge_target[index])
        if found["kind"] == DEPENDENCY:
            dependencies.setdefault(id_, []).append(
                {
                    "index": index,
                    "id": id_,
                    "depends_on": target,
                    "at": found["at"] or work.now,
                    "by": found["by"] or work.actor,
                }
            )
        elif found["kind"] == RELATION and id_ != target:
            relations.append(_relation(work, id_, target, found))
    if run.edges_overtaken(work):
        dropped = _drop_loops(work, dependencies)
    before = transfer.dependencies_of(work, list(dependencies))
    work.executemany(
        transfer.INSERT_DEPENDENCY, (edge for edges in dependencies.values() for edge in edges)
    )
    work.executemany(transfer.INSERT_RELATION, relations)
    for id_, edges in dependencies.items():
        had = before.get(id_, [])
        has = sorted({*had, *(edge["depends_on"] for edge in edges)})
        work.unit.updated("task", id_, {"depends_on": had}, {"depends_on": has})
    return dropped


def _drop_loops(work: Work, dependencies: dict[str, list[dict[str, Any]]]) -> list[int]:
    """Insert edges one by one, leaving out those that would close a loop by now; returns those."""
    dropped = []
    for id_, edges in dependencies.items():
        for edge in list(edges):
            if graph.path_between(work, [edge["depends_on"]], id_) is None:
                work.executemany(transfer.INSERT_DEPENDENCY, [edge])
            else:
                edges.remove(edge)
                dropped.append(edge["index"])
    return dropped


def _relation(work: Work, id_: str, target: str, found: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": id_,
        "related_to": target,
        "type": found["type"] or "related",
        "reason": found["reason"],
        "at": found["at"] or work.now,
    }


def _open_unit(run: Import, batch: Sequence[int], work: Work) -> None:
    plan = run.plan
    ids = {row: task_id(plan.seq[row]) for row in batch}
    wanted: dict[str, list[str]] = {}
    for row, id_ in ids.items():
        wanted.setdefault(run.final_status(row), []).append(id_)
    finished = [ids[row] for row in batch if plan.outcome[row] == FINISH]
    before = transfer.statuses(work, finished)
    for status, listed in wanted.items():
        if status in OPEN_STATUS and status != "proposed":
            work.execute(transfer.OPEN_PROPOSED, status=status, ids=json.dumps(listed))
    work.execute(
        transfer.FINISH_LINKS,
        now=work.now,
        provider=run.provider,
        ids=json.dumps(list(ids.values())),
    )
    for row in batch:
        status = run.final_status(row)
        if plan.outcome[row] == NEW and status in OPEN_STATUS and status != "proposed":
            work.unit.updated("task", ids[row], {"status": "proposed"}, {"status": status})
    if finished:
        after, edges = transfer.statuses(work, finished), transfer.dependencies_of(work, finished)
        work.bulk(
            Bulk(
                id_,
                {"status": before[id_]},
                {"status": after[id_], "depends_on": edges.get(id_, [])},
                {"provider": run.provider, "finished": True},
            )
            for id_ in finished
        )


def _edges_between(run: Import, first: int, last: int) -> Iterator[tuple[int, dict[str, Any]]]:
    for ordinal, kind, type_, reason, at, by, _ in run.scratch.iterate(
        staging.EDGES_BETWEEN, first=first + 1, last=last
    ):
        yield ordinal - 1, {"kind": kind, "type": type_, "reason": reason, "at": at, "by": by}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _batches(rows: array[int], run: Import, what: str) -> Iterator[array[int]]:
    for first in range(0, len(rows), UNIT):
        run.progress(what, first, len(rows))
        yield rows[first : first + UNIT]
