"""``cleo session`` and its verbs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_core.cli import Result, command, group
from cleo_tasks.cli import render_sessions as render
from cleo_tasks.cli.tasks import service
from cleo_tasks.enums import SESSION_STATUS

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_tasks.session_records import Session


@command("start", creates=True)
@click.option("--scope", default="global", help="global, epic:ID or task:ID.")
@click.option("--name", help="By default the scope's title.")
@click.option("--consume", is_flag=True, help="Take over the last session's handoff.")
def start(app: App, **given: Any) -> Result:
    """Start a session.

    Example: cleo session start --scope epic:T001 --agent builder
    """
    return _whole(service(app).session_start(**given))


@command("end", edits=True)
@click.option("--note", help="Last words, for the handoff.")
@click.option("--next-action", help="What should be done first next time.")
def end(app: App, **given: Any) -> Result:
    """End the session and write its handoff.

    Example: cleo session end --note "parser done" --next-action "wire it up"
    """
    return _whole(service(app).session_end(**given))


@command("status")
def status(app: App) -> Result:
    """Show the caller's session.

    Example: cleo session status --agent builder
    """
    return _whole(service(app).session_status())


@command("list", lists=True)
@click.option("--status", multiple=True, type=click.Choice(SESSION_STATUS), help="Repeatable.")
@click.option("--of-agent", metavar="AGENT", help="Sessions of this agent.")
def list_(app: App, **given: Any) -> Result:
    """List sessions, newest first.

    Example: cleo session list --status active
    """
    rows, page = service(app).session_list(**given)
    return Result(rows, page=page, human=lambda out: render.lines(out, rows))


@command("show")
@click.argument("id")
def show(app: App, id: str) -> Result:
    """Show one session.

    Example: cleo session show ses_20260325143015_1a2b3c
    """
    return _whole(service(app).session_show(id))


@command("suspend", edits=True)
@click.option("--reason", help="Why.")
def suspend(app: App, **given: Any) -> Result:
    """Put the session aside, to be resumed.

    Example: cleo session suspend --reason "waiting for review"
    """
    return _whole(service(app).session_suspend(**given))


@command("resume", edits=True)
@click.argument("id", required=False)
def resume(app: App, **given: Any) -> Result:
    """Go on with a session; an ended one gets a successor.

    Example: cleo session resume ses_20260325143015_1a2b3c
    """
    return _whole(service(app).session_resume(**given))


@command("note", edits=True)
@click.argument("text")
@click.option("--next-action", help="What should be done first next time.")
def note(app: App, **given: Any) -> Result:
    """Write something down for the handoff.

    Example: cleo session note "the lexer needs a second pass"
    """
    return _whole(service(app).session_note(**given))


@command("handoff", writes=True)
@click.argument("id", required=False)
@click.option("--scope", help="The last handoff of this scope.")
@click.option("--consume", is_flag=True, help="Take it over, so that nobody else does.")
def handoff(app: App, **given: Any) -> Result:
    """Show what a session left to the next.

    Example: cleo session handoff --scope epic:T001
    """
    result = service(app).session_handoff(**given)
    return Result(
        result, ids=[result.session_id], human=lambda out: render.handoff_state(out, result)
    )


@command("briefing")
@click.option("--max-chars", type=int, default=4000, help="Characters of its JSON at most.")
@click.option("--scope", help="By default the session's.")
def briefing(app: App, **given: Any) -> Result:
    """Say what an agent should know when it begins.

    Example: cleo session briefing --agent builder
    """
    result = service(app).session_briefing(**given)
    return Result(result, human=lambda out: render.briefing(out, result))


@command("gc", writes=True)
@click.option("--max-age", metavar="AGE", help="Idle for longer than this, such as 24h.")
@click.option("--release", is_flag=True, help="Free the claims of their agents too.")
def gc(app: App, **given: Any) -> Result:
    """Collect sessions that were left idle.

    Example: cleo session gc --max-age 24h --release
    """
    result = service(app).session_gc(**given)
    return Result(result, human=lambda out: render.collected(out, result))


def _whole(session: Session) -> Result:
    return Result(session, human=lambda out: render.session(out, session))


session_command = group(
    "session",
    "Sessions, handoffs and briefings.",
    start,
    end,
    status,
    list_,
    show,
    suspend,
    resume,
    note,
    handoff,
    briefing,
    gc,
)
