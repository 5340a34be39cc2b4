"""What is found in many projects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from cleo_core.api import Declared
from cleo_core.api.records import record


@record
class Skipped(Declared):
    """A project that could not be asked.

    :ivar project: its slug.
    :ivar reason: permission, unreachable, absent (it keeps no tasks), behind, ahead, foreign,
        broken, busy, slow or timeout.
    """

    project: str
    reason: str


@record
class Match(Declared):
    """A task that was found.

    :ivar ref: ``slug:T001``.
    :ivar score: of a search, the higher the better within one arm; of :meth:`discover`, the share
        of what the tasks have in common, 0 to 1.
    :ivar arm: of a search, how it was found: id, title, all or any.
    """

    OPTIONAL: ClassVar[tuple[str, ...]] = ("score", "arm")

    ref: str
    project_id: str
    task_id: str
    title: str
    status: str
    score: float | None = None
    arm: str | None = None


@record
class Matches(Declared):
    """What was found, and whether everything was asked.

    :ivar searched: how many projects answered.
    :ivar complete: whether none was left out.
    """

    matches: Sequence[Match]
    searched: int
    skipped: Sequence[Skipped]
    complete: bool
