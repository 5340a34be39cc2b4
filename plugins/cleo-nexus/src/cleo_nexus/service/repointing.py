"""Letting what named tasks that moved name what they are now.

An edge between projects gets the new name; where it would then lie inside the target, the tasks
service gets it as a dependency instead. A dependency between a task that moved and one that stays
becomes an edge between projects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cleo_core.errors import CleoError
from cleo_nexus.service.elsewhere import opened
from cleo_nexus.service.transfer_plan import working
from cleo_nexus.store import edges
from cleo_nexus.store.renaming import (
    Edge,
    Node,
    bound,
    edge_of,
    rename_edges,
    rename_instances,
)

if TYPE_CHECKING:
    from cleo_core.database import Backend, Row
    from cleo_nexus.service.elsewhere import Waits
    from cleo_nexus.service.transfer_steps import Run
    from cleo_nexus.service.work import Work

#: Exits with which a dependency is refused for good: an end is gone, a guard, a loop.
_NEVER = frozenset({4, 6, 14})
#: Exits that say that a session has to be named first.
_SESSION = range(30, 40)


@dataclass
class Repointed:
    """What was repointed.

    :ivar lost: sentences about edges that nothing could be made of.
    """

    lost: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def kept(self) -> dict[str, Any]:
        """What the journal keeps."""
        message = {"message": " ".join(self.lost[:3])} if self.lost else {}
        return {**self.counts, "lost": len(self.lost), **message}


class Repointing:
    """One run over everything that names tasks of a transfer.

    :param ids: id in the source -> id in the target.
    :param strip: whether local dependencies that are cut become edges.
    """

    def __init__(self, run: Run, row: Row, ids: Mapping[str, str], *, strip: bool) -> None:
        self.run_ = run
        self.source: str = row["source_project_id"]
        self.target: str = row["target_project_id"]
        self.ids = ids
        self.strip = strip
        self.result = Repointed()

    def run(self) -> Repointed:
        """Repoint everything; a repeat finds nothing more to do."""
        cut = self._cut() if self.strip else []
        settled = self._depend(self._named(self.run_.verbs.db))
        self.run_.verbs.write(lambda work: self._rename(work, cut, settled), audited=False)
        self._forget(edge for edge in cut if edge[1][1] in self.ids)
        return self.result

    # What there is

    def _named(self, db: Backend) -> list[Edge]:
        """The edges between projects that name tasks by their old names."""
        rows = [*edges.out_of(db, self.source, self.ids), *edges.into(db, self.source, self.ids)]
        return [edge_of(row) for row in rows]

    def _cut(self) -> list[Edge]:
        """The source's own dependencies between what moved and what stays."""
        with opened(self.run_.app, self.run_.source) as there:
            tasks = there.service("tasks")
            waits: Waits = tasks.edges()
            touched = [
                task
                for task, targets in waits.waits.items()
                if any((task in self.ids) != (one in self.ids) for one in targets)
            ]
            # Parents wait for children too, and only the task says what it depends on.
            found = tasks.show(*touched) if touched else []
            return [
                ((self.source, task.id), (self.source, one))
                for task in found
                for one in task.depends_on
                if (task.id in self.ids) != (one in self.ids)
            ]

    def _new(self, edge: Edge) -> Edge:
        """An edge between what its ends are called after the transfer."""
        return self._task(edge[0]), self._task(edge[1])

    def _task(self, node: Node) -> Node:
        project, task = node
        return (
            (self.target, self.ids[task]) if project == self.source and task in self.ids else node
        )

    # What is done

    def _depend(self, named: Sequence[Edge]) -> set[Edge]:
        """Hand edges that come to lie inside the target to its tasks service; returns them."""
        inside = {edge: self._new(edge) for edge in named}
        inside = {old: new for old, new in inside.items() if new[0][0] == new[1][0]}
        if not inside:
            return set()
        with working(self.run_.app, self.run_.target) as there:
            tasks = there.service("tasks")
            for (_, task), (_, other) in inside.values():
                try:
                    tasks.deps_add(task, other)
                except CleoError as error:
                    if error.exit in _NEVER:
                        self.result.lost.append(
                            f"{task} no longer waits for {other} in {self.run_.target['slug']}: "
                            f"{error.message}"
                        )
                    elif error.code != "E_NO_CHANGE":
                        raise
                self.result.counts["local"] = self.result.counts.get("local", 0) + 1
        return set(inside)

    def _rename(self, work: Work, cut: Sequence[Edge], settled: set[Edge]) -> None:
        """Everything in the registry that has a name, in one unit."""
        renamed, inside = rename_edges(work, self._named(work), self._task)
        for old in inside:
            # One that was made a moment ago is handed over by the next run.
            if old in settled:
                edges.delete(work, bound(old))
        for old in cut:
            new = bound(self._new(old))
            if not edges.exists(work, new):
                edges.add(work, new, None, work.actor, work.now)
        stages = rename_instances(work, self._task, work.now)
        self.result.counts |= {"edges": renamed, "cut": len(cut), "instances": stages}

    def _forget(self, cut: Iterable[Edge]) -> None:
        """Take the dependencies away for which what stays has an edge now."""
        waiting = [(edge[0][1], edge[1][1]) for edge in cut]
        if not waiting:
            return
        with working(self.run_.app, self.run_.source) as there:
            tasks = there.service("tasks")
            for task, other in waiting:
                try:
                    tasks.deps_remove(task, other)
                except CleoError as error:
                    # What it waits for is archived next, so that it holds nothing.
                    if error.code != "E_NO_CHANGE" and error.exit not in (*_NEVER, *_SESSION):
                        raise
