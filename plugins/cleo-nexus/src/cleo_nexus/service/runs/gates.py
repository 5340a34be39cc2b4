"""Asking gates. What a gate comes to is found out here and never taken from a caller."""

from __future__ import annotations

import copy
import os
import stat
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from cleo_core import clock
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.errors import CleoError, NotFoundError, UsageError, shortened
from cleo_nexus.definitions import Gate
from cleo_nexus.records.instances import GateOutcome, Instance
from cleo_nexus.service import access
from cleo_nexus.service.elsewhere import Unreadable, is_there, tasks_of
from cleo_nexus.service.runs import opening
from cleo_nexus.store import registry

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Backend, Row
    from cleo_nexus.service.runs.opening import Opened

#: What the services of validators are called, before the validator's own name.
VALIDATOR = "warp.validator."
#: Characters of a gate's message at most.
LONGEST_MESSAGE = 500
#: Results of a gate of a task that count as passed.
_GOOD = ("pass", "warn")
#: Statuses of manifests that are not archived.
_KEPT = ("active", "distilled")


@record
class _Verdict(Declared):
    outcome: str
    message: str


def _passed(message: str) -> _Verdict:
    return _Verdict("passed", message)


def _failed(message: str) -> _Verdict:
    return _Verdict("failed", message)


def _unknown(message: str) -> _Verdict:
    return _Verdict("unknown", message)


class _NotKnownError(Exception):
    """Nobody can say; says why."""


class Gates:
    """Asks the gates of an instance. What was looked up is kept, so one is made for each move."""

    def __init__(self, app: App, db: Backend, run: Opened) -> None:
        self._app = app
        self._db = db
        self._run = run
        self._instance: Instance | None = None
        self._current = access.reader_id(app)
        self._known: dict[Hashable, Any] = {}
        self._rows: dict[str, Row | None] = {}

    def ask(
        self,
        gates: Iterable[Gate],
        complete: Iterable[str],
        force: Iterable[str] = (),
        completing: Iterable[str] = (),
    ) -> list[GateOutcome]:
        """What gates come to.

        :param complete: the stages that the history shows left or skipped.
        :param force: gates that are gone past where they are not passed.
        :param completing: the stages that are complete with the move that is asked for.
        """
        done, forced = frozenset(complete), frozenset(force)
        then = frozenset(completing)
        found = []
        for gate in gates:
            verdict = self._verdict(gate, done, then)
            found.append(
                GateOutcome(
                    gate_id=gate.id,
                    stage_id=gate.stage_id,
                    name=gate.name,
                    position=gate.position,
                    severity=gate.severity,
                    blocking=gate.blocking,
                    can_force=gate.can_force,
                    outcome=verdict.outcome,
                    forced=gate.id in forced and verdict.outcome != "passed",
                    message=_told(verdict.message),
                    evaluated_at=clock.now(),
                )
            )
        return found

    def _verdict(
        self, gate: Gate, complete: frozenset[str], completing: frozenset[str]
    ) -> _Verdict:
        try:
            if gate.check.type == "stage_complete":
                return _stage_complete(str(gate.check.stage_id), complete, completing)
            asked: Mapping[str, Callable[[Gate], _Verdict]] = {
                "artifact_exists": self._artifact_exists,
                "verification_gate": self._verification_gate,
                "protocol_valid": self._protocol_valid,
                "custom": self._custom,
            }
            return asked[gate.check.type](gate)
        except _NotKnownError as reason:
            return _unknown(str(reason))

    def _artifact_exists(self, gate: Gate) -> _Verdict:
        if gate.check.path is not None:
            return self._file(gate.check.path)
        type_ = gate.check.artifact_type
        project, task = self._run.task_of(gate.stage_id)

        def manifests(tasks: Any) -> bool:
            try:
                return any(
                    tasks.manifest_list(task=task, type=type_, status=status, limit=1)[0]
                    for status in _KEPT
                )
            except (NotFoundError, UsageError):
                # The task is gone, or manifests have no such type: there is none of it.
                return False

        if self._tasks(project, ("manifest", task, type_), manifests):
            return _passed(f"{self._name(project, task)} has a manifest of type {type_}.")
        return _failed(f"{self._name(project, task)} has no manifest of type {type_}.")

    def _file(self, path: str) -> _Verdict:
        row = self._project(self._run.row["epic_project_id"])
        root = os.path.realpath(row["project_path"])
        try:
            found = os.path.realpath(os.path.join(root, path))
            if os.path.commonpath((root, found)) != root:
                return _failed(f"{path} leads out of project {row['slug']}.")
            regular = stat.S_ISREG(os.stat(found).st_mode)
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return _failed(f"There is no {path} in project {row['slug']}.")
        except OSError as error:
            raise _NotKnownError(f"{path} cannot be looked at: {error.strerror}.") from None
        if not regular:
            return _failed(f"{path} is no regular file.")
        return _passed(f"{path} is there.")

    def _verification_gate(self, gate: Gate) -> _Verdict:
        project, task = self._run.task_of(gate.stage_id)
        wanted = gate.check.gate_name
        name = self._name(project, task)

        def verified(tasks: Any) -> Any:
            try:
                return tasks.verify(task)
            except NotFoundError:
                return None

        state = self._tasks(project, ("verify", task), verified)
        if state is None:
            return _failed(f"There is no task {name}.")
        result = state.gates.get(wanted)
        if result is not None and result.result in _GOOD:
            return _passed(f"{wanted} of {name} is {result.result} in round {state.round}.")
        return _failed(f"{wanted} of {name} has not passed in round {state.round}.")

    def _protocol_valid(self, gate: Gate) -> _Verdict:
        project, task = self._run.task_of(gate.stage_id)
        protocol = str(gate.check.protocol_type)
        name = self._name(project, task)

        def lifecycle(tasks: Any) -> Any:
            try:
                return tasks.lifecycle_show(task)
            except NotFoundError:
                return None

        found = self._tasks(project, ("lifecycle", task), lifecycle)
        if found is None:
            return _failed(f"{name} has no pipeline.")
        stages = {one.stage_name: one for one in found.stages}
        if protocol == "artifact-publish":
            published = found.gates.get("artifacts-published")
            if published is not None and published.stage == "release" and published.result in _GOOD:
                return _passed(f"The artifacts of {name} are published.")
            return _failed(f"Gate artifacts-published of {name} has not passed.")
        if protocol == "provenance":
            release = stages.get("release")
            if release is not None and release.output_file:
                return _passed(f"The release of {name} names {release.output_file}.")
            return _failed(f"The release of {name} names no output file.")
        stage = stages.get(protocol.replace("-", "_"))
        status = "not there" if stage is None else stage.status.replace("_", " ")
        if status == "completed":
            return _passed(f"Stage {protocol} of {name} is completed.")
        return _failed(f"Stage {protocol} of {name} is {status}.")

    def _custom(self, gate: Gate) -> _Verdict:
        service = f"{VALIDATOR}{gate.check.validator}"
        if not self._app.has_service(service):
            return _unknown(f"No installed plugin gives the service {service}.")
        stage = self._run.chart.stage(gate.stage_id)
        params = copy.deepcopy(dict(gate.check.params or {}))
        if self._instance is None:
            self._instance = opening.show(self._db, self._run.row)
        try:
            passed, message = self._app.service(service)(self._instance, stage, params)
        except Exception as error:  # anything that somebody else's code raises
            return _unknown(f"{service} failed: {type(error).__name__}: {error}")
        if not isinstance(passed, bool) or not isinstance(message, str):
            return _unknown(f"{service} gave no answer of the form (bool, text).")
        return _passed(message) if passed else _failed(message)

    def _tasks(self, project: str, key: Hashable, look: Callable[[Any], Any]) -> Any:
        """What a look at a project's tasks gives, looked up once.

        :raises _NotKnownError: nobody can say.
        """
        if (project, key) not in self._known:
            self._known[project, key] = self._looked(project, look)
        found = self._known[project, key]
        if isinstance(found, _NotKnownError):
            raise found
        return found

    def _looked(self, project: str, look: Callable[[Any], Any]) -> Any:
        try:
            with tasks_of(self._app, self._project(project), self._current) as tasks:
                return look(tasks)
        except _NotKnownError as reason:
            return reason
        except Unreadable as reason:
            return _NotKnownError(f"Project {reason.slug} cannot be read: it is {reason.reason}.")
        except CleoError as error:
            return _NotKnownError(error.message)

    def _project(self, project: str) -> Row:
        if project not in self._rows:
            self._rows[project] = registry.by_id(self._db, project)
        row = self._rows[project]
        if row is None:
            raise _NotKnownError(f"Project {project} is not registered.")
        if not is_there(self._app, row):
            raise _NotKnownError(f"Project {row['slug']} is not at {row['project_path']}.")
        return row

    def _name(self, project: str, task: str) -> str:
        row = self._rows.get(project) or registry.by_id(self._db, project)
        return f"@{project}:{task}" if row is None else f"{row['slug']}:{task}"


def _stage_complete(stage: str, complete: frozenset[str], completing: frozenset[str]) -> _Verdict:
    if stage in complete:
        return _passed(f"{stage} is complete.")
    if stage in completing:
        return _passed(f"{stage} is complete with this move.")
    return _failed(f"{stage} is neither left nor skipped.")


def _told(message: str) -> str:
    """A message as it can be stored: no NUL, no half of a surrogate pair, not too long."""
    plain = message.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
    return shortened(plain, LONGEST_MESSAGE)
