"""What became of a message of the older file for a recipient."""

from __future__ import annotations

from typing import Any

from cleo_signaldock.service.legacy import values
from cleo_signaldock.service.legacy.source import Row

_STATES = {
    "pending": 0,
    "sent": 0,
    "relayed": 1,
    "delivered": 2,
    "read": 3,
    "acked": 4,
    "acknowledged": 4,
}
_RANKS = ("pending", "relayed", "delivered", "read", "acked")
_CLOSED = {"rejected": "rejected", "expired": "expired", "dead": "dead", "failed": "dead"}


def receipt(id_: str, agent_id: str, row: Row, sent: str) -> dict[str, Any]:
    """A recipient's receipt for a message, in the furthest state that its row speaks of."""
    delivered, read, acked = (
        values.time(row.get(name)) for name in ("delivered_at", "read_at", "acked_at")
    )
    status = (values.word(row.get("status")) or "pending").lower()
    found: dict[str, Any] = {"message_id": id_, "agent_id": agent_id}
    if status in _CLOSED:
        closed = acked or read or delivered or sent
        return {
            **found,
            "state": _CLOSED[status],
            "delivered_at": delivered,
            "read_at": read,
            "closed_at": closed,
            "reason": "it was so in the older file",
        }
    rank = max(_STATES.get(status, 0), 2 * bool(delivered), 3 * bool(read), 4 * bool(acked))
    # A state that was passed has its time, as if it had been stamped.
    delivered = (delivered or read or acked or sent) if rank >= 2 else None
    read = (read or acked or delivered) if rank >= 3 else None
    acked = (acked or read) if rank >= 4 else None
    return {
        **found,
        "state": _RANKS[rank],
        "delivered_at": delivered,
        "read_at": read,
        "acked_at": acked,
    }
