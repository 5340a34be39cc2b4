"""``search``: words in the messages that a reader may see; the words are never operators."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

from cleo_conduit.ids import conversation_id, parse_agent_id
from cleo_conduit.records.messages import Hit, Hits
from cleo_conduit.service.acting import acting
from cleo_conduit.service.work import Verbs
from cleo_conduit.store import searching
from cleo_core.errors import UsageError
from cleo_core.output import Page

LONGEST = 256
MOST_WORDS = 10


class SearchVerbs(Verbs):
    """Finding messages."""

    def search(
        self,
        words: str,
        *,
        sender: str | None = None,
        conversation: str | None = None,
        limit: int | None = None,
        offset: int = 0,
        as_human: bool = False,
    ) -> tuple[Hits, Page]:
        """Messages with all of the words, the best first, then the newest.

        A word with ``*`` at its end finds what begins with it. What the acting agent may not read
        is not found.

        :returns: the hits, with the arm that found them: ``fts``, or ``like`` where this SQLite has
            no full-text search.
        :raises UsageError: 2, no word is left to search for.
        :raises CleoError: 2 no agent; 99 not attached.
        """
        terms = terms_of(words)
        if not terms:
            raise UsageError(
                "There is no word to search for.", fix="cleo conduit search 'release plan'"
            )
        db = self.db
        who = acting(self.app, db, as_human=as_human)
        most, start = self.page(limit, offset)
        params: dict[str, Any] = {
            "reader": who.agent_id,
            "attached": 1,
            "sender": None if sender is None else parse_agent_id(sender),
            "conversation": None if conversation is None else conversation_id(conversation),
            "limit": most,
            "offset": start,
        }
        arm = "fts" if searching.has_fts(db) else "like"
        if arm == "fts":
            params["query"] = " AND ".join(quoted(term) for term in terms)
        else:
            params["patterns"] = json.dumps([pattern(term) for term in terms])
        rows, total = searching.found(db, arm, **params)
        hits = [
            Hit(
                row["id"],
                row["seq"],
                row["from_agent_id"],
                row["conversation_id"],
                row["subject"],
                row["snippet"],
                round(float(row["score"]), 6),
                row["created_at"],
            )
            for row in rows
        ]
        return Hits(arm, hits), Page(most, start, total)


def terms_of(text: Any) -> list[str]:
    """The words of a query, at most ten, those without a letter or a digit left out.

    :raises UsageError: it is no text.
    """
    if not isinstance(text, str):
        raise UsageError("The words are text.", fix="cleo conduit search 'release plan'")
    kept = "".join(
        one if one.isspace() or not unicodedata.category(one).startswith("C") else ""
        for one in unicodedata.normalize("NFC", text[: 8 * LONGEST])
    )[:LONGEST]
    words = [word for word in kept.split() if any(one.isalnum() for one in word)]
    return words[:MOST_WORDS]


def quoted(term: str) -> str:
    """A word as FTS5 takes it: a string, with a star outside of it where it is a prefix."""
    prefix = len(term) > 2 and term.endswith("*")
    word = term[:-1] if prefix else term
    return '"' + word.replace('"', '""') + '"' + ("*" if prefix else "")


def pattern(term: str) -> str:
    """A word as LIKE takes it."""
    word = term[:-1] if len(term) > 2 and term.endswith("*") else term
    for special in ("\\", "%", "_"):
        word = word.replace(special, f"\\{special}")
    return f"%{word}%"
