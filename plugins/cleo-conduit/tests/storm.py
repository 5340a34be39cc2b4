"""Senders, consumers and a delivery worker that are killed all the time, and what must hold then.

Run in a project, alone: ``python storm.py FOLDER MESSAGES [SENDERS] [CONSUMERS]``. Every sender
sends MESSAGES; FOLDER takes what the processes note and another project. Every 50 ms one of them
gets SIGKILL and is started again. It prints what it counted, and ``faults``, which must be empty.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from cleo_conduit.api import TransportSpec
from cleo_conduit.service import delivering
from cleo_conduit.transport import PushResult
from cleo_conduit.transports.local import LocalTransport
from cleo_core import hookimpl, open_app
from cleo_core.api import ServiceSpec
from cleo_core.database import connect_for_copy

CLEO_API = (1, 0)
RECIPIENTS = 4
FAR = "far"
KILL_SECONDS = 0.05
PREFIX = "https://project.test/"


@hookimpl
def cleo_register_services() -> list[ServiceSpec]:
    """A registry that knows where everybody lives."""
    return [ServiceSpec("agents", "storm:Agents")]


@hookimpl
def cleo_conduit_transports() -> list[TransportSpec]:
    """Mail to another project of this machine."""
    return [TransportSpec("storm", 5, "storm:Carrier", ("https",))]


class Record:
    """Values under names."""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)


class Agents:
    """Everybody is here but one."""

    def __init__(self, app: Any) -> None:
        self.other = app.env.get("STORM_OTHER", "")

    def get(self, agent_id: str, *, everywhere: bool = False) -> Record:
        far = agent_id == FAR
        base_url = PREFIX + quote(self.other, safe="") if far else None
        return Record(transport={"type": "http" if far else "local", "baseUrl": base_url})

    def credential(self, agent_id: str) -> Record:
        return Record(key=None, base_url=None, transport_config=None)


class Carrier:
    """Hands over in the other project."""

    def __init__(self, app: Any) -> None:
        self.app: Any = None

    def connect(self, identity: Any) -> None:
        path = unquote(identity.base_url.removeprefix(PREFIX))
        self.app = open_app(path, agent=identity.agent_id)

    def push(self, event: Any) -> PushResult:
        return LocalTransport(self.app, origin="storm").push(event)

    def poll(self, after: int, limit: int) -> list[Any]:
        return []

    def close(self) -> None:
        if self.app is not None:
            self.app.close()


def note(path: Path, line: str) -> None:
    """Append a line at once, so that a kill leaves whole lines."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, f"{line}\n".encode())
    os.close(file)


def lines(path: Path) -> list[list[str]]:
    """The lines of a file, each as words."""
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def sender(folder: Path, name: str, messages: int) -> None:
    """Send what this sender has not noted as sent."""
    ledger = folder / f"sent-{name}"
    first = len(lines(ledger))
    with open_app(agent=name) as app:
        mail = app.service("conduit")
        for number in range(first, messages):
            to = FAR if number % 10 == 9 else f"r{number % RECIPIENTS}"
            sent = mail.send(
                f"{name} {number}", to=[to], idempotency_key=f"{number}", deliver=False
            )
            note(ledger, f"{number} {sent.id} {to}")


def consumer(folder: Path, agent: str, name: str) -> None:
    """Take what comes, note it, and confirm it with the next poll."""
    with open_app(agent=agent) as app:
        mail = app.service("conduit")
        confirm = None
        while True:
            found = mail.poll(consumer=name, confirm=confirm, limit=20, wait=0.2)
            for message in found.messages:
                note(
                    folder / f"taken-{agent}",
                    f"{message.seq} {message.id} {message.conversation_id}",
                )
            confirm = found.next_after or None


def worker(folder: Path) -> None:
    """Carry mail to the other project; a killed worker's leases end after a second."""
    delivering.LEASE_SECONDS = 1.0
    with open_app(agent=FAR) as app:
        for event in app.service("conduit").run():
            note(folder / "worked", event["event"])


def main() -> None:
    """The storm, and what is left of it."""
    warm()
    folder = Path(sys.argv[1]).resolve()
    numbers = [int(word) for word in sys.argv[2:]]
    messages, senders, consumers = (*numbers, *(16, 16)[len(numbers) - 1 :])[:3]
    jobs: dict[str, Callable[[], None]] = {"worker": lambda: worker(folder)}
    for number in range(senders):
        jobs[f"s{number}"] = lambda name=f"s{number}": sender(folder, name, messages)
    for number in range(consumers):
        agent, name = f"r{number % RECIPIENTS}", f"c{number}"
        jobs[name] = lambda agent=agent, name=name: consumer(folder, agent, name)
    running = {start(job): name for name, job in jobs.items()}
    done: set[str] = set()
    chance = random.Random(7)
    kills = restarts = 0
    started = killed = time.monotonic()
    failed: list[str] = []
    while len(done) < senders or not finished():
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid:
            name = running.pop(pid)
            if status == 0 and name.startswith("s"):
                done.add(name)
                continue
            if status != signal.SIGKILL:
                failed.append(f"{name} ended with {status}")
                if len(failed) > 20:
                    break
            restarts += 1
            running[start(jobs[name])] = name
        elif time.monotonic() - killed >= KILL_SECONDS:
            killed = time.monotonic()
            os.kill(chance.choice(list(running)), signal.SIGKILL)
            kills += 1
        else:
            time.sleep(0.005)
    seconds = time.monotonic() - started
    for pid in running:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    found = verdict(folder, senders, messages)
    found["faults"] = [*failed, *found["faults"]]
    print(json.dumps({**found, "kills": kills, "restarts": restarts, "seconds": round(seconds, 1)}))


def warm() -> None:
    """Import here what every process would import first; no database is left open."""
    from cleo_core.testing import once

    once.remember()
    with open_app(agent="s0") as app:
        mail = app.service("conduit")
        mail.poll(limit=1, wait=0.001)
        with app.dry_running():
            mail.send("warm", to=["s1", FAR], deliver=False)
        for _ in mail.run(once=True):
            pass


def start(job: Callable[[], None]) -> int:
    """A process that does one thing; nothing is open here that it could inherit."""
    pid = os.fork()
    if pid:
        return pid
    try:
        job()
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def finished() -> bool:
    """Whether everything was taken."""
    connection = connect_for_copy(".cleo/conduit.db")
    try:
        (waiting,) = connection.execute(
            "SELECT count(*) FROM receipts WHERE state = 'pending'"
        ).fetchone()
        return int(waiting) == 0
    finally:
        connection.close()


def verdict(folder: Path, senders: int, messages: int) -> dict[str, Any]:
    """What was counted, and what is wrong."""
    faults: list[str] = []
    sent = {
        (f"s{number}", int(line[0])): (line[1], line[2])
        for number in range(senders)
        for line in lines(folder / f"sent-s{number}")
    }
    here = connect_for_copy(".cleo/conduit.db")
    there = connect_for_copy(os.path.join(os.environ["STORM_OTHER"], ".cleo", "conduit.db"))

    def rows(sql: str, db: Any = here) -> list[Any]:
        return list(db.execute(sql).fetchall())

    if len(sent) != senders * messages:
        faults.append(f"{len(sent)} of {senders * messages} sends were noted")
    stored = rows("SELECT id, from_agent_id || ' ' || content FROM messages WHERE kind = 'message'")
    texts = Counter(text for _, text in stored)
    if max(texts.values()) > 1 or len(texts) != len(sent):
        faults.append(f"{len(stored)} messages are stored, {len(texts)} different ones")
    if {id_ for id_, _ in sent.values()} != {id_ for id_, _ in stored}:
        faults.append("the stored messages are not those that were sent")
    receipts = dict(
        rows(
            "SELECT m.id || ' ' || r.agent_id, r.state FROM receipts AS r "
            "JOIN messages AS m ON m.seq = r.message_seq"
        )
    )
    if receipts.keys() != {f"{id_} {to}" for id_, to in sent.values()}:
        faults.append("the receipts are not those of the recipients")
    states = Counter(receipts.values())
    if set(states) - {"delivered", "relayed"}:
        faults.append(f"states are {dict(states)}")
    confirmed = Counter(
        row[0]
        for row in rows("SELECT subject_id FROM conduit_audit WHERE action = 'receipt.delivered'")
    )
    if confirmed and max(confirmed.values()) > 1:
        faults.append("a receipt was confirmed twice")
    for number in range(RECIPIENTS):
        agent = f"r{number}"
        taken: dict[str, list[int]] = {}
        for seq, _, conversation in lines(folder / f"taken-{agent}"):
            order = taken.setdefault(conversation, [])
            if int(seq) not in order:
                if order and order[-1] > int(seq):
                    faults.append(f"{agent} took {seq} after {order[-1]}")
                order.append(int(seq))
        wanted = {id_ for id_, to in sent.values() if to == agent}
        got = {line[1] for line in lines(folder / f"taken-{agent}")}
        if got != wanted:
            faults.append(f"{agent} missed {len(wanted - got)} and took {len(got - wanted)} more")
    far = {id_ for id_, to in sent.values() if to == FAR}
    arrived = [row[0] for row in rows("SELECT id FROM messages", there)]
    if sorted(arrived) != sorted(far):
        faults.append(f"{len(arrived)} of {len(far)} arrived in the other project")
    if rows("SELECT 1 FROM dead_letters"):
        faults.append("there are dead letters")
    for db in (here, there):
        faults += [str(row[0]) for row in rows("PRAGMA quick_check", db) if row[0] != "ok"]
        faults += [f"foreign key: {row}" for row in rows("PRAGMA foreign_key_check", db)]
        db.execute("INSERT INTO messages_fts (messages_fts, rank) VALUES ('integrity-check', 1)")
        wrong = rows(
            "SELECT c.id FROM conversations AS c LEFT JOIN messages AS m "
            "ON m.conversation_id = c.id GROUP BY c.id HAVING c.message_count <> count(m.seq) "
            "OR c.last_seq IS NOT max(m.seq) OR c.last_message_at IS NOT max(m.created_at)",
            db,
        )
        faults += [f"counters of {row[0]}" for row in wrong]
        db.close()
    return {"sent": len(sent), "states": dict(states), "far": len(arrived), "faults": faults}


if __name__ == "__main__":
    main()
