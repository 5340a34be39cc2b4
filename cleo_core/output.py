"""What a command prints: the envelope for programs, tables for people, one value, or ids."""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, TextIO

from cleo_core import clock
from cleo_core.api.declared import Declared, field_names
from cleo_core.errors import CleoError, UsageError

Human = Callable[["Printer"], None]


class Page:
    """Where a list stands in the whole: ``total`` counts all matching rows."""

    __slots__ = ("limit", "offset", "total")

    def __init__(self, limit: int, offset: int, total: int) -> None:
        self.limit = limit
        self.offset = offset
        self.total = total

    def as_json(self, shown: int) -> dict[str, Any]:
        """``{limit, offset, total, hasMore}``, given how many rows are shown."""
        return {
            "limit": self.limit,
            "offset": self.offset,
            "total": self.total,
            "hasMore": self.offset + shown < self.total,
        }


class Result:
    """What a command callback returns.

    :param data: JSON-ready values and records (dataclasses).
    :param page: set by every list.
    :param human: prints the same for people.
    :param ids: what ``--quiet`` prints; by default the ids found in ``data``.
    :param meta: further keys of the envelope's ``meta``.
    :param raw: text printed as it is, in place of an envelope (a completion script, an export).
    :param exit: exit code of a command that succeeded in finding a fault.
    """

    __slots__ = ("data", "exit", "human", "ids", "meta", "page", "raw")

    def __init__(
        self,
        data: Any,
        *,
        page: Page | None = None,
        human: Human | None = None,
        ids: Sequence[str] | None = None,
        meta: Mapping[str, Any] | None = None,
        raw: str | None = None,
        exit: int = 0,
    ) -> None:
        self.data = data
        self.page = page
        self.human = human
        self.ids = ids
        self.meta = dict(meta) if meta else {}
        self.raw = raw
        self.exit = exit


def camel(name: str) -> str:
    """``parent_id`` as ``parentId``."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def to_json(value: Any) -> Any:
    """Records as objects with camelCase keys; mappings, lists and plain values as they are.

    A record leaves out the fields its class names in ``OPTIONAL`` when they are None.
    """
    if isinstance(value, Declared):
        fields: Iterable[str] | None = field_names(value)
    else:
        fields = getattr(value, "__dataclass_fields__", None)
    if fields is not None:
        optional = getattr(value, "OPTIONAL", ())
        return {
            camel(name): to_json(item)
            for name in fields
            if name != "OPTIONAL"
            and ((item := getattr(value, name)) is not None or name not in optional)
        }
    if isinstance(value, Mapping):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [to_json(item) for item in value]
    return value


def dumps(value: Any, *, indent: int | None = None) -> str:
    """JSON text as CLEO writes it: UTF-8 characters kept, lone surrogates escaped."""
    import json

    text = json.dumps(value, ensure_ascii=False, indent=indent)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, ensure_ascii=True, indent=indent)
    return text


def wants_json(argv: Sequence[str], env: Mapping[str, str], *, terminal: bool) -> bool:
    """Whether the envelope is printed: the last of ``--json``/``--human``, else ``CLEO_FORMAT``,
    else whether stdout is not a terminal.
    """
    options = argv[: argv.index("--")] if "--" in argv else argv
    for word in reversed(options):
        if word in ("--json", "--human"):
            return word == "--json"
    word = env.get("CLEO_FORMAT", "").strip().lower()
    if word in ("json", "human"):
        return word == "json"
    return not terminal


class Output:
    """Where and how one command prints.

    :param json_format: the envelope, else people's output.
    :param field: dotted path of the one value to print.
    :param quiet: ids only.
    """

    def __init__(
        self,
        *,
        json_format: bool,
        field: str | None = None,
        quiet: bool = False,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
        env: Mapping[str, str] = os.environ,
    ) -> None:
        self.json_format = json_format
        self.field = field
        self.quiet = quiet
        self.stdout = stdout or sys.stdout
        self.stderr = stderr or sys.stderr
        self.env = env

    def result(self, result: Result, meta: Mapping[str, Any]) -> None:
        """Print a success.

        :raises UsageError: ``--field`` names nothing in the data.
        """
        warnings = meta.get("warnings", ())
        if result.raw is not None:
            self._write(result.raw)
            if result.data is not None:
                envelope = {"success": True, "data": to_json(result.data), "meta": dict(meta)}
                print(dumps(envelope), file=self.stderr)
            else:
                self._warnings(warnings)
            return
        data = to_json(result.data)
        if self.field is not None:
            text = _plain(select(data, self.field))
            self._write((visible(text) if self.stdout.isatty() else text) + "\n")
        elif self.quiet:
            for item in result.ids if result.ids is not None else ids_in(data):
                self._write(f"{item}\n")
        elif self.json_format:
            envelope = {"success": True, "data": data}
            if result.page is not None:
                envelope["page"] = result.page.as_json(_length(data))
            envelope["meta"] = {**meta, **result.meta}
            self._write_json(envelope)
            return
        else:
            printer = Printer(self.stdout, self.env)
            if result.human is not None:
                result.human(printer)
            else:
                printer.line(dumps(data, indent=2))
            if result.page is not None and _length(data) < result.page.total:
                printer.line(
                    f"{_length(data)} of {result.page.total} shown, from {result.page.offset}; "
                    "more with --limit and --offset."
                )
        self._warnings(warnings)

    def failure(self, error: CleoError, meta: Mapping[str, Any]) -> None:
        """Print an error: the envelope on stdout, or two lines on stderr."""
        body: dict[str, Any] = {
            "code": error.code,
            "exit": error.exit,
            "message": error.message,
            "fix": error.fix,
        }
        if error.details:
            body["details"] = to_json(error.details)
        if self.json_format:
            self._write_json({"success": False, "error": body, "meta": dict(meta)})
            return
        if error.human is not None and not self.quiet:
            error.human(Printer(self.stdout, self.env))
        self._say(f"error: {error.message} [{error.code}]")
        for problem in error.details.get("problems", ()):
            self._say(f"  {problem['field'] or '-'}: {problem['message']}")
        if error.fix:
            self._say(f"  fix: {error.fix}")
        self._warnings(meta.get("warnings", ()))

    def _warnings(self, warnings: Iterable[Mapping[str, Any]]) -> None:
        for warning in warnings:
            self._say(f"warning: {warning['message']}")

    def _say(self, text: str) -> None:
        print(visible(text), file=self.stderr)

    def _write_json(self, envelope: Mapping[str, Any]) -> None:
        try:
            self.stdout.write(dumps(envelope) + "\n")
        except UnicodeEncodeError:
            # This stream's encoding lacks a character; JSON can spell each of them in ASCII.
            import json

            self.stdout.write(json.dumps(envelope) + "\n")

    def _write(self, text: str) -> None:
        try:
            self.stdout.write(text)
        except UnicodeEncodeError:
            encoding = getattr(self.stdout, "encoding", None) or "utf-8"
            self.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))


class Printer:
    """People's output: lines and tables on stdout; colour only on a terminal without NO_COLOR."""

    def __init__(self, stream: TextIO, env: Mapping[str, str] = os.environ) -> None:
        self.stream = stream
        self.terminal = stream.isatty()
        self._env = env
        self._console: Any = None
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            # A character that the terminal's encoding lacks is shown as an escape.
            stream.reconfigure(errors="backslashreplace")

    @property
    def console(self) -> Any:
        """The rich console, made when it is first needed."""
        if self._console is None:
            from rich.console import Console

            self._console = Console(
                file=self.stream,
                no_color=bool(self._env.get("NO_COLOR")),
                highlight=False,
                soft_wrap=not self.terminal,
                width=None if self.terminal else 120,
            )
        return self._console

    def line(self, text: str = "", style: str | None = None) -> None:
        """One line of text, never interpreted as markup."""
        if self.terminal and style:
            self.console.print(visible(text), style=style, markup=False)
        else:
            self.stream.write(visible(text) + "\n")

    def table(
        self,
        columns: Sequence[str],
        rows: Iterable[Sequence[Any]],
        *,
        styles: Mapping[str, str] | None = None,
        whole: Collection[str] = (),
    ) -> None:
        """Rows under column headings; cells are text, never markup.

        :param whole: columns whose cells are not broken while others can be: what people copy.
        """
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(
                column,
                overflow="fold",
                style=(styles or {}).get(column),
                no_wrap=column in whole,
            )
        for row in rows:
            table.add_row(*(Text(visible("" if cell is None else str(cell))) for cell in row))
        self.console.print(table)


def visible(text: str) -> str:
    """Text safe for a terminal: control characters but newline and tab are shown as ``\\x1b``."""
    if text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return "".join(
        char
        if char in "\n\t" or char.isprintable() or _is_harmless(ord(char))
        else f"\\x{ord(char):02x}"
        for char in text
    )


def _is_harmless(number: int) -> bool:
    """Whether a character that is not printable is none that steers: joiners, wide spaces."""
    return number > 0x2000 and not 0xD800 <= number <= 0xDFFF and number not in _BIDI


_BIDI = frozenset((*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F))


def select(data: Any, path: str) -> Any:
    """The value at a dotted path; numbers index lists.

    :raises UsageError: nothing is there.
    """
    value = data
    for part in path.split("."):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list) and _is_index(part) and _has(value, int(part)):
            value = value[int(part)]
        else:
            known = (
                ", ".join(map(str, value)) if isinstance(value, Mapping) else type(value).__name__
            )
            raise UsageError(
                f"--field {path}: there is no {part!r} here; known: {known or 'nothing'}.",
                fix="the same command with --json",
            )
    return value


def ids_in(data: Any) -> list[str]:
    """The ids a result is about: its own, or those of the records it lists."""
    if isinstance(data, Mapping):
        if isinstance(data.get("id"), str):
            return [data["id"]]
        for value in data.values():
            found = ids_in(value) if isinstance(value, (Mapping, list)) else []
            if found:
                return found
        return []
    if isinstance(data, list):
        return [found for item in data for found in ids_in(item)[:1]]
    return []


def meta(
    operation: str,
    request_id: str,
    started: float,
    warnings: Sequence[Mapping[str, Any]] = (),
    **more: Any,
) -> dict[str, Any]:
    """The envelope's ``meta``; ``started`` is a reading of ``time.perf_counter``."""
    result: dict[str, Any] = {
        "operation": operation,
        "requestId": request_id,
        "durationMs": round((time.perf_counter() - started) * 1000, 1),
        "timestamp": clock.now(),
    }
    if warnings:
        result["warnings"] = [dict(warning) for warning in warnings]
    result.update({key: value for key, value in more.items() if value is not None})
    return result


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return dumps(value)


def _length(data: Any) -> int:
    if isinstance(data, list):
        return len(data)
    if isinstance(data, Mapping):
        return next((len(value) for value in data.values() if isinstance(value, list)), 1)
    return 1


def _is_index(part: str) -> bool:
    """Whether a part of a path is an ASCII number, few enough digits for ``int`` to take."""
    digits = part.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) < 20


def _has(values: list[Any], index: int) -> bool:
    return -len(values) <= index < len(values)
