"""Everything that CLEO promises for a store, shown for the tasks store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from cleo_core.testing import StoreConformance

AT = "2026-01-01T00:00:00.000Z"
AGENT = ("--agent", "agent-1")
SESSION = ("session", "start", "--name", "work", *AGENT)
CLAIM = ("claim", "T004", *AGENT)


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

    files: ClassVar[Mapping[str, str]] = {
        "beads.jsonl": '{"id": "bd-1", "title": "From beads", "status": "open", "priority": 2, '
        '"issue_type": "task", "created_at": "2026-01-01T00:00:00Z", '
        '"updated_at": "2026-01-01T00:00:00Z"}\n',
        "cleo.json": '[{"id": "T900", "title": "From before", "status": "pending"}]',
    }
    setup = (
        ("add", "The parser", "--type", "epic"),  # T001
        ("add", "Tokens", "--parent", "T001", "--label", "core"),  # T002
        ("add", "Grammar", "--parent", "T001", "--depends", "T002"),  # T003
        ("add", "Errors point at the line", "--label", "core"),  # T004
        ("add", "Given up"),  # T005
        ("cancel", "T005", "--reason", "too slow"),
        ("relate", "add", "T004", "T003"),
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
        "reparent": ("reparent", "T004", "--to", "T001"),
        "reorder": ("reorder", "T003", "--position", "1"),
        "relate add": ("relate", "add", "T004", "T002", "--reason", "same file"),
        "relate remove": ("relate", "remove", "T004", "T003"),
        "label show": ("label", "show", "core"),
        "label rename": ("label", "rename", "core", "kernel"),
        "label remove": ("label", "remove", "core"),
        "log show": ("log", "show", "1"),
        "log prune": ("log", "prune", "--before", AT),
        "sequence repair": {"argv": ("sequence", "repair"), "exit": 102},
        "export": ("export", "--output", "../exported-{n}.jsonl"),
        "import jsonl": {
            "before": [("export", "--output", "all.jsonl")],
            "argv": ("import", "jsonl", "all.jsonl", "--on-conflict", "skip"),
        },
        "import beads": ("import", "beads", "beads.jsonl"),
        "import cleo": ("import", "cleo", "cleo.json"),
    }
    references: ClassVar[Mapping[str, Any]] = {
        "tasks.assignee": ("claim", "T004", "--agent", "{ref}"),
        "sessions.agent_id": ("session", "start", "--agent", "{ref}"),
        "agent_instances.agent_id": (
            "INSERT INTO agent_instances "
            "(id, agent_id, agent_type, started_at, last_heartbeat_at) "
            f"VALUES ('ai_kit', :ref, 'executor', '{AT}', '{AT}')"
        ),
        "agent_credentials.agent_id": (
            "INSERT INTO agent_credentials (agent_id, display_name, api_key_encrypted, "
            "source_updated_at, created_at, updated_at) "
            f"VALUES (:ref, 'kit', 'opaque', '{AT}', '{AT}', '{AT}')"
        ),
        "pipeline_manifest.brain_obs_id": (
            "INSERT INTO pipeline_manifest "
            "(id, type, title, content, content_hash, brain_obs_id, created_at) "
            f"VALUES ('pm_kit', 'note', 'kit', 'kit', 'c0ffee', :ref, '{AT}')"
        ),
    }
    skip: ClassVar[Mapping[str, Any]] = {
        "idempotency: start": "its session is found again by agent and scope",
        "idempotency: import beads": "what was imported is found again by its external id",
        "idempotency: import cleo": "what was imported is found again by its external id",
        "idempotency: import jsonl": "what is there is found again by its id",
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
