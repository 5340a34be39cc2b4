"""``find``: arms, filters, what is withdrawn, and queries that mean harm."""

from __future__ import annotations

import runpy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_brain.search import lexical, vectors
from cleo_brain.search.vectors import VectorSearch
from cleo_core.app import App
from cleo_core.errors import CleoError, UsageError
from cleo_core.testing import Clock, Outcome
from cleo_core.testing.runner import EVERYTHING, Runner, job

Cli = Callable[..., Outcome]

_samples = runpy.run_path(str(Path(__file__).with_name("entry_samples.py")))
decision = _samples["decision"]
learning = _samples["learning"]
sticky = _samples["sticky"]
withdraw = _samples["withdraw"]


def ids(app: App, query: str | None = None, **options: Any) -> list[str]:
    """Ids that ``find`` gives."""
    return [line.id for line in app.service("brain").find(query, **options)[0].results]


@pytest.fixture
def brain(cleo_app: App) -> Any:
    return cleo_app.service("brain")


def test_find_shows_an_index_with_prices_and_says_which_arm_served_it(
    cleo_cli: Cli, cleo_project: Any
) -> None:
    first = cleo_cli("observe", "The parser drops comments after a comma").data["id"]
    cleo_cli("observe", "Nobody reads the third argument")
    outcome = cleo_cli("memory", "find", "parser comments zebra", "--arm", "lexical")
    assert [line["id"] for line in outcome.data["results"]] == [first]
    (line,) = outcome.data["results"]
    assert line["arms"] == ["lexical"]
    assert 0 < line["score"] <= 1
    assert outcome.data["servedBy"] == "lexical"
    assert outcome.data["arms"]["lexical"] == {
        "candidates": 1,
        "termsUsed": ["parser", "comments"],
        "termsCommon": [],
        "termsAbsent": ["zebra"],
        "exhaustive": True,
    }
    assert outcome.page == {"limit": 10, "offset": 0, "total": 1, "hasMore": False}
    human = cleo_cli("memory", "find", "parser comments zebra", "--arm", "lexical", "--human")
    assert outcome.data["tokensIndex"] == -(-len(human.out.rstrip("\n")) // 4)
    assert outcome.data["tokensFull"] == line["tokens"]


def test_nothing_found_is_an_empty_page_and_no_error(cleo_cli: Cli, cleo_project: Any) -> None:
    cleo_cli("observe", "The parser drops comments")
    outcome = cleo_cli("memory", "find", "zebra", "--arm", "lexical")
    assert outcome.data["results"] == []
    assert outcome.page["total"] == 0
    assert cleo_cli("memory", "find", "zebra", "--human").out == "Nothing found.\n"


def test_without_a_query_the_newest_come_first_with_the_total_of_all(
    cleo_app: App, brain: Any
) -> None:
    made = [brain.observe(f"note number {number}").id for number in range(15)]
    found, page = brain.find(limit=4, offset=2)
    assert [line.id for line in found.results] == made[::-1][2:6]
    assert (found.served_by, page.total) == ("recent", 15)
    assert found.results[0].arms == ["recent"]
    assert found.results[0].score is None


def test_prefixes_serve_where_no_whole_word_is_found(cleo_app: App, brain: Any) -> None:
    made = brain.observe("The thermometer is slow").id
    found, _ = brain.find("thermom xyz", arm="lexical")
    assert [(line.id, line.arms) for line in found.results] == [(made, ["prefix"])]
    assert found.served_by == "prefix"


def test_substrings_serve_scripts_without_blanks_and_signs(cleo_app: App, brain: Any) -> None:
    japanese = brain.observe("日本語のテストを書いた").id
    signs = brain.observe("It cost 100% of the \U0001f680 budget_x").id
    brain.observe("Nothing of that kind, 1000 times budgetyx")
    for query, expected in (
        ("テスト", japanese),
        ("\U0001f680", signs),
        ("100%", None),
        ("%", signs),
    ):
        found, _ = brain.find(query, arm="lexical")
        if expected is None:
            continue
        assert [line.id for line in found.results] == [expected], query
        assert found.served_by == "substring"


def test_phrases_must_occur_and_excluded_words_must_not(cleo_app: App, brain: Any) -> None:
    one = brain.observe("The parser drops comments", thread="t").id
    two = brain.observe("Comments, said the parser, drops are bad", thread="t").id
    assert ids(cleo_app, '"drops comments" parser') == [one]
    assert ids(cleo_app, 'parser -"drops comments"') == [two]
    assert ids(cleo_app, "comments -said") == [one]
    assert ids(cleo_app, "-said") == [one]
    assert ids(cleo_app, "pars* -bad") == [one]


def test_all_requires_every_word(cleo_app: App, brain: Any) -> None:
    one = brain.observe("red apples and green pears").id
    brain.observe("red apples and plums")
    assert ids(cleo_app, "apples pears", all=True) == [one]
    assert len(ids(cleo_app, "apples pears")) == 2
    assert ids(cleo_app, "apples pears zebra", all=True) == []


def test_a_day_is_found_by_its_date(cleo_app: App, brain: Any) -> None:
    made = brain.observe("we met", at="2024-05-08").id
    brain.observe("we met again", at="2024-06-09")
    assert ids(cleo_app, "2024-05-08", all=True) == [made]
    assert ids(cleo_app, "may")[0] == made


def test_every_filter_narrows_both_a_search_and_the_newest(
    cleo_open: Any, cleo_clock: Clock
) -> None:
    app = cleo_open(agent="ada")
    brain = app.service("brain")
    noted = brain.observe("apple seen", tags=["fruit", "red"], thread="walk", type="change").id
    decided = decision(app, "apple it is", context_task_id=None)
    put_late = brain.observe("apple later", at="2030-01-01").id
    sure = learning(app, "apple trees need sun")
    unsure = learning(app, "apple trees need moon", confidence=0.3)
    stale = learning(app, "apple trees need wind", confirmed_at="2024-01-01T00:00:00.000Z")
    owner = learning(app, "apple of the owner", source_confidence="owner")
    everything = {noted, decided, put_late, sure, unsure, stale, owner}
    for options, expected in (
        ({}, everything),
        ({"kinds": ["decision", "learning"]}, everything - {noted, put_late}),
        ({"types": ["change", "technical"]}, {noted, decided}),
        ({"tags": ["Fruit"]}, {noted}),
        ({"tags": ["fruit", "blue"]}, set()),
        ({"by_agent": "ada"}, {noted, put_late}),
        ({"thread": "walk"}, {noted}),
        ({"in_session": "s1"}, set()),
        ({"task": "T001"}, set()),
        ({"tier": "medium"}, {decided, owner}),
        ({"verified": True}, {owner}),
        ({"since": "2029-01-01"}, {put_late}),
        ({"until": "2026-03-25"}, everything - {put_late}),
        ({"until": "1h"}, set()),
        ({"since": "24h"}, everything),
        ({"min_confidence": 0.5}, {sure, owner}),
    ):
        assert set(ids(app, "apple", **options)) == expected, options
        found, page = brain.find(**options)
        assert {line.id for line in found.results} == expected, options
        assert page.total == len(expected)


def test_the_filter_is_joined_inside_where_the_best_two_hundred_do_not_pass(
    cleo_app: App, brain: Any
) -> None:
    wanted = brain.observe("common words and a long tail of others " * 4, tags=["rare"]).id
    for number in range(230):
        brain.observe(f"common {number}")
    assert ids(cleo_app, "common", tags=["rare"]) == [wanted]
    found, page = brain.find("common", limit=200, arm="lexical")
    assert page.total == 200
    assert len(found.results) == 200
    assert len(ids(cleo_app, "common", limit=100, offset=180, arm="lexical")) == 20


def test_newest_resorts_the_candidates(cleo_app: App, brain: Any) -> None:
    one = brain.observe("apple apple apple").id
    two = brain.observe("an apple, among many other things of which nobody spoke").id
    assert ids(cleo_app, "apple") == [one, two]
    assert ids(cleo_app, "apple", order="newest") == [two, one]


def test_pages_of_a_search_give_every_hit_once(cleo_app: App, brain: Any) -> None:
    made = {brain.observe(f"apple number {number}").id for number in range(23)}
    pages = [ids(cleo_app, "apple", limit=5, offset=offset) for offset in range(0, 30, 5)]
    assert [id_ for page in pages for id_ in page] == ids(cleo_app, "apple", limit=30)
    assert {id_ for page in pages for id_ in page} == made


@pytest.mark.guarantee(
    "brain-07",
    "What is superseded, evicted, archived or expired is in no answer unless you ask for it.",
)
def test_withdrawn_entries_are_found_only_where_they_are_asked_for(
    cleo_app: App, cleo_clock: Clock, brain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug(monkeypatch, cleo_app, {"porcupine": ["porcupine"]})
    before = "2026-03-25T15:00:00.000Z"
    old = brain.observe("The porcupine sleeps", thread="zoo").id
    neighbour = brain.observe("So it is", thread="zoo").id
    evicted = brain.observe("A porcupine ate", thread="other").id
    note = sticky(cleo_app, "porcupine note", status="archived")
    expired = sticky(cleo_app, "porcupine soon", expires_at="2026-03-26T00:00:00.000Z")
    live = sticky(cleo_app, "porcupine later", expires_at="2027-03-26T00:00:00.000Z")
    assert neighbour in ids(cleo_app, "porcupine sleeps")
    cleo_clock.set("2026-03-27T00:00:00Z")
    new = brain.observe("The porcupine wakes", thread="zoo", supersedes=[old]).id
    withdraw(cleo_app, evicted, "evicted", "2026-03-27T00:00:00.000Z")
    withdraw(cleo_app, note, "archived", "2026-03-27T00:00:00.000Z")
    gone = {old, evicted, note, expired}
    shown = [ids(cleo_app, "porcupine", arm=arm, limit=50) for arm in (None, "lexical", "vector")]
    shown.append(ids(cleo_app, limit=50))
    timeline = brain.timeline(new, before=50, after=50)
    shown.append([line.id for line in (*timeline.before, *timeline.after)])
    context = brain.context(query="porcupine")
    shown.append([one.id for one in context.entries] + [one.id for one in context.omitted])
    for number, answer in enumerate(shown):
        assert gone.isdisjoint(answer), number
        assert number == 4 or {new, live} <= set(answer), number
    found, _ = brain.find("porcupine", include_superseded=True, limit=50)
    reasons = {line.id: line.invalid_reason for line in found.results}
    assert {id_: reasons[id_] for id_ in gone} == {
        old: "superseded",
        evicted: "evicted",
        note: "archived",
        expired: "expired",
    }
    then = ids(cleo_app, "porcupine", as_of=before, limit=50)
    assert {old, evicted, expired} <= set(then)
    assert new not in then
    assert ids(cleo_app, "sleeps", arm="lexical") == []


class Named(VectorSearch):
    """Vectors that know which entries are about a query; the cosines stand in a table."""

    used = True
    reason = None
    engine = "plain"
    model = "test/named"

    def __init__(self, cosines: Mapping[int, float], live: set[int]) -> None:
        self.known = dict(cosines)
        self.live = live

    def nearest(self, k: int = 64, within: Sequence[int] | None = None) -> list[tuple[int, float]]:
        allowed = self.live if within is None else self.live & set(within)
        near = [(seq, cosine) for seq, cosine in self.known.items() if seq in allowed]
        return sorted(near, key=lambda one: (-one[1], one[0]))[:k]

    def cosines(self, seqs: Sequence[int]) -> dict[int, float]:
        return {seq: self.known[seq] for seq in seqs if seq in self.known}


def plug(monkeypatch: pytest.MonkeyPatch, app: App, about: Mapping[str, Sequence[str]]) -> None:
    """Let vectors say that entries with one of some words are near to a word of the query."""

    def search(app: App, db: Any, query: str) -> VectorSearch:
        words = [word for asked, words in about.items() if asked in query for word in words]
        rows = db.read("SELECT seq, body, invalid_at FROM brain_entries")
        cosines = {
            row["seq"]: 0.8 if any(word in row["body"] for word in words) else 0.1 for row in rows
        }
        return Named(cosines, {row["seq"] for row in rows if row["invalid_at"] is None})

    monkeypatch.setattr(vectors, "vector_search", search)


@pytest.mark.guarantee(
    "brain-12", "A paraphrase without a common word is found by meaning, and marked so."
)
def test_a_paraphrase_is_found_by_the_vector_arm_alone_and_nonsense_finds_nothing(
    cleo_app: App, brain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug(monkeypatch, cleo_app, {"automobile": ["car"]})
    made = brain.observe("My car broke down", tags=["road"]).id
    other = brain.observe("The weather is fine").id
    found, _ = brain.find("automobile")
    assert [(line.id, line.arms) for line in found.results] == [(made, ["vector"])]
    assert found.served_by == "vector"
    assert found.arms.vector.candidates == 1
    assert ids(cleo_app, "automobile", tags=["road"]) == [made]
    assert ids(cleo_app, "automobile", tags=["sea"]) == []
    assert ids(cleo_app, "automobile -down") == []
    assert ids(cleo_app, "flurbish gnarp") == []
    hybrid, _ = brain.find("automobile weather")
    assert hybrid.served_by == "hybrid"
    assert {line.id: line.arms for line in hybrid.results} == {
        made: ["vector"],
        other: ["lexical"],
    }


def test_vectors_move_nothing_past_the_entry_that_holds_the_words(
    cleo_app: App, brain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug(monkeypatch, cleo_app, {"parser": ["grammar"]})
    for place in ("a bracket", "the colon", "every full stop"):
        brain.observe(f"Put a comma after {place}")
    meant = brain.observe("The parser drops all comments that come after a comma").id
    near = brain.observe("Comments of a grammar: the parser drops them").id
    query = "parser comments drops comma"
    assert ids(cleo_app, query, arm="lexical")[:2] == [meant, near]
    assert ids(cleo_app, query)[:2] == [meant, near]


def test_vectors_only_rescore_where_the_past_is_asked_for(
    cleo_app: App, brain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug(monkeypatch, cleo_app, {"automobile": ["car"]})
    brain.observe("My car broke down")
    weather = brain.observe("The weather is fine").id
    assert ids(cleo_app, "automobile weather", include_superseded=True) == [weather]
    assert ids(cleo_app, "automobile weather", as_of="2100-01-01", arm="vector") == [weather]


def test_asking_for_vectors_where_there_are_none_says_so(cleo_cli: Cli, cleo_project: Any) -> None:
    cleo_cli("observe", "The parser drops comments")
    cleo_cli("config", "set", "brain.search.vectors", "off")
    outcome = cleo_cli("memory", "find", "parser", "--arm", "vector")
    assert outcome.data["results"] == []
    assert outcome.data["arms"]["vector"]["used"] is False
    assert [one["code"] for one in outcome.warnings] == ["W_NO_VECTORS"]


def test_common_words_only_raise_a_score_and_the_answer_says_so(
    cleo_app: App, brain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lexical, "MOST_ROWS", 5)
    monkeypatch.setattr(lexical, "BUDGET", 8)
    rare = brain.observe("common zebra").id
    plain = brain.observe("zebra alone").id
    for number in range(20):
        brain.observe(f"common thing {number}")
    found, _ = brain.find("common zebra", arm="lexical")
    assert [line.id for line in found.results] == [rare, plain]
    assert found.arms.lexical.terms_common == ["common"]
    assert found.arms.lexical.terms_used == ["zebra"]
    assert found.arms.lexical.exhaustive is False


def test_where_every_word_is_common_the_newest_with_most_of_them_come(
    cleo_app: App, brain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lexical, "MOST_ROWS", 5)
    monkeypatch.setattr(lexical, "BUDGET", 8)
    both = [brain.observe(f"common thing {number}").id for number in range(7)]
    for number in range(7):
        brain.observe(f"common {number}")
        brain.observe(f"thing {number}")
    found, page = brain.find("common thing", arm="lexical")
    assert [line.id for line in found.results[:7]] == both[::-1]
    assert found.arms.lexical.terms_used == []
    assert found.arms.lexical.exhaustive is False
    assert page.total == 14


def test_what_answers_a_question_and_whoever_is_named_come_first(cleo_app: App, brain: Any) -> None:
    def told(speaker: str, text: str) -> str:
        made: str = brain.observe(f"{speaker}: {text}", thread="talk").id
        return made

    told("Ada", "How was the concert?")
    answer = told("Bob", "Loud, and the seats were hard")
    told("Ada", "I like the opera more")
    assert ids(cleo_app, "How did Bob like the concert")[0] == answer


HOSTILE = [
    *('"', '""', "'", "NEAR(a b)", "title:parser", "*", "a*", ";--", "{title}: x", "^a", "a + b"),
    *("') DROP TABLE brain_entries; --", "\0", "a\0b", "\ud800", "🎉", "日本語", "2026-03-25"),
    *("9999-99-99", "-", "- -", '-"', "AND", "OR NOT", "a AND", "(", ")", "%", "_", "\\", "-a -b"),
    *("word " * 10_000, "x" * 100_000, "ﬀ", "\u0301", "__", "İstanbul"),
    " ".join(map(str, range(10_000))),
]


@pytest.mark.guarantee(
    "brain-09", "No query can raise or change the statement, whatever stands in it."
)
@pytest.mark.parametrize("query", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_queries_never_raise(cleo_app: App, brain: Any, query: str) -> None:
    brain.observe("The parser, title: drops NEAR comments; 'since' 2026-03-25")
    for options in ({}, {"all": True}, {"arm": "lexical"}, {"include_superseded": True}):
        found, page = brain.find(query, **options)
        assert page.total >= len(found.results)


@pytest.mark.guarantee(
    "brain-09", "No query can raise or change the statement, whatever stands in it."
)
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.text(st.sampled_from("ab7é日🎉\"'*-:()^+{}\\;%_ \0\n") | st.characters(), max_size=60),
    st.booleans(),
)
def test_any_text_is_a_query(cleo_app: App, query: str, every: bool) -> None:
    brain = cleo_app.service("brain")
    if not ids(cleo_app):
        brain.observe("a b 7 é 日本 and the rest", thread="t")
    before = brain.find()[1].total
    brain.find(query, all=every)
    assert brain.find()[1].total == before


@pytest.mark.guarantee(
    "brain-09", "No query can raise or change the statement, whatever stands in it."
)
@pytest.mark.parametrize(
    "options",
    [
        {"since": "' OR 1=1 --"},
        {"until": "yesterday"},
        {"as_of": "2026-13-01"},
        {"since": 7},
        {"kinds": ["fact"]},
        {"kinds": "decision"},
        {"types": ["nothing"]},
        {"tags": ["two words"]},
        {"tier": "eternal"},
        {"min_confidence": 2},
        {"min_confidence": float("nan")},
        {"by_agent": "a\0b"},
        {"thread": ""},
        {"colour": "red"},
        {"order": "oldest"},
        {"arm": "both"},
        {"limit": 0},
        {"limit": 201},
        {"offset": -1},
        {"query": 7},
        {"query": b"bytes"},
    ],
)
def test_filters_that_are_none_are_refused(brain: Any, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        brain.find(**options)


def test_a_time_in_sql_clothes_finds_nothing_and_is_a_parameter(cleo_app: App, brain: Any) -> None:
    brain.observe("apple")
    assert ids(cleo_app, "apple", thread="x' OR '1'='1") == []
    assert ids(cleo_app, "apple", by_agent='" OR 1=1') == []


@pytest.mark.guarantee("brain-10", "Reading changes no byte of any file.")
def test_reading_changes_no_byte(cleo_cli: Cli, cleo_project: Any, frozen_bytes: Any) -> None:
    made = cleo_cli("observe", "The parser drops comments", "--thread", "t").data["id"]
    cleo_cli("observe", "Nobody reads it", "--thread", "t")
    with Runner(warm=EVERYTHING) as runner:

        def read(*argv: str) -> None:
            run = runner.run(job(("memory", *argv), cleo_project))
            assert run.code == 0, run

        read("find", "parser")
        with frozen_bytes(cleo_project):
            read("find", "parser")
            read("find")
            read("find", "pars", "--include-superseded")
            read("find", "nothing at all", "--as-of", "2030-01-01")
            read("timeline", made)
            read("timeline", "--query", "parser")
            read("fetch", made)
            read("fetch", made, "--used", "--dry-run")
            read("context", "--query", "parser")
            read("context", "--query", "parser", "--used", "--dry-run")


def test_find_imports_neither_arrays_nor_tokenizers_nor_tables(
    cleo_cli: Cli, cleo_project: Any
) -> None:
    import subprocess
    import sys

    cleo_cli("observe", "The parser drops comments")
    code = (
        "import sys; from cleo_core.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = {'numpy', 'tokenizers', 'safetensors', 'sqlalchemy', 'alembic', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    for argv in (["find", "parser", "--arm", "lexical", "--human"], ["find"], ["context"]):
        done = subprocess.run(
            [sys.executable, "-c", code, "memory", *argv],
            cwd=cleo_project,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stderr.splitlines()[-1] == "[]", done.stderr


class TestPages:
    def test_pages_fit_together_and_say_when_the_list_is_cut(
        self, cleo_app: App, brain: Any
    ) -> None:
        for number in range(260):
            brain.observe(f"walrus {number}", tags=["even" if number % 2 == 0 else "odd"])
        for options in ({}, {"arm": "lexical"}, {"arm": "lexical", "tags": ["even"]}):
            listed, totals = [], set()
            for offset in range(0, 300, 50):
                found, page = brain.find("walrus", limit=50, offset=offset, **options)
                listed += [line.id for line in found.results]
                totals.add(page.total)
            assert len(listed) == len(set(listed)), options
            assert totals == {len(listed)}, options
        assert brain.find("walrus", arm="lexical")[0].arms.lexical.exhaustive is False
        assert brain.find("walrus", tags=["even"], arm="lexical")[1].total == 130

    def test_an_offset_is_a_number_that_can_be_one(self, brain: Any) -> None:
        for wrong in ({"offset": 2**70}, {"offset": 1.5}, {"limit": 1.5}, {"limit": True}):
            with pytest.raises(CleoError) as raised:
                brain.find("walrus", **wrong)
            assert raised.value.exit == 2


@pytest.mark.parametrize(
    ("text", "queries"),
    [
        ("the ﬁnance report", ("ﬁnance", "finance")),
        ("ticket ＡＢＣＤ open", ("ＡＢＣＤ", "abcd")),
        ("Wir wohnen in der straße dort", ("straße", "strasse")),
    ],
)
def test_words_are_found_however_their_letters_are_spelled(
    text: str, queries: tuple[str, ...], brain: Any
) -> None:
    id_ = brain.observe(text).id
    brain.observe("Berlin is big")
    for query in queries:
        for asked in (query, f"{query} Berlin"):
            found = brain.find(asked, arm="lexical")[0]
            assert id_ in [line.id for line in found.results], asked


def test_a_task_that_nobody_can_ask_about_still_has_its_context(cleo_app: App, brain: Any) -> None:
    cleo_app.service("tasks").add("Task one")
    brain.observe("linked words", tasks=["T1"])
    cleo_app.close()
    for path in Path(".cleo").glob("tasks.db*"):
        path.unlink()
    made = brain.context(task="T1")
    assert "linked words" in made.markdown
    assert any(one["code"] == "W_REF_UNCHECKED" for one in cleo_app.warnings)


def test_daily_verbs_load_neither_openssl_nor_translations(
    cleo_cli: Cli, cleo_project: Any
) -> None:
    import subprocess
    import sys

    id_ = cleo_cli("observe", "The lexer drops comments").data["id"]
    code = (
        "import sys; from cleo_core.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "slow = {'_hashlib', 'hashlib', 'secrets', 'random', 'locale'}\n"
        "print(sorted(slow & set(sys.modules)), file=sys.stderr)"
    )
    for argv in (
        ["observe", "The parser drops comments"],
        ["memory", "find", "parser", "--arm", "lexical", "--json"],
        ["memory", "fetch", id_, "--json"],
    ):
        done = subprocess.run(
            [sys.executable, "-c", code, *argv],
            cwd=cleo_project,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stderr.splitlines()[-1] == "[]", (argv, done.stderr)
