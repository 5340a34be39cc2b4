"""Numbers of tasks while many processes add at once, some of which are killed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from cleo_core.app import App
from cleo_core.testing import Processes

#: Adds tasks and says each id as soon as it is given: what was said is acknowledged.
WORKER = """
import sys
from cleo_core import open_app
name, count = sys.argv[1], int(sys.argv[2])
app = open_app(agent=name)
tasks = app.service("tasks")
for number in range(count):
    added = tasks.add(f"{name} {number}", labels=["made-by-" + name], notes=["a note"])
    print(added.task.id, added.task.title, sep="\\t", flush=True)
app.close()
"""
HALF = {
    "a number without its text": "SELECT count(*) FROM tasks AS t "
    "LEFT JOIN tasks_fts AS f ON f.rowid = t.seq WHERE f.title IS NOT t.title",
    "a task without its label": "SELECT count(*) FROM tasks AS t "
    "WHERE NOT EXISTS (SELECT 1 FROM task_labels WHERE task_id = t.id)",
    "a task without its log row": "SELECT count(*) FROM tasks AS t "
    "WHERE (SELECT count(*) FROM audit_log WHERE task_id = t.id AND action = 'task.add') <> 1",
    "a log row without its task": "SELECT count(*) FROM audit_log "
    "WHERE task_id NOT IN (SELECT id FROM tasks)",
    "a label without its task": "SELECT count(*) FROM task_labels "
    "WHERE task_id NOT IN (SELECT id FROM tasks)",
}


def workers(count: int, each: int, wave: int = 0) -> list[list[str]]:
    names = [f"w{wave}-{number}" for number in range(count)]
    return [[sys.executable, "-c", WORKER, name, str(each)] for name in names]


def acknowledged(out: str) -> list[tuple[str, str]]:
    """(id, title) of each complete line."""
    whole, _, _ = out.rpartition("\n")
    return [(line.split("\t")[0], line.split("\t")[1]) for line in whole.splitlines()]


def stored(app: App) -> dict[str, str]:
    rows = app.store("tasks").read("SELECT id, title FROM tasks ORDER BY seq")
    return {row["id"]: row["title"] for row in rows}


def check_whole(app: App) -> None:
    """Nothing is half there, and the numbers are consecutive from 1."""
    db = app.store("tasks")
    ids = list(stored(app))
    assert ids == [f"T{number:03d}" for number in range(1, len(ids) + 1)]
    assert {what: db.scalar(sql) for what, sql in HALF.items()} == dict.fromkeys(HALF, 0)
    assert db.scalar("PRAGMA integrity_check") == "ok"
    assert db.read("PRAGMA foreign_key_check") == []
    state = app.service("tasks").sequence_show()
    assert (state.ok, state.stored) == (True, len(ids))


@pytest.mark.guarantee(
    "tasks-04",
    "Fifty processes that add twenty tasks each get a thousand different consecutive ids.",
)
def test_fifty_processes_get_a_thousand_consecutive_ids(
    cleo_processes: Processes, cleo_open: Callable[..., App]
) -> None:
    results = cleo_processes(workers(50, 20))
    assert [code for code, _, _ in results] == [0] * 50, next(
        err for code, _, err in results if code
    )
    said = [pair for _, out, _ in results for pair in acknowledged(out)]
    app = cleo_open()
    assert len(said) == len({id_ for id_, _ in said}) == 1000
    assert dict(said) == stored(app)
    assert app.store("tasks").scalar("SELECT count(*) FROM audit_log") == 1000
    check_whole(app)


@pytest.mark.guarantee(
    "tasks-04",
    "Of processes that are killed while they add, every acknowledged task is there, none half.",
)
def test_killed_processes_leave_every_acknowledged_task_and_no_half_one(
    cleo_processes: Processes, cleo_open: Callable[..., App]
) -> None:
    results: list[Any] = []
    for wave in range(3):
        results += cleo_processes(workers(8, 120, wave), kill=6, within=0.8, seed=wave)
    assert sum(code == -9 for code, _, _ in results) > 3
    said = [pair for _, out, _ in results for pair in acknowledged(out)]
    app = cleo_open()
    there = stored(app)
    assert len({id_ for id_, _ in said}) == len(said) > 100
    assert {id_: there.get(id_) for id_, _ in said} == dict(said)
    # A kill between commit and output leaves at most one task of each process unsaid.
    assert len(there) - len(said) <= sum(code == -9 for code, _, _ in results)
    check_whole(app)


@pytest.mark.guarantee("tasks-04", "A number that was given is never given again.")
def test_a_purged_number_is_not_given_again(cleo_open: Callable[..., App]) -> None:
    tasks = cleo_open().service("tasks")
    tasks.add("One")
    tasks.add("Two")
    tasks.delete("T002")
    tasks.delete("T002", purge=True)
    assert tasks.sequence_show().max == 1
    assert tasks.add("Three").task.id == "T003"


def test_a_refused_add_takes_no_number(cleo_open: Callable[..., App]) -> None:
    tasks = cleo_open().service("tasks")
    with pytest.raises(Exception, match="no task T999"):
        tasks.add("One", depends=["T999"])
    with tasks.app.dry_running():
        tasks.add("One")
    assert tasks.add("One").task.id == "T001"
