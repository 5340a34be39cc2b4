"""Mending what the store derives: counters, search index, focus, the sequence of numbers.

Everything here can be made again from the rows that it follows; nothing else is touched. What is
wrong is found by the statements of the health checks, and each write unit looks at its block again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from cleo_core.api import Repair
from cleo_core.errors import CleoError
from cleo_tasks.service import findings, health, numbering
from cleo_tasks.store import health as store
from cleo_tasks.store import repairs

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Database
    from cleo_core.units import Unit

T = TypeVar("T")

#: Rows that one unit mends, so that other writers wait for no more.
BLOCK = 500
#: All of them.
ALL = -1


class _Plan(NamedTuple):
    """What is wrong.

    :ivar scanned: rows that were looked at.
    :ivar wrong: how many of them are wrong.
    :ivar steps: each mends some of them in one unit, and says how many.
    """

    scanned: int
    wrong: int
    steps: Sequence[Callable[[], int]]


def reconcile(app: App, *, apply: bool) -> list[Repair]:
    """Find what does not follow from the rows any more, and mend it.

    :param apply: False writes nothing.
    :returns: one Repair each for counters, search index, focus and sequence; none where there is
        no file. A file that is not at its head is refused.
    """
    why = findings.unfit(app)
    if why is not None and why.status == "ok":
        return []
    if why is not None:
        return [Repair(f"tasks.{name}", 0, 0, 0, 0, 0, why.message) for name in _PLANS]
    return [_one(app, name, apply=apply and not app.dry_run) for name in _PLANS]


def _one(app: App, name: str, *, apply: bool) -> Repair:
    refused, repaired = None, 0
    plan = _Plan(0, 0, ())
    try:
        plan = _PLANS[name](app, app.store("tasks"))
        if apply:
            for step in plan.steps:
                repaired += step()
    except CleoError as error:
        refused = error.message
    return Repair(f"tasks.{name}", plan.scanned, plan.wrong, 0, plan.wrong, repaired, refused)


def _counters(app: App, db: Database) -> _Plan:
    rows, total = store.miscounted(db, limit=ALL)
    ids = [row["id"] for row in rows]
    steps = [_in_unit(app, repairs.recount, block) for block in _blocks(ids)]
    return _Plan(store.count(db, store.TASKS), total, steps)


def _search(app: App, db: Database) -> _Plan:
    missed, _ = store.wrong(db, store.MISINDEXED, limit=ALL)
    extra, _ = store.superfluous(db, limit=ALL, every_task_indexed=not missed)
    rows = [row["seq"] for row in (*missed, *extra)]
    steps = [_in_unit(app, repairs.reindex, block) for block in _blocks(rows)]
    scanned = store.count(db, store.TASKS)
    if health.index_fault(app, db) is None:
        return _Plan(scanned, len(rows), steps)
    # The index does not fit its own texts: it is made anew from them first, for all tasks. Only
    # then can single texts be taken out of it.
    rest = max(scanned - len(rows), 1)

    def rebuild(unit: Unit) -> int:
        repairs.rebuild_index(unit)
        return rest

    return _Plan(scanned, rest + len(rows), [lambda: app.write("tasks", rebuild), *steps])


def _focus(app: App, db: Database) -> _Plan:
    rows, total = store.wrong(db, store.FOCUS, limit=ALL)

    def mend(unit: Unit, ids: Sequence[str]) -> int:
        return repairs.refocus(unit, ids, unit.now)

    steps = [_in_unit(app, mend, block) for block in _blocks([row["id"] for row in rows])]
    return _Plan(store.count(db, store.SESSIONS), total, steps)


def _sequence(app: App, db: Database) -> _Plan:
    found = numbering.sequence_state(db)

    def repair() -> int:
        from cleo_tasks.service import logs

        try:
            logs.LogVerbs(app).sequence_repair()
        except CleoError as error:
            if error.code != "E_NO_CHANGE":  # somebody was faster
                raise
            return 0
        return 1

    return _Plan(1, 0, ()) if found.ok else _Plan(1, 1, (repair,))


_PLANS: dict[str, Callable[[App, Database], _Plan]] = {
    "counters": _counters,
    "search": _search,
    "focus": _focus,
    "sequence": _sequence,
}


def _in_unit(app: App, mend: Callable[[Any, Any], int], block: Sequence[Any]) -> Callable[[], int]:
    return lambda: app.write("tasks", lambda unit: mend(unit, block))


def _blocks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), BLOCK):
        yield items[start : start + BLOCK]
