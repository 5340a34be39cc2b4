"""Measuring processes and calls, and printing tables of ratios."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

PYTHON = sys.executable
CLEO = str(Path(sys.executable).with_name("cleo"))
FLOOR = [PYTHON, "-c", "import click, pluggy, sqlite3"]
#: Milliseconds of CPU that the floor takes on two quiet cores of 2026. Limits in seconds are for
#: such a machine; a slower or busier one has its figures also as they would be there.
QUIET_FLOOR = 30.5


class Cost(NamedTuple):
    """One process: CPU and wall time in milliseconds, peak memory in MiB."""

    cpu: float
    wall: float
    memory: float


def run(argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> Cost:
    """Run a process with its output thrown away.

    :raises RuntimeError: it failed.
    """
    devnull = os.open(os.devnull, os.O_RDWR)
    here = Path.cwd()
    os.chdir(cwd)
    try:
        started = time.perf_counter()
        process = os.posix_spawn(
            argv[0],
            list(argv),
            dict(env),
            file_actions=[(os.POSIX_SPAWN_DUP2, devnull, number) for number in (0, 1)],
        )
        _, status, usage = os.wait4(process, 0)
        wall = time.perf_counter() - started
    finally:
        os.chdir(here)
        os.close(devnull)
    if status:
        raise RuntimeError(f"{' '.join(argv)} ended with {os.waitstatus_to_exitcode(status)}")
    return Cost((usage.ru_utime + usage.ru_stime) * 1000, wall * 1000, usage.ru_maxrss / 1024)


def alternate(commands: Mapping[str, Callable[[], Cost]], rounds: int) -> dict[str, Cost]:
    """Run every command once per round, in turn; the median of each figure."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            cost = command()
            if number:  # the first round warms the files
                costs[name].append(cost)
    return {
        name: Cost(*(statistics.median(figures) for figures in zip(*all_costs, strict=True)))
        for name, all_costs in costs.items()
    }


def quiet(figure: float, floor: float) -> float:
    """What a figure would be where the floor takes :data:`QUIET_FLOOR`, by this run's floor.

    :param floor: milliseconds of CPU.
    """
    return figure * QUIET_FLOOR / floor


def clean_env(home: Path) -> dict[str, str]:
    """The environment without CLEO's variables, with a private home and with bytecode cached."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CLEO_", "PYTHON"))
    }
    return {
        **kept,
        "HOME": str(home),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "CLEO_FORMAT": "json",
    }


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a Markdown table."""
    print(f"\n### {title}\n")
    print("| " + " | ".join(columns) + " |")
    print("|" + "---|" * len(columns))
    for row in rows:
        cells = (f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in row)
        print("| " + " | ".join(cells) + " |")
    sys.stdout.flush()
