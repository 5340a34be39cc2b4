"""Releases as their verbs give them: as they are, and as they would be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cleo_core import clock
from cleo_core.database import Row
from cleo_core.programs import without_passwords
from cleo_tasks.enums import RELEASE_STEP
from cleo_tasks.release_records import Release, ReleaseResult, ReleaseStep
from cleo_tasks.service import release_bump, release_gates, release_lookup
from cleo_tasks.service.release_plan import Plan, Request
from cleo_tasks.store import releases, tasks

if TYPE_CHECKING:
    from cleo_core.app import App

#: What a release that is not begun yet has in place of times.
_NOTHING = dict.fromkeys(Release.__dataclass_fields__)


def current(db: Any, release: Row, *, revert: list[str] | None = None) -> ReleaseResult:
    """A release with its steps and tasks.

    :param db: one state of the store.
    """
    values = {name: release[name] for name in Release.__dataclass_fields__}
    steps = [ReleaseStep(**row) for row in releases.steps_of(db, release["id"])]
    lines = tasks.lines(db, releases.tasks_of(db, release["id"]))
    return ReleaseResult(Release(**values), steps, lines, revert=revert)


def draft(app: App, db: Any, begun: Row | None, request: Request, plan: Plan) -> ReleaseResult:
    """A release that is not prepared, as it would be.

    :param db: one state of the store.
    :param begun: its row, if a call that was interrupted has begun it.
    """
    command = release_bump.command(app)
    skipped = {"bump": not command, "push": not request.push}
    values: dict[str, Any] = _NOTHING | {
        "id": begun["id"] if begun else release_lookup.free_id(db, request.version),
        "version": request.version,
        "status": "draft",
        "pipeline_id": plan.pipeline,
        "epic_id": plan.epic,
        "changelog": plan.section,
        "notes": request.note,
        "previous_version": plan.previous["version"] if plan.previous else None,
        "dist_tag": request.dist_tag,
        "created_at": begun["created_at"] if begun else clock.now(),
        "row_version": begun["row_version"] if begun else 1,
    }
    details: dict[str, dict[str, Any]] = {
        "prepare": {"base": plan.seen.base, "branch": plan.seen.branch},
        "bump": {"command": release_bump.filled(command, request.version)} if command else {},
        "changelog": {"path": plan.seen.path},
        "push": {"remote": without_passwords(release_gates.remote_of(app))} if request.push else {},
    }
    steps = [
        ReleaseStep(
            step,
            "skipped" if skipped.get(step) else "pending",
            0,
            None,
            None,
            details.get(step, {}),
        )
        for step in RELEASE_STEP
    ]
    lines = tasks.lines(db, plan.task_ids)
    return ReleaseResult(Release(**values), steps, lines, gates=plan.gates)
