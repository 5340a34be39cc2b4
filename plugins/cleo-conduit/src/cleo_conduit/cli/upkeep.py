"""``cleo conduit prune`` and ``reindex``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_conduit.cli.refs import service
from cleo_core.cli import Result, command
from cleo_core.output import Printer, to_json

if TYPE_CHECKING:
    from cleo_core.app import App


@command("prune", writes=True)
def prune_command(app: App) -> Result:
    """Remove what nobody needs any more: finished jobs, ended leases, expired keys and documents.

    Messages go only where `conduit.retention_days` is set, and never one that is unread or pinned.

    Example: cleo conduit prune --dry-run
    """
    done = service(app).prune()

    def human(out: Printer) -> None:
        counted = {name: number for name, number in to_json(done).items() if number}
        said = ", ".join(f"{number} {name}" for name, number in counted.items())
        out.line(f"{'would go' if app.dry_run else 'done'}: {said or 'nothing'}")

    return Result(done, ids=[], human=human)


@command("reindex", writes=True)
def reindex_command(app: App) -> Result:
    """Make the search index of the messages anew.

    Example: cleo conduit reindex
    """
    count = service(app).reindex()
    return Result(
        {"messages": count}, ids=[], human=lambda out: out.line(f"{count} messages indexed.")
    )
