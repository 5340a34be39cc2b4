"""The mailboxes of one project, through the contract of a transport.

Mail between agents of one project needs none: the receipt is the mailbox. This is for transports
that carry mail between projects of one machine: they open the other project, and hand over there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cleo_conduit.transport import Identity, Inbound, PushResult

if TYPE_CHECKING:
    from cleo_core.app import App


class LocalTransport:
    """The mail of one project.

    :param app: an App on that project, of the thread that uses this.
    :param origin: what messages that are handed over are said to come from.
    """

    def __init__(self, app: App, *, origin: str = "local") -> None:
        self._mail = app.service("conduit")
        self._origin = origin
        self._identity: Identity | None = None

    def connect(self, identity: Identity) -> None:
        """Work in the name of an identity."""
        self._identity = identity

    def push(self, event: Mapping[str, Any]) -> PushResult:
        """Store a message for its recipient, who must be seen by the project."""
        outcome, error = self._mail.accept_here(event, origin=self._origin)
        return PushResult(outcome, error=error)

    def poll(self, after: int, limit: int) -> Sequence[Inbound]:
        """Messages that wait here for the identity; they stay until they are acknowledged."""
        return [Inbound(seq, event) for seq, event in self._mail.waiting(self._me, after, limit)]

    def ack(self, ids: Sequence[str], state: str) -> None:
        """Note what became of messages of the identity."""
        self._mail.note_states(self._me, ids, state)

    def states(self, ids: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        """What became of messages that the identity sent."""
        found: Mapping[str, Mapping[str, str]] = self._mail.states(self._me, ids)
        return found

    def close(self) -> None:
        """Nothing is held."""
        self._identity = None

    @property
    def _me(self) -> str:
        if self._identity is None:
            raise RuntimeError("the transport is not connected")
        return self._identity.agent_id
