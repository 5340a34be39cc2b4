"""Health checks of the message store, each run alone by ``cleo doctor``; they only read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from cleo_conduit.api import STORE
from cleo_conduit.store import health
from cleo_core.errors import CleoError

if TYPE_CHECKING:
    from cleo_core.app import App

#: Ids that a finding names; ``count`` in its details is their true number.
MOST = 20


class Finding(NamedTuple):
    """What a check found, in the order in which ``cleo doctor`` asks for it."""

    status: Literal["ok", "info", "warning", "error", "unknown"]
    message: str
    details: dict[str, Any]
    fix: str | None


def check_search(app: App, deep: bool = False) -> Finding:
    """The full-text table against the messages; with ``deep`` also the index in itself."""
    if app.project_or_none is None:
        return _fine("There is no project here.")
    try:
        if app.stores.state(STORE).state == "absent":
            return _fine("There is no conduit.db yet.")
        db = app.store(STORE.name)
        missing = health.unindexed(db)
        more = health.superfluous(db)
        fault = health.index_fault(db) if deep and not missing and not more else None
    except CleoError as error:
        return Finding("unknown", error.message, {"code": error.code}, error.fix)
    if not missing and not more and fault is None:
        return _fine("The search index holds every message.")
    said = fault or f"{len(missing)} messages are missing in it, {more} rows are too many."
    return Finding(
        "error",
        f"The search index does not agree with the messages: {said}",
        {"count": len(missing) + more, "ids": missing[:MOST]},
        "cleo doctor --fix --only conduit.search",
    )


def mend_search(app: App) -> list[str]:
    """Make the search index anew; says what was done."""
    app.write(STORE.name, health.rebuild)
    return ["the search index of the messages was made anew"]


def _fine(message: str) -> Finding:
    return Finding("ok", message, {}, None)
