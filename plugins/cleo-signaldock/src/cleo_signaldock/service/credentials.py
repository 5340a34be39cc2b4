"""An agent's key in clear, for the transports that act in its name; and what ends its use."""

from __future__ import annotations

from typing import Any

from cleo_core import clock
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.errors import CleoError, ValidationError
from cleo_signaldock.enums import REAUTH_REASON
from cleo_signaldock.errors import SignaldockError, agent_not_found
from cleo_signaldock.ids import parse_agent_id
from cleo_signaldock.service import cache, holding
from cleo_signaldock.service.work import Verbs, Work
from cleo_signaldock.store import agents, presence, secrets

_TOUCH_SECONDS = 60.0


class Credential:
    """How an agent proves who it is.

    No dataclass on purpose: output turns those into JSON, and this one is for transports alone.
    ``pending``: a key whose rotation is not known to have ended; it is tried first.
    """

    __slots__ = ("agent_id", "base_url", "key", "pending", "transport", "transport_config")

    def __init__(
        self,
        agent_id: str,
        base_url: str | None,
        key: str | None,
        pending: str | None,
        transport: str,
        transport_config: dict[str, Any],
    ) -> None:
        self.agent_id = agent_id
        self.base_url = base_url
        self.key = key
        self.pending = pending
        self.transport = transport
        self.transport_config = transport_config

    def __repr__(self) -> str:
        return f"<Credential of {self.agent_id!r}>"

    def __reduce__(self) -> Any:
        raise TypeError("a credential is not copied anywhere")


@record
class Flagged(Declared):
    """Whether an agent must be given its key anew."""

    agent_id: str
    changed: bool
    reason: str


class CredentialVerbs(Verbs):
    """``credential`` and ``flag_reauth``; what they return is never printed."""

    def credential(self, agent_id: str) -> Credential:
        """The key, the server and the transport of an agent, for who acts in its name now.

        The only call of other plugins with a key in clear.

        :raises SignaldockError: ``E_REAUTH_REQUIRED`` (91), it must be given its key anew; 92.
        :raises CleoError: 4; 6 the agent is retired.
        """
        found = self.read(agent_id)
        self._touch(found.agent_id)
        return found

    def read(self, agent_id: str, *, flagged: bool = False) -> Credential:
        """The same, without counting as a use.

        :param flagged: give the key although the agent must be given it anew, to try it.
        :raises CleoError: as :meth:`credential`.
        """
        import json

        id_ = parse_agent_id(agent_id)
        row = secrets.of_agent(self.db, id_)
        if row is None:
            raise agent_not_found(id_)
        if not row["is_active"]:
            raise ValidationError(
                f"The agent {id_} is retired and cannot act.", fix=f"cleo agent revive {id_}"
            )
        stored = row["api_key_encrypted"], row["api_key_pending_encrypted"]
        key = pending = None
        if any(stored):
            keys = holding.keys(self.app)
            # What was flagged for a lost file is not once the file is back.
            row = secrets.of_agent(self.db, id_) or row
        if row["requires_reauth"] and not flagged:
            raise reauth_required(id_, row["reauth_reason"])
        if any(stored):
            key = self._text(id_, keys, stored[0], holding.KEY_COLUMN)
            pending = self._text(id_, keys, stored[1], holding.PENDING_COLUMN)
        return Credential(
            id_,
            row["api_base_url"],
            key,
            pending,
            row["transport_type"],
            json.loads(row["transport_config"]),
        )

    def flag_reauth(self, agent_id: str, reason: str) -> Flagged:
        """Note that an agent's key is of no use until it is given anew.

        :param reason: one of salt_lost, key_lost, decrypt_failed, rejected, migrated.
        :raises CleoError: 4; 6 another reason.
        """
        id_ = parse_agent_id(agent_id)
        if reason not in REAUTH_REASON:
            raise ValidationError(f"The reason is one of {', '.join(REAUTH_REASON)}.")

        def body(work: Work) -> bool:
            row = agents.held(work, id_)
            if row is None:
                raise agent_not_found(id_)
            if row["requires_reauth"] and row["reauth_reason"] == reason:
                return False
            secrets.flag(work, id_, reason)
            work.note("agent", id_, reason=reason)
            return True

        return Flagged(id_, self.write("agent.flag_reauth", body), reason)

    def _touch(self, agent_id: str) -> None:
        """Remember that the agent was used, at most once a minute."""
        row = secrets.of_agent(self.db, agent_id)
        last = None if row is None else row["last_used_at"]
        before = clock.format_time(clock.seconds() - _TOUCH_SECONDS)
        if last is None or last < before:
            self.write(
                "agent.credential",
                lambda work: presence.used(work, agent_id, work.now, before),
            )

    def _text(self, agent_id: str, keys: holding.Keys, blob: str | None, column: str) -> str | None:
        from cleo_signaldock.secrets import blobs

        if blob is None:
            return None
        if blobs.is_legacy_derived(blob):
            self._forget_derived(agent_id)
            raise reauth_required(agent_id, "decrypt_failed")
        paths = holding.project_paths(self.app)
        try:
            text = blobs.decrypt(blob, keys, column=column, id=agent_id, project_paths=paths).text
        except CleoError:
            self.flag_reauth(agent_id, "decrypt_failed")
            raise reauth_required(agent_id, "decrypt_failed") from None
        if blobs.is_legacy_derived(text):
            self._forget_derived(agent_id)
            raise reauth_required(agent_id, "decrypt_failed")
        return text

    def _forget_derived(self, agent_id: str) -> None:
        """What stands in the key's place is a derived key, which no server ever accepted."""

        def body(work: Work) -> None:
            secrets.replace(work, "agents", "agent_id", "api_key_encrypted", agent_id, None)
            secrets.flag(work, agent_id, "decrypt_failed")
            work.note("agent", agent_id, "agent.forget_derived_key")

        self.write("agent.flag_reauth", body)
        cache.refresh(self.app, agent_id)


def reauth_required(agent_id: str, reason: str | None) -> SignaldockError:
    """Exit 91 for an agent whose key cannot be used."""
    why = {
        "salt_lost": "this machine's salt was lost",
        "key_lost": "this machine's key was lost",
        "rejected": "the server rejected it",
        "migrated": "it could not be read when it came here",
    }.get(reason or "", "it cannot be read")
    return SignaldockError(
        "E_REAUTH_REQUIRED",
        f"The key of {agent_id} must be given anew: {why}.",
        fix=f"cleo agent keys set {agent_id}",
        details={"agentId": agent_id, "reason": reason},
    )
