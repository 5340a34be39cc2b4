"""The six states of a store's file, and how they are told apart."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from cleo_core.api import StoreSpec
from cleo_core.database import driver, header, translate
from cleo_core.errors import CleoError, ExitCode, StoreError

if TYPE_CHECKING:
    from cleo_core.api import Plan, Report

ABSENT, HEAD, BEHIND, AHEAD = "absent", "head", "behind", "ahead"
FOREIGN, BROKEN = "foreign", "broken"

#: Kinds of what a backup set holds that SQLite opens.
DATABASES = ("store", "database")
SIDECARS = ("-wal", "-shm", "-journal")


class StoreState:
    """What a store's file is.

    :ivar state: one of absent, head, behind, ahead, foreign, broken.
    :ivar revision: the revision its version table names, where it could be read.
    :ivar detail: one sentence of why, for the states that refuse.
    :ivar error: why the file could not be read, where damage is not the reason.
    """

    __slots__ = ("detail", "error", "path", "revision", "spec", "state")

    def __init__(
        self,
        spec: StoreSpec,
        path: str,
        state: str,
        revision: str | None = None,
        detail: str = "",
        error: CleoError | None = None,
    ) -> None:
        self.spec = spec
        self.path = path
        self.state = state
        self.revision = revision
        self.detail = detail
        self.error = error


class OwnState(Protocol):
    """What a database that ``cleo_open_store`` gives may offer, all three, to have its own states.

    Each raises CleoError where the database cannot be asked, or cannot be changed; it is then as it
    was.
    """

    def store_state(self, spec: StoreSpec) -> StoreState:
        """Its state; nothing is created or changed, and a transaction that is open goes on."""

    def create_store(self, spec: StoreSpec) -> bool:
        """Make the store where it is absent, alone with the database.

        :returns: False when it is not absent, so that nothing was done.
        """

    def migrate_store(
        self,
        spec: StoreSpec,
        through: Callable[[Any, str | None, Callable[[Plan], Report]], Report],
    ) -> Report | None:
        """Bring the store to its head where it is behind, alone with the database.

        :param through: asks the hook ``cleo_migrate_store``; to be called once, inside the
            transaction, with the connection, the revision found there and a function that runs a
            plan on that connection, which is called unless a plugin answers first. What it raises
            undoes the transaction.
        :returns: what ``through`` answered, after the commit; None when the store is not behind.
        """


def probe(spec: StoreSpec, path: str) -> StoreState | None:
    """A file's state as far as it shows without SQLite.

    :returns: None when the file looks like this store's and the version table must be asked.
    """
    try:
        size, application_id = header(path)
    except FileNotFoundError:
        if os.path.islink(path):
            return StoreState(spec, path, BROKEN, detail="it is a link to a file that is not there")
        return StoreState(spec, path, ABSENT)
    except OSError as error:
        unreadable = translate(error, spec.name, path)
        assert isinstance(unreadable, CleoError)
        detail = f"it cannot be read ({error.strerror})"
        return StoreState(spec, path, BROKEN, detail=detail, error=unreadable)
    if size == 0:
        if os.path.exists(path + "-wal"):
            return StoreState(
                spec, path, BROKEN, detail="it is empty, and a write-ahead log lies beside it"
            )
        return StoreState(spec, path, ABSENT)
    if application_id is None:
        return StoreState(spec, path, BROKEN, detail="it is not an SQLite database")
    if application_id != spec.application_id:
        return StoreState(
            spec,
            path,
            FOREIGN,
            detail=f"its application id is {application_id:#010x}, not {spec.application_id:#010x}",
        )
    return None


def revision_state(spec: StoreSpec, path: str, connection: Any) -> StoreState:
    """A file's state by the one row of its version table, in one query.

    :param connection: an SQLite connection to the file.
    :raises CleoError: the file is busy or cannot be read.
    """
    table = f"alembic_version_{spec.name}"
    try:
        rows = connection.execute(f"SELECT version_num FROM {table} LIMIT 3").fetchall()
    except driver().Error as error:
        translated = translate(error, spec.name, path)
        if isinstance(translated, CleoError):
            if translated.exit != 53:
                raise translated from error
            return StoreState(spec, path, BROKEN, detail=str(error))
        if "no such table" in str(error):
            return StoreState(spec, path, BROKEN, detail=f"the table {table} is missing")
        raise
    if len(rows) != 1:
        return StoreState(
            spec, path, BROKEN, detail=f"{table} holds {len(rows) or 'no'} rows instead of one"
        )
    return compared(spec, path, str(rows[0][0]))


def compared(spec: StoreSpec, path: str, revision: str) -> StoreState:
    """The state of a file of this store that is at a revision: head, behind, ahead or foreign."""
    if revision == spec.head:
        return StoreState(spec, path, HEAD, revision)
    number, head = _number(revision, spec.name), _number(spec.head, spec.name)
    if number is None or head is None:
        return StoreState(
            spec, path, FOREIGN, revision, f"its revision {revision!r} is of another lineage"
        )
    return StoreState(spec, path, BEHIND if number < head else AHEAD, revision)


def refusal(state: StoreState, distribution: str, *, in_file: bool = True) -> CleoError:
    """The error for a state in which a store cannot be used.

    :param distribution: that brings the store.
    :param in_file: whether a file holds the store, and not what a plugin keeps elsewhere.
    """
    spec, path = state.spec, state.path
    if state.error is not None and state.error.exit != ExitCode.STORE_CORRUPT:
        return state.error
    details = {
        "store": spec.name,
        "path": path,
        "state": state.state,
        "revision": state.revision,
        "head": spec.head,
    }
    if state.state == AHEAD:
        return StoreError(
            "E_STORE_AHEAD",
            f"{path} is at revision {state.revision}; the installed {distribution} works with "
            f"{spec.head}. A newer version of {distribution} made it.",
            fix=f"pip install --upgrade {distribution}",
            details=details,
        )
    if state.state == BEHIND:
        return StoreError(
            "E_STORE_BEHIND",
            f"{path} is at revision {state.revision}; this program needs {spec.head}.",
            fix=f"cleo migrate --store {spec.name}",
            details=details,
        )
    if state.state == FOREIGN:
        return StoreError(
            "E_STORE_FOREIGN",
            f"{path} is not a {spec.name} store: {state.detail}. It was left untouched.",
            fix=f"cleo stores {spec.name}",
            details=details,
        )
    if state.state == BROKEN:
        known = f"cleo {'restore latest --store' if in_file else 'stores'} {spec.name}"
        return StoreError(
            "E_STORE_CORRUPT",
            f"{path} is damaged: {state.detail}.",
            fix=known,
            details=details,
        )
    return StoreError(
        "E_NOT_INITIALIZED",
        f"Store {spec.name} does not exist yet.",
        fix="cleo init",
        details=details,
    )


def _number(revision: str, store: str) -> int | None:
    """The number of a revision ``<store>_<digits>``; None for any other text."""
    prefix, _, digits = revision.rpartition("_")
    return int(digits) if prefix == store and digits.isdigit() else None
