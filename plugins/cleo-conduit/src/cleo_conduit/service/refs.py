"""Which agents this project sees: attach, detach, remove, list."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cleo_conduit.errors import ref_not_found
from cleo_conduit.ids import parse_agent_id, project_agent_id
from cleo_conduit.records.refs import UNSET, Ref, RefChange
from cleo_conduit.service import fields
from cleo_conduit.service.work import Verbs, Work
from cleo_conduit.store import belongings, meta, refs
from cleo_conduit.wake import LEASES
from cleo_core import clock
from cleo_core.database import Row
from cleo_core.output import Page

if TYPE_CHECKING:
    from cleo_conduit.service.acting import Acting

#: Seconds within which a second use of an agent is not written.
TOUCH_SECONDS = 60.0


class RefVerbs(Verbs):
    """Refs of this project: rows that say which agents it sees."""

    def attach(self, agent_id: str, role: Any = UNSET, override: Any = UNSET) -> RefChange:
        """Let the project see an agent.

        A disabled ref is enabled, with a new ``attached_at``; arguments that are not given leave
        the ref's role and override as they are.

        :param role: the agent's role here; None for none.
        :param override: ``{"set": [...]}``, ``{"add": [...], "remove": [...]}``, a list, which
            means set, or None for none.
        :raises UsageError: 2, no agent id, a reserved one, or no role.
        :raises ValidationError: 6, another override.
        :raises CleoError: 6, ``E_REFERENCE``, there is no such agent.
        """
        id_ = project_agent_id(agent_id)
        given: dict[str, Any] = {}
        if role is not UNSET:
            given["role"] = fields.role(role)
        if override is not UNSET:
            found = fields.override(override)
            given["capabilities_override"] = None if found is None else _encoded(found)
        return self.write("ref.attach", lambda work: _attach(work, id_, given))

    def detach(self, agent_id: str) -> RefChange:
        """Stop the project from seeing an agent; its ref, its mail and its history stay.

        Its leases are released.

        :raises NotFoundError: 4, the project has no ref of it.
        """
        id_ = parse_agent_id(agent_id)

        def body(work: Work) -> RefChange:
            row = _known(work, id_)
            if not row["enabled"]:
                return RefChange(id_, False, as_ref(row), [], [])
            after = {**row, "enabled": 0, "detached_at": work.now, "updated_at": work.now}
            refs.update(work, after)
            released = release(work, id_, "released")
            work.note("agent", id_, leases=len(released))
            return RefChange(id_, True, as_ref(after), released, [])

        return self.write("ref.detach", body)

    def remove_ref(self, agent_id: str) -> RefChange:
        """Delete the ref of an agent, release its leases and end its part in conversations.

        What it wrote and received stays.

        :raises NotFoundError: 4, the project has no ref of it.
        """
        id_ = parse_agent_id(agent_id)

        def body(work: Work) -> RefChange:
            row = _known(work, id_)
            released = release(work, id_, "released")
            left = belongings.leave(work, id_, work.now)
            refs.delete(work, id_)
            if row["token_hash"] is not None:
                # Or to remove and to attach an agent would be the way round its token.
                meta.put(work, f"token:{id_}", row["token_hash"])
            work.note("agent", id_, leases=len(released), conversations=len(left))
            return RefChange(id_, True, as_ref(row), released, left)

        return self.write("ref.remove", body)

    def ref(self, agent_id: str) -> Ref | None:
        """The ref of an agent, enabled or not; None where there is none."""
        row = refs.get(self.db, parse_agent_id(agent_id))
        return None if row is None else as_ref(row)

    def refs(self, enabled_only: bool = True) -> list[Ref]:
        """All refs of the project, by agent id."""
        only = fields.flag(enabled_only, "enabled_only")
        return [as_ref(row) for row in refs.listed(self.db, enabled_only=only)]

    def agents(
        self, *, include_disabled: bool = False, limit: int | None = None, offset: int = 0
    ) -> tuple[list[Ref], Page]:
        """Refs of the project, by agent id, and where they stand in the whole.

        :raises UsageError: limit or offset are out of range.
        """
        disabled = fields.flag(include_disabled, "include_disabled")
        most, start = self.page(limit, offset)
        found = refs.page(self.db, disabled=disabled, limit=most, offset=start)
        total = refs.count(self.db, disabled=disabled)
        return [as_ref(row) for row in found], Page(most, start, total)

    def touch(self, agent_id: str) -> bool:
        """Remember that an agent was used; written at most once a minute.

        :returns: whether it was written; never for one that the project does not see.
        """
        id_ = parse_agent_id(agent_id)
        row = refs.get(self.db, id_)
        if row is None or not row["enabled"] or not _is_long_ago(row["last_used_at"]):
            return False
        return self.app.write("conduit", lambda unit: _touched(unit, id_))


def touch(work: Work, who: Acting) -> None:
    """Remember in a unit that the acting agent was used; written at most once a minute."""
    if who.ref is None or _is_long_ago(who.ref["last_used_at"]):
        _touched(work, who.agent_id)


def attach_by_use(work: Work, who: Acting) -> None:
    """Give the acting agent a ref where it has none: without a registry it is taken at its word."""
    if who.ref is None and not who.human and refs.get(work, who.agent_id) is None:
        _attach(work, who.agent_id, {})


def _touched(tx: Any, agent_id: str) -> bool:
    now = clock.seconds()
    before = clock.format_time(now - TOUCH_SECONDS)
    return refs.touch(tx, agent_id, clock.format_time(now), before)


def _is_long_ago(used: str | None) -> bool:
    now = clock.seconds()
    before = clock.format_time(now - TOUCH_SECONDS)
    return used is None or not before < used <= clock.format_time(now)


def as_ref(row: Row) -> Ref:
    """A row as the service returns it."""
    override = row["capabilities_override"]
    return Ref(
        agent_id=row["agent_id"],
        enabled=bool(row["enabled"]),
        role=row["role"],
        capabilities_override=None if override is None else json.loads(override),
        attached_at=row["attached_at"],
        attached_by=row["attached_by"],
        detached_at=row["detached_at"],
        last_used_at=row["last_used_at"],
        updated_at=row["updated_at"],
    )


def release(work: Work, agent_id: str, kind: str, broken_by: str | None = None) -> list[str]:
    """End an agent's leases; those whose time is over have expired, whatever the kind.

    :returns: their ids.
    """
    ended = []
    for lease in belongings.held(work, agent_id):
        over = lease["expires_at"] <= work.now
        how, by = ("expired", None) if over else (kind, broken_by)
        after = {"released_at": work.now, "release_kind": how, "broken_by": by}
        belongings.release(work, lease["id"], work.now, how, by)
        work.unit.updated("lease", lease["id"], {name: lease[name] for name in after}, after)
        work.note("lease", lease["id"], release_kind=how)
        ended.append(lease["id"])
    if ended:
        work.wake([LEASES])
    return ended


def _attach(work: Work, agent_id: str, given: dict[str, Any]) -> RefChange:
    row = refs.get(work, agent_id)
    if row is None:
        work.unit.check("conduit.ref_agent", [agent_id])
        new = {
            "agent_id": agent_id,
            "attached_at": work.now,
            "attached_by": work.unit.actor,
            "role": None,
            "capabilities_override": None,
            "last_used_at": None,
            "enabled": 1,
            "detached_at": None,
            "token_hash": meta.get(work, f"token:{agent_id}"),
            "updated_at": work.now,
            **given,
        }
        refs.insert(work, new)
        if new["token_hash"] is not None:
            meta.delete(work, f"token:{agent_id}")
        work.note("agent", agent_id, created=True)
        return RefChange(agent_id, True, as_ref(new), [], [])
    after = {**row, **given}
    if not row["enabled"]:
        work.unit.check("conduit.ref_agent", [agent_id])
        after |= {
            "enabled": 1,
            "attached_at": work.now,
            "attached_by": work.unit.actor,
            "detached_at": None,
        }
    columns = [name for name, value in after.items() if row[name] != value]
    if not columns:
        return RefChange(agent_id, False, as_ref(row), [], [])
    after["updated_at"] = work.now
    refs.update(work, after)
    work.note("agent", agent_id, columns=columns)
    return RefChange(agent_id, True, as_ref(after), [], [])


def _known(work: Work, agent_id: str) -> Row:
    row = refs.get(work, agent_id)
    if row is None:
        raise ref_not_found(agent_id)
    return row


def _encoded(override: dict[str, list[str]]) -> str:
    return json.dumps(override, ensure_ascii=False)
