"""``instance register | heartbeat | list | show | error | stop | reap``."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome
from cleo_tasks.enums import INSTANCE_RUNNING, INSTANCE_STATUS
from cleo_tasks.service.error_kinds import kind_of

Cli = Callable[..., Outcome]
Open = Callable[..., App]


@pytest.fixture
def ada(cleo_open: Open) -> Any:
    """The tasks service, used by the agent ada."""
    return cleo_open("ada").service("tasks")


def refused(call: Callable[..., Any], *args: Any, **options: Any) -> CleoError:
    with pytest.raises(CleoError) as caught:
        call(*args, **options)
    return caught.value


def logged(service: Any, id_: str) -> list[tuple[str, Any, Any]]:
    """Audit rows of one instance, oldest first."""
    rows = [row for row in service.log_list(limit=200)[0] if row["entityId"] == id_]
    return [(row["action"], row["before"], row["after"]) for row in reversed(rows)]


# Registering


def test_an_instance_is_registered_with_all_that_is_known_of_it(ada: Any) -> None:
    ada.add("x")
    session = ada.session_start().id
    parent = ada.instance_register("orchestrator")
    found = ada.instance_register(
        "executor", task="1", parent=parent.id, capacity=0.25, metadata={"shell": "zsh"}
    )
    assert (found.agent_id, found.agent_type, found.status) == ("ada", "executor", "starting")
    assert (found.task_id, found.session_id) == ("T001", session)
    assert (found.parent_instance_id, found.capacity) == (parent.id, 0.25)
    assert (found.pid, bool(found.host)) == (os.getpid(), True)
    assert (found.metadata, found.live) == ({"shell": "zsh"}, True)
    assert (found.heartbeat_seconds, found.stale_seconds) == (30, 180)
    (shown,) = ada.instance_show(found.id)
    assert (shown.metadata, shown.parent_instance_id) == ({"shell": "zsh"}, parent.id)
    ((action, before, after),) = logged(ada, found.id)
    assert (action, before) == ("instance.register", None)
    assert after["agent_id"] == "ada"


def test_ids_are_unique_and_sort_by_time(ada: Any, cleo_clock: Any) -> None:
    cleo_clock.set("2026-03-25T14:30:15.000Z")
    ids = []
    for _ in range(20):
        ids.append(ada.instance_register("custom").id)
        cleo_clock.advance(1)
    assert ids == sorted(set(ids))
    assert ids[0].startswith("agt_20260325143015_")
    assert [one.id for one in ada.instance_list(limit=50)[0]] == ids[::-1]


def test_the_rhythm_comes_from_the_configuration_and_a_wrong_one_is_told(
    cleo_cli: Cli, cleo_open: Open
) -> None:
    cleo_open()
    for name, value in (("heartbeat_seconds", "10"), ("stale_seconds", "5")):
        assert cleo_cli("config", "set", f"tasks.agents.{name}", value).code == 0
    found = cleo_cli("instance", "register", "--type", "custom", agent="ada")
    assert (found.data["heartbeatSeconds"], found.data["staleSeconds"]) == (10, 5)
    assert "W_HEARTBEAT_TOO_SLOW" in [one["code"] for one in found.warnings]
    assert cleo_cli("config", "set", "tasks.agents.heartbeat_seconds", "--", "0").code == 0
    refusal = cleo_cli("instance", "register", "--type", "custom", agent="ada")
    assert refusal.error["code"] == "E_CONFIG"
    assert refusal.error["fix"] == "cleo config unset tasks.agents.heartbeat_seconds"
    assert cleo_cli("instance", "list").page["total"] == 1


BAD_REGISTRATIONS: tuple[tuple[dict[str, Any], int], ...] = (
    ({"type": "dragon"}, 6),
    ({"type": None}, 2),
    ({"type": ["executor"]}, 6),
    ({"capacity": 1.01}, 6),
    ({"capacity": -0.1}, 6),
    ({"capacity": float("nan")}, 6),
    ({"capacity": "1"}, 6),
    ({"capacity": True}, 6),
    ({"pid": 0}, 6),
    ({"pid": -7}, 6),
    ({"pid": 2**40}, 6),
    ({"pid": 1.5}, 6),
    ({"host": ""}, 6),
    ({"host": "a\nb"}, 6),
    ({"host": "x" * 256}, 6),
    ({"host": "\ud800"}, 6),
    ({"task": "T099"}, 4),
    ({"task": "nonsense"}, 2),
    ({"task": 5.5}, 2),
    ({"parent": "agt_none"}, 4),
    ({"parent": "a\0b"}, 4),
    ({"parent": 7}, 4),
    ({"metadata": [1]}, 6),
    ({"metadata": {"x": object()}}, 6),
    ({"capacity": 7, "pid": -1}, 6),
)


def test_what_cannot_be_registered_is_one_error_and_no_row(ada: Any) -> None:
    for values, exit_code in BAD_REGISTRATIONS:
        error = refused(ada.instance_register, **{"type": "executor", **values})
        assert (error.exit, bool(error.fix)) == (exit_code, True), values
    assert ada.instance_list()[1].total == 0
    assert ada.log_list()[1].total == 0


def test_an_instance_is_some_agents(cleo_app: App) -> None:
    error = refused(cleo_app.service("tasks").instance_register, "executor")
    assert (error.code, error.exit) == ("E_AGENT_REQUIRED", 2)


def test_the_command_line_records_the_process_that_called_it(
    cleo_cli: Cli, cleo_project: Path
) -> None:
    words = ("instance", "register", "--type", "executor", "--idempotency-key", "k")
    first = cleo_cli(*words, agent="ada", process=True).data
    assert (first["pid"], first["agentId"]) == (os.getpid(), "ada")
    # The same registration again, from another process.
    again = cleo_cli(*words, agent="ada")
    assert again.data == first
    assert again.envelope["meta"]["replayed"] is True
    other = cleo_cli(*words, "--capacity", "0.5", agent="ada")
    assert other.error["code"] == "E_IDEMPOTENCY_MISMATCH"
    given_ = cleo_cli(*words[:4], "--pid", "77", "--host", "[red]box", agent="ada").data
    assert (given_["pid"], given_["host"]) == (77, "[red]box")
    assert "[red]box" in cleo_cli("instance", "show", given_["id"], "--human").out
    would = cleo_cli(*words[:4], "--dry-run", agent="ada").data
    assert would["id"] == "agt_???"
    assert cleo_cli("instance", "list").page["total"] == 2


# Signs of life


def test_the_first_heartbeat_makes_an_instance_active(ada: Any, cleo_clock: Any) -> None:
    id_ = ada.instance_register("executor").id
    cleo_clock.advance(10)
    first = ada.instance_heartbeat(id_)
    assert (first.accepted, first.status) == (True, "active")
    cleo_clock.advance(10)
    second = ada.instance_heartbeat(id_)
    assert second.last_heartbeat_at > first.last_heartbeat_at
    # A heartbeat that changes nothing but its time leaves no row in the log.
    assert logged(ada, id_)[1:] == [
        ("instance.heartbeat", {"status": "starting"}, {"status": "active"})
    ]


def test_a_heartbeat_is_activity_in_the_session(ada: Any, cleo_clock: Any) -> None:
    session = ada.session_start()
    id_ = ada.instance_register("executor").id
    ada.instance_heartbeat(id_)
    cleo_clock.advance(60)
    ada.instance_heartbeat(id_)
    assert ada.session_show(session.id).last_activity_at > session.last_activity_at


def test_a_heartbeat_reports_status_task_and_capacity(ada: Any) -> None:
    ada.add("x")
    id_ = ada.instance_register("executor").id
    for status in ("idle", "error", "active"):
        assert ada.instance_heartbeat(id_, status=status).status == status
    ada.instance_heartbeat(id_, status="idle")
    assert ada.instance_heartbeat(id_).status == "idle"
    found = ada.instance_heartbeat(id_, task="T001", capacity=0)
    assert (found.task_id, found.capacity) == ("T001", 0.0)
    assert ada.instance_heartbeat(id_, task="none").task_id is None
    for values, exit_code in (
        ({"status": "stopped"}, 6),
        ({"task": "T9"}, 4),
        ({"task": "x"}, 2),
        ({"capacity": 2}, 6),
    ):
        assert refused(ada.instance_heartbeat, id_, **values).exit == exit_code
    assert refused(ada.instance_heartbeat, "agt_none").exit == 4


def test_an_ended_instance_beats_no_more(ada: Any, cleo_clock: Any) -> None:
    stopped, crashed = (ada.instance_register("executor").id for _ in range(2))
    ada.instance_stop(stopped)
    cleo_clock.advance(181)
    ada.instance_reap()
    before = ada.instance_show(stopped, crashed)
    rows = ada.log_list()[1].total
    for id_, status in ((stopped, "stopped"), (crashed, "crashed")):
        found = ada.instance_heartbeat(id_, status="active", capacity=0.5)
        assert (found.accepted, found.status, found.live) == (False, status, False)
    assert ada.instance_show(stopped, crashed) == before
    assert ada.log_list()[1].total == rows


def test_stopping_is_idempotent(ada: Any, cleo_clock: Any) -> None:
    id_ = ada.instance_register("executor").id
    first = ada.instance_stop(id_)
    cleo_clock.advance(5)
    again = ada.instance_stop(id_)
    assert (first.status, first.changed, again.changed) == ("stopped", True, False)
    assert again.stopped_at == first.stopped_at
    assert [action for action, *_ in logged(ada, id_)] == ["instance.register", "instance.stop"]
    assert refused(ada.instance_stop, "agt_none").exit == 4


MOVES = ("heartbeat", "idle", "error-status", "stop", "reap", "error", "wait")


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(moves=st.lists(st.sampled_from(MOVES), max_size=8))
def test_no_sequence_of_verbs_brings_an_ended_instance_back(
    ada: Any, cleo_clock: Any, moves: list[str]
) -> None:
    id_ = ada.instance_register("executor").id
    expected, silent = "starting", 0
    for move in moves:
        running = expected in INSTANCE_RUNNING
        if move in ("heartbeat", "idle", "error-status"):
            status = {"idle": "idle", "error-status": "error"}.get(move)
            assert ada.instance_heartbeat(id_, status=status).accepted is running
            if running:
                silent = 0
                expected = status or ("active" if expected == "starting" else expected)
        elif move == "stop":
            assert ada.instance_stop(id_).changed is running
            expected = "stopped" if running else expected
        elif move == "reap":
            ada.instance_reap()
            expected = "crashed" if running and silent else expected
        elif move == "error":
            ada.instance_error(id_, "boom")
        else:
            cleo_clock.advance(181)
            silent = 1
        (found,) = ada.instance_show(id_)
        assert found.status == expected in INSTANCE_STATUS
        assert found.live is (expected in INSTANCE_RUNNING and not silent)
        assert (found.stopped_at is not None) is (expected not in INSTANCE_RUNNING)


# Errors


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Request timed out after 30s", "retriable"),
        ("TimeoutError", "retriable"),
        ("E_LOCK_TIMEOUT: another process held the lock", "retriable"),
        ("database is locked", "retriable"),
        ("the server is busy, try later", "retriable"),
        ("ConnectionResetError: [Errno 104] Connection reset by peer", "retriable"),
        ("connect ECONNREFUSED 127.0.0.1:8080", "retriable"),
        ("HTTP 429", "retriable"),
        ("429 Too Many Requests", "retriable"),
        ("RateLimitError: rate limit exceeded", "retriable"),
        ("HTTP/1.1 503 Service Unavailable", "retriable"),
        ("server answered 500", "retriable"),
        ("status code 502", "retriable"),
        ('{"status": 504}', "retriable"),
        ("408 Request Timeout", "retriable"),
        ("AuthenticationError: invalid x-api-key", "permanent"),
        ("authentication failed", "permanent"),
        ("HTTP 401", "permanent"),
        ("403 Forbidden", "permanent"),
        ("status: 404", "permanent"),
        ("error code: 422", "permanent"),
        ("404 Client Error: Not Found for url", "permanent"),
        ("E_NOT_FOUND: there is no task T099", "permanent"),
        ("FileNotFoundError: [Errno 2] No such file or directory", "permanent"),
        ("400 Bad Request", "permanent"),
        ("KeyError: 'x'", "unknown"),
        ("failed at line 404 of 503", "unknown"),
        ("wrote 429 files", "unknown"),
        ("business logic", "unknown"),
        ("?", "unknown"),
    ],
)
def test_an_error_says_itself_whether_it_may_pass(text: str, kind: str) -> None:
    assert kind_of(text) == kind


def test_errors_are_counted_and_leave_the_status(ada: Any) -> None:
    id_ = ada.instance_register("executor").id
    ada.instance_heartbeat(id_)
    for number, (text, kind) in enumerate(
        (("HTTP 503", "retriable"), ("HTTP 503", "retriable"), ("HTTP 401", "permanent")), 1
    ):
        found = ada.instance_error(id_, text)
        assert (found.status, found.error_count) == ("active", number)
        assert (found.last_error, found.last_error_kind) == (text, kind)
    assert logged(ada, id_)[3] == ("instance.error", {"error_count": 1}, {"error_count": 2})
    for text, exit_code in (("", 6), (" ", 6), ("x" * 4001, 6), ("a\0b", 6), (5, 6)):
        assert refused(ada.instance_error, id_, text).exit == exit_code
    assert refused(ada.instance_error, "agt_none", "x").exit == 4


def test_a_key_in_an_error_is_not_kept(ada: Any, cleo_project: Path) -> None:
    id_ = ada.instance_register("executor").id
    found = ada.instance_error(id_, "HTTP 401: invalid key sk_live_0123456789abcdef refused")
    assert (found.last_error_kind, found.last_error) == (
        "permanent",
        "HTTP 401: invalid key sk_*** refused",
    )
    for path in cleo_project.rglob("*"):
        if path.is_file():
            assert b"0123456789abcdef" not in path.read_bytes(), path


def test_a_password_in_an_error_is_not_kept(ada: Any, cleo_project: Path) -> None:
    id_ = ada.instance_register("executor").id
    found = ada.instance_error(id_, "HTTP 401 for https://u:pw9@h password: hunter2")
    assert found.last_error == "HTTP 401 for https://***@h password: ***"
    for path in cleo_project.rglob("*"):
        if path.is_file():
            assert not re.search(rb"pw9|hunter2", path.read_bytes()), path


# The crashed


def test_a_killed_process_is_found_by_its_silence(
    cleo_cli: Cli, cleo_open: Open, cleo_clock: Any
) -> None:
    ada, bob = (cleo_open(name).service("tasks") for name in ("ada", "bob"))
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        id_ = ada.instance_register("executor", pid=process.pid).id
        alive = bob.instance_register("executor").id
        ada.instance_heartbeat(id_)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    cleo_clock.advance(180)
    bob.instance_heartbeat(alive)
    assert cleo_cli("instance", "reap").data == {"crashed": [], "released": []}
    cleo_clock.advance(0.001)

    would = cleo_cli("instance", "reap", "--dry-run").data
    assert [one["id"] for one in would["crashed"]] == [id_]
    assert ada.instance_show(id_)[0].status == "active"
    (crashed,) = cleo_cli("instance", "reap").data["crashed"]

    assert (crashed["id"], crashed["status"], crashed["pid"]) == (id_, "crashed", process.pid)
    assert ada.instance_heartbeat(id_).accepted is False
    assert bob.instance_show(alive)[0].live
    assert logged(ada, id_)[-1] == (
        "instance.reap",
        {"status": "active", "stopped_at": None},
        {"status": "crashed", "stopped_at": crashed["stoppedAt"]},
    )


def test_the_threshold_is_the_configured_one_for_everybody_or_the_given_one(
    cleo_cli: Cli, ada: Any, cleo_clock: Any
) -> None:
    cleo_cli("config", "set", "tasks.agents.stale_seconds", "60")
    id_ = cleo_cli("instance", "register", "--type", "executor", agent="ada").data["id"]
    cleo_clock.advance(59)
    assert cleo_cli("instance", "reap").data["crashed"] == []
    assert cleo_cli("instance", "list").data[0]["live"] is True
    cleo_clock.advance(2)
    assert cleo_cli("instance", "show", id_).data["live"] is False
    assert "(silent)" in cleo_cli("instance", "list", "--human").out
    for age, found in (("2m", 0), ("90", 0), ("61s", 0), ("60", 1)):
        words = ("instance", "reap", "--stale", age, "--dry-run")
        assert len(cleo_cli(*words).data["crashed"]) == found, age
    for age in ("soon", "-5", "", "nan"):
        assert cleo_cli("instance", "reap", f"--stale={age}").error["exit"] == 2, age


def test_a_reap_gives_back_what_the_crashed_held(cleo_open: Open, cleo_clock: Any) -> None:
    ada, bob = (cleo_open(name).service("tasks") for name in ("ada", "bob"))
    for number, service in enumerate((ada, ada, bob), 1):
        service.add(f"task {number}")
        service.claim(f"T{number:03d}", start=number == 1)
    crashing = ada.instance_register("executor", task="T001").id
    bob.instance_register("executor")
    cleo_clock.advance(181)
    bob.instance_heartbeat(bob.instance_list(of_agent="bob")[0][0].id)

    kept = ada.instance_reap()
    assert kept.released == []
    assert [task.assignee for task in ada.show("T001", "T002")] == ["ada", "ada"]
    # Reaped already: an instance is found once.
    assert bob.instance_reap(release=True).crashed == []

    crashing = ada.instance_register("executor", task="T001").id
    cleo_clock.advance(181)
    bob.instance_heartbeat(bob.instance_list(of_agent="bob")[0][0].id)
    bob.app.warnings.clear()
    result = bob.instance_reap(release=True)

    assert [one.id for one in result.crashed] == [crashing]
    assert result.released == ["T001", "T002"]
    assert [task.assignee for task in bob.show("T001", "T002", "T003")] == [None, None, "bob"]
    assert [one["code"] for one in bob.app.warnings] == ["W_STILL_ACTIVE"]
    row = bob.log_list(task="T002")[0][0]
    assert (row["action"], row["before"]["assignee"], row["reason"]) == (
        "instance.reap",
        "ada",
        "its agent's instance crashed",
    )


def test_an_agent_that_goes_on_in_another_instance_keeps_what_that_may_work_on(
    cleo_open: Open, cleo_clock: Any
) -> None:
    app = cleo_open("ada")
    ada = app.service("tasks")
    for number in (1, 2, 3):
        ada.claim(ada.add(f"task {number}").task.id)
    ada.instance_register("executor", task="T001")
    ada.instance_register("executor", task="T002")
    cleo_clock.advance(181)
    ada.instance_register("executor", task="T002")
    app.warnings.clear()
    result = ada.instance_reap(release=True)
    assert (len(result.crashed), result.released) == (2, ["T001"])
    assert [task.assignee for task in ada.show("T001", "T002", "T003")] == [None, "ada", "ada"]
    assert [one["code"] for one in app.warnings] == ["W_CLAIMS_KEPT"]


def test_a_live_instance_keeps_its_agents_claims_from_being_stale(
    cleo_open: Open, cleo_clock: Any
) -> None:
    ada = cleo_open("ada").service("tasks")
    ada.claim(ada.add("x").task.id)
    id_ = ada.instance_register("executor").id
    cleo_clock.advance(25 * 3600)
    ada.instance_heartbeat(id_)
    assert ada.unclaim(stale=True).released == []
    cleo_clock.advance(181)
    assert [one.id for one in ada.unclaim(stale=True).released] == ["T001"]


def test_a_completed_task_counts_for_the_live_instance_on_it(ada: Any, cleo_clock: Any) -> None:
    ada.add("x")
    old = ada.instance_register("executor", task="T001").id
    cleo_clock.advance(181)
    new = ada.instance_register("executor", task="T001").id
    other = ada.instance_register("executor").id
    ada.complete("T001")
    counts = [one.total_tasks_completed for one in ada.instance_show(old, new, other)]
    assert counts == [0, 1, 0]


# Lists, and whoever the instances are of


def test_lists_are_narrowed_and_paged(cleo_cli: Cli, cleo_open: Open) -> None:
    ada, bob = (cleo_open(name).service("tasks") for name in ("ada", "bob"))
    ada.add("x")
    lead = ada.instance_register("orchestrator").id
    worker = bob.instance_register("executor", parent=lead, task="T001").id
    ada.instance_heartbeat(lead)
    for words, ids in (
        ((), [worker, lead]),
        (("--status", "active"), [lead]),
        (("--status", "active", "--status", "starting"), [worker, lead]),
        (("--type", "executor"), [worker]),
        (("--parent", lead), [worker]),
        (("--task", "1"), [worker]),
        (("--of-agent", "ada"), [lead]),
        (("--of-agent", "nobody"), []),
        (("--limit", "1", "--offset", "1"), [lead]),
    ):
        outcome = cleo_cli("instance", "list", *words)
        assert [one["id"] for one in outcome.data] == ids, words
    assert cleo_cli("instance", "list", "--limit", "1").page["hasMore"] is True
    assert cleo_cli("instance", "list", "--task", "T9").error["exit"] == 4
    assert cleo_cli("instance", "list", "--parent", "agt_x").error["exit"] == 4
    assert cleo_cli("instance", "show", lead, "agt_x").error["exit"] == 4
    both = cleo_cli("instance", "show", lead, worker)
    assert [one["id"] for one in both.data] == [lead, worker]


def test_the_commands_for_people(cleo_cli: Cli, cleo_project: Path, cleo_clock: Any) -> None:
    assert cleo_cli("instance", "list", "--human").out == "No instances.\n"
    register = ("instance", "register", "--type", "executor", "--human", "--agent", "[b]ada")
    assert "of [b]ada is starting" in cleo_cli(*register).out
    id_ = cleo_cli("instance", "list", "--quiet").out.strip()
    assert cleo_cli("instance", "heartbeat", id_, "--human").out == f"{id_} is active.\n"
    assert "error 1, unknown" in cleo_cli("instance", "error", id_, "[b]x", "--human").out
    assert "the last unknown: [b]x" in cleo_cli("instance", "show", id_, "--human").out
    assert "No instance was silent" in cleo_cli("instance", "reap", "--human").out
    cleo_clock.advance(181)
    assert "would be crashed" in cleo_cli("instance", "reap", "--dry-run", "--human").out
    assert "is crashed" in cleo_cli("instance", "reap", "--human").out
    assert "not accepted" in cleo_cli("instance", "heartbeat", id_, "--human").out
    assert "crashed already" in cleo_cli("instance", "stop", id_, "--human").out


def test_a_deleted_agents_instances_stay_and_name_nobody(ada: Any) -> None:
    from cleo_core.references import clean

    one = ada.instance_register("executor").id
    reference = ada.app.plugins.references["agent_instances.agent_id"]
    ada.app.write("tasks", lambda unit: clean(unit, [reference], ["ada", "bob"]))
    assert ada.instance_show(one)[0].agent_id is None
    assert logged(ada, one)[1:] == [
        ("instance.forget_agent", {"agent_id": "ada"}, {"agent_id": None})
    ]
