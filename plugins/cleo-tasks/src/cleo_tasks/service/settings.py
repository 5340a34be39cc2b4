"""Settings that are numbers, each with the least value that means something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_core.errors import CleoError

if TYPE_CHECKING:
    from cleo_core.config import Config

#: Name under ``tasks.`` -> least value.
LEAST = {
    "acceptance.min": 0,
    "add.duplicate_window_seconds": 0,
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
