"""What became of what a source holds, counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import ClassVar

from cleo_brain.service.private import strip_private
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.errors import shortened

#: Rejected items that the result lists; all are counted.
MOST_REJECTED = 1000


@record
class Imported(Declared):
    """What became of a source; ``read`` is the sum of stored, merged, skipped and rejected.

    ``skipped``: was here from an earlier run. ``rejected``: objects with ``where`` and ``reason``;
    ``rejected_total`` counts them where the list is cut.
    ``unknown_keys``: key -> how often it came.
    """

    source: str
    read: int
    stored: int
    merged: int
    skipped: int
    rejected: list[dict[str, str]]
    by_kind: dict[str, int]
    unknown_keys: dict[str, int]
    rejected_total: int | None = None

    OPTIONAL: ClassVar[tuple[str, ...]] = ("rejected_total",)


@dataclass
class Tally:
    """The counts of a run, or of one of its units."""

    read: int = 0
    stored: int = 0
    merged: int = 0
    skipped: int = 0
    refused: int = 0
    rejected: list[dict[str, str]] = field(default_factory=list)
    by_kind: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)

    def reject(self, where: str, reason: str) -> None:
        """Count what was rejected, and list it while there is room."""
        self.refused += 1
        if len(self.rejected) < MOST_REJECTED:
            # A source's own id stands in it.
            told = (shortened(strip_private(text)[0]) for text in (where, reason))
            self.rejected.append(dict(zip(("where", "reason"), told, strict=True)))

    def result(self, source: str) -> Imported:
        """The counts as they are told."""
        return Imported(
            source,
            self.read,
            self.stored,
            self.merged,
            self.skipped,
            self.rejected,
            dict(sorted(self.by_kind.items())),
            dict(sorted(self.unknown.items())),
            self.refused if self.refused > len(self.rejected) else None,
        )
