"""The sets within reach: finding one, telling of it, keeping it and removing it."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

from cleo_core.backup_sets import (
    LATEST,
    MANIFEST,
    NAME,
    BackupSet,
    Retention,
    is_good,
    pin,
    read_set,
    read_sets,
    remove,
    rotate,
    superfluous,
    unreadable_sets,
)
from cleo_core.errors import CleoError, NotFoundError, ValidationError, echoed
from cleo_core.locks import locked
from cleo_core.paths import file_error, tier_directory
from cleo_core.paths.files import quoted

if TYPE_CHECKING:
    from cleo_core.api.specs import Tier
    from cleo_core.stores import Stores


class Found(NamedTuple):
    """A set and where it lies.

    :ivar tier: whose; of one that lies elsewhere, what its manifest says.
    :ivar directory: the tier's; of one that lies elsewhere, nothing.
    """

    tier: str
    directory: str
    one: BackupSet


def sets_of(stores: Stores, tiers: Sequence[Tier]) -> list[Found]:
    """The sets of some tiers, each tier's newest first, those last that cannot be read.

    :raises CleoError: ``E_NO_HOME``.
    """
    found = []
    for tier in tiers:
        directory = tier_directory(tier, stores.project, stores.env)
        backups = os.path.join(directory, "backups")
        sets = read_sets(backups)
        for name in unreadable_sets(backups, sets):
            sets.append(BackupSet(os.path.join(backups, name), {}))
        found += [Found(tier, directory, one) for one in sets]
    return found


def find_set(stores: Stores, word: str, tiers: Sequence[Tier]) -> Found:
    """The set that a word means: ``latest``, its name, or the path of its directory.

    Of two tiers that have a set of that name it is the first one's; ``latest`` is the newest of the
    first tier that has one.

    :raises CleoError: ``E_NO_BACKUP``, there is none at all; ``E_NOT_FOUND``.
    """
    if os.sep in word or (os.altsep and os.altsep in word):
        return _at(os.path.abspath(word), stores, tiers)
    known = sets_of(stores, tiers)
    if not known:
        raise no_backup(tiers)
    if word == LATEST:
        return next((found for found in known if found.one.sound), known[0])
    for found in known:
        if found.one.name == word:
            return found
    raise NotFoundError(f"There is no backup set {echoed(word)}.", fix="cleo backup list")


def no_backup(tiers: Sequence[Tier]) -> CleoError:
    """There is no set at all."""
    return CleoError(
        "E_NO_BACKUP",
        "There is no backup set yet.",
        fix=f"cleo backup create{'' if 'project' in tiers else ' --global'}",
    )


def create_command(tiers: Collection[str]) -> str:
    """The command that makes a set for each of the tiers."""
    if set(tiers) == {"project"}:
        return "cleo backup create"
    return "cleo backup create --all" if "project" in tiers else "cleo backup create --global"


def described(found: Found) -> dict[str, Any]:
    """A set as a list shows it.

    :returns: name, tier, reason, createdAt, bytes, stores, pinned, complete, sound, note, path. Of
        a set whose manifest is not as it was written, what its name says.
    """
    one = found.one
    manifest = one.manifest if one.sound else {}
    reason, created = manifest.get("reason", ""), manifest.get("createdAt", "")
    match = NAME.fullmatch(one.name)
    if not one.sound and match is not None:
        year, month, day, hour, minute, second, reason = match.groups()
        created = f"{year}-{month}-{day}T{hour}:{minute}:{second}.000Z"
    return {
        "name": one.name,
        "tier": found.tier,
        "reason": reason,
        "createdAt": created,
        "bytes": sum(item["bytes"] for item in one.items),
        "stores": sorted(one.copies()),
        "pinned": one.is_pinned,
        "complete": manifest.get("complete") is True,
        "sound": one.sound,
        "note": manifest.get("note", ""),
        "path": one.path,
    }


def set_pinned(found: Found, pinned: bool, *, dry_run: bool = False) -> bool:
    """Keep a set until it is unpinned, or no longer.

    :returns: whether anything changed; of a dry run, whether it would.
    :raises CleoError: it cannot be written; ``E_LOCK_TIMEOUT``.
    """
    if found.one.is_pinned is pinned:
        return False
    if not dry_run:
        with _locked(found):
            if not os.path.isdir(found.one.path):
                raise _gone(found)
            pin(found.one.path, pinned)
    return True


def delete_sets(
    stores: Stores,
    found: Sequence[Found],
    tiers: Sequence[Tier],
    *,
    sure: bool = False,
    dry_run: bool = False,
) -> list[str]:
    """Remove sets.

    :param sure: also where they hold the last good copy of something.
    :param dry_run: only find out whether they would be.
    :returns: their names.
    :raises CleoError: ``E_VALIDATION``, one is pinned or lies elsewhere; ``E_CONFIRMATION_NEEDED``,
        nobody is sure. Nothing has been removed. ``E_IO``, ``E_PERMISSION_FS``: some may have.
    """
    chosen = list({one.one.path: one for one in found}.values())
    for one in chosen:
        if not one.directory:
            raise ValidationError(
                f"{one.one.path} is none of the sets that are kept here.", fix="cleo backup list"
            )
        if one.one.is_pinned:
            raise ValidationError(
                f"The set {one.one.name} is pinned.",
                fix=f"cleo backup unpin {one.one.name}{_option(one, tiers)}",
            )
    with ExitStack() as stack:
        # Of two that each leave what the other one takes, none would leave a copy.
        for directory in sorted({one.directory for one in chosen}) if not dry_run else ():
            stack.enter_context(locked(directory, "backups"))
        last = [] if sure else _last_copies(sets_of(stores, tiers), chosen)
        if last:
            names = " ".join(one.one.name for one in chosen)
            raise CleoError(
                "E_CONFIRMATION_NEEDED",
                f"No other set has a good copy of {', '.join(last)}.",
                fix=f"cleo backup delete {names}{_option(chosen[0], tiers)} --yes",
                details={"lastCopies": last},
            )
        for one in reversed(chosen) if not dry_run else ():
            _remove(one)
    return [one.one.name for one in chosen]


def prune(
    stores: Stores, tiers: Sequence[Tier], keep: Retention, *, dry_run: bool = False
) -> tuple[list[str], str]:
    """Remove the sets that no rule keeps.

    :returns: their names, oldest first, and why some are still there, or nothing.
    :raises CleoError: ``E_NO_HOME``, ``E_LOCK_TIMEOUT``.
    """
    removed: list[str] = []
    trouble = []
    for tier in tiers:
        directory = tier_directory(tier, stores.project, stores.env)
        backups = os.path.join(directory, "backups")
        sets = read_sets(backups)
        if dry_run:
            removed += [one.name for one in reversed(superfluous(sets, keep))]
        elif os.path.isdir(backups):
            with locked(directory, "backups"):
                gone, why = rotate(backups, keep)
            removed += gone
            trouble += [why] if why else []
    return removed, "; ".join(trouble)


def _last_copies(known: Sequence[Found], chosen: Sequence[Found]) -> list[str]:
    """Names of what has a good copy in the chosen sets and in none of the others."""
    going = {one.one.path for one in chosen}
    found = []
    for tier in dict.fromkeys(one.tier for one in chosen):
        sets = [one.one for one in known if one.tier == tier and one.one.sound]
        keys = {(one.owner, key) for one in sets if one.path in going for key in one.by_key()}
        for owner, key in sorted(keys):
            holders = [
                (one, one.by_key()[key])
                for one in sets
                if one.owner == owner and key in one.by_key()
            ]
            good = (one.path in going for one, item in holders if is_good(one.path, item))
            # Those that stay are asked first: mostly the newest of them answers.
            holders.sort(key=lambda pair: pair[0].path in going)
            if next(good, False):
                found.append(key[1])
    return found


def _at(path: str, stores: Stores, tiers: Sequence[Tier]) -> Found:
    for tier in tiers:
        directory = tier_directory(tier, stores.project, stores.env)
        if _is_same(os.path.dirname(path), os.path.join(directory, "backups")):
            return find_set(stores, os.path.basename(path), [tier])
    one = read_set(path)
    if one is None:
        raise NotFoundError(
            f"{path} is no backup set: it has no {MANIFEST} that can be read.",
            fix=f"ls -la {quoted(os.path.dirname(path))}",
        )
    return Found(str(one.manifest.get("tier")), "", one)


def _is_same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except (OSError, ValueError):
        return False


def _locked(found: Found) -> Any:
    if not found.directory:
        raise ValidationError(
            f"{found.one.path} is none of the sets that are kept here.", fix="cleo backup list"
        )
    return locked(found.directory, "backups")


def _remove(found: Found) -> None:
    try:
        remove(found.one.path)
    except FileNotFoundError:
        raise _gone(found) from None
    except OSError as error:
        raise file_error(error, found.one.path) from error


def _gone(found: Found) -> CleoError:
    return NotFoundError(f"The set {found.one.name} is gone meanwhile.", fix="cleo backup list")


def _option(found: Found, tiers: Sequence[Tier]) -> str:
    """What tells a global set from the project's of the same name."""
    return " --global" if found.tier == "global" and "project" in tiers else ""
