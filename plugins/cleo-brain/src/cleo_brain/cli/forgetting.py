"""``cleo memory forget`` and ``cleo sticky purge``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from cleo_brain.cli import service
from cleo_brain.enums import KIND
from cleo_core.cli import Result, command
from cleo_core.errors import CleoError, UsageError
from cleo_core.output import Printer

if TYPE_CHECKING:
    from cleo_brain.service.forgetting import Forgotten
    from cleo_core.app import App


def _result(found: Forgotten) -> Result:
    def human(out: Printer) -> None:
        named = ", ".join(one.id for one in found.forgotten[:20])
        more = f" and {len(found.forgotten) - 20} more" if len(found.forgotten) > 20 else ""
        out.line(f"Forgotten: {named}{more}" if found.forgotten else "Nothing to forget.")
        if found.forgotten:
            out.line(
                f"  with {found.tags} tags, {found.links} links, {found.edges} edges, "
                f"{found.vectors} vectors; {found.neighbours} contexts made anew"
            )
        for id_ in found.predecessors:
            how = "lives again" if id_ in found.revived else "stays superseded (--revive)"
            out.line(f"  {id_} {how}")
        for path in found.backups:
            out.line(f"  still in the backup {path}")

    return Result(found, ids=[one.id for one in found.forgotten], human=human)


@command("forget", writes=True)
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--tag", "tags", multiple=True, help="Has this tag; all of several.")
@click.option("--by-agent", metavar="NAME", help="Written by this agent.")
@click.option("--thread", help="Of this conversation.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KIND), help="Of this kind.")
@click.option("--before", metavar="TIME", help="Holds since before a date, a time or an age (90d).")
@click.option("--origin-prefix", metavar="TEXT", help="Its origin begins so (claude-mem:).")
@click.option("--revive", is_flag=True, help="Let what they superseded live again.")
@click.option("--yes", is_flag=True, help="Do not ask; a filter needs it without a terminal.")
def forget_command(app: App, ids: tuple[str, ...], yes: bool, **given: Any) -> Result:
    """Forget entries for good, by ids or by a filter: no byte of their text is left in the store.

    Example: cleo memory forget O-m3k2j1-x8f2
    """
    filtered = any(given[name] for name in given if name != "revive")
    if filtered and not ids and not yes and not app.dry_run:
        if not sys.stdin.isatty():
            raise UsageError(
                "A filter may mean more than you think; look with --dry-run, then say --yes.",
                fix="cleo memory forget --dry-run ...",
            )
        _ask(app, given)
    return _result(service(app).forget(*ids, **given))


def _ask(app: App, given: dict[str, Any]) -> None:
    with app.dry_running():
        found = service(app).forget(**given)
    if found.forgotten and not click.confirm(
        f"Forget {len(found.forgotten)} entries for good?", err=True
    ):
        raise CleoError("E_NO_CHANGE", "Nothing was forgotten.", fix="cleo memory find")


@command("purge", writes=True)
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
def purge_command(app: App, ids: tuple[str, ...]) -> Result:
    """Forget notes for good.

    Example: cleo sticky purge SN-001
    """
    return _result(service(app).sticky_purge(*ids))
