"""Conversations and messages of the older file, as rows that the service ``conduit`` takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cleo_core.agent_ids import RESERVED
from cleo_core.paths.files import quoted
from cleo_signaldock.enums import DEAD_REASON, VISIBILITY
from cleo_signaldock.service.legacy import bodies, values
from cleo_signaldock.service.legacy.receipts import receipt
from cleo_signaldock.service.legacy.source import Row, Source, is_agent_id
from cleo_signaldock.service.legacy.tally import Tally

_CONVERSATION = (
    *("id", "participants", "visibility", "message_count", "last_message_at", "created_at"),
    *("updated_at", "title"),
)
#: Tables whose rows are not taken over, and why.
_DROPPED = {
    "delivery_jobs": "their payloads hold secrets",
    **dict.fromkeys(
        (
            *("attachments", "attachment_versions", "attachment_approvals"),
            "attachment_contributors",
        ),
        "shared documents stay in the backup of the file",
    ),
}


class Mail:
    """Rows of the message store, by table, and which row of the file became which.

    :param pinners: agents of the registry who pinned messages.
    :ivar tally: fates are written there once the store has said what it took, see :meth:`settle`.
    """

    def __init__(self, source: Source, pinners: Iterable[str], now: str) -> None:
        self.source = source
        self.tally = Tally()
        self.now = now
        self._pinners = set(pinners) | set(RESERVED)
        self.rows: dict[str, list[dict[str, Any]]] = {
            name: []
            for name in (
                *("conversations", "participants", "messages", "receipts", "dead_letters"),
                *("project_agent_refs", "message_pins"),
            )
        }
        #: Table of the file -> key there -> (key of the row that came of it, folded into another).
        self._became: dict[str, dict[str, tuple[str, bool]]] = {}
        self._conversations: dict[str, list[str]] = {}
        self._messages: dict[str, dict[str, Any]] = {}
        self._recipients: dict[str, list[str]] = {}

    def plan(self) -> Mail:
        """Convert everything; what stands in the way is in ``tally.problems``."""
        listed = {
            key: self._known(
                (self.source.agent(one) for one in values.names(row.get("participants"))), key
            )
            for key, row in self.source.keyed("conversations")
        }
        groups = self._groups()
        taking = self._partakers(listed, groups)
        if self.tally.problems:
            return self
        self._add_conversations(taking, groups)
        self._add_messages(groups, listed)
        self._add_pins()
        self._add_letters()
        self._add_refs()
        for table, reason in _DROPPED.items():
            for key, _ in self.source.keyed(table):
                self.tally.drop(table, key, reason)
        return self

    def settle(self, done: Any) -> None:
        """Write down what became of the rows, given what the service says of them."""
        for table, became in self._became.items():
            present = set(done.present.get(table, ()))
            merged = done.merged.get(table, {})
            for key, (target, folded) in became.items():
                if folded or target in merged:
                    word = "merged"
                else:
                    word = "present" if target in present else "copied"
                self.tally.fate(table, key, word)

    def _known(self, ids: Iterable[str | None], key: str) -> list[str]:
        """Agents' ids, each once; those that can be none stop the whole."""
        found = []
        for one in dict.fromkeys(ids):
            if one is None:
                continue
            if is_agent_id(one):
                found.append(one)
            else:
                self.tally.problem(
                    "conversations",
                    key,
                    f"{one!r} can be no agent's id today",
                    f"cleo agent migrate-legacy --rename {quoted(f'{one}=ANOTHER-ID')}",
                )
        return found

    def _groups(self) -> list[list[tuple[str, Row]]]:
        """Rows that are one message, in the order in which the messages are to be read."""
        found: dict[object, list[tuple[str, Row]]] = {}
        for key, row in self.source.keyed("messages"):
            if values.word(row.get("from_agent_id")) is None:
                self.tally.drop("messages", key, "it has no sender")
                continue
            group = values.word(row.get("group_id"))
            said = (values.text(row.get("content")), self.source.agent(row["from_agent_id"]))
            found.setdefault((group, *said) if group else key, []).append((key, row))
        return sorted(found.values(), key=lambda rows: self._sent(rows[0][1]))

    def _sent(self, row: Row) -> str:
        return values.first_time(row.get("created_at"), row.get("delivered_at"), default=self.now)

    def _partakers(
        self, listed: Mapping[str, list[str]], groups: list[list[tuple[str, Row]]]
    ) -> dict[str, list[str]]:
        """Conversation of the file -> all who take part: those it lists, senders, recipients."""
        found = {key: list(ids) for key, ids in listed.items()}
        for rows in groups:
            for key, row in rows:
                conversation = values.word(row.get("conversation_id"))
                ids = [self.source.agent(row.get("from_agent_id"))]
                to = values.word(row.get("to_agent_id"))
                if to not in listed:
                    ids.append(self.source.agent(to))
                known = found.setdefault(conversation or f"of {key}", [])
                known += [one for one in self._known(ids, key) if one not in known]
        return found

    def _add_conversations(
        self, taking: Mapping[str, list[str]], groups: list[list[tuple[str, Row]]]
    ) -> None:
        first: dict[str, Row] = {}
        for rows in groups:
            for key, message in rows:
                conversation = values.word(message.get("conversation_id")) or f"of {key}"
                first.setdefault(conversation, message)
        rows_by_key = dict(self.source.keyed("conversations"))
        pairs: dict[str, str] = {}
        for key, ids in taking.items():
            row = rows_by_key.get(key)
            if not ids:
                if row is not None:
                    self.tally.drop("conversations", key, "nobody takes part in it")
                continue
            pair = " ".join(sorted(ids)) if len(ids) == 2 else None
            id_ = pairs.get(pair, "") if pair else ""
            folded = bool(id_)
            if not folded:
                id_ = values.id_of("conversations", key)
                self._conversation(id_, pair, ids, row or {}, first.get(key))
                if pair:
                    pairs[pair] = id_
            self._conversations[key] = [id_, *ids]
            if row is not None:
                self._note("conversations", key, id_, folded)
                left, _ = values.rest(row, _CONVERSATION)
                for name in left:
                    self.tally.leave_out(
                        f"conversations.{name}", key, "there is no such column today"
                    )

    def _conversation(
        self, id_: str, pair: str | None, ids: list[str], row: Row, message: Row | None
    ) -> None:
        first = (message or {}).get("created_at")
        created = values.first_time(row.get("created_at"), first, default=self.now)
        sender = self.source.agent((message or {}).get("from_agent_id"))
        self.rows["conversations"].append(
            {
                "id": id_,
                "kind": "dm" if pair else "group",
                "visibility": values.one_of(row.get("visibility"), VISIBILITY) or "private",
                "dm_key": pair,
                "title": values.word(row.get("title")),
                "created_by": sender if sender in ids else ids[0],
                "created_at": created,
                "updated_at": values.first_time(row.get("updated_at"), default=created),
            }
        )
        self.rows["participants"] += [
            {"conversation_id": id_, "agent_id": one, "joined_at": created} for one in ids
        ]

    def _add_messages(
        self, groups: list[list[tuple[str, Row]]], listed: Mapping[str, list[str]]
    ) -> None:
        ids = {}
        for rows in groups:
            for key, _ in rows:
                ids[key] = values.id_of("messages", rows[0][0])
        answers = {
            ids[rows[0][0]]: ids.get(values.word(rows[0][1].get("reply_to")) or "")
            for rows in groups
        }
        for rows in groups:
            self._add_message(rows, ids[rows[0][0]], answers, listed)

    def _add_message(
        self,
        rows: list[tuple[str, Row]],
        id_: str,
        answers: Mapping[str, str | None],
        listed: Mapping[str, list[str]],
    ) -> None:
        key, row = rows[0]
        sender = self.source.agent(row["from_agent_id"])
        answered = answers[id_] if answers[id_] != id_ else None
        made, secret = bodies.converted(id_, rows, answered)
        for name in secret:
            self.tally.leave_out(f"messages.{name}", key, "it would be a secret in clear")
        made["conversation_id"] = self._place(rows, id_)[0]
        made["from_agent_id"] = sender
        made["thread_id"] = bodies.root(id_, answers)
        made["created_at"] = self._sent(row)
        made["body_hash"] = bodies.body_hash(made)
        self._messages[id_] = made
        self.rows["messages"].append(made)
        for number, (one, _) in enumerate(rows):
            self._note("messages", one, id_, folded=number > 0)
        self._add_receipts(id_, str(sender), rows, listed)

    def _place(self, rows: list[tuple[str, Row]], id_: str) -> list[str]:
        """The conversation of a message, and who takes part in it."""
        places = [
            self._conversations[values.word(row.get("conversation_id")) or f"of {key}"]
            for key, row in rows
        ]
        if len({place[0] for place in places}) == 1:
            return places[0]
        # One copy lay in each recipient's direct conversation, where the others cannot be.
        ids = list(dict.fromkeys(one for place in places for one in place[1:]))
        conversation = values.id_of("conversations", f"group {id_}")
        self._conversation(conversation, None, ids, {}, rows[0][1])
        return [conversation, *ids]

    def _add_receipts(
        self,
        id_: str,
        sender: str,
        rows: list[tuple[str, Row]],
        listed: Mapping[str, list[str]],
    ) -> None:
        made: dict[str, dict[str, Any]] = {}
        for key, row in rows:
            to = values.word(row.get("to_agent_id"))
            if to in listed:
                ids: list[str | None] = list(self._conversations.get(to or "", [""])[1:])
            else:
                ids = [self.source.agent(to)]
            for one in self._known(ids, key):
                if one != sender:
                    made.setdefault(one, receipt(id_, one, row, self._sent(row)))
        self._recipients[id_] = list(made)
        self.rows["receipts"] += made.values()

    def _add_pins(self) -> None:
        pinned: dict[tuple[str, str], str] = {}
        for key, row in self.source.keyed("message_pins"):
            target = self._became.get("messages", {}).get(values.word(row.get("message_id")) or "")
            agent_id = self.source.agent(row.get("pinned_by"))
            if target is None or agent_id not in self._pinners:
                what = "message" if target is None else "agent"
                self.tally.drop("message_pins", key, f"there is no such {what}")
                continue
            id_ = pinned.get((target[0], agent_id))
            folded = id_ is not None
            if id_ is None:
                id_ = pinned[target[0], agent_id] = values.id_of("message_pins", key)
                self.rows["message_pins"].append(
                    {
                        "id": id_,
                        "message_id": target[0],
                        "conversation_id": self._messages[target[0]]["conversation_id"],
                        "pinned_by": agent_id,
                        "note": values.text(row.get("note")),
                        "created_at": values.first_time(row.get("created_at"), default=self.now),
                    }
                )
            self._note("message_pins", key, id_, folded)

    def _add_letters(self) -> None:
        by_key = dict(self.source.keyed("messages"))
        for key, row in self.source.keyed("dead_letters"):
            old = values.word(row.get("message_id")) or ""
            target = self._became.get("messages", {}).get(old)
            recipients = []
            if target is not None:
                own = self.source.agent(by_key[old].get("to_agent_id"))
                known = self._recipients[target[0]]
                recipients = [own] if own in known else known
            if target is None or not recipients:
                what = "message" if target is None else "recipient"
                self.tally.drop("dead_letters", key, f"there is no such {what}")
                continue
            reason = values.one_of(row.get("reason"), DEAD_REASON)
            job = values.word(row.get("job_id"))
            id_ = values.id_of("dead_letters", key)
            self.rows["dead_letters"].append(
                {
                    "id": id_,
                    "job_id": None if job is None else values.id_of("delivery_jobs", job),
                    "message_id": target[0],
                    "recipient": recipients[0],
                    "transport": "http",
                    "payload": "{}",
                    "reason": reason or "permanent",
                    "last_error": None if reason else (values.text(row.get("reason")) or "")[:1000],
                    "attempts": values.whole(row.get("attempts")),
                    "history": "[]",
                    "created_at": values.first_time(row.get("created_at"), default=self.now),
                }
            )
            self._note("dead_letters", key, id_, folded=False)

    def _add_refs(self) -> None:
        seen = set()
        for row in self.source.rows("agents"):
            agent_id = self.source.agent(self.source.raw_id(row))
            if agent_id is None or agent_id in seen or not is_agent_id(agent_id):
                continue
            seen.add(agent_id)
            self.rows["project_agent_refs"].append(
                {
                    "agent_id": agent_id,
                    "attached_at": values.first_time(row.get("created_at"), default=self.now),
                    "role": values.word(row.get("classification")),
                    "last_used_at": values.time(row.get("last_used_at")),
                    "enabled": 1,
                    "updated_at": self.now,
                }
            )

    def _note(self, table: str, key: str, target: str, folded: bool) -> None:
        self._became.setdefault(table, {})[key] = (target, folded)
