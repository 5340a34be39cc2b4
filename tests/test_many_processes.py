"""Sixteen processes on one file, some of them killed: nothing acknowledged is lost."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from cleo_core.database import Database
from cleo_core.testing.together import Together

WORKERS = 16
ADDS = 15
CLAIMS = 15

#: Adds and claims in turn, each by an App of its own; a line is written after the commit and not
#: before, by one system call, so that what stands in the file was acknowledged.
WORKER = """
import json, os, sys
from cleo_core import open_app
from cleo_core.errors import CleoError
agent, path, adds, claims, seed = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
for number in range(max(adds, claims)):
    for verb, count in (("add", adds), ("claim", claims)):
        if number >= count:
            continue
        with open_app(agent=agent) as app:
            tasks = app.service("tasks")
            if verb == "add":
                id_ = tasks.add(f"{agent} {seed} {number}", allow_duplicate=True).task.id
            else:
                try:
                    id_ = tasks.claim(next=True).task.id
                except CleoError as error:
                    if error.exit != 100:
                        raise
                    continue
        os.write(log, (json.dumps([verb, agent, id_]) + "\\n").encode())
"""


@pytest.mark.slow
@pytest.mark.guarantee(
    "tasks-06", "Sixteen processes that add and claim at once, some killed, never share a task."
)
@pytest.mark.guarantee(
    "operations-07", "Every acknowledged write of many processes is there, and none fails as busy."
)
def test_sixteen_processes_with_kills_lose_nothing(cleo_project: Path) -> None:
    log = cleo_project / "acknowledged.jsonl"
    chance = random.Random(16)

    def worker(number: int, seed: int, adds: int, claims: int) -> list[str]:
        words = (f"agent{number}", str(log), str(adds), str(claims), str(seed))
        return [sys.executable, "-c", WORKER, *words]

    env = dict(os.environ)
    first = Together([worker(number, 0, ADDS, CLAIMS) for number in range(WORKERS)], env, ".")
    victims = chance.sample(range(WORKERS), 6)
    for victim in victims:
        time.sleep(chance.uniform(0.1, 0.4))
        first.kill(victim)
    later = Together([worker(victim, 1, ADDS // 2, CLAIMS // 2) for victim in victims], env, ".")
    ended = [(code, err) for some in (first, later) for code, _, err in some.results(timeout=300)]
    failures = [err[-500:] for code, err in ended if code not in (0, -signal.SIGKILL)]
    assert not failures
    assert -signal.SIGKILL in [code for code, _ in ended]

    acknowledged = [json.loads(line) for line in log.read_text().splitlines()]
    added = [id_ for verb, _, id_ in acknowledged if verb == "add"]
    claimed = {(agent, id_) for verb, agent, id_ in acknowledged if verb == "claim"}
    assert len(added) >= WORKERS * ADDS // 2
    assert len(claimed) >= WORKERS * CLAIMS // 4
    assert len(added) == len(set(added)), "an id was given twice"
    assert not [id_ for id_, n in Counter(id_ for _, id_ in claimed).items() if n > 1]

    database = Database(str(cleo_project / ".cleo" / "tasks.db"), "tasks", write=False)
    try:
        rows = database.read("SELECT seq, id, assignee, version FROM tasks ORDER BY seq")
        ids = {row["id"] for row in rows}
        assert set(added) <= ids, "an acknowledged task is not there"
        assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
        holders = {(row["assignee"], row["id"]) for row in rows if row["assignee"]}
        assert claimed <= holders, "an acknowledged claim is not there"
        audit = Counter(row["action"] for row in database.read("SELECT action FROM audit_log"))
        assert audit == {"task.add": len(rows), "task.claim": len(holders)}
        assert all(row["version"] == (2 if row["assignee"] else 1) for row in rows)
        assert database.scalar("PRAGMA integrity_check") == "ok"
        assert database.read("PRAGMA foreign_key_check") == []
    finally:
        database.close()
