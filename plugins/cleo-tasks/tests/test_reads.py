"""Every command of the store, run once on a project that holds some of everything.

Reading verbs write nothing and wait for nobody, dry runs change no byte, and none of them loads
what only migrations and tables for people need.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
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
    "phase list": [],
    "phase show": ["beta"],
    "lifecycle show": ["T003"],
    "lifecycle stages": [],
    "lifecycle history": ["T003", "--gates"],
    "log list": ["--task", "T002"],
    "log show": ["1"],
    "sequence show": [],
    "sequence check": [],
    "export": ["--output", "-", "--include-links"],
    "stats": [],
    "dash": ["--phase", "alpha"],
    "statuses": [],
    "adr list": [],
    "adr show": ["ADR-001"],
    "adr find": ["file"],
    "manifest list": [],
    "manifest show": ["M-notes"],
    "manifest find": ["notes"],
    "manifest stats": [],
    "manifest stages": [],
    "link list": ["T002"],
    "release plan": ["v1.1.0"],
    "release list": [],
    "release show": ["v1.0.0"],
    "release changelog": ["v1.0.0"],
    "token summary": [],
    "token list": [],
    "token show": ["1"],
    "token estimate": ["some words"],
    "instance list": ["--cached"],
    "instance show": ["{instance}"],
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
    "verify": [
        "T002",
        "--gate",
        "implemented",
        "--result",
        "pass",
        "--evidence",
        "files:beads.jsonl",
    ],
    "phase add": ["gamma", "--name", "G", "--position", "1"],
    "phase rename": ["beta", "delta"],
    "phase start": ["beta"],
    "phase complete": ["alpha"],
    "phase delete": ["beta"],
    "lifecycle start": ["T001", "research", "--reason", "r"],
    "lifecycle complete": [
        *("T003", "--artifact", "notes.md", "--evidence", "url:https://example.org/x"),
        *("--topic", "t", "--finding", "f", "--note", "n", "--force", "--reason", "r", "--advance"),
    ],
    "lifecycle skip": ["T003", "--reason", "r"],
    "lifecycle back": ["T003", "research", "--force", "--reason", "r"],
    "lifecycle set": ["T003", "blocked", "--reason", "r"],
    "lifecycle gate": ["T003", "agreement-reached", "warn", "--reason", "r"],
    "lifecycle abort": ["T003", "--reason", "r"],
    "log prune": ["--before", "2099-01-01"],
    "sequence repair": [],
    "import jsonl": ["export.jsonl", "--on-conflict", "remap"],
    "import beads": ["beads.jsonl"],
    "import cleo": ["cleo.json"],
    "import taskwarrior": ["tw.json"],
    "import task-master": ["tm.json"],
    "import github": ["gh.json"],
    "link add": ["T003", "J-2", "--provider", "jira"],
    "link remove": ["T002", "J-1"],
    "link reconcile": ["jira", "jira.jsonl"],
    "adr add": ["A third", "--summary", "s"],
    "adr sync": [],
    "adr link": ["ADR-002", "ADR-001", "--type", "amends"],
    "adr unlink": ["ADR-001", "T002"],
    "manifest add": ["More", "--file", "notes.md", "--task", "T002"],
    "manifest distil": ["M-notes", "--observation", "O-1"],
    "manifest archive": ["M-notes"],
    "release ship": ["v1.1.0"],
    "release cancel": ["v9.0.0"],
    "release rollback": ["v1.0.0", "--reason", "r"],
    "token record": ["--input-tokens", "5", "--method", "provider_api"],
    "token delete": ["1"],
    "instance register": ["--type", "executor", "--agent", "dan"],
    "instance heartbeat": ["{instance}"],
    "instance error": ["{instance}", "HTTP 503"],
    "instance stop": ["{instance}"],
    "instance reap": [],
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


#: Whether a version is released -> the project that was made so, and its sessions.
_MADE: dict[bool, tuple[Path, dict[str, str]]] = {}


@pytest.fixture
def world(
    cleo_project: Path,
    cleo_open: Callable[..., App],
    cleo_cli: Cli,
    cleo_home: Path,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> World:
    """A project in which every verb has something to do, made once and then copied."""
    verb = getattr(request.node, "callspec", None)
    released = verb is None or verb.params["verb"].startswith("release")
    if released not in _MADE:
        sessions = fill(cleo_project, cleo_open, cleo_cli, released=released)
        kept = tmp_path_factory.mktemp("world") / "project"
        shutil.copytree(cleo_project, kept, symlinks=True)
        assert not any((cleo_home / "home").iterdir()), "what lies there is not copied"
        _MADE[released] = (kept, sessions)
        return World(cleo_project, sessions)
    kept, sessions = _MADE[released]
    for path in cleo_project.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(kept, cleo_project, symlinks=True, dirs_exist_ok=True)
    return World(cleo_project, sessions)


def fill(
    project: Path, cleo_open: Callable[..., App], cleo_cli: Cli, *, released: bool
) -> dict[str, str]:
    """Fill a project; gives the sessions by the names of their agents."""
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
    anybody.phase_add("alpha")
    anybody.phase_add("beta")
    (project / "notes.md").write_text("It can be done.\n")
    anybody.lifecycle_start("T003", "research")
    anybody.lifecycle_complete("T003", artifacts=["notes.md"], advance=True)
    anybody.lifecycle_gate("T003", "research-complete", "pass")
    anybody.link_add("T002", "J-1", provider="jira")
    anybody.adr_add("Keep one file")
    anybody.adr_add("Write ahead")
    anybody.adr_link("ADR-001", "T002")
    anybody.manifest_add("Notes", content="some notes")
    anybody.token_record(input_tokens=3, method="provider_api")
    if released:
        release(project, anybody)
    sessions = {}
    for name in ("ada", "bob", "eve"):
        service = cleo_open(agent=name).service("tasks")
        sessions[name] = service.session_start(name=name).id
        if name == "ada":
            sessions["instance"] = service.instance_register("executor").id
            service.start("T007")
            service.claim("T008")
        if name == "bob":
            service.session_suspend()
        if name == "eve":
            service.session_end(note="over to the next")
        service.app.close()
    anybody.app.close()
    (project / "beads.jsonl").write_text(
        '{"id": "b-1", "title": "From beads", "status": "open", "priority": 1}\n'
    )
    (project / "tw.json").write_text(
        '[{"uuid": "u1", "description": "From Taskwarrior", "status": "pending"}]'
    )
    (project / "tm.json").write_text('{"tasks": [{"id": 1, "title": "M", "status": "done"}]}')
    (project / "gh.json").write_text(
        '[{"number": 1, "title": "G", "state": "OPEN", "url": "https://github.com/o/r/issues/1"}]'
    )
    (project / "jira.jsonl").write_text('{"external_id": "J-1", "title": "J", "status": "done"}\n')
    (project / "cleo.json").write_text(
        json.dumps({"tasks": [{"id": "T001", "title": "From before", "status": "done"}]})
    )
    assert cleo_cli("export", "--output", "export.jsonl").code == 0
    return sessions


def release(project: Path, tasks: Any) -> None:
    """A released version, and a task that was completed since."""
    git = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    for words in (("init", "-q"), ("add", "notes.md"), ("commit", "-q", "-m", "Begin")):
        subprocess.run([*git, *words], cwd=project, check=True)
    for key, value in (("user.name", "Ada"), ("user.email", "ada@example.org")):
        subprocess.run(["git", "config", key, value], cwd=project, check=True)
    tasks.release_ship("v1.0.0", tasks=["T004"])
    tasks.add("Done since")
    tasks.complete("T010")


#: Verb -> what it alone needs, and would disturb the others.
ALONE = {
    "sequence repair": "UPDATE schema_meta SET value = '2' WHERE key = 'task_sequence'",
    "adr sync": "UPDATE architecture_decisions SET title = 'Other', content_hash = 'x'",
    "instance reap": "UPDATE agent_instances SET last_heartbeat_at = '2026-01-01T00:00:00.000Z'",
    "release cancel": "INSERT INTO release_manifests (id, version, status, created_at) "
    "VALUES ('rel-v9.0.0', 'v9.0.0', 'draft', '2026-01-01T00:00:00.000Z'); "
    "INSERT INTO release_steps (release_id, step) SELECT 'rel-v9.0.0', value "
    """FROM json_each('["prepare", "bump", "changelog", "commit", "tag", "push"]')""",
    "phase complete": "UPDATE phases SET status = 'active' WHERE slug = 'alpha'",
}


def prepare(verb: str, world: World) -> None:
    """Make a project such that a verb has something to do."""
    if verb in ALONE:
        connection = sqlite3.connect(world.project / ".cleo" / "tasks.db")
        connection.executescript(ALONE[verb])
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
    sessions = dict.fromkeys(("ada", "bob", "eve", "instance"), "ses_20260325143015_1a2b3c")
    with frozen_bytes(cleo_home):
        outcome = cleo_cli(*World(cleo_project, sessions).words(verb))
    # A release is planned in a git work tree, and there is none here.
    assert outcome.code in ((3,) if verb == "release plan" else (0, 4, 31, 36, 100)), outcome


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
        if verb not in ALONE
    }
    arguments = json.dumps([samples, HEAVY])
    ((code, out, err),) = cleo_processes([[sys.executable, "-c", PROGRAM, arguments]])
    assert code == 0, err
    assert json.loads(out) == {}
