"""The file: whether it is there, and fit to be used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cleo_core.database.examining import Examination
from cleo_core.errors import CleoError, UsageError, echoed
from cleo_core.states import ABSENT, BEHIND, HEAD, StoreState
from cleo_telemetry.api import STORE

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Database

ENABLE = "cleo telemetry enable"
STATUS = "cleo telemetry status"
#: What helps where the file cannot be read any more: nobody keeps a copy of it.
REMOVE = "cleo telemetry purge --all --yes"
#: A hundred years.
MOST_DAYS = 36_500


class Verbs:
    """Verbs of the service."""

    def __init__(self, app: App) -> None:
        self.app = app

    @property
    def path(self) -> str:
        """Where the file is, or would be."""
        return self.app.stores.path(STORE)

    def ready(self) -> bool:
        """Whether the file is there, migrated if it is behind.

        :raises CleoError: it is ahead, foreign or broken; ``E_STORE_BEHIND`` in a dry run or where
            migrating is refused.
        """
        app = self.app
        state = self.seen()
        if state.state == ABSENT:
            return False
        if state.state == BEHIND:
            if app.dry_run or app.config.get("migrate.policy") == "refuse":
                raise app.stores.refusal(state)
            app.migrate(STORE)
        elif state.state != HEAD:
            error = app.stores.refusal(state)
            if error.exit == 53:
                error.fix = REMOVE
            raise error
        return True

    def seen(self) -> StoreState:
        """The file's state; what commands left beside it stays there."""
        with self._looking():
            return self.app.stores.state(STORE)

    @contextmanager
    def reading(self) -> Iterator[Database]:
        """One committed state of the store, from which nothing of it is changed.

        :raises CleoError: ``E_NOTHING`` (100), there is none; else as :meth:`ready`.
        """
        if not self.ready():
            raise nothing("Nothing was ever recorded here.", ENABLE)
        stores = self.app.stores
        with self._looking():
            db, state = stores.open(STORE, write=False)
            if db is None:
                raise stores.refusal(state)
            try:
                with db.snapshot():
                    yield db
            finally:
                if db is not stores.elsewhere(STORE):
                    db.close()

    @contextmanager
    def _looking(self) -> Iterator[None]:
        examination = Examination(lambda: False)
        self.app.stores.examining = examination
        try:
            yield
        finally:
            self.app.stores.examining = None
            examination.close()


def nothing(message: str, fix: str) -> CleoError:
    """Exit 100."""
    return CleoError("E_NOTHING", message, fix=fix)


def number(value: Any, field: str, *, least: int = 1, most: int = 2**53) -> int:
    """A whole number in bounds.

    :raises UsageError: it is none.
    """
    if type(value) is not int or not least <= value <= most:
        raise UsageError(f"{field} is a whole number from {least} to {most}.", field=field)
    return value


def flag(value: Any, field: str) -> bool:
    """True or false.

    :raises UsageError: it is neither.
    """
    if not isinstance(value, bool):
        raise UsageError(f"{field} is true or false, not {echoed(value)}.", field=field)
    return value
