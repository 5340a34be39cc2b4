"""Where a task may stand: types, depth, siblings, and no loop in the waiting graph."""

from __future__ import annotations

from collections.abc import Sequence

from cleo_core.database import Row
from cleo_tasks.enums import OPEN_STATUS, STAGES
from cleo_tasks.errors import TasksError
from cleo_tasks.service.work import Work
from cleo_tasks.store import graph, tasks

#: type -> types its parent may have; None is no parent.
ALLOWED_PARENTS: dict[str, tuple[str | None, ...]] = {
    "epic": (None, "epic"),
    "task": (None, "epic"),
    "subtask": ("task",),
}
#: parent's type -> type of a child that names none.
TYPE_BELOW: dict[str | None, str] = {None: "task", "epic": "task", "task": "subtask"}
#: type -> scope of a task that names none.
SCOPE_OF_TYPE = {"epic": "project", "task": "feature", "subtask": "unit"}


def find_parent(work: Work, id_: str) -> Row:
    """A parent that can take open children.

    :raises TasksError: ``E_PARENT_NOT_FOUND`` (10), ``E_PARENT_CLOSED`` (6).
    """
    parent = tasks.row(work, id_)
    if parent is None:
        raise TasksError("E_PARENT_NOT_FOUND", f"There is no task {id_} to stand under.")
    if parent["status"] not in OPEN_STATUS:
        raise TasksError(
            "E_PARENT_CLOSED",
            f"{id_} is {parent['status']}; open tasks stand under open parents.",
            fix=f"cleo unarchive {id_}" if parent["status"] == "archived" else f"cleo reopen {id_}",
        )
    return parent


def check_type(
    type_: str, parent: Row | None, child: str | None = None, *, fix: str | None = None
) -> None:
    """Whether a task of a type may stand there.

    :param child: the task's id, where it is not the one at hand.
    :param fix: another way out than another type.
    :raises TasksError: ``E_PARENT_TYPE`` (13).
    """
    above = None if parent is None else parent["type"]
    if above not in ALLOWED_PARENTS[type_]:
        allowed = " or ".join(
            "no parent" if one is None else f"one of type {one}" for one in ALLOWED_PARENTS[type_]
        )
        standing = (
            "has no parent" if parent is None else f"would stand under {above} {parent['id']}"
        )
        raise TasksError(
            "E_PARENT_TYPE",
            f"A task of type {type_} needs {allowed}; {child or 'this one'} {standing}.",
            fix=fix or (f"cleo reparent {child} --to root" if child else _way_in(parent)),
            details={"type": type_, "parentType": above},
        )


def check_depth(work: Work, parent: Row | None, height: int = 0, *, fix: str | None = None) -> None:
    """Whether a subtree of a height fits below a parent.

    :param height: levels below the task itself.
    :param fix: another way out than another ``--parent``.
    :raises TasksError: ``E_DEPTH`` (11).
    """
    limit = work.number("hierarchy.max_depth")
    chain = [] if parent is None else work.read(tasks.ANCESTORS, id=parent["id"])
    above = len(chain)
    if above + 1 + height > limit:
        higher = next((one["id"] for one in chain[above + 1 + height - limit :]), None)
        out = f"--parent {higher}" if higher else "the same command without --parent"
        raise TasksError(
            "E_DEPTH",
            f"The hierarchy would be {above + 1 + height} levels deep; {limit} are allowed.",
            fix=fix or out,
            details={"depth": above + 1 + height, "maxDepth": limit},
        )


def check_siblings(work: Work, parent: Row | None, moving: Sequence[str] = ()) -> None:
    """Whether one more open child is allowed below a parent; the root has no limit.

    :param moving: ids that are among the children already and do not count.
    :raises TasksError: ``E_SIBLING_LIMIT`` (12).
    """
    if parent is None:
        return
    most, most_active = _limits(work)
    if not most and not most_active:
        return
    children = [
        one
        for one in work.read(tasks.CHILDREN, id=parent["id"])
        if one["status"] in OPEN_STATUS and one["id"] not in moving
    ]
    active = sum(one["status"] == "active" for one in children)
    if (most and len(children) >= most) or (most_active and active >= most_active):
        raise _too_many(parent["id"], len(children), active, most, most_active)


def check_family(work: Work, name: str, statuses: Sequence[str]) -> None:
    """Whether a parent may have all of these children.

    :param name: the parent's id.
    :param statuses: of the children that it has and is to get; the closed ones do not count.
    :raises TasksError: ``E_SIBLING_LIMIT`` (12).
    """
    most, most_active = _limits(work)
    children = sum(status in OPEN_STATUS for status in statuses)
    active = sum(status == "active" for status in statuses)
    if (most and children > most) or (most_active and active > most_active):
        raise _too_many(name, children, active, most, most_active, had="would have")


def check_cycle(
    work: Work, id_: str | None, *, depends_on: Sequence[str] = (), parent: str | None = None
) -> None:
    """Whether new edges would make tasks wait for each other.

    :param id_: the task that will wait for ``depends_on`` and be waited for by ``parent``; None
        for one that does not exist yet.
    :raises TasksError: ``E_CYCLE`` (14) with the loop in ``details.path``, first id repeated last.
    """
    name = id_ or "(new)"
    if id_ is not None and id_ in depends_on:
        raise _cycle([id_, id_], f"{id_} cannot wait for itself.")
    if parent is not None and id_ is not None:
        # The parent will wait for this task: a loop if this task already waits for the parent.
        way = graph.path_between(work, [id_], parent)
        if way is not None:
            itself = f"{id_} cannot stand under itself." if parent == id_ else None
            raise _cycle([parent, *way], itself)
    if not depends_on:
        return
    targets = [target for target in (id_, parent) if target is not None]
    for target in targets:
        way = graph.path_between(work, depends_on, target)
        if way is not None:
            head = [name] if target == id_ else [parent or "", name]
            raise _cycle([*head, *way])


def place_last(work: Work, parent: str | None) -> int:
    """The position after the last sibling."""
    return int(work.scalar(tasks.LAST_POSITION, parent=parent)) + 1


def place_at(work: Work, parent: str | None, position: int | None) -> int:
    """Make room at a position among the siblings; the last place when it is beyond the end."""
    last = place_last(work, parent)
    if position is None or position >= last:
        return last
    work.execute(tasks.SHIFT_POSITIONS, parent=parent, position=position)
    return position


def stage_ceiling(work: Work, parent: str | None) -> Row | None:
    """The nearest epic above that owns a pipeline, with its stage: ``{epic, stage}``."""
    return None if parent is None else work.one(tasks.EPIC_PIPELINE_ABOVE, id=parent)


def check_stage(work: Work, stage: str, parent: str | None) -> None:
    """Whether an open task below a parent may be in a stage: never ahead of the epic above.

    :raises TasksError: ``E_STAGE_ORDER`` (83).
    """
    if stage == "contribution":
        raise TasksError(
            "E_STAGE_ORDER",
            "contribution is a record of finished work, not a stage of open work.",
            fix="--stage implementation",
        )
    ceiling = stage_ceiling(work, parent)
    if ceiling is not None and STAGES.index(stage) > STAGES.index(ceiling["stage"]):
        raise TasksError(
            "E_STAGE_ORDER",
            f"Stage {stage} is ahead of epic {ceiling['epic']}, which is at {ceiling['stage']}.",
            fix=f"--stage {ceiling['stage']}",
        )


def _limits(work: Work) -> tuple[int, int]:
    """How many open and how many active children there may be; 0 is any number."""
    return (
        work.number("hierarchy.max_siblings"),
        work.number("hierarchy.max_active_siblings"),
    )


def _too_many(
    name: str, children: int, active: int, most: int, most_active: int, had: str = "has"
) -> TasksError:
    return TasksError(
        "E_SIBLING_LIMIT",
        f"{name} {had} {children} open children, {active} of them active; "
        f"{most or 'any number'} open and {most_active or 'any number'} active are allowed.",
        fix=f"cleo tree {name}",
    )


def _way_in(parent: Row | None) -> str:
    """How a task comes to stand where its type does not allow it."""
    if parent is not None and parent["type"] == "subtask":
        return f"--parent {parent['parent_id']} --type subtask"
    return f"--type {TYPE_BELOW[None if parent is None else parent['type']]}"


def _cycle(path: list[str], message: str | None = None) -> TasksError:
    return TasksError(
        "E_CYCLE",
        message or f"These would wait for each other: {' → '.join(path)}.",
        fix=f"cleo deps show {path[0]}",
        details={"path": path},
    )


def by_type(parent: Row | None) -> str:
    """The type of a task that names none, by where it stands."""
    return TYPE_BELOW.get(None if parent is None else parent["type"], "subtask")
