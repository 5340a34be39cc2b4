"""Cold commands against an interpreter that imports click, pluggy and sqlite3."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from benchmarks.measure import CLEO, FLOOR, alternate, clean_env, run, table
from benchmarks.standins import make_plugins

ROUNDS = 15
#: command -> (arguments, limit in floors of CPU or None).
COMMANDS: dict[str, tuple[list[str], float | None]] = {
    "show": (["show", "T001", "--json"], 1.6),
    "--help": (["--help"], 1.5),
    "next": (["next", "--json"], None),
    "add": (["add", "a task", "--allow-duplicate", "--json"], None),
    "claim --next": (["claim", "--next", "--agent", "a", "--json"], None),
}


def main() -> None:
    """Print CPU, wall and memory of daily commands as ratios to the floor."""
    with tempfile.TemporaryDirectory(prefix="cleo-bench-") as name:
        folder = Path(name)
        env = clean_env(folder / "home")
        env["PYTHONPATH"] = str(make_plugins(folder / "plugins", stores=5))
        project = folder / "project"
        project.mkdir()
        run([CLEO, "init"], env, project)
        lines = "\n".join(f'{{"title": "task {number}"}}' for number in range(1000))
        batch = folder / "batch.jsonl"
        batch.write_text(lines, "utf-8")
        _add_thousand(project, env, batch)
        plain = {name: value for name, value in env.items() if name != "PYTHONPATH"}
        homes = iter(range(10_000))

        def init_in_empty_home() -> object:
            home = folder / f"empty{next(homes)}"
            (home / "project").mkdir(parents=True)
            inner = {**clean_env(home), "PYTHONPATH": env["PYTHONPATH"]}
            cost = run([CLEO, "init"], inner, home / "project")
            shutil.rmtree(home)
            return cost

        commands = {"floor": lambda: run(FLOOR, plain, project)}
        for label, (arguments, _) in COMMANDS.items():
            commands[label] = lambda arguments=arguments: run([CLEO, *arguments], env, project)
        commands["init"] = init_in_empty_home  # type: ignore[assignment] # gives a Cost
        costs = alternate(commands, ROUNDS)
        floor = costs.pop("floor")
        limits = {label: limit for label, (_, limit) in COMMANDS.items()} | {"init": 3.0}
        table(
            f"Cold commands, six plugins, 1 000 tasks; floor {floor.cpu:.1f} ms CPU, "
            f"{floor.wall:.1f} ms wall, {floor.memory:.1f} MiB",
            ("command", "CPU ms", "CPU ratio", "limit", "wall ratio", "memory ratio (≤ 1.5)"),
            [
                (
                    label,
                    cost.cpu,
                    cost.cpu / floor.cpu,
                    limits[label] or "-",
                    cost.wall / floor.wall,
                    cost.memory / floor.memory,
                )
                for label, cost in costs.items()
            ],
        )
        _memory(folder)
        _twenty_plugins(folder, project)


def _memory(folder: Path) -> None:
    """The daily verbs of the brain on ten thousand entries, without and with vectors."""
    env = clean_env(folder / "memory-home")
    project = folder / "memory"
    project.mkdir()
    run([CLEO, "init"], env, project)
    words = ("parser", "comma", "index", "lock", "retry", "schema", "vector", "audit", "token")
    texts = project / "entries.jsonl"
    texts.write_text(
        "\n".join(
            f'{{"text": "{words[n % 9]} {words[n // 9 % 9]} {words[n // 81 % 9]} note {n}"}}'
            for n in range(10_000)
        ),
        "utf-8",
    )
    run([CLEO, "memory", "import", str(texts), "--from", "jsonl"], env, project)
    first = subprocess.run(
        [CLEO, "memory", "find", "note", "--arm", "lexical", "--limit", "1", "--quiet"],
        cwd=project,
        env=env,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    lines = iter(range(1_000_000))
    commands = {
        "floor": lambda: run(FLOOR, env, project),
        "observe": lambda: run([CLEO, "observe", f"seen {next(lines)} times"], env, project),
        "memory find --arm lexical": lambda: run(
            [CLEO, "memory", "find", "parser lock", "--arm", "lexical"], env, project
        ),
        "memory fetch": lambda: run([CLEO, "memory", "fetch", first], env, project),
        "memory find, vectors": lambda: run([CLEO, "memory", "find", "parser lock"], env, project),
    }
    limits = dict.fromkeys(commands, 1.6) | {"memory find, vectors": 4.3}
    costs = alternate(commands, ROUNDS)
    floor = costs.pop("floor")
    table(
        "Cold commands of the brain, 10 000 entries",
        ("command", "CPU ms", "CPU ratio", "limit", "memory ratio"),
        [
            (label, cost.cpu, cost.cpu / floor.cpu, limits[label], cost.memory / floor.memory)
            for label, cost in costs.items()
        ],
    )


def _twenty_plugins(folder: Path, project: Path) -> None:
    """What twenty plugins without stores add to ``cleo --help``."""
    bare = clean_env(folder / "home")
    many = {**bare, "PYTHONPATH": str(make_plugins(folder / "twenty", stores=0, plain=20))}
    costs = alternate(
        {
            "floor": lambda: run(FLOOR, bare, project),
            "none": lambda: run([CLEO, "--help"], bare, project),
            "twenty": lambda: run([CLEO, "--help"], many, project),
        },
        ROUNDS,
    )
    added = (costs["twenty"].cpu - costs["none"].cpu) / costs["floor"].cpu
    table(
        "Twenty more plugins without stores, `cleo --help`",
        ("added, in floors", "limit"),
        [(added, 0.2)],
    )


def _add_thousand(project: Path, env: dict[str, str], batch: Path) -> None:
    subprocess.run(
        [CLEO, "add-batch"],
        cwd=project,
        env=env,
        stdin=batch.open("rb"),
        stdout=subprocess.DEVNULL,
        check=True,
    )


if __name__ == "__main__":
    main()
