"""Sticky notes: put up, changed, taken down, and what becomes of them."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome

_keeping = runpy.run_path(str(Path(__file__).with_name("keeping.py")))
brain, disagreements = _keeping["brain"], _keeping["disagreements"]
execute, value = _keeping["execute"], _keeping["value"]

Cli = Callable[..., Outcome]

WORKER = """
import sys
from cleo_core.app import open_app
with open_app() as app:
    for number in range(10):
        print(app.service("brain").sticky_add(f"note {sys.argv[1]} {number}").id, flush=True)
"""


@pytest.mark.guarantee(
    "brain-21", "However many processes put up notes at once, their numbers follow on each other."
)
def test_twenty_processes_get_two_hundred_numbers_in_a_row(
    cleo_cli: Cli, cleo_app: App, cleo_processes: Any
) -> None:
    # Otherwise each would load the model at its end, to embed what all have put up.
    cleo_cli("config", "set", "brain.embed", "never")
    found = cleo_processes([[sys.executable, "-c", WORKER, str(n)] for n in range(20)])
    assert [code for code, _, _ in found] == [0] * 20, found
    ids = sorted(line for _, out, _ in found for line in out.split())
    assert ids == [f"SN-{number:03d}" for number in range(1, 201)]
    assert cleo_cli("sticky", "list", "--limit", "1").page["total"] == 200


class TestLists:
    @pytest.mark.guarantee("brain-21", "Lists of notes are exact: filters, limit and total.")
    def test_filters_and_limit_work_together(self, cleo_app: App, cleo_cli: Cli) -> None:
        service = brain(cleo_app)
        for number in range(12):
            service.sticky_add(
                f"note {number}",
                color="red" if number % 2 else "blue",
                priority="high" if number % 3 == 0 else "low",
                tags=["all", *(["four"] if number % 4 == 0 else [])],
            )
        found, page = service.sticky_list(color="blue", limit=2, offset=1)
        assert [note.content for note in found] == ["note 8", "note 6"]
        assert page.total == 6
        found, page = service.sticky_list(tags=["all", "four"], color="blue", priority="high")
        assert [note.content for note in found] == ["note 0"]
        assert page.total == 1
        assert service.sticky_list(tags=["four", "none"])[1].total == 0
        outcome = cleo_cli("sticky", "ls", "--color", "red", "--limit", "3")
        assert [note["content"] for note in outcome.data] == ["note 11", "note 9", "note 7"]
        assert outcome.page == {"limit": 3, "offset": 0, "total": 6, "hasMore": True}
        assert outcome.envelope["meta"]["operation"] == "sticky.list"

    @pytest.mark.guarantee("brain-21", "A note past its time shows as archived at once.")
    @pytest.mark.guarantee("brain-07", "A note past its time is in no list of live ones.")
    def test_expiry_shows_without_anybody_writing_it(
        self, cleo_app: App, cleo_clock: Any, frozen_bytes: Any
    ) -> None:
        service = brain(cleo_app)
        kept = service.sticky_add("for ever", expires="never")
        short = service.sticky_add("for a day", expires="1d")
        usual = service.sticky_add("as usual")
        assert kept.expires_at is None
        assert [note.id for note in service.sticky_list()[0]] == [usual.id, short.id, kept.id]
        cleo_clock.advance(86400)
        cleo_app.close()
        with frozen_bytes(".cleo"):
            assert [note.id for note in service.sticky_list()[0]] == [usual.id, kept.id]
            (archived,) = service.sticky_list(status="archived")[0]
            shown = service.sticky_show(short.id)
            (fetched,) = service.fetch(short.id).results
            cleo_app.close()
        for note in (archived, shown, fetched):
            assert (note.status, note.invalid_reason) == ("archived", "expired")
            assert note.invalid_at == short.expires_at
        cleo_clock.advance(14 * 86400)
        assert [note.id for note in service.sticky_list()[0]] == [kept.id]
        assert service.maintain(only=["stickies"]).steps[0].changed == 2
        assert service.sticky_show(short.id).invalid_at == short.expires_at
        assert service.maintain(only=["stickies"]).steps[0].changed == 0
        assert not disagreements()


class TestChanging:
    @pytest.mark.guarantee(
        "brain-15", "After a note was edited its old words are in no index and no vector."
    )
    def test_an_edit_leaves_nothing_of_the_old_words(self, cleo_app: App, cleo_cli: Cli) -> None:
        service = brain(cleo_app)
        note = service.sticky_add("zebra crossing", tags=["road"])
        service.reembed()
        edited = service.sticky_edit(note.id, content="tidal power", color="green", tags=["sea"])
        assert (edited.content, edited.color, edited.tags) == ("tidal power", "green", ["sea"])
        assert edited.tokens == -(-len("SN-001 sticky 2026-11-28\n") // 4) or edited.tokens > 0
        match = "SELECT count(*) FROM brain_fts WHERE brain_fts MATCH '{}'"
        assert [value(match.format(word)) for word in ("zebra", "road", "tidal", "sea")] == [
            *(0, 0, 1, 1)
        ]
        assert value("SELECT count(*) FROM brain_vectors") == 0
        row = execute("SELECT text_hash, content_hash FROM brain_entries")[0]
        other = service.sticky_add("tidal power")
        assert (
            row
            == execute(
                f"SELECT text_hash, content_hash FROM brain_entries WHERE id = '{other.id}'"
            )[0]
        )
        assert not disagreements()

    def test_what_is_asked_for_already_is_exit_102(self, cleo_cli: Cli, cleo_project: Any) -> None:
        cleo_cli("sticky", "add", "one")
        assert cleo_cli("sticky", "edit", "SN-001", "--color", "yellow").code == 102
        assert cleo_cli("sticky", "restore", "SN-001").code == 102
        assert cleo_cli("sticky", "archive", "sn-1").data == {"changed": ["SN-001"]}
        assert cleo_cli("sticky", "archive", "SN-001").code == 102
        assert cleo_cli("sticky", "edit", "SN-001", "--color", "red").error["code"] == (
            "E_INVALID_STATE"
        )
        assert cleo_cli("sticky", "restore", "SN-001").data == {"changed": ["SN-001"]}

    def test_a_restored_note_lives_anew(self, cleo_app: App, cleo_clock: Any) -> None:
        service = brain(cleo_app)
        note = service.sticky_add("water the plants", expires="1d")
        cleo_clock.advance(2 * 86400)
        assert service.sticky_restore(note.id).changed == [note.id]
        again = service.sticky_show(note.id)
        assert (again.status, again.invalid_at) == ("active", None)
        assert again.expires_at > note.expires_at

    def test_the_same_words_twice_are_two_notes_but_one_under_a_key(self, cleo_cli: Cli) -> None:
        cleo_cli("init")
        first = cleo_cli("sticky", "jot", "twice", "--idempotency-key", "k").data
        again = cleo_cli("sticky", "add", "twice", "--idempotency-key", "k")
        assert again.data["id"] == first["id"]
        assert again.envelope["meta"]["replayed"] is True
        assert cleo_cli("sticky", "add", "twice").data["id"] == "SN-002"

    @pytest.mark.parametrize(
        ("argv", "code"),
        [
            (("add", ""), 6),
            (("add", "<private>all of it</private>"), 6),
            (("add", "..."), 6),
            (("add", "x", "--expires", "yesterday"), 2),
            (("add", "x", "--expires", "2001-01-01"), 2),
            (("add", "x", "--expires", "0d"), 2),
            (("add", "x", "--expires", ""), 2),
            (("add", "x", "--tag", "two words"), 2),
            (("add", "x", "--color", "mauve"), 2),
            (("add", "x" * 70_000), 2),
            (("list", "--limit", "201"), 2),
            (("show", "SN-999"), 4),
            (("show", "D001"), 4),
            (("show", "rubbish"), 2),
            (("edit", "SN-999", "--color", "red"), 4),
            (("edit", "SN-001"), 2),
            (("edit", "SN-001", "--content", ""), 6),
            (("archive", "SN-001", "SN-999"), 4),
            (("purge", "SN-999"), 4),
            (("convert", "SN-001", "--to", "decision"), 6),
            (("convert", "SN-001", "--to", "learning", "--title", "t"), 2),
            (("convert", "SN-001", "--to", "observation", "--type", "poem"), 2),
            (("convert", "SN-001", "--to", "task", "--parent", "T999"), 10),
            (("convert", "SN-999", "--to", "task"), 4),
        ],
    )
    def test_wrong_input_is_one_clear_error_and_changes_nothing(
        self, cleo_cli: Cli, cleo_project: Any, argv: tuple[str, ...], code: int
    ) -> None:
        cleo_cli("sticky", "add", "first")
        outcome = cleo_cli("sticky", *argv)
        assert outcome.code == code, outcome
        assert outcome.error["fix"] or code == 2
        assert value("SELECT count(*) FROM brain_entries") == 1
        assert cleo_cli("sticky", "show", "SN-001").data["status"] == "active"

    @pytest.mark.parametrize("text", [None, 3, b"x", "a\0b", "\ud800", ["x"]])
    def test_wrong_types_from_python_are_usage_errors(self, cleo_app: App, text: Any) -> None:
        for call in (
            lambda: brain(cleo_app).sticky_add(text),
            lambda: brain(cleo_app).sticky_add("x", color=text),
            lambda: brain(cleo_app).sticky_list(status=text),
            lambda: brain(cleo_app).sticky_show(text),
        ):
            with pytest.raises(CleoError) as error:
                call()
            assert error.value.exit == 2

    @pytest.mark.guarantee("brain-06", "Private spans of a note are in no byte of the store.")
    def test_private_spans_leave_no_byte(self, cleo_cli: Cli, cleo_project: Any) -> None:
        cleo_cli("sticky", "add", "a <private>kryptonite</private> b", "--idempotency-key", "k")
        cleo_cli("sticky", "edit", "SN-001", "--content", "c <PRIVATE>kryptonite")
        assert cleo_cli("sticky", "show", "SN-001").data["content"].strip() == "c"
        for path in cleo_project.glob(".cleo/brain.db*"):
            assert b"kryptonite" not in path.read_bytes()


class TestConverting:
    def test_a_note_becomes_a_task_once(self, cleo_app: App, cleo_cli: Cli) -> None:
        service = brain(cleo_app)
        text = "Ask the lawyers about the licence of the parser before we ship anything"
        service.sticky_add(text, tags=["law", "größe"])
        outcome = cleo_cli("sticky", "convert", "SN-001", "--to", "task")
        assert outcome.data["target"] == {"kind": "task", "id": "T001"}
        assert (outcome.data["outcome"], outcome.data["replayed"]) == ("stored", False)
        assert outcome.data["sticky"]["convertedTo"] == "task:T001"
        (task,) = cleo_app.service("tasks").show("T001")
        assert (task.title, task.description) == (
            "Ask the lawyers about the licence of the parser",
            text,
        )
        assert task.origin == "converted"
        assert "law" in task.labels
        again = cleo_cli("sticky", "convert", "SN-001", "--to", "task")
        assert (again.code, again.error["code"]) == (17, "E_ALREADY_DONE")
        for verb in ("archive", "restore"):
            assert cleo_cli("sticky", verb, "SN-001").code == 17
        assert cleo_cli("sticky", "edit", "SN-001", "--color", "red").code == 17
        assert not disagreements()

    @pytest.mark.guarantee(
        "brain-21", "A note that becomes an observation gives one of a type that there is."
    )
    def test_a_note_becomes_an_observation_of_a_legal_type(self, cleo_app: App) -> None:
        service = brain(cleo_app)
        service.sticky_add("fixed the crash in the parser", tags=["parser"])
        converted = service.sticky_convert("SN-001", "observation")
        (made,) = service.fetch(converted.target.id).results
        assert (made.type, made.source_type, made.tags) == ("bugfix", "sticky", ["parser"])
        assert made.title_derived is True
        service.sticky_add("fixed the crash in the parser")
        merged = service.sticky_convert("SN-002", "observation")
        assert (merged.outcome, merged.target.id) == ("merged", made.id)

    def test_a_note_becomes_a_decision_or_a_learning(self, cleo_app: App) -> None:
        service = brain(cleo_app)
        service.sticky_add("We use SQLite")
        service.sticky_add("Short transactions help")
        decision = service.sticky_convert(
            "SN-001", "decision", rationale="no server", type="process"
        )
        (made,) = service.fetch(decision.target.id).results
        assert (made.decision, made.rationale, made.type) == (
            *("We use SQLite", "no server"),
            "process",
        )
        learning = service.sticky_convert("SN-002", "learning")
        (learned,) = service.fetch(learning.target.id).results
        assert (learned.source, learned.confidence) == ("sticky:SN-002", 0.5)

    @pytest.mark.guarantee(
        "brain-21", "A conversion that fails leaves the note active, and the exit says so."
    )
    def test_a_failed_conversion_leaves_the_note_active(
        self, cleo_cli: Cli, cleo_project: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cleo_cli("sticky", "add", "Completed: the build")  # refused even as a note
        cleo_cli("sticky", "add", "keep me")
        id_ = cleo_cli("sticky", "list").data[0]["id"]
        assert cleo_cli("sticky", "convert", id_, "--to", "task", "--parent", "T099").code == 10
        assert cleo_cli("sticky", "convert", id_, "--to", "decision").code == 6
        monkeypatch.setenv("CLEO_PLUGINS", "brain")
        outcome = cleo_cli("sticky", "convert", id_, "--to", "task")
        assert (outcome.code, outcome.error["code"]) == (5, "E_PLUGIN_MISSING")
        assert cleo_cli("sticky", "show", id_).data["status"] == "active"
        cleo_cli("sticky", "archive", id_)
        assert cleo_cli("sticky", "convert", id_, "--to", "learning").error["code"] == (
            "E_INVALID_STATE"
        )

    @pytest.mark.guarantee(
        "brain-21",
        "A process that ends between the task and the note is finished by the same command, with "
        "the same task.",
    )
    @pytest.mark.guarantee("brain-22", "Whenever a conversion is killed, everything agrees.")
    def test_a_conversion_killed_anywhere_makes_one_task(
        self, cleo_cli: Cli, cleo_project: Any, cleo_faults: Any
    ) -> None:
        cleo_cli("sticky", "add", "call the plumber about the leak", "--tag", "house")
        replays = 0
        points = cleo_faults.points("sticky", "convert", "SN-001", "--to", "task")
        for number, statement in enumerate(points, 1):
            cleo_cli("sticky", "add", f"call the plumber about leak {number}", "--tag", "house")
            id_ = f"SN-{number + 1:03d}"
            argv = ("sticky", "convert", id_, "--to", "task")
            assert cleo_faults.killed_at(statement, *argv).code == -9
            assert not disagreements()
            if cleo_cli("sticky", "show", id_).data["status"] == "active":
                again = cleo_cli(*argv)
                replays += again.data["replayed"]
            named = (
                f"SELECT count(*) FROM tasks WHERE title = 'call the plumber about leak {number}'"
            )
            assert execute(named, store="tasks") == [(1,)]
        assert replays > 0

    @pytest.mark.guarantee("brain-22", "Whenever a conversion inside is killed, everything agrees.")
    def test_a_conversion_to_a_decision_is_one_unit(
        self, cleo_cli: Cli, cleo_project: Any, cleo_faults: Any
    ) -> None:
        for number in range(1, 200):
            cleo_cli("sticky", "add", f"we take road {number}")
            id_ = f"SN-{number:03d}"
            argv = ("sticky", "convert", id_, "--to", "decision", "--rationale", "shorter")
            killed = cleo_faults.killed_at(number * 5, *argv)
            assert not disagreements()
            status = cleo_cli("sticky", "show", id_).data["status"]
            made = value(f"SELECT count(*) FROM brain_decisions WHERE decision LIKE '% {number}'")
            assert (status == "converted") == (made == 1)
            if killed.code == 0:
                break
        assert killed.code == 0

    def test_a_dry_run_makes_neither_task_nor_file(
        self, cleo_cli: Cli, cleo_project: Any, frozen_bytes: Any
    ) -> None:
        cleo_cli("sticky", "add", "only trying")
        with frozen_bytes(cleo_project):
            for to in (("task",), ("learning",), ("decision", "--rationale", "r")):
                found = cleo_cli("sticky", "convert", "SN-001", "--dry-run", "--to", *to)
                assert found.data["outcome"] == "stored"
            cleo_cli("sticky", "add", "another", "--dry-run")
            cleo_cli("sticky", "edit", "SN-001", "--content", "x", "--dry-run")
            cleo_cli("sticky", "archive", "SN-001", "--dry-run")
            cleo_cli("sticky", "purge", "SN-001", "--dry-run")
        assert json.loads(cleo_cli("sticky", "show", "SN-001").out)["data"]["status"] == "active"


@pytest.mark.guarantee(
    "brain-16", "A note that is restored after its time is found by meaning again."
)
def test_a_restored_note_is_in_the_vector_index(cleo_app: App, cleo_clock: Any) -> None:
    service = brain(cleo_app)
    note = service.sticky_add("the plumber comes about the leaking pipe").id
    service.observe("nothing of the kind")
    service.reembed()
    cleo_clock.advance(30 * 86_400)
    service.maintain(only=["vectors"])
    service.sticky_restore(note)
    service.maintain(only=["vectors"])
    found = service.find("water leak repair", arm="vector")[0]
    assert note in [line.id for line in found.results]


def test_an_observation_made_of_a_note_belongs_to_the_work_at_hand(
    cleo_cli: Cli, cleo_project: Path
) -> None:
    agent = ("--agent", "ada")
    cleo_cli("add", "Write it")
    cleo_cli("session", "start", "--scope", "global", *agent)
    cleo_cli("start", "T001", *agent)
    cleo_cli("sticky", "add", "the parser is slow", *agent)
    made = cleo_cli("sticky", "convert", "SN-001", "--to", "observation", *agent).data["target"]
    (entry,) = cleo_cli("memory", "fetch", made["id"]).data["results"]
    assert [(one["taskId"], one["linkType"]) for one in entry["links"]] == [("T001", "produced_by")]
