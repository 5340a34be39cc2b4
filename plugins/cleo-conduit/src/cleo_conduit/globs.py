"""Patterns of paths: what they mean, which path fits one, and whether two have a path in common.

A pattern is names with ``/`` between them. In a name ``*`` is any run of characters, ``?`` any
character, ``[a-z]`` one of a set, ``[!a-z]`` one outside of it, and a backslash takes its meaning
from the character after it. A ``[`` that nothing closes is itself (POSIX 2.13.1). ``**`` as a whole
name is any number of names, none included, so ``src/**`` fits ``src`` too: that may be a link or a
submodule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import lru_cache
from typing import TypeAlias

#: Any run of characters in a name, or of names in a pattern.
MANY = None

#: Disjoint, ascending ranges of code points; never the slash.
Set: TypeAlias = tuple[tuple[int, int], ...]
Part: TypeAlias = "str | Set | None"
#: A name without special characters is its text.
Name: TypeAlias = "str | tuple[Part, ...] | None"

_SLASH = (ord("/"), ord("/"))
_LAST = 0x10FFFF
_SPECIAL = re.compile(r"[*?\[\\]")
_ANY: Set = ((1, _SLASH[0] - 1), (_SLASH[1] + 1, _LAST))


class PatternError(ValueError):
    """A text that is no pattern; its words say why."""


def literal(path: str) -> str:
    """The pattern that fits this path alone."""
    return _SPECIAL.sub(lambda found: "\\\\" if found[0] == "\\" else f"[{found[0]}]", path)


def is_literal(pattern: str) -> bool:
    """Whether a pattern has no special characters, so that its text is the one path that fits."""
    return _SPECIAL.search(pattern) is None


def own_name(name: str) -> str | None:
    """The one name that fits a pattern without slashes; None where others do."""
    meant = _name(name)
    return meant if isinstance(meant, str) else None


def normalized(text: str) -> str:
    """A pattern without ``.``, doubled slashes and repeated ``**``; a slash at its end is ``/**``.

    :raises PatternError: it is empty, absolute, leads upwards, or has a set that nothing is in.
    """
    if not text:
        raise PatternError("it is empty")
    if text.startswith("/"):
        raise PatternError("it is absolute")
    names = [name for name in text.split("/") if name not in ("", ".")]
    if text.endswith("/") or not names:
        names.append("**")
    kept: list[str] = []
    for name in names:
        meant = _name(name)
        if meant in (".", ".."):
            raise PatternError("it leads upwards" if meant == ".." else "it names no file")
        if not (name == "**" and kept[-1:] == ["**"]):
            kept.append(name)
    return "/".join(kept)


def overlap(one: str, other: str) -> bool:
    """Whether some path fits both of two patterns, each as :func:`normalized` gives it."""
    return one == other or _names_overlap(_names(one), _names(other))


def fits(path: str, pattern: str) -> bool:
    """Whether a path, relative to what the pattern is relative to, fits it."""
    return _names_overlap(tuple(path.split("/")), _names(pattern))


def beginning(pattern: str) -> tuple[list[str], str]:
    """The names at a pattern's beginning that stand for themselves, and the rest of the pattern.

    The rest is at least the last name.
    """
    names = pattern.split("/")
    own: list[str] = []
    for name in names[:-1]:
        meant = own_name(name)
        if meant is None:
            break
        own.append(meant)
    return own, "/".join(names[len(own) :])


def _names_overlap(one: Sequence[Name], other: Sequence[Name]) -> bool:
    first, first_of_other = one[0], other[0]
    if isinstance(first, str) and isinstance(first_of_other, str) and first != first_of_other:
        return False
    return _meet(one, other, _names_meet)


def _meet(
    one: Sequence[Hashable], other: Sequence[Hashable], alike: Callable[[object, object], bool]
) -> bool:
    """Whether two lists of tokens, in each of which MANY is any run, have a list in common.

    Both are walked together. The places in the second list that can be reached are the bits of a
    number, so that no two lists take long.

    :param alike: whether two tokens, neither of them MANY, have something in common.
    """
    runs = sum(1 << place for place, token in enumerate(other) if token is MANY)
    places: dict[Hashable, int] = {}
    for place, token in enumerate(other):
        if token is not MANY:
            places[token] = places.get(token, 0) | 1 << place
    known: dict[Hashable, int] = {}
    reached = _passing(1, runs)
    for token in one:
        if token is MANY:
            # All that lies between, a run or not, may be in this run.
            lowest = reached & -reached
            reached = (1 << len(other) + 1) - lowest
            continue
        if token not in known:
            known[token] = sum(bits for each, bits in places.items() if alike(token, each))
        reached = _passing((reached & known[token]) << 1 | reached & runs, runs)
        if not reached:
            return False
    return bool(reached >> len(other))


def _passing(reached: int, runs: int) -> int:
    """The places with those that are reached by runs of nothing; no two runs are neighbours."""
    return reached | (reached & runs) << 1


def _names_meet(one: object, other: object) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one == other
    return _meet(one, other, _tokens_meet)  # type: ignore[arg-type] # names are text or tokens


def _tokens_meet(one: object, other: object) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one == other
    return any(
        low <= high_of_other and low_of_other <= high
        for low, high in _ranges(one)
        for low_of_other, high_of_other in _ranges(other)
    )


def _ranges(token: object) -> Set:
    if isinstance(token, str):
        return ((ord(token), ord(token)),)
    assert isinstance(token, tuple)
    return token


@lru_cache(maxsize=4096)
def _names(pattern: str) -> tuple[Name, ...]:
    """What a pattern means; a text that is none, from elsewhere, stands for itself."""
    names = pattern.split("/")
    try:
        return tuple(_name(name) for name in names)
    except PatternError:
        return tuple(names)


def _name(text: str) -> Name:
    """What a name means.

    :raises PatternError: a set that nothing is in, or of a kind that is not known here.
    """
    if text == "**":
        return MANY
    if is_literal(text):
        return text
    tokens: list[Part] = []
    place = 0
    # Where one set has no end, none after it has.
    closed = True
    while place < len(text):
        char = text[place]
        place += 1
        if char == "*":
            if tokens[-1:] != [MANY]:
                tokens.append(MANY)
        elif char == "?":
            tokens.append(_ANY)
        elif char == "\\":
            if place == len(text):
                raise PatternError("it ends with a backslash")
            tokens.append(text[place])
            place += 1
        elif char == "[" and closed and (found := _set(text, place)) is not None:
            tokens.append(found[0])
            place = found[1]
        else:
            closed = closed and char != "["
            tokens.append(char)
    if all(isinstance(token, str) for token in tokens):
        return "".join(token for token in tokens if isinstance(token, str))
    return tuple(tokens)


def _set(text: str, start: int) -> tuple[Part, int] | None:
    """The set that begins after a ``[``, and the place after its end; None where it has no end."""
    place = start
    outside = text[place : place + 1] in ("!", "^")
    place += outside
    chars: list[tuple[str, bool]] = []
    while True:
        if place >= len(text):
            return None
        char = text[place]
        place += 1
        if char == "]" and chars:
            break
        kind = text[place : place + 1]
        if char == "[" and kind in (":", ".", "=") and f"{kind}]" in text[place + 1 :]:
            raise PatternError("sets such as [[:alpha:]] are not known")
        if char == "\\":
            if place >= len(text):
                return None
            chars.append((text[place], False))
            place += 1
        else:
            chars.append((char, char == "-"))
    ranges = []
    at = 0
    while at < len(chars):
        low = ord(chars[at][0])
        if at + 2 < len(chars) and chars[at + 1][1]:
            high = ord(chars[at + 2][0])
            at += 3
        else:
            high = low
            at += 1
        if low <= high:
            ranges.append((low, high))
    found = _others([*(ranges if outside else _others(ranges)), _SLASH])
    if not found:
        raise PatternError("it has a set that nothing is in")
    if len(found) == 1 and found[0][0] == found[0][1]:
        return chr(found[0][0]), place
    return found, place


def _others(ranges: Iterable[tuple[int, int]]) -> Set:
    """The characters that are in none of these ranges."""
    left = []
    start = 1
    for low, high in sorted(ranges):
        if start < low:
            left.append((start, low - 1))
        start = max(start, high + 1)
    return (*left, (start, _LAST)) if start <= _LAST else tuple(left)
