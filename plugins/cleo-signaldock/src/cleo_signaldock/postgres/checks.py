"""CHECK conditions of SQLite as PostgreSQL says them, by rule; what has no rule is refused."""

from __future__ import annotations

import re

_COLUMN = r'(?P<column>[a-z_]\w*|"[a-z_]\w*")'
#: What PostgreSQL knows as it stands; anything else is either translated or refused.
_SHARED = frozenset({"in", "and", "or", "not", "is", "null", "between", "length", "lower"})
_TRANSLATED = frozenset({"octet_length", "jsonb", "jsonb_typeof", "cast", "as"})
_RULES: tuple[tuple[str, str], ...] = (
    (rf"length\(CAST\({_COLUMN} AS BLOB\)\)", r"octet_length(\g<column>)"),
    (rf"json_valid\({_COLUMN}\)", r"(CAST(\g<column> AS jsonb) IS NOT NULL)"),
    (rf"json_type\({_COLUMN}\)", r"jsonb_typeof(CAST(\g<column> AS jsonb))"),
)
_GLOB = re.compile(rf"{_COLUMN} (?P<not>NOT )?GLOB '(?P<pattern>(?:[^']|'')*)'")
_TOKENS = re.compile(
    r"(?P<space>\s+)|(?P<text>'(?:[^']|'')*')|(?P<quoted>\"[^\"]+\")|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<number>\d+)|(?P<sign><=|>=|<>|!~|=(?!=)|[~<>(),])"
)


class UntranslatableError(ValueError):
    """A condition holds what PostgreSQL does not know and no rule translates."""


def translated(condition: str, columns: frozenset[str]) -> str:
    """A CHECK condition for PostgreSQL that refuses what it refuses on SQLite.

    :param columns: of the table, the only names that are no words of SQL.
    :raises UntranslatableError: something has no rule.
    """
    done = _GLOB.sub(_matched, condition)
    for pattern, replacement in _RULES:
        done = re.sub(pattern, replacement, done)
    position = 0
    while position < len(done):
        token = _TOKENS.match(done, position)
        if token is None:
            raise UntranslatableError(f"{condition!r}: no rule for {done[position]!r}")
        word = token["word"]
        known = word is None or word in columns or word.lower() in _SHARED | _TRANSLATED
        if not known:
            raise UntranslatableError(f"{condition!r}: no rule for {word}")
        position = token.end()
    return done


def regular_expression(glob: str) -> str:
    """The regular expression of PostgreSQL that matches what a GLOB pattern matches.

    :raises UntranslatableError: a bracket is not closed.
    """
    pieces: list[str] = []
    position = 0
    while position < len(glob):
        char = glob[position]
        position += 1
        if char == "*":
            pieces.append(".*")
        elif char == "?":
            pieces.append(".")
        elif char == "[":
            start = position + 1 if glob[position : position + 1] == "^" else position
            end = glob.find("]", start + 1)
            if end < 0:
                raise UntranslatableError(f"{glob!r}: a bracket is not closed")
            inside = glob[position:end].replace("\\", "\\\\")
            pieces.append(f"[{inside}]")
            position = end + 1
        else:
            pieces.append(re.sub(r"([.\\^$|(){}+\]])", r"\\\1", char))
    return f"^{''.join(pieces)}$"


def _matched(found: re.Match[str]) -> str:
    sign = "!~" if found["not"] else "~"
    pattern = regular_expression(found["pattern"].replace("''", "'")).replace("'", "''")
    return f"{found['column']} {sign} '{pattern}'"
