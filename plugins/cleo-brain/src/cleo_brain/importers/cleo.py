"""brain.db of the TypeScript CLEO: its five tables, links, tags, and edges between memories.

Tables of https://github.com/kryptobaseddev/cleo, ``src/store/brain-schema.ts``; columns by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cleo_brain.importers import files
from cleo_brain.importers.item import Item, left_over
from cleo_core.database.foreign import Foreign, foreign
from cleo_core.errors import ValidationError, shortened

TABLES = {
    "brain_decisions": "decision",
    "brain_patterns": "pattern",
    "brain_learnings": "learning",
    "brain_observations": "observation",
    "brain_sticky_notes": "sticky",
}
#: Columns of the typed tables that are ours too.
_VALUES = {
    "decision": (
        *("type", "decision", "rationale", "confidence", "outcome", "alternatives"),
        *("context_epic_id", "context_task_id", "context_phase", "adr_id", "adr_path"),
        *("confirmation_state", "decided_by"),
    ),
    "pattern": (
        *("type", "pattern", "context", "frequency", "success_rate", "impact", "anti_pattern"),
        *("mitigation", "examples"),
    ),
    "learning": (
        *("insight", "source", "confidence", "actionable", "application", "applicable_types"),
    ),
    "observation": (
        *("type", "title", "subtitle", "narrative", "facts", "concepts", "files_read"),
        *("files_modified", "project", "source_session_id", "source_type", "discovery_tokens"),
    ),
    "sticky": ("content", "status", "color", "priority"),
}
_LISTS = frozenset(
    (
        *("alternatives", "examples", "applicable_types", "facts", "concepts"),
        *("files_read", "files_modified", "attachments"),
    )
)
_COMMON = frozenset(
    (
        *("id", "created_at", "updated_at", "extracted_at", "valid_at", "invalid_at", "verified"),
        *("memory_tier", "source_confidence", "content_hash", "quality_score", "tags_json"),
        *("agent", "citation_count", "source_type", "converted_to_json", "agent_id"),
    )
)
_EDGES = frozenset({"supersedes", "contradicts"})
_TIERS = ("short", "medium", "long")


class _Beside(NamedTuple):
    links: dict[tuple[str, str], list[dict[str, Any]]]
    edges: dict[str, list[dict[str, Any]]]
    superseded: frozenset[str]


def fits_tables(tables: Mapping[str, list[str]]) -> bool:
    """Whether a database is the TypeScript CLEO's."""
    return "brain_entries" not in tables and any(
        {"created_at", "extracted_at"} & set(tables.get(table, ())) for table in TABLES
    )


def read(path: str, project: str | None) -> Iterator[Item]:
    """The memories of a file, in the order of their times.

    :param project: only observations of this project, and what has none.
    :raises ValidationError: the file is no brain of CLEO.
    """
    with foreign(path) as database:
        if not fits_tables(database.tables):
            raise ValidationError(
                f"{shortened(path)} is no brain of the TypeScript CLEO.",
                fix="cleo memory import FILE",
            )
        beside = _beside(database)
        found = [
            _item(kind, row, number, beside)
            for table, kind in TABLES.items()
            if table in database.tables
            for number, row in enumerate(database.rows(table), 1)
            if project is None or row.get("project") in (None, project)
        ]
    yield from sorted(found, key=lambda item: str(item.at or "~"))


def _beside(database: Foreign) -> _Beside:
    links: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in (
        database.rows("brain_memory_links") if "brain_memory_links" in database.tables else ()
    ):
        key = (str(row.get("memory_type")), str(row.get("memory_id")))
        links.setdefault(key, []).append(
            {
                "taskId": row.get("task_id"),
                "linkType": row.get("link_type"),
                "createdAt": row.get("created_at"),
            }
        )
    edges: dict[str, list[dict[str, Any]]] = {}
    superseded = set()
    for table in ("brain_page_edges", "brain_edges"):
        for row in database.rows(table) if table in database.tables else ():
            type_ = row.get("edge_type")
            if type_ not in _EDGES:
                continue
            source, target = _bare(row.get("from_id")), _bare(row.get("to_id"))
            edges.setdefault(source, []).append({"edgeType": type_, "target": target})
            if type_ == "supersedes":
                superseded.add(target)
    return _Beside(links, edges, frozenset(superseded))


def _bare(node: Any) -> str:
    """The id of a node of the graph, ``decision:D001``."""
    text = str(node)
    kind, colon, rest = text.partition(":")
    return rest if colon and kind in TABLES.values() else text


def _item(kind: str, row: dict[str, Any], number: int, beside: _Beside) -> Item:
    id_ = row.get("id")
    values: dict[str, Any] = {}
    for name in _VALUES[kind]:
        value = row.get(f"{name}_json") if name in _LISTS else row.get(name)
        values[name] = files.listed(value) if name in _LISTS else value
    known = _COMMON | {f"{name}_json" if name in _LISTS else name for name in _VALUES[kind]}
    created = row.get("created_at") or row.get("extracted_at")
    columns: dict[str, Any] = {
        "created_at": created,
        "tier": row.get("memory_tier") if row.get("memory_tier") in _TIERS else None,
        "source_confidence": row.get("source_confidence"),
        "verified": bool(row.get("verified")),
        "invalid_at": row.get("invalid_at"),
    }
    if columns["invalid_at"]:
        columns["invalid_reason"] = "superseded" if str(id_) in beside.superseded else "evicted"
    if kind == "sticky":
        columns["invalid_at"] = columns["invalid_reason"] = None
        values["converted_to"] = row.get("converted_to_json")
    if kind == "observation" and not values["narrative"]:
        values["narrative"] = values["title"]
    return Item(
        where=f"{kind} {number if id_ is None else id_}",
        kind=kind,
        values=values,
        origin=None if id_ is None else f"cleo:{kind}:{created}:{id_}",
        id=id_,
        at=row.get("valid_at") or created,
        agent=row.get("agent") or row.get("agent_id"),
        tags=files.listed(row.get("tags_json")),
        columns={name: value for name, value in columns.items() if value is not None},
        links=beside.links.get((kind, str(id_)), ()),
        edges=beside.edges.get(str(id_), ()),
        unknown=left_over(row, known),
    )
