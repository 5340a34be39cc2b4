"""``cleo chain instances``, ``status``, ``history`` and ``check``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_core.cli import Result, command
from cleo_core.output import Printer
from cleo_nexus.cli.chains.runs import print_instance, print_moved
from cleo_nexus.cli.rendering import service
from cleo_nexus.enums import INSTANCE_STATUS

if TYPE_CHECKING:
    from cleo_core.app import App


@command("instances", project="optional", lists=True)
@click.option("--status", type=click.Choice(INSTANCE_STATUS), help="Only those in this status.")
@click.option("--epic", metavar="REF", help="Only those of this task.")
def instances_command(
    app: App, status: str | None, epic: str | None, limit: int | None, offset: int
) -> Result:
    """List the instances of chains, the newest first.

    Example: cleo chain instances --status active
    """
    found, page = service(app).chain_instances(status=status, epic=epic, limit=limit, offset=offset)

    def human(out: Printer) -> None:
        if not found:
            out.line("There is no such instance; `cleo chain instantiate` makes one.")
            return
        out.table(
            ("id", "chain", "epic", "status", "active", "updated"),
            [
                (
                    one.id,
                    f"{one.chain_id} {one.chain_version}",
                    one.epic.ref,
                    one.status,
                    ", ".join(one.active_stages),
                    one.updated_at,
                )
                for one in found
            ],
        )

    return Result(found, page=page, ids=[one.id for one in found], human=human)


@command("status", project="optional")
@click.argument("instance", metavar="ID")
def status_command(app: App, instance: str) -> Result:
    """Show where an instance stands, and what its gates came to.

    Example: cleo chain status wci-0123456789ab
    """
    found = service(app).chain_status(instance)
    return Result(found, ids=[found.id], human=lambda out: print_instance(out, found))


@command("history", project="optional", lists=True)
@click.argument("instance", metavar="ID")
def history_command(app: App, instance: str, limit: int | None, offset: int) -> Result:
    """List what became of an instance, the oldest first.

    Example: cleo chain history wci-0123456789ab
    """
    found, page = service(app).chain_history(instance, limit=limit, offset=offset)

    def human(out: Printer) -> None:
        out.table(
            ("when", "who", "what", "stage", "to", "gate", "outcome", "said"),
            [
                (
                    one.evaluated_at,
                    one.actor,
                    one.type,
                    one.stage_id or "",
                    one.to_stage_id or "",
                    one.gate_id or "",
                    f"{one.outcome or ''}{', forced' if one.forced else ''}",
                    one.reason or one.message or "",
                )
                for one in found
            ],
        )

    return Result(found, page=page, ids=[str(one.seq) for one in found], human=human)


@command("check", project="optional")
@click.argument("instance", metavar="ID")
@click.option("--stage", help="Only the gates on leaving this stage.")
@click.option("--to", metavar="STAGE", help="The way that would be chosen.")
def check_command(app: App, instance: str, stage: str | None, to: str | None) -> Result:
    """Ask the gates that an advance would ask now; nothing is written.

    Example: cleo chain check wci-0123456789ab
    """
    found = service(app).chain_check(instance, stage=stage, to=to)

    def human(out: Printer) -> None:
        if not found.gates:
            out.line("No gate is in the way.")
        print_moved(out, found)

    return Result(found, ids=[gate.gate_id for gate in found.gates if gate.blocks], human=human)
