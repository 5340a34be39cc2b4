"""What this store answers to the others: which ids exist."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cleo_brain.api import STORE
from cleo_brain.store import entries
from cleo_core.errors import CleoError

if TYPE_CHECKING:
    from cleo_core.app import App


def existing_ids(app: App, kind: str, ids: Sequence[str]) -> frozenset[str] | None:
    """Those of the ids that exist, withdrawn ones included.

    :returns: None where this file cannot say: absent, unreadable or not at head.
    """
    if app.project_or_none is None or app.stores.state(STORE).state != "head":
        return None
    try:
        return entries.existing(app.store("brain"), kind, ids)
    except CleoError:
        return None
