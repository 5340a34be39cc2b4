"""Many runs of ``cleo``, each in a process of its own that is forked from a warm one.

A run costs some ten milliseconds, may be killed at a chosen statement, and tells which modules it
imported and which statements it ran. The file is also the program of the warm process: it is then
run by its path, so that nothing of this package, pytest least of all, is imported there.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import IO, Any

#: Seconds after which a run counts as waiting for something that never comes.
TIME_LIMIT = 60
#: The argument with which the program runs all jobs at the same time.
TOGETHER = "--together"
#: Packages whose modules every command may import.
_ALWAYS = frozenset({"cleo_core", "click", "pysqlite3", "filelock", "json", "hashlib"})


class Run:
    """One finished run.

    :ivar code: exit code; minus the signal that ended it.
    :ivar modules: what it had imported at its end.
    :ivar statements: the SQL that it ran on files, in order.
    """

    def __init__(self, found: Mapping[str, Any]) -> None:
        self.argv: list[str] = list(found["argv"])
        self.code: int = found["code"]
        self.out: str = found["out"]
        self.err: str = found["err"]
        self.modules: frozenset[str] = frozenset(found["modules"])
        self.statements: list[str] = list(found["statements"])

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
    if not hasattr(os, "fork"):
        yield from (_run_without_fork(one, env, warm) for one in jobs)
        return
    import tempfile

    with (
        tempfile.TemporaryFile("w+") as err,
        subprocess.Popen(
            _program(warm),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=err,
            text=True,
            env=_like_here(env),
        ) as runner,
    ):
        assert runner.stdin is not None
        assert runner.stdout is not None
        for one in jobs:
            answer = ""
            # A runner that has failed takes no more; what it said of that is shown below.
            with contextlib.suppress(BrokenPipeError):
                runner.stdin.write(json.dumps(one) + "\n")
                runner.stdin.flush()
                answer = runner.stdout.readline()
            if not answer:
                runner.kill()
                err.seek(0)
                raise RuntimeError(f"the runner failed: {err.read()}")
            yield Run(json.loads(answer))


def light_modules(run: Run, package: str) -> list[str]:
    """What a run has imported of CLEO, a plugin and what both always need: fit to be ``warm``."""
    ours = _ALWAYS | {package}
    return [name for name in sorted(run.modules) if name.partition(".")[0] in ours]


def _program(warm: Sequence[str]) -> list[str]:
    return [sys.executable, "-P", os.path.abspath(__file__), *warm]


def _run_without_fork(one: Mapping[str, Any], env: Mapping[str, str], warm: Sequence[str]) -> Run:
    """The runner is then the run itself, and dies with it."""
    done = subprocess.run(
        _program(warm),
        input=json.dumps(one),
        capture_output=True,
        text=True,
        env=_like_here(env),
        check=False,
    )
    if done.stdout:
        return Run(json.loads(done.stdout))
    lost = {"out": "", "err": done.stderr, "modules": [], "statements": []}
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
) -> dict[str, Any]:
    """A run to be made.

    :param kill_at: SIGKILL before this statement, counted from 1 over all files.
    :param stdin: what standard input holds; by default nothing.
    :param silent: unless something stands there, standard input is open and nothing ever comes.
    :param limit: seconds after which it is ended with SIGALRM.
    :param repeat: run it so often in the same process, ``{n}`` in ``argv`` counting from 0; the
        run's output is then one line per repetition.
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
    }


class WatchedDriver:
    """Stands in for the SQLite module and tells of every statement before it runs.

    :param seen: called with the text of each statement on a file; what it raises goes to whoever
        ran the statement.
    """

    def __init__(self, module: Any, seen: Callable[[str], None]) -> None:
        class Cursor(module.Cursor):  # type: ignore[misc]
            def execute(self, sql: str, *parameters: Any) -> Any:
                if self.connection.is_file:
                    seen(sql)
                return super().execute(sql, *parameters)

            def executemany(self, sql: str, *parameters: Any) -> Any:
                if self.connection.is_file:
                    seen(sql)
                return super().executemany(sql, *parameters)

        class Connection(module.Connection):  # type: ignore[misc]
            is_file = False

            def cursor(self, factory: Any = Cursor) -> Any:
                return super().cursor(factory)

            def execute(self, sql: str, *parameters: Any) -> Any:
                return self.cursor().execute(sql, *parameters)

            def executemany(self, sql: str, *parameters: Any) -> Any:
                return self.cursor().executemany(sql, *parameters)

        self._module = module
        self._factory = Connection

    def connect(self, database: str, *arguments: Any, **options: Any) -> Any:
        connection = self._module.connect(database, *arguments, factory=self._factory, **options)
        connection.is_file = database != ":memory:"
        return connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def watch(seen: Callable[[str], None]) -> Callable[[], None]:
    """Have every statement of this process told to ``seen``.

    :returns: ends it.
    """
    from cleo_core.database import drivers

    before = drivers.driver()
    drivers._driver = WatchedDriver(before, seen)

    def end() -> None:
        drivers._driver = before

    return end


def kill_self() -> None:
    """End this process as a power cut would."""
    if hasattr(signal, "SIGKILL"):
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(137)


def _like_here(env: Mapping[str, str]) -> dict[str, str]:
    """An environment in which another process finds the packages that this one does."""
    path = os.pathsep.join(os.path.abspath(entry) for entry in sys.path if entry)
    return {**env, "PYTHONPATH": path}


def _main() -> None:
    # Imported once, here; what a run imports beyond that is the run's own.
    from cleo_core.cli import main

    if sys.argv[1:] == [TOGETHER]:
        _side_by_side(main)
        return
    for name in sys.argv[1:]:
        __import__(name)
    for line in sys.stdin:
        one = json.loads(line)
        if hasattr(os, "fork"):
            found = _in_child(one, main)
        else:
            found = _here(one, main)
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()


def _side_by_side(main: Callable[[Sequence[str]], int]) -> None:
    """Run all jobs at the same time."""
    import runpy

    # By its path: the package around it needs pytest.
    place = os.path.join(os.path.dirname(os.path.abspath(__file__)), "together.py")
    runpy.run_path(place)["warm_up"]()
    jobs = [json.loads(line) for line in sys.stdin]
    started = [_forked(one, main) for one in jobs]
    for one, (child, answer) in zip(jobs, started, strict=True):
        sys.stdout.write(json.dumps(_ended(one, child, answer)) + "\n")


def _in_child(one: dict[str, Any], main: Callable[[Sequence[str]], int]) -> dict[str, Any]:
    return _ended(one, *_forked(one, main))


def _forked(one: dict[str, Any], main: Callable[[Sequence[str]], int]) -> tuple[int, IO[str]]:
    """Start a run; its process id, and the file in which its answer will be."""
    import tempfile

    answer = tempfile.TemporaryFile("w+")  # noqa: SIM115 # closed where it is read
    child = os.fork()
    if child == 0:
        code = 70
        try:
            signal.alarm(one["limit"])
            answer.write(json.dumps(_here(one, main)))
            answer.flush()
            code = 0
        finally:
            os._exit(code)
    return child, answer


def _ended(one: dict[str, Any], child: int, answer: IO[str]) -> dict[str, Any]:
    """The answer of a run, once it has ended."""
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with answer:
        answer.seek(0)
        text = answer.read()
    if text:
        found: dict[str, Any] = json.loads(text)
        return found
    return {**one, "code": status, "out": "", "err": "", "modules": [], "statements": []}


def _here(one: dict[str, Any], main: Callable[[Sequence[str]], int]) -> dict[str, Any]:
    import io

    os.environ.update(one["env"])
    os.chdir(one["cwd"])
    statements: list[str] = []

    def seen(sql: str) -> None:
        statements.append(sql)
        if len(statements) == one["kill_at"]:
            kill_self()

    watch(seen)
    _set_stdin(one["stdin"], silent=one["silent"])
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="replace", write_through=True)
    sys.stdout, sys.stderr = out, err
    code = 0
    for number in range(one["repeat"]):
        code = main([word.replace("{n}", str(number)) for word in one["argv"]])
    texts = [stream.buffer.getvalue().decode("utf-8", "replace") for stream in (out, err)]
    return {
        "argv": one["argv"],
        "code": code,
        "out": texts[0],
        "err": texts[1],
        "modules": sorted(sys.modules),
        "statements": statements,
    }


def _set_stdin(text: str | None, *, silent: bool) -> None:
    import tempfile

    if text is None and silent:
        # The writing end stays open in this process, so reading would wait for ever.
        descriptor, _ = os.pipe()
    else:
        with tempfile.TemporaryFile() as file:
            file.write((text or "").encode())
            file.seek(0)
            descriptor = os.dup(file.fileno())
    os.dup2(descriptor, 0)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 # ends with the process


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
            [sys.executable, "-P", os.path.abspath(__file__)],
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


if __name__ == "__main__":
    _main()
