"""Instances as they are stored, and as they are shown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.errors import NotFoundError, UsageError, ValidationError, echoed
from cleo_core.inputs import plain_text
from cleo_nexus.definitions import parse_definition
from cleo_nexus.enums import INSTANCE_FINAL
from cleo_nexus.errors import NexusError
from cleo_nexus.moves import Chart, State
from cleo_nexus.records.instances import GateResult, Instance
from cleo_nexus.records.projects import Ref
from cleo_nexus.service import access
from cleo_nexus.store import instances, registry

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Backend, Row

#: Characters of a reason at most.
LONGEST_REASON = 500


@record
class Opened(Declared):
    """An instance that can be moved.

    :ivar chart: its own definition, with the values of its variables.
    :ivar state: where it stands.
    """

    row: Row
    chart: Chart
    state: State

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.row["id"])

    def task_of(self, stage: str) -> tuple[str, str]:
        """The project and the task that a stage's gates look at: its own, else the epic."""
        tasks: Mapping[str, str] = json.loads(self.row["stage_to_task"])
        if stage not in tasks:
            return self.row["epic_project_id"], self.row["epic_id"]
        project, _, task = tasks[stage].partition(":")
        return project, task


def row_of(db: Backend, id_: Any) -> Row:
    """An instance's row.

    :raises UsageError: what is given is no text.
    :raises NotFoundError: 4, there is no such instance.
    """
    if not isinstance(id_, str):
        raise UsageError("An instance is named by its id.", fix="cleo chain instances")
    found = instances.by_id(db, id_.strip()) if id_.isascii() and id_.isprintable() else None
    if found is None:
        raise NotFoundError(f"There is no instance {echoed(id_)}.", fix="cleo chain instances")
    return found


def opened(app: App, db: Backend, id_: Any, chart: Chart | None = None) -> Opened:
    """An instance with all that moving it needs.

    :param chart: its chart, where it is known.
    :raises CleoError: 2, 4; 72, its epic's project or that of a task does not let others read; 78,
        its definition is damaged.
    """
    return of_row(app, db, row_of(db, id_), chart)


def of_row(app: App, db: Backend, row: Row, chart: Chart | None = None) -> Opened:
    """The same of a row."""
    require_readable(app, db, row)
    if chart is None:
        definition = parse_definition(json.loads(row["definition"]))
        chart = Chart(definition, json.loads(row["variables"]))
    complete: set[str] = set()
    arrived: dict[str, tuple[str, ...]] = {}
    for step in instances.steps(db, row["id"]):
        stage, to = step["stage_id"], step["to_stage_id"]
        if step["type"] == "waiting":
            arrived[to] = (*arrived.get(to, ()), stage)
            continue
        arrived.pop(stage, None)
        if step["type"] != "entered":
            complete.add(stage)
    active = tuple(json.loads(row["active_stages"]))
    return Opened(row, chart, State(active, frozenset(complete), arrived))


def require_readable(app: App, db: Backend, row: Row) -> None:
    """Refuse what the projects of an instance's tasks do not let others do.

    A project that is not registered any more has no say in it.

    :raises NexusError: 72.
    """
    current = access.reader_id(app)
    for project in dict.fromkeys((row["epic_project_id"], *_stage_projects(row))):
        known = registry.by_id(db, project)
        if known is not None:
            access.require(known, "read", current)


def require_movable(row: Row) -> None:
    """Refuse to move what is over, or failed.

    :raises NexusError: 17, it is completed or cancelled.
    :raises ValidationError: 6, it has failed.
    """
    require_unfinished(row)
    if row["status"] == "failed":
        raise ValidationError(
            f"{row['id']} has failed; it is resumed first.",
            fix=f"cleo chain resume {row['id']}",
            status="failed",
        )


def require_unfinished(row: Row) -> None:
    """Refuse to change what is over.

    :raises NexusError: 17, it is completed or cancelled.
    """
    if row["status"] in INSTANCE_FINAL:
        raise NexusError(
            "E_ALREADY_DONE",
            f"{row['id']} is {row['status']}; nothing changes it any more.",
            fix=f"cleo chain history {row['id']}",
            details={"instance": row["id"], "status": row["status"]},
        )


def reason_of(value: Any, what: str, fix: str, least: int = 1) -> str:
    """Why something is done.

    :param what: what the reason is for: ``An instance is cancelled``.
    :raises UsageError: none is given.
    :raises ValidationError: 6, it is no text of ``least`` to 500 characters.
    """
    if value is None:
        raise UsageError(f"{what} for a reason, and none is given.", fix=fix)
    text = plain_text(value, "reason").strip()
    if not least <= len(text) <= LONGEST_REASON:
        raise ValidationError(
            f"A reason has {least} to {LONGEST_REASON} characters.", fix=fix, field="reason"
        )
    return text


def shown(db: Backend, rows: Iterable[Row]) -> list[Instance]:
    """Instances as they are shown."""
    rows = list(rows)
    names = _Names(db)
    gates = instances.latest_gates(db, [row["id"] for row in rows])
    return [_record(db, row, names, gates.get(row["id"], [])) for row in rows]


def show(db: Backend, row: Row) -> Instance:
    """One instance as it is shown."""
    (found,) = shown(db, [row])
    return found


class _Names:
    def __init__(self, db: Backend) -> None:
        self._db = db
        self._slugs: dict[str, str] = {}

    def ref(self, project: str, task: str) -> Ref:
        if project not in self._slugs:
            row = registry.by_id(self._db, project)
            self._slugs[project] = f"@{project}" if row is None else row["slug"]
        return Ref.of(self._slugs[project], project, task)


def _record(db: Backend, row: Row, names: _Names, gates: Iterable[Row]) -> Instance:
    waiting: dict[str, None] = {}
    for step in instances.steps(db, row["id"]):
        if step["type"] == "waiting":
            waiting[step["to_stage_id"]] = None
        else:
            waiting.pop(step["stage_id"], None)
    tasks = {
        stage: names.ref(*joined.split(":", 1))
        for stage, joined in json.loads(row["stage_to_task"]).items()
    }
    return Instance(
        id=row["id"],
        chain_id=row["chain_id"],
        chain_version=row["chain_version"],
        epic=names.ref(row["epic_project_id"], row["epic_id"]),
        status=row["status"],
        attempt=row["attempt"],
        active_stages=json.loads(row["active_stages"]),
        waiting_stages=list(waiting),
        current_stage=row["current_stage"],
        variables=json.loads(row["variables"]),
        stage_to_task=tasks,
        gate_results=[
            GateResult(
                gate_id=one["gate_id"],
                stage_id=one["stage_id"],
                outcome=one["outcome"],
                forced=bool(one["forced"]),
                message=one["message"],
                evaluated_at=one["evaluated_at"],
            )
            for one in gates
        ],
        created_by=row["created_by"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        finished_at=row["finished_at"],
    )


def _stage_projects(row: Row) -> list[str]:
    tasks: Mapping[str, str] = json.loads(row["stage_to_task"])
    return [joined.partition(":")[0] for joined in tasks.values()]
