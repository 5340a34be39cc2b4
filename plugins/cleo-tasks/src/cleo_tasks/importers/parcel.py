"""The lines of an export as objects, which another project hands over without a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cleo_core.errors import ValidationError, echoed, shortened
from cleo_tasks.importers import jsonl, mapping
from cleo_tasks.importers.row import Row
from cleo_tasks.importers.source import MalformedError
from cleo_tasks.importers.staging import digest

#: Under what metadata keeps what no column has, and links name the project.
PROVIDER = "nexus"
#: Characters of a project's id at most.
_LONGEST_ID = 200


class Parcel(NamedTuple):
    """What was handed over.

    :ivar project: id of the project that it comes from.
    :ivar rows: id there -> what becomes of it, in order.
    :ivar hashes: id there -> SHA-256 of the record.
    :ivar phases: their columns.
    """

    project: str
    rows: dict[str, Row]
    hashes: dict[str, str]
    phases: dict[str, dict[str, Any]]


def unpack(records: Any, now: str) -> Parcel:
    """Settle the records: a header, tasks and phases, an end that counts the tasks.

    The end's SHA-256 is not asked for: it is that of lines, and here there are none.

    :param now: what a time is where a record says none.
    :raises ValidationError: they are not what an export has.
    """
    if isinstance(records, (str, bytes)) or not isinstance(records, Sequence) or not records:
        raise ValidationError("records must be the list that export_records gave.", fix=_FIX)
    project = _header(records[0])
    rows: dict[str, Row] = {}
    hashes: dict[str, str] = {}
    phases: dict[str, dict[str, Any]] = {}
    ended = False
    for number, record in enumerate(records[1:], 2):
        try:
            if not isinstance(record, Mapping):
                raise MalformedError("wrong type", "it is no object")
            if ended:
                raise MalformedError("wrong type", "it comes after the end")
            value = dict(record)
            hashed = digest(value)
            kind = value.pop("record", None)
            if kind == "task":
                row = _task(value, now)
                if row.key in rows:
                    raise MalformedError("duplicate id", f"{row.key} comes twice")
                rows[row.key], hashes[row.key] = row, hashed
            elif kind == "phase":
                found = jsonl.phase(value)
                phases[found["slug"]] = found
            elif kind == "end":
                ended = True
                if value.get("tasks") != len(rows):
                    raise MalformedError(
                        "wrong type",
                        f"it counts {value.get('tasks')!r} tasks, and there are {len(rows)}",
                    )
            else:
                raise MalformedError("wrong type", f"its kind {kind!r} is unknown")
        except MalformedError as error:
            raise _refused(number, error.message) from None
    if not ended:
        raise ValidationError("The records have no end; they are cut short.", fix=_FIX)
    return Parcel(project, rows, hashes, phases)


def metadata_of(row: Row) -> dict[str, Any]:
    """The metadata of a row's task: its own, and what no column has."""
    own = dict(row.columns.get("metadata") or {})
    kept = row.metadata()
    if not kept:
        return own
    earlier = own.get("import")
    return {**own, "import": {**(earlier if isinstance(earlier, dict) else {}), PROVIDER: kept}}


def _header(record: Any) -> str:
    """The project that the records come from."""
    if (
        not isinstance(record, Mapping)
        or record.get("record") != "header"
        or record.get("format") != jsonl.NAME
    ):
        raise _refused(1, "it is no header of a CLEO export")
    try:
        digest(dict(record))
    except MalformedError as error:
        raise _refused(1, error.message) from None
    if record.get("version") != jsonl.VERSION:
        raise ValidationError(
            f"The records are of version {echoed(record.get('version'))}; this program reads "
            f"version {jsonl.VERSION}.",
            fix="pip install -U cleo-tasks",
        )
    project = record.get("projectId")
    if (
        not isinstance(project, str)
        or not 0 < len(project) <= _LONGEST_ID
        or not project.isprintable()
        or ":" in project
        or " " in project
    ):
        raise _refused(1, "it names no project")
    return project


def _task(value: dict[str, Any], now: str) -> Row:
    row = Row(value)
    jsonl.settle(value, row)
    mapping.settle(row, now)
    return row


def _refused(number: int, message: str) -> ValidationError:
    return ValidationError(f"Record {number}: {shortened(message)}.", fix=_FIX, record=number)


_FIX = "cleo export --output FILE"
