"""The filters of ``find`` as callers give them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from cleo_brain.enums import DECISION_TYPE, KIND, OBSERVATION_TYPE, PATTERN_TYPE, TIER
from cleo_brain.ids import task_id
from cleo_brain.search.filters import Filters
from cleo_brain.service import deriving, fields
from cleo_brain.store import search
from cleo_core import inputs
from cleo_core.database import Backend
from cleo_core.durations import ago, moment, seconds_of
from cleo_core.errors import UsageError

#: Names of the keyword arguments of every verb that filters.
NAMES = (
    *("kinds", "types", "tags", "by_agent", "task", "thread", "in_session", "tier", "verified"),
    *("since", "until", "min_confidence", "include_superseded", "as_of"),
)
TYPES = tuple(dict.fromkeys((*DECISION_TYPE, *PATTERN_TYPE, *OBSERVATION_TYPE)))

_DAY = r"\d{4}-\d{2}-\d{2}\Z"
_AGE = r"\d+(\.\d+)?\s*[a-zA-Z]+\Z"


def filters(db: Backend, given: Mapping[str, Any]) -> Filters:
    """The filters, checked.

    :param given: by the names of ``NAMES``; what is missing is not filtered by.
    :raises UsageError: a name or a value is not valid.
    """
    unknown = sorted(set(given) - set(NAMES))
    if unknown:
        raise UsageError(
            f"There is no filter {unknown[0]!r}; there are {', '.join(NAMES)}.",
            fix="cleo memory find --help",
        )
    least = given.get("min_confidence")
    as_of = given.get("as_of")
    return Filters(
        kinds=[fields.word(one, KIND, "kind") for one in _listed(given, "kinds")],
        types=[fields.word(one, TYPES, "type") for one in _listed(given, "types")],
        tags=fields.tags(given.get("tags") or ()),
        by_agent=_name(given, "by_agent"),
        task=None if given.get("task") is None else task_id(str(_name(given, "task"))),
        thread=_name(given, "thread"),
        in_session=_name(given, "in_session"),
        tier=None if given.get("tier") is None else fields.word(given["tier"], TIER, "tier"),
        verified=bool(given.get("verified")),
        since=point(given.get("since"), "--since"),
        until=point(given.get("until"), "--until", end_of_day=True),
        confident=None if least is None else _confident(db, fields.share(least, "min-confidence")),
        include_superseded=bool(given.get("include_superseded")),
        as_of=point(as_of, "--as-of"),
    )


def point(value: Any, option: str, *, end_of_day: bool = False) -> str | None:
    """A time: ISO-8601, a date, or an age such as ``24h`` or ``7d``.

    :param end_of_day: a date includes its day.
    :raises UsageError: it is none.
    """
    if value is None:
        return None
    text = inputs.as_filter(lambda given: inputs.plain_text(given, option.strip("-")), value)
    text = text.strip()
    if re.match(_AGE, text):
        return ago(seconds_of(text, option, "7d"))
    if end_of_day and re.match(_DAY, text):
        text += "T23:59:59.999Z"
    return moment(text, option)


def _listed(given: Mapping[str, Any], name: str) -> Sequence[Any]:
    value = given.get(name) or ()
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise UsageError(f"{name} must be a list of texts.", field=name)
    return value


def _name(given: Mapping[str, Any], name: str) -> str | None:
    value = given.get(name)
    if value is None:
        return None
    option = "--" + name.replace("_", "-")
    return inputs.as_filter(
        lambda text: inputs.line(text, name, fields.LINE_LENGTH, fix=f"{option} NAME"), value
    )


def _confident(db: Backend, least: float) -> list[str]:
    """Ids of the learnings that have at least so much confidence today."""
    return [
        row["id"]
        for row in search.learnings(db, least)
        if deriving.effective_confidence(row["confidence"], row["confirmed_at"]) >= least
    ]
