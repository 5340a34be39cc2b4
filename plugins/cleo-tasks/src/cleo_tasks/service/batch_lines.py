"""The lines of a batch: what each of them says, and what is wrong with it at first sight."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from cleo_core import inputs
from cleo_core.errors import GENERAL_HELP, CleoError, UsageError, ValidationError
from cleo_core.output import camel
from cleo_tasks.service import fields

#: What a line may hold beside ``ref``, and what stands for it when it is left out.
DEFAULTS: dict[str, Any] = {
    **dict.fromkeys(("title", "description", "type", "parent", "status", "priority", "phase")),
    **dict.fromkeys(("size", "position", "role", "scope", "severity", "stage", "metadata")),
    **dict.fromkeys(("labels", "depends", "files", "acceptance", "notes"), ()),
    "add_phase": False,
}
#: Other spellings: the JSON keys of a task and the names of the options of ``add``.
SPELLINGS = {
    **{camel(name): name for name in DEFAULTS},
    "desc": "description",
    "parentId": "parent",
    "dependsOn": "depends",
    "pipelineStage": "stage",
    "label": "labels",
    "file": "files",
    "note": "notes",
}
_REF_LENGTH = 200
#: What messages call a task that was not there before.
_NEW = re.compile(r"\bT\d+\b|\(new\)")


def parsed(
    rows: Sequence[str | Mapping[str, Any]],
) -> tuple[list[Item], dict[int, Failure]]:
    """The lines that are JSON objects, and why the others are none."""
    items: list[Item] = []
    failed: dict[int, Failure] = {}
    taken: dict[str, int] = {}
    for line, row in enumerate(rows, 1):
        if isinstance(row, str) and not row.strip():
            continue
        item = Item(line)
        try:
            _settle(item, _object(row), taken)
            items.append(item)
        except CleoError as error:
            failed[line] = Failure([(None, error)])
    return items, failed


class Item:
    """One line as understood, with what is wrong in it at first sight."""

    __slots__ = ("fields", "line", "problems", "ref")

    def __init__(self, line: int) -> None:
        self.line = line
        self.ref: str | None = None
        self.fields = dict(DEFAULTS)
        self.problems: fields.Problems = []

    @property
    def name(self) -> str:
        """How messages call the line's task, which has no id unless the batch succeeds."""
        return f"@{self.ref}" if self.ref is not None else f"line {self.line}"


class Failure:
    """Why a line failed; ``derived`` when only because another one did."""

    __slots__ = ("derived", "details", "problems")

    def __init__(
        self,
        problems: fields.Problems,
        names: Mapping[str, str] | None = None,
        *,
        derived: bool = False,
    ) -> None:
        self.derived = derived
        self.details: dict[str, Any] = {}
        self.problems: list[dict[str, Any]] = []
        for field, error in problems:
            self.details |= error.details
            self.problems += error.details.get(
                "problems", [error.as_problem(error.details.get("field", field))]
            )
        self._call_by_name(names or {})

    def _call_by_name(self, names: Mapping[str, str]) -> None:
        """Put names in place of the ids that nobody will have."""
        for problem in self.problems:
            if problem["fix"] == GENERAL_HELP:
                problem["fix"] = "cleo add-batch --help"
            for part in ("message", "fix"):
                problem[part] = _NEW.sub(lambda found: names.get(found[0], found[0]), problem[part])
            if problem["code"] == "E_CYCLE":
                problem["fix"] = "another parent or depends"
        if "path" in self.details:
            self.details["path"] = [names.get(id_, id_) for id_ in self.details["path"]]


def _settle(item: Item, given: Mapping[str, Any], taken: dict[str, int]) -> None:
    for key, value in given.items():
        name = SPELLINGS.get(key, key)
        if key == "ref":
            _settle_ref(item, value, taken)
        elif name not in DEFAULTS:
            known = ", ".join(("ref", *DEFAULTS))
            error = ValidationError(f"{str(key)[:80]!r} is no field of a task; known: {known}.")
            item.problems.append((str(key)[:80], error))
        elif value is not None:
            item.fields[name] = value
    if not isinstance(item.fields["add_phase"], bool):
        error = ValidationError("add_phase is true or false.")
        item.problems.append(("add_phase", error))


def _settle_ref(item: Item, value: Any, taken: dict[str, int]) -> None:
    if value is None:
        return
    if not isinstance(value, str) or not 0 < len(value) <= _REF_LENGTH:
        error = ValidationError("A ref is a text of 1 to 200 characters.", fix='{"ref": "a"}')
    elif taken.setdefault(value, item.line) != item.line:
        error = ValidationError(
            f"Line {taken[value]} has the ref {value[:80]!r} already.", fix='{"ref": …}'
        )
    else:
        item.ref = value
        return
    item.problems.append(("ref", error))


def _object(row: str | Mapping[str, Any]) -> Mapping[str, Any]:
    value: Any = row
    if isinstance(row, str):
        try:
            value = json.loads(row)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"The line is not JSON: {error}.", fix='{"title": "…"}') from None
    if not isinstance(value, Mapping):
        raise UsageError("A line holds a JSON object.", fix='{"title": "…"}')
    if inputs.too_deep(value):
        raise ValidationError(
            f"The line is nested deeper than {inputs.MOST_LEVELS} levels.", fix='{"title": "…"}'
        )
    return value
