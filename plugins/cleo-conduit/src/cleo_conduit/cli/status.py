"""``cleo conduit status``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_conduit.cli.refs import service
from cleo_core.cli import Result, command
from cleo_core.output import Printer

if TYPE_CHECKING:
    from cleo_core.app import App


@command("status")
def status_command(app: App) -> Result:
    """Say how many agents this project sees and what became of their mail.

    Example: cleo conduit status
    """
    found = service(app).status()

    def human(out: Printer) -> None:
        seen, left = found.agents["enabled"], found.agents["disabled"]
        out.line(f"agents: {seen} enabled, {left} disabled")
        out.line(f"messages: {found.messages} in {found.conversations} conversations")
        for word, states in (("receipts", found.receipts), ("jobs", found.jobs)):
            named = ", ".join(f"{number} {state}" for state, number in states.items() if number)
            out.line(f"{word}: {named or 'none'}")
        if found.oldest_pending_at:
            out.line(f"oldest pending: {found.oldest_pending_at}")
        out.line(f"dead letters: {found.dead_letters}, leases: {found.leases}")

    return Result(found, ids=[], human=human)
