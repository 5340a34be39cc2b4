"""Many rows in one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import Any

from cleo_brain.store.entries import as_json

#: Rows of one statement. FTS5 writes its index out for every statement whose trigger puts words
#: into it, so that one row each would cost twice as much.
ROWS = 100


@cache
def insertion(table: str, columns: tuple[str, ...], rows: int) -> str:
    """The statement that inserts a number of rows."""
    one = f"({', '.join('?' * len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([one] * rows)}"


def insert(
    tx: Any, table: str, columns: tuple[str, ...], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert rows that have all the columns; what is JSON is encoded here."""
    values_of = itemgetter(*columns)
    lists = [place for place, name in enumerate(columns) if name.endswith("_json")]
    made = [list(values_of(row)) for row in rows]
    for values in made:
        for place in lists:
            values[place] = as_json(values[place])
    whole = len(made) - len(made) % ROWS
    blocks = (made[start : start + ROWS] for start in range(0, whole, ROWS))
    tx.executemany(
        insertion(table, columns, ROWS), [list(chain.from_iterable(block)) for block in blocks]
    )
    if len(made) > whole:
        rest = list(chain.from_iterable(made[whole:]))
        tx.executemany(insertion(table, columns, len(made) - whole), [rest])
