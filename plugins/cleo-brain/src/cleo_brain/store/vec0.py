"""The two tables of sqlite-vec: derived from vectors, there only where the extension was loaded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from cleo_brain.store.vectors import listed
from cleo_core.database import Backend, driver
from cleo_core.errors import CleoError

BIT = "brain_vec_bit"
FLOAT = "brain_vec_float"
TABLES = (BIT, FLOAT)

LOADED = "SELECT 1 FROM pragma_module_list WHERE name = 'vec0'"
#: The hook ``cleo_store_opened`` adds the function.
HAS_PATH = "SELECT 1 FROM pragma_function_list WHERE name = 'cleo_brain_vec_path'"
_PATH = "SELECT cleo_brain_vec_path()"
DECLARED = "SELECT name, sql FROM sqlite_master WHERE name IN ('brain_vec_bit', 'brain_vec_float')"
_DIMS = re.compile(r"\[(\d+)\]")


def table_statements() -> dict[str, str]:
    """Those that can be prepared only where sqlite-vec is loaded and the tables are made."""
    found = {}
    for table, column, value in ((BIT, "code", "vec_bit(:value)"), (FLOAT, "embedding", ":value")):
        found[f"insert {table}"] = f"INSERT INTO {table} (seq, {column}) VALUES (:seq, {value})"
        found[f"delete {table}"] = f"DELETE FROM {table} WHERE seq = :seq"
        found[f"rows {table}"] = f"SELECT rowid AS seq FROM {table}_rowids"
        found[f"inside {table}"] = (
            f"{found[f'rows {table}']} WHERE rowid IN (SELECT value FROM json_each(:seqs))"
        )
        nearest = f"SELECT seq FROM {table} WHERE {column} MATCH {value} AND k = :k"
        found[f"nearest {table}"] = nearest
        found[f"within {table}"] = f"{nearest} AND seq IN (SELECT value FROM json_each(:seqs))"
    return found


_SQL = table_statements()


def is_loaded(db: Backend) -> bool:
    """Whether the extension is loaded on a connection."""
    return db.scalar(LOADED) is not None


def path(db: Backend) -> tuple[bool, str | None]:
    """Whether a connection says where the extension lies, and what it says."""
    if db.scalar(HAS_PATH) is None:
        return False, None
    return True, db.scalar(_PATH)


def create(table: str, dims: int) -> str:
    """What makes a table for vectors of a length."""
    column = f"code bit[{dims}]"
    if table == FLOAT:
        column = f"embedding float[{dims}] distance_metric=cosine"
    return f"CREATE VIRTUAL TABLE {table} USING vec0(seq INTEGER PRIMARY KEY, {column})"


def there(db: Backend) -> dict[str, int]:
    """The tables that exist -> the length of their vectors."""
    return {
        row["name"]: int(found.group(1))
        for row in db.read(DECLARED)
        if (found := _DIMS.search(row["sql"])) is not None
    }


def make(tx: Any, table: str, dims: int) -> None:
    """Make a table, empty."""
    tx.execute(create(table, dims))


def remove(tx: Any, table: str) -> None:
    """Drop a table."""
    tx.execute(f"DROP TABLE {table}")


def insert(tx: Any, table: str, rows: Iterable[tuple[int, bytes]]) -> None:
    """Put in (seq, value) of entries that are not in it."""
    with _writing():
        tx.executemany(
            _SQL[f"insert {table}"], [{"seq": seq, "value": value} for seq, value in rows]
        )


def delete(tx: Any, table: str, seqs: Iterable[int]) -> None:
    """Take entries out; those that are not in it are passed over."""
    # One by one: with a subselect vec0 0.1.9 walks through its whole table.
    with _writing():
        tx.executemany(_SQL[f"delete {table}"], [{"seq": seq} for seq in seqs])


@contextmanager
def _writing() -> Iterator[None]:
    """Say what the extension says only in words: it hides the code of what SQLite refused it.

    :raises CleoError: ``E_IO``.
    """
    try:
        yield
    except driver().OperationalError as error:
        if "sqlite-vec" not in str(error):
            raise
        raise CleoError(
            "E_IO", f"Vectors could not be written, nothing was changed: {error}.", fix="df -h ."
        ) from error


def rows(db: Backend, table: str) -> list[int]:
    """Which entries are in a table; works without the extension."""
    return [row["seq"] for row in db.read(_SQL[f"rows {table}"])]


def inside(db: Backend, table: str, seqs: Iterable[int]) -> list[int]:
    """Those of the entries that are in a table."""
    return [row["seq"] for row in db.read(_SQL[f"inside {table}"], seqs=listed(seqs))]


def nearest(
    db: Backend, table: str, value: bytes, k: int, within: Sequence[int] | None
) -> list[int]:
    """The ``k`` nearest entries, k at most 4096.

    :param value: a code or an embedding.
    """
    if within is None:
        found = db.read(_SQL[f"nearest {table}"], value=value, k=k)
    else:
        found = db.read(_SQL[f"within {table}"], value=value, k=k, seqs=listed(within))
    return [row["seq"] for row in found]
