"""The hierarchy: moving tasks below others and among their siblings, and the tree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.database import Row
from cleo_core.errors import CleoError, UsageError, ValidationError
from cleo_tasks.enums import OPEN_STATUS
from cleo_tasks.errors import TasksError, several, task_not_found
from cleo_tasks.ids import parse_id
from cleo_tasks.records import Line, Task
from cleo_tasks.service import fields, hierarchy
from cleo_tasks.service.verbs import Verbs
from cleo_tasks.service.work import Work
from cleo_tasks.store import placing as store
from cleo_tasks.store import tasks

#: What ``reparent`` takes for "below nothing".
ROOT = "root"


@record
class MoveResult(Declared):
    """A task in its new place.

    ``retyped``: what got another type by it, ``{id, from, to}``.
    """

    task: Task
    retyped: list[dict[str, Any]]


@record
class Node(Line):
    """One task in the tree.

    ``total`` and ``done`` count everything below it but cancelled and archived tasks. ``children``
    is left out where ``depth`` ends the tree.
    """

    done: int
    total: int
    children: list[Node] | None

    OPTIONAL: ClassVar[tuple[str, ...]] = ("children",)


class PlacingVerbs(Verbs):
    """``reparent``, ``reorder``, ``tree``."""

    def reparent(self, id: str, to: str, *, if_version: int | None = None) -> MoveResult:
        """Move a task with everything below it under another one, as its last child.

        A subtask that comes to stand at the root or under an epic becomes a task; a task without
        children under a task becomes a subtask.

        :param to: id of the new parent, or ``root``.
        :raises CleoError: 4; ``E_CYCLE`` (14), ``E_PARENT_NOT_FOUND`` (10), ``E_PARENT_CLOSED``
            (6), ``E_PARENT_TYPE`` (13), ``E_DEPTH`` (11), ``E_SIBLING_LIMIT`` (12), several of
            them as 6; 21, 34, 36; ``E_NO_CHANGE`` (102), it stands there already.
        """
        id_ = parse_id(id)
        parent = None if to.strip().lower() == ROOT else parse_id(to)

        def body(work: Work) -> MoveResult:
            row = work.task(id_)
            work.require_version(row, if_version)
            work.enter(id_)
            if row["parent_id"] == parent:
                raise CleoError(
                    "E_NO_CHANGE",
                    f"{id_} stands {f'under {parent}' if parent else 'at the root'} already.",
                    fix=f"cleo tree {parent or id_}",
                )
            if parent is None or tasks.existing(work, [parent]):
                work.enter(None, scope_of=parent)
            retyped = reparent_task(work, row, parent, way=f"cleo reparent {id_} --to {{}}")
            return MoveResult(work.record(id_), retyped)

        return self.write("task.reparent", body)

    def reorder(
        self,
        id: str,
        *,
        position: int | None = None,
        before: str | None = None,
        after: str | None = None,
        if_version: int | None = None,
    ) -> MoveResult:
        """Move a task among its siblings, which are then numbered 1…n.

        :param position: its place from 1; one beyond the end is the last.
        :param before: a sibling; exactly one of the three is given.
        :raises CleoError: 2, 4; 6, the other task is no sibling; 21, 34, 36; ``E_NO_CHANGE``
            (102), it stands there already.
        """
        id_ = parse_id(id)
        if (position is not None) + (before is not None) + (after is not None) != 1:
            raise UsageError(
                "One of position, before and after says where the task goes.",
                fix=f"cleo reorder {id_} --position 1",
            )
        place = None if position is None else fields.position(position)
        beside = parse_id(before or after or id) if place is None else None

        def body(work: Work) -> MoveResult:
            row = work.task(id_)
            work.require_version(row, if_version)
            work.enter(id_)
            reorder_task(work, row, place=place, beside=beside, behind=after is not None)
            return MoveResult(work.record(id_), [])

        return self.write("task.reorder", body)

    def tree(
        self, id: str | None = None, *, depth: int | None = None, open: bool = False
    ) -> list[Node]:
        """The hierarchy below one task, which comes first, or of the whole project.

        Archived tasks are left out, except one that is asked for. A task whose parent is left
        out stands at the top.

        :param depth: levels below the task, or levels of the whole; all by default.
        :param open: leave out what is done or cancelled; it is still counted.
        :raises CleoError: 2; 4, there is no such task.
        """
        if depth is not None and depth < 1:
            raise UsageError("A depth is at least 1.", fix="cleo tree --depth 1")
        root = None if id is None else parse_id(id)
        if root is not None and not tasks.existing(self.db, [root]):
            raise task_not_found(root)
        rows = store.nodes(self.db, root)
        return _Forest(rows, root, open).grown(
            depth if root is None or depth is None else depth + 1
        )


def reparent_task(
    work: Work, row: Row, parent_id: str | None, *, way: str = "cleo reparent ID --to {}"
) -> list[dict[str, Any]]:
    """Move a task with everything below it; ``row`` is updated in place.

    Every path that changes a parent comes through here. Nothing is written when the task stands
    there already. The caller has checked version and session.

    :param parent_id: id of a task, or None for the root.
    :param way: the command, with ``{}`` in place of the parent, for what errors offer.
    :returns: what was retyped, ``{id, from, to}``.
    :raises CleoError: as :meth:`PlacingVerbs.reparent`.
    """
    if row["parent_id"] == parent_id:
        return []
    problems: fields.Problems = []
    parent: Row | None = None
    if parent_id is not None:
        parent = tasks.row(work, parent_id)
        if parent is not None:
            hierarchy.check_cycle(work, row["id"], parent=parent_id)
        _attempt(problems, lambda: hierarchy.find_parent(work, parent_id))
    type_ = row["type"]
    if parent is not None or parent_id is None:
        height = store.height(work, row["id"])
        try:
            type_ = type_there(work, row, parent, height, way.replace("{}", ROOT))
        except CleoError as error:
            problems.append(("to", error))
        if row["status"] in OPEN_STATUS:
            _attempt(problems, lambda: hierarchy.check_siblings(work, parent, [row["id"]]))
    if problems:
        raise several(problems, {"id": row["id"], "to": parent_id})
    was = row["type"]
    work.change(
        row,
        {
            "parent_id": parent_id,
            "type": type_,
            "position": hierarchy.place_last(work, parent_id),
        },
    )
    return [] if was == type_ else [{"id": row["id"], "from": was, "to": type_}]


def reorder_task(
    work: Work,
    row: Row,
    *,
    place: int | None = None,
    beside: str | None = None,
    behind: bool = False,
) -> None:
    """Put a task at a place among its siblings, or beside one of them, and number all 1…n.

    :param place: from 1; one beyond the end is the last.
    :param beside: a sibling, in place of ``place``; the task goes before it, or ``behind`` it.
    :raises CleoError: 4, 6; ``E_NO_CHANGE`` (102), it stands there already.
    """
    id_ = row["id"]
    order = [one["id"] for one in store.siblings(work, row["parent_id"])]
    others = [one for one in order if one != id_]
    if beside is None:
        index = min((place or 1) - 1, len(others))
    elif beside in others:
        index = others.index(beside) + behind
    else:
        raise _no_sibling(work, row, beside)
    wanted = [*others[:index], id_, *others[index:]]
    if wanted == order and row["position"] == index + 1:
        raise CleoError(
            "E_NO_CHANGE",
            f"{id_} is number {index + 1} of its siblings already.",
            fix=f"cleo tree {row['parent_id'] or id_}",
        )
    store.renumber(work, wanted, but=id_)
    if not work.change(row, {"position": index + 1}):
        # Siblings that had equal numbers stood in the order of their ids; only theirs change.
        work.bump(row, {"position": row["position"]}, {"position": row["position"]})


def type_there(work: Work, row: Row, parent: Row | None, height: int, out: str) -> str:
    """The type a task has under a parent.

    :param out: the command that puts it at the root.
    :raises TasksError: ``E_DEPTH`` (11) for a subtree that is too high there, ``E_PARENT_TYPE``
        (13) for a type that may not stand there.
    """
    above = None if parent is None else parent["type"]
    if row["parent_id"] is None:
        out = f"cleo tree {row['id']}"
    if above == "subtask":
        # Nothing stands below a subtask; the depth would only say the same again.
        hierarchy.check_type(row["type"], parent, fix=out)
    hierarchy.check_depth(work, parent, height, fix=out)
    type_ = str(row["type"])
    if type_ == "subtask" and above in (None, "epic"):
        return "task"
    if type_ == "task" and above == "task":
        if height:
            raise TasksError(
                "E_DEPTH",
                f"{row['id']} has children of its own; below a task there is one level.",
                fix=f"cleo tree {row['id']}",
                details={"height": height + 1, "parent": parent["id"] if parent else None},
            )
        return "subtask"
    hierarchy.check_type(type_, parent, fix=out)
    return type_


def _attempt(problems: fields.Problems, check: Callable[[], Any]) -> None:
    try:
        check()
    except CleoError as error:
        problems.append(("to", error))


def _no_sibling(work: Work, row: Row, other: str) -> CleoError:
    if not tasks.existing(work, [other]):
        return task_not_found(other)
    if other == row["id"]:
        return ValidationError(f"{other} cannot stand beside itself.", fix=f"cleo tree {other}")
    return ValidationError(
        f"{other} and {row['id']} have different parents.",
        fix=f"cleo reparent {row['id']} --to {_parent_of(work, other)}",
    )


def _parent_of(work: Work, id_: str) -> str:
    """A task's parent as ``reparent --to`` takes it."""
    return work.task(id_)["parent_id"] or ROOT


class _Forest:
    """Rows as nested nodes; each row is placed once, so that a corrupt loop ends too.

    :param rows: parents' children in the order of siblings.
    :param root: the task that comes first; what else has no parent among the rows comes after it.
    """

    def __init__(self, rows: list[Row], root: str | None, open_only: bool) -> None:
        self._rows = {row["id"]: row for row in rows}
        self._root = root
        self._open_only = open_only
        self._below: dict[str | None, list[str]] = {}
        for row in rows:
            self._below.setdefault(row["parent_id"], []).append(row["id"])
        self._levels: dict[str, int] = {}
        self._children: dict[str, list[str]] = {}

    def grown(self, depth: int | None) -> list[Node]:
        """The nodes, ``depth`` levels of them."""
        order: list[str] = []
        starts = [id_ for id_, row in self._rows.items() if row["parent_id"] not in self._rows]
        if self._root is not None:
            starts = [self._root, *(id_ for id_ in starts if id_ != self._root)]
        for start in starts:
            self._place(start, order)
        for id_ in self._rows:
            if id_ not in self._levels:
                # Only a loop leads here; it is shown from its first task on.
                starts.append(id_)
                self._place(id_, order)
        made: dict[str, Node | None] = {}
        counts: dict[str, tuple[int, int]] = {}
        for id_ in reversed(order):
            counts[id_] = self._counts(id_, counts)
            made[id_] = self._node(id_, made, counts[id_], depth)
        return [node for id_ in starts if (node := made[id_]) is not None]

    def _place(self, start: str, order: list[str]) -> None:
        """Put a task and all below it into the order, parents before their children."""
        first = len(order)
        order.append(start)
        self._levels[start] = 1 if self._root in (None, start) else 2
        while first < len(order):
            id_ = order[first]
            first += 1
            own = [child for child in self._below.get(id_, ()) if child not in self._levels]
            self._children[id_] = own
            self._levels.update(dict.fromkeys(own, self._levels[id_] + 1))
            order.extend(own)

    def _counts(self, id_: str, counts: dict[str, tuple[int, int]]) -> tuple[int, int]:
        """How many tasks below are done, of how many."""
        done = total = 0
        for child in self._children[id_]:
            status = self._rows[child]["status"]
            done += counts[child][0] + (status == "done")
            total += counts[child][1] + (status != "cancelled")
        return done, total

    def _node(
        self, id_: str, made: dict[str, Node | None], counts: tuple[int, int], depth: int | None
    ) -> Node | None:
        """One node, or None where it is closed, has nothing open below it, and is not wanted."""
        shown = [node for child in self._children[id_] if (node := made[child]) is not None]
        row = self._rows[id_]
        if self._open_only and not shown and row["status"] not in OPEN_STATUS and id_ != self._root:
            return None
        line = tasks.line(row)
        return Node(
            **vars(line),
            done=counts[0],
            total=counts[1],
            children=None if depth is not None and self._levels[id_] >= depth else shown,
        )
