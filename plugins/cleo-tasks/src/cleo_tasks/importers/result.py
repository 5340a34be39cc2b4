"""What an import was asked for and what it did."""

from __future__ import annotations

from dataclasses import field
from typing import Any, ClassVar

from cleo_core.api import Declared
from cleo_core.api.records import record


@record
class Options(Declared):
    """How to import.

    :param update: apply rows that changed since they were imported.
    :param revive: take tasks that were deleted here out of the archive.
    :param assignees: foreign logins hold their tasks.
    :param on_conflict: ``fail``, ``skip`` or ``remap`` rows whose id is taken here.
    :param on_missing: ``strip`` edges that lead out of the file, or ``fail``.
    :param report: path of a file that gets one JSON line per row.
    :param tags: of a file with several lists, import only these.
    """

    update: bool = False
    revive: bool = False
    assignees: bool = True
    on_conflict: str = "fail"
    on_missing: str = "strip"
    report: str | None = None
    tags: tuple[str, ...] = ()


@record
class ImportResult(Declared):
    """What became of a file's rows: ``imported + updated + skipped`` is ``read``.

    ``reasons`` counts the skipped rows by reason. ``finished`` are updated rows whose import an
    earlier run had begun. ``edges`` counts dependencies, relations and parents, and under
    ``skipped`` those left out, by reason. ``labels``, ``notes`` and ``gates`` belong to the
    imported tasks. ``adjusted`` counts what had to be changed to fit: ``title_cut``, ``flattened``,
    ``retyped``, ``parent_reopened``, ``remapped``, ``status_kept``, and what was dropped as derived
    (``dropped_urgency``). ``problems`` are the first rows
    that could not be understood.
    """

    provider: str
    read: int
    imported: int
    updated: int
    skipped: int
    finished: int
    reasons: dict[str, int]
    edges: dict[str, Any]
    labels: int
    notes: int
    gates: int
    phases: int
    adjusted: dict[str, int]
    problems: list[dict[str, Any]] = field(default_factory=list)
    report: str | None = None

    OPTIONAL: ClassVar[tuple[str, ...]] = ("report",)
