"""``release`` and ``break``: leases end before their time; and ended ones are forgotten."""

from __future__ import annotations

from typing import Any

from cleo_conduit.errors import ConduitError
from cleo_conduit.records.leases import Lease, LeaseChange
from cleo_conduit.service import fields, notices
from cleo_conduit.service.acting import Acting, acting
from cleo_conduit.service.leases.judging import as_lease, close, told
from cleo_conduit.service.leases.own import lease_id, named, not_found, own_rows, used
from cleo_conduit.service.leases.places import several
from cleo_conduit.service.work import Verbs, Work
from cleo_conduit.store import leases, refs
from cleo_core import clock
from cleo_core.database import Row
from cleo_core.errors import UsageError, ValidationError
from cleo_core.output import to_json

#: Seconds without a sign of its holder after which anybody may break a lease.
ABANDONED = 45 * 60.0
#: Seconds that leases are kept after their end.
KEPT = 30 * 24 * 3600.0
#: Ended leases that one unit deletes.
MOST_PRUNED = 500


class EndVerbs(Verbs):
    """The end of leases, of one's own and of others'."""

    def release(self, *names: str, all: bool = False) -> LeaseChange:
        """Let go of leases of the acting agent; of those that have ended already, nothing is said.

        :param names: ids of leases, or their patterns.
        :param all: all that it holds, in place of names.
        :raises NotFoundError: 4, there is no such lease of the agent.
        :raises ConduitError: 99, it belongs to another agent; see :func:`acting`.
        """
        asked = named(self.app, names, all)

        def body(work: Work) -> LeaseChange:
            me = acting(self.app, work)
            rows = own_rows(work, me.agent_id, asked)
            used(work, me)
            return _ended(work, rows, "released")

        return self.write("lease.release", body)

    def break_(self, *ids: str, force: bool = False, as_human: bool = False) -> LeaseChange:
        """End leases of others: all of them or none. Each holder gets a notice.

        :param force: although the holder was active within the last 45 minutes; for the person.
        :param as_human: in the name of the person at the keyboard.
        :raises UsageError: 2, ``force`` without ``as_human``.
        :raises NotFoundError: 4, there is no such lease.
        :raises ValidationError: 6, it is the acting agent's own.
        :raises ConduitError: 97, its holder is active; 99, see :func:`acting`.
        """
        forced, human = fields.flag(force, "force"), fields.flag(as_human, "as_human")
        if forced and not human:
            raise UsageError(
                "Only the person may break the lease of an agent that is active.",
                fix="cleo lease break ID --force --as-human",
            )
        asked = [lease_id(one) for one in several(ids, "A lease", "cleo lease list")]

        def body(work: Work) -> LeaseChange:
            me = acting(self.app, work, as_human=human)
            rows = []
            for id_ in dict.fromkeys(asked):
                row = leases.get(work, id_)
                if row is None:
                    raise not_found(id_)
                if row["agent_id"] == me.agent_id:
                    raise ValidationError(
                        f"The lease {id_} is {me.agent_id}'s own.", fix=f"cleo lease release {id_}"
                    )
                if row["released_at"] is None and row["expires_at"] > work.now and not forced:
                    _check_abandoned(work, row)
                rows.append(row)
            used(work, me)
            done = _ended(work, rows, "broken", me.agent_id)
            for row, lease in zip(rows, done.leases, strict=True):
                if row["released_at"] is None and lease.release_kind == "broken":
                    _tell(work, me, lease)
            return done

        return self.write("lease.break", body)


def prune_leases(work: Work, most: int = MOST_PRUNED) -> int:
    """Delete leases that ended thirty days ago; when their time is over each unit sees to.

    :returns: how many were deleted; when it is ``most``, there may be more.
    """
    before = clock.format_time(clock.parse_time(work.now) - KEPT)
    rows = leases.ended(work, before, most)
    for row in rows:
        leases.delete(work, row["id"])
        work.unit.deleted("lease", row["id"], row)
        work.note("lease", row["id"], deleted=True)
    return len(rows)


def _ended(work: Work, rows: list[Row], kind: str, broken_by: str | None = None) -> LeaseChange:
    """End those that still hold others off."""
    after = {}
    for row in rows:
        if row["released_at"] is None:
            over = row["expires_at"] <= work.now
            how = ("expired", None) if over else (kind, broken_by)
            (after[row["id"]],) = close(work, [row], *how)
    done = [as_lease(after.get(row["id"], row)) for row in rows]
    return LeaseChange(any(row["release_kind"] == kind for row in after.values()), done)


def _check_abandoned(work: Work, row: Row) -> None:
    ref = refs.get(work, row["agent_id"])
    seen = max(row["renewed_at"], (ref and ref["last_used_at"]) or "")
    free = clock.parse_time(seen) + ABANDONED
    if free > clock.parse_time(work.now):
        lease = as_lease(row)
        details: dict[str, Any] = {
            "lease": to_json(lease),
            "lastActivityAt": seen,
            "breakableAt": clock.format_time(free),
        }
        raise ConduitError(
            "E_LEASE_HELD",
            f"{told(lease)}, and was active at {seen}; it may be broken from "
            f"{details['breakableAt']} on.",
            fix=f"cleo lease break {lease.id} --force --as-human",
            details=details,
        )


def _tell(work: Work, me: Acting, lease: Lease) -> None:
    notices.notify(
        work,
        f"{me.agent_id} broke your {lease.mode} lease on {lease.pattern}. "
        "Whatever you have not saved there may meet the work of others.",
        to=[lease.agent_id],
        payload={
            "event": "lease.broken",
            "leaseId": lease.id,
            "pattern": lease.pattern,
            "mode": lease.mode,
            "fence": lease.fence,
            "brokenBy": me.agent_id,
        },
    )
