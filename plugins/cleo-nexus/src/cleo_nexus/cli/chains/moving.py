"""``cleo chain advance``, ``skip``, ``run``, ``fail``, ``resume`` and ``cancel``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_core.cli import Result, command
from cleo_core.errors import UsageError
from cleo_core.output import Printer
from cleo_nexus.cli.chains.runs import print_dry, print_moved, print_run
from cleo_nexus.cli.rendering import service

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_nexus.records.instances import Moved, Run


@command("advance", project="optional", writes=True)
@click.argument("instance", metavar="ID")
@click.option("--stage", help="The stage to leave, where several are active.")
@click.option("--to", metavar="STAGE", help="The way to choose, where the stage branches.")
@click.option(
    "--force",
    metavar="GATE",
    multiple=True,
    help="Go past a gate that may be forced; needs a reason.",
)
@click.option("--reason", help="Why a gate is forced, 5 characters or more.")
def advance_command(
    app: App,
    instance: str,
    stage: str | None,
    to: str | None,
    force: tuple[str, ...],
    reason: str | None,
) -> Result:
    """Leave a stage and enter what comes next, through the gates of both.

    A blocking gate that is not passed is exit 79; what the gates came to is recorded all the same.

    Example: cleo chain advance wci-0123456789ab
    """
    return _result(
        app, service(app).chain_advance(instance, stage=stage, to=to, force=force, reason=reason)
    )


@command("skip", project="optional", writes=True)
@click.argument("instance", metavar="ID")
@click.argument("stage")
@click.option("--to", metavar="STAGE", help="The way to choose, where the stage branches.")
@click.option("--reason", help="Why.")
def skip_command(app: App, instance: str, stage: str, to: str | None, reason: str | None) -> Result:
    """Pass over an active stage that may be skipped.

    Example: cleo chain skip wci-0123456789ab consensus --reason "one person decides"
    """
    return _result(app, service(app).chain_skip(instance, stage, to=to, reason=reason))


@command("run", project="optional", writes=True)
@click.argument("instance", metavar="[ID]", required=False)
@click.option("--all", "everything", is_flag=True, help="Every instance that may be moved.")
def run_command(app: App, instance: str | None, everything: bool) -> Result:
    """Move an instance on until a gate is in the way or a choice is needed.

    Example: cleo chain run wci-0123456789ab --dry-run
    """
    if everything == (instance is not None):
        raise UsageError("Name one instance, or ask for all.", fix="cleo chain run --all")
    if instance is not None:
        one: Run = service(app).chain_run(instance)

        def human_one(out: Printer) -> None:
            print_run(out, one)
            print_dry(out, app)

        return Result(one, ids=[one.instance.id], human=human_one)
    found = service(app).chain_run_all()

    def human(out: Printer) -> None:
        for run in found.runs:
            print_run(out, run)
        for failure in found.failed:
            out.line(f"{failure.instance} was not moved: {failure.message}")
        if not found.runs and not found.failed:
            out.line("No instance is pending or active.")
        print_dry(out, app)

    return Result(found, ids=[run.instance.id for run in found.runs], human=human)


@command("fail", project="optional", writes=True)
@click.argument("instance", metavar="ID")
@click.option("--reason", help="Why.")
def fail_command(app: App, instance: str, reason: str | None) -> Result:
    """Say that an instance has failed; it can be resumed.

    Example: cleo chain fail wci-0123456789ab --reason "the vendor left"
    """
    return _result(app, service(app).chain_fail(instance, reason=reason))


@command("resume", project="optional", writes=True)
@click.argument("instance", metavar="ID")
def resume_command(app: App, instance: str) -> Result:
    """Go on with an instance that has failed, in a further attempt.

    Example: cleo chain resume wci-0123456789ab
    """
    return _result(app, service(app).chain_resume(instance))


@command("cancel", project="optional", writes=True)
@click.argument("instance", metavar="ID")
@click.option("--reason", help="Why.")
def cancel_command(app: App, instance: str, reason: str | None) -> Result:
    """Give an instance up, for good.

    Example: cleo chain cancel wci-0123456789ab --reason "not needed any more"
    """
    return _result(app, service(app).chain_cancel(instance, reason=reason))


def _result(app: App, found: Moved) -> Result:
    def human(out: Printer) -> None:
        print_moved(out, found)
        print_dry(out, app)

    return Result(found, ids=[found.instance.id], human=human)
