"""Adding with a key: whoever asks again gets the first answer, even after a kill."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Clock, Outcome, Processes

Cli = Callable[..., Outcome]
Open = Callable[..., App]

KILLED_BEFORE_OUTPUT = """
import os, signal, sys
from cleo_core.cli import main
from cleo_core.output import Output
Output.result = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
main(sys.argv[1:])
"""


def count(app: App, table: str) -> int:
    """Rows of a table."""
    return int(app.store("tasks").scalar(f"SELECT count(*) FROM {table}"))


@pytest.mark.guarantee(
    "tasks-25", "The same key with the same words gives the first task again and adds nothing"
)
def test_the_same_key_gives_the_first_result(cleo_cli: Cli, cleo_app: App) -> None:
    words = ("add", "x", "--label", "a", "--idempotency-key", "k1")
    first = cleo_cli(*words, agent="a1")
    second = cleo_cli(*words, agent="a2")
    assert second.data == first.data
    assert second.envelope["meta"]["replayed"] is True
    assert "replayed" not in first.envelope["meta"]
    assert (count(cleo_app, "tasks"), count(cleo_app, "audit_log")) == (1, 1)
    assert cleo_cli("add", "y").data["task"]["id"] == "T002"


@pytest.mark.guarantee("tasks-25", "The same key with other words is refused with exit 6")
@pytest.mark.parametrize(
    "words", [("y",), ("x", "--label", "b"), ("x", "--desc", "text"), ("x", "--allow-duplicate")]
)
def test_another_body_is_refused(cleo_cli: Cli, cleo_app: App, words: tuple[str, ...]) -> None:
    cleo_cli("add", "x", "--idempotency-key", "k1")
    outcome = cleo_cli("add", *words, "--idempotency-key", "k1")
    assert (outcome.code, outcome.error["code"]) == (6, "E_IDEMPOTENCY_MISMATCH")
    assert count(cleo_app, "tasks") == 1
    assert cleo_cli("add", *words, "--idempotency-key", "k2", "--allow-duplicate").code == 0


@pytest.mark.guarantee(
    "tasks-25", "A program killed after the write and before its answer loses and doubles nothing"
)
def test_a_kill_between_commit_and_output(
    cleo_cli: Cli, cleo_app: App, cleo_processes: Processes
) -> None:
    words = ("add", "x", "--acceptance", "a|b", "--idempotency-key", "k1")
    for _ in range(2):
        ((code, out, _),) = cleo_processes([[sys.executable, "-c", KILLED_BEFORE_OUTPUT, *words]])
        assert (code, out) == (-signal.SIGKILL, "")
        assert (count(cleo_app, "tasks"), count(cleo_app, "audit_log")) == (1, 1)
    answer = cleo_cli(*words, process=True)
    assert answer.data["task"]["id"] == "T001"
    assert answer.data["counts"]["acceptance"] == 1
    assert answer.envelope["meta"]["replayed"] is True
    assert count(cleo_app, "tasks") == 1


def test_many_at_once_with_one_key_add_one_task(cleo_app: App, cleo_processes: Processes) -> None:
    argv = [sys.executable, "-m", "cleo_core", "add", "x", "--idempotency-key", "k1", "--quiet"]
    ended = cleo_processes([argv] * 6)
    assert {(code, out) for code, out, _ in ended} == {(0, "T001\n")}, ended
    assert count(cleo_app, "tasks") == 1


def test_a_refused_add_keeps_no_key(cleo_cli: Cli, cleo_app: App) -> None:
    assert cleo_cli("add", "x", "--priority", "urgent", "--idempotency-key", "k1").code == 6
    assert cleo_cli("add", "x", "--idempotency-key", "k1", "--dry-run").code == 0
    assert count(cleo_app, "idempotency_keys") == 0
    assert cleo_cli("add", "x", "--idempotency-key", "k1").data["created"] is True


@pytest.mark.parametrize("key", ["", "k" * 201])
def test_a_key_has_1_to_200_characters(cleo_cli: Cli, cleo_app: App, key: str) -> None:
    assert cleo_cli("add", "x", "--idempotency-key", key).code == 2
    assert count(cleo_app, "tasks") == 0


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    key=st.text(min_size=1, max_size=200),
    title=st.text(min_size=1, max_size=40),
)
def test_any_key_works_or_is_refused_clearly(cleo_app: App, key: str, title: str) -> None:
    tasks = cleo_app.service("tasks")

    def attempt() -> tuple[str | None, int]:
        try:
            added = tasks.add(title, allow_duplicate=True, idempotency_key=f"{key}"[:200])
        except CleoError as error:
            return None, error.exit
        return added.task.id, 0

    first, code = attempt()
    before = count(cleo_app, "tasks")
    assert code in (0, 2, 6)
    assert attempt() == (first, code)
    assert count(cleo_app, "tasks") == before


@pytest.mark.parametrize("key", ["\0", "a\0b", "\ud800", "a\nb"])
def test_a_key_that_cannot_be_stored_as_it_is_is_refused(cleo_app: App, key: str) -> None:
    with pytest.raises(CleoError) as refused:
        cleo_app.service("tasks").add("x", idempotency_key=key)
    assert refused.value.exit == 2
    assert count(cleo_app, "tasks") == 0


def test_a_key_is_free_again_after_its_lifetime(
    cleo_cli: Cli, cleo_project: Path, cleo_clock: Clock
) -> None:
    words = ("add", "x", "--idempotency-key", "k1", "--allow-duplicate")
    assert cleo_cli(*words).data["task"]["id"] == "T001"
    cleo_clock.advance(29 * 86400)
    assert cleo_cli(*words).data["task"]["id"] == "T001"
    cleo_clock.advance(2 * 86400)
    assert cleo_cli(*words).data["task"]["id"] == "T002"
