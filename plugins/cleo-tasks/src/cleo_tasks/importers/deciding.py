"""What becomes of every row and edge of an import, decided before anything is written."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cleo_core.errors import ValidationError
from cleo_tasks.enums import OPEN_STATUS, TASK_STATUS
from cleo_tasks.errors import TasksError
from cleo_tasks.ids import task_id
from cleo_tasks.importers.plan import (
    ACCEPTED,
    FINISH,
    FLATTENED,
    KINDS,
    LINK,
    MISSING,
    NEW,
    PRESENT,
    REOPENED,
    RETYPED,
    REVIVE,
    SKIP,
    TYPES,
    UPDATE,
    Standing,
)
from cleo_tasks.importers.row import DEPENDENCY, PARENT, RELATION
from cleo_tasks.service import settings
from cleo_tasks.store import sequence, tasks, transfer
from cleo_tasks.store import staging as store

if TYPE_CHECKING:
    from cleo_tasks.importers.engine import Import

#: Marks of a row's place, as the result counts them.
MARKS = ((FLATTENED, "flattened"), (RETYPED, "retyped"), (REOPENED, "parent_reopened"))


def decide(run: Import) -> None:
    """Fill the run's plan.

    :raises CleoError: ``E_ID_COLLISION`` or ``E_VALIDATION``, as the run's options ask.
    """
    # One transaction, so that what is decided fits together; nothing is locked by it.
    with run.scratch.together():
        run.last_audit = int(run.scratch.scalar(transfer.LAST_AUDIT))
        _load_rows(run)
        unchanged, parents = _match(run)
        _settle_numbers(run)
        _load_edges(run)
        run.plan.link_unchanged(unchanged)
        run.plan.settle_edges(_present(run, parents), lambda: _store_edges(run))
        _drop_repeated(run)
        _refuse_missing(run)
        run.plan.place(_Places(run), settings.number(run.app.config, "hierarchy.max_depth"))
        _settle_outcomes(run)


def _load_rows(run: Import) -> None:
    plan = run.plan
    for found in run.scratch.iterate(store.ROWS):
        row, reason, type_, epic, status, sibling, number, *_ = found
        if reason is not None:
            run.drop(row, reason)
            continue
        plan.outcome[row] = NEW
        plan.type[row] = TYPES.index(type_ or "")
        plan.epic[row] = epic
        plan.status[row] = TASK_STATUS.index(status)
        plan.open[row] = status in OPEN_STATUS
        plan.sibling[row] = sibling or 0
        if number is not None:
            if not run.numbers:
                run.numbers = array("q", bytes(8 * (plan.rows + 1)))
            run.numbers[row] = number


def _match(run: Import) -> tuple[bytearray, dict[int, int | None]]:
    """Find the rows that were imported before.

    :returns: which of them changed nothing; and where those that changed stand.
    """
    plan = run.plan
    unchanged = bytearray(plan.rows + 1)
    parents: dict[int, int | None] = {}
    if not run.scratch.scalar(store.ANY_LINK, provider=run.provider):
        return unchanged, parents
    under_closed: dict[int, int] = {}
    for found in run.scratch.iterate(store.MATCHES, provider=run.provider, prefix=run.prefix):
        row, seq, same, unfinished, status, why, was, above, parent, becomes, numbers = found
        plan.seq[row] = seq
        if unfinished and numbers:
            run.reserved.update(transfer.ranges(json.loads(numbers)))
        archived = status == "archived" and run.final_status(row) != "archived"
        if archived and why == "deleted":
            run.drop(row, "deleted here")
            if run.options.revive:
                plan.outcome[row] = REVIVE
                if was in OPEN_STATUS and above is not None and above not in OPEN_STATUS:
                    under_closed[row] = parent
        elif unfinished:
            plan.outcome[row] = FINISH
            if becomes in TASK_STATUS:
                plan.status[row] = TASK_STATUS.index(becomes)
        elif same:
            run.drop(row, "unchanged")
            unchanged[row] = 1
        elif archived:
            run.drop(row, "archived here")
        elif run.options.update:
            plan.outcome[row] = UPDATE
            parents[row] = parent
        else:
            run.drop(row, "changed")
    _drop_under_closed(run, under_closed)
    return unchanged, parents


def _drop_under_closed(run: Import, under_closed: dict[int, int]) -> None:
    """An open task comes back below a closed parent only if that comes back too."""
    while True:
        revived = {
            run.plan.seq[row]
            for row in range(1, run.plan.rows + 1)
            if run.plan.outcome[row] == REVIVE
        }
        left = [row for row, parent in under_closed.items() if parent not in revived]
        if not left:
            return
        for row in left:
            del under_closed[row]
            run.drop(row, "parent closed")


def _settle_numbers(run: Import) -> None:
    """Rows that insist on a number which is taken: refused, skipped or given another one.

    Every number that was given out is taken, whether a task has it or was purged; but those that
    an import of this file took which was cut short are still its own, until a task that had one
    is purged.
    """
    if not run.numbers:
        return
    run.highest_read = max(run.numbers)
    run.given = max(sequence.read(run.scratch))
    taken = [
        (row, line, key, here)
        for row, line, key, number, here in run.scratch.iterate(store.GIVEN, given=run.given)
        if run.plan.outcome[row] == NEW
        and (here or not any(low < number <= high for low, high in run.reserved))
    ]
    if taken and run.options.on_conflict == "fail":
        listed = ", ".join(key for _, _, key, _ in taken[:5])
        more = " …" if len(taken) > 5 else ""
        raise TasksError(
            "E_ID_COLLISION",
            f"{len(taken)} ids of the file are taken here: {listed}{more}.",
            fix="the same command with --on-conflict remap (or skip)",
            details={"ids": [key for _, _, key, _ in taken[:100]], "line": taken[0][1]},
        )
    for row, _, _, here in taken:
        if run.options.on_conflict == "skip":
            run.drop(row, "id taken")
            if run.own and here:
                # It is the very task that the row was made of.
                run.plan.seq[row] = run.numbers[row]
        else:
            run.numbers[row] = 0
            run.marks["remapped"] += 1


def _load_edges(run: Import) -> None:
    plan = run.plan
    for kind, row, source, target in run.scratch.iterate(store.EDGES):
        plan.add_edge(kind, row, source or 0, target or 0)
    if any(not target for target in plan.edge_target):
        _look_outside(run, store.LINKED_TARGETS, provider=run.provider, prefix=run.prefix)
        if run.own:
            _look_outside(run, store.OWN_TARGETS)


def _look_outside(run: Import, statement: str, **params: Any) -> None:
    """Find the tasks that edges lead to beyond the file."""
    targets = run.plan.edge_target
    for ordinal, seq in run.scratch.iterate(statement, **params):
        targets[ordinal - 1] = targets[ordinal - 1] or -seq


def _present(run: Import, parents: dict[int, int | None]) -> Iterator[int]:
    """Edges between tasks of the store that it holds already."""
    plan = run.plan
    for index, kind in enumerate(plan.edge_kind):
        source, target = plan.edge_source[index], plan.edge_target[index]
        if source <= 0 or plan.outcome[source] not in (FINISH, UPDATE):
            continue
        seq = plan.seq[target] if target > 0 else -target
        ends = {"id": run.task_at(source), "target": task_id(seq)}
        if not seq:
            continue
        if (
            (KINDS[kind] == PARENT and parents.get(source) == seq)
            or (KINDS[kind] == DEPENDENCY and run.scratch.scalar(store.HAS_DEPENDENCY, **ends))
            or (
                KINDS[kind] == RELATION
                and run.scratch.scalar(store.HAS_RELATION, **ends, ordinal=index + 1)
            )
        ):
            yield index


def _drop_repeated(run: Import) -> None:
    """What is said twice is made, and counted, once."""
    state = run.plan.edge_state
    group, made = 0, False
    for first, ordinal in run.scratch.iterate(store.SAME_EDGES):
        if first != group:
            group, made = first, False
        if state[ordinal - 1] == ACCEPTED:
            if made:
                state[ordinal - 1] = PRESENT
            made = True


def _store_edges(run: Import) -> Iterator[tuple[int, int]]:
    for source, target in run.scratch.iterate(transfer.WAITING_EDGES):
        yield int(source), int(target)


def _refuse_missing(run: Import) -> None:
    if run.options.on_missing != "fail":
        return
    states = run.plan.edge_state
    missing = [index for index, state in enumerate(states) if state == MISSING]
    if missing:
        raise ValidationError(
            f"{len(missing)} edges of the file lead to tasks that are neither in it nor here.",
            fix="the same command with --on-missing strip",
            edges=[_edge_words(run, index) for index in missing[:20]],
        )


def _edge_words(run: Import, index: int) -> dict[str, Any]:
    edge = run.scratch.one(store.EDGES_BETWEEN, first=index + 1, last=index + 1) or {}
    row = run.scratch.one(store.LINE, row=run.plan.edge_row[index]) or {}
    return {"line": row.get("line"), "id": row.get("key"), "target": edge.get("target")}


class _Places:
    """How tasks of the store stand, each asked for once."""

    def __init__(self, run: Import) -> None:
        self._run = run
        self._known: dict[int, Standing] = {}

    def __call__(self, seq: int) -> Standing:
        found = self._known.get(seq)
        if found is None:
            above = self._run.scratch.read(tasks.ANCESTORS, id=task_id(seq))
            parent = above[0]["parent_id"]
            found = self._known[seq] = Standing(
                TYPES.index(above[0]["type"]),
                len(above) - 1,
                int(parent[1:]) if parent else 0,
                self._run.scratch.scalar(transfer.STATUS, id=task_id(seq)) in OPEN_STATUS,
            )
        return found


def _settle_outcomes(run: Import) -> None:
    """Closed parents of open tasks open; rows that got no new edge stay what they were."""
    plan = run.plan
    pending = TASK_STATUS.index("pending")
    for row in plan.order:
        if plan.marks[row] & REOPENED:
            plan.status[row] = pending
    linked = bytearray(plan.rows + 1)
    for index in range(len(plan.edge_state)):
        if plan.edge_state[index] == ACCEPTED:
            linked[plan.edge_source[index]] = 1
    for row in range(1, plan.rows + 1):
        if plan.outcome[row] == LINK and not linked[row]:
            plan.outcome[row] = SKIP


def count(run: Import) -> None:
    """What the rows bring that become tasks, and the phases that have to be made."""
    plan = run.plan
    for found in run.scratch.iterate(store.ROWS):
        row, *_, labels, notes, gates, marks, phase, name = found
        if plan.outcome[row] not in (NEW, UPDATE):
            continue
        if plan.outcome[row] == NEW:
            run.counts.update({"labels": labels, "notes": notes, "gates": gates})
        run.marks.update(marks.split(",") if marks else ())
        run.marks.update(word for bit, word in MARKS if plan.marks[row] & bit)
        if phase is not None:
            run.phases.setdefault(phase, {"slug": phase, "name": name})
    missing = transfer.missing_phases(run.scratch, list(run.phases))
    run.phases = {slug: run.phases[slug] for slug in missing}
