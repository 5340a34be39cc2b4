"""A verified copy of a large store against a page-wise and a block-wise copy of its file."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.measure import table
from cleo_core.api import StoreSpec
from cleo_core.backup import copying, verified_copy
from cleo_core.database import Database, write_new

#: Megabytes of the store.
SIZE = int(os.environ.get("BENCH_BACKUP_MB", "1000"))
#: A directory on a real disk: on one in memory an fsync costs nothing.
FOLDER = os.environ.get("BENCH_BACKUP_DIR", "/var/tmp")
ROUNDS = 5
SPEED = 0.7
VERIFICATION = 1.5
#: Megabytes a second up to which a block-wise copy is bound by the disk as ours is.
BOUND_BY_DISK = 300

SPEC = StoreSpec(
    name="notes",
    tier="project",
    file="notes.db",
    application_id=0x58580200,
    head="notes_0001",
    schema="-:-",
    migrations="-",
    snapshot="-:-",
)
STATEMENTS = (
    """CREATE TABLE notes (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        title TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 500),
        status TEXT NOT NULL CHECK (status IN ('open', 'done')),
        labels TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(labels)),
        body TEXT NOT NULL,
        created_at TEXT NOT NULL CHECK (created_at GLOB '[0-9][0-9][0-9][0-9]-*Z')
    ) STRICT""",
    "CREATE INDEX ix_notes_status ON notes (status, created_at)",
    "CREATE TABLE alembic_version_notes (version_num VARCHAR(32) NOT NULL PRIMARY KEY)",
    "INSERT INTO alembic_version_notes VALUES ('notes_0001')",
)


def main() -> None:
    """Print how fast the copy is, and what proving it costs."""
    with tempfile.TemporaryDirectory(prefix="cleo-bench-", dir=FOLDER) as name:
        folder = Path(name)
        source, target = folder / "notes.db", folder / "copy.db"
        _fill(source)
        size = source.stat().st_size / 1_000_000
        ways: dict[str, Callable[[], dict[str, float]]] = {
            "ours": lambda: _ours(source, target),
            "dd": lambda: _run(target, "dd", f"if={source}", f"of={target}", "bs=4096"),
            "cp": lambda: _run(target, "cp", "--sparse=never", str(source), str(target)),
        }
        times: dict[str, list[float]] = {}
        for number in range(ROUNDS + 1):
            for way in ways.values():
                for what, seconds in way().items():
                    if number:  # the first round brings the source into memory
                        times.setdefault(what, []).append(seconds)
                target.unlink()
    seconds = {what: statistics.median(found) for what, found in times.items()}
    speed = {what: size / found for what, found in seconds.items()}
    bound = speed["cp"] <= BOUND_BY_DISK
    table(
        f"A store of {size:,.0f} MB in {FOLDER}, median of {ROUNDS}",
        ("what", "seconds", "MB/s", "ratio", "limit"),
        [
            ("copy and fsync", seconds["copy"], speed["copy"], "", ""),
            ("dd bs=4096 and fsync", seconds["dd"], speed["dd"], "", ""),
            ("cp --sparse=never and fsync", seconds["cp"], speed["cp"], "", ""),
            ("copy ÷ dd, speeds", "", "", speed["copy"] / speed["dd"], f"≥ {SPEED}"),
            (
                "copy ÷ cp, speeds",
                "",
                "",
                speed["copy"] / speed["cp"],
                f"≥ {SPEED}" if bound else f"none: cp is above {BOUND_BY_DISK} MB/s",
            ),
            (
                "verification ÷ copy, times",
                seconds["verification"],
                "",
                seconds["verification"] / seconds["copy"],
                f"≤ {VERIFICATION}",
            ),
        ],
    )


def _fill(path: Path) -> None:
    write_new(str(path), STATEMENTS, {}, SPEC.application_id)
    database = Database(str(path), SPEC.name)
    try:
        while path.stat().st_size < SIZE * 1_000_000:
            with database.write() as tx:
                tx.execute(
                    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
                    " INSERT INTO notes (id, title, status, body, created_at)"
                    " SELECT hex(randomblob(8)), 'a note about ' || i, 'open',"
                    " hex(randomblob(1000)), '2026-01-01T00:00:00.000Z' FROM n"
                )
    finally:
        database.close()


def _ours(source: Path, target: Path) -> dict[str, float]:
    """Seconds of the copy, with the fsync right behind it, and of what proves it."""
    spent = {"verification": 0.0}

    with _timed("_check", spent, first=lambda: _sync(target)), _timed("file_sha256", spent):
        started = time.perf_counter()
        verified_copy(str(source), str(target), SPEC)
        whole = time.perf_counter() - started
    return {**spent, "copy": whole - spent["verification"]}


@contextmanager
def _timed(
    name: str, spent: dict[str, float], first: Callable[[], None] | None = None
) -> Iterator[None]:
    real = getattr(copying, name)

    def timed(*arguments: Any) -> Any:
        if first is not None:
            first()
        started = time.perf_counter()
        try:
            return real(*arguments)
        finally:
            spent["verification"] += time.perf_counter() - started

    setattr(copying, name, timed)
    try:
        yield
    finally:
        setattr(copying, name, real)


def _run(target: Path, *argv: str) -> dict[str, float]:
    started = time.perf_counter()
    subprocess.run(argv, check=True, stderr=subprocess.DEVNULL)
    _sync(target)
    return {argv[0]: time.perf_counter() - started}


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
