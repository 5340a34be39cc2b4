"""SQL text as tokens: enough to compare two texts, to read a CREATE TABLE, to fill in parameters.

Nothing here decides what is executed; statements reach the database as they were written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

#: Texts whose form is remembered: a migration reads most declarations several times.
KEPT = 2048

_TOKEN = re.compile(
    r"""
      (?P<space> \s+ | --[^\n]* | /\*.*?(?:\*/|\Z) )
    | (?P<text> [xX]?'(?:[^']|'')*' )
    | (?P<name> "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]]*\] )
    | (?P<number> 0[xX][0-9a-fA-F]+ | (?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)? )
    | (?P<word> [^\W\d][\w$]* )
    | (?P<sign> :: | <> | <= | >= | == | != | \|\| | << | >> | ->> | -> )
    | (?P<variable> [:@$][\w$]+ | \?\d* )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_BARE = re.compile(r"[^\W\d]\w*\Z")


class Token(NamedTuple):
    """A piece of SQL that is neither blank nor comment.

    :ivar kind: text (a string literal), name (a quoted identifier), number, word, sign, variable
        or other.
    :ivar value: words and names in lower case and without quotes where none are needed, anything
        else as written.
    :ivar start: where it begins in the text.
    :ivar end: where it ends.
    """

    kind: str
    value: str
    start: int
    end: int


def tokens(sql: str) -> list[Token]:
    """The tokens of a text, without its blanks and comments."""
    return list(_tokens(sql))


@lru_cache(maxsize=KEPT)
def normalised(sql: str) -> str:
    """A text in the form that is equal for equal statements.

    Blanks, comments, the case of words and the quotes around identifiers do not count.
    """
    found = tokens(sql)
    while found and found[-1].value == ";":
        found.pop()
    return joined(found)


def joined(found: Iterable[Token]) -> str:
    """Tokens as text, one blank between them."""
    return " ".join(token.value for token in found)


def normalised_default(sql: str | None) -> str | None:
    """A column default in the form that is equal for equal defaults; outer brackets do not count.

    ``PRAGMA table_xinfo`` gives it as written, so ``(0)`` and ``0`` differ there.
    """
    if sql is None:
        return None
    found = tokens(sql)
    while len(found) > 2 and found[0].value == "(" and closing(found, 0) == len(found) - 1:
        found = found[1:-1]
    return joined(found)


def closing(found: Sequence[Token], start: int) -> int:
    """Index of the bracket that closes the one at ``start``."""
    depth = 0
    for index in range(start, len(found)):
        if found[index].value == "(" and found[index].kind == "other":
            depth += 1
        elif found[index].value == ")" and found[index].kind == "other":
            depth -= 1
            if depth == 0:
                return index
    return len(found) - 1


def split(found: Sequence[Token]) -> list[list[Token]]:
    """Tokens parted at the commas that stand outside every bracket."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in found:
        if token.kind == "other":
            depth += {"(": 1, ")": -1}.get(token.value, 0)
            if token.value == "," and depth == 0:
                parts.append([])
                continue
        parts[-1].append(token)
    return [part for part in parts if part]


def words_at(found: Sequence[Token], index: int, *words: str) -> bool:
    """Whether these unquoted words stand at an index."""
    if index < 0 or index + len(words) > len(found):
        return False
    for place, word in enumerate(words, index):
        token = found[place]
        if token.value != word or token.kind != "word":
            return False
    return True


def literal(value: Any) -> str:
    """A parameter as SQL literal: NULL, a number or a quoted string."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int | float):
        return repr(value)
    return "'" + str(value).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name quoted as identifier."""
    return '"' + name.replace('"', '""') + '"'


def filled(sql: str, parameters: Mapping[str, Any]) -> str:
    """A statement with its ``:name`` parameters as literals; unknown names stay as written."""
    return _replaced(
        sql,
        (
            (token, literal(parameters[token.value[1:]]))
            for token in _tokens(sql)
            if token.kind == "variable" and token.value[1:] in parameters
        ),
    )


def for_text(sql: str, parameters: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """A statement for SQLAlchemy's ``text()``: every colon but those of parameters is escaped.

    :returns: the text and the parameters that it uses.
    """
    used: dict[str, Any] = {}
    pieces = []
    for token in _tokens(sql, blanks=True):
        name = token.value[1:]
        if token.kind == "variable" and name in parameters:
            used[name] = parameters[name]
            pieces.append(token.value)
        else:
            pieces.append(sql[token.start : token.end].replace(":", "\\:"))
    return "".join(pieces), used


def with_table_name(sql: str, name: str, other: str) -> str:
    """A CREATE TABLE statement for ``name`` as one for ``other``.

    :raises ValueError: the statement creates something else.
    """
    found = tokens(sql)
    named = [token.value for token in found[2:3]]
    if not words_at(found, 0, "create", "table") or named != [name.lower()]:
        raise ValueError(f"the statement must begin with CREATE TABLE {name}")
    return _replaced(sql, [(found[2], identifier(other))])


def _replaced(sql: str, replacements: Iterable[tuple[Token, str]]) -> str:
    pieces, end = [], 0
    for token, new in replacements:
        pieces += [sql[end : token.start], new]
        end = token.end
    return "".join([*pieces, sql[end:]])


def _tokens(sql: str, *, blanks: bool = False) -> Iterator[Token]:
    for match in _TOKEN.finditer(sql):
        kind = str(match.lastgroup)
        if kind == "space" and not blanks:
            continue
        value = match.group()
        if kind == "word":
            value = value.lower()
        elif kind == "name":
            value = _unquoted(value)
        yield Token(kind, value, match.start(), match.end())


def _unquoted(name: str) -> str:
    quote = {"[": "]"}.get(name[0], name[0])
    inner = name[1:-1].replace(quote * 2, quote).lower()
    return inner if _BARE.match(inner) else identifier(inner)
