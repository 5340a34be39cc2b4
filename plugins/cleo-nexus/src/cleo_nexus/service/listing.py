"""What is registered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cleo_core.inputs import as_filter, word_of
from cleo_core.output import Page
from cleo_nexus.enums import HEALTH
from cleo_nexus.records.projects import Project, Status
from cleo_nexus.service import access
from cleo_nexus.service.work import Verbs, reading
from cleo_nexus.store import dependents, registry


class ListVerbs(Verbs):
    """``list``, ``show`` and ``status``, and what other plugins ask."""

    def projects(self) -> list[dict[str, str]]:
        """Id, slug and path of each registered project, by slug."""
        with reading():
            rows = registry.everything(self.db)
        return [
            {"id": row["project_id"], "slug": row["slug"], "path": row["project_path"]}
            for row in rows
        ]

    def show(self, project: Any) -> Project:
        """A project by its slug, id, hash, path or a former name.

        :raises NexusError: 71, it is not registered.
        """
        row = access.project(self.app, self.db, project, reads=True)
        return Project.of(row, access.marked_id(self.app, self.db))

    def status(self) -> Status:
        """How many projects there are, of which health, and what joins them."""
        with reading():
            row, health = dependents.counts(self.db), registry.by_health(self.db)
        return Status(
            projects=row["projects"],
            by_health={word: health.get(word, 0) for word in HEALTH},
            edges=row["edges"],
            open_instances=row["open_instances"],
            open_transfers=row["open_transfers"],
        )

    def list(
        self, *, health: str | None = None, limit: int | None = None, offset: int = 0
    ) -> tuple[Sequence[Project], Page]:
        """The registered projects, by slug.

        :param health: only those of this health.
        :returns: projects and the page that they are.
        :raises UsageError: no such health, or a number that is out of range.
        """
        chosen, start = self.page(limit, offset)
        if health is not None:
            as_filter(word_of(HEALTH, "health"), health)
        with reading():
            current = access.marked_id(self.app, self.db)
            rows = registry.everything(self.db)
        if health is not None:
            rows = [row for row in rows if row["health_status"] == health]
        found = [Project.of(row, current) for row in rows[start : start + chosen]]
        return found, Page(chosen, start, len(rows))
