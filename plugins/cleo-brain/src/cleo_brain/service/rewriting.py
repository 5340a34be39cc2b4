"""Changing an entry's row with everything that follows from its columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cleo_brain.search import maintaining
from cleo_brain.service import deriving, neighbours, rendering
from cleo_brain.service.work import Work, changed
from cleo_brain.store import entries, graph, vectors

#: What says how an entry came to be withdrawn.
_STANDING = ("invalid_at", "invalid_reason")


def rewrite(
    work: Work,
    row: Mapping[str, Any],
    *,
    columns: Mapping[str, Any] | None = None,
    typed: Mapping[str, Any] | None = None,
    tags: Sequence[str] | None = None,
    action: str | None = None,
) -> dict[str, Any]:
    """Set columns of an entry and compute anew what is a function of them.

    Search columns, hashes, price and quality follow; a vector of the former text goes; vec0 rows
    and the context of the neighbours follow where the entry is withdrawn or revived.

    :param row: its columns as they stand.
    :param columns: of ``brain_entries``; ``typed`` of the kind's table; ``tags`` all of them.
    :returns: the columns that differ now, of both tables.
    """
    id_, kind = row["id"], row["kind"]
    before = entries.typed_by_ids(work, kind, [id_])[id_]
    own = changed(before, typed or {})
    entries.update_typed(work, kind, id_, own)
    after = {**before, **own}
    held = graph.tags_of(work, [id_])[id_]
    wanted = held if tags is None else sorted(tags)
    graph.remove_tags(work, id_, [tag for tag in held if tag not in wanted])
    graph.add_tags(work, id_, [tag for tag in wanted if tag not in held])

    title, body = deriving.title_and_body(kind, after)
    values = {
        **(columns or {}),
        "title": title,
        "body": body,
        "extra": deriving.extra_of(kind, after, wanted),
        "content_hash": deriving.content_hash(kind, row["thread"], after),
        "text_hash": deriving.text_hash(title, body),
        "tokens": rendering.price(row, after, wanted),
    }
    values["quality"] = deriving.quality_of(
        kind,
        after,
        source_confidence=row["source_confidence"],
        tier=values.get("tier", row["tier"]),
        uses=row["uses"],
    )
    differ = changed(row, values)
    if own or differ or held != wanted:
        differ["updated_at"] = work.now
    entries.update(work, id_, differ)
    if "text_hash" in differ:
        drop_vectors(work, [row["seq"]])
    if columns is not None and "invalid_at" in columns:
        # Also where it is as it was: what is past its time has left the vector index unasked.
        stand(work, row, columns["invalid_at"])
    elif "text_hash" in differ:
        neighbours.refresh(work, row)
    columns_changed = sorted({*own, *differ, *(["tags"] if held != wanted else [])})
    if columns_changed:
        work.note(kind, id_, action, columns=columns_changed)
        told = {**own, **{name: differ[name] for name in _STANDING if name in differ}}
        work.unit.updated(kind, id_, {name: {**row, **before}.get(name) for name in told}, told)
    return {**own, **differ}


def stand(work: Work, row: Mapping[str, Any], invalid_at: str | None) -> None:
    """What follows when an entry is withdrawn (``invalid_at`` given) or revived (None)."""
    if invalid_at is None:
        maintaining.restore(work, [row["seq"]])
    else:
        maintaining.drop(work, [row["seq"]])
    neighbours.refresh(work, row)
    summary = row.get("summary_id")
    if summary is not None:
        retell(work, summary)


def retell(work: Work, id_: str) -> None:
    """Make a summary anew of its live members; one that has none any more is withdrawn."""
    from cleo_brain.service import summaries

    row = entries.get(work, id_)
    if row is None or row["invalid_at"] is not None:
        return
    members = summaries.members(work, id_)
    if not members:
        gone = {"invalid_at": work.now, "invalid_reason": "superseded"}
        rewrite(work, row, columns=gone, action="memory.retell")
        return
    title, narrative = summaries.text_of(members)
    rewrite(work, row, typed={"title": title, "narrative": narrative}, action="memory.retell")


def drop_vectors(work: Work, seqs: Sequence[int]) -> int:
    """Take away the vectors of entries whose text is going; returns how many there were."""
    found = maintaining.drop(work, seqs)
    if found:
        from cleo_brain.search import storing

        work.execute(vectors.DELETE, seqs=vectors.listed(seqs))
        storing.changed(work)
    return found
