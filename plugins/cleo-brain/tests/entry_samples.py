"""Entries of every kind, written as the verbs write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cleo_brain.service import neighbours
from cleo_brain.service.work import Verbs, Work
from cleo_brain.service.writing import Draft, store
from cleo_brain.store import entries
from cleo_core.app import App


def put(app: App | Work, kind: str, typed: Mapping[str, Any], **more: Any) -> str:
    """Store an entry of any kind, in a unit of its own or in one that is open; returns its id."""

    def body(work: Work) -> str:
        draft = Draft(kind, dict(typed), more.pop("source_confidence", "agent"), **more)
        return store(work, draft).id

    return body(app) if isinstance(app, Work) else Verbs(app).write("test", body)


def observation(app: App | Work, text: str, thread: str) -> str:
    """Store an observation."""
    lists = ("facts", "concepts", "files_read", "files_modified", "attachments")
    typed: dict[str, Any] = {f"{name}_json": [] for name in lists}
    typed |= dict.fromkeys(("subtitle", "project", "source_session_id", "discovery_tokens"))
    typed |= {"type": "discovery", "title_derived": True, "title": text[:80], "narrative": text}
    return put(app, "observation", {**typed, "source_type": "agent"}, thread=thread)


def sticky(app: App | Work, content: str, **columns: Any) -> str:
    """Store a sticky note."""
    typed = {"status": "active", "color": "yellow", "priority": "low", "converted_to": None}
    return put(app, "sticky", {"content": content, **typed, "expires_at": None, **columns})


def learning(app: App | Work, insight: str, **columns: Any) -> str:
    """Store a learning."""
    typed: dict[str, Any] = {"source": "manual", "confidence": 0.9, "actionable": False}
    more = {"applicable_types_json": [], "confirmed_at": "2026-03-25T14:30:15.000Z"}
    typed["application"] = None
    who = columns.pop("source_confidence", "agent")
    typed |= {"insight": insight, **more, **columns}
    return put(app, "learning", typed, source_confidence=who)


def decision(app: App | Work, text: str, **columns: Any) -> str:
    """Store a decision."""
    typed: dict[str, Any] = dict.fromkeys(
        ("outcome", "context_epic_id", "context_task_id", "context_phase", "adr_id", "adr_path")
    )
    typed |= {"type": "technical", "rationale": "it is simple", "confidence": "medium"}
    typed |= {"alternatives_json": [], "confirmation_state": "accepted", "decided_by": "agent"}
    return put(app, "decision", {**typed, "decision": text, **columns})


def withdraw(app: App, id_: str, reason: str, at: str) -> None:
    """Withdraw an entry, as eviction and the like do."""

    def body(work: Work) -> None:
        row = entries.get(work, id_)
        assert row is not None
        entries.update(work, id_, {"invalid_at": at, "invalid_reason": reason})
        neighbours.refresh(work, row)

    Verbs(app).write("test", body)
