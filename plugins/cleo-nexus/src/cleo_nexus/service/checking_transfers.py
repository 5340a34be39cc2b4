"""Health check of transfers between projects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_core.errors import CleoError
from cleo_core.states import ABSENT
from cleo_nexus.api import STORE
from cleo_nexus.service.checking_edges import MOST, Finding
from cleo_nexus.store import transfers

if TYPE_CHECKING:
    from cleo_core.app import App


def check_transfers(app: App, deep: bool = False) -> Finding:
    """Transfers that were begun and not finished."""
    try:
        if app.stores.state(STORE).state == ABSENT:
            return Finding("ok", "No project is registered.", {}, None)
        rows = transfers.open_ones(app.store(STORE.name))
    except CleoError as error:
        return Finding("unknown", error.message, {"code": error.code}, error.fix)
    if not rows:
        return Finding("ok", "There are no transfers that are not finished.", {}, None)
    found = [
        {"id": row["id"], "state": row["state"], "since": row["created_at"], "error": row["error"]}
        for row in rows
    ]
    return Finding(
        "warning",
        f"Transfers that are not finished: {len(rows)}.",
        {"count": len(rows), "transfers": found[:MOST]},
        f"cleo nexus transfer --resume {rows[0]['id']}",
    )
