"""Which documents the acting agent may read, and which it may change."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cleo_conduit.errors import not_participant
from cleo_conduit.store import documents
from cleo_core.errors import CleoError, UsageError, ValidationError, echoed

if TYPE_CHECKING:
    from cleo_core.database import Backend, Row

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
#: Modes in which a document takes new versions and reviews.
OPEN = ("draft", "review")


def slug_of(value: Any) -> str:
    """A document's name as it is stored.

    :raises UsageError: it can be none.
    """
    if not isinstance(value, str) or _SLUG.fullmatch(value) is None:
        raise UsageError(
            f"{echoed(value)} is no name of a document: 1 to 64 lower-case letters, digits and "
            "hyphens, the first no hyphen.",
            fix="cleo doc list",
        )
    return value


def version_number(value: Any, field: str) -> int | None:
    """The number of a version, or None where none is given.

    :raises UsageError: it can be none.
    """
    if value is None:
        return None
    if type(value) is not int or not 1 <= value < 2**63:
        raise UsageError(
            f"The number of a version is an integer from 1 on, not {echoed(value)}.",
            fix=f"--{field} 1",
            field=field,
        )
    return value


def found(db: Backend, slug: str, agent_id: str, now: str) -> Row:
    """A document that the agent may read.

    :raises ConduitError: 99, there is none of this name, or it is kept from the agent. Both are
        answered alike, so that nobody outside learns what private documents there are.
    """
    row = documents.readable(db, slug, agent_id, now)
    if row is None:
        raise not_participant(
            f"There is no document {slug} that {agent_id} may read.",
            "cleo doc list",
            slug=slug,
            agentId=agent_id,
        )
    return row


def check_conversation(db: Backend, conversation_id: str, agent_id: str) -> None:
    """Whether an agent may put a document into a conversation.

    :raises ConduitError: 99, it takes no part in it, or there is none; both are answered alike.
    """
    if not documents.may_read_conversation(db, conversation_id, agent_id):
        raise not_participant(
            f"{agent_id} takes part in no conversation {conversation_id}.",
            "cleo conduit conversations",
            conversationId=conversation_id,
            agentId=agent_id,
        )


def check_open(row: Row, what: str) -> None:
    """Whether a document is in a mode that takes changes.

    :raises ValidationError: 6, it is locked or archived.
    """
    if row["mode"] not in OPEN:
        raise ValidationError(
            f"The document {row['slug']} is {row['mode']}; it takes no {what}.",
            fix=f"cleo doc show {row['slug']}",
            slug=row["slug"],
            mode=row["mode"],
        )


def check_version(row: Row, if_version: int | None) -> None:
    """Whether a document still is at the version that the caller knows.

    :raises CleoError: 21 ``E_CONCURRENT_MODIFICATION``, it is not.
    """
    slug, current = row["slug"], row["current_version"]
    if if_version is not None and if_version != current:
        raise CleoError(
            "E_CONCURRENT_MODIFICATION",
            f"The document {slug} is at version {current}, not {if_version}.",
            fix=f"cleo doc show {slug}, then the command again with --if-version {current}",
            details={"slug": slug, "currentVersion": current, "ifVersion": if_version},
        )
