"""Keeping tasks waiting for something that is no task of this project."""

from __future__ import annotations

from collections.abc import Mapping

from cleo_core import inputs
from cleo_core.database import Row
from cleo_core.errors import UsageError, ValidationError
from cleo_tasks.bulk_records import Held
from cleo_tasks.ids import parse_id
from cleo_tasks.service import transitions
from cleo_tasks.service.verbs import Verbs
from cleo_tasks.service.work import Work
from cleo_tasks.store import tasks


class HoldVerbs(Verbs):
    """``hold``."""

    def hold(self, waits: Mapping[str, str | None], *, prefix: str) -> Held:
        """Block pending tasks that wait for something elsewhere, and let the others go again.

        It goes by state and may be repeated: a pending task with a reason becomes ``blocked`` with
        it; one that is blocked with a reason of the same beginning gets the new one, or without a
        reason becomes ``pending``. Whatever is in another state, or blocked for a reason of another
        beginning, is left alone. Nobody works on the tasks by this, so no session is asked for.

        :param waits: task -> why it waits, or None where it waits for nothing any more.
        :param prefix: what all reasons of the caller begin with, ``nexus: ``.
        :raises CleoError: 2, one is no task id; 6, a reason is blank or begins otherwise; a guard
            refuses.
        """
        begin = inputs.plain_text(prefix, "prefix")
        if not begin.strip():
            raise ValidationError("The prefix says who holds the tasks; it is blank.")
        wanted = _reasons(waits, begin)

        def body(work: Work) -> Held:
            work.outside_sessions()
            found = Held([], [], [], [], [])
            for id_, reason in wanted.items():
                row = tasks.row(work, id_)
                if row is None:
                    found.missing.append(id_)
                else:
                    getattr(found, _settle(work, row, reason, begin)).append(id_)
            return found

        return self.write("task.hold", body)


def _settle(work: Work, row: Row, reason: str | None, prefix: str) -> str:
    """Bring one task into the state that its reason asks for; returns what it is listed as."""
    ours = row["status"] == "blocked" and (row["blocked_reason"] or "").startswith(prefix)
    if row["status"] == "pending" and reason is not None:
        transitions.move(work, row, "blocked", verb="update", blocked_reason=reason)
        return "blocked"
    if ours and reason is None:
        transitions.move(work, row, "pending", verb="update")
        return "released"
    if ours and work.change(row, {"blocked_reason": reason}):
        return "reworded"
    return "left"


def _reasons(waits: Mapping[str, str | None], prefix: str) -> dict[str, str | None]:
    if not isinstance(waits, Mapping):
        raise UsageError("waits maps task ids to reasons.", fix="cleo list")
    wanted: dict[str, str | None] = {}
    for id_, reason in waits.items():
        if reason is not None:
            inputs.plain_text(reason, "reason")
            if not reason.startswith(prefix) or not reason[len(prefix) :].strip():
                raise ValidationError(
                    f"The reason {reason[:80]!r} must begin with {prefix!r} and say more.",
                    fix=f"{prefix}waits for …",
                )
        wanted[parse_id(id_)] = reason
    return wanted
