"""Sets of all that tiers have to keep."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cleo_core import clock, inputs
from cleo_core.backup.creating import create_set
from cleo_core.backup.inventory import Inventory, inventory, machine_fingerprint
from cleo_core.backup_sets import (
    FORMAT,
    BackupSet,
    Retention,
    manifest_hash,
    read_sets,
    superfluous,
    warn_not_removed,
)
from cleo_core.errors import CleoError, ValidationError, shortened
from cleo_core.paths import tier_directory
from cleo_core.progress import Progress
from cleo_core.space import require_space

if TYPE_CHECKING:
    from cleo_core.api.specs import Tier
    from cleo_core.app import App
    from cleo_core.stores import Stores

#: Characters of a note.
LONGEST_NOTE = 2000

Warn = Callable[[str, str], None]


class Made(NamedTuple):
    """The sets of one run, which share an id.

    :ivar sets: for each tier ``{name, tier, path, items, bytes, ms, complete, failed, rotated}``;
        of a dry run without name and path, and with what would be copied and go.
    :ivar faults: why an item, or a whole set, could not be made; a sentence each.
    """

    set_id: str | None
    sets: tuple[dict[str, Any], ...]
    faults: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """``{setId, sets, rotated}``."""
        rotated = [name for one in self.sets for name in one["rotated"]]
        return {"setId": self.set_id, "sets": list(self.sets), "rotated": rotated}


def back_up_whole(
    app: App,
    tiers: Sequence[Tier],
    *,
    note: str = "",
    pinned: bool = False,
    deep: bool = False,
    progress: Progress | None = None,
) -> Made:
    """Make a set of everything in each of some tiers; a tier that has nothing gets none.

    Older sets go as configured. A dry run only says what would be copied and which sets would go.

    :param note: what people want to remember of it.
    :param pinned: whether the sets stay until they are unpinned.
    :param deep: look at every page and index of each copy.
    :raises CleoError: ``E_NOTHING``, no tier has anything; ``E_NO_SPACE``, before a byte is
        written; ``E_VALIDATION``, the note is no text, or a tier none; ``E_NO_HOME``. What goes
        wrong with an item or a set is in ``faults``.
    """
    tiers = inputs.texts(tiers, "The tiers")  # type: ignore[assignment] # looked at below
    if len(inputs.plain_text(note, "The note")) > LONGEST_NOTE:
        raise ValidationError(
            f"The note is longer than {LONGEST_NOTE} characters.",
            fix="cleo backup create --note TEXT",
        )
    for tier in tiers:
        if tier not in ("project", "global"):
            raise ValidationError(
                f"{shortened(str(tier))!a} is no tier; there are project and global.",
                fix="cleo backup create --help",
            )
    stores, keep = app.stores, Retention.configured(app.config.get)
    if not app.dry_run:
        for tier in tiers:
            # Half of a restore that was interrupted is nothing to keep.
            stores.finish_restore(tier_directory(tier, stores.project, stores.env))
    # What is pointed at is copied after what points: the project's stores name global ones.
    known = [inventory(stores, tier) for tier in ("project", "global") if tier in tiers]
    wanted = [one for one in known if one.items]
    if not wanted:
        raise CleoError("E_NOTHING", "There is nothing to back up yet.", fix="cleo init")
    for one in known:
        _mention(stores, one, app.warn)
    _require_space(wanted)
    if app.dry_run:
        return Made(None, tuple(_planned(stores, one, keep) for one in wanted))
    set_id, sets, faults = os.urandom(16).hex(), [], []
    for one in wanted:
        try:
            made = create_set(
                one.directory,
                one.tier,
                "manual",
                one.items,
                project=stores.project,
                plugin_versions=stores.plugins.versions(),
                note=note,
                set_id=set_id,
                fingerprint=machine_fingerprint(stores),
                deep=deep,
                progress=progress,
                prepare=stores.fit_out,
                keep=keep,
                whole=True,
                pinned=pinned,
            )
        except CleoError as error:
            if error.code != "E_BACKUP_FAILED":
                raise
            # The other tier gets its copies all the same.
            faults.append(error.message)
            continue
        faults += [str(failed["message"]) for failed in made["failed"]]
        warn_not_removed(app.warn, made["notRemoved"])
        shown = ("name", "tier", "path", "items", "bytes", "ms", "complete", "failed")
        sets.append({**{key: made[key] for key in shown}, "rotated": made["removed"]})
    return Made(set_id, tuple(sets), tuple(faults))


def _mention(stores: Stores, one: Inventory, warn: Warn) -> None:
    """Say of which stores no copy is made though there is, or was, something to copy."""
    for name in one.elsewhere:
        warn(
            "W_BACKUP_ELSEWHERE",
            f"A plugin keeps store {name} in another place than its file; no set holds it.",
        )
    there = {item.key for item in one.items}
    copies: dict[str, BackupSet] = {}
    for older in read_sets(os.path.join(one.directory, "backups")):
        for name in older.copies() if older.sound else ():
            copies.setdefault(name, older)
    for name, older in copies.items():
        spec = stores.plugins.stores.get(name)
        if spec is None or spec.tier != one.tier or spec.backup != "include":
            continue
        if ("store", name) not in there and name not in one.elsewhere:
            warn(
                "W_BACKUP_GONE",
                f"{os.path.join(one.directory, spec.file)} is not there, or empty, so that the set "
                f"lacks it; the newest copy of store {name} is in {older.path}.",
            )


def _require_space(wanted: Sequence[Inventory]) -> None:
    """Refuse before the first byte where the sets of all tiers do not fit.

    :raises CleoError: ``E_NO_SPACE``.
    """
    devices: dict[int, tuple[str, list[str]]] = {}
    for one in wanted:
        # The data directory may be made by this very backup.
        directory = one.directory
        while not os.path.isdir(directory) and directory != os.path.dirname(directory):
            directory = os.path.dirname(directory)
        files = devices.setdefault(os.stat(directory).st_dev, (directory, []))[1]
        files += [item.path for item in one.items]
    for directory, files in devices.values():
        require_space(directory, files, percent=110, purpose="The backup")


def _planned(stores: Stores, one: Inventory, keep: Retention) -> dict[str, Any]:
    """What a set would hold, and which would go because of it."""
    items = [
        {
            "name": item.name,
            "kind": item.kind,
            **({"store": item.spec.name} if item.spec else {}),
            "file": item.file,
            "bytes": _size(item.path),
        }
        for item in reversed(one.items)
    ]
    sets = read_sets(os.path.join(one.directory, "backups"))
    return {
        "name": None,
        "tier": one.tier,
        "path": None,
        "items": items,
        "bytes": sum(item["bytes"] for item in items),
        "ms": 0.0,
        "complete": not any(item.problem for item in one.items),
        "failed": [],
        "rotated": list(_would_go(stores, one, items, sets, keep)),
    }


def _would_go(
    stores: Stores,
    one: Inventory,
    items: Sequence[dict[str, Any]],
    sets: Sequence[BackupSet],
    keep: Retention,
) -> Iterator[str]:
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "setId": "",
        "sequence": 1 + max((older.sequence for older in sets), default=0),
        "tier": one.tier,
        "reason": "manual",
        "note": "",
        "createdAt": clock.now(),
        "project": {"id": stores.project.id} if stores.project else None,
        "items": [{**item, "sha256": ""} for item in items],
    }
    manifest["manifestSha256"] = manifest_hash(manifest)
    # The name of no set that is there.
    fresh = BackupSet(os.path.join(one.directory, "backups", ".planned"), manifest)
    for older in reversed(superfluous([fresh, *sets], keep, fresh.name)):
        yield older.name


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
