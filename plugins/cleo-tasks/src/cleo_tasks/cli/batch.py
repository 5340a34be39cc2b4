"""``cleo add-batch``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from cleo_core.cli import Result, command
from cleo_core.errors import UsageError
from cleo_tasks.cli import render_records
from cleo_tasks.cli.tasks import service

if TYPE_CHECKING:
    from cleo_core.app import App


@command("add-batch", creates=True)
@click.option("--keep-going", is_flag=True, help="Add what can be added.")
def add_batch_command(app: App, keep_going: bool, idempotency_key: str | None) -> Result:
    """Add tasks from JSON lines on stdin, all of them or none.

    A line is an object with the options of `cleo add` and perhaps a ref; parent and depends may
    name another line as @ref, wherever it stands.

    Example: echo '{"title": "Write it", "ref": "w", "labels": ["core"]}' | cleo add-batch
    """
    from cleo_tasks.cli.json_input import read_text

    if sys.stdin.isatty():
        raise UsageError("The lines are read from stdin.", fix="cleo add-batch < tasks.jsonl")
    # Not splitlines(), which also breaks at characters that JSON texts may hold.
    lines = [line.rstrip("\r") for line in read_text("-").split("\n")]
    result = service(app).add_batch(lines, keep_going=keep_going, idempotency_key=idempotency_key)
    return Result(result, human=lambda out: render_records.batch(out, result))
