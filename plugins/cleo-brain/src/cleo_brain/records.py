"""What services return: typed records, whose field names in camelCase are the JSON keys."""

from __future__ import annotations

from dataclasses import field
from typing import ClassVar

from cleo_core.api import Declared
from cleo_core.api.records import record


@record
class Line(Declared):
    """One entry in a list, with its price.

    ``date``: since when it holds. ``tokens``: of what ``fetch`` prints. ``score``: from 0 to 1,
    None where nothing was searched for. ``arms``: which found it. ``contradicts``: ids that it
    contradicts, or that contradict it.
    """

    id: str
    kind: str
    type: str | None
    title: str
    date: str
    tier: str
    verified: bool
    tokens: int
    score: float | None = None
    arms: list[str] = field(default_factory=list)
    invalid_reason: str | None = None
    contradicts: list[str] | None = None

    OPTIONAL: ClassVar[tuple[str, ...]] = ("invalid_reason", "contradicts")


@record
class Stored(Declared):
    """What became of a text: ``outcome`` is stored or merged, and ``id`` can be fetched.

    ``linked``: the tasks that it is linked to. ``private_stripped``: private spans taken out.
    ``similar``: live entries of the kind that say nearly the same; None where nobody looked.
    ``hint``: the command that supersedes the likest of them.
    """

    outcome: str
    id: str
    kind: str
    created_at: str
    type: str | None
    linked: list[str]
    private_stripped: int
    similar: list[Line] | None = None
    hint: str | None = None

    OPTIONAL: ClassVar[tuple[str, ...]] = ("similar", "hint")


@record
class ChangedNotes(Declared):
    """The ids of the notes that were not in that state before."""

    changed: list[str]
