"""Trees, dependants, critical paths and loops over several projects, against plain references."""

from __future__ import annotations

import itertools
import os
import runpy
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_core.app import App, open_app
from cleo_core.output import to_json
from cleo_core.testing import Outcome
from cleo_nexus.service import elsewhere, graph
from cleo_nexus.service.exploring import chain_of, dependants
from cleo_nexus.service.graph import Graph
from cleo_nexus.service.longest import knots, longest, loop_among

_realms = runpy.run_path(str(Path(__file__).with_name("realms.py")))
Realms, refused, execute, behind = (
    _realms[name] for name in ("Realms", "refused", "execute", "behind")
)
Cli = Callable[..., Outcome]
Node = tuple[str, str]
NAMES = ("api", "lib", "web")


@pytest.fixture
def realms(cleo_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Projects web, api and lib with three tasks each, without the plugins that matter nothing."""
    monkeypatch.setenv("CLEO_PLUGINS", "tasks,nexus")
    made = Realms(cleo_home / "work")
    made.make("web", "api", "lib", titles=5)
    yield made
    made.close()


def refs(entries: Sequence[Any]) -> list[str]:
    return [one.ref for one in entries]


def test_a_tree_names_each_task_once_and_says_what_became_of_it(realms: Any) -> None:
    realms.link("web:T001 > api:T001", "api:T002 > lib:T001", "web:T002 > lib:T001")
    realms.tasks("api").deps_add("T001", ["T002"])
    realms.tasks("web").deps_add("T001", ["T002"])
    found = to_json(realms.nexus("web").deps_show("T1"))
    rows = [(one["ref"], one["cross"], one["depth"], one["status"]) for one in found["entries"]]
    assert rows == [
        ("api:T001", True, 1, "pending"),
        ("api:T002", False, 2, "blocked"),
        ("web:T002", False, 1, "blocked"),
        ("lib:T001", True, 2, "pending"),
    ]
    assert [one["title"] for one in found["entries"]] == ["api 1", "api 2", "web 2", "lib 1"]
    assert found["root"]["ref"] == "web:T001"
    near = realms.nexus("web").deps_show("T001", depth=1)
    assert refs(near.entries) == ["api:T001", "web:T002"]
    back = realms.nexus("lib").deps_show("T001", reverse=True)
    assert refs(back.entries) == ["api:T002", "api:T001", "web:T002", "web:T001"]
    assert [one.cross for one in back.entries] == [True, False, True, False]
    assert refused(realms.nexus("web").deps_show, "T001", depth=0).exit == 2


def test_a_tree_says_what_is_gone_and_what_cannot_be_read(realms: Any) -> None:
    realms.link("web:T001 > api:T001", "web:T001 > lib:T001", "web:T001 > lib:T002")
    realms.make("far")
    realms.link("web:T001 > far:T001")
    realms.close("lib")
    execute(realms.file("lib"), "DELETE FROM tasks WHERE id = 'T002'")
    realms.close("api")
    behind(realms.file("api"))
    execute(realms.registry, "DELETE FROM project_registry WHERE slug = 'far'")
    found = realms.nexus("web").deps_show("T001")
    assert sorted((one.ref[:3], one.status, one.title) for one in found.entries) == [
        ("@" + found.entries[0].project_id[:2], "project_not_registered", None),
        ("api", "unknown", None),
        ("lib", "not_found", None),
        ("lib", "pending", "lib 1"),
    ]
    assert to_json(found.skipped) == [{"project": "api", "reason": "behind"}]
    assert "W_NEXUS_INCOMPLETE" in {one["code"] for one in realms.app("web").warnings}


def test_what_is_not_looked_at_in_time_is_named(realms: Any, cleo_cli: Cli) -> None:
    realms.link("web:T001 > api:T001", "lib:T001 > web:T001")
    nexus = realms.nexus("web")
    assert [nexus.deps_show("T001").complete, nexus.critical_path().complete] == [True, True]
    clock = itertools.count(0, 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(elsewhere.time, "monotonic", lambda: float(next(clock)))
        for call in (
            lambda: nexus.deps_show("T001", timeout=1),
            lambda: nexus.blocking("T001", timeout=1),
            lambda: nexus.critical_path(timeout=1),
        ):
            found = call()
            assert (found.complete, {one.reason for one in found.skipped}) == (False, {"timeout"})
    realms.close()
    for words in (("deps", "show", "web:T001"), ("blocking", "web:T001"), ("critical-path",)):
        assert cleo_cli("nexus", *words, "--timeout", "5").data["complete"] is True
        assert cleo_cli("nexus", *words, "--timeout", "0").error["exit"] == 2


def test_a_project_that_keeps_no_tasks_leaves_no_gap(realms: Any) -> None:
    realms.close()
    realms.file("lib").unlink()
    found = realms.nexus("web").critical_path()
    assert (found.complete, found.entries[0].ref) == (True, "api:T001")


def test_closed_tasks_wait_for_nothing(realms: Any) -> None:
    realms.link("web:T001 > api:T001", "lib:T001 > web:T001", "lib:T002 > api:T001")
    realms.nexus("web").deps_add("T002", "lib:T002")
    found = realms.nexus("api").blocking("T001")
    assert refs(found.entries) == ["lib:T002", "web:T001", "web:T002", "lib:T001"]
    assert (found.impact_score, [one.depth for one in found.entries]) == (4, [1, 1, 2, 2])
    realms.tasks("web").cancel("T001")
    assert refs(realms.nexus("api").blocking("T001").entries) == ["lib:T002", "web:T002"]


@pytest.mark.guarantee(
    "nexus-12", "The critical path over three projects lists what is to be done, first to last."
)
def test_the_critical_path_leads_through_projects(realms: Any) -> None:
    nexus = realms.nexus("web")
    assert refs(nexus.critical_path().entries) == ["api:T001"]
    realms.link("web:T003 > api:T002", "api:T002 > lib:T004")
    found = nexus.critical_path()
    assert refs(found.entries) == ["lib:T004", "api:T002", "web:T003"]
    assert found.blocked_by.ref == "lib:T004"
    assert (found.root, [one.cross for one in found.entries]) == (None, [False, True, True])
    realms.tasks("lib").start("T004")
    assert nexus.critical_path().blocked_by.ref == "api:T002"
    assert refs(nexus.critical_path("api:T002").entries) == ["lib:T004", "api:T002"]
    realms.tasks("lib").complete("T004")
    assert refs(nexus.critical_path("T003").entries) == ["api:T002", "web:T003"]
    realms.tasks("web").cancel("T003")
    assert nexus.critical_path("T003").entries == []


@pytest.mark.guarantee("nexus-12", "A diamond of five tasks counts right on the critical path.")
def test_a_diamond_has_the_length_of_its_longer_side(realms: Any) -> None:
    realms.link(
        "web:T001 > api:T001",
        "web:T001 > lib:T001",
        "lib:T001 > api:T002",
        "api:T001 > lib:T002",
        "api:T002 > lib:T002",
    )
    found = realms.nexus("api").critical_path()
    assert refs(found.entries) == ["lib:T002", "api:T002", "lib:T001", "web:T001"]


def test_a_loop_that_is_there_all_the_same_is_told(realms: Any, cleo_cli: Cli) -> None:
    realms.link("web:T001 > api:T001")
    ids = dict(realms.rows("SELECT slug, project_id FROM project_registry"))
    execute(
        realms.registry,
        "INSERT INTO cross_project_dependencies (source_project_id, source_task_id, "
        "target_project_id, target_task_id, created_by, created_at) VALUES "
        f"('{ids['api']}', 'T001', '{ids['web']}', 'T001', 'x', '2026-01-01T00:00:00.000Z')",
    )
    error = refused(realms.nexus("web").critical_path)
    path = error.details["path"]
    assert (error.exit, path[0], set(path)) == (14, path[-1], {"web:T001", "api:T001"})
    assert refused(realms.nexus("web").critical_path, "api:T001").exit == 14
    realms.close()
    found = cleo_cli("doctor", "--only", "nexus.cycles", cwd=realms.folder / "web")
    (check,) = found.error["details"]["checks"]
    assert (check["status"], "web:T001" in check["details"]["ids"][0]) == ("error", True)


class Counted(dict[str, list[str]]):
    """What waits for what, and how often each task was looked at."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.visits: Counter[str] = Counter()

    def get(self, task: str, default: Any = None) -> Any:
        self.visits[task] += 1
        return super().get(task, default)


@pytest.mark.guarantee(
    "nexus-12", "The critical path of 100 000 tasks in three projects visits each of them once."
)
def test_each_of_a_hundred_thousand_tasks_of_three_projects_is_visited_once(
    realms: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 33_334

    def waiting() -> Any:
        ids = [f"T{number:03d}" for number in range(1, size + 1)]
        near = {
            ids[n]: [ids[one] for one in sorted({n - 1, n - 7, n // 2}) if 0 <= one < n]
            for n in range(1, size)
        }
        return SimpleNamespace(statuses=dict.fromkeys(ids, "pending"), waits=Counted(near))

    graphs_ = {name: waiting() for name in NAMES}
    monkeypatch.setattr(graph, "read", lambda app, row, *_, **__: graphs_[row["slug"]])
    realms.edge("api", "lib", ("T001", f"T{size}"))
    realms.edge("lib", "web", ("T001", f"T{size}"))
    found = realms.nexus("web").critical_path()
    assert (found.entries[0].ref, found.entries[-1].ref) == ("web:T001", f"api:T{size}")
    assert len(found.entries) == size * 3
    for one in graphs_.values():
        assert set(one.waits.visits.values()) == {1}
        assert len(one.waits.visits) == size


Edges = list[tuple[int, int]]
graphs = st.integers(1, 9).flatmap(
    lambda size: st.tuples(
        st.just(size),
        st.lists(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)), max_size=18),
    )
)


@given(graphs)
def test_longest_chains_and_loops_are_those_of_plain_references(
    graph: tuple[int, Edges],
) -> None:
    size, pairs = graph
    waits = [sorted({b for a, b in pairs if a == node and b != node}) for node in range(size)]
    holders = [sum(node in targets for targets in waits) for node in range(size)]
    reach = [_reach(waits, node) for node in range(size)]
    looped = {node for node in range(size) if node in reach[node]}
    chain, left = longest(waits, holders)
    assert bool(left) == bool(looped)
    if left:
        loop = loop_among(left, waits)
        assert loop[0] == loop[-1]
        assert all(b in waits[a] for a, b in itertools.pairwise(loop))
    else:
        chains = [one for node in range(size) for one in _chains(waits, node)]
        best = max(map(len, chains))
        assert chain == min(one for one in chains if len(one) == best)
    groups = knots(range(size), waits.__getitem__)
    assert {node for group in groups for node in group} == looped
    assert all(set(group) <= reach[node] for group in groups for node in group)


def _reach(waits: Sequence[Sequence[int]], start: int) -> set[int]:
    found: set[int] = set()
    stack = list(waits[start])
    while stack:
        node = stack.pop()
        if node not in found:
            found.add(node)
            stack += waits[node]
    return found


def _chains(waits: Sequence[Sequence[int]], last: int) -> Iterator[list[int]]:
    """Every chain that ends with a node, first to be done first."""
    yield [last]
    for target in waits[last]:
        for chain in _chains(waits, target):
            yield [*chain, last]


class Local:
    """A project's waiting graph as the tasks service gives it."""

    def __init__(self, statuses: dict[str, str], waits: dict[str, list[str]]) -> None:
        self.statuses = statuses
        self.waits = waits

    def held(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for task, targets in self.waits.items():
            for target in targets:
                found.setdefault(target, []).append(task)
        return found


tasks_of_all = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(("pending", "blocked", "done"))),
    min_size=2,
    max_size=9,
)


@pytest.fixture
def empty(realms: Any) -> App:
    app: App = open_app(str(realms.folder / "web"))
    return app


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tasks=tasks_of_all, data=st.data())
def test_blocking_and_critical_path_over_random_projects_are_those_of_a_plain_reference(
    empty: App, tasks: list[tuple[str, str]], data: st.DataObject
) -> None:
    ids = {name: f"00000000-{name}" for name in NAMES}
    nodes: list[Node] = [(ids[name], f"T{place + 1:03d}") for place, (name, _) in enumerate(tasks)]
    status = {node: word for node, (_, word) in zip(nodes, tasks, strict=True)}
    # Later ones wait for earlier ones of a random order, so that there is no loop.
    order = data.draw(st.permutations(range(len(nodes))))
    pairs = data.draw(
        st.lists(st.tuples(*(st.integers(0, len(nodes) - 1),) * 2), max_size=16, unique=True)
    )
    waits: dict[Node, list[Node]] = {node: [] for node in nodes}
    for one, other in pairs:
        if one != other:
            late, early = max(order[one], order[other]), min(order[one], order[other])
            source, target = nodes[order.index(late)], nodes[order.index(early)]
            if target not in waits[source]:
                waits[source].append(target)
    graph = _graph(empty, ids, nodes, status, waits)
    key = {node: graph.order(node) for node in nodes}
    open_ = [node for node in nodes if status[node] != "done"]

    def chains(last: Node) -> Iterator[list[Node]]:
        yield [last]
        for target in waits[last]:
            if target in open_:
                for chain in chains(target):
                    yield [*chain, last]

    every = [chain for node in open_ for chain in chains(node)]
    best = max(map(len, every), default=0)
    wanted = min(
        (chain for chain in every if len(chain) == best),
        key=lambda chain: [key[node] for node in chain],
        default=[],
    )
    assert chain_of(graph, sorted(open_, key=graph.order)) == wanted
    root = nodes[0]
    found = {root}
    while True:
        more = {
            node for node in open_ if node not in found and any(t in found for t in waits[node])
        }
        if not more:
            break
        found |= more
    listed = [node for node in dependants(graph, root) if node != root]
    assert set(listed) == found - {root}
    assert len(listed) == len(set(listed))


def _graph(
    app: App,
    ids: dict[str, str],
    nodes: Sequence[Node],
    status: dict[Node, str],
    waits: dict[Node, list[Node]],
) -> Graph:
    graph = Graph(app, app.store("nexus"), None)
    for name, id_ in ids.items():
        graph._rows[id_] = {"slug": name, "project_id": id_}
        own = [node for node in nodes if node[0] == id_]
        graph.known[id_] = Local(
            {task: status[id_, task] for _, task in own},
            {task: [one for project, one in waits[id_, task] if project == id_] for _, task in own},
        )
        out = graph._out[id_] = {}
        into = graph._into[id_] = {}
        for node in own:
            out[node[1]] = [one for one in waits[node] if one[0] != id_]
            into[node[1]] = [one for one in nodes if node in waits[one] and one[0] != id_]
    return graph


@pytest.mark.guarantee(
    "nexus-15", "Showing what waits changes no project's file, and migrates none that is behind."
)
def test_looking_changes_no_byte(realms: Any, cleo_cli: Cli, frozen_bytes: Any) -> None:
    realms.link("web:T001 > api:T001", "api:T001 > lib:T001")
    realms.close()
    behind(realms.file("lib"))
    with frozen_bytes(realms.folder):
        for words in (
            ("deps", "show", "T001"),
            ("deps", "show", "T001", "--reverse"),
            ("blocking", "api:T001"),
            ("critical-path",),
            ("critical-path", "api:T001"),
        ):
            outcome = cleo_cli("nexus", *words, cwd=realms.folder / "web")
            assert outcome.code == 0, outcome
            assert cleo_cli("nexus", *words, "--human", cwd=realms.folder / "web").code == 0
        assert cleo_cli("nexus", "deps", "show", "lib:T001", cwd=realms.folder / "web").code == 50
    assert not [
        one for one in os.listdir(realms.file("api").parent) if one.endswith(("-wal", "-shm"))
    ]


def test_what_joins_projects_can_be_read_by_people(realms: Any, cleo_cli: Cli) -> None:
    realms.link("web:T001 > api:T001")
    realms.close()

    def said(*words: str) -> str:
        outcome = cleo_cli("nexus", *words, "--human", cwd=realms.folder / "web")
        assert outcome.code == 0, outcome
        return outcome.out

    assert said("deps", "show", "T001").splitlines() == [
        "web:T001",
        "  api:T001  [pending]  api 1",
    ]
    assert "Open tasks that wait for api:T001: 1." in said("blocking", "api:T001")
    assert "It goes on with api:T001." in said("critical-path")
    assert "waits for nothing" in said("deps", "show", "T002")
    assert "as it should be" in said("deps", "refresh")
    assert "no longer waits for" in said("deps", "remove", "T001", "api:T001")
