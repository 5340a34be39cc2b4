"""What this store answers to the others: which ids exist."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cleo_conduit.api import STORE
from cleo_conduit.store import existence
from cleo_core.errors import CleoError

if TYPE_CHECKING:
    from cleo_core.app import App


def existing_ids(app: App, kind: str, ids: Sequence[str]) -> frozenset[str] | None:
    """Those of the ids that exist.

    :returns: None where this file cannot say: absent, unreadable or not at head.
    """
    if app.project_or_none is None or app.stores.state(STORE).state != "head":
        return None
    try:
        return existence.existing(app.store(STORE.name), kind, ids)
    except CleoError:
        return None
