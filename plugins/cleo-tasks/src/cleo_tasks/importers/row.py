"""One source row on its way to becoming a task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cleo_tasks.importers.source import MalformedError

#: Kinds of edges: a dependency, a relation, the parent, and the parent that an id only hints at.
DEPENDENCY, RELATION, PARENT, HINT = "d", "r", "p", "h"


class SkippedError(Exception):
    """A row that is understood and not imported; the reason is what the result counts."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Edge(NamedTuple):
    """An edge between two ids of the file.

    :param type: of a relation.
    :param field: where the source says it, and ``original`` how (None: as the target's id), for the
        metadata should the target not be found.
    """

    kind: str
    source: str
    target: str
    type: str | None = None
    reason: str | None = None
    at: str | None = None
    by: str | None = None
    field: str = ""
    original: Any = None


class Gate(NamedTuple):
    """A result of a verification gate."""

    gate: str
    result: str
    round: int
    agent_id: str | None
    evidence: list[Any]
    reason: str | None
    checked_at: str | None


class Link(NamedTuple):
    """A link to a third tracker that the source row brings along."""

    provider: str
    external_id: str
    url: str | None
    title: str | None
    type: str
    direction: str
    updated_at: str | None
    content_hash: str | None
    metadata: dict[str, Any]
    linked_at: str | None
    last_sync_at: str | None


class Row:
    """What an importer makes of one source row.

    Importers take values out of :attr:`rest` with the ``take_*`` methods, which check types, and
    put settled ones where they belong. What is still in ``rest`` at the end, and what was put into
    :attr:`kept`, becomes ``metadata.import.<provider>``.

    :ivar key: the row's id in the file.
    :ivar columns: of ``tasks``, by field name.
    :ivar epic: the source calls it something like an epic.
    :ivar sibling: place among the siblings, where the source has one.
    :ivar number: the task number that the row insists on.
    :ivar reopened: originals to keep if the task has to be opened for the sake of its children.
    :ivar unsaid: columns that were filled in though the source says nothing of them.
    :ivar marks: what was done to the row beyond mapping: ``title_cut`` …
    """

    def __init__(self, raw: Mapping[str, Any], *, assignees: bool = True) -> None:
        self.rest: dict[str, Any] = {
            name: value for name, value in raw.items() if value is not None
        }
        self.assignees = assignees
        self.key = ""
        self.columns: dict[str, Any] = {}
        self.labels: list[str] = []
        self.notes: list[dict[str, Any]] = []
        self.edges: list[Edge] = []
        self.gates: list[Gate] = []
        self.links: list[Link] = []
        self.phase: tuple[str, str] | None = None
        self.epic = False
        self.sibling: int | None = None
        self.number: int | None = None
        self.kept: dict[str, Any] = {}
        self.reopened: dict[str, Any] = {}
        self.marks: list[str] = []
        self.url: str | None = None
        self.unsaid: list[str] = []

    def metadata(self) -> dict[str, Any]:
        """Everything of the source row that no column has."""
        return {**self.rest, **self.kept}

    def keep(self, name: str, original: Any) -> None:
        """Keep a value of the source as it was, beside what was made of it."""
        if original is not None:
            self.kept[name] = original

    def take_text(self, name: str) -> str | None:
        """A text; None when it is absent or empty.

        :raises MalformedError: it is something else.
        """
        value = self.rest.pop(name, None)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise _wrong(name, "text", value)
        return value

    def take_id(self, name: str) -> str:
        """The row's id: a text, or a number as one.

        :raises MalformedError: there is none.
        """
        value = self.rest.pop(name, None)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if value is not None and not isinstance(value, str):
            raise _wrong(name, "text", value)
        if not value or not value.strip():
            raise MalformedError("no id", f"{name} is missing")
        if len(value) > 300:
            raise MalformedError("wrong type", f"{name} has {len(value)} characters")
        return value

    def take_list(self, name: str) -> list[Any]:
        """A list, empty when it is absent.

        :raises MalformedError: it is something else.
        """
        value = self.rest.pop(name, None)
        if value is None:
            return []
        if not isinstance(value, list):
            raise _wrong(name, "a list", value)
        return value

    def take_flag(self, name: str) -> bool:
        """Whether a flag is set.

        :raises MalformedError: it is something else.
        """
        value = self.rest.pop(name, None)
        if value is None:
            return False
        if not isinstance(value, bool) and value not in (0, 1):
            raise _wrong(name, "true or false", value)
        return bool(value)

    def take_word(self, name: str, words: Mapping[Any, str], default: str | None = None) -> Any:
        """What a word or number of the source is called here; an unknown one is kept."""
        value = self.rest.pop(name, None)
        if value is None:
            return default
        if not isinstance(value, (list, dict, bool)) and value in words:
            return words[value]
        self.keep(name, value)
        return default


def _wrong(name: str, wanted: str, value: Any) -> MalformedError:
    kinds = {bool: "true or false", int: "a number", float: "a number", str: "text"}
    kind = kinds.get(type(value), "a list" if isinstance(value, list) else "an object")
    return MalformedError("wrong type", f"{name} must be {wanted}, not {kind}")
