"""First step of an import: the file, read once into scratch tables, validated and settled."""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Callable, Sequence
from typing import Any

from cleo_core.database import Scratch
from cleo_core.inputs import without_user
from cleo_tasks.enums import OPEN_STATUS
from cleo_tasks.importers import Importer, mapping
from cleo_tasks.importers.row import Edge, Row, SkippedError
from cleo_tasks.importers.source import Item, MalformedError, Source
from cleo_tasks.store import staging as store

_CANONICAL = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")
).encode
_JSON = json.JSONEncoder(ensure_ascii=False).encode

#: Rows that go into the scratch tables together.
_BLOCK = 200
#: Levels of nesting that a row may have; SQLite's JSON ends at a thousand.
_DEEPEST = 200


class Staging:
    """What was read, and where it lies.

    :param spell: a foreign id as links have it.
    :ivar rows: how many there were.
    :ivar edge_starts: index of each row's first edge, by row; rows count from 1.
    """

    def __init__(
        self,
        scratch: Scratch,
        importer: Importer,
        *,
        assignees: bool,
        now: str,
        spell: Callable[[str], str],
    ) -> None:
        self._scratch = scratch
        self._importer = importer
        self._assignees = assignees
        self._now = now
        self._spell = spell
        self._rows: list[tuple[Any, ...]] = []
        self._edges: list[tuple[Any, ...]] = []
        self.rows = 0
        self.edges = 0
        self.understood = 0
        self.edge_starts = array("i", [0])

    def read(self, source: Source) -> None:
        """Read the whole file.

        :raises CleoError: ``E_VALIDATION``, it is not of the importer's format.
        """
        if source.binary():
            raise source.refused(
                f"this is not {self._importer.FORMAT}: it is no text.", self._importer.FIX
            )
        for item in self._importer.items(source):
            self.rows += 1
            self.edge_starts.append(self.edges)
            self._rows.append(self._row(item))
            if len(self._rows) >= _BLOCK:
                self._flush()
        self._flush()
        if self.rows and not self.understood:
            first = self._scratch.one(store.PROBLEMS, limit=1) or {}
            raise source.refused(
                f"this is not {self._importer.FORMAT}: {first.get('message')}.",
                self._importer.FIX,
                first.get("line"),
            )
        with self._scratch.together():
            self._scratch.execute(store.INDEX_KEYS)
            self._scratch.execute(store.REFUSE_DUPLICATES)

    def _row(self, item: Item) -> tuple[Any, ...]:
        key, edges = None, self.edges
        try:
            if isinstance(item.value, MalformedError):
                raise item.value
            value = item.value
            derived = [name for name in self._importer.DERIVED if name in value]
            if derived:
                value = {name: one for name, one in value.items() if name not in derived}
            hashed = digest(value)
            row = Row(value, assignees=self._assignees)
            row.marks += [f"dropped_{name}" for name in derived]
            try:
                self._importer.settle(value, row)
            finally:
                key = row.key or None
            self._respell(row)
            key = row.key
            mapping.settle(row, self._now)
            body = _body(row)
            self._take_edges(row)
        except SkippedError as skip:
            self.understood += 1
            return self._left_out(item, key, skip.reason, None)
        except MalformedError as problem:
            self.edges = edges
            return self._left_out(item, key, problem.reason, problem.message)
        self.understood += 1
        columns = row.columns
        return (
            self.rows,
            item.line,
            row.key,
            hashed,
            None,
            None,
            columns.get("type"),
            int(row.epic),
            columns["status"],
            row.sibling,
            row.number,
            len(row.labels),
            len(row.notes),
            len(row.gates),
            *(row.phase or (None, None)),
            ",".join(row.marks) or None,
            body,
        )

    def _left_out(
        self, item: Item, key: str | None, reason: str, message: str | None
    ) -> tuple[Any, ...]:
        return (self.rows, item.line, _printable(key), None, reason, message, *(None,) * 12)

    def _respell(self, row: Row) -> None:
        """Have the row's id, and those of its edges, spelled as links spell them."""
        row.key = self._spell(row.key)
        for place, edge in enumerate(row.edges):
            ends = {"source": self._spell(edge.source), "target": self._spell(edge.target)}
            if ends["target"] != edge.target and edge.original is None:
                ends["original"] = edge.target
            row.edges[place] = edge._replace(**ends)

    def _take_edges(self, row: Row) -> None:
        for edge in row.edges:
            self.edges += 1
            self._edges.append(
                (
                    self.edges,
                    self.rows,
                    edge.kind,
                    None if edge.source == row.key else edge.source,
                    edge.target,
                    edge.type,
                    edge.reason,
                    edge.at,
                    edge.by,
                )
            )

    def _flush(self) -> None:
        self._scratch.fill(store.ADD_ROW, self._rows)
        self._scratch.fill(store.ADD_EDGE, self._edges)
        self._rows.clear()
        self._edges.clear()


def is_open(status: str) -> bool:
    """Whether a status counts as open."""
    return status in OPEN_STATUS


def digest(value: dict[str, Any]) -> str:
    """SHA-256 of a source row, whatever the order of its keys.

    :raises MalformedError: it holds what cannot be stored.
    """
    try:
        text = _CANONICAL(value)
        data = text.encode("utf-8")
    except TypeError:
        raise MalformedError("bad JSON", "it holds what JSON has no word for") from None
    except UnicodeEncodeError:
        raise MalformedError("bad text", "half a surrogate pair") from None
    except ValueError:
        raise MalformedError("bad number", "a number is out of range") from None
    except RecursionError:
        raise _too_deep() from None
    if text.count("[") + text.count("{") > _DEEPEST and _depth(value) > _DEEPEST:
        raise _too_deep()
    if "\\u0000" in text and _has_nul(value):
        raise MalformedError("bad text", "a NUL character")
    return hashlib.sha256(data).hexdigest()


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [
            inner
            for outer in level
            if isinstance(outer, (list, dict))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return depth


def _too_deep() -> MalformedError:
    return MalformedError("bad JSON", f"nested more than {_DEEPEST} levels deep")


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(map(_has_nul, value)) or any(map(_has_nul, value.values()))
    return isinstance(value, list) and any(map(_has_nul, value))


def _body(row: Row) -> str:
    """What the later steps need of a row, as JSON."""
    return _JSON(
        {
            "columns": row.columns,
            "labels": row.labels,
            "metadata": row.metadata(),
            "edges": [_edge(edge) for edge in row.edges],
            "gates": row.gates,
            "links": row.links,
            "reopened": {name: one for name, one in row.reopened.items() if one is not None},
            "url": None if row.url is None else without_user(row.url),
            "unsaid": row.unsaid,
        }
    )


def _edge(edge: Edge) -> Sequence[Any]:
    """The edge as the metadata would keep it: where, and what."""
    return (
        edge.kind,
        edge.target,
        edge.field,
        edge.target if edge.original is None else edge.original,
    )


def _printable(key: str | None) -> str | None:
    """A key that can be stored: a row may be left out because of what its id holds."""
    return None if key is None else key.encode("utf-8", "replace").decode().replace("\0", "?")
