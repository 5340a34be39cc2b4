"""Reading a foreign file once, row by row, in memory that does not grow with the file."""

from __future__ import annotations

import codecs
import io
import json
import os
import re
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, NamedTuple, cast

from cleo_core.errors import CleoError, UsageError, ValidationError
from cleo_core.paths import file_error

#: Bytes of one row at most; what is longer is no task that people or agents wrote.
LONGEST_ROW = 8 * 1024 * 1024

_CHUNK = 256 * 1024
_SPACE = " \t\r\n"
_IN_TEXT = re.compile(r'["\\]')
_OUTSIDE = re.compile(r'["{}\[\]]')

Progress = Callable[[str, int, int | None], None]


class MalformedError(Exception):
    """A row that cannot be understood: the reason as the result counts it, and in words."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class Item(NamedTuple):
    """One row of a file: its line, and its object or why there is none."""

    line: int
    value: dict[str, Any] | MalformedError


class Source:
    """A file to import from; ``-`` is stdin.

    :param progress: told ``("bytes", read, size)``.
    :param tags: of a file with several lists, those that are wanted; none are all.
    :ivar scope: what the ids of the file are unique within; set by the importer that needs it.
    :ivar facts: what the importer learnt beside the rows.
    :raises CleoError: the file cannot be read.
    """

    def __init__(
        self, path: str, progress: Progress | None = None, tags: Sequence[str] = ()
    ) -> None:
        self.path = path
        self.tags = tags
        self.name = "standard input" if path == "-" else os.path.basename(path)
        self.scope: str | None = None
        self.facts: dict[str, Any] = {}
        self.read_bytes = 0
        self.size: int | None = None
        self._progress = progress
        self._file = self._open()

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.path != "-":
            self._file.close()

    def lines(self, longest: int = LONGEST_ROW) -> Iterator[tuple[int, bytes, bool]]:
        """``(number, bytes with the newline, whole)``; a line that is too long comes in pieces.

        ``whole`` is False for each piece of such a line.
        """
        number = 0
        try:
            while data := self._file.readline(longest + 1):
                number += 1
                self._count(len(data))
                whole = len(data) <= longest or data.endswith(b"\n")
                yield number, data, whole
                while not whole and not data.endswith(b"\n"):
                    data = self._file.readline(longest + 1)
                    if not data:
                        break
                    self._count(len(data))
                    yield number, data, False
        except OSError as error:
            raise file_error(error, self.path) from error

    def objects(self) -> Iterator[Item]:
        """One JSON object per line; blank lines are none."""
        last = 0
        for number, data, whole in self.lines():
            if not whole:
                if number != last:
                    last = number
                    yield Item(number, _too_long())
                continue
            if number == 1:
                data = data.removeprefix(codecs.BOM_UTF8)
            if data.strip():
                yield Item(number, parse_line(data))

    def chunks(self) -> Iterator[bytes]:
        """The file in pieces."""
        try:
            while data := self._file.read(_CHUNK):
                self._count(len(data))
                yield data
        except OSError as error:
            raise file_error(error, self.path) from error

    def peek(self) -> bytes:
        """The first byte that is no blank, without taking it."""
        return self.beginning().lstrip()[:1]

    def beginning(self) -> bytes:
        """The first bytes, some hundreds at least, without taking them."""
        return self._beginning().removeprefix(codecs.BOM_UTF8)

    def begins_with(self, *keys: bytes) -> bool:
        """Whether the first of the file is an object with one of these keys first."""
        head = self.beginning().lstrip()
        return head[:1] == b"{" and head[1:].lstrip().startswith(keys)

    def binary(self) -> bool:
        """Whether the file begins like no text at all."""
        return b"\0" in self._beginning()

    def refused(self, message: str, fix: str, line: int | None = None) -> CleoError:
        """The error for a file that is not of the format at all."""
        where = f"{self.name}, line {line}" if line else self.name
        facts = {} if line is None else {"line": line}
        return ValidationError(f"{where}: {message}", fix=fix, file=self.path, **facts)

    def _open(self) -> BinaryIO:
        if self.path == "-":
            stdin = sys.stdin.buffer
            return stdin if hasattr(stdin, "peek") else io.BufferedReader(cast(Any, stdin))
        try:
            file = open(self.path, "rb")  # noqa: SIM115 - closed by __exit__
        except OSError as error:
            raise file_error(error, self.path) from error
        except ValueError:
            raise UsageError(f"{self.path!r} is no path.", fix="ls -l") from None
        status = os.fstat(file.fileno())
        if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
            # /dev/zero never ends a line.
            file.close()
            raise ValidationError(f"{self.path} is a device, not a file.", fix=f"file {self.path}")
        self.size = status.st_size if stat.S_ISREG(status.st_mode) else None
        return file

    def _beginning(self) -> bytes:
        try:
            peeked: bytes = self._file.peek(1024)  # type: ignore[attr-defined]
        except OSError as error:
            raise file_error(error, self.path) from error
        return peeked

    def _count(self, length: int) -> None:
        self.read_bytes += length
        if self._progress is not None:
            self._progress("bytes", self.read_bytes, self.size)


def parse_line(data: bytes) -> dict[str, Any] | MalformedError:
    """The JSON object of a line."""
    try:
        return _object(loads(data.decode("utf-8")))
    except UnicodeDecodeError as error:
        return MalformedError("bad text", f"not UTF-8: {error.reason}")
    except (ValueError, RecursionError) as error:
        return MalformedError("bad JSON", f"not JSON: {error}")


def loads(text: str) -> Any:
    """A JSON value; NaN and infinities, which are none, are refused.

    :raises ValueError: the text is not JSON.
    :raises RecursionError: it is nested too deeply.
    """
    return _DECODER.decode(text)


class Document:
    """A JSON document with a long list in it, read without holding the list.

    :ivar others: the short texts, numbers and flags beside it, by dotted path.
    :ivar paths: where lists were found, the one that is being read last.

    :param lists: where the list may stand, as key paths, in which None is any key; ``()`` is the
        document itself.
    :param fix: for the error when it is nowhere.
    :param several: read all such lists, not only the first.
    """

    def __init__(
        self,
        source: Source,
        lists: Sequence[tuple[str | None, ...]],
        fix: str,
        *,
        several: bool = False,
    ) -> None:
        self.source = source
        self.fix = fix
        self.others: dict[str, Any] = {}
        self.paths: list[tuple[str, ...]] = []
        self._lists = lists
        self._several = several
        self._chunks = source.chunks()
        self._decode = codecs.getincrementaldecoder("utf-8-sig")()
        self._text = ""
        self._at = 0
        self._line = 1
        self._ended = False

    def items(self) -> Iterator[Item]:
        """The list's entries; :attr:`others` is complete when they have been read.

        :raises CleoError: ``E_VALIDATION``, no JSON, or no list where one is looked for.
        """
        yield from self._value(())
        if self._next():
            raise self._broken("something follows the end of the document")
        if not self.paths:
            raise self.source.refused("there is no list of tasks in it.", self.fix)

    def _value(self, path: tuple[str, ...]) -> Iterator[Item]:
        first = self._next()
        ways = [
            len(one)
            for one in self._lists
            if len(one) >= len(path)
            and all(key in (None, at) for key, at in zip(one, path, strict=False))
        ]
        if first == "[" and len(path) in ways and (self._several or not self.paths):
            self.paths.append(path)
            yield from self._entries()
        elif first == "{" and ways:
            yield from self._members(path)
        else:
            self._keep(path, self._whole())

    def _keep(self, path: tuple[str, ...], value: Any) -> None:
        """Keep a short value that stands beside the list."""
        if isinstance(value, dict):
            for key, one in value.items():
                self._keep((*path, key), one)
        elif isinstance(value, (str, int, float)) and len(str(value)) < 1000:
            self.others[".".join(path)] = value

    def _members(self, path: tuple[str, ...]) -> Iterator[Item]:
        self._at += 1
        if self._next() == "}":
            self._at += 1
            return
        while True:
            if self._next() != '"':
                raise self._broken("a key was expected")
            key = self._whole()
            if self._next() != ":":
                raise self._broken("a colon was expected")
            self._at += 1
            yield from self._value((*path, key))
            if self._separated("}"):
                return

    def _entries(self) -> Iterator[Item]:
        self._at += 1
        if self._next() == "]":
            self._at += 1
            return
        while True:
            self._next()
            line = self._line
            value = self._whole()
            yield Item(line, value if isinstance(value, MalformedError) else _object(value))
            if self._separated("]"):
                return

    def _separated(self, end: str) -> bool:
        """Pass over a comma, or the end of what is being read; says which."""
        char = self._next()
        if char not in (",", end) or not char:
            raise self._broken(f"a comma or {end} was expected")
        self._at += 1
        return char == end

    def _whole(self) -> Any:
        """The value that begins here, or :class:`MalformedError` when it is too long to hold."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
                if end < len(self._text) or self._ended:
                    long = end - self._at > LONGEST_ROW
                    self._pass(end)
                    return _too_long() if long else value
            except json.JSONDecodeError as error:
                cut = error.pos >= len(self._text) - 16 or error.msg.startswith("Unterminated")
                if self._ended or not cut:
                    raise self._broken(f"not JSON: {error.msg}", error.pos) from None
            except (ValueError, RecursionError) as error:
                raise self._broken(f"not JSON: {error}") from None
            if len(self._text) - self._at > LONGEST_ROW:
                return self._skip()
            # As much again, so that a long value is not read over and over.
            self._more(min(max(_CHUNK, len(self._text) - self._at), LONGEST_ROW))

    def _skip(self) -> MalformedError:
        """Pass over an object, a list or a text too long to hold, by its brackets and quotes."""
        depth, quoted = 0, False
        while True:
            at = self._at
            while found := (_IN_TEXT if quoted else _OUTSIDE).search(self._text, at):
                at = found.end()
                char = found[0]
                if char == '"':
                    quoted = not quoted
                elif char in "{[":
                    depth += 1
                elif char in "}]":
                    depth -= 1
                elif at == len(self._text):
                    # The character that the backslash stands before has not been read yet.
                    at -= 1
                    break
                else:
                    at += 1
                if depth == 0 and not quoted:
                    self._pass(at)
                    return _too_long()
            else:
                at = len(self._text)
            self._pass(at)
            if not self._more(_CHUNK):
                raise self._broken("the file ends inside a value")

    def _next(self) -> str:
        """The next character that is no blank, left where it is; empty at the end of the file."""
        while True:
            while self._at < len(self._text):
                char = self._text[self._at]
                if char not in _SPACE:
                    return char
                if char == "\n":
                    self._line += 1
                self._at += 1
            if not self._more(_CHUNK):
                return ""

    def _pass(self, end: int) -> None:
        self._line += self._text.count("\n", self._at, end)
        self._at = end

    def _more(self, least: int) -> bool:
        """Read on and drop what has been passed over; False at the end of the file."""
        if self._ended:
            return False
        parts = [self._text[self._at :]]
        while least > 0 and not self._ended:
            data = next(self._chunks, b"")
            self._ended = not data
            try:
                parts.append(self._decode.decode(data, final=self._ended))
            except UnicodeDecodeError as error:
                raise self.source.refused(f"not UTF-8: {error.reason}.", self.fix) from None
            least -= len(data)
        self._text = "".join(parts)
        self._at = 0
        return True

    def _broken(self, message: str, position: int | None = None) -> CleoError:
        line = self._line
        if position is not None:
            line += self._text.count("\n", self._at, position)
        return self.source.refused(f"{message}.", self.fix, line)


def _refuse_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _object(value: Any) -> dict[str, Any] | MalformedError:
    if isinstance(value, dict):
        return value
    kind = {list: "a list", str: "text", type(None): "null"}.get(type(value), "a number or word")
    return MalformedError("not an object", f"{kind} where an object was expected")


def _too_long() -> MalformedError:
    return MalformedError("too long", f"longer than {LONGEST_ROW} bytes")
