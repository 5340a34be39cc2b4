"""``cleo restore``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from cleo_core.app import App
from cleo_core.cli.command import command
from cleo_core.cli.words import ago, counted
from cleo_core.errors import CleoError, UsageError
from cleo_core.output import Printer, Result

if TYPE_CHECKING:
    from cleo_core.api.specs import Tier
    from cleo_core.restore import Plan, Restored


@command("restore", project="optional", writes=True)
@click.argument("which", metavar="SET|latest|PATH")
@click.option("--store", "names", multiple=True, metavar="NAME", help="This store; repeatable.")
@click.option(
    "--global",
    "is_global",
    is_flag=True,
    help="A set of the global databases, which all projects share.",
)
@click.option("--with-config", is_flag=True, help="The configuration and the project's id too.")
@click.option("--replace-files", is_flag=True, help="Keys and salts too, where some are there.")
@click.option("--yes", is_flag=True, help="Do not ask; needed without a terminal.")
def restore(
    app: App,
    which: str,
    names: tuple[str, ...],
    is_global: bool,
    with_config: bool,
    replace_files: bool,
    yes: bool,
) -> Result:
    """Put the copies of a backup set in the place of the live files.

    All of them or none. SET is the name of one, `latest` the newest that is whole. The copies are
    checked before anything else happens. What they replace is kept in a set named before-restore,
    and in quarantine where SQLite cannot open it. Other processes must let go of the stores first.
    Killed at any moment, nothing has happened, or the next command finishes it.

    Example: cleo restore latest --store tasks --dry-run
    """
    from cleo_core.cli.progress import Progress
    from cleo_core.restore import find_source, plan, restore_items

    tier = _tier(app, names, is_global)
    with Progress() as progress:
        source, skipped = find_source(
            app, which, tier=tier, names=names, with_config=with_config, progress=progress
        )
    made = plan(app, source, names=names, with_config=with_config, replace_files=replace_files)
    if app.dry_run:
        data = _data(made, skipped, None)
        return Result(data, human=lambda out: _planned(out, made, skipped), ids=_ids(made))
    if not yes:
        _confirm(made, skipped)
    with Progress() as progress:
        done = restore_items(app, made, progress=progress)
    return Result(
        _data(made, skipped, done),
        human=lambda out: _restored(out, made, skipped, done),
        ids=_ids(made),
    )


def _tier(app: App, names: tuple[str, ...], is_global: bool) -> Tier:
    """That of the stores that are named, else the project's.

    :raises UsageError: stores of both are named.
    :raises CleoError: ``E_NOT_INITIALIZED``, there is no project here.
    """
    specs = [app.plugins.stores[name] for name in names if name in app.plugins.stores]
    tiers = {spec.tier for spec in specs}
    if len(tiers) > 1 or (is_global and "project" in tiers):
        raise UsageError(
            "A set holds a project's databases or the global ones, never both.",
            fix="cleo restore --help",
        )
    tier: Tier = "global" if is_global or tiers == {"global"} else "project"
    if tier == "project" and app.project_or_none is None:
        raise CleoError(
            "E_NOT_INITIALIZED",
            "There is no project here to restore; --global restores what all projects share.",
            fix="cleo restore latest --global --dry-run",
        )
    return tier


def is_asked() -> bool:
    """Whether somebody sits there who can answer."""
    return sys.stdin is not None and sys.stdin.isatty()


def _confirm(made: Plan, skipped: list[dict[str, Any]]) -> None:
    """Show the plan and ask; without a terminal nobody can be asked.

    :raises CleoError: ``E_CONFIRMATION_NEEDED``; ``E_NO_CHANGE``, the answer was no.
    """
    if not is_asked():
        raise CleoError(
            "E_CONFIRMATION_NEEDED",
            f"This replaces {', '.join(row['name'] for row in made.rows)}; look with --dry-run, "
            "then say --yes.",
            fix="the same command with --yes",
            details=_data(made, skipped, None),
        )
    for row in made.rows:
        click.echo(f"{row['name']}: {_change(row)}", err=True)
    for one in skipped:
        click.echo(f"passed over {one['set']}: {one['reason']}", err=True)
    if not click.confirm(f"Restore these from {made.source.path}?", err=True):
        raise CleoError("E_NO_CHANGE", "Nothing was restored.", fix="cleo restore --help")


def _data(made: Plan, skipped: list[dict[str, Any]], done: Restored | None) -> dict[str, Any]:
    return {
        "set": made.source.path,
        "tier": made.source.manifest["tier"],
        "plan": made.rows,
        "left": list(made.left),
        "skipped": skipped,
        "restored": done.restored if done else [],
        "safetySet": done.safety_set if done else None,
        "quarantined": done.quarantined if done else [],
        "reconcile": done.reconcile if done else None,
    }


def _ids(made: Plan) -> list[str]:
    return [one.name for one in made.items]


def _change(row: dict[str, Any]) -> str:
    """What happens to one file, in words."""
    if "replaces" in row:
        return "is replaced" if row["replaces"] else "is put back"
    now = row["rowsNow"]
    before = {"absent": "absent", "unowned": "a database of nobody"}.get(row["state"])
    if before is None:
        before = row["state"] if now is None else f"{counted(now, 'row')} at {row['revisionNow']}"
    then = "a copy" if row["rowsThen"] is None else counted(row["rowsThen"], "row")
    at = f" at {row['revision']}" if row["revision"] else ""
    return f"{before} -> {then}{at}"


def _planned(out: Printer, made: Plan, skipped: list[dict[str, Any]]) -> None:
    out.line(f"From {made.source.path}{_old(made)}")
    out.table(("what", "change"), [(row["name"], _change(row)) for row in made.rows])
    for one in made.left:
        out.line(f"left: {one['name']} ({one['kind']}), {one['reason']}")
    for one in skipped:
        out.line(f"passed over: {one['set']}, {one['reason']}")


def _old(made: Plan) -> str:
    """``, made 3 hours ago``."""
    seconds = made.rows[0]["ageSeconds"] if made.rows else None
    if seconds is None:
        return ""
    return f", made {ago(seconds)}"


def _restored(out: Printer, made: Plan, skipped: list[dict[str, Any]], done: Restored) -> None:
    _planned(out, made, skipped)
    out.line(f"Restored {', '.join(one['name'] for one in done.restored)}.")
    if done.safety_set is not None:
        out.line(f"What was replaced is in {done.safety_set}.")
    for one in done.quarantined:
        out.line(f"What no copy could be made of is in {one['path']}.")
    planned = done.reconcile.get("planned")
    if planned:
        refer = "row refers" if planned == 1 else "rows refer"
        out.line(f"{planned} {refer} to what is not there: cleo reconcile")
