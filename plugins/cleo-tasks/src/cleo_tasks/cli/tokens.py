"""``cleo token`` and its verbs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cleo_core.cli import Result, command, group
from cleo_core.errors import UsageError
from cleo_tasks.cli import render_tokens as render
from cleo_tasks.cli.tasks import service
from cleo_tasks.enums import TOKEN_METHOD, TOKEN_TRANSPORT

if TYPE_CHECKING:
    from cleo_core.app import App

F = TypeVar("F", bound=Callable[..., Any])

_ABOUT = (
    click.option("--provider", help="Who serves the model, such as anthropic."),
    click.option("--model", help="The model's name."),
    click.option("--transport", type=click.Choice(TOKEN_TRANSPORT), help="How it was reached."),
    click.option("--operation", help="What was asked for, such as review."),
    click.option("--task", metavar="ID", help="The task it was for."),
)
_METHOD = click.option(
    "--method", type=click.Choice(TOKEN_METHOD), help="Where the numbers come from."
)
_FILTERS = (
    *_ABOUT,
    _METHOD,
    click.option("--in-session", metavar="ID", help="Recorded in this session."),
    click.option("--since", metavar="TIME", help="Recorded at or after this time."),
    click.option("--until", metavar="TIME", help="Recorded up to this time; a day as a whole."),
    click.option("--before", metavar="TIME", help="Recorded before this time."),
)
_FILES = (
    click.option("--input-file", metavar="FILE", help="What was sent; - is stdin."),
    click.option("--output-file", metavar="FILE", help="What came back; - is stdin."),
)


def _with(*options: Callable[[F], F]) -> Callable[[F], F]:
    def decorate(callback: F) -> F:
        for option in reversed(options):
            callback = option(callback)
        return callback

    return decorate


@command("record", creates=True)
@click.option("--request-id", metavar="ID", help="The same request is counted once.")
@click.option("--input-tokens", type=int, help="Tokens that were sent.")
@click.option("--output-tokens", type=int, help="Tokens that came back.")
@_with(*_FILES, _METHOD, *_ABOUT)
@click.option("--metadata", metavar="JSON", help="A JSON object.")
def record(
    app: App, input_file: str | None, output_file: str | None, metadata: str | None, **given: Any
) -> Result:
    """Record what a request to a model has cost.

    Numbers are worth what --method says: otel and provider_api are real, tokenizer is high,
    heuristic is estimated, and numbers of unknown origin are coarse. Without numbers the
    characters of the files are counted. No text is kept.

    Example: cleo token record --request-id r1 --input-tokens 1200 --method provider_api
    """
    from cleo_tasks.cli.json_input import json_object

    given["metadata"] = None if metadata is None else json_object(metadata, "--metadata")
    usage = service(app).token_record(**given, **_content(input_file, output_file))
    return Result(
        usage,
        ids=[] if usage.id is None else [str(usage.id)],
        human=lambda out: render.recorded(out, usage),
    )


@command("estimate", project="optional")
@click.argument("text", required=False)
@_with(*_FILES)
def estimate(app: App, text: str | None, input_file: str | None, output_file: str | None) -> Result:
    """Say what texts would cost by their characters; nothing is stored.

    Example: cleo token estimate --input-file prompt.md
    """
    if text is not None and input_file is not None:
        raise UsageError(
            "A text and an input file were given.", fix="cleo token estimate --input-file FILE"
        )
    content = _content(input_file, output_file)
    if text is not None:
        content["input_content"] = text
    found = service(app).token_estimate(**content)
    return Result(found, ids=(), human=lambda out: render.estimate(out, found))


@command("list", lists=True)
@_with(*_FILTERS)
def list_(app: App, **filters: Any) -> Result:
    """List records, newest first.

    Example: cleo token list --task T001 --since 2026-03-01
    """
    rows, page = service(app).token_list(**filters)
    ids = [str(row.id) for row in rows]
    return Result(rows, page=page, ids=ids, human=lambda out: render.lines(out, rows))


@command("summary")
@_with(*_FILTERS)
def summary(app: App, **filters: Any) -> Result:
    """Add up tokens by method, transport, operation and model.

    Example: cleo token summary --since 2026-03-01
    """
    found = service(app).token_summary(**filters)
    return Result(found, ids=(), human=lambda out: render.summary(out, found))


@command("show")
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
def show(app: App, ids: tuple[str, ...]) -> Result:
    """Show records whole; ID is a record's number, or its request's id.

    Example: cleo token show 12
    """
    rows = service(app).token_show(*ids)
    return Result(
        rows[0] if len(ids) == 1 else rows,
        ids=[str(row.id) for row in rows],
        human=lambda out: render.whole(out, rows),
    )


@command("delete", writes=True)
@click.argument("ids", nargs=-1, metavar="[ID…]")
@_with(*_FILTERS)
def delete(app: App, ids: tuple[str, ...], **filters: Any) -> Result:
    """Delete records: those named by number or request id, or all that the filters leave.

    Example: cleo token delete --before 2026-01-01 --dry-run
    """
    gone = service(app).token_delete(*ids, **filters)
    would = "would be" if app.dry_run else "were"
    return Result(
        {"deleted": gone}, ids=(), human=lambda out: out.line(f"{gone} records {would} deleted.")
    )


def _content(input_file: str | None, output_file: str | None) -> dict[str, Any]:
    from cleo_tasks.cli.content import read_content
    from cleo_tasks.service.counting import MOST_BYTES

    if input_file == output_file == "-":
        raise UsageError("Standard input can be one of the two only.", fix="--output-file FILE")
    named = {"input_content": input_file, "output_content": output_file}
    return {
        name: None if path is None else read_content(path, MOST_BYTES)
        for name, path in named.items()
    }


token_command = group("token", "Token accounting.", record, summary, list_, show, estimate, delete)
