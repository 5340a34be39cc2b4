"""Writing tasks as JSON lines, one at a time."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import IO, TYPE_CHECKING, Any, ClassVar

from cleo_core import clock
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.output import camel
from cleo_core.paths import atomic_file
from cleo_tasks.importers.jsonl import NAME, VERSION
from cleo_tasks.store import tasks, transfer

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from cleo_core.app import App


#: Line ends of Unicode that JSON allows inside texts.
_BREAKS = ("\x85", "\u2028", "\u2029")


@record
class ExportResult(Declared):
    """What was written: ``edges`` are dependencies, ``external`` those that leave the selection.

    ``file`` is None when the lines went to a stream; ``sha256`` is that of all lines but the last.
    """

    tasks: int
    edges: int
    relations: int
    gate_results: int
    links: int
    phases: int
    external: int
    file: str | None
    sha256: str

    OPTIONAL: ClassVar[tuple[str, ...]] = ()


def export(
    app: App,
    selection: Mapping[str, Any],
    *,
    output: str | None,
    stream: IO[bytes] | None,
    links: bool,
    progress: Callable[[str, int, int | None], None] | None,
) -> ExportResult:
    """Write a selection; see :meth:`cleo_tasks.service.transfer.TransferVerbs.export`.

    :param selection: filter of :func:`cleo_tasks.store.transfer.export_statement` -> value.
    """
    path = None if stream is not None else os.path.abspath(output or default_name())
    target: AbstractContextManager[IO[bytes]]
    if app.dry_run:
        target = open(os.devnull, "wb")  # noqa: SIM115 - closed by the block
    elif path is not None:
        target = atomic_file(path)
    else:
        target = nullcontext(stream)  # type: ignore[arg-type]
    with target as file, app.store("tasks").snapshot():
        writer = _Writer(app, selection, lambda value, data: file.write(data), links=links)
        return writer.run(path, progress)


def lines_of(app: App, selection: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The lines of an export as objects, links included."""
    lines: list[dict[str, Any]] = []
    with app.store("tasks").snapshot():
        _Writer(app, selection, lambda value, data: lines.append(value), links=True).run(None, None)
    return lines


def default_name() -> str:
    """``tasks-20260325-143015.jsonl``."""
    now = clock.now()
    return f"tasks-{now[:10].replace('-', '')}-{now[11:19].replace(':', '')}.jsonl"


class _Writer:
    """Makes the lines of a selection.

    :param take: given each line, as an object and as it is written.
    """

    def __init__(
        self,
        app: App,
        selection: Mapping[str, Any],
        take: Callable[[dict[str, Any], bytes], object],
        *,
        links: bool,
    ) -> None:
        self._app = app
        self._db = app.store("tasks")
        self._take = take
        self._terms = list(selection)
        self._params = {
            name: json.dumps(value) if isinstance(value, list) else value
            for name, value in selection.items()
        }
        self._links = links
        self._digest = hashlib.sha256()
        self._inside: set[str] | None = None
        self._slugs: set[str] = set()
        self._counts = dict.fromkeys(
            ("tasks", "dependencies", "relations", "gateResults", "links", "phases", "external"), 0
        )

    def run(
        self, path: str | None, progress: Callable[[str, int, int | None], None] | None
    ) -> ExportResult:
        if self._terms:
            found = self._db.iterate(transfer.selected_statement(self._terms), **self._params)
            self._inside = {id_ for (id_,) in found}
        self._line(
            {
                "record": "header",
                "format": NAME,
                "version": VERSION,
                "projectId": self._app.project.id,
                "exportedAt": clock.now(),
            }
        )
        total = int(self._db.scalar(transfer.count_statement(self._terms), **self._params))
        for row in self._db.iterate(
            transfer.export_statement(self._terms, links=self._links), **self._params
        ):
            if progress is not None:
                progress("tasks", self._counts["tasks"], total)
            self._line(self._task(row))
        for phase in transfer.phases(self._db):
            if self._inside is None or phase["slug"] in self._slugs:
                self._counts["phases"] += 1
                self._line({"record": "phase", **{camel(key): phase[key] for key in phase}})
        digest = self._digest.hexdigest()
        self._line({"record": "end", **self._counts, "sha256": digest})
        counts = self._counts
        return ExportResult(
            tasks=counts["tasks"],
            edges=counts["dependencies"],
            relations=counts["relations"],
            gate_results=counts["gateResults"],
            links=counts["links"],
            phases=counts["phases"],
            external=counts["external"],
            file=path,
            sha256=digest,
        )

    def _task(self, row: tuple[Any, ...]) -> dict[str, Any]:
        names = transfer.EXPORTED
        line: dict[str, Any] = {"record": "task"}
        for name, value in zip(names, row, strict=False):
            if name in tasks.JSON_FIELDS:
                value = json.loads(value)
            line[camel(name)] = bool(value) if name == "no_auto_complete" else value
        labels, dependencies, relations, gates, links = map(_loaded, row[len(names) :])
        line["labels"] = labels
        line["dependencies"] = self._kept(line, dependencies, "dependsOn", "externalDepends")
        line["relations"] = self._kept(line, relations, "relatedTo", "externalRelations")
        line["gateResults"] = gates
        if self._links:
            line["links"] = links
        parent = line["parentId"]
        if parent is not None and self._inside is not None and parent not in self._inside:
            line["parentId"], line["externalParent"] = None, parent
            self._counts["external"] += 1
        if line["phase"] is not None:
            self._slugs.add(line["phase"])
        for name, listed in (
            ("dependencies", line["dependencies"]),
            ("relations", line["relations"]),
            ("gateResults", gates),
            ("links", links),
        ):
            self._counts[name] += len(listed)
        self._counts["tasks"] += 1
        return line

    def _kept(
        self, line: dict[str, Any], edges: list[dict[str, Any]], end: str, outside: str
    ) -> list[dict[str, Any]]:
        """The edges inside the selection; the others are put into the line under another key."""
        if self._inside is None:
            return edges
        left = [edge for edge in edges if edge[end] not in self._inside]
        if left:
            line[outside] = left
            self._counts["external"] += len(left)
        return [edge for edge in edges if edge[end] in self._inside]

    def _line(self, value: dict[str, Any]) -> None:
        text = json.dumps(value, ensure_ascii=False)
        if not text.isprintable():
            # Some readers take these for the end of a line.
            for char in _BREAKS:
                text = text.replace(char, f"\\u{ord(char):04x}")
        data = text.encode() + b"\n"
        self._digest.update(data)
        self._take(value, data)


def _loaded(text: str | None) -> list[Any]:
    loaded: list[Any] = json.loads(text or "[]")
    return loaded
