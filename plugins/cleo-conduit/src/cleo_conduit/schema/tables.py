"""What all tables of the store are declared in."""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlalchemy import Column

from cleo_core.columns import Action, is_uuid, new_metadata, refers, strict_table

metadata = new_metadata()
table = partial(strict_table, metadata)


def of_conversation(on_delete: Action | None = "CASCADE", **options: Any) -> Column[Any]:
    """The conversation that a row belongs to."""
    options = {"nullable": False, **options}
    check = is_uuid("conversation_id")
    return refers("conversation_id", "conversations.id", on_delete, check, **options)


def of_message() -> Column[Any]:
    """The message that a row belongs to, and goes with."""
    return refers("message_seq", "messages.seq", "CASCADE", to_integer=True, nullable=False)


def of_document() -> Column[Any]:
    """The document that a row belongs to, and goes with."""
    return refers("slug", "attachments.slug", "CASCADE", nullable=False)
