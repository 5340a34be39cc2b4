"""Tasks that wait for each other across projects, as the service answers."""

from __future__ import annotations

from typing import ClassVar

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_nexus.records.found import Skipped
from cleo_nexus.records.projects import Ref


@record
class Entry(Declared):
    """A task of a tree, a list of dependants or a chain.

    :ivar status: the task's, or ``not_found``, ``project_not_registered``, ``unknown``.
    :ivar cross: whether the edge that led to it comes from another project.
    :ivar depth: how many edges it is away from where the list begins.
    """

    ref: str
    project_id: str
    task_id: str
    title: str | None
    status: str
    cross: bool
    depth: int


@record
class Tree(Declared):
    """What a task waits for, or who waits for it, each task once and after what led to it.

    :ivar complete: whether no project was left out; of the others likewise.
    """

    root: Ref
    entries: list[Entry]
    skipped: list[Skipped]
    complete: bool


@record
class Blocking(Declared):
    """The open tasks that wait for a task; ``impact_score`` is their number."""

    root: Ref
    entries: list[Entry]
    impact_score: int
    skipped: list[Skipped]
    complete: bool


@record
class CriticalPath(Declared):
    """The longest chain of open tasks, from the first to be done to the last.

    :ivar root: the task that it leads to, where one was named.
    :ivar blocked_by: the first of it that nobody works on.
    """

    root: Ref | None
    entries: list[Entry]
    blocked_by: Ref | None
    skipped: list[Skipped]
    complete: bool


@record
class EdgeChange(Declared):
    """An edge that was added or removed.

    :ivar source_status: the source's status afterwards; None where it could not be read.
    """

    source: Ref
    target: Ref
    created: bool
    source_status: str | None


@record
class Refreshed(Declared):
    """Tasks that were made to wait and let go again.

    :ivar reworded: those whose reason named something else than what they wait for.
    :ivar unknown: edges of which nobody can say whether their target is done.
    """

    blocked: list[Ref]
    released: list[Ref]
    reworded: list[Ref]
    unknown: int
    skipped: list[Skipped]


@record
class Orphan(Declared):
    """What names a task that is gone.

    :ivar kind: source or target of an edge, epic or stage of an instance.
    :ivar reason: ``project_not_registered`` or ``task_not_found``.
    :ivar of: the other end of the edge, or the instance.
    :ivar stage: the stage of the instance.
    """

    kind: str
    ref: str
    reason: str
    of: str
    stage: str | None = None

    OPTIONAL: ClassVar[frozenset[str]] = frozenset({"stage"})


@record
class Orphans(Declared):
    """What names tasks that are gone.

    :ivar unknown: ends of which nobody can say whether they exist; they are never removed.
    :ivar removed: how many of the orphans were removed, or would be.
    """

    orphans: list[Orphan]
    unknown: int
    removed: int
