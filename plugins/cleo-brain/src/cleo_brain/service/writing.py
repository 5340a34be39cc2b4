"""Writing one entry: gate, merge or new row, and everything that belongs to it, in one unit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from cleo_brain import ids
from cleo_brain.errors import BrainError
from cleo_brain.records import Stored
from cleo_brain.service import deriving, gate, neighbours, rendering, settings
from cleo_brain.service.work import Work
from cleo_brain.store import batches, entries, graph

#: Draws of a random id before giving up.
DRAWS = 8

_TASK_ID = re.compile(r"\bT\d{3,}\b")

#: Kinds of which a merge unites the tags.
_MERGES_TAGS = frozenset({"pattern", "learning", "observation"})


class Draft:
    """An entry that is to be written; private text is taken out already.

    :ivar typed: all columns of the kind's table, Python values.
    :ivar valid_at: since when it holds; the unit's time if None.
    :ivar tasks: (task id, link type) of links that come with it.
    :ivar columns: columns of ``brain_entries`` that do not follow from the rest, as an import
        brings them: id, origin, tier, uses, created_at and the like.
    :ivar supersedes: entries that it takes the place of.
    """

    def __init__(
        self,
        kind: str,
        typed: dict[str, Any],
        source_confidence: str,
        valid_at: str | None = None,
        thread: str | None = None,
        agent: str | None = None,
        tags: Sequence[str] = (),
        tasks: Sequence[tuple[str, str]] = (),
        metadata: dict[str, Any] | None = None,
        columns: dict[str, Any] | None = None,
        supersedes: Sequence[str] = (),
        private_spans: int = 0,
        force: bool = False,
    ) -> None:
        self.kind = kind
        self.typed = typed
        self.source_confidence = source_confidence
        self.valid_at = valid_at
        self.thread = thread
        self.agent = agent
        self.tags = tags
        self.tasks = tasks
        self.metadata: dict[str, Any] = {} if metadata is None else metadata
        self.columns: dict[str, Any] = {} if columns is None else columns
        self.supersedes = supersedes
        self.private_spans = private_spans
        self.force = force


def store(work: Work, draft: Draft) -> Stored:
    """Take a draft through the gate and write it, or merge it with the entry that says the same.

    :raises BrainError: ``E_GATE_REJECTED`` (6); what superseding and linking raise.
    """
    gate.refuse(
        draft.kind,
        draft.typed,
        private_spans=draft.private_spans,
        owner=draft.source_confidence == "owner",
        min_confidence=settings.share(work.app.config, "gate.min_confidence"),
        force=draft.force,
    )
    digest = deriving.content_hash(draft.kind, draft.thread, draft.typed)
    if draft.kind != "sticky" and draft.columns.get("invalid_at") is None:
        twin = entries.live_twin(work, draft.kind, digest)
        if twin is not None:
            return merge(work, draft, twin)
    return _insert(work, draft, digest)


def _insert(work: Work, draft: Draft, digest: str) -> Stored:
    kind = draft.kind
    row = entry_row(work, draft, digest, draft.columns.get("id") or new_id(work, kind))
    joining = None
    if kind == "observation" and draft.thread is not None:
        joining = neighbours.Joining(work, draft.thread)
        row["context"] = joining.context
    row["seq"] = entries.insert(work, row, draft.typed)
    if joining is not None and row["invalid_at"] is None:
        joining.tell(row)
    graph.add_tags(work, row["id"], draft.tags)
    linked = _connect(work, draft, row)
    if work.prepared is not None:
        work.prepared.keep(work, [row])
    work.note(kind, row["id"], outcome="stored")
    work.unit.created(kind, row["id"], {"id": row["id"], "kind": kind})
    return Stored(
        "stored",
        row["id"],
        kind,
        row["created_at"],
        draft.typed.get("type"),
        linked,
        draft.private_spans,
    )


def entry_row(work: Work, draft: Draft, digest: str, id_: str) -> dict[str, Any]:
    """The columns of ``brain_entries`` of a draft, without ``seq``; the context is empty yet."""
    kind, typed = draft.kind, draft.typed
    valid_at = draft.valid_at or work.now
    given = draft.columns
    tier = given.get("tier") or tier_at_birth(draft)
    title, body = deriving.title_and_body(kind, typed)
    verified = draft.source_confidence in ("owner", "task-outcome")
    row: dict[str, Any] = {
        "id": id_,
        "kind": kind,
        "title": title,
        "body": body,
        "extra": deriving.extra_of(kind, typed, draft.tags),
        "context": "",
        "dates": deriving.dates_of(valid_at),
        "thread": draft.thread,
        "origin": None,
        "tier": tier,
        "tier_changed_at": None,
        "tier_reason": None,
        "verified": verified,
        "verified_by": (draft.agent or "owner") if verified else None,
        "verified_at": work.now if verified else None,
        "source_confidence": draft.source_confidence,
        "quality": deriving.quality_of(
            kind,
            typed,
            source_confidence=draft.source_confidence,
            tier=tier,
            uses=given.get("uses", 0),
        ),
        "uses": 0,
        "last_used_at": None,
        "seen": 1,
        "last_seen_at": work.now,
        "content_hash": digest,
        "text_hash": deriving.text_hash(title, body),
        "tokens": 1,
        "agent": draft.agent,
        "metadata_json": draft.metadata,
        "valid_at": valid_at,
        "invalid_at": None,
        "invalid_reason": None,
        "created_at": work.now,
        "updated_at": work.now,
        **given,
    }
    row["id"] = id_
    row["tokens"] = rendering.price(row, typed, sorted(draft.tags))
    return row


def merge(work: Work, draft: Draft, twin: dict[str, Any]) -> Stored:
    """Merge a draft with the live entry that says the same, whose columns are given."""
    id_, kind = twin["id"], draft.kind
    typed = entries.typed_by_ids(work, kind, [id_])[id_]
    changes = _merged_columns(work, draft, typed)
    entries.update_typed(work, kind, id_, changes)
    new_tags = graph.add_tags(work, id_, draft.tags) if kind in _MERGES_TAGS else []
    values: dict[str, Any] = {
        "seen": twin["seen"] + draft.columns.get("seen", 1),
        "last_seen_at": work.now,
    }
    if changes or new_tags:
        typed.update(changes)
        tags = graph.tags_of(work, [id_])[id_]
        values["tokens"] = rendering.price(twin, typed, tags)
        values["extra"] = deriving.extra_of(kind, typed, tags)
        values["quality"] = deriving.quality_of(
            kind,
            typed,
            source_confidence=twin["source_confidence"],
            tier=twin["tier"],
            uses=twin["uses"],
        )
    if changes:
        values["updated_at"] = work.now
    entries.update(work, id_, values)
    linked = _connect(work, draft, twin)
    work.note(kind, id_, outcome="merged", columns=sorted({*values, *changes}))
    work.unit.updated(kind, id_, {"seen": twin["seen"]}, {"seen": values["seen"]})
    return Stored(
        "merged", id_, kind, twin["created_at"], typed.get("type"), linked, draft.private_spans
    )


def _connect(work: Work, draft: Draft, row: dict[str, Any]) -> list[str]:
    """Links and supersessions that come with a draft; returns the tasks."""
    linked: list[str] = []
    if draft.tasks:
        from cleo_brain.service import linking

        linked = linking.link_new(work, row, draft.tasks)
    if draft.supersedes:
        from cleo_brain.service import superseding

        for old in draft.supersedes:
            superseding.supersede(work, row, old)
    return linked


def _merged_columns(work: Work, draft: Draft, typed: dict[str, Any]) -> dict[str, Any]:
    """What a merge changes in the typed row."""
    if draft.kind == "pattern":
        examples = [*typed["examples_json"]]
        examples += [one for one in draft.typed["examples_json"] if one not in examples]
        added = draft.typed["frequency"]
        return {"frequency": typed["frequency"] + added, "examples_json": examples}
    if draft.kind == "learning":
        return {
            "confidence": max(typed["confidence"], draft.typed["confidence"]),
            "confirmed_at": work.now,
        }
    return {}


def tier_at_birth(draft: Draft) -> str:
    """Where a new entry begins."""
    if draft.kind in ("decision", "pattern"):
        return "medium"
    if draft.kind == "learning":
        return "medium" if draft.source_confidence == "owner" else "short"
    if draft.kind == "observation":
        said = f"{draft.typed['title']} {draft.typed['narrative']}"
        if any(type_ == "applies_to" for _, type_ in draft.tasks) or names_tasks(said):
            return "medium"
    return "short"


def names_tasks(text: str) -> bool:
    """Whether a text names two tasks or more."""
    return (
        text.count("T") >= 2 and len({found.lstrip("T0") for found in _TASK_ID.findall(text)}) >= 2
    )


def new_id(work: Work, kind: str) -> str:
    """A free id of a kind.

    :raises BrainError: ``E_ID_COLLISION`` (22), eight random ids in a row are taken.
    """
    if kind in ("decision", "sticky"):
        return ids.numbered(kind, entries.next_number(work, kind))
    return new_ids(work, kind, 1)[0]


def new_ids(work: Work, kind: str, n: int) -> list[str]:
    """Up to ``n`` free random ids of a kind, at least one.

    :raises BrainError: ``E_ID_COLLISION`` (22), eight draws in a row are taken.
    """
    for _ in range(DRAWS):
        drawn = dict.fromkeys(ids.drawn(kind) for _ in range(n))
        taken = batches.taken(work, list(drawn))
        if len(taken) < len(drawn):
            return [one for one in drawn if one not in taken]
    raise BrainError("E_ID_COLLISION", f"{DRAWS} ids in a row were taken.")
