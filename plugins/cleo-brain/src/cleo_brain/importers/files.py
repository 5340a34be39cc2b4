"""Reading a source: what kind of file it is, its lines, its JSON."""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Iterator
from typing import Any, NoReturn

from cleo_core.database.opening import header
from cleo_core.errors import ValidationError, shortened
from cleo_core.inputs import MOST_LEVELS, too_deep
from cleo_core.paths import file_error

#: Bytes of a line, and of a whole file that is not read line by line.
LONGEST_LINE = 4 * 1024 * 1024
LONGEST_FILE = 512 * 1024 * 1024


def require_file(path: str) -> None:
    """Refuse what is no regular file; a link to one is followed.

    :raises CleoError: 3, it cannot be read; 6, it is a directory, a pipe or a device.
    """
    if not path or "\0" in path:
        raise ValidationError("The path is empty or holds a NUL.", fix="cleo memory import PATH")
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        raise file_error(error, path) from error
    except ValueError:
        raise ValidationError(f"{shortened(path)!a} is no name of a file.", fix="ls") from None
    if not stat.S_ISREG(mode):
        raise ValidationError(
            f"{shortened(path)} is no file but a directory, a pipe or a device.",
            fix="cleo memory import FILE",
        )


def is_database(path: str) -> bool:
    """Whether a file begins like an SQLite database."""
    try:
        return header(path)[1] is not None
    except OSError as error:
        raise file_error(error, path) from error


def lines(path: str) -> Iterator[tuple[int, str | None]]:
    """Number and text of each line; None for a line that is too long or no UTF-8."""
    try:
        with open(path, "rb") as file:
            number = 0
            while data := file.readline(LONGEST_LINE + 1):
                number += 1
                if len(data) > LONGEST_LINE and not data.endswith(b"\n"):
                    while (rest := file.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                        pass
                    yield number, None
                    continue
                try:
                    yield number, data.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError:
                    yield number, None
    except OSError as error:
        raise file_error(error, path) from error


def text(path: str) -> str:
    """A whole file.

    :raises ValidationError: it is too long or no UTF-8.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(LONGEST_FILE + 1)
    except OSError as error:
        raise file_error(error, path) from error
    if len(data) > LONGEST_FILE:
        raise ValidationError(f"{shortened(path)} is too long to be read.", fix="ls -l")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValidationError(
            f"{shortened(path)} is no text in UTF-8.", fix="cleo memory import FILE"
        ) from None


def parsed(source: str) -> Any:
    """A JSON text; numbers that JSON does not have are refused.

    :raises ValueError: it is none, or nested too deeply.
    """
    try:
        value = _DECODE(source)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    # What has fewer brackets than levels are allowed needs no closer look.
    if source.count("[") + source.count("{") > MOST_LEVELS and too_deep(value):
        raise ValueError("it is nested too deeply")
    return value


def listed(value: Any) -> Any:
    """A list as programs keep it in one column: a list, JSON text of one, or one text."""
    if value is None or value == "":
        return []
    if isinstance(value, str):
        try:
            found = parsed(value)
        except ValueError:
            return [value]
        return found if isinstance(found, list) else [value]
    return value


def _refused(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")


def _finite(word: str) -> float:
    number = float(word)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


#: ``json.loads`` would make a decoder for every line.
_DECODE = json.JSONDecoder(parse_constant=_refused, parse_float=_finite).decode
