"""Verifying some of the sets within reach, or all, and what they hold against what there is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cleo_core.backup.inventory import Item, inventory
from cleo_core.backup.managing import Found, find_set, no_backup, sets_of
from cleo_core.backup.verifying import Verdict, newest_whole, not_in, uncovered, verify_set
from cleo_core.progress import Progress

if TYPE_CHECKING:
    from cleo_core.api.specs import Tier
    from cleo_core.backup_sets import BackupSet
    from cleo_core.stores import Stores


class Checked(NamedTuple):
    """What was found.

    :ivar verdicts: of each set that was looked at.
    :ivar missing: what there is to keep, and the set that ought to hold it and does not.
    """

    verdicts: tuple[tuple[Found, tuple[Verdict, ...]], ...]
    missing: tuple[tuple[Found, Item], ...]

    @property
    def damaged(self) -> bool:
        """Whether something in a set is not as it was written."""
        return any(one.error for _, verdicts in self.verdicts for one in verdicts)

    def tiers(self) -> set[Tier]:
        """The tiers of sets in which something is damaged or missing."""
        damaged = [found for found, verdicts in self.verdicts if any(one.error for one in verdicts)]
        return {_tier(found) for found in [*damaged, *(found for found, _ in self.missing)]}

    def names(self) -> list[str]:
        """Names of the sets that were looked at."""
        return [found.one.name for found, _ in self.verdicts]

    def fault(self) -> str:
        """The first fault, and how many there are; nothing where there is none."""
        faults = [
            f"{found.one.path}: {one.item}: {one.error}"
            for found, verdicts in self.verdicts
            for one in verdicts
            if one.error
        ]
        faults += [
            f"{found.one.path} lacks {item.kind} {item.name}, which is in {item.path}"
            for found, item in self.missing
        ]
        if not faults:
            return ""
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        return f"{faults[0]}{more}."

    def as_json(self) -> dict[str, Any]:
        """``{checked[{set, tier, item, kind, ok, error?}], missing[{set, tier, name, kind}]}``."""
        return {
            "checked": [
                {
                    "set": found.one.name,
                    "tier": found.tier,
                    "item": one.item,
                    "kind": one.kind,
                    "ok": not one.error,
                    **({"error": one.error} if one.error else {}),
                }
                for found, verdicts in self.verdicts
                for one in verdicts
            ],
            "missing": [
                {
                    "set": found.one.name,
                    "tier": found.tier,
                    "name": item.name,
                    "kind": item.kind,
                    "path": item.path,
                }
                for found, item in self.missing
            ],
        }


def check(
    stores: Stores,
    tiers: Sequence[Tier],
    word: str | None = None,
    *,
    every: bool = False,
    deep: bool = False,
    content: bool = True,
    progress: Progress | None = None,
) -> Checked:
    """Verify the set that a word means, every set, or of each tier the newest ones.

    The newest ones are the newest set and the newest that was made of everything. What they are to
    hold is the inventory of now: a set that is named is compared by itself where it was made of
    everything; else what was copied later counts too. A set from before something risky holds what
    was concerned and is not compared.

    :raises CleoError: ``E_NO_BACKUP``, there is no set; ``E_NOT_FOUND``, none of that name.
    """
    missing: list[tuple[Found, Item]] = []
    if word is not None:
        chosen = [find_set(stores, word, tiers)]
        if chosen[0].one.is_whole and chosen[0].directory:
            known = inventory(stores, _tier(chosen[0]))
            missing = [(chosen[0], item) for item in not_in(chosen[0].one, known)]
    else:
        found = sets_of(stores, tiers)
        if not found:
            raise no_backup(tiers)
        chosen = found if every else _newest(found, tiers)
        for tier in tiers:
            sets = [one.one for one in found if one.tier == tier]
            whole = newest_whole(sets)
            if whole is not None:
                ought = next(one for one in found if one.one is whole)
                lost = uncovered(sets, inventory(stores, tier))
                missing += [(ought, item) for item in lost]
    verdicts = []
    for one in chosen:
        verdict = verify_set(one.one, stores, deep=deep, content=content, progress=progress)
        verdicts.append((one, tuple(verdict)))
    return Checked(tuple(verdicts), tuple(missing))


def _newest(found: Sequence[Found], tiers: Sequence[Tier]) -> list[Found]:
    chosen: list[Found] = []
    for tier in tiers:
        here = [one for one in found if one.tier == tier]
        whole: BackupSet | None = newest_whole([one.one for one in here])
        chosen += [one for one in here if one is here[0] or one.one is whole]
    return chosen


def _tier(found: Found) -> Tier:
    return "global" if found.tier == "global" else "project"
