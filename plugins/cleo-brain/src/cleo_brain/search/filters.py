"""Which entries a search may show."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from cleo_brain.search.terms import Terms
from cleo_core.api import Declared
from cleo_core.api.records import record


@record
class Filters(Declared):
    """The filters of ``find``, checked; times as stored.

    :param tags: all of them.
    :param task: linked to it, or named in a decision.
    :param confident: ids of the learnings that are confident enough today.
    """

    kinds: Sequence[str] = ()
    types: Sequence[str] = ()
    tags: Sequence[str] = ()
    by_agent: str | None = None
    task: str | None = None
    thread: str | None = None
    in_session: str | None = None
    tier: str | None = None
    verified: bool = False
    since: str | None = None
    until: str | None = None
    confident: Sequence[str] | None = None
    include_superseded: bool = False
    as_of: str | None = None

    @property
    def live_only(self) -> bool:
        """Whether what is withdrawn is left out."""
        return not self.include_superseded and self.as_of is None


class Conditions:
    """The names of filters that hold for one search, and the values of their parameters.

    :ivar narrowing: whether more is asked than that an entry be live.
    """

    def __init__(self, filters: Filters, now: str, terms: Terms | None = None) -> None:
        self.names: list[str] = []
        self.values: dict[str, Any] = {}
        if filters.live_only:
            self._add("live", now, parameter="now")
        elif filters.as_of is not None:
            # Beside the rest, what has been withdrawn by then is shown too.
            name = "valid_by" if filters.include_superseded else "as_of"
            self._add(name, filters.as_of)
        for name in ("kinds", "types", "tags", "confident"):
            listed = getattr(filters, name)
            if listed or (name == "confident" and listed is not None):
                self._add(name, json.dumps(list(listed)))
        for name in ("by_agent", "task", "thread", "in_session", "tier", "since", "until"):
            if getattr(filters, name) is not None:
                self._add(name, getattr(filters, name))
        if filters.verified:
            self.names.append("verified")
        if terms is not None and terms.required:
            self._add("required", terms.required)
        if terms is not None and terms.forbidden:
            self._add("excluded", terms.forbidden)
        self.narrowing = self.names != ["live"]

    def _add(self, name: str, value: Any, parameter: str | None = None) -> None:
        self.names.append(name)
        self.values[parameter or name] = value
