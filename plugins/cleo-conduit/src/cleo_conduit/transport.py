"""The contract between the post office and what carries its mail elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, Literal, Protocol

from cleo_core.api import Declared
from cleo_core.api.records import record

#: Names of settings whose values nobody is shown.
_SECRET = re.compile("key|token|secret|password", re.IGNORECASE)

Outcome = Literal["accepted", "retry", "permanent", "auth", "offline"]


@record
class TransportSpec(Declared):
    """One transport, as data.

    :param name: as receipts and jobs name it.
    :param order: of those that carry mail to a scheme, the lowest is taken.
    :param target: ``module:attr``, called with the App and giving a :class:`Transport`; imported
        when a route needs it.
    :param schemes: of the addresses that it carries mail to, in lower case.
    """

    name: str
    order: int
    target: str
    schemes: tuple[str, ...] = ("http", "https")


@record
class Identity(Declared):
    """In whose name, and with what, a transport works.

    ``api_key`` never stands in a ``repr``.
    """

    agent_id: str
    base_url: str | None
    api_key: str | None = field(repr=False)
    config: Mapping[str, Any] = field(default_factory=dict)

    def without_secrets(self, text: str) -> str:
        """A text, such as an error's, without the key and the secrets of ``config``."""
        named = (value for name, value in self.config.items() if _SECRET.search(name))
        for secret in (self.api_key, *named):
            if isinstance(secret, str) and secret:
                text = text.replace(secret, "[secret]")
        return text

    def __repr__(self) -> str:
        return f"Identity(agent_id={self.agent_id!r}, base_url={self.base_url!r})"


@record
class PushResult(Declared):
    """What became of an attempt to hand a message over.

    :param outcome: ``accepted``: the other side keeps it, even while its recipient is away;
        ``retry``: it may have been sent and was not taken; ``permanent``: it never will be;
        ``auth``: the sender's key was refused; ``offline``: nothing was sent.
    :param status: the server's answer, an HTTP status.
    :param retry_after: seconds that the server asks to wait.
    """

    outcome: Outcome
    status: int | None = None
    retry_after: float | None = None
    error: str | None = None


@record
class Inbound(Declared):
    """A message as the other side gives it.

    :param seq: its number there, which is the cursor.
    :param event: as :func:`cleo_conduit.service.events.event_of` makes it, with ``recipient``.
    """

    seq: int
    event: Mapping[str, Any]


class NotAuthenticatedError(Exception):
    """The identity has no key for the server, or the server refused it."""


class Transport(Protocol):
    """What carries mail for one identity at a time.

    It is made and used in a thread of its own: the App that it is made with gives settings and the
    environment; its stores belong to another thread.

    Optional: ``states(ids) -> Mapping[str, Mapping[str, str]]``, what became of sent messages: id
    -> recipient -> state.
    """

    def connect(self, identity: Identity) -> None:
        """Get ready to work in the name of an identity; raises where that fails."""

    def push(self, event: Mapping[str, Any]) -> PushResult:
        """Hand one message over for one recipient, named ``recipient`` in the event.

        The same message for the same recipient may come again: ``idempotencyKey`` says that it is
        the same.
        """

    def poll(self, after: int, limit: int) -> Sequence[Inbound]:
        """Messages for the identity with a number above ``after``; raises where it cannot ask."""

    def ack(self, ids: Sequence[str], state: str) -> None:
        """Report the state of received messages; raises where that fails."""

    def close(self) -> None:
        """Let go; called twice it does nothing."""
