"""Counting what was given in full as used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cleo_brain.service.private import Stripper
from cleo_brain.service.work import Verbs, Work
from cleo_brain.store import retrievals
from cleo_core import clock
from cleo_core.durations import ago


def counts(verbs: Verbs, used: bool | None) -> bool:
    """Whether an answer counts as a use: as the caller says, else config
    ``brain.retrieval_log``.
    """
    return bool(verbs.app.config.get("brain.retrieval_log") if used is None else used)


def count(
    verbs: Verbs, source: str, ids: Sequence[str], tokens: int, query: str | None = None
) -> None:
    """Log one answer and count a use of each entry in it; one unit, nothing else changes.

    :param source: ``fetch`` or ``context``.
    """
    caller = verbs.caller()

    def body(work: Work) -> None:
        session: Any = caller.session
        if session is not None and work.check("brain.log_session", [session]).nulled:
            session = None
        retrievals.add(
            work,
            at=work.now,
            source=source,
            query=Stripper()(query),
            ids=list(ids),
            tokens=tokens,
            session=session,
            agent=caller.agent,
            oldest=ago(retrievals.DAYS * 86_400),
        )
        retrievals.count_use(work, ids, clock.now())

    verbs.write(f"memory.{source}", body, caller, embed="off")
