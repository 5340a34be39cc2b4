"""``find``: arms, order, filters, and queries that mean harm."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_core.app import App
from cleo_core.errors import UsageError
from cleo_core.testing import Outcome
from cleo_tasks.store import search

Cli = Callable[..., Outcome]


@pytest.fixture
def tasks(cleo_app: App) -> Any:
    """A tasks service over a few tasks that name parsers in different places."""
    service = cleo_app.service("tasks")
    for title, more in (
        ("Write the parser", {"description": "It reads dates."}),
        ("Parser", {"notes": ["the grammar is in the wiki"]}),
        ("Read the grammar", {"description": "What the parser needs."}),
        ("Draw the logo", {"acceptance": ["the designer agrees"]}),
        ("Fix T001 for good", {}),
    ):
        service.add(title, **more)
    return service


def found(tasks: Any, query: str, **options: Any) -> list[tuple[str, str]]:
    return [(hit.id, hit.arm) for hit in tasks.find(query, **options)[0]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("T003", [("T003", "id")]),
        ("t3", [("T003", "id")]),
        ("3", [("T003", "id")]),
        ("T0003-read-the-grammar", [("T003", "id")]),
        ("T001", [("T001", "id"), ("T005", "all")]),
        ("T999", []),
        ("Parser", [("T002", "title"), ("T001", "all"), ("T003", "all")]),
        ("parser the write", [("T001", "all")]),
        ("pars", [("T002", "all"), ("T001", "all"), ("T003", "all")]),
        ("writing parsers", [("T001", "all")]),
        ("pars the", [("T001", "any"), ("T003", "any"), ("T002", "any"), ("T004", "any")]),
        ("parser zebra", [("T002", "any"), ("T001", "any"), ("T003", "any")]),
        ("zebra", []),
        ("designer", [("T004", "all")]),
        ("wiki", [("T002", "all")]),
    ],
)
def test_arms_come_in_order_and_each_is_named(
    tasks: Any, query: str, expected: list[tuple[str, str]]
) -> None:
    answer = found(tasks, query)
    assert sorted(answer) == sorted(expected)
    assert [arm for _, arm in answer] == [arm for _, arm in expected]


def test_a_match_in_the_title_weighs_more_than_one_in_a_note(tasks: Any) -> None:
    tasks.add("Something else", notes=["quokka"])
    tasks.add("Another thing", acceptance=["quokka"])
    tasks.add("A third thing", description="quokka")
    tasks.add("Feed the quokka")
    assert [id_ for id_, _ in found(tasks, "quokka")] == ["T009", "T008", "T007", "T006"]


def test_equal_hits_come_by_number(tasks: Any) -> None:
    for _ in range(4):
        tasks.add("The very same", allow_duplicate=True)
    assert [id_ for id_, _ in found(tasks, "very same")] == ["T006", "T007", "T008", "T009"]
    assert [id_ for id_, _ in found(tasks, "The very same")] == ["T006", "T007", "T008", "T009"]


def test_a_hit_says_where_and_how_well_it_matches(tasks: Any) -> None:
    (hit,), page = tasks.find("reads dates")
    assert (hit.id, hit.status, hit.ready, hit.version) == ("T001", "pending", True, 1)
    assert hit.matched_in == ["description"]
    assert hit.snippet == "It [reads] [dates]."
    assert hit.score > 0
    assert page.total == 1


def test_words_may_match_in_several_fields(tasks: Any) -> None:
    (hit,), _ = tasks.find("write dates")
    assert hit.matched_in == ["title", "description"]


def test_an_id_or_a_whole_title_is_not_ranked(tasks: Any) -> None:
    hit = tasks.find("Parser")[0][0]
    assert (hit.arm, hit.score, hit.matched_in) == ("title", None, ["title"])
    (hit,), _ = tasks.find("T004")
    assert (hit.arm, hit.score, hit.matched_in, hit.snippet) == (
        "id",
        None,
        ["id"],
        "Draw the logo",
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"fields": ["title"]}, ["T001", "T002"]),
        ({"fields": ["description"]}, ["T003"]),
        ({"fields": ["title", "description"]}, ["T001", "T002", "T003"]),
        ({"fields": ["notes"]}, []),
        ({"fields": ["id"]}, []),
        ({"exact": True}, []),
        ({"status": ["done"]}, []),
        ({"status": ["pending"]}, ["T001", "T002", "T003"]),
    ],
)
def test_a_search_can_be_narrowed(tasks: Any, options: Any, expected: list[str]) -> None:
    assert sorted(id_ for id_, _ in found(tasks, "parser", **options)) == expected


def test_exact_takes_the_id_and_the_whole_title_only(tasks: Any) -> None:
    assert found(tasks, "Parser", exact=True) == [("T002", "title")]
    assert found(tasks, "T001", exact=True) == [("T001", "id")]
    assert found(tasks, "Write the", exact=True) == []


def test_archived_tasks_are_found_only_when_asked_for(tasks: Any, cleo_app: App) -> None:
    def put_away(unit: Any) -> None:
        unit.execute(
            "UPDATE tasks SET status = 'archived', archived_at = :now, archived_from = 'pending', "
            "archive_reason = 'deleted' WHERE id = 'T002'",
            now=unit.now,
        )

    cleo_app.write("tasks", put_away)
    for query in ("parser", "Parser", "T002"):
        assert "T002" not in dict(found(tasks, query))
        assert "T002" in dict(found(tasks, query, include_archive=True))
        assert [id_ for id_, _ in found(tasks, query, status=["archived"])] == ["T002"]


def test_pages_of_a_search_join_without_gap_or_repeat(tasks: Any) -> None:
    for _ in range(3):
        tasks.add("Parser", allow_duplicate=True)
    whole, page = tasks.find("Parser", limit=100)
    assert page.total == len(whole) == 6
    for size in (1, 2, 4):
        joined = []
        for offset in range(0, 8, size):
            hits, page = tasks.find("Parser", limit=size, offset=offset)
            assert page.total == 6
            joined += [(hit.id, hit.arm) for hit in hits]
        assert joined == [(hit.id, hit.arm) for hit in whole]


HOSTILE = (
    *("", " ", "-", "--", "foo-bar", "-foo", '"', '""', 'a"b', '"a b', "'", "a'b", "*", "a*", "*a"),
    *("(", ")", "(a", "a)", "()", "NEAR", "NEAR(", "NEAR(a b, 3)", "AND", "a AND", "OR b", "NOT a"),
    *(
        "a NOT b",
        "title:a",
        "title : a",
        "{title}:a",
        "- {title} : a",
        "^a",
        "a + b",
        "a:b",
        ":",
        "{",
    ),
    *("a;b", "%", "_", "\\", "\\'", "a\0b", "\0", "\n", "\t a", "\x1b[31m", "\ud800", "a\udfff"),
    *("T", "T-", "T1e9", "T" + "9" * 400, "9" * 400, "-1", "1.5", "T١٢٣", "²", "❄", "é", "e\u0301"),
    *("日本語", "日本", "👩‍👩‍👧", "\U0010ffff", "\ufdd0", "\u202e abc", "ﬁ", "İ", "ß"),
    *("x" * 10_000, "x " * 5_000, '" ' * 5_000, "( " * 5_000, "a-" * 5_000, "😀" * 10_000),
    " ".join(f"w{number}" for number in range(2_000)),
)


@pytest.mark.parametrize("query", HOSTILE, ids=lambda query: ascii(query)[:30])
def test_a_hostile_query_finds_or_finds_nothing(tasks: Any, query: str) -> None:
    for options in ({}, {"fields": ["title", "notes"]}, {"exact": True}):
        hits, page = tasks.find(query, **options)
        assert page.total >= len(hits)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(query=st.text(max_size=60) | st.text(alphabet='ab"*()-:^+{}NEARORAND \0', max_size=60))
def test_any_text_can_be_searched_for(tasks: Any, query: str) -> None:
    hits, page = tasks.find(query)
    assert page.total >= len(hits)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    word=st.text(
        alphabet=st.characters(categories=["Lu", "Ll", "Nd"], max_codepoint=0x2FF),
        min_size=1,
        max_size=20,
    ),
    signs=st.text(alphabet='"*()-:^+{}.,;', max_size=3),
)
def test_a_stored_word_is_found_whatever_stands_around_it(
    tasks: Any, word: str, signs: str
) -> None:
    id_ = tasks.add(f"zz {word} {signs}", allow_duplicate=True).task.id
    assert id_ in {hit.id for hit in tasks.find(f"{word}{signs}", limit=1000)[0]}


def test_operators_are_words_like_others(tasks: Any) -> None:
    id_ = tasks.add("Explain NEAR and OR").task.id
    assert found(tasks, "NEAR OR") == [(id_, "all")]
    assert found(tasks, "NOT explain") == [(id_, "any")]


@pytest.mark.parametrize(
    "options",
    [
        {"fields": ["colour"]},
        {"status": ["finished"]},
        {"limit": 0},
        {"offset": -1},
        {"fields": "title"},
        {"status": [["done"]]},
    ],
)
def test_an_unknown_option_is_an_error_of_use(tasks: Any, options: Any) -> None:
    with pytest.raises(UsageError) as error:
        tasks.find("parser", **options)
    assert error.value.exit == 2


@pytest.mark.parametrize("query", [None, 7, b"parser", ["parser"]])
def test_a_query_is_text(tasks: Any, query: Any) -> None:
    with pytest.raises(UsageError):
        tasks.find(query)


def test_the_command_prints_hits_with_a_page(tasks: Any, cleo_cli: Cli) -> None:
    outcome = cleo_cli("find", "parser", "--in", "title", "--limit", "1")
    (hit,) = outcome.data
    assert set(hit) == {
        *("id", "title", "status", "priority", "type", "phase", "parentId", "assignee", "labels"),
        *("ready", "version", "arm", "score", "matchedIn", "snippet"),
    }
    assert outcome.page == {"limit": 1, "offset": 0, "total": 2, "hasMore": True}
    assert "all words" in cleo_cli("find", "parser", "--human").out
    assert cleo_cli("find", "zebra", "--human").out == "Nothing found.\n"
    assert cleo_cli("find", "T003", "--quiet").out == "T003\n"


@pytest.mark.parametrize(
    "words",
    [["find"], ["find", "x", "--in", "colour"], ["find", "x", "--status", "finished"]],
)
def test_the_command_refuses_wrong_options(
    cleo_project: Any, cleo_cli: Cli, words: list[str]
) -> None:
    assert cleo_cli(*words).error["code"] == "E_USAGE"


def test_a_query_may_begin_with_a_dash_after_two_dashes(tasks: Any, cleo_cli: Cli) -> None:
    assert cleo_cli("find", "--", "--human").data == []


def test_bytes_that_are_no_text_find_nothing(tasks: Any, cleo_cli: Cli) -> None:
    assert cleo_cli("find", "\udcff\udcfe").data == []


def test_an_absent_store_is_searched_without_being_made(
    cleo_project: Any, cleo_cli: Cli, frozen_bytes: Any
) -> None:
    (cleo_project / ".cleo" / "tasks.db").unlink()
    with frozen_bytes(cleo_project):
        assert cleo_cli("find", "parser").data == []


def test_no_statement_of_a_search_reads_all_tasks(tasks: Any, cleo_app: App) -> None:
    db = cleo_app.store("tasks")
    single = (search.ANY_ARCHIVED, search.BY_ID, search.BY_TITLE, search.PLACES)
    for statement in (*single, *search.statements()):
        names = re.findall(r":([a-z_]+)", statement)
        plan = db.read(f"EXPLAIN QUERY PLAN {statement}", **dict.fromkeys(names, "[]"))
        steps = [row["detail"] for row in plan]
        assert not [step for step in steps if re.match(r"SCAN (t|tasks)\b(?! USING)", step)], steps
