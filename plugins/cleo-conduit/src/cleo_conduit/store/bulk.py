"""Rows that are written several in a statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

#: In the place of a default: the column has none.
REQUIRED = object()
#: Rows of one statement, the largest first; few sizes, so that each is prepared once.
_SIZES = (64, 32, 16, 8, 4, 2, 1)


def insert(tx: Any, table: str, columns: Mapping[str, Any], rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows.

    A statement that fires triggers, or may fail half-way, opens a savepoint, and at each savepoint
    FTS5 writes what it has gathered: a segment of the index for each row, were they inserted one
    by one. Columns that have their default in all rows are not named: the driver takes longer to
    bind a None than SQLite to store it.

    :param columns: name -> its default in the schema, or ``REQUIRED``.
    :param rows: values in the order of the columns.
    """
    count = len(rows)
    names, values = [], []
    for (name, default), column in zip(columns.items(), zip(*rows, strict=True), strict=False):
        if column.count(default) < count:
            names.append(name)
            values.append(column)
    bound = list(chain.from_iterable(zip(*values, strict=True)))
    width, first = len(names), 0
    for size in _SIZES:
        while first + size <= count:
            sql = _statement(table, tuple(names), size)
            tx.connection.execute(sql, bound[first * width : (first + size) * width])
            first += size


@lru_cache(256)
def _statement(table: str, names: tuple[str, ...], size: int) -> str:
    row = f"({', '.join('?' * len(names))})"
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES {', '.join([row] * size)}"
