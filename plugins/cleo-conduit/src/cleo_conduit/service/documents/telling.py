"""What is told of a document, to its conversation or to those whom it concerns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cleo_conduit.service.notices import notify

if TYPE_CHECKING:
    from cleo_conduit.service.work import Work
    from cleo_core.database import Row


def tell(
    work: Work,
    row: Row,
    agent: str,
    content: str,
    concerned: Sequence[str],
    *,
    event: str,
    **payload: Any,
) -> None:
    """Post a notice to the document's conversation.

    :param agent: who acts; it is not told what it did itself.
    :param content: ``{document}`` in it stands for the document's name and version.
    :param concerned: who is told where there is no conversation.
    """
    number = row["current_version"]
    text = content.replace("{document}", f"version {number} of the document {row['slug']}", 1)
    about = {"document": row["slug"], "version": number, "event": event, "by": agent, **payload}
    conversation = row["conversation_id"]
    if conversation is not None:
        notify(work, text, conversation_id=conversation, payload=about)
        return
    others = [one for one in dict.fromkeys(concerned) if one != agent]
    if others:
        notify(work, text, to=others, payload=about)
