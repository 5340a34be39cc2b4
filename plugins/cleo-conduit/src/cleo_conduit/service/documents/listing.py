"""``list``: the documents that an agent may read."""

from __future__ import annotations

from cleo_conduit.ids import parse_agent_id
from cleo_conduit.records.documents import Document
from cleo_conduit.service.acting import acting
from cleo_conduit.service.documents import fields, results
from cleo_conduit.service.work import Verbs
from cleo_conduit.store import documents
from cleo_core import clock
from cleo_core.output import Page


class ListVerbs(Verbs):
    """The verb that lists."""

    def list(
        self,
        *,
        conversation: str | None = None,
        mode: str | None = None,
        author: str | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> tuple[list[Document], Page]:
        """Documents that the acting agent may read, the last changed first.

        :param conversation: only those of this conversation.
        :param mode: only those in this mode.
        :param author: only those that this agent made.
        :raises CleoError: 2, nobody acts, or a value can be none; 99, the project does not see the
            agent, or it did not prove who it is.
        """
        most, start = self.page(limit, offset)
        chosen = {
            "conversation_id": fields.conversation(conversation),
            "mode": None if mode is None else fields.mode_word(mode),
            "author": None if author is None else parse_agent_id(author),
            "now": clock.now(),
        }
        with self.db.snapshot() as db:
            agent = acting(self.app, db).agent_id
            rows = documents.page(db, agent_id=agent, limit=most, offset=start, **chosen)
            total = documents.count(db, agent_id=agent, **chosen)
            return [results.document(db, row) for row in rows], Page(most, start, total)
