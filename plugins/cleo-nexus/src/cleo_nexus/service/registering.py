"""Putting projects into the registry, and taking them out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from cleo_core.errors import ValidationError
from cleo_core.inputs import word_of
from cleo_core.output import to_json
from cleo_core.paths.files import quoted
from cleo_nexus.enums import PERMISSION
from cleo_nexus.errors import NexusError
from cleo_nexus.ids import is_project_id, parse_slug
from cleo_nexus.records.projects import Project, Unregistered
from cleo_nexus.service import access, naming, places
from cleo_nexus.service.work import Verbs, Work, mutating
from cleo_nexus.store import dependents, registry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cleo_core.database import Row


#: A task: its project's id and its own.
Task = tuple[str, str]


class RegisterVerbs(Verbs):
    """``register``, ``unregister``."""

    @mutating("nexus.register")
    def register(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        name: str | None = None,
        slug: str | None = None,
        permission: str = "read",
        idempotency_key: str | None = None,
    ) -> Project:
        """Put a project into the registry.

        :param path: its root; by default the project that this is asked from.
        :param name: what people read; by default the one in its marker.
        :param slug: what references use; by default made from the name.
        :param permission: what it lets other projects do.
        :raises CleoError: 3, there is no project at the path.
        :raises ValidationError: 6, name, slug or permission is none, or the slug is taken.
        :raises NexusError: 75, the place is registered with another id, or the id is a former one;
            76, it is registered already.
        """
        found, root = places.project_at(self.app, path)
        level = word_of(PERMISSION, "permission")(permission)
        title = naming.title_of(found.name, os.path.basename(root))
        if name is not None:
            title = naming.title(name)
        given = None if slug is None else parse_slug(slug)
        if not is_project_id(found.id):
            raise bad_id(found.id)

        def added(work: Work) -> Project:
            _refuse_known(work, found.id, root)
            row = add(work, found.id, root, title, level, given)
            return Project.of(row, access.marked_id(self.app, work))

        def body(work: Work) -> Project:
            made: Project = work.unit.idempotent(
                "nexus.register",
                idempotency_key,
                {"path": root, "name": name, "slug": slug, "permission": level},
                lambda: added(work),
                encode=to_json,
                decode=Project.from_json,
            )
            return made

        return self.write(body)

    @mutating("nexus.unregister")
    def unregister(
        self, project: Any, *, with_edges: bool = False, force: bool = False
    ) -> Unregistered:
        """Take a project out of the registry; its files are left alone.

        Edges and instances that name it stay, and are then reported as orphans.

        :param with_edges: remove the edges that begin or end in it too.
        :param force: also while an instance of it is open, or a transfer.
        :raises NexusError: 71, it is not registered; 19, something open still needs it; 72, edges
            of a project would go that does not let others write.
        """

        access.project(self.app, self.db, project)

        def body(work: Work) -> tuple[Unregistered, Row, list[Task]]:
            row = access.project(self.app, work, project)
            id_ = row["project_id"]
            if not force:
                refuse_held(work, row)
            edges, sources = dependents.edges(work, id_), []
            if with_edges:
                sources = dependents.sources(work, id_)
                self._may_take_edges_of(work, sources)
                dependents.delete_edges(work, id_)
            removed = Project.of(row, access.marked_id(self.app, work))
            remove(work, row)
            work.note(edges=edges, withEdges=with_edges)
            return Unregistered(removed, edges, dependents.instances(work, id_)), row, sources

        found, row, sources = self.write(body)
        if not self.app.dry_run:
            self._let_go(row, sources)
        return found

    def _may_take_edges_of(self, work: Work, sources: Iterable[Task]) -> None:
        """Refuse to take edges from tasks of projects that do not let others write.

        :raises NexusError: 72.
        """
        current = access.current_id(self.app)
        for id_ in dict.fromkeys(project for project, _ in sources):
            source = registry.by_id(work, id_)
            if source is not None:
                access.require(source, "write", current)

    def _let_go(self, row: Row, sources: Iterable[Task]) -> None:
        """Release the tasks that waited for something by edges that are gone."""
        by_project: dict[str, list[str]] = {}
        for project, task in sources:
            by_project.setdefault(project, []).append(task)
        if not by_project or not self.app.has_service("tasks"):
            return
        from cleo_nexus.service import enforcing

        targets = enforcing.Targets(self.app, self.db, access.current_id(self.app))
        for project, tasks in by_project.items():
            if project == row["project_id"]:
                problem = enforcing.hold(self.app, row, dict.fromkeys(tasks))
                enforcing.warn(self.app, row, problem)
            else:
                problem = enforcing.enforce(targets, project, tasks)
                enforcing.warn(self.app, targets.row(project), problem)


def add(work: Work, id_: str, root: str, name: str, level: str, slug: str | None = None) -> Row:
    """Write a project's row.

    :raises ValidationError: the slug is none, or taken.
    """
    row = {
        "project_id": id_,
        "slug": naming.free_slug(work, slug, name),
        "name": name,
        "project_path": root,
        "project_hash": places.path_hash(root),
        "permissions": level,
        "now": work.now,
    }
    registry.add(work, row)
    work.about(id_, row["project_hash"])
    added = registry.by_id(work, id_)
    assert added is not None
    work.unit.created("project", id_, dict(added))
    return added


def remove(work: Work, row: Row) -> None:
    """Remove a project's row, and with it its former names."""
    registry.delete(work, row["project_id"])
    work.about(row["project_id"], row["project_hash"])
    work.unit.deleted("project", row["project_id"], dict(row))


def refuse_held(work: Work, row: Row) -> None:
    """Refuse what would leave open instances or transfers without their project.

    :raises NexusError: 19.
    """
    instances, transfers = dependents.open_work(work, row["project_id"])
    if instances or transfers:
        named = ", ".join([*instances, *transfers][:10])
        fix = (
            f"cleo chain cancel {instances[0]} --reason TEXT"
            if instances
            else (f"cleo nexus transfer --resume {transfers[0]}")
        )
        raise NexusError(
            "E_HAS_DEPENDENTS",
            f"Project {row['slug']} is needed by what is open: {named}; --force ignores that.",
            fix=fix,
            details={
                "projectId": row["project_id"],
                "instances": instances,
                "transfers": transfers,
            },
        )


def bad_id(id_: str) -> ValidationError:
    """Exit 6 for a marker whose id cannot be kept."""
    return ValidationError(
        "The project's marker holds an id that cannot be registered: 8 to 64 lower-case letters, "
        "digits and -.",
        fix="cleo nexus reconcile --new-id",
        projectId=id_,
    )


def slug_id(id_: str, root: str) -> ValidationError:
    """Exit 6 for a marker whose id would be found in place of the project that has it as a slug."""
    return ValidationError(
        f"The id {id_} is the slug of another project, or was once.",
        fix=f"{_there(root)} --new-id",
        projectId=id_,
    )


def id_drift(message: str, id_: str, registered: str, fix: str | None = None) -> NexusError:
    """Exit 75 for a directory whose id is not the one that is registered for it."""
    return NexusError(
        "E_PROJECT_ID_DRIFT",
        message,
        fix=fix,
        details={"projectId": id_, "registeredId": registered},
    )


def _refuse_known(work: Work, id_: str, root: str) -> None:
    known = registry.by_id(work, id_)
    if known is not None:
        here = known["project_path"] == root
        where = "" if here else f", at {known['project_path']}"
        raise NexusError(
            "E_PROJECT_EXISTS",
            f"The project is registered already, as {known['slug']}{where}.",
            fix=f"cleo nexus show {known['slug']}" if here else _there(root),
            details={"projectId": id_, "project": known["slug"]},
        )
    if naming.owner_of(work, id_) is not None:
        raise slug_id(id_, root)
    other = registry.by_path(work, root)
    if other is not None:
        raise id_drift(
            f"{root} is registered as {other['slug']} with the id {other['project_id']}; its "
            f"marker says {id_}.",
            id_,
            other["project_id"],
            _there(root),
        )
    former = registry.alias(work, id_)
    if former is not None and former["kind"] == "id":
        raise id_drift(
            f"The id {id_} is a former one of project {former['canonical_id']}.",
            id_,
            former["canonical_id"],
            _there(root),
        )


def _there(root: str) -> str:
    return f"cleo --project {quoted(root)} nexus reconcile"
