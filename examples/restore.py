"""A database is damaged, and comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class Shell(Protocol):
    """Runs ``cleo`` and shows the command with what it prints."""

    project: Path

    def show(self, *words: str, agent: str | None = None) -> None: ...


def restore(shell: Shell, task: str) -> None:
    """A backup, rubbish in the file of the tasks, and the restore that the error names."""
    shell.show("backup", "create", "--note", "before the accident")
    print("\nA page of rubbish, where the database's header was.")
    with (shell.project / ".cleo" / "tasks.db").open("r+b") as file:
        file.write(b"?" * 4096)
    shell.show("show", task)
    shell.show("restore", "latest", "--store", "tasks", "--yes")
    shell.show("show", task)
