"""``cleo init``."""

from __future__ import annotations

import os

import click

from cleo_core.app import App
from cleo_core.cli.command import command
from cleo_core.cli.invocation import Invocation
from cleo_core.errors import CleoError
from cleo_core.initialize import InitResult, initialize
from cleo_core.output import Printer, Result
from cleo_core.paths import named_project


@command("init", project="none", writes=True)
@click.argument("name", required=False)
@click.option("--path", metavar="DIR", help="The project's root; by default this directory.")
@click.option("--no-register", is_flag=True, help="Keep the project out of the global registry.")
@click.option("--nested", is_flag=True, help="Allow a project inside another one.")
@click.pass_obj
def init(
    invocation: Invocation,
    app: App,
    name: str | None,
    path: str | None,
    no_register: bool,
    nested: bool,
) -> Result:
    """Make this directory a project. Running it again adds what is missing and no more.

    Example: cleo init my-project
    """
    env = app.env
    explicit = path if path is not None else invocation.flags.get("project")
    named = named_project(explicit, env)
    made = initialize(
        named[0] if named is not None else _here(),
        plugins=app.plugins,
        name=name,
        register=not no_register,
        nested=nested,
        dry_run=app.dry_run,
        env=env,
        agent=invocation.flags.get("agent"),
        warnings=app.warnings,
    )
    if made.failure is not None:
        made.failure.details["init"] = made.as_json()
        raise made.failure
    return Result(made.as_json(), ids=[made.project.id], human=lambda out: _show(out, made))


def _show(out: Printer, made: InitResult) -> None:
    if made.changed:
        out.line(f"Project {made.project.name} is ready in {made.project.root}", "bold")
    else:
        out.line(f"Project {made.project.name} was ready; nothing changed")
    for store in made.stores:
        out.line(f"  {store['name']:12} {store['state']}")
    if not made.stores:
        out.line("No plugin with a store is installed. Try: pip install 'cleo-core[all]'")


def _here() -> str:
    try:
        return os.getcwd()
    except OSError as error:
        raise CleoError(
            "E_LOCATION_REFUSED",
            f"The working directory is out of reach: {error.strerror}.",
            fix="cd DIR",
        ) from None
