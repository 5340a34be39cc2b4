"""Entries that wait for somebody to vouch for them."""

from __future__ import annotations

from cleo_core.database import Backend

_WAITING = (
    "FROM brain_entries WHERE invalid_at IS NULL AND verified = 0 AND kind <> 'sticky' "
    "AND uses >= :min_uses"
)
IDS = f"SELECT id {_WAITING} ORDER BY uses DESC, seq DESC LIMIT :limit OFFSET :offset"
TOTAL = f"SELECT count(*) {_WAITING}"


def waiting(db: Backend, *, min_uses: int, limit: int, offset: int) -> tuple[list[str], int]:
    """A page of ids, most used first, and how many there are."""
    rows = db.read(IDS, min_uses=min_uses, limit=limit, offset=offset)
    return [row["id"] for row in rows], int(db.scalar(TOTAL, min_uses=min_uses))
