"""Daily verbs at 1 000, 10 000 and 100 000 tasks with twice as many dependencies."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cleo_core
from benchmarks.measure import CLEO, Cost, alternate, clean_env, run, table
from benchmarks.population import make_project

SIZES = (1_000, 10_000, 100_000)
CALLS = 60
#: verb -> limit of large against small inside the store.
VERBS: dict[str, tuple[Callable[[Any, int], Any], float]] = {
    "next -n 5": (lambda tasks, turn: tasks.next(n=5), 2.0),
    "ready --limit 20": (lambda tasks, turn: tasks.ready(limit=20), 2.0),
    "show": (lambda tasks, turn: tasks.show(f"T{turn * 7 + 2:03d}"), 2.0),
    "find, rare word": (lambda tasks, turn: tasks.find("zanzibar"), 3.0),
    "add": (lambda tasks, turn: tasks.add(f"added {turn}", allow_duplicate=True), 1.5),
    "update": (lambda tasks, turn: tasks.update(f"T{turn * 7 + 2:03d}", size="small"), 1.5),
    "claim --next": (lambda tasks, turn: tasks.claim(next=True), 2.0),
}
PROCESSES = (
    ["next", "--json"],
    ["ready", "--json"],
    ["show", "T500", "--json"],
    ["add", "one more", "--allow-duplicate", "--json"],
    ["claim", "--next", "--json"],
)


def main() -> None:
    """Print the time of each verb and its ratio to the smallest size, in one process and cold."""
    with tempfile.TemporaryDirectory(prefix="cleo-bench-") as name:
        folder = Path(name)
        roots = {size: make_project(folder, size) for size in SIZES}
        apps = {size: cleo_core.open_app(str(root), agent="bench") for size, root in roots.items()}
        rows = []
        for verb, (call, limit) in VERBS.items():
            times = _alternate({size: apps[size].service("tasks") for size in SIZES}, call)
            small = times[SIZES[0]]
            rows.append((verb, *(times[size] for size in SIZES), times[SIZES[-1]] / small, limit))
        for app in apps.values():
            app.close()
        table(
            "Inside one process, milliseconds per call (median)",
            ("verb", *(f"{size:,}" for size in SIZES), "large ÷ small", "limit"),
            rows,
        )
        _cold(folder, roots)


def _alternate(services: dict[int, Any], call: Callable[[Any, int], Any]) -> dict[int, float]:
    times: dict[int, list[float]] = {size: [] for size in services}
    for turn in range(CALLS):
        for size, tasks in services.items():
            started = time.perf_counter()
            call(tasks, turn)
            times[size].append((time.perf_counter() - started) * 1000)
    return {size: statistics.median(figures[5:]) for size, figures in times.items()}


def _cold(folder: Path, roots: dict[int, Path]) -> None:
    env = {**clean_env(folder / "home"), "CLEO_AGENT_ID": "bench"}
    small, large = roots[SIZES[0]], roots[SIZES[-1]]
    rows = []
    for arguments in PROCESSES:

        def on(root: Path, words: list[str] = arguments) -> Callable[[], Cost]:
            return lambda: run([CLEO, *words], env, root)

        costs = alternate(
            {
                "version": lambda: run([CLEO, "version", "--json"], env, small),
                "small": on(small),
                "large": on(large),
            },
            15,
        )
        rows.append(
            (
                " ".join(arguments[:-1]),
                costs["small"].cpu,
                costs["large"].cpu,
                costs["large"].cpu / costs["small"].cpu,
                costs["large"].cpu / costs["version"].cpu,
            )
        )
    table(
        "As whole commands, CPU milliseconds",
        ("command", "1,000", "100,000", "large ÷ small (≤ 1.2)", "÷ cleo version (≤ 1.5)"),
        rows,
    )


if __name__ == "__main__":
    main()
