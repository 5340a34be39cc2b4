"""The storm itself: processes that work, others that tend the stores, and what befalls them.

Run as ``python -m chaos.storm FOLDER`` with the library of :mod:`chaos.shim` preloaded; what is to
be done stands in ``FOLDER/plan.json``. It opens no database itself, so that whatever it forks has
none open.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from chaos.ledger import Ledger, lines
from chaos.operations import OPERATIONS, Call, choose
from chaos.shim import Control
from cleo_core import open_app
from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import once

#: What tends the stores meanwhile.
CHORES = (
    ("backup", "create", "--all"),
    ("doctor",),
    ("migrate",),
    ("backup", "create"),
    ("doctor", "--fix"),
    ("backup", "verify"),
    ("reconcile",),
    ("reconcile", "--apply"),
    ("nexus", "sync"),
    ("conduit", "prune"),
)
#: Weather -> how often, and the calls in a million that fail.
WEATHER: dict[str, tuple[int, dict[str, int]]] = {
    "calm": (6, {}),
    "failing": (2, {"reads": 300, "writes": 3000, "syncs": 3000}),
    "full": (2, {}),
    "clock": (2, {}),
}
#: What a user is told when the disk, not the program, is at fault.
DISK = frozenset(
    (
        "E_BACKUP_FAILED",
        "E_DISK_FULL",
        "E_IO",
        "E_LOCK_TIMEOUT",
        "E_MIGRATION_FAILED",
        "E_NEXUS_UNAVAILABLE",
        "E_NO_SPACE",
        "E_REFERENCE_UNKNOWN",
        "E_WRITE_CONTENTION",
    )
)
#: What is said where somebody else was quicker, or a task is not to be done now.
QUICKER = frozenset(
    (
        "E_ALREADY_CLAIMED",
        "E_ALREADY_DONE",
        "E_CONCURRENT_MODIFICATION",
        "E_DEPENDENCIES_OPEN",
        "E_GUARD",
        "E_ID_COLLISION",
        "E_INVALID_TRANSITION",
        "E_LEASE_HELD",
        "E_NOTHING_READY",
        "E_NO_CHANGE",
    )
)
KILL_SECONDS = (0.05, 0.25)
WEATHER_SECONDS = (0.2, 0.8)
#: Calls that one App is for.
MOST_CALLS = 6
#: A process that is older may be killed at any time, a younger one less often.
MOST_SECONDS = 3.0


def worker(plan: dict[str, Any], who: str) -> None:
    """Do what is left of one process's calls."""
    folder = Path(plan["folder"])
    path = folder / "ledger" / f"{who}.jsonl"
    memory, number, done, again = _remembered(path, plan)
    ledger = Ledger(path)
    visit = Visit(plan["one"], who)
    while done < plan["calls"]:
        if again is None:
            number += 1
        chance = random.Random(f"{plan['seed']} {who} {number}")
        name = again or choose(chance, memory)
        chance = random.Random(f"{plan['seed']} {who} {number} {name}")
        ledger.note(n=number, op=name, at=time.monotonic())
        again = None
        try:
            app = visit.app(chance.randint(1, MOST_CALLS))
            found = OPERATIONS[name][0](Call(app, who, number, chance, memory))
        except CleoError as error:
            text = error.message
            if error.code not in DISK | QUICKER:
                text += "".join(traceback.format_exception(error)[-12:])
            ledger.note(n=number, error=error.code, text=text, at=time.monotonic())
            # What failed may have been carried out; with its key it can be asked for again.
            again = name if error.code in DISK and chance.random() < 0.5 else None
            continue
        except Exception:
            ledger.note(n=number, error="traceback", text=traceback.format_exc())
            continue
        ledger.note(n=number, facts=found.facts, remember=found.remember, at=time.monotonic())
        for kind, value in found.remember.items():
            memory.setdefault(kind, []).append(value)
        done += 1
    visit.close()


class Visit:
    """An App that stays open for a few calls, through whatever becomes of them.

    With one call it is what a command of the shell has, with more a program that stays.
    """

    def __init__(self, project: str, who: str) -> None:
        self._project = project
        self._who = who
        self._app: App | None = None
        self._left = 0

    def app(self, calls: int) -> App:
        """The App; a new one is for so many calls."""
        if self._app is None or not self._left:
            self.close()
            self._app, self._left = open_app(self._project, agent=self._who), calls
        self._left -= 1
        return self._app

    def close(self) -> None:
        """Close it, if there is one."""
        app, self._app = self._app, None
        if app is not None:
            app.close()


def _remembered(
    path: Path, plan: dict[str, Any]
) -> tuple[dict[str, list[Any]], int, int, str | None]:
    """What earlier processes of the name left: memory, last number, calls done, call to repeat."""
    memory: dict[str, list[Any]] = {"others": plan["agents"], "theirs": plan["theirs"]}
    number = done = 0
    pending: str | None = None
    for line in lines(path):
        if "op" in line:
            number, pending = line["n"], line["op"]
            continue
        pending = None
        if "facts" in line:
            done += 1
            for kind, value in line["remember"].items():
                memory.setdefault(kind, []).append(value)
    return memory, number, done, pending


def chore(plan: dict[str, Any], words: Sequence[str]) -> None:
    """Run one command, and note how it began and ended."""
    from cleo_core.cli import main

    os.chdir(plan["one"])
    ledger = Ledger(Path(plan["folder"]) / "ledger" / "chores.jsonl")
    ledger.note(chore=words, pid=os.getpid(), at=time.monotonic())
    inner = io.BytesIO()
    out = io.TextIOWrapper(inner, encoding="utf-8", write_through=True)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        code = main(list(words))
    said = inner.getvalue().decode()
    data = json.loads(said or "{}")
    answer = data.get("data") or {}
    sets = [one["path"] for one in answer.get("sets", ())] if isinstance(answer, dict) else []
    ledger.note(
        ended=words,
        pid=os.getpid(),
        code=code,
        error=(data.get("error") or {}).get("code"),
        text=(data.get("error") or {}).get("message"),
        sets=sets,
        at=time.monotonic(),
    )


class Storm:
    """Processes, and what befalls them."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.chance = random.Random(plan["seed"])
        folder = Path(plan["folder"])
        self.control = Control(folder / "control")
        self.filler = folder / "disk" / "filler"
        self.weather = Ledger(folder / "ledger" / "weather.jsonl")
        self.running: dict[int, str] = {}
        self.began: dict[int, float] = {}
        self.counts: dict[str, int] = dict.fromkeys(
            ("kills", "chores", "full", "failing", "clock"), 0
        )
        self.to_come: list[str] = list(plan["weather"])
        self.failures: list[str] = []

    def run(self) -> dict[str, Any]:
        """Everything, until every process has done its calls."""
        started = time.monotonic()
        for who in self.plan["agents"]:
            self._start(who, functools.partial(worker, self.plan, who))
        left = set(self.plan["agents"])
        next_kill = next_weather = next_chore = started
        while left and time.monotonic() - started < self.plan["seconds"]:
            self._reap(left)
            now = time.monotonic()
            if now >= next_kill and self.running:
                self._kill(now)
                next_kill = now + self.chance.uniform(*KILL_SECONDS)
            if now >= next_weather:
                self._weather()
                next_weather = now + self.chance.uniform(*WEATHER_SECONDS)
            if now >= next_chore and sum(n.startswith("chore") for n in self.running.values()) < 2:
                words = CHORES[self.counts["chores"] % len(CHORES)]
                self._start(f"chore {' '.join(words)}", functools.partial(chore, self.plan, words))
                self.counts["chores"] += 1
                next_chore = now + self.chance.uniform(0.1, 0.5)
            time.sleep(0.005)
        self.control.set()
        self.filler.unlink(missing_ok=True)
        if left:
            self.failures.append(f"{', '.join(sorted(left))} did not end in time")
        for pid in self.running:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        seconds = round(time.monotonic() - started, 1)
        return {**self.counts, "seconds": seconds, "failures": self.failures}

    def _kill(self, now: float) -> None:
        """End one of those that had the time to get somewhere."""
        victim = self.chance.choice(list(self.running))
        if now - self.began[victim] < self.chance.uniform(0, MOST_SECONDS):
            return
        os.kill(victim, signal.SIGKILL)
        self.counts["kills"] += 1

    def _start(self, name: str, job: Callable[[], None]) -> None:
        pid = os.fork()
        if pid:
            self.running[pid] = name
            self.began[pid] = time.monotonic()
            return
        _only(job, Path(self.plan["folder"]) / "ledger" / "crashes.txt")

    def _reap(self, left: set[str]) -> None:
        while self.running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            name = self.running.pop(pid)
            if os.WIFSIGNALED(status):
                if os.WTERMSIG(status) != signal.SIGKILL:
                    self.failures.append(f"{name} got signal {os.WTERMSIG(status)}")
            elif os.WEXITSTATUS(status):
                self.failures.append(f"{name} broke off; see crashes.txt")
            elif name in left:
                left.discard(name)
                continue
            if name in left and len(self.failures) < 20:
                self._start(name, functools.partial(worker, self.plan, name))

    def _weather(self) -> None:
        self.filler.unlink(missing_ok=True)
        # Each kind once, however short the storm is, and then as often as it is written above.
        kinds = list(self.plan["weather"])
        kind = self.chance.choices(kinds, [WEATHER[one][0] for one in kinds])[0]
        if self.to_come:
            kind = self.to_come.pop()
        rates = dict(WEATHER[kind][1])
        if kind == "clock":
            rates["clock_ms"] = self.chance.choice((-1, 1)) * self.chance.randrange(7_200_000)
        elif kind == "full" and not self.plan["mounted"]:
            rates["full"] = 20_000
        self.control.set(**rates)
        if kind == "full" and self.plan["mounted"]:
            self._fill()
        self.weather.note(weather=kind, at=time.monotonic())
        if kind in self.counts:
            self.counts[kind] += 1

    def _fill(self) -> None:
        """Take what is free on the disk, but for a little."""
        with self.filler.open("wb") as file, contextlib.suppress(OSError):
            about = os.statvfs(self.filler)
            size = about.f_bavail * about.f_frsize - self.chance.randrange(256 << 10)
            os.posix_fallocate(file.fileno(), 0, max(1, size))


def _only(job: Callable[[], None], crashes: Path) -> NoReturn:
    """Do one thing in a forked process, and end."""
    code = 1
    try:
        job()
        code = 0
    except BaseException:
        with crashes.open("a") as file:
            traceback.print_exc(file=file)
    finally:
        os._exit(code)


def warm(plan: dict[str, Any]) -> None:
    """Import here what every process would import first; no database is left open."""
    once.remember()
    memory = {"others": ["nobody"], "theirs": plan["theirs"], "added": ["T001", "T002"]}
    with open_app(plan["one"], agent="warm") as app:
        for name in ("add_task", "observe", "send", "look_around"):
            with contextlib.suppress(CleoError), app.dry_running():
                OPERATIONS[name][0](Call(app, "warm", 0, random.Random(0), dict(memory)))
    for words in CHORES:
        with contextlib.suppress(ImportError, AttributeError):
            from cleo_core.cli.root import BUILT_IN
            from cleo_core.plugins import load_target

            if words[0] in BUILT_IN:
                load_target(BUILT_IN[words[0]][0])


def main() -> None:
    """Read the plan, run it, and print what was counted."""
    plan = json.loads((Path(sys.argv[1]) / "plan.json").read_text())
    warm(plan)
    json.dump(Storm(plan).run(), sys.stdout)


if __name__ == "__main__":
    main()
