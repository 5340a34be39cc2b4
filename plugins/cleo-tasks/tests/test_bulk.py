"""All tasks at once: the waiting graph, the numbers of a project, what tasks are about."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from cleo_core.app import App
from cleo_core.database import Database
from cleo_core.errors import CleoError
from cleo_core.output import to_json
from cleo_core.testing import Outcome
from cleo_tasks.enums import OPEN_STATUS, TASK_STATUS
from cleo_tasks.store import graph

_graphs = runpy.run_path(str(Path(__file__).with_name("random_graphs.py")))
projects, write = _graphs["projects"], _graphs["write"]

Cli = Callable[..., Outcome]
FEW = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@FEW
@given(draft=projects())
def test_the_waiting_graph_is_the_one_that_the_cycle_check_walks(
    cleo_app: App, cleo_project: Path, draft: dict[str, Any]
) -> None:
    write(cleo_project, draft)
    found = cleo_app.service("tasks").edges()
    with closing(Database(str(cleo_project / ".cleo" / "tasks.db"), "tasks", write=False)) as db:
        steps = db.read(graph.WAITS_FOR, ids=_json_of(draft))
    assert {(edge.task, edge.waits_for) for edge in found} == {
        (step["source"], step["target"]) for step in steps
    }
    assert len(found) == len(list(found)) == len(steps)
    assert found.statuses == {one["id"]: one["status"] for one in draft["tasks"]}
    assert list(found.statuses) == sorted(found.statuses)
    assert {(task, one) for one, held in found.held().items() for task in held} == {
        (edge.task, edge.waits_for) for edge in found
    }


@FEW
@given(draft=projects())
def test_the_longest_way_through_open_tasks_is_the_critical_path(
    cleo_app: App, cleo_project: Path, draft: dict[str, Any]
) -> None:
    write(cleo_project, draft)
    tasks = cleo_app.service("tasks")
    found = tasks.edges()
    lengths: dict[str, int] = {}

    def length(id_: str) -> int:
        if id_ not in lengths:
            below = [one for one in found.waits.get(id_, ()) if found.statuses[one] in OPEN_STATUS]
            lengths[id_] = 1 + max(map(length, below), default=0)
        return lengths[id_]

    longest = max((length(id_) for id_ in found.statuses if _open(found, id_)), default=0)
    assert longest == len(tasks.deps_critical_path().path)
    for blocker in tasks.blockers(limit=100)[0]:
        held, reached = found.held(), {blocker.task.id}
        frontier = [blocker.task.id]
        while frontier:
            frontier = [
                one
                for id_ in frontier
                for one in held.get(id_, ())
                if _open(found, one) and one not in reached and not reached.add(one)  # type: ignore[func-returns-value] # adds in passing
            ]
        assert len(reached) - 1 == blocker.dependants


def test_edges_have_the_statuses_of_both_ends(cleo_app: App) -> None:
    tasks = cleo_app.service("tasks")
    tasks.add("Epic", type="epic")
    tasks.add("Child", parent="T001", depends=[])
    tasks.add("Beside")
    tasks.deps_add("T002", "T003")
    tasks.complete("T003")
    assert to_json(list(tasks.edges())) == [
        {
            "task": "T002",
            "waitsFor": "T003",
            "taskStatus": "pending",
            "waitsForStatus": "done",
        },
        {
            "task": "T001",
            "waitsFor": "T002",
            "taskStatus": "pending",
            "waitsForStatus": "pending",
        },
    ]


def test_a_summary_counts_all_but_the_archived_tasks(cleo_app: App) -> None:
    tasks = cleo_app.service("tasks")
    tasks.add("One", labels=["b", "a"])
    tasks.add("Two", labels=["b"], status="blocked")
    tasks.add("Three", labels=["b", "gone"])
    tasks.add("Four")
    tasks.delete("T003")
    tasks.complete("T004")
    found = tasks.summary()
    assert (found.tasks, found.open) == (3, 2)
    assert found.by_status == {
        **dict.fromkeys(TASK_STATUS, 0),
        "pending": 1,
        "blocked": 1,
        "done": 1,
        "archived": 1,
    }
    assert list(found.labels.items()) == [("a", 1), ("b", 2)]


def test_features_are_what_tasks_are_about(cleo_app: App) -> None:
    tasks = cleo_app.service("tasks")
    tasks.add("One", labels=["b", "a"], description="Something long", files=["src/a.py"])
    tasks.add("Two")
    tasks.add("Three")
    tasks.delete("T002")
    assert [to_json(one) for one in tasks.features()] == [
        {
            "id": "T001",
            "title": "One",
            "status": "pending",
            "labels": ["a", "b"],
            "description": "Something long",
            "files": ["src/a.py"],
        },
        *(
            {
                "id": id_,
                "title": title,
                "status": status,
                "labels": [],
                "description": None,
                "files": [],
            }
            for id_, title, status in (
                ("T002", "Two", "archived"),
                ("T003", "Three", "pending"),
            )
        ),
    ]
    assert [one.id for one in tasks.features(["t3", "T001", "T999", "T003"])] == ["T001", "T003"]
    assert tasks.features([]) == []
    for wrong in ("T001", ["nonsense"], 7, [None]):
        with pytest.raises(CleoError) as refused:
            tasks.features(wrong)
        assert refused.value.exit == 2


def test_an_empty_project_has_empty_answers(cleo_app: App) -> None:
    tasks = cleo_app.service("tasks")
    found = tasks.edges()
    assert (len(found), list(found), found.statuses) == (0, [], {})
    assert (tasks.summary().tasks, tasks.summary().labels) == (0, {})
    assert tasks.features() == []


def _json_of(draft: dict[str, Any]) -> str:
    import json

    return json.dumps([one["id"] for one in draft["tasks"]])


def _open(found: Any, id_: str) -> bool:
    return found.statuses[id_] in OPEN_STATUS
