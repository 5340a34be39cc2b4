"""Options that several commands take, and what they mean."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import click

from cleo_conduit.enums import CONTENT_TYPE, IMPORTANCE
from cleo_core.errors import UsageError, ValidationError

F = TypeVar("F", bound=Callable[..., Any])

#: Bytes that are read of a file or a pipe, one more than is stored of a message.
MOST_READ = 65_537


class _Seconds(click.FloatRange):
    """A number of seconds; ``nan`` is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        if found != found:
            self.fail("nan is no number of seconds.", param, ctx)
        return found


#: From nothing to a year.
SECONDS = _Seconds(min=0, max=31_536_000)

AS_HUMAN = click.option(
    "--as-human", "by_person", is_flag=True, help="Act for the person at the keyboard."
)


def together(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Options as one decorator, in their order."""

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


#: What a message says beside its text.
BODY = together(
    click.option("--subject", help="One line that says what it is about."),
    click.option("--kind", help="message (the default), request or notify."),
    click.option("--importance", type=click.Choice(IMPORTANCE), help="normal unless it is given."),
    click.option("--ack-required", is_flag=True, help="Ask the recipients to acknowledge it."),
    click.option("--ack-within", metavar="TIME", help="Until when: 30m, 2h, 1d."),
    click.option("--ttl", metavar="TIME", help="After which nobody needs it any more."),
    click.option("--content-type", type=click.Choice(CONTENT_TYPE), help="text unless given."),
    click.option("--attach", multiple=True, metavar="SLUG", help="A document; repeatable."),
    click.option("--metadata", metavar="JSON", help="An object that goes with it."),
    click.option("--payload", metavar="JSON", help="Data for programs."),
    click.option("--file", "file", metavar="PATH", help="Read the text from a file."),
    click.option("--no-deliver", is_flag=True, help="Leave recipients elsewhere to `run`."),
)


def body_of(
    text: str | None,
    file: str | None,
    metadata: str | None,
    payload: str | None,
    no_deliver: bool,
    **given: Any,
) -> dict[str, Any]:
    """The arguments of ``send`` that :data:`BODY` gave."""
    named = {name: value for name, value in given.items() if value not in (None, (), False)}
    named["content"] = text_of(text, file)
    if metadata is not None:
        named["metadata"] = json_of(metadata, "--metadata", '\'{"area": "api"}\'')
    if payload is not None:
        named["payload"] = json_of(payload, "--payload", "'{\"build\": 12}'")
    if no_deliver:
        named["deliver"] = False
    return named


def text_of(text: str | None, file: str | None) -> str | None:
    """A text as an argument gives it, ``-`` the standard input, or a file.

    :raises UsageError: two of them are given, or what is read is no UTF-8 text.
    """
    if text is not None and file is not None:
        raise UsageError("The text is given twice.", fix="the text or --file, not both")
    if file is not None:
        return _decoded(read_file(file, "--file", MOST_READ))
    if text == "-":
        import sys

        return _decoded(sys.stdin.buffer.read(MOST_READ))
    return text


def read_file(path: str, option: str, most: int) -> bytes:
    """The first bytes of a file; a pipe is read as ``-``, which somebody must write to.

    :raises UsageError: it is no file.
    """
    import os
    import stat

    from cleo_core.errors import echoed
    from cleo_core.inputs import plain_text

    plain_text(path, option)
    try:
        regular = stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        raise UsageError(f"There is no file {echoed(path)}.", fix=f"{option} FILE") from None
    if not regular:
        raise UsageError(f"{echoed(path)} is no file.", fix=f"{option} FILE")
    with open(path, "rb") as stream:
        return stream.read(most)


def json_of(text: str, option: str, example: str) -> Any:
    """The value of an option that takes JSON.

    :raises UsageError: it is none.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise UsageError(f"The value of {option} is no JSON.", fix=f"{option} {example}") from None


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start >= MOST_READ - 4:
            # Cut inside a character: too long in any case.
            return data.decode("utf-8", "replace")
        raise ValidationError("The text is not UTF-8.", fix="iconv -t utf-8 FILE") from None
