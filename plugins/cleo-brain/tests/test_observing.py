"""What is stored, merged and refused; who vouches; what stays private."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleo_brain.service.classify import observation_type
from cleo_brain.service.private import strip_private
from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome

_keeping = runpy.run_path(str(Path(__file__).with_name("keeping.py")))
brain, disagreements = _keeping["brain"], _keeping["disagreements"]
execute, value = _keeping["execute"], _keeping["value"]

Cli = Callable[..., Outcome]
SECRET = "zanzibarquokka"

PATTERNS = """
import sys
from cleo_core.app import open_app
with open_app() as app:
    for _ in range(int(sys.argv[1])):
        app.service("brain").store("Never edit a migration", type="pattern", context="schema")
"""


def tier(cleo_cli: Cli, *words: str) -> str:
    """Where an observation begins."""
    id_ = cleo_cli("observe", *words).data["id"]
    found: str = cleo_cli("memory", "fetch", id_).data["results"][0]["tier"]
    return found


class TestGate:
    @pytest.mark.guarantee("brain-02", "What is reported as stored or merged can be fetched.")
    def test_stored_and_merged_ids_can_be_fetched(self, cleo_cli: Cli, cleo_project: Path) -> None:
        first = cleo_cli("observe", "The parser drops comments").data
        again = cleo_cli("observe", "  the PARSER drops\n comments ").data
        assert (first["outcome"], again["outcome"]) == ("stored", "merged")
        assert again["id"] == first["id"]
        assert again["createdAt"] == first["createdAt"]
        (entry,) = cleo_cli("memory", "fetch", first["id"]).data["results"]
        assert entry["narrative"] == "The parser drops comments"
        assert entry["seen"] == 2

    @pytest.mark.guarantee("brain-02", "What is refused has no id and leaves every byte as it was.")
    @pytest.mark.parametrize(
        ("words", "reason"),
        [
            (("observe", ""), "empty"),
            (("observe", "<private>all of it</private>"), "only-private"),
            (("observe", "… !!! —"), "no-words"),
            (
                (
                    *("memory", "store", "--type", "pattern", "--context", "here"),
                    *("--content", "<private>x</private>"),
                ),
                "only-private",
            ),
            (
                ("memory", "store", "--type", "pattern", "--context", "here", "--content", "!!"),
                "no-words",
            ),
            (
                (
                    *("memory", "decide", "--rationale", "why"),
                    *("--decision", "<private>x</private>"),
                ),
                "only-private",
            ),
            (("observe", "Task start: T001"), "noise"),
            (("observe", "it is status: undefined here"), "noise"),
            (("observe", "fine", "--title", "Auto-generated: fine"), "noise"),
            (
                (
                    *("memory", "store", "--type", "learning", "--content", "perhaps"),
                    *("--confidence", "0.1", "--agent", "a"),
                ),
                "low-confidence",
            ),
        ],
    )
    def test_refused_texts_leave_nothing(
        self,
        words: tuple[str, ...],
        reason: str,
        cleo_cli: Cli,
        cleo_project: Path,
        frozen_bytes: Any,
    ) -> None:
        cleo_cli("observe", "something before")
        with frozen_bytes(cleo_project):
            outcome = cleo_cli(*words)
        error = outcome.error
        assert (outcome.code, error["code"]) == (6, "E_GATE_REJECTED")
        assert error["details"]["outcome"] == "rejected"
        assert error["details"]["reason"] == reason
        assert "id" not in error["details"]

    def test_the_refusal_names_what_is_missing(self, cleo_cli: Cli, cleo_project: Path) -> None:
        refused = cleo_cli("memory", "store", "--type", "pattern", "--content", "Never edit")
        assert refused.error["message"] == "Not stored: the context is empty."
        assert "--context" in refused.error["fix"]

    def test_only_what_an_entry_says_can_be_noise(self, cleo_cli: Cli, cleo_project: Path) -> None:
        store = ("memory", "store", "--type", "pattern", "--content")
        assert cleo_cli(*store, "Small commits", "--context", "Verified: by CI").code == 0
        decide = ("memory", "decide", "--rationale", "why", "--decision")
        refused = cleo_cli(*decide, "Verified: it works")
        assert refused.error["details"]["reason"] == "noise"
        assert refused.error["fix"].startswith("cleo memory decide")

    def test_force_lets_noise_in_but_not_nothing(self, cleo_cli: Cli, cleo_project: Path) -> None:
        assert cleo_cli("observe", "Verified: it works", "--force").data["outcome"] == "stored"
        assert cleo_cli("observe", "...", "--force").code == 6

    def test_a_batch_counts_and_goes_on(self, cleo_cli: Cli, cleo_project: Path) -> None:
        lines = [
            '{"text": "one line", "tags": ["a"]}',
            "no json",
            '{"text": "Task start: x"}',
            '{"text": "one line"}',
            '{"text": "refers", "supersedes": ["D009"]}',
            '{"text": "odd", "colour": "red"}',
            '["no object"]',
        ]
        Path("lines.jsonl").write_text("\n".join(lines), "utf-8")
        done = cleo_cli("observe", "--batch", "lines.jsonl").data
        assert (done["stored"], done["merged"]) == (1, 1)
        assert [one["line"] for one in done["rejected"]] == [2, 3, 5, 6, 7]
        assert value("SELECT count(*) FROM brain_entries") == 1
        assert value("SELECT count(*) FROM brain_audit WHERE action = 'memory.observe'") == 1
        Path("bytes.jsonl").write_bytes(b'{"text": "good"}\n{"text": "\xff"}\n{"text": "fine"}\n')
        done = cleo_cli("observe", "--batch", "bytes.jsonl").data
        assert (done["stored"], [one["line"] for one in done["rejected"]]) == (2, [2])
        Path("bad.jsonl").write_text('{"text": "..."}\n', "utf-8")
        assert cleo_cli("observe", "--batch", "bad.jsonl").code == 6


class TestMerging:
    @pytest.mark.guarantee(
        "brain-03", "A pattern that is stored again and again is one row with that frequency."
    )
    def test_the_same_pattern_is_one_row(self, cleo_app: App) -> None:
        service = brain(cleo_app)
        for number in range(400):
            service.store(
                "Never edit a shipped migration",
                type="pattern",
                context="schema changes",
                examples=[f"T{number % 5 + 1:03d}"] if number < 5 else (),
            )
        ((count, frequency, seen),) = execute(
            "SELECT count(*), max(frequency), max(seen) FROM brain_patterns "
            "JOIN brain_entries USING (id)"
        )
        assert (count, frequency, seen) == (1, 400, 400)
        assert not disagreements()

    @pytest.mark.guarantee("brain-03", "Many processes that store one text at once make one row.")
    def test_twenty_processes_make_one_row(self, cleo_app: App, cleo_processes: Any) -> None:
        found = cleo_processes([[sys.executable, "-c", PATTERNS, "3"] for _ in range(20)])
        assert [code for code, _, _ in found] == [0] * 20, found
        assert execute("SELECT count(*), sum(frequency) FROM brain_patterns") == [(1, 60)]
        assert not disagreements()

    @pytest.mark.guarantee(
        "brain-04",
        "Only what says the same in every respect is merged: kind, type, thread, and still live.",
    )
    def test_what_differs_is_another_memory(self, cleo_app: App) -> None:
        service = brain(cleo_app)
        one = service.decide("Use one file", "it can be copied")
        assert service.decide("Use one file", "it can be copied").outcome == "merged"
        other = service.decide("Use one file", "it can be copied", type="process")
        assert other.outcome == "stored"
        told = service.observe("Use one file it can be copied", thread="a")
        assert told.outcome == "stored"
        assert service.observe("Use one file it can be copied", thread="b").outcome == "stored"
        assert service.observe("Use one file it can be copied", thread="a").id == told.id
        service.decide("Use two files", "one is too large", supersedes=[one.id])
        again = service.decide("Use one file", "it can be copied")
        assert again.outcome == "stored"
        assert again.id not in (one.id, other.id)
        assert not disagreements()

    def test_a_learning_told_again_is_as_sure_as_the_surest(self, cleo_app: App) -> None:
        service = brain(cleo_app)
        first = service.store("Files are cheap", type="learning", confidence=0.6, tags=["io"])
        service.store("Files are cheap", type="learning", confidence=0.9, tags=["disk"])
        service.store("Files are cheap", type="learning", confidence=0.3)
        (entry,) = service.fetch(first.id).results
        assert entry.confidence == 0.9
        assert entry.tags == ["disk", "io"]
        assert entry.seen == 3


class TestTypes:
    @pytest.mark.guarantee(
        "brain-05", "An observation's type is told by whole words: address adds nothing."
    )
    @pytest.mark.parametrize(
        ("text", "type_"),
        [
            ("the address of the prefix", "discovery"),
            ("a renewed newspaper, unmoved", "discovery"),
            ("Fixed the leak", "bugfix"),
            ("the errors came back", "bugfix"),
            ("renamed and added", "refactor"),
            ("we added an index", "feature"),
            ("a NEW index", "feature"),
            ("chose the other one instead", "decision"),
            ("upgraded the driver", "change"),
            ("crash: add nothing", "bugfix"),
            ("it rained", "discovery"),
        ],
    )
    def test_by_whole_words(self, text: str, type_: str) -> None:
        assert observation_type("", text) == type_
        assert observation_type(text, "nothing else") == type_

    @pytest.mark.guarantee("brain-05", "Each word of a class works, and only as a whole word.")
    @pytest.mark.parametrize(
        ("type_", "words"),
        [
            ("bugfix", "bug bugs fix fixes fixed error errors crash crashed"),
            ("refactor", "refactor refactored rename renamed extract extracted move moved"),
            ("feature", "add adds added create created implement implemented new"),
            ("decision", "decide decided chose chosen picked instead"),
            ("change", "update updated change changed modify modified upgrade upgraded"),
        ],
    )
    def test_every_word(self, type_: str, words: str) -> None:
        for word in words.split():
            assert observation_type("", f"so {word}, then") == type_
            assert observation_type("", f"x{word}x") == "discovery"


class TestPrivate:
    @pytest.mark.guarantee(
        "brain-06", "Private text is in no byte of the project, whichever field it was given in."
    )
    def test_private_text_is_nowhere(
        self, cleo_app: App, cleo_cli: Cli, cleo_project: Path
    ) -> None:
        hidden = f"<private>{SECRET}</private>"
        forms = [
            f"a <PRIVATE why='x'>{SECRET}</Private> b",
            f"c <private>x<private>{SECRET}</private>{SECRET}</private> d",
            f"e <private>line\n{SECRET}\nline",
            f"f < private >{SECRET}</ private > g",
        ]
        for number, text in enumerate(forms):
            done = cleo_cli(
                *("observe", text, "--title", f"title {number} {hidden}", "--fact", f"f {hidden}"),
                *("--tag", f"tag{number}{hidden}", "--thread", f"thread{hidden}"),
                *("--idempotency-key", f"key-{number}"),
            ).data
            assert done["privateStripped"] >= 4
        cleo_cli(
            *("memory", "decide", "--decision", f"decide {hidden}", "--rationale", f"why {hidden}"),
            *("--alternative", f"else {hidden}"),
        )
        cleo_cli(
            *("memory", "store", "--type", "pattern", "--content", f"pattern {hidden}"),
            *("--context", f"context {hidden}", "--mitigation", f"help {hidden}"),
        )
        cleo_cli("sticky", "add", f"note {hidden}")
        Path("b.jsonl").write_text(json.dumps({"text": f"line {hidden}", "concepts": [hidden]}))
        cleo_cli("observe", "--batch", "b.jsonl")
        Path("b.jsonl").unlink()
        cleo_cli("memory", "find", "note")
        cleo_cli("memory", "verify", "D001", "--by", f"me {hidden}", "--undo")
        cleo_cli("memory", "verify", "D001", "--by", f"me {hidden}")
        Path("b.jsonl").write_text(json.dumps({"text": "t", hidden: 1}))
        assert SECRET not in cleo_cli("observe", "--batch", "b.jsonl").out
        Path("b.jsonl").unlink()
        for words in (("observe", hidden), ("observe", f"x {hidden}", "--type", "none")):
            outcome = cleo_cli(*words)
            assert SECRET not in outcome.out + outcome.err
        cleo_app.close()
        for path in cleo_project.rglob("*"):
            if path.is_file():
                assert SECRET.encode() not in path.read_bytes(), path

    @given(st.lists(st.sampled_from(["a", "<private>", "</private>", "<private x=1>", "b\n"])))
    @settings(max_examples=100)
    def test_what_is_kept_stood_outside_of_every_span(self, parts: list[str]) -> None:
        depth, outside = 0, []
        for part in parts:
            if part.startswith("</"):
                depth = max(0, depth - 1)
            elif part.startswith("<"):
                depth += 1
            elif depth == 0:
                outside.append(part)
        assert strip_private("".join(parts))[0] == "".join(outside)


class TestWhoAndWhen:
    def test_sessions_give_thread_and_task(self, cleo_cli: Cli, cleo_project: Path) -> None:
        agent = ("--agent", "ada")
        cleo_cli("add", "Write it")
        session = cleo_cli("session", "start", "--scope", "global", *agent).data["id"]
        cleo_cli("start", "T001", *agent)
        done = cleo_cli("observe", "noticed in passing", *agent).data
        assert done["linked"] == ["T001"]
        (entry,) = cleo_cli("memory", "fetch", done["id"]).data["results"]
        assert entry["thread"] == entry["sourceSessionId"] == session
        assert entry["links"][0]["linkType"] == "produced_by"
        assert entry["tier"] == "short"
        assert tier(cleo_cli, "about a task", "--task", "T001") == "medium"
        assert tier(cleo_cli, "they clash", "--title", "T001 and T002") == "medium"
        assert cleo_cli("observe", "without", "--no-task", *agent).data["linked"] == []

    def test_who_vouches(self, cleo_app: App) -> None:
        service = brain(cleo_app)
        by_hand = service.fetch(service.observe("by hand").id).results[0]
        assert (by_hand.source_type, by_hand.source_confidence) == ("manual", "owner")
        assert by_hand.verified
        assert by_hand.verified_by == "owner"
        debrief = service.observe("told after", source_type="session-debrief")
        assert service.fetch(debrief.id).results[0].source_confidence == "task-outcome"
        guess = service.store("perhaps so", type="learning", source="transcript:7")
        found = service.fetch(guess.id).results[0]
        assert found.source_confidence == "speculative"
        assert not found.verified

    @pytest.mark.parametrize(
        "wrong",
        [
            {"text": "x\0y"},
            {"text": "x \ud800"},
            {"text": "x" * 65_537},
            {"text": 7},
            {"text": "x", "title": "t" * 201},
            {"text": "x", "tags": ["two words"]},
            {"text": "x", "tags": [f"t{n}" for n in range(51)]},
            {"text": "x", "facts": ["f"] * 101},
            {"text": "x", "type": "novel"},
            {"text": "x", "at": "yesterday"},
            {"text": "x", "facts": "one"},
            {"text": "x", "discovery_tokens": -1},
            {"text": "x", "discovery_tokens": 2**70},
            {"text": "x", "force": "false"},
            {"text": "x", "source_type": ""},
        ],
    )
    def test_wrong_input_is_refused_and_changes_nothing(
        self, wrong: dict[str, Any], cleo_app: App
    ) -> None:
        with pytest.raises(CleoError) as raised:
            brain(cleo_app).observe(**wrong)
        assert raised.value.exit == 2
        assert raised.value.fix
        assert value("SELECT count(*) FROM brain_entries") == 0


@pytest.mark.guarantee("brain-22", "Whenever observing is killed, everything in the file agrees.")
def test_observing_killed_anywhere_is_whole_or_not_there(
    cleo_cli: Cli, cleo_project: Path, cleo_faults: Any
) -> None:
    cleo_cli("observe", "what stood before", "--thread", "t")
    points = cleo_faults.points("observe", "not killed", "--thread", "t", "--tag", "k")
    for number in (*points, points[-1] + 100):
        argv = ("observe", f"killed in time {number}", "--thread", "t", "--tag", "k")
        killed = cleo_faults.killed_at(number, *argv)
        assert killed.code == (0 if number > points[-1] else -9)
        assert not disagreements()
        there = value(f"SELECT count(*) FROM brain_entries WHERE body LIKE '% time {number}'")
        assert there == 1 or number < points[-1]


@pytest.mark.guarantee("brain-22", "Whenever superseding or merging is killed, everything agrees.")
@pytest.mark.parametrize("what", ["supersede", "merge"])
def test_superseding_and_merging_killed_anywhere(
    what: str, cleo_cli: Cli, cleo_project: Path, cleo_faults: Any
) -> None:
    def prepare(number: int) -> tuple[str, tuple[str, ...]]:
        old = cleo_cli("observe", f"first {number}", "--thread", "t").data["id"]
        if what == "supersede":
            return old, ("observe", f"second {number}", "--thread", "t", "--supersedes", old)
        return old, ("observe", f"first {number}", "--thread", "t", "--tag", "again")

    points = cleo_faults.points(*prepare(0)[1])
    for number in (*points, points[-1] + 100):
        old, argv = prepare(number)
        killed = cleo_faults.killed_at(number, *argv)
        assert killed.code == (0 if number > points[-1] else -9)
        assert not disagreements()
        (entry,) = cleo_cli("memory", "fetch", old).data["results"]
        if what == "supersede":
            assert (entry["invalidReason"] == "superseded") == (entry["supersededBy"] is not None)
        else:
            assert (entry["seen"] == 2) == (entry["tags"] == ["again"])


def test_the_first_years_are_times_too(cleo_cli: Cli, cleo_project: Path) -> None:
    assert cleo_cli("observe", "long ago", "--at", "0999-12-31").code == 0
    assert value("SELECT valid_at FROM brain_entries") == "0999-12-31T00:00:00.000Z"
    assert value("SELECT dates FROM brain_entries") == "999 december 31 tuesday"


@pytest.mark.parametrize(
    "words",
    [
        ("observe", "x", "--supersedes", ""),
        ("observe", "x", "--task", " "),
        ("memory", "decide", "--decision", "d", "--rationale", "r", "--task", ""),
        ("memory", "decide", "--decision", "d", "--rationale", "r", "--adr", ""),
        ("memory", "store", "--type", "learning", "--content", "c", "--supersedes", ""),
    ],
)
def test_a_blank_id_is_no_id(words: tuple[str, ...], cleo_cli: Cli, cleo_project: Path) -> None:
    outcome = cleo_cli(*words)
    assert (outcome.code, outcome.error["code"]) == (2, "E_USAGE")
    assert outcome.error["fix"]


def test_a_setting_out_of_range_is_named(cleo_cli: Cli, cleo_project: Path) -> None:
    cleo_cli("config", "set", "brain.gate.min_confidence", "7")
    cleo_cli("config", "set", "brain.context.budget", "50")
    for words in (("observe", "x"), ("memory", "context")):
        outcome = cleo_cli(*words)
        assert (outcome.code, outcome.error["code"]) == (8, "E_CONFIG")
        assert outcome.error["fix"].startswith("cleo config unset brain.")
