"""One verb's unit of work: columns, versions, audit, the session it runs in.

Whatever a verb does to one entity, the unit bumps its version once and writes one audit row for
it; that rule lives here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from cleo_core.database import Row
from cleo_core.errors import CleoError, ValidationError
from cleo_core.units import Unit
from cleo_tasks.errors import task_not_found
from cleo_tasks.ids import HIGHEST
from cleo_tasks.records import Task
from cleo_tasks.service import settings
from cleo_tasks.service.noting import Noting
from cleo_tasks.store import graph, sequence, tasks

if TYPE_CHECKING:
    from cleo_core.app import App

T = TypeVar("T")


class Work(Noting):
    """A unit with what every verb of this store needs.

    :param action: what the audit calls the verb, ``task.complete``.
    :param hashes: of files that are evidence, as
        :func:`~cleo_tasks.service.evidence.hashed_before` has read them before the unit; None where
        they are read when they are asked for.
    """

    def __init__(
        self, unit: Unit, app: App, action: str, hashes: Mapping[str, str | None] | None = None
    ) -> None:
        super().__init__(unit, app, action)
        self.hashes = hashes

    def number(self, name: str) -> int:
        """A configuration value under ``tasks.`` that is a number.

        :raises CleoError: ``E_CONFIG`` (8), it is out of range.
        """
        return settings.number(self.app.config, name)

    # Tasks

    def task(self, id_: str) -> Row:
        """A task's columns as they are now, JSON decoded.

        :raises NotFoundError: there is none.
        """
        row = tasks.row(self, id_)
        if row is None:
            raise task_not_found(id_)
        return row

    def rows(self, ids: Sequence[str]) -> dict[str, Row]:
        """The columns of tasks by id, as :meth:`task` gives them.

        :raises NotFoundError: some do not exist; it names them all.
        """
        found = {id_: tasks.row(self, id_) for id_ in ids}
        missing = [id_ for id_, row in found.items() if row is None]
        if missing:
            raise task_not_found(*missing)
        return {id_: row for id_, row in found.items() if row is not None}

    def record(self, id_: str) -> Task:
        """A task as services return it.

        :raises NotFoundError: there is none.
        """
        found = tasks.get(self, id_)
        if found is None:
            raise task_not_found(id_)
        return found

    def take_numbers(self, count: int, *, beyond: int = 0) -> int:
        """Take numbers for new tasks; returns the first.

        A unit that is rolled back takes none; a number that was committed is never given again.

        :param beyond: the numbers up to this one are taken too, for tasks that insist on theirs.
        :raises ValidationError: the stored number is beyond any that a task can have.
        """
        stored, highest = sequence.read(self)
        if highest > stored:
            self.warn(
                "W_SEQUENCE_BEHIND",
                f"The stored sequence {stored} was behind the highest task number {highest}; "
                "it was set right.",
            )
        first = max(stored, highest, beyond) + 1
        if first + count - 1 > HIGHEST:
            raise ValidationError(
                f"The stored sequence {stored} is beyond any number that a task can have.",
                fix="cleo sequence repair",
            )
        sequence.give_out(self, first + count - 1)
        return first

    def insert(
        self,
        values: Mapping[str, Any],
        *,
        labels: Sequence[str] = (),
        depends_on: Sequence[str] = (),
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Insert a task with its labels and edges, and note its creation."""
        tasks.insert(self, values)
        id_ = values["id"]
        if labels:
            tasks.add_labels(self, id_, labels)
        if depends_on:
            graph.add_edges(self, id_, depends_on, now=self.now, actor=self.actor)
        entry = self._entry("task", id_, id_)
        entry.before = None
        entry.after = {
            **{name: value for name, value in values.items() if name != "seq"},
            "labels": list(labels),
            "depends_on": list(depends_on),
        }
        entry.details.update(details or {})
        self.unit.created("task", id_, entry.after)

    def change(
        self,
        row: Row,
        values: Mapping[str, Any],
        *,
        action: str | None = None,
        details: Mapping[str, Any] | None = None,
        forced: bool = False,
        reason: str | None = None,
    ) -> list[str]:
        """Change columns of a task; ``row`` is updated in place.

        :returns: the names of the columns that really changed; nothing is written for none.
        """
        changed = {name: value for name, value in values.items() if row[name] != value}
        if not changed:
            return []
        self._touch_task(row, changed)
        entry = self._note(
            "task",
            row["id"],
            {name: row[name] for name in changed},
            changed,
            task_id=row["id"],
            action=action,
        )
        entry.details.update(details or {})
        entry.forced = entry.forced or forced
        entry.reason = reason if reason is not None else entry.reason
        row.update(changed)
        return list(changed)

    def claimed(self, row: Row, values: Mapping[str, Any]) -> None:
        """A claim's own statement has set these columns and moved the version: note it."""
        self._note("task", row["id"], {name: row[name] for name in values}, values, row["id"])
        row.update(values, updated_at=self.now, modified_by=self.actor)
        row["version"] += 1

    def change_labels(
        self, row: Row, *, add: Sequence[str] = (), remove: Sequence[str] = ()
    ) -> bool:
        """Give and take labels; they belong to the task, so its version moves and it is audited.

        :returns: whether anything changed.
        """
        before = tasks.labels(self, row["id"])
        changed = bool(add) and tasks.add_labels(self, row["id"], add) > 0
        changed = (bool(remove) and tasks.remove_labels(self, row["id"], remove) > 0) or changed
        if changed:
            self._touch_task(row, {})
            after = tasks.labels(self, row["id"])
            self._note("task", row["id"], {"labels": before}, {"labels": after}, row["id"])
        return changed

    def change_edges(
        self, row: Row, *, add: Sequence[str] = (), remove: Sequence[str] = ()
    ) -> bool:
        """Give and take dependencies of a task; the caller has checked that no loop closes.

        :returns: whether anything changed.
        """
        before = [one["depends_on"] for one in self.read(tasks.DEPENDENCIES_OF, id=row["id"])]
        added = [one for one in add if one not in before]
        removed = [one for one in remove if one in before]
        if not added and not removed:
            return False
        if added:
            graph.add_edges(self, row["id"], added, now=self.now, actor=self.actor)
        if removed:
            graph.remove_edges(self, row["id"], removed)
        self._touch_task(row, {})
        after = [one["depends_on"] for one in self.read(tasks.DEPENDENCIES_OF, id=row["id"])]
        self._note("task", row["id"], {"depends_on": before}, {"depends_on": after}, row["id"])
        return True

    def bump(
        self,
        row: Row,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        *,
        reason: str | None = None,
    ) -> None:
        """Something that belongs to a task changed in another table: relations, gate results."""
        self._touch_task(row, {})
        entry = self._note("task", row["id"], before, after, row["id"])
        entry.reason = reason if reason is not None else entry.reason

    @staticmethod
    def require_version(row: Row, version: int | None) -> None:
        """Refuse an edit that was based on an older row.

        :raises CleoError: ``E_CONCURRENT_MODIFICATION`` with both states.
        """
        if version is not None and row["version"] != version:
            raise CleoError(
                "E_CONCURRENT_MODIFICATION",
                f"{row['id']} is at version {row['version']}, not {version}: "
                f"it was changed at {row['updated_at']} by {row['modified_by'] or 'somebody'}.",
                fix=f"cleo show {row['id']}",
                details={"expected": version, "version": row["version"], "current": dict(row)},
            )

    def _touch_task(self, row: Row, values: Mapping[str, Any]) -> None:
        """UPDATE of the named columns; the version moves once per unit."""
        first = ("task", row["id"]) not in self._entries
        stamps: dict[str, Any] = {}
        if first:
            stamps = {"updated_at": self.now, "modified_by": self.actor}
        if values or stamps:
            tasks.update(self, row["id"], {**values, **stamps}, bump=first)
            row.update(stamps)
            row["version"] += 1 if first else 0
