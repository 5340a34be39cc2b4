"""The log of what was given in full."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

CAP = 10_000
DAYS = 90

ADD = (
    "INSERT INTO brain_retrieval_log (at, source, query, entry_ids_json, tokens, session_id, "
    "agent) VALUES (:at, :source, :query, :ids, :tokens, :session, :agent)"
)
TRIM = (
    "DELETE FROM brain_retrieval_log WHERE at < :oldest OR seq <= (SELECT seq FROM "
    "brain_retrieval_log ORDER BY seq DESC LIMIT 1 OFFSET :cap)"
)
COUNT_USE = (
    "UPDATE brain_entries SET uses = uses + 1, last_used_at = :now "
    "WHERE id IN (SELECT value FROM json_each(:ids))"
)


def add(tx: Any, *, ids: Sequence[str], oldest: str, **columns: Any) -> None:
    """Log one retrieval and keep the log within its caps.

    :param oldest: what is older goes.
    """
    tx.execute(ADD, ids=json.dumps(list(ids)), **columns)
    trim(tx, oldest)


def trim(tx: Any, oldest: str) -> int:
    """Keep the log within its caps; returns the rows that went."""
    return int(tx.execute(TRIM, oldest=oldest, cap=CAP))


def count_use(tx: Any, ids: Sequence[str], now: str) -> None:
    """One use more of each entry."""
    tx.execute(COUNT_USE, ids=json.dumps(list(ids)), now=now)
