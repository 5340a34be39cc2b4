"""What ``CREATE TABLE`` and ``CREATE INDEX`` say that no PRAGMA tells."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from cleo_core.migrate.sql import KEPT, Token, closing, joined, split, tokens, words_at

_TABLE_CONSTRAINTS = frozenset(("constraint", "primary", "unique", "check", "foreign"))


class TableText(NamedTuple):
    """The parts of a CREATE TABLE that only its text has.

    :ivar checks: CHECK expressions, sorted.
    :ivar generated: column -> expression.
    :ivar collations: column -> collation.
    :ivar deferred: columns of the foreign keys that are checked at COMMIT.
    :ivar conflicts: ``<column or constraint> on conflict <word>``, sorted.
    :ivar autoincrement: whether a rowid is never given twice.
    """

    checks: list[str]
    generated: dict[str, str]
    collations: dict[str, str]
    deferred: set[tuple[str, ...]]
    conflicts: list[str]
    autoincrement: bool


@lru_cache(maxsize=KEPT)
def table_text(sql: str) -> TableText:
    """Read a CREATE TABLE statement; what is returned is remembered and must stay as it is."""
    result = TableText([], {}, {}, set(), [], False)
    autoincrement = False
    for item in split(_bracketed(tokens(sql))):
        named = item[0].kind == "word" and item[0].value in _TABLE_CONSTRAINTS
        column = None if named else item[0].value
        autoincrement |= _read_item(item, column, result)
    result.checks.sort()
    result.conflicts.sort()
    return result._replace(autoincrement=autoincrement)


@lru_cache(maxsize=KEPT)
def index_text(sql: str) -> tuple[Sequence[str], str | None]:
    """The columns or expressions of a CREATE INDEX as written, and its WHERE."""
    found = tokens(sql)
    start = next(i for i, token in enumerate(found) if token.value == "(")
    end = closing(found, start)
    columns = tuple(joined(_without_order(part)) for part in split(found[start + 1 : end]))
    where = joined(found[end + 2 :]) if words_at(found, end + 1, "where") else None
    return columns, where


def _bracketed(found: Sequence[Token]) -> Sequence[Token]:
    for index, token in enumerate(found):
        if token.value == "(" and token.kind == "other":
            return found[index + 1 : closing(found, index)]
    return ()


def _read_item(item: Sequence[Token], column: str | None, result: TableText) -> bool:
    """Read a column definition or a table constraint; tells whether it says AUTOINCREMENT."""
    autoincrement = False
    columns: tuple[str, ...] = (column,) if column else ()
    last = item[0].value
    index = 0 if column is None else 1
    while index < len(item):
        token = item[index]
        if token.value == "(" and token.kind == "other":
            end = closing(item, index)
            inside = item[index + 1 : end]
            if last == "check":
                result.checks.append(joined(inside))
            elif last == "as" and column:
                result.generated[column] = joined(inside)
            elif last == "key" and column is None and not columns:
                columns = tuple(part[0].value for part in split(inside))
            index = end + 1
            continue
        if words_at(item, index, "collate") and column and index + 1 < len(item):
            result.collations[column] = item[index + 1].value
        elif words_at(item, index, "on", "conflict") and index + 2 < len(item):
            what = column or joined(item)
            result.conflicts.append(f"{what} on conflict {item[index + 2].value}")
        elif words_at(item, index, "deferrable", "initially", "deferred"):
            if not words_at(item, index - 1, "not"):
                result.deferred.add(columns)
        elif words_at(item, index, "autoincrement"):
            autoincrement = True
        last = token.value if token.kind == "word" else ""
        index += 1
    return autoincrement


def _without_order(part: Sequence[Token]) -> Sequence[Token]:
    """An indexed column without COLLATE, ASC and DESC, which the PRAGMA tells."""
    while part and part[-1].kind == "word" and part[-1].value in ("asc", "desc"):
        part = part[:-1]
    if len(part) > 2 and words_at(part, len(part) - 2, "collate"):
        part = part[:-2]
    return part
