"""What a check finds, and how a plugin's answer becomes that."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from cleo_core.output import to_json
from cleo_core.plugins.record import one_line

Status = Literal["ok", "info", "unknown", "warning", "error"]

#: From the best to the worst; a diagnosis has the worst status of its checks.
STATUSES: tuple[Status, ...] = get_args(Status)


@dataclass(frozen=True)
class Finding:
    """The answer of one check.

    :param message: one sentence.
    :param details: JSON-ready facts.
    :param fix: a command to run; empty where nothing is to be done.
    :param fixable: whether ``--fix`` would mend this.
    """

    status: Status
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)
    fix: str = ""
    fixable: bool = False


def finding_from(answer: Any, *, fixable: bool = False) -> Finding:
    """What a plugin's check answered, as a Finding.

    :param answer: a mapping, or an object with attributes: ``status``, ``message`` and, where they
        say something, ``details`` (JSON-ready) and ``fix`` (a command).
    :param fixable: whether the check can mend what it finds.
    :raises ValueError: it is neither, or says something else; the text names what is wrong.
    """
    if isinstance(answer, Finding):
        return answer

    def said(name: str) -> Any:
        if isinstance(answer, Mapping):
            return answer.get(name)
        return getattr(answer, name, None)

    status, message = said("status"), said("message")
    if status not in STATUSES:
        raise ValueError(f"its status is {status!r}, not one of {', '.join(STATUSES)}")
    if not isinstance(message, str) or not message.strip():
        raise ValueError(f"its message is {message!r}, not a sentence")
    details = to_json(said("details") or {})
    if not isinstance(details, Mapping):
        details = {"items": details}
    try:
        json.dumps(details)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"its details are not JSON ({error})") from None
    fix = said("fix") or ""
    if not isinstance(fix, str):
        raise ValueError(f"its fix is {fix!r}, not a command")
    found: Status = status
    return Finding(found, one_line(message), details, fix, fixable and found not in ("ok", "info"))


def worst(statuses: Sequence[Status]) -> Status:
    """The worst of some statuses; ok of none."""
    return max(statuses, key=STATUSES.index, default="ok")
