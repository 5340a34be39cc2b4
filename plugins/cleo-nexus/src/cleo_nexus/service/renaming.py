"""Names of registered projects, and what they let others do."""

from __future__ import annotations

from typing import Any

from cleo_core.errors import UsageError
from cleo_core.inputs import as_filter, word_of
from cleo_nexus.enums import PERMISSION
from cleo_nexus.errors import NexusError
from cleo_nexus.ids import parse_slug
from cleo_nexus.records.projects import Permission, Project
from cleo_nexus.service import access, naming
from cleo_nexus.service.work import Verbs, Work, mutating
from cleo_nexus.store import registry


class RenameVerbs(Verbs):
    """``rename``, ``permission_get``, ``permission_set``."""

    @mutating("nexus.rename")
    def rename(self, project: Any, *, name: str | None = None, slug: str | None = None) -> Project:
        """Change what people read, and what references use; the old slug goes on leading here.

        :raises UsageError: neither is given.
        :raises ValidationError: 6, one of them is none, or the slug is taken.
        :raises NexusError: 71, it is not registered; 102, both are as they were.
        """
        if name is None and slug is None:
            raise UsageError(
                "Say what is to change: --name, --slug or both.",
                fix="cleo nexus rename PROJECT --slug SLUG",
            )
        title = None if name is None else naming.title(name)
        wanted = None if slug is None else parse_slug(slug)
        access.project(self.app, self.db, project)

        def body(work: Work) -> Project:
            row = access.project(self.app, work, project)
            id_, before = row["project_id"], row["slug"]
            after = {"name": title or row["name"], "slug": wanted or before}
            changed = {key: row[key] for key in after if row[key] != after[key]}
            if not changed:
                raise NexusError(
                    "E_NO_CHANGE",
                    f"Project {before} has this name already.",
                    fix=f"cleo nexus show {before}",
                    details={"projectId": id_},
                )
            if "slug" in changed:
                naming.untaken(work, after["slug"], by=id_)
                # It may have been a former slug of this very project.
                registry.delete_alias(work, after["slug"])
                registry.add_alias(work, before, "slug", id_, work.now)
            registry.rename(work, id_, **after)
            work.about(id_, row["project_hash"])
            work.note(columns=sorted(changed))
            work.unit.updated("project", id_, changed, {key: after[key] for key in changed})
            return self._now(work, id_)

        return self.write(body)

    def permission_get(self, project: Any) -> Permission:
        """What a project lets other projects do.

        :raises NexusError: 71, it is not registered.
        """
        row = access.project(self.app, self.db, project, reads=True)
        return Permission(row["slug"], row["permissions"])

    @mutating("nexus.permission.set")
    def permission_set(self, project: Any, level: str) -> Permission:
        """Let other projects do more or less with a project.

        This is advice, not security: it keeps an agent from changing the wrong project by mistake.

        :param level: read, write or execute, each including those before it.
        :raises UsageError: it is none of them.
        :raises NexusError: 71, the project is not registered.
        """
        wanted = as_filter(word_of(PERMISSION, "level"), level)
        access.project(self.app, self.db, project)

        def body(work: Work) -> Permission:
            row = access.project(self.app, work, project)
            before = row["permissions"]
            registry.permit(work, row["project_id"], wanted)
            work.about(row["project_id"], row["project_hash"])
            work.note(granted=wanted, previous=before)
            if before != wanted:
                work.unit.updated(
                    "project", row["project_id"], {"permissions": before}, {"permissions": wanted}
                )
            return Permission(row["slug"], wanted, before)

        return self.write(body)

    def _now(self, work: Work, id_: str) -> Project:
        row = registry.by_id(work, id_)
        assert row is not None
        return Project.of(row, access.marked_id(self.app, work))
