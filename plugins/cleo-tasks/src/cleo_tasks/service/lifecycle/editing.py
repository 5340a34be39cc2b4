"""One unit's change of one pipeline: who may, what is passed over, how it is written and noted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cleo_core.database import Row
from cleo_core.errors import CleoError
from cleo_tasks.enums import OPEN_STATUS, STAGES
from cleo_tasks.errors import TasksError
from cleo_tasks.service import scope
from cleo_tasks.service.lifecycle import definitions, reading
from cleo_tasks.service.work import Work
from cleo_tasks.store import lifecycle as records
from cleo_tasks.store import pipelines, sessions

#: Columns of a pipeline that change.
_COLUMNS = ("status", "current_stage_id", "completed_at")


class Edit:
    """A pipeline and its stages in memory; :meth:`finish` writes what changed, once.

    :ivar task: the row of its task, which mirrors the current stage.
    :ivar stages: name -> row.
    :ivar forced: rules that may be passed over are, and the record says so.
    """

    def __init__(
        self,
        work: Work,
        task: Row,
        pipeline: Row,
        stages: dict[str, Row],
        session: Row | None,
        *,
        reason: str | None = None,
        forced: bool = False,
        new: bool = False,
    ) -> None:
        self.work = work
        self.task = task
        self.pipeline = pipeline
        self.stages = stages
        self.session = session
        self.reason = reason
        self.forced = forced
        self.new = new
        self.details: dict[str, Any] = {}
        self._was = {name: pipeline[name] for name in _COLUMNS}
        self._stages_were = {name: dict(row) for name, row in stages.items()}
        self._transition: dict[str, Any] | None = None
        self._gates: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
        self._touched = False

    @property
    def id(self) -> str:
        """The task's id."""
        return str(self.task["id"])

    @property
    def current(self) -> str | None:
        """The name of the current stage."""
        found = self.pipeline["current_stage_id"]
        return None if found is None else str(found).rpartition("/")[2]

    def finished(self, name: str) -> bool:
        """Whether a stage is completed or skipped."""
        return self.stages[name]["status"] in definitions.FINISHED

    # Rules that force passes over

    def unmet(self, error: TasksError) -> None:
        """Something that comes before is not complete (80): the mode decides.

        :raises TasksError: the mode is strict.
        """
        mode = self.work.setting("lifecycle.mode")
        if mode == "strict" and not self.forced:
            raise error
        if mode != "off":
            self.work.warn("W_GATE_UNMET", error.message)
        self._passed(error)

    def out_of_order(self, error: TasksError) -> None:
        """A move that the lifecycle does not know (83), in every mode.

        :raises TasksError: it is not forced.
        """
        if not self.forced:
            raise error
        self.work.warn("W_STAGE_ORDER", error.message)
        self._passed(error)

    def _passed(self, error: TasksError) -> None:
        if self.forced:
            self.details.setdefault("passed", []).append(
                {"code": error.code, "message": error.message}
            )

    # Changes

    def change(self, name: str, **values: Any) -> None:
        """Change columns of a stage."""
        self.stages[name].update(values)

    def enter(self, name: str, kind: str) -> None:
        """Make a stage the current one and record the one transition that this is.

        :param kind: ``manual`` or ``automatic``; a forced entry is recorded as ``forced``.
        """
        row, now = self.stages[name], self.work.now
        before = self.pipeline["current_stage_id"]
        self.change(
            name,
            status="in_progress",
            attempt=row["attempt"] + (row["status"] != "not_started"),
            started_at=now,
            completed_at=None,
            blocked_at=None,
            skipped_at=None,
            block_reason=None,
            skip_reason=None,
        )
        if name != definitions.LAST and self.finished(definitions.LAST):
            # What ended the pipeline does not hold any more.
            self.reopen(definitions.LAST)
        self.pipeline["current_stage_id"] = row["id"]
        if self.pipeline["status"] == "aborted":
            self.pipeline["status"] = "active"
        self._transition = {
            "pipeline_id": self.pipeline["id"],
            # A stage that is entered again while it is the current one is entered from nowhere.
            "from_stage_id": None if before == row["id"] else before,
            "to_stage_id": row["id"],
            "transition_type": "forced" if self.forced else kind,
            "transitioned_by": self.work.actor,
            "session_id": None if self.session is None else self.session["id"],
            "reason": self.reason,
            "created_at": now,
        }

    def reopen(self, name: str) -> None:
        """Take a stage back to before it was begun, for another attempt."""
        self.change(
            name,
            status="not_started",
            attempt=self.stages[name]["attempt"] + 1,
            started_at=None,
            completed_at=None,
            blocked_at=None,
            skipped_at=None,
            block_reason=None,
            skip_reason=None,
        )

    def add_gate_result(
        self, name: str, gate: str, result: str, *, reason: str | None, details: str | None
    ) -> int:
        """Record a gate's result in the current attempt of its stage; returns its id."""
        row = self.stages[name]
        standing = records.standing(self.work, row["id"], row["attempt"])
        self._gates[0][gate], self._gates[1][gate] = standing.get(gate), result
        return records.add_gate_result(
            self.work,
            {
                "stage_id": row["id"],
                "gate_name": gate,
                "result": result,
                "attempt": row["attempt"],
                "checked_at": self.work.now,
                "checked_by": self.work.actor,
                "details": details,
                "reason": reason,
            },
        )

    def touch(self) -> None:
        """Something that belongs to the pipeline changed in another table."""
        self._touched = True

    # The end

    def finish(self) -> None:
        """Write what changed: the pipeline by compare-and-set, stages, the move, the mirror.

        :raises CleoError: ``E_CONCURRENT_MODIFICATION`` (21).
        """
        work, own = self.work, self.pipeline
        self._settle()
        before, after = self._differences()
        if not (self.new or before or after or self._touched or self._transition):
            return
        if self.new:
            pipelines.insert(work, own, now=work.now)
            for row in self.stages.values():
                pipelines.insert_stage(work, row)
        elif not pipelines.save(work, own, now=work.now):
            raise moved_on(own, None)
        for name, row in self.stages.items():
            changed = _changed(self._stages_were[name], row)
            if changed:
                pipelines.update_stage(work, row["id"], {key: row[key] for key in changed})
        if self._transition is not None:
            records.add_transition(work, self._transition)
            self.details["transition"] = {
                name: self._transition[name]
                for name in ("from_stage_id", "to_stage_id", "transition_type")
            }
        entry = work.note(
            "pipeline", own["id"], None if self.new else before, after, task_id=self.id
        )
        entry.forced, entry.reason = self.forced, self.reason
        entry.details.update(self.details)
        if self._transition is not None:
            work.change(
                self.task,
                {"pipeline_stage": self.current},
                forced=self.forced,
                reason=self.reason,
            )

    def _settle(self) -> None:
        """The pipeline's status follows from its stages, unless it was aborted."""
        own = self.pipeline
        if own["status"] != "aborted":
            status = "active" if self.current is None else self.stages[self.current]["status"]
            if self.finished(definitions.LAST):
                own["status"] = "completed"
            else:
                own["status"] = status if status in ("blocked", "failed") else "active"
        done = own["status"] == "completed"
        own["completed_at"] = (own["completed_at"] or self.work.now) if done else None

    def _differences(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Changed columns as they were and as they are, those of stages under ``stages``."""
        own = self.pipeline
        if self.new:
            stages = {name: dict(row) for name, row in self.stages.items()}
            started = {"started_at": self.work.now, "version": 1}
            return {}, {**own, **started, "stages": stages}
        columns = [name for name in _COLUMNS if own[name] != self._was[name]]
        before: dict[str, Any] = {name: self._was[name] for name in columns}
        after: dict[str, Any] = {name: own[name] for name in columns}
        stages_before, stages_after = {}, {}
        for name, row in self.stages.items():
            was = self._stages_were[name]
            changed = _changed(was, row)
            if changed:
                stages_before[name] = {key: was[key] for key in changed}
                stages_after[name] = {key: row[key] for key in changed}
        if stages_after:
            before["stages"], after["stages"] = stages_before, stages_after
        if self._gates[1]:
            before["gates"], after["gates"] = self._gates
        return before, after


def begin(
    work: Work,
    id_: str,
    *,
    reason: str | None = None,
    forced: bool = False,
    if_version: int | None = None,
    done: bool = False,
) -> Edit:
    """Take a task's pipeline to change it.

    :param done: a task that is done may have it changed as well.
    :raises CleoError: 4; 21; 36, 34; ``E_INVALID_TRANSITION`` (6), the task is closed.
    """
    task = work.task(id_)
    own = pipelines.of_task(work, id_)
    if own is None:
        raise reading.no_pipeline(id_)
    if if_version is not None and own["version"] != if_version:
        raise moved_on(own, if_version)
    session = admitted(work, id_)
    require_open(task, done=done)
    stages = pipelines.stages(work, own["id"])
    return Edit(work, task, own, stages, session, reason=reason, forced=forced)


def created(work: Work, task: Row, *, reason: str | None, forced: bool) -> Edit:
    """A pipeline that does not exist yet, with its ten stages.

    :raises CleoError: 36, 34; ``E_INVALID_TRANSITION`` (6), the task is closed.
    """
    session = admitted(work, task["id"])
    require_open(task)
    id_ = f"pl_{task['id']}"
    own = {
        "id": id_,
        "task_id": task["id"],
        "status": "active",
        "current_stage_id": None,
        "completed_at": None,
    }
    stages: dict[str, Row] = {
        name: {
            "id": f"{id_}/{name}",
            "pipeline_id": id_,
            "stage_name": name,
            "status": "not_started",
            "sequence": number,
            "attempt": 1,
            **dict.fromkeys(
                ("started_at", "completed_at", "blocked_at", "skipped_at", "block_reason")
            ),
            "skip_reason": None,
            "notes": [],
            "metadata": {},
            "output_file": None,
            "created_by": work.actor,
        }
        for number, name in enumerate(STAGES, 1)
    }
    return Edit(work, task, own, stages, session, reason=reason, forced=forced, new=True)


def admitted(work: Work, id_: str) -> Row | None:
    """The session in which a pipeline is changed; its scope holds the task, in every mode.

    :raises TasksError: 36; ``E_OUT_OF_SCOPE`` (34).
    """
    session = work.enter(id_)
    if session is not None:
        active = [session]
    elif work.app.session is not None:
        # Named and not active: the command runs outside of it, and reaches no further than it.
        active = [scope.named(work, work.app.session)]
    else:
        active = sessions.active_of(work, work.agent)
    if active and not any(scope.contains(work, one, id_) for one in active):
        raise _out_of_scope(active[0], id_)
    return session


def require_open(task: Row, *, done: bool = False) -> None:
    """Whether a task's pipeline may change: the task is open.

    :raises TasksError: ``E_INVALID_TRANSITION`` (6).
    """
    status = task["status"]
    if status in OPEN_STATUS or (done and status == "done"):
        return
    verb = "unarchive" if status == "archived" else "reopen"
    raise TasksError(
        "E_INVALID_TRANSITION",
        f"{task['id']} is {status}; the pipeline of an open task moves.",
        fix=f"cleo {verb} {task['id']}",
        details={"from": status},
    )


def require_live(edit: Edit, *, completed: bool = False) -> None:
    """Whether stages of a pipeline may change: it is neither aborted nor, mostly, completed.

    :raises TasksError: ``E_STAGE_ORDER`` (83).
    """
    status = edit.pipeline["status"]
    if status == "aborted" or (status == "completed" and not completed):
        raise TasksError(
            "E_STAGE_ORDER",
            f"The pipeline of {edit.id} is {status}; its stages do not change.",
            fix=f"cleo lifecycle start {edit.id} {edit.current} --force --reason TEXT",
            details={"status": status},
        )


def moved_on(own: Mapping[str, Any], version: int | None) -> CleoError:
    """The refusal (21) of an edit that was based on an older pipeline."""
    return CleoError(
        "E_CONCURRENT_MODIFICATION",
        f"{own['id']} is at version {own['version']}, not {version}: "
        f"it was changed at {own['updated_at']}."
        if version is not None
        else f"{own['id']} was changed while it was edited.",
        fix=f"cleo lifecycle show {own['task_id']}",
        details={"expected": version, "version": own["version"], "current": dict(own)},
    )


def _out_of_scope(session: Row, id_: str) -> TasksError:
    return TasksError(
        "E_OUT_OF_SCOPE",
        f"Session {session['id']} ({session['scope_kind']}:{session['scope_task_id']}) does not "
        f"reach {id_}; a pipeline is moved from a session that holds its task.",
        fix="the same command with --session of a wider session",
        details={"session": session["id"], "scope": session["scope_task_id"]},
    )


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return [name for name in pipelines.STAGE_COLUMNS if before[name] != after[name]]
