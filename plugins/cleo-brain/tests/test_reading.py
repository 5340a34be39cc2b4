"""``timeline``, ``fetch --used`` and ``context``."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_brain.service.work import Verbs, Work
from cleo_brain.store import retrievals
from cleo_core.app import App
from cleo_core.errors import NotFoundError, UsageError
from cleo_core.testing import Clock, Outcome

Cli = Callable[..., Outcome]

_samples = runpy.run_path(str(Path(__file__).with_name("entry_samples.py")))
decision = _samples["decision"]
learning = _samples["learning"]
observation = _samples["observation"]
put = _samples["put"]
sticky = _samples["sticky"]


@pytest.fixture
def brain(cleo_app: App) -> Any:
    return cleo_app.service("brain")


@pytest.mark.guarantee(
    "brain-08", "A timeline gives exactly the neighbours, however close in time they were written."
)
def test_ten_entries_of_one_millisecond_keep_their_order(
    cleo_app: App, cleo_clock: Clock, brain: Any
) -> None:
    made = [brain.observe(f"moment {number}", thread="t").id for number in range(10)]
    found = brain.timeline(made[4])
    assert found.anchor.id == made[4]
    assert [line.id for line in found.before] == made[1:4]
    assert [line.id for line in found.after] == made[5:8]
    whole = brain.timeline(made[4], before=200, after=200)
    assert [line.id for line in (*whole.before, whole.anchor, *whole.after)] == made


def test_a_timeline_keeps_to_the_thread_and_the_filters(cleo_app: App, brain: Any) -> None:
    one = brain.observe("one", thread="a").id
    brain.observe("two", thread="b")
    three = brain.observe("three apples", thread="a", tags=["x"]).id
    brain.observe("four", thread="b")
    five = brain.observe("five", thread="a").id
    lone = brain.observe("six").id

    def around(**options: Any) -> list[str]:
        found = brain.timeline(**options)
        return [line.id for line in (*found.before, *found.after)]

    assert around(anchor=three, same_thread=True) == [one, five]
    assert around(anchor=three, thread="a") == [one, five]
    assert around(anchor=lone, same_thread=True) == []
    assert around(anchor=one, tags=["x"]) == [three]
    assert around(query="apples", before=0, after=1, same_thread=True) == [five]


def test_a_timeline_without_an_anchor_is_refused(brain: Any) -> None:
    with pytest.raises(NotFoundError):
        brain.timeline("O-none")
    with pytest.raises(NotFoundError):
        brain.timeline(query="zebra")
    for options in (
        {},
        {"anchor": "D001", "query": "x"},
        {"anchor": "nonsense"},
        {"anchor": "D001", "before": -1},
        {"anchor": "D001", "after": 201},
        {"anchor": "D001", "after": "3"},
        {"query": 7},
    ):
        with pytest.raises(UsageError):
            brain.timeline(**options)


def rows(app: App, table: str) -> list[dict[str, Any]]:
    """A table as it stands."""
    return [dict(row) for row in app.store("brain").read(f"SELECT * FROM {table}")]


TABLES = (
    *("brain_entries", "brain_observations", "brain_fts", "brain_audit", "brain_memory_links"),
    *("brain_retrieval_log", "brain_tags", "brain_edges", "brain_schema_meta", "idempotency_keys"),
)


@pytest.mark.guarantee(
    "brain-10", "Saying that an answer was used counts the use and writes one log row, no more."
)
@pytest.mark.guarantee(
    "brain-18", "A fetch that counts as a use changes the counter and the log only."
)
@pytest.mark.parametrize("source", ["fetch", "context"])
def test_a_use_changes_the_counter_the_time_and_one_log_row(
    cleo_open: Any, cleo_clock: Clock, source: str
) -> None:
    app = cleo_open(agent="ada")
    brain = app.service("brain")
    one = brain.observe("The parser drops comments", thread="t").id
    two = brain.observe("An unrelated matter").id
    before = {table: rows(app, table) for table in TABLES}
    cleo_clock.advance(60)
    if source == "fetch":
        brain.fetch(one, used=True)
        given = [one]
    else:
        brain.context(query="parser", used=True)
        given = [one, two]
    after = {table: rows(app, table) for table in TABLES}
    changed = {table for table in TABLES if before[table] != after[table]}
    assert changed == {"brain_entries", "brain_retrieval_log"}
    for old, new in zip(before["brain_entries"], after["brain_entries"], strict=True):
        differ = {name for name in old if old[name] != new[name]}
        assert differ == ({"uses", "last_used_at"} if new["id"] in given else set())
        assert new["uses"] == (1 if new["id"] in given else 0)
    (log,) = after["brain_retrieval_log"]
    assert (log["source"], log["agent"], log["at"]) == (source, "ada", app_now(cleo_clock))
    assert log["query"] == (None if source == "fetch" else "parser")
    assert log["tokens"] > 0


def app_now(cleo_clock: Clock) -> str:
    """The stopped clock as it is stored."""
    from cleo_core import clock

    return clock.format_time(cleo_clock.now)


@pytest.mark.guarantee("brain-06", "What stands between private tags is kept nowhere.")
def test_private_text_of_a_query_is_not_logged(cleo_app: App, brain: Any) -> None:
    brain.observe("The parser drops comments")
    brain.context(query="parser <private>of Ada</private> comments", used=True)
    (log,) = rows(cleo_app, "brain_retrieval_log")
    assert "Ada" not in log["query"]
    assert log["query"].split() == ["parser", "comments"]


@pytest.mark.guarantee(
    "brain-18", "A fetch that counts as a use changes the counter and the log only."
)
def test_the_log_stays_within_its_cap_however_often_something_is_used(
    cleo_app: App, brain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrievals, "CAP", 20)
    made = brain.observe("The parser drops comments").id
    for _ in range(50):
        brain.fetch(made, used=True)
    assert len(rows(cleo_app, "brain_retrieval_log")) == 20
    assert brain.fetch(made).results[0].uses == 50


def test_the_setting_makes_every_fetch_a_use_and_an_option_undoes_it(
    cleo_cli: Cli, cleo_project: Any
) -> None:
    made = cleo_cli("observe", "The parser drops comments").data["id"]

    def uses() -> int:
        found: int = cleo_cli("memory", "fetch", made, "--not-used").data["results"][0]["uses"]
        return found

    cleo_cli("memory", "fetch", made)
    assert uses() == 0
    cleo_cli("config", "set", "brain.retrieval_log", "true")
    cleo_cli("memory", "fetch", made)
    cleo_cli("memory", "context", "--query", "parser")
    assert uses() == 2
    cleo_cli("memory", "fetch", made, "--used", "--dry-run")
    assert uses() == 2


def test_what_fetch_prints_costs_what_it_said(cleo_cli: Cli, cleo_app: App) -> None:
    made = [
        cleo_app.service("brain")
        .observe(
            "A narrative\nof two lines with \x1b[31mcolour\x1b[0m " + "ab " * 40,
            title="A title that is longer than eighty characters " + "so it is " * 12,
            facts=["one", "two"],
            tags=["t"],
            files_read=["src/a.py"],
        )
        .id,
        cleo_app.service("brain").observe("short").id,
        decision(cleo_app, "We use SQLite " * 20, alternatives_json=["PostgreSQL"]),
        learning(cleo_app, "Trees grow", application="garden"),
        sticky(cleo_app, "Buy milk"),
    ]
    for id_ in made:
        outcome = cleo_cli("memory", "fetch", id_, "--human")
        printed = outcome.out.removesuffix("\n")
        tokens = cleo_cli("memory", "fetch", id_).data["tokens"]
        assert tokens == -(-len(printed) // 4), id_
        assert "\x1b" not in printed


@pytest.mark.guarantee(
    "brain-23", "A context never costs more than its budget, and what did not fit is named."
)
def test_a_context_stays_within_every_budget(cleo_app: App, brain: Any) -> None:
    Verbs(cleo_app).write("test", lambda work: fill(work, 1_000))
    seen: set[str] | None = None
    for budget in (100, 101, 250, 1_000, 6_000, 500_000):
        found = brain.context(query="parser index token", budget=budget)
        assert found.tokens == (-(-len(found.markdown) // 4) if found.markdown else 0)
        assert found.tokens <= found.budget == budget
        shown = [one.id for one in found.entries]
        omitted = [one.id for one in found.omitted]
        assert len({*shown, *omitted}) == len(shown) + len(omitted)
        candidates = {*shown, *omitted}
        assert seen is None or candidates == seen
        seen = candidates
        assert found.entries
        prices = {entry.id: entry.tokens for entry in brain.fetch(*candidates).results}
        for one in found.entries:
            assert one.id in found.markdown
            assert one.form == "line" or one.tokens == prices[one.id]
            assert one.tokens <= budget
        assert all(one.tokens == prices[one.id] for one in found.omitted)
        assert_share(found)
    assert len(seen) > 60


def assert_share(found: Any) -> None:
    """No kind has more than its share of the budget while another one waits."""
    kinds: dict[str, int] = {}
    for one in found.entries:
        kinds[one.kind] = kinds.get(one.kind, 0) + one.tokens
    prefix = {"D": "decision", "P": "pattern", "L": "learning", "O": "observation", "S": "sticky"}
    waiting = {prefix[one.id[0]] for one in found.omitted}
    for kind, tokens in kinds.items():
        assert tokens <= 0.6 * found.budget + 1 or waiting <= {kind}, (kind, tokens, found.budget)


def fill(app: Work, count: int) -> None:
    """Entries of all kinds and sizes."""
    import random

    chance = random.Random(7)
    words = ("parser", "index", "token", "cache", "lock", "queue", "merge", "export")

    def text(most: int) -> str:
        return " ".join(chance.choices(words, k=chance.randint(1, most)))

    for number in range(count):
        size = chance.choice((4, 4, 4, 20, 20, 20, 100, 800))
        kind = number % 5
        if kind == 0:
            decision(app, f"{number} {text(size)}")
        elif kind == 1:
            typed = {"pattern": f"{number} {text(size)}", "context": text(size), "frequency": 1}
            typed |= dict.fromkeys(("success_rate", "impact", "anti_pattern", "mitigation"))
            put(app, "pattern", {**typed, "type": "anti-pattern", "examples_json": []})
        elif kind == 2:
            learning(app, f"{number} {text(size)}")
        elif kind == 3:
            observation(app, f"{number} {text(size)}", f"thread {number // 100}")
        else:
            sticky(app, f"{number} {text(size)}", priority=chance.choice(("low", "high")))


def test_a_context_begins_with_what_is_linked_to_the_task_and_its_ancestors(
    cleo_cli: Cli, cleo_app: App
) -> None:
    epic = cleo_cli("add", "Reading", "--type", "epic", "-q").out.strip()
    given = ("--desc", "Of dates.", "--parent", epic, "-q")
    task = cleo_cli("add", "Write the parser", *given).out.strip()
    brain = cleo_app.service("brain")
    linked = brain.observe("Something else altogether", tasks=[task]).id
    above = brain.observe("What the epic needs", tasks=[epic]).id
    hit = brain.observe("The parser of dates is slow").id
    for number in range(12):
        brain.observe(f"chatter {number}")
    found = brain.context(task=task)
    assert [one.id for one in found.entries[:3]] == [above, linked, hit]
    assert ["linked" in one.why for one in found.entries[:3]] == [True, True, False]
    assert "query" in found.entries[2].why
    assert found.served_by in ("lexical", "hybrid")
    assert found.markdown.startswith("## Observations")
    outcome = cleo_cli("memory", "context", "--task", "T999")
    assert (outcome.code, outcome.error["code"]) == (4, "E_NOT_FOUND")
    human = cleo_cli("memory", "context", "--task", task, "--human")
    assert human.out == found.markdown + "\n"


def test_members_give_way_to_their_summary(cleo_app: App, brain: Any) -> None:
    members = [brain.observe(f"The parser fails at line {number}").id for number in range(3)]
    summary = brain.observe("Summary of 3 notes on failing lines").id
    cleo_app.write(
        "brain",
        lambda unit: unit.execute(
            "UPDATE brain_entries SET summary_id = :summary WHERE id <> :summary", summary=summary
        ),
    )
    found = brain.context(query="parser fails")
    assert [one.id for one in found.entries] == [summary]
    assert "summary" in found.entries[0].why
    assert not set(members) & {one.id for one in found.omitted}


def test_only_one_kind_may_fill_a_context_alone(cleo_app: App, brain: Any) -> None:
    for number in range(30):
        brain.observe(f"parser {number} " + "word " * 60)
    found = brain.context(query="parser", budget=1_000)
    assert found.tokens > 800
    learning(cleo_app, "parser " + "lesson " * 60)
    found = brain.context(query="parser", budget=1_000)
    assert "learning" in {one.kind for one in found.entries}
    assert [one.kind for one in brain.context(query="parser", kinds=["learning"]).entries] == [
        "learning"
    ]


@pytest.mark.parametrize(
    "options",
    [
        *({"budget": number} for number in (99, 0, -5, 10**9, True, 2.5, "many")),
        {"kinds": ["fact"]},
        {"kinds": "decision"},
        {"task": ""},
        {"task": "T001\0"},
        {"query": 7},
    ],
)
def test_a_context_of_nonsense_is_refused(brain: Any, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        brain.context(**options)


def test_a_context_of_an_empty_store_is_empty(cleo_cli: Cli, cleo_project: Any) -> None:
    outcome = cleo_cli("memory", "context", "--query", "x")
    assert (outcome.data["markdown"], outcome.data["tokens"]) == ("", 0)
    assert cleo_cli("memory", "context", "--budget", "99").code == 2


@pytest.mark.guarantee("brain-10", "Counting a use makes no vector, however many are waited for.")
def test_a_use_makes_no_vectors(cleo_cli: Any, cleo_project: Path) -> None:
    from cleo_core.database import connect_for_copy

    lines = "\n".join(f'{{"text": "entry number {n}"}}' for n in range(40))
    Path("lines.jsonl").write_text(lines, "utf-8")
    cleo_cli("memory", "import", "lines.jsonl", "--no-embed")
    id_ = cleo_cli("memory", "find", "number", "--limit", "1").data["results"][0]["id"]

    def state() -> list[Any]:
        connection = connect_for_copy(".cleo/brain.db")
        try:
            names = ("brain_models", "brain_vectors", "brain_schema_meta", "brain_vec_stale")
            return [connection.execute(f"SELECT * FROM {name}").fetchall() for name in names]
        finally:
            connection.close()

    before = state()
    assert cleo_cli("memory", "fetch", id_, "--used").code == 0
    assert state() == before


@pytest.mark.guarantee("brain-10", "Counting entries and listing what waits changes no byte.")
def test_stats_and_lists_change_no_byte(
    cleo_cli: Any, cleo_project: Path, frozen_bytes: Any
) -> None:
    cleo_cli("observe", "something", "--agent", "a")
    with frozen_bytes(cleo_project):
        assert cleo_cli("memory", "stats").code == 0
        assert cleo_cli("memory", "verify", "--list", "--min-uses", "0").code == 0
