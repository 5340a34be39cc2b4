"""Everything that CLEO promises for a store, shown for the tasks store."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from cleo_core.testing import StoreConformance
from cleo_core.testing.conformance import Scene, Subject

AT = "2026-01-01T00:00:00.000Z"
AGENT = ("--agent", "agent-1")
SESSION = ("session", "start", "--name", "work", *AGENT)
CLAIM = ("claim", "T004", *AGENT)
TOKENS = ("token", "record", "--input-tokens", "5", "--operation", "review")
INSTANCE = ("instance", "register", "--type", "executor", "--host", "box", *AGENT)


@pytest.mark.guarantee(
    "operations-16", "A fresh tasks.db equals a migrated one and the declaration, object by object."
)
@pytest.mark.guarantee(
    "operations-27", "No --dry-run of a task verb changes a byte or creates a file."
)
@pytest.mark.guarantee(
    "operations-29",
    "Every reference that tasks declares is tried by storing and by deleting; its guard refuses.",
)
class TestStore(StoreConformance):
    plugin = "cleo-tasks"
    writes = 6

    @pytest.fixture
    def scene(self, subject: Subject, cleo_home: Path) -> Scene:
        """A project in a git repository, which releases need."""

        def repository() -> None:
            for words in (
                ("init", "-q", "-b", "main"),
                ("config", "user.name", "Somebody"),
                ("config", "user.email", "somebody@example.org"),
                ("commit", "-q", "--allow-empty", "-m", "begin"),
            ):
                subprocess.run(["git", *words], cwd=cleo_home / "work", check=True)

        made = Scene(cleo_home, self, subject)
        made.prepare(once=type(self), first=repository)
        return made

    files: ClassVar[Mapping[str, str]] = {
        "beads.jsonl": '{"id": "bd-1", "title": "From beads", "status": "open", "priority": 2, '
        '"issue_type": "task", "created_at": "2026-01-01T00:00:00Z", '
        '"updated_at": "2026-01-01T00:00:00Z"}\n',
        "cleo.json": '[{"id": "T900", "title": "From before", "status": "pending"}]',
        "warrior.json": '[{"uuid": "u-1", "description": "From Taskwarrior", "status": "pending"}]',
        "master.json": '{"tasks": [{"id": 1, "title": "From Task Master"}]}',
        "issues.json": '[{"number": 1, "title": "From GitHub", "state": "OPEN", '
        '"url": "https://github.com/acme/tool/issues/1"}]',
        "records.jsonl": '{"external_id": "R-1", "title": "From a tracker", "status": "open"}\n'
        '{"external_id": "E-1", "title": "Errors point at the line", "status": "started"}\n',
    }
    setup = (
        ("add", "The parser", "--type", "epic"),  # T001
        ("add", "Tokens", "--parent", "T001", "--label", "core"),  # T002
        ("add", "Grammar", "--parent", "T001", "--depends", "T002"),  # T003
        ("add", "Errors point at the line", "--label", "core"),  # T004
        ("add", "Given up"),  # T005
        ("cancel", "T005", "--reason", "too slow"),
        ("relate", "add", "T004", "T003"),
        ("phase", "add", "beta", "--name", "Public beta"),
        ("adr", "add", "Keep one file", "--topic", "storage"),  # ADR-001
        ("adr", "add", "Write ahead"),  # ADR-002
        ("adr", "link", "ADR-001", "T004"),
        ("manifest", "add", "Caches", "--content", "how others cache"),  # M-caches
        ("lifecycle", "start", "T003", "research"),
        ("link", "add", "T004", "E-1", "--provider", "tracker"),
    )
    commands: ClassVar[Mapping[str, Any]] = {
        "add": ("add", "sample {n}", "--desc", "what is to be done"),
        "add-batch": {"argv": ("add-batch",), "stdin": '{"title": "a batch"}\n'},
        "update": ("update", "T004", "--title", "Errors {n}", "--add-label", "lines"),
        "complete": {"before": [("start", "T004", *AGENT)], "argv": ("complete", "T004", *AGENT)},
        "cancel": ("cancel", "T004", "--reason", "no time"),
        "reopen": ("reopen", "T005"),
        "archive": ("archive", "T005"),
        "unarchive": {"before": [("archive", "T005")], "argv": ("unarchive", "T005")},
        "delete": ("delete", "T004", "--reason", "a mistake"),
        "claim": CLAIM,
        "unclaim": {"before": [CLAIM], "argv": ("unclaim", "T004", *AGENT)},
        "start": ("start", "T004", *AGENT),
        "stop": {"before": [("start", "T004", *AGENT)], "argv": ("stop", *AGENT)},
        "current": {"before": [("start", "T004", *AGENT)], "argv": ("current", *AGENT)},
        "session start": SESSION,
        "session status": {"before": [SESSION], "argv": ("session", "status", *AGENT)},
        "session show": {"before": [SESSION], "argv": ("session", "show", "{last}")},
        "session note": {"before": [SESSION], "argv": ("session", "note", "half done", *AGENT)},
        "session suspend": {"before": [SESSION], "argv": ("session", "suspend", *AGENT)},
        "session resume": {
            "before": [SESSION, ("session", "suspend", *AGENT)],
            "argv": ("session", "resume", *AGENT),
        },
        "session end": {"before": [SESSION], "argv": ("session", "end", "--note", "done", *AGENT)},
        "session handoff": {
            "before": [SESSION, ("session", "end", *AGENT)],
            "argv": ("session", "handoff", "--scope", "global", *AGENT),
        },
        "deps add": ("deps", "add", "T004", "T002"),
        "deps remove": ("deps", "remove", "T003", "T002"),
        "stats": ("stats", "--within", "T001"),
        "dash": ("dash",),
        "reparent": ("reparent", "T004", "--to", "T001"),
        "reorder": ("reorder", "T003", "--position", "1"),
        "relate add": ("relate", "add", "T004", "T002", "--reason", "same file"),
        "relate remove": ("relate", "remove", "T004", "T003"),
        "verify": (
            *("verify", "T004", "--gate", "implemented", "--result", "pass"),
            *("--evidence", "files:beads.jsonl"),
        ),
        "phase show": ("phase", "show", "beta"),
        "phase add": ("phase", "add", "release-{n}", "--name", "Release", "--position", "1"),
        "phase rename": ("phase", "rename", "beta", "--name", "Beta {n}"),
        "phase start": ("phase", "start", "beta"),
        "phase complete": {
            "before": [("phase", "start", "beta")],
            "argv": ("phase", "complete", "beta"),
        },
        "phase delete": ("phase", "delete", "beta"),
        "label show": ("label", "show", "core"),
        "label rename": ("label", "rename", "core", "kernel"),
        "label remove": ("label", "remove", "core"),
        "adr add": ("adr", "add", "Decision {n}", "--summary", "why"),
        "adr show": ("adr", "show", "ADR-001", "ADR-002"),
        "adr find": ("adr", "find", "file"),
        "adr link": ("adr", "link", "ADR-002", "ADR-001", "--type", "supersedes"),
        "adr unlink": ("adr", "unlink", "ADR-001", "T004"),
        "manifest add": ("manifest", "add", "Notes {n}", "--content", "text {n}", "--task", "T004"),
        "manifest show": ("manifest", "show", "M-caches"),
        "manifest distil": ("manifest", "distil", "M-caches", "--observation", "O-1"),
        "manifest archive": ("manifest", "archive", "M-caches"),
        "lifecycle show": ("lifecycle", "show", "T003"),
        "lifecycle start": ("lifecycle", "start", "T001", "--reason", "planned"),
        "lifecycle complete": (
            *("lifecycle", "complete", "T003", "--artifact", "beads.jsonl", "--finding", "small"),
            "--advance",
        ),
        "lifecycle skip": ("lifecycle", "skip", "T003", "consensus", "--reason", "one decides"),
        "lifecycle back": {
            "before": [("lifecycle", "complete", "T003", "--advance")],
            "argv": (
                *("lifecycle", "back", "T003", "research", "--force", "--reason", "no sources"),
            ),
        },
        "lifecycle set": ("lifecycle", "set", "T003", "blocked", "--reason", "no licence"),
        "lifecycle gate": {
            "before": [("lifecycle", "complete", "T003", "--advance")],
            "argv": ("lifecycle", "gate", "T003", "research-complete", "pass"),
        },
        "lifecycle history": ("lifecycle", "history", "T003"),
        "lifecycle abort": ("lifecycle", "abort", "T003", "--reason", "another plan"),
        "release plan": ("release", "plan", "v1.0.0", "--task", "T004"),
        "release ship": {
            "before": [("complete", "T004")],
            "argv": ("release", "ship", "v1.0.0", "--task", "T004", "--note", "the first"),
        },
        "release show": {"argv": ("release", "show", "v1.0.0"), "exit": 4},
        "release changelog": {"argv": ("release", "changelog", "v1.0.0"), "exit": 4},
        "release cancel": {"argv": ("release", "cancel", "v1.0.0"), "exit": 4},
        "release rollback": {
            "argv": ("release", "rollback", "v1.0.0", "--reason", "broken"),
            "exit": 4,
        },
        "log show": ("log", "show", "1"),
        "log prune": ("log", "prune", "--before", AT),
        "sequence repair": {"argv": ("sequence", "repair"), "exit": 102},
        "token record": TOKENS,
        "token show": {"before": [TOKENS], "argv": ("token", "show", "1")},
        "token estimate": ("token", "estimate", "some words"),
        "token delete": {"before": [TOKENS], "argv": ("token", "delete", "1")},
        "instance register": INSTANCE,
        "instance heartbeat": {
            "before": [INSTANCE],
            "argv": ("instance", "heartbeat", "{last}", "--status", "idle"),
        },
        "instance show": {"before": [INSTANCE], "argv": ("instance", "show", "{last}")},
        "instance error": {"before": [INSTANCE], "argv": ("instance", "error", "{last}", "busy")},
        "instance stop": {"before": [INSTANCE], "argv": ("instance", "stop", "{last}")},
        "instance reap": {
            "before": [INSTANCE],
            "argv": ("instance", "reap", "--stale", "0", "--release"),
        },
        "export": ("export", "--output", "../exported-{n}.jsonl"),
        "import jsonl": {
            "before": [("export", "--output", "all.jsonl")],
            "argv": ("import", "jsonl", "all.jsonl", "--on-conflict", "skip"),
        },
        "import beads": ("import", "beads", "beads.jsonl"),
        "import cleo": ("import", "cleo", "cleo.json"),
        "import taskwarrior": ("import", "taskwarrior", "warrior.json"),
        "import task-master": ("import", "task-master", "master.json"),
        "import github": ("import", "github", "issues.json"),
        "link add": ("link", "add", "T003", "X-{n}", "--provider", "other"),
        "link list": ("link", "list", "T004"),
        "link remove": ("link", "remove", "T004", "E-1"),
        "link reconcile": ("link", "reconcile", "tracker", "records.jsonl"),
    }
    references: ClassVar[Mapping[str, Any]] = {
        "tasks.assignee": ("claim", "T004", "--agent", "{ref}"),
        "sessions.agent_id": ("session", "start", "--agent", "{ref}"),
        "agent_instances.agent_id": (
            *("instance", "register", "--type", "custom", "--agent", "{ref}"),
        ),
        "agent_credentials.agent_id": (
            "INSERT INTO agent_credentials (agent_id, display_name, api_key_encrypted, "
            "source_updated_at, created_at, updated_at) "
            f"VALUES (:ref, 'kit', 'opaque', '{AT}', '{AT}', '{AT}')"
        ),
        "pipeline_manifest.brain_obs_id": (
            *("manifest", "distil", "M-caches", "--observation", "{ref}"),
        ),
    }
    skip: ClassVar[Mapping[str, Any]] = {
        **{
            f"guards: phase {verb}": "a phase is an entity of no kind"
            for verb in ("add", "rename", "start", "complete", "delete")
        },
        **{
            f"guards: manifest {verb}": "manifests are no kind that other stores are told about"
            for verb in ("add", "archive", "distil")
        },
        "idempotency: start": "its session is found again by agent and scope",
        "idempotency: import beads": "what was imported is found again by its external id",
        "idempotency: import cleo": "what was imported is found again by its external id",
        "idempotency: import taskwarrior": "what was imported is found again by its external id",
        "idempotency: import task-master": "what was imported is found again by its external id",
        "idempotency: import github": "what was imported is found again by its external id",
        "idempotency: link reconcile": "what was imported is found again by its external id",
        "idempotency: import jsonl": "what is there is found again by its id",
        "guards: token record": "records of what was spent are no entities that others know",
        "guards: token delete": "records of what was spent are no entities that others know",
        "subdirectory: export": "it names the file that it wrote, which lies elsewhere",
        "subdirectory: import jsonl": "it reads a file that another call made",
    }
    guards: ClassVar[Mapping[str, Any]] = {
        "an agent with work": {
            "after": [("start", "T004", *AGENT)],
            "kind": "agent",
            "op": "delete",
            "ids": ["agent-1"],
        },
    }
