"""How releases look to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from shlex import quote
from typing import TYPE_CHECKING, Any

from cleo_tasks.cli import render

if TYPE_CHECKING:
    from cleo_core.output import Printer
    from cleo_tasks.release_records import ReleaseLine, ReleaseResult


def plan(out: Printer, result: ReleaseResult) -> None:
    """What shipping would do."""
    release(out, result)
    for gate in result.gates or ():
        if gate.met:
            continue
        forced = " (--force passes it)" if gate.forceable else ""
        out.line(f"not met: {gate.gate}: {gate.message}{forced}", "red")
        out.line(f"  fix: {gate.fix}")
    if result.release.changelog and result.gates is not None:
        out.line()
        out.line(result.release.changelog.rstrip("\n"))


def shipped(out: Printer, result: ReleaseResult, dry_run: bool) -> None:
    """What was done, or would be."""
    if dry_run:
        plan(out, result)
        return
    found = result.release
    out.line(f"{found.version} is {found.status}.", "bold")
    if found.commit_sha:
        out.line(f"  commit {found.commit_sha}")
    if found.git_tag:
        out.line(f"  tag {found.git_tag}")
    out.line(f"  tasks {' '.join(task.id for task in result.tasks) or 'none'}")
    if found.status == "tagged":
        out.line(f"  push it with: cleo release ship {found.version} --push")


def listing(out: Printer, found: Sequence[ReleaseLine]) -> None:
    """Releases as a table."""
    if not found:
        out.line("No releases.")
        return
    out.table(
        ("id", "status", "tasks", "commit", "dist-tag", "begun"),
        [
            (
                one.id,
                one.status,
                one.tasks,
                (one.commit_sha or "")[:12],
                one.dist_tag,
                one.created_at,
            )
            for one in found
        ],
    )


def release(out: Printer, result: ReleaseResult) -> None:
    """A release with its steps and tasks."""
    found = result.release
    out.line(f"{found.id}  {found.version}  {found.status}", "bold")
    for name, value in (
        ("epic", found.epic_id),
        ("since", found.previous_version),
        ("commit", found.commit_sha),
        ("tag", found.git_tag),
        ("dist-tag", found.dist_tag),
        ("note", found.notes),
        ("taken back", found.rolled_back_at),
        ("reason", found.rollback_reason),
    ):
        if value:
            out.line(f"  {name}: {value}")
    for step in result.steps:
        out.line(f"  {step.step:<10} {step.status}{_more(step.detail)}")
    if result.tasks:
        render.lines(out, result.tasks)
    else:
        out.line("  no tasks")


def _more(detail: Mapping[str, Any]) -> str:
    """What people want to know of a step's detail."""
    if "error" in detail:
        return f": {detail['error']}"
    if "command" in detail:
        return ": " + " ".join(map(quote, detail["command"]))
    return ""


def ended(out: Printer, result: ReleaseResult) -> None:
    """A release that was cancelled or taken back, and what that leaves to do."""
    out.line(f"{result.release.id} has ended: {result.release.rollback_reason}", "bold")
    for command in result.revert or ():
        out.line(f"  {command}")
