"""Records made of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cleo_brain.records import Line
from cleo_brain.service import deriving, rendering
from cleo_brain.service.expiry import as_read
from cleo_brain.store import entries, graph
from cleo_core import clock
from cleo_core.database import Backend, Row

if TYPE_CHECKING:
    from cleo_brain.entry_records import Edge, Entry

#: Columns of ``brain_entries`` that a record has under the same name.
_SAME = (
    *("id", "kind", "tier", "tokens", "thread", "origin", "tier_changed_at", "tier_reason"),
    *("verified_by", "verified_at", "source_confidence", "quality", "uses", "last_used_at"),
    *("seen", "last_seen_at", "agent", "summary_id", "invalid_at", "invalid_reason"),
    *("created_at", "updated_at"),
)
_BOOLEANS = ("title_derived", "actionable")


def line(
    row: Mapping[str, Any],
    typed: Mapping[str, Any],
    *,
    score: float | None = None,
    arms: Sequence[str] = (),
    contradicts: Sequence[str] | None = None,
) -> Line:
    """One entry in a list."""
    row, typed = as_read(row, typed, clock.now())
    return Line(
        row["id"],
        row["kind"],
        typed.get("type"),
        rendering.shown_title(row["kind"], typed),
        row["valid_at"],
        row["tier"],
        bool(row["verified"]),
        row["tokens"],
        None if score is None else round(score, 4),
        list(arms),
        row["invalid_reason"],
        list(contradicts) if contradicts else None,
    )


def lines(db: Backend, ids: Sequence[str]) -> list[Line]:
    """Entries in a list, in the order of the ids; what does not exist is left out."""
    rows = entries.by_ids(db, ids)
    typed = entries.typed_of(db, rows.values())
    against = graph.contradictions(db, list(rows))
    return [line(rows[id_], typed[id_], contradicts=against.get(id_)) for id_ in ids if id_ in rows]


def records(db: Backend, ids: Sequence[str]) -> list[Entry]:
    """Entries whole, in the order of the ids; what does not exist is left out."""
    rows = entries.by_ids(db, ids)
    typed = entries.typed_of(db, rows.values())
    found = list(rows)
    tags = graph.tags_of(db, found)
    links = graph.links_of(db, found)
    edges = graph.edges_of(db, found)
    return [
        _record(rows[id_], typed[id_], tags[id_], links[id_], edges[id_])
        for id_ in ids
        if id_ in rows
    ]


def _record(
    row: Mapping[str, Any],
    typed: Mapping[str, Any],
    tags: list[str],
    links: Sequence[Row],
    edges: Sequence[Row],
) -> Entry:
    row, typed = as_read(row, typed, clock.now())
    kind, id_ = row["kind"], row["id"]
    own: dict[str, Any] = {
        name.removesuffix("_json"): bool(value) if name in _BOOLEANS else value
        for name, value in typed.items()
        if name not in ("id", "type") and not (kind == "observation" and name == "title")
    }
    shown = [_edge(id_, edge) for edge in edges]
    from cleo_brain.entry_records import RECORD, Link

    record: Any = RECORD[kind]
    made: Entry = record(
        **{name: row[name] for name in _SAME},
        type=typed.get("type"),
        title=typed["title"]
        if kind == "observation" and not typed["title_derived"]
        else rendering.shown_title(kind, typed),
        date=row["valid_at"],
        verified=bool(row["verified"]),
        metadata=row["metadata_json"],
        tags=tags,
        links=[
            Link(link["task_id"], link["link_type"], link["agent"], link["created_at"])
            for link in links
        ],
        edges=shown,
        superseded_by=next((one.target for one in shown if one.is_successor), None),
        contradicts=[one.target for one in shown if one.edge_type == "contradicts"],
        effective_confidence=round(
            deriving.effective_confidence(typed["confidence"], typed["confirmed_at"]), 4
        )
        if kind == "learning"
        else None,
        **own,
    )
    return made


def _edge(id_: str, edge: Row) -> Edge:
    out = edge["from_id"] == id_
    target = (edge["to_entry"] or edge["to_node"]) if out else edge["from_id"]
    from cleo_brain.entry_records import Edge

    return Edge(
        edge["edge_type"],
        "out" if out else "in",
        target,
        edge["reason"],
        edge["agent"],
        edge["created_at"],
    )
