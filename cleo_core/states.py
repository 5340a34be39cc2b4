"""The six states of a store's file, and how they are told apart."""

from __future__ import annotations

import os
from typing import Any

from cleo_core.api import StoreSpec
from cleo_core.database import driver, header, translate
from cleo_core.errors import CleoError

ABSENT, HEAD, BEHIND, AHEAD = "absent", "head", "behind", "ahead"
FOREIGN, BROKEN = "foreign", "broken"

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
    revision = str(rows[0][0])
    if revision == spec.head:
        return StoreState(spec, path, HEAD, revision)
    number, head = _number(revision, spec.name), _number(spec.head, spec.name)
    if number is None or head is None:
        return StoreState(
            spec, path, FOREIGN, revision, f"its revision {revision!r} is of another lineage"
        )
    return StoreState(spec, path, BEHIND if number < head else AHEAD, revision)


def _number(revision: str, store: str) -> int | None:
    """The number of a revision ``<store>_<digits>``; None for any other text."""
    prefix, _, digits = revision.rpartition("_")
    return int(digits) if prefix == store and digits.isdigit() else None
