"""What bulk reads and transfers between projects return."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cleo_core.api import Declared
from cleo_core.api.records import record


@dataclass(frozen=True, slots=True)
class Wait:
    """A task and one that it waits for: a dependency, or a child of its own."""

    task: str
    waits_for: str
    task_status: str
    waits_for_status: str


@record
class WaitingGraph(Declared):
    """Who waits for what, over all tasks of a project whatever their status.

    Iterating gives one :class:`Wait` for each edge; who walks far takes the two mappings, which are
    made without them.

    :ivar statuses: every task of the project -> its status, in order of number.
    :ivar waits: task -> what it waits for, dependencies before children; tasks that wait for
        nothing are missing.
    """

    statuses: dict[str, str]
    waits: dict[str, list[str]]

    def __len__(self) -> int:
        return sum(map(len, self.waits.values()))

    def __iter__(self) -> Iterator[Wait]:
        statuses = self.statuses
        for task, targets in self.waits.items():
            for target in targets:
                yield Wait(task, target, statuses[task], statuses[target])

    def held(self) -> dict[str, list[str]]:
        """The same edges from the other end: task -> who waits for it."""
        found: dict[str, list[str]] = {}
        for task, targets in self.waits.items():
            for target in targets:
                found.setdefault(target, []).append(task)
        return found


@record
class Summary(Declared):
    """A project in numbers.

    ``tasks``: all but the archived ones; ``open``: pending, active, blocked and proposed.
    ``by_status``: all words, the archived ones too. ``labels``: label -> tasks that have it and are
    not archived, in order of the labels.
    """

    tasks: int
    open: int
    by_status: dict[str, int]
    labels: dict[str, int]


@dataclass(frozen=True, slots=True)
class Features:
    """What says whether a task is about the same as another."""

    id: str
    title: str
    status: str
    labels: list[str]
    description: str | None
    files: list[str]


@record
class Package(Declared):
    """Tasks to be taken to another project.

    ``records``: the lines of an export as objects: header, tasks in order of number, phases, end.
    """

    project_id: str
    records: list[dict[str, Any]]


@record
class Skipped(Declared):
    """A record that became no task: its ``id`` there, why, and the ``task`` that is here instead.

    ``reason``: ``id taken``, ``linked here``.
    """

    id: str
    reason: str
    task: str | None


@record
class Stripped(Declared):
    """An edge that was left out because its end did not come along.

    ``id`` and ``target`` are ids of the project that it comes from, ``task`` is what ``id`` is
    called here. ``kind``: dependency, relation (of ``type``, with its ``reason``) or parent.
    """

    id: str
    task: str
    kind: str
    target: str
    type: str | None = None
    reason: str | None = None


@record
class Imported(Declared):
    """What became of records; ``id_map``: id there -> id here of every task that was made."""

    id_map: dict[str, str]
    skipped: list[Skipped]
    stripped: list[Stripped]


@record
class Transferred(Declared):
    """Tasks that were put away now, and those that were archived before."""

    archived: list[str]
    already: list[str]


@record
class Held(Declared):
    """Tasks by what became of them.

    ``blocked``: they wait now. ``released``: they may go on. ``reworded``: they wait for something
    else. ``left``: nothing was to be done, or the state is not ours to change. ``missing``: there
    is no such task.
    """

    blocked: list[str]
    released: list[str]
    reworded: list[str]
    left: list[str]
    missing: list[str]
