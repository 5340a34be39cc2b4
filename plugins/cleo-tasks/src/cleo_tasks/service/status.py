"""The verbs that close tasks, open them again and put them away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cleo_core.errors import UsageError
from cleo_tasks.ids import parse_ids
from cleo_tasks.service.verbs import Verbs

if TYPE_CHECKING:
    from cleo_tasks.service.archiving import ArchiveResult, ReopenResult
    from cleo_tasks.service.closing import CloseResult
    from cleo_tasks.service.completing import CompleteResult


class StatusVerbs(Verbs):
    """``complete``, ``cancel``, ``reopen``, ``archive``, ``unarchive``, ``delete``.

    Several ids are one unit: all or nothing. ``if_version`` goes with a single id.
    """

    def complete(
        self, *ids: str, note: str | None = None, if_version: int | None = None
    ) -> list[CompleteResult]:
        """Complete tasks, and the parents that are finished with them; one result for each id.

        :param note: added to each of the tasks.
        :raises CleoError: the first of 4, 36, 34, 35, 17, 6, 5, 6 (acceptance), 40, 44, 45, 41, 16,
            80 that a task meets; 21; several problems at once are 6.
        """
        from cleo_tasks.service.completing import complete_tasks

        named = _named(ids, if_version, "complete")
        return self.write(
            "task.complete",
            lambda work: complete_tasks(work, named, note=note, if_version=if_version),
        )

    def cancel(
        self,
        *ids: str,
        reason: str | None = None,
        children: str = "block",
        if_version: int | None = None,
    ) -> CloseResult:
        """Give tasks up.

        :param reason: 1 to 500 characters.
        :param children: ``block`` refuses tasks with open children, ``cascade`` cancels everything
            open below them, ``orphan`` moves the open children to the next parent above.
        :raises CleoError: 2, 4, 6, 16, 21, 34, 36; 102, all of them are cancelled already; with
            orphan also what ``reparent`` raises.
        """
        from cleo_tasks.service.closing import cancel_tasks

        named = _named(ids, if_version, "cancel")
        return self.write(
            "task.cancel",
            lambda work: cancel_tasks(
                work, named, reason=reason, children=children, if_version=if_version
            ),
        )

    def reopen(
        self, *ids: str, status: str = "pending", if_version: int | None = None
    ) -> ReopenResult:
        """Open done or cancelled tasks again.

        :param status: ``pending`` or ``active``.
        :raises CleoError: 2, 4, 5, 6, 21, 34, 36; 102, all of them are open already.
        """
        from cleo_tasks.service.archiving import reopen_tasks

        named = _named(ids, if_version, "reopen")
        return self.write(
            "task.reopen",
            lambda work: reopen_tasks(work, named, status=status, if_version=if_version),
        )

    def archive(
        self,
        *ids: str,
        done_before: str | None = None,
        all_done: bool = False,
        cancelled: bool = False,
        reason: str | None = None,
        if_version: int | None = None,
    ) -> ArchiveResult:
        """Put closed tasks away: those named, or those that are selected.

        :param done_before: select tasks completed before this time, ISO-8601.
        :param all_done: select all done tasks; ``cancelled``: all cancelled ones as well.
        :param reason: completed, cancelled, superseded or duplicate; by default by status.
        :raises CleoError: 2, 4, 6, 16, 21; 102, there is nothing to put away.
        """
        from cleo_tasks.service.archiving import archive_tasks

        named = _named(ids, if_version, "archive") if ids else []
        before = None
        if done_before is not None:
            from cleo_core.durations import moment

            before = moment(done_before, "--done-before")
        return self.write(
            "task.archive",
            lambda work: archive_tasks(
                work,
                named,
                done_before=before,
                all_done=all_done,
                cancelled=cancelled,
                reason=reason,
                if_version=if_version,
            ),
        )

    def unarchive(self, *ids: str, if_version: int | None = None) -> ArchiveResult:
        """Take tasks back out of the archive, with the status they had.

        :raises CleoError: 2, 4, 6, 21; 102, none of them is archived.
        """
        from cleo_tasks.service.archiving import unarchive_tasks

        named = _named(ids, if_version, "unarchive")
        return self.write(
            "task.unarchive", lambda work: unarchive_tasks(work, named, if_version=if_version)
        )

    def delete(
        self,
        *ids: str,
        reason: str | None = None,
        children: str = "block",
        detach: bool = False,
        purge: bool = False,
        if_version: int | None = None,
    ) -> CloseResult:
        """Delete tasks into the archive, or with ``purge`` archived ones for good.

        :param reason: 1 to 500 characters, for the audit.
        :param children: as for :meth:`cancel`.
        :param detach: remove the edges of open tasks that depend on them.
        :raises CleoError: 2, 4, 6, 16, 19, 21, 34, 36; 102, all of them are archived already; with
            orphan also what ``reparent`` raises.
        """
        from cleo_tasks.service.closing import delete_tasks, purge_tasks

        named = _named(ids, if_version, "delete")
        if not purge:
            return self.write(
                "task.delete",
                lambda work: delete_tasks(
                    work,
                    named,
                    reason=reason,
                    children=children,
                    detach=detach,
                    if_version=if_version,
                ),
            )
        if children != "block":
            raise UsageError(
                "A purge removes the named tasks only; their children are purged by name.",
                fix=f"cleo delete {' '.join(named)} --children {children}",
            )
        return self.write(
            "task.purge",
            lambda work: purge_tasks(work, named, reason=reason, if_version=if_version),
        )


def _named(ids: Sequence[str], if_version: int | None, verb: str) -> list[str]:
    named = parse_ids(ids)
    if not named:
        raise UsageError("A task has to be named.", fix=f"cleo {verb} ID")
    if if_version is not None and len(named) > 1:
        raise UsageError(
            "A version is that of one task; several are named.",
            fix=f"cleo {verb} {named[0]} --if-version {if_version}",
        )
    return named
