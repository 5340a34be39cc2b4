"""The codes of this store beside core's: code -> (exit, cause, usual fix)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from cleo_core.errors import CleoError, NotFoundError, echoed

CODES: Mapping[str, tuple[int, str, str]] = {
    "E_REPLAY_RUNNING": (17, "The letter is being sent again already.", "cleo conduit jobs"),
    "E_ID_COLLISION": (
        22,
        "The id belongs to something else already.",
        "the same command with another id",
    ),
    "E_CORRUPT_BLOB": (53, "Stored content is not what it was when it was stored.", "cleo doctor"),
    "E_RECIPIENT_UNKNOWN": (
        95,
        "A recipient is neither an agent that this project sees nor part of the conversation.",
        "cleo conduit agents",
    ),
    "E_UNDELIVERED": (
        96,
        "The message was sent, and not everybody took delivery in time.",
        "cleo conduit receipts ID",
    ),
    "E_LEASE_HELD": (97, "Another agent holds a lease on it.", "cleo lease list"),
    "E_LIMIT": (98, "A size, a number or a rate is at its limit.", "cleo conduit status"),
    "E_NOT_PARTICIPANT": (
        99,
        "The acting agent does not take part, or did not prove who it is.",
        "cleo conduit agents",
    ),
}


class ConduitError(CleoError):
    """An error with one of this store's codes."""

    codes: ClassVar[Mapping[str, tuple[int, str, str]]] = CODES


def ref_not_found(agent_id: str) -> NotFoundError:
    """Exit 4 for an agent that this project has no ref of."""
    return NotFoundError(
        f"This project has no agent {echoed(agent_id)}.",
        fix="cleo conduit agents --include-disabled",
        agentId=agent_id,
    )


def not_participant(message: str, fix: str = "cleo conduit agents", **details: Any) -> ConduitError:
    """Exit 99 for an agent that is not entitled to what it asks for."""
    return ConduitError("E_NOT_PARTICIPANT", message, fix=fix, details=details)


def over_limit(message: str, fix: str = "cleo conduit status", **details: Any) -> ConduitError:
    """Exit 98 for a size or a number beyond what is kept."""
    return ConduitError("E_LIMIT", message, fix=fix, details=details)
