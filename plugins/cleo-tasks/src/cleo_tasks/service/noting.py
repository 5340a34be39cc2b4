"""A unit that notes what it does: one audit row for each entity, and the session it is done in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cleo_core.units import Unit
from cleo_tasks.service.entries import Bulk, Entry
from cleo_tasks.service.in_session import InSession
from cleo_tasks.store import audit, sessions

if TYPE_CHECKING:
    from cleo_core.app import App

#: Columns that every change sets and that the audit row says in columns of its own.
_STAMPS = frozenset({"updated_at", "modified_by"})


class Noting(InSession):
    """A unit that gathers what is done to entities, and writes its audit rows at the end.

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

    def bookkeeping(self) -> None:
        """Something was written that has no audit row; the session's activity is noted for it."""
        self._noted = True

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
