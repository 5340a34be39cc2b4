"""Backup sets: how old, whether good, and whether they hold every store."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from cleo_core import clock
from cleo_core.backup.checking import check
from cleo_core.backup.inventory import Inventory, inventory
from cleo_core.backup.managing import Found, create_command, sets_of
from cleo_core.backup.verifying import newest_whole, uncovered
from cleo_core.doctor.finding import Finding
from cleo_core.doctor.scene import NotExaminedError
from cleo_core.errors import CleoError
from cleo_core.paths import read_marker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cleo_core.api.specs import Tier
    from cleo_core.backup.inventory import Item
    from cleo_core.doctor.scene import Scene

#: Seconds that a store may be newer than its newest copy.
OLDEST = 86400.0


def age(scene: Scene) -> Finding:
    """Stores that were changed more than a day after their newest copy was made."""
    old: list[dict[str, Any]] = []
    for tier in _tiers(scene):
        try:
            known, sets = _known(scene, tier), _sets(scene, tier)
        except CleoError as error:
            return Finding("error", error.message, {"code": error.code, "tier": tier}, error.fix)
        for item in known.items:
            if item.kind != "store":
                continue
            changed, copied = _changed(item), _copied(sets, item)
            since = _begun(known) if copied is None else copied
            if changed is not None and since is not None and changed - since > OLDEST:
                old.append(
                    {
                        "store": item.name,
                        "tier": tier,
                        "changedAt": clock.format_time(changed),
                        "copiedAt": None if copied is None else clock.format_time(copied),
                    }
                )
    if not old:
        return Finding("ok", "Every store that was changed has a copy of its last day.")
    first = old[0]
    then = f"and copied at {first['copiedAt']}" if first["copiedAt"] else "and never copied"
    return Finding(
        "warning",
        f"Store {first['store']} was changed at {first['changedAt']} {then}.",
        {"stores": old},
        create_command([one["tier"] for one in old]),
    )


def verify(scene: Scene) -> Finding:
    """The newest sets as they were made; with ``--deep`` what is in their databases as well."""
    tiers = [tier for tier in _tiers(scene) if _sets(scene, tier)]
    if not tiers:
        raise NotExaminedError("There is no backup set yet.", absent=True)
    found = check(scene.app.stores, tiers, deep=scene.deep, content=scene.deep)
    checked = found.as_json()["checked"]
    bad = [one for one in checked if not one["ok"]]
    if not bad:
        return Finding("ok", f"The newest sets are good: {', '.join(found.names())}.")
    path = next(
        one.one.path
        for one, verdicts in found.verdicts
        if any(verdict.error for verdict in verdicts)
    )
    return Finding(
        "error",
        f"{path} is damaged: {bad[0]['item']}: {bad[0]['error']}.",
        {"faults": bad},
        create_command([one["tier"] for one in bad]),
    )


def coverage(scene: Scene) -> Finding:
    """Stores in neither the newest set that was made of everything nor a later one."""
    missing: list[dict[str, Any]] = []
    never = True
    for tier in _tiers(scene):
        sets = [one.one for one in _sets(scene, tier)]
        if not sets:
            # How long there has been something to copy is the affair of backup.age.
            continue
        whole = newest_whole(sets) is not None
        for item in uncovered(sets, _known(scene, tier)):
            if item.kind == "store":
                never = never and not whole
                missing.append({"store": item.name, "tier": tier, "path": item.path})
    if not missing:
        return Finding("ok", "The newest sets hold every store.")
    first = missing[0]
    words = "no set" if never else "neither the newest set of everything nor a later one"
    return Finding(
        # Before the first set of everything there are those of the stores that were concerned.
        "warning" if never else "error",
        f"Store {first['store']} is in {words}.",
        {"stores": missing},
        create_command([one["tier"] for one in missing]),
    )


def _tiers(scene: Scene) -> list[Tier]:
    within = scene.directories()
    tiers: list[Tier] = ["project", "global"]
    return [tier for tier in tiers if tier in within]


def _known(scene: Scene, tier: Tier) -> Inventory:
    return scene.once(f"inventory of {tier}", lambda: inventory(scene.app.stores, tier))


def _sets(scene: Scene, tier: Tier) -> list[Found]:
    return scene.once(f"backup sets of {tier}", lambda: sets_of(scene.app.stores, [tier]))


def _changed(item: Item) -> float | None:
    """When a store was last written to."""
    moments = []
    for path in (item.path, item.path + "-wal"):
        try:
            status = os.stat(path)
        except OSError:
            # There is no log, or the file cannot be looked at, which other checks report.
            continue
        if status.st_size:
            moments.append(status.st_mtime)
    return max(moments, default=None)


def _copied(sets: Sequence[Found], item: Item) -> float | None:
    """When the newest copy of an item was made."""
    for found in sets:
        if found.one.sound and item.key in found.one.by_key():
            return clock.parse_time(found.one.manifest["createdAt"])
    return None


def _begun(known: Inventory) -> float | None:
    """Since when there has been something to copy: the project's birth, else the oldest file."""
    marker = read_marker(known.directory) if known.tier == "project" else None
    try:
        return clock.parse_time(str((marker or {})["createdAt"]))
    except (KeyError, ValueError):
        moments = []
        for item in known.items:
            try:
                moments.append(os.stat(item.path).st_mtime)
            except OSError:
                # Gone meanwhile.
                continue
        return min(moments, default=None)
