"""A key from where no list of processes shows it: standard input, a variable, a private file."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from cleo_core.errors import UsageError
from cleo_core.paths.files import quoted

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.output import Result

_MOST = 65_536

_OPTIONS = (
    click.option("--api-key-stdin", is_flag=True, help="Read its key from standard input."),
    click.option("--api-key-env", metavar="NAME", help="Take its key from this variable."),
    click.option("--api-key-file", metavar="PATH", help="Read its key from a file of mode 0600."),
    click.option("--api-key", metavar="VALUE", help="Its key, which others can then see."),
)


def key_options(callback: Callable[..., Result]) -> Callable[..., Result]:
    """The options by which a key is given."""
    for option in reversed(_OPTIONS):
        callback = option(callback)
    return callback


def taken(app: App, given: dict[str, Any]) -> str | None:
    """The key that the options name, which are taken out of ``given``.

    :raises UsageError: several are given, or what one names cannot be read.
    """
    from_stdin = given.pop("api_key_stdin")
    name = given.pop("api_key_env")
    path = given.pop("api_key_file")
    value = given.pop("api_key")
    if sum((bool(from_stdin), name is not None, path is not None, value is not None)) > 1:
        raise UsageError("The key is given once.", fix="--api-key-stdin")
    if value is not None:
        app.warn(
            "W_KEY_IN_ARGV",
            "The key stands in the list of processes and in the shell's history; "
            "--api-key-stdin keeps it out of both.",
        )
        return str(value)
    if from_stdin:
        if sys.stdin is None or sys.stdin.isatty():
            raise UsageError("No key came on standard input.", fix="--api-key-stdin < FILE")
        return sys.stdin.read(_MOST)
    if name is not None:
        found = app.env.get(name, "")
        if not found:
            raise UsageError(f"The variable {name} is not set.", fix=f"export {name}=…")
        return found
    return None if path is None else _read(path)


def _read(path: str) -> str:
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}.", fix="--api-key-stdin"
        ) from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(f"{path} is no file.", fix="--api-key-stdin")
        if os.name == "posix" and status.st_mode & 0o077:
            raise UsageError(f"Others may read {path}.", fix=f"chmod 600 {quoted(path)}")
        return os.read(descriptor, _MOST).decode("ascii")
    except UnicodeDecodeError:
        raise UsageError(f"{path} holds no key.", fix="--api-key-stdin") from None
    finally:
        os.close(descriptor)
