"""``cleo nexus transfer`` and ``transfers``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_core.cli import Result, command
from cleo_core.output import Printer
from cleo_nexus.cli.rendering import service
from cleo_nexus.enums import TRANSFER_MODE

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_nexus.records.transfers import Transfer

SCOPE = ("subtree", "single")
ON_CONFLICT = ("remap", "skip", "fail")
ON_MISSING = ("strip", "fail")


@command("transfer", project="optional", creates=True)
@click.argument("refs", metavar="REF...", nargs=-1)
@click.option("--to", metavar="PROJECT", help="The project that they are taken to.")
@click.option("--mode", type=click.Choice(TRANSFER_MODE), help="copy (default) or move.")
@click.option("--scope", type=click.Choice(SCOPE), help="With what is below them (default) or not.")
@click.option(
    "--on-conflict",
    type=click.Choice(ON_CONFLICT),
    help="A number that is taken there: give another (default), leave the task out, or refuse.",
)
@click.option(
    "--on-missing",
    type=click.Choice(ON_MISSING),
    help="Edges to what stays: leave out (default; a move makes cross edges of them), or refuse.",
)
@click.option("--parent", metavar="T", help="The task there that they are to stand under.")
@click.option("--with-brain", is_flag=True, help="Copy the memories of them, too.")
@click.option("--resume", metavar="ID", help="Go on with a transfer that was interrupted.")
@click.option("--abort", metavar="ID", help="Give up a transfer of which nothing has arrived.")
def transfer_command(
    app: App,
    refs: tuple[str, ...],
    to: str | None,
    resume: str | None,
    abort: str | None,
    with_brain: bool,
    idempotency_key: str | None,
    **words: str | None,
) -> Result:
    """Take tasks to another project: copies of them, or with --mode move the tasks themselves.

    A copy needs read on the project that they come from, a move needs execute; the project that
    they are taken to has to grant write. What was interrupted is gone on with by --resume.

    Example: cleo nexus transfer T003 web:T007 --to api --mode move
    """
    from cleo_core.cli.progress import Progress

    given = {name: word for name, word in words.items() if word is not None}
    if resume is None and abort is None:
        if not refs or to is None:
            raise click.UsageError("Name the tasks, and with --to the project they are taken to.")
        with Progress() as progress:
            found = service(app).transfer(
                refs,
                to,
                with_brain=with_brain,
                idempotency_key=idempotency_key,
                progress=progress,
                **given,
            )
        return _shown(found)
    if (resume is not None and abort is not None) or refs or to or given or with_brain:
        raise click.UsageError("--resume and --abort take the id of a transfer and nothing else.")
    if idempotency_key is not None:
        raise click.UsageError("--resume and --abort can be repeated without a key.")
    if resume is not None:
        with Progress() as progress:
            return _shown(service(app).transfer_resume(resume, progress=progress))
    return _shown(service(app).transfer_abort(str(abort)))


@command("transfers", project="optional", lists=True)
def transfers_command(app: App, limit: int | None, offset: int) -> Result:
    """List the transfers between projects, the latest first.

    Example: cleo nexus transfers
    """
    found, page = service(app).transfers(limit=limit, offset=offset)

    def human(out: Printer) -> None:
        if not found:
            out.line("Nothing was transferred.")
            return
        out.table(
            ("id", "state", "mode", "from", "to", "tasks", "begun"),
            [
                (
                    str(one.id),
                    one.state,
                    one.mode,
                    one.source,
                    one.target,
                    str(len(one.id_map)),
                    one.created_at,
                )
                for one in found
            ],
        )

    return Result(found, page=page, ids=[str(one.id) for one in found], human=human)


def _shown(found: Transfer) -> Result:
    ids = [found.id] if found.id is not None else list(found.id_map)
    return Result(found, ids=ids, human=lambda out: _print(out, found))


def _print(out: Printer, found: Transfer) -> None:
    word = "Would be transferred" if found.dry_run else f"{found.id}: {found.state}"
    out.line(f"{word} ({found.mode} from {found.source} to {found.target})")
    for old, new in found.id_map.items():
        out.line(f"  {found.source}:{old} → {found.target}:{new}")
    for one in found.skipped:
        out.line(f"  {found.source}:{one['id']} left out: {one['reason']}")
    for one in found.stripped:
        waits = found.mode == "move" and one["kind"] == "dependency"
        word = "leads across projects" if waits else "does not come along"
        out.line(f"  {one['kind']} of {one['id']} to {one['target']} {word}")
    for step in found.steps:
        said = f": {step.message}" if step.message else ""
        if step.outcome != "skipped":
            out.line(f"  {step.step:<10} {step.outcome}{said}")
    if found.error:
        out.line(f"  {found.error}")
