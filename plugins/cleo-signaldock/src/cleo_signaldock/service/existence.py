"""What this store answers to the others: which ids exist."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cleo_core.errors import CleoError
from cleo_signaldock.api import STORE
from cleo_signaldock.store import meta

if TYPE_CHECKING:
    from cleo_core.app import App


def existing_ids(app: App, kind: str, ids: Sequence[str]) -> frozenset[str] | None:
    """Those of the ids that exist, retired agents included.

    :returns: None where this store cannot say: absent, unreadable or not at head.
    """
    if app.stores.state(STORE).state != "head":
        return None
    try:
        return meta.existing(app.store(STORE.name), kind, ids)
    except CleoError:
        return None
