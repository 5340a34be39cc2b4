"""What telemetry adds to a command: where it is not installed, not enabled, and enabled."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

from benchmarks.measure import FLOOR, Cost, alternate, clean_env, run, table
from cleo_core.testing.wheels import Environment, build_wheel, make_environment

ROOT = Path(__file__).resolve().parent.parent
SOURCES = {
    "core": ROOT,
    "tasks": ROOT / "plugins" / "cleo-tasks",
    "telemetry": ROOT / "plugins" / "cleo-telemetry",
}
ROUNDS = 41
COMMANDS = {
    "show": ["show", "T001", "--json"],
    "add": ["add", "a task", "--allow-duplicate", "--json"],
    "version": ["version", "--json"],
}
#: Milliseconds of CPU.
INSTALLED, ENABLED = 1.0, 3.0


def main() -> None:
    """Print the medians of all three and what each adds to the one before."""
    with tempfile.TemporaryDirectory(prefix="cleo-bench-") as name:
        folder = Path(name)
        wheels = {key: build_wheel(path, folder / "wheels") for key, path in SOURCES.items()}
        without, installed = (folder / "without"), (folder / "with")
        without.mkdir()
        installed.mkdir()
        bare = make_environment(without, [wheels["core"], wheels["tasks"]])
        full = make_environment(installed, list(wheels.values()))
        states = {
            "not installed": _Place(bare, folder / "1", enable=False),
            "not enabled": _Place(full, folder / "2", enable=False),
            "enabled": _Place(full, folder / "3", enable=True),
        }
        rows = []
        floors = []
        for label, words in COMMANDS.items():
            costs = alternate(
                {
                    "floor": lambda: run(FLOOR, clean_env(folder), folder),
                    **{state: partial(place.run, words) for state, place in states.items()},
                },
                ROUNDS,
            )
            none, off, on = (costs[state] for state in states)
            floors.append(costs["floor"].cpu)
            rows.append((label, none.cpu, off.cpu, on.cpu, off.cpu - none.cpu, on.cpu - off.cpu))
            rows.append(
                ("wall", none.wall, off.wall, on.wall, off.wall - none.wall, on.wall - off.wall)
            )
        table(
            f"What telemetry adds to a command, ms of CPU; floor {min(floors):.1f} ms CPU",
            (
                "command",
                *states,
                f"installed adds (≤ {INSTALLED:.0f})",
                f"enabled adds (≤ {ENABLED:.0f})",
            ),
            rows,
        )


class _Place:
    """A project with one task, and a home."""

    def __init__(self, environment: Environment, folder: Path, *, enable: bool) -> None:
        self.program = str(environment.bin / "cleo")
        self.env = clean_env(folder / "home")
        self.project = folder / "project"
        self.project.mkdir(parents=True)
        self.run(["init"])
        self.run(["add", "the first task"])
        if enable:
            self.run(["telemetry", "enable"])

    def run(self, words: list[str]) -> Cost:
        return run([self.program, *words], self.env, self.project)


if __name__ == "__main__":
    main()
