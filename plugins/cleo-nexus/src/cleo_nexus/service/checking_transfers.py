"""Health check of transfers between projects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_nexus.service.checking import MOST, Finding, fine, looked
from cleo_nexus.store import transfers

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Database


def check_transfers(app: App, deep: bool = False) -> Finding:
    """Transfers that were begun and not finished."""

    def look(db: Database) -> Finding:
        rows = transfers.open_ones(db)
        if not rows:
            return fine("There are no transfers that are not finished.")
        found = [
            {
                "id": row["id"],
                "state": row["state"],
                "since": row["created_at"],
                "error": row["error"],
            }
            for row in rows
        ]
        return Finding(
            "warning",
            f"Transfers that are not finished: {len(rows)}.",
            {"count": len(rows), "transfers": found[:MOST]},
            f"cleo nexus transfer --resume {rows[0]['id']}",
        )

    return looked(app, look)
