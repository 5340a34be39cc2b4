"""Commands that print an envelope on each line, as long as they run."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from cleo_core import clock
from cleo_core.errors import UsageError, echoed
from cleo_core.output import dumps, visible
from cleo_core.stopping import Stopped

if TYPE_CHECKING:
    from cleo_core.app import App

Event = Mapping[str, Any]


def stream(app: App, events: Iterator[Event], words: Callable[[Event], str] | None = None) -> Event:
    """Print events as they come, each on a line that is out at once.

    :param words: an event for people.
    :returns: the last one, ``stopped``, which the command's own result is.
    """
    as_json = click.get_current_context().obj.json_format()
    last: Event = {"event": "stopped"}
    try:
        for event in events:
            if event["event"] == "stopped":
                last = event
                break
            text = _line(app, event) if as_json else visible((words or in_words)(event))
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
    except Stopped:
        pass
    finally:
        close: Callable[[], None] | None = getattr(events, "close", None)
        if close is not None:
            close()
    return last


def program(text: str) -> list[str]:
    """The words of a command that a user gives, which runs without a shell.

    :raises UsageError: there is no such program.
    """
    try:
        words = shlex.split(text)
    except ValueError:
        words = []
    if not words:
        raise UsageError("--exec takes a command.", fix='--exec "./on-message"')
    if shutil.which(words[0]) is None:
        raise UsageError(f"{echoed(words[0])} is no program here.", fix='--exec "./on-message"')
    return words


def in_words(event: Event) -> str:
    """An event for people: what it is, and its values."""
    more = ", ".join(
        f"{name} {value}" for name, value in event.items() if name != "event" and value is not None
    )
    return f"{event['event']}: {more}" if more else str(event["event"])


def _line(app: App, event: Event) -> str:
    meta = {
        "operation": app.verb.replace(" ", "."),
        "requestId": app.request_id,
        "timestamp": clock.now(),
    }
    return dumps({"success": True, "data": event, "meta": meta})
