"""Where it takes place: a small file system, a home and two projects with every store."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import cleo_core
from cleo_core.app import create_app
from cleo_core.database import connect_for_copy
from cleo_core.initialize import initialize
from cleo_core.testing.runner import EVERYTHING, Runner, job

#: Programs that give a process mounts of its own, as root and otherwise.
NAMESPACES = (
    ("unshare", "--mount", "--propagation", "private"),
    ("unshare", "--user", "--map-root-user", "--mount"),
)
SETTINGS = {
    "backup.keep_last": "3",
    "backup.keep_daily": "1",
    "backup.keep_before": "2",
    "backup.debounce_seconds": "0",
    "conduit.claim_seconds": "2",
}
#: Whom the older file of conduit knows.
AGENTS_OF_GOLDEN = ("ann", "bob")
#: Tasks of the other project, for which tasks of the first one wait.
THEIRS = 20


def namespace() -> Sequence[str] | None:
    """Words in front of a program that may mount file systems; None where none may."""
    for words in NAMESPACES:
        if shutil.which(words[0]) is None:
            continue
        probe = [*words, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/mnt"]
        if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
            return words
    return None


def mount(folder: Path, megabytes: int) -> None:
    """Put a file system of a fixed size on a directory.

    :raises subprocess.CalledProcessError: this process may not.
    """
    options = f"size={megabytes}m,mode=0700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)


def environment(disk: Path) -> dict[str, str]:
    """The variables with which everything runs."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("CLEO_", "XDG_"))
    }
    return {
        **kept,
        "HOME": str(disk / "home"),
        "CLEO_HOME": str(disk / "home" / "data"),
        "CLEO_TEST_ROOT": str(disk),
        "CLEO_FORMAT": "json",
        "CLEO_BUSY_TIMEOUT_MS": "20000",
        # A library is preloaded, and files in memory have no bytecode of their own to keep.
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def prepare(disk: Path, agents: Sequence[str], golden: Path | None) -> list[str]:
    """Make two projects that know each other, telemetry on.

    :param golden: an older ``conduit.db`` that the first processes have to bring up to date.
    :returns: ids of the tasks of the second project.
    :raises RuntimeError: a command failed.
    """
    env = environment(disk)
    for name in ("home", "one", "two"):
        (disk / name).mkdir()
        if name != "home":
            initialize(str(disk / name), plugins=create_app(env=env).plugins, env=env)
    commands = [
        *(("config", "set", key, value, "--global") for key, value in SETTINGS.items()),
        *(("nexus", "register", str(disk / name), "--name", name) for name in ("one", "two")),
        *(("nexus", "permission", "set", name, "execute") for name in ("one", "two")),
        ("telemetry", "enable"),
    ]
    with Runner(env, EVERYTHING) as runner:
        for words in commands:
            done = runner.run(job(words, disk / "one"))
            if done.code:
                raise RuntimeError(repr(done))
    with cleo_core.open_app(str(disk / "two"), env=env) as app:
        theirs = [app.service("tasks").add(f"theirs {n}").task.id for n in range(THEIRS)]
    with cleo_core.open_app(str(disk / "one"), env=env) as app:
        for name in (*agents, *AGENTS_OF_GOLDEN):
            app.service("agents").register(name, name=name, attach=False)
            app.service("conduit").attach(name)
    if golden is not None:
        _put_back(disk / "one" / ".cleo" / "conduit.db", golden)
    return theirs


def _put_back(current: Path, golden: Path) -> None:
    """Replace a file by an older one, which knows the same agents."""
    found = connect_for_copy(str(current))
    refs = found.execute("SELECT * FROM project_agent_refs").fetchall()
    found.close()
    for path in current.parent.glob("conduit.db*"):
        path.unlink()
    shutil.copy(golden, current)
    older = connect_for_copy(str(current))
    marks = ", ".join("?" * len(refs[0]))
    for ref in refs:
        older.execute(f"INSERT OR REPLACE INTO project_agent_refs VALUES ({marks})", tuple(ref))
    older.close()
