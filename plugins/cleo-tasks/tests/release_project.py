"""A project in a git repository of its own, and what tests of releases ask of it."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import App
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]

#: Writes the version into VERSION, and says what it was told.
BUMP = """\
import os, sys
from pathlib import Path
Path("VERSION").write_text(sys.argv[1] + "\\n")
with open(os.environ["BUMPS"], "a") as log:
    print(sys.argv[1:], os.environ["CLEO_RELEASE_VERSION"], os.environ["CLEO_RELEASE_TAG"],
          os.environ["CLEO_RELEASE_DIST_TAG"], os.environ.get("GIT_DIR"), file=log)
"""


class ReleaseProject:
    """The project at ``root``; its repository's top is there too."""

    def __init__(self, root: Path, cli: Cli, bumps: Path, app: App) -> None:
        self.root = root
        self.cli = cli
        self.bumps = bumps
        self.app = app
        self.tasks = app.service("tasks")

    def git(self, *words: str, cwd: Path | None = None) -> str:
        """Run git and give what it says."""
        done = subprocess.run(
            ["git", *words], cwd=cwd or self.root, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"git {' '.join(words)}: {done.stderr}"
        return done.stdout.strip("\n")

    def write(self, name: str, text: str, *, commit: bool = False) -> Path:
        """Write a file; ``commit`` it too."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if commit:
            self.git("add", "--", name)
            self.git("commit", "-q", "-m", f"write {name}")
        return path

    def hook(self, name: str, script: str) -> None:
        """Make a hook of the repository."""
        path = self.root / ".git" / "hooks" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def bump_with(self, *words: str) -> None:
        """Configure a bump command."""
        import json

        done = self.cli("config", "set", "tasks.release.bump_command", json.dumps(words))
        assert done.code == 0, repr(done)

    def bump_by_script(self) -> None:
        """Configure one that writes VERSION."""
        self.write("tools/bump.py", BUMP, commit=True)
        self.bump_with(sys.executable, "tools/bump.py", "{version}", "{tag}")

    def done(self, title: str, **options: Any) -> str:
        """Add a task and complete it."""
        added: str = self.tasks.add(title, **options).task.id
        self.tasks.complete(added)
        return added

    def ship(self, *words: str, env: Mapping[str, str] | None = None, **more: Any) -> Outcome:
        """``cleo release ship``."""
        return self.cli("release", "ship", *words, env=env, **more)

    def show(self, release: str) -> dict[str, Any]:
        """``cleo release show``."""
        found: dict[str, Any] = self.cli("release", "show", release).data
        return found

    def commits(self, release: str = "rel-v1.0.0") -> list[str]:
        """The commits that are a release's."""
        text = self.git("log", "--all", "--format=%H", f"--grep=Cleo-Release: {release}$")
        return text.split()

    def files_of(self, commit: str) -> list[str]:
        """The files that a commit changes."""
        return self.git("show", "--format=", "--name-only", commit).split("\n")

    def dirty(self) -> list[str]:
        """What differs from HEAD, CLEO's own files left out."""
        lines = self.git("status", "--porcelain", "-uall").split("\n")
        return [line for line in lines if line and ".cleo/" not in line]


def statuses(shown: Mapping[str, Any]) -> dict[str, str]:
    """Step -> status of a release as ``show`` gives it."""
    return {step["step"]: step["status"] for step in shown["steps"]}


@pytest.fixture
def project(
    cleo_project: Path,
    cleo_cli: Cli,
    cleo_home: Path,
    cleo_app: App,
    monkeypatch: pytest.MonkeyPatch,
) -> ReleaseProject:
    """One commit on main, and nothing done yet."""
    made = ReleaseProject(cleo_project, cleo_cli, cleo_home / "bumps", cleo_app)
    monkeypatch.setenv("BUMPS", str(made.bumps))
    made.write("VERSION", "0.9.0\n")
    shutil.copytree(_begun(), made.root / ".git")
    return made


@cache
def _begun() -> str:
    """The repository of one commit, made once and copied for each test."""
    folder = Path(tempfile.mkdtemp(prefix="release-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "VERSION").write_text("0.9.0\n")

    def git(*words: str) -> None:
        subprocess.run(["git", *words], cwd=folder, check=True)

    git("init", "-q", "-b", "main", "--template=")
    (folder / ".git" / "hooks").mkdir()
    with open(folder / ".git" / "config", "a") as config:
        config.write("[user]\n\tname = Somebody\n\temail = somebody@example.org\n")
        # Otherwise each commit starts another process that looks whether to tidy up.
        config.write("[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n")
    git("add", "VERSION")
    git("commit", "-q", "-m", "begin")
    return str(folder / ".git")


@pytest.fixture
def service(project: ReleaseProject, cleo_open: Callable[..., App]) -> Any:
    """The tasks service of an App that reads the settings when it is first asked."""
    return cleo_open().service("tasks")
