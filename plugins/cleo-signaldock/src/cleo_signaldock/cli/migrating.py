"""``cleo agent migrate-legacy``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_core.cli import Result, command
from cleo_core.errors import UsageError, echoed
from cleo_core.output import Printer
from cleo_signaldock.cli import unwarned

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_signaldock.records import LegacyMigration, LegacyStatus

_WORDS = {
    "done": "The older file was taken over.",
    "resumed": "The migration that was begun before is finished.",
    "nothing": "There is nothing to take over.",
    "dry_run": "This would happen; nothing was changed.",
    "rolled_back": "The migration was taken back.",
}


@command("migrate-legacy", writes=True)
@click.option(
    "--old-path",
    "old_paths",
    multiple=True,
    metavar="DIRECTORY",
    help="Where the project lay before; its keys were encrypted for that. Repeatable.",
)
@click.option("--rename", "renames", multiple=True, metavar="A=B", help="Another id; repeatable.")
@click.option("--status", is_flag=True, help="Print the journal.")
@click.option("--rollback", is_flag=True, help="Take the latest migration back.")
def migrate_legacy_command(
    app: App, old_paths: tuple[str, ...], renames: tuple[str, ...], status: bool, rollback: bool
) -> Result:
    """Split the .cleo/signaldock.db of an older CLEO into agents and messages.

    Example: cleo agent migrate-legacy --dry-run
    """
    chosen = unwarned(app)
    if (status or rollback) and (old_paths or renames or (status and rollback)):
        raise UsageError(
            "--status and --rollback stand alone.", fix="cleo agent migrate-legacy --status"
        )
    if status:
        found = chosen.legacy_status()
        return Result(found, ids=[], human=lambda out: _journal(out, found))
    if rollback:
        done = chosen.legacy_rollback()
    else:
        done = chosen.migrate_legacy(renames=_renames(renames), old_paths=old_paths)
    return Result(
        done, ids=[done.run_id] if done.run_id else [], human=lambda out: _show(out, done)
    )


def _renames(given: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for one in given:
        old, sign, new = one.rpartition("=")
        if not sign or not old or not new:
            raise UsageError(f"{echoed(one)} is no rename.", fix="--rename OLD=NEW")
        if old in found:
            raise UsageError(f"{echoed(old)} is renamed twice.", fix="--rename OLD=NEW")
        found[old] = new
    return found


def _show(out: Printer, done: LegacyMigration) -> None:
    out.line(_WORDS[done.status], "bold")
    if done.counts:
        words = list(dict.fromkeys(word for one in done.counts.values() for word in one))
        rows = [
            (table, *(str(one.get(word, "")) for word in words))
            for table, one in done.counts.items()
        ]
        out.table(("table", *words), rows)
    for one in done.dropped:
        out.line(f"left out: {one['count']} of {one['table']}: {one['reason']}")
    for renamed in done.renamed:
        out.line(f"renamed: {renamed['from']} is now {renamed['to']}")
    for agent_id in done.reauth:
        out.line(f"key unreadable: {agent_id}  (cleo agent keys set {agent_id})")
    if done.bak_path:
        out.line(f"the older file is now {done.bak_path}")


def _journal(out: Printer, found: LegacyStatus) -> None:
    out.line(f"older file: {found.path if found.found else 'none'}")
    if found.journal is None:
        out.line("no migration was begun")
        return
    out.line(f"run {found.journal['runId']}: {found.journal['status']}")
    for step, at in found.journal["steps"].items():
        out.line(f"  {step}: {at}")
    if found.journal.get("bak"):
        out.line(f"  backup: {found.journal['bak']}")
