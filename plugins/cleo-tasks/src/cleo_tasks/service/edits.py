"""What an edit changes, step by step: columns, lists, edges, place and status."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from cleo_core import inputs
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.database import Row
from cleo_core.errors import CleoError, ValidationError
from cleo_core.output import camel, to_json
from cleo_tasks.enums import OPEN_STATUS, STAGES
from cleo_tasks.errors import TasksError, several
from cleo_tasks.ids import parse_id
from cleo_tasks.records import Task
from cleo_tasks.service import adding, fields, hierarchy, transitions
from cleo_tasks.service.work import Work
from cleo_tasks.store import pipelines, tasks

if TYPE_CHECKING:
    from cleo_tasks.service.completing import CompleteResult

T = TypeVar("T")

#: What ``--parent`` takes for "below nothing".
ROOT = "root"
#: What can be emptied, and what is there then.
CLEARED: dict[str, Any] = {
    "description": None,
    "severity": None,
    "size": None,
    "phase": None,
    "parent": None,
    "blocked_reason": None,
    "labels": (),
    "depends": (),
    "files": [],
    "acceptance": [],
    "metadata": {},
    "no_auto_complete": False,
}
#: Arguments that are columns, as :data:`cleo_tasks.service.fields.CHECKS` knows them.
_COLUMNS = (
    *("title", "description", "priority", "role", "scope", "severity", "size", "phase"),
    *("acceptance", "files", "metadata", "blocked_reason", "no_auto_complete"),
)
#: Columns that change with every edit or by triggers, and say nothing about it.
_UNTOLD = frozenset({"updated_at", "modified_by", "version", "dependency_count"})
_UNTOLD |= {"open_dependency_count", "has_dependencies", "created_week"}


@record
class UpdateResult(Declared):
    """A task after an edit and the names of the fields that changed, as JSON has them.

    ``completed``: what followed, when the edit was the completion of the task.
    """

    task: Task
    changed: bool
    fields: list[str]
    completed: CompleteResult | None = None

    OPTIONAL: ClassVar[tuple[str, ...]] = ("completed",)


def update_task(
    work: Work,
    id_: str,
    given: Mapping[str, Any],
    cleared: Sequence[str] = (),
    if_version: int | None = None,
) -> UpdateResult:
    """The rules of ``update`` inside a unit; a refusal reports all problems.

    :param given: arguments of :meth:`EditVerbs.update`, those that are set.
    :param cleared: fields to empty.
    :raises CleoError: as there.
    """
    row = work.task(id_)
    work.require_version(row, if_version)
    work.enter(id_)
    edit = _Edit(work, row, {**{name: CLEARED[name] for name in cleared}, **given}, cleared)
    before = {**row, **edit.lists()}
    edit.carry_out()
    if edit.problems:
        raise several(edit.problems, {name: to_json(value) for name, value in given.items()})
    after = {**work.task(id_), **edit.lists()}
    changed = _different(before, after)
    return UpdateResult(work.record(id_), bool(changed), changed)


def finish_task(work: Work, id_: str, if_version: int | None = None) -> UpdateResult:
    """``update --status done`` alone: the task is completed.

    :raises CleoError: as :func:`cleo_tasks.service.completing.complete_task`; 21.
    """
    from cleo_tasks.service.completing import complete_task

    before = work.task(id_)
    work.require_version(before, if_version)
    done = complete_task(work, id_)
    after = work.task(id_)
    changed = _different(before, after)
    return UpdateResult(done.task, True, changed, done)


class _Edit:
    """One edit: every step notes its problems, and what is written is undone if there are any."""

    def __init__(
        self, work: Work, row: Row, given: Mapping[str, Any], cleared: Sequence[str]
    ) -> None:
        self.work = work
        self.row = row
        self.given = given
        self.cleared = cleared
        self.problems: fields.Problems = []

    def lists(self) -> dict[str, list[str]]:
        """What belongs to the task in other tables."""
        id_ = self.row["id"]
        return {
            "labels": tasks.labels(self.work, id_),
            "depends_on": [
                one["depends_on"] for one in self.work.read(tasks.DEPENDENCIES_OF, id=id_)
            ],
        }

    def carry_out(self) -> None:
        """All steps, in the order in which one makes room for the next."""
        values = self._columns()
        values |= self._notes()
        labels = self._labels()
        added, removed = self._edges()
        work, row = self.work, self.row
        if removed:
            work.change_edges(row, remove=removed)
        self._move()
        if added:
            self._attempt("depends", lambda: self._add_edges(added))
        self._attempt("stage", lambda: self._stage(values))
        self._attempt("status", self._status)
        self._attempt("blocked_reason", lambda: self._reasoned(values))
        self._attempt("position", self._place)
        self._attempt("phase", lambda: self._phase(values))
        if self.problems:
            return
        work.change(row, values)
        work.change_labels(row, add=labels[0], remove=labels[1])

    def _columns(self) -> dict[str, Any]:
        """The plain columns as they shall be."""
        row, given = self.row, self.given
        wanted = {name: given[name] for name in _COLUMNS if name in given}
        if "title" in wanted or "description" in wanted:
            # Both are needed to see whether one repeats the other.
            for name in ("title", "description"):
                wanted.setdefault(name, row[name])
        for name in ("description", "blocked_reason"):
            if isinstance(wanted.get(name), str) and not wanted[name].strip():
                wanted[name] = None
        for name, also in (("acceptance", "add_acceptance"), ("files", "add_files")):
            more = self._texts(also, fields.entries)
            if more and isinstance(wanted.setdefault(name, row[name]), list | tuple):
                wanted[name] = [*wanted[name], *more]
        settled = fields.settle(wanted, self.problems)
        gone = self._texts("remove_files")
        if gone:
            kept = settled["files"] if "files" in settled else row["files"]
            settled["files"] = [path for path in kept if path not in gone]
        return settled | {name: None for name, value in wanted.items() if value is None}

    def _notes(self) -> dict[str, Any]:
        given, row = self.given, self.row
        if "notes" not in given and "replace_notes" not in given:
            return {}
        kept: list[dict[str, str]] | None = row["notes"]
        if "replace_notes" in given:
            kept = self._attempt("notes", lambda: _whole_notes(self.work, given["replace_notes"]))
        added = self._attempt(
            "note", lambda: adding.note_entries(self.work, given.get("notes", ()))
        )
        return {"notes": [*(kept or ()), *(added or ())]}

    def _labels(self) -> tuple[list[str], list[str]]:
        """Labels to give and to take."""
        given = self.given
        has = tasks.labels(self.work, self.row["id"])
        add = [
            *(self._attempt("labels", lambda: fields.labels(given.get("labels", ()))) or ()),
            *(self._attempt("labels", lambda: _more_labels(given.get("add_labels", ()))) or ()),
        ]
        gone = self._texts("remove_labels")
        if "labels" in given:
            gone = [*gone, *(one for one in has if one not in add)]
        return [one for one in add if one not in gone], gone

    def _edges(self) -> tuple[list[str], list[str]]:
        """Dependencies to add and to remove."""
        given, work = self.given, self.work

        def ids(name: str) -> list[str]:
            found = self._attempt("depends", lambda: adding.existing_ids(work, given.get(name, ())))
            return found or []

        wanted, gone = [*ids("depends"), *ids("add_depends")], ids("remove_depends")
        has = [one["depends_on"] for one in work.read(tasks.DEPENDENCIES_OF, id=self.row["id"])]
        if "depends" in given:
            gone = [*gone, *(one for one in has if one not in wanted)]
        return [one for one in dict.fromkeys(wanted) if one not in has and one not in gone], gone

    def _add_edges(self, added: Sequence[str]) -> None:
        hierarchy.check_cycle(self.work, self.row["id"], depends_on=added)
        self.work.change_edges(self.row, add=added)

    def _move(self) -> None:
        """Another parent and another type, which have to fit each other."""
        given, row = self.given, self.row
        moves = "parent" in given
        parent_id = row["parent_id"]
        if moves:
            known = len(self.problems)
            parent_id = self._attempt("parent", lambda: _parent_id(given["parent"]))
            if len(self.problems) > known:
                return
        known = len(self.problems)
        if "type" in given:
            self._attempt("type", lambda: self._retype(parent_id))
        # That the type does not suit the parent would only be said again.
        said = any(error.code == "E_PARENT_TYPE" for _, error in self.problems[known:])
        if moves and not said:
            self._attempt("parent", lambda: self._reparent(parent_id))

    def _retype(self, parent_id: str | None) -> None:
        work, row = self.work, self.row
        type_ = fields.CHECKS["type"](self.given["type"])
        parent = None if parent_id is None else tasks.row(work, parent_id)
        if parent_id is None or parent is not None:
            hierarchy.check_type(type_, parent)
        for child in work.read(tasks.CHILDREN, id=row["id"]):
            hierarchy.check_type(child["type"], {**row, "type": type_}, child["id"])
        work.change(row, {"type": type_})

    def _reparent(self, parent_id: str | None) -> None:
        from cleo_tasks.service.placing import reparent_task

        work = self.work
        if parent_id is not None and tasks.existing(work, [parent_id]):
            work.enter(None, scope_of=parent_id)
        reparent_task(work, self.row, parent_id, way="--parent {}")

    def _stage(self, values: dict[str, Any]) -> None:
        if "stage" not in self.given:
            return
        work, row = self.work, self.row
        stage = fields.stage(self.given["stage"])
        if stage == row["pipeline_stage"]:
            return
        if row["status"] not in OPEN_STATUS:
            raise TasksError(
                "E_STAGE_ORDER",
                f"{row['id']} is {row['status']}; only open tasks change their stage.",
                fix=f"cleo reopen {row['id']}",
            )
        own = pipelines.of_task(work, row["id"])
        # The stage that the pipeline is in may be said again: it sets a damaged row right.
        if own is not None and stage != own["stage_name"]:
            here = own["stage_name"]
            back = here is not None and STAGES.index(stage) < STAGES.index(here)
            raise TasksError(
                "E_STAGE_ORDER",
                f"{row['id']} has a pipeline, which says in what stage it is.",
                fix=f"cleo lifecycle back {row['id']} {stage} --reason TEXT"
                if back
                else f"cleo lifecycle start {row['id']} {stage}",
            )
        if own is None:
            hierarchy.check_stage(work, stage, row["parent_id"])
        values["pipeline_stage"] = stage

    def _status(self) -> None:
        status, row = self.given.get("status"), self.row
        if status is None or status == row["status"]:
            return
        transitions.require(self.work, row, status, "update")
        if status == "active":
            transitions.require_dependencies(self.work, row)
        transitions.move(self.work, row, status, verb="update")

    def _reasoned(self, values: dict[str, Any]) -> None:
        if values.get("blocked_reason") is not None and self.row["status"] != "blocked":
            raise ValidationError(
                f"{self.row['id']} is {self.row['status']}, not blocked.",
                fix=f"cleo update {self.row['id']} --status blocked --blocked-reason TEXT",
            )

    def _place(self) -> None:
        if "position" not in self.given:
            return
        from cleo_tasks.service.placing import reorder_task

        place = fields.position(self.given["position"])
        try:
            reorder_task(self.work, self.row, place=place)
        except CleoError as error:
            if error.code != "E_NO_CHANGE":
                raise

    def _phase(self, values: dict[str, Any]) -> None:
        slug = values.get("phase")
        if slug is None:
            return
        if adding.phase_is_new(self.work, slug, bool(self.given.get("add_phase"))):
            adding.make_phase(self.work, slug)

    def _texts(self, name: str, check: Callable[[Any, str], list[str]] = inputs.texts) -> list[str]:
        """A list of texts among the arguments; nothing when it is none."""
        given = self.given.get(name, ())
        return self._attempt(name, lambda: check(given, name)) or []

    def _attempt(self, field: str, step: Callable[[], T]) -> T | None:
        try:
            return step()
        except CleoError as error:
            self.problems.append((field, error))
            return None


def _more_labels(given: Any) -> list[str]:
    return fields.labels(given, "--add-label {}")


def _different(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Names of the fields that differ, as JSON has them."""
    return [camel(name) for name in after if after[name] != before[name] and name not in _UNTOLD]


def _parent_id(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and value.strip().lower() == ROOT):
        return None
    return parse_id(value)


def _whole_notes(work: Work, notes: Any) -> list[dict[str, str]]:
    """Notes that replace the stored ones.

    :raises ValidationError: one is neither text nor ``{at, by, text}``.
    """
    if isinstance(notes, str) or not isinstance(notes, Sequence):
        raise ValidationError("notes must be a list.", fix='{"notes": ["text"]}')
    return [_whole_note(work, note) for note in notes]


def _whole_note(work: Work, note: Any) -> dict[str, str]:
    if not isinstance(note, Mapping):
        return {"at": work.now, "by": work.actor, "text": fields.entries([note], "note")[0]}
    if set(note) - {"at", "by", "text"} or "text" not in note:
        raise ValidationError(
            "A note has text, and may have at and by.",
            fix='{"notes": [{"at": "2026-03-25T14:30:00.000Z", "by": "me", "text": "…"}]}',
        )
    from cleo_core.durations import moment

    return {
        "at": moment(inputs.plain_text(note["at"], "at"), "at") if "at" in note else work.now,
        "by": inputs.plain_text(note.get("by", work.actor), "by"),
        "text": fields.entries([note["text"]], "note")[0],
    }
