"""The numbers of tasks as they stand."""

from __future__ import annotations

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.database import Backend, Database
from cleo_tasks.ids import HIGHEST
from cleo_tasks.store import sequence


@record
class SequenceState(Declared):
    """The number that the next task gets, the last one as stored, the highest that a task has.

    ``ok``: the stored one is neither behind nor beyond any number that a task can have.
    """

    next: int
    stored: int
    max: int
    ok: bool


def sequence_state(db: Database) -> SequenceState:
    """The state of the sequence, read at one moment."""
    with db.snapshot():
        return read_state(db)


def read_state(db: Backend) -> SequenceState:
    """The same inside a unit or a snapshot."""
    return state_of(*sequence.read(db))


def state_of(stored: int, highest: int) -> SequenceState:
    """What two numbers mean: the last one given out, and the highest that a task has."""
    return SequenceState(max(stored, highest) + 1, stored, highest, highest <= stored < HIGHEST)
