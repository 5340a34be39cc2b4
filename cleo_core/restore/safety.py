"""The set of everything that a restore replaces."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cleo_core.backup import create_set
from cleo_core.backup.inventory import Item, machine_fingerprint
from cleo_core.backup_sets import Retention, rotate, warn_not_removed
from cleo_core.errors import CleoError
from cleo_core.locks import locked
from cleo_core.progress import Progress
from cleo_core.restore.live import Live
from cleo_core.restore.planning import Plan, tier_of

if TYPE_CHECKING:
    from cleo_core.app import App


def safety_set(
    app: App,
    plan: Plan,
    live: Sequence[Live],
    reason: str,
    origin: str,
    progress: Progress | None,
) -> str | None:
    """Copy what is about to be replaced, databases through the connections that hold them.

    Nothing is rotated away: that could be the set which is restored.

    :param origin: what replaces them.
    :returns: the set's path; None where nothing is replaced of which a copy can be made.
    :raises CleoError: ``E_BACKUP_FAILED``, ``E_NO_SPACE``.
    """
    kept = [one for one in live if one.sound]
    if not kept:
        return None
    made = create_set(
        plan.directory,
        tier_of(plan.source),
        reason,
        [_item(one) for one in kept],
        project=app.project_or_none if tier_of(plan.source) == "project" else None,
        plugin_versions=app.plugins.versions(),
        note=f"replaced by {os.path.basename(origin)}",
        fingerprint=machine_fingerprint(app.stores),
        prepare=app.stores.fit_out,
        connections={
            one.planned.target: one.held.connection for one in kept if one.held is not None
        },
        progress=progress,
    )
    return str(made["path"])


def rotate_sets(app: App, directory: str, fresh: str | None) -> None:
    """Let older sets go, as configured, now that nothing of them is needed any more."""
    if fresh is None:
        return
    keep = Retention.configured(app.config.get)
    try:
        with locked(directory, "backups"):
            _, why = rotate(os.path.join(directory, "backups"), keep, os.path.basename(fresh))
    except CleoError as error:
        why = error.message
    warn_not_removed(app.warn, why)


def _item(one: Live) -> Item:
    planned = one.planned
    spec = planned.spec
    declared = None
    if planned.kind == "file" and spec is not None:
        declared = next(file for file in spec.files if file.name == planned.name)
    return Item(
        planned.kind,
        planned.name,
        planned.target,
        os.path.basename(planned.target),
        spec,
        declared,
    )
