"""Python programs that run side by side, each in a process of its own, forked from a warm one.

What each of them would import first is imported once, and each runs as ``python -c`` or ``python
-m cleo_core`` would run it. The file is also the program of the warm process, which is run by its
path and opens no database. Its standard input is a line of JSON with the programs; it prints one
with their process ids, and leaves a file with a line of place and status for each that has ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

#: With fewer programs, a warm process costs more than it saves.
FEWEST = 3
#: The file with place and status of each program that has ended.
ENDED = "ended"


def fits(argvs: Sequence[Sequence[str]]) -> bool:
    """Whether programs can be run from a warm process."""
    return (
        hasattr(os, "fork")
        and len(argvs) >= FEWEST
        and all(
            argv[0] == sys.executable
            and (argv[1] == "-c" or tuple(argv[1:3]) == ("-m", "cleo_core"))
            for argv in argvs
        )
    )


class Together:
    """Programs that were started together.

    :param argvs: of the programs; see :func:`fits`.
    """

    def __init__(
        self, argvs: Sequence[Sequence[str]], env: Mapping[str, str], cwd: str | os.PathLike[str]
    ) -> None:
        self._codes: dict[int, int] = {}
        self._folder = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen(
            [sys.executable, "-P", os.path.abspath(__file__)],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        said = json.dumps({"folder": self._folder.name, "argvs": [list(argv) for argv in argvs]})
        self.process.stdin.write(said + "\n")
        self.process.stdin.flush()
        started = self.process.stdout.readline()
        if not started:
            raise RuntimeError(f"no program was started: {self.process.communicate()[1]}")
        self._pids: list[int] = json.loads(started)

    def kill(self, place: int) -> None:
        """Send SIGKILL to one of them."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pids[place], signal.SIGKILL)

    def said(self, place: int) -> str:
        """What one of them has written to its standard output so far."""
        return self._text(place, "out")

    def results(self, timeout: float) -> list[tuple[int, str, str]]:
        """Exit code, stdout and stderr of each, once all have ended.

        :raises subprocess.TimeoutExpired: some have not; all are then killed.
        """
        try:
            _, err = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.end()
            raise
        # Not from its output: of that, reading the first line may have taken more than the line.
        with open(os.path.join(self._folder.name, ENDED), encoding="utf-8") as file:
            codes = dict(json.loads(line) for line in file)
        assert len(codes) == len(self._pids), err
        found = [
            (codes[place], self._text(place, "out"), self._text(place, "err"))
            for place in range(len(self._pids))
        ]
        self._folder.cleanup()
        return found

    def end(self) -> None:
        """Kill what still runs."""
        if self.process.poll() is None:
            for place in range(len(self._pids)):
                self.kill(place)
            self.process.kill()
        self.process.communicate()
        self._folder.cleanup()

    def _text(self, place: int, stream: str) -> str:
        with open(os.path.join(self._folder.name, f"{place}.{stream}"), encoding="utf-8") as file:
            return file.read()


def warm_up() -> None:
    """Import what nearly every program of CLEO needs, plugins and services included."""
    import gc
    import runpy

    import cleo_core.app
    import cleo_core.cli  # noqa: F401 # for the programs
    from cleo_core.database import driver
    from cleo_core.installed import load_all
    from cleo_core.plugins import load_target

    driver()
    # By its path: the package around it needs pytest.
    runpy.run_path(os.path.join(os.path.dirname(os.path.abspath(__file__)), "once.py"))[
        "remember"
    ]()
    for plugin in load_all(os.environ, []).loaded:
        for service in plugin.services:
            # What cannot be imported is shown by whoever needs it.
            with contextlib.suppress(Exception):
                load_target(service.target)
    gc.freeze()


def _main() -> None:
    warm_up()
    asked: dict[str, Any] = json.loads(sys.stdin.readline())
    pids = []
    for place, argv in enumerate(asked["argvs"]):
        child = os.fork()
        if child == 0:
            _as(argv, os.path.join(asked["folder"], str(place)))
        pids.append(child)
    sys.stdout.write(json.dumps(pids) + "\n")
    sys.stdout.flush()
    with open(os.path.join(asked["folder"], ENDED), "w", encoding="utf-8") as ended:
        for _ in pids:
            pid, status = os.wait()
            print(json.dumps([pids.index(pid), os.waitstatus_to_exitcode(status)]), file=ended)


def _as(argv: Sequence[str], files: str) -> NoReturn:
    """Be the program, with nothing to read and two files to write to."""
    try:
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        for number, stream in ((1, "out"), (2, "err")):
            os.dup2(
                os.open(f"{files}.{stream}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number
            )
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 # ends with the process
        # As of an interpreter of its own: the working directory, not that of this file.
        sys.path.insert(0, "" if argv[1] == "-c" else os.getcwd())
        if argv[1] == "-c":
            sys.argv = ["-c", *argv[3:]]
            program: Callable[[], object] = lambda: exec(argv[2], {"__name__": "__main__"})  # noqa: E731, S102
        else:
            from cleo_core.__main__ import run

            sys.argv = ["cleo", *argv[3:]]
            program = run
        code = _code(program)
    except BaseException:
        # Whatever a program raises is shown as its interpreter would show it.
        import traceback

        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _code(program: Callable[[], object]) -> int:
    try:
        program()
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return ended.code or 0
        sys.stderr.write(f"{ended.code}\n")
        return 1
    return 0


if __name__ == "__main__":
    _main()
