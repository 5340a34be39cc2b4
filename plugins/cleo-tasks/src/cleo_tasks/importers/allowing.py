"""What the project's rules say to changes that come from a file, as the verbs would say it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from cleo_core.database import Row
from cleo_core.errors import CleoError
from cleo_tasks.importers.plan import ACCEPTED, IGNORED, UPDATE
from cleo_tasks.service import completing, pipelines, verification
from cleo_tasks.service.evidence import NotHashedError
from cleo_tasks.store import links

if TYPE_CHECKING:
    from cleo_tasks.importers.engine import Import
    from cleo_tasks.service.work import Work

#: Code of a refusal -> the reason for which the row is skipped.
REASONS = {
    "E_SESSION_REQUIRED": "no session",
    "E_OUT_OF_SCOPE": "out of scope",
    "E_CLAIMED": "held by another agent",
    "E_VALIDATION": "too little acceptance",
    "E_NOT_VERIFIED": "not verified",
    "E_ROUNDS": "verification rounds used up",
    "E_GATE_NEEDED": "gate not passed",
    "E_EVIDENCE": "evidence changed",
    "E_GATE_UNMET": "pipeline not completed",
}
#: Rows that are asked about together.
_UNIT = 250


def refuse_updates(run: Import) -> None:
    """Skip the changed rows that the rules refuse, before anything is written for them.

    :raises CleoError: what is no refusal of a row: the session that was named does not exist (31).
    """
    plan = run.plan
    rows = [row for row in range(1, plan.rows + 1) if plan.outcome[row] == UPDATE]
    for first in range(0, len(rows), _UNIT):
        bodies = list(run.bodies(rows[first : first + _UNIT]))
        leave_out(run, run.write(partial(_refused, run, bodies)))


def refusal(
    run: Import, work: Work, row: Row, body: dict[str, Any], last: dict[str, Any]
) -> CleoError | None:
    """Why a changed row is not let in, if so.

    :param last: the link's metadata.
    """
    try:
        with gathered(run, work, body["row"]):
            work.enter(row["id"])
            if _completes(row, body, last):
                completing.require_own(work, row)
                completing.require_accepted(work, {**row, **_acceptance(body)})
                verification.require_verified(work, row)
                pipelines.require_finished(work, row)
    except CleoError as error:
        if error.code not in REASONS:
            raise
        return error
    return None


def leave_out(run: Import, refused: dict[int, CleoError]) -> None:
    """Rows are skipped after all, with the edges that they say."""
    if not refused:
        return
    plan = run.plan
    for row, error in refused.items():
        run.drop(row, REASONS[error.code])
        run.refusals[row] = (error.code, error.message)
    for index, source in enumerate(plan.edge_source):
        if source in refused and plan.edge_state[index] == ACCEPTED:
            plan.edge_state[index] = IGNORED


@contextmanager
def gathered(run: Import, work: Work, row: int) -> Iterator[None]:
    """Warnings inside are kept by row, to be told once for all rows by :func:`warn`."""
    earlier = work.unit.warnings
    work.unit.warnings = []
    try:
        yield
        for code, message in work.unit.warnings:
            run.warned.setdefault(code, {})[row] = message
    finally:
        work.unit.warnings = earlier


def warn(run: Import) -> None:
    """Tell the warnings that were gathered: each kind once, with how many rows it concerns."""
    for code, rows in run.warned.items():
        [first, *more] = rows.values()
        run.app.warn(code, f"{len(rows)} rows, first: {first}" if more else first)


def _refused(run: Import, bodies: Sequence[dict[str, Any]], work: Work) -> dict[int, CleoError]:
    ids = [run.task_at(body["row"]) for body in bodies]
    refused = {}
    for id_, body in zip(ids, bodies, strict=True):
        link = links.owner(work, run.provider, run.external_id(body["key"]))
        try:
            error = refusal(run, work, work.task(id_), body, link["metadata"] if link else {})
        except NotHashedError as missing:
            # All that may be asked for, so that it is not asked for one task at a time.
            more = verification.evidence_of(work, ids)
            raise NotHashedError({*missing.paths, *more}) from None
        if error is not None:
            refused[body["row"]] = error
    return refused


def _completes(row: Row, body: dict[str, Any], last: dict[str, Any]) -> bool:
    """Whether the row's status is news, and that the work is done."""
    status = body["status"]
    if status in (last.get("status"), row["status"]):
        return False
    becomes = body["columns"].get("archived_from") if status == "archived" else status
    return bool(becomes == "done" and (row["archived_from"] or row["status"]) != "done")


def _acceptance(body: dict[str, Any]) -> dict[str, Any]:
    """The criteria that the task has once the row is in, where the row says any."""
    said = body["columns"].get("acceptance")
    return {"acceptance": said} if said and "acceptance" not in body["unsaid"] else {}
