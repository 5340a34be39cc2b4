"""``cleo update``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_core.cli import Result, command
from cleo_tasks.cli import render_status
from cleo_tasks.cli.tasks import service

if TYPE_CHECKING:
    from cleo_core.app import App

#: Options whose lists replace what is stored; without the option nothing is replaced.
_REPLACING = ("labels", "depends", "files", "acceptance")


@command("update", edits=True)
@click.argument("id")
@click.option("--title", help="Another title.")
@click.option("--type", help="epic, task or subtask.")
@click.option("--parent", metavar="ID", help="Move it below this task, or to root.")
@click.option("--status", help="pending, active or blocked; done completes it.")
@click.option("--priority", help="critical, high, medium, low, or 1 to 9.")
@click.option("--phase", help="Slug of its phase.")
@click.option("--add-phase", is_flag=True, help="Make the phase if there is none.")
@click.option("--size", help="small, medium or large.")
@click.option("--desc", "description", help="What is to be done.")
@click.option("--label", "labels", multiple=True, help="All its labels; repeatable.")
@click.option("--add-label", "add_labels", multiple=True, help="One more label; repeatable.")
@click.option("--remove-label", "remove_labels", multiple=True, help="One less; repeatable.")
@click.option("--depends", multiple=True, metavar="ID", help="All it waits for; repeatable.")
@click.option("--add-depends", multiple=True, metavar="ID", help="One more; repeatable.")
@click.option("--remove-depends", multiple=True, metavar="ID", help="One less; repeatable.")
@click.option("--file", "files", multiple=True, help="All its paths; repeatable.")
@click.option("--add-file", "add_files", multiple=True, help="One more path; repeatable.")
@click.option("--remove-file", "remove_files", multiple=True, help="One less; repeatable.")
@click.option("--acceptance", multiple=True, help="All its criteria; repeatable.")
@click.option("--add-acceptance", multiple=True, help="One more criterion; repeatable.")
@click.option("--note", "notes", multiple=True, help="A note to add; repeatable.")
@click.option("--position", type=int, help="Place among its siblings, from 1.")
@click.option("--role", help="work, research, experiment, bug, spike or release.")
@click.option("--scope", help="project, feature or unit.")
@click.option("--severity", help="P0 to P3.")
@click.option("--stage", help="Pipeline stage.")
@click.option("--metadata", metavar="JSON", help="A JSON object in place of the stored one.")
@click.option("--blocked-reason", help="Why it is blocked.")
@click.option("--no-auto-complete", is_flag=True, help="Not complete when its children are.")
@click.option("--clear", multiple=True, metavar="FIELD", help="Empty a field; repeatable.")
@click.option("--json-file", metavar="FILE", help="Fields from a JSON file; - is stdin.")
def update_command(
    app: App, id: str, json_file: str | None, metadata: str | None, **given: Any
) -> Result:
    """Change fields of a task.

    A list option replaces the stored list; its --add- and --remove- forms change it. In a JSON
    file, null empties a field and notes replace the stored notes.

    Example: cleo update T001 --priority high --add-label parser --note "see the log"
    """
    from cleo_tasks.cli.json_input import edits_from, json_object

    if_version = given.pop("if_version")
    given |= {name: given[name] or None for name in _REPLACING}
    given["no_auto_complete"] = given["no_auto_complete"] or None
    given["metadata"] = None if metadata is None else json_object(metadata, "--metadata")
    if json_file is not None:
        given = edits_from(json_file, given)
    result = service(app).update(id, **given, if_version=if_version)
    return Result(result, human=lambda out: render_status.updated(out, result))
