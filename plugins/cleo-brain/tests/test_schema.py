"""What a fresh file holds and what SQL itself refuses."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from cleo_brain.schema import metadata
from cleo_core.app import App
from cleo_core.database import driver

_keeping = runpy.run_path(str(Path(__file__).with_name("keeping.py")))
brain, execute = _keeping["brain"], _keeping["execute"]

AT = "2026-01-01T00:00:00.000Z"
ENTRY = (
    "INSERT INTO brain_entries (id, kind, body, dates, tier, source_confidence, quality, "
    "last_seen_at, content_hash, text_hash, tokens, valid_at, created_at, updated_at{names}) "
    "VALUES ('{id}', '{kind}', 'b', 'd', 'short', 'agent', 0.5, '" + AT + "', '{id}', 't', 1, "
    "'" + AT + "', '" + AT + "', '" + AT + "'{values})"
)


def entry(id_: str, kind: str, **more: str) -> str:
    """An INSERT of an entry; further columns as SQL."""
    names = "".join(f", {name}" for name in more)
    values = "".join(f", {text}" for text in more.values())
    return ENTRY.format(id=id_, kind=kind, names=names, values=values)


def observation(id_: str) -> str:
    return (
        "INSERT INTO brain_observations (id, type, title, narrative) "
        f"VALUES ('{id_}', 'discovery', 't', 'n')"
    )


@pytest.mark.guarantee("brain-01", "A fresh file has every table that is declared, and no other.")
def test_a_fresh_file_has_all_tables(cleo_app: App) -> None:
    cleo_app.write("brain", lambda unit: None)
    found = {name for (name,) in execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    shadows = {name for name in found if name.startswith(("brain_fts", "sqlite_"))}
    assert found - shadows == {*metadata.tables, "alembic_version_brain"}
    assert "brain_fts" in found


@pytest.mark.guarantee(
    "brain-01", "Every enum, boolean, JSON and time column has a CHECK that SQLite enforces."
)
def test_every_such_column_is_checked() -> None:
    lacking = []
    for table in metadata.tables.values():
        checks = " ".join(
            str(getattr(constraint, "sqltext", "")) for constraint in table.constraints
        ) + " ".join(
            str(getattr(constraint, "sqltext", ""))
            for column in table.columns
            for constraint in column.constraints
        )
        for column in table.columns:
            kind = column.info.get("kind")
            if kind in ("enum", "boolean", "json_list", "json_object", "json_value", "at") and (
                column.name not in checks
            ):
                lacking.append(f"{table.name}.{column.name}")
    assert not lacking


@pytest.mark.guarantee(
    "brain-01", "SQL refuses typed rows of the wrong kind, a second one, and links to nothing."
)
@pytest.mark.parametrize(
    "statements",
    [
        (entry("D001", "decision"), observation("D001")),
        (entry("O-1", "observation"), observation("O-1"), observation("O-1")),
        (observation("O-nothing"),),
        (
            "INSERT INTO brain_memory_links (memory_type, memory_id, task_id, link_type, "
            f"created_at) VALUES ('decision', 'D404', 'T001', 'applies_to', '{AT}')",
        ),
        ("INSERT INTO brain_tags (entry_id, tag) VALUES ('D404', 'x')",),
        (entry("D001", "decision"), "INSERT INTO brain_tags VALUES ('D001', 'two words')"),
        (entry("P-xyz", "pattern"),),
        (entry("D001", "sticky"),),
        (entry("O-1", "observation", invalid_at=f"'{AT}'"),),
        (entry("O-1", "observation", invalid_at=f"'{AT}'", invalid_reason="'expired'"),),
        (entry("SN-001", "sticky", invalid_at=f"'{AT}'", invalid_reason="'evicted'"),),
        (entry("O-1", "observation", verified="1"),),
        (entry("O-1", "observation", metadata_json="'[]'"),),
        (entry("O-1", "observation").replace("'short'", "'shorter'"),),
        (entry("O-1", "observation").replace(AT, "2026-01-01"),),
        (entry("O-1", "observation", seen="0"),),
        (
            entry("O-1", "observation"),
            "INSERT INTO brain_edges (from_id, edge_type, to_entry, created_at) "
            f"VALUES ('O-1', 'related', 'O-1', '{AT}')",
        ),
        (
            entry("O-1", "observation"),
            "INSERT INTO brain_edges (from_id, edge_type, to_node, created_at) "
            f"VALUES ('O-1', 'supports', 'file:x', '{AT}')",
        ),
        (
            entry("SN-001", "sticky"),
            "INSERT INTO brain_sticky_notes (id, content, status) "
            "VALUES ('SN-001', 'c', 'converted')",
        ),
    ],
)
def test_sql_refuses(statements: tuple[str, ...], cleo_app: App) -> None:
    cleo_app.write("brain", lambda unit: None)
    *before, last = statements
    execute("SELECT 1", *before)
    connection: Any = cleo_app.store("brain").connection
    connection.execute("PRAGMA query_only=OFF")
    with pytest.raises(driver().IntegrityError):
        connection.execute(last)
