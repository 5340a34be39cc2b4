"""Writing memories against the barest full-text table: import, observe, and bytes per entry."""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import CLEO, clean_env, run, table

LINES = int(os.environ.get("BENCH_LINES", "10000"))
SINGLE = int(os.environ.get("BENCH_SINGLE", "1000"))
_LENGTH = 143
_BARE = "CREATE VIRTUAL TABLE bare USING fts5(body, tokenize = 'porter')"


def texts(n: int) -> list[str]:
    """Texts of 143 characters in words as frequent as those of a language."""
    draw = random.Random(7)
    letters = "etaoinshrdlu"
    words = ["".join(draw.choices(letters, k=draw.randint(2, 9))) for _ in range(5000)]
    weights = [1 / (rank + 1) for rank in range(len(words))]
    made = []
    for number in range(n):
        line = f"{number} " + " ".join(draw.choices(words, weights, k=40))
        made.append(line[:_LENGTH])
    return made


def main() -> None:
    """Print the ratios and their limits."""
    os.environ.pop("CLEO_HOME", None)
    with tempfile.TemporaryDirectory(prefix="cleo-bench-") as name:
        folder = Path(name)
        env = clean_env(folder / "home")
        projects = [folder / "many", folder / "single"]
        for project in projects:
            project.mkdir()
            run([CLEO, "init"], env, project)
        os.environ.update(
            {key: value for key, value in env.items() if key in ("HOME", "XDG_DATA_HOME")}
        )
        _many(folder, projects[0])
        _single(folder, projects[1])
    sys.stdout.flush()


def _many(folder: Path, project: Path) -> None:
    import json

    from cleo_core import open_app

    listed = texts(LINES)
    source = folder / "lines.jsonl"
    source.write_text("".join(json.dumps({"text": text}) + "\n" for text in listed))
    bare = _bare(folder / "many.db")
    started = time.perf_counter()
    bare.execute("BEGIN IMMEDIATE")
    bare.executemany("INSERT INTO bare (body) VALUES (?)", [(text,) for text in listed])
    bare.execute("COMMIT")
    floor = time.perf_counter() - started
    bare.close()
    with open_app(str(project)) as app:
        started = time.perf_counter()
        app.service("brain").import_(str(source), embed=False)
        cost = time.perf_counter() - started
    table(
        f"Import of {LINES:,} JSON lines against executemany into one full-text column (limit 10)",
        ("seconds", "bare, seconds", "ratio"),
        [(cost, floor, cost / floor)],
    )


def _single(folder: Path, project: Path) -> None:
    from cleo_core import open_app

    listed = texts(SINGLE)
    bare = _bare(folder / "single.db")

    def into_bare(text: str) -> None:
        bare.execute("BEGIN IMMEDIATE")
        bare.execute("INSERT INTO bare (body) VALUES (?)", (text,))
        bare.execute("COMMIT")

    with open_app(str(project)) as app:
        brain = app.service("brain")
        path = Path(app.project.directory) / "brain.db"
        before = path.stat().st_size
        floors, costs = [], []
        for text in listed:
            floors.append(_timed(lambda text=text: into_bare(text)))  # type: ignore[misc]
            costs.append(_timed(lambda text=text: brain.observe(text, thread="talk")))  # type: ignore[misc]
        app.store("brain").connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = path.stat().st_size - before
    bare.close()
    cost, floor = statistics.median(costs) * 1000, statistics.median(floors) * 1000
    table(
        "One observation in a thread against a one-row unit into that table (limit 12)",
        ("milliseconds", "bare, milliseconds", "ratio", "KiB per observation (limit 3.0)"),
        [(cost, floor, cost / floor, size / 1024 / SINGLE)],
    )


def _bare(path: Path) -> Any:
    from cleo_core.database import driver

    connection = driver().connect(str(path), isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(_BARE)
    return connection


def _timed(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
