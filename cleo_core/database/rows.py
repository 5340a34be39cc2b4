"""What a store reads and writes through: rows as mappings, inside a unit or outside of one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, cast

Row = dict[str, Any]


class Transaction:
    """The face of an open write unit: reads see its own writes."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def read(self, sql: str, /, **params: Any) -> list[Row]:
        """Rows as mappings from column name to value."""
        return all_rows(self.connection.execute(sql, params))

    def one(self, sql: str, /, **params: Any) -> Row | None:
        """The first row, or None."""
        return first_row(self.connection.execute(sql, params))

    def scalar(self, sql: str, /, **params: Any) -> Any:
        """The first column of the first row, or None."""
        row = self.connection.execute(sql, params).fetchone()
        return None if row is None else row[0]

    def execute(self, sql: str, /, **params: Any) -> int:
        """Run one statement.

        :returns: the number of rows it changed.
        """
        return cast(int, self.connection.execute(sql, params).rowcount)

    def executemany(
        self, sql: str, rows: Iterable[Mapping[str, Any]] | Iterable[Sequence[Any]]
    ) -> int:
        """Run one statement for each mapping of parameters, or each list where it has ``?``.

        :returns: the number of rows changed in all.
        """
        return cast(int, self.connection.executemany(sql, rows).rowcount)


class Scratch(Transaction):
    """Tables of the schema ``scratch`` beside a store: room for work that spans write units."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self._cursors: list[Any] = []

    def fill(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement with ``?`` parameters for each row of values, as one transaction.

        Nobody else is kept waiting: the store itself is not written.
        """
        with self.together():
            self.connection.executemany(sql, rows)

    def iterate(self, sql: str, /, **params: Any) -> Iterator[tuple[Any, ...]]:
        """Rows as tuples, one at a time."""
        cursor = self.connection.execute(sql, params)
        self._cursors.append(cursor)
        yield from cursor
        self._cursors.remove(cursor)

    @contextmanager
    def together(self) -> Iterator[None]:
        """All reads inside see the same committed state; writes to ``scratch`` go as one."""
        self.connection.execute("BEGIN")
        try:
            yield
        except BaseException:
            self.close()
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def close(self) -> None:
        """End the readings that were given up half way."""
        while self._cursors:
            self._cursors.pop().close()


class Backend(Protocol):
    """What a store asks of a database, whichever server runs it."""

    def read(self, sql: str, /, **params: Any) -> list[Row]: ...
    def one(self, sql: str, /, **params: Any) -> Row | None: ...
    def scalar(self, sql: str, /, **params: Any) -> Any: ...


@contextmanager
def attached(
    connection: Any, statements: Iterable[str], is_open: Callable[[], bool]
) -> Iterator[Scratch]:
    """The schema ``scratch`` on a connection; see Database.scratch.

    :param is_open: whether the connection still is, at the end.
    """
    import tempfile

    descriptor, path = tempfile.mkstemp(prefix="cleo-", suffix=".db")
    os.close(descriptor)
    scratch = Scratch(connection)
    try:
        connection.execute("ATTACH :path AS scratch", {"path": path})
        if os.name != "nt":
            # Without a name it is gone with the process, however that ends.
            os.unlink(path)
        connection.execute("PRAGMA scratch.journal_mode=OFF")
        connection.execute("PRAGMA scratch.synchronous=OFF")
        connection.execute("PRAGMA scratch.cache_size=-4000")
        for statement in statements:
            connection.execute(statement)
        yield scratch
    finally:
        scratch.close()
        if is_open():
            connection.execute("DETACH scratch")
        if os.path.exists(path):
            os.unlink(path)


def all_rows(cursor: Any) -> list[Row]:
    description = cursor.description
    if description is None:
        return []
    names = [column[0] for column in description]
    if len(names) == 1:
        # Lists of ids are long, and this takes half the time.
        (name,) = names
        return [{name: value} for (value,) in cursor]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def first_row(cursor: Any) -> Row | None:
    row = cursor.fetchone()
    if row is None:
        return None
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}
