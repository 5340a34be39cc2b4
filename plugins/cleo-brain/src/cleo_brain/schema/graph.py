"""How entries hang together, and with tasks: links, edges, tags."""

from __future__ import annotations

from sqlalchemy import Index, PrimaryKeyConstraint
from sqlalchemy import text as sql

from cleo_brain.enums import EDGE_TYPE, KIND, LINK_TYPE
from cleo_brain.schema.tables import table
from cleo_core.columns import at, check, index, one_of, refers, required, serial, text, unique_where

brain_memory_links = table(
    "brain_memory_links",
    one_of("memory_type", KIND),
    refers("memory_id", "brain_entries.id", "CASCADE", nullable=False),
    required("task_id"),
    one_of("link_type", LINK_TYPE),
    text("agent"),
    at("created_at", nullable=False),
    PrimaryKeyConstraint("memory_type", "memory_id", "task_id", "link_type"),
    # The foreign key looks for its rows by this column alone.
    index("memory_id"),
    index("task_id"),
    sqlite_with_rowid=False,
)

brain_edges = table(
    "brain_edges",
    serial("edge_id"),
    refers("from_id", "brain_entries.id", "CASCADE", nullable=False),
    one_of("edge_type", EDGE_TYPE),
    refers("to_entry", "brain_entries.id", "CASCADE"),
    text("to_node"),
    text("reason"),
    text("agent"),
    at("created_at", nullable=False),
    check("one_target", "(to_entry IS NULL) <> (to_node IS NULL)"),
    check("not_to_itself", "to_entry IS NULL OR to_entry <> from_id"),
    check("outside_by_reference", "to_node IS NULL OR edge_type = 'references'"),
    Index(
        "uq_brain_edges_once",
        "from_id",
        "edge_type",
        sql("coalesce(to_entry, to_node)"),
        unique=True,
    ),
    unique_where("uq_brain_edges_one_successor", ["to_entry"], "edge_type = 'supersedes'"),
    unique_where(
        "uq_brain_edges_contradicts",
        [sql("min(from_id, to_entry)"), sql("max(from_id, to_entry)")],
        "edge_type = 'contradicts'",
    ),
    index("to_entry", where="to_entry IS NOT NULL"),
    index("to_node", where="to_node IS NOT NULL"),
)

brain_tags = table(
    "brain_tags",
    refers("entry_id", "brain_entries.id", "CASCADE", nullable=False),
    required("tag", "length(tag) BETWEEN 1 AND 64 AND tag NOT GLOB '*[ ,]*'"),
    PrimaryKeyConstraint("entry_id", "tag"),
    index("tag"),
    sqlite_with_rowid=False,
)
