"""How core runs git and other programs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from cleo_core import git, programs
from cleo_core.tracked import tracked_files

#: What a hook of another repository, or somebody's shell, may have set.
ASTRAY = {
    "GIT_DIR": "/elsewhere/.git",
    "GIT_WORK_TREE": "/elsewhere",
    "GIT_COMMON_DIR": "/elsewhere/.git",
    "GIT_INDEX_FILE": "/elsewhere/index",
    "GIT_OBJECT_DIRECTORY": "/elsewhere/objects",
    "GIT_NAMESPACE": "elsewhere",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "core.worktree",
    "GIT_CONFIG_VALUE_0": "/elsewhere",
    "GIT_LITERAL_PATHSPECS": "1",
}


@pytest.fixture
def told(tmp_path: Path) -> Mapping[str, str]:
    """An environment whose git says what it was given."""
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\nenv\n")
    fake.chmod(0o755)
    return {"PATH": f"{fake.parent}:{os.environ['PATH']}", "LC_ALL": "de_DE.UTF-8", "MINE": "1"}


@pytest.mark.parametrize("users_own", [False, True])
def test_git_is_led_nowhere_else_and_asks_nobody_anything(
    told: Mapping[str, str], tmp_path: Path, users_own: bool
) -> None:
    done = git.run(
        *("status",),
        cwd=str(tmp_path),
        env={**told, **ASTRAY},
        settings={"GIT_NO_LAZY_FETCH": "1"},
        timeout=10,
        users_own=users_own,
    )
    given = dict(line.split("=", 1) for line in done.out.decode().splitlines())
    assert not given.keys() & ASTRAY.keys()
    assert (given["MINE"], given["GIT_TERMINAL_PROMPT"], given["GIT_NO_LAZY_FETCH"]) == (
        *("1", "0", "1"),
    )
    # Words that are looked for are English; hooks are run as the user runs them.
    assert given["LC_ALL"] == ("de_DE.UTF-8" if users_own else "C")


def test_whether_data_is_tracked_is_asked_of_the_projects_repository(tmp_path: Path) -> None:
    root, directory = str(tmp_path), str(tmp_path / ".cleo")
    os.mkdir(directory)
    Path(directory, "tasks.db").touch()
    for words in (("init", "-q"), ("add", "--", ".cleo/tasks.db")):
        subprocess.run(["git", *words], cwd=root, check=True)
    assert tracked_files(root, directory, {**os.environ, **ASTRAY}) == [".cleo/tasks.db"]
    assert tracked_files(root, directory, {"PATH": directory}) is None


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_program_that_is_ended_takes_its_lock_away_and_what_it_started_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interrupted: bool
) -> None:
    script = "trap 'rm lock; exit 1' TERM; sleep 60 & echo $! > child; touch lock ready; wait"
    wait = programs._wait

    def waits(process: subprocess.Popen[bytes], timeout: float) -> int:
        while not (tmp_path / "ready").exists():
            pass
        if interrupted:
            raise KeyboardInterrupt
        return wait(process, timeout)

    monkeypatch.setattr(programs, "_wait", waits)
    argv = ["sh", "-c", script]
    if interrupted:
        with pytest.raises(KeyboardInterrupt):
            programs.run(argv, cwd=str(tmp_path), env=os.environ, timeout=60)
    else:
        done = programs.run(argv, cwd=str(tmp_path), env=os.environ, timeout=0.01)
        assert (done.code, done.end) == (None, "took too long")
    assert not (tmp_path / "lock").exists()
    child = int((tmp_path / "child").read_text())
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(child)], capture_output=True, text=True)
    assert state.stdout.strip()[:1] in ("", "Z")


def test_passwords_are_taken_out_of_addresses() -> None:
    for text, shown in (
        ("https://me:hunter2@example.org/x", "https://***@example.org/x"),
        ("https://ghp_token@example.org/x", "https://***@example.org/x"),
        ("to https://me:p@ss:w@example.org/x now", "to https://***@example.org/x now"),
        ("ssh://me:hunter2@example.org/x", "ssh://***@example.org/x"),
        ("ssh://git@example.org/x", "ssh://git@example.org/x"),
        ("git@example.org:x/y.git", "git@example.org:x/y.git"),
        ("https://example.org/@me", "https://example.org/@me"),
    ):
        assert programs.without_passwords(text) == shown
