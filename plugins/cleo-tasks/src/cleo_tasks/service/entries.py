"""What one unit did to one entity, for its audit row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Entry:
    """What one unit did to one entity, for its one audit row."""

    __slots__ = ("action", "after", "before", "details", "forced", "reason", "task_id")

    def __init__(self, action: str, task_id: str | None) -> None:
        self.action = action
        self.task_id = task_id
        self.before: dict[str, Any] | None = {}
        self.after: dict[str, Any] | None = {}
        self.details: dict[str, Any] = {}
        self.forced = False
        self.reason: str | None = None


class Bulk(NamedTuple):
    """What :meth:`Work.bulk` is told about one task.

    :param before: None for a new task; else the changed columns, as ``after`` has them.
    :param details: for the audit row.
    :param becomes: columns that later units of the same command will give the task; the audit row
        shows them in place of ``after``'s, since the command leaves no other one.
    """

    id: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]
    details: Mapping[str, Any] = {}
    becomes: Mapping[str, Any] = {}
