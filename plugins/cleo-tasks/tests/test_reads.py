"""Every command of the store, run once on a project that holds some of everything.

Reading verbs write nothing and wait for nobody, dry runs change no byte, and none of them loads
what only migrations and tables for people need.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest

from cleo_core.app import App
from cleo_core.plugins import load_target
from cleo_core.testing import Frozen, Outcome, Processes
from cleo_tasks.api import COMMANDS

Cli = Callable[..., Outcome]

#: Verb -> words that follow it. ``ada``, ``bob`` and ``eve`` in braces are sessions.
READS: dict[str, list[str]] = {
    "show": ["T001", "T002", "--history", "--children", "--gates"],
    "list": ["--status", "pending", "--label", "core", "--sort", "priority"],
    "find": ["parser grammar"],
    "exists": ["T001"],
    "next": ["-n", "5", "--explain"],
    "ready": ["--claimed"],
    "current": ["--agent", "ada"],
    "session status": ["--agent", "ada"],
    "session list": [],
    "session show": ["{eve}"],
    "session briefing": ["--agent", "ada"],
    "deps show": ["T003"],
    "deps waves": [],
    "deps critical-path": [],
    "deps impact": ["T002"],
    "deps cycles": [],
    "deps overview": [],
    "blockers": [],
    "tree": ["T001"],
    "relate list": ["T002"],
    "relate suggest": ["T002"],
    "label list": [],
    "label show": ["core"],
    "log list": ["--task", "T002"],
    "log show": ["1"],
    "sequence show": [],
    "sequence check": [],
    "export": ["--output", "-", "--include-links"],
}
WRITES: dict[str, list[str]] = {
    "add": ["Another", "--parent", "T001", "--depends", "T002", "--label", "x", "--note", "n"],
    "add-batch": ["--keep-going"],
    "update": ["T002", "--priority", "high", "--add-label", "y", "--note", "n"],
    "complete": ["T002", "--note", "n"],
    "cancel": ["T001", "--children", "cascade", "--reason", "r"],
    "reopen": ["T004", "T005"],
    "archive": ["--all-done", "--cancelled"],
    "unarchive": ["T006"],
    "delete": ["T002", "--detach"],
    "claim": ["--next", "--start", "--agent", "dan"],
    "unclaim": ["T008", "--agent", "ada"],
    "start": ["T009", "--agent", "ada"],
    "stop": ["--release", "--agent", "ada"],
    "session start": ["--scope", "epic:T001", "--consume", "--agent", "dan"],
    "session end": ["--note", "n", "--agent", "ada"],
    "session suspend": ["--reason", "r", "--agent", "ada"],
    "session resume": ["{bob}", "--agent", "bob"],
    "session note": ["n", "--agent", "ada"],
    "session handoff": ["{eve}", "--consume", "--agent", "dan"],
    "session gc": ["--max-age", "0h", "--release"],
    "deps add": ["T009", "T002"],
    "deps remove": ["T003", "T002"],
    "reparent": ["T009", "--to", "T001"],
    "reorder": ["T003", "--position", "1"],
    "relate add": ["T009", "T003", "--type", "fixes"],
    "relate remove": ["T002", "T009"],
    "label rename": ["core", "kernel"],
    "label remove": ["core"],
    "log prune": ["--before", "2099-01-01"],
    "sequence repair": [],
    "import jsonl": ["export.jsonl", "--on-conflict", "remap"],
    "import beads": ["beads.jsonl"],
    "import cleo": ["cleo.json"],
}
#: Verb -> what it reads from stdin.
STDIN = {"add-batch": '{"title": "A", "ref": "a"}\n{"title": "B", "depends": ["@a"]}\n{}'}
HEAVY = ("sqlalchemy", "alembic", "mako", "rich")

# Runs every command in a copy of the project of its own and names what it has loaded.
PROGRAM = """
import contextlib, io, json, os, shutil, sys
from cleo_core.cli import main
samples, heavy = json.loads(sys.argv[1])
home, found = os.getcwd(), {}
for verb, (words, stdin) in samples.items():
    copy = f"{home}-copy"
    shutil.copytree(home, copy)
    os.chdir(copy)
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin.encode()))
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with contextlib.redirect_stdout(out):
        code = main([*verb.split(), *words, "--json"])
    loaded = [name for name in heavy if name in sys.modules]
    if code or loaded:
        found[verb] = [code, loaded, out.buffer.getvalue().decode()[-500:] if code else ""]
    for name in loaded:
        del sys.modules[name]
    os.chdir(home)
    shutil.rmtree(copy)
print(json.dumps(found))
"""


@dataclass(frozen=True)
class World:
    """A project that holds some of everything, and the sessions in it."""

    project: Path
    sessions: dict[str, str]

    def words(self, verb: str) -> list[str]:
        """The command line of a verb's sample."""
        words = {**READS, **WRITES}[verb]
        return [*verb.split(), *(word.format_map(self.sessions) for word in words)]


@pytest.fixture
def world(cleo_project: Path, cleo_open: Callable[..., App], cleo_cli: Cli) -> World:
    anybody = cleo_open().service("tasks")
    anybody.add("The parser", type="epic")
    anybody.add("Write the grammar", parent="T001", labels=["core"], acceptance=["it parses"])
    anybody.add("Write the parser", parent="T001", labels=["core"], depends=["T002"])
    for title in ("Done", "Cancelled", "Deleted", "Active", "Held", "Free"):
        anybody.add(title, description=f"This one is {title.lower()}.")
    anybody.complete("T004")
    anybody.cancel("T005", reason="not needed")
    anybody.delete("T006")
    anybody.relate_add("T002", "T009")
    sessions = {}
    for name in ("ada", "bob", "eve"):
        service = cleo_open(agent=name).service("tasks")
        sessions[name] = service.session_start(name=name).id
        if name == "ada":
            service.start("T007")
            service.claim("T008")
        if name == "bob":
            service.session_suspend()
        if name == "eve":
            service.session_end(note="over to the next")
        service.app.close()
    anybody.app.close()
    (cleo_project / "beads.jsonl").write_text(
        '{"id": "b-1", "title": "From beads", "status": "open", "priority": 1}\n'
    )
    (cleo_project / "cleo.json").write_text(
        json.dumps({"tasks": [{"id": "T001", "title": "From before", "status": "done"}]})
    )
    assert cleo_cli("export", "--output", "export.jsonl").code == 0
    return World(cleo_project, sessions)


def prepare(verb: str, world: World) -> None:
    """What one verb alone needs, and would disturb the others."""
    if verb == "sequence repair":
        connection = sqlite3.connect(world.project / ".cleo" / "tasks.db")
        connection.execute("UPDATE schema_meta SET value = '2' WHERE key = 'task_sequence'")
        connection.commit()
        connection.close()


def leaves() -> Iterator[tuple[str, click.Command, bool]]:
    """(verb, command, whether it is declared to read) of everything that is registered."""
    for spec in COMMANDS:
        found = load_target(spec.target)
        if isinstance(found, click.Group):
            for name, one in found.commands.items():
                yield f"{spec.name} {name}", one, name in spec.reads
        else:
            yield spec.name, found, "" in spec.reads


LEAVES = {verb: (command, reads) for verb, command, reads in leaves()}


def test_every_registered_verb_has_a_sample() -> None:
    assert {verb for verb, (_, reads) in LEAVES.items() if reads} == set(READS)
    assert {verb for verb, (_, reads) in LEAVES.items() if not reads} == set(WRITES)


@pytest.mark.parametrize("verb", LEAVES)
def test_every_verb_has_help_with_an_example(verb: str, cleo_cli: Cli) -> None:
    page = cleo_cli(*verb.split(), "-h")
    assert page.code == 0
    assert f"Usage: cleo {verb} " in page.out
    assert "Example:" in page.out
    assert f"cleo {verb}" in " ".join(page.out.partition("Example:")[2].split())
    assert cleo_cli(*verb.split(), "--help").out == page.out
    command, reads = LEAVES[verb]
    # A verb that writes can be asked what it would do.
    # An export changes no task, and may replace a file.
    assert ("--dry-run" in page.out) is (not reads or verb == "export")
    undescribed = [
        option.name
        for option in command.params
        if isinstance(option, click.Option) and not (option.help or option.hidden)
    ]
    assert not undescribed


@pytest.mark.guarantee("operations-10", "A command that reads creates no file and changes no byte.")
@pytest.mark.parametrize("verb", READS)
def test_a_read_changes_no_byte(
    verb: str, world: World, cleo_cli: Cli, cleo_home: Path, frozen_bytes: Any
) -> None:
    with frozen_bytes(cleo_home):
        outcome = cleo_cli(*world.words(verb))
        people = cleo_cli(*world.words(verb), "--human")
    assert (outcome.code, people.code) == (0, 0), (outcome, people)
    if verb != "export":  # its stdout is the file
        assert outcome.envelope["success"] is True
        assert outcome.envelope["meta"]["operation"] == verb.replace(" ", ".")
        assert people.out


@pytest.mark.parametrize("verb", READS)
def test_a_read_waits_for_no_writer_and_opens_no_write_transaction(
    verb: str, world: World, cleo_cli: Cli
) -> None:
    writer = sqlite3.connect(world.project / ".cleo" / "tasks.db", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    try:
        outcome = cleo_cli(*world.words(verb), env={"CLEO_BUSY_TIMEOUT_MS": "1"})
    finally:
        writer.execute("ROLLBACK")
        writer.close()
    assert outcome.code == 0, outcome


@pytest.mark.guarantee("operations-10", "A command that reads a store that is absent makes none.")
@pytest.mark.parametrize("verb", READS)
def test_a_read_of_an_absent_store_creates_nothing(
    verb: str, cleo_project: Path, cleo_home: Path, cleo_cli: Cli, frozen_bytes: Any
) -> None:
    (cleo_project / ".cleo" / "tasks.db").unlink()
    sessions = dict.fromkeys(("ada", "bob", "eve"), "ses_20260325143015_1a2b3c")
    with frozen_bytes(cleo_home):
        outcome = cleo_cli(*World(cleo_project, sessions).words(verb))
    assert outcome.code in (0, 4, 31, 36, 100), outcome


@pytest.mark.guarantee("operations-27", "A dry run changes no byte, whatever the command.")
@pytest.mark.parametrize("verb", WRITES)
def test_a_dry_run_changes_no_byte_and_the_command_itself_does(
    verb: str, world: World, cleo_cli: Cli, cleo_home: Path, frozen_bytes: Any
) -> None:
    prepare(verb, world)
    words, stdin = world.words(verb), STDIN.get(verb)
    with frozen_bytes(cleo_home):
        dry = cleo_cli(*words, "--dry-run", input=stdin)
        people = cleo_cli(*words, "--dry-run", "--human", input=stdin)
    assert (dry.code, people.code) == (0, 0), (dry, people)
    assert dry.envelope["meta"]["dryRun"] is True
    before = Frozen(cleo_home)
    outcome = cleo_cli(*words, input=stdin)
    assert outcome.code == 0, outcome
    assert outcome.envelope["meta"]["operation"] == verb.replace(" ", ".")
    assert Frozen(cleo_home).before != before.before


def test_no_verb_loads_what_only_migrations_and_people_need(
    world: World, cleo_processes: Processes
) -> None:
    samples = {
        verb: (world.words(verb)[len(verb.split()) :], STDIN.get(verb, ""))
        for verb in (*READS, *WRITES)
        if verb != "sequence repair"  # needs a project of its own
    }
    arguments = json.dumps([samples, HEAVY])
    ((code, out, err),) = cleo_processes([[sys.executable, "-c", PROGRAM, arguments]])
    assert code == 0, err
    assert json.loads(out) == {}
