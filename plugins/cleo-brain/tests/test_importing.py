"""What other programs remember comes in once, and ours goes out and back unchanged."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_core import open_app
from cleo_core.app import App
from cleo_core.errors import CleoError

MARKDOWN = """\
---
title: notes
---
# Project
<!-- - hidden -->
## Decisions
- Use SQLite because it is one file
- Keep one opener \u2013 it settles the connection
## Build
- Run make before a commit
  - twice on Mondays
- Don't push to main
```
- no bullet
```
## Conventions
* Names are whole words
"""


#: Connections that stay open, so that their log is not folded in.
_OPEN: list[Any] = []


@pytest.fixture
def app(cleo_app: App) -> Iterator[App]:
    yield cleo_app
    while _OPEN:
        _OPEN.pop().close()


def claude_mem(path: Path, *, wal: bool = False) -> Path:
    """A database as claude-mem makes it."""
    connection = sqlite3.connect(path)
    if wal:
        connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(
        """
        CREATE TABLE observations (id INTEGER PRIMARY KEY AUTOINCREMENT,
          memory_session_id TEXT NOT NULL, project TEXT NOT NULL, text TEXT, type TEXT NOT NULL,
          title TEXT, subtitle TEXT, facts TEXT, narrative TEXT, concepts TEXT, files_read TEXT,
          files_modified TEXT, prompt_number INTEGER, discovery_tokens INTEGER DEFAULT 0,
          content_hash TEXT, created_at TEXT NOT NULL, created_at_epoch INTEGER NOT NULL);
        CREATE TABLE session_summaries (id INTEGER PRIMARY KEY AUTOINCREMENT,
          memory_session_id TEXT NOT NULL, project TEXT NOT NULL, request TEXT, investigated TEXT,
          learned TEXT, completed TEXT, next_steps TEXT, files_read TEXT, files_edited TEXT,
          notes TEXT, prompt_number INTEGER, created_at TEXT NOT NULL,
          created_at_epoch INTEGER NOT NULL);
        """
    )
    for n in (2, 1):
        connection.execute(
            "INSERT INTO observations (id, memory_session_id, project, type, title, narrative, "
            "facts, files_read, prompt_number, discovery_tokens, created_at, created_at_epoch) "
            "VALUES (?, 's1', 'shop', ?, ?, ?, ?, ?, 7, 900, 'x', ?)",
            (
                n,
                "how-it-works" if n == 1 else "bugfix",
                f"Title number {n}",
                f"The cart loses item {n}",
                '["one fact", "two"]',
                '["src/cart.py"]',
                1_700_000_000_000 + n,
            ),
        )
    connection.execute(
        "INSERT INTO observations (memory_session_id, project, type, text, created_at, "
        "created_at_epoch) VALUES ('s2', 'other', 'change', 'Old wording only', 'x', 1700000009000)"
    )
    connection.execute(
        "INSERT INTO session_summaries (memory_session_id, project, request, learned, created_at, "
        "created_at_epoch) VALUES ('s1', 'shop', 'Mend the cart', 'Rows are read twice', 'x', "
        "1700000010000)"
    )
    connection.commit()
    if wal:
        _OPEN.append(connection)
    else:
        connection.close()
    return path


def old_cleo(path: Path) -> Path:
    """A brain.db as the TypeScript CLEO makes it."""
    connection = sqlite3.connect(path)
    connection.executescript(
        """
        CREATE TABLE brain_decisions (id TEXT PRIMARY KEY, type TEXT NOT NULL,
          decision TEXT NOT NULL, rationale TEXT NOT NULL, confidence TEXT NOT NULL, outcome TEXT,
          alternatives_json TEXT, context_epic_id TEXT, created_at TEXT NOT NULL, updated_at TEXT,
          invalid_at TEXT, memory_tier TEXT);
        CREATE TABLE brain_patterns (id TEXT PRIMARY KEY, type TEXT, pattern TEXT, context TEXT,
          frequency INTEGER, success_rate REAL, examples_json TEXT, extracted_at TEXT);
        CREATE TABLE brain_learnings (id TEXT PRIMARY KEY, insight TEXT, source TEXT,
          confidence REAL, actionable INTEGER, created_at TEXT);
        CREATE TABLE brain_observations (id TEXT PRIMARY KEY, type TEXT, title TEXT,
          narrative TEXT, facts_json TEXT, source_type TEXT, created_at TEXT);
        CREATE TABLE brain_sticky_notes (id TEXT PRIMARY KEY, content TEXT, status TEXT,
          converted_to_json TEXT, color TEXT, priority TEXT, tags_json TEXT, created_at TEXT);
        CREATE TABLE brain_memory_links (memory_type TEXT, memory_id TEXT, task_id TEXT,
          link_type TEXT, created_at TEXT);
        CREATE TABLE brain_page_edges (from_id TEXT, to_id TEXT, edge_type TEXT);
        INSERT INTO brain_decisions VALUES
          ('D001', 'technical', 'Use MySQL', 'It is known', 'high', NULL, '["files"]', NULL,
           '2026-01-01 10:00:00', NULL, '2026-01-02 10:00:00', 'long'),
          ('D002', 'technical', 'Use SQLite', 'It is one file', 'high', NULL, NULL, NULL,
           '2026-01-02 10:00:00', NULL, NULL, NULL);
        INSERT INTO brain_patterns VALUES
          ('P001', 'workflow', 'Test first', 'reviews', 3, 0.5, '["T1"]', '2026-01-03 10:00:00'),
          ('P002', 'workflow', 'test  FIRST', 'reviews', 2, 0.5, '[]', '2026-01-03 11:00:00');
        INSERT INTO brain_learnings VALUES
          ('L001', 'Locks are slow', 'task:T1', 0.9, 1, '2026-01-04 10:00:00'),
          ('L002', 'doubtful', 'auto', 0.1, 0, '2026-01-04 10:00:00');
        INSERT INTO brain_observations VALUES
          ('O-abc-1', 'feature', 'A title', 'What was seen', '["f"]', 'agent',
           '2026-01-05 10:00:00');
        INSERT INTO brain_sticky_notes VALUES
          ('SN-001', 'call home', 'active', NULL, 'red', 'high', '["a b"]', '2026-01-06 10:00:00'),
          ('SN-002', 'done', 'converted', '{"type":"task","id":"T7"}', NULL, NULL, NULL,
           '2026-01-06 11:00:00');
        INSERT INTO brain_memory_links VALUES
          ('decision', 'D002', 'T1', 'applies_to', '2026-01-02 10:00:00');
        INSERT INTO brain_page_edges VALUES ('decision:D002', 'decision:D001', 'supersedes'),
          ('decision:D002', 'file:x', 'documents');
        """
    )
    connection.commit()
    connection.close()
    return path


def total(result: Any) -> int:
    return int(result.stored + result.merged + result.skipped + len(result.rejected))


def rows(app: App) -> dict[str, int]:
    db = app.store("brain")
    return {
        table: int(db.scalar(f"SELECT count(*) FROM {table}"))
        for table in ("brain_entries", "brain_audit", "brain_tags", "brain_edges")
    } | {"seen": int(db.scalar("SELECT coalesce(sum(seen), 0) FROM brain_entries"))}


def all_ids(app: App) -> list[str]:
    """Ids by seq."""
    found = app.store("brain").read("SELECT id FROM brain_entries ORDER BY seq")
    return [row["id"] for row in found]


def brain(app: App) -> Any:
    return app.service("brain")


def imported_twice(app: App, path: Path, **options: Any) -> Any:
    """Import a file two times; the second run must write nothing and the file stay as it is."""
    before = hashlib.sha256(path.read_bytes()).digest()
    beside = sorted(os.listdir(path.parent))
    first = brain(app).import_(str(path), embed=False, **options)
    assert total(first) == first.read
    held = rows(app)
    second = brain(app).import_(str(path), embed=False, **options)
    assert (second.stored, second.merged) == (0, 0)
    assert second.skipped == first.stored + first.merged
    assert rows(app) == held
    assert hashlib.sha256(path.read_bytes()).digest() == before
    assert sorted(os.listdir(path.parent)) == beside
    return first


@pytest.mark.guarantee("brain-24", "A claude-mem database is taken over once, and keeps its bytes.")
@pytest.mark.parametrize("wal", [False, True])
def test_claude_mem_comes_in_once(app: App, tmp_path: Path, wal: bool) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    first = imported_twice(app, claude_mem(folder / "claude-mem.db", wal=wal))
    assert (first.source, first.stored) == ("claude-mem", 4)
    assert first.unknown_keys["prompt_number"] == 2
    one, summary = brain(app).fetch(*["CM-1", "CM-S1"]).results
    assert one.type == "discovery"
    assert one.metadata["import"]["type"] == "how-it-works"
    assert one.thread == "claude-mem:s1"
    assert one.date == "2023-11-14T22:13:20.001Z"
    assert one.facts == ["one fact", "two"]
    assert one.files_read == ["src/cart.py"]
    assert summary.type == "session-summary"
    assert summary.narrative == "Request: Mend the cart\n\nLearned: Rows are read twice"


def test_only_one_project_of_a_claude_mem_export(app: App, tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    path.write_text(
        json.dumps(
            {
                "observations": [
                    {"id": n, "memory_session_id": "s", "project": "ab"[n % 2], "type": "change",
                     "title": f"T {n}", "narrative": f"Told {n}", "facts": [n],
                     "created_at_epoch": 1_700_000_000_000 - n}
                    for n in range(6)
                ],
                "sessions": [], "summaries": [], "prompts": [{"id": 1}],
            },
            indent=1,
        )
    )  # fmt: skip
    first = imported_twice(app, path, source_project="a")
    assert (first.source, first.read, first.stored) == ("claude-mem", 3, 3)
    seqs = [
        row["id"] for row in app.store("brain").read("SELECT id FROM brain_entries ORDER BY seq")
    ]
    assert seqs == ["CM-4", "CM-2", "CM-0"]


@pytest.mark.guarantee("brain-24", "Each bullet of a Markdown file is one memory, taken over once.")
def test_markdown_comes_in_by_bullets(app: App, tmp_path: Path) -> None:
    path = tmp_path / "CLAUDE.md"
    path.write_text(MARKDOWN, encoding="utf-8")
    first = imported_twice(app, path, tags=["x"])
    assert first.by_kind == {"decision": 2, "learning": 1, "pattern": 2}
    texts = {one.title: one for one in brain(app).fetch(*all_ids(app)).results}
    assert texts["Use SQLite"].rationale == "it is one file"
    assert texts["Keep one opener"].rationale == "it settles the connection"
    run = texts["Run make before a commit - twice on Mondays"]
    assert run.source == "markdown:CLAUDE.md#Build"
    assert run.tags == ["build", "project", "x"]
    assert texts["Don't push to main"].type == "anti-pattern"
    path.write_text(MARKDOWN.replace("Run make", "Run make twice"), encoding="utf-8")
    changed = brain(app).import_(str(path), embed=False)
    assert (changed.stored, changed.skipped) == (1, 4)


@pytest.mark.guarantee("brain-24", "The TypeScript CLEO's brain is taken over under its old ids.")
def test_the_old_cleo_comes_in(app: App, tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    first = imported_twice(app, old_cleo(folder / "brain.db"))
    assert first.source == "cleo"
    assert (first.read, first.stored, first.merged) == (9, 7, 1)
    assert [one["where"] for one in first.rejected] == ["learning L002"]
    old, new, pattern, note = brain(app).fetch(*["D001", "D002", "P001", "SN-002"]).results
    assert (old.invalid_reason, old.superseded_by, old.tier) == ("superseded", "D002", "long")
    assert new.date == "2026-01-02T10:00:00.000Z"
    assert pattern.frequency == 5
    assert (note.status, note.converted_to) == ("converted", "task:T7")


@pytest.mark.guarantee("brain-24", "Export, import into an empty project and export: same lines.")
def test_export_and_import_give_the_same_lines(app: App, tmp_path: Path, cleo_cli: Any) -> None:
    verbs = brain(app)
    verbs.import_(str(old_cleo(tmp_path / "theirs.db")), embed=False)
    one = verbs.observe("A note of today", tags=["a", "b"], thread="t")
    verbs.observe("Another note", thread="t", supersedes=[one.id], title="Given", facts=["f"])
    verbs.observe("Verified: forced chatter", force=True)
    out = tmp_path / "out.jsonl"
    verbs.export(str(out))
    lines = out.read_bytes()
    other = tmp_path / "other"
    other.mkdir()
    assert cleo_cli("init", "--project", str(other)).code == 0
    with open_app(str(other)) as second:
        result = brain(second).import_(str(out), embed=False)
        assert (result.rejected, result.stored) == ([], result.read)
        again = tmp_path / "again.jsonl"
        brain(second).export(str(again))
        assert again.read_bytes() == lines
        assert brain(second).import_(str(out), embed=False).skipped == result.read
    assert verbs.import_(str(out), embed=False).skipped == result.read
    assert verbs.export(str(tmp_path / "some.jsonl"), kinds=["pattern"]).entries == 1


@pytest.mark.guarantee("brain-24", "An import that was killed is finished by running it again.")
def test_a_killed_import_is_finished(app: App, tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    path.write_text("".join(f'{{"text": "note {n}", "thread": "t"}}\n' for n in range(1200)))

    def stop(what: str, done: int, of: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        brain(app).import_(str(path), embed=False, progress=stop)
    result = brain(app).import_(str(path), embed=False)
    assert (result.skipped, result.stored) == (500, 700)
    db = app.store("brain")
    from cleo_brain.service import deriving
    from cleo_brain.store import entries

    for row in db.read("SELECT seq, thread, context FROM brain_entries WHERE seq % 7 = 0 OR seq IN "
                       "(499, 500, 501, 502, 1199, 1200)"):  # fmt: skip
        before, after = entries.beside(db, row["thread"], row["seq"], deriving.NEIGHBOURS)
        assert row["context"] == deriving.context_of(
            [one["body"] for one in before], [one["body"] for one in after]
        )


def test_bad_lines_are_told_and_the_others_go_in(app: App, tmp_path: Path) -> None:
    bad = [
        "nothing", "[]", '{"text": 7}', '{"text": "a\\u0000b"}', '{"text": "\\ud800"}',
        '{"text": "late", "at": 1e300}', '{"text": "when", "at": "soon"}', '{"kind": "idea"}',
        '{"text": "x", "tags": {"a": 1}}', "[" * 5000, '{"text": "' + "x" * 70_000 + '"}',
        '{"text": "n", "more": NaN}', '{"other": 1}', "\udc80",
    ]  # fmt: skip
    path = tmp_path / "bad.jsonl"
    path.write_bytes(
        b'{"text": "good"}\n'
        + "\n".join(bad).encode("utf-8", "surrogateescape")
        + b'\n{"text": "cut'
    )
    result = brain(app).import_(str(path), embed=False)
    assert result.stored == 1
    assert [one["where"] for one in result.rejected] == [
        f"line {n}" for n in range(2, len(bad) + 3)
    ]


@pytest.mark.parametrize("what", ["missing", "directory", "pipe", "empty", "broken", "noise"])
@pytest.mark.parametrize("format", ["auto", "claude-mem", "cleo", "markdown", "jsonl"])
def test_what_is_no_source_is_refused_with_one_error(
    app: App, tmp_path: Path, what: str, format: str
) -> None:
    path = tmp_path / "source.db"
    if what == "directory":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "broken":
        data = claude_mem(path).read_bytes()
        path.write_bytes(data[:5000] + b"\xff" * 100)
    elif what == "noise":
        path.write_bytes(bytes(range(256)) * 20)
    elif what == "empty":
        path.write_bytes(b"")
    if what == "empty" and format == "jsonl":
        return
    with pytest.raises(CleoError) as refused:
        brain(app).import_(str(path), format=format, embed=False)
    assert refused.value.exit in (3, 6)
    assert rows(app)["brain_entries"] == 0


@pytest.mark.guarantee("brain-06", "Private text of an imported file reaches no byte of the store.")
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    field=st.sampled_from(
        ["text", "title", "subtitle", "facts", "tags", "thread", "agent", "origin", "extra", "key",
         "project", "type", "at", "concepts", "nested"]
    ),
    opening=st.sampled_from(["<private>", "<PRIVATE a='b'>", "< private >", "<private>\n"]),
    closing=st.sampled_from(["</private>", "", "</ Private >"]),
)  # fmt: skip
def test_private_text_is_imported_nowhere(
    app: App, tmp_path: Path, field: str, opening: str, closing: str
) -> None:
    secret = "zebrafish4711"
    hidden = f"{opening}{secret}{closing}"
    line: dict[str, Any] = {"text": f"shown {os.urandom(4).hex()}"}
    if field in ("facts", "tags", "concepts"):
        line[field] = [hidden + " a"]
    elif field == "key":
        line[hidden] = 1
    elif field == "nested":
        line["extra"] = {"deep": [{hidden: hidden}]}
    elif field == "text":
        line["text"] += hidden
    else:
        line[field] = hidden
    path = tmp_path / "private.jsonl"
    path.write_text(json.dumps(line) + "\n")
    said = ""
    try:
        said = repr(vars(brain(app).import_(str(path), embed=False)))
    except CleoError as error:
        said = repr((error.message, error.details))
    assert secret not in said
    held = Path(app.project.directory)
    for file in held.rglob("brain.db*"):
        assert secret.encode() not in file.read_bytes()


def test_records_are_copied_with_new_ids(app: App, tmp_path: Path) -> None:
    verbs = brain(app)
    ours, theirs = "T001", "T002"
    if app.has_service("tasks"):
        ours, theirs = (app.service("tasks").add(title).task.id for title in ("one", "two"))
    made = verbs.observe("Copied to another project", tasks=[theirs])
    records = verbs.export_records([theirs])
    assert [one["id"] for one in records] == [made.id]
    for one in records:
        one["origin"] = f"elsewhere:{one['id']}"
        one["narrative"] += " here too"
    result = verbs.import_records(records, {theirs: ours}, "key")
    assert result.stored == 1
    assert vars(verbs.import_records(records, {theirs: ours}, "key")) == vars(result)
    copy = verbs.fetch(all_ids(app)[-1]).results[0]
    assert copy.id != made.id
    assert copy.origin == f"elsewhere:{made.id}"
    assert [link.task_id for link in copy.links] == [ours]


def test_export_replaces_no_file_unasked(app: App, tmp_path: Path) -> None:
    path = tmp_path / "there.jsonl"
    path.write_text("mine")
    for target in (path, Path(app.project.directory) / "brain.db"):
        with pytest.raises(CleoError):
            brain(app).export(str(target))
    assert path.read_text() == "mine"
    assert brain(app).export(str(path), force=True).entries == 0


@pytest.mark.guarantee(
    "brain-06", "Private text of a Markdown file is left out, wherever the span begins and ends."
)
@pytest.mark.parametrize(
    "text",
    [
        "# Notes\n<private>\n- walrusleak one two\n- walrusleak two\n</private>\n- public bullet\n",
        "# H <private>\n- walrusleak first\n</private>\n- public bullet\n",
        "- public <private>bullet\n- walrusleak second\n- third walrusleak</private> bullet\n",
    ],
)
def test_private_spans_across_bullets(text: str, app: App, tmp_path: Path) -> None:
    path = tmp_path / "NOTES.md"
    path.write_text(text, "utf-8")
    done = app.service("brain").import_(str(path))
    assert done.stored == 1
    app.close()
    assert b"walrusleak" not in Path(".cleo/brain.db").read_bytes()


@pytest.mark.guarantee("brain-07", "What an import says to be superseded is withdrawn with it.")
def test_supersedes_edges_withdraw(app: App, tmp_path: Path) -> None:
    def line(id_: str, text: str, target: str) -> str:
        at = "2026-01-01T00:00:00.000Z"
        edge = {"edgeType": "supersedes", "direction": "out", "target": target, "createdAt": at}
        return json.dumps(
            {
                "id": id_,
                "kind": "observation",
                "type": "discovery",
                "narrative": text,
                "title": text,
                "date": at,
                "sourceType": "agent",
                "edges": [edge],
            }
        )

    path = tmp_path / "two.jsonl"
    lines = [
        json.dumps({"format": "cleo-brain", "version": 1}),
        line("O-one", "walrus one", "O-two"),
        line("O-two", "walrus two", "O-one"),
    ]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    service = app.service("brain")
    assert service.import_(str(path)).stored == 2
    found = service.find("walrus", arm="lexical")[0]
    assert [entry.id for entry in found.results] == ["O-one"]
    (gone,) = service.fetch("O-two").results
    assert (gone.invalid_reason, gone.superseded_by) == ("superseded", "O-one")


def test_what_is_imported_stands_beside_withdrawn_ones_too(app: App, tmp_path: Path) -> None:
    service = app.service("brain")
    old = service.observe("first said", thread="t").id
    service.observe("corrected", thread="u", supersedes=[old])
    path = tmp_path / "more.jsonl"
    path.write_text('{"text": "said next"}\n', "utf-8")
    service.import_(str(path), thread="t")
    steps = service.maintain(only=["search"], deep=True).steps
    assert [(step.name, step.changed) for step in steps] == [("search", 0)]


def test_a_setting_out_of_range_is_named_by_an_import_too(app: App, tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    path.write_text('{"text": "said"}\n', "utf-8")
    app.config.set("brain.gate.min_confidence", "7", "project")
    with pytest.raises(CleoError) as raised:
        app.service("brain").import_(str(path))
    assert raised.value.exit == 8


def test_numbers_follow_the_highest_that_the_source_brings(app: App, tmp_path: Path) -> None:
    def decision(id_: str | None) -> dict[str, Any]:
        number = len(lines)
        own = {"id": id_} if id_ else {}
        return {"kind": "decision", "decision": f"take {number}", "rationale": "it fits", **own}

    lines: list[dict[str, Any]] = []
    for id_ in (None, None, "D050", None, "D007", "D050", None):
        lines.append(decision(id_))
    source = tmp_path / "lines.jsonl"
    source.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert app.service("brain").import_(str(source)).stored == 7
    ids = [
        row["id"] for row in app.store("brain").read("SELECT id FROM brain_entries ORDER BY seq")
    ]
    assert ids == ["D001", "D002", "D050", "D051", "D007", "D052", "D053"]
    assert app.service("brain").decide("take another", rationale="it fits").id == "D054"
