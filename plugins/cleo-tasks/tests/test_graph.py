"""Dependencies, and what follows from who waits for whom."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Clock, Outcome
from cleo_tasks.service.network import Network
from cleo_tasks.store import graph as store

_graphs = runpy.run_path(str(Path(__file__).with_name("random_graphs.py")))
projects, write, forced, Model = (
    _graphs[name] for name in ("projects", "write", "forced", "Model")
)
SHARED = Path(__file__).resolve().parents[4] / "shared"
BEADS = SHARED / "data" / "beads" / "beads_rust.issues.jsonl"

#: One project serves all examples; each example replaces its rows.
SHARED = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def service(cleo_app: App, cleo_clock: Clock) -> Any:
    """The tasks service, under a clock that stands still."""
    return cleo_app.service("tasks")


@SHARED
@given(draft=projects(), data=st.data())
def test_everything_derived_equals_its_plain_definition(
    service: Any, cleo_project: Path, draft: dict[str, Any], data: st.DataObject
) -> None:
    write(cleo_project, draft)
    within = data.draw(st.sampled_from([None, *(one["id"] for one in draft["tasks"])]))
    agree(service, Model(cleo_project), within)


@SHARED
@given(draft=projects(most=8), data=st.data())
def test_a_corrupted_file_still_gets_answers_and_its_loops_are_named(
    service: Any, cleo_project: Path, draft: dict[str, Any], data: st.DataObject
) -> None:
    ids = [one["id"] for one in draft["tasks"]]
    pairs = st.tuples(st.sampled_from(ids), st.sampled_from(ids)) if ids else st.nothing()
    extra = data.draw(st.lists(pairs, max_size=6)) if ids else []
    own_parents = data.draw(st.lists(st.sampled_from(ids), max_size=1)) if ids else []
    write(cleo_project, draft, extra)
    with forced(cleo_project) as tx:
        for id_ in own_parents:
            tx.execute("UPDATE tasks SET parent_id = id WHERE id = :id", id=id_)
    model = Model(cleo_project)
    knots = knots_of(set(ids), model.waits)

    cycles = service.deps_cycles().cycles
    assert {loop.path[0] for loop in cycles} == {min(knot, key=number) for knot in knots}
    assert sorted(loop.tasks for loop in cycles) == sorted(map(len, knots))
    for loop in cycles:
        assert loop.path[0] == loop.path[-1]
        assert set(pairwise(loop.path)) <= model.waits

    looped = bool(knots_of({id_ for id_ in ids if model.is_open(id_)}, model.waits))
    for verb in (service.deps_waves, service.deps_critical_path):
        if looped:
            with pytest.raises(CleoError) as refused:
                verb()
            assert refused.value.code == "E_CYCLE"
            path = refused.value.details["path"]
            assert set(pairwise(path)) <= model.waits
        else:
            verb()
    overview = service.deps_overview()
    assert (overview.waves is None) == looped
    assert bool(overview.cycles) == looped
    impacts_agree(service, model)
    blockers_agree(service, model)
    shown = sum(count(node) for node in service.tree())
    assert shown == sum(row["status"] != "archived" for row in model.tasks.values())
    assert [one.task.id for one in service.next(50)] == [id_ for id_, _ in model.ready()]


@given(
    size=st.integers(1, 9),
    edges=st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=20),
)
def test_the_network_agrees_with_plain_definitions_on_any_graph(
    size: int, edges: list[tuple[int, int]]
) -> None:
    inside = {(one, two) for one, two in edges if one < size and two < size}
    network = Network(size, sorted(inside))
    closed = closure(set(range(size)), inside)
    assert network.reach() == [
        sum(node in closed[other] and other != node for other in range(size))
        for node in range(size)
    ]
    levels, left = network.levels()
    assert left == size - sum(map(len, levels))
    behind = {
        node for node in range(size) if any(one in closed[one] for one in {node} | closed[node])
    }
    assert {node for level in levels for node in level} == set(range(size)) - behind
    knots = knots_of(set(range(size)), inside)
    assert [(path[0], tasks) for path, tasks in network.loops()] == sorted(
        (min(knot), len(knot)) for knot in knots
    )


def test_reach_is_counted_right_over_many_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cleo_tasks.service.network.BLOCK", 3)
    chain = Network(20, [(node + 1, node) for node in range(19)])
    assert chain.reach() == list(range(19, -1, -1))


def test_deep_graphs_need_no_deep_stack() -> None:
    size = 30_000
    chain = Network(size, [(node + 1, node) for node in range(size - 1)])
    assert len(chain.levels()[0]) == size
    assert chain.longest() == list(range(size))
    assert chain.loops() == []
    ring = Network(size, [(node, (node + 1) % size) for node in range(size)])
    assert [(path[0], len(path), tasks) for path, tasks in ring.loops()] == [(0, size + 1, size)]


def test_dependencies_are_added_once_and_removed_once(
    cleo_cli: Callable[..., Outcome], cleo_project: Path
) -> None:
    for title in ("one", "two", "three"):
        cleo_cli("add", title)
    added = cleo_cli("deps", "add", "3", "T001", "t2").data
    assert (added["added"], added["task"]["dependsOn"]) == (["T001", "T002"], ["T001", "T002"])
    assert added["task"]["version"] == 2
    assert cleo_cli("deps", "add", "T003", "T002").error["code"] == "E_NO_CHANGE"
    shown = cleo_cli("deps", "show", "T001").data
    assert shown["dependsOn"] == []
    assert [line["id"] for line in shown["dependants"]] == ["T003"]
    removed = cleo_cli("deps", "remove", "T003", "T001").data
    assert (removed["removed"], removed["task"]["dependsOn"]) == (["T001"], ["T002"])
    assert cleo_cli("deps", "remove", "T003", "T001").code == 102
    assert cleo_cli("show", "T003").data["version"] == 3


def test_a_dependency_change_is_one_audit_row_of_the_task_that_waits(cleo_app: App) -> None:
    service = cleo_app.service("tasks")
    for title in ("one", "two", "three"):
        service.add(title)
    service.deps_add("T003", ["T001", "T002"])
    rows = cleo_app.store("tasks").read("SELECT * FROM audit_log WHERE action = 'task.deps_add'")
    assert [row["entity_id"] for row in rows] == ["T003"]
    assert json.loads(rows[0]["before_json"]) == {"depends_on": []}
    assert json.loads(rows[0]["after_json"]) == {"depends_on": ["T001", "T002"]}


def test_one_id_may_be_given_as_text(cleo_app: App) -> None:
    service = cleo_app.service("tasks")
    service.add("one")
    service.add("two")
    assert service.deps_add("T002", "T001").added == ["T001"]
    assert service.deps_remove("T002", "T001").removed == ["T001"]


@pytest.mark.guarantee(
    "tasks-09", "a dependency that would close a loop is refused and the loop is shown"
)
@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        (["deps", "add", "T002", "T002"], ["T002", "T002"]),
        (["deps", "add", "T002", "T003"], ["T002", "T003", "T002"]),
        (["deps", "add", "T002", "T004"], ["T002", "T004", "T003", "T002"]),
        # a child and its ancestors: T005 is the parent of T006
        (["deps", "add", "T006", "T005"], ["T006", "T005", "T006"]),
        (["deps", "add", "T006", "T007"], ["T006", "T007", "T005", "T006"]),
        (["update", "T002", "--add-depends", "T004"], ["T002", "T004", "T003", "T002"]),
        (["update", "T006", "--add-depends", "T007"], ["T006", "T007", "T005", "T006"]),
        (["reparent", "T004", "--to", "T005"], None),
        (["reparent", "T007", "--to", "T005"], ["T005", "T007", "T005"]),
        (["reparent", "T005", "--to", "T006"], ["T006", "T005", "T006"]),
        (["reparent", "T005", "--to", "T005"], ["T005", "T005"]),
        (
            ["add", "new", "--parent", "T005", "--depends", "T007"],
            ["T005", "(new)", "T007", "T005"],
        ),
        (["add", "new", "--parent", "T005", "--depends", "T005"], ["T005", "(new)", "T005"]),
    ],
)
def test_loops_are_refused_with_their_path(
    cleo_cli: Callable[..., Outcome],
    cleo_project: Path,
    arguments: list[str],
    path: list[str] | None,
) -> None:
    cleo_cli("add", "one")
    cleo_cli("add", "two")
    cleo_cli("add", "three", "--depends", "T002")
    cleo_cli("add", "four", "--depends", "T003")
    cleo_cli("add", "an epic", "--type", "epic")
    cleo_cli("add", "its child", "--parent", "T005")
    cleo_cli("add", "waits for the epic", "--depends", "T005")
    before = snapshot(cleo_project)
    outcome = cleo_cli(*arguments, "--json")
    if path is None:
        assert outcome.code == 0
        return
    assert (outcome.code, outcome.error["code"]) == (14, "E_CYCLE")
    assert outcome.error["details"]["path"] == path
    assert outcome.error["fix"].startswith("cleo ")
    assert snapshot(cleo_project) == before


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        (["deps", "show", "T099"], 4),
        (["deps", "show", "nonsense"], 2),
        (["deps", "show", "T" + "9" * 40], 2),
        (["deps", "add", "T001"], 2),
        (["deps", "add", "T099", "T001"], 4),
        (["deps", "add", "T001", "T099"], 4),
        (["deps", "add", "T001", "'; DROP TABLE tasks; --"], 2),
        (["deps", "add", "T001", "T002", "--if-version", "9"], 21),
        (["deps", "remove", "T001", "T099"], 4),
        (["deps", "remove", "T001", "T002"], 102),
        (["deps", "waves", "--within", "T099"], 4),
        (["deps", "critical-path", "--within", "T099"], 4),
        (["deps", "impact", "T099"], 4),
        (["deps", "impact", "T001", "--within", "T099"], 4),
        (["deps", "cycles", "--within", "T099"], 4),
        (["deps", "overview", "--within", "T099"], 4),
        (["deps", "tangle"], 2),
        (["blockers", "--limit", "0"], 2),
        (["blockers", "--limit", "ten"], 2),
    ],
)
def test_bad_input_is_one_clear_error_and_changes_nothing(
    cleo_cli: Callable[..., Outcome], cleo_project: Path, arguments: list[str], exit_code: int
) -> None:
    cleo_cli("add", "one")
    cleo_cli("add", "two")
    before = snapshot(cleo_project)
    outcome = cleo_cli(*arguments, "--json")
    assert outcome.code == exit_code
    assert outcome.error["message"]
    assert outcome.error["fix"]
    assert "Traceback" not in outcome.err
    assert snapshot(cleo_project) == before


@pytest.mark.parametrize("given_ids", [[], "", [""], ["T001", "nonsense"], [7]])
def test_python_callers_get_a_usage_error_for_ids_that_are_none(
    cleo_app: App, given_ids: Any
) -> None:
    service = cleo_app.service("tasks")
    service.add("one")
    with pytest.raises(CleoError) as refused:
        service.deps_add("T001", given_ids)
    assert refused.value.exit == 2


def test_waves_name_tasks_that_also_wait_for_others_elsewhere(
    cleo_cli: Callable[..., Outcome], cleo_project: Path
) -> None:
    cleo_cli("add", "elsewhere")
    cleo_cli("add", "an epic", "--type", "epic")
    cleo_cli("add", "a", "--parent", "T002", "--depends", "T001")
    cleo_cli("add", "b", "--parent", "T002", "--depends", "T003")
    found = cleo_cli("deps", "waves", "--within", "T002").data
    assert [[line["id"] for line in wave] for wave in found["waves"]] == [
        ["T003"],
        ["T004"],
        ["T002"],
    ]
    assert found["outside"] == ["T003"]
    cleo_cli("complete", "T001")
    assert cleo_cli("deps", "waves", "--within", "T002").data["outside"] == []


def test_of_equally_long_chains_the_lower_numbers_win(
    cleo_cli: Callable[..., Outcome], cleo_project: Path
) -> None:
    for title, depends in (
        ("1", ()),
        ("2", ()),
        ("3", ("T002",)),
        ("4", ("T001",)),
        ("5", ("T001",)),
    ):
        cleo_cli("add", title, *(word for id_ in depends for word in ("--depends", id_)))
    found = cleo_cli("deps", "critical-path").data
    assert [line["id"] for line in found["path"]] == ["T001", "T004"]


def test_people_see_every_verb(cleo_cli: Callable[..., Outcome], cleo_project: Path) -> None:
    cleo_cli("add", "one")
    cleo_cli("add", "two", "--depends", "T001")
    expected = {
        ("deps", "show", "T002"): "Depends on",
        ("deps", "waves"): "Wave 2",
        ("deps", "critical-path"): "two",
        ("deps", "impact", "T001"): "T002",
        ("deps", "cycles"): "No tasks wait for each other.",
        ("deps", "overview"): "2 open tasks",
        ("blockers",): "root",
    }
    for arguments, words in expected.items():
        outcome = cleo_cli(*arguments, "--human")
        assert outcome.code == 0, repr(outcome)
        assert words in outcome.out
    assert cleo_cli("deps", "waves", "--quiet").out.split() == ["T001", "T002"]


def test_a_dry_run_of_deps_changes_no_byte(
    cleo_cli: Callable[..., Outcome], cleo_project: Path, frozen_bytes: Any
) -> None:
    cleo_cli("add", "one")
    cleo_cli("add", "two")
    with frozen_bytes(cleo_project):
        assert cleo_cli("deps", "add", "T002", "T001", "--dry-run").data["added"] == ["T001"]


def test_no_statement_of_the_graph_scans_tasks_or_dependencies(cleo_app: App) -> None:
    db = cleo_app.store("tasks")
    own = [value for name, value in vars(store).items() if name.isupper() and name[0] != "_"]
    for statement in (*own, *store.statements()):
        plan = db.read(f"EXPLAIN QUERY PLAN {statement}", **nulls(statement))
        scanned = [row["detail"] for row in plan if row["detail"].startswith("SCAN ")]
        allowed = ("json_each", "down", "(subquery")
        assert not [step for step in scanned if not step[5:].startswith(allowed)], statement


@pytest.mark.skipif(not BEADS.exists(), reason="the beads export is not here")
def test_a_real_project_of_five_hundred_tasks_agrees_with_plain_definitions(
    service: Any, cleo_project: Path
) -> None:
    build_from_beads(service)
    model = Model(cleo_project)
    assert len(model.tasks) > 400
    assert len(model.edges) > 200
    agree(service, model, None)
    epic = next(row["id"] for row in model.tasks.values() if row["type"] == "epic")
    agree(service, model, epic)
    expected = model.ready()
    assert [(one.task.id, one.score) for one in service.next(30)] == expected[:30]
    _, page = service.ready(limit=5)
    assert page.total == len(expected)
    assert service.deps_cycles().cycles == []


def agree(service: Any, model: Any, within: str | None) -> None:
    """Every derived answer is what the plain definition gives."""
    inside = None if within is None else model.subtree(within)
    waves = service.deps_waves(within=within)
    assert [[line.id for line in wave] for wave in waves.waves] == model.waves(inside)
    path = service.deps_critical_path(within=within).path
    assert [line.id for line in path] == model.critical_path(inside)
    assert service.deps_cycles(within=within).cycles == []
    impacts_agree(service, model, within)
    blockers_agree(service, model)

    overview = service.deps_overview(within=within)
    waits = model.open_waits(inside)
    ready = {id_ for id_, _ in model.ready("*", below=inside)}
    assert overview.open == len(waits)
    assert overview.ready == len(ready)
    assert overview.waves == len(model.waves(inside))
    assert overview.cycles == 0
    waiting = {one for one, two in model.edges if one in waits and model.is_open(two)}
    assert overview.waiting == len(waiting)
    assert overview.dependencies == sum(one in waits and two in waits for one, two in model.edges)
    assert overview.blockers == len({two for held in waits.values() for two in held})
    if inside is not None:
        outside = {
            one
            for one, two in model.edges
            if one in waits and model.is_open(two) and two not in inside
        }
        assert waves.outside == sorted(outside, key=number)


def impacts_agree(service: Any, model: Any, within: str | None = None) -> None:
    shown = None if within is None else model.subtree(within)
    for id_ in list(model.tasks)[:25]:
        expected = [
            (other, distance)
            for other, distance in model.impact(id_).items()
            if shown is None or other in shown
        ]
        expected.sort(key=lambda pair: (pair[1], number(pair[0])))
        found = service.deps_impact(id_, within=within).dependants
        assert [(one.task.id, one.distance) for one in found] == expected


def blockers_agree(service: Any, model: Any) -> None:
    waits = model.open_waits()
    closed = closure(set(waits), {(one, two) for one, held in waits.items() for two in held})
    counts = {id_: sum(id_ in closed[one] and one != id_ for one in waits) for id_ in waits}
    ranked = sorted(
        (id_ for id_ in counts if counts[id_]), key=lambda id_: (-counts[id_], number(id_))
    )
    found, page = service.blockers(limit=5, offset=1)
    assert page.total == len(ranked)
    assert [(one.task.id, one.dependants, one.root) for one in found] == [
        (id_, counts[id_], not waits[id_]) for id_ in ranked[1:6]
    ]


def closure(nodes: set[Any], edges: set[tuple[Any, Any]]) -> dict[Any, set[Any]]:
    """node -> everything that a way leads to."""
    onward = {node: {two for one, two in edges if one == node and two in nodes} for node in nodes}
    found = {node: set(onward[node]) for node in nodes}
    for node, reached in found.items():
        stack = list(reached)
        while stack:
            for further in onward[stack.pop()] - reached:
                reached.add(further)
                stack.append(further)
        found[node] = reached
    return found


def knots_of(nodes: set[Any], edges: set[tuple[Any, Any]]) -> list[frozenset[Any]]:
    """Sets of nodes that all lead to each other."""
    reach = closure(nodes, edges)
    return list(
        {
            frozenset(other for other in reach[node] if node in reach[other])
            for node in nodes
            if node in reach[node]
        }
    )


def number(id_: str) -> int:
    return int(id_[1:])


def count(node: Any) -> int:
    return 1 + sum(count(child) for child in node.children)


def nulls(statement: str) -> dict[str, None]:
    import re

    return dict.fromkeys(re.findall(r":([a-z_]+)", statement))


def snapshot(project: Path) -> list[Any]:
    """Every row that a structural verb could change."""
    from cleo_core.database import Database

    database = Database(str(project / ".cleo" / "tasks.db"), "tasks", write=False)
    try:
        return [
            database.read(f"SELECT * FROM {table}")
            for table in ("tasks", "task_dependencies", "task_relations", "audit_log")
        ]
    finally:
        database.close()


def build_from_beads(service: Any) -> None:
    """The export as tasks, through the service: roots first, then edges, then what is closed."""
    issues = {
        issue["id"]: issue
        for issue in map(json.loads, BEADS.read_text(encoding="utf-8").splitlines())
        if issue.get("status") != "tombstone"
    }
    parent_of = {
        edge["issue_id"]: edge["depends_on_id"]
        for issue in issues.values()
        for edge in issue.get("dependencies", ())
        if edge["type"] in ("parent-child", "parent_child") and edge["depends_on_id"] in issues
    }
    parents = set(parent_of.values())
    made: dict[str, str] = {}

    def make(id_: str) -> str:
        if id_ not in made:
            parent = parent_of.get(id_)
            above = make(parent) if parent is not None else None
            title = issues[id_]["title"][:200].strip()
            options = {"type": "epic" if id_ in parents else "task", "allow_duplicate": True}
            added = attempt((11, 13), service.add, title, parent=above, **options)
            made[id_] = (added or service.add(title, **options)).task.id
        return made[id_]

    for id_ in issues:
        make(id_)
    for issue in issues.values():
        for edge in issue.get("dependencies", ()):
            if edge["type"] == "blocks" and edge["depends_on_id"] in made:
                attempt((14,), service.deps_add, made[issue["id"]], made[edge["depends_on_id"]])
    # Half of what is closed there stays open here, so that there is something to derive.
    left = [made[id_] for id_, issue in issues.items() if issue["status"] == "closed"][::2]
    for _ in range(3):
        left = [id_ for id_ in left if not attempt((5, 16, 17), service.complete, id_)]


def attempt(expected: tuple[int, ...], call: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """The result of a call, or None where it was refused with one of these exits."""
    try:
        return call(*args, **options)
    except CleoError as error:
        if error.exit not in expected:
            raise
        return None
