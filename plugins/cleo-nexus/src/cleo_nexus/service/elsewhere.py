"""The tasks of other projects, looked at without touching anything there."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from cleo_core.database import driver
from cleo_core.errors import CleoError, ExitCode, NotFoundError, UsageError
from cleo_core.paths.files import quoted
from cleo_nexus.errors import NexusError
from cleo_nexus.records.found import Skipped
from cleo_nexus.service import access, places

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Row

#: The statuses in which a task counts as not done; all others satisfy who waits for it.
OPEN = frozenset({"pending", "active", "blocked", "proposed"})

#: Exit of a store that cannot be read -> why its project cannot be looked at.
REASONS: Mapping[int, str] = {
    ExitCode.CONTENTION: "busy",
    ExitCode.STORE_BEHIND: "behind",
    ExitCode.STORE_AHEAD: "ahead",
    ExitCode.STORE_FOREIGN: "foreign",
    ExitCode.STORE_CORRUPT: "broken",
}
#: The reason of a project that keeps no tasks.
ABSENT = "absent"
#: Seconds for all projects together.
TIMEOUT = 10.0
MOST_SECONDS = 86_400.0
#: Steps of SQLite between two looks at the clock.
STEPS = 10_000


class Waits(Protocol):
    """What ``edges()`` of the tasks service gives: a project's whole waiting graph."""

    @property
    def statuses(self) -> Mapping[str, str]:
        """Every task and its status, in order of number."""

    @property
    def waits(self) -> Mapping[str, Sequence[str]]:
        """Task -> what it waits for."""

    def held(self) -> Mapping[str, Sequence[str]]:
        """Task -> who waits for it."""


class Unreadable(Exception):  # noqa: N818 # an answer, which most callers list
    """A project that cannot be looked at.

    :ivar slug: the project's.
    :ivar reason: permission, unreachable, absent (it keeps no tasks), behind, ahead, foreign,
        broken, busy, slow or timeout.
    :ivar cause: what is to be raised where nothing goes on without the project.
    """

    def __init__(self, slug: str, reason: str, cause: CleoError) -> None:
        super().__init__(f"project {slug} is {reason}")
        self.slug = slug
        self.reason = reason
        self.cause = cause

    @property
    def skipped(self) -> Skipped:
        """The project as services list it."""
        return Skipped(self.slug, self.reason)


def deadline(timeout: float | None) -> float:
    """When a time that a caller gives for all projects is over, of :func:`time.monotonic`.

    :param timeout: seconds, by default :data:`TIMEOUT`.
    :raises UsageError: it is no number of seconds.
    """
    seconds = TIMEOUT if timeout is None else timeout
    number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if not number or not 0 < seconds <= MOST_SECONDS:
        raise UsageError("--timeout is a number of seconds above 0.", fix="--timeout 10")
    return time.monotonic() + seconds


def warn_of(app: App, skipped: Sequence[Skipped]) -> None:
    """Say that an answer is not whole, where projects were left out of it."""
    if skipped:
        named = ", ".join(f"{one.project} ({one.reason})" for one in skipped[:5])
        more = f" and {len(skipped) - 5} more" if len(skipped) > 5 else ""
        app.warn("W_NEXUS_INCOMPLETE", f"Projects were not looked at: {named}{more}.")


def require_tasks(app: App) -> None:
    """Refuse to go on without a tasks service.

    :raises CleoError: ``E_PLUGIN_MISSING``.
    """
    if not app.has_service("tasks"):
        app.service("tasks")


def is_there(app: App, row: Row) -> bool:
    """Whether the project of a registry row is still at its path."""
    return places.marker_id(row["project_path"], app.env) == str(row["project_id"])


def is_here(app: App, row: Row) -> bool:
    """Whether a project is the one that the command runs in."""
    here = app.project_or_none
    return here is not None and here.root == row["project_path"]


@contextmanager
def opened(app: App, row: Row, *, foreign: bool = True) -> Iterator[App]:
    """An App on a registered project, closed at the end of the block.

    :param foreign: only look; otherwise it may write.
    :raises CleoError: 3, the project is not where it was; what is raised in the block, whose fix
        is then a command for that project, wherever this one runs.
    """
    require_tasks(app)
    if not is_there(app, row):
        raise CleoError(
            "E_NOT_INITIALIZED",
            f"Project {row['slug']} is not at {row['project_path']} any more.",
            fix="cleo nexus scan",
            details={"project": row["slug"]},
        )
    try:
        with app.for_project(row["project_path"], foreign=foreign) as found:
            yield found
    except CleoError as error:
        if error.fix.startswith("cleo ") and "--project" not in error.fix and not is_here(app, row):
            error.fix += f" --project {quoted(row['project_path'])}"
        raise


@contextmanager
def tasks_of(
    app: App, row: Row, current: str | None, *, required: str = "read", until: float | None = None
) -> Iterator[Any]:
    """The tasks service of a project, for reading; its files are closed at the end of the block.

    :param required: what the project has to grant.
    :param until: when the time for it is over, of :func:`time.monotonic`.
    :raises Unreadable: it cannot be looked at, or what is asked takes longer.
    :raises CleoError: ``E_PLUGIN_MISSING``; what is wrong with the caller's words.
    """
    require_tasks(app)
    slug = row["slug"]
    if until is not None and time.monotonic() >= until:
        raise Unreadable(slug, "timeout", _too_late(slug))
    try:
        access.require(row, required, current)
    except CleoError as error:
        raise Unreadable(slug, "permission", error) from error
    try:
        with opened(app, row) as there:
            try:
                connection = there.store(there.plugins.kinds["task"]).connection
            except CleoError as error:
                if error.code == "E_NOT_INITIALIZED":
                    raise Unreadable(slug, ABSENT, error) from error
                raise
            if until is not None:
                connection.set_progress_handler(lambda: time.monotonic() >= until, STEPS)
            yield there.service("tasks")
    except CleoError as error:
        if error.exit == ExitCode.USAGE:
            # The caller's words are wrong, not the project.
            raise
        raise Unreadable(slug, REASONS.get(error.exit, "unreachable"), error) from error
    except driver().OperationalError as error:
        if until is None or time.monotonic() < until:
            raise
        raise Unreadable(slug, "slow", _too_late(slug)) from error


def no_task(row: Row, task: str) -> NotFoundError:
    """Exit 4 for a task that a project does not have."""
    return NotFoundError(
        f"Project {row['slug']} has no task {task}.",
        fix=f"cleo list --project {quoted(row['project_path'])}",
        ref=f"{row['slug']}:{task}",
    )


def unknown(reason: Unreadable, row: Row, what: str) -> CleoError:
    """Exit 5 for what cannot be found out about a project.

    :param what: what nobody can say.
    """
    return CleoError(
        "E_REFERENCE_UNKNOWN",
        f"Project {reason.slug} cannot be read ({reason.reason}), so that nobody can say {what}: "
        f"{reason.cause.message.rstrip('.')}.",
        fix=f"cleo stores tasks --project {quoted(row['project_path'])}",
        details={"project": reason.slug, "reason": reason.reason},
    )


def _too_late(slug: str) -> NexusError:
    return NexusError(
        "E_INCOMPLETE",
        f"Project {slug} was not looked at in time.",
        fix="the same command with --timeout 60",
    )


def waits_of(app: App, row: Row, current: str | None, *, until: float | None = None) -> Waits:
    """A project's whole waiting graph.

    :raises Unreadable: it cannot be looked at.
    """
    with tasks_of(app, row, current, until=until) as tasks:
        found: Waits = tasks.edges()
        return found


def features_of(
    app: App, row: Row, current: str | None, ids: Iterable[str], *, until: float | None = None
) -> dict[str, tuple[str, str]]:
    """Title and status of some of a project's tasks; those that do not exist are missing.

    :raises Unreadable: it cannot be looked at.
    """
    with tasks_of(app, row, current, until=until) as tasks:
        return {one.id: (one.title, one.status) for one in tasks.features(list(ids))}
