"""From a query to what the index is asked for."""

from __future__ import annotations

import pytest

from cleo_brain.search.terms import MOST_WORDS, parse, quoted


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("What did the parser drop?", ["parser", "drop"]),
        ("what is it", ["what", "is", "it"]),
        ("May I go in may", ["may", "go"]),
        ("Straße STRASSE", ["strasse"]),
        ("ﬁle", ["file"]),
        ("2026-03-25", ["2026", "march", "25"]),
        ("on 2026-03-05 we met", ["2026", "march", "5", "met"]),
        ("2026-13-45", ["2026", "13", "45"]),
        ("a b 7", ["7"]),
        ("pars*", ["pars*"]),
        ("snake_case __", ["snake_case"]),
        ("don't", ["don"]),
        ("--dry-run", ["dry", "run"]),
        ("e-mail", ["mail"]),
        ("猫", ["猫"]),
        ("title:parser NEAR(a b)", ["title", "parser", "near"]),
    ],
)
def test_a_query_becomes_words_without_stop_words_each_once(query: str, words: list[str]) -> None:
    assert parse(query).words == words


def test_of_more_than_thirty_two_words_the_longest_stay_in_their_order() -> None:
    query = " ".join([f"{'x' * (10 + number % 3)}{number}" for number in range(50)] + ["short"])
    words = parse(query).words
    assert len(words) == MOST_WORDS
    assert "short" not in words
    assert words == sorted(words, key=query.index)


def test_quoted_text_is_a_phrase_and_a_minus_excludes_a_word_or_a_phrase() -> None:
    terms = parse('"drops comments" parser -comma -"two words"')
    assert terms.phrases == ["drops comments"]
    assert terms.words == ["parser"]
    assert terms.excluded == ["comma", "two words"]


def test_an_unclosed_quote_is_no_phrase() -> None:
    terms = parse('parser "drops comments')
    assert (terms.words, terms.phrases) == (["parser", "drops", "comments"], [])


def test_everything_reaches_the_index_in_double_quotes_with_inner_quotes_doubled() -> None:
    assert quoted('say "hi"') == '"say ""hi"""'
    assert quoted("pars*") == '"pars" *'


def test_a_query_without_any_word_is_looked_for_as_it_stands() -> None:
    assert parse(" 🎉 ").texts == ["🎉"]
    assert parse("   ").empty
    assert parse("-only").empty
    assert parse("-only").excluded == ["only"]
