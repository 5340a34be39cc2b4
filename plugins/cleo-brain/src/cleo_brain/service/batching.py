"""Many drafts in one unit: what one draft does, with one statement for many rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cleo_brain import ids
from cleo_brain.errors import BrainError
from cleo_brain.records import Stored
from cleo_brain.service import deriving, gate, neighbours, settings, writing
from cleo_brain.service.work import Work
from cleo_brain.service.writing import Draft
from cleo_brain.store import batches, entries, graph

Outcome = Stored | BrainError
_NUMBERED = ("decision", "sticky")


def store_all(work: Work, drafts: Sequence[Draft]) -> list[Outcome]:
    """Store drafts in their order; a draft that the gate refuses gives its error in its place.

    Their ids are kept where they are free. They supersede nothing: an import brings its edges.
    """
    batch = _Batch(work, drafts)
    found = [batch.add(draft) for draft in drafts]
    batch.flush()
    return found


class _Batch:
    def __init__(self, work: Work, drafts: Sequence[Draft]) -> None:
        self._work = work
        self._least = settings.share(work.app.config, "gate.min_confidence")
        self._digests = [
            deriving.content_hash(draft.kind, draft.thread, draft.typed) for draft in drafts
        ]
        pairs = [(draft.kind, hash_) for draft, hash_ in zip(drafts, self._digests, strict=True)]
        self._twins = batches.twins(work, pairs)
        self._taken = batches.taken(
            work, [draft.columns["id"] for draft in drafts if draft.columns.get("id")]
        )
        self._seq = batches.last_seq(work)
        self._at = 0
        self._rows: list[dict[str, Any]] = []
        self._drafts: list[Draft] = []
        self._pending: set[str] = set()
        #: Kind -> the highest number of an id, and the last one that was given here.
        self._highest: dict[str, int] = {}
        self._given: dict[str, int] = {}
        #: Kind -> random ids that no entry has.
        self._free: dict[str, list[str]] = {}

    def add(self, draft: Draft) -> Outcome:
        """Take the next draft."""
        digest = self._digests[self._at]
        self._at += 1
        try:
            gate.refuse(
                draft.kind,
                draft.typed,
                private_spans=draft.private_spans,
                owner=draft.source_confidence == "owner",
                min_confidence=self._least,
                force=draft.force,
            )
        except BrainError as error:
            return error
        live = draft.kind != "sticky" and draft.columns.get("invalid_at") is None
        twin = self._twins.get((draft.kind, digest)) if live else None
        if twin is not None:
            if twin in self._pending:
                self.flush()
            row = entries.get(self._work, twin)
            assert row is not None
            return writing.merge(self._work, draft, row)
        row = writing.entry_row(self._work, draft, digest, self._id(draft))
        self._seq += 1
        row["seq"] = self._seq
        self._rows.append(row)
        self._drafts.append(draft)
        self._pending.add(row["id"])
        self._taken.add(row["id"])
        if live:
            self._twins[draft.kind, digest] = row["id"]
        return Stored(
            "stored",
            row["id"],
            draft.kind,
            row["created_at"],
            draft.typed.get("type"),
            [task for task, _ in draft.tasks],
            draft.private_spans,
        )

    def flush(self) -> None:
        """Write what was taken since the last time."""
        rows, drafts, work = self._rows, self._drafts, self._work
        self._rows, self._drafts, self._pending = [], [], set()
        if not rows:
            return
        for kind, number in self._given.items():
            entries.keep_number(work, kind, number)
        self._given = {}
        beside = self._set_contexts(rows)
        batches.insert(work, rows, [draft.typed for draft in drafts])
        batches.add_tags(
            work,
            (
                (row["id"], tag)
                for row, draft in zip(rows, drafts, strict=True)
                for tag in draft.tags
            ),
        )
        for row, draft in zip(rows, drafts, strict=True):
            for task, type_ in draft.tasks:
                graph.add_link(
                    work, row["kind"], row["id"], task, type_, draft.agent, row["created_at"]
                )
            work.note(row["kind"], row["id"], outcome="stored")
            work.unit.created(row["kind"], row["id"], {"id": row["id"], "kind": row["kind"]})
        neighbours.set_contexts(work, beside)
        if work.prepared is not None:
            work.prepared.keep(work, rows)

    def _set_contexts(self, rows: Sequence[dict[str, Any]]) -> list[tuple[str, int]]:
        """Fill the context of new rows; returns which earlier rows get new neighbours."""
        threads: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            if row["kind"] == "observation" and row["thread"] is not None:
                threads.setdefault(row["thread"], []).append(row)
        earlier: list[tuple[str, int]] = []
        n = deriving.NEIGHBOURS
        for thread, listed in threads.items():
            before, _ = entries.beside(self._work, thread, listed[0]["seq"], n)
            live = [one["body"] for one in reversed(before)]
            start = len(live)
            live += [row["body"] for row in listed if row["invalid_at"] is None]
            at = start
            for row in listed:
                own = row["invalid_at"] is None
                after = at + 1 if own else at
                row["context"] = deriving.context_of(
                    live[max(0, at - n) : at][::-1], live[after : after + n]
                )
                at = after
            if len(live) > start:
                low = before[-1]["seq"] if len(before) == n else 0
                withdrawn = entries.withdrawn_between(self._work, thread, low, listed[0]["seq"] - 1)
                earlier += [(thread, seq) for seq in (*(one["seq"] for one in before), *withdrawn)]
        return earlier

    def _numbered(self, kind: str) -> str:
        """The id with the next number; numbers that are kept are counted too."""
        if kind not in self._highest:
            # The highest is looked for among what is written.
            self.flush()
            self._highest[kind] = entries.last_number(self._work, kind)
        self._highest[kind] = self._given[kind] = self._highest[kind] + 1
        return ids.numbered(kind, self._given[kind])

    def _id(self, draft: Draft) -> str:
        wanted = draft.columns.get("id")
        if wanted and wanted not in self._taken:
            if draft.kind in self._highest:
                number = ids.number_of(wanted)
                self._highest[draft.kind] = max(self._highest[draft.kind], number)
            return str(wanted)
        if draft.kind in _NUMBERED:
            return self._numbered(draft.kind)
        free = self._free.setdefault(draft.kind, [])
        while True:
            if not free:
                free += writing.new_ids(self._work, draft.kind, len(self._digests) - self._at + 1)
            drawn = free.pop()
            if drawn not in self._taken:
                return drawn
