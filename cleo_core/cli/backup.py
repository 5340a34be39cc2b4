"""``cleo backup``: make, list, verify, keep and remove sets of verified copies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_core import clock
from cleo_core.app import App
from cleo_core.cli.command import command
from cleo_core.cli.lazy import LazyGroup
from cleo_core.cli.words import ago, counted, size
from cleo_core.errors import CleoError, UsageError
from cleo_core.output import Page, Printer, Result
from cleo_core.tracked import warn_tracked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cleo_core.api.specs import Tier
    from cleo_core.backup.managing import Found
    from cleo_core.backup.whole import Made

_ONLY_GLOBAL = click.option(
    "--global", "everywhere", is_flag=True, help="Those of the global databases only."
)
_DEEP = click.option("--deep", is_flag=True, help="Look at every index entry too; takes longer.")

backup = LazyGroup(
    "backup",
    "Make, verify and keep copies of every database.",
    "cleo_core.cli",
    {
        **dict.fromkeys(
            ("create", "list", "show", "verify", "delete", "prune", "pin", "unpin"), "backup"
        ),
        **dict.fromkeys(("export", "inspect", "import"), "bundle"),
    },
    {"ls": "list"},
)


@command("create", project="optional", writes=True)
@click.option(
    "--global", "everywhere", is_flag=True, help="Of the global databases, not the project's."
)
@click.option("--all", "both", is_flag=True, help="Of both, as two sets with one id.")
@click.option("--note", default="", metavar="TEXT", help="What to remember of it.")
@click.option("--keep", is_flag=True, help="Keep it until it is unpinned.")
@_DEEP
def create_command(
    app: App, everywhere: bool, both: bool, note: str, keep: bool, deep: bool
) -> Result:
    """Copy all that is to be kept, and prove each copy.

    That is every database, salt and setting; what a plugin excludes and the machine's key is not. A
    copy is one committed state, whoever writes meanwhile. What cannot be copied costs the others
    nothing: the set is made, and the exit is 60. Then older sets go as backup.keep_last,
    backup.keep_daily and backup.keep_before say.

    Example: cleo backup create --all --note "before the release"
    """
    from cleo_core.backup.whole import back_up_whole
    from cleo_core.cli.progress import Progress

    tiers = _tiers(app, everywhere, both)
    if "project" in tiers:
        _warn_tracked(app)
    with Progress() as progress:
        made = back_up_whole(app, tiers, note=note, pinned=keep, deep=deep, progress=progress)
    data = made.as_json()

    def human(out: Printer) -> None:
        _made(out, made, app.dry_run)

    if made.faults:
        error = CleoError(
            "E_BACKUP_FAILED",
            " ".join(made.faults)
            + ("" if made.sets else " No set was made; those that were there are as they were."),
            details=data,
        )
        error.human = human
        raise error
    return Result(data, human=human, ids=[one["name"] for one in made.sets if one["name"]])


@command("list", project="optional", lists=True)
@_ONLY_GLOBAL
def list_command(app: App, everywhere: bool, limit: int | None, offset: int) -> Result:
    """List the sets, the project's first, the newest first.

    Example: cleo backup list
    """
    from cleo_core.backup.managing import described, sets_of

    found = sets_of(app.stores, _within_reach(app, everywhere))
    shown = found[offset : offset + (limit or 50)]
    rows = [described(one) for one in shown]
    page = Page(limit or 50, offset, len(found))
    ids = [row["name"] for row in rows]
    return Result(rows, page=page, ids=ids, human=lambda out: _list(out, rows))


@command("show", project="optional")
@click.argument("set_", metavar="SET")
@_ONLY_GLOBAL
def show_command(app: App, set_: str, everywhere: bool) -> Result:
    """Show what is in a set: a name, the path of one, or `latest`.

    Example: cleo backup show latest
    """
    from cleo_core.backup.managing import described

    found = _find(app, set_, everywhere)
    row = described(found)
    if not found.one.manifest:
        raise CleoError(
            "E_BACKUP_CORRUPT",
            f"The manifest of {found.one.path} cannot be read.",
            fix=f"cleo backup verify {set_}",
            details=row,
        )
    data = {**found.one.manifest, **{key: row[key] for key in ("name", "path", "pinned", "sound")}}
    return Result(data, ids=[found.one.name], human=lambda out: _show(out, data, row["bytes"]))


@command("verify", project="optional")
@click.argument("set_", metavar="[SET]", required=False)
@click.option("--all", "every", is_flag=True, help="Every set.")
@_ONLY_GLOBAL
@_DEEP
def verify_command(app: App, set_: str | None, every: bool, everywhere: bool, deep: bool) -> Result:
    """Prove that a set is what was copied, and lacks nothing.

    What is damaged, or is there to keep and in no set, is exit 62. Without SET it is the newest
    one, and the newest that was made of everything.

    Example: cleo backup verify --all
    """
    from cleo_core.backup.checking import check
    from cleo_core.backup.managing import create_command
    from cleo_core.cli.progress import Progress

    if set_ is not None and every:
        raise UsageError("A set, or --all of them.", fix="cleo backup verify --all")
    tiers = _within_reach(app, everywhere)
    with Progress() as progress:
        found = check(app.stores, tiers, set_, every=every, deep=deep, progress=progress)
    data = found.as_json()

    def human(out: Printer) -> None:
        _verified(out, data)

    fault = found.fault()
    if fault:
        again = "cleo backup verify --all"
        if every or not found.damaged:
            again = create_command(found.tiers())
        error = CleoError("E_BACKUP_CORRUPT", fault, fix=again, details=data)
        error.human = human
        raise error
    return Result(data, ids=found.names(), human=human)


@command("delete", project="optional", writes=True)
@click.argument("sets", metavar="SET...", nargs=-1, required=True)
@_ONLY_GLOBAL
@click.option("--yes", is_flag=True, help="Also the last good copy of something.")
def delete_command(app: App, sets: tuple[str, ...], everywhere: bool, yes: bool) -> Result:
    """Remove sets; a pinned one is refused.

    Example: cleo backup delete 20260325T143015Z-001-manual --dry-run
    """
    from cleo_core.backup.managing import delete_sets

    tiers = _within_reach(app, everywhere)
    found = [_find(app, word, everywhere) for word in sets]
    deleted = delete_sets(app.stores, found, tiers, sure=yes, dry_run=app.dry_run)
    return _deleted(app, deleted)


@command("prune", project="optional", writes=True)
@click.option(
    "--global", "everywhere", is_flag=True, help="Of the global databases, not the project's."
)
@click.option("--all", "both", is_flag=True, help="Of both.")
def prune_command(app: App, everywhere: bool, both: bool) -> Result:
    """Remove the sets that no rule keeps, as making one does.

    Kept are the newest, the newest of each day, the newest from before something risky (see
    backup.keep_last, backup.keep_daily, backup.keep_before), the pinned, and the newest good copy
    of everything.

    Example: cleo backup prune --dry-run
    """
    from cleo_core.backup.managing import prune
    from cleo_core.backup_sets import Retention, warn_not_removed

    tiers = _tiers(app, everywhere, both)
    keep = Retention.configured(app.config.get)
    deleted, trouble = prune(app.stores, tiers, keep, dry_run=app.dry_run)
    warn_not_removed(app.warn, trouble)
    return _deleted(app, deleted)


@command("pin", project="optional", writes=True)
@click.argument("set_", metavar="SET")
@_ONLY_GLOBAL
def pin_command(app: App, set_: str, everywhere: bool) -> Result:
    """Keep a set until it is unpinned, however old it grows.

    Example: cleo backup pin latest
    """
    return _pin(app, set_, everywhere, pinned=True)


@command("unpin", project="optional", writes=True)
@click.argument("set_", metavar="SET")
@_ONLY_GLOBAL
def unpin_command(app: App, set_: str, everywhere: bool) -> Result:
    """Let a set go when its time has come.

    Example: cleo backup unpin latest
    """
    return _pin(app, set_, everywhere, pinned=False)


def _tiers(app: App, everywhere: bool, both: bool) -> list[Tier]:
    if everywhere and both:
        raise UsageError(
            "--all includes --global; say one of them.", fix="the same command without --global"
        )
    if app.project_or_none is None or everywhere:
        return ["global"]
    return ["project", "global"] if both else ["project"]


def _within_reach(app: App, everywhere: bool) -> list[Tier]:
    """The tiers whose sets can be looked at: without a home only the project's."""
    from cleo_core.paths import data_dir

    if app.project_or_none is None or everywhere:
        return ["global"]
    try:
        data_dir(app.env)
    except CleoError as error:
        app.warn("W_NO_HOME", f"Only the project's sets are looked at: {error.message}")
        return ["project"]
    return ["project", "global"]


def _find(app: App, word: str, everywhere: bool) -> Found:
    from cleo_core.backup.managing import find_set

    return find_set(app.stores, word, _within_reach(app, everywhere))


def _warn_tracked(app: App) -> None:
    project = app.project
    warn_tracked(project.root, project.directory, app.env, app.warnings)


def _pin(app: App, word: str, everywhere: bool, *, pinned: bool) -> Result:
    from cleo_core.backup.managing import set_pinned

    found = _find(app, word, everywhere)
    changed = set_pinned(found, pinned, dry_run=app.dry_run)
    data = {
        "name": found.one.name,
        "tier": found.tier,
        "path": found.one.path,
        "pinned": pinned,
        "changed": changed,
    }
    would = "would be " if app.dry_run and changed else "is " if changed else "was already "
    state = "pinned" if pinned else "unpinned"
    return Result(
        data, ids=[found.one.name], human=lambda out: out.line(f"{found.one.name} {would}{state}.")
    )


def _deleted(app: App, names: list[str]) -> Result:
    word = "would be removed" if app.dry_run else "removed"

    def human(out: Printer) -> None:
        for name in names:
            out.line(name)
        out.line(f"{counted(len(names), 'set')} {word}.")

    return Result({"deleted": names}, ids=names, human=human)


def _made(out: Printer, made: Made, dry_run: bool) -> None:
    for one in made.sets:
        if dry_run:
            out.line(f"{one['tier']}: about {size(one['bytes'])} would be copied")
        else:
            seconds = f"{one['ms'] / 1000:.1f} s"
            out.line(f"{one['tier']}: {one['path']} ({size(one['bytes'])}, {seconds})")
        _items(out, one["items"])
        for failed in one["failed"]:
            out.line(f"  missing: {failed['name']}", "bold red")
        if one["rotated"]:
            word = "would go" if dry_run else "went"
            out.line(f"  {word}: {', '.join(one['rotated'])}")


def _items(out: Printer, items: Sequence[dict[str, Any]]) -> None:
    out.table(
        ("item", "kind", "size", "rows", "revision"),
        [
            (
                one["name"],
                one["kind"] + (" (unowned)" if one.get("unowned") else ""),
                size(one["bytes"]),
                sum(one["rowCounts"].values()) if "rowCounts" in one else None,
                one.get("revision"),
            )
            for one in items
        ],
    )


def _list(out: Printer, rows: list[dict[str, Any]]) -> None:
    if not rows:
        out.line("There is no backup set: cleo backup create")
        return
    out.table(
        ("set", "tier", "made", "size", "stores", ""),
        [
            (
                row["name"],
                row["tier"],
                _age(row["createdAt"]),
                size(row["bytes"]),
                " ".join(row["stores"]),
                ", ".join(_marks(row)),
            )
            for row in rows
        ],
        whole=("set", "made", "size"),
    )


def _age(created: str) -> str:
    try:
        return ago(clock.seconds() - clock.parse_time(created))
    except ValueError:
        # The manifest of a damaged set cannot be relied on.
        return ""


def _marks(row: dict[str, Any]) -> list[str]:
    marks = ["pinned"] if row["pinned"] else []
    if not row["sound"]:
        marks.append("damaged")
    elif not row["complete"]:
        marks.append("incomplete")
    return [*marks, *([row["note"]] if row["note"] else [])]


def _show(out: Printer, data: dict[str, Any], total: int) -> None:
    out.line(f"{data['name']} ({size(total)})")
    for key in ("path", "tier", "reason", "note", "createdAt", "core", "complete", "pinned"):
        value = data.get(key)
        if value not in (None, ""):
            words = {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
            out.line(f"  {key:9} {words}")
    if not data["sound"]:
        out.line("  The manifest is not as it was written.", "bold red")
        return
    _items(out, data["items"])
    for failed in data.get("failed") or ():
        out.line(f"  missing: {failed['message']}", "bold red")


def _verified(out: Printer, data: dict[str, Any]) -> None:
    for one in data["checked"]:
        if not one["ok"]:
            out.line(f"{one['set']}: {one['item']}: {one['error']}", "bold red")
    for one in data["missing"]:
        out.line(f"{one['set']}: lacks {one['kind']} {one['name']}", "bold red")
    sets = len({(one["tier"], one["set"]) for one in data["checked"]})
    copies = [one["ok"] for one in data["checked"] if one["kind"] not in ("manifest", "stray")]
    out.line(f"{sum(copies)} of {len(copies)} copies in {counted(sets, 'set')} are good.")
