"""Real processes, started together, and killed where a test wants that."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from cleo_core.testing.together import Together, fits


class Processes:
    """Real processes, started together and optionally killed with SIGKILL at random.

    Several that are all programs for this interpreter are forked from one that has imported what
    they need; see :mod:`cleo_core.testing.together`.
    """

    def __init__(self, env: Mapping[str, str], cwd: Path) -> None:
        self.env = dict(env)
        self.cwd = cwd
        self.started: list[subprocess.Popen[str]] = []
        self.together: list[Together] = []

    def start(
        self, argv: Sequence[str], env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Start one process; its output is collected."""
        process = subprocess.Popen(
            list(argv),
            cwd=self.cwd,
            env={**self.env, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def __call__(
        self,
        argvs: Sequence[Sequence[str]],
        *,
        env: Mapping[str, str] | None = None,
        kill: int = 0,
        within: float = 1.0,
        timeout: float = 240.0,
        seed: int = 0,
    ) -> list[tuple[int, str, str]]:
        """Run processes side by side.

        :param kill: how many of them get SIGKILL, each at a random moment of the first
            ``within`` seconds.
        :returns: (exit code, stdout, stderr) of each, in order; a killed one has -9.
        """
        if fits(argvs):
            together = Together(argvs, {**self.env, **(env or {})}, self.cwd)
            self.together.append(together)
            kill_one, results_of = together.kill, together.results
        else:
            processes = [self.start(argv, env) for argv in argvs]

            def kill_one(place: int) -> None:
                with contextlib.suppress(ProcessLookupError):
                    processes[place].send_signal(signal.SIGKILL)

            def results_of(timeout: float) -> list[tuple[int, str, str]]:
                return _results(processes, timeout)

        chance = random.Random(seed)  # noqa: S311 # repeatable on purpose
        victims = chance.sample(range(len(argvs)), min(kill, len(argvs)))
        started = time.monotonic()
        for delay, victim in sorted((chance.uniform(0.02, within), victim) for victim in victims):
            time.sleep(max(0.0, delay - (time.monotonic() - started)))
            kill_one(victim)
        return results_of(max(1.0, timeout - (time.monotonic() - started)))

    def end(self) -> None:
        """Kill what still runs."""
        for together in self.together:
            together.end()
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()


def _results(
    processes: Sequence[subprocess.Popen[str]], timeout: float
) -> list[tuple[int, str, str]]:
    """Exit code, stdout and stderr of each process, once all have ended."""
    started = time.monotonic()
    results = []
    for process in processes:
        left = max(1.0, timeout - (time.monotonic() - started))
        out, err = process.communicate(timeout=left)
        results.append((process.returncode, out, err))
    return results
