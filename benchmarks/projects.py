"""Many projects on one machine: search in all, resolve one, edges and paths across them."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cleo_core
from benchmarks.measure import CLEO, FLOOR, alternate, clean_env, run, table
from cleo_core.app import create_app
from cleo_core.database import connect_for_copy
from cleo_core.ids import new_id
from cleo_core.initialize import initialize

PROJECTS = int(os.environ.get("BENCH_PROJECTS", "1000"))
TASKS = 100
EDGES = 5 * PROJECTS
WORDS = (
    "parser",
    "lexer",
    "editor",
    "server",
    "index",
    "release",
    "docs",
    "cache",
    "queue",
    "disk",
)
ROUNDS = 3
AT = "2026-11-28T12:00:00.000Z"
ADD = (
    "INSERT INTO project_registry (project_id, slug, name, project_path, project_hash, "
    "registered_at, last_seen) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
EDGE = (
    "INSERT OR IGNORE INTO cross_project_dependencies (source_project_id, source_task_id, "
    "target_project_id, target_task_id, created_by, created_at) VALUES (?, ?, ?, ?, 'user', ?)"
)


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory(prefix="cleo-bench-") as name:
        folder = Path(name)
        env = {**clean_env(folder / "home"), "CLEO_DISABLE_PLUGINS": "brain,conduit,signaldock"}
        roots = _world(folder / "work", env)
        rows = [*_searching(roots, env), *_paths(roots, env), *_commands(roots[0], env)]
    table(
        f"{PROJECTS:,} projects of {TASKS} tasks, {EDGES:,} edges",
        ("what", "measured", "goal"),
        rows,
    )


def _world(work: Path, env: dict[str, str]) -> list[Path]:
    """Projects with tasks, registered, and edges that lead from lower to higher numbers."""
    first = work / "p0000"
    first.mkdir(parents=True)
    initialize(str(first), plugins=create_app(env=env).plugins, env=env)
    chosen = random.Random(1)
    with cleo_core.open_app(str(first), env=env) as app:
        for number in range(TASKS):
            words = " ".join(chosen.sample(WORDS, 3))
            app.service("tasks").add(f"Task {number} about {words}")
        app.service("nexus").register(slug="p0000")
    roots = [first]
    for number in range(1, PROJECTS):
        root = work / f"p{number:04d}"
        shutil.copytree(first, root)
        marker = root / ".cleo" / "project-info.json"
        id_ = new_id()
        marker.write_text(json.dumps({**json.loads(marker.read_text()), "projectId": id_}))
        tasks = connect_for_copy(str(root / ".cleo" / "tasks.db"))
        tasks.execute("UPDATE schema_meta SET value = ? WHERE key = 'project_id'", (id_,))
        tasks.commit()
        tasks.close()
        roots.append(root)
    registry = connect_for_copy(str(Path(env["XDG_DATA_HOME"]) / "cleo" / "nexus.db"))
    from cleo_nexus.service.places import path_hash

    ids = [json.loads((one / ".cleo/project-info.json").read_text())["projectId"] for one in roots]
    for id_, root in zip(ids[1:], roots[1:], strict=True):
        path = str(root.resolve())
        registry.execute(ADD, (id_, root.name, root.name, path, path_hash(path), AT, AT))
    for _ in range(EDGES):
        low, high = sorted(chosen.sample(range(PROJECTS), 2))
        task, other = (f"T{chosen.randint(1, TASKS):03d}" for _ in range(2))
        registry.execute(EDGE, (ids[low], task, ids[high], other, AT))
    registry.commit()
    registry.close()
    return roots


def _searching(roots: list[Path], env: dict[str, str]) -> list[tuple[object, ...]]:
    whole, single = [], []
    with cleo_core.open_app(str(roots[0]), env=env) as app:
        nexus = app.service("nexus")
        nexus.search("warm", projects=[roots[0].name])
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        handles = _Handles()
        nexus.search("parser", timeout=600)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        # In turn, so that all see the same disk.
        for _ in range(ROUNDS):
            whole.append(_time(lambda: nexus.search("parser", timeout=600)))
            single.append(_time(lambda: _one_by_one(app, roots)))
        most = handles.most(lambda: nexus.search("parser", timeout=600))
        found, page = nexus.search("parser", timeout=600)
    assert found.complete
    assert page.total
    return [
        ("`search` in all, ms", min(whole) * 1000, ""),
        ("÷ the sum of single-project searches", min(whole) / min(single), "≤ 1.25"),
        ("open files above idle at most", most, "≤ 16"),
        ("memory growth, MiB", grown, "≤ 32"),
    ]


def _one_by_one(app: Any, roots: list[Path]) -> None:
    for root in roots:
        with app.for_project(str(root), foreign=True) as there:
            there.service("tasks").find("parser", limit=20)


def _paths(roots: list[Path], env: dict[str, str]) -> list[tuple[object, ...]]:
    with cleo_core.open_app(str(roots[0]), env=env) as app:
        nexus = app.service("nexus")
        path = min(_time(lambda: nexus.critical_path()) for _ in range(ROUNDS))
        edges = min(_time(lambda: _edges(app, roots)) for _ in range(ROUNDS))
    return [
        ("`critical-path` over everything, ms", path * 1000, ""),
        ("÷ reading all edges of those files once", path / edges, "≤ 3"),
    ]


def _edges(app: Any, roots: list[Path]) -> None:
    for root in roots:
        with app.for_project(str(root), foreign=True) as there:
            there.service("tasks").edges()


def _commands(root: Path, env: dict[str, str]) -> list[tuple[object, ...]]:
    resolve = [CLEO, "nexus", "resolve", "p0007:T001", "--json"]
    costs = alternate(
        {"floor": lambda: run(FLOOR, env, root), "resolve": lambda: run(resolve, env, root)}, 15
    )
    return [
        (
            "CPU of `cleo nexus resolve p0007:T001` ÷ floor",
            costs["resolve"].cpu / costs["floor"].cpu,
            "≤ 1.6",
        )
    ]


class _Handles:
    """How many files the process has open, by looking often."""

    def __init__(self) -> None:
        self._idle = len(os.listdir("/proc/self/fd"))

    def most(self, call: Callable[[], object]) -> int:
        """The most files that were open above idle while something was called."""
        import threading

        most, done = 0, threading.Event()

        def look() -> None:
            nonlocal most
            while not done.is_set():
                most = max(most, len(os.listdir("/proc/self/fd")) - self._idle)
                time.sleep(0.001)

        thread = threading.Thread(target=look)
        thread.start()
        try:
            call()
        finally:
            done.set()
            thread.join()
        return most


def _time(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started
