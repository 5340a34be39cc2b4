"""Health check of instances that nobody sees to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cleo_core import clock
from cleo_core.errors import CleoError
from cleo_nexus.service import places
from cleo_nexus.service.checking import MOST, Finding, Status, fine, looked
from cleo_nexus.service.runs import advancing, opening
from cleo_nexus.store import instances, registry

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Backend, Row

#: Seconds after which an instance that could go on and has not is told of.
IDLE_SECONDS = 7 * 24 * 3600.0


def check_chains(app: App, deep: bool = False) -> Finding:
    """Open instances whose epic or project is gone, and those that could go on and do not."""
    return looked(app, lambda db: _found(app, db))


def _found(app: App, db: Backend) -> Finding:
    gone: list[str] = []
    idle: list[str] = []
    unknown: list[str] = []
    before = clock.format_time(clock.seconds() - IDLE_SECONDS)
    rows = instances.unfinished(db)
    for row in rows:
        there = _is_there(app, db, row)
        if there is None:
            unknown.append(row["id"])
        elif not there:
            gone.append(row["id"])
        elif row["updated_at"] <= before and row["status"] != "failed" and _could_go(app, db, row):
            idle.append(row["id"])
    found = {"gone": gone, "idle": idle, "unknown": unknown}
    details = {name: ids[:MOST] for name, ids in found.items() if ids}
    said = [
        words
        for ids, words in (
            (gone, f"open instances whose epic or project is gone: {len(gone)}"),
            (idle, f"instances that could go on and have not moved for seven days: {len(idle)}"),
            (unknown, f"instances whose epic cannot be looked at: {len(unknown)}"),
        )
        if ids
    ]
    if not said:
        return fine(f"Open instances: {len(rows)}.")
    if gone:
        fix = f"cleo chain cancel {gone[0]} --reason TEXT"
    else:
        fix = f"cleo chain {f'run {idle[0]}' if idle else f'status {unknown[0]}'}"
    text = "; ".join(said)
    status: Status = "warning" if gone or idle else "info"
    return Finding(status, f"{text[0].upper()}{text[1:]}.", details, fix)


def _is_there(app: App, db: Backend, row: Row) -> bool | None:
    """Whether an instance's epic exists; None where nobody can say."""
    project = registry.by_id(db, row["epic_project_id"])
    if project is None:
        return False
    try:
        if places.gone(project["project_path"]):
            return False
        id_ = f"{row['epic_project_id']}:{row['epic_id']}"
        return app.exists("project_task", [id_])[id_]
    except CleoError:
        return None


def _could_go(app: App, db: Backend, row: Row) -> bool:
    """Whether an active stage of an instance could be left."""
    try:
        run = opening.of_row(app, db, row)
        return any(
            not advancing.ask(app, db, run, stage).blocked
            for stage in json.loads(row["active_stages"])
        )
    except CleoError:
        # Its definition is damaged, or it names a project that lets nobody look.
        return False
