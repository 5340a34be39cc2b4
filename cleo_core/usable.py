"""A store made ready for use: created, migrated or refused, as its state and the App ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_core.errors import CleoError
from cleo_core.states import ABSENT, AHEAD, BEHIND, HEAD

if TYPE_CHECKING:
    from cleo_core.api import StoreSpec
    from cleo_core.app import App
    from cleo_core.database import Database


def usable(app: App, spec: StoreSpec, *, write: bool) -> Database:
    """Open a store for an App.

    :param write: an absent store is then created; for reading an empty one stands in.
    :raises CleoError: the store's state; ``E_CONFIG``; what creating and migrating raise.
    """
    if spec.tier == "project":
        assert app.project
    if app.stores.foreign:
        return _as_it_is(app, spec)
    for _ in range(3):
        opened, state = app.stores.open(spec, write=write)
        if state.state == ABSENT:
            if not write or app.dry_run:
                return app.stores.empty(spec)
            if spec.create == "explicit":
                raise app.stores.refusal(state)
            app.stores.create(spec)
            continue
        if state.state == BEHIND:
            if opened is not None:
                opened.close()
            by_its_plugin = spec.create == "explicit"
            if app.dry_run or by_its_plugin or _migrate_policy(app) == "refuse":
                raise app.stores.refusal(state)
            app.migrate(spec)
            continue
        may_read = app.verb in spec.any_revision or app.stores.examining is not None
        if state.state == AHEAD and (write or not may_read):
            if opened is not None:
                opened.close()
            raise app.stores.refusal(state)
        if opened is None:
            raise app.stores.refusal(state)
        return opened
    raise app.stores.refusal(app.stores.state(spec))


def _as_it_is(app: App, spec: StoreSpec) -> Database:
    """A store that is only looked at, and has to be there and at head."""
    opened, state = app.stores.open(spec, write=False)
    if opened is not None and state.state == HEAD:
        return opened
    if opened is not None:
        opened.close()
    raise app.stores.refusal(state)


def _migrate_policy(app: App) -> str:
    """``auto`` or ``refuse``.

    :raises CleoError: ``E_CONFIG``, the variable is misspelt: who meant to refuse a migration
        must not get one.
    """
    word = app.env.get("CLEO_MIGRATE", "").strip()
    if word not in ("", "auto", "refuse"):
        raise CleoError(
            "E_CONFIG",
            f"CLEO_MIGRATE is {word!r}; it takes auto or refuse.",
            fix="unset CLEO_MIGRATE",
        )
    return str(app.config.get("migrate.policy"))
