"""What the service answers with."""

from __future__ import annotations

from typing import ClassVar

from cleo_core.api import Declared
from cleo_core.api.records import record


@record
class Event(Declared):
    """A row, all ten columns; ``example`` is set where it is made up and not stored."""

    OPTIONAL: ClassVar[tuple[str, ...]] = ("example",)

    id: int
    anonymous_id: str
    domain: str
    gateway: str
    operation: str
    command: str
    exit_code: int
    duration_ms: int
    error_code: str | None
    timestamp: str
    example: bool | None = None


@record
class Status(Declared):
    """Whether commands are recorded, what decided it, and what there is.

    ``decided_by``: a variable, ``telemetry.enabled``, ``global config`` where that cannot be read,
    or ``default``.
    """

    OPTIONAL: ClassVar[tuple[str, ...]] = ("anonymous_id", "oldest", "newest")

    installed: bool
    enabled: bool
    decided_by: str
    anonymous_id: str | None
    path: str
    rows: int
    bytes: int
    oldest: str | None
    newest: str | None
    retention_days: int
    max_rows: int


@record
class Enabled(Declared):
    """The key is set; ``effective`` is False while a variable forbids recording all the same."""

    enabled: bool
    effective: bool
    anonymous_id: str
    path: str


@record
class Disabled(Declared):
    """The key is gone; the rows are not."""

    enabled: bool
    rows_kept: int


@record
class Exported(Declared):
    """How many rows were written, and where."""

    rows: int
    path: str


@record
class Pruned(Declared):
    """How many rows went, and how many are left."""

    deleted_by_age: int
    deleted_by_count: int
    rows: int


@record
class Purged(Declared):
    """How many rows went, and whether the file did."""

    deleted: int
    file_removed: bool


@record
class Figures(Declared):
    """How one command performed; times in milliseconds, the rate from 0 to 1."""

    OPTIONAL: ClassVar[tuple[str, ...]] = ("top_error",)

    command: str
    runs: int
    failures: int
    failure_rate: float
    mean_ms: float
    median_ms: float
    p95_ms: int
    max_ms: int
    top_error: str | None


@record
class Window(Declared):
    """The time looked at."""

    days: int
    since: str
    until: str


@record
class Totals(Declared):
    """All commands of the window together."""

    commands: int
    runs: int
    failures: int
    failure_rate: float


@record
class Observed(Declared):
    """An observation as the memory took it."""

    id: str
    outcome: str


@record
class Analysis(Declared):
    """How commands performed. ``observed`` is there where the observations were stored."""

    OPTIONAL: ClassVar[tuple[str, ...]] = ("observed",)

    window: Window
    totals: Totals
    commands: tuple[Figures, ...]
    failing: tuple[Figures, ...]
    slowest: tuple[Figures, ...]
    once: tuple[str, ...]
    observations: tuple[str, ...]
    observed: tuple[Observed, ...] | None = None
