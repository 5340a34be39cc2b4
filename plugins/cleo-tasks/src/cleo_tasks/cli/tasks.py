"""``cleo add``, ``show``, ``list``, ``exists``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_core.cli import Result, command
from cleo_core.errors import ExitCode, UsageError
from cleo_tasks.cli import render
from cleo_tasks.enums import TASK_ROLE, TASK_TYPE
from cleo_tasks.service import TasksService

if TYPE_CHECKING:
    from cleo_core.app import App


def service(app: App) -> TasksService:
    """The tasks service of an App."""
    found: TasksService = app.service("tasks")
    return found


@command("show")
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
@click.option("--history", is_flag=True, help="With its audit rows.")
@click.option("--children", is_flag=True, help="With its children.")
@click.option("--gates", is_flag=True, help="With its verification gates.")
def show_command(
    app: App, ids: tuple[str, ...], history: bool, children: bool, gates: bool
) -> Result:
    """Show tasks whole.

    Example: cleo show T001
    """
    found = service(app).show(*ids, history=history, children=children, gates=gates)
    return Result(found[0] if len(ids) == 1 else found, human=lambda out: render.tasks(out, found))


@command("list", lists=True)
@click.option("--status", multiple=True, help="With this status; repeatable.")
@click.option("--parent", metavar="ID", help="Children of this task.")
@click.option("--type", type=click.Choice(TASK_TYPE), help="Of this type.")
@click.option("--priority", help="Of this priority.")
@click.option("--phase", help="In this phase.")
@click.option("--label", "labels", multiple=True, help="With this label; repeatable.")
@click.option("--role", type=click.Choice(TASK_ROLE), help="Of this role.")
@click.option("--assignee", metavar="AGENT", help="Held by this agent.")
@click.option("--stage", help="In this pipeline stage.")
@click.option("--ready", is_flag=True, help="That can be started now.")
@click.option("--since", metavar="TIME", help="Updated at or after this time.")
@click.option("--sort", default="id", help="id, priority, updated, created, title or position.")
def list_command(app: App, **filters: Any) -> Result:
    """List tasks; archived ones only with --status archived.

    Example: cleo list --status pending --label cli
    """
    lines, page = service(app).list(**filters)
    return Result(lines, page=page, human=lambda out: render.lines(out, lines))


@command("exists")
@click.argument("id")
def exists_command(app: App, id: str) -> Result:
    """Say whether a task exists, with exit 0 or 4.

    Example: cleo exists T001 --field exists
    """
    answer = service(app).exists(id)
    return Result(
        {"exists": answer},
        human=lambda out: out.line("yes" if answer else "no"),
        exit=ExitCode.OK if answer else ExitCode.NOT_FOUND,
    )


@command("add", creates=True)
@click.argument("title", required=False)
@click.option("--type", help="epic, task or subtask; by default what the parent allows.")
@click.option("--parent", metavar="ID", help="The task it belongs to.")
@click.option("--status", help="pending, proposed or blocked.")
@click.option("--priority", help="critical, high, medium, low, or 1 to 9.")
@click.option("--phase", help="Slug of its phase.")
@click.option("--add-phase", is_flag=True, help="Make the phase if there is none.")
@click.option("--size", help="small, medium or large.")
@click.option("--desc", "description", help="What is to be done.")
@click.option("--label", "labels", multiple=True, help="Repeatable.")
@click.option("--depends", multiple=True, metavar="ID", help="A task it waits for; repeatable.")
@click.option("--file", "files", multiple=True, help="A path it is about; repeatable.")
@click.option("--acceptance", multiple=True, help="A criterion; repeatable.")
@click.option("--note", "notes", multiple=True, help="Repeatable.")
@click.option("--position", type=int, help="Place among its siblings, from 1.")
@click.option("--role", help="work, research, experiment, bug, spike or release.")
@click.option("--scope", help="project, feature or unit.")
@click.option("--severity", help="P0 to P3.")
@click.option("--stage", help="Pipeline stage.")
@click.option("--metadata", metavar="JSON", help="A JSON object.")
@click.option("--json-file", metavar="FILE", help="Fields from a JSON file; - is stdin.")
@click.option("--allow-duplicate", is_flag=True, help="Even if the same task was just added.")
def add_command(app: App, json_file: str | None, metadata: str | None, **given: Any) -> Result:
    """Add a task.

    Example: cleo add "Write the parser" --parent T001 --depends T002 --label core
    """
    from cleo_tasks.cli.json_input import fields_from, json_object

    given["metadata"] = None if metadata is None else json_object(metadata, "--metadata")
    if json_file is not None:
        given = fields_from(json_file, given)
    if given.get("title") is None:
        raise UsageError("A title is needed.", fix='cleo add "a title"')
    result = service(app).add(**given)
    return Result(result, human=lambda out: render.added(out, result))
