"""What SQL itself refuses, and that a file of an older plugin is migrated by telemetry's verbs."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import App
from cleo_core.database import driver
from cleo_telemetry.api import STORE

_timings = runpy.run_path(str(Path(__file__).with_name("timings.py")))
execute, COLUMNS = _timings["execute"], _timings["COLUMNS"]

GOOD: dict[str, Any] = {
    "anonymous_id": "3f2b8a52-0d3c-4e64-9a0b-1f6f5a7f7a01",
    "domain": "tasks",
    "gateway": "query",
    "operation": "show",
    "command": "tasks.show",
    "exit_code": 4,
    "duration_ms": 0,
    "error_code": "E_NOT_FOUND",
    "timestamp": "2026-01-01T00:00:00.000Z",
}


def literal(value: Any) -> str:
    return "NULL" if value is None else repr(value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"anonymous_id": "me"},
        {"anonymous_id": None},
        {"gateway": "other"},
        {"command": "tasks.add"},
        {"domain": None},
        {"exit_code": 256},
        {"exit_code": -1},
        {"exit_code": 0},
        {"duration_ms": -1},
        {"duration_ms": "x"},
        {"error_code": "E_"},
        {"error_code": "E_lower"},
        {"error_code": "a message"},
        {"timestamp": "yesterday"},
    ],
)
def test_a_row_that_says_nothing_sensible_is_refused(
    cleo_project: Path, cleo_cli: Any, wrong: dict[str, Any]
) -> None:
    cleo_cli("telemetry", "enable")

    def insert(row: dict[str, Any]) -> None:
        values = ", ".join(map(literal, row.values()))
        execute(f"INSERT INTO telemetry_events ({', '.join(row)}) VALUES ({values})")

    insert(GOOD)
    with pytest.raises(driver().IntegrityError):
        insert({**GOOD, **wrong})


def test_a_fresh_file_is_empty_and_has_ten_columns(cleo_project: Path, cleo_cli: Any) -> None:
    cleo_cli("telemetry", "enable")
    names = [row[1] for row in execute("PRAGMA table_info(telemetry_events)")]
    assert tuple(names) == COLUMNS
    assert STORE.application_id.to_bytes(4, "big") == b"CLTL"
    assert execute("PRAGMA application_id") == [(STORE.application_id,)]
    indexes = execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
    assert len(indexes) == 3


def test_a_store_that_is_behind_is_told_of_and_migrated_without_a_copy(
    cleo_project: Path, cleo_cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleo_cli("telemetry", "enable")
    cleo_cli("version")
    execute("UPDATE alembic_version_telemetry SET version_num = 'telemetry_0000'")
    quiet = {"DO_NOT_TRACK": "1"}
    status = cleo_cli("telemetry", "status", env=quiet)
    assert status.data["rows"] == 0
    assert "telemetry_0000" in status.warnings[0]["message"]
    asked: list[str] = []

    def migrate(app: App, spec: Any) -> None:
        asked.append(spec.name)
        execute("UPDATE alembic_version_telemetry SET version_num = 'telemetry_0001'")

    monkeypatch.setattr(App, "migrate", migrate)
    refused = cleo_cli("telemetry", "show", env={**quiet, "CLEO_MIGRATE": "refuse"})
    assert (refused.error["exit"], asked) == (50, [])
    assert len(cleo_cli("telemetry", "show", env=quiet).data) == 1
    assert asked == ["telemetry"]
