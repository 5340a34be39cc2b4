"""``cleo plugins``, ``cleo version``, ``cleo completion``."""

from __future__ import annotations

import os
import platform
from typing import Any

import click

from cleo_core import PLUGIN_API, __version__
from cleo_core.app import App
from cleo_core.cli.command import Group, command
from cleo_core.errors import NotFoundError, UsageError
from cleo_core.installed import BUILT_IN_COMMANDS
from cleo_core.output import Printer, Result


class _Plugins(Group):
    """``cleo plugins [NAME]`` beside ``cleo plugins new NAME``."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """The context of the listing, unless a verb or help is asked for."""
        if args and args[0] in (*self.commands, "-h", "--help"):
            return super().make_context(info_name, args, parent, **extra)
        return listing.make_context(info_name, args, parent, **extra)


@command("plugins", project="none")
@click.argument("name", required=False)
def listing(app: App, name: str | None) -> Result:
    """List the installed plugins, or show one: `cleo plugins tasks`."""
    rows = [_row(app, plugin) for plugin in app.plugins.all()]
    if name is not None:
        rows = [row for row in rows if name in (row["name"], row["distribution"])]
        if not rows:
            raise NotFoundError(f"No plugin named {name!r} is installed.", fix="cleo plugins")
        return Result(rows[0], human=lambda out: _show(out, rows[0]))
    return Result(rows, human=lambda out: _list(out, rows))


@command("new", project="none", writes=True)
@click.argument("name")
@click.option("--dir", "directory", metavar="DIR", help="Where to make it; by default here.")
def new(app: App, name: str, directory: str | None) -> Result:
    """Write a distribution with a store of its own, ready to install and to change.

    Example: cleo plugins new my-notes
    """
    from cleo_core.scaffold import write_scaffold

    made = write_scaffold(
        name, directory or os.getcwd(), app.plugins, BUILT_IN_COMMANDS, dry_run=app.dry_run
    )

    def human(out: Printer) -> None:
        out.line(f"{'Would write' if app.dry_run else 'Wrote'} {made.path}", "bold")
        for step in made.next:
            out.line(f"  {step}")

    return Result(made, human=human)


plugins = _Plugins(
    "plugins",
    help="List the installed plugins, show one by NAME, or write a new one.",
    subcommand_metavar="[NAME] | COMMAND [ARGS]...",
)
plugins.add_command(new)


@command("version", project="none")
def version(app: App) -> Result:
    """Show the versions of core, plugins, Python and SQLite."""
    from cleo_core.database import driver_name, sqlite_version

    data = {
        "core": __version__,
        "api": ".".join(map(str, PLUGIN_API)),
        "python": platform.python_version(),
        "sqlite": {"driver": driver_name(), "version": ".".join(map(str, sqlite_version()))},
        "plugins": app.plugins.versions(),
    }

    def human(out: Printer) -> None:
        out.line(f"cleo {data['core']} (plugin API {data['api']})")
        out.line(f"Python {data['python']}, SQLite {_sqlite(data)}")
        for plugin in app.plugins.loaded:
            out.line(f"{plugin.distribution} {plugin.version}")

    return Result(data, human=human)


@command("completion", project="none")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(app: App, shell: str) -> Result:
    """Print a completion script: `eval "$(cleo completion bash)"`."""
    from click.shell_completion import get_completion_class

    from cleo_core.cli.root import COMPLETE_VARIABLE, root

    kind = get_completion_class(shell)
    if kind is None:
        raise UsageError(f"There is no completion for {shell}.")
    return Result(None, raw=kind(root, {}, "cleo", COMPLETE_VARIABLE).source() + "\n")


def _row(app: App, plugin: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "api": ".".join(map(str, plugin.api)) if plugin.api else None,
        "state": plugin.state,
        "stores": [spec.name for spec in plugin.stores],
        "commands": [spec.name for spec in plugin.commands],
        "ms": round(plugin.ms, 2),
    }
    if plugin.reason:
        row.update(reason=plugin.reason, message=plugin.message, fix=plugin.fix)
    return row


def _list(out: Printer, rows: list[dict[str, Any]]) -> None:
    if not rows:
        out.line("No plugins are installed. Try: pip install 'cleo-core[all]'")
        return
    out.table(
        ("plugin", "distribution", "version", "state", "stores", "commands"),
        [
            (
                row["name"],
                row["distribution"],
                row["version"],
                row.get("reason") or row["state"],
                ", ".join(row["stores"]),
                len(row["commands"]),
            )
            for row in rows
        ],
    )


def _show(out: Printer, row: dict[str, Any]) -> None:
    for key, value in row.items():
        out.line(f"{key:13} {', '.join(value) if isinstance(value, list) else value}")


def _sqlite(data: dict[str, Any]) -> str:
    return f"{data['sqlite']['version']} ({data['sqlite']['driver']})"
