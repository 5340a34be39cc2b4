"""Forgetting: no byte of the text is left, and everything that named it is in order."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import App
from cleo_core.database import connect_for_copy
from cleo_core.testing import Outcome

_keeping = runpy.run_path(str(Path(__file__).with_name("keeping.py")))
brain, disagreements = _keeping["brain"], _keeping["disagreements"]
execute, value = _keeping["execute"], _keeping["value"]

Cli = Callable[..., Outcome]

#: Words that stand in what is forgotten and nowhere else.
UNIQUE = ("zygomorphic", "kryptonite", "quetzalcoatl")


def bytes_of_the_store() -> bytes:
    return b"".join(path.read_bytes() for path in sorted(Path(".cleo").glob("brain.db*")))


def rows_naming(id_: str) -> list[str]:
    """Tables but the audit of which some row holds an id."""
    tables = [
        name
        for (name,) in execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'brain_%' "
            "AND name NOT LIKE 'brain_fts%' AND name NOT LIKE 'brain_vec_%' "
            "AND name <> 'brain_audit' UNION SELECT 'idempotency_keys'"
        )
    ]
    return [
        name
        for name in tables
        for row in execute(f"SELECT * FROM {name}")
        if any(id_ in cell for cell in row if isinstance(cell, str))
    ]


@pytest.fixture
def story(cleo_app: App, cleo_once: Any) -> Any:
    """A thread of observations, one of them with unique words, hanging together with the rest."""
    return (brain(cleo_app), *cleo_once("story", lambda: _tell(cleo_app)))


def _tell(cleo_app: App) -> Any:
    service = brain(cleo_app)
    for number in range(60):
        service.observe(f"filler text number {number} about the parser", thread="t")
    cleo_app.service("tasks").add("a task")
    before = service.observe("it rained", thread="u")
    secret = service.observe(
        f"the {UNIQUE[0]} plan of {UNIQUE[1]}",
        title=UNIQUE[2],
        thread="u",
        tags=["one", UNIQUE[0]],
        tasks=["T001"],
        supersedes=[before.id],
        idempotency_key="k",
    )
    after = service.observe("it cleared up", thread="u")
    for number in range(60):
        service.observe(f"more filler number {number} of the lexer", thread="t")
    service.reembed()
    execute(
        "INSERT INTO brain_retrieval_log (at, source, query, entry_ids_json, tokens) VALUES "
        f"('2026-01-01T00:00:00.000Z', 'fetch', '{UNIQUE[1]}', '[\"{secret.id}\"]', 3)"
    )
    cleo_app.close()
    return before, secret, after


@pytest.mark.guarantee(
    "brain-19",
    "After forgetting an entry neither its text nor a word of its own is in any byte of the file, "
    "and no row names it.",
)
def test_not_a_byte_is_left(story: Any, cleo_app: App, cleo_cli: Cli) -> None:
    _, before, secret, _ = story
    made = bytes_of_the_store()
    assert all(word.encode() in made for word in UNIQUE)
    dry = cleo_cli("memory", "forget", secret.id, "--dry-run").data
    assert bytes_of_the_store() == made
    found = cleo_cli("memory", "forget", secret.id).data
    assert found == dry
    assert found["forgotten"] == [{"id": secret.id, "kind": "observation"}]
    assert (found["tags"], found["links"], found["edges"]) == (2, 1, 1)
    assert (found["vectors"], found["neighbours"]) == (1, 2)
    assert (found["predecessors"], found["revived"], found["backups"]) == ([before.id], [], [])
    left = bytes_of_the_store()
    assert [word for word in UNIQUE if word.encode() in left.lower()] == []
    assert secret.id not in " ".join(rows_naming(secret.id)), rows_naming(secret.id)
    assert rows_naming(secret.id) == []
    assert not Path(".cleo/brain.db-wal").exists() or Path(".cleo/brain.db-wal").stat().st_size == 0
    assert execute("SELECT kind, details_json FROM brain_audit WHERE action = 'memory.forget'") == [
        ("observation", "{}")
    ]
    assert not disagreements()
    assert cleo_cli("memory", "fetch", secret.id).code == 4
    assert cleo_cli("memory", "forget", secret.id).code == 4


@pytest.mark.guarantee("brain-19", "A backup that still holds what was forgotten is named.")
def test_backups_that_hold_it_are_named_and_keep_their_bytes(
    story: Any, cleo_app: App, cleo_cli: Cli, frozen_bytes: Any
) -> None:
    _, _, secret, _ = story
    made = Path(str(cleo_app.backup_before("before-test", ["brain"])))
    with frozen_bytes(made):
        assert cleo_cli("memory", "forget", secret.id, "--dry-run").data["backups"] == [str(made)]
        assert cleo_cli("memory", "forget", secret.id).data["backups"] == [str(made)]
    later = cleo_cli("observe", "later than the backup").data["id"]
    assert cleo_cli("memory", "forget", later).data["backups"] == []


@pytest.mark.guarantee("brain-19", "What tasks refers to is null when it was forgotten.")
def test_what_other_stores_keep_of_it_is_emptied(story: Any, cleo_app: App, cleo_cli: Cli) -> None:
    _, _, secret, _ = story
    execute(
        "INSERT INTO pipeline_manifest (id, type, title, content, content_hash, brain_obs_id, "
        "created_at) VALUES ('m1', 'research', 'a title', 'x', 'h', "
        f"'{secret.id}', '2026-01-01T00:00:00.000Z')",
        store="tasks",
    )
    cleo_cli("memory", "forget", secret.id)
    assert execute("SELECT brain_obs_id FROM pipeline_manifest", store="tasks") == [(None,)]


def test_revive_lets_the_predecessor_live_again(story: Any, cleo_cli: Cli) -> None:
    service, before, secret, _ = story
    found = cleo_cli("memory", "forget", secret.id, "--revive").data
    assert found["predecessors"] == found["revived"] == [before.id]
    (entry,) = service.fetch(before.id).results
    assert (entry.invalid_at, entry.superseded_by) == (None, None)
    assert not disagreements()


def test_a_filter_means_all_that_it_says(cleo_cli: Cli, cleo_project: Any) -> None:
    cleo_cli("observe", "one", "--tag", "a", "--thread", "t", agent="ann")
    cleo_cli("observe", "two", "--tag", "a", "--tag", "b", "--thread", "t", agent="ann")
    cleo_cli("observe", "three", "--tag", "a", "--at", "2020-01-01", agent="bob")
    cleo_cli("sticky", "add", "four", "--tag", "a")

    def hits(*argv: str) -> int:
        return len(cleo_cli("memory", "forget", "--dry-run", *argv).data["forgotten"])

    assert hits("--tag", "a") == 4
    assert hits("--tag", "a", "--tag", "b") == 1
    assert hits("--by-agent", "ann") == 2
    assert hits("--by-agent", "ann", "--kind", "sticky") == 0
    assert hits("--kind", "sticky", "--kind", "observation") == 4
    assert hits("--before", "2021-01-01") == 1
    assert hits("--before", "90d") == 1
    assert hits("--thread", "t") == 2
    assert hits("--origin-prefix", "claude-mem:") == 0
    refused = cleo_cli("memory", "forget", "--tag", "a")
    assert (refused.code, refused.error["code"]) == (2, "E_USAGE")
    assert value("SELECT count(*) FROM brain_entries") == 4
    assert len(cleo_cli("memory", "forget", "--tag", "a", "--yes").data["forgotten"]) == 4
    assert value("SELECT count(*) FROM brain_entries") == 0


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        ((), 2),
        (("O-none-0000", "--tag", "x"), 2),
        (("rubbish",), 2),
        (("--before", "soon", "--yes"), 2),
        (("--tag", "a b", "--yes"), 2),
        (("--kind", "poem", "--yes"), 2),
        (("--tag", "", "--thread", "t", "--yes"), 2),
        (("--thread", " ", "--yes"), 2),
        (("D999",), 4),
    ],
)
def test_wrong_input_forgets_nothing(
    cleo_cli: Cli, cleo_project: Any, argv: tuple[str, ...], code: int
) -> None:
    cleo_cli("observe", "stays")
    assert cleo_cli("memory", "forget", *argv).code == code
    assert value("SELECT count(*) FROM brain_entries") == 1


def test_numbers_of_forgotten_notes_are_not_given_again(cleo_cli: Cli, cleo_project: Any) -> None:
    cleo_cli("sticky", "add", "one")
    execute("UPDATE brain_schema_meta SET value = '0' WHERE key = 'sticky_sequence'")
    cleo_cli("sticky", "purge", "SN-001")
    assert cleo_cli("sticky", "add", "two").data["id"] == "SN-002"


def test_what_a_note_became_may_go_and_the_note_says_so(cleo_app: App, cleo_cli: Cli) -> None:
    service = brain(cleo_app)
    service.sticky_add("we go left")
    service.sticky_add("left is shorter")
    decision = service.sticky_convert("SN-001", "decision", rationale="shorter").target.id
    learning = service.sticky_convert("SN-002", "learning").target.id
    service.forget(decision)
    note = service.sticky_show("SN-001")
    assert (note.status, note.converted_to, note.invalid_reason) == ("archived", None, "archived")
    assert service.sticky_restore("SN-001").changed == ["SN-001"]
    service.sticky_purge("SN-002")
    assert service.fetch(learning).results[0].source == "sticky"
    assert rows_naming("SN-002") == []
    assert not disagreements()


@pytest.mark.guarantee("brain-19", "A summary loses its line about what was forgotten.")
def test_summaries_lose_their_lines(cleo_app: App, cleo_clock: Any) -> None:
    service = brain(cleo_app)
    ids = [
        service.observe(f"parser drops comments behind commas {word}", title=f"about {word}").id
        for word in (*UNIQUE, "alpha", "beta", "gamma")
    ]
    cleo_clock.advance(100 * 86400)
    assert service.maintain(only=["consolidate"]).steps[0].changed == 1
    summary = value("SELECT id FROM brain_observations WHERE source_type = 'maintenance'")
    service.forget(*ids[:3])
    (entry,) = service.fetch(summary).results
    assert entry.title.startswith("Summary of 3 notes")
    assert [line.split()[0] for line in entry.narrative.splitlines()] == ids[:2:-1]
    cleo_app.close()
    assert not any(word.encode() in bytes_of_the_store() for word in UNIQUE)
    service.forget(*ids[3:])
    assert value("SELECT count(*) FROM brain_entries") == 0


@pytest.mark.guarantee("brain-22", "Whenever forgetting is killed, everything in the file agrees.")
def test_killed_anywhere_it_is_whole_or_not_there(
    cleo_cli: Cli, cleo_project: Any, cleo_faults: Any
) -> None:
    def observe(number: int) -> str:
        cleo_cli("observe", f"left {number}", "--thread", "t")
        id_ = cleo_cli("observe", f"kryptonite{number}", "--thread", "t", "--tag", "x").data["id"]
        cleo_cli("observe", f"right {number}", "--thread", "t")
        return str(id_)

    for number in cleo_faults.points("memory", "forget", observe(0)):
        id_ = observe(number)
        assert cleo_faults.killed_at(number, "memory", "forget", id_).code == -9
        assert not disagreements()
        assert len(rows_naming(id_)) == 0 or cleo_cli("memory", "fetch", id_).code == 0
        if cleo_cli("memory", "fetch", id_).code == 4:
            # The words of what was gone already when it was killed go with the maintenance.
            assert cleo_cli("memory", "maintain", "--only", "search").code == 0
            assert f"kryptonite{number}".encode() not in bytes_of_the_store()


@pytest.mark.guarantee("brain-19", "A search for words of what was forgotten is not logged either.")
def test_queries_for_its_words_are_forgotten_too(cleo_app: App, cleo_cli: Cli) -> None:
    service = brain(cleo_app)
    old = service.observe("oldquagga text").id
    service.observe("new text about cars", supersedes=[old])
    cleo_cli("memory", "context", "--query", "oldquagga", "--used")
    cleo_cli("memory", "context", "--query", "cars", "--used")
    cleo_cli("memory", "forget", old, "--yes")
    cleo_app.close()
    assert b"oldquagga" not in Path(".cleo/brain.db").read_bytes()
    assert execute("SELECT query FROM brain_retrieval_log") == [("cars",)]


def test_a_wipe_that_was_not_finished_is_named_and_finished(cleo_app: App, cleo_cli: Cli) -> None:
    brain(cleo_app).observe("anything")
    execute("INSERT INTO brain_schema_meta (key, value) VALUES ('unwiped', 'file')")
    cleo_app.close()
    (found,) = cleo_cli("doctor", "--only", "brain.search").data["checks"]
    assert (found["status"], found["fix"]) == ("warning", "cleo memory maintain --only search")
    assert cleo_cli("memory", "forget", "O-none-here").code == 4
    (found,) = cleo_cli("doctor", "--only", "brain.search").data["checks"]
    assert found["status"] == "ok"


def test_a_reader_does_not_hold_writers_up(cleo_app: App, cleo_cli: Cli) -> None:
    service = brain(cleo_app)
    old = service.observe("to be forgotten").id
    cleo_app.close()
    reader = connect_for_copy(".cleo/brain.db")
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM brain_entries").fetchone()
    outcome = cleo_cli("memory", "forget", old, "--yes")
    assert outcome.code == 0
    assert [one["code"] for one in outcome.warnings] == ["W_NOT_WIPED"]
    assert cleo_cli("observe", "another").code == 0
    reader.execute("ROLLBACK")
    reader.close()
    assert cleo_cli("memory", "maintain", "--only", "search").code == 0
    assert b"to be forgotten" not in Path(".cleo/brain.db").read_bytes()
