"""What kind of error a text tells of: one that may pass, one that will not, or neither."""

from __future__ import annotations

import re

#: A status of HTTP where it is named as one; other numbers of three digits are lines, sizes, times.
_STATUS = re.compile(
    r"(?:http(?:/[\d.]+)?|status|code|error|response|returned|answered|got)\W{1,3}"
    r"(?:status\W{1,3})?(?:code\W{1,3})?(?:of\W)?(?P<a>[45]\d\d)\b"
    r"|^\W*(?P<b>[45]\d\d)\b"
    r"|\b(?P<c>[45]\d\d)\s+(?:client error|server error|too many requests|internal server error"
    r"|bad gateway|service unavailable|gateway time|unauthori[sz]ed|forbidden|not found"
    r"|bad request|conflict|gone|payment required|request timeout|unprocessable)"
)
#: Requests that came too late or too often; all other mistakes of the caller will be made again.
_PASSING = frozenset({"408", "429"})
_RETRIABLE = re.compile(
    r"time-?d? ?-?out|\bbusy\b|\blocked\b|contention|connection|connect (?:failed|error)"
    r"|\beconn|\betimedout\b|\beai_again\b|broken pipe|network is unreachable|rate ?-?limit"
    r"|too many requests|overloaded|temporarily unavailable|service unavailable|bad gateway"
    r"|internal server error"
)
_PERMANENT = re.compile(
    r"authenti|unauthori[sz]ed|not authori[sz]ed|\bforbidden\b|permission denied|access denied"
    r"|invalid (?:api )?key|invalid (?:x-)?api-key|invalid token|bad credentials|not ?found"
    r"|no such file|does not exist|bad request"
)


def kind_of(text: str) -> str:
    """``retriable``: timeout, busy, connection, 429, 5xx; ``permanent``: authentication, any other
    4xx, not found; else ``unknown``.

    A status of HTTP decides before words do.
    """
    lowered = text.lower().replace("_", " ")
    found = _STATUS.search(lowered)
    if found is not None:
        status = found["a"] or found["b"] or found["c"]
        return "retriable" if status in _PASSING or status.startswith("5") else "permanent"
    if _RETRIABLE.search(lowered):
        return "retriable"
    return "permanent" if _PERMANENT.search(lowered) else "unknown"
