"""What the health checks of the tasks store have in common: their answer, and when they look."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from cleo_core.database import Database, Row
from cleo_core.errors import CleoError
from cleo_tasks.api import STORE

if TYPE_CHECKING:
    from cleo_core.app import App

#: Ids that a finding names; ``count`` in its details is their true number.
MOST = 20

#: What is derived from other rows is made again, all of it by one command.
RECONCILE = "cleo reconcile --apply"
#: What no command makes again: where the file is, and with it its copies.
STORES = "cleo stores tasks"


class Finding(NamedTuple):
    """What a check found, in the order in which ``cleo doctor`` asks for it.

    ``details``: empty where nothing was found, else ``count``, ``ids`` (at most :data:`MOST`) and
    what the check adds. ``fix``: a command, None where there is nothing to do.
    """

    status: Literal["ok", "info", "warning", "error", "unknown"]
    message: str
    details: dict[str, Any]
    fix: str | None


CheckFunction = Callable[["App", bool], Finding]


def check(body: Callable[[App, Database, bool], Finding]) -> CheckFunction:
    """Call the body with the store, if there is a file that can be looked at."""

    @wraps(body)
    def run(app: App, deep: bool = False) -> Finding:
        why = unfit(app)
        if why is not None:
            return why
        try:
            return body(app, app.store("tasks"), deep)
        except CleoError as error:
            return Finding("unknown", error.message, {"code": error.code}, error.fix)

    return run


def unfit(app: App) -> Finding | None:
    """Why there is nothing to look at, or None."""
    if app.project_or_none is None:
        return fine("There is no project here.")
    try:
        state = app.stores.state(STORE)
    except CleoError as error:
        return Finding("unknown", error.message, {"code": error.code}, error.fix)
    if state.state == "absent":
        return fine("There is no tasks.db yet.")
    if state.state != "head":
        return Finding(
            "unknown",
            f"tasks.db is {state.state}" + (f": {state.detail}" if state.detail else "."),
            {"state": state.state},
            "cleo doctor --only store.state",
        )
    return None


def fine(message: str) -> Finding:
    """Nothing was found."""
    return Finding("ok", message, {}, None)


def wrong(
    status: Literal["warning", "error"],
    words: str,
    noun: str,
    ids: Sequence[str],
    total: int,
    fix: str,
    **details: Any,
) -> Finding:
    """A finding about so many of something, the first of them named.

    :param words: the sentence without its end, ``{}`` for the number of them.
    """
    said = words.format(counted(total, noun))
    named = ", ".join(ids[:MOST]) + (" and more" if total > len(ids[:MOST]) else "")
    return Finding(
        status,
        said[0].upper() + said[1:] + (f": {named}." if ids else "."),
        {"count": total, "ids": list(ids[:MOST]), **details},
        fix,
    )


def with_copies(app: App, finding: Finding) -> Finding:
    """A finding that says where the copies of the file are, of which one may be sound."""
    backups = os.path.join(app.stores.directory(STORE), "backups")
    return finding._replace(
        message=f"{finding.message} Verified copies, where there are any, are in {backups}.",
        details={**finding.details, "copies": backups},
    )


def counted(number: int, noun: str) -> str:
    """``1 task``, ``2 tasks``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def ids_of(rows: Iterable[Row]) -> list[str]:
    """The ids of some rows."""
    return [row["id"] for row in rows]
