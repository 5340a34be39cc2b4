"""``cleo topic publish``, ``subscribe``, ``unsubscribe``, ``list`` and ``read``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_conduit.cli.conversations import read
from cleo_conduit.cli.options import AS_HUMAN, BODY, body_of
from cleo_conduit.cli.printing import sent
from cleo_conduit.cli.refs import service
from cleo_core.cli import Result, command
from cleo_core.output import Printer

if TYPE_CHECKING:
    from cleo_core.app import App

_KINDS = click.option("--kind", "kinds", multiple=True, help="Only this kind; repeatable.")
_TAGS = click.option(
    "--filter", "tags", multiple=True, metavar="TAG", help="Only with this #tag; repeatable."
)


@command("publish", creates=True)
@click.argument("topic")
@click.argument("text", required=False, metavar="[TEXT|-]")
@AS_HUMAN
@BODY
def publish_command(
    app: App,
    topic: str,
    text: str | None,
    by_person: bool,
    idempotency_key: str | None,
    **given: Any,
) -> Result:
    """Send a message to the subscribers of a topic.

    Example: cleo topic publish T1149.wave-2 "Parser is merged #done"
    """
    arguments = body_of(text, **given)
    done = service(app).topic_publish(
        topic,
        arguments.pop("content"),
        as_human=by_person,
        idempotency_key=idempotency_key,
        **arguments,
    )
    return Result(done, ids=[done.id], human=lambda out: sent(out, done))


@command("subscribe", writes=True)
@click.argument("topic")
@click.option("--history", is_flag=True, help="What was published before too.")
@_KINDS
@_TAGS
@AS_HUMAN
def subscribe_command(
    app: App,
    topic: str,
    history: bool,
    kinds: tuple[str, ...],
    tags: tuple[str, ...],
    by_person: bool,
) -> Result:
    """Get the messages of a topic from now on.

    Example: cleo topic subscribe T1149.wave-2 --filter done
    """
    done = service(app).topic_subscribe(
        topic, history=history, kinds=kinds, tags=tags, as_human=by_person
    )
    word = "subscribed to" if done.changed else "was subscribed to"
    return Result(
        done,
        ids=[done.conversation_id],
        human=lambda out: out.line(f"{done.agent_id} {word} {topic}."),
    )


@command("unsubscribe", writes=True)
@click.argument("topic")
@AS_HUMAN
def unsubscribe_command(app: App, topic: str, by_person: bool) -> Result:
    """Get no more messages of a topic; those that came stay.

    Example: cleo topic unsubscribe T1149.wave-2
    """
    done = service(app).topic_unsubscribe(topic, as_human=by_person)
    word = "left" if done.changed else "was not subscribed to"
    return Result(
        done,
        ids=[done.conversation_id],
        human=lambda out: out.line(f"{done.agent_id} {word} {topic}."),
    )


@command("list", lists=True)
@AS_HUMAN
def list_command(app: App, limit: int | None, offset: int, by_person: bool) -> Result:
    """List the topics of this project.

    Example: cleo topic list
    """
    found, page = service(app).topic_list(limit=limit, offset=offset, as_human=by_person)

    def human(out: Printer) -> None:
        if not found:
            out.line("No topic.")
            return
        out.table(
            ("topic", "subscribers", "messages", "last"),
            [
                (
                    one.topic or "",
                    str(len(one.participants)),
                    str(one.message_count),
                    (one.last_message_at or "")[:16].replace("T", " "),
                )
                for one in found
            ],
        )

    return Result(
        {"topics": found}, page=page, ids=[one.topic or one.id for one in found], human=human
    )


@command("read")
@click.argument("topic")
@click.option("--history", is_flag=True, help="What was published before you subscribed too.")
@_KINDS
@_TAGS
@click.option("--after", type=int, default=0, metavar="SEQ", help="Only above this number.")
@click.option("--limit", type=int, help="Messages at most, 20 unless given, up to 200.")
@AS_HUMAN
def read_command(app: App, topic: str, by_person: bool, **given: Any) -> Result:
    """Print the messages of a topic; nothing is marked.

    Example: cleo topic read T1149.wave-2 --history
    """
    return read(service(app).topic_read(topic, as_human=by_person, **given))
