"""What stays as it is while tests run, found and checked once instead of by each of them.

Every run of ``cleo`` looks through the installed distributions, loads their plugins and checks what
they declare. In one process with thousands of runs, that is half of what most of them cost.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from cleo_core.plugins import EntryPoint, Plugins, declarations, scan
from cleo_core.plugins.record import stdout_kept

if TYPE_CHECKING:
    from cleo_core.plugins.record import Plugin, Warn

T = TypeVar("T")

#: Declarations and sets of plugins that are remembered as good; beyond, all are forgotten.
MOST = 10_000


def remember() -> None:
    """Have the distributions of the search path as it is now, and good plugins, remembered.

    Directories that join the search path later, as those in which tests install plugins, are read
    each time. A module that was changed since, or that declares something else, is loaded anew.
    """
    # The package has a function of the same name.
    places = importlib.import_module("cleo_core.plugins.scan")
    fixed = frozenset(os.path.abspath(entry) for entry in sys.path if entry)
    setattr(places, "_metadata", _by_place(places._metadata, fixed, ""))  # noqa: B010
    setattr(places, "_declared", _by_place(places._declared, fixed, os.pardir))  # noqa: B010
    installed = importlib.import_module("cleo_core.installed")
    setattr(installed, "load_plugins", _of_same(installed.load_plugins, fixed))  # noqa: B010
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


def _of_same(plain: Callable[..., Plugins], fixed: frozenset[str]) -> Callable[..., Plugins]:
    """Loading of plugins; where the same ones are installed, those that were good stay loaded."""
    known: dict[tuple[object, ...], tuple[Plugins, list[object] | None]] = {}
    scanned: dict[tuple[str, ...], list[EntryPoint]] = {}

    def load(env: Mapping[str, str], *, warn: Warn, **reserved: Collection[str]) -> Plugins:
        path = tuple(sys.path)
        found = scanned.get(path)
        if found is None:
            found = scan()
            if fixed.issuperset(path):
                scanned[path] = found
        if "CLEO_TRACE_HOOKS" in env:
            return plain(env, warn=warn, entry_points=found, **reserved)
        key = (
            *(env.get(name) for name in ("CLEO_PLUGINS", "CLEO_DISABLE_PLUGINS")),
            *(frozenset(names) for names in reserved.values()),
            *(tuple(getattr(one, slot) for slot in EntryPoint.__slots__) for one in found),
        )
        before, said = known.get(key, (None, None))
        if before is not None and said == _said_by(before.loaded):
            return Plugins(
                before.loaded,
                before.disabled,
                specs=before._specs,
                store_order=before.stores,
                warn=warn,
                reserved_commands=before._reserved_commands,
            )
        warned: list[str] = []

        def warn_too(code: str, message: str) -> None:
            warned.append(code)
            warn(code, message)

        plugins = plain(env, warn=warn_too, entry_points=found, **reserved)
        said = _said_by(plugins.loaded)
        if said is not None and not plugins.quarantined and not warned:
            if len(known) >= MOST:
                known.clear()
            known[key] = (plugins, said)
        return plugins

    return load


def _said_by(plugins: Iterable[Plugin]) -> list[object] | None:
    """What the modules of plugins hold and declare; None where one fails to say."""
    said: list[object] = []
    try:
        with stdout_kept():
            for plugin in plugins:
                module = sys.modules[plugin.value.partition("[")[0].strip()]
                said.append(dict(vars(module)))
                said += [
                    list(one.function())
                    for one in plugin.functions
                    if one.hook.startswith("cleo_register_")
                ]
    except Exception:
        # The plugins are then loaded, where the failure is told as it should be.
        return None
    return said
