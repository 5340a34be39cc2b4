"""Servers that failed too often in a row are left alone for a minute."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cleo_conduit.store import meta
from cleo_core import clock

if TYPE_CHECKING:
    from cleo_conduit.service.work import Work
    from cleo_core.database import Backend

FAILURES = 5
SECONDS = 60.0
PREFIX = "breaker:"


def is_open(db: Backend, base_url: str | None, now: float) -> bool:
    """Whether a server is left alone."""
    until = float(_state(db, base_url).get("until", 0))
    # A clock that was set back must not close a server for longer than it was meant to be.
    return now < until <= now + SECONDS


def failed(work: Work, base_url: str | None) -> None:
    """Count a failure; the fifth in a row opens the breaker."""
    state = _state(work, base_url)
    state["failures"] = int(state.get("failures", 0)) + 1
    if state["failures"] >= FAILURES:
        state = {"failures": 0, "until": clock.seconds() + SECONDS}
    meta.put(work, f"{PREFIX}{base_url}", json.dumps(state))


def worked(work: Work, base_url: str | None) -> None:
    """Forget the failures."""
    if _state(work, base_url):
        meta.delete(work, f"{PREFIX}{base_url}")


def states(db: Backend) -> dict[str, str]:
    """Server -> ``open`` or ``closed``, of those that failed lately."""
    found = {}
    for row in db.read(meta.BREAKERS):
        base_url = row["key"].removeprefix(PREFIX)
        found[base_url] = "open" if is_open(db, base_url, clock.seconds()) else "closed"
    return found


def _state(db: Backend, base_url: str | None) -> dict[str, Any]:
    text = meta.get(db, f"{PREFIX}{base_url}")
    return json.loads(text) if text else {}
