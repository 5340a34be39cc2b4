"""``cleo doctor`` and ``cleo reconcile``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_core.app import App
from cleo_core.cli.command import command
from cleo_core.errors import CleoError
from cleo_core.output import Printer, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cleo_core.doctor import Diagnosis
    from cleo_core.reconcile import Reconciled

_STYLES = {"error": "bold red", "warning": "yellow", "unknown": "magenta", "info": "cyan"}


@command("doctor", project="examined")
@click.option("--fix", is_flag=True, help="Mend what can be mended without risk.")
@click.option("--deep", is_flag=True, help="Look at every page and index entry; takes longer.")
@click.option("--strict", is_flag=True, help="Exit 6 on warnings too.")
@click.option(
    "--all-projects",
    is_flag=True,
    help="Look at the stores of every registered project too, and note their health.",
)
@click.option(
    "--only", multiple=True, metavar="ID", help="This check, or those that begin so; repeatable."
)
def doctor(
    app: App, fix: bool, deep: bool, strict: bool, all_projects: bool, only: tuple[str, ...]
) -> Result:
    """Check the health of everything within reach; exit 6 when an error is found.

    Without --fix no byte changes. With it, modes are narrowed, the ignore file's managed block is
    written, damaged settings go to quarantine, left temporaries are removed, and large logs of
    databases that nobody uses are folded in; each is recorded in audit/overrides.jsonl. No row is
    changed, and no database or backup removed.

    Example: cleo doctor --only store
    """
    from cleo_core.cli.progress import Progress
    from cleo_core.doctor import diagnose

    with Progress() as progress:
        found = diagnose(
            app,
            deep=deep,
            fix=fix,
            only=only,
            all_projects=all_projects,
            progress=lambda done, total: progress("checks", done, total),
        )
    failures = found.failures(strict=strict)
    data = {"status": found.status, "checks": found.checks}
    everything = bool(only)

    def human(out: Printer) -> None:
        _diagnosis(out, found, everything)

    if failures:
        first = failures[0]
        store = f" ({first['store']})" if "store" in first else ""
        message = first["message"]
        if len(failures) > 1:
            message = f"{message.removesuffix('.')}, and {len(failures) - 1} more."
        raise _checks_failed(f"{first['id']}{store}: {message}", first["fix"], data, human)
    ids = [check["id"] for check in found.checks if everything or check["status"] != "ok"]
    return Result(data, human=human, ids=ids)


@command("reconcile", project="optional")
@click.option("--apply", is_flag=True, help="Mend, after a verified copy of the stores concerned.")
@click.option(
    "--reference",
    multiple=True,
    metavar="NAME",
    help="This reference only, without what plugins find on their own; repeatable.",
)
@click.option("--check", is_flag=True, help="Exit 6 when something stale is left.")
def reconcile(app: App, apply: bool, reference: tuple[str, ...], check: bool) -> Result:
    """Find references to what does not exist any more, and with --apply mend them.

    What nobody can say is never taken for missing, and nothing is mended while the store that
    owns the ids has not a single row of that kind. Without --apply no byte changes.

    Example: cleo reconcile --apply
    """
    from cleo_core.reconcile import reconcile as reconciled

    found = reconciled(app, apply=apply, names=reference)
    app.dry_run = not apply
    data = {"applied": apply, **found.as_json()}

    def human(out: Printer) -> None:
        _reconciled(out, found, apply)

    if found.unread and (check or apply):
        raise _checks_failed(
            f"Nothing is known of {', '.join(found.unread)}, which could not be read.",
            "cleo doctor --only store.state",
            data,
            human,
        )
    if check and (found.stale_references() or found.stale_rows()):
        raise _checks_failed(
            _what_is_left(found.stale_references(), found.stale_rows()),
            "cleo reconcile" if apply else "cleo reconcile --apply",
            data,
            human,
        )
    return Result(data, human=human, ids=[one.name for one in found.references])


def _what_is_left(references: int, rows: int) -> str:
    """``2 rows refer to what does not exist, and 1 derived row is stale.``"""
    parts = []
    if references:
        verb = "row refers" if references == 1 else "rows refer"
        parts.append(f"{references} {verb} to what does not exist")
    if rows:
        verb = "derived row is" if rows == 1 else "derived rows are"
        parts.append(f"{rows} {verb} stale")
    return ", and ".join(parts) + "."


def _checks_failed(
    message: str, fix: str, data: Mapping[str, object], human: Callable[[Printer], None]
) -> CleoError:
    error = CleoError("E_CHECKS_FAILED", message, fix=fix or None, details=data)
    error.human = human
    return error


def _diagnosis(out: Printer, found: Diagnosis, everything: bool) -> None:
    """What needs attention or was mended, worst first; with ``everything`` the rest as well."""
    from cleo_core.doctor.finding import STATUSES

    shown = [
        one
        for one in found.checks
        if everything or one["status"] != "ok" or "fixed" in one["details"]
    ]
    shown.sort(key=lambda one: -STATUSES.index(one["status"]))
    for one in shown:
        of = " ".join(str(one[key]) for key in ("store", "project") if key in one)
        out.line(
            f"{one['status']:8} {one['id']}{f' ({of})' if of else ''}", _STYLES.get(one["status"])
        )
        out.line(f"         {one['message']}")
        for what in one["details"].get("fixed") or ():
            out.line(f"         mended: {what}")
        if one["status"] != "ok" and one["fix"]:
            out.line(f"         fix: {one['fix']}")
    counts = dict.fromkeys(reversed(STATUSES), 0)
    for one in found.checks:
        counts[one["status"]] += 1
    words = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    out.line(f"{len(found.checks)} checks: {words or 'none'}")


def _reconciled(out: Printer, found: Reconciled, apply: bool) -> None:
    rows = [("", one) for one in found.references]
    rows += [(plugin, one) for plugin, repairs in found.plugins.items() for one in repairs]
    if not rows:
        out.line("No installed plugin declares a reference.")
        return
    out.table(
        ("reference", "plugin", "scanned", "missing", "unknown", "planned", "repaired", "refused"),
        [
            (
                *(one.name, plugin, one.scanned, one.missing, one.unknown, one.planned),
                *(one.repaired, one.refused),
            )
            for plugin, one in rows
        ],
    )
    if found.snapshot is not None:
        out.line(f"A copy from before is in {found.snapshot}.")
    planned = sum(one.planned for _, one in rows)
    if planned and not apply:
        rows_ = "row" if planned == 1 else "rows"
        out.line(f"{planned} {rows_} would be mended: cleo reconcile --apply")
