"""The declared schema, the snapshot and the first migration, without core."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, create_engine
from sqlalchemy.pool import StaticPool

from cleo_tasks import enums, json_schema, schema, snapshot

NOW = "2026-03-01T09:30:00.000Z"
LATER = "2026-03-02T10:45:30.123Z"
PARAMETERS = {"project_id": "0f5c", "project_name": "it's a project", "now": NOW}
APPEND_ONLY = {
    "task_gate_results",
    "lifecycle_gate_results",
    "lifecycle_evidence",
    "lifecycle_transitions",
    "audit_log",
}
TABLES = {
    *("tasks", "task_dependencies", "task_relations", "sessions", "task_work_history"),
    *("lifecycle_pipelines", "lifecycle_stages", "lifecycle_gate_results"),
    *("lifecycle_evidence", "lifecycle_transitions", "manifest_entries", "pipeline_manifest"),
    *("release_manifests", "audit_log", "token_usage", "architecture_decisions"),
    *("adr_task_links", "adr_relations", "external_task_links", "status_registry"),
    *("agent_instances", "agent_credentials", "schema_meta"),
}
EXTRAS = {
    *("task_labels", "session_tasks", "release_tasks", "manifest_entry_tasks"),
    *("task_gate_results", "release_steps", "phases", "idempotency_keys"),
}

Connection = Any
Row = dict[str, Any]

DRIVERS = [
    importlib.import_module(f"{name}.dbapi2")
    for name in ("pysqlite3", "sqlite3")
    if importlib.util.find_spec(name)
]
REFUSED = tuple(driver.IntegrityError for driver in DRIVERS)


def connect(module: Any) -> Connection:
    connection = module.connect(":memory:", isolation_level=None)
    connection.row_factory = module.Row
    connection.execute("PRAGMA foreign_keys = ON")
    if module.sqlite_version_info >= (3, 46):
        connection.execute("PRAGMA trusted_schema = OFF")
    return connection


@contextmanager
def created(module: Any = DRIVERS[0]) -> Iterator[Connection]:
    """A fresh file, made from the snapshot."""
    connection = connect(module)
    connection.execute("BEGIN IMMEDIATE")
    for statement in snapshot.STATEMENTS:
        connection.execute(statement, PARAMETERS)
    connection.execute("COMMIT")
    yield connection
    connection.close()


def insert(db: Connection, table: str, row: Row, verb: str = "INSERT") -> None:
    names = ", ".join(f'"{name}"' for name in row)
    values = ", ".join(f":{name}" for name in row)
    db.execute(f"{verb} INTO {table} ({names}) VALUES ({values})", row)


def update(db: Connection, table: str, values: Row) -> None:
    """Change the only row of the table that the fixture inserted last."""
    names = ", ".join(f'"{name}" = :{name}' for name in values)
    db.execute(f"UPDATE {table} SET {names} WHERE {WHERE.get(table, '1')}", values)


def read(db: Connection, table: str) -> Row:
    row = db.execute(f"SELECT * FROM {table} WHERE {WHERE.get(table, '1')}").fetchone()
    return dict(row) if row else {}


def add_task(db: Connection, seq: int, **values: Any) -> str:
    row = {"seq": seq, "id": f"T{seq:03d}", "title": f"Task {seq}", "created_at": NOW}
    insert(db, "tasks", {**row, "updated_at": NOW, **values})
    return f"T{seq:03d}"


def add_edge(db: Connection, task: str, depends_on: str, verb: str = "INSERT") -> None:
    row = {"task_id": task, "depends_on": depends_on, "created_at": NOW}
    insert(db, "task_dependencies", row, verb)


def set_status(db: Connection, status: str, *ids: str) -> None:
    """Change status, stage and times together, as the store does."""
    marks = ", ".join("?" * len(ids))
    stage = {"done": "contribution", "cancelled": "cancelled"}.get(status, "implementation")
    archived = status == "archived"
    db.execute(
        "UPDATE tasks SET status = ?, pipeline_stage = ?, completed_at = ?, cancelled_at = ?,"
        f" archived_at = ?, archive_reason = ?, archived_from = ? WHERE id IN ({marks})",
        (
            *(status, stage, NOW if status == "done" else None),
            *(NOW if status == "cancelled" else None, NOW if archived else None),
            *("deleted" if archived else None, "pending" if archived else None, *ids),
        ),
    )


@pytest.fixture(scope="session", params=DRIVERS, ids=lambda driver: str(driver.__name__))
def template(request: pytest.FixtureRequest) -> Iterator[tuple[Any, Connection]]:
    """A driver, and a fresh file with the rows that other rows refer to."""
    with created(request.param) as db:
        add_targets(db)
        yield request.param, db


def add_targets(db: Connection) -> None:
    for position, slug in enumerate(("build", "test"), 1):
        insert(db, "phases", {"slug": slug, "name": slug, "position": position})
    for seq in range(1, 5):
        add_task(db, seq)
    for name in ("ses_a", "ses_b"):
        row = {"id": name, "name": name, "status": "suspended"}
        insert(db, "sessions", {**row, "started_at": NOW, "last_activity_at": NOW})
    for task in ("T001", "T002"):
        row = {"id": f"pl_{task}", "task_id": task, "started_at": NOW, "updated_at": NOW}
        insert(db, "lifecycle_pipelines", row)
    for sequence, name in enumerate(enums.STAGES[:3], 1):
        row = {"id": f"pl_T001/{name}", "pipeline_id": "pl_T001"}
        insert(db, "lifecycle_stages", {**row, "stage_name": name, "sequence": sequence})
    for name in ("one", "two"):
        row = {"id": name, "title": name, "date": "2026-03-01", "status": "partial"}
        insert(db, "manifest_entries", {**row, "created_at": NOW})
        row = {"id": f"rel-{name}", "version": f"v1-{name}", "created_at": NOW}
        insert(db, "release_manifests", row)
        row = {"id": name, "agent_type": "executor", "started_at": NOW, "last_heartbeat_at": NOW}
        insert(db, "agent_instances", row)
    for number in (1, 2, 3):
        adr = {"id": f"ADR-00{number}", "number": number, "title": "Use SQLite", "content": "…"}
        times = {"created_at": NOW, "updated_at": NOW}
        insert(db, "architecture_decisions", {**adr, "content_hash": "ab", **times})
    gate = {"stage_id": "pl_T001/research", "gate_name": "x", "result": "pass", "attempt": 1}
    insert(db, "lifecycle_gate_results", {**gate, "checked_at": NOW, "checked_by": "me"})


@pytest.fixture
def db(template: tuple[Any, Connection]) -> Iterator[Connection]:
    driver, original = template
    connection = connect(driver)
    original.backup(connection)
    yield connection
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert [row[0] for row in connection.execute("PRAGMA integrity_check")] == ["ok"]
    connection.execute("INSERT INTO tasks_fts (tasks_fts) VALUES ('integrity-check')")
    connection.close()


# One valid row per table, every column that may hold a value holding one.
ROWS: dict[str, Row] = {
    "tasks": {
        "seq": 10,
        "id": "T010",
        "title": "Keep “every” column",
        "description": "All of it",
        "status": "archived",
        "priority": "high",
        "type": "subtask",
        "role": "bug",
        "scope": "unit",
        "severity": "P1",
        "size": "small",
        "parent_id": "T001",
        "phase": "build",
        "position": 3,
        "acceptance_json": '["a | b"]',
        "notes_json": '[{"at": "", "by": "me", "text": "x"}]',
        "files_json": '["src/a.py"]',
        "metadata_json": '{"k": 1}',
        "blocked_reason": "rain",
        "no_auto_complete": 1,
        "assignee": "agent-1",
        "claimed_at": NOW,
        "pipeline_stage": "testing",
        "verification_round": 2,
        "session_id": "ses_a",
        "origin": "imported",
        "created_by": "me",
        "modified_by": "you",
        "created_at": NOW,
        "updated_at": NOW,
        "started_at": NOW,
        "completed_at": NOW,
        "cancelled_at": NOW,
        "archived_at": NOW,
        "cancellation_reason": "no",
        "archive_reason": "deleted",
        "archived_from": "done",
        "dependency_count": 3,
        "open_dependency_count": 1,
        "version": 4,
    },
    "task_labels": {"label": "area:core", "task_id": "T001"},
    "phases": {
        "slug": "ship",
        "name": "Ship",
        "position": 9,
        "status": "pending",
        "started_at": NOW,
        "completed_at": NOW,
    },
    "task_dependencies": {
        "task_id": "T001",
        "depends_on": "T002",
        "created_at": NOW,
        "created_by": "me",
    },
    "task_relations": {
        "task_id": "T001",
        "related_to": "T002",
        "relation_type": "fixes",
        "reason": "why",
        "created_at": NOW,
    },
    "task_gate_results": {
        "id": 7,
        "task_id": "T001",
        "gate": "qaPassed",
        "result": "warn",
        "round": 1,
        "agent_id": "agent-1",
        "evidence_json": '["note:x"]',
        "reason": "text only",
        "checked_at": NOW,
    },
    "sessions": {
        "seq": 9,
        "id": "ses_c",
        "name": "c",
        "status": "ended",
        "scope_kind": "task",
        "scope_task_id": "T001",
        "agent_id": "agent-1",
        "origin": "implicit",
        "current_task_id": "T001",
        "task_started_at": NOW,
        "notes_json": '["n"]',
        "next_action": "rest",
        "handoff_json": None,
        "handoff_consumed_at": NOW,
        "handoff_consumed_by": "you",
        "previous_session_id": "ses_a",
        "resume_count": 2,
        "suspend_reason": "lunch",
        "started_at": NOW,
        "last_activity_at": NOW,
        "ended_at": NOW,
        "version": 2,
    },
    "session_tasks": {"session_id": "ses_a", "task_id": "T001", "kind": "created", "at": NOW},
    "task_work_history": {
        "id": 7,
        "session_id": "ses_a",
        "task_id": "T001",
        "set_at": NOW,
        "cleared_at": NOW,
    },
    "lifecycle_pipelines": {
        "id": "pl_T003",
        "task_id": "T003",
        "status": "blocked",
        "current_stage_id": "pl_T003/research",
        "started_at": NOW,
        "updated_at": NOW,
        "completed_at": NOW,
        "version": 2,
    },
    "lifecycle_stages": {
        "id": "pl_T002/testing",
        "pipeline_id": "pl_T002",
        "stage_name": "testing",
        "status": "skipped",
        "sequence": 8,
        "attempt": 2,
        "started_at": NOW,
        "completed_at": NOW,
        "blocked_at": NOW,
        "skipped_at": NOW,
        "block_reason": "rain",
        "skip_reason": "small",
        "notes_json": '["n"]',
        "metadata_json": '{"k": 1}',
        "output_file": "out.md",
        "created_by": "me",
    },
    "lifecycle_gate_results": {
        "id": 7,
        "stage_id": "pl_T001/research",
        "gate_name": "spec-complete",
        "result": "fail",
        "attempt": 1,
        "checked_at": NOW,
        "checked_by": "me",
        "details": "two holes",
        "reason": "holes",
    },
    "lifecycle_evidence": {
        "id": 7,
        "stage_id": "pl_T001/research",
        "gate_result_id": 1,
        "uri": "a.md",
        "type": "file",
        "sha256": "ab",
        "description": "notes",
        "recorded_by": "me",
        "recorded_at": NOW,
    },
    "lifecycle_transitions": {
        "id": 7,
        "pipeline_id": "pl_T001",
        "from_stage_id": "pl_T001/research",
        "to_stage_id": "pl_T001/consensus",
        "transition_type": "forced",
        "transitioned_by": "me",
        "session_id": "ses_a",
        "reason": "haste",
        "created_at": NOW,
    },
    "manifest_entries": {
        "seq": 9,
        "id": "three",
        "pipeline_id": "pl_T001",
        "stage_id": "pl_T001/research",
        "title": "Findings",
        "date": "2026-03-01",
        "status": "completed",
        "agent_type": "researcher",
        "output_file": "out.md",
        "created_by": "me",
        "topics_json": '["t"]',
        "findings_json": '["f"]',
        "created_at": NOW,
    },
    "manifest_entry_tasks": {"entry_id": "one", "task_id": "T001"},
    "pipeline_manifest": {
        "seq": 9,
        "id": "T001-notes",
        "session_id": "ses_a",
        "task_id": "T001",
        "epic_id": "T002",
        "type": "note",
        "title": "Notes",
        "content": "long text",
        "content_hash": "0123456789abcdef",
        "status": "distilled",
        "brain_obs_id": "O-1",
        "source_file": "n.md",
        "metadata_json": '{"k": 1}',
        "created_at": NOW,
        "archived_at": NOW,
    },
    "architecture_decisions": {
        "id": "ADR-009",
        "number": 9,
        "title": "Keep it",
        "content": "…",
        "content_hash": "ab",
        "status": "accepted",
        "date": "2026-03-01",
        "accepted_at": "2026-03-02",
        "consensus_manifest_id": "one",
        "gate": "HITL",
        "gate_status": "passed",
        "file_path": ".cleo/adrs/ADR-009-keep.md",
        "summary": "s",
        "keywords_json": '["k"]',
        "topics_json": '["t"]',
        "created_at": NOW,
        "updated_at": NOW,
        "removed_at": NOW,
    },
    "adr_task_links": {
        "adr_id": "ADR-001",
        "task_id": "T001",
        "link_type": "implements",
        "source": "file",
        "created_at": NOW,
    },
    "adr_relations": {
        "from_adr_id": "ADR-001",
        "to_adr_id": "ADR-002",
        "relation_type": "amends",
        "source": "file",
    },
    "release_manifests": {
        "seq": 9,
        "id": "rel-v2.0.0",
        "version": "v2.0.0",
        "status": "tagged",
        "pipeline_id": "pl_T001",
        "epic_id": "T001",
        "changelog": "# 2",
        "notes": "n",
        "previous_version": "v1.0.0",
        "commit_sha": "ab",
        "git_tag": "v2.0.0",
        "dist_tag": "latest",
        "created_at": NOW,
        "prepared_at": NOW,
        "committed_at": NOW,
        "tagged_at": NOW,
        "pushed_at": NOW,
        "rolled_back_at": NOW,
        "rollback_reason": "bad",
        "row_version": 2,
    },
    "release_tasks": {"release_id": "rel-one", "task_id": "T001"},
    "release_steps": {
        "release_id": "rel-one",
        "step": "tag",
        "status": "done",
        "attempt": 1,
        "started_at": NOW,
        "finished_at": NOW,
        "detail_json": '{"tag": "v1"}',
    },
    "audit_log": {
        "id": 7,
        "timestamp": NOW,
        "action": "task.update",
        "entity_kind": "task",
        "entity_id": "T001",
        "task_id": "T001",
        "actor": "me",
        "session_id": "ses_a",
        "request_id": "r1",
        "source": "cli",
        "forced": 1,
        "reason": "haste",
        "details_json": '{"k": 1}',
        "before_json": '{"a": 1}',
        "after_json": '{"a": 2}',
    },
    "token_usage": {
        "id": 7,
        "created_at": NOW,
        "provider": "p",
        "model": "m",
        "transport": "api",
        "operation": "add",
        "session_id": "ses_a",
        "task_id": "T001",
        "agent_id": "agent-1",
        "request_id": "r1",
        "input_chars": 1,
        "output_chars": 2,
        "input_tokens": 3,
        "output_tokens": 4,
        "total_tokens": 7,
        "method": "otel",
        "confidence": "real",
        "request_hash": "ab",
        "response_hash": "cd",
        "metadata_json": '{"k": 1}',
    },
    "external_task_links": {
        "id": 7,
        "task_id": "T001",
        "provider_id": "task-master",
        "external_id": "master:1",
        "external_url": "https://x",
        "external_title": "t",
        "link_type": "matched",
        "sync_direction": "outbound",
        "external_updated_at": NOW,
        "content_hash": "ab",
        "metadata_json": '{"k": 1}',
        "linked_at": NOW,
        "last_sync_at": NOW,
    },
    "status_registry": {
        "name": "paused",
        "entity_type": "task",
        "namespace": "workflow",
        "description": "Unseen.",
        "is_terminal": 0,
    },
    "agent_instances": {
        "seq": 9,
        "id": "three",
        "agent_id": "agent-1",
        "agent_type": "architect",
        "status": "idle",
        "session_id": "ses_a",
        "task_id": "T001",
        "parent_instance_id": "one",
        "host": "here",
        "pid": 4711,
        "started_at": NOW,
        "last_heartbeat_at": NOW,
        "stopped_at": NOW,
        "error_count": 1,
        "total_tasks_completed": 2,
        "last_error": "timeout",
        "last_error_kind": "retriable",
        "capacity": 0.25,
        "metadata_json": '{"k": 1}',
    },
    "agent_credentials": {
        "agent_id": "agent-1",
        "display_name": "One",
        "api_key_encrypted": "opaque",
        "api_base_url": "https://x",
        "classification": "c",
        "privacy_tier": "private",
        "capabilities_json": '["c"]',
        "skills_json": '["s"]',
        "is_active": 0,
        "transport_config_json": '{"type": "http"}',
        "last_used_at": NOW,
        "source_updated_at": NOW,
        "created_at": NOW,
        "updated_at": NOW,
    },
    "idempotency_keys": {
        "actor": "agent-1",
        "verb": "add",
        "key": "k1",
        "body_hash": "ab",
        "result": '{"id": "T001"}',
        "created_at": NOW,
        "expires_at": LATER,
    },
    "schema_meta": {"key": "extra", "value": "1"},
}
# Which row of the table is the one above, where others are there.
WHERE = {
    "tasks": "title LIKE 'Keep%'",
    "phases": "name LIKE 'Ship%'",
    "sessions": "name IN ('c', 'cx')",
    "lifecycle_pipelines": "task_id IN ('T003', 'T004')",
    "lifecycle_stages": "created_by LIKE 'me%'",
    "lifecycle_gate_results": "id > 1",
    "manifest_entries": "title LIKE 'Find%'",
    "release_manifests": "git_tag LIKE 'v2%'",
    "architecture_decisions": "title LIKE 'Keep%'",
    "agent_instances": "host LIKE 'here%'",
    "status_registry": "description LIKE 'Unseen%'",
    "schema_meta": "value LIKE '1%'",
}
# What a column becomes, and what the row's CHECKs then ask of its neighbours.
CHANGES: dict[tuple[str, str], Row] = {
    ("tasks", "seq"): {"seq": 11, "id": "T011"},
    ("tasks", "id"): {"seq": 11, "id": "T011"},
    ("tasks", "status"): {
        "status": "active",
        "archived_at": None,
        "archive_reason": None,
        "archived_from": None,
    },
    ("task_dependencies", "task_id"): {"task_id": "T003"},
    ("task_dependencies", "depends_on"): {"depends_on": "T003"},
    ("task_relations", "task_id"): {"task_id": "T003"},
    ("task_relations", "related_to"): {"related_to": "T003"},
    ("adr_relations", "from_adr_id"): {"from_adr_id": "ADR-003"},
    ("adr_relations", "to_adr_id"): {"to_adr_id": "ADR-003"},
    ("sessions", "status"): {"status": "suspended", "ended_at": None},
    ("sessions", "scope_kind"): {"scope_kind": "epic"},
    ("sessions", "handoff_json"): {"handoff_json": '{"written": true}'},
    **{
        ("lifecycle_pipelines", name): {
            "id": "pl_T004",
            "task_id": "T004",
            "current_stage_id": "pl_T004/research",
        }
        for name in ("id", "task_id")
    },
    ("lifecycle_pipelines", "current_stage_id"): {"current_stage_id": "pl_T003/consensus"},
    **{
        ("lifecycle_stages", name): {"id": "pl_T001/testing", "pipeline_id": "pl_T001"}
        for name in ("id", "pipeline_id")
    },
    ("lifecycle_stages", "stage_name"): {"id": "pl_T002/release", "stage_name": "release"},
    **{
        ("architecture_decisions", name): {"id": "ADR-010", "number": 10}
        for name in ("id", "number")
    },
}
OTHER: dict[str, Callable[[Any], Any]] = {
    "text": lambda value: f"{value}x",
    "integer": lambda value: value + 1,
    "real": lambda value: value + 0.5,
    "boolean": lambda value: 1 - value,
    "json_list": lambda value: '["other"]',
    "json_object": lambda value: '{"other": true}',
    "json_value": lambda value: '"other"',
    "at": lambda value: "2027-12-31T23:59:59.999Z",
    "day": lambda value: "2027-12-31",
}
BAD: dict[str, tuple[Any, ...]] = {
    "enum": ("unheard of", "", "PENDING"),
    "boolean": (2, -1),
    "json_list": ("", "[1,", "{}", "null", "words"),
    "json_object": ("", "{a: 1}", "[]", "1", "words"),
    "json_value": ("", "{a", "words"),
    "at": (
        *("", "2026-03-01", "2026-03-01 09:30:00.000Z", "2026-03-01T09:30:00Z"),
        *("2026-03-01T09:30:00.000", "2026-03-01T09:30:00.000+00:00", f"{NOW}Z"),
        *("2026-03-01T9:30:00.000Z", "2026-03-01T09:30:00.000000Z", "later"),
    ),
    "day": ("", "2026-3-1", NOW, "yesterday"),
}


def columns(*kinds: str) -> list[Any]:
    """The declared columns of these kinds, each under its full name."""
    return [
        pytest.param(column, id=f"{table}.{column.name}")
        for table, declared in schema.metadata.tables.items()
        for column in declared.columns
        if column.info["kind"] in kinds
    ]


def changed(db: Connection, column: Column[Any]) -> Row:
    """Another valid value for the column, with the neighbours that must move along."""
    table, name = column.table.name, column.name
    if (table, name) in CHANGES:
        return CHANGES[table, name]
    value = ROWS[table][name]
    if column.info["kind"] == "enum":
        return {name: next(word for word in column.info["words"] if word != value)}
    for foreign in column.foreign_keys:
        target, _, key = foreign.target_fullname.partition(".")
        sql = f"SELECT {key} FROM {target} WHERE {key} <> ? ORDER BY 1"
        taken = {value, *(ROWS[table].get(n) for n in ("id", "task_id", "related_to"))}
        return {name: next(row[0] for row in db.execute(sql, (value,)) if row[0] not in taken)}
    return {name: OTHER[column.info["kind"]](value)}


def lift_registry(db: Connection) -> None:
    """What a migration does before it changes the registry."""
    for verb in ("insert", "update", "delete"):
        db.execute(f"DROP TRIGGER status_registry_no_{verb}")


def objects(db: Connection) -> dict[str, str]:
    rows = db.execute("SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_master")
    return {name: " ".join(sql.split()) for name, sql in rows}


@pytest.mark.guarantee("tasks-01", "a fresh file has the 23 tables and the extras, all STRICT")
def test_a_fresh_file_has_every_table_and_all_are_strict(db: Connection) -> None:
    found = {row["name"]: dict(row) for row in db.execute("PRAGMA table_list")}

    strict = {name for name, row in found.items() if row["strict"]}
    plain = {name for name, row in found.items() if row["type"] == "table"} - strict

    assert len(TABLES) == 23
    assert strict == TABLES | EXTRAS == set(schema.metadata.tables)
    assert {name for name in plain if not name.startswith("sqlite_")} == {"alembic_version_tasks"}
    assert found["tasks_fts"]["type"] == "virtual"


@pytest.mark.guarantee("tasks-01", "junctions and lookup tables have no rowid")
def test_junctions_and_lookups_are_without_rowid(db: Connection) -> None:
    found = db.execute("SELECT name FROM pragma_table_list WHERE wr AND type = 'table'")

    assert {row[0] for row in found} == {
        *("task_dependencies", "task_relations", "task_labels", "session_tasks"),
        *("manifest_entry_tasks", "adr_task_links", "adr_relations", "release_tasks"),
        *("release_steps", "phases", "status_registry", "schema_meta"),
    }


@pytest.mark.guarantee("tasks-01", "a fresh file holds 35 registry rows and gave out no number")
@pytest.mark.parametrize("driver", DRIVERS)
def test_a_fresh_file_is_seeded(driver: Any) -> None:
    with created(driver) as db:
        registry = [tuple(row) for row in db.execute("SELECT * FROM status_registry")]
        meta = dict(db.execute("SELECT key, value FROM schema_meta").fetchall())
        version = [row[0] for row in db.execute("SELECT * FROM alembic_version_tasks")]

    assert len(registry) == 35
    assert set(registry) == set(enums.STATUS_REGISTRY)
    assert version == [snapshot.HEAD] == ["tasks_0001"]
    assert meta == {
        "schema_version": "tasks_0001",
        "project_id": "0f5c",
        "project_name": "it's a project",
        "created_at": NOW,
        "task_sequence": "0",
    }


@pytest.mark.guarantee(
    "tasks-01", "every enum, boolean, JSON and time column refuses another value"
)
@pytest.mark.guarantee("tasks-02", "each enum refuses an unknown word in SQL")
@pytest.mark.parametrize("column", columns(*BAD))
def test_a_checked_column_refuses_a_bad_value(db: Connection, column: Column[Any]) -> None:
    table = column.table.name
    if table == "status_registry":
        lift_registry(db)
    for bad in BAD[column.info["kind"]]:
        row = {**ROWS[table], column.name: bad}
        if column.name == "stage_name":
            row["id"] = f"{row['pipeline_id']}/{bad}"

        with pytest.raises(REFUSED) as refused:
            insert(db, table, row)

        assert str(refused.value) == f"CHECK constraint failed: ck_{table}_{column.name}"


@pytest.mark.guarantee("tasks-01", "a column named like a time, JSON or flag is declared as one")
def test_names_and_kinds_of_columns_agree() -> None:
    for table in schema.metadata.tables.values():
        for column in table.columns:
            kind = column.info["kind"]
            named_time = column.name.endswith("_at") or column.name in ("at", "timestamp", "date")
            assert named_time == (kind in ("at", "day")), column
            named_json = column.name.endswith("_json") or column.name == "result"
            assert named_json == (kind.startswith("json") or str(column).endswith("results.result"))
            named_flag = column.name.startswith(("is_", "no_")) or column.name == "forced"
            assert named_flag == (kind == "boolean"), column


@pytest.mark.guarantee("tasks-02", "CHECKs, enums and JSON Schema agree word for word")
@pytest.mark.parametrize("column", columns("enum"))
def test_an_enum_says_the_same_words_everywhere(db: Connection, column: Column[Any]) -> None:
    words = column.info["words"]
    stored = db.execute("SELECT sql FROM sqlite_master WHERE name = ?", (column.table.name,))
    name = re.escape(f"ck_{column.table.name}_{column.name}")

    check = re.search(rf"CONSTRAINT {name} CHECK \(\w+ IN \((.*?)\)\)", stored.fetchone()[0])

    assert check is not None
    assert re.findall(r"'([^']*)'", check[1]) == list(words)
    assert words in [value for key, value in vars(enums).items() if key.isupper()]
    if column.table.name == "tasks":
        key = json_schema.json_key(column.name)
        shown = json_schema.task_schema()["properties"][key]["enum"]
        assert shown == [*words, None] if column.nullable else shown == list(words)


@pytest.mark.guarantee("tasks-02", "the registry agrees with the enums word for word")
def test_the_registry_says_the_words_of_its_enums(db: Connection) -> None:
    tables = schema.metadata.tables
    declared = {
        "task": tables["tasks"].c.status,
        "session": tables["sessions"].c.status,
        "lifecycle_pipeline": tables["lifecycle_pipelines"].c.status,
        "lifecycle_stage": tables["lifecycle_stages"].c.status,
        "adr": tables["architecture_decisions"].c.status,
        "gate": tables["architecture_decisions"].c.gate_status,
        "manifest": tables["manifest_entries"].c.status,
    }
    assert set(declared) == set(enums.REGISTRY_ENTITY)
    for entity, column in declared.items():
        rows = db.execute("SELECT name FROM status_registry WHERE entity_type = ?", (entity,))
        assert {row[0] for row in rows} == set(column.info["words"])
    closed = db.execute(
        "SELECT name FROM status_registry WHERE entity_type = 'task' AND is_terminal"
    )
    assert {row[0] for row in closed} == enums.SATISFIED_STATUS
    assert set(enums.TASK_STATUS) == enums.OPEN_STATUS | enums.SATISFIED_STATUS
    assert set(enums.ARCHIVED_FROM) == set(enums.TASK_STATUS) - {"archived"}
    assert tuple(enums.PRIORITY_ORDER) == enums.TASK_PRIORITY


@pytest.mark.guarantee("tasks-02", "every enum is the list of some column, so none is left over")
def test_every_enum_is_used() -> None:
    used = {column.info.get("words") for t in schema.metadata.tables.values() for column in t.c}
    declared = {
        key: value
        for key, value in vars(enums).items()
        if key.isupper() and isinstance(value, tuple) and not key.startswith("_")
    }
    assert {key for key, value in declared.items() if value not in used} == {"STATUS_REGISTRY"}


def test_the_json_schema_names_every_column_a_task_shows() -> None:
    shown = json_schema.task_schema()

    assert shown["required"] == list(shown["properties"])
    assert set(shown["properties"]) == {
        *("id", "title", "description", "status", "priority", "type", "role", "scope"),
        *("severity", "size", "parentId", "phase", "position", "acceptance", "notes", "files"),
        *("metadata", "blockedReason", "noAutoComplete", "assignee", "claimedAt"),
        *("pipelineStage", "verificationRound", "sessionId", "origin", "createdBy"),
        *("modifiedBy", "createdAt", "updatedAt", "startedAt", "completedAt", "cancelledAt"),
        *("archivedAt", "cancellationReason", "archiveReason", "archivedFrom", "version"),
        *("labels", "dependsOn", "ready", "openDependencies"),
    }
    assert json.loads(json.dumps(shown)) == shown


@pytest.mark.guarantee("tasks-03", "every column of every table comes back as it was inserted")
@pytest.mark.parametrize("table", sorted(ROWS))
def test_every_column_survives_insert_and_read(db: Connection, table: str) -> None:
    declared = schema.metadata.tables[table].c
    assert set(ROWS[table]) == {c.name for c in declared if c.info["kind"] != "generated"}
    if table == "status_registry":
        lift_registry(db)
    db.execute("BEGIN")

    insert(db, table, ROWS[table])

    assert read(db, table).items() >= ROWS[table].items()
    db.execute("ROLLBACK")


@pytest.mark.guarantee("tasks-03", "an update of each column leaves every other column as it was")
@pytest.mark.parametrize("table", sorted(set(ROWS) - APPEND_ONLY))
def test_an_update_of_a_column_leaves_the_others(db: Connection, table: str) -> None:
    if table == "status_registry":
        lift_registry(db)
    for column in schema.metadata.tables[table].c:
        if column.info["kind"] == "generated":
            continue
        # Rolled back, so that a deferred reference need not be met.
        db.execute("BEGIN")
        insert(db, table, ROWS[table])
        before = read(db, table)
        values = changed(db, column)

        update(db, table, values)

        after = read(db, table)
        assert after[column.name] == values[column.name] != before[column.name]
        moved = {"has_dependencies", "created_week", *values}
        kept = {name: value for name, value in before.items() if name not in moved}
        assert {name: after[name] for name in kept} == kept, column
        db.execute("ROLLBACK")


def test_generated_columns_follow_their_sources(db: Connection) -> None:
    add_task(db, 10, created_at="1970-01-15T00:00:00.000Z")
    add_edge(db, "T010", "T001")

    row = db.execute("SELECT has_dependencies, created_week FROM tasks WHERE id = 'T010'")

    assert tuple(row.fetchone()) == (1, 2)


BASE = {"seq": 10, "id": "T010", "title": "x", "created_at": NOW, "updated_at": NOW}
ARCHIVED = {"archived_at": NOW, "archive_reason": "deleted", "archived_from": "done"}


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"id": "T10"}, "id"),
        ({"seq": 1000, "id": "T01000"}, "id"),
        ({"title": ""}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"title": " x"}, "title"),
        ({"title": "x\t"}, "title"),
        ({"title": "x\ny"}, "title"),
        ({"title": "x\ry"}, "title"),
        ({"parent_id": "T010"}, "parent_id"),
        ({"assignee": "a"}, "claim"),
        ({"claimed_at": NOW}, "claim"),
        ({"open_dependency_count": 1}, "counters"),
        ({"open_dependency_count": -1}, "counters"),
        ({"dependency_count": -1}, "counters"),
        ({"status": "done", "completed_at": NOW}, "done"),
        ({"status": "done", "pipeline_stage": "contribution"}, "done"),
        ({"status": "cancelled", "cancelled_at": NOW}, "cancelled"),
        ({"status": "cancelled", "pipeline_stage": "cancelled"}, "cancelled"),
        *(
            ({"status": status, "pipeline_stage": stage}, "open")
            for status in ("pending", "active", "blocked", "proposed")
            for stage in ("contribution", "cancelled")
        ),
        ({"status": "archived"}, "archived"),
        *(({"status": "archived", **ARCHIVED, name: None}, "archived") for name in ARCHIVED),
        *(({name: value}, "archived") for name, value in ARCHIVED.items()),
    ],
)
def test_a_task_that_cannot_be_is_refused(db: Connection, values: Row, constraint: str) -> None:
    with pytest.raises(REFUSED, match=f"CHECK .*: ck_tasks_{constraint}$"):
        insert(db, "tasks", {**BASE, **values})


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"title": "x" * 200},
        {"title": "é🙂" * 100},
        {"seq": 1000, "id": "T1000"},
        {"status": "done", "pipeline_stage": "contribution", "completed_at": NOW},
        {"status": "cancelled", "pipeline_stage": "cancelled", "cancelled_at": NOW},
        {"status": "archived", **ARCHIVED},
        {"status": "archived", "pipeline_stage": "cancelled", **ARCHIVED},
        {"assignee": "a", "claimed_at": NOW},
    ],
)
def test_a_task_that_can_be_is_taken(db: Connection, values: Row) -> None:
    insert(db, "tasks", {**BASE, **values})


@pytest.mark.parametrize(
    ("table", "values", "error"),
    [
        ("task_labels", {"label": "Area"}, "ck_task_labels_label"),
        ("task_labels", {"label": "-area"}, "ck_task_labels_label"),
        ("task_labels", {"label": "a b"}, "ck_task_labels_label"),
        ("task_labels", {"label": "a" * 65}, "ck_task_labels_label"),
        ("task_labels", {"label": ""}, "ck_task_labels_label"),
        ("phases", {"slug": "1st"}, "ck_phases_slug"),
        ("phases", {"slug": "a_b"}, "ck_phases_slug"),
        ("phases", {"position": 1}, "UNIQUE"),
        ("task_dependencies", {"depends_on": "T001"}, "ck_task_dependencies_unequal"),
        ("task_dependencies", {"depends_on": "T999"}, "FOREIGN KEY"),
        ("task_relations", {"related_to": "T001"}, "ck_task_relations_unequal"),
        ("task_gate_results", {"reason": None}, "ck_task_gate_results_reasoned"),
        ("sessions", {"scope_kind": "global"}, "ck_sessions_scope"),
        ("sessions", {"ended_at": None}, "ck_sessions_ended"),
        ("sessions", {"status": "orphaned", "ended_at": None}, "ck_sessions_ended"),
        ("sessions", {"status": "active"}, "ck_sessions_ended"),
        ("sessions", {"previous_session_id": "ses_c"}, "ck_sessions_previous_session_id"),
        ("sessions", {"id": "ses_b"}, "UNIQUE"),
        ("lifecycle_pipelines", {"id": "pl_T004"}, "ck_lifecycle_pipelines_id"),
        (
            "lifecycle_pipelines",
            {"current_stage_id": "pl_T0033/research"},
            "ck_lifecycle_pipelines_current_stage_id",
        ),
        ("lifecycle_pipelines", {}, "FOREIGN KEY"),
        ("lifecycle_stages", {"id": "pl_T002-testing"}, "ck_lifecycle_stages_id"),
        ("lifecycle_stages", {"sequence": 0}, "ck_lifecycle_stages_sequence"),
        ("lifecycle_stages", {"sequence": 11}, "ck_lifecycle_stages_sequence"),
        ("lifecycle_stages", {"skip_reason": None}, "ck_lifecycle_stages_skipped"),
        ("lifecycle_gate_results", {"reason": None}, "ck_lifecycle_gate_results_reasoned"),
        ("lifecycle_transitions", {"reason": None}, "ck_lifecycle_transitions_reasoned"),
        (
            "lifecycle_transitions",
            {"to_stage_id": "pl_T001/research"},
            "ck_lifecycle_transitions_unequal",
        ),
        ("architecture_decisions", {"id": "ADR-9"}, "ck_architecture_decisions_id"),
        ("adr_relations", {"to_adr_id": "ADR-001"}, "ck_adr_relations_unequal"),
        ("release_manifests", {"version": "2.0.0"}, "ck_release_manifests_version"),
        ("release_manifests", {"version": "v1-one"}, "UNIQUE"),
        ("external_task_links", {"provider_id": "Git Hub"}, "ck_external_task_links_provider_id"),
        ("token_usage", {"total_tokens": -1}, "ck_token_usage_total_tokens"),
        ("agent_instances", {"capacity": 1.5}, "ck_agent_instances_capacity"),
        ("idempotency_keys", {"key": "k" * 201}, "ck_idempotency_keys_key"),
        ("schema_meta", {"value": None}, "NOT NULL"),
        ("tasks", {"position": "first"}, "cannot store TEXT"),
    ],
)
def test_a_row_that_cannot_be_is_refused(
    db: Connection, table: str, values: Row, error: str
) -> None:
    with pytest.raises(REFUSED, match=error):
        insert(db, table, {**ROWS[table], **values})


@pytest.mark.parametrize(
    ("table", "first", "second"),
    [
        ("phases", {"status": "active"}, {"slug": "x", "position": 10, "status": "active"}),
        ("task_work_history", {"cleared_at": None}, {"id": 8, "cleared_at": None}),
        (
            "sessions",
            {"status": "active", "ended_at": None},
            {"seq": 10, "id": "ses_d", "status": "active", "ended_at": None},
        ),
        (
            "sessions",
            {
                "status": "active",
                "ended_at": None,
                "agent_id": None,
                "scope_kind": "global",
                "scope_task_id": None,
            },
            {
                "seq": 10,
                "id": "ses_d",
                "status": "active",
                "ended_at": None,
                "agent_id": None,
                "scope_kind": "global",
                "scope_task_id": None,
            },
        ),
        ("token_usage", {}, {"id": 8}),
        ("external_task_links", {}, {"id": 8, "task_id": "T002"}),
        ("pipeline_manifest", {}, {"seq": 10, "id": "other"}),
    ],
)
def test_of_some_rows_there_is_one(db: Connection, table: str, first: Row, second: Row) -> None:
    insert(db, table, {**ROWS[table], **first})

    with pytest.raises(REFUSED, match="UNIQUE"):
        insert(db, table, {**ROWS[table], **second})


@pytest.mark.parametrize(
    ("table", "first", "second"),
    [
        ("sessions", {}, {"seq": 10, "id": "ses_d"}),
        ("task_work_history", {}, {"id": 8, "cleared_at": None}),
        ("token_usage", {"request_id": None}, {"id": 8, "request_id": None}),
        (
            "external_task_links",
            {},
            {"id": 8, "task_id": "T002", "link_type": "transferred"},
        ),
        ("pipeline_manifest", {"task_id": None}, {"seq": 10, "id": "other", "task_id": None}),
        (
            "release_manifests",
            {"status": "rolled_back"},
            {"seq": 10, "id": "rel-v2.0.0.2", "status": "draft"},
        ),
    ],
)
def test_of_other_rows_there_may_be_several(
    db: Connection, table: str, first: Row, second: Row
) -> None:
    insert(db, table, {**ROWS[table], **first})
    insert(db, table, {**ROWS[table], **second})


def test_the_registry_refuses_every_change(db: Connection) -> None:
    for statement in (
        "INSERT INTO status_registry VALUES ('x', 'task', 'workflow', 'X.', 0)",
        "INSERT OR REPLACE INTO status_registry VALUES ('done', 'task', 'workflow', 'X.', 0)",
        "UPDATE status_registry SET is_terminal = 0",
        "DELETE FROM status_registry",
    ):
        with pytest.raises(REFUSED, match="changed by migrations only"):
            db.execute(statement)


@pytest.mark.parametrize("table", sorted(APPEND_ONLY))
def test_an_append_only_row_cannot_be_changed_replaced_or_deleted(
    db: Connection, table: str
) -> None:
    insert(db, table, ROWS[table])
    refused = pytest.raises(REFUSED, match=f"{table} is append-only")

    for column in schema.metadata.tables[table].c:
        with refused:
            db.execute(f"UPDATE {table} SET {column.name} = {column.name}")
    with refused:
        insert(db, table, ROWS[table], "INSERT OR REPLACE")
    with refused:
        db.execute(f"DELETE FROM {table}")

    assert read(db, table) == ROWS[table]
    insert(db, table, {**ROWS[table], "id": None})


def test_a_purged_task_takes_its_records_along(db: Connection) -> None:
    for table in ROWS:
        if table not in ("tasks", "lifecycle_pipelines", "release_tasks", "status_registry"):
            insert(db, table, ROWS[table])
    db.execute(
        "UPDATE lifecycle_pipelines SET current_stage_id = 'pl_T001/research' WHERE id = 'pl_T001'"
    )

    db.execute("DELETE FROM tasks WHERE id = 'T001'")

    gone = APPEND_ONLY - {"audit_log"} | {
        *("task_labels", "task_dependencies", "task_relations", "session_tasks"),
        *("task_work_history", "manifest_entry_tasks", "adr_task_links", "external_task_links"),
    }
    assert {
        t: db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in gone
    } == dict.fromkeys(gone, 0)
    assert read(db, "audit_log") == ROWS["audit_log"]
    assert read(db, "sessions")["scope_task_id"] is None
    assert read(db, "token_usage")["task_id"] is None
    assert read(db, "agent_instances")["task_id"] is None
    assert read(db, "pipeline_manifest")["task_id"] is None


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM lifecycle_stages WHERE id = 'pl_T001/research'",
        "DELETE FROM lifecycle_stages WHERE id = 'pl_T001/consensus'",
    ],
)
def test_a_stage_cannot_be_cut_out_of_the_record_of_its_pipeline(
    db: Connection, statement: str
) -> None:
    insert(db, "lifecycle_transitions", ROWS["lifecycle_transitions"])

    with pytest.raises(REFUSED, match="lifecycle_transitions is append-only"):
        db.execute(statement)


@pytest.mark.parametrize("holder", ["tasks", "release_tasks"])
def test_a_task_that_is_held_cannot_be_purged(db: Connection, holder: str) -> None:
    insert(db, holder, ROWS[holder])

    with pytest.raises(REFUSED, match="FOREIGN KEY"):
        db.execute("DELETE FROM tasks WHERE id = 'T001'")


def test_a_phase_takes_its_tasks_along_when_renamed_and_stays_while_it_has_any(
    db: Connection,
) -> None:
    insert(db, "tasks", ROWS["tasks"])

    db.execute("UPDATE phases SET slug = 'make' WHERE slug = 'build'")

    assert read(db, "tasks")["phase"] == "make"
    with pytest.raises(REFUSED, match="FOREIGN KEY"):
        db.execute("DELETE FROM phases WHERE slug = 'make'")


def test_the_audit_log_is_deleted_only_below_the_mark_of_a_prune(db: Connection) -> None:
    for number in (8, 9, 10):
        insert(db, "audit_log", {**ROWS["audit_log"], "id": number})
    # Text would sort 9 after 10.
    insert(db, "schema_meta", {"key": "audit_prune_below", "value": "10"})

    with pytest.raises(REFUSED, match="audit_log is append-only"):
        db.execute("DELETE FROM audit_log WHERE id = 10")
    db.execute("DELETE FROM audit_log WHERE id < 10")
    db.execute("DELETE FROM schema_meta WHERE key = 'audit_prune_below'")
    with pytest.raises(REFUSED, match="audit_log is append-only"):
        db.execute("DELETE FROM audit_log")

    assert [row[0] for row in db.execute("SELECT id FROM audit_log")] == [10]


def test_a_handoff_is_written_once(db: Connection) -> None:
    insert(db, "sessions", ROWS["sessions"])
    update(db, "sessions", {"handoff_json": '{"a": 1}'})

    for value in ('{"a": 2}', None):
        with pytest.raises(REFUSED, match="written once"):
            update(db, "sessions", {"handoff_json": value})
    update(db, "sessions", {"handoff_consumed_by": "other", "resume_count": 9})

    assert read(db, "sessions")["handoff_json"] == '{"a": 1}'


COUNTED = (
    "SELECT id, dependency_count, open_dependency_count, has_dependencies FROM tasks ORDER BY 1"
)
RECOUNTED = """\
SELECT t.id, count(e.depends_on), count(o.id), count(e.depends_on) > 0
FROM tasks AS t
LEFT JOIN task_dependencies AS e ON e.task_id = t.id
LEFT JOIN tasks AS o ON o.id = e.depends_on
    AND o.status IN ('pending', 'active', 'blocked', 'proposed')
GROUP BY t.id ORDER BY 1"""

IDS = [f"T{seq:03d}" for seq in range(1, 7)]
STEPS = st.one_of(
    st.tuples(st.just("add"), st.sampled_from(IDS), st.sampled_from(IDS)),
    st.tuples(st.just("replace"), st.sampled_from(IDS), st.sampled_from(IDS)),
    st.tuples(st.just("remove"), st.sampled_from(IDS), st.sampled_from(IDS)),
    st.tuples(st.just("retarget"), st.sampled_from(IDS), st.sampled_from(IDS)),
    st.tuples(st.just("hand over"), st.sampled_from(IDS), st.sampled_from(IDS)),
    st.tuples(
        st.just("status"),
        st.sampled_from(enums.TASK_STATUS),
        st.lists(st.sampled_from(IDS), min_size=1, unique=True),
    ),
    st.tuples(st.just("purge"), st.lists(st.sampled_from(IDS), min_size=1, max_size=2)),
    st.tuples(st.just("put"), st.sampled_from(IDS), st.sampled_from(enums.TASK_STATUS)),
)


def apply(db: Connection, step: tuple[Any, ...]) -> None:
    match step:
        case ("add" | "replace" as how, task, other):
            add_edge(db, task, other, "INSERT OR REPLACE" if how == "replace" else "INSERT")
        case ("remove", task, other):
            key = (task, other)
            db.execute("DELETE FROM task_dependencies WHERE (task_id, depends_on) = (?, ?)", key)
        case ("retarget", task, other):
            sql = "UPDATE task_dependencies SET depends_on = ? WHERE task_id = ?"
            db.execute(sql, (other, task))
        case ("hand over", task, other):
            sql = "UPDATE task_dependencies SET task_id = ? WHERE task_id = ?"
            db.execute(sql, (other, task))
        case ("status", status, ids):
            set_status(db, status, *ids)
        case ("purge", ids):
            marks = ", ".join("?" * len(ids))
            db.execute(f"DELETE FROM tasks WHERE id IN ({marks})", ids)
        case ("put", task, status):
            stage = {"done": "contribution", "cancelled": "cancelled"}
            times = {"completed_at": NOW, "cancelled_at": NOW}
            archived = ARCHIVED if status == "archived" else {}
            values = {"status": status, "pipeline_stage": stage.get(status, "testing")}
            row = {**BASE, "seq": int(task[1:]), "id": task, **values, **times, **archived}
            insert(db, "tasks", row, "INSERT OR REPLACE")


@pytest.fixture(scope="module", params=DRIVERS, ids=lambda driver: str(driver.__name__))
def six_tasks(request: pytest.FixtureRequest) -> Iterator[Connection]:
    with created(request.param) as db:
        for seq in range(1, 7):
            add_task(db, seq)
        yield db


@settings(deadline=None, max_examples=100)
@given(steps=st.lists(STEPS, max_size=25))
def test_counters_equal_a_recount_after_any_steps(
    six_tasks: Connection, steps: list[tuple[Any, ...]]
) -> None:
    db = six_tasks
    db.execute("BEGIN")
    for step in steps:
        try:
            apply(db, step)
        except REFUSED as refused:
            if not re.search("UNIQUE|FOREIGN KEY|unequal", str(refused)):
                raise

        counted = [tuple(row) for row in db.execute(COUNTED)]
        assert counted == [tuple(row) for row in db.execute(RECOUNTED)], step
    db.execute("INSERT INTO tasks_fts (tasks_fts) VALUES ('integrity-check')")
    found = [row[0] for row in db.execute("SELECT rowid FROM tasks_fts ORDER BY 1")]
    assert found == [row[0] for row in db.execute("SELECT seq FROM tasks ORDER BY 1")]
    db.execute("ROLLBACK")


def test_both_ends_of_an_edge_may_change_in_one_statement(db: Connection) -> None:
    add_edge(db, "T001", "T002")
    add_edge(db, "T002", "T003")
    add_edge(db, "T003", "T004")

    set_status(db, "done", "T001", "T002", "T003")

    counts = [tuple(row) for row in db.execute(COUNTED)]
    assert counts[:3] == [("T001", 1, 0, 1), ("T002", 1, 0, 1), ("T003", 1, 1, 1)]


def test_a_purge_of_an_open_task_frees_who_waited_for_it(db: Connection) -> None:
    add_edge(db, "T004", "T003")
    add_edge(db, "T004", "T001")

    db.execute("DELETE FROM tasks WHERE id = 'T003'")

    assert tuple(db.execute(COUNTED).fetchall()[-1]) == ("T004", 1, 1, 1)


def test_an_upsert_counts_and_indexes_once(db: Connection) -> None:
    add_edge(db, "T001", "T002")
    row = {**BASE, "seq": 2, "id": "T002"}
    names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)

    db.execute(
        f"INSERT INTO tasks ({names}) VALUES ({marks}) ON CONFLICT (id) DO UPDATE SET"
        " title = 'zebra', status = 'done', pipeline_stage = 'contribution', completed_at = :now",
        {**row, "now": NOW},
    )

    assert tuple(db.execute(COUNTED).fetchone()) == ("T001", 1, 0, 1)
    found = db.execute("SELECT rowid FROM tasks_fts WHERE tasks_fts MATCH 'zebra'").fetchall()
    assert [row[0] for row in found] == [2]


def test_no_trigger_touches_version_or_times(db: Connection) -> None:
    before = db.execute("SELECT version, updated_at FROM tasks").fetchall()

    add_edge(db, "T001", "T002")
    set_status(db, "done", "T002")

    assert db.execute("SELECT version, updated_at FROM tasks").fetchall() == before
    assert db.execute("SELECT count(*) FROM audit_log").fetchone()[0] == 0


@pytest.mark.parametrize(
    ("index", "phase"), [("ix_tasks_ready", ""), ("ix_tasks_ready_phase", "build")]
)
def test_a_ready_range_is_read_in_order_from_its_index(
    db: Connection, index: str, phase: str
) -> None:
    lead = "phase = 'build' AND phase IS NOT NULL AND" if phase else ""
    plan = db.execute(
        f"EXPLAIN QUERY PLAN SELECT seq FROM tasks INDEXED BY {index} WHERE {lead}"
        " status = 'pending' AND open_dependency_count = 0 AND assignee IS NULL"
        " AND type <> 'epic' AND priority = ? AND has_dependencies = ?"
        " ORDER BY created_week, seq LIMIT 5",
        ("high", 1),
    ).fetchall()

    assert len(plan) == 1
    assert plan[0]["detail"].startswith(f"SEARCH tasks USING INDEX {index} (")


def fts_rows(db: Connection) -> list[Any]:
    return [
        tuple(row)
        for table in ("data", "idx", "content", "docsize")
        for row in db.execute(f"SELECT * FROM tasks_fts_{table}")
    ]


def search(db: Connection, words: str) -> list[str]:
    sql = (
        "SELECT tasks.id FROM tasks_fts JOIN tasks ON seq = tasks_fts.rowid"
        " WHERE tasks_fts MATCH ? ORDER BY seq"
    )
    return [row[0] for row in db.execute(sql, (words,))]


def test_lists_are_indexed_as_values_on_lines(db: Connection) -> None:
    acceptance = ["It says “héllo”", 'a "quoted" | pipe', "line\nbreak 🙂"]
    notes = [{"at": NOW, "by": "alice", "text": "walrus"}, {"at": NOW, "by": None, "text": "b c"}]
    add_task(db, 10, acceptance_json=json.dumps(acceptance), notes_json=json.dumps(notes))

    row = db.execute("SELECT acceptance, notes FROM tasks_fts WHERE rowid = 10").fetchone()

    assert tuple(row) == ("\n".join(acceptance), "walrus\nb c")
    assert search(db, "hello") == search(db, "walrus") == ["T010"]
    assert search(db, "text") == search(db, "alice") == []


def test_an_empty_list_is_indexed_as_nothing(db: Connection) -> None:
    row = db.execute("SELECT description, acceptance, notes FROM tasks_fts WHERE rowid = 1")

    assert tuple(row.fetchone()) == (None, None, None)


def test_text_that_changes_is_found_by_its_new_words_only(db: Connection) -> None:
    for column, old, new in (
        ("title", "apple", "pear"),
        ("description", "stone", "river"),
        ("acceptance_json", '["moon"]', '["comet"]'),
        ("notes_json", '[{"text": "tiger"}]', '[{"text": "otter"}]'),
    ):
        db.execute(f"UPDATE tasks SET {column} = ? WHERE seq = 1", (old,))
        assert search(db, re.sub(r"\W|text", "", old)) == ["T001"]
        db.execute(f"UPDATE tasks SET {column} = ? WHERE seq = 1", (new,))
        assert search(db, re.sub(r"\W|text", "", old)) == []
        assert search(db, re.sub(r"\W|text", "", new)) == ["T001"]

    db.execute("DELETE FROM tasks WHERE seq = 3")
    assert search(db, "task") == ["T002", "T004"]


def test_nothing_but_text_writes_the_index(db: Connection) -> None:
    before = fts_rows(db)

    add_edge(db, "T001", "T002")
    set_status(db, "done", "T002")
    set_status(db, "archived", "T002")
    db.execute("UPDATE tasks SET assignee = 'a', claimed_at = ?, version = version + 1", (NOW,))

    assert fts_rows(db) == before


def test_the_snapshot_is_the_declared_schema() -> None:
    engine = create_engine("sqlite://", module=DRIVERS[0], poolclass=StaticPool)
    version = {"table alembic_version_tasks", "index sqlite_autoindex_alembic_version_tasks_1"}
    with engine.connect() as connection, created() as made:
        schema.metadata.create_all(connection)
        for statement in (*schema.seed, *schema.extra_ddl):
            connection.exec_driver_sql(statement, PARAMETERS)
        declared = connection.connection.dbapi_connection

        found = {name: sql for name, sql in objects(made).items() if name not in version}

        assert found == objects(declared)
        for table in ("status_registry", "schema_meta"):
            rows = f"SELECT * FROM {table} ORDER BY 1, 2"
            expected = connection.exec_driver_sql(rows).fetchall()
            assert [tuple(row) for row in made.execute(rows)] == [tuple(row) for row in expected]
    engine.dispose()


def test_the_snapshot_is_the_migrations_and_the_version_table() -> None:
    folder = Path(snapshot.__file__).parent / "migrations" / "versions"
    (file,) = folder.glob("tasks_*.py")
    tree = ast.parse(file.read_text("utf-8"))
    values = {
        ast.unparse(node.target if isinstance(node, ast.AnnAssign) else node.targets[0]): node.value
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
    }
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert ast.literal_eval(values["STATEMENTS"] or tree) == snapshot.STATEMENTS[:-2]
    assert ast.literal_eval(values["revision"] or tree) == snapshot.HEAD == schema.HEAD
    assert imported == {"__future__", "cleo_core.migrate"}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import)]


def test_the_version_table_is_the_one_that_alembic_makes() -> None:
    from alembic.migration import MigrationContext

    engine = create_engine("sqlite://", poolclass=StaticPool)
    sql = "SELECT sql FROM sqlite_master WHERE name = 'alembic_version_tasks'"
    with engine.connect() as connection:
        options = {"version_table": "alembic_version_tasks"}
        MigrationContext.configure(connection, opts=options)._ensure_version_table()
        expected = connection.exec_driver_sql(sql).scalar_one()
    engine.dispose()

    with created() as made:
        assert made.execute(sql).fetchone()[0] == expected


def test_every_message_of_a_trigger_is_a_literal() -> None:
    for statement in snapshot.STATEMENTS:
        for message in re.findall(r"RAISE\((.*?)\)", statement):
            assert re.fullmatch(r"ABORT, '[^']+'", message)


def test_the_snapshot_has_no_transaction_and_no_if_not_exists() -> None:
    for statement in snapshot.STATEMENTS:
        assert not re.match(r"(BEGIN|COMMIT|SAVEPOINT|PRAGMA)\b", statement)
        assert "IF NOT EXISTS" not in statement


def test_enums_import_nothing() -> None:
    tree = ast.parse(Path(enums.__file__).read_text("utf-8"))

    assert {ast.unparse(n) for n in tree.body if isinstance(n, ast.Import | ast.ImportFrom)} == {
        "from __future__ import annotations"
    }
