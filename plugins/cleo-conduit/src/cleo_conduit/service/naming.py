"""Names of topics, and the epic and wave that some of them name."""

from __future__ import annotations

import re
from typing import Any

from cleo_core.errors import UsageError, echoed

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")
_WAVE = re.compile(r"(?:epic-)?(T\d+)\.wave-(\d{1,9})\Z")
_COORDINATION = re.compile(r"(?:epic-)?(T\d+)\.coordination\Z")


def topic_name(value: Any) -> str:
    """A topic's name.

    :raises UsageError: it can be none, or it is the one of broadcasts.
    """
    if not isinstance(value, str) or not _NAME.match(value):
        raise UsageError(
            f"{echoed(value)} is no name of a topic: letters, digits, dots, underscores and "
            "hyphens, at most 128.",
            fix="cleo topic list",
        )
    if value == "all":
        raise UsageError(
            "The topic all is that of broadcasts.", fix="cleo conduit send 'text' --broadcast"
        )
    return value


def epic_of(name: str) -> tuple[str | None, int | None]:
    """Epic and wave of a topic's name; None where it names none.

    ``epic-T1149.wave-2`` and ``T1149.wave-2`` name both, ``T1149.coordination`` the epic.
    """
    found = _WAVE.match(name)
    if found is not None:
        return found[1], int(found[2])
    found = _COORDINATION.match(name)
    return (found[1] if found is not None else None), None
