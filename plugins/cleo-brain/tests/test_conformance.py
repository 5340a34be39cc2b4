"""Everything that CLEO promises for a store, shown for the brain store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from cleo_core.testing import StoreConformance

AT = "2026-01-01T00:00:00.000Z"
AGENT = ("--agent", "agent-1")


class TestStore(StoreConformance):
    plugin = "cleo-brain"
    writes = 6

    files: ClassVar[Mapping[str, str]] = {
        "notes.md": "# Decisions\n\n- Keep one file, because it can be copied\n",
        "lines.jsonl": '{"text": "a line of a batch"}\n',
    }
    setup = (
        # Vectors that a later write makes would blur what each verb stores.
        ("config", "set", "brain.embed", "never"),
        ("observe", "The parser drops comments after a comma", "--thread", "review"),
        ("observe", "Nobody reads the third argument", "--thread", "review"),
        ("memory", "decide", "--decision", "One file", "--rationale", "it can be copied"),  # D001
        ("memory", "decide", "--decision", "Two files", "--rationale", "one is too large"),  # D002
        ("memory", "link", "D001", "related", "D002"),
        ("sticky", "add", "Tell the users", "--color", "blue"),  # SN-001
        ("sticky", "add", "Old news"),  # SN-002
        ("sticky", "archive", "SN-002"),
    )
    commands: ClassVar[Mapping[str, Any]] = {
        "observe": ("observe", "sample {n}", "--tag", "parser"),
        "memory observe": ("memory", "observe", "another sample {n}"),
        "memory store": (
            *("memory", "store", "--type", "learning", "--content", "learned {n}"),
            *("--confidence", "0.9", "--actionable"),
        ),
        "memory decide": (
            *("memory", "decide", "--decision", "decided {n}", "--rationale", "because of {n}"),
        ),
        "memory find": ("memory", "find", "parser comments"),
        "memory timeline": ("memory", "timeline", "--query", "parser"),
        "memory context": ("memory", "context", "--query", "parser"),
        "memory fetch": ("memory", "fetch", "D001"),
        "memory link": ("memory", "link", "D002", "references", "file:notes-{n}.md"),
        "memory verify": {
            "before": [("observe", "to verify {n}", *AGENT)],
            "argv": ("memory", "verify", "{last}"),
        },
        "memory reembed": ("memory", "reembed", "--all"),
        "memory maintain": ("memory", "maintain"),
        "memory forget": ("memory", "forget", "D002"),
        "memory import": ("memory", "import", "notes.md"),
        "memory export": ("memory", "export", "../memory-{n}.jsonl"),
        "sticky add": ("sticky", "add", "note {n}"),
        "sticky show": ("sticky", "show", "SN-001"),
        "sticky edit": ("sticky", "edit", "SN-001", "--content", "Tell the users {n}"),
        "sticky archive": ("sticky", "archive", "SN-001"),
        "sticky restore": ("sticky", "restore", "SN-002"),
        "sticky purge": ("sticky", "purge", "SN-002"),
        "sticky convert": ("sticky", "convert", "SN-001", "--to", "observation"),
    }
    references: ClassVar[Mapping[str, Any]] = {
        "brain.decision_epic": (
            *("memory", "decide", "--decision", "for {ref}", "--rationale", "an epic"),
            *("--epic", "{ref}"),
        ),
        "brain.decision_task": (
            *("memory", "decide", "--decision", "of {ref}", "--rationale", "a task"),
            *("--task", "{ref}"),
        ),
        "brain.link_task": ("memory", "link", "D001", "applies_to", "{ref}"),
        "brain.observation_session": ("observe", "in {ref}", "--session", "{ref}"),
        "brain.edge_task": ("memory", "link", "D001", "references", "task:{ref}"),
        "brain.edge_session": ("memory", "link", "D001", "references", "session:{ref}"),
        "brain.decision_adr": (
            *("memory", "decide", "--decision", "by {ref}", "--rationale", "recorded"),
            *("--adr", "{ref}"),
        ),
        "brain.log_session": ("memory", "fetch", "D001", "--used", "--session", "{ref}"),
        "brain.example_task": (
            *("memory", "store", "--type", "pattern", "--content", "as in {ref}"),
            *("--context", "anywhere", "--example", "{ref}"),
        ),
        "brain.entry_agent": ("observe", "told by {ref}", "--agent", "{ref}"),
        "brain.observation_document": ("observe", "see {ref}", "--attach", "{ref}"),
    }
    skip: ClassVar[Mapping[str, Any]] = {
        "references: brain.sticky_task": "only a conversion sets it, to a task that it has made",
        "json: memory verify": "it lists with --list only",
        "subdirectory: memory export": "it names the file that it wrote, which lies elsewhere",
        "idempotency: sticky convert": "a note is converted once, and found again by its id",
        "guards: memory maintain": "what it stores follows from the rows",
        "guards: memory reembed": "vectors are no entities that others know",
        "idempotency: memory import": "what was imported is found again by its origin",
    }
