"""Plans, reports, repairs and checks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Repair:
    """What reconcile found, and with ``apply`` mended, for one reference; all counts in rows."""

    name: str
    scanned: int
    missing: int
    unknown: int
    planned: int
    repaired: int
    refused: str | None = None


@dataclass(frozen=True)
class Check:
    """A health check; ``target`` is called with the App and ``deep``."""

    id: str
    target: str
    store: str | None = None
    fix_target: str | None = None


@dataclass(frozen=True)
class Plan:
    """What a migration will do: the revisions between two points, oldest first."""

    store: str
    from_revision: str | None
    to_revision: str
    steps: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """What a migration did; ``snapshot`` is the path of the copy taken before, ``ms`` its time."""

    store: str
    from_revision: str | None
    to_revision: str
    steps: tuple[str, ...]
    snapshot: str | None = None
    ms: float = 0.0
