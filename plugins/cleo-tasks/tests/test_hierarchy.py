"""What stands below what, and in which order."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome
from cleo_tasks.store import placing as store

_graphs = runpy.run_path(str(Path(__file__).with_name("random_graphs.py")))
projects, write, forced, Model = (
    _graphs[name] for name in ("projects", "write", "forced", "Model")
)

#: One project serves all examples.
SHARED = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

#: What can be moved, by id, in the project of ``family``.
MOVED = {
    "epic": "T005",
    "task": "T006",
    "subtask": "T008",
    "task with a subtask": "T007",
    "epic with a task": "T009",
}
TARGETS = {"root": "root", "epic": "T001", "task": "T002", "subtask": "T003"}


@pytest.fixture
def service(cleo_app: App) -> Any:
    """The tasks service of an empty project."""
    return cleo_app.service("tasks")


@pytest.fixture
def family(service: Any) -> Any:
    """An epic with a task with a subtask, and one of everything that can be moved below T004."""
    service.add("target epic", type="epic")  # T001
    service.add("target task", parent="T001")
    service.add("target subtask", parent="T002")
    service.add("another epic", type="epic")  # T004
    service.add("epic", type="epic", parent="T004")
    service.add("task", parent="T004")
    service.add("task with a subtask", parent="T004")  # T007
    service.add("subtask", parent="T007")
    service.add("epic with a task", type="epic", parent="T004")  # T009
    service.add("its task", parent="T009")
    return service


@pytest.mark.guarantee(
    "tasks-11", "moving a task gives each combination of types its refusal or its new type"
)
@pytest.mark.parametrize(
    ("moved", "target", "expected"),
    [
        ("epic", "root", "epic"),
        ("epic", "epic", "epic"),
        ("epic", "task", 13),
        ("epic", "subtask", 13),
        ("task", "root", "task"),
        ("task", "epic", "task"),
        ("task", "task", "subtask"),
        ("task", "subtask", 13),
        ("subtask", "root", "task"),
        ("subtask", "epic", "task"),
        ("subtask", "task", "subtask"),
        ("subtask", "subtask", 13),
        ("task with a subtask", "root", "task"),
        ("task with a subtask", "epic", "task"),
        ("task with a subtask", "task", 11),
        ("task with a subtask", "subtask", 13),
        ("epic with a task", "root", "epic"),
        ("epic with a task", "epic", "epic"),
        ("epic with a task", "task", 11),
        ("epic with a task", "subtask", 13),
    ],
)
def test_every_cell_of_the_type_matrix(
    family: Any, moved: str, target: str, expected: str | int
) -> None:
    id_ = MOVED[moved]
    before = family.show(id_)[0]
    if isinstance(expected, int):
        with pytest.raises(CleoError) as refused:
            family.reparent(id_, TARGETS[target])
        assert refused.value.exit == expected
        assert family.show(id_)[0].version == before.version
        return
    result = family.reparent(id_, TARGETS[target])
    assert result.task.type == expected
    assert result.task.parent_id == (None if target == "root" else TARGETS[target])
    changed = [{"id": id_, "from": before.type, "to": expected}]
    assert result.retyped == (changed if before.type != expected else [])


@pytest.mark.guarantee("tasks-11", "a subtree of two levels never goes under a task")
@pytest.mark.parametrize("inside", [True, False])
def test_a_subtree_of_two_levels_does_not_fit_under_a_task(family: Any, inside: bool) -> None:
    target = "T002" if inside else family.add("task at the root").task.id
    for moved in ("T007", "T004"):
        with pytest.raises(CleoError) as refused:
            family.reparent(moved, target)
        assert refused.value.code == "E_DEPTH"


def test_the_whole_subtree_counts_for_the_depth(family: Any) -> None:
    with pytest.raises(CleoError) as refused:
        family.reparent("T009", "T005")
    assert refused.value.code == "E_DEPTH"
    assert refused.value.details == {"field": "to", "depth": 4, "maxDepth": 3}


def test_the_way_out_of_a_wrong_move_is_a_move(
    cleo_cli: Callable[..., Outcome], family: Any
) -> None:
    deep = cleo_cli("reparent", "T009", "--to", "T005").error
    assert deep["exit"] == 11
    assert deep["fix"] == "cleo reparent T009 --to root"
    assert cleo_cli(*deep["fix"].split()[1:]).code == 0
    # It stands at the root, so that there is nowhere else to go.
    wrong = cleo_cli("reparent", "T001", "--to", "T010").error
    assert (wrong["exit"], wrong["fix"]) == (11, "cleo tree T001")
    itself = cleo_cli("reparent", "T001", "--to", "T001").error
    assert (itself["exit"], itself["message"]) == (14, "T001 cannot stand under itself.")


def test_the_way_out_of_a_hierarchy_too_deep_works(
    cleo_cli: Callable[..., Outcome], cleo_project: Path
) -> None:
    cleo_cli("add", "epic", "--type", "epic")
    cleo_cli("add", "task", "--parent", "T001")
    cleo_cli("add", "subtask", "--parent", "T002")
    below = cleo_cli("add", "x", "--parent", "T003").error
    assert (below["exit"], below["fix"]) == (13, "--parent T002 --type subtask")
    assert cleo_cli("add", "x", *below["fix"].split()).code == 0
    cleo_cli("config", "set", "tasks.hierarchy.max_depth", "2")
    deep = cleo_cli("add", "y", "--parent", "T002").error
    assert (deep["exit"], deep["fix"]) == (11, "--parent T001")
    assert cleo_cli("add", "y", *deep["fix"].split()).code == 0
    cleo_cli("config", "set", "tasks.hierarchy.max_depth", "1")
    none = cleo_cli("add", "z", "--parent", "T001").error
    assert (none["exit"], none["fix"]) == (11, "the same command without --parent")


def test_a_moved_task_is_last_and_keeps_what_is_below_it(family: Any) -> None:
    result = family.reparent("T007", "T001")
    assert (result.task.parent_id, result.task.position) == ("T001", 2)
    assert [node.id for node in family.tree("T007")[0].children] == ["T008"]


def test_a_move_is_one_audit_row_with_all_columns(family: Any, cleo_app: App) -> None:
    family.reparent("T008", "T001")
    rows = cleo_app.store("tasks").read("SELECT * FROM audit_log WHERE action = 'task.reparent'")
    assert len(rows) == 1
    before, after = (json.loads(rows[0][f"{side}_json"]) for side in ("before", "after"))
    assert before == {"parent_id": "T007", "type": "subtask", "position": 1}
    assert after == {"parent_id": "T001", "type": "task", "position": 2}


def test_a_move_to_where_the_task_stands_is_no_change(family: Any) -> None:
    for id_, to in (("T002", "T001"), ("T001", "root"), ("T001", " ROOT ")):
        with pytest.raises(CleoError) as refused:
            family.reparent(id_, to)
        assert refused.value.code == "E_NO_CHANGE"


def test_every_problem_of_a_move_is_told(
    cleo_cli: Callable[..., Outcome], cleo_project: Path
) -> None:
    cleo_cli("config", "set", "tasks.hierarchy.max_siblings", "1")
    cleo_cli("add", "a task")
    cleo_cli("add", "its subtask", "--parent", "T001")
    cleo_cli("add", "an epic", "--type", "epic")
    single = cleo_cli("reparent", "T003", "--to", "T001", "--json")
    assert single.error["code"] == "E_VALIDATION"
    assert [one["exit"] for one in single.error["details"]["problems"]] == [13, 12]
    cleo_cli("complete", "T002")
    assert cleo_cli("reparent", "T003", "--to", "T001", "--json").code == 6
    cleo_cli("reopen", "T001")
    assert cleo_cli("reparent", "T003", "--to", "T001", "--json").code == 13


def test_nothing_moves_below_a_closed_task(
    cleo_cli: Callable[..., Outcome], cleo_project: Path
) -> None:
    cleo_cli("add", "finished")
    cleo_cli("complete", "T001")
    cleo_cli("add", "another")
    outcome = cleo_cli("reparent", "T002", "--to", "T001", "--json")
    assert (outcome.code, outcome.error["code"]) == (6, "E_PARENT_CLOSED")
    assert outcome.error["fix"] == "cleo reopen T001"


def test_the_sibling_limit_counts_open_children_only(
    cleo_cli: Callable[..., Outcome], cleo_project: Path
) -> None:
    cleo_cli("config", "set", "tasks.hierarchy.max_siblings", "1")
    cleo_cli("add", "an epic", "--type", "epic")
    cleo_cli("add", "first", "--parent", "T001")
    cleo_cli("add", "second")
    assert cleo_cli("reparent", "T003", "--to", "T001", "--json").code == 12
    cleo_cli("cancel", "T002")
    assert cleo_cli("reparent", "T003", "--to", "T001", "--json").code == 0


def test_update_moves_by_the_same_rule(
    cleo_cli: Callable[..., Outcome], cleo_project: Path
) -> None:
    cleo_cli("add", "a task")
    cleo_cli("add", "another")
    assert cleo_cli("update", "T002", "--parent", "T001").data["task"]["type"] == "subtask"
    assert cleo_cli("update", "T001", "--parent", "T002", "--json").code == 14


def test_a_session_keeps_moves_inside_its_scope(
    cleo_cli: Callable[..., Outcome], cleo_project: Path
) -> None:
    cleo_cli("add", "mine", "--type", "epic")
    cleo_cli("add", "theirs", "--type", "epic")
    cleo_cli("add", "a task", "--parent", "T001")
    cleo_cli("session", "start", "--scope", "epic:T001", agent="a")
    cleo_cli("config", "set", "tasks.session.enforce", "block")
    assert cleo_cli("reparent", "T003", "--to", "T002", "--json", agent="a").code == 34
    assert cleo_cli("reparent", "T003", "--to", "root", "--json", agent="a").code == 34
    assert cleo_cli("deps", "add", "T002", "T001", "--json", agent="a").code == 34
    assert cleo_cli("reorder", "T002", "--position", "1", "--json", agent="a").code == 34
    assert cleo_cli("reparent", "T003", "--to", "T002", "--json", agent="b").code == 36


@SHARED
@given(
    moves=st.lists(
        st.tuples(
            st.integers(0, 5), st.sampled_from(("position", "before", "after")), st.integers(0, 7)
        ),
        min_size=1,
        max_size=4,
    )
)
def test_reordering_agrees_with_moving_in_a_list(
    siblings: tuple[Any, list[str]], moves: list[tuple[int, str, int]]
) -> None:
    service, order = siblings
    for index, how, where in moves:
        id_ = order[index]
        others = [one for one in order if one != id_]
        beside = others[where % len(others)]
        given_: int | str = where + 1 if how == "position" else beside
        place = others.index(beside) + (how == "after")
        if how == "position":
            place = min(where, len(others))
        expected = [*others[:place], id_, *others[place:]]
        versions = {one: service.show(one)[0].version for one in order}
        if expected == order:
            with pytest.raises(CleoError) as refused:
                service.reorder(id_, **{how: given_})
            assert refused.value.code == "E_NO_CHANGE"
        else:
            service.reorder(id_, **{how: given_})
        changed = [one for one in order if service.show(one)[0].version != versions[one]]
        assert changed == ([] if expected == order else [id_])
        order[:] = expected
        assert [(node.id) for node in service.tree("T001")[0].children] == order
        assert [service.show(one)[0].position for one in order] == [1, 2, 3, 4, 5, 6]


@pytest.fixture
def siblings(service: Any) -> tuple[Any, list[str]]:
    """An epic with six children, and their order."""
    service.add("epic", type="epic")
    return service, [service.add(f"child {n}", parent="T001").task.id for n in range(6)]


def test_reordering_mends_equal_and_missing_numbers(service: Any, cleo_project: Path) -> None:
    for title in ("one", "two", "three"):
        service.add(title)
    with forced(cleo_project) as tx:
        tx.execute("UPDATE tasks SET position = 7")
    service.reorder("T003", before="T002")
    assert {id_: service.show(id_)[0].position for id_ in ("T001", "T003", "T002")} == {
        "T001": 1,
        "T003": 2,
        "T002": 3,
    }


def test_a_reorder_that_keeps_the_number_is_still_recorded(
    service: Any, cleo_app: App, cleo_project: Path
) -> None:
    service.add("one")
    service.add("two")
    with forced(cleo_project) as tx:
        tx.execute("UPDATE tasks SET position = 1")
    service.reorder("T002", position=1)
    assert [node.id for node in service.tree()] == ["T002", "T001"]
    assert service.show("T002")[0].version == 2
    assert (
        cleo_app.store("tasks").scalar(
            "SELECT count(*) FROM audit_log WHERE action = 'task.reorder'"
        )
        == 1
    )


@SHARED
@given(
    draft=projects(),
    depth=st.none() | st.integers(1, 4),
    open_only=st.booleans(),
    data=st.data(),
)
def test_the_tree_equals_its_plain_definition(
    service: Any,
    cleo_project: Path,
    draft: dict[str, Any],
    depth: int | None,
    open_only: bool,
    data: st.DataObject,
) -> None:
    write(cleo_project, draft)
    model = Model(cleo_project)
    rows = model.tasks
    root = data.draw(st.sampled_from([None, *rows]))
    found = service.tree(root, depth=depth, open=open_only)
    listed = {id_: row for id_, row in rows.items() if row["status"] != "archived" or id_ == root}

    def below(parent: str | None) -> list[dict[str, Any]]:
        own = [row for row in listed.values() if row["parent_id"] == parent]
        return sorted(own, key=lambda row: (row["position"], row["seq"]))

    def everything(id_: str) -> list[dict[str, Any]]:
        return [one for row in below(id_) for one in (row, *everything(row["id"]))]

    def check(node: Any, levels: int | None) -> None:
        family = everything(node.id)
        assert node.total == sum(row["status"] != "cancelled" for row in family)
        assert node.done == sum(row["status"] == "done" for row in family)
        if levels == 0:
            assert node.children is None
            return
        check_all(node.children, below(node.id), None if levels is None else levels - 1)

    def wanted(row: dict[str, Any]) -> bool:
        is_open = ("pending", "active", "blocked", "proposed")
        return (
            not open_only
            or row["status"] in is_open
            or any(one["status"] in is_open for one in everything(row["id"]))
        )

    def check_all(nodes: Any, expected: list[dict[str, Any]], levels: int | None) -> None:
        assert [node.id for node in nodes] == [row["id"] for row in expected if wanted(row)]
        for node in nodes:
            check(node, levels)

    if root is not None:
        listed = {id_: row for id_, row in listed.items() if id_ in model.subtree(root)}
        assert found[0].id == root
        check(found[0], depth)
    tops = {id_ for id_, row in listed.items() if row["parent_id"] not in listed}
    shown = {id_ for id_ in tops if wanted(listed[id_])} | ({root} if root else set())
    assert {node.id for node in found} == shown
    assert len(found) == len(shown)
    for node in found:
        check(node, depth if root == node.id or depth is None else depth - 1)
    if root is None:
        assert [node.id for node in found if node.parent_id is None] == [
            row["id"] for row in below(None) if wanted(row)
        ]


def test_done_and_total_count_every_level_below(family: Any) -> None:
    family.add("second subtask", parent="T007")
    family.complete("T008")
    family.cancel("T005")
    node = next(node for node in family.tree() if node.id == "T004")
    assert (node.done, node.total) == (1, 6)
    assert {child.id: (child.done, child.total) for child in node.children} == {
        "T005": (0, 0),
        "T006": (0, 0),
        "T007": (1, 2),
        "T009": (0, 1),
    }


@pytest.mark.guarantee(
    "tasks-10", "a task that is its own parent, forced into the file, hangs no command"
)
def test_a_task_that_is_its_own_parent_hangs_nothing(
    cleo_cli: Callable[..., Outcome], cleo_project: Path
) -> None:
    cleo_cli("add", "one")
    cleo_cli("add", "two", "--depends", "T001")
    cleo_cli("add", "three")
    with forced(cleo_project) as tx:
        tx.execute("UPDATE tasks SET parent_id = 'T002' WHERE id = 'T002'")
    assert [one["id"] for one in cleo_cli("tree").data] == ["T001", "T003", "T002"]
    assert [one["id"] for one in cleo_cli("tree", "T002").data] == ["T002"]
    assert cleo_cli("tree", "--human").code == 0
    assert cleo_cli("deps", "cycles").data["cycles"] == [{"path": ["T002", "T002"], "tasks": 1}]
    assert cleo_cli("deps", "waves", "--json").error["details"]["path"] == ["T002", "T002"]
    assert cleo_cli("deps", "critical-path", "--json").code == 14
    for arguments in (
        ("deps", "show", "T002"),
        ("deps", "impact", "T001"),
        ("deps", "overview"),
        ("deps", "overview", "--within", "T002"),
        ("blockers",),
        ("show", "T002", "--children"),
    ):
        assert cleo_cli(*arguments).code == 0
    assert [one["task"]["id"] for one in cleo_cli("next", "-n", "9").data] == ["T001", "T003"]
    # The way out: the row moves to the root, and the loop is gone.
    assert cleo_cli("reparent", "T002", "--to", "root").code == 0
    assert cleo_cli("deps", "cycles").data["cycles"] == []


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        (["tree", "T099"], 4),
        (["tree", "no id"], 2),
        (["tree", "--depth", "0"], 2),
        (["tree", "T001", "--depth", "-3"], 2),
        (["reparent", "T001"], 2),
        (["reparent", "T099", "--to", "root"], 4),
        (["reparent", "T001", "--to", "T099"], 10),
        (["reparent", "T001", "--to", "Robert'); DROP TABLE tasks;--"], 2),
        (["reparent", "T001", "--to", ""], 2),
        (["reparent", "T002", "--to", "T001", "--if-version", "7"], 21),
        (["reorder", "T001"], 2),
        (["reorder", "T001", "--position", "0"], 2),
        (["reorder", "T001", "--position", "1", "--before", "T002"], 2),
        (["reorder", "T001", "--before", "T099"], 4),
        (["reorder", "T001", "--after", "T001"], 6),
        (["reorder", "T001", "--after", "T003"], 6),
        (["reorder", "T001", "--position", "99999999999999999999"], 6),
        (["reorder", "T001", "--position", "1"], 102),
        (["reorder", "T099", "--position", "1"], 4),
        (["reorder", "T002", "--position", "1", "--if-version", "7"], 21),
    ],
)
def test_bad_input_is_one_clear_error_and_changes_nothing(
    cleo_cli: Callable[..., Outcome],
    cleo_project: Path,
    frozen_bytes: Any,
    arguments: list[str],
    exit_code: int,
) -> None:
    cleo_cli("add", "one")
    cleo_cli("add", "two")
    cleo_cli("add", "below", "--parent", "T002")
    before = Model(cleo_project).tasks
    outcome = cleo_cli(*arguments, "--json")
    assert outcome.code == exit_code
    assert outcome.error["message"]
    assert outcome.error["fix"]
    assert "Traceback" not in outcome.err
    assert Model(cleo_project).tasks == before


def test_dry_runs_show_the_move_and_change_no_byte(
    cleo_cli: Callable[..., Outcome], cleo_project: Path, frozen_bytes: Any
) -> None:
    cleo_cli("add", "one")
    cleo_cli("add", "two")
    with frozen_bytes(cleo_project):
        moved = cleo_cli("reparent", "T002", "--to", "T001", "--dry-run").data
        assert moved["retyped"] == [{"id": "T002", "from": "task", "to": "subtask"}]
        assert cleo_cli("reorder", "T002", "--position", "1", "--dry-run").code == 0


def test_people_see_branches_and_what_is_done(
    cleo_cli: Callable[..., Outcome], cleo_project: Path
) -> None:
    cleo_cli("add", "an epic", "--type", "epic")
    cleo_cli("add", "first", "--parent", "T001")
    cleo_cli("add", "second \x1b[2J", "--parent", "T001")
    cleo_cli("complete", "T002")
    shown = cleo_cli("tree", "--human").out
    assert "an epic  1/2" in shown
    assert re.search(r"├─ T002.*\n└─ T003", shown)
    assert "\x1b" not in shown
    assert "T002" not in cleo_cli("tree", "--human", "--open").out
    assert "root" in cleo_cli("reparent", "T003", "--to", "root", "--human").out
    assert cleo_cli("tree", "T099", "--human").code == 4


def test_no_statement_of_the_hierarchy_scans_tasks(cleo_app: App) -> None:
    db = cleo_app.store("tasks")
    for name, statement in vars(store).items():
        if not name.isupper() or name.startswith("_") or name == "LINE_COLUMNS":
            continue
        names = dict.fromkeys(re.findall(r":([a-z_]+)", statement))
        plan = [row["detail"] for row in db.read(f"EXPLAIN QUERY PLAN {statement}", **names)]
        scanned = [step for step in plan if re.match(r"SCAN (t|tasks|task_dependencies)\b", step)]
        assert not scanned, (name, plan)
