"""The steps of the maintenance; each works in units of its own, in blocks, and says its counts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from cleo_brain.api import REFERENCES
from cleo_brain.service import deriving, neighbours, rewriting, summaries, tiers
from cleo_brain.service.maintaining import Counted
from cleo_brain.store import entries, graph, maintenance, retrievals, stickies
from cleo_brain.store import forgetting as forgotten
from cleo_brain.store import summaries as summaries_of
from cleo_core import clock
from cleo_core.database import driver

if TYPE_CHECKING:
    from cleo_brain.service.maintaining import Progress
    from cleo_brain.service.work import Verbs, Work

ACTION = "memory.maintain"
_DAY = 86400.0

#: Called with the unit, the columns of an entry and its typed columns; returns rows changed.
Change = Callable[["Work", dict[str, Any], dict[str, Any]], int]


class HalfDoneError(Exception):
    """A step that went on after something failed: what it did, and what failed."""

    def __init__(self, counted: Counted, words: str) -> None:
        super().__init__(words)
        self.counted = counted
        self.words = words


def quality(verbs: Verbs, deep: bool, progress: Progress) -> Counted:
    """The quality of every entry."""

    def change(work: Work, row: dict[str, Any], typed: dict[str, Any]) -> int:
        value = deriving.quality_of(
            row["kind"],
            typed,
            source_confidence=row["source_confidence"],
            tier=row["tier"],
            uses=row["uses"],
        )
        return int(work.execute(maintenance.SET_QUALITY, seq=row["seq"], quality=value))

    return _each(verbs, "quality", change, progress, live=False)


def move_tiers(verbs: Verbs, deep: bool, progress: Progress) -> Counted:
    """The tier of every live entry, and the quality that hangs on it."""

    def change(work: Work, row: dict[str, Any], typed: dict[str, Any]) -> int:
        found = tiers.standing(row, typed)
        if found.tier == row["tier"]:
            return 0
        values = {
            "tier": found.tier,
            "tier_reason": found.reason,
            "tier_changed_at": work.now,
            "quality": found.quality,
        }
        entries.update(work, row["id"], values)
        work.note(row["kind"], row["id"], tier=found.tier)
        work.unit.updated(row["kind"], row["id"], {"tier": row["tier"]}, {"tier": found.tier})
        return 1

    return _each(verbs, "tiers", change, progress)


def evict(verbs: Verbs, deep: bool, progress: Progress) -> Counted:
    """What nobody used and nobody vouches for, and learnings whose confidence has run out."""
    days = int(verbs.app.config.get("brain.evict_days"))

    def change(work: Work, row: dict[str, Any], typed: dict[str, Any]) -> int:
        reason = tiers.withdrawn(row, typed, days)
        if reason is None:
            return 0
        entries.update(work, row["id"], {"invalid_at": work.now, "invalid_reason": reason})
        rewriting.stand(work, row, work.now)
        work.note(row["kind"], row["id"], reason=reason)
        work.unit.updated(
            row["kind"],
            row["id"],
            {"invalid_at": None, "invalid_reason": None},
            {"invalid_at": work.now, "invalid_reason": reason},
        )
        return 1

    return _each(verbs, "evict", change, progress)


def expire(verbs: Verbs, deep: bool, progress: Progress) -> Counted:
    """Notes past their time: what every read says already is written down."""
    examined = maintenance.count(verbs.db, stickies.COUNT_ACTIVE)

    def block(work: Work, after: int) -> list[int]:
        found = work.read(stickies.PAST, now=work.now, after=after, n=maintenance.BLOCK)
        rows = entries.by_ids(work, [one["id"] for one in found])
        for one in found:
            rewriting.rewrite(
                work,
                rows[one["id"]],
                columns={"invalid_at": one["expires_at"], "invalid_reason": "expired"},
                typed={"status": "archived"},
            )
        return [one["seq"] for one in found]

    changed = after = 0
    while True:
        seqs = verbs.write(ACTION, partial(block, after=after))
        changed += len(seqs)
        if len(seqs) < maintenance.BLOCK:
            return Counted(examined, changed)
        after = seqs[-1]


def consolidate(verbs: Verbs, deep: bool, progress: Progress) -> Counted:
    """Old observations that say nearly the same get a summary; they stay as they are."""
    before = clock.format_time(max(0.0, clock.seconds() - summaries.DAYS * _DAY))
    rows = summaries_of.candidates(verbs.db, before)
    changed = 0
    for group in summaries.groups_of(rows):

        def body(work: Work, group: Any = group) -> int:
            # Asked again: another process may have summed up or withdrawn some of them.
            still = {one["id"] for one in summaries_of.candidates(work, before)}
            if not all(one["id"] in still for one in group):
                return 0
            summaries.write(work, group)
            return 1

        changed += verbs.write(ACTION, body)
        progress("consolidate", changed, None)
    return Counted(len(rows), changed)


def references(verbs: Verbs, deep: bool, progress: Progress) -> Counted:
    """What other stores' ids are held, as ``cleo reconcile`` does it."""
    from cleo_core.reconcile import reconcile

    app = verbs.app
    found = reconcile(
        app, apply=not app.dry_run, names=[reference.name for reference in REFERENCES]
    )
    rows = found.as_json()["references"]
    changed = sum(row["planned"] if app.dry_run else row["repaired"] for row in rows)
    counted = Counted(sum(row["scanned"] for row in rows), changed, rows)
    broken = [row for row in rows if not app.dry_run and row["repaired"] < row["planned"]]
    if broken:
        words = "; ".join(
            f"{row['reference']}: {row.get('refused', 'not whole')}" for row in broken
        )
        raise HalfDoneError(counted, words)
    return counted


def vectors(verbs: Verbs, deep: bool, progress: Progress) -> Counted:
    """Vectors and the tables of sqlite-vec."""
    from cleo_brain.search.maintaining import maintain_vectors

    found = maintain_vectors(verbs.app, lambda body: verbs.write(ACTION, body), progress)
    return Counted(found.examined, found.changed)


def search(verbs: Verbs, deep: bool, progress: Progress) -> Counted:
    """The full-text index; with ``deep`` the searched columns that follow from others, too."""
    counted = Counted(maintenance.count(verbs.db, maintenance.COUNT_ENTRIES), 0)
    if deep:
        counted = _each(verbs, "search", _searched, progress, live=False)
    rebuilt = verbs.write(ACTION, _mend_index)
    if entries.meta(verbs.db, forgotten.UNWIPED) and not verbs.app.dry_run:
        from cleo_brain.service.forgetting import wipe

        rebuilt += wipe(verbs.app)
    return Counted(counted.examined, counted.changed + rebuilt)


def caps(verbs: Verbs, deep: bool, progress: Progress) -> Counted:
    """The retrieval log, and idempotency keys whose time is over."""

    def body(work: Work) -> Counted:
        examined = maintenance.count(work, maintenance.COUNT_LOG) + maintenance.count(
            work, maintenance.COUNT_KEYS
        )
        oldest = clock.format_time(max(0.0, clock.seconds() - retrievals.DAYS * _DAY))
        changed = retrievals.trim(work, oldest)
        changed += int(work.execute(maintenance.DELETE_KEYS, now=work.now))
        return Counted(examined, changed)

    return verbs.write(ACTION, body)


def _mend_index(work: Work) -> int:
    try:
        maintenance.check_index(work)
    except driver().DatabaseError as error:
        if "malformed" not in str(error) and "corrupt" not in str(error):
            raise
        work.execute(maintenance.INDEX_REBUILD)
        return 1
    work.execute(maintenance.INDEX_MERGE)
    return 0


def _searched(work: Work, row: dict[str, Any], typed: dict[str, Any]) -> int:
    tags = graph.tags_of(work, [row["id"]])[row["id"]]
    context = ""
    if row["kind"] == "observation" and row["thread"] is not None:
        context = neighbours.context(work, row["thread"], row["seq"])
    return int(
        work.execute(
            maintenance.SET_SEARCHED,
            seq=row["seq"],
            extra=deriving.extra_of(row["kind"], typed, tags),
            context=context,
            dates=deriving.dates_of(row["valid_at"]),
        )
    )


def _each(
    verbs: Verbs, what: str, change: Change, progress: Progress, *, live: bool = True
) -> Counted:
    """Go through the entries by ``seq``, a unit for each block."""

    def block(work: Work, after: int) -> tuple[int, int, int]:
        rows = [entries.decoded(row) for row in maintenance.block(work, after, live=live)]
        typed = entries.typed_of(work, rows)
        changed = sum(change(work, row, typed[row["id"]]) for row in rows)
        return len(rows), changed, rows[-1]["seq"] if rows else after

    examined = changed = after = 0
    while True:
        seen, moved, after = verbs.write(ACTION, partial(block, after=after))
        examined += seen
        changed += moved
        progress(what, examined, None)
        if seen < maintenance.BLOCK:
            return Counted(examined, changed)


STEPS: dict[str, Callable[..., Counted]] = {
    "quality": quality,
    "tiers": move_tiers,
    "evict": evict,
    "stickies": expire,
    "consolidate": consolidate,
    "references": references,
    "vectors": vectors,
    "search": search,
    "caps": caps,
}
