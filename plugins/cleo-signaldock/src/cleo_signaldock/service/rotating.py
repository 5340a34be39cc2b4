"""An agent's key at its server: made here, known there by its digest, renewed without a gap.

The next key is stored before it is sent, and the present one is kept until the server has taken
the next: whichever side dies, one of the two is valid, and both are known here.
"""

from __future__ import annotations

import secrets as randomness

from cleo_core import durations
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.errors import CleoError, UsageError, ValidationError
from cleo_signaldock.errors import SignaldockError, agent_not_found
from cleo_signaldock.ids import parse_agent_id
from cleo_signaldock.service import cache, holding
from cleo_signaldock.service.credentials import Credential, CredentialVerbs
from cleo_signaldock.service.remote import Server
from cleo_signaldock.service.work import Verbs, Work
from cleo_signaldock.store import agents, secrets

_WEEK = 7 * 24 * 3600


@record
class KeyRotated(Declared):
    """An agent whose server knows its new key; ``finished``: a rotation begun earlier ended."""

    agent_id: str
    base_url: str
    finished: bool
    rotated_at: str | None


@record
class SignedIn(Declared):
    """An agent whose server takes its key."""

    agent_id: str
    base_url: str
    promoted: bool


class RotateVerbs(Verbs):
    """``keys_rotate``, ``signin`` and what ``register`` does at a server."""

    def keys_rotate(self, agent_id: str, *, overlap: str = "24h") -> KeyRotated:
        """Give an agent another key at its server.

        :param overlap: how long the server still takes the present one, at most a week.
        :raises CleoError: 4; 6 it is at no server, or has no key; 91; 92; 93 the server refuses
            the key, which flags the agent; 94 the server is out of reach: nothing is lost, the
            same command goes on.
        """
        id_ = parse_agent_id(agent_id)
        seconds = int(durations.seconds_of(overlap, "--overlap", "24h"))
        if not 0 <= seconds <= _WEEK:
            raise UsageError("An overlap is at most a week.", fix="--overlap 24h")
        found = CredentialVerbs(self.app).read(id_)
        base_url = _server_of(found)
        if found.key is None:
            raise SignaldockError(
                "E_NO_KEY", f"The agent {id_} has no key.", fix=f"cleo agent keys set {id_}"
            )
        if self.app.dry_run:
            return KeyRotated(id_, base_url, False, None)
        with Server(base_url) as server:
            if found.pending is not None and server.accepts(id_, found.pending):
                at = self._promote(id_, found.pending)
                return KeyRotated(id_, base_url, True, at)
            following = found.pending or self._put_pending(id_, new_key())
            try:
                server.rotate(id_, found.key, holding.digest(following), seconds)
            except SignaldockError as error:
                if error.code == "E_AUTH":
                    self._rejected(id_, error)
                raise
        return KeyRotated(id_, base_url, False, self._promote(id_, following))

    def signin(self, agent_id: str) -> SignedIn:
        """Ask an agent's server whether it takes the key; a flag of the agent ends if it does.

        :raises CleoError: as :meth:`keys_rotate`.
        """
        id_ = parse_agent_id(agent_id)
        found = CredentialVerbs(self.app).read(id_, flagged=True)
        base_url = _server_of(found)
        candidates = [key for key in (found.pending, found.key) if key is not None]
        if not candidates:
            raise SignaldockError(
                "E_NO_KEY", f"The agent {id_} has no key.", fix=f"cleo agent keys set {id_}"
            )
        with Server(base_url) as server:
            for key in candidates:
                if server.accepts(id_, key):
                    if self.app.dry_run:
                        return SignedIn(id_, base_url, False)
                    promoted = key == found.pending
                    if promoted:
                        self._promote(id_, key)
                    else:
                        self._accepted(id_)
                    return SignedIn(id_, base_url, promoted)
        error = SignaldockError("E_AUTH", f"{base_url} refuses the key of {id_}.")
        self._rejected(id_, error)
        raise error

    def register_remotely(self, agent_id: str, document: dict[str, object]) -> None:
        """Make an agent's key and its server know it; what is not known to be done is done again.

        :raises CleoError: as :meth:`keys_rotate`; 90 the server knows another agent by this id.
        """
        found = CredentialVerbs(self.app).read(agent_id)
        base_url = _server_of(found)
        if found.key is not None:
            return
        with Server(base_url) as server:
            following = found.pending or self._put_pending(agent_id, new_key())
            if found.pending is None or not server.accepts(agent_id, following):
                try:
                    server.register(document, holding.digest(following))
                except SignaldockError as error:
                    # An earlier attempt may have been carried out, and its answer lost.
                    known = error.code == "E_AGENT_EXISTS" and server.accepts(agent_id, following)
                    if not known:
                        raise
        self._promote(agent_id, following)

    def _put_pending(self, agent_id: str, text: str) -> str:
        """Store the next key, unless another process has; gives the one that is stored."""
        from cleo_signaldock.secrets import blobs

        def body(work: Work, keys: holding.Keys) -> str:
            holding.settle(work, keys)
            row = _held(work, agent_id)
            there = row["api_key_pending_encrypted"]
            if there is not None:
                return blobs.decrypt(there, keys, column=holding.PENDING_COLUMN, id=agent_id).text
            blob = blobs.encrypt(
                keys.derive(agent_id), text, column=holding.PENDING_COLUMN, id=agent_id
            )
            secrets.replace(work, "agents", "agent_id", "api_key_pending_encrypted", agent_id, blob)
            work.note("agent", agent_id)
            return text

        return holding.with_keys(
            self.app, lambda keys: self.write("agent.keys_rotate", lambda work: body(work, keys))
        )

    def _promote(self, agent_id: str, text: str) -> str:
        from cleo_signaldock.secrets import blobs

        def body(work: Work, keys: holding.Keys) -> str:
            holding.begin(work)
            row = _held(work, agent_id)
            pending = row["api_key_pending_encrypted"]
            if pending is None and holding.is_same(work, keys, agent_id, text):
                return str(row["key_rotated_at"])
            column = holding.PENDING_COLUMN
            if (
                pending is None
                or blobs.decrypt(pending, keys, column=column, id=agent_id).text != text
            ):
                raise CleoError(
                    "E_CONCURRENT_MODIFICATION",
                    f"{agent_id} was given another key meanwhile.",
                    fix=f"cleo agent signin {agent_id}",
                )
            holding.put(work, keys, agent_id, text)
            work.note("agent", agent_id, promoted=True)
            return work.now

        at = holding.with_keys(
            self.app, lambda keys: self.write("agent.keys_promote", lambda work: body(work, keys))
        )
        cache.refresh(self.app, agent_id)
        return at

    def _accepted(self, agent_id: str) -> None:
        def body(work: Work) -> None:
            if secrets.unflag(work, agent_id):
                work.note("agent", agent_id)

        self.write("agent.signin", body)

    def _rejected(self, agent_id: str, error: SignaldockError) -> None:
        CredentialVerbs(self.app).flag_reauth(agent_id, "rejected")
        error.fix = f"cleo agent keys set {agent_id}"


def _held(work: Work, agent_id: str) -> agents.Row:
    agents.held(work, agent_id)
    row = secrets.of_agent(work, agent_id)
    if row is None:
        raise agent_not_found(agent_id)
    return row


def new_key() -> str:
    """A key as servers know the form of: ``sk_live_`` and 64 hexadecimal digits."""
    return f"sk_live_{randomness.token_hex(32)}"


def _server_of(found: Credential) -> str:
    if found.base_url is None:
        raise ValidationError(
            f"The agent {found.agent_id} is at no server.",
            fix=f"cleo agent update {found.agent_id} --url https://HOST",
        )
    return found.base_url
