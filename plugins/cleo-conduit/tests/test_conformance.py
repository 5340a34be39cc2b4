"""Everything that CLEO promises for a store, shown for the message store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from cleo_core.testing import StoreConformance

_ANN = ("--agent", "ann")
_CEM = ("--agent", "cem")
_PLAN = ("doc", "create", "plan.md", "--title", "Plan")
_EDIT = ("doc", "edit", "design-notes", "-")
_PLAN_OF_STDIN = ("doc", "create", "-", "--title", "Plan")
_NO_ENTITY = "a ref, a pin or a place in a topic is no entity of its own"
_OF_RECEIPTS = "what becomes of a receipt is no change of an entity"
_SEND = ("conduit", "send", "hello {n}", "--to", "cem", *_ANN)


class TestStore(StoreConformance):
    plugin = "cleo-conduit"
    writes = 6

    @pytest.fixture(autouse=True)
    def _token(self, cleo_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The token that ann has in the golden database; elsewhere she has none."""
        monkeypatch.setenv("CLEO_AGENT_TOKEN", "test")

    setup = (
        ("conduit", "join", "ann", "--role", "lead"),
        ("conduit", "join", "bob"),
        ("conduit", "join", "cem"),
        ("conduit", "leave", "bob"),
        ("lease", "acquire", "held/{n}", *_ANN),
        (*_PLAN, "--slug", "design-notes", *_ANN),
        ("topic", "subscribe", "builds", *_CEM),
        ("conduit", "send", "the first", "--to", "cem", "--ack-required", *_ANN),
        ("conduit", "send", "the second", "--to", "cem", *_ANN),
        ("topic", "publish", "builds", "red #ci", *_ANN),
    )
    files: ClassVar[Mapping[str, str]] = {
        "plan.md": "# Plan\n\nWhat is done.\n",
        "batch.jsonl": '{"content": "one", "to": ["cem"]}\n{"content": "two", "to": ["cem"]}\n',
    }
    commands: ClassVar[Mapping[str, Any]] = {
        "conduit ack": ("conduit", "ack", "1", *_CEM),
        "conduit agents": ("conduit", "agents"),
        "conduit conversation": {
            "argv": ("conduit", "conversation", "019ac8b0-0000-7000-8000-000000000099", *_CEM),
            "exit": 4,
        },
        "conduit conversations": ("conduit", "conversations", *_CEM),
        "conduit dead list": ("conduit", "dead", "list", *_ANN),
        "conduit dead purge": ("conduit", "dead", "purge", "--all", *_ANN),
        "conduit dead replay": ("conduit", "dead", "replay", "--all", *_ANN),
        "conduit dead show": {"argv": ("conduit", "dead", "show", "nothing", *_ANN), "exit": 4},
        "conduit inbox": ("conduit", "inbox", *_CEM),
        "conduit jobs": ("conduit", "jobs", *_ANN),
        "conduit join": ("conduit", "join", "agent-{n}", "--role", "reviewer"),
        "conduit leave": ("conduit", "leave", "ann"),
        "conduit overdue": ("conduit", "overdue", *_CEM),
        "conduit pin": ("conduit", "pin", "2", *_CEM),
        "conduit pins": ("conduit", "pins", *_CEM),
        "conduit poll": ("conduit", "poll", *_CEM),
        "conduit prune": ("conduit", "prune"),
        "conduit read": ("conduit", "read", "2", *_CEM),
        "conduit receipts": ("conduit", "receipts", "2", *_ANN),
        "conduit redact": ("conduit", "redact", "2", *_ANN),
        "conduit reindex": ("conduit", "reindex"),
        "conduit reject": ("conduit", "reject", "2", "--reason", "no", *_CEM),
        "conduit run": ("conduit", "run", "--once"),
        "conduit search": ("conduit", "search", "first", *_CEM),
        "conduit send": {"argv": _SEND, "before": (("conduit", "join", "cem"),)},
        "conduit show": ("conduit", "show", "2", *_ANN),
        "conduit status": ("conduit", "status"),
        "conduit thread": ("conduit", "thread", "2", *_ANN),
        "conduit token": ("conduit", "token", "cem"),
        "conduit unpin": {
            "argv": ("conduit", "unpin", "1", *_CEM),
            "before": (("conduit", "pin", "1", *_CEM),),
        },
        "conduit watch": ("conduit", "watch", "--once", *_CEM),
        "doc approve": ("doc", "approve", "design-notes", "--comment", "good", *_CEM),
        "doc create": {"argv": (*_PLAN_OF_STDIN, *_ANN), "stdin": "# Plan\n"},
        "doc diff": ("doc", "diff", "design-notes", *_ANN),
        "doc edit": {
            "argv": (*_EDIT, "--if-version", "1", "--summary", "a", *_ANN),
            "stdin": "# Plan\n\nWhat is done, and by whom.\n",
        },
        "doc export": ("doc", "export", "design-notes", "out.md", *_ANN),
        "doc list": ("doc", "list", *_ANN),
        "doc mode": ("doc", "mode", "design-notes", "review", *_ANN),
        "doc reject": ("doc", "reject", "design-notes", "--comment", "bad", *_CEM),
        "doc request": ("doc", "request", "design-notes", "--reviewer", "cem", *_ANN),
        "doc show": ("doc", "show", "design-notes", *_ANN),
        "doc versions": ("doc", "versions", "design-notes", *_ANN),
        "lease acquire": ("lease", "acquire", "src/{n}", *_ANN),
        "lease break": {"argv": ("lease", "break", "{id}", *_CEM), "exit": 97},
        "lease check": ("lease", "check", "src/a.py"),
        "lease list": ("lease", "list"),
        "lease release": ("lease", "release", "--all", *_ANN),
        "lease renew": ("lease", "renew", "--all", *_ANN),
        "topic list": ("topic", "list", *_CEM),
        "topic publish": ("topic", "publish", "builds", "green {n}", *_ANN),
        "topic read": ("topic", "read", "builds", *_CEM),
        "topic subscribe": ("topic", "subscribe", "topic-{n}", *_CEM),
        "topic unsubscribe": ("topic", "unsubscribe", "builds", *_CEM),
    }
    references: ClassVar[Mapping[str, Any]] = {
        "conduit.ref_agent": ("conduit", "join", "{ref}"),
        **dict.fromkeys(
            ("conduit.document_agent", "conduit.version_author", "conduit.contributor"),
            (*_PLAN, "--agent", "{ref}"),
        ),
        "conduit.lease_agent": ("lease", "acquire", "src/**", "--agent", "{ref}"),
        "conduit.lease_task": ("lease", "acquire", "src/**", "--task", "{ref}", *_ANN),
        "conduit.reviewer": ("doc", "approve", "design-notes", "--agent", "{ref}"),
    }
    skip: ClassVar[Mapping[str, Any]] = {
        "references: conduit.pin_agent": "who reads a message takes part, and is known before",
        "references: conduit.conversation_epic": "a topic's name may name any epic",
        "references: conduit.message_task": "a text may name any task",
        **{
            f"idempotency: doc {verb}": "it creates nothing but a notice; again, it changes nothing"
            for verb in ("request", "approve", "reject", "mode")
        },
        "idempotency: topic subscribe": "again, it changes nothing",
        **{
            f"guards: {verb}": _NO_ENTITY
            for verb in (
                *("conduit join", "conduit leave", "conduit token", "conduit pin"),
                *("conduit unpin", "topic unsubscribe"),
            )
        },
        "guards: conduit reindex": "the index holds nothing of its own",
        **{
            f"guards: conduit {verb}": _OF_RECEIPTS
            for verb in ("ack", "poll", "read", "reject", "watch")
        },
    }
