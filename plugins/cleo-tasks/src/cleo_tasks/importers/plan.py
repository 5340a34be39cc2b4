"""Where the rows of an import will stand, decided for all of them before anything is written.

Everything is kept in integer arrays by a row's number in the file; numbers count from 1. What is in
the store already is named by the negative of its task number.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable
from typing import NamedTuple

from cleo_tasks.importers.acyclic import closing
from cleo_tasks.importers.row import DEPENDENCY, HINT, PARENT, RELATION

#: What becomes of a row.
SKIP, NEW, FINISH, UPDATE, REVIVE, LINK = range(6)

#: Codes of types.
NONE, EPIC, TASK, SUBTASK = range(4)
TYPES = ("", "epic", "task", "subtask")

#: What was done to a row's place, beside :attr:`Row.marks`.
FLATTENED, RETYPED, REOPENED = 1, 2, 4

#: Codes of edges' kinds, and of what becomes of an edge.
KINDS = (DEPENDENCY, RELATION, PARENT, HINT)
WANTED, ACCEPTED, PRESENT, IGNORED, CYCLE, MISSING, SECOND, CLOSED, KEPT = range(9)


class Standing(NamedTuple):
    """A task of the store that rows may come to stand under."""

    type: int
    depth: int
    parent: int
    open: bool


class Plan:
    """The arrays.

    :ivar outcome: one of the codes above, by row.
    :ivar seq: the task's number, by row; 0 where it has none yet.
    """

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.outcome = bytearray(rows + 1)
        self.seq = array("q", bytes(8 * (rows + 1)))
        self.type = bytearray(rows + 1)
        self.epic = bytearray(rows + 1)
        self.open = bytearray(rows + 1)
        self.sibling = array("q", bytes(8 * (rows + 1)))
        self.status = bytearray(rows + 1)
        self.parent = array("q", bytes(8 * (rows + 1)))
        self._parent_edge = array("i", bytes(4 * (rows + 1)))
        self._depth = array("i", bytes(4 * (rows + 1)))
        self.level = array("i", bytes(4 * (rows + 1)))
        self.marks = bytearray(rows + 1)
        self.order = array("i")
        self.edge_kind = bytearray()
        self.edge_state = bytearray()
        self.edge_row = array("i")
        self.edge_source = array("q")
        self.edge_target = array("q")

    def add_edge(self, kind: str, row: int, source: int, target: int) -> None:
        """Take in an edge.

        :param row: the row that says it.
        :param target: a row, the negative of a task's number, or 0 for one that is nowhere.
        """
        self.edge_kind.append(KINDS.index(kind))
        self.edge_row.append(row)
        self.edge_source.append(source)
        self.edge_target.append(target)
        self.edge_state.append(WANTED)

    def kind_of(self, edge: int) -> str:
        """The kind of an edge, one of :data:`KINDS`."""
        return KINDS[self.edge_kind[edge]]

    def link_unchanged(self, unchanged: bytearray) -> None:
        """Rows that changed nothing but name a row that is new now get that edge."""
        for index in range(len(self.edge_state)):
            source, target = self.edge_source[index], self.edge_target[index]
            if (
                KINDS[self.edge_kind[index]] in (DEPENDENCY, RELATION)
                and target > 0
                and self.outcome[target] == NEW
                and source > 0
                and unchanged[source]
            ):
                self.outcome[source] = LINK

    def settle_edges(
        self, present: Iterable[int], store: Callable[[], Iterable[tuple[int, int]]]
    ) -> None:
        """Decide about every edge, in file order.

        :param present: indexes of edges that the store holds already.
        :param store: gives the store's waiting edges as pairs of task numbers; asked only when an
            edge of the file has an end there.
        """
        state = self.edge_state
        for index in present:
            state[index] = PRESENT
        parented = bytearray(self.rows + 1)
        hinted = KINDS.index(HINT)
        for index in range(len(state)):
            if state[index] == WANTED:
                state[index] = self._first_look(index, parented)
        for index in range(len(state)):
            # An id like x.3 names its parent only where nothing else does.
            if state[index] == WANTED and self.edge_kind[index] == hinted:
                source = self.edge_source[index]
                state[index] = IGNORED if parented[source] else WANTED
        self._break_loops(store)
        for index in range(len(state)):
            if state[index] == WANTED:
                state[index] = ACCEPTED
                if KINDS[self.edge_kind[index]] in (PARENT, HINT):
                    self.parent[self.edge_source[index]] = self.edge_target[index]
                    self._parent_edge[self.edge_source[index]] = index

    def place(self, standing: Callable[[int], Standing], max_depth: int) -> None:
        """Decide types and final parents, top down, and which closed parents must open.

        :param standing: describes a task of the store.
        :param max_depth: levels of the hierarchy.
        """
        self._count_levels(standing)
        self.order = self._by_level()
        children, grandchildren, open_below = self._look_down()
        for row in self.order:
            above = self._above(row)
            if above < 0 and not standing(-above).open and open_below[row]:
                self.edge_state[self._parent_edge[row]] = CLOSED
                above = 0
            found = above
            while found and not self._takes(found, standing, max_depth):
                found = self._parent_of(found, standing)
            if found != above:
                self.marks[row] |= FLATTENED
            self.parent[row] = found
            self._depth[row] = self._depth_of(found, standing) + 1 if found else 0
            wanted = self.type[row]
            self.type[row] = self._settled_type(
                row, found, standing, bool(children[row]), bool(grandchildren[row])
            )
            if wanted not in (NONE, self.type[row]):
                self.marks[row] |= RETYPED
        for row in reversed(self.order):
            above = self._above(row)
            if self.open[row] and above > 0 and not self.open[above]:
                self.open[above] = 1
                self.marks[above] |= REOPENED

    def _first_look(self, index: int, parented: bytearray) -> int:
        """What can be said of an edge by itself."""
        source, target = self.edge_source[index], self.edge_target[index]
        kind = KINDS[self.edge_kind[index]]
        active = source > 0 and self.outcome[source] in (NEW, FINISH, UPDATE, LINK)
        if not active or not self.outcome[self.edge_row[index]]:
            return IGNORED
        outcome = self.outcome[source]
        if kind in (PARENT, HINT) and outcome != NEW and not (kind == PARENT and outcome == UPDATE):
            # What is in the store stands where it was put.
            return IGNORED
        if outcome == LINK and not (target > 0 and self.outcome[target] == NEW):
            return IGNORED
        if kind == HINT:
            return WANTED if target > 0 and (self.outcome[target] or self.seq[target]) else IGNORED
        if kind == PARENT and parented[source]:
            return SECOND
        if kind == PARENT:
            parented[source] = 1
        if not target or (target > 0 and not self.outcome[target] and not self.seq[target]):
            return MISSING
        if self._node(target) == self._node(source):
            return CYCLE
        return WANTED

    def _break_loops(self, store: Callable[[], Iterable[tuple[int, int]]]) -> None:
        relation = KINDS.index(RELATION)
        wanted = array(
            "i",
            (
                index
                for index in range(len(self.edge_state))
                if self.edge_state[index] == WANTED and self.edge_kind[index] != relation
            ),
        )
        number = self._numbering(wanted)
        sources, targets = array("i"), array("i")
        nodes = self.rows
        if number is not None:
            for source, target in store():
                sources.append(number(-source))
                targets.append(number(-target))
            nodes = max(nodes, *sources, *targets) if sources else nodes
        settled = len(sources)
        for index in wanted:
            source, target = (
                self._node(self.edge_source[index]),
                self._node(self.edge_target[index]),
            )
            if number is not None:
                source, target = number(source), number(target)
                nodes = max(nodes, source, target)
            if KINDS[self.edge_kind[index]] != DEPENDENCY:
                # A parent waits for its children.
                source, target = target, source
            sources.append(source)
            targets.append(target)
        for place in closing(sources, targets, nodes + 1, settled):
            self.edge_state[wanted[place - settled]] = CYCLE

    def _numbering(self, wanted: array[int]) -> Callable[[int], int] | None:
        """How to count rows and tasks of the store together; None when only new rows are met."""
        if all(
            self._node(end[index]) > 0
            for index in wanted
            for end in (self.edge_source, self.edge_target)
        ):
            return None
        numbers: dict[int, int] = {}

        def number(node: int) -> int:
            if node > 0:
                return node
            return numbers.setdefault(node, self.rows + 1 + len(numbers))

        return number

    def _node(self, end: int) -> int:
        """A row, or the negative of the number of a task that is in the store."""
        return -self.seq[end] if end > 0 and self.seq[end] else end

    def _by_level(self) -> array[int]:
        """The new rows, parents before children, siblings as the source has them."""
        levels: dict[int, array[int]] = {}
        for row in range(1, self.rows + 1):
            if self.outcome[row] == NEW:
                levels.setdefault(self.level[row], array("i")).append(row)
        order = array("i")
        for level in sorted(levels):
            if any(self.sibling[row] for row in levels[level]):
                order.extend(sorted(levels[level], key=self.sibling.__getitem__))
            else:
                order.extend(levels[level])
        return order

    def _count_levels(self, standing: Callable[[int], Standing]) -> None:
        """How far below the root each new row stands in the file."""
        done = bytearray(self.rows + 1)
        for row in range(1, self.rows + 1):
            way = []
            at = row
            while at > 0 and self.outcome[at] == NEW and not done[at]:
                way.append(at)
                at = self._above(at)
            if at < 0:
                base = standing(-at).depth
            else:
                base = self.level[at] if at else -1
            for distance, node in enumerate(reversed(way), 1):
                self.level[node] = base + distance
                done[node] = 1

    def _look_down(self) -> tuple[bytearray, bytearray, bytearray]:
        """Which new rows have children, grandchildren, and something open below or in them."""
        children = bytearray(self.rows + 1)
        grandchildren = bytearray(self.rows + 1)
        open_below = bytearray(self.open)
        for row in reversed(self.order):
            above = self.parent[row]
            if above > 0:
                children[above] = 1
                grandchildren[above] |= children[row]
                open_below[above] |= open_below[row]
        return children, grandchildren, open_below

    def _above(self, row: int) -> int:
        return self._node(self.parent[row])

    def _takes(self, place: int, standing: Callable[[int], Standing], max_depth: int) -> bool:
        """Whether a task may stand there: below no subtask, and not too deep."""
        type_ = self.type[place] if place > 0 else standing(-place).type
        return type_ != SUBTASK and self._depth_of(place, standing) + 2 <= max_depth

    def _depth_of(self, place: int, standing: Callable[[int], Standing]) -> int:
        return self._depth[place] if place > 0 else standing(-place).depth

    def _parent_of(self, place: int, standing: Callable[[int], Standing]) -> int:
        return self._above(place) if place > 0 else -standing(-place).parent

    def _settled_type(
        self,
        row: int,
        above: int,
        standing: Callable[[int], Standing],
        children: bool,
        grandchildren: bool,
    ) -> int:
        """The type a row asks for where its place allows it, else the one of its depth."""
        parent = NONE
        if above:
            parent = self.type[above] if above > 0 else standing(-above).type
        if parent == TASK:
            return SUBTASK
        if self.type[row] in (EPIC, TASK):
            return self.type[row]
        if parent == EPIC:
            return EPIC if self.epic[row] and children else TASK
        return EPIC if self.epic[row] or grandchildren else TASK
