"""Twenty processes that write one store at the same time."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from cleo_core.app import open_app
from cleo_core.testing import Processes

PROCESSES = 20

#: Writes with an App of its own each time; an id stands on stdout once its commit is done.
WRITER = """
import os, sys
from cleo_core import open_app
for number in range(int(sys.argv[2])):
    with open_app() as app:
        id_ = app.service("tasks").add(f"writer {sys.argv[1]}, task {number}").task.id
    os.write(1, f"{id_}\\n".encode())
"""


@pytest.mark.slow
@pytest.mark.guarantee(
    "operations-07",
    "Twenty processes that write at once lose nothing, give no id twice, and none fails as busy; "
    "on older SQLite versions too.",
)
@pytest.mark.parametrize(("wanted", "writes"), [("auto", 25), ("stdlib", 8)])
def test_twenty_processes_with_many_writes_each_lose_nothing(
    cleo_project: Path, wanted: str, writes: int
) -> None:
    together = Processes({**os.environ, "CLEO_SQLITE": wanted}, cleo_project)
    results = together(
        [[sys.executable, "-c", WRITER, str(one), str(writes)] for one in range(PROCESSES)]
    )
    failures = [err[-500:] for code, _, err in results if code != 0]
    assert failures == []
    acknowledged = [id_ for _, out, _ in results for id_ in out.split()]
    assert len(acknowledged) == PROCESSES * writes
    assert len(set(acknowledged)) == PROCESSES * writes

    with open_app(str(cleo_project)) as app:
        db = app.store("tasks")
        there = {row["id"] for row in db.read("SELECT id FROM tasks")}
        assert there == set(acknowledged)
        titles = {row["title"] for row in db.read("SELECT title FROM tasks")}
        assert titles == {
            f"writer {one}, task {number}" for one in range(PROCESSES) for number in range(writes)
        }
        assert db.scalar("SELECT count(*) FROM audit_log") == PROCESSES * writes
        assert db.scalar("PRAGMA integrity_check") == "ok"
