"""The audit of the store: what was done to what, never its text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from cleo_conduit.store import bulk

COLUMNS = dict.fromkeys(
    ("at", "actor", "action", "subject_kind", "subject_id", "details"), bulk.REQUIRED
)


def add(
    tx: Any, at: str, actor: str, notes: Iterable[tuple[tuple[str, str, str], Mapping[str, Any]]]
) -> None:
    """Write rows.

    :param notes: ``(action, kind, id)`` of a subject, and details, which are encoded here.
    """
    rows = []
    last: Mapping[str, Any] | None = None
    for key, details in notes:
        if details != last:
            last, text = details, json.dumps(details, ensure_ascii=False)
        rows.append((at, actor, *key, text))
    bulk.insert(tx, "conduit_audit", COLUMNS, rows)
