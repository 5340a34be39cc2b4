"""The tasks of other projects, looked at without touching anything there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from cleo_core.errors import CleoError, ExitCode
from cleo_nexus.service import access, places

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Row

#: The statuses in which a task counts as not done; all others satisfy who waits for it.
OPEN = frozenset({"pending", "active", "blocked", "proposed"})

_REASONS: Mapping[int, str] = {
    ExitCode.CONTENTION: "busy",
    ExitCode.STORE_BEHIND: "behind",
    ExitCode.STORE_AHEAD: "ahead",
    ExitCode.STORE_FOREIGN: "foreign",
    ExitCode.STORE_CORRUPT: "broken",
}


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
    :ivar reason: unreachable, behind, ahead, foreign, broken, busy or permission.
    :ivar cause: what opening it raised, where it was opened.
    """

    def __init__(self, slug: str, reason: str, cause: CleoError | None = None) -> None:
        super().__init__(f"project {slug} is {reason}")
        self.slug = slug
        self.reason = reason
        self.cause = cause


def require_tasks(app: App) -> None:
    """Refuse to go on without a tasks service.

    :raises CleoError: ``E_PLUGIN_MISSING``.
    """
    if not app.has_service("tasks"):
        app.service("tasks")


def is_there(app: App, row: Row) -> bool:
    """Whether the project of a registry row is still at its path."""
    return places.marker_id(row["project_path"], app.env) == str(row["project_id"])


@contextmanager
def tasks_of(app: App, row: Row, current: str | None) -> Iterator[Any]:
    """The tasks service of a project, for reading; its files are closed at the end of the block.

    :raises Unreadable: it cannot be looked at.
    :raises CleoError: ``E_PLUGIN_MISSING``; what is wrong with the caller's words.
    """
    require_tasks(app)
    slug = row["slug"]
    if not access.grants(row, "read", current):
        raise Unreadable(slug, "permission")
    if not is_there(app, row):
        raise Unreadable(slug, "unreachable")
    try:
        with app.for_project(row["project_path"], foreign=True) as there:
            yield there.service("tasks")
    except CleoError as error:
        if error.exit == ExitCode.USAGE:
            # The caller's words are wrong, not the project.
            raise
        raise Unreadable(slug, _REASONS.get(error.exit, "unreachable"), error) from error


def waits_of(app: App, row: Row, current: str | None) -> Waits:
    """A project's whole waiting graph.

    :raises Unreadable: it cannot be looked at.
    """
    with tasks_of(app, row, current) as tasks:
        found: Waits = tasks.edges()
        return found


def features_of(
    app: App, row: Row, current: str | None, ids: Iterable[str]
) -> dict[str, tuple[str, str]]:
    """Title and status of some of a project's tasks; those that do not exist are missing.

    :raises Unreadable: it cannot be looked at.
    """
    with tasks_of(app, row, current) as tasks:
        return {one.id: (one.title, one.status) for one in tasks.features(list(ids))}
