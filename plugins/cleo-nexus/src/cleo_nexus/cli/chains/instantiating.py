"""``cleo chain instantiate``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_core.cli import Result, command
from cleo_core.errors import UsageError, echoed
from cleo_core.output import Printer
from cleo_nexus.cli.chains.runs import print_dry, print_instance
from cleo_nexus.cli.rendering import service

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cleo_core.app import App


@command("instantiate", project="optional", creates=True)
@click.argument("chain")
@click.argument("epic")
@click.option(
    "--var", "words", metavar="NAME=VALUE", multiple=True, help="The value of a variable."
)
@click.option("--vars", "file", metavar="FILE", help="JSON object of values; - is standard input.")
@click.option(
    "--task",
    "tasks",
    metavar="STAGE=REF",
    multiple=True,
    help="The task that a stage's gates look at; by default the epic.",
)
def instantiate_command(
    app: App,
    chain: str,
    epic: str,
    words: tuple[str, ...],
    file: str | None,
    tasks: tuple[str, ...],
    idempotency_key: str | None,
) -> Result:
    """Begin to let an epic go through a chain.

    EPIC is a task: T001, or slug:T001 of another project.

    Example: cleo chain instantiate rcasd-ivtrc T001 --task testing=api:T004
    """
    found = service(app).chain_instantiate(
        chain,
        epic,
        variables=None if file is None else _values(file),
        words=_pairs(words, "--var NAME=VALUE"),
        tasks=_pairs(tasks, "--task STAGE=REF"),
        idempotency_key=idempotency_key,
    )

    def human(out: Printer) -> None:
        print_instance(out, found)
        print_dry(out, app)

    return Result(found, ids=[found.id], human=human)


def _pairs(words: Iterable[str], form: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not name:
            raise UsageError(f"{echoed(word)} is not of the form {form.split()[1]}.", fix=form)
        if name in found:
            raise UsageError(f"{echoed(name)} is given twice.", fix=form)
        found[name] = value
    return found


def _values(file: str) -> dict[str, Any]:
    from cleo_nexus.cli.chains.files import read_file
    from cleo_nexus.definitions.text import NotJsonError, loads

    try:
        found = loads(read_file(file))
    except NotJsonError as error:
        raise UsageError(f"{file} is no JSON: {error}.", fix="--vars FILE") from None
    if not isinstance(found, dict):
        raise UsageError(f"{file} holds no JSON object.", fix="--vars FILE")
    return found
