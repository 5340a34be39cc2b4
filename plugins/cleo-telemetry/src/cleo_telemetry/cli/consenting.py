"""``cleo telemetry status``, ``enable`` and ``disable``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_core.cli import Result, command
from cleo_core.output import Printer

if TYPE_CHECKING:
    from cleo_core.app import App

#: What is said when somebody enables telemetry.
NOTICE = (
    "Recorded from now on, for each finished command: its name and plugin, whether it reads or "
    "writes, exit code and error code, its duration, the time, and a random id. Never recorded: "
    "arguments, options, output, messages, paths, projects, names. It stays in one file on this "
    "machine and is never sent. Look at it with `cleo telemetry show`, stop with "
    "`cleo telemetry disable`, delete it with `cleo telemetry purge --all`."
)


@command("status", project="examined")
def status_command(app: App) -> Result:
    """Say whether commands are recorded, what decided that, and what there is.

    Example: cleo telemetry status
    """
    found = app.service("telemetry").status()

    def human(out: Printer) -> None:
        out.line(f"{'recording' if found.enabled else 'off'}, decided by {found.decided_by}")
        out.line(f"file: {found.path}, {found.rows} rows, {found.bytes} bytes")
        if found.oldest:
            out.line(f"from {found.oldest} to {found.newest}")
        days = f"{found.retention_days} days" if found.retention_days > 0 else "no limit of time"
        most = f"{found.max_rows} rows" if found.max_rows > 0 else "no limit of rows"
        out.line(f"kept: {days}, {most}")

    return Result(found, ids=[], human=human)


@command("enable", project="none")
def enable_command(app: App) -> Result:
    """Begin to record how long commands take and how they end, on this machine only.

    Example: cleo telemetry enable
    """
    done = app.service("telemetry").enable()

    def human(out: Printer) -> None:
        out.line(f"Telemetry is enabled; it is kept in {done.path}.")
        out.line(NOTICE)

    return Result(done, ids=[], human=human, meta={"notice": NOTICE})


@command("disable", project="none")
def disable_command(app: App) -> Result:
    """Record nothing any more; what was recorded stays until you purge it.

    Example: cleo telemetry disable
    """
    done = app.service("telemetry").disable()
    return Result(
        done,
        ids=[],
        human=lambda out: out.line(f"Telemetry is disabled; {done.rows_kept} rows are kept."),
    )
