"""The maintenance: what follows from the rows is made again, and a second run changes nothing."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_brain.service import deriving, tiers
from cleo_brain.store import entries, retrievals
from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome

_keeping = runpy.run_path(str(Path(__file__).with_name("keeping.py")))
brain, disagreements = _keeping["brain"], _keeping["disagreements"]
execute, value = _keeping["execute"], _keeping["value"]

Cli = Callable[..., Outcome]
DAY = 86400
LOCAL = ("quality", "tiers", "evict", "stickies", "consolidate", "search", "suspects", "caps")


def changes(found: Any) -> dict[str, int]:
    return {step.name: step.changed for step in found.steps if step.changed}


@pytest.fixture
def lived(cleo_app: App, cleo_clock: Any) -> Any:
    """A store with something for every step, a hundred days later."""
    service = brain(cleo_app)
    for number in range(8):
        service.observe(
            f"parser drops comments behind commas case {number}", title=f"Parser case {number}"
        )
    service.observe("somebody guesses that it rains", source_confidence="speculative", thread="t")
    used = service.observe("often used thing", thread="t", source_confidence="agent")
    once = service.observe("used", thread="t", source_confidence="agent")
    service.sticky_add("expires soon")
    kept = service.sticky_add("stays", expires="never")
    service.sticky_convert(kept.id, "learning")
    cleo_app.write(
        "brain", lambda tx: [retrievals.count_use(tx, [used.id], tx.now) for _ in "12345"]
    )
    cleo_app.write("brain", lambda tx: [retrievals.count_use(tx, [once.id], tx.now) for _ in "123"])
    cleo_clock.advance(100 * DAY)
    return service


@pytest.mark.guarantee(
    "brain-17", "A second run of the maintenance changes nothing in any step, nor does a fiftieth."
)
def test_a_second_run_changes_nothing_and_a_fiftieth_neither(lived: Any, cleo_app: App) -> None:
    first = lived.maintain(consolidate=True, deep=True)
    assert {"tiers", "evict", "stickies", "consolidate", "vectors"} <= set(changes(first))
    before = execute("SELECT * FROM brain_entries ORDER BY seq")
    assert changes(lived.maintain(consolidate=True, deep=True)) == {}
    for _ in range(50):
        assert changes(lived.maintain(only=LOCAL)) == {}
    assert execute("SELECT * FROM brain_entries ORDER BY seq") == before
    assert not disagreements()


@pytest.mark.guarantee(
    "brain-17", "Quality and tiers are what a recomputation from the rows gives."
)
def test_quality_and_tiers_equal_a_recomputation(lived: Any, cleo_app: App) -> None:
    execute("UPDATE brain_entries SET quality = 0.123")
    found = lived.maintain(only=["quality", "tiers"])
    assert changes(found)["quality"] == value("SELECT count(*) FROM brain_entries")
    rows = [
        entries.decoded(row) for row in cleo_app.store("brain").read("SELECT * FROM brain_entries")
    ]
    typed = entries.typed_of(cleo_app.store("brain"), rows)
    for row in rows:
        assert row["quality"] == deriving.quality_of(
            row["kind"],
            typed[row["id"]],
            source_confidence=row["source_confidence"],
            tier=row["tier"],
            uses=row["uses"],
        )
        if row["invalid_at"] is None:
            assert tiers.standing(row, typed[row["id"]])[0] == row["tier"]
    reasons = dict(execute("SELECT tier_reason, count(*) FROM brain_entries GROUP BY 1"))
    assert reasons["5 uses"] == reasons["3 uses"] == 1
    assert value("SELECT tier FROM brain_entries WHERE tier_reason = '5 uses'") == "long"


class TestWithdrawing:
    @pytest.mark.guarantee(
        "brain-07", "What was evicted is withdrawn with its reason, not deleted."
    )
    def test_only_what_nobody_used_or_vouches_for_is_evicted(
        self, cleo_app: App, cleo_clock: Any, cleo_cli: Cli
    ) -> None:
        service = brain(cleo_app)
        weak = {"source_confidence": "speculative", "thread": "t"}
        gone = service.observe("a guess", **weak)
        service.observe("a guess that was seen twice", **weak)
        service.observe("a guess that was seen twice", **weak)
        used = service.observe("a guess that was used", **weak)
        service.observe("a sound thing", thread="t", source_confidence="owner")
        cleo_app.write("brain", lambda tx: retrievals.count_use(tx, [used.id], tx.now))
        cleo_clock.advance(29 * DAY)
        assert service.maintain(only=["evict"]).steps[0].changed == 0
        cleo_clock.advance(2 * DAY)
        cleo_cli("config", "set", "brain.evict_days", "0")
        assert cleo_cli("memory", "maintain", "--only", "evict").data["steps"][0]["changed"] == 0
        cleo_cli("config", "set", "brain.evict_days", "30")
        assert cleo_cli("memory", "maintain", "--only", "evict").data["steps"][0]["changed"] == 1
        (entry,) = service.fetch(gone.id).results
        assert entry.invalid_reason == "evicted"
        assert not disagreements()

    def test_a_learning_decays(self, cleo_app: App, cleo_clock: Any) -> None:
        service = brain(cleo_app)
        cleo_app.close()
        for content in ("short transactions help", "long ones do not"):
            note = service.sticky_add(content)
            service.sticky_convert(note.id, "learning")
        execute("UPDATE brain_entries SET verified = 0, verified_at = NULL, verified_by = NULL")
        execute("UPDATE brain_learnings SET confidence = 1 WHERE insight LIKE 'long%'")
        cleo_clock.advance((30 + 500) * DAY)
        service.maintain(only=["evict"])
        assert execute(
            "SELECT body, invalid_reason FROM brain_entries WHERE kind = 'learning'"
        ) == [
            ("short transactions help", "decayed"),
            ("long ones do not", None),
        ]


class TestConsolidating:
    def test_old_notes_that_are_alike_get_a_summary_and_stay(
        self, cleo_app: App, cleo_clock: Any
    ) -> None:
        service = brain(cleo_app)
        ids = [service.observe(f"parser drops comments behind commas {n}").id for n in range(5)]
        service.observe("the moon is full")
        assert service.maintain(consolidate=True, only=["consolidate"]).steps[0].changed == 0
        cleo_clock.advance(91 * DAY)
        assert [step.name for step in service.maintain(skip=["references", "vectors"]).steps].count(
            "consolidate"
        ) == 0
        assert service.maintain(consolidate=True).steps[4].changed == 1
        id_ = value("SELECT id FROM brain_observations WHERE source_type = 'maintenance'")
        (summary,) = service.fetch(id_).results
        assert summary.title.startswith("Summary of 5 notes, 2026-03-25 to 2026-03-25: ")
        assert [line.split()[0] for line in summary.narrative.splitlines()] == ids[::-1]
        assert {edge.target for edge in summary.edges} == set(ids)
        for member in service.fetch(*ids).results:
            assert (member.summary_id, member.invalid_at) == (id_, None)

    @pytest.mark.guarantee(
        "brain-07", "What was superseded is in no summary either, and in no answer through one."
    )
    def test_a_superseded_member_leaves_the_summary(self, cleo_app: App, cleo_clock: Any) -> None:
        service = brain(cleo_app)
        ids = [service.observe(f"parser drops comments zebra{n}").id for n in range(6)]
        cleo_clock.advance(91 * DAY)
        service.maintain(consolidate=True)
        id_ = value("SELECT id FROM brain_observations WHERE source_type = 'maintenance'")
        service.observe("no, it does not", supersedes=[ids[2]])
        (summary,) = service.fetch(id_).results
        assert "zebra2" not in summary.narrative
        assert summary.title.startswith("Summary of 5 notes")
        assert not service.find("zebra2", arm="lexical")[0].results
        assert "zebra2" not in service.context(query="zebra2").markdown
        assert not disagreements()


class TestFailing:
    @pytest.mark.guarantee(
        "brain-17", "A step that fails is reported, and the others are made all the same."
    )
    def test_a_step_that_fails_does_not_keep_the_others(
        self, lived: Any, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from cleo_brain.service import steps

        def broken(*_: Any) -> None:
            raise OSError("out of luck")

        monkeypatch.setitem(steps.STEPS, "tiers", broken)
        outcome = cleo_cli("memory", "maintain", "--skip", "vectors")
        assert (outcome.code, outcome.error["code"]) == (6, "E_MAINTENANCE")
        found = {step["name"]: step for step in outcome.error["details"]["steps"]}
        assert found["tiers"]["error"] == "OSError: out of luck"
        assert found["evict"]["changed"] == 1
        assert found["stickies"]["changed"] == 1

    def test_a_broken_index_is_made_anew(self, lived: Any, cleo_cli: Cli) -> None:
        execute("DELETE FROM brain_fts_data WHERE id > 10")
        sick = cleo_cli("doctor", "--only", "brain.search", "--deep")
        assert (sick.code, sick.error["fix"]) == (6, "cleo memory maintain --only search")
        assert lived.maintain(only=["search"]).steps[0].changed == 1
        assert lived.maintain(only=["search"]).steps[0].changed == 0
        assert not disagreements()

    def test_deep_mends_the_searched_columns(self, lived: Any) -> None:
        execute("UPDATE brain_entries SET extra = 'x', context = 'y', dates = 'z'")
        total = value("SELECT count(*) FROM brain_entries")
        assert lived.maintain(only=["search"]).steps[0].changed == 0
        assert lived.maintain(only=["search"], deep=True).steps[0].changed == total
        assert not disagreements()

    @pytest.mark.parametrize("step", ["", "qualty", None, 3])
    def test_an_unknown_step_is_exit_2(self, cleo_app: App, step: Any) -> None:
        with pytest.raises(CleoError) as error:
            brain(cleo_app).maintain(only=[step] if step is not None else 7)
        assert error.value.exit == 2


@pytest.mark.guarantee(
    "brain-10", "A dry run of the maintenance says what would change and changes no byte."
)
def test_a_dry_run_predicts_and_changes_no_byte(
    lived: Any, cleo_app: App, cleo_cli: Cli, frozen_bytes: Any
) -> None:
    cleo_app.close()
    argv = ("memory", "maintain", "--consolidate", "--deep")
    with frozen_bytes(".cleo"):
        dry = cleo_cli(*argv, "--dry-run").data
    real = cleo_cli(*argv).data

    def counts(data: Any) -> dict[str, int]:
        return {
            step["name"]: step["changed"] for step in data["steps"] if step["name"] != "vectors"
        }

    assert counts(dry) == counts(real)
    assert sum(counts(dry).values()) > 4


def test_suspects_are_named_and_nothing_is_written(
    cleo_app: App, cleo_cli: Cli, frozen_bytes: Any
) -> None:
    service = brain(cleo_app)
    one = service.observe("retry uploads after network failure always", thread="a")
    two = service.observe("retry uploads after network failure", thread="b")
    three = service.observe("never retry uploads after network failure", thread="c")
    cleo_app.close()
    with frozen_bytes(".cleo"):
        found = cleo_cli("memory", "maintain", "--only", "suspects").data["suspects"]
    assert found[0] == {
        "reason": "duplicate",
        "ids": [two.id, one.id],
        "command": f"cleo memory link {two.id} supersedes {one.id}",
    }
    assert {(one["reason"], *one["ids"]) for one in found[1:]} == {
        ("contradiction", three.id, two.id),
        ("contradiction", three.id, one.id),
    }


@pytest.mark.guarantee(
    "brain-18",
    "However often entries are used, the log keeps ten thousand rows and the file stops growing.",
)
def test_twenty_thousand_uses_leave_ten_thousand_rows(cleo_app: App) -> None:
    service = brain(cleo_app)
    id_ = service.observe("used all the time").id

    def at_once(tx: Any, count: int) -> None:
        tx.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count) "
            "INSERT INTO brain_retrieval_log (at, source, entry_ids_json, tokens) "
            "SELECT :now, 'fetch', json_array(:id), 9 FROM n",
            count=count,
            now=tx.now,
            id=id_,
        )
        tx.execute("UPDATE brain_entries SET uses = uses + :count", count=count)

    def use(tx: Any) -> None:
        at_once(tx, 250)
        for _ in range(250):
            retrievals.add(
                tx,
                ids=[id_],
                oldest="2000-01-01T00:00:00.000Z",
                at=tx.now,
                source="fetch",
                query=None,
                tokens=9,
                session=None,
                agent=None,
            )
            retrievals.count_use(tx, [id_], tx.now)

    cleo_app.write("brain", lambda tx: at_once(tx, 10_000))
    sizes = []
    for _ in range(20):
        cleo_app.write("brain", use)
        sizes.append(value("PRAGMA page_count"))
    assert value("SELECT count(*) FROM brain_retrieval_log") == retrievals.CAP
    assert value("SELECT uses FROM brain_entries") == 20_000
    assert max(sizes[4:]) - sizes[3] <= 2, sizes
    assert service.maintain(only=["caps"]).steps[0].changed == 0


def test_stats_count_what_there_is(lived: Any, cleo_cli: Cli, cleo_project: Any) -> None:
    found = cleo_cli("memory", "stats").data
    assert found["entries"]["observation"] == {"live": 11, "invalid": 0}
    assert found["entries"]["sticky"] == {"live": 0, "invalid": 2}
    assert found["reasons"]["expired"] == found["reasons"]["converted"] == 1
    assert found["log"] == {"rows": 0, "cap": 10000}
    assert found["bytes"] == value("PRAGMA page_count") * value("PRAGMA page_size")
    assert "11 live" in cleo_cli("memory", "stats", "--human").out
