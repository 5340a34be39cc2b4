"""Messages of the post office itself: notices to agents and to conversations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cleo_conduit.service.acting import HUMAN, SYSTEM
from cleo_conduit.service.addressing import reachable
from cleo_conduit.service.posting import Body, To, direct, post
from cleo_conduit.store import mail, refs

if TYPE_CHECKING:
    from cleo_conduit.service.work import Work


def notify(
    work: Work,
    content: str,
    *,
    to: Sequence[str] | None = None,
    conversation_id: str | None = None,
    payload: Mapping[str, Any] | None = None,
) -> int:
    """One ``notify`` from ``cleo-system``, written in the unit of what it tells.

    :param to: its recipients; None for everybody who takes part in the conversation. Without a
        conversation each that the project knows gets it in the direct conversation that it has
        with the post office.
    :returns: how many receipts were made; 0 where nobody was to be told.
    """
    body = Body(content, kind="notify", payload=None if payload is None else dict(payload))
    if conversation_id is None:
        # Of one that was removed, whoever gets the name next would read it.
        recipients = [
            one
            for one in dict.fromkeys(to or ())
            if one != SYSTEM and (one == HUMAN or refs.get(work, one) is not None)
        ]
        for one in recipients:
            post(
                work,
                direct(work, SYSTEM, one),
                SYSTEM,
                body,
                [To(one, route=work.routes.of(one))],
                verified=True,
            )
        return len(recipients)
    conversation = mail.conversation(work, conversation_id)
    if conversation is None:
        return 0
    places = [
        (row["agent_id"], "to", bool(row["muted"]))
        for row in mail.participants(work, conversation_id)
        if row["role"] != "observer" and (to is None or row["agent_id"] in to)
    ]
    chosen, _ = reachable(work, SYSTEM, conversation, places)
    if chosen:
        post(work, conversation, SYSTEM, body, chosen, verified=True)
    return len(chosen)
