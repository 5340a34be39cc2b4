"""What stays as it is while tests run, found and checked once instead of by each of them.

Every run of ``cleo`` looks through the installed distributions and checks what their plugins
declare. In one process with thousands of runs, that is a third of what most of them cost.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar

from cleo_core.plugins import declarations

T = TypeVar("T")

#: Declarations that are remembered as good; beyond, all are forgotten.
MOST = 10_000


def remember() -> None:
    """Have the distributions of the search path as it is now, and good declarations, remembered.

    Directories that join the search path later, as those in which tests install plugins, are read
    each time.
    """
    # The package has a function of the same name.
    scan = importlib.import_module("cleo_core.plugins.scan")
    fixed = frozenset(os.path.abspath(entry) for entry in sys.path if entry)
    setattr(scan, "_metadata", _by_place(scan._metadata, fixed, ""))  # noqa: B010
    setattr(scan, "_declared", _by_place(scan._declared, fixed, os.pardir))  # noqa: B010
    for name in ("_check_command", "_check_store", "_check_reference", "_check_key"):
        setattr(declarations, name, _of_good(getattr(declarations, name)))


def _by_place(
    plain: Callable[[str], list[T]], fixed: frozenset[str], above: str
) -> Callable[[str], list[T]]:
    """A function of a path, whose results for some directories are kept."""
    known: dict[str, list[T]] = {}

    def found(path: str) -> list[T]:
        if path not in known:
            result = plain(path)
            if os.path.isabs(path) and os.path.normpath(os.path.join(path, above)) in fixed:
                known[path] = result
            return result
        return known[path]

    return found


def _of_good(plain: Callable[..., None]) -> Callable[..., None]:
    """A check of a declaration, which cannot be changed: what once was good is good."""
    # Each is kept, so that no other one gets its identity.
    good: dict[tuple[Any, ...], object] = {}

    def check(spec: object, *rest: Any) -> None:
        key = (id(spec), *(frozenset(one) if isinstance(one, set) else one for one in rest))
        if key not in good:
            plain(spec, *rest)
            if len(good) >= MOST:
                good.clear()
            good[key] = spec

    return check
