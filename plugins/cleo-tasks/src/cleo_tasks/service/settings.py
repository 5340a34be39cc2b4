"""Settings that mean something only within bounds: numbers, and the gates that are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_core.errors import CleoError
from cleo_tasks.enums import GATES

if TYPE_CHECKING:
    from cleo_core.config import Config

#: Name under ``tasks.`` -> least value.
LEAST = {
    "acceptance.min": 0,
    "add.duplicate_window_seconds": 0,
    "agents.heartbeat_seconds": 1,
    "agents.stale_seconds": 0,
    "claims.stale_hours": 0,
    "find.limit": 1,
    "hierarchy.max_active_siblings": 0,
    "hierarchy.max_depth": 1,
    "hierarchy.max_siblings": 0,
    "list.limit": 1,
    "session.stale_hours": 0,
    "verification.max_rounds": 1,
}
#: More than any of them needs, and small enough for times to be counted back by.
_MOST = 2**31


def number(config: Config, name: str) -> int:
    """A setting that is a number; one that is larger than anything means just that.

    :param name: a key of :data:`LEAST`.
    :raises CleoError: ``E_CONFIG`` (8), it is less than it may be.
    """
    value = int(config.get("tasks." + name))
    if value < LEAST[name]:
        raise CleoError(
            "E_CONFIG",
            f"tasks.{name} is {value}; it is at least {LEAST[name]}.",
            fix=f"cleo config unset tasks.{name}",
        )
    return min(value, _MOST)


def required_gates(config: Config) -> list[str]:
    """The gates that completing a task needs, each once.

    :raises CleoError: ``E_CONFIG`` (8), there is no such gate, so that none could ever pass it.
    """
    found = list(dict.fromkeys(config.get("tasks.verification.gates")))
    unknown = [gate for gate in found if gate not in GATES]
    if unknown:
        raise CleoError(
            "E_CONFIG",
            f"tasks.verification.gates names {', '.join(unknown)}; known are {', '.join(GATES)}.",
            fix="cleo config unset tasks.verification.gates",
        )
    return found
