"""``cleo backup export``, ``inspect`` and ``import``."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

import click

from cleo_core.app import App
from cleo_core.cli.command import command
from cleo_core.cli.words import size
from cleo_core.errors import CleoError, UsageError
from cleo_core.output import Printer, Result
from cleo_core.paths import path_from, read_bounded
from cleo_core.tracked import warn_tracked

_VARIABLE, _FILE_VARIABLE = "CLEO_BACKUP_PASSPHRASE", "CLEO_BACKUP_PASSPHRASE_FILE"
#: Bytes of a file that holds a passphrase.
_LONGEST = 1 << 16


@command("export", project="optional")
@click.argument("file")
@click.option(
    "--scope",
    type=click.Choice(("project", "global", "all")),
    help="Which databases: the project's (in a project the usual), the global ones, or both.",
)
@click.option("--encrypt", is_flag=True, help="Encrypt it with a passphrase.")
@click.option("--note", default="", metavar="TEXT", help="What to remember of it.")
def export_command(app: App, file: str, scope: str | None, encrypt: bool, note: str) -> Result:
    """Write fresh, verified copies into one file that travels.

    It holds every database and setting of its scope. The machine's own key is never in it, and what
    is secret only with --encrypt. The passphrase, at least 12 characters, comes from
    CLEO_BACKUP_PASSPHRASE or the file that CLEO_BACKUP_PASSPHRASE_FILE names, else it is asked for.

    Example: cleo backup export work.cleobundle --encrypt
    """
    from cleo_core.bundle.container import checked_passphrase, require_cryptography
    from cleo_core.bundle.exporting import check_target, export_bundle
    from cleo_core.cli.progress import Progress

    chosen = scope or ("project" if app.project_or_none is not None else "global")
    project = app.project if chosen != "global" else app.project_or_none
    check_target(app, file)
    passphrase = None
    if encrypt:
        require_cryptography()
        passphrase = checked_passphrase(_passphrase(app, twice=True))
    if project is not None and chosen != "global":
        warn_tracked(project.root, project.directory, app.env, app.warnings)
    with Progress() as progress:
        data = export_bundle(
            app, file, scope=chosen, passphrase=passphrase, note=note, progress=progress
        )

    def human(out: Printer) -> None:
        _exported(out, data)

    if data["failed"]:
        error = CleoError(
            "E_BACKUP_FAILED",
            f"{data['path']} was written without "
            f"{', '.join(one['name'] for one in data['failed'])}: {data['failed'][0]['message']}",
            details=data,
        )
        error.human = human
        raise error
    return Result(data, human=human, ids=[data["path"]])


@command("inspect", project="optional")
@click.argument("file")
def inspect_command(app: App, file: str) -> Result:
    """Show what a bundle holds and what an import would do.

    Nothing is written. Every byte is decrypted and held against the manifest. What is in the
    databases is looked at when they are imported: `cleo backup import FILE --dry-run` does that,
    and changes nothing.

    Example: cleo backup inspect work.cleobundle
    """
    from cleo_core.bundle.inspecting import inspect_bundle
    from cleo_core.cli.progress import Progress

    with Progress() as progress:
        data = inspect_bundle(app, file, lambda: _passphrase(app, twice=False), progress=progress)
    ids = [one["file"] for one in data["items"]]
    return Result(data, ids=ids, human=lambda out: _inspected(out, data))


@command("import", project="optional", writes=True)
@click.argument("file")
@click.option("--store", "names", multiple=True, metavar="NAME", help="This store; repeatable.")
@click.option("--with-config", is_flag=True, help="Replace the settings here by the bundle's.")
@click.option("--force", is_flag=True, help="Also where there is data; a backup set keeps it.")
def import_command(
    app: App, file: str, names: tuple[str, ...], with_config: bool, force: bool
) -> Result:
    """Put what a bundle holds in its place here.

    All of a tier or none of it. Everything is checked first; a file that is not what `cleo backup
    export` wrote is refused, and so is one whose databases hold anything that CLEO did not make.
    The project takes the bundle's id over. Settings are put beside those that are here, as
    config.json.imported. What is replaced is kept in a backup set named before-import.

    Example: cleo backup import work.cleobundle --dry-run
    """
    from cleo_core.bundle.importing import import_bundle
    from cleo_core.cli.progress import Progress

    with Progress() as progress:
        data = import_bundle(
            app,
            file,
            lambda: _passphrase(app, twice=False),
            names=names,
            with_config=with_config,
            force=force,
            progress=progress,
        )
    rows = data["plan"] if app.dry_run else data["imported"]
    dry_run = app.dry_run
    return Result(
        data, ids=[row["name"] for row in rows], human=lambda out: _imported(out, data, dry_run)
    )


def _passphrase(app: App, *, twice: bool) -> str:
    """The passphrase: of a variable, of the file that one names, or asked for without echo.

    :raises CleoError: ``E_CONFIG``, both are set, or the file cannot be read; ``E_USAGE``, nobody
        can be asked, or the two answers differ.
    """
    given = app.env.get(_VARIABLE, "")
    path = path_from(app.env, _FILE_VARIABLE)
    if given and path is not None:
        raise CleoError(
            "E_CONFIG", f"{_VARIABLE} and {_FILE_VARIABLE} are both set.", fix=f"unset {_VARIABLE}"
        )
    if given:
        return given
    if path is not None:
        return _from_file(app, path)
    if not sys.stdin.isatty():
        raise UsageError(
            "A passphrase is needed, and there is no terminal to ask for it.",
            fix=f"{_FILE_VARIABLE}=PATH with the same command",
        )
    first = str(click.prompt("Passphrase", hide_input=True, err=True))
    if twice:
        from cleo_core.bundle.container import checked_passphrase

        # One that is too short is not asked for once more.
        checked_passphrase(first)
    if twice and first != click.prompt("The same once more", hide_input=True, err=True):
        raise UsageError("The two passphrases are not the same.", fix="the same command again")
    return first


def _from_file(app: App, path: str) -> str:
    try:
        content = read_bounded(path, _LONGEST)
        if len(content) > _LONGEST:
            raise ValueError("it is too long")
        # Editors begin a file with a mark and end it with line breaks, which nobody takes for a
        # part of the passphrase, and which nobody could type where it is asked for.
        text = content.decode("utf-8-sig").rstrip("\r\n")
        if set(text) & set("\r\n\0"):
            raise ValueError("it has several lines")
        if os.name != "nt" and os.stat(path).st_mode & 0o077:
            app.warn("W_PASSPHRASE_FILE", f"Others may read {path}: chmod 600 helps.")
    except (OSError, ValueError) as error:
        words = error.strerror if isinstance(error, OSError) else "it is no text file of one line"
        raise CleoError(
            "E_CONFIG",
            f"The passphrase cannot be read from {path}, which {_FILE_VARIABLE} names: {words}.",
            fix=f"unset {_FILE_VARIABLE}",
        ) from None
    return text


def _exported(out: Printer, data: Mapping[str, Any]) -> None:
    out.line(f"{data['path']} ({size(data['bytes'])}, {_kind(data)})")
    _items(out, data["items"])
    for one in data["leftOut"]:
        out.line(f"  without {one['tier']} {one['name']}: {one['reason']}")
    for one in data["failed"]:
        out.line(f"  missing: {one['message']}", "bold red")


def _inspected(out: Printer, data: Mapping[str, Any]) -> None:
    out.line(f"{data['path']} ({_kind(data)})")
    project = data["project"]
    shown = {
        "created": data["createdAt"],
        "core": data["core"],
        "project": f"{project['name']} ({project['id']})" if project else None,
        "machine": {"this": "this one", "another": "another one"}.get(data["machine"], "unknown"),
        "note": data["note"],
    }
    for key, value in shown.items():
        if value:
            out.line(f"  {key:8} {value}")
    out.table(
        ("member", "kind", "size", "revision", "an import here", "because"),
        [
            (*_item(item), one["verdict"], one["reason"])
            for item, one in zip(data["items"], data["verdicts"], strict=True)
        ],
    )
    for one in data["failed"]:
        out.line(f"  missing: {one['name']}", "bold red")


def _kind(data: Mapping[str, Any]) -> str:
    return f"{'encrypted' if data['encrypted'] else 'plain text'}, scope {data['scope']}"


def _items(out: Printer, items: Any) -> None:
    out.table(
        ("member", "kind", "size", "revision"),
        [_item(item) for item in items],
    )


def _item(item: Mapping[str, Any]) -> tuple[Any, ...]:
    return item["file"], item["kind"], size(item["bytes"]), item.get("revision")


def _imported(out: Printer, data: Mapping[str, Any], dry_run: bool) -> None:
    if dry_run:
        out.table(
            ("would be imported", "tier", "kind", "rows now", "rows then", "revision"),
            [
                (
                    *(row["name"], row["tier"], row["kind"]),
                    *(row.get(key) for key in ("rowsNow", "rowsThen", "revision")),
                )
                for row in data["plan"]
            ],
        )
    else:
        out.table(
            ("imported", "tier", "kind", "revision", "path"),
            [
                (row["name"], row["tier"], row["kind"], row.get("revision"), row["path"])
                for row in data["imported"]
            ],
        )
    for one in data["leftOut"]:
        out.line(f"left out: {one['tier']} {one['name']}: {one['reason']}")
    if data["project"] is not None:
        verb = "would be" if dry_run else "is now"
        out.line(f"The project {verb} {data['project']['name']} ({data['project']['id']}).")
    for path in data.get("safetySets", {}).values():
        out.line(f"What was replaced is in {path}.")
    for one in data.get("quarantined", ()):
        out.line(f"What no copy could be made of is in {one['path']}.")
    if data["differingKeys"]:
        out.line(f"Settings that differ: {', '.join(data['differingKeys'])}")
    for path in data["settings"]:
        out.line(f"The bundle's settings are in {path}.")
    if data["reauthRequired"]:
        out.line("Credentials cannot be read on this machine: sign in again.", "yellow")
