"""Relations between tasks, and suggestions for more."""

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
from cleo_tasks.enums import RELATION_TYPE
from cleo_tasks.store import relations as store

_graphs = runpy.run_path(str(Path(__file__).with_name("random_graphs.py")))
projects, write, Model = (_graphs[name] for name in ("projects", "write", "Model"))


@pytest.fixture
def three(cleo_cli: Callable[..., Outcome], cleo_project: Path) -> Callable[..., Outcome]:
    """A project with three tasks; gives the command line."""
    for title in ("one", "two", "three"):
        cleo_cli("add", title)
    return cleo_cli


@pytest.mark.parametrize("type_", RELATION_TYPE)
def test_each_type_is_kept_and_shown_from_both_ends(
    three: Callable[..., Outcome], type_: str
) -> None:
    made = three("relate", "add", "T002", "T001", "--type", type_, "--reason", "it is so").data
    expected = {
        "taskId": "T002",
        "relatedTo": "T001",
        "relationType": type_,
        "reason": "it is so",
    }
    assert made == expected
    for id_, other in (("T002", "T001"), ("T001", "T002")):
        listed = three("relate", "list", id_)
        assert [{**expected, "task": row["task"]} for row in listed.data] == listed.data
        assert listed.data[0]["task"]["id"] == other
        assert listed.page["total"] == 1


@pytest.mark.parametrize(
    ("spelling", "type_"), [("relates-to", "related"), ("duplicate-of", "duplicates")]
)
def test_other_spellings_are_read(three: Callable[..., Outcome], spelling: str, type_: str) -> None:
    made = three("relate", "add", "T001", "T002", "--type", spelling)
    assert made.data["relationType"] == type_
    assert three("relate", "remove", "T001", "T002", "--type", spelling).code == 0


def test_the_same_relation_again_is_no_change_and_another_reason_is_one(
    three: Callable[..., Outcome],
) -> None:
    three("relate", "add", "T001", "T002", "--reason", "first")
    assert three("relate", "add", "T001", "T002", "--json").code == 102
    assert three("relate", "add", "T001", "T002", "--reason", " first ", "--json").code == 102
    assert three("relate", "add", "T001", "T002", "--reason", "second").code == 0
    assert [row["reason"] for row in three("relate", "list", "T001").data] == ["second"]
    assert three("show", "T001").data["version"] == 3
    assert three("show", "T002").data["version"] == 1


def test_removing_takes_one_type_or_all(three: Callable[..., Outcome]) -> None:
    for type_ in ("blocks", "fixes", "related"):
        three("relate", "add", "T001", "T002", "--type", type_)
    gone = three("relate", "remove", "T001", "T002", "--type", "fixes").data["removed"]
    assert [row["relationType"] for row in gone] == ["fixes"]
    gone = three("relate", "remove", "T001", "T002").data["removed"]
    assert [row["relationType"] for row in gone] == ["blocks", "related"]
    assert three("relate", "remove", "T001", "T002", "--json").code == 102
    assert three("relate", "list", "T001").data == []


def test_relations_never_affect_what_is_ready(three: Callable[..., Outcome]) -> None:
    three("relate", "add", "T001", "T002", "--type", "blocks")
    three("relate", "add", "T002", "T001", "--type", "blocks")
    assert three("ready").page["total"] == 3
    assert three("deps", "cycles").data["cycles"] == []


def test_each_change_is_one_audit_row_of_the_task_named_first(cleo_app: App) -> None:
    service = cleo_app.service("tasks")
    service.add("one")
    service.add("two")
    service.relate_add("T001", "T002", type="fixes", reason="because")
    service.relate_remove("T001", "T002")
    rows = cleo_app.store("tasks").read(
        "SELECT * FROM audit_log WHERE action LIKE 'task.relate%' ORDER BY id"
    )
    assert [(row["action"], row["entity_id"]) for row in rows] == [
        ("task.relate_add", "T001"),
        ("task.relate_remove", "T001"),
    ]
    relation = {"related_to": "T002", "relation_type": "fixes", "reason": "because"}
    assert json.loads(rows[0]["before_json"]) == {"relations": []}
    assert json.loads(rows[0]["after_json"]) == {"relations": [relation]}
    assert json.loads(rows[1]["after_json"]) == {"relations": []}


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(draft=projects(most=10), data=st.data())
def test_suggestions_are_the_unrelated_tasks_with_enough_in_common(
    cleo_app: App, cleo_project: Path, draft: dict[str, Any], data: st.DataObject
) -> None:
    if not draft["tasks"]:
        return
    write(cleo_project, draft)
    service = cleo_app.service("tasks")
    model = Model(cleo_project)
    id_ = data.draw(st.sampled_from(sorted(model.tasks)))
    me = model.tasks[id_]
    related = set()
    for other in data.draw(st.lists(st.sampled_from(sorted(model.tasks)), max_size=2)):
        if other != id_ and other not in related:
            first = data.draw(st.booleans())
            service.relate_add(*((id_, other) if first else (other, id_)))
            related.add(other)
    expected = []
    for other, row in model.tasks.items():
        if other == id_ or other in related or row["status"] == "archived":
            continue
        score = 20 * len(model.labels[id_] & model.labels[other])
        score += 15 if row["phase"] is not None and row["phase"] == me["phase"] else 0
        score += 25 if row["parent_id"] is not None and row["parent_id"] == me["parent_id"] else 0
        if score >= 50:
            expected.append((-score, row["seq"], other))
    expected.sort()
    found, page = service.relate_suggest(id_, limit=2, offset=1)
    assert page.total == len(expected)
    assert [(one.task.id, one.score) for one in found] == [
        (other, -score) for score, _, other in expected[1:3]
    ]
    for one in found:
        points = 20 * len(one.labels) + 15 * one.same_phase + 25 * one.same_parent
        assert points == one.score


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        (["add", "T001"], 2),
        (["add", "T001", "T001"], 6),
        (["add", "T001", "T099"], 4),
        (["add", "T099", "T001"], 4),
        (["add", "T001", "T002", "--type", "hates"], 6),
        (["add", "T001", "T002", "--reason", "\udcff"], 6),
        (["add", "T001", "T002", "--if-version", "5"], 21),
        (["add", "T001", "x' OR 1=1"], 2),
        (["remove", "T001", "T099"], 4),
        (["remove", "T001", "T002"], 102),
        (["remove", "T001", "T002", "--type", "hates"], 6),
        (["list", "T099"], 4),
        (["list", "T001", "--limit", "0"], 2),
        (["suggest", "T099"], 4),
        (["suggest", "nobody"], 2),
    ],
)
def test_bad_input_is_one_clear_error_and_changes_nothing(
    three: Callable[..., Outcome], cleo_project: Path, arguments: list[str], exit_code: int
) -> None:
    before = Model(cleo_project).tasks
    outcome = three("relate", *arguments, "--json")
    assert outcome.code == exit_code
    assert outcome.error["fix"]
    assert "Traceback" not in outcome.err
    assert Model(cleo_project).tasks == before


def test_a_relation_type_that_is_no_text_is_refused(cleo_app: App) -> None:
    service = cleo_app.service("tasks")
    service.add("one")
    service.add("two")
    for wrong in (7, None, ["related"]):
        with pytest.raises(CleoError) as refused:
            service.relate_add("T001", "T002", type=wrong)
        assert refused.value.exit == 6


def test_people_see_relations_and_suggestions(three: Callable[..., Outcome]) -> None:
    for id_ in ("T001", "T002"):
        three("update", id_, *(word for n in "abc" for word in ("--add-label", n)))
    assert "T002" in three("relate", "suggest", "T001", "--human").out
    assert (
        "T001 related T002 (why)"
        in three("relate", "add", "T001", "T002", "--reason", "why", "--human").out
    )
    assert "two" in three("relate", "list", "T001", "--human").out
    assert "No task is alike enough." in three("relate", "suggest", "T001", "--human").out
    assert "Removed" in three("relate", "remove", "T001", "T002", "--human").out
    assert three("relate", "list", "T001", "--quiet").out == ""


def test_hostile_reasons_come_back_byte_for_byte(three: Callable[..., Outcome]) -> None:
    reason = "a|b \"c\" 'd'\nline\t🧨 \u202e; DROP TABLE tasks"
    assert three("relate", "add", "T001", "T002", "--reason", reason).data["reason"] == reason
    assert three("relate", "list", "T001").data[0]["reason"] == reason


def test_no_statement_of_relations_scans_tasks(cleo_app: App) -> None:
    db = cleo_app.store("tasks")
    for name, statement in vars(store).items():
        if not name.isupper() or name.startswith("_"):
            continue
        names = dict.fromkeys(re.findall(r":([a-z_]+)", statement))
        plan = [row["detail"] for row in db.read(f"EXPLAIN QUERY PLAN {statement}", **names)]
        assert not [
            step for step in plan if re.match(r"SCAN (t|me|tasks|mine|theirs|task_\w+)\b", step)
        ], (name, plan)
