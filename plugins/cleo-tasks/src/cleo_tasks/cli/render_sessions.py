"""How claims, sessions and handoffs look to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cleo_core.output import to_json
from cleo_tasks.cli.render import status

if TYPE_CHECKING:
    from cleo_core.output import Printer
    from cleo_tasks.handoff_records import Briefing, HandoffState
    from cleo_tasks.service.claims import ClaimResult, Current, ReleaseResult, WorkResult
    from cleo_tasks.service.sessions import Collected
    from cleo_tasks.session_records import Session, SessionLine


def claimed(out: Printer, result: ClaimResult) -> None:
    """What became of a claim."""
    task = result.task
    how = "Claimed" if result.changed else "Already held:"
    out.line(f"{how} {task.id}: {task.title}" + (" (started)" if result.started else ""))
    if result.session is not None and result.session.created:
        out.line(f"  in the new session {result.session.id}")


def released(out: Printer, result: ReleaseResult) -> None:
    """What is free again."""
    for one in result.released:
        out.line(f"Freed {one.id}: {one.title} (held by {one.held_by} since {one.claimed_at})")
    if not result.released:
        out.line("No claim to free.")


def started(out: Printer, result: WorkResult) -> None:
    """What is being worked on from now on."""
    out.line(f"Working on {result.task.id}: {result.task.title}")
    if result.session.created:
        out.line(f"  in the new session {result.session.id}")


def stopped(out: Printer, result: WorkResult) -> None:
    """What is no longer worked on."""
    out.line(f"Stopped {result.task.id}: {result.task.title} ({status(result.task.status)})")


def current(out: Printer, result: Current) -> None:
    """What is being worked on."""
    out.line(f"{result.task.id}: {result.task.title}", "bold")
    out.line(f"  {status(result.task.status)} since {result.since} in {result.session.id}")


def session(out: Printer, one: Session) -> None:
    """One session whole."""
    scope = f"{one.scope_kind}:{one.scope_task_id}" if one.scope_task_id else one.scope_kind
    out.line(f"{one.id}  {one.name}", "bold")
    out.line(f"  {one.status} · {scope} · {one.agent_id or 'nobody in particular'}")
    facts = (
        ("works on", one.current_task_id),
        ("started", one.started_at),
        ("active", one.last_activity_at),
        ("ended", one.ended_at),
        ("suspended", one.suspend_reason),
        ("next", one.next_action),
        ("before", one.previous_session_id),
        ("goes on from", one.successor_of),
        ("adopted", "it was implicit until now" if one.adopted else None),
        ("backup", one.backup),
    )
    for name, value in facts:
        if value:
            out.line(f"  {name:12} {value}")
    for focus in one.work or ():
        until = focus.cleared_at or "now"
        out.line(f"  worked on    {focus.task_id}, {focus.set_at} to {until}")
    for entry in one.notes:
        out.line(f"  - {entry['at']} {entry['by']}: {entry['text']}")
    for heading, content in (("Handoff", one.handoff), ("Taken over", one.consumed)):
        if content:
            out.line()
            out.line(f"  {heading}", "bold")
            handoff(out, content)


def lines(out: Printer, rows: Sequence[SessionLine]) -> None:
    """Sessions as a table."""
    if not rows:
        out.line("No sessions.")
        return
    out.table(
        ("id", "status", "scope", "agent", "task", "name", "last activity"),
        [
            (
                row.id,
                row.status,
                row.scope,
                row.agent_id,
                row.current_task_id,
                row.name,
                row.last_activity_at,
            )
            for row in rows
        ],
    )


def handoff_state(out: Printer, result: HandoffState) -> None:
    """A handoff and who took it over."""
    out.line(f"{result.session_id}  {result.session_name}", "bold")
    if result.consumed_at:
        out.line(f"  taken over by {result.consumed_by} at {result.consumed_at}")
    handoff(out, result.handoff)


def handoff(out: Printer, content: Mapping[str, Any]) -> None:
    """What a session left, by its JSON."""
    if content.get("nextAction"):
        out.line(f"  Next action: {content['nextAction']}")
    if content.get("lastTask"):
        _tasks(out, "Last task", [content["lastTask"]])
    for name, heading in (
        ("completed", "Completed"),
        ("created", "Created"),
        ("next", "Next"),
        ("blocked", "Blocked"),
        ("bugs", "Open bugs"),
    ):
        _tasks(out, heading, content.get(name) or [])
    for entry in content.get("notes") or []:
        out.line(f"  - {entry['at']} {entry['by']}: {entry['text']}")


def briefing(out: Printer, one: Briefing) -> None:
    """What an agent should know."""
    out.line(f"Scope {one.scope}", "bold")
    if one.handoff:
        out.line(f"  Left by {one.handoff.get('sessionId')}:")
        handoff(out, one.handoff)
    for heading, refs in (
        ("Current", [one.current] if one.current else []),
        ("Held", one.claims),
        ("Next", one.next),
        ("Blocked", one.blocked),
    ):
        _tasks(out, heading, to_json(refs))
    for other in one.others:
        whose = other.agent_id or "nobody"
        out.line(f"  {other.id}: {whose} in {other.scope}, on {other.current_task_id or 'nothing'}")
    if one.truncated:
        out.line("  … shortened; more with --max-chars.")


def collected(out: Printer, result: Collected) -> None:
    """What was collected."""
    for row in result.orphaned:
        out.line(
            f"Orphaned {row.id}: {row.agent_id or 'nobody'}, idle since {row.last_activity_at}"
        )
    for id_ in result.released:
        out.line(f"Freed {id_}")
    if not result.orphaned:
        out.line("No session was idle for that long.")


def _tasks(out: Printer, heading: str, refs: Sequence[Mapping[str, Any]]) -> None:
    if not refs:
        return
    out.line(f"  {heading}:")
    for ref in refs:
        more = [ref[name] for name in ("severity", "reason") if ref.get(name)]
        out.line(f"    {ref['id']} {ref['title']}" + "".join(f" · {word}" for word in more))
