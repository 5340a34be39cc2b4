"""Many processes that claim at the same moment."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import App
from cleo_core.testing.together import Together

Open = Callable[..., App]
Cli = Callable[..., Any]

#: Claims until nothing is ready, one fresh App for each, and says each id once it is committed;
#: those that are not killed begin when each of the others has something to lose.
WORKER = """
import os, sys, time
from cleo_core.app import open_app
from cleo_core.errors import CleoError
agent, forever = sys.argv[1], sys.argv[2] == "forever"
while not forever and not os.path.exists("begin"):
    time.sleep(0.002)
while True:
    with open_app(agent=agent) as app:
        try:
            print(app.service("tasks").claim(next=True).task.id, flush=True)
        except CleoError as error:
            if error.code == "E_NOTHING_READY" and not forever:
                sys.exit(error.exit)
            if error.code not in ("E_NOTHING_READY", "E_WRITE_CONTENTION"):
                raise
            time.sleep(0.01)
"""


def tasks(app: App) -> Any:
    return app.service("tasks")


@pytest.mark.guarantee(
    "tasks-06",
    "However many agents ask for the next task at the same moment, each task goes to exactly one "
    "of them, and an agent that was killed gets its task back.",
)
def test_many_processes_drain_the_ready_tasks_and_each_is_taken_once(
    cleo_open: Open, cleo_processes: Any
) -> None:
    app = cleo_open()
    everything = {tasks(app).add(f"task {number}").task.id for number in range(200)}
    killed, steady = [f"killed-{n}" for n in range(4)], [f"steady-{n}" for n in range(12)]
    argv = [sys.executable, "-c", WORKER]
    modes = [*((agent, "forever") for agent in killed), *((agent, "once") for agent in steady)]
    running = Together([[*argv, *mode] for mode in modes], os.environ, ".")
    patience = time.monotonic() + 60
    for place in range(len(killed)):
        while not running.said(place):
            assert time.monotonic() < patience
            time.sleep(0.002)
    Path("begin").touch()
    for place in range(len(killed)):
        time.sleep(0.02)
        running.kill(place)

    acknowledged: dict[str, list[str]] = {}
    for (agent, mode), (code, out, err) in zip(modes, running.results(120), strict=True):
        assert code == (-9 if mode == "forever" else 100), err
        acknowledged[agent] = out.split()

    told = [id_ for ids in acknowledged.values() for id_ in ids]
    assert len(told) == len(set(told)), "a task was given out twice"
    held: dict[str, set[str]] = {}
    for row in app.store("tasks").read("SELECT id, assignee, version FROM tasks"):
        held.setdefault(row["assignee"], set()).add(row["id"])
        assert row["version"] == 2
    assert set().union(*held.values()) == everything
    for agent in steady:
        assert held.get(agent, set()) == set(acknowledged[agent])
    for agent in killed:
        # A kill between commit and output loses the words, never the claim.
        assert set(acknowledged[agent]) <= held[agent]
        assert len(held[agent]) <= len(acknowledged[agent]) + 1
    resumed = cleo_processes(
        [
            *(
                [sys.executable, "-m", "cleo_core", "claim", "--next", "--resume", "--agent", one]
                for one in killed
            ),
            [sys.executable, "-m", "cleo_core", "claim", "--next", "--resume", "--agent", "new"],
        ]
    )
    for agent, (code, out, _) in zip(killed, resumed, strict=False):
        answer = json.loads(out)
        assert (code, answer["data"]["changed"]) == (0, False)
        assert answer["data"]["task"]["id"] in held[agent]
    assert resumed[-1][0] == 100


@pytest.mark.guarantee(
    "tasks-06", "Of two agents that claim the same task at once, one gets it and one is refused."
)
def test_two_processes_on_one_task_get_one_yes_and_one_refusal(
    cleo_open: Open, cleo_processes: Any
) -> None:
    app = cleo_open()
    for number in range(3):
        id_ = tasks(app).add(f"task {number}").task.id
        results = cleo_processes(
            [
                [sys.executable, "-m", "cleo_core", "claim", id_, "--agent", agent]
                for agent in ("ada", "bob")
            ]
        )
        assert sorted(code for code, _, _ in results) == [0, 35], results
        winner = next(json.loads(out) for code, out, _ in results if code == 0)
        loser = next(json.loads(out) for code, out, _ in results if code == 35)
        assert winner["data"]["task"]["assignee"] == loser["error"]["details"]["holder"]


def test_real_processes_share_out_what_there_is(cleo_open: Open, cleo_processes: Any) -> None:
    app = cleo_open()
    for number in range(4):
        tasks(app).add(f"task {number}")
    results = cleo_processes(
        [
            [sys.executable, "-m", "cleo_core", "claim", "--next", "--start", "--agent", f"a{n}"]
            for n in range(6)
        ]
    )
    assert sorted(code for code, _, _ in results) == [0, 0, 0, 0, 100, 100]
    taken = {json.loads(out)["data"]["task"]["id"] for code, out, _ in results if code == 0}
    assert taken == {"T001", "T002", "T003", "T004"}
