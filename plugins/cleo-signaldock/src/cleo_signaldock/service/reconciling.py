"""What ``cleo reconcile`` finds and mends of this store: copies of credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_core.api import Repair
from cleo_signaldock.api import STORE
from cleo_signaldock.service import cache

if TYPE_CHECKING:
    from cleo_core.app import App


def repairs(app: App, apply: bool) -> list[Repair]:
    """Copies of this project that are missing, superfluous or of an earlier time."""
    if not cache.is_kept(app) or app.stores.state(STORE).state != "head":
        return []
    found = cache.drift(app)
    wrong = len(found.ids)
    done = cache.rebuild(app) if apply and wrong else 0
    scanned = found.expected + len(found.superfluous)
    return [Repair("signaldock.credential_cache", scanned, wrong, 0, wrong, done)]
