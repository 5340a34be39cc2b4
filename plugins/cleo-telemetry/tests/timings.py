"""What the tests of telemetry look at, and programs that tell what commands touch."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from cleo_core.database import connect_for_copy
from cleo_core.paths import data_dir

COLUMNS = (
    *("id", "anonymous_id", "domain", "gateway", "operation", "command"),
    *("exit_code", "duration_ms", "error_code", "timestamp"),
)

#: Thirty commands of core and of tasks, good and bad.
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("init", "demo"),
    ("add", "one"),
    ("add", "two", "--parent", "T001"),
    ("add", "three"),
    ("add", ""),
    ("show", "T001"),
    ("show", "T404"),
    ("show", "--no-such-option"),
    ("list",),
    ("list", "--limit", "1"),
    ("find", "one"),
    ("next",),
    ("current",),
    ("update", "T003", "--priority", "high"),
    ("update", "T404", "--priority", "high"),
    ("start", "T003"),
    ("current",),
    ("stop",),
    ("complete", "T003", "--dry-run"),
    ("deps", "show", "T001"),
    ("deps", "nonsense"),
    ("nonsense",),
    ("version",),
    ("config", "list"),
    ("config", "get", "nope"),
    ("config", "set", "output.format", "json"),
    ("config", "unset", "output.format"),
    ("reconcile",),
    ("migrate",),
    ("delete", "T404"),
)

#: Runs command lines, given as JSON on stdin, and tells what they opened, imported and made.
PROGRAM = """
import contextlib, io, json, os, sys

opened = []
def hear(event, arguments):
    if event in ("open", "os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.link"):
        opened.append(str(arguments[0]))
sys.addaudithook(hear)

from cleo_core.api import finished
from cleo_core.cli import main
from cleo_core.database import drivers

made = 0
plain = finished.CommandEvent
def count(*values, **named):
    global made
    made += 1
    return plain(*values, **named)
finished.CommandEvent = count

module = drivers.driver()
class Watched:
    def __getattr__(self, name):
        return getattr(module, name)
    def connect(self, name, **options):
        opened.append(str(name))
        return module.connect(name, **options)
drivers._driver = Watched()

codes, out, err = [], [], []
for words in json.load(sys.stdin):
    texts = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(texts[0]), contextlib.redirect_stderr(texts[1]):
        codes.append(main([*words]))
    out.append(texts[0].getvalue())
    err.append(texts[1].getvalue())
print(json.dumps({
    "opened": opened, "made": made, "codes": codes, "out": out, "err": err,
    "modules": sorted(sys.modules),
}))
"""


def file() -> Path:
    """Where the store's file is."""
    return Path(data_dir(os.environ)) / "telemetry.db"


def execute(*statements: str) -> list[tuple[Any, ...]]:
    """Run statements on the file, beside CLEO; the rows of the last."""
    connection = connect_for_copy(str(file()))
    rows: list[tuple[Any, ...]] = []
    try:
        for statement in statements:
            rows = connection.execute(statement).fetchall()
    finally:
        connection.close()
    return rows


def rows() -> list[dict[str, Any]]:
    """All rows, in order."""
    found = execute("SELECT * FROM telemetry_events ORDER BY id")
    return [dict(zip(COLUMNS, row, strict=True)) for row in found]


def commands() -> list[str]:
    """The commands of all rows, in order."""
    return [row["command"] for row in rows()]


def meta() -> dict[str, str]:
    """The store's own keys."""
    return dict(execute("SELECT key, value FROM telemetry_schema_meta"))


def insert(command: str, *, count: int = 1, exit: int = 0, ms: int = 10, **more: Any) -> None:
    """Store rows of one command."""
    domain, _, operation = command.partition(".")
    code = more.get("code")
    at = more.get("at", "2026-03-25T14:00:00.000Z")
    who = (meta() or {}).get("anonymous_id", "3f2b8a52-0d3c-4e64-9a0b-1f6f5a7f7a01")
    shown = "NULL" if code is None else f"'{code}'"
    execute(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
        f"{count}) INSERT INTO telemetry_events (anonymous_id, domain, gateway, operation, "
        "command, exit_code, duration_ms, error_code, timestamp) "
        f"SELECT '{who}', '{domain}', 'query', '{operation}', '{command}', {exit}, {ms}, "
        f"{shown}, '{at}' FROM n"
    )


def content() -> bytes:
    """Every byte of the file and of what lies beside it."""
    return b"".join(path.read_bytes() for path in sorted(file().parent.glob("telemetry.db*")))


def told(output: str) -> dict[str, Any]:
    """What :data:`PROGRAM` printed."""
    found: dict[str, Any] = json.loads(output)
    return found
