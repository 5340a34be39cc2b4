"""Many runs of ``cleo``, each in a process of its own that is forked from a warm one.

A run costs some ten milliseconds, may be killed at a chosen statement, and tells which modules it
imported and which statements it ran. What the warm process does is in
:mod:`cleo_core.testing.warm`.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any

from cleo_core.testing.warm import (
    EVERYTHING,
    PROGRAM,
    TOGETHER,
    Looks,
    WatchedDriver,
    kill_self,
    watch,
)

__all__ = [
    "EVERYTHING",
    "Looks",
    "Run",
    "Runner",
    "WatchedDriver",
    "each_run",
    "job",
    "kill_points",
    "kill_self",
    "light_modules",
    "processes",
    "run_all",
    "watch",
]

#: Seconds after which a run counts as waiting for something that never comes.
TIME_LIMIT = 60
#: Packages whose modules every command may import.
_ALWAYS = frozenset({"cleo_core", "click", "pysqlite3", "filelock", "json", "hashlib"})


class Run:
    """One finished run.

    :ivar code: exit code; minus the signal that ended it.
    :ivar modules: what it had imported at its end.
    :ivar statements: the SQL that it ran on files, in order.
    :ivar found: what each of them found where the run looked, see :class:`Looks`.
    """

    def __init__(self, found: Mapping[str, Any]) -> None:
        self.argv: list[str] = list(found["argv"])
        self.code: int = found["code"]
        self.out: str = found["out"]
        self.err: str = found["err"]
        self.modules: frozenset[str] = frozenset(found["modules"])
        self.statements: list[str] = list(found["statements"])
        self.found: list[str] = list(found["found"])

    @property
    def envelope(self) -> dict[str, Any]:
        """The JSON envelope."""
        parsed: dict[str, Any] = json.loads(self.out)
        return parsed

    def __repr__(self) -> str:
        return (
            f"cleo {' '.join(self.argv)}\nexit {self.code}\n{self.out[-3000:]}\n{self.err[-2000:]}"
        )


def run_all(
    jobs: Iterable[Mapping[str, Any]],
    env: Mapping[str, str] = os.environ,
    *,
    warm: Sequence[str] = (),
) -> list[Run]:
    """Run jobs one after another; see :func:`job` and :func:`each_run`."""
    return list(each_run(jobs, env, warm=warm))


def each_run(
    jobs: Iterable[Mapping[str, Any]],
    env: Mapping[str, str] = os.environ,
    *,
    warm: Sequence[str] = (),
) -> Generator[Run]:
    """Run jobs one after another, each when the one before has ended and was looked at.

    :param jobs: asked for one by one, so that what makes them may first set the scene.
    :param warm: modules that are imported once, before all runs.
    """
    with Runner(env, warm) as runner:
        for one in jobs:
            yield runner.run(one)


class Runner:
    """The warm process, which runs jobs until it is closed, each in a fork of itself.

    :param warm: modules that it imports first, or :data:`EVERYTHING`. Where any are named, the
        plugins are loaded once as well.
    :param program: another warm process than that of this interpreter; it gets ``env`` as it is.
    """

    def __init__(
        self,
        env: Mapping[str, str] = os.environ,
        warm: Sequence[str] = (),
        *,
        program: Sequence[str] | None = None,
    ) -> None:
        self._env = _like_here(env) if program is None else dict(env)
        self._warm = tuple(warm)
        self._process: subprocess.Popen[str] | None = None
        if not hasattr(os, "fork"):
            return
        import tempfile

        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115 # closed with the process
        self._process = subprocess.Popen(
            _program(self._warm) if program is None else program,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            env=self._env,
        )

    def run(self, one: Mapping[str, Any]) -> Run:
        """Run a job to its end.

        :raises RuntimeError: the warm process has failed.
        """
        process = self._process
        if process is None:
            return _run_without_fork(one, self._env, self._warm)
        assert process.stdin is not None
        assert process.stdout is not None
        answer = ""
        # A runner that has failed takes no more; what it said of that is shown below.
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(one) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        if not answer:
            process.kill()
            self._said.seek(0)
            raise RuntimeError(f"the runner failed: {self._said.read()}")
        return Run(json.loads(answer))

    def close(self) -> None:
        """End the warm process."""
        process, self._process = self._process, None
        if process is not None:
            process.communicate()
            self._said.close()

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def light_modules(run: Run, package: str) -> list[str]:
    """What a run has imported of CLEO, a plugin and what both always need: fit to be ``warm``."""
    ours = _ALWAYS | {package}
    return [name for name in sorted(run.modules) if name.partition(".")[0] in ours]


def _program(warm: Sequence[str]) -> list[str]:
    return [sys.executable, "-P", PROGRAM, *warm]


def _run_without_fork(one: Mapping[str, Any], env: dict[str, str], warm: Sequence[str]) -> Run:
    """The runner is then the run itself, and dies with it."""
    done = subprocess.run(
        _program(warm),
        input=json.dumps(one),
        capture_output=True,
        text=True,
        env=env,
        check=False,
    )
    if done.stdout:
        return Run(json.loads(done.stdout))
    lost = {"out": "", "err": done.stderr, "modules": [], "statements": [], "found": []}
    return Run({**one, **lost, "code": -9})


def job(
    argv: Sequence[str],
    cwd: str | os.PathLike[str],
    env: Mapping[str, str] | None = None,
    *,
    kill_at: int | None = None,
    stdin: str | None = None,
    silent: bool = False,
    repeat: int = 1,
    limit: int = TIME_LIMIT,
    looks: Sequence[str | os.PathLike[str]] = (),
) -> dict[str, Any]:
    """A run to be made.

    :param kill_at: SIGKILL before this statement, counted from 1 over all files.
    :param stdin: what standard input holds; by default nothing.
    :param silent: unless something stands there, standard input is open and nothing ever comes.
    :param limit: seconds after which it is ended with SIGALRM.
    :param repeat: run it so often in the same process, ``{n}`` in ``argv`` counting from 0; the
        run's output is then one line per repetition.
    :param looks: directories or databases that are looked at before each statement.
    """
    return {
        "argv": list(argv),
        "cwd": os.fspath(cwd),
        "env": dict(env or {}),
        "kill_at": kill_at,
        "stdin": stdin,
        "silent": silent,
        "repeat": repeat,
        "limit": limit,
        "looks": [os.fspath(one) for one in looks],
    }


def kill_points(found: Sequence[str]) -> list[int]:
    """Before which statements to kill a command, counted from 1.

    Those that find other files than the one before them did, because any other kill leaves what one
    before it would; and one half way and one at the end, whatever they find.

    :param found: what each statement finds, see :class:`Looks`.
    """
    last = len(found)
    changed = [number for number in range(2, last + 1) if found[number - 1] != found[number - 2]]
    return sorted({*changed, *range(last, 0, -max(1, last // 2))})


def _like_here(env: Mapping[str, str]) -> dict[str, str]:
    """An environment in which another process finds the packages that this one does."""
    path = os.pathsep.join(os.path.abspath(entry) for entry in sys.path if entry)
    return {**env, "PYTHONPATH": path}


def processes(
    jobs: Sequence[Mapping[str, Any]], env: Mapping[str, str] = os.environ, timeout: float = 300.0
) -> list[Run]:
    """Run jobs side by side, each in a process of its own.

    :raises subprocess.TimeoutExpired: they have not ended in time.
    """
    if hasattr(os, "fork"):
        return _forked_together(jobs, env, timeout)
    started = time.monotonic()
    running = [
        subprocess.Popen(
            [sys.executable, "-P", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=_like_here(env),
        )
        for _ in jobs
    ]
    for process, one in zip(running, jobs, strict=True):
        assert process.stdin is not None
        process.stdin.write(json.dumps(one))
        process.stdin.close()
        process.stdin = None
    results = []
    for process in running:
        left = max(1.0, timeout - (time.monotonic() - started))
        out, err = process.communicate(timeout=left)
        if process.returncode != 0:
            raise RuntimeError(f"the runner failed: {err}")
        results.append(Run(json.loads(out)))
    return results


def _forked_together(
    jobs: Sequence[Mapping[str, Any]], env: Mapping[str, str], timeout: float
) -> list[Run]:
    done = subprocess.run(
        _program([TOGETHER]),
        input="".join(json.dumps(one) + "\n" for one in jobs),
        capture_output=True,
        text=True,
        env=_like_here(env),
        timeout=timeout,
        check=False,
    )
    lines = done.stdout.splitlines()
    if done.returncode != 0 or len(lines) != len(jobs):
        raise RuntimeError(f"the runner failed: {done.stderr}")
    return [Run(json.loads(line)) for line in lines]
