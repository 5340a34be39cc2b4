"""The codes of this store beside core's: code -> (exit, cause, usual fix)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from cleo_core.errors import CleoError, NotFoundError, echoed

CODES: Mapping[str, tuple[int, str, str]] = {
    "E_ID_COLLISION": (
        22,
        "The id belongs to something else already.",
        "the same command with another id",
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
