"""``token record | summary | list | show | estimate | delete``."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome
from cleo_tasks.enums import TOKEN_CONFIDENCE
from cleo_tasks.service.counting import count

Cli = Callable[..., Outcome]
Open = Callable[..., App]

#: What gives each confidence.
SOURCES: dict[str, dict[str, Any]] = {
    "real": {"input_tokens": 100, "output_tokens": 20, "method": "provider_api"},
    "high": {"input_tokens": 90, "output_tokens": 20, "method": "tokenizer"},
    "estimated": {"input_content": "x" * 320, "output_content": "y" * 80},
    "coarse": {"input_tokens": 70, "output_tokens": 20},
}
TOTALS = {"real": 120, "high": 110, "estimated": 100, "coarse": 90}
ONCE = pytest.mark.guarantee(
    "tasks-26", "A request whose tokens are recorded twice counts once, by the better source."
)


@pytest.fixture
def tasks(cleo_app: App) -> Any:
    service = cleo_app.service("tasks")
    service.add("The parser")
    service.add("The printer")
    return service


def refused(call: Callable[..., Any], *args: Any, **options: Any) -> CleoError:
    with pytest.raises(CleoError) as caught:
        call(*args, **options)
    return caught.value


# Methods and confidences


def test_a_number_is_worth_what_its_source_is(tasks: Any) -> None:
    for method, confidence in (
        ("otel", "real"),
        ("provider_api", "real"),
        ("tokenizer", "high"),
        ("heuristic", "estimated"),
        (None, "coarse"),
    ):
        row = tasks.token_record(input_tokens=12, output_tokens=3, method=method)
        assert (row.method, row.confidence) == (method or "heuristic", confidence)
        assert (row.input_tokens, row.output_tokens, row.total_tokens) == (12, 3, 15)
        assert (row.input_chars, row.request_hash) == (0, None)


@pytest.mark.parametrize(
    ("content", "chars", "tokens", "confidence"),
    [
        ("", 0, 0, "estimated"),
        ("abcd", 4, 1, "estimated"),
        ("abcde", 5, 2, "estimated"),
        ("naïve 🙂", 7, 2, "estimated"),
        ('{"a": 1}', 8, 3, "estimated"),
        ("[1, 2, 3, 4, 5]", 15, 5, "estimated"),
        ('{"a": 1}\n{"b": 2}\n', 18, 6, "estimated"),
        ("{not json at all", 16, 4, "estimated"),
        ('"a string is text"', 18, 5, "estimated"),
        ("[" * 5000, 5000, 1250, "estimated"),
        (b"\xff\xfe\x00\x01" * 10, 40, 10, "coarse"),
    ],
)
def test_characters_are_counted_by_what_they_are(
    content: Any, chars: int, tokens: int, confidence: str
) -> None:
    found = count(content)
    assert (found.chars, found.tokens, found.confidence) == (chars, tokens, confidence)
    data = content if isinstance(content, bytes) else content.encode()
    assert found.digest == hashlib.sha256(data).hexdigest()[:16]


def test_the_best_source_of_each_side_is_taken_and_the_weaker_side_names_the_whole(
    tasks: Any,
) -> None:
    row = tasks.token_record(
        input_tokens=7, method="provider_api", input_content="x" * 400, output_content="y" * 40
    )
    assert (row.input_tokens, row.output_tokens, row.total_tokens) == (7, 10, 17)
    assert (row.method, row.confidence) == ("heuristic", "estimated")
    assert (row.input_chars, row.output_chars) == (400, 40)
    # A number of unknown origin is worth less than the characters.
    assert tasks.token_record(input_tokens=7, input_content="x" * 400).input_tokens == 100


@ONCE
def test_a_request_recorded_twice_counts_once_with_the_better_confidence(tasks: Any) -> None:
    for first, second in itertools.product(TOKEN_CONFIDENCE, repeat=2):
        one = tasks.token_record(request_id="r1", **SOURCES[first])
        two = tasks.token_record(request_id="r1", **SOURCES[second])
        better = TOKEN_CONFIDENCE.index(second) < TOKEN_CONFIDENCE.index(first)
        assert (one.created, one.changed, two.created) == (True, True, False)
        assert two.changed is better
        (kept,), page = tasks.token_list()
        assert (page.total, kept.id) == (1, one.id)
        assert kept.confidence == (second if better else first) == two.confidence
        assert kept.total_tokens == TOTALS[kept.confidence]
        summary = tasks.token_summary()
        assert (summary.records, summary.total_tokens) == (1, kept.total_tokens)
        tasks.token_delete("r1")


@ONCE
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    records=st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(TOKEN_CONFIDENCE)), max_size=8
    )
)
def test_whatever_comes_in_whatever_order_each_request_counts_once(
    tasks: Any, cleo_app: App, records: list[tuple[str, str]]
) -> None:
    for request, confidence in records:
        tasks.token_record(request_id=request, **SOURCES[confidence])
    best: dict[str, str] = {}
    for request, confidence in records:
        known = best.setdefault(request, confidence)
        best[request] = min(known, confidence, key=TOKEN_CONFIDENCE.index)
    assert {row.request_id: row.confidence for row in tasks.token_list()[0]} == best
    assert tasks.token_summary().total_tokens == sum(TOTALS[word] for word in best.values())
    tasks.token_delete(since="2000-01-01")


def test_a_better_record_keeps_what_it_does_not_say(tasks: Any) -> None:
    tasks.token_record(
        request_id="r1",
        operation="review",
        task="T001",
        provider="acme",
        transport="api",
        metadata={"a": 1},
        **SOURCES["estimated"],
    )
    tasks.token_record(request_id="r1", model="m1", **SOURCES["real"])
    (row,) = tasks.token_show("r1")
    assert (row.operation, row.task_id, row.provider, row.model) == ("review", "T001", "acme", "m1")
    assert (row.transport, row.metadata, row.input_chars) == ("api", {"a": 1}, 320)
    assert row.request_hash is not None
    assert (row.input_tokens, row.confidence) == (100, "real")


def test_records_without_a_request_are_each_counted(tasks: Any) -> None:
    for _ in range(3):
        tasks.token_record(input_tokens=5)
    assert tasks.token_summary().total_tokens == 15


# Who, where, for what


def test_a_record_names_the_agent_the_session_and_the_task(cleo_open: Open) -> None:
    app = cleo_open("ada")
    service = app.service("tasks")
    service.add("x")
    session = service.session_start().id
    before = service.session_show(session).last_activity_at
    row = service.token_record(input_tokens=1, task="t1")
    assert (row.agent_id, row.session_id, row.task_id) == ("ada", session, "T001")
    assert service.session_show(session).last_activity_at >= before


def test_a_record_is_activity_in_its_session_and_no_entity_of_the_log(
    cleo_open: Open, cleo_clock: Any
) -> None:
    service = cleo_open("ada").service("tasks")
    session = service.session_start()
    rows = service.log_list()[1].total
    cleo_clock.advance(60)
    service.token_record(input_tokens=1, request_id="r")
    assert service.session_show(session.id).last_activity_at > session.last_activity_at
    service.token_delete("r")
    assert service.log_list()[1].total == rows


def test_a_record_outlives_its_task_and_session(tasks: Any) -> None:
    tasks.token_record(input_tokens=4, task="T002")
    tasks.delete("T002")
    tasks.delete("T002", purge=True)
    assert [row.task_id for row in tasks.token_list()[0]] == [None]
    assert tasks.token_summary().total_tokens == 4


# Reading and deleting


@pytest.fixture
def many(tasks: Any, cleo_clock: Any) -> Any:
    """Records a day apart, from 2026-03-25 on."""
    cleo_clock.set("2026-03-25T12:00:00Z")
    for number, more in enumerate(
        (
            {"provider": "acme", "model": "m1", "operation": "review", "method": "otel"},
            {"provider": "acme", "model": "m2", "transport": "cli", "task": "T001"},
            {"operation": "review", "transport": "cli", "method": "tokenizer"},
        )
    ):
        tasks.token_record(
            input_tokens=10**number, output_tokens=1, request_id=f"r{number}", **more
        )
        cleo_clock.advance(24 * 3600)
    return tasks


FILTERS: tuple[tuple[dict[str, str], list[str]], ...] = (
    ({"provider": "acme"}, ["r1", "r0"]),
    ({"model": "m1"}, ["r0"]),
    ({"transport": "cli"}, ["r2", "r1"]),
    ({"operation": "review", "method": "otel"}, ["r0"]),
    ({"task": "1"}, ["r1"]),
    ({"in_session": "ses_none"}, []),
    ({"since": "2026-03-26"}, ["r2", "r1"]),
    ({"until": "2026-03-26"}, ["r1", "r0"]),
    ({"until": "2026-03-26T12:00:00.000Z"}, ["r1", "r0"]),
    ({"until": "2026-03-26T11:59:59.999Z"}, ["r0"]),
    ({"before": "2026-03-26T12:00:00Z"}, ["r0"]),
    ({"since": "2026-03-26", "before": "2026-03-27"}, ["r1"]),
)


def test_filters_hold_for_lists_summaries_and_deletions(many: Any, cleo_app: App) -> None:
    for filters, requests in FILTERS:
        rows, page = many.token_list(**filters)
        assert [row.request_id for row in rows] == requests, filters
        assert page.total == many.token_summary(**filters).records == len(requests)
        with cleo_app.dry_running():
            assert many.token_delete(**filters) == len(requests)
            assert many.token_list()[1].total == 3
    assert many.token_delete(until="2026-03-26") == 2
    assert [row.request_id for row in many.token_list()[0]] == ["r2"]


def test_a_summary_adds_up_every_way_with_how_well_it_is_known(many: Any) -> None:
    found = many.token_summary()
    assert (found.records, found.input_tokens, found.output_tokens) == (3, 111, 3)
    assert found.total_tokens == 114
    assert {word: part["totalTokens"] for word, part in found.confidence.items()} == {
        "real": 2,
        "high": 101,
        "estimated": 0,
        "coarse": 11,
    }
    named = {
        "by_method": {"tokenizer": 101, "heuristic": 11, "otel": 2},
        "by_transport": {"cli": 112, "unknown": 2},
        "by_operation": {"review": 103, None: 11},
        "by_model": {None: 101, "m2": 11, "m1": 2},
    }
    for by, totals in named.items():
        groups = getattr(found, by)
        assert {one.name: one.total_tokens for one in groups} == totals
        assert sum(one.records for one in groups) == 3
        for one in groups:
            mix = one.confidence.values()
            assert sum(part["totalTokens"] for part in mix) == one.total_tokens
    review = next(one for one in found.by_operation if one.name == "review")
    assert (review.confidence["real"]["records"], review.confidence["high"]["records"]) == (1, 1)


def test_pages_and_records_by_either_id(many: Any) -> None:
    rows, page = many.token_list(limit=2, offset=1)
    assert [row.request_id for row in rows] == ["r1", "r0"]
    assert page.as_json(2) == {"limit": 2, "offset": 1, "total": 3, "hasMore": False}
    first = rows[-1].id
    assert [row.request_id for row in many.token_show(first, "r2", str(first))] == ["r0", "r2"]
    many.token_record(input_tokens=5, request_id="007")
    assert many.token_show("007")[0].input_tokens == 5


def test_deleting_by_id_is_all_or_nothing(many: Any) -> None:
    assert refused(many.token_delete, "r0", "r9").exit == 4
    assert many.token_list()[1].total == 3
    assert many.token_delete("r0", "r0") == 1
    assert refused(many.token_show, "r0").exit == 4
    assert refused(many.token_delete).exit == 2
    assert refused(many.token_delete, "r1", model="m1").exit == 2
    assert many.token_list()[1].total == 2


# Bad input


BAD: tuple[tuple[dict[str, Any], int], ...] = (
    ({}, 2),
    ({"method": "otel"}, 2),
    ({"method": "otel", "input_content": "x"}, 2),
    ({"input_tokens": -1}, 6),
    ({"input_tokens": 10**13}, 6),
    ({"input_tokens": 1.5}, 6),
    ({"input_tokens": True}, 6),
    ({"output_tokens": "7"}, 6),
    ({"input_tokens": 1, "method": "guess"}, 6),
    ({"input_tokens": 1, "method": ["otel"]}, 6),
    ({"input_tokens": 1, "transport": "pigeon"}, 6),
    ({"input_tokens": 1, "task": "T099"}, 4),
    ({"input_tokens": 1, "task": "nonsense"}, 2),
    ({"input_tokens": 1, "task": 5}, 2),
    ({"input_tokens": 1, "model": ""}, 6),
    ({"input_tokens": 1, "model": "x" * 201}, 6),
    ({"input_tokens": 1, "model": "two\nlines"}, 6),
    ({"input_tokens": 1, "request_id": "nul\0"}, 6),
    ({"input_tokens": 1, "request_id": "\ud800"}, 6),
    ({"input_tokens": 1, "metadata": ["x"]}, 6),
    ({"input_tokens": 1, "metadata": {"x": float("nan")}}, 6),
    ({"input_content": 5}, 6),
    ({"input_content": "\ud800"}, 6),
    ({"input_content": b"x" * (16 * 1024 * 1024 + 1)}, 6),
    ({"input_tokens": -1, "output_tokens": -1}, 6),
)
BAD_FILTERS: tuple[tuple[dict[str, Any], int], ...] = (
    ({"since": "yesterday"}, 2),
    ({"until": 5}, 2),
    ({"before": "9" * 40}, 2),
    ({"method": "guess"}, 2),
    ({"transport": ""}, 2),
    ({"model": "\0"}, 2),
    ({"in_session": " "}, 2),
    ({"task": "T99"}, 4),
    ({"task": "x"}, 2),
)


def test_what_cannot_be_recorded_is_one_error_and_no_row(tasks: Any) -> None:
    for values, exit_code in BAD:
        error = refused(tasks.token_record, **values)
        assert (error.exit, bool(error.fix)) == (exit_code, True), values
    assert tasks.token_list()[1].total == 0


def test_a_filter_that_can_be_no_such_thing_is_refused_everywhere(tasks: Any) -> None:
    for filters, exit_code in BAD_FILTERS:
        for verb in (tasks.token_list, tasks.token_summary, tasks.token_delete):
            assert refused(verb, **filters).exit == exit_code, filters


def test_all_problems_come_together_and_no_text_with_them(tasks: Any) -> None:
    error = refused(
        tasks.token_record, input_tokens=-1, model="", input_content="a secret prompt", task="x"
    )
    problems = error.details["problems"]
    assert [one["field"] for one in problems] == ["model", "task", "input_tokens"]
    assert "a secret prompt" not in repr((error.message, error.details))


# The command line


def test_files_are_counted_and_hashed_and_no_text_is_kept(
    cleo_cli: Cli, cleo_project: Path
) -> None:
    (cleo_project / "in.txt").write_text("PLANTED-PROMPT " * 10, encoding="utf-8")
    (cleo_project / "out.json").write_text('{"answer": "PLANTED-ANSWER"}', encoding="utf-8")
    words = ("--input-file", "in.txt", "--output-file", "out.json")
    row = cleo_cli("token", "record", *words, "--idempotency-key", "k").data
    assert (row["inputChars"], row["inputTokens"]) == (150, 38)
    assert (row["outputChars"], row["outputTokens"]) == (28, 8)
    assert (len(row["requestHash"]), len(row["responseHash"])) == (16, 16)
    (cleo_project / "in.txt").unlink()
    (cleo_project / "out.json").unlink()
    for path in cleo_project.rglob("*"):
        if path.is_file():
            assert b"PLANTED" not in path.read_bytes(), path


def test_standard_input_is_one_of_the_two_texts(cleo_cli: Cli, cleo_project: Path) -> None:
    row = cleo_cli("token", "record", "--output-file", "-", input="x" * 41).data
    assert (row["outputTokens"], row["inputTokens"]) == (11, 0)
    both = cleo_cli("token", "record", "--input-file", "-", "--output-file", "-", input="x")
    assert both.error["exit"] == 2


def test_only_regular_files_of_a_bounded_size_are_read(cleo_cli: Cli, cleo_project: Path) -> None:
    os.mkfifo(cleo_project / "pipe")
    (cleo_project / "folder").mkdir()
    with (cleo_project / "huge").open("wb") as file:
        file.truncate(16 * 1024 * 1024 + 1)
    for name, code in (("pipe", 2), ("folder", 2), ("missing", 3), ("huge", 6), ("a\0b", 2)):
        outcome = cleo_cli("token", "estimate", "--input-file", name)
        assert outcome.error["exit"] == code, name
        assert outcome.error["fix"]


def test_an_estimate_needs_no_project_and_stores_nothing(
    cleo_cli: Cli, cleo_home: Path, frozen_bytes: Any
) -> None:
    with frozen_bytes(cleo_home):
        data = cleo_cli("token", "estimate", "hello there").data
    assert (data["inputTokens"], data["confidence"]) == (3, "estimated")
    (cleo_home / "work" / "x").write_text("x", encoding="utf-8")
    assert cleo_cli("token", "estimate", "a", "--input-file", "x").error["exit"] == 2
    assert cleo_cli("token", "estimate").error["exit"] == 2


def test_the_commands_for_people(cleo_cli: Cli, cleo_project: Path) -> None:
    record = ("token", "record", "--request-id", "[bold]r1")
    assert cleo_cli("token", "list", "--human").out == "No token records.\n"
    would = cleo_cli(*record, "--input-tokens", "5", "--dry-run")
    assert would.data["id"] is None
    said = [
        cleo_cli(*record, "--input-tokens", "5", *more, "--human").out
        for more in (("--dry-run",), (), ("--method", "otel"), ())
    ]
    assert said[0].startswith("Would be recorded: 5 in")
    assert said[1].startswith("Recorded 1: 5 in")
    assert "is known better now" in said[2]
    assert "Record 1 of [bold]r1 stays" in said[3]
    assert "[bold]r1" in cleo_cli("token", "show", "1", "--human").out
    assert "real (otel)" in cleo_cli("token", "list", "--human").out
    assert "known: real 5" in cleo_cli("token", "summary", "--human").out
    assert cleo_cli("token", "delete", "1", "--dry-run", "--human").out == (
        "1 records would be deleted.\n"
    )
    assert cleo_cli("token", "delete", "1").data == {"deleted": 1}


def test_the_same_key_gives_the_first_record_again(cleo_cli: Cli, cleo_project: Path) -> None:
    words = ("token", "record", "--input-tokens", "5", "--idempotency-key", "k")
    first, again = cleo_cli(*words), cleo_cli(*words)
    assert first.data == again.data
    assert again.envelope["meta"]["replayed"] is True
    assert cleo_cli("token", "list").page["total"] == 1
    other = cleo_cli("token", "record", "--input-tokens", "6", "--idempotency-key", "k")
    assert other.error["code"] == "E_IDEMPOTENCY_MISMATCH"
