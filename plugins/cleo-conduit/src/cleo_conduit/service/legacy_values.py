"""Converted rows as they are handed over, and as they are stored."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from cleo_conduit.ids import is_reserved
from cleo_conduit.store.legacy import TABLES
from cleo_core import inputs
from cleo_core.errors import ValidationError, echoed

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
#: What SQLite keeps of an integer.
_INTEGERS = range(-(2**63), 2**63)


def run_id(value: Any) -> str:
    """The id of an import's run.

    :raises ValidationError: it is no UUID in lower case.
    """
    if not isinstance(value, str) or not _UUID.match(value):
        raise ValidationError(f"The run id {echoed(value)} is no UUID.")
    return value


def tables(value: Any) -> dict[str, list[dict[str, Any]]]:
    """Table -> rows of columns as they are stored: JSON as text, yes and no as 1 and 0.

    :raises ValidationError: an unknown table or column, a row without its key, or a value that is
        not stored.
    """
    return {name: [_row(name, row) for row in rows] for name, rows in _listed(value)}


def keys(value: Any) -> dict[str, list[str]]:
    """Table -> keys, each once.

    :raises ValidationError: an unknown table, or a key that is no text.
    """
    return {
        name: list(dict.fromkeys(inputs.plain_text(key, f"a key of {name}") for key in rows))
        for name, rows in _listed(value)
    }


def _listed(value: Any) -> list[tuple[str, Sequence[Any]]]:
    if not isinstance(value, Mapping):
        raise ValidationError("What is handed over is a mapping from tables to lists.")
    for name, rows in value.items():
        if name not in TABLES:
            raise ValidationError(
                f"The table {echoed(name)} takes no rows of an older file; these do: "
                f"{', '.join(TABLES)}."
            )
        if isinstance(rows, (str, bytes)) or not isinstance(rows, Sequence):
            raise ValidationError(f"What is handed over for {name} is no list.")
    return list(value.items())


def _row(table: str, row: Any) -> dict[str, Any]:
    spec = TABLES[table]
    if not isinstance(row, Mapping):
        raise ValidationError(f"A row of {table} is no mapping.")
    for name in row:
        if name not in spec.columns:
            raise ValidationError(f"{table} has no column {echoed(name)} to be imported.")
    for name in spec.key:
        if not isinstance(row.get(name), str):
            raise ValidationError(f"A row of {table} has no {name}.")
    if table == "project_agent_refs" and is_reserved(row["agent_id"]):
        raise ValidationError(f"The agent id {echoed(row['agent_id'])} is reserved.")
    return {name: _value(value, f"{table}.{name}") for name, value in row.items()}


def _value(value: Any, field: str) -> Any:
    if isinstance(value, str):
        return inputs.plain_text(value, field)
    if isinstance(value, bool):
        return int(value)
    if value is None or (isinstance(value, int) and value in _INTEGERS):
        return value
    if isinstance(value, (Mapping, list, tuple)):
        try:
            return inputs.plain_text(json.dumps(value, ensure_ascii=False), field)
        except (TypeError, ValueError, RecursionError):
            pass
    raise ValidationError(f"{field} cannot be {echoed(value)}.")
