"""``forget``: entries and every byte of their text go for good."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cleo_brain.api import STORE
from cleo_brain.enums import KIND
from cleo_brain.errors import entry_not_found
from cleo_brain.ids import parse_id
from cleo_brain.service import fields, neighbours, rewriting
from cleo_brain.service.filtering import point
from cleo_brain.service.work import Verbs, Work
from cleo_brain.store import entries
from cleo_brain.store import forgetting as store
from cleo_brain.words import content_words
from cleo_core import inputs
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.database import erasing
from cleo_core.errors import CleoError, UsageError

if TYPE_CHECKING:
    from cleo_core.app import App


@record
class Gone(Declared):
    """An entry that is no more."""

    id: str
    kind: str


@record
class Forgotten(Declared):
    """What went.

    ``tags``, ``links``, ``edges``, ``vectors``: rows that went along. ``neighbours``: contexts that
    were made anew. ``predecessors``: entries that have lost their successor and stay withdrawn but
    for those in ``revived``. ``backups``: paths of backup sets that still hold some of it.
    """

    forgotten: list[Gone]
    tags: int
    links: int
    edges: int
    vectors: int
    neighbours: int
    predecessors: list[str]
    revived: list[str]
    backups: list[str]


class ForgetVerbs(Verbs):
    """``forget``."""

    def forget(
        self,
        *ids: str,
        tags: Sequence[str] = (),
        by_agent: str | None = None,
        thread: str | None = None,
        kinds: Sequence[str] = (),
        before: str | None = None,
        origin_prefix: str | None = None,
        revive: bool = False,
    ) -> Forgotten:
        """Delete entries with everything that holds their text, by ids or by a filter.

        Withdrawn ones count too. No copy is made first: that would keep the text.

        :param tags: all of which an entry has; ``kinds`` one of which it is; ``before`` a date, a
            time or an age (``90d``), compared with since when it holds; ``origin_prefix`` what its
            origin begins with. Several of them have to hold together.
        :param revive: let the entries that they superseded live again.
        :raises NotFoundError: one of the ids does not exist; nothing is forgotten then.
        :raises UsageError: neither ids nor a filter, or both; a value is not valid.
        """
        # A blank filter must not mean more than what was meant.
        for values, option in ((tags, "tag"), (kinds, "kind")):
            if len(fields.items(values, option)) < len(values):
                raise UsageError(f"A {option} is blank.", fix=f"--{option} WORD")
        asked = {
            "tags": fields.tags(tags),
            "agent": _line(by_agent, "by-agent"),
            "thread": _line(thread, "thread"),
            "kinds": [fields.word(kind, KIND, "kind") for kind in kinds],
            "before": None if before is None else str(point(before, "--before")),
            "prefix": _line(origin_prefix, "origin-prefix"),
        }
        filtered = any(value not in (None, []) for value in asked.values())
        if filtered == bool(ids):
            raise UsageError(
                "Name entries, or give a filter; not both."
                if ids
                else "Name entries, or give a filter.",
                fix="cleo memory forget ID",
            )
        wanted = None if filtered else list(dict.fromkeys(parse_id(id_) for id_ in ids))
        return forget_ids(self, wanted, "memory.forget", asked=asked, revive=revive)


def forget_ids(
    verbs: Verbs,
    wanted: list[str] | None,
    action: str,
    *,
    kind: str | None = None,
    asked: dict[str, Any] | None = None,
    revive: bool = False,
) -> Forgotten:
    """Forget entries, then make sure that no byte of them is left in the file.

    :param wanted: their ids; None where ``asked`` is a filter.
    :param kind: of which all have to be.
    :raises NotFoundError: one of them does not exist.
    """

    def body(work: Work) -> Forgotten:
        erasing.secure(work.connection, True)
        chosen = store.matching(work, **(asked or {})) if wanted is None else wanted
        rows = work.read(store.ROWS, ids=store.listed(chosen))
        there = {row["id"] for row in rows if kind in (None, row["kind"])}
        missing = [id_ for id_ in chosen if id_ not in there]
        if missing:
            from cleo_brain.service.stickies import note_not_found

            raise entry_not_found(*missing) if kind is None else note_not_found(*missing)
        return _forget(work, rows, revive)

    app = verbs.app
    if not app.dry_run and entries.meta(app.store("brain"), store.UNWIPED):
        # An earlier run ended before it had wiped the file.
        app.write("brain", lambda unit: None)
        wipe(app)
    try:
        done = verbs.write(action, body)
        if done.forgotten and not app.dry_run:
            wipe(app)
    finally:
        if not app.store("brain").stands_in:
            erasing.secure(app.store("brain").connection, False)
    held = _backups(app, [one.id for one in done.forgotten])
    return Forgotten(**{**vars(done), "backups": held})


def wipe(app: App) -> bool:
    """Leave no byte of what was forgotten in the file or in its log.

    The full-text index keeps a deleted word until its segments are merged, and a page keeps what
    it held until it is written anew.

    :returns: False where another process is in the way; maintenance does it then.
    """
    db = app.store("brain")
    try:
        db.unit(lambda tx: tx.execute(store.OPTIMIZE))
        erasing.vacuum(db.connection)
        db.unit(lambda tx: tx.execute(store.DROP_META, key=store.UNWIPED))
        whole = erasing.empty_log(db)
    except Exception as error:
        # The entries are gone already: whatever the driver raises must not say otherwise.
        words = db.translated(error) if not isinstance(error, CleoError) else error
        app.warn(
            "W_NOT_WIPED",
            f"The entries are gone, but their words can still be read in the file: {words}",
            fix="cleo memory maintain --only search",
        )
        return False
    if not whole:
        app.warn(
            "W_NOT_WIPED",
            "The entries are gone, but their words stay in the write-ahead log until no other "
            "process reads the store.",
            fix="cleo memory maintain --only search",
        )
        mark = store.UNWIPED
        db.unit(lambda tx: entries.set_meta(tx, mark, "log"))
    return whole


def _forget(work: Work, rows: Sequence[dict[str, Any]], revive: bool) -> Forgotten:
    rows = [*rows, *_emptied_summaries(work, rows)]
    ids = [row["id"] for row in rows]
    asked = store.listed(ids)
    if not ids:
        return Forgotten([], 0, 0, 0, 0, 0, [], [], [])
    tags, links, edges = store.counts(work, ids)
    predecessors = [entries.decoded(row) for row in work.read(store.PREDECESSORS, ids=asked)]
    summaries = [row["id"] for row in work.read(store.SUMMARIES, ids=asked)]
    became = [entries.decoded(row) for row in work.read(store.BECAME, ids=asked)]
    came_from = [entries.decoded(row) for row in work.read(store.CAME_FROM, ids=asked)]
    store.keep_sequence(work, rows)
    vectors = rewriting.drop_vectors(work, [row["seq"] for row in rows])
    work.execute(store.DELETE_LOG, ids=asked)
    _forget_queries(work, ids)
    work.execute(store.DELETE_KEYS, ids=asked)
    work.execute(store.DELETE, ids=asked)
    entries.set_meta(work, store.UNWIPED, "file")

    refreshed = neighbours.refresh_around(work, rows)
    _rewrite_summaries(work, summaries)
    for note in became:
        # What it became is gone, and so is the word for it.
        rewriting.rewrite(
            work,
            note,
            columns={"invalid_reason": "archived"},
            typed={"status": "archived", "converted_to": None},
            action="memory.forget",
        )
    for learning in came_from:
        rewriting.rewrite(work, learning, typed={"source": "sticky"}, action="memory.forget")
    revived = [row["id"] for row in predecessors if revive and _revive(work, row)]
    for row in rows:
        work.note(row["kind"], row["id"])
        work.unit.deleted(row["kind"], row["id"], {"id": row["id"], "kind": row["kind"]})
    return Forgotten(
        [Gone(row["id"], row["kind"]) for row in rows],
        tags,
        links,
        edges,
        vectors,
        refreshed,
        [row["id"] for row in predecessors],
        revived,
        [],
    )


def _forget_queries(work: Work, ids: Sequence[str]) -> None:
    """Drop what was logged of searches for words of entries that are going."""
    rows = entries.by_ids(work, ids).values()
    words = content_words(" ".join(f"{row['title']} {row['body']} {row['extra']}" for row in rows))
    gone = [
        one["seq"]
        for one in work.read(store.LOGGED_QUERIES)
        if not words.isdisjoint(content_words(one["query"]))
    ]
    work.execute(store.DELETE_LOGGED, seqs=store.listed_numbers(gone))


def _emptied_summaries(work: Work, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Summaries of which no member is left."""
    from cleo_brain.service import summaries

    ids = [row["id"] for row in rows]
    found = [row["id"] for row in work.read(store.SUMMARIES, ids=store.listed(ids))]
    emptied = [
        id_
        for id_ in found
        if not frozenset(one["id"] for one in summaries.members(work, id_)) - frozenset(ids)
    ]
    return work.read(store.ROWS, ids=store.listed(emptied)) if emptied else []


def _rewrite_summaries(work: Work, ids: Sequence[str]) -> None:
    from cleo_brain.service import summaries

    for id_ in ids:
        row = entries.get(work, id_)
        assert row is not None
        title, narrative = summaries.text_of(summaries.members(work, id_))
        rewriting.rewrite(
            work, row, typed={"title": title, "narrative": narrative}, action="memory.forget"
        )


def _revive(work: Work, row: dict[str, Any]) -> bool:
    """Let a predecessor live again, unless another entry says the same."""
    if row["invalid_reason"] != "superseded":
        return False
    if entries.live_twin(work, row["kind"], row["content_hash"]) is not None:
        work.warn("W_NOT_REVIVED", f"{row['id']} stays withdrawn: a live entry says the same.")
        return False
    rewriting.rewrite(
        work,
        row,
        columns={"invalid_at": None, "invalid_reason": None},
        action="memory.revive",
    )
    return True


def _backups(app: App, ids: Sequence[str]) -> list[str]:
    """Paths of the backup sets whose copy of the store holds some of the ids."""
    from cleo_core.backup_sets import read_sets

    db = app.store("brain")
    if not ids or db.stands_in:
        return []
    found = []
    for one in read_sets(os.path.join(app.stores.directory(STORE), "backups")):
        item = one.copies().get("brain")
        if item is None:
            continue
        path = os.path.join(one.path, str(item["file"]))
        try:
            if store.held_by(db.connection, path, ids):
                found.append(one.path)
        except Exception as error:
            # A copy that cannot be read says nothing, and the others are still to be asked.
            app.warn("W_BACKUP_UNREAD", f"Whether {path} holds them could not be seen: {error}")
    return found


def _line(value: str | None, option: str) -> str | None:
    if value is None:
        return None
    return inputs.as_filter(
        lambda given: inputs.line(given, option, 500, fix=f"--{option} NAME"), value
    )
