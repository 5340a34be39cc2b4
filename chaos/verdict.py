"""What is left when the storm is over, against what was said while it lasted."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from chaos.ledger import Fact, lines
from chaos.operations import CHECKS
from chaos.storm import DISK, QUICKER
from cleo_core import open_app
from cleo_core.database import connect_for_copy
from cleo_core.testing.runner import EVERYTHING, Runner, job

FILES = {
    "tasks": "tasks.db",
    "brain": "brain.db",
    "conduit": "conduit.db",
    "nexus": "nexus.db",
    "signaldock": "signaldock.db",
    "telemetry": "telemetry.db",
}
GLOBAL = ("nexus", "signaldock", "telemetry")
#: Exits of a command that met the weather, beside 0: the disk, the lock, findings, a bad copy.
ALLOWED = {
    "backup": {3, 7, 60, 61, 62, 69},
    "doctor": {3, 6},
    "migrate": {3, 7, 54, 60, 69},
    "reconcile": {3, 6, 7, 60, 69},
}
OTHERS = {3, 7, 54, 69, 70, 74}
BIGGEST_LOG = 100 << 20


class Call(NamedTuple):
    """A call that was acknowledged, and when."""

    who: str
    at: float
    facts: list[Fact]


def verdict(folder: Path, counted: dict[str, Any], env: Mapping[str, str]) -> dict[str, Any]:
    """What was counted; ``faults`` is empty where everything held."""
    disk = folder / "disk"
    faults: list[str] = list(counted.pop("failures"))
    acknowledged, attempts, refused = _said(folder, faults)
    chores = _chores(folder, faults)
    faults += _drained(folder, env)
    _missing(disk, acknowledged, faults)
    copies = _copies(chores, acknowledged, faults)
    _doubled(disk, faults)
    _order(folder, faults)
    with Runner(env, EVERYTHING) as runner:
        _health(disk, runner, faults)
        _restored(disk, runner, acknowledged, faults)
    return {
        "acknowledged": len(acknowledged),
        "attempts": attempts,
        "refused": sum(refused.values()),
        **counted,
        "copies": copies,
        "refusals": [f"{number} x {code}" for code, number in refused.most_common()],
        "commands": [f"{number} x {words}" for words, number in sorted(_outcomes(chores).items())],
        "faults": faults,
    }


def _said(folder: Path, faults: list[str]) -> tuple[list[Call], int, Counter[str]]:
    acknowledged: list[Call] = []
    refused: Counter[str] = Counter()
    attempts = 0
    storms = _storms(folder)
    for path in sorted((folder / "ledger").glob("w*.jsonl")):
        for line in lines(path):
            if "op" in line:
                attempts += 1
            elif "error" in line:
                refused[line["error"]] += 1
                if line["error"] == "E_STORE_CORRUPT" and _failing(storms, line["at"]):
                    # SQLite says the same of a device that cannot be read (os_unix.c, unixRead).
                    continue
                if line["error"] not in DISK | QUICKER:
                    faults.append(f"{path.stem} {line['n']}: {line['error']}: {line['text']}")
            elif "facts" in line:
                facts = [Fact(*one) for one in line["facts"]]
                acknowledged.append(Call(path.stem, line["at"], facts))
    crashes = folder / "ledger" / "crashes.txt"
    if crashes.exists():
        faults.append(crashes.read_text()[-3000:])
    return acknowledged, attempts, refused


def _storms(folder: Path) -> list[tuple[float, str]]:
    return [(line["at"], line["weather"]) for line in lines(folder / "ledger" / "weather.jsonl")]


def _failing(storms: list[tuple[float, str]], at: float) -> bool:
    """Whether calls failed at a moment, or did so until a second before."""
    before = [kind for began, kind in storms if began <= at]
    lately = [kind for began, kind in storms if at - 1 <= began <= at]
    return "failing" in (*before[-1:], *lately) or "failing" in before[-2:-1]


def _chores(folder: Path, faults: list[str]) -> list[dict[str, Any]]:
    """The commands that came to their end, with when they began."""
    storms = _storms(folder)
    began: dict[int, float] = {}
    ended = []
    for line in lines(folder / "ledger" / "chores.jsonl"):
        if "chore" in line:
            began[line["pid"]] = line["at"]
            continue
        ended.append({**line, "began": began[line["pid"]]})
        allowed = ALLOWED.get(line["ended"][0], OTHERS) | (
            {53} if any(_failing(storms, at) for at in (began[line["pid"]], line["at"])) else set()
        )
        if line["code"] and line["code"] not in allowed:
            words = " ".join(line["ended"])
            faults.append(f"cleo {words} ended with {line['code']}: {line['error']} {line['text']}")
    return ended


def _outcomes(chores: list[dict[str, Any]]) -> Counter[str]:
    return Counter(f"cleo {' '.join(one['ended'])}: {one['code']}" for one in chores)


def _drained(folder: Path, env: Mapping[str, str]) -> list[str]:
    """Let everybody take what is still waiting, and note it as the processes did."""
    from chaos.ledger import Ledger

    plan = json.loads((folder / "plan.json").read_text())
    faults = []
    for who in plan["agents"]:
        with open_app(plan["one"], agent=who, env=env) as app:
            mail = app.service("conduit")
            ledger = Ledger(folder / "ledger" / f"{who}.jsonl")
            while found := mail.poll(limit=100, consumer=who).messages:
                ids = [one.id for one in found]
                taken = [[one.seq, one.id, one.conversation_id] for one in found]
                mail.read(*ids)
                ledger.note(facts=[], remember={"taken": taken}, at=0.0)
            waiting = mail.inbox(limit=1).messages
            faults += [f"{who} never took {one.id}" for one in waiting]
    return faults


def _path(disk: Path, store: str, project: str) -> Path:
    if store in GLOBAL:
        return disk / "home" / "data" / FILES[store]
    return disk / project / ".cleo" / FILES[store]


def _missing(disk: Path, acknowledged: list[Call], faults: list[str]) -> None:
    opened: dict[Path, Any] = {}
    for call in acknowledged:
        for fact in call.facts:
            path = _path(disk, fact.store, fact.project)
            if path not in opened:
                opened[path] = connect_for_copy(str(path))
            if not _holds(opened[path], fact):
                faults.append(
                    f"{call.who}: {fact.check} {fact.values} was acknowledged and is gone"
                )
    for connection in opened.values():
        connection.close()


def _holds(connection: Any, fact: Fact) -> bool:
    (count,) = connection.execute(CHECKS[fact.check], fact.values).fetchone()
    return int(count) >= 1


def _copies(chores: list[dict[str, Any]], acknowledged: list[Call], faults: list[str]) -> int:
    """Whether every copy that is still there holds what was acknowledged before it was begun."""
    looked = 0
    for one in chores:
        for name in one["sets"]:
            if not os.path.isdir(name):
                continue
            for store, file in FILES.items():
                path = os.path.join(name, file)
                if not os.path.exists(path):
                    continue
                looked += 1
                connection = connect_for_copy(path)
                wanted = [
                    fact
                    for call in acknowledged
                    if 0 < call.at < one["began"]
                    for fact in call.facts
                    if fact.store == store
                ]
                faults += [
                    f"{path} lacks {fact.check} {fact.values}"
                    for fact in wanted
                    if not _holds(connection, fact)
                ]
                connection.close()
    return looked


def _doubled(disk: Path, faults: list[str]) -> None:
    """What was asked for once must not be there twice, however often it was tried."""
    for store, sql in (
        ("tasks", "SELECT title FROM tasks GROUP BY title HAVING count(*) > 1"),
        ("brain", "SELECT body FROM brain_entries GROUP BY body HAVING count(*) > 1"),
        (
            "conduit",
            "SELECT content FROM messages WHERE kind = 'message' AND content LIKE 'chaos %'"
            " GROUP BY content HAVING count(*) > 1",
        ),
        (
            "conduit",
            "SELECT slug || version_number FROM attachment_versions"
            " GROUP BY slug, version_number HAVING count(*) > 1",
        ),
    ):
        connection = connect_for_copy(str(_path(disk, store, "one")))
        faults += [f"{store}: {row[0]} is there twice" for row in connection.execute(sql)]
        connection.close()


def _order(folder: Path, faults: list[str]) -> None:
    """Of each conversation everybody took the messages in their order; fences never repeat."""
    fences: Counter[int] = Counter()
    for path in sorted((folder / "ledger").glob("w*.jsonl")):
        last: dict[str, int] = {}
        seen: set[str] = set()
        for line in lines(path):
            fences.update(n for n in line.get("remember", {}).get("fence", ()))
            for seq, id_, conversation in line.get("remember", {}).get("taken", ()):
                if id_ not in seen and seq < last.get(conversation, 0):
                    faults.append(f"{path.stem} took {seq} after {last[conversation]}")
                seen.add(id_)
                last[conversation] = max(seq, last.get(conversation, 0))
    faults += [f"fence {fence} was given {n} times" for fence, n in fences.items() if n > 1]


def _health(disk: Path, runner: Runner, faults: list[str]) -> None:
    """What is safe to mend is mended; then nothing is left to find."""
    for project in ("one", "two"):
        for words in (
            ("reconcile", "--apply"),
            ("reconcile", "--check"),
            # Where the disk was full, some sets lack something, which doctor would say.
            ("backup", "create", "--all"),
            ("doctor", "--deep"),
            ("backup", "verify", "--all"),
        ):
            _run(disk / project, runner, words, faults)
    for path in disk.rglob("*"):
        if path.name.endswith("-wal") and path.stat().st_size > BIGGEST_LOG:
            faults.append(f"{path} is {path.stat().st_size} bytes")
        if path.name == "restore.json":
            faults.append(f"{path} was left")


def _restored(disk: Path, runner: Runner, acknowledged: list[Call], faults: list[str]) -> None:
    """The newest sets are put back, and hold everything."""
    for words in (("restore", "latest", "--yes"), ("restore", "latest", "--global", "--yes")):
        _run(disk / "one", runner, words, faults)
    _missing(disk, acknowledged, faults)


def _run(project: Path, runner: Runner, words: Sequence[str], faults: list[str]) -> None:
    done = runner.run(job(words, project, limit=600))
    if not done.code:
        return
    answer = json.loads(done.out or "{}")
    error = answer.get("error") or {}
    found = answer.get("data") or error.get("details") or {}
    bad = [
        f"{one['id']}: {one['message']} {one.get('details')}"
        for one in found.get("checks", ())
        if one.get("status") == "error"
    ]
    bad += [
        f"{one['reference']}: {one}"
        for one in (*found.get("references", ()), *found.get("repairs", ()))
        if any(one.get(word) for word in ("missing", "planned", "refused"))
    ]
    about = "; ".join(bad) or str(error.get("message")) or done.err[-600:]
    faults.append(f"cleo {' '.join(words)} in {project.name}: {done.code}: {about}")
