"""Projects with many tasks, written straight into the store's tables."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cleo_core
from cleo_core import clock
from cleo_core.app import create_app
from cleo_core.initialize import initialize

WORDS = [
    "parser",
    "index",
    "cache",
    "lock",
    "queue",
    "merge",
    "export",
    "import",
    "schema",
    "token",
    "stream",
    "batch",
    "retry",
    "audit",
    "search",
    "vector",
    "branch",
    "release",
    "plugin",
    "backup",
    "restore",
    "session",
    "agent",
    "message",
    "identity",
]
PRIORITIES = ("critical", "high", "medium", "low")
START = clock.parse_time("2026-01-05T00:00:00Z")


def make_project(folder: Path, tasks: int) -> Path:
    """A project with ``tasks`` tasks, two dependencies for each, and a rare word in 50 titles.

    :returns: the project's root.
    """
    root = folder / f"project{tasks}"
    root.mkdir()
    app = create_app()
    initialize(str(root), plugins=app.plugins, env=app.env)
    with cleo_core.open_app(str(root)) as opened:
        opened.write("tasks", lambda unit: _fill(unit, tasks))
    return root


def _fill(unit: Any, count: int) -> None:
    chance = random.Random(count)
    rare = set(chance.sample(range(1, count + 1), min(50, count)))
    unit.executemany(
        "INSERT INTO tasks (seq, id, title, description, status, priority, type, parent_id, "
        "position, created_by, created_at, updated_at) VALUES (:seq, :id, :title, :description, "
        "'pending', :priority, :type, :parent, :seq, 'bench', :at, :at)",
        _rows(chance, count, rare),
    )
    unit.executemany(
        "INSERT INTO task_dependencies (task_id, depends_on, created_at) "
        "VALUES (:task, :target, :at) ON CONFLICT DO NOTHING",
        _edges(chance, count),
    )
    unit.execute(
        "UPDATE schema_meta SET value = :value WHERE key = 'task_sequence'", value=str(count)
    )


def _rows(chance: random.Random, count: int, rare: set[int]) -> Iterator[dict[str, Any]]:
    for seq in range(1, count + 1):
        epic = seq % 50 == 1
        words = " ".join(chance.choices(WORDS, k=5))
        yield {
            "seq": seq,
            "id": f"T{seq:03d}",
            "title": f"{words} {'zanzibar' if seq in rare else ''}{seq}",
            "description": " ".join(chance.choices(WORDS, k=20)),
            "priority": chance.choice(PRIORITIES),
            "type": "epic" if epic else "task",
            "parent": None if epic else f"T{seq - (seq - 1) % 50:03d}",
            "at": clock.format_time(START + seq * 60),
        }


def _edges(chance: random.Random, count: int) -> Iterator[dict[str, Any]]:
    """Two edges for each task, always to an earlier one of another epic's or its own children."""
    now = clock.now()
    for seq in range(3, count + 1):
        if seq % 50 == 1:
            continue
        # Half of the tasks wait for nothing, the others for four, so that thousands are ready.
        if seq % 2:
            continue
        for target in {chance.randrange(2, seq) for _ in range(4)}:
            if target % 50 != 1 and target != seq:
                yield {"task": f"T{seq:03d}", "target": f"T{target:03d}", "at": now}


def beads_file(path: Path, count: int) -> None:
    """An export of ``count`` issues, each with a dependency and a parent."""
    chance = random.Random(count)
    with path.open("w", encoding="utf-8") as file:
        for number in range(1, count + 1):
            edges = []
            if number > 10:
                edges.append((f"x-{chance.randrange(1, number)}", "blocks"))
            if number % 50 != 1:
                edges.append((f"x-{number - (number - 1) % 50}", "parent-child"))
            issue = {
                "id": f"x-{number}",
                "title": " ".join(chance.choices(WORDS, k=6)),
                "description": " ".join(chance.choices(WORDS, k=40)),
                "status": "open" if number % 3 else "closed",
                "priority": number % 5,
                "issue_type": "epic" if number % 50 == 1 else "task",
                "created_at": clock.format_time(START + number),
                "updated_at": clock.format_time(START + number + 5),
                "labels": [chance.choice(WORDS)],
                "dependencies": [
                    {"issue_id": f"x-{number}", "depends_on_id": target, "type": kind}
                    for target, kind in edges
                ],
            }
            if number % 3 == 0:
                issue["closed_at"] = clock.format_time(START + number + 5)
            file.write(json.dumps(issue) + "\n")
