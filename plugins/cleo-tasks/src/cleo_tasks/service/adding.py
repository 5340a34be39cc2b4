"""Adding a task: the rules that every way of adding goes through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from cleo_core import clock
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.database import Row
from cleo_core.errors import CleoError, UsageError, ValidationError
from cleo_core.output import camel, to_json
from cleo_tasks.errors import several, task_not_found
from cleo_tasks.ids import parse_id, parse_ids, task_id
from cleo_tasks.records import Task
from cleo_tasks.service import fields, hierarchy
from cleo_tasks.service.work import Work
from cleo_tasks.store import phases, sessions, tasks

#: What a dry run shows in place of an id that would be given.
UNGIVEN = "T???"


@record
class AddResult(Declared):
    """A task that was added, or the one that was there: ``created`` tells.

    ``counts``: entries per list that were received, or that the task has that was there.
    """

    task: Task
    created: bool
    duplicate_of: str | None
    counts: dict[str, int]

    OPTIONAL: ClassVar[tuple[str, ...]] = ("duplicate_of",)


def add_task(work: Work, given: Mapping[str, Any], *, seq: int | None = None) -> AddResult:
    """The rules of ``add`` inside a unit; all problems are found before anything is written.

    :param given: the arguments of :meth:`TaskVerbs.add`.
    :param seq: a number that was taken already.
    :raises CleoError: as there.
    """
    problems: fields.Problems = []
    values = fields.settle(
        {
            "title": "" if given["title"] is None else given["title"],
            "description": given["description"] or None,
            "priority": given["priority"],
            "type": given["type"],
            "role": given["role"],
            "scope": given["scope"],
            "severity": given["severity"],
            "size": given["size"],
            "phase": given["phase"],
            "pipeline_stage": given["stage"],
            "acceptance": given["acceptance"] or None,
            "files": given["files"] or None,
            "metadata": given["metadata"],
            "position": given["position"],
            "labels": given["labels"] or None,
        },
        problems,
    )
    status = _attempt(
        problems,
        "status",
        lambda: fields.initial_status("pending" if given["status"] is None else given["status"]),
    )
    notes = _attempt(problems, "note", lambda: note_entries(work, given["notes"])) or []
    depends = _attempt(problems, "depends", lambda: existing_ids(work, given["depends"])) or []
    parent = _parent(work, given, values, problems)
    parent_id = parent["id"] if parent else None
    if depends:
        _attempt(
            problems,
            "depends",
            lambda: hierarchy.check_cycle(work, None, depends_on=depends, parent=parent_id),
        )
    stage = _stage(work, values, parent, problems)
    phase = values.get("phase")
    if given["add_phase"] is True and given["phase"] is None:
        problems.append(("add_phase", phase_unnamed()))
    new_phase = phase is not None and _attempt(
        problems, "phase", lambda: phase_is_new(work, phase, given["add_phase"])
    )
    _attempt(problems, "acceptance", lambda: check_acceptance(work, values.get("acceptance", [])))
    if problems:
        raise several(problems, {name: to_json(value) for name, value in given.items()})
    session = work.enter(None, scope_of=parent_id)

    counts = {name: len(given[name] or ()) for name in ("labels", "depends", "files", "acceptance")}
    counts["notes"] = len(notes)
    if not given["allow_duplicate"]:
        earlier = _earlier(work, values, parent_id)
        if earlier is not None:
            return _again(
                work,
                work.record(earlier),
                {name: value for name, value in values.items() if given.get(name) is not None}
                | {
                    "status": given["status"],
                    "pipeline_stage": values.get("pipeline_stage"),
                    "depends_on": depends,
                    "notes": [note["text"] for note in notes],
                },
            )
    if new_phase:
        make_phase(work, values["phase"])
    if seq is None:
        seq = work.take_numbers(1)
    id_ = task_id(seq)
    labels = values.pop("labels", [])
    type_ = values.get("type") or hierarchy.by_type(parent)
    work.insert(
        {
            "seq": seq,
            "id": id_,
            "title": values["title"],
            "description": values.get("description"),
            "status": status,
            "priority": values.get("priority", "medium"),
            "type": type_,
            "role": values.get("role", "work"),
            "scope": values.get("scope", hierarchy.SCOPE_OF_TYPE[type_]),
            "severity": values.get("severity"),
            "size": values.get("size"),
            "parent_id": parent_id,
            "phase": values.get("phase"),
            "position": hierarchy.place_at(work, parent_id, values.get("position")),
            "acceptance": values.get("acceptance", []),
            "notes": notes,
            "files": values.get("files", []),
            "metadata": values.get("metadata", {}),
            "pipeline_stage": stage,
            "session_id": session["id"] if session else None,
            "origin": given["origin"],
            "created_by": work.actor,
            "modified_by": work.actor,
            "created_at": work.now,
            "updated_at": work.now,
        },
        labels=labels,
        depends_on=depends,
    )
    if session is not None:
        sessions.record_task(work, session["id"], id_, "created", work.now)
    task = work.record(id_)
    if work.app.dry_run:
        task = replace(task, id=UNGIVEN)
    return AddResult(task, True, None, counts)


def added_from_json(data: Mapping[str, Any]) -> AddResult:
    """An AddResult as an idempotency key kept it."""
    return AddResult(
        task_from_json(data["task"]), data["created"], data.get("duplicateOf"), data["counts"]
    )


def task_from_json(data: Mapping[str, Any]) -> Task:
    """A Task from its JSON form."""
    values: dict[str, Any] = {name: data.get(camel(name)) for name in Task.__dataclass_fields__}
    values.pop("OPTIONAL", None)
    return Task(**values)


def note_entries(work: Work, notes: Sequence[str]) -> list[dict[str, Any]]:
    """Notes as they are stored: ``{at, by, text}``.

    :raises ValidationError: one is not text, or blank.
    """
    return [
        {"at": work.now, "by": work.actor, "text": text} for text in fields.entries(notes, "note")
    ]


def check_acceptance(work: Work, acceptance: Sequence[str]) -> None:
    """Apply ``tasks.acceptance.mode``: enough criteria, or a warning, or a refusal.

    :raises ValidationError: there are too few and the mode is block.
    """
    mode = work.setting("acceptance.mode")
    if mode == "off":
        return
    least = work.number("acceptance.min")
    if len(acceptance) >= least:
        return
    message = f"{len(acceptance)} acceptance criteria are given; {least} are asked for."
    if mode == "block":
        raise ValidationError(message, fix="--acceptance TEXT, once for each criterion")
    work.warn("W_ACCEPTANCE", message)


def existing_ids(work: Work, depends: Sequence[str]) -> list[str]:
    """Ids of tasks as callers write them; each once.

    :raises CleoError: one is no id (2), or some do not exist (4).
    """
    ids = parse_ids(depends)
    there = tasks.existing(work, ids)
    missing = [id_ for id_ in ids if id_ not in there]
    if missing:
        raise task_not_found(*missing)
    return ids


def phase_is_new(work: Work, slug: str, add: bool) -> bool:
    """Whether a phase has to be made.

    :raises ValidationError: it does and ``add`` does not allow it.
    """
    if phases.row(work, slug) is not None:
        return False
    if add:
        return True
    raise ValidationError(f"There is no phase {slug!r}.", fix="the same command with --add-phase")


def phase_unnamed() -> UsageError:
    """The refusal of ``--add-phase`` where no phase is named."""
    return UsageError("A phase is to be made and none is named.", fix="--phase SLUG --add-phase")


def make_phase(work: Work, slug: str) -> None:
    """Make a phase, the last one."""
    made = phases.insert(work, slug, slug)
    work.note("phase", slug, None, made, action="phase.add", emit=False)


def _attempt(problems: fields.Problems, field: str, check: Any) -> Any:
    try:
        return check()
    except CleoError as error:
        problems.append((field, error))
        return None


def _parent(
    work: Work, given: Mapping[str, Any], values: dict[str, Any], problems: fields.Problems
) -> Row | None:
    parent: Row | None = None
    if given["parent"] is not None:
        before = len(problems)
        parent = _attempt(
            problems, "parent", lambda: hierarchy.find_parent(work, parse_id(given["parent"]))
        )
        if len(problems) > before:
            return None
    type_ = values.get("type") or hierarchy.by_type(parent)
    if given["type"] is None or "type" in values:
        before = len(problems)
        _attempt(problems, "type", lambda: hierarchy.check_type(type_, parent))
        if parent is not None and parent["type"] == "subtask" and len(problems) > before:
            # Nothing may stand below a subtask; the depth would only say the same again.
            return parent
    _attempt(problems, "parent", lambda: hierarchy.check_depth(work, parent))
    _attempt(problems, "parent", lambda: hierarchy.check_siblings(work, parent))
    return parent


def _stage(
    work: Work, values: Mapping[str, Any], parent: Row | None, problems: fields.Problems
) -> str:
    """The stage of a new task: given, the parent's, or by type; never ahead of the epic's."""
    stage = values.get("pipeline_stage")
    type_ = values.get("type") or hierarchy.by_type(parent)
    if stage is None:
        stage = parent["pipeline_stage"] if parent else _stage_of_type(type_)
    _attempt(
        problems,
        "stage",
        lambda: hierarchy.check_stage(work, stage, parent["id"] if parent else None),
    )
    return str(stage)


def _stage_of_type(type_: str) -> str:
    return "research" if type_ == "epic" else "implementation"


def _again(work: Work, task: Task, wanted: Mapping[str, Any]) -> AddResult:
    """The task that was there; a warning names what was given and it does not have."""
    has = {**to_json(task), "notes": [note["text"] for note in task.notes]}
    lacks = [
        camel(name)
        for name, value in wanted.items()
        if value is not None
        and (
            set(value) - set(has[camel(name)])
            if isinstance(value, list)
            else value != has[camel(name)]
        )
    ]
    if lacks:
        work.warn(
            "W_DUPLICATE",
            f"{task.id} was there already and is given back as it is, without the "
            f"{', '.join(lacks)} given now; cleo update {task.id} changes it, --allow-duplicate "
            "adds another one.",
        )
    lists = {"labels": "labels", "depends": "dependsOn", "files": "files"}
    lists |= {"acceptance": "acceptance", "notes": "notes"}
    counts = {name: len(has[key]) for name, key in lists.items()}
    return AddResult(task, False, task.id, counts)


def _earlier(work: Work, values: Mapping[str, Any], parent: str | None) -> str | None:
    """The same task added by the same actor a moment ago, if there is one."""
    window = work.number("add.duplicate_window_seconds")
    if not window:
        return None
    found: str | None = work.scalar(
        tasks.DUPLICATE,
        title=values["title"],
        description=values.get("description"),
        parent=parent,
        phase=values.get("phase"),
        actor=work.actor,
        since=clock.format_time(clock.parse_time(work.now) - window),
    )
    return found
