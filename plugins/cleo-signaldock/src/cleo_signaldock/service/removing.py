"""Taking an agent out of this project, or off this machine."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from cleo_core.errors import CleoError
from cleo_core.paths import cleo_directory_name
from cleo_signaldock.errors import SignaldockError, agent_not_found
from cleo_signaldock.ids import parse_agent_id
from cleo_signaldock.records import RefChange
from cleo_signaldock.service import cache, refs
from cleo_signaldock.service.work import Verbs, Work
from cleo_signaldock.store import agents

if TYPE_CHECKING:
    from cleo_core.app import App


class Found(NamedTuple):
    """Which projects refer to an agent.

    ``unreadable``: projects that could not be looked at. ``scanned``: ``nexus``, all that are
    known; ``project``, this one only; ``nothing``, outside of one.
    """

    refs: list[dict[str, Any]]
    unreadable: list[str]
    scanned: str


class RemoveVerbs(Verbs):
    """``remove`` and ``remove_everywhere``."""

    def remove(self, agent_id: str) -> RefChange:
        """Forget that this project saw an agent; its identity is not touched.

        :raises NotFoundError: 4, the project has no ref of it.
        """
        id_ = parse_agent_id(agent_id)
        conduit = refs.require(self.app)
        if conduit.ref(id_) is not None:
            # First, so that what is cut short is not taken for a registration without its ref.
            project = self.app.project.id
            self.write("agent.remove_ref", lambda work: work.note("agent", id_, project=project))
        done = conduit.remove_ref(id_)
        cache.refresh(self.app, id_)
        return RefChange(id_, done.changed, refs.shown(done.ref))

    def remove_everywhere(self, agent_id: str, *, force: bool = False) -> RefChange:
        """Delete an agent's identity, with its keys and everything that is only its own.

        This project's ref and copy go at once, those of other projects by ``cleo reconcile``.

        :param force: although projects refer to it.
        :raises CleoError: 4; ``E_AGENT_REFERENCED`` (6), projects refer to it, or could not be
            looked at; ``E_GUARD`` (6), a plugin refuses.
        """
        id_ = parse_agent_id(agent_id)
        if agents.get(self.db, id_) is None:
            raise agent_not_found(id_)
        found = scan(self.app, id_)
        if (found.refs or found.unreadable) and not force:
            raise _referenced(id_, found)

        def body(work: Work) -> None:
            row = agents.held(work, id_)
            if row is None:
                raise agent_not_found(id_)
            agents.delete(work, id_)
            work.unit.deleted("agent", id_, {name: row[name] for name in agents.SHOWN})
            work.note("agent", id_, refs=len(found.refs), scanned=found.scanned)

        self.write("agent.remove", body)
        cache.refresh(self.app, id_)
        return RefChange(id_, True, None, found.refs, found.unreadable, found.scanned)


def scan(app: App, agent_id: str) -> Found:
    """Look for refs of an agent in every project that is known, this one included."""
    here = app.project_or_none
    by_nexus = app.has_service("nexus")
    projects: dict[str, str] = {}
    if by_nexus:
        for one in app.service("nexus").projects():
            projects[_field(one, "path")] = _field(one, "id")
    if here is not None:
        projects[here.root] = here.id
    found: list[dict[str, Any]] = []
    unreadable: list[str] = []
    if app.has_service("conduit"):
        conduit = app.service("conduit")
        for path, project in sorted(projects.items()):
            try:
                rows = conduit.refs_in(path, agent_id)
            except CleoError:
                unreadable.append(path)
                continue
            found += [
                {"project": project, "path": path, "enabled": bool(row.enabled)} for row in rows
            ]
    else:
        # What a file of refs says cannot be found out, and is not taken for nothing.
        name = cleo_directory_name(app.env)
        unreadable = [
            path
            for path in sorted(projects)
            if os.path.lexists(os.path.join(path, name, "conduit.db"))
        ]
    return Found(found, unreadable, "nexus" if by_nexus else "project" if here else "nothing")


def _field(project: Any, name: str) -> str:
    value = project[name] if isinstance(project, Mapping) else getattr(project, name)
    return str(value)


def _referenced(agent_id: str, found: Found) -> SignaldockError:
    return SignaldockError(
        "E_AGENT_REFERENCED",
        f"{agent_id} is named by {_count(found.refs, 'project')}"
        + (
            f", and {_count(found.unreadable, 'project')} could not be looked at"
            if found.unreadable
            else ""
        )
        + ".",
        fix=f"cleo agent remove {agent_id} --global --force",
        details={"refs": found.refs, "unreadable": found.unreadable, "scanned": found.scanned},
    )


def _count(things: Iterable[Any], noun: str) -> str:
    number = len(list(things))
    return f"{number} {noun}{'' if number == 1 else 's'}"
