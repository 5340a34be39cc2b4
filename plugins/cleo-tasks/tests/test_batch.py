"""``add-batch``: many tasks that may refer to each other, all of them or none."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]
Rows = list[dict[str, Any]]

PLAN: Rows = [
    {"title": "Ship it", "ref": "ship", "parent": "@release", "depends": ["@test", "@write"]},
    {"title": "Release", "ref": "release", "type": "epic", "labels": ["core"]},
    {"title": "Write it", "ref": "write", "parent": "@release", "acceptance": ["a|b", "c\nd"]},
    {"title": "Test it", "ref": "test", "parent": "@release", "depends": ["@write"]},
    {"title": "Tell people", "depends": ["@release"]},
]


@pytest.fixture
def tasks(cleo_open: Callable[..., App]) -> Any:
    return cleo_open(agent="ada").service("tasks")


def lines(rows: Rows) -> str:
    return "\n".join(json.dumps(row) for row in rows)


def refused(tasks: Any, rows: Any, **options: Any) -> CleoError:
    """The refusal of a batch, which must have left nothing behind."""
    before = (tasks.list()[1].total, tasks.log_list()[1].total, tasks.sequence_show().stored)
    with pytest.raises(CleoError) as error:
        tasks.add_batch(rows, **options)
    after = (tasks.list()[1].total, tasks.log_list()[1].total, tasks.sequence_show().stored)
    assert after == before
    return error.value


def failures(result: Any) -> dict[int, list[str]]:
    """Line -> codes."""
    return {one.line: [problem["code"] for problem in one.problems] for one in result.failed}


def test_lines_may_refer_to_each_other_in_both_directions(tasks: Any) -> None:
    result = tasks.add_batch(PLAN)
    assert [(one.line, one.ref, one.id) for one in result.created] == [
        (1, "ship", "T001"),
        (2, "release", "T002"),
        (3, "write", "T003"),
        (4, "test", "T004"),
        (5, None, "T005"),
    ]
    assert result.failed == []
    ship, release, write, test, tell = tasks.show("T001", "T002", "T003", "T004", "T005")
    assert [one.parent_id for one in (ship, release, write, test, tell)] == [
        *("T002", None, "T002", "T002", None)
    ]
    assert ship.depends_on == ["T003", "T004"]
    assert ship.open_dependencies == ["T003", "T004"]
    assert (test.depends_on, tell.depends_on) == (["T003"], ["T002"])
    assert write.acceptance == ["a|b", "c\nd"]
    assert release.labels == ["core"]
    assert (write.ready, test.ready) == (True, False)


@pytest.mark.guarantee(
    "tasks-24", "A batch writes one log row for each task, under one request, with its edges."
)
def test_a_batch_writes_one_log_row_for_each_task(tasks: Any) -> None:
    tasks.add_batch(PLAN)
    rows = tasks.log_list()[0]
    assert {row["entityId"] for row in rows} == {f"T00{number}" for number in range(1, 6)}
    assert len(rows) == 5
    assert {(row["action"], row["actor"]) for row in rows} == {("task.add", "ada")}
    ship = next(row for row in rows if row["entityId"] == "T001")
    assert sorted(ship["after"]["depends_on"]) == ["T003", "T004"]
    assert [task.version for task in tasks.show("T001", "T004")] == [1, 1]


def test_numbers_follow_the_lines_and_leave_no_gap(tasks: Any) -> None:
    tasks.add("Before")
    rows = [{"title": f"Task {number}", "ref": str(number)} for number in range(50)]
    for number, row in enumerate(rows[:-1]):
        row["depends"] = [f"@{number + 1}"]
    created = tasks.add_batch(rows).created
    assert [one.id for one in created] == [f"T{number:03d}" for number in range(2, 52)]
    assert tasks.add("After").task.id == "T052"


def test_a_parent_may_wait_for_what_its_child_comes_before(tasks: Any) -> None:
    """No order of insertion could serve this, though nobody waits for himself."""
    result = tasks.add_batch(
        [
            {"title": "Epic", "ref": "epic", "type": "epic", "depends": ["@outside", "@child"]},
            {"title": "Child", "ref": "child", "parent": "@epic"},
            {"title": "Outside", "ref": "outside", "depends": ["@child"]},
        ]
    )
    assert [one.id for one in result.created] == ["T001", "T002", "T003"]
    assert tasks.show("T001")[0].depends_on == ["T002", "T003"]


def test_ids_and_refs_may_be_mixed(tasks: Any) -> None:
    tasks.add("An epic", type="epic")
    tasks.add("A task")
    tasks.add_batch(
        [{"title": "New", "parent": "t1", "dependsOn": ["2", "@x"]}, {"title": "X", "ref": "x"}]
    )
    new = tasks.show("T003")[0]
    assert (new.parent_id, new.depends_on) == ("T001", ["T002", "T004"])


def test_keys_are_those_of_a_task_or_the_options_of_add(tasks: Any) -> None:
    tasks.add_batch(
        [
            {
                "title": "A",
                "desc": "B",
                "label": ["c"],
                "note": ["d"],
                "file": ["e.py"],
                "pipelineStage": "testing",
                "priority": 1,
                "size": "small",
                "addPhase": True,
                "phase": "beta",
                "role": "bug",
                "severity": "P1",
                "status": "proposed",
                "metadata": {"deep": [1, {"x": None}]},
                "parentId": None,
                "scope": "unit",
            }
        ]
    )
    task = tasks.show("T001")[0]
    assert (task.description, task.labels, task.files) == ("B", ["c"], ["e.py"])
    assert (task.pipeline_stage, task.priority, task.phase) == ("testing", "critical", "beta")
    assert (task.role, task.severity, task.status, task.scope) == ("bug", "P1", "proposed", "unit")
    assert task.metadata == {"deep": [1, {"x": None}]}
    assert [note["text"] for note in task.notes] == ["d"]


def test_the_repeat_guard_is_not_used(tasks: Any) -> None:
    tasks.add("Same")
    assert [one.id for one in tasks.add_batch([{"title": "Same"}] * 2).created] == ["T002", "T003"]


LOOP = [
    {"title": "A", "ref": "a", "depends": ["@b"]},
    {"title": "B", "ref": "b", "depends": ["@c"]},
    {"title": "C", "ref": "c", "depends": ["@a"]},
]
SELF = [{"title": "A", "ref": "a", "depends": ["@a"]}]
ANCESTOR = [
    {"title": "A", "ref": "a", "type": "epic"},
    {"title": "B", "ref": "b", "parent": "@a", "depends": ["@a"]},
]
PARENTS = [
    {"title": "A", "ref": "a", "type": "epic", "parent": "@b"},
    {"title": "B", "ref": "b", "type": "epic", "parent": "@a"},
]


@pytest.mark.guarantee("tasks-09", "A batch that would close a loop is refused with its path.")
@pytest.mark.parametrize(
    ("rows", "members"),
    [(LOOP, {"@a", "@b", "@c"}), (SELF, {"@a"}), (ANCESTOR, {"@a", "@b"}), (PARENTS, {"@a", "@b"})],
)
def test_a_loop_is_refused_with_its_path(tasks: Any, rows: Rows, members: set[str]) -> None:
    error = refused(tasks, rows)
    assert (error.code, error.exit) == ("E_CYCLE", 14)
    path = error.details["path"]
    assert path[0] == path[-1]
    assert set(path) == members
    assert all(word in error.message for word in members)


@pytest.mark.guarantee("tasks-09", "A batch that would close a loop is refused with its path.")
def test_a_loop_through_tasks_that_were_there_is_refused(tasks: Any) -> None:
    tasks.add("Epic", type="epic")
    tasks.add("Waits for the epic", depends=["T001"])
    error = refused(
        tasks,
        [
            {"title": "Child", "parent": "T001", "depends": ["@between"]},
            {"title": "Between", "ref": "between", "depends": ["T002"]},
        ],
    )
    assert error.code == "E_CYCLE"
    assert set(error.details["path"]) == {"line 1", "@between", "T002", "T001"}


@pytest.mark.parametrize(
    ("row", "code", "exit_code", "field"),
    [
        ({"title": ""}, "E_VALIDATION", 6, "title"),
        ({}, "E_VALIDATION", 6, "title"),
        ({"title": "x" * 201}, "E_VALIDATION", 6, "title"),
        ({"title": 5}, "E_VALIDATION", 6, "title"),
        ({"title": ["x"]}, "E_VALIDATION", 6, "title"),
        ({"title": "x\0"}, "E_VALIDATION", 6, "title"),
        ({"title": "x", "description": 5}, "E_VALIDATION", 6, "description"),
        ({"title": "x", "type": "saga"}, "E_VALIDATION", 6, "type"),
        ({"title": "x", "type": ["epic"]}, "E_VALIDATION", 6, "type"),
        ({"title": "x", "status": "done"}, "E_USAGE", 2, "status"),
        ({"title": "x", "status": ["pending"]}, "E_VALIDATION", 6, "status"),
        ({"title": "x", "status": {}}, "E_VALIDATION", 6, "status"),
        ({"title": "x", "priority": 10}, "E_VALIDATION", 6, "priority"),
        ({"title": "x", "priority": True}, "E_VALIDATION", 6, "priority"),
        ({"title": "x", "size": 1}, "E_VALIDATION", 6, "size"),
        ({"title": "x", "phase": "nowhere"}, "E_VALIDATION", 6, "phase"),
        ({"title": "x", "addPhase": "yes"}, "E_VALIDATION", 6, "add_phase"),
        ({"title": "x", "labels": "core"}, "E_VALIDATION", 6, "labels"),
        ({"title": "x", "labels": ["Not One"]}, "E_VALIDATION", 6, "labels"),
        ({"title": "x", "labels": [5]}, "E_VALIDATION", 6, "labels"),
        ({"title": "x", "files": {"a": 1}}, "E_VALIDATION", 6, "files"),
        ({"title": "x", "acceptance": "one"}, "E_VALIDATION", 6, "acceptance"),
        ({"title": "x", "notes": "one"}, "E_VALIDATION", 6, "note"),
        ({"title": "x", "notes": 5}, "E_VALIDATION", 6, "note"),
        ({"title": "x", "metadata": []}, "E_VALIDATION", 6, "metadata"),
        ({"title": "x", "position": 0}, "E_VALIDATION", 6, "position"),
        ({"title": "x", "position": 10**40}, "E_VALIDATION", 6, "position"),
        ({"title": "x", "position": 1.5}, "E_VALIDATION", 6, "position"),
        ({"title": "x", "parent": "T999"}, "E_PARENT_NOT_FOUND", 10, "parent"),
        ({"title": "x", "parent": "@nobody"}, "E_PARENT_NOT_FOUND", 10, "parent"),
        ({"title": "x", "parent": "somebody"}, "E_USAGE", 2, "parent"),
        ({"title": "x", "parent": 5}, "E_USAGE", 2, "parent"),
        ({"title": "x", "parent": ["T001"]}, "E_USAGE", 2, "parent"),
        ({"title": "x", "depends": ["T999"]}, "E_NOT_FOUND", 4, "depends"),
        ({"title": "x", "depends": ["@nobody"]}, "E_NOT_FOUND", 4, "depends"),
        ({"title": "x", "depends": "T001"}, "E_USAGE", 2, "depends"),
        ({"title": "x", "depends": [5]}, "E_USAGE", 2, "depends"),
        ({"title": "x", "depends": [["@a"]]}, "E_USAGE", 2, "depends"),
        ({"title": "x", "type": "subtask"}, "E_PARENT_TYPE", 13, "type"),
        ({"title": "x", "stage": "contribution"}, "E_STAGE_ORDER", 83, "stage"),
        ({"title": "x", "ref": 5}, "E_VALIDATION", 6, "ref"),
        ({"title": "x", "ref": ""}, "E_VALIDATION", 6, "ref"),
        ({"title": "x", "ref": "r" * 201}, "E_VALIDATION", 6, "ref"),
        ({"title": "x", "colour": "red"}, "E_VALIDATION", 6, "colour"),
        ({"title": "x", "self": 1}, "E_VALIDATION", 6, "self"),
        ({"title": "x", "origin": "imported"}, "E_VALIDATION", 6, "origin"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_a_bad_line_alone_gives_its_own_code_and_adds_nothing(
    tasks: Any, row: Any, code: str, exit_code: int, field: str
) -> None:
    rows = [{"title": "Good"}, row, {"title": "Good too"}]
    error = refused(tasks, rows)
    assert (error.code, error.exit) == (code, exit_code)
    assert error.message.startswith("Line 2: ")
    assert error.fix
    (failed,) = error.details["failed"]
    assert failed["line"] == 2
    assert [problem["field"] for problem in failed["problems"]] == [field]
    # The same again through JSON text.
    assert refused(tasks, [json.dumps(one) for one in rows]).code == code


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "[]",
        "5",
        "null",
        '"title"',
        '{"title": "x"',
        '{"title": "x"} {"title": "y"}',
        '{"title": "x", "position": ' + "9" * 5000 + "}",
        "[" * 100_000,
        '{"title": "x", "metadata": ' + '{"a":' * 300 + "1" + "}" * 301,
        '{"title": "x", "metadata": ' + '{"a":' * 3000 + "1" + "}" * 3001,
        '{"title": "x", "metadata": {"a": NaN}}',
        '{"title": "x", "metadata": {"a": "\\ud800"}}',
        '{"title": "\\ud800"}',
        '{"title": "x", "depends": ["@\\ud800"]}',
        '{"title": "x", "\\ud800": 1}',
        "\x00",
    ],
    ids=lambda text: ascii(text)[:30],
)
def test_a_line_that_is_no_task_is_refused(tasks: Any, text: str) -> None:
    error = refused(tasks, [text])
    assert error.exit in (2, 4, 6)
    assert error.details["failed"][0]["line"] == 1


def test_all_problems_of_all_lines_come_together(tasks: Any) -> None:
    error = refused(
        tasks,
        [
            {"title": "", "labels": ["A B"], "colour": 1, "ref": "a"},
            {"title": "Good"},
            "nonsense",
            {"title": "x", "parent": "T999", "type": "saga", "ref": "a"},
        ],
    )
    assert (error.code, error.exit) == ("E_VALIDATION", 6)
    assert {
        one["line"]: {(problem["field"], problem["exit"]) for problem in one["problems"]}
        for one in error.details["failed"]
    } == {
        1: {("title", 6), ("labels", 6), ("colour", 6)},
        3: {(None, 2)},
        4: {("parent", 10), ("type", 6), ("ref", 6)},
    }


def test_a_line_that_only_follows_a_bad_one_does_not_hide_its_code(tasks: Any) -> None:
    error = refused(
        tasks,
        [
            {"title": "Epic", "ref": "epic", "type": "epic", "parent": "T999"},
            {"title": "Child", "ref": "child", "parent": "@epic"},
            {"title": "After", "depends": ["@child"]},
        ],
    )
    assert (error.code, error.exit) == ("E_PARENT_NOT_FOUND", 10)
    assert [one["line"] for one in error.details["failed"]] == [1]


def test_keep_going_adds_what_can_be_added(tasks: Any) -> None:
    result = tasks.add_batch(
        [
            {"title": "Good", "ref": "good"},
            {"title": "", "ref": "bad"},
            {"title": "Under bad", "parent": "@bad", "ref": "under"},
            "nonsense",
            {"title": "After under", "depends": ["@under"]},
            {"title": "After good", "depends": ["@good"]},
            {"title": "Loop one", "ref": "one", "depends": ["@two"]},
            {"title": "Loop two", "ref": "two", "depends": ["@one"]},
        ],
        keep_going=True,
    )
    assert [(one.line, one.id) for one in result.created] == [(1, "T001"), (6, "T002")]
    assert failures(result) == {
        2: ["E_VALIDATION"],
        3: ["E_NOT_FOUND"],
        4: ["E_USAGE"],
        5: ["E_NOT_FOUND"],
        7: ["E_CYCLE"],
        8: ["E_NOT_FOUND"],
    }
    assert tasks.show("T002")[0].depends_on == ["T001"]
    assert tasks.log_list()[1].total == 2
    assert tasks.sequence_show().stored == 2
    assert [one["code"] for one in tasks.app.warnings] == ["W_NOT_ADDED"]


def test_keep_going_with_nothing_to_add_is_the_error_itself(tasks: Any) -> None:
    assert refused(tasks, [{"title": ""}], keep_going=True).exit == 6
    assert refused(tasks, [{"title": "x", "parent": "T999"}], keep_going=True).exit == 10


def test_a_long_chain_of_followers_fails_together(tasks: Any) -> None:
    rows: Rows = [
        {"title": f"Task {number}", "ref": str(number), "depends": [f"@{number + 1}"]}
        for number in range(300)
    ]
    result = tasks.add_batch([*rows, {"title": "Alone"}], keep_going=True)
    assert [one.line for one in result.created] == [301]
    assert len(result.failed) == 300


def test_limits_of_the_hierarchy_hold_inside_a_batch(tasks: Any, cleo_cli: Cli) -> None:
    deep: Rows = [{"title": "0", "ref": "0", "type": "epic"}]
    deep += [
        {"title": str(n), "ref": str(n), "parent": f"@{n - 1}", "type": "epic"} for n in range(1, 4)
    ]
    assert refused(tasks, deep).code == "E_DEPTH"
    assert cleo_cli("config", "set", "tasks.hierarchy.max_siblings", "2").code == 0
    wide: Rows = [{"title": "E", "ref": "e", "type": "epic"}]
    wide += [{"title": str(number), "parent": "@e"} for number in range(3)]
    refusal = cleo_cli("add-batch", input=lines(wide)).error
    assert (refusal["exit"], refusal["details"]["failed"][0]["line"]) == (12, 4)


@pytest.mark.guarantee(
    "tasks-25", "A batch repeated with its key gives the same tasks again; another body is refused."
)
def test_a_key_gives_the_first_result_again(tasks: Any) -> None:
    first = tasks.add_batch(PLAN, idempotency_key="k")
    again = tasks.add_batch(PLAN, idempotency_key="k")
    assert [(one.id, one.ref) for one in again.created] == [
        (one.id, one.ref) for one in first.created
    ]
    assert tasks.app.replayed
    assert tasks.list()[1].total == 5
    assert refused(tasks, PLAN[1:2], idempotency_key="k").code == "E_IDEMPOTENCY_MISMATCH"


def test_a_key_keeps_the_failures_of_a_batch_that_went_on(tasks: Any) -> None:
    rows = [{"title": "Good"}, {"title": ""}]
    first = tasks.add_batch(rows, keep_going=True, idempotency_key="k")
    again = tasks.add_batch(rows, keep_going=True, idempotency_key="k")
    assert failures(first) == failures(again) == {2: ["E_VALIDATION"]}
    assert tasks.list()[1].total == 1


def test_an_empty_batch_adds_nothing(tasks: Any) -> None:
    for rows in ([], ["", " \t"]):
        result = tasks.add_batch(rows)
        assert (result.created, result.failed) == ([], [])


def test_a_dry_run_shows_no_number(tasks: Any, cleo_cli: Cli) -> None:
    outcome = cleo_cli("add-batch", "--dry-run", input=lines(PLAN))
    assert {one["id"] for one in outcome.data["created"]} == {"T???"}
    assert outcome.data["created"][0]["parentId"] == "@release"
    assert tasks.list()[1].total == 0


def test_the_command_reads_lines_from_stdin(tasks: Any, cleo_cli: Cli) -> None:
    text = lines(PLAN).replace("\n", "\r\n\r\n") + "\r\n"
    outcome = cleo_cli("add-batch", input=b"\xef\xbb\xbf" + text.encode())
    assert [(one["line"], one.get("ref")) for one in outcome.data["created"]] == [
        *((1, "ship"), (3, "release"), (5, "write"), (7, "test"), (9, None))
    ]
    assert outcome.data["failed"] == []
    assert cleo_cli("add-batch", "--human", input='{"title": "More"}').out == "Added T006: More\n"
    assert cleo_cli("add-batch", "--quiet", input='{"title": "More"}').out == "T007\n"
    failed = cleo_cli("add-batch", "--human", "--keep-going", input='{"title": "A"}\n{}')
    assert "Line 2 was not added: A title is needed." in failed.out


def test_line_separators_inside_a_text_do_not_cut_it(tasks: Any, cleo_cli: Cli) -> None:
    row = json.dumps({"title": "a", "description": "x\u2028y\x85z"}, ensure_ascii=False)
    assert cleo_cli("add-batch", input=row).code == 0
    assert tasks.show("T001")[0].description == "x\u2028y\x85z"


@pytest.mark.parametrize("data", [b"\xff\xfe", b"\x00" * 10, b'{"title": "x\xc3"}'])
def test_bytes_that_are_no_json_lines_are_refused(
    cleo_project: Any, cleo_cli: Cli, data: bytes
) -> None:
    assert cleo_cli("add-batch", input=data).error["exit"] == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
FIELDS = (
    *("title", "ref", "parent", "depends", "labels", "notes", "status", "type", "metadata"),
    *("position", "acceptance", "phase", "addPhase", "priority", "files", "stage", "other"),
)
REFS = st.sampled_from(["@a", "@b", "@c", "T001", "a", 1])


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(
        st.dictionaries(st.sampled_from(FIELDS), JSON | REFS | st.lists(REFS, max_size=2)),
        max_size=5,
    )
)
def test_any_json_is_added_or_refused_in_words(tasks: Any, rows: list[Any]) -> None:
    before = tasks.list()[1].total
    try:
        result = tasks.add_batch([json.dumps(row) for row in rows], keep_going=True)
    except CleoError as error:
        added = 0
        outcome: Any = error.exit
    else:
        added = len(result.created)
        outcome = len(result.created) + len(result.failed)
        assert outcome == len(rows)
    assert outcome != 1 or len(rows) == 1
    assert tasks.list()[1].total == before + added


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_batch_is_refused_exactly_when_its_waiting_graph_has_a_loop(
    tasks: Any, data: st.DataObject
) -> None:
    """Against a search over the edges that the lines describe."""
    count = data.draw(st.integers(2, 6))
    parents = [
        data.draw(st.sampled_from([None, *range(number)])) if number else None
        for number in range(count)
    ]
    depends = [
        sorted(data.draw(st.sets(st.integers(0, count - 1), max_size=2))) for _ in range(count)
    ]
    order = data.draw(st.permutations(range(count)))
    waits = {number: set(depends[number]) for number in range(count)}
    for number, parent in enumerate(parents):
        if parent is not None:
            waits[parent].add(number)
    rows: Rows = [
        {
            "title": f"Task {number}",
            "ref": str(number),
            "type": "epic",
            "parent": None if parents[number] is None else f"@{parents[number]}",
            "depends": [f"@{one}" for one in depends[number]],
        }
        for number in order
    ]
    too_deep = any(_depth(parents, number) > 3 for number in range(count))
    try:
        tasks.add_batch(rows)
        refused_with = set()
    except CleoError as error:
        refused_with = {
            problem["code"] for one in error.details["failed"] for problem in one["problems"]
        }
    assert bool(refused_with) == (too_deep or _has_loop(waits))
    if not too_deep and refused_with:
        assert refused_with == {"E_CYCLE"}


def _depth(parents: list[int | None], number: int) -> int:
    above = parents[number]
    return 1 if above is None else 1 + _depth(parents, above)


def _has_loop(waits: dict[int, set[int]]) -> bool:
    left = dict(waits)
    while True:
        free = [number for number, targets in left.items() if not targets & left.keys()]
        if not free:
            return bool(left)
        for number in free:
            del left[number]
