"""Who is there, who is retired, and who acts."""

from __future__ import annotations

from cleo_core import durations
from cleo_core.errors import ValidationError
from cleo_signaldock.enums import PRESENCE
from cleo_signaldock.errors import agent_not_found
from cleo_signaldock.ids import parse_agent_id
from cleo_signaldock.records import Agent, ChangedAgents
from cleo_signaldock.service import cache, reading, refs
from cleo_signaldock.service.work import Verbs, Work
from cleo_signaldock.store import agents, presence


class PresenceVerbs(Verbs):
    """``heartbeat``, ``stop``, ``status``, ``whoami``, ``retire``, ``revive``, ``prune``."""

    def heartbeat(self, agent_id: str, *, status: str = "online") -> Agent:
        """Note that an agent is there now.

        :param status: online, busy or away.
        :raises CleoError: 4; 6 the agent is retired.
        """
        id_ = parse_agent_id(agent_id)
        if status not in PRESENCE or status == "offline":
            raise ValidationError("The status is online, busy or away.", fix="--status online")

        def body(work: Work) -> Agent:
            row = _held(work, id_)
            if not row["is_active"]:
                raise ValidationError(
                    f"The agent {id_} is retired and cannot act.", fix=f"cleo agent revive {id_}"
                )
            presence.seen(work, id_, status, work.now)
            return self._shown(work, [id_])[0]

        return self.write("agent.heartbeat", body)

    def stop(self, *ids: str, everyone: bool = False) -> ChangedAgents:
        """Note that agents went away.

        :param everyone: all that are not offline.
        :raises CleoError: 2 nobody is named; 4.
        """
        named = [parse_agent_id(id_) for id_ in ids]

        def body(work: Work) -> list[str]:
            chosen = [row["agent_id"] for row in presence.present(work)] if everyone else named
            changed = []
            for id_ in sorted(set(chosen)):
                if _held(work, id_)["status"] != "offline":
                    presence.offline(work, id_)
                    changed.append(id_)
            return changed

        return ChangedAgents(self.write("agent.stop", body))

    def status(self, *ids: str, everywhere: bool = False) -> list[Agent]:
        """Agents with their presence: those named, those of this project, or all that are there.

        :raises NotFoundError: 4; one that this project does not see is not there either.
        """
        if ids:
            known = refs.of_project(self.app)
            named = [parse_agent_id(id_) for id_ in ids]
            for id_ in named:
                if not everywhere and refs.are_kept(self.app) and id_ not in known:
                    raise agent_not_found(id_, fix=f"cleo agent status {id_} --all")
                self._row(self.db, id_)
            return self._shown(self.db, named)
        if everywhere or not refs.are_kept(self.app):
            return self._shown(self.db, [row["agent_id"] for row in presence.present(self.db)])
        return self._shown(self.db, sorted(refs.of_project(self.app)))

    def whoami(self) -> Agent:
        """The acting agent.

        :raises CleoError: 2 nobody acts; 4 the registry does not know who does.
        """
        id_ = parse_agent_id(self.app.require_agent())
        self._row(self.db, id_)
        return self._shown(self.db, [id_])[0]

    def retire(self, *ids: str) -> ChangedAgents:
        """Agents that cannot act any more; everything of them is kept."""
        return self._turn("agent.retire", [parse_agent_id(id_) for id_ in ids], 0)

    def revive(self, *ids: str) -> ChangedAgents:
        """Retired agents that can act again."""
        return self._turn("agent.revive", [parse_agent_id(id_) for id_ in ids], 1)

    def prune(self, *, max_age: str = "24h") -> ChangedAgents:
        """Retire the agents that were last seen longer ago than this; nothing is deleted.

        Agents that were never seen are not touched: they may only never have had to say so.

        :param max_age: like ``24h`` or ``7d``.
        :raises CleoError: 2 it is no duration.
        """
        before = durations.ago(durations.seconds_of(max_age, "--max-age", "24h"))
        return self._turn("agent.prune", None, 0, before)

    def _turn(
        self, action: str, ids: list[str] | None, is_active: int, before: str | None = None
    ) -> ChangedAgents:
        def body(work: Work) -> list[str]:
            changed = []
            chosen = ids
            if chosen is None:
                chosen = [row["agent_id"] for row in presence.stale(work, str(before))]
            for id_ in sorted(set(chosen)):
                row = _held(work, id_)
                if row["is_active"] == is_active or (
                    before is not None and not (row["last_seen"] or before) < before
                ):
                    continue
                presence.retire(work, id_, is_active, work.now)
                work.unit.updated(
                    "agent", id_, {"is_active": row["is_active"]}, {"is_active": is_active}
                )
                work.note("agent", id_)
                changed.append(id_)
            return changed

        changed = self.write(action, body)
        for id_ in changed:
            cache.refresh(self.app, id_)
        return ChangedAgents(changed)

    def _row(self, db: agents.Reader, agent_id: str) -> agents.Row:
        row = agents.get(db, agent_id)
        if row is None:
            raise agent_not_found(agent_id)
        return row

    def _shown(self, db: agents.Reader, ids: list[str]) -> list[Agent]:
        rows = agents.by_ids(db, ids)
        rows.sort(key=lambda row: (row["name"], row["agent_id"]))
        return reading.records(db, rows, refs.seen(self.app))


def _held(work: Work, agent_id: str) -> agents.Row:
    row = agents.held(work, agent_id)
    if row is None:
        raise agent_not_found(agent_id)
    return row
