"""What leases are asked for by: patterns and paths as callers write them."""

from __future__ import annotations

import os
import re
from typing import Any, NamedTuple

from cleo_conduit import globs
from cleo_core import inputs
from cleo_core.errors import UsageError, echoed, shortened
from cleo_core.paths import find_git_root
from cleo_core.paths.worktrees import linked_main

#: Characters of a pattern.
LENGTH = 1024
#: Patterns or paths that one call may name.
MOST = 500
_FIX = "cleo lease acquire 'src/**'"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
#: Kinds of things that have names and no path.
_NAMED = ("tool", "resource")


class Place(NamedTuple):
    """What a lease is asked for, or looked for, on.

    :ivar namespace: ``file``, ``tool`` or ``resource``.
    :ivar pattern: as it is stored.
    :ivar given: as the caller wrote it.
    """

    namespace: str
    pattern: str
    given: str

    def meets(self, pattern: str) -> bool:
        """Whether it has something in common with a stored pattern of its namespace."""
        if self.namespace == "file":
            return globs.overlap(self.pattern, pattern)
        return self.pattern == pattern


class Tree(NamedTuple):
    """Where the files are.

    :ivar root: the project's root.
    :ivar top: the same in the git work tree around the working directory: a linked one has files of
        its own.
    """

    root: str
    top: str

    @classmethod
    def of(cls, root: str) -> Tree:
        """The tree of a project."""
        top = find_git_root()
        main = None if top is None else linked_main(top)
        if top is None or main is None:
            return cls(root, root)
        below = _below(os.path.realpath(root), os.path.realpath(main))
        return cls(root, root if below is None else os.path.normpath(os.path.join(top, below)))

    def pattern(self, value: Any) -> Place:
        """A pattern of paths below the root, or a name under ``tool://`` or ``resource://``.

        Links among the directories that it names are followed; a directory stands for all that is
        in it, and a path that is there and that the pattern would not fit for itself.

        :raises UsageError: it is empty, leads out of the project, or is no pattern.
        """
        text = _text(value)
        place = _named(text)
        if place is not None:
            return place
        relative = self._relative(text)
        if (
            not globs.is_literal(relative)
            and os.path.lexists(os.path.join(self.top, relative))
            and not _fits_itself(relative)
        ):
            relative = globs.literal(relative)
        return Place("file", self._resolved(_normalized(relative, text)), text)

    def path(self, value: Any) -> list[Place]:
        """The places that a path stands for: itself and, where it is a link, what it leads to.

        :raises UsageError: it is empty or leads out of the project.
        """
        text = _text(value, stored=False)
        place = _named(text)
        if place is not None:
            return [place]
        relative = self._relative(self._from_here(text))
        found = [self._resolved(_normalized(globs.literal(relative), text))]
        real = _below(os.path.realpath(os.path.join(self.top, relative)), self._real())
        if real is not None and os.path.islink(os.path.join(self.top, relative)):
            found.append(self._resolved(_normalized(globs.literal(real), text)))
        return [Place("file", pattern, text) for pattern in dict.fromkeys(found)]

    def _from_here(self, text: str) -> str:
        """A path as it is written below the root, where only the working directory has it."""
        if os.path.isabs(text) or os.path.lexists(os.path.join(self.top, text)):
            return text
        below = _below(os.path.realpath(os.getcwd()), self._real())
        if below in (None, ".") or not os.path.lexists(text):
            return text
        return f"{below}/{text}"

    def _relative(self, text: str) -> str:
        """A path or pattern as it is written below the root."""
        if os.sep != "/":
            text = text.replace(os.sep, "/")
        if not os.path.isabs(text):
            return text
        bases = (self.root, self.top, os.path.realpath(self.root), self._real())
        for base in dict.fromkeys(base.replace(os.sep, "/").rstrip("/") for base in bases):
            if text.rstrip("/") == base:
                return "./"
            if text.startswith(f"{base}/"):
                return text[len(base) + 1 :].lstrip("/") or "./"
        # Perhaps through a link from elsewhere.
        for head, tail in (os.path.split(text), (text, "")):
            below = _below(os.path.realpath(head), self._real())
            if below is not None and ".." not in text.split("/"):
                return f"{below}/{tail}"
        raise _outside(text)

    def _resolved(self, pattern: str) -> str:
        """A pattern without links among the directories at its beginning."""
        names, rest = globs.beginning(pattern)
        if names:
            real = self._real()
            below = _below(os.path.realpath(os.path.join(real, *names)), real)
            if below is None:
                raise _outside(pattern)
            names = [] if below == "." else below.split("/")
        found = "/".join([*map(globs.literal, names), rest])
        last = None if "/" in rest else globs.own_name(rest)
        if last is not None:
            path = os.path.join(self.top, *names, last)
            if os.path.isdir(path) and not os.path.islink(path):
                found += "/**"
        return found

    def _real(self) -> str:
        return os.path.realpath(self.top)


def places(tree: Tree, values: Any) -> list[Place]:
    """Patterns as callers give them, each once.

    :raises UsageError: there are none, too many, or one is no pattern.
    """
    found = {place[:2]: place for place in (tree.pattern(one) for one in several(values))}
    return list(found.values())


def several(values: Any, what: str = "A pattern", fix: str = _FIX) -> list[Any]:
    """One or more values.

    :param what: what one of them is.
    :raises UsageError: there are none, or too many.
    """
    if len(values) == 0:
        raise UsageError(f"{what} is needed.", fix=fix)
    if len(values) > MOST:
        raise UsageError(f"At most {MOST} may be named at once, and {len(values)} are.", fix=fix)
    return list(values)


def _text(value: Any, *, stored: bool = True) -> str:
    if stored:
        value = inputs.as_filter(lambda given: inputs.plain_text(given, "A pattern"), value)
    if not isinstance(value, str) or "\0" in value or not value.strip():
        raise UsageError(f"{echoed(value)} is no path or pattern.", fix=_FIX)
    if len(value) > LENGTH:
        raise UsageError(
            f"A pattern or a path has at most {LENGTH} characters; this has {len(value)}.", fix=_FIX
        )
    return value


def _named(text: str) -> Place | None:
    """What has a name and no path."""
    scheme = _SCHEME.match(text)
    if scheme is None:
        return None
    name = text[scheme.end() :]
    if scheme[1] not in _NAMED:
        raise UsageError(
            f"{shortened(text)!r} is no path, and names begin with tool:// or resource://.",
            fix="cleo lease acquire tool://deploy",
        )
    if not name.strip() or not name.isprintable() or "*" in name:
        raise UsageError(
            f"{shortened(text)!r}: a name of printable characters without * is needed.",
            fix=f"cleo lease acquire {scheme[1]}://deploy",
        )
    return Place(scheme[1], text, text)


def _normalized(pattern: str, given: str) -> str:
    try:
        return globs.normalized(pattern)
    except globs.PatternError as error:
        raise UsageError(f"{shortened(given)!r} is no pattern: {error}.", fix=_FIX) from None


def _fits_itself(path: str) -> bool:
    """Whether a path fits the pattern that has its text."""
    try:
        return globs.fits(path.rstrip("/"), globs.normalized(path))
    except globs.PatternError:
        return False


def _below(path: str, base: str) -> str | None:
    """The way from a directory to a real path in it, ``.`` for the directory itself, or None."""
    if path == base:
        return "."
    start = base.rstrip(os.sep) + os.sep
    return path[len(start) :].replace(os.sep, "/") if path.startswith(start) else None


def _outside(text: str) -> UsageError:
    return UsageError(
        f"{shortened(text)!r} lies outside of the project.", fix="a path relative to the project"
    )
