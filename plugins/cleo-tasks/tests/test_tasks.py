"""``add``, ``show``, ``list``, ``exists``: what comes back, and what is asked for wrongly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import App
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]


def codes(outcome: Outcome) -> list[str]:
    return [one["code"] for one in outcome.warnings]


def test_the_same_task_again_says_what_it_does_not_have(cleo_cli: Cli, cleo_project: Path) -> None:
    cleo_cli("add", "other")
    first = cleo_cli("add", "dup", "--label", "kept", "--note", "n").data
    again = cleo_cli(
        *("add", "dup", "--label", "kept", "--label", "x", "--acceptance", "y", "--note", "n"),
        *("--priority", "high", "--size", "small", "--depends", "T001", "--type", "task"),
    )
    assert (again.data["created"], again.data["duplicateOf"]) == (False, "T002")
    assert again.data["task"] == first["task"]
    assert again.data["counts"] == first["counts"]
    assert codes(again) == ["W_DUPLICATE"]
    message = again.warnings[0]["message"]
    for name in ("labels", "acceptance", "priority", "size", "dependsOn"):
        assert name in message
    assert "notes" not in message
    assert "type" not in message


def test_the_same_words_again_are_no_reason_for_a_warning(
    cleo_cli: Cli, cleo_project: Path
) -> None:
    words = ("add", "dup", "--label", "a", "--acceptance", "y", "--priority", "2", "--note", "n")
    words += ("--metadata", '{"k": [1]}', "--stage", "spec", "--status", "proposed")
    first = cleo_cli(*words)
    again = cleo_cli(*words)
    assert again.data["duplicateOf"] == "T001"
    assert again.data["counts"] == first.data["counts"]
    assert codes(again) == []


@pytest.mark.parametrize("verbs", [["complete"], ["cancel"], ["delete"], ["complete", "archive"]])
def test_a_closed_task_is_no_duplicate(cleo_cli: Cli, cleo_project: Path, verbs: list[str]) -> None:
    cleo_cli("add", "dup")
    for verb in verbs:
        assert cleo_cli(verb, "T001").code == 0
    assert cleo_cli("add", "dup").data["task"]["id"] == "T002"


def test_exists_answers_by_its_exit_too(cleo_cli: Cli, cleo_project: Path) -> None:
    cleo_cli("add", "x")
    there, missing = cleo_cli("exists", "T001"), cleo_cli("exists", "T999")
    assert (there.code, there.data) == (0, {"exists": True})
    assert (missing.code, missing.envelope["data"]) == (4, {"exists": False})
    assert missing.envelope["success"] is True


def test_the_shape_follows_from_how_many_ids_are_named(cleo_cli: Cli, cleo_project: Path) -> None:
    cleo_cli("add", "x")
    assert cleo_cli("show", "T001").data["id"] == "T001"
    assert [task["id"] for task in cleo_cli("show", "T1", "t1").data] == ["T001"]
    assert [row["id"] for row in cleo_cli("log", "show", "1", "1").data] == [1]
    done = cleo_cli("complete", "T1", "t1").data
    assert [one["task"]["id"] for one in done] == ["T001"]


FILTERS = ("parent", "label", "phase", "assignee", "since", "status", "priority", "stage")


@pytest.mark.parametrize("value", ["", " ", "no such\tvalue"])
@pytest.mark.parametrize(
    ("verb", "options"),
    [
        ("list", (*FILTERS, "type", "role")),
        ("next", ("label", "phase", "type", "role", "priority")),
        ("ready", ("label", "phase", "type", "role", "priority")),
        ("claim --next", ("label", "phase", "type", "role", "priority")),
        ("claim --next --resume", ("label", "phase", "type", "role", "priority")),
        ("find x", ("in", "status")),
        ("session list", ("status",)),
        ("log list", ("task", "since", "before")),
        ("export", ("status", "within")),
        ("tree --depth", ("open",)),
    ],
)
def test_a_filter_that_can_match_nothing_is_refused(
    cleo_cli: Cli, cleo_open: Callable[..., App], verb: str, options: tuple[str, ...], value: str
) -> None:
    cleo_open("ada").service("tasks").claim(cleo_open().service("tasks").add("x").task.id)
    for option in options:
        if option == "assignee" and value.strip():
            continue
        outcome = cleo_cli(*verb.split(), f"--{option}", value, agent="ada")
        assert outcome.code == 2, repr(outcome)
        assert outcome.error["fix"]


def test_the_stages_of_closed_tasks_can_be_listed(cleo_cli: Cli, cleo_project: Path) -> None:
    for title, verb in (("a", "complete"), ("b", "cancel")):
        cleo_cli(verb, cleo_cli("add", title).data["task"]["id"])
    for stage, id_ in (("contribution", "T001"), ("cancelled", "T002")):
        assert [one["id"] for one in cleo_cli("list", "--stage", stage).data] == [id_]


@pytest.mark.parametrize(
    ("words", "warned"),
    [
        (("find", ""), True),
        (("find", "  "), True),
        (("find", "* ( ) - :"), True),
        (("find", "", "--exact"), True),
        (("find", "***", "--exact"), False),
        (("find", "nothing"), False),
        (("find", "a-b"), False),
        (("find", "!!"), False),
    ],
)
def test_a_query_without_a_word_finds_nothing_and_says_why(
    cleo_cli: Cli, cleo_project: Path, words: tuple[str, ...], warned: bool
) -> None:
    cleo_cli("add", "!!")
    outcome = cleo_cli(*words)
    assert outcome.code == 0
    assert bool(outcome.data) == (words[1] == "!!")
    assert codes(outcome) == (["W_NOTHING_TO_SEARCH"] if warned else [])


def configured(cleo_cli: Cli, name: str, value: Any) -> None:
    assert cleo_cli("config", "set", f"tasks.{name}", "--", str(value)).code == 0


@pytest.mark.parametrize(
    ("name", "value", "least", "words"),
    [
        ("list.limit", 0, 1, ("list",)),
        ("list.limit", -1, 1, ("ready",)),
        ("find.limit", -5, 1, ("find", "x")),
        ("hierarchy.max_depth", -1, 1, ("add", "y")),
        ("hierarchy.max_siblings", -1, 0, ("add", "y", "--parent", "T001")),
        ("hierarchy.max_active_siblings", -1, 0, ("add", "y", "--parent", "T001")),
        ("add.duplicate_window_seconds", -1, 0, ("add", "y")),
        ("acceptance.min", -1, 0, ("add", "y")),
        ("session.stale_hours", -24, 0, ("session", "gc")),
        ("claims.stale_hours", -1, 0, ("unclaim", "--stale")),
        ("agents.stale_seconds", -1, 0, ("unclaim", "--stale")),
        ("verification.max_rounds", 0, 1, ("complete", "T001")),
    ],
)
def test_a_setting_out_of_range_is_named_with_its_remedy(
    cleo_cli: Cli, cleo_app: App, name: str, value: int, least: int, words: tuple[str, ...]
) -> None:
    cleo_app.service("tasks").add("x")
    cleo_app.write(
        "tasks",
        lambda unit: unit.execute(
            "INSERT INTO task_gate_results (task_id, gate, result, round, evidence_json, "
            "checked_at) VALUES ('T001', 'implemented', 'pass', 1, '[]', :now)",
            now=unit.now,
        ),
    )
    configured(cleo_cli, "acceptance.mode", "warn")
    configured(cleo_cli, "verification.mode", "warn")
    configured(cleo_cli, name, value)

    refused = cleo_cli(*words)

    assert refused.error == {
        "code": "E_CONFIG",
        "exit": 8,
        "message": f"tasks.{name} is {value}; it is at least {least}.",
        "fix": f"cleo config unset tasks.{name}",
        **({"details": refused.error["details"]} if "details" in refused.error else {}),
    }
    assert cleo_cli(*refused.error["fix"].split()[1:]).code == 0
    assert cleo_cli(*words).code == 0


@pytest.mark.parametrize(
    "words", [("list",), ("add", "y"), ("session", "gc"), ("unclaim", "--stale")]
)
def test_a_huge_setting_means_without_end(
    cleo_cli: Cli, cleo_project: Path, words: tuple[str, ...]
) -> None:
    for name in ("list.limit", "hierarchy.max_depth", "add.duplicate_window_seconds"):
        configured(cleo_cli, name, 10**15)
    for name in ("session.stale_hours", "claims.stale_hours", "agents.stale_seconds"):
        configured(cleo_cli, name, 10**15)
    assert cleo_cli(*words).code == 0
