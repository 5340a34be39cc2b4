"""The numbers of new tasks: those that rows insist on, and fresh ones beyond all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from cleo_tasks.ids import task_id
from cleo_tasks.store import sequence

if TYPE_CHECKING:
    from cleo_tasks.importers.engine import Import
    from cleo_tasks.service.work import Work


class Taken(NamedTuple):
    """What an import took for all its tasks at once: the numbers after ``above`` up to ``last``.

    ``fresh`` is the next one for a row that insists on none.
    """

    above: int
    last: int
    fresh: int


def take(run: Import, work: Work, rows: Sequence[int]) -> tuple[list[int], Taken | None]:
    """The numbers of a unit's tasks.

    :returns: them, and what is taken once the unit has committed; None where no row of the file
        insists on a number, and each unit takes its own.
    :raises CleoError: ``E_CONCURRENT_MODIFICATION``, another command was given one of them.
    """
    if not run.numbers:
        first = work.take_numbers(len(rows))
        return list(range(first, first + len(rows))), None
    taken = run.taken or _take_all(run, work)
    fresh = taken.fresh
    numbers = []
    for row in rows:
        number = run.number_of(row)
        if number is None:
            number, fresh = fresh, fresh + 1
        numbers.append(number)
    return numbers, taken._replace(fresh=fresh)


def _take_all(run: Import, work: Work) -> Taken:
    """Take the numbers of all units in the first one, so that no other command gets between."""
    given = max(sequence.read(work))
    fresh = 0
    for row in run.plan.order:
        number = run.number_of(row)
        if number is None:
            fresh += 1
        elif run.given < number <= given:
            raise run.overtaken(f"{task_id(number)} was given to another task")
    beyond = run.highest_read if fresh else run.highest_number
    first = work.take_numbers(fresh, beyond=beyond)
    return Taken(given, first + fresh - 1, first)
