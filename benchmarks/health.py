"""Doctor on a large healthy project, and reconcile over many references."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import cleo_core
from benchmarks.brain_search import fill
from benchmarks.measure import CLEO, FLOOR, QUIET_FLOOR, alternate, clean_env, quiet, run, table
from benchmarks.population import make_project
from cleo_core.reconcile import reconcile

SIZE = 100_000
ROUNDS = 7
SECONDS = 2.0
RATIO = 3.0

_PLUGIN = """\
from cleo_core import hookimpl
from cleo_core.api import Reference, StoreSpec

CLEO_API = (1, 0)
STATEMENTS = (
    "CREATE TABLE marks (id INTEGER PRIMARY KEY, task TEXT) STRICT",
    "CREATE TABLE alembic_version_marks (version_num VARCHAR(32) NOT NULL)",
    "INSERT INTO alembic_version_marks VALUES ('marks_0001')",
)

@hookimpl
def cleo_register_stores():
    return (
        StoreSpec(
            name="marks", tier="project", file="marks.db", application_id=0x58580100,
            head="marks_0001", schema="bench_marks:none", migrations="bench_marks",
            snapshot="bench_marks:STATEMENTS", kinds={"mark": "marks"},
        ),
    )

@hookimpl
def cleo_register_references():
    return (Reference("marks.marks.task", "task", "keep", "null", name="marks.task"),)
"""


def main() -> None:
    """Print the seconds of doctor, and reconcile's ratio to reading both columns once."""
    with tempfile.TemporaryDirectory(prefix="cleo-bench-") as name:
        folder = Path(name)
        root = make_project(folder, SIZE)
        with cleo_core.open_app(str(root)) as app:
            fill(app, SIZE)
            app.service("brain").reembed()
        env = clean_env(folder)
        costs = alternate(
            {
                "floor": lambda: run(FLOOR, env, root),
                "doctor": lambda: run([CLEO, "doctor"], env, root),
            },
            ROUNDS,
        )
        _install(folder)
        times = [_reconcile(root) for _ in range(ROUNDS)]
    read, whole = (statistics.median(column) for column in zip(*times, strict=True))
    doctor, floor = costs["doctor"], costs["floor"]
    table(
        f"{SIZE:,} tasks and {SIZE:,} memories",
        ("what", "measured", "limit"),
        [
            ("cleo doctor, seconds (median)", doctor.wall / 1000, ""),
            ("the floor process, ms of CPU", floor.cpu, ""),
            (
                f"cleo doctor where the floor takes {QUIET_FLOOR} ms, seconds",
                quiet(doctor.wall, floor.cpu) / 1000,
                SECONDS,
            ),
            (f"reconcile {SIZE:,} references ÷ reading both columns", whole / read, RATIO),
        ],
    )


def _install(folder: Path) -> None:
    """A store of a third party's, whose rows each name a task."""
    site = folder / "site"
    info = site / "bench_marks-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "bench_marks.py").write_text(_PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bench-marks\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[cleo.plugins]\nmarks = bench_marks\n")
    sys.path.insert(0, str(site))


def _reconcile(root: Path) -> tuple[float, float]:
    """CPU seconds of reading both columns, and of reconcile as a dry run."""
    with cleo_core.open_app(str(root)) as app:
        if app.store("marks").one("SELECT 1 AS one FROM marks LIMIT 1") is None:
            app.write(
                "marks",
                lambda unit: unit.executemany(
                    "INSERT INTO marks (task) VALUES (:task)",
                    ({"task": f"T{number:03d}"} for number in range(1, SIZE + 1)),
                ),
            )
        marks, tasks = app.store("marks").connection, app.store("tasks").connection
        started = time.process_time()
        marks.execute("SELECT task FROM marks").fetchall()
        tasks.execute("SELECT id FROM tasks").fetchall()
        read = time.process_time() - started
        started = time.process_time()
        (found,) = reconcile(app, names=["marks.task"]).references
        assert (found.scanned, found.missing) == (SIZE, 0)
        return read, time.process_time() - started
