"""How search results look to people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cleo_tasks.cli.render import status

if TYPE_CHECKING:
    from cleo_core.output import Printer
    from cleo_tasks.service.search import Hit

_ARMS = {"id": "id", "title": "exact title", "all": "all words", "any": "any word"}


def hits(out: Printer, found: Sequence[Hit]) -> None:
    """Hits as a table."""
    if not found:
        out.line("Nothing found.")
        return
    out.table(
        ("id", "status", "title", "found by", "in", "where"),
        [
            (
                hit.id,
                status(hit.status),
                hit.title,
                _ARMS[hit.arm],
                " ".join(hit.matched_in),
                " ".join(hit.snippet.split()),
            )
            for hit in found
        ],
    )
