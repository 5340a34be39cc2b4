"""Whether copies are what their manifest says, before anything is replaced."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from typing import TYPE_CHECKING

from cleo_core.backup.verifying import verify_set
from cleo_core.backup_sets import BackupSet, changed
from cleo_core.database import driver
from cleo_core.database.unshared import connect_at_rest
from cleo_core.errors import CleoError
from cleo_core.migrate.genuine import NotGenuineError, check_schema
from cleo_core.progress import Progress
from cleo_core.states import AHEAD, DATABASES, FOREIGN, compared

if TYPE_CHECKING:
    from cleo_core.app import App


def corrupt(one: BackupSet, reason: str) -> CleoError:
    """The refusal of a set that is not what it should be."""
    return CleoError(
        "E_BACKUP_CORRUPT",
        f"{one.path} cannot be restored: {reason.rstrip('.')}. Nothing was changed.",
        details={"path": one.path},
    )


def require_good(
    app: App, one: BackupSet, names: Collection[str], progress: Progress | None = None
) -> None:
    """Refuse a set whose manifest, or one of whose items that may be restored, is not as it was.

    :param names: of the stores and databases; what is no database is looked at in any case.
    :raises CleoError: ``E_BACKUP_CORRUPT``; ``E_STORE_AHEAD``, a newer program made a copy.
    """
    wanted = {
        (item["kind"], item["name"])
        for item in one.items
        if item["name"] in names or item["kind"] not in DATABASES
    }
    for verdict in verify_set(one, app.stores, deep=True, only=wanted, progress=progress):
        if verdict.error:
            error = corrupt(one, f"{verdict.item}: {verdict.error}")
            error.details["item"] = verdict.item
            raise error
    for item in one.items:
        spec = app.plugins.stores.get(item["name"])
        if item["kind"] != "store" or spec is None or item["name"] not in names:
            continue
        state = compared(spec, f"{one.path}/{item['file']}", str(item.get("revision")))
        if state.state == FOREIGN:
            raise corrupt(one, f"{item['file']}: {state.detail}")
        if state.state == AHEAD:
            raise app.stores.refusal(state)


def require_own_schema(app: App, one: BackupSet, names: Collection[str]) -> None:
    """Refuse a set that came from elsewhere where a store has more, or other, than CLEO's schema.

    A trigger of somebody else's making would run with the next command, a CHECK already when the
    content is verified, which therefore comes later.

    :param names: of the stores.
    :raises CleoError: ``E_BACKUP_CORRUPT``; ``E_STORE_AHEAD``.
    """
    if not one.sound:
        return  # :func:`require_good` says so
    for item in one.items:
        spec = app.plugins.stores.get(item["name"])
        if item["kind"] != "store" or spec is None or item["name"] not in names:
            continue
        path = f"{one.path}/{item['file']}"
        if words := changed(one.path, item):
            raise corrupt(one, f"{item['file']}: {words}")
        try:
            with closing(connect_at_rest(path)) as connection:
                check_schema(app.stores, spec, path, connection)
        except (driver().Error, NotGenuineError) as error:
            raise corrupt(one, f"{item['file']}: {error}") from error
