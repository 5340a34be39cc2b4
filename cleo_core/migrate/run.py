"""What the runner and the helpers for authors share while migrations run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cleo_core.database import Database

#: Parameters for a database in memory of which only the schema is looked at.
PLACEHOLDERS = {
    "project_id": "project",
    "project_name": "project",
    "now": "2000-01-01T00:00:00.000Z",
}


class Run:
    """One run of alembic over some revisions.

    :param parameters: what ``:project_id``, ``:project_name`` and ``:now`` stand for.
    :ivar statement: the statement that was run last.
    :ivar done: revisions that are finished.
    :ivar rendered: statements of the running revision, with ``--sql``.
    """

    def __init__(
        self,
        parameters: Mapping[str, Any],
        *,
        schemas: Mapping[str | None, Database] | None = None,
        start: str | None = None,
    ) -> None:
        self.parameters = parameters
        self.statement: str | None = None
        self.done: list[str] = []
        self.rendered: list[str] = []
        self._schemas = schemas or {}
        self._at = start

    def finished(self, revision: str) -> None:
        """Note that a revision's ``upgrade()`` and its version row are done."""
        self.done.append(revision)
        self.rendered.clear()
        self.statement = None
        self._at = revision

    def schema(self) -> Database:
        """With ``--sql``: an empty database in memory as it is at this point.

        Its tables are those of the revision before; the statements that the running revision has
        rendered so far are run on it now.
        """
        database = self._schemas[self._at]
        for statement in self.rendered:
            database.connection.execute(statement, PLACEHOLDERS)
        self.rendered.clear()
        return database
