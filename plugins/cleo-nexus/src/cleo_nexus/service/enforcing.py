"""Keeping tasks blocked while they wait for tasks elsewhere, through the tasks service.

It goes by state: who waits for something open is held, who waits for nothing any more is let go. A
target of which nothing is known, because its project cannot be read or it is gone, changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cleo_core.errors import CleoError
from cleo_core.states import HEAD
from cleo_nexus.service.elsewhere import OPEN, Unreadable, features_of, is_there
from cleo_nexus.service.watching import settling
from cleo_nexus.service.work import reading
from cleo_nexus.store import edges, registry

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Backend, Row

#: What the reasons of all tasks begin with that are held here.
PREFIX = "nexus: waits for "
#: Who holds them, in the audit of their project.
ACTOR = "nexus"
#: Times that tasks are held before somebody who changes their targets all the time is left alone.
TRIES = 5
#: Targets that a reason names at most.
NAMED = 10

#: A task that another one waits for: the project's id and its own.
Target = tuple[str, str]


@dataclass
class Verdict:
    """What a project's tasks wait for.

    :ivar waits: task -> why it is to be blocked, or None where it waits for nothing any more.
    :ivar unknown: edges of which nobody can say whether their target is done.
    """

    waits: dict[str, str | None] = field(default_factory=dict)
    unknown: int = 0


class Targets:
    """The statuses of tasks that others wait for, each project read by the foreign profile once."""

    def __init__(self, app: App, db: Backend, current: str | None) -> None:
        self.app = app
        self.db = db
        self.current = current
        self._rows: dict[str, Row | None] = {}
        self._statuses: dict[tuple[str, str], str] = {}
        self._unread: dict[str, Unreadable] = {}

    def row(self, project: str) -> Row | None:
        """A project's row of the registry."""
        if project not in self._rows:
            with reading():
                self._rows[project] = registry.by_id(self.db, project)
        return self._rows[project]

    def ask(self, nodes: Iterable[tuple[str, str]]) -> None:
        """Read the statuses of tasks that are not known yet."""
        wanted: dict[str, list[str]] = {}
        for project, task in dict.fromkeys(nodes):
            if (project, task) not in self._statuses and project not in self._unread:
                wanted.setdefault(project, []).append(task)
        for project, tasks in wanted.items():
            row = self.row(project)
            if row is None:
                continue
            try:
                found = features_of(self.app, row, self.current, tasks)
            except Unreadable as reason:
                self._unread[project] = reason
                continue
            for task in tasks:
                known = found.get(task)
                self._statuses[project, task] = "" if known is None else known[1]

    def forget(self) -> None:
        """Drop what was read."""
        self._statuses.clear()
        self._unread.clear()

    def is_open(self, project: str, task: str) -> bool | None:
        """Whether a task is open; None where it is gone or nobody can say."""
        status = self._statuses.get((project, task))
        return None if not status else status in OPEN

    def unreadable(self, project: str) -> Unreadable | None:
        """Why a project could not be read; None where it could, or is not registered."""
        return self._unread.get(project)

    def name(self, project: str, task: str) -> str:
        """A task as a reference."""
        row = self.row(project)
        return f"@{project}:{task}" if row is None else f"{row['slug']}:{task}"

    def verdict(self, project: str, tasks: Iterable[str]) -> Verdict:
        """What some tasks of a project wait for; a task without edges waits for nothing."""
        by_task: dict[str, list[Target]] = {task: [] for task in tasks}
        with reading():
            rows = edges.out_of(self.db, project, by_task)
        for row in rows:
            target = (row["target_project_id"], row["target_task_id"])
            by_task[row["source_task_id"]].append(target)
        return self.judged(by_task)

    def judged(self, by_task: Mapping[str, Sequence[Target]]) -> Verdict:
        """The same, from task -> what it waits for."""
        self.ask(target for targets in by_task.values() for target in targets)
        found = Verdict()
        for task, targets in by_task.items():
            states = {target: self.is_open(*target) for target in targets}
            found.unknown += sum(self.unreadable(project_) is not None for project_, _ in targets)
            if True in states.values():
                names = [self.name(*one) for one, open_ in states.items() if open_ is not False]
                found.waits[task] = reason(names)
            elif None not in states.values():
                found.waits[task] = None
        return found


def reason(names: list[str]) -> str:
    """Why a task is blocked."""
    shown = ", ".join(names[:NAMED])
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{PREFIX}{shown}{more}"


def settled(status: str, said: str, why: str | None) -> str | None:
    """What is to be done with a task: it is blocked, released or reworded; None for nothing.

    :param said: the reason that it is blocked with.
    :param why: what it waits for, or None where it waits for nothing.
    """
    ours = status == "blocked" and said.startswith(PREFIX)
    if status == "pending" and why is not None:
        return "blocked"
    if ours and why is None:
        return "released"
    return "reworded" if ours and why != said else None


def enforce(
    targets: Targets, project: str, tasks: Iterable[str], *, hurried: bool = False
) -> str | None:
    """Hold or release some tasks of a project.

    :param hurried: wait for nobody: this runs after a command of another project, and can be done
        later just as well.
    :returns: why it could not be done; None where it was.
    """
    row, wanted = targets.row(project), list(tasks)
    if row is None:
        return None
    waits = targets.verdict(project, wanted).waits
    for _ in range(TRIES):
        if not waits:
            break
        problem = hold(targets.app, row, waits, hurried=hurried)
        if problem is not None:
            return problem
        # A target that changed meanwhile may have been seen to before this was; look once more.
        targets.forget()
        before, waits = waits, targets.verdict(project, wanted).waits
        if waits == before:
            break
    return None


def hold(
    app: App, row: Row, waits: Mapping[str, str | None], *, hurried: bool = False
) -> str | None:
    """Hand what tasks wait for to the tasks service of their project.

    :returns: why it could not be done; None where it was.
    """
    if not is_there(app, row):
        return "unreachable"
    try:
        with app.for_project(row["project_path"], agent=ACTOR) as other:
            store = other.plugins.kinds["task"]
            state = other.stores.state(other.stores.spec(store))
            if state.state != HEAD:
                return state.state
            waiting = other.store(store).hurried() if hurried else nullcontext()
            with waiting, settling():
                other.service("tasks").hold(waits, prefix=PREFIX)
    except CleoError as error:
        return error.message.rstrip(".")
    return None


def warn(app: App, row: Row | None, problem: str | None) -> None:
    """Say that tasks of a project were left as they are."""
    if problem is not None and row is not None:
        app.warn(
            "W_NEXUS_REFRESH_LATER",
            f"Tasks of project {row['slug']} that wait for others were left as they are "
            f"({problem}); `cleo nexus deps refresh` sees to them.",
        )
