"""Health checks of the brain store, each run alone by ``cleo doctor``; they only read."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from cleo_brain.api import STORE
from cleo_brain.store import entries, health, maintenance, retrievals, statistics
from cleo_brain.store.forgetting import UNWIPED
from cleo_core.database import Database
from cleo_core.errors import CleoError
from cleo_core.output import camel

if TYPE_CHECKING:
    from cleo_core.app import App

#: Ids that a finding names; ``count`` in its details is their true number.
MOST = 20
#: Bytes for each entry that nothing explains any more, in a file of some size.
_MUCH = 32 * 1024
_SOME_SIZE = 64 * 1024 * 1024


class Finding(NamedTuple):
    """What a check found, in the order in which ``cleo doctor`` asks for it."""

    status: Literal["ok", "info", "warning", "error", "unknown"]
    message: str
    details: dict[str, Any]
    fix: str | None


CheckFunction = Callable[["App", bool], Finding]


def check(body: Callable[[App, Database, bool], Finding]) -> CheckFunction:
    """Call the body with the store, if there is a file that can be looked at."""

    @wraps(body)
    def run(app: App, deep: bool = False) -> Finding:
        if app.project_or_none is None:
            return _fine("There is no project here.")
        try:
            if app.stores.state(STORE).state == "absent":
                return _fine("There is no brain.db yet.")
            return body(app, app.store("brain"), deep)
        except CleoError as error:
            return Finding("unknown", error.message, {"code": error.code}, error.fix)

    return run


@check
def check_search(app: App, db: Database, deep: bool) -> Finding:
    """The full-text table against the entries; with ``deep`` word by word."""
    with db.snapshot():
        missing = health.unindexed(db)
        more = health.superfluous(db, len(missing))
    fault = health.index_fault(db) if deep and not missing and not more else None
    if not missing and not more and fault is None and entries.meta(db, UNWIPED):
        return Finding(
            "warning",
            "Words of what was forgotten can still be read in the file.",
            {"unwiped": True},
            "cleo memory maintain --only search",
        )
    if not missing and not more and fault is None:
        return _fine("The search index holds every entry's text.")
    said = fault or f"{len(missing)} entries are missing in it, {more} rows are too many."
    return Finding(
        "error",
        f"The search index does not agree with the entries: {said}",
        {"count": len(missing) + more, "ids": missing[:MOST]},
        "cleo memory maintain --only search",
    )


@check
def check_vectors(app: App, db: Database, deep: bool) -> Finding:
    """Whose vectors there are, which are missing, and whether sqlite-vec loads."""
    from cleo_brain.search.maintaining import vector_state

    state = vector_state(app, db)
    details = {camel(name): value for name, value in state._asdict().items()}
    if state.model is None:
        return Finding("info", "No embedder can run; search goes by words.", details, None)
    if state.stored_model not in (None, state.model) and not state.current and state.pending:
        return Finding(
            "warning",
            f"The vectors are of {state.stored_model}, and the embedder is {state.model}.",
            details,
            "cleo memory reembed",
        )
    if state.extension is None and (state.stale or state.unindexed):
        return Finding(
            "warning",
            f"{state.unindexed} vectors are not in the vector index yet, {state.stale} have to "
            "leave it.",
            details,
            "cleo memory maintain --only vectors",
        )
    if state.extension is not None:
        return Finding("info", f"sqlite-vec does not load here: {state.extension}", details, None)
    if state.pending:
        return Finding(
            "info",
            f"{state.pending} entries have no vector yet; search embeds them as it goes.",
            details,
            None,
        )
    return Finding("ok", f"{state.current} vectors are current.", details, None)


@check
def check_size(app: App, db: Database, deep: bool) -> Finding:
    """Bytes of each entry, and the retrieval log against its cap."""
    entries = maintenance.count(db, maintenance.COUNT_ENTRIES)
    size = int(db.scalar(statistics.PAGES))
    rows = maintenance.count(db, maintenance.COUNT_LOG)
    details = {
        "bytes": size,
        "entries": entries,
        "bytesPerEntry": size // entries if entries else 0,
        "logRows": rows,
        "logCap": retrievals.CAP,
    }
    if rows > retrievals.CAP:
        return Finding(
            "warning",
            f"The retrieval log has {rows} rows; its cap is {retrievals.CAP}.",
            details,
            "cleo memory maintain --only caps",
        )
    if size > _SOME_SIZE and size > _MUCH * max(1, entries):
        return Finding(
            "warning",
            f"brain.db has {size} bytes for {entries} entries.",
            details,
            "cleo memory stats",
        )
    if rows == retrievals.CAP:
        return Finding("info", "The retrieval log is at its cap; old rows go.", details, None)
    return Finding("ok", f"brain.db has {size} bytes for {entries} entries.", details, None)


def mend_search(app: App) -> list[str]:
    """Make the search index anew; says what was done."""
    return _mend(app, "search")


def mend_vectors(app: App) -> list[str]:
    """Bring the tables of sqlite-vec in step; says what was done."""
    return _mend(app, "vectors")


def mend_size(app: App) -> list[str]:
    """Bring the log within its cap; says what was done."""
    return _mend(app, "caps")


def _mend(app: App, step: str) -> list[str]:
    found = app.service("brain").maintain(only=(step,))
    return [f"maintenance {one.name}: {one.changed} changed" for one in found.steps]


def _fine(message: str) -> Finding:
    return Finding("ok", message, {}, None)
