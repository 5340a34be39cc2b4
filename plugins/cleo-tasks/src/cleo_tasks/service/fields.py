"""Values of a task as callers give them: checked, settled, all problems together."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from cleo_core import inputs
from cleo_core.errors import CleoError, UsageError, ValidationError, echoed
from cleo_tasks.enums import (
    PIPELINE_STAGE,
    SEVERITY,
    SIZE,
    STAGES,
    TASK_PRIORITY,
    TASK_ROLE,
    TASK_SCOPE,
    TASK_TYPE,
)

TITLE_LENGTH = 200
REASON_LENGTH = 500
LABEL_LENGTH = 64
LABEL = re.compile(r"[a-z0-9][a-z0-9._:/-]*\Z")
SLUG = re.compile(r"[a-z][a-z0-9-]*\Z")
ADDRESS_LENGTH = 2000
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:///?[^\s/?#]\S*\Z")

#: Numbers for priorities, as other trackers write them.
PRIORITY_NUMBERS = {
    **dict.fromkeys(("1", "2"), "critical"),
    **dict.fromkeys(("3", "4"), "high"),
    **dict.fromkeys(("5", "6"), "medium"),
    **dict.fromkeys(("7", "8", "9"), "low"),
}
#: Other spellings of stages.
STAGE_SPELLINGS = {
    "architecture": "architecture_decision",
    "architecture-decision": "architecture_decision",
    "adr": "architecture_decision",
    "spec": "specification",
    "decompose": "decomposition",
    "implement": "implementation",
    "verify": "validation",
    "validate": "validation",
    "test": "testing",
}

#: Of finished work; the others are those of open tasks.
_LAST = "contribution"
_OPEN_STAGES = tuple(word for word in STAGES if word != _LAST)

T = TypeVar("T")

Problems = list[tuple[str | None, CleoError]]


def title(value: Any) -> str:
    """A title: trimmed, 1 to 200 characters on one line.

    :raises ValidationError: it is not.
    """
    text = inputs.plain_text(value, "title").strip(" \t\r\n")
    if not text:
        raise ValidationError("A title is needed.")
    if "\n" in text or "\r" in text:
        raise ValidationError("A title is one line.", fix="the rest with --desc")
    if len(text) > TITLE_LENGTH:
        raise ValidationError(
            f"The title has {len(text)} characters; at most {TITLE_LENGTH} are allowed.",
            fix="a shorter title, the rest with --desc",
        )
    return text


def reason(value: Any) -> str | None:
    """A reason for the record, or None where none is given.

    :raises ValidationError: it has not 1 to 500 characters.
    """
    if value is None:
        return None
    text = inputs.plain_text(value, "reason").strip()
    if not 1 <= len(text) <= REASON_LENGTH:
        raise ValidationError(
            f"A reason has 1 to {REASON_LENGTH} characters; this one has {len(text)}.",
            fix="--reason TEXT",
        )
    return text


def entries(value: Any, field: str) -> list[str]:
    """A list of texts that say something, each as it stands.

    :raises ValidationError: it is no list of texts, or one of them is blank.
    """
    found = inputs.texts(value, field)
    if not all(text.strip() for text in found):
        raise ValidationError(
            f"{field} holds an entry that is blank.", fix=_OPTIONS.get(field), field=field
        )
    return found


def address(value: Any, field: str) -> str:
    """A whole address, of any scheme, without a user's name or password: it is shown and exported.

    :raises ValidationError: it is none of at most 2,000 characters. The message does not repeat
        it, since it may hold a password.
    """
    from urllib.parse import urlsplit

    text = inputs.plain_text(value, field).strip()
    fix = f"--{field} {'url:' if field == 'evidence' else ''}https://example.org/issues/1"
    if inputs.names_user(text):
        raise ValidationError(
            f"{field}: an address with a user's name or password is not recorded.", fix=fix
        )
    try:
        parts = urlsplit(text)
        whole = parts.scheme not in ("http", "https") or parts.hostname is not None
    except ValueError:
        whole = False
    if len(text) > ADDRESS_LENGTH or not (whole and text.isprintable() and _ADDRESS.match(text)):
        raise ValidationError(
            f"{field} must be a whole address of at most {ADDRESS_LENGTH} characters.", fix=fix
        )
    return text


def name_filter(value: Any, option: str) -> str:
    """A filter's value that names an agent, a session, an action.

    :raises UsageError: it is no text, or blank.
    """
    text = inputs.as_filter(lambda given: inputs.plain_text(given, option), value)
    if not text.strip():
        raise UsageError(f"--{option} is blank.", fix=f"--{option} NAME")
    return text


def priority(value: Any) -> str:
    """A priority word, or the number that other trackers use for it.

    :raises ValidationError: neither.
    """
    return inputs.word_of(TASK_PRIORITY, "priority")(PRIORITY_NUMBERS.get(str(value), value))


def stage(value: Any) -> str:
    """A pipeline stage in any of its spellings.

    :raises ValidationError: none of them.
    """
    spelled = STAGE_SPELLINGS.get(str(value).lower(), value)
    # Not offered, since no open task may be in it; who names it is told why.
    return spelled if spelled == _LAST else inputs.word_of(_OPEN_STAGES, "stage")(spelled)


def stage_filter(value: Any) -> str:
    """As :func:`stage`, and the stages of closed tasks.

    :raises ValidationError: none of them.
    """
    return inputs.word_of(PIPELINE_STAGE, "stage")(STAGE_SPELLINGS.get(str(value).lower(), value))


def label(value: Any, way: str = "--label {}") -> str:
    """A label as it is stored.

    :param way: the fix, with ``{}`` in place of a label that could be meant.
    :raises ValidationError: it is longer than 64 characters or has others than it may.
    """
    text = inputs.plain_text(value, "label")
    if len(text) > LABEL_LENGTH or not LABEL.match(text):
        near = re.sub(r"[^a-z0-9._:/-]+", "-", text.lower())[:LABEL_LENGTH].strip("-._:/")
        raise ValidationError(
            f"The label {echoed(text)} is not valid: lower-case letters, digits and . _ : / - "
            f"beginning with a letter or digit, at most {LABEL_LENGTH}.",
            fix=way.replace("{}", near or "x"),
        )
    return text


def labels(value: Any, way: str = "--label {}") -> list[str]:
    """Labels, each once.

    :param way: as for :func:`label`.
    :raises ValidationError: one of them is not valid.
    """
    return list(dict.fromkeys(label(item, way) for item in inputs.texts(value, "label")))


def slug(value: Any, way: str = "--phase {}") -> str:
    """A phase's slug.

    :param way: the fix, with ``{}`` in place of a slug that could be meant.
    :raises ValidationError: it is not one.
    """
    text = inputs.plain_text(value, "phase")
    if not SLUG.match(text) or len(text) > LABEL_LENGTH:
        near = re.sub(r"[^a-z0-9]+", "-", text.lower())[:LABEL_LENGTH].strip("-0123456789")
        raise ValidationError(
            f"The phase {echoed(text)} is not valid: a lower-case letter, then letters, digits "
            f"and hyphens, at most {LABEL_LENGTH}.",
            fix=way.replace("{}", near or "x"),
        )
    return text


def metadata(value: Any) -> dict[str, Any]:
    """A JSON object.

    :raises ValidationError: it is none.
    """
    import json

    if not isinstance(value, Mapping):
        raise ValidationError("metadata must be a JSON object.", fix="--metadata '{\"key\": 1}'")
    if inputs.too_deep(value):
        raise ValidationError(
            f"metadata is nested deeper than {inputs.MOST_LEVELS} levels.",
            fix="--metadata '{\"key\": 1}'",
        )
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (TypeError, ValueError) as error:
        raise ValidationError(f"metadata cannot be stored as JSON: {error}.") from None
    return dict(value)


def flag(value: Any) -> bool:
    """A boolean.

    :raises ValidationError: it is none.
    """
    if not isinstance(value, bool):
        raise ValidationError("no_auto_complete is true or false.")
    return value


def position(value: Any) -> int:
    """A place among siblings, counted from 1.

    :raises ValidationError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 2**31:
        raise ValidationError("A position is a number from 1.", fix="--position 1")
    return value


def initial_status(value: Any) -> str:
    """A status that a new task may have.

    :raises UsageError: another one, with the verb that leads there.
    """
    verbs = {"active": "start", "done": "complete", "cancelled": "cancel", "archived": "archive"}
    if isinstance(value, str) and value in verbs:
        raise UsageError(
            f"A task is not added as {value}.", fix=f"cleo add …, then cleo {verbs[value]} ID"
        )
    return inputs.word_of(("pending", "proposed", "blocked"), "status")(value)


def _text(name: str) -> Callable[[Any], str]:
    return lambda value: inputs.plain_text(value, name)


def _list(name: str) -> Callable[[Any], list[str]]:
    return lambda value: entries(value, name)


#: field -> check; the columns that ``add`` and ``update`` take from callers.
CHECKS: dict[str, Callable[[Any], Any]] = {
    "title": title,
    "description": _text("description"),
    "priority": priority,
    "type": inputs.word_of(TASK_TYPE, "type"),
    "role": inputs.word_of(TASK_ROLE, "role"),
    "scope": inputs.word_of(TASK_SCOPE, "scope"),
    "severity": inputs.word_of(SEVERITY, "severity"),
    "size": inputs.word_of(SIZE, "size"),
    "phase": slug,
    "pipeline_stage": stage,
    "acceptance": _list("acceptance"),
    "files": _list("files"),
    "metadata": metadata,
    "blocked_reason": _text("blocked_reason"),
    "no_auto_complete": flag,
    "position": position,
    "labels": labels,
}


def settle(given: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
    """Check every given value that is not None; what is wrong is added to ``problems``.

    :returns: the settled values that are right.
    """
    settled = {}
    for name, value in given.items():
        if value is None:
            continue
        try:
            settled[name] = CHECKS[name](value)
        except CleoError as error:
            problems.append((name, error))
    title_, text = settled.get("title"), settled.get("description")
    if title_ is not None and text is not None and text.strip().lower() == title_.lower():
        problems.append(
            (
                "description",
                ValidationError(
                    "The description repeats the title.", fix="a description that adds something"
                ),
            )
        )
    return settled


#: List -> how an entry of it is given.
_OPTIONS = {
    "acceptance": "--acceptance TEXT",
    "add_acceptance": "--add-acceptance TEXT",
    "files": "--file PATH",
    "add_files": "--add-file PATH",
    "note": "--note TEXT",
}
