"""The warm process that runs jobs in forks of itself; see :mod:`cleo_core.testing.runner`.

The file is the program of that process: it is run by its path, so that nothing of this package,
pytest least of all, is imported there.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any

#: The path of this program.
PROGRAM = os.path.abspath(__file__)
#: The argument with which the program runs all jobs at the same time.
TOGETHER = "--together"
#: In place of names of modules: all that nearly every command needs, services included.
EVERYTHING = ("--everything",)


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


class Looks:
    """What lies in some places from one statement to the next.

    A place is a directory, with all that is below it, or a database, with what is named after it.

    Indexes of write-ahead logs do not count: who opens a database that nobody has open makes its
    index anew.

    :ivar found: for each statement a hash over all files as they were before it.
    """

    def __init__(self, *places: str | os.PathLike[str]) -> None:
        self._places = places
        self._known: dict[str, tuple[object, bytes]] = {}
        self._trusts_times = False
        self.found: list[str] = []

    def look(self, sql: str) -> None:
        """Look before a statement."""
        import hashlib

        every = hashlib.blake2b(digest_size=16)
        for place in self._places:
            for path in _files(os.fspath(place)):
                if not path.endswith("-shm") and os.path.isfile(path):
                    every.update(os.fsencode(path) + b"\0" + self._hash(path))
        self.found.append(every.hexdigest())
        # Two writes may be closer to each other than the times of a file system tell.
        self._trusts_times = (
            sql.lstrip().upper().startswith(("SELECT", "PRAGMA TABLE_", "PRAGMA IND"))
        )

    def _hash(self, path: str) -> bytes:
        import hashlib

        status = os.stat(path)
        written = (status.st_ino, status.st_size, status.st_mtime_ns)
        known = self._known.get(path)
        if known is None or known[0] != written or not self._trusts_times:
            with open(path, "rb", buffering=0) as file:
                known = (written, hashlib.blake2b(file.read(), digest_size=16).digest())
            self._known[path] = known
        return known[1]


def _files(place: str) -> Iterator[str]:
    """The files below a directory, or those whose names begin with that of a file; sorted."""
    if os.path.isdir(place):
        for folder, below, names in os.walk(place):
            below.sort()
            yield from (os.path.join(folder, name) for name in sorted(names))
    else:
        folder, start = os.path.split(place)
        beside = sorted(os.listdir(folder))
        yield from (os.path.join(folder, name) for name in beside if name.startswith(start))


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


def _main() -> None:
    # Imported once, here; what a run imports beyond that is the run's own.
    import gc

    from cleo_core.cli import main

    if sys.argv[1:] == [TOGETHER]:
        _side_by_side(main)
        return
    _warm_up(sys.argv[1:])
    # What a run may forget is its own; looking through all that is here would copy it first.
    gc.freeze()
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
    _warm_up(EVERYTHING)
    jobs = [json.loads(line) for line in sys.stdin]
    started = [_forked(one, main) for one in jobs]
    for one, (child, answer) in zip(jobs, started, strict=True):
        sys.stdout.write(json.dumps(_ended(one, child, answer)) + "\n")


def _warm_up(names: Sequence[str]) -> None:
    """Import modules, and load the plugins for all runs; with no names, do neither."""
    if tuple(names) == EVERYTHING:
        _beside("together.py")["warm_up"]()
    elif names:
        for name in names:
            __import__(name)
        _beside("once.py")["remember"]()
        from cleo_core.installed import load_all

        load_all(os.environ, [])


def _beside(file: str) -> dict[str, Any]:
    """What a file of this directory holds; by its path, as the package around it needs pytest."""
    import runpy

    return runpy.run_path(os.path.join(os.path.dirname(os.path.abspath(__file__)), file))


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
    return {
        **one,
        "code": status,
        "out": "",
        "err": "",
        "modules": [],
        "statements": [],
        "found": [],
    }


def _here(one: dict[str, Any], main: Callable[[Sequence[str]], int]) -> dict[str, Any]:
    import io

    os.environ.update(one["env"])
    os.chdir(one["cwd"])
    statements: list[str] = []
    looks = Looks(*one["looks"])

    def seen(sql: str) -> None:
        statements.append(sql)
        if one["looks"]:
            looks.look(sql)
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
        "found": looks.found,
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


if __name__ == "__main__":
    _main()
