"""What the health checks of the store answer; each of them runs alone and only reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.errors import CleoError
from cleo_core.states import ABSENT
from cleo_nexus.api import STORE

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Database

Status = Literal["ok", "info", "warning", "error", "unknown"]
#: Ids that a finding names at most; ``count`` in its details is their true number.
MOST = 20


@record
class Finding(Declared):
    """What a check answers."""

    status: Status
    message: str
    details: dict[str, Any]
    fix: str | None


def fine(message: str) -> Finding:
    """There is nothing to be told."""
    return Finding("ok", message, {}, None)


def looked(app: App, look: Callable[[Database], Finding], *, tasks: bool = False) -> Finding:
    """What a look at the registry finds; what it cannot read is unknown.

    :param tasks: whether there is nothing to look at without a plugin that keeps tasks.
    """
    try:
        if app.stores.state(STORE).state == ABSENT:
            return fine("No project is registered.")
        if tasks and not app.has_service("tasks"):
            return fine("No installed plugin keeps tasks.")
        return look(app.store(STORE.name))
    except CleoError as error:
        return Finding("unknown", error.message, {"code": error.code}, error.fix)
