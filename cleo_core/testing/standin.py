"""A plugin for tests: it owns kinds that no installed plugin has, and guards as it is told.

.. code-block:: python

    with standing_in(folder, kinds=("agent",)) as standin:
        standin.there = frozenset({"a1"})
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cleo_core import PLUGIN_API, hookimpl
from cleo_core.api import StoreSpec
from cleo_core.database import in_memory

if TYPE_CHECKING:
    from cleo_core.api import Change, Veto
    from cleo_core.app import App

CLEO_API = PLUGIN_API

#: Name of the entry point, for ``CLEO_PLUGINS``.
NAME = "kit-standin"


class StandIn:
    """What the plugin says while it stands in.

    :ivar kinds: entity kinds that it owns.
    :ivar there: the ids that exist, of any of its kinds; None when it cannot say.
    :ivar guard: asked about every change; None refuses nothing.
    :ivar asked: how often that guard was asked.
    :ivar committed: the changes that were committed.
    """

    def __init__(self) -> None:
        self.kinds: tuple[str, ...] = ()
        self.there: frozenset[str] | None = None
        self.guard: Callable[[Change], Veto | None] | None = None
        self.asked = 0
        self.committed: list[Change] = []

    def start(self, guard: Callable[[Change], Veto | None]) -> None:
        """Have changes guarded from now on; what was asked and committed before is forgotten."""
        self.guard = guard
        self.asked = 0
        self.committed.clear()


_now = StandIn()


@contextlib.contextmanager
def standing_in(folder: Path, kinds: Iterable[str] = ()) -> Iterator[StandIn]:
    """Install the plugin in this process for a while.

    :param folder: a directory for its metadata.
    """
    global _now
    info = folder / "cleo_kit_standin-1.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: cleo-kit-standin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[cleo.plugins]\n{NAME} = {__name__}\n")
    before, _now = _now, StandIn()
    _now.kinds = tuple(kinds)
    allowed = os.environ.get("CLEO_PLUGINS")
    sys.path.insert(0, str(folder))
    if allowed is not None:
        os.environ["CLEO_PLUGINS"] = f"{allowed},{NAME}"
    try:
        yield _now
    finally:
        sys.path.remove(str(folder))
        if allowed is not None:
            os.environ["CLEO_PLUGINS"] = allowed
        _now = before


@hookimpl
def cleo_register_stores() -> Iterable[StoreSpec]:
    """A store without a file, so that the kinds have an owner."""
    if not _now.kinds:
        return ()
    return (
        StoreSpec(
            name="kit_standin",
            tier="project",
            file="kit_standin.db",
            application_id=0x6B697400,
            head="kit_standin_0001",
            schema=f"{__name__}:none",
            migrations=__name__,
            snapshot=f"{__name__}:none",
            create="explicit",
            kinds=dict.fromkeys(_now.kinds, "kit_standin"),
        ),
    )


@hookimpl
def cleo_open_store(spec: StoreSpec, path: str) -> Any:
    """One row, of whatever kind: an owner that has none is believed nothing."""
    if spec.name != "kit_standin":
        return None
    return in_memory(spec.name, ("CREATE TABLE kit_standin AS SELECT 1 AS one",), {})


@hookimpl
def cleo_existing_ids(app: App, kind: str, ids: tuple[str, ...]) -> frozenset[str] | None:
    """What it was told."""
    return None if _now.there is None else _now.there & frozenset(ids)


@hookimpl
def cleo_guard_change(app: App, change: Change) -> Veto | None:
    """What it was told."""
    if _now.guard is None:
        return None
    _now.asked += 1
    return _now.guard(change)


@hookimpl
def cleo_change_committed(app: App, change: Change) -> Any:
    """Remember it."""
    _now.committed.append(change)
