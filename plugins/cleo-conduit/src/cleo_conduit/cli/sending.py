"""``cleo conduit send``."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from cleo_conduit.cli.options import AS_HUMAN, BODY, SECONDS, body_of, read_file
from cleo_conduit.cli.printing import sent as print_sent
from cleo_conduit.cli.refs import service
from cleo_core.cli import Result, command
from cleo_core.errors import UsageError, ValidationError

if TYPE_CHECKING:
    from cleo_core.app import App

#: Keys of a line of a batch -> arguments of ``send``.
KEYS = {
    "content": "content",
    "to": "to",
    "cc": "cc",
    "conversation": "conversation",
    "replyTo": "reply_to",
    "replyAll": "reply_all",
    "broadcast": "broadcast",
    "subject": "subject",
    "kind": "kind",
    "importance": "importance",
    "contentType": "content_type",
    "ackRequired": "ack_required",
    "ackWithin": "ack_within",
    "ttl": "ttl",
    "attach": "attach",
    "metadata": "metadata",
    "payload": "payload",
    "id": "id",
    "idempotencyKey": "idempotency_key",
}
#: Bytes of a batch at most.
MOST_BATCH = 64 * 1024 * 1024


@command("send", creates=True)
@click.argument("text", required=False, metavar="[TEXT|-]")
@click.option("--to", multiple=True, metavar="ID", help="A recipient; repeatable.")
@click.option("--cc", multiple=True, metavar="ID", help="Who gets it too; repeatable.")
@click.option("--conversation", metavar="ID", help="To all who take part in it.")
@click.option("--reply-to", metavar="ID", help="Answer a message.")
@click.option("--reply-all", is_flag=True, help="Answer everybody.")
@click.option("--broadcast", is_flag=True, help="To every agent that this project sees.")
@AS_HUMAN
@BODY
@click.option("--id", metavar="UUID", help="The message's id; the same again is not sent twice.")
@click.option(
    "--wait",
    type=SECONDS,
    metavar="SECONDS",
    help="Wait until everybody took delivery, or acknowledged.",
)
@click.option("--batch", metavar="FILE", help="Messages as lines of JSON; - for standard input.")
def send_command(
    app: App,
    text: str | None,
    by_person: bool,
    wait: float | None,
    batch: str | None,
    idempotency_key: str | None,
    **given: Any,
) -> Result:
    """Send a message to agents of this project.

    It is theirs when they poll; each of them gets it once. What became of it is told by
    `cleo conduit receipts ID`.

    Example: cleo conduit send "The build is red" --to bob --ack-within 1h
    """
    if batch is not None:
        deliver = False if given.pop("no_deliver") else None
        named = any(value not in (None, (), False) for value in given.values())
        if text is not None or named or wait is not None or idempotency_key is not None:
            raise UsageError(
                "A batch says everything in its lines.", fix="cleo conduit send --batch FILE"
            )
        found = service(app).send_many(_lines(batch), as_human=by_person, deliver=deliver)
        return Result(
            {"messages": found}, ids=[one.id for one in found], human=lambda out: _many(out, found)
        )
    arguments = body_of(text, **_body(given))
    for name in ("to", "cc", "conversation", "reply_to", "reply_all", "broadcast", "id"):
        if given[name]:
            arguments[name] = given[name]
    done = service(app).send(
        arguments.pop("content"),
        as_human=by_person,
        idempotency_key=idempotency_key,
        **arguments,
    )
    if wait is not None and not app.dry_run:
        done = service(app).wait_for(done, time.monotonic() + wait)
    return Result(done, ids=[done.id], human=lambda out: print_sent(out, done))


def _body(given: dict[str, Any]) -> dict[str, Any]:
    addressing = ("to", "cc", "conversation", "reply_to", "reply_all", "broadcast", "id")
    return {name: value for name, value in given.items() if name not in addressing}


def _many(out: Any, found: Any) -> None:
    out.line(f"{len(found)} messages sent.")


def _lines(path: str) -> Iterator[dict[str, Any]]:
    if path == "-":
        import sys

        data = sys.stdin.buffer.read(MOST_BATCH + 1)
    else:
        data = read_file(path, "--batch", MOST_BATCH + 1)
    if len(data) > MOST_BATCH:
        raise ValidationError(f"A batch has at most {MOST_BATCH} bytes.", fix="split -C 60M FILE")
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise ValidationError(
                f"Line {number} is no JSON object.",
                fix='{"content": "hello", "to": ["bob"]}',
                line=number,
            )
        unknown = [name for name in value if name not in KEYS]
        if unknown:
            raise ValidationError(
                f"Line {number} has the unknown key {unknown[0]!r}; known are {', '.join(KEYS)}.",
                fix='{"content": "hello", "to": ["bob"]}',
                line=number,
            )
        yield {KEYS[name]: one for name, one in value.items()}
