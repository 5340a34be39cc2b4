"""Releases as services return them: typed records, as in :mod:`cleo_tasks.records`."""

from __future__ import annotations

from typing import Any, ClassVar

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_tasks.records import Line


@record
class Release(Declared):
    """One release, whole; ``id`` is ``rel-<version>``, after a rollback with ``.2``, ``.3`` …"""

    id: str
    version: str
    status: str
    pipeline_id: str | None
    epic_id: str | None
    changelog: str | None
    notes: str | None
    previous_version: str | None
    commit_sha: str | None
    git_tag: str | None
    dist_tag: str | None
    created_at: str
    prepared_at: str | None
    committed_at: str | None
    tagged_at: str | None
    pushed_at: str | None
    rolled_back_at: str | None
    rollback_reason: str | None
    row_version: int


@record
class ReleaseLine(Declared):
    """One release in a list; ``tasks`` is their number."""

    id: str
    version: str
    status: str
    dist_tag: str | None
    tasks: int
    commit_sha: str | None
    created_at: str
    row_version: int


@record
class ReleaseStep(Declared):
    """One step; ``detail`` says what it did, or why it failed."""

    step: str
    status: str
    attempt: int
    started_at: str | None
    finished_at: str | None
    detail: dict[str, Any]


@record
class Gate(Declared):
    """What preparing asks for; ``message`` and ``fix`` say what is wrong where it is not met.

    ``forceable``: ``--force`` may pass it.
    """

    gate: str
    met: bool
    message: str | None = None
    fix: str | None = None
    forceable: bool = False


@record
class ReleaseResult(Declared):
    """A release with its steps and tasks.

    ``gates``: what preparing asks for, where the release is yet to be prepared. ``revert``:
    commands that take back what git has of it, where it was cancelled or rolled back.
    """

    release: Release
    steps: list[ReleaseStep]
    tasks: list[Line]
    gates: list[Gate] | None = None
    revert: list[str] | None = None

    OPTIONAL: ClassVar[tuple[str, ...]] = ("gates", "revert")


@record
class Changelog(Declared):
    """The section of the changelog that a release has written, or will write."""

    version: str
    changelog: str
