"""``import_legacy`` and ``drop_legacy``: rows of an older file in, and out again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from cleo_conduit.errors import ConduitError
from cleo_conduit.records.refs import LegacyDrop, LegacyImport
from cleo_conduit.service import legacy_values
from cleo_conduit.service.work import Verbs, Work
from cleo_conduit.store import health, legacy, meta
from cleo_core.database import Row, driver
from cleo_core.errors import ValidationError, shortened

#: Rows that a refusal names; ``details`` have all of them.
_NAMED = 10
#: What using an agent moves, and what other columns say too; a row is the same for all that.
_MOVES = {
    "project_agent_refs": frozenset(("last_used_at",)),
    "messages": frozenset(("in_reply_to",)),
    "receipts": frozenset(("ack_required",)),
}
_KIND = {"conversations": "conversation", "messages": "message"}


class LegacyVerbs(Verbs):
    """Rows of an older file, converted by who reads it."""

    def import_legacy(
        self, rows: Mapping[str, Sequence[Mapping[str, Any]]], run_id: str
    ) -> LegacyImport:
        """Add converted rows in one unit, with the search index and the mark that it is done.

        Rows that are here stay as they are. A direct conversation of a pair that has one, and a
        topic that is here, become that conversation. Counters of conversations follow.

        :param rows: table -> rows, of ``conversations``, ``participants``, ``messages``,
            ``receipts``, ``dead_letters``, ``project_agent_refs`` and ``message_pins``. Receipts
            and pins have ``message_id``; messages come in the order in which they are to be read.
        :param run_id: a UUID; the same one again changes nothing and gives the first result.
        :raises ValidationError: 6, a row is not acceptable.
        :raises ConduitError: 22, the id of a message belongs to another message.
        """
        run = legacy_values.run_id(run_id)
        given = legacy_values.tables(rows)

        def body(work: Work) -> LegacyImport:
            done = meta.get(work, _mark(run))
            if done is not None:
                return LegacyImport(run, False, **json.loads(done)["result"])
            return _Import(work, run).add(given, planning=self.app.dry_run)

        return self.write("legacy.import", body)

    def drop_legacy(self, keys: Mapping[str, Sequence[str]], run_id: str) -> LegacyDrop:
        """Delete rows that an import added, in one unit; what others added is spared.

        :param keys: table -> keys, as the import gave them.
        :param run_id: of the import.
        :raises ValidationError: 6, rows changed or gained children since; nothing is deleted.
        """
        run = legacy_values.run_id(run_id)
        given = legacy_values.keys(keys)
        return self.write("legacy.drop", lambda work: _drop(work, run, given))


class _Import:
    """One run: what it adds, what is here, and which row stands for which."""

    def __init__(self, work: Work, run: str) -> None:
        self.work = work
        self.run = run
        self.inserted: dict[str, list[str]] = {name: [] for name in legacy.TABLES}
        self.present: dict[str, list[str]] = {name: [] for name in legacy.TABLES}
        self.merged: dict[str, dict[str, str]] = {name: {} for name in legacy.TABLES}
        self.seqs: dict[str, int] = {}

    def add(self, given: Mapping[str, list[dict[str, Any]]], *, planning: bool) -> LegacyImport:
        if not planning:
            # A plan is made before the identities are written.
            self._check_agents(given)
        for table in legacy.TABLES:
            self._add_table(table, given.get(table, []))
        self._connect_replies(given.get("messages", []))
        self._ask_recipients()
        self._recount()
        health.rebuild(self.work)
        marks = {table: self._fingerprints(table, keys) for table, keys in self.inserted.items()}
        result = LegacyImport(self.run, True, self.inserted, self.present, self.merged)
        mark = {
            "at": self.work.now,
            "rows": marks,
            "result": {name: getattr(result, name) for name in ("inserted", "present", "merged")},
        }
        meta.put(self.work, _mark(self.run), json.dumps(mark, separators=(",", ":")))
        self.work.note(
            "legacy", self.run, **{name: len(keys) for name, keys in self.inserted.items()}
        )
        for agent_id in self.inserted["project_agent_refs"]:
            self.work.note("agent", agent_id, created=True)
        return result

    def _check_agents(self, given: Mapping[str, list[dict[str, Any]]]) -> None:
        for reference, table, column in (
            ("conduit.ref_agent", "project_agent_refs", "agent_id"),
            ("conduit.pin_agent", "message_pins", "pinned_by"),
        ):
            ids = [str(row.get(column)) for row in given.get(table, [])]
            self.work.unit.check(reference, ids)

    def _add_table(self, table: str, rows: list[dict[str, Any]]) -> None:
        if table in legacy.NUMBERED:
            self.seqs = legacy.seqs(self.work, (str(row["message_id"]) for row in rows))
        placed = [self._placed(table, row) for row in rows]
        here = legacy.rows(self.work, table, (_key(table, row) for row in placed))
        known: dict[str, Mapping[str, Any]] = {**here}
        for given, row in zip(rows, placed, strict=True):
            first, key = _key(table, given), _key(table, row)
            if key in known:
                _same(table, key, known[key], row)
                if first == key and key in here:
                    self.present[table].append(key)
                else:
                    self.merged[table][first] = key
                continue
            other = self._standing_for(table, row)
            if other is not None:
                self.merged[table][first] = other
                continue
            self._insert(table, key, row)
            self.inserted[table].append(key)
            known[key] = row

    def _placed(self, table: str, row: dict[str, Any]) -> dict[str, Any]:
        """The row in the conversation that stands for its own."""
        conversation = row.get("conversation_id")
        stands_for = self.merged["conversations"]
        if table == "conversations" or conversation not in stands_for:
            return row
        return {**row, "conversation_id": stands_for[conversation]}

    def _standing_for(self, table: str, row: dict[str, Any]) -> str | None:
        """The key of a row that is the same thing under another key."""
        found: str | None = None
        if table == "conversations" and row.get("dm_key") is not None:
            found = self.work.scalar(legacy.SAME_PAIR, name=row["dm_key"])
        elif table == "conversations" and row.get("topic") is not None:
            found = self.work.scalar(legacy.SAME_TOPIC, name=row["topic"])
        elif table == "message_pins":
            found = self.work.scalar(
                legacy.SAME_PIN, message_id=row["message_id"], pinned_by=row.get("pinned_by")
            )
        return found

    def _insert(self, table: str, key: str, row: dict[str, Any]) -> None:
        values = dict(row)
        if table in legacy.NUMBERED:
            seq = self.seqs.get(values.pop("message_id"))
            if seq is None:
                raise _unacceptable(table, key, "there is no such message")
            values["message_seq"] = seq
        # An answer may come before what it answers.
        values.pop("reply_to", None)
        try:
            legacy.insert(self.work, table, values)
        except driver().IntegrityError as error:
            raise _unacceptable(table, key, str(error)) from error

    def _connect_replies(self, rows: list[dict[str, Any]]) -> None:
        added = set(self.inserted["messages"])
        replies = [
            {"id": row["id"], "reply_to": row["reply_to"]}
            for row in rows
            if row["id"] in added and row.get("reply_to") is not None
        ]
        self.work.executemany(legacy.REPLY, replies)

    def _ask_recipients(self) -> None:
        """Note on the receipts which of them are to be acknowledged."""
        ids = {key.partition(" ")[0] for key in self.inserted["receipts"]}
        legacy.ask_recipients(self.work, ids)

    def _recount(self) -> None:
        fresh = set(self.inserted["conversations"])
        for id_ in sorted(legacy.conversations_of(self.work, self.inserted["messages"])):
            self.work.execute(legacy.RECOUNT, id=id_)
            if id_ not in fresh:
                self.work.execute(legacy.MOVED, id=id_, now=self.work.now)

    def _fingerprints(self, table: str, keys: list[str]) -> dict[str, str]:
        rows = legacy.rows(self.work, table, keys)
        if table in _KIND:
            for key, row in rows.items():
                self.work.unit.created(_KIND[table], key, row)
        return {key: _fingerprint(table, row) for key, row in rows.items()}


def _drop(work: Work, run: str, given: Mapping[str, list[str]]) -> LegacyDrop:
    text = meta.get(work, _mark(run))
    mark: dict[str, Any] = {"rows": {}} if text is None else json.loads(text)
    wanted: dict[str, dict[str, Row]] = {}
    spared: dict[str, list[str]] = {}
    refused: list[dict[str, str]] = []
    for table in legacy.TABLES:
        added = mark["rows"].get(table, {})
        asked = given.get(table, [])
        rows = legacy.rows(work, table, (key for key in asked if key in added))
        spared[table] = [key for key in asked if key not in rows]
        wanted[table] = rows
        refused += [
            {"table": table, "key": key, "why": "it changed"}
            for key, row in rows.items()
            if _fingerprint(table, row) != added[key]
        ]
    for parent, child in legacy.CHILDREN:
        refused += [
            {"table": parent, "key": row["parent"], "why": f"{child} has {row['row_key']}"}
            for row in legacy.children(work, parent, child, wanted[parent])
            if row["row_key"] not in wanted.get(child, {})
        ]
    if refused:
        raise _in_use(refused)
    touched = legacy.conversations_of(work, wanted["messages"]) - wanted["conversations"].keys()
    for table in reversed(legacy.TABLES):
        legacy.delete(work, table, wanted[table])
        for key, row in wanted[table].items():
            if table in _KIND:
                work.unit.deleted(_KIND[table], key, row)
            mark["rows"][table].pop(key)
    for id_ in sorted(touched):
        work.execute(legacy.RECOUNT, id=id_)
        work.execute(legacy.MOVED, id=id_, now=work.now)
    dropped = {table: list(rows) for table, rows in wanted.items()}
    _remember(work, run, mark, given)
    changed = any(dropped.values())
    if changed:
        work.note("legacy", run, **{table: len(keys) for table, keys in dropped.items()})
    for agent_id in dropped["project_agent_refs"]:
        work.note("agent", agent_id, deleted=True)
    return LegacyDrop(run, changed, dropped, spared)


def _remember(work: Work, run: str, mark: dict[str, Any], given: Mapping[str, list[str]]) -> None:
    """Keep the mark while rows of the run are left; without one it can be imported again."""
    for table, keys in given.items():
        for key in keys:
            mark["rows"].get(table, {}).pop(key, None)
    if any(mark["rows"].values()):
        meta.put(work, _mark(run), json.dumps(mark, separators=(",", ":")))
    else:
        meta.delete(work, _mark(run))


def _mark(run: str) -> str:
    return f"legacy:{run}"


def _key(table: str, row: Mapping[str, Any]) -> str:
    return " ".join(str(row[name]) for name in legacy.TABLES[table].key)


def _same(table: str, key: str, here: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse a message whose id belongs to another one."""
    names = ("body_hash", "from_agent_id")
    if table == "messages" and any(here[name] != given.get(name) for name in names):
        raise ConduitError(
            "E_ID_COLLISION",
            f"The message id {key} belongs to another message.",
            details={"table": table, "key": key},
        )


def _fingerprint(table: str, row: Row) -> str:
    moving = _MOVES.get(table, frozenset())
    values = [[name, value] for name, value in sorted(row.items()) if name not in moving]
    text = json.dumps(values, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _unacceptable(table: str, key: str, why: str) -> ValidationError:
    return ValidationError(
        f"The row {shortened(key)} of {table} is not acceptable: {why}.", table=table, key=key
    )


def _in_use(refused: list[dict[str, str]]) -> ValidationError:
    named = "; ".join(f"{one['table']} {one['key']}: {one['why']}" for one in refused[:_NAMED])
    more = f"; and {len(refused) - _NAMED} more" if len(refused) > _NAMED else ""
    return ValidationError(
        f"Rows changed or gained others since they were imported: {named}{more}.",
        fix="cleo conduit status",
        rows=refused,
    )
