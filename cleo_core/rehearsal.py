"""Dry runs of several units: each sees what those before it wrote, and nobody waits for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cleo_core.database import Database
from cleo_core.database.rehearsing import Rehearsal

if TYPE_CHECKING:
    from cleo_core.app import App


@contextmanager
def rehearsed(app: App, name: str, opened: dict[str, Database]) -> Iterator[Database]:
    """Let the units on a store write to a private copy of it until the end of the block.

    A store that is not there, or that a plugin keeps elsewhere, is not copied: there each unit is
    rolled back by itself.

    :param opened: the App's open stores.
    :returns: where to read what the units see.
    :raises RuntimeError: this is no dry run.
    :raises CleoError: there is no space for the copy, the store is damaged.
    """
    if not app.dry_run:
        raise RuntimeError("only a dry run is rehearsed")
    original = app.store(name)
    if original.stands_in or app.stores.elsewhere(app.stores.spec(name)) is not None:
        yield original
        return
    copy = opened[name] = Rehearsal(original)
    try:
        yield copy
    finally:
        opened[name] = original
        app.existence.forget()
        copy.close()
