"""The audit log, and the numbers of tasks."""

from __future__ import annotations

from typing import Any

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.durations import moment
from cleo_core.errors import NotFoundError
from cleo_core.output import Page
from cleo_tasks.errors import TasksError
from cleo_tasks.ids import HIGHEST, parse_id
from cleo_tasks.service import fields, numbering
from cleo_tasks.service.verbs import Verbs
from cleo_tasks.service.work import Work
from cleo_tasks.store import audit, sequence

#: A longer number is no row's: SQLite's integers end at nineteen digits.
_DIGITS = 18


@record
class Pruned(Declared):
    """Rows that were archived and rows that were deleted; ``path`` of the archive.

    ``path`` is None where there was nothing to prune, and in a dry run.
    """

    archived: int
    deleted: int
    path: str | None


class LogVerbs(Verbs):
    """``log_list``, ``log_show``, ``log_prune``, ``sequence_show``, ``_check``, ``_repair``."""

    def log_list(
        self,
        *,
        task: str | None = None,
        action: str | None = None,
        actor: str | None = None,
        in_session: str | None = None,
        since: str | None = None,
        before: str | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> tuple[list[dict[str, Any]], Page]:
        """A page of audit rows, newest first.

        :param task: rows of one task, which may be purged by now.
        :param action: ``task.complete``, ``session.start`` and so on.
        :param since: ISO-8601; rows written at or after it. ``before``: rows written earlier.
        :raises UsageError: a filter's value can be no such thing, or a number is out of range.
        """
        limit, offset = self.page(limit, offset)
        given = {
            "task": parse_id(task) if task is not None else None,
            "action": fields.name_filter(action, "action") if action is not None else None,
            "actor": fields.name_filter(actor, "actor") if actor is not None else None,
            "session": (
                fields.name_filter(in_session, "in-session") if in_session is not None else None
            ),
            "since": moment(since) if since is not None else None,
            "before": moment(before, "--before") if before is not None else None,
        }
        filters = {name: value for name, value in given.items() if value is not None}
        rows, total = audit.listing(self.db, filters, limit=limit, offset=offset)
        return rows, Page(limit, offset, total)

    def log_show(self, *ids: str | int) -> list[dict[str, Any]]:
        """Audit rows by number, and all rows of a request by its id.

        :raises NotFoundError: one of them does not exist.
        """
        found: dict[int, dict[str, Any]] = {}
        for id_ in ids:
            rows = self._rows(str(id_).strip())
            if not rows:
                raise NotFoundError(
                    f"The log has no row or request {str(id_)[:80]!r}.", fix="cleo log list"
                )
            found.update((row["id"], row) for row in rows)
        return list(found.values())

    def log_prune(self, *, before: str) -> Pruned:
        """Archive the audit rows written before a time, then delete them.

        :param before: ISO-8601.
        :raises CleoError: ``E_ARCHIVE_FAILED``, the rows are kept.
        """
        moment_ = moment(before, "--before")
        with self.db.snapshot() as db:
            extent = audit.old_extent(db, moment_)
            rows, last = int(extent["rows"]), extent["last"]
            if not rows or self.app.dry_run:
                return Pruned(rows, rows, None)
        from contextlib import closing

        from cleo_core.archive import archive_and_delete

        with closing(audit.old_rows(self.db, moment_, last)) as old:
            path = archive_and_delete(
                self.app.project.directory,
                f"tasks-audit-{extent['first']}-{last}",
                old,
                lambda: self._delete_old(moment_, last, rows),
                expected=rows,
            )
        return Pruned(rows, rows, path)

    def sequence_show(self) -> numbering.SequenceState:
        """The numbers of tasks as they stand."""
        return numbering.sequence_state(self.db)

    def sequence_check(self) -> numbering.SequenceState:
        """The same, with a warning where the stored number is wrong."""
        found = self.sequence_show()
        if found.stored >= HIGHEST:
            self.app.warn(
                "W_SEQUENCE_BEYOND",
                f"The stored sequence {found.stored} is beyond any number that a task can have; "
                "cleo sequence repair sets it right.",
            )
        elif not found.ok:
            self.app.warn(
                "W_SEQUENCE_BEHIND",
                f"The stored sequence {found.stored} is behind the highest task number "
                f"{found.max}; cleo sequence repair sets it right.",
            )
        return found

    def sequence_repair(self) -> numbering.SequenceState:
        """Set a stored number right that is behind the highest task, or beyond any.

        :raises TasksError: ``E_NO_CHANGE``, it is right.
        """

        def body(work: Work) -> numbering.SequenceState:
            found = numbering.read_state(work)
            if found.ok:
                raise TasksError(
                    "E_NO_CHANGE",
                    f"The stored sequence {found.stored} is not behind.",
                    fix="cleo sequence show",
                )
            # Tasks that were purged had numbers too.
            right = max(found.max, sequence.given(work))
            sequence.give_out(work, right)
            work.note(
                "sequence",
                "task_sequence",
                {"value": found.stored},
                {"value": right},
                emit=False,
            )
            return numbering.state_of(right, found.max)

        return self.write("sequence.repair", body)

    def _rows(self, text: str) -> list[dict[str, Any]]:
        if not text.isdecimal():
            return audit.of_request(self.db, text) if text.isprintable() else []
        row = audit.get(self.db, int(text)) if len(text) <= _DIGITS else None
        return [] if row is None else [row]

    def _delete_old(self, before: str, last: int, expected: int) -> int:
        def body(work: Work) -> int:
            deleted = audit.delete_old(work, before, last)
            if deleted != expected:
                # Another process pruned meanwhile; what it took is in its own archive.
                raise TasksError(
                    "E_ARCHIVE_FAILED",
                    f"{expected} rows were archived, and {deleted} of them are still there",
                    fix="the same command",
                )
            return deleted

        return self.write("log.prune", body)
