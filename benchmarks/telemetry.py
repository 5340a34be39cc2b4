"""What telemetry adds to a command: where it is not installed, not enabled, and enabled."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from benchmarks.measure import FLOOR, QUIET_FLOOR, Cost, clean_env, quiet, run, table
from cleo_core.testing.wheels import Environment, build_wheel, make_environment

ROOT = Path(__file__).resolve().parent.parent
SOURCES = {
    "core": ROOT,
    "tasks": ROOT / "plugins" / "cleo-tasks",
    "telemetry": ROOT / "plugins" / "cleo-telemetry",
}
ROUNDS = 121
COMMANDS = {
    "show": ["show", "T001", "--json"],
    "add": ["add", "a task", "--allow-duplicate", "--json"],
    "version": ["version", "--json"],
}
#: Milliseconds of CPU.
INSTALLED, ENABLED = 1.0, 3.0


def main() -> None:
    """Print the medians of all three, and of what each adds to the one before in a round."""
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
        floors: list[float] = []
        for label, words in COMMANDS.items():
            rounds: list[dict[str, float]] = []
            for number in range(ROUNDS + 1):
                costs = {key: place.run(words) for key, place in _turned(states, number).items()}
                if number:  # the first round warms the files
                    rounds.append({key: cost.cpu for key, cost in costs.items()})
                    floors.append(run(FLOOR, clean_env(folder), folder).cpu)
            floor = statistics.median(floors[-ROUNDS:])
            none, off, on = ([costs[state] for costs in rounds] for state in states)
            installed_adds, enabled_adds = _added(none, off), _added(off, on)
            rows.append(
                (
                    label,
                    *(statistics.median(one) for one in (none, off, on)),
                    installed_adds,
                    enabled_adds,
                    quiet(installed_adds, floor),
                    quiet(enabled_adds, floor),
                )
            )
        table(
            "What telemetry adds to a command, ms of CPU; floor "
            f"{statistics.median(floors):.1f} ms CPU",
            (
                "command",
                *states,
                "installed adds",
                "enabled adds",
                f"installed, where the floor takes {QUIET_FLOOR} ms (≤ {INSTALLED:.0f})",
                f"enabled, there (≤ {ENABLED:.0f})",
            ),
            rows,
        )


def _turned(states: dict[str, _Place], number: int) -> dict[str, _Place]:
    """The states in another order each round, so that none is always the first."""
    names = list(states)
    cut = number % len(names)
    return {name: states[name] for name in (*names[cut:], *names[:cut])}


def _added(before: list[float], after: list[float]) -> float:
    """The median of what is added in each round, in which the machine is the same for all."""
    return statistics.median(b - a for a, b in zip(before, after, strict=True))


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
