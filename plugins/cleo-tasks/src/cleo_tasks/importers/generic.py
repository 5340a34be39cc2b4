"""Records of any tracker, one JSON object per line: ``{external_id, title, status, url,
updated_at}``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cleo_tasks.importers import mapping
from cleo_tasks.importers.row import Row, SkippedError
from cleo_tasks.importers.source import Document, Item, MalformedError, Source

FORMAT = "a list of records, one per line"
FIX = "cleo link reconcile --help"
STRIPS = False
DERIVED = ()
SAYS = ("pending", "active", "blocked", "done", "cancelled")

#: What trackers call their statuses, blanks and hyphens as ``_``.
STATUS = {
    **dict.fromkeys(("pending", "open", "todo", "to_do", "new", "backlog", "reopened"), "pending"),
    **dict.fromkeys(("active", "in_progress", "started", "doing", "in_review"), "active"),
    **dict.fromkeys(("blocked", "on_hold", "waiting", "deferred"), "blocked"),
    **dict.fromkeys(("done", "completed", "complete", "closed", "resolved", "fixed"), "done"),
    **dict.fromkeys(("cancelled", "canceled", "wontfix", "not_planned", "duplicate"), "cancelled"),
}
_GONE = ("removed", "deleted", "archived")
_RECOGNISED = re.compile(rb'\s*\{[^\n]*"external_id"\s*:')


def recognises(beginning: bytes) -> bool:
    """Whether a file begins like one of this form, whatever its provider."""
    return _RECOGNISED.match(beginning) is not None


def items(source: Source) -> Iterator[Item]:
    """Lines, or the entries of a list."""
    if source.peek() == b"[":
        return Document(source, [()], FIX).items()
    return source.objects()


def settle(raw: dict[str, Any], row: Row) -> None:
    """Map one record."""
    row.key = row.take_id("external_id")
    word = row.take_text("status")
    settled = re.sub(r"[\s-]+", "_", (word or "").strip().lower())
    if settled in _GONE:
        raise SkippedError(f"{settled} there")
    if settled not in STATUS:
        words = ", ".join(SAYS)
        raise MalformedError(
            "unknown status", f"status {word!r} is none of {words}, nor another name of one"
        )
    mapping.name(row, row.rest.pop("title", None), (None, row.take_text("description")))
    row.columns["status"] = STATUS[settled]
    row.columns["updated_at"] = mapping.time(row, "updated_at")
    row.url = row.take_text("url")
