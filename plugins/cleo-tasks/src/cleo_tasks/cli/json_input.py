"""Fields of a task from a JSON file or stdin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cleo_core.errors import UsageError
from cleo_core.output import camel

#: Bytes read at most: a task is text, not a data set.
MOST_BYTES = 16 * 1024 * 1024


def json_object(text: str, source: str) -> dict[str, Any]:
    """The JSON object in a text.

    :raises UsageError: it is none, or is nested deeper than anything that is stored.
    """
    import json

    from cleo_core.inputs import MOST_LEVELS, too_deep

    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{source} is not JSON: {error}.", fix='{"key": "value"}') from None
    if not isinstance(value, dict):
        raise UsageError(f"{source} must hold a JSON object.", fix='{"key": "value"}')
    if too_deep(value):
        raise UsageError(
            f"{source} is nested deeper than {MOST_LEVELS} levels.", fix='{"key": "value"}'
        )
    return value


def read_text(path: str) -> str:
    """A text file's content, or stdin's for ``-``.

    :raises CleoError: 2 it is no regular file, no UTF-8 or too long; 3 it cannot be read.
    """
    from cleo_tasks.cli.content import read_content

    data = read_content(path, MOST_BYTES)
    source = "standard input" if path == "-" else path
    if len(data) > MOST_BYTES:
        raise UsageError(f"{source} holds more than {MOST_BYTES} bytes.", fix="a smaller file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        from shlex import quote

        raise UsageError(
            f"{source} is not UTF-8: {error.reason}.", fix=f"file {quote(path)}"
        ) from None


def fields_from(path: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """A file's fields over the options' defaults; an option that was given wins.

    Keys are those of ``cleo show --json`` or the option names; ``depends`` and ``notes`` are lists.

    :raises UsageError: the file has a key that no option stands for.
    """
    return {**given, **_from_file(path, given, {})}


def edits_from(path: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """As :func:`fields_from` for an edit: null empties a field, and notes replace the stored ones.

    :raises UsageError: as there.
    """
    known = {**given, "replace_notes": None}
    found = _from_file(path, known, {"notes": "replace_notes", "note": "notes"})
    emptied = [
        "notes" if name == "replace_notes" else name for name in found if found[name] is None
    ]
    edits = known | {name: value for name, value in found.items() if value is not None}
    if emptied and isinstance(edits["clear"], list | tuple):
        edits["clear"] = [*edits["clear"], *emptied]
    return edits


def _from_file(path: str, given: Mapping[str, Any], spellings: Mapping[str, str]) -> dict[str, Any]:
    """The file's fields under the names of the options; without those that were given."""
    names = {camel(name): name for name in given} | {name: name for name in given}
    names |= {"desc": "description", "dependsOn": "depends", "pipelineStage": "stage"}
    names |= {"parentId": "parent", "noAutoComplete": "no_auto_complete"}
    names |= spellings
    found = {}
    source = "standard input" if path == "-" else path
    for key, value in json_object(read_text(path), source).items():
        name = names.get(key)
        if name is None or name not in given:
            known = ", ".join(sorted(one for one in names if names[one] in given))
            raise UsageError(
                f"{source} has the key {key[:80]!r}, which is no field; known: {known}."
            )
        if given[name] in (None, (), False):
            found[name] = value
    return found
