"""What an import says at its end: the sums, and the fate of every row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

from cleo_core.output import dumps
from cleo_tasks.ids import task_id
from cleo_tasks.importers.deciding import MARKS
from cleo_tasks.importers.plan import (
    ACCEPTED,
    CLOSED,
    CYCLE,
    FINISH,
    KEPT,
    KINDS,
    LINK,
    MISSING,
    NEW,
    REVIVE,
    SECOND,
    SKIP,
    UPDATE,
)
from cleo_tasks.importers.result import ImportResult
from cleo_tasks.importers.row import DEPENDENCY, PARENT, RELATION
from cleo_tasks.store import staging as store

if TYPE_CHECKING:
    from cleo_tasks.importers.engine import Import

#: Rows that could not be understood, as the result lists them.
_PROBLEMS = 20

_OUTCOMES = {
    SKIP: "skipped",
    NEW: "imported",
    FINISH: "updated",
    UPDATE: "updated",
    REVIVE: "updated",
    LINK: "updated",
}
_LEFT_OUT = {
    MISSING: "missing_target",
    CYCLE: "cycle",
    SECOND: "second_parent",
    CLOSED: "parent_closed",
    KEPT: "parent_kept",
}


def result(run: Import) -> ImportResult:
    """The sums."""
    plan = run.plan
    outcomes: Counter[int] = Counter(plan.outcome[1:])
    reasons = Counter(
        run.reason(row) for row in range(1, plan.rows + 1) if plan.outcome[row] == SKIP
    )
    return ImportResult(
        provider=run.provider,
        read=plan.rows,
        imported=outcomes[NEW],
        updated=sum(outcomes[one] for one in (FINISH, UPDATE, REVIVE, LINK)),
        skipped=outcomes[SKIP],
        finished=outcomes[FINISH],
        reasons=dict(sorted(reasons.items())),
        edges=_edges(run),
        labels=run.counts["labels"],
        notes=run.counts["notes"],
        gates=run.counts["gates"],
        phases=len(run.phases),
        adjusted=dict(sorted(run.marks.items())),
        problems=run.scratch.read(store.PROBLEMS, limit=_PROBLEMS),
        report=run.options.report,
    )


def write_report(run: Import, file: IO[bytes]) -> None:
    """One JSON line per row of the file, in its order."""
    for entry in _report(run):
        file.write(dumps(entry).encode() + b"\n")


def _edges(run: Import) -> dict[str, Any]:
    plan = run.plan
    made: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    # A row's parent is counted where it came to stand, which may be higher up, or nowhere.
    parents = sum(1 for row in plan.order if plan.parent[row])
    for kind, state, source in zip(plan.edge_kind, plan.edge_state, plan.edge_source, strict=True):
        if state == ACCEPTED:
            made[KINDS[kind]] += 1
            parents += KINDS[kind] == PARENT and plan.outcome[source] == UPDATE
        elif state == MISSING and KINDS[kind] == PARENT:
            left_out["missing_parent"] += 1
        elif state in _LEFT_OUT:
            left_out[_LEFT_OUT[state]] += 1
    return {
        "dependencies": made[DEPENDENCY],
        "relations": made[RELATION],
        "parents": parents,
        "skipped": dict(sorted(left_out.items())),
    }


def _report(run: Import) -> Iterator[dict[str, Any]]:
    plan = run.plan
    for row, line, key, _, message, marks in run.scratch.iterate(store.REPORT):
        outcome = plan.outcome[row]
        entry: dict[str, Any] = {
            "row": row,
            "line": line,
            "id": None if key is None else run.external_id(key),
            "outcome": _OUTCOMES[outcome],
            "task": task_id(plan.seq[row]) if plan.seq[row] else None,
        }
        if outcome == SKIP:
            entry["reason"] = run.reason(row)
            if row in run.refusals:
                entry["code"], message = run.refusals[row]
            if message is not None:
                entry["message"] = message
        else:
            words = [word for bit, word in MARKS if plan.marks[row] & bit]
            words += marks.split(",") if marks else ()
            if words:
                entry["adjusted"] = words
        yield entry
