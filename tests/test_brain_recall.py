"""The recall benchmark: its arms, goals and flags, on a few made-up conversations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import brain_corpora as corpora
from benchmarks import brain_recall
from benchmarks.brain_corpora import Corpus, Item, Question
from cleo_brain.search import lexical

MARK = pytest.mark.guarantee(
    "brain-25",
    "The recall benchmark prints every arm, and find says where it did not look at everything.",
)


def talk() -> Corpus:
    lines = [
        "Ada: How was the concert?",
        "Bob: Loud, and the seats were hard",
        "Ada: I adopted a grey cat",
        "Bob: My brother paints houses",
    ]
    items = [Item(f"D1:{n}", line, None, "session 1") for n, line in enumerate(lines, 1)]
    questions = [
        Question("What pet did Ada adopt?", ("D1:3",)),
        Question("How did Bob like the concert?", ("D1:2",)),
    ]
    return Corpus("talk", items, questions)


@MARK
def test_every_arm_is_printed_beside_its_goal(capsys: pytest.CaptureFixture[str]) -> None:
    shares = brain_recall.report("a talk", [talk()], brain_recall.GOALS)
    printed = capsys.readouterr().out
    for name in (
        *("prefixes of all words, AND, else OR", brain_recall.PLAIN),
        *(brain_recall.LEXICAL, brain_recall.DEFAULT),
    ):
        assert f"| {name} |" in printed
        assert len(shares[name]) == 4
    assert shares[brain_recall.LEXICAL][0] == 1.0
    assert "0.75" in printed
    assert "everywhere" in printed


@MARK
def test_an_arm_that_loses_to_what_it_must_not_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    losing = {brain_recall.PLAIN: [1.0, 1.0, 1.0, 1.0], brain_recall.LEXICAL: [1.0, 0.5, 1.0, 1.0]}
    monkeypatch.setattr(brain_recall, "measure", lambda corpus, notes: losing)
    brain_recall.report("a talk", [talk()._replace(questions=[talk().questions[0]])], {})
    assert f"below {brain_recall.PLAIN} @5" in capsys.readouterr().out


@MARK
def test_the_budget_is_measured_and_says_where_not_everything_was_looked_at(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lexical, "MOST_ROWS", 20)
    monkeypatch.setattr(lexical, "BUDGET", 30)
    items = [Item(f"p{n}", f"common tool number{n} colour{n % 7} shape{n % 11}") for n in range(60)]
    words = [Question(f"common colour{n % 7} shape{n % 11}", (f"p{n}",)) for n in range(10)]
    ratio = brain_recall.budget(Corpus("tools", items, words), 80)
    printed = capsys.readouterr().out
    assert 0.5 <= ratio <= 1.5
    assert "80 entries" in printed
    assert printed.rstrip().endswith("10 |")


def test_conversations_are_read_as_turns_and_answerable_questions(tmp_path: Path) -> None:
    whole = {
        "session_1_date_time": "1:56 pm on 8 May, 2023",
        "session_1": [
            {"speaker": "Ada", "text": "Hello", "dia_id": "D1:1"},
            {"speaker": "Bob", "text": "Look", "dia_id": "D1:2", "blip_caption": "a dog"},
        ],
        "qa": [
            {"question": "Who?", "evidence": ["D1:1"], "category": 4},
            {"question": "Nobody?", "evidence": ["D1:1"], "category": 5},
            {"question": "Where?", "evidence": ["D9:9"], "category": 1},
        ],
    }
    (tmp_path / "c.json").write_text(json.dumps(whole), "utf-8")
    (found,) = corpora.conversations(tmp_path)
    assert found.items == [
        Item("D1:1", "Ada: Hello", None, "session 1", "2023-05-08T13:56:00Z"),
        Item("D1:2", "Bob: Look a dog", None, "session 1", "2023-05-08T13:56:00Z"),
    ]
    assert found.questions == [Question("Who?", ("D1:1",))]


def test_a_known_item_query_fits_one_entry_only_and_is_the_same_in_every_run() -> None:
    items = [Item(f"i{n}", f"alpha beta gamma delta{n % 9} epsilon{n % 5}") for n in range(30)]
    one, two = (corpora.known_items("x", items, 5) for _ in range(2))
    assert one == two
    texts = {item.key: item.text for item in items}
    for question in one.questions:
        words = question.query.removeprefix(corpora.ASKED).split()
        having = [key for key, text in texts.items() if set(words) <= set(text.split())]
        assert having == list(question.keys)
