"""Taking text out of the file, not only out of the rows."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from cleo_conduit.api import STORE
from cleo_conduit.store import meta
from cleo_conduit.store.erasing import OPTIMIZE, UNWIPED, WIPED
from cleo_core.database import erasing
from cleo_core.errors import CleoError

if TYPE_CHECKING:
    from cleo_conduit.service.work import Work
    from cleo_core.app import App

FIX = "cleo conduit prune"


def wipe(app: App) -> bool:
    """Leave no byte of what was taken out in the file or in its log.

    A page keeps what it held until it is written anew.

    :returns: False where another process is in the way; the next prune or redaction does it then.
    """
    db = app.store(STORE.name)
    # What another process redacts from now on may be in a page that is written anew already.
    seen = meta.get(db, UNWIPED)
    try:
        db.unit(lambda tx: tx.execute(OPTIMIZE))
        erasing.vacuum(db.connection)
        whole = erasing.empty_log(db)
    except Exception as error:
        # The rows say nothing any more: whatever the driver raises must not say otherwise.
        words = error if isinstance(error, CleoError) else db.translated(error)
        app.warn(
            "W_NOT_WIPED",
            f"The text is taken out, but it can still be read in the file: {words}",
            fix=FIX,
        )
        return False
    if not whole:
        app.warn(
            "W_NOT_WIPED",
            "The text is taken out, but it stays in the write-ahead log until no other process "
            "reads the store.",
            fix=FIX,
        )
        return False
    db.unit(lambda tx: tx.execute(WIPED, key=UNWIPED, seen=seen))
    return True


def mark(work: Work) -> None:
    """Note that the file is to be wiped; each redaction's mark is another one."""
    meta.put(work, UNWIPED, f"{work.now} {secrets.token_hex(8)}")
