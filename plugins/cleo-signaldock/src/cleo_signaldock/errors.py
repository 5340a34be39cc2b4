"""The codes of this store beside core's: code -> (exit, cause, usual fix)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from cleo_core.errors import CleoError, NotFoundError, echoed

CODES: Mapping[str, tuple[int, str, str]] = {
    "E_AGENT_EXISTS": (
        90,
        "The id is taken by an agent with other values, or by another spelling.",
        "cleo agent get ID --global",
    ),
    "E_REAUTH_REQUIRED": (
        91,
        "The agent's key cannot be read, was rejected, or must be given anew.",
        "cleo agent keys set ID",
    ),
    "E_SALT_LOST": (
        92,
        "The file global-salt is gone or short.",
        "cleo agent keys reset --accept-loss --dry-run",
    ),
    "E_MACHINE_KEY_LOST": (
        92,
        "The file machine-key is gone or short.",
        "cleo agent keys reset --accept-loss --dry-run",
    ),
    "E_SECRET_MISMATCH": (
        92,
        "The key files are not those that the stored keys were encrypted with.",
        "cleo agent keys status",
    ),
    "E_SECRET_UNSAFE": (
        92,
        "A key file can be read or replaced by others, or is a link.",
        "chmod 600 the file",
    ),
    "E_NO_KEY": (4, "The agent has no key.", "cleo agent keys set ID"),
    "E_AUTH": (93, "The server refuses the key.", "cleo agent keys set ID"),
    "E_REMOTE_UNREACHABLE": (
        94,
        "The server gave no answer, or none that helps.",
        "the same command later",
    ),
    "E_LIMIT": (98, "The server asks for fewer requests.", "the same command in a minute"),
    "E_INSECURE_URL": (
        94,
        "Plain http leads beyond this machine.",
        "the same command with an https:// address",
    ),
    "E_AGENT_REFERENCED": (6, "Projects refer to the agent.", "cleo agent remove ID"),
}


class SignaldockError(CleoError):
    """An error with one of this store's codes."""

    codes: ClassVar[Mapping[str, tuple[int, str, str]]] = CODES


def agent_not_found(agent_id: str, fix: str = "cleo agent list --global") -> NotFoundError:
    """Exit 4 for an agent that the registry does not know."""
    return NotFoundError(f"There is no agent {echoed(agent_id)}.", fix=fix, agentId=agent_id)
