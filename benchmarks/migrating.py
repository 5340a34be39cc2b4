"""Taking over a project's older file with 100 agents and 1 000 messages."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from pathlib import Path

from benchmarks.measure import CLEO, Cost, alternate, clean_env, run, table

AGENTS, MESSAGES, ROUNDS = 100, 1_000, 5
_AT = 1_767_323_045
_TABLES = """
CREATE TABLE agents (id TEXT, agent_id TEXT, name TEXT, capabilities TEXT, created_at INTEGER);
CREATE TABLE conversations (id TEXT, participants TEXT, created_at INTEGER);
CREATE TABLE messages (id TEXT, conversation_id TEXT, from_agent_id TEXT, to_agent_id TEXT,
  content TEXT, status TEXT, created_at INTEGER);
"""


def older_file(path: Path) -> None:
    """Write an older file."""
    connection = sqlite3.connect(path)
    connection.executescript(_TABLES)
    connection.executemany(
        "INSERT INTO agents VALUES (?, ?, ?, '[\"chat\"]', ?)",
        ((_uuid("a", n), f"agent-{n}", f"Agent {n}", _AT) for n in range(AGENTS)),
    )
    connection.executemany(
        "INSERT INTO conversations VALUES (?, ?, ?)",
        (
            (_uuid("c", n), json.dumps([f"agent-{n}", f"agent-{(n + 1) % AGENTS}"]), _AT)
            for n in range(AGENTS)
        ),
    )
    connection.executemany(
        "INSERT INTO messages VALUES (?, ?, ?, ?, ?, 'pending', ?)",
        (
            (
                _uuid("b", n),
                _uuid("c", n % AGENTS),
                f"agent-{n % AGENTS}",
                f"agent-{(n + 1) % AGENTS}",
                f"message {n} " + "word " * 40,
                _AT + n,
            )
            for n in range(MESSAGES)
        ),
    )
    connection.commit()
    connection.close()


def main() -> None:
    """Print the seconds of a migration, and their ratio to a command that does nothing."""
    with tempfile.TemporaryDirectory(prefix="cleo-bench-") as name:
        folder = Path(name)
        number = 0

        def migrate() -> Cost:
            nonlocal number
            number += 1
            env, project = clean_env(folder / f"home{number}"), folder / f"project{number}"
            project.mkdir()
            run([CLEO, "init"], env, project)
            older_file(project / ".cleo" / "signaldock.db")
            return run([CLEO, "agent", "migrate-legacy"], env, project)

        costs = alternate(
            {
                "migrate": migrate,
                "version": lambda: run([CLEO, "version"], clean_env(folder / "home"), folder),
            },
            ROUNDS,
        )
        ours, floor = costs["migrate"], costs["version"]
        table(
            f"Taking over {AGENTS} agents and {MESSAGES:,} messages (limit 2 seconds)",
            ("seconds", "÷ cleo version", "peak MiB"),
            [(ours.wall / 1000, ours.wall / floor.wall, ours.memory)],
        )


def _uuid(kind: str, number: int) -> str:
    return f"{kind * 8}-1111-4222-8333-{number:012d}"


if __name__ == "__main__":
    main()
