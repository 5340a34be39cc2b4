"""Which ids of the store's kinds exist."""

from __future__ import annotations

import json
from collections.abc import Sequence

from cleo_core.database import Backend

EXISTING = {
    "message": "SELECT id FROM messages WHERE id IN (SELECT value FROM json_each(:ids))",
    "conversation": "SELECT id FROM conversations WHERE id IN (SELECT value FROM json_each(:ids))",
    "document": "SELECT slug FROM attachments WHERE slug IN (SELECT value FROM json_each(:ids))",
    "lease": "SELECT id FROM leases WHERE id IN (SELECT value FROM json_each(:ids))",
}


def statements() -> list[str]:
    """What is prepared against the schema."""
    return list(EXISTING.values())


def existing(db: Backend, kind: str, ids: Sequence[str]) -> frozenset[str]:
    """Those of the ids that are there."""
    rows = db.read(EXISTING[kind], ids=json.dumps(list(ids)))
    return frozenset(next(iter(row.values())) for row in rows)
