"""Sixteen processes adding and claiming in one file, against one process alone."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.measure import CLEO, PYTHON, clean_env, run, table

PROCESSES = 16
OPERATIONS = 100

#: One worker: a fresh App for each operation, as separate commands would have.
_WORKER = """\
import sys
from cleo_core import open_app
from cleo_core.errors import CleoError
verb, agent, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
done = 0
for number in range(count):
    with open_app(agent=agent) as app:
        tasks = app.service("tasks")
        try:
            if verb == "add":
                tasks.add(f"{agent} {number}", allow_duplicate=True)
            else:
                tasks.claim(next=True)
        except CleoError as error:
            if error.exit == 100:
                break
            raise
        done += 1
print(done)
"""


def main() -> None:
    """Print operations per second of many processes and of one, and their ratio."""
    with tempfile.TemporaryDirectory(prefix="cleo-bench-") as name:
        project = Path(name) / "project"
        project.mkdir()
        env = clean_env(Path(name) / "home")
        run([CLEO, "init"], env, project)
        rows = []
        for verb in ("add", "claim"):
            alone = _rate(project, env, verb, 1, OPERATIONS * 2)
            together = _rate(project, env, verb, PROCESSES, OPERATIONS)
            rows.append((verb, alone, together, together / alone))
        table(
            f"{PROCESSES} processes on one file, operations per second",
            ("verb", "one process", f"{PROCESSES} processes", "ratio (claim ≥ 0.3)"),
            rows,
        )


def _rate(project: Path, env: dict[str, str], verb: str, processes: int, count: int) -> float:
    started = time.perf_counter()
    workers = [
        subprocess.Popen(
            [PYTHON, "-c", _WORKER, verb, f"agent{number}", str(count)],
            cwd=project,
            env=env,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(processes)
    ]
    done = sum(int(worker.communicate()[0]) for worker in workers)
    return done / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
