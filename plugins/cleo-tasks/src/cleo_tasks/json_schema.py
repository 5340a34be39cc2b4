"""The JSON Schema of a task as the command line shows it, made from the declared table."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column

from cleo_tasks.schema.tasks import tasks

_NOT_SHOWN = frozenset(
    {
        "seq",
        "dependency_count",
        "open_dependency_count",
        "has_dependencies",
        "created_week",
    }
)
_ID = {"type": "string", "pattern": "^T[0-9]{3,}$"}
_AT = {
    "type": "string",
    "pattern": "^[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\\.[0-9]{3}Z$",
}
_LABEL = {"type": "string", "maxLength": 64, "pattern": "^[a-z0-9][a-z0-9._:/-]*$"}
_NOTE = {
    "type": "object",
    "properties": {"at": _AT, "by": {"type": ["string", "null"]}, "text": {"type": "string"}},
    "required": ["at", "by", "text"],
}
_KINDS: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "enum": {"type": "string"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "json_list": {"type": "array", "items": {"type": "string"}},
    "json_object": {"type": "object"},
    "at": _AT,
}
# What a column's kind does not say.
_EXACT: dict[str, dict[str, Any]] = {
    "id": _ID,
    "parent_id": _ID,
    "title": {"type": "string", "minLength": 1, "maxLength": 200},
    "notes_json": {"type": "array", "items": _NOTE},
    "version": {"type": "integer", "minimum": 1},
    "verification_round": {"type": "integer", "minimum": 1},
}


def task_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of one task in the output of ``cleo show --json``.

    Keys are the column names in camelCase without ``_json``, and four that are computed:
    ``labels``, ``dependsOn``, ``ready`` and ``openDependencies``. Every key is always there.
    """
    properties = {
        json_key(column.name): _property(column)
        for column in tasks.columns
        if column.name not in _NOT_SHOWN
    }
    ids = {"type": "array", "items": _ID, "uniqueItems": True}
    properties["labels"] = {"type": "array", "items": _LABEL, "uniqueItems": True}
    properties["dependsOn"] = ids
    properties["ready"] = {"type": "boolean"}
    properties["openDependencies"] = ids
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Task",
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def json_key(column: str) -> str:
    """``acceptance_json`` → ``acceptance``, ``parent_id`` → ``parentId``."""
    first, *rest = column.removesuffix("_json").split("_")
    return first + "".join(word.capitalize() for word in rest)


def _property(column: Column[Any]) -> dict[str, Any]:
    shown = dict(_EXACT.get(column.name) or _KINDS[column.info["kind"]])
    if words := column.info["words"]:
        shown["enum"] = list(words)
    if column.nullable:
        shown["type"] = [shown["type"], "null"]
        if words:
            shown["enum"].append(None)
    return shown
