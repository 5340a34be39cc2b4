"""How an entry moves up with time and use, and when it is withdrawn for the lack of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cleo_brain.service.deriving import effective_confidence, quality_of
from cleo_core import clock

_DAY = 86400.0


class Standing(NamedTuple):
    """Tier, why it is that one (None: as it was), and quality."""

    tier: str
    reason: str | None
    quality: float


def standing(row: Mapping[str, Any], typed: Mapping[str, Any]) -> Standing:
    """Where an entry belongs now; asked again with the answer, it answers the same.

    Short to medium after 24 hours with three uses, a quality of 0.7 or verified; medium to long
    after seven days with five uses or verified.
    """
    age = clock.seconds() - clock.parse_time(row["created_at"])
    tier, reason = row["tier"], None
    if tier == "short" and age >= _DAY:
        reason = _why(row, uses=3, quality=_quality(row, typed, tier))
        tier = "medium" if reason else tier
    if tier == "medium" and age >= 7 * _DAY:
        further = _why(row, uses=5, quality=0.0)
        tier, reason = ("long", further) if further else (tier, reason)
    return Standing(tier, reason, _quality(row, typed, tier))


def withdrawn(row: Mapping[str, Any], typed: Mapping[str, Any], evict_days: int) -> str | None:
    """Why a live entry is withdrawn now: ``evicted``, ``decayed``, or None."""
    if row["kind"] == "sticky" or row["verified"]:
        return None
    confidence = (
        effective_confidence(typed["confidence"], typed["confirmed_at"])
        if row["kind"] == "learning"
        else 1.0
    )
    if confidence < 0.05:
        return "decayed"
    unused = row["uses"] == 0 and row["seen"] == 1 and row["tier"] in ("short", "medium")
    if evict_days <= 0 or not unused or _quality(row, typed, row["tier"]) >= 0.3:
        return None
    age = clock.seconds() - clock.parse_time(row["created_at"])
    return "evicted" if age > evict_days * _DAY else None


def _why(row: Mapping[str, Any], *, uses: int, quality: float) -> str | None:
    if row["verified"]:
        return "verified"
    if row["uses"] >= uses:
        return f"{row['uses']} uses"
    return f"quality {quality:g}" if quality >= 0.7 else None


def _quality(row: Mapping[str, Any], typed: Mapping[str, Any], tier: str) -> float:
    return quality_of(
        row["kind"],
        typed,
        source_confidence=row["source_confidence"],
        tier=tier,
        uses=row["uses"],
    )
