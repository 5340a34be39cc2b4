"""Tokens that are recorded beside the work of another verb."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cleo_core.app import App
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]
Open = Callable[..., App]

BESIDE = pytest.mark.guarantee(
    "tasks-26",
    "Tokens that cannot be recorded beside a command change neither its result nor exit.",
)


def broken(app: App, sql: str) -> None:
    app.write("tasks", lambda unit: unit.execute(sql))


@BESIDE
@pytest.mark.parametrize(
    "breaking",
    [
        "CREATE TRIGGER no_tokens BEFORE INSERT ON token_usage "
        "BEGIN SELECT RAISE(ABORT, 'no'); END",
        "DROP TABLE token_usage",
    ],
)
def test_a_failing_recorder_changes_no_exit_code(
    cleo_cli: Cli, cleo_open: Open, cleo_clock: Any, breaking: str
) -> None:
    app = cleo_open("ada")
    one, two = (app.service("tasks").instance_register("executor").id for _ in range(2))
    words = ("--input-tokens", "5", "--method", "otel")
    whole = cleo_cli("instance", "heartbeat", one, *words)
    broken(app, breaking)
    app.close()
    failing = cleo_cli("instance", "heartbeat", two, *words)
    assert (failing.code, whole.code) == (0, 0)
    assert {**failing.data, "id": one} == whole.data
    assert [one["code"] for one in failing.warnings] == ["W_TOKENS_NOT_RECORDED"]
    assert whole.warnings == []
    assert cleo_cli("instance", "show", two).data["status"] == "active"


NONSENSE: tuple[dict[str, Any], ...] = (
    {"input_tokens": -5},
    {"method": "otel"},
    {"input_tokens": 5, "task": "T999"},
    {"input_tokens": object()},
    {"nonsense": 5},
    {"input_tokens": 5, "metadata": {"x": object()}},
)


@BESIDE
def test_no_nonsense_about_tokens_keeps_a_heartbeat_from_being_taken(cleo_open: Open) -> None:
    app = cleo_open("ada")
    service = app.service("tasks")
    for usage in NONSENSE:
        id_ = service.instance_register("executor").id
        app.warnings.clear()
        assert service.instance_heartbeat(id_, usage=usage).accepted is True
        assert [one["code"] for one in app.warnings] == ["W_TOKENS_NOT_RECORDED"], usage
        assert service.instance_show(id_)[0].status == "active"
    assert service.token_list()[1].total == 0


@BESIDE
def test_a_full_disk_while_recording_leaves_the_heartbeat(
    cleo_cli: Cli, cleo_open: Open, cleo_faults: Any
) -> None:
    app = cleo_open("ada")
    id_ = app.service("tasks").instance_register("executor").id
    app.service("tasks").instance_heartbeat(id_)
    app.close()
    words = ("instance", "heartbeat", id_, "--input-tokens", "5")
    found = cleo_faults.statements(*words)
    commits = [number for number, sql in enumerate(found, 1) if sql == "COMMIT"]
    assert len(commits) == 2
    for number in range(commits[0] + 1, commits[1] + 1):
        with cleo_faults.raising_at(number):
            outcome = cleo_cli(*words)
        assert outcome.data["accepted"] is True
        assert [one["code"] for one in outcome.warnings] == ["W_TOKENS_NOT_RECORDED"]
    assert cleo_cli("token", "list").page["total"] == 1


def test_what_an_ended_instance_has_spent_counts_and_that_is_said(
    cleo_cli: Cli, cleo_open: Open
) -> None:
    id_ = cleo_open("ada").service("tasks").instance_register("executor").id
    cleo_cli("instance", "stop", id_)
    late = cleo_cli("instance", "heartbeat", id_, "--input-tokens", "77")
    assert late.data["accepted"] is False
    assert [one["code"] for one in late.warnings] == ["W_INSTANCE_ENDED"]
    (row,) = cleo_cli("token", "list").data
    assert (row["inputTokens"], row["agentId"]) == (77, "ada")

    refused = cleo_cli("instance", "heartbeat", id_, "--input-tokens=-1")
    assert (refused.code, refused.data["accepted"]) == (0, False)
    assert [one["code"] for one in refused.warnings] == ["W_TOKENS_NOT_RECORDED"]
    assert "done" not in refused.warnings[0]["message"]
    assert cleo_cli("token", "list").page["total"] == 1
    assert cleo_cli("instance", "heartbeat", id_).warnings == []


def test_a_heartbeat_records_what_its_instance_has_spent(cleo_open: Open) -> None:
    service = cleo_open("ada").service("tasks")
    service.add("x")
    id_ = service.instance_register("executor", task="T001").id
    nobody = cleo_open().service("tasks")
    nobody.instance_heartbeat(id_, usage={"input_tokens": 5, "request_id": "r", "model": "m"})
    nobody.instance_heartbeat(id_, usage={"input_tokens": 5, "request_id": "r", "model": "m"})
    (row,), page = service.token_list()
    assert page.total == 1
    assert (row.agent_id, row.task_id, row.transport) == ("ada", "T001", "agent")
