"""One verb's unit of work: columns, versions, audit, the session it runs in.

Whatever a verb does to one entity, the unit bumps its version once and writes one audit row for
it; that rule lives here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from cleo_core.database import Row
from cleo_core.errors import CleoError, UsageError, ValidationError
from cleo_core.units import Unit
from cleo_tasks.errors import task_not_found
from cleo_tasks.ids import HIGHEST
from cleo_tasks.records import Task
from cleo_tasks.service import settings
from cleo_tasks.service.entries import Bulk, Entry
from cleo_tasks.service.in_session import InSession
from cleo_tasks.store import audit, graph, sequence, sessions, tasks

if TYPE_CHECKING:
    from cleo_core.app import App

T = TypeVar("T")

#: Columns that every change sets and that the audit row says in columns of its own.
_STAMPS = frozenset({"updated_at", "modified_by"})


class Work(InSession):
    """A unit with what every verb of this store needs.

    :param action: what the audit calls the verb, ``task.complete``.
    """

    def __init__(self, unit: Unit, app: App, action: str) -> None:
        super().__init__(unit, app)
        self.action = action
        self.source = unit.source
        self.now = unit.now
        self.actor = unit.actor
        self.execute = unit.execute
        self.executemany = unit.executemany
        self._entries: dict[tuple[str, str], Entry] = {}
        self._noted = False

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

    def bump(self, row: Row, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Something that belongs to a task changed in another table: relations, gate results."""
        self._touch_task(row, {})
        self._note("task", row["id"], before, after, row["id"])

    def require_version(self, row: Row, version: int | None) -> None:
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

    # Other entities

    def note(
        self,
        kind: str,
        id_: str,
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any] | None,
        *,
        task_id: str | None = None,
        action: str | None = None,
        emit: bool = True,
    ) -> Entry:
        """Say what the unit did to an entity that is no task.

        :param before: None for a creation; ``after`` None for a deletion.
        :param emit: False for kinds that other stores are not told about.
        """
        entry = self._entry(kind, id_, task_id, action)
        if before is None:
            entry.before, entry.after = None, dict(after or {})
            if emit:
                self.unit.created(kind, id_, entry.after)
        elif after is None:
            entry.before, entry.after = dict(before), None
            if emit:
                self.unit.deleted(kind, id_, before)
        else:
            self._merge(entry, before, after)
            if emit:
                self.unit.updated(kind, id_, before, after)
        return entry

    def bulk(self, made: Iterable[Bulk]) -> None:
        """Note what a unit did to many tasks by statements of its own: an audit row for each.

        The caller has written the rows; versions are its affair too.
        """
        self.active_session()
        self._noted = True
        shared = self._audit_columns()

        def rows() -> Iterator[dict[str, Any]]:
            for one in made:
                if one.before is None:
                    self.unit.created("task", one.id, one.after)
                else:
                    self.unit.updated("task", one.id, one.before, one.after)
                yield {
                    **shared,
                    "action": self.action,
                    "entity_kind": "task",
                    "entity_id": one.id,
                    "task_id": one.id,
                    "forced": 0,
                    "reason": None,
                    "details": one.details,
                    "before": one.before,
                    "after": {**one.after, **one.becomes},
                }

        audit.add_many(self, rows())

    def finish(self) -> None:
        """Write the audit rows and note the session's activity; called once, at the end."""
        if not self._entries and not self._noted:
            return
        if not self._settled:
            self._session_of_audit()
        for (kind, id_), entry in self._entries.items():
            audit.add(
                self,
                **self._audit_columns(),
                action=entry.action,
                entity_kind=kind,
                entity_id=id_,
                task_id=entry.task_id,
                forced=int(entry.forced),
                reason=entry.reason,
                details=entry.details,
                before=entry.before,
                after=entry.after,
            )
        if self._session is not None:
            sessions.touch(self, self._session, self.now)

    def _audit_columns(self) -> dict[str, Any]:
        """What all audit rows of a unit have in common."""
        return {
            "timestamp": self.now,
            "actor": self.actor,
            "session_id": self._session,
            "request_id": self.app.request_id,
            "source": self.source,
        }

    def _session_of_audit(self) -> None:
        """Which session the audit names when the verb itself asked for none."""
        first = next((entry.task_id for entry in self._entries.values() if entry.task_id), None)
        self.active_session(first)

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

    def _note(
        self,
        kind: str,
        id_: str,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        task_id: str | None,
        action: str | None = None,
    ) -> Entry:
        entry = self._entry(kind, id_, task_id, action)
        self._merge(entry, before, after)
        self.unit.updated(kind, id_, before, after)
        return entry

    def _merge(self, entry: Entry, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        if entry.before is not None:
            entry.before = {**before, **entry.before}
        entry.after = {
            **(entry.after or {}),
            **{name: value for name, value in after.items() if name not in _STAMPS},
        }

    def _entry(self, kind: str, id_: str, task_id: str | None, action: str | None = None) -> Entry:
        entry = self._entries.get((kind, id_))
        if entry is None:
            entry = self._entries[kind, id_] = Entry(action or self.action, task_id)
        return entry


class Verbs:
    """A group of verbs of the ``tasks`` service, bound to an App."""

    def __init__(self, app: App) -> None:
        self.app = app

    @property
    def db(self) -> Any:
        """The store for reading."""
        return self.app.store("tasks")

    def write(self, action: str, body: Callable[[Work], T]) -> T:
        """Run a verb's body as one unit and write its audit rows at the end."""

        def run(unit: Unit) -> T:
            work = Work(unit, self.app, action)
            result = body(work)
            work.finish()
            return result

        return self.app.write("tasks", run)

    def page(self, limit: int | None, offset: int, setting: str = "list.limit") -> tuple[int, int]:
        """Limit and offset of a list, the limit by default from the configuration.

        :raises CleoError: a number that is out of range: 2, or the configured one 8.
        """
        chosen = settings.number(self.app.config, setting) if limit is None else limit
        if chosen < 1 or offset < 0:
            raise UsageError("A limit is at least 1 and an offset at least 0.")
        return min(chosen, 2**31), min(offset, 2**62)
