"""``cleo lifecycle``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_core.cli import Result, command, group
from cleo_core.errors import UsageError
from cleo_tasks.cli import render_lifecycle
from cleo_tasks.cli.tasks import service
from cleo_tasks.enums import GATE_RESULT, STAGE_STATUS

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_tasks.lifecycle_records import Lifecycle

_REASON = click.option("--reason", help="Why, in at most 500 characters.")
_FORCE = click.option("--force", is_flag=True, help="Against the rules, for a reason.")
_EVIDENCE = click.option(
    "--evidence",
    multiple=True,
    metavar="PATH|URL|manifest:ID",
    help="What shows it; repeatable.",
)


def _changed(found: Lifecycle) -> Result:
    return Result(
        found,
        ids=[found.pipeline.task_id],
        human=lambda out: render_lifecycle.changed(out, found),
    )


@command("show")
@click.argument("id")
def show_command(app: App, id: str) -> Result:
    """Show the pipeline of an epic or a task.

    Example: cleo lifecycle show T001
    """
    found = service(app).lifecycle_show(id)
    return Result(
        found,
        ids=[found.pipeline.task_id],
        human=lambda out: render_lifecycle.lifecycle(out, found),
    )


@command("stages", lists=True)
def stages_command(app: App, limit: int | None, offset: int) -> Result:
    """List the stages, what comes before each, and its gates.

    Example: cleo lifecycle stages
    """
    found, page = service(app).lifecycle_stages(limit=limit, offset=offset)
    return Result(
        found,
        page=page,
        ids=[one.stage_name for one in found],
        human=lambda out: render_lifecycle.stages(out, found),
    )


@command("start", creates=True, edits=True)
@click.argument("id")
@click.argument("stage", required=False)
@_REASON
@_FORCE
def start_command(app: App, id: str, stage: str | None, **given: Any) -> Result:
    """Enter a stage, by default the next; the first entry makes the pipeline.

    Example: cleo lifecycle start T001 research
    """
    return _changed(service(app).lifecycle_start(id, stage, **given))


@command("complete", edits=True)
@click.argument("id")
@click.argument("stage", required=False)
@click.option("--advance", is_flag=True, help="Enter the next stage as well.")
@click.option("--artifact", "artifacts", multiple=True, metavar="PATH", help="Repeatable.")
@click.option("--topic", "topics", multiple=True, help="Of the artifacts; repeatable.")
@click.option("--finding", "findings", multiple=True, help="Of the artifacts; repeatable.")
@click.option("--agent-type", help="What kind of agent made them.")
@click.option("--adr", "adrs", multiple=True, metavar="ID", help="A decision; repeatable.")
@_EVIDENCE
@click.option("--note", help="A note for the stage.")
@click.option("--metadata", metavar="JSON", help="A JSON object for the stage.")
@_REASON
@_FORCE
def complete_command(
    app: App, id: str, stage: str | None, metadata: str | None, **given: Any
) -> Result:
    """Complete a stage whose gates have passed, by default the current one.

    Example: cleo lifecycle complete T001 --artifact docs/research.md --advance
    """
    from cleo_tasks.cli.json_input import json_object

    given["metadata"] = None if metadata is None else json_object(metadata, "--metadata")
    return _changed(service(app).lifecycle_complete(id, stage, **given))


@command("skip", edits=True)
@click.argument("id")
@click.argument("stage", required=False)
@_REASON
@_FORCE
def skip_command(app: App, id: str, stage: str | None, **given: Any) -> Result:
    """Leave a stage out that may be, by default the current one.

    Example: cleo lifecycle skip T001 consensus --reason "one person decides"
    """
    return _changed(service(app).lifecycle_skip(id, stage, **given))


@command("back", edits=True)
@click.argument("id")
@click.argument("stage")
@_REASON
@_FORCE
def back_command(app: App, id: str, stage: str, **given: Any) -> Result:
    """Go back to an earlier stage, for another attempt.

    Example: cleo lifecycle back T001 implementation --reason "two tests fail"
    """
    return _changed(service(app).lifecycle_back(id, stage, **given))


@command("set", edits=True)
@click.argument("id")
@click.argument("words", nargs=-1, required=True, metavar="[STAGE] STATUS")
@_REASON
def set_command(app: App, id: str, words: tuple[str, ...], **given: Any) -> Result:
    """Say that a stage is blocked, failed or in_progress again.

    Example: cleo lifecycle set T001 blocked --reason "no licence yet"
    """
    if len(words) > 2:
        raise UsageError("A stage and a status are enough.", fix="cleo lifecycle set ID blocked")
    # The words for stages and those for statuses differ, so either order can be understood.
    first, last = (words[-1], words[0]) if words[-1] in STAGE_STATUS else (words[0], words[-1])
    stage = None if len(words) == 1 else last
    return _changed(service(app).lifecycle_set(id, first, stage, **given))


@command("gate", creates=True, edits=True)
@click.argument("id")
@click.argument("gate")
@click.argument("result", type=click.Choice(GATE_RESULT), metavar="pass|fail|warn")
@click.option("--stage", help="The gate's stage; by default the current one.")
@_EVIDENCE
@click.option("--note", help="Details of the result.")
@_REASON
def gate_command(app: App, id: str, gate: str, result: str, **given: Any) -> Result:
    """Record the result of a gate.

    Example: cleo lifecycle gate T001 tests-pass pass --evidence reports/tests.xml
    """
    return _changed(service(app).lifecycle_gate(id, gate, result, **given))


@command("history", lists=True)
@click.argument("id")
@click.option("--gates", is_flag=True, help="Every gate result in place of the moves.")
def history_command(app: App, id: str, gates: bool, limit: int | None, offset: int) -> Result:
    """List a pipeline's moves, or its gate results, oldest first.

    Example: cleo lifecycle history T001
    """
    verbs = service(app)
    if gates:
        results, page = verbs.lifecycle_gate_history(id, limit=limit, offset=offset)
        return Result(
            results, page=page, human=lambda out: render_lifecycle.gate_results(out, results)
        )
    moves, page = verbs.lifecycle_history(id, limit=limit, offset=offset)
    return Result(moves, page=page, human=lambda out: render_lifecycle.transitions(out, moves))


@command("abort", edits=True)
@click.argument("id")
@_REASON
def abort_command(app: App, id: str, **given: Any) -> Result:
    """Stop a pipeline; its task goes on without.

    Example: cleo lifecycle abort T001 --reason "the plan changed"
    """
    return _changed(service(app).lifecycle_abort(id, **given))


lifecycle_command = group(
    "lifecycle",
    "The stages that an epic or a task goes through.",
    show_command,
    stages_command,
    start_command,
    complete_command,
    skip_command,
    back_command,
    set_command,
    gate_command,
    history_command,
    abort_command,
)
