"""A real tracker's issues in CLEO: imported, chosen, claimed, completed, found, exported; then what
agents remember, who they are, what they tell each other, and a project from first research to a
released version.

Runs the installed ``cleo`` in a fresh folder with a private home and prints each command before its
output. Input is the export of a public project's tracker where it lies beside the repository, else
the sample in this folder; another file of that format may be named as the argument.
"""

from __future__ import annotations

import json
import os
import secrets
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from remember import remember
from research_to_release import walk
from restore import restore
from talk import talk

HERE = Path(__file__).resolve().parent
REAL = HERE.parent.parent / "shared" / "data" / "beads" / "beads_rust.issues.jsonl"
SAMPLE = HERE / "beads-sample.jsonl"

FROM_PYTHON = """\
import cleo_core

with cleo_core.open_app(agent="ada") as app:
    tasks = app.service("tasks")
    added = tasks.add("Tell the users", priority="high", labels=["docs"])
    print("added", added.task.id, "by", added.task.created_by)
    for choice in tasks.next(n=3):
        print("next ", choice.task.id, choice.score, choice.task.title)
"""


class Demo:
    """Runs commands in one folder and shows them as a person would have typed them."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "project"
        self.project.mkdir()
        home = folder / "home"
        home.mkdir()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CLEO_")}
        self.env = {
            **kept,
            "HOME": str(home),
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_CONFIG_HOME": str(home / "config"),
        }

    def show(self, *words: str, agent: str | None = None) -> None:
        """Run ``cleo`` for people and print command and output."""
        shown = f"CLEO_AGENT_ID={agent} " if agent else ""
        print(f"\n\033[1m$ {shown}cleo {shlex.join(words)}\033[0m", flush=True)
        env = {**self.env, "CLEO_FORMAT": "human", **({"CLEO_AGENT_ID": agent} if agent else {})}
        done = subprocess.run(
            [sys.executable, "-m", "cleo_core", *words], cwd=self.project, env=env, check=False
        )
        if done.returncode not in (0, 35, 53, 100):
            raise SystemExit(f"cleo {words[0]} failed with exit {done.returncode}")

    def ask(self, *words: str, agent: str | None = None) -> str:
        """Run ``cleo`` for one value and return it; nothing is printed."""
        env = {**self.env, **({"CLEO_AGENT_ID": agent} if agent else {})}
        return subprocess.run(
            [sys.executable, "-m", "cleo_core", *words],
            cwd=self.project,
            env=env,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    def python(self, code: str) -> None:
        """Run Python in the project and print it with its output."""
        print("\n\033[1m$ python\033[0m")
        for line in code.splitlines():
            print(f"    {line}")
        sys.stdout.flush()
        subprocess.run([sys.executable, "-c", code], cwd=self.project, env=self.env, check=True)


class Story:
    """Tells :func:`walk` in a project of its own, with a git repository."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.demo = Demo(folder)
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.name", "Ada")
        self.git("config", "user.email", "ada@example.org")
        self.write("README.md", "# A language\n")
        self.commit("Begin")

    def say(self, text: str) -> None:
        """A sentence between the commands."""
        print(f"\n{text}")

    def cleo(self, *words: str) -> None:
        """Run a command as Ada and show it."""
        self.demo.show(*words, agent="ada")

    def write(self, path: str, text: str) -> None:
        """Put a file into the project."""
        file = self.demo.project / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def commit(self, message: str) -> None:
        """Commit everything that is there."""
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def git(self, *words: str) -> None:
        """Run git in the project."""
        subprocess.run(["git", *words], cwd=self.demo.project, env=self.demo.env, check=True)


def meet(demo: Demo) -> None:
    """Agents registered on the machine, seen by a project, with keys that nothing shows."""
    demo.show(
        *("agent", "register", "reviewer", "--class", "code_dev"),
        *("--capability", "code_review", "--skill", "python", "--role", "reviews"),
    )
    demo.show("agent", "register", "writer", "--no-attach")
    demo.show("agent", "list")
    demo.show("agent", "list", "--global")
    demo.env["DEMO_KEY"] = f"sk_live_{secrets.token_hex(32)}"
    demo.show("agent", "keys", "set", "reviewer", "--api-key-env", "DEMO_KEY")
    demo.show("agent", "keys", "rotate-machine")
    demo.show("agent", "keys", "show", "reviewer")
    demo.show("agent", "detach", "reviewer")
    demo.show("agent", "list")


def main() -> None:
    """The story."""
    given = Path(sys.argv[1]) if len(sys.argv) > 1 else REAL if REAL.exists() else SAMPLE
    rows = sum(1 for line in given.read_text("utf-8").splitlines() if line.strip())
    print(f"{rows} issues of a real tracker: {given.name}")
    with tempfile.TemporaryDirectory(prefix="cleo-demo-") as name:
        demo = Demo(Path(name))
        demo.show("init", "demo")
        for agent in ("ada", "bob"):
            demo.show("agent", "register", agent, "--quiet")
        demo.show("import", "beads", str(given))
        demo.show("import", "beads", str(given))
        demo.show("next", "-n", "5", "--explain")

        print("\nTwo agents ask at the same time; each gets another task.")
        demo.show("session", "start", "--scope", "global", "--name", "demo", agent="ada")
        demo.show("claim", "--next", "--start", agent="ada")
        demo.show("claim", "--next", agent="bob")
        mine = demo.ask("current", "--field", "task.id", agent="ada")
        demo.show("claim", mine, agent="bob")

        print("\nWork that waits for it, and what its completion unblocks.")
        demo.show("add", "Release it", "--depends", mine, "--label", "release", agent="ada")
        demo.show("deps", "show", mine)
        demo.show("complete", mine, "--note", "done and tested", agent="ada")
        demo.show("session", "end", "--note", "one down", agent="ada")
        demo.show("session", "handoff", agent="ada")

        print("\nFound again, with its history; then exported.")
        demo.show("find", "sqlite migration", "--limit", "3")
        demo.show("show", mine, "--history")
        demo.show("export", "--output", "tasks.jsonl")
        lines = (demo.project / "tasks.jsonl").read_text("utf-8").splitlines()
        print(f"tasks.jsonl: {len(lines)} lines; the last: {json.dumps(json.loads(lines[-1]))}")

        print("\nThe same from Python.")
        demo.python(FROM_PYTHON)

        print("\nWhat the agents of a project know.")
        (Path(name) / "memory").mkdir()
        memory = Demo(Path(name) / "memory")
        memory.show("init", "memory")
        memory.show("agent", "register", "ada", "--quiet")
        remember(memory)

        print("\nWho the agents are, and which of them a project sees.")
        meet(memory)

        print("\nWhat they tell each other.")
        talk(demo)

        print("\nAnd when a file is damaged.")
        restore(demo, mine)

        print("\nAnother project, from first research to a released version.")
        story = Story(Path(name) / "language")
        story.cleo("init", "language")
        story.cleo("agent", "register", "ada", "--quiet")
        walk(story)
        story.cleo("backup", "create")
        story.cleo("doctor")


if __name__ == "__main__":
    main()
