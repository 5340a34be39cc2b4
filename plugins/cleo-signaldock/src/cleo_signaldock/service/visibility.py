"""Which agents this project sees: attach, detach, get, list."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cleo_core.errors import CleoError, NotFoundError
from cleo_core.inputs import as_filter
from cleo_core.output import Page
from cleo_signaldock.api import STORE
from cleo_signaldock.errors import agent_not_found
from cleo_signaldock.ids import parse_agent_id
from cleo_signaldock.records import Agent, RefChange
from cleo_signaldock.service import cache, fields, reading, refs
from cleo_signaldock.service.work import Verbs
from cleo_signaldock.store import agents, listing, meta

#: States of a file that cannot be opened, which the copies in the task store stand in for.
_CLOSED = (
    *("E_STORE_AHEAD", "E_STORE_BEHIND", "E_STORE_FOREIGN", "E_STORE_CORRUPT"),
    *("E_PERMISSION_FS", "E_IO"),
)


class VisibilityVerbs(Verbs):
    """Refs of this project, and lists of agents."""

    def attach(self, agent_id: str, *, role: str | None = None, override: Any = None) -> RefChange:
        """Let this project see an agent; options that are not given leave the ref's alone.

        :param override: what it can do here: ``{"set": [...]}``, ``{"add": [...], "remove":
            [...]}``, or a list, which means set.
        :raises CleoError: 4 no such agent; 5 without cleo-conduit; 6 another override.
        """
        id_ = parse_agent_id(agent_id)
        conduit = refs.require(self.app)
        if agents.get(self.db, id_) is None:
            raise agent_not_found(id_, fix=f"cleo agent register {id_}")
        given: dict[str, Any] = {}
        if role is not None:
            given["role"] = fields.role(role)
        if override is not None:
            given["override"] = self._override(override)
        done = conduit.attach(id_, **given)
        self._audit("agent.attach", id_, done.changed)
        return RefChange(id_, done.changed, refs.shown(done.ref))

    def detach(self, agent_id: str) -> RefChange:
        """Stop this project from seeing an agent; role, override and history stay.

        :raises CleoError: 4 the project has no ref of it; 5 without cleo-conduit.
        """
        id_ = parse_agent_id(agent_id)
        done = refs.require(self.app).detach(id_)
        self._audit("agent.detach", id_, done.changed)
        return RefChange(id_, done.changed, refs.shown(done.ref))

    def get(self, agent_id: str, *, everywhere: bool = False) -> Agent:
        """One agent: of this project, or any.

        :raises NotFoundError: 4; the fix looks everywhere where the agent exists.
        """
        id_ = parse_agent_id(agent_id)
        known = refs.seen(self.app) if everywhere else refs.of_project(self.app)
        copied = self._from_cache(known)
        if copied is not None:
            for agent in copied:
                if agent.agent_id == id_:
                    return agent
            raise agent_not_found(id_, fix="cleo doctor")
        row = agents.get(self.db, id_)
        if row is None:
            if id_ in known:
                self._warn_of_dangling([id_])
            raise agent_not_found(id_)
        if not everywhere and refs.are_kept(self.app) and id_ not in known:
            raise NotFoundError(
                f"This project does not see the agent {id_}.",
                fix=f"cleo agent get {id_} --global",
                agentId=id_,
            )
        if not everywhere and not refs.are_kept(self.app):
            refs.require(self.app)
        self._warn_of_lost_files([row])
        return reading.records(self.db, [row], known)[0]

    def list(
        self,
        *,
        everywhere: bool = False,
        active: bool = False,
        include_disabled: bool = False,
        class_: str | None = None,
        capability: str | None = None,
        skill: str | None = None,
        search: str | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> tuple[list[Agent], Page]:
        """Agents by name, then id: those of this project, or all.

        :param active: without those that are retired.
        :param include_disabled: with those that are detached.
        :param search: a part of id, name or description, whatever its case.
        :returns: the agents and where they stand in the whole.
        :raises CleoError: 2 a filter is not acceptable; 5 without cleo-conduit, unless
            ``everywhere``.
        """
        count, start = self.page(limit, offset)
        wanted = listing.Filter(
            active=active,
            class_=None if class_ is None else as_filter(fields.one_of_classes, class_),
            capability=self._word("capability", capability),
            skill=self._word("skill", skill),
            search=None if search is None else as_filter(fields.searched, search),
        )
        if everywhere:
            known = refs.seen(self.app)
            total, rows = listing.page(self.db, wanted, limit=count, offset=start)
            self._warn_of_lost_files(rows)
            return reading.records(self.db, rows, known), Page(count, start, total)
        refs.require(self.app)
        known = refs.of_project(self.app, enabled_only=not include_disabled)
        copied = self._from_cache(known)
        if copied is not None:
            copied = [agent for agent in copied if _is_meant(agent, wanted)]
            return [*copied[start : start + count]], Page(count, start, len(copied))
        there = agents.by_ids(self.db, sorted(known))
        self._warn_of_dangling(known.keys() - {row["agent_id"] for row in there})
        rows = listing.kept(self.db, there, wanted)
        rows.sort(key=lambda row: (row["name"], row["agent_id"]))
        shown = rows[start : start + count]
        self._warn_of_lost_files(shown)
        return reading.records(self.db, shown, known), Page(count, start, len(rows))

    def known(self, ids: Iterable[str]) -> frozenset[str]:
        """Those of the ids that are agents of this machine."""
        return meta.existing(self.db, "agent", tuple(ids))

    def _word(self, kind: str, text: str | None) -> str | None:
        if text is None:
            return None
        found, warnings = as_filter(lambda value: fields.words(kind, [value]), text)
        for warning in warnings:
            self.app.warn("W_UNKNOWN_WORD", warning)
        return found[0] if found else text

    def _override(self, override: Any) -> Any:
        """The override with slugs in the place of other words for them; conduit checks its form."""
        if isinstance(override, Mapping):
            return {
                key: self._slugs(value) if key in ("set", "add", "remove") else value
                for key, value in override.items()
            }
        return self._slugs(override)

    def _slugs(self, value: Any) -> Any:
        if not isinstance(value, (list, tuple)) or not all(isinstance(one, str) for one in value):
            return value
        slugs = []
        for one in value:
            found, warnings = fields.words("capability", [one])
            slugs += found or [one]
            for warning in warnings:
                self.app.warn("W_UNKNOWN_WORD", warning)
        return list(dict.fromkeys(slugs))

    def _audit(self, action: str, agent_id: str, changed: bool) -> None:
        if changed:
            project = self.app.project.id
            self.write(action, lambda work: work.note("agent", agent_id, project=project))
        cache.refresh(self.app, agent_id)

    def _warn_of_lost_files(self, rows: Iterable[agents.Row]) -> None:
        if not any(row["has_key"] for row in rows):
            return
        # Looked at by name only: what reads the files loads more than a list may.
        folder = os.path.dirname(self.app.stores.path(STORE))
        for file in STORE.files:
            if not os.path.lexists(os.path.join(folder, file.name)):
                self.app.warn(
                    "W_SECRET_FILE_LOST",
                    f"The secret file {file.name} is gone, and no stored key can be used: "
                    "`cleo agent keys status`.",
                )

    def _warn_of_dangling(self, ids: Iterable[str]) -> None:
        for lost in sorted(ids):
            self.app.warn(
                "W_DANGLING_REF",
                f"This project names the agent {lost}, which is gone: `cleo agent remove {lost}`.",
            )

    def _from_cache(self, known: Mapping[str, refs.Ref]) -> Sequence[Agent] | None:
        """Copies of this project's agents where the registry cannot be opened, else None.

        :raises CleoError: it cannot be opened, and there are no copies.
        """
        try:
            meta.value(self.db, "store")
            return None
        except CleoError as error:
            if error.code not in _CLOSED:
                raise
            try:
                rows = [row for row in cache.copies(self.app) if row.agent_id in known]
            except CleoError:
                raise error from None
            if not rows:
                raise
            self.app.warn(
                "W_FROM_CACHE",
                f"{error.message} These are copies of the agents that have a key, as they were "
                "when they last changed.",
            )
            rows.sort(key=lambda row: (row.display_name, row.agent_id))
            return [reading.of_copy(row, known[row.agent_id]) for row in rows]


def _is_meant(agent: Agent, wanted: listing.Filter) -> bool:
    """Whether a copy is meant by a filter; by one that asks what it does not know it is not."""
    text = "" if wanted.search is None else agents.folded(wanted.search)
    return (
        (agent.is_active or not wanted.active)
        and wanted.class_ in (None, agent.class_)
        and (wanted.capability is None or wanted.capability in agent.capabilities)
        and (wanted.skill is None or wanted.skill in agent.skills)
        and (text in agents.folded(agent.agent_id) or text in agents.folded(agent.name))
    )
