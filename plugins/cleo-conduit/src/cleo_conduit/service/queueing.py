"""Jobs: a message that is to leave for another machine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cleo_conduit.records.messages import Recipient
from cleo_conduit.service.events import event_of
from cleo_conduit.store import jobs
from cleo_core.ids import ordered_id

if TYPE_CHECKING:
    from cleo_conduit.service.posting import To
    from cleo_conduit.service.work import Work
    from cleo_core.database import Row


def add_job(work: Work, row: Row, conversation: Row, one: To, goes: Sequence[To]) -> Recipient:
    """Queue a message for one recipient elsewhere.

    :returns: what the sender is told.
    """
    event = event_of(
        row,
        conversation["kind"],
        [to.agent_id for to in goes if to.role == "to"],
        [to.agent_id for to in goes if to.role == "cc"],
        topic=conversation["topic"],
        recipient=one.agent_id,
    )
    return queue(work, row["seq"], one, event)


def queue(work: Work, seq: int, one: To, event: dict[str, object]) -> Recipient:
    """Queue an event."""
    route = one.route
    id_ = ordered_id()
    work.execute(
        jobs.ADD,
        id=id_,
        seq=seq,
        recipient=one.agent_id,
        transport=route.transport,
        payload=json.dumps(event, ensure_ascii=False),
        state="pending" if route.parked_for is None else "parked",
        parked_for=route.parked_for,
        last_error=route.error,
        now=work.now,
    )
    return Recipient(
        one.agent_id, one.role, route.transport, "pending", id_, route.parked_for, route.error
    )
