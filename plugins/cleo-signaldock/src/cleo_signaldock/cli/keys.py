"""``cleo agent keys``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_core.cli import Result, command
from cleo_core.cli.command import group
from cleo_core.errors import UsageError
from cleo_core.output import Printer
from cleo_signaldock.cli import service
from cleo_signaldock.cli.secret_input import key_options, taken

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_signaldock.service.keys import Rotated


@command("status", project="optional")
def status_command(app: App) -> Result:
    """Show the machine's key files, and who must be given a key anew.

    Example: cleo agent keys status
    """
    status = service(app).keys_status()

    def human(out: Printer) -> None:
        out.line(f"key files: {status.check}")
        out.line(f"generation: {status.generation}")
        out.line(f"ciphertexts: {status.ciphertexts}")
        for name, value in status.fingerprints.items():
            out.line(f"{name}: {value or '-'}")
        for row in status.requires_reauth:
            out.line(f"must be given a key anew: {row['agentId']} ({row['reason']})")

    return Result(status, human=human)


@command("set", project="optional", writes=True)
@click.argument("agent_id", metavar="ID")
@key_options
def set_command(app: App, agent_id: str, **given: Any) -> Result:
    """Give an agent its key.

    Example: cleo agent keys set reviewer --api-key-stdin < key
    """
    key = taken(app, given)
    if key is None:
        raise UsageError(
            "No key is given.", fix=f"cleo agent keys set {agent_id} --api-key-stdin < FILE"
        )
    done = service(app).keys_set(agent_id, key)
    word = "stored" if done.changed else "the same as before"
    return Result(done, ids=[done.agent_id], human=lambda out: out.line(f"{done.agent_id}: {word}"))


@command("show", project="optional")
@click.argument("agent_id", metavar="ID")
@click.option("--reveal", is_flag=True, help="All of it.")
def show_command(app: App, agent_id: str, reveal: bool) -> Result:
    """Show the ends of an agent's key, or all of it.

    Example: cleo agent keys show reviewer
    """
    found = service(app).keys_show(agent_id, reveal=reveal)
    return Result(
        {"agentId": found.agent_id, "apiKey": found.key, "revealed": reveal},
        ids=[found.agent_id],
        human=lambda out: out.line(found.key),
    )


@command("rotate", project="optional", writes=True)
@click.argument("agent_id", metavar="ID")
@click.option("--overlap", default="24h", metavar="24h", help="How long the present key is taken.")
def rotate_command(app: App, agent_id: str, overlap: str) -> Result:
    """Give an agent another key at its server; a rotation that was cut short is finished.

    Example: cleo agent keys rotate reviewer
    """
    done = service(app).keys_rotate(agent_id, overlap=overlap)
    return Result(
        done,
        ids=[done.agent_id],
        human=lambda out: out.line(f"{done.agent_id}: another key at {done.base_url}"),
    )


@command("rotate-machine", project="optional", writes=True)
@click.option("--salt-only", is_flag=True, help="Keep the machine's key.")
@click.option("--skip-unreadable", is_flag=True, help="Flag what cannot be decrypted.")
def rotate_machine_command(app: App, salt_only: bool, skip_unreadable: bool) -> Result:
    """Make new key files and encrypt everything anew; no agent's key changes.

    Example: cleo agent keys rotate-machine
    """
    done = service(app).keys_rotate_machine(salt_only=salt_only, skip_unreadable=skip_unreadable)
    return Result(done, human=lambda out: _rotated(out, done))


@command("reset", project="optional", writes=True)
@click.option("--accept-loss", is_flag=True, help="Every stored key goes.")
def reset_command(app: App, accept_loss: bool) -> Result:
    """Make new key files where the right ones are lost for good.

    Example: cleo agent keys reset --accept-loss
    """
    done = service(app).keys_reset(accept_loss=accept_loss)
    return Result(done, human=lambda out: _rotated(out, done))


@command("prune", project="optional", writes=True)
def prune_command(app: App) -> Result:
    """Remove earlier key files, which only older backups of the store need.

    Example: cleo agent keys prune --dry-run
    """
    gone = service(app).keys_prune()
    return Result(
        {"generations": gone},
        ids=[str(one) for one in gone],
        human=lambda out: out.line(f"{len(gone)} generations removed"),
    )


def _rotated(out: Printer, done: Rotated) -> None:
    out.line(f"generation {done.generation}, {done.ciphertexts} ciphertexts")
    for id_ in done.skipped:
        out.line(f"passed over: {id_}")


keys_command = group(
    "keys",
    "The keys of agents and of this machine.",
    status_command,
    set_command,
    show_command,
    rotate_command,
    rotate_machine_command,
    reset_command,
    prune_command,
)
