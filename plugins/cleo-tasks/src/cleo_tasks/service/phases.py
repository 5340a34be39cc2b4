"""Phases of the project: slugs that tasks name, in an order, one of them active."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cleo_core import inputs
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.database import Backend, Row
from cleo_core.errors import CleoError, NotFoundError, UsageError, ValidationError
from cleo_core.output import Page, to_json
from cleo_tasks.enums import TASK_STATUS
from cleo_tasks.errors import TasksError
from cleo_tasks.service import fields
from cleo_tasks.service.verbs import Verbs
from cleo_tasks.service.work import Work
from cleo_tasks.store import phases as store
from cleo_tasks.store import ready

NAME_LENGTH = 200
#: Tasks that a refusal names.
MOST_NAMED = 20


@record
class Phase(Declared):
    """One phase.

    ``position``: its place among the phases, from 1. ``tasks``: how many are in it, archived ones
    too; ``counts``: how many of each status.
    """

    slug: str
    name: str
    position: int
    status: str
    started_at: str | None
    completed_at: str | None
    tasks: int
    counts: dict[str, int]


class PhaseVerbs(Verbs):
    """``phase_list``, ``_show``, ``_add``, ``_rename``, ``_start``, ``_complete``, ``_delete``."""

    def phase_list(self, *, limit: int | None = None, offset: int = 0) -> tuple[list[Phase], Page]:
        """A page of the phases in their order.

        :raises UsageError: a number out of range.
        """
        limit, offset = self.page(limit, offset)
        with self.db.snapshot() as db:
            rows, total = store.page(db, limit=limit, offset=offset)
            return _phases(db, rows), Page(limit, offset, total)

    def phase_show(self, slug: str) -> Phase:
        """A phase.

        :raises CleoError: ``E_NOT_FOUND``, there is none; it can be no slug (6).
        """
        name = fields.slug(slug, "cleo phase show {}")
        with self.db.snapshot() as db:
            return _phase(db, _row(db, name))

    def phase_add(
        self,
        slug: str,
        *,
        name: str | None = None,
        position: int | None = None,
        idempotency_key: str | None = None,
    ) -> Phase:
        """Make a phase.

        :param name: what people call it; by default the slug.
        :param position: its place from 1, those from there on move up; by default the last.
        :raises ValidationError: there is one of that slug, or a value can be none (6).
        """
        slug_ = fields.slug(slug, "cleo phase add {}")
        name_ = slug_ if name is None else _name(name)
        place = None if position is None else fields.position(position)

        def add(work: Work) -> Phase:
            if store.row(work, slug_) is not None:
                raise _taken(slug_)
            made = store.insert(work, slug_, name_, place)
            work.note("phase", slug_, None, made, emit=False)
            return _phase(work, made)

        def body(work: Work) -> Phase:
            phase: Phase = work.unit.idempotent(
                "phase add",
                idempotency_key,
                {"slug": slug_, "name": name_, "position": place},
                lambda: add(work),
                encode=to_json,
                decode=_from_json,
            )
            return phase

        return self.write("phase.add", body)

    def phase_rename(self, slug: str, to: str | None = None, *, name: str | None = None) -> Phase:
        """Give a phase another slug, another name, or both; a name that is the slug follows it.

        Its tasks stay in it: what changes is the phase, so that neither their versions move nor
        the audit has rows of theirs.

        :raises CleoError: 2, nothing is given; 4; 6, the slug is another phase's; ``E_NO_CHANGE``
            (102), it is called so.
        """
        old = fields.slug(slug, "cleo phase rename {} NEW")
        new = old if to is None else fields.slug(to, f"cleo phase rename {old} {{}}")
        name_ = None if name is None else _name(name)
        if to is None and name is None:
            raise UsageError(
                "Another slug or another name is needed.", fix=f"cleo phase rename {old} NEW"
            )

        def change(work: Work, row: Row) -> dict[str, Any]:
            if new != old and store.row(work, new) is not None:
                raise _taken(new)
            kept = new if row["name"] == old else row["name"]
            values = {"slug": new, "name": kept if name_ is None else name_}
            if all(row[key] == value for key, value in values.items()):
                raise _no_change(f"The phase is called {old}, {row['name']!r}, already.", old)
            return values

        return self._change("phase.rename", old, change)

    def phase_start(self, slug: str) -> Phase:
        """Make a phase the active one; a completed one is taken up again.

        :raises CleoError: 4; ``E_INVALID_TRANSITION`` (6), another one is active; ``E_NO_CHANGE``
            (102), it is active.
        """
        wanted = fields.slug(slug, "cleo phase start {}")

        def change(work: Work, row: Row) -> dict[str, Any]:
            if row["status"] == "active":
                raise _no_change(f"The phase {wanted} is active already.", wanted)
            active = ready.active_phase(work)
            if active is not None:
                raise TasksError(
                    "E_INVALID_TRANSITION",
                    f"The phase {active} is active, and only one can be.",
                    fix=f"cleo phase complete {active}",
                    details={"active": active},
                )
            return {
                "status": "active",
                "started_at": row["started_at"] or work.now,
                "completed_at": None,
            }

        return self._change("phase.start", wanted, change)

    def phase_complete(self, slug: str) -> Phase:
        """Complete the active phase.

        :raises CleoError: 4; ``E_INVALID_TRANSITION`` (6), it was not started or has open tasks,
            which are named; ``E_NO_CHANGE`` (102), it is completed.
        """
        wanted = fields.slug(slug, "cleo phase complete {}")

        def change(work: Work, row: Row) -> dict[str, Any]:
            if row["status"] == "completed":
                raise _no_change(f"The phase {wanted} is completed already.", wanted)
            if row["status"] == "pending":
                raise TasksError(
                    "E_INVALID_TRANSITION",
                    f"The phase {wanted} has not been started.",
                    fix=f"cleo phase start {wanted}",
                )
            _require_none(
                work,
                wanted,
                only_open=True,
                code="E_INVALID_TRANSITION",
                message=f"The phase {wanted} has open tasks",
                fix=f"cleo list --phase {wanted} --status pending --status active "
                "--status blocked --status proposed",
            )
            return {"status": "completed", "completed_at": work.now}

        return self._change("phase.complete", wanted, change)

    def phase_delete(self, slug: str) -> Phase:
        """Delete a phase that no task is in, in any status; returns what it was.

        :raises CleoError: 4; ``E_HAS_DEPENDENTS`` (19), tasks are in it, which are named.
        """
        wanted = fields.slug(slug, "cleo phase delete {}")

        def body(work: Work) -> Phase:
            row = _row(work, wanted)
            _require_none(
                work,
                wanted,
                only_open=False,
                code="E_HAS_DEPENDENTS",
                message=f"Tasks are in the phase {wanted}",
                fix="cleo update {} --clear phase",
            )
            gone = _phase(work, row)
            store.delete(work, wanted)
            work.note("phase", wanted, row, None, emit=False)
            return gone

        return self.write("phase.delete", body)

    def _change(
        self, action: str, slug: str, change: Callable[[Work, Row], Mapping[str, Any]]
    ) -> Phase:
        """Set columns of a phase in a unit of its own; the audit names it as it was called."""

        def body(work: Work) -> Phase:
            row = _row(work, slug)
            after = {**row, **change(work, row)}
            store.update(work, slug, after)
            changed = [name for name in after if after[name] != row[name]]
            work.note(
                "phase",
                slug,
                {name: row[name] for name in changed},
                {name: after[name] for name in changed},
                emit=False,
            )
            return _phase(work, after)

        return self.write(action, body)


def _row(db: Backend, slug: str) -> Row:
    row = store.row(db, slug)
    if row is None:
        raise NotFoundError(f"There is no phase {slug}.", fix="cleo phase list", phase=slug)
    return row


def _phases(db: Backend, rows: Sequence[Mapping[str, Any]]) -> list[Phase]:
    counts = store.counts(db, [row["slug"] for row in rows])
    return [
        Phase(
            slug=row["slug"],
            name=row["name"],
            position=row["position"],
            status=row["status"],
            started_at=row["started_at"],
            completed_at=row["completed_at"],
            tasks=sum(counts[row["slug"]].values()),
            counts={status: counts[row["slug"]].get(status, 0) for status in TASK_STATUS},
        )
        for row in rows
    ]


def _phase(db: Backend, row: Mapping[str, Any]) -> Phase:
    return _phases(db, [row])[0]


def _from_json(data: Mapping[str, Any]) -> Phase:
    """A Phase as an idempotency key kept it."""
    return Phase(
        slug=data["slug"],
        name=data["name"],
        position=data["position"],
        status=data["status"],
        started_at=data["startedAt"],
        completed_at=data["completedAt"],
        tasks=data["tasks"],
        counts=data["counts"],
    )


def _name(value: Any) -> str:
    return inputs.line(value, "name", NAME_LENGTH, fix="--name NAME")


def _taken(slug: str) -> ValidationError:
    return ValidationError(f"There is a phase {slug} already.", fix=f"cleo phase show {slug}")


def _no_change(message: str, slug: str) -> CleoError:
    return CleoError("E_NO_CHANGE", message, fix=f"cleo phase show {slug}")


def _require_none(
    work: Work, slug: str, *, only_open: bool, code: str, message: str, fix: str
) -> None:
    """Whether a phase has no tasks, or no open ones.

    :param fix: with ``{}`` in place of the first task's id, if it names one.
    :raises TasksError: it has; the first of them are named.
    """
    found = store.tasks_of(work, slug, only_open=only_open, limit=MOST_NAMED + 1)
    if not found:
        return
    named = found[:MOST_NAMED]
    more = " and more" if len(found) > MOST_NAMED else ""
    raise TasksError(
        code,
        f"{message}: {', '.join(named)}{more}.",
        fix=fix.replace("{}", named[0]),
        details={"tasks": named, "more": bool(more)},
    )
