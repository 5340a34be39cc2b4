"""``acquire`` and ``renew``: leases are granted and prolonged."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cleo_conduit.errors import ConduitError
from cleo_conduit.records.leases import Lease, LeaseChange, LeaseConflict, LeaseGrant
from cleo_conduit.service import fields
from cleo_conduit.service.acting import Acting, acting
from cleo_conduit.service.leases import places
from cleo_conduit.service.leases.judging import as_lease, judge, refusal
from cleo_conduit.service.leases.own import named, own_rows, used
from cleo_conduit.service.leases.places import Place
from cleo_conduit.service.work import Verbs, Work
from cleo_conduit.store import leases
from cleo_conduit.wake import LEASES
from cleo_core import clock, inputs
from cleo_core.database import Row
from cleo_core.durations import seconds_of
from cleo_core.errors import UsageError, ValidationError, echoed
from cleo_core.ids import ordered_id

#: Seconds that a lease lasts: as a rule, at least and at most.
TTL, SHORTEST, LONGEST = 3600.0, 60.0, 24 * 3600.0
#: Seconds that one call waits at most.
LONGEST_WAIT = 24 * 3600.0
#: Seconds after which a waiter looks again whatever happens, since clocks are set; and at least.
LOOK_AGAIN, PAUSE = 5.0, 0.005
REASON_LENGTH = 500
TASK_LENGTH = 200
_RENEWED = ("reason", "task_id", "renewed_at", "expires_at")


class Wanted(NamedTuple):
    """What is asked for, as it was checked."""

    places: list[Place]
    mode: str
    ttl: float | None
    reason: str | None
    task_id: str | None
    partial: bool
    key: str | None


class GrantVerbs(Verbs):
    """Leases of the acting agent: new ones and longer ones."""

    def acquire(
        self,
        *patterns: str,
        exclusive: bool = False,
        shared: bool = False,
        ttl: str | float | None = None,
        reason: str | None = None,
        task: str | None = None,
        partial: bool = False,
        wait: float = 0.0,
        idempotency_key: str | None = None,
    ) -> LeaseGrant:
        """Take leases on patterns: all of them or none.

        A lease on a pattern that the agent holds in the same mode is renewed.

        :param patterns: globs below the project's root, or names under ``tool://`` and
            ``resource://``.
        :param exclusive: for this agent alone, which is what it gets by default.
        :param shared: beside other agents' shared leases.
        :param ttl: how long they last, from 60 seconds to 24 hours; by default one hour, and when
            renewed as long as before.
        :param partial: take those that are free, if any is.
        :param wait: seconds to wait for others to let go.
        :raises ConduitError: 97, others have leases in the way, with every conflict in ``details``;
            99, see :func:`acting`.
        :raises UsageError: 2, a pattern that is none or leads out of the project; another length
            of time; exclusive and shared at once.
        :raises ValidationError: 6, a reason or a task's id that cannot be stored.
        """
        wanted = Wanted(
            places.places(places.Tree.of(self.app.project.root), patterns),
            _mode(exclusive, shared),
            _ttl(ttl),
            _line(reason, "reason", REASON_LENGTH, "--reason 'why the others should wait'"),
            _line(task, "task", TASK_LENGTH, "--task T1"),
            fields.flag(partial, "partial"),
            idempotency_key,
        )
        until = time.monotonic() + _seconds(wait)
        while True:
            waits = not self.app.dry_run and time.monotonic() < until
            try:
                # What is free is taken alone only when nothing more can be hoped for.
                return self._acquire(wanted, partial=wanted.partial and not waits)
            except ConduitError as error:
                if error.code != "E_LEASE_HELD" or not waits:
                    raise
            self._wait_until_free(wanted, until)

    def renew(self, *names: str, all: bool = False, ttl: str | float | None = None) -> LeaseChange:
        """Prolong leases of the acting agent, counted from now: all of them or none.

        :param names: ids of leases, or their patterns.
        :param all: all that it holds, in place of names.
        :param ttl: by default as long as before.
        :raises NotFoundError: 4, there is no such lease of the agent.
        :raises ValidationError: 6, it has ended: others may have come since.
        :raises ConduitError: 99, it belongs to another agent; see :func:`acting`.
        """
        asked = named(self.app, names, all)
        seconds = _ttl(ttl)

        def body(work: Work) -> LeaseChange:
            me = acting(self.app, work)
            rows = own_rows(work, me.agent_id, asked)
            for row in rows:
                if row["released_at"] is not None or row["expires_at"] <= work.now:
                    raise ValidationError(
                        f"The lease {row['id']} has ended.",
                        fix=f"cleo lease acquire {_word(row['pattern'])}",
                        leaseId=row["id"],
                    )
            used(work, me)
            done = [_renew(work, row, seconds, {}) for row in rows]
            return LeaseChange(bool(done), done)

        return self.write("lease.renew", body)

    def _acquire(self, wanted: Wanted, *, partial: bool) -> LeaseGrant:
        arguments = {
            "patterns": [place.pattern for place in wanted.places],
            **{name: getattr(wanted, name) for name in ("mode", "ttl", "reason", "task_id")},
            "partial": wanted.partial,
        }

        def body(work: Work) -> LeaseGrant:
            me = acting(self.app, work)
            return work.unit.idempotent(
                "lease.acquire",
                wanted.key,
                arguments,
                lambda: _grant(work, me, wanted, partial=partial),
                encode=_encoded,
                decode=_decoded,
                actor=me.agent_id,
            )

        return self.write("lease.acquire", body)

    def _wait_until_free(self, wanted: Wanted, until: float) -> None:
        """Wait until nobody is in the way any more, or until a time of ``time.monotonic``."""
        me = self.app.require_agent()
        with self.waiter(LEASES) as waiter:
            while (now := time.monotonic()) < until:
                conflicts = judge(self.db, me, wanted.places, wanted.mode, clock.now())
                if not conflicts:
                    return
                first = min(conflict.with_.expires_at for conflict in conflicts)
                ends = max(PAUSE, clock.parse_time(first) - clock.seconds())
                waiter.wait(min(until, now + min(ends, LOOK_AGAIN)))


def _grant(work: Work, me: Acting, wanted: Wanted, *, partial: bool) -> LeaseGrant:
    conflicts = judge(work, me.agent_id, wanted.places, wanted.mode, work.now)
    taken = {conflict.pattern for conflict in conflicts}
    free = [place for place in wanted.places if place.pattern not in taken]
    if conflicts and not (partial and free):
        raise refusal(conflicts, "cleo lease list")
    held = {
        row["pattern"]: row
        for row in leases.of_agent(work, me.agent_id, work.now)
        if row["mode"] == wanted.mode
    }
    given = {
        name: value
        for name, value in (("reason", wanted.reason), ("task_id", wanted.task_id))
        if value is not None
    }
    if any(place.pattern not in held for place in free):
        work.unit.check("conduit.lease_agent", [me.agent_id])
    if wanted.task_id is not None:
        work.unit.check("conduit.lease_task", [wanted.task_id])
    used(work, me)
    granted = [
        _renew(work, held[place.pattern], wanted.ttl, given)
        if place.pattern in held
        else _new(work, me, place, wanted)
        for place in free
    ]
    return LeaseGrant(granted, conflicts)


def _new(work: Work, me: Acting, place: Place, wanted: Wanted) -> Lease:
    row: Row = {
        "id": ordered_id(),
        "agent_id": me.agent_id,
        "pattern": place.pattern,
        "namespace": place.namespace,
        "mode": wanted.mode,
        "reason": wanted.reason,
        "task_id": wanted.task_id,
        "fence": leases.next_fence(work),
        "acquired_at": work.now,
        "renewed_at": work.now,
        "expires_at": clock.format_time(clock.parse_time(work.now) + (wanted.ttl or TTL)),
        **dict.fromkeys(("released_at", "release_kind", "broken_by")),
    }
    leases.insert(work, row)
    work.unit.created("lease", row["id"], row)
    work.note("lease", row["id"], mode=wanted.mode, fence=row["fence"])
    return as_lease(row)


def _renew(work: Work, row: Row, ttl: float | None, given: Mapping[str, Any]) -> Lease:
    if ttl is None:
        ttl = clock.parse_time(row["expires_at"]) - clock.parse_time(row["renewed_at"])
    after = {
        **row,
        **given,
        "renewed_at": work.now,
        "expires_at": clock.format_time(clock.parse_time(work.now) + ttl),
    }
    changed = [name for name in _RENEWED if after[name] != row[name]]
    if changed:
        leases.renew(work, after)
        work.unit.updated(
            "lease",
            row["id"],
            {name: row[name] for name in changed},
            {name: after[name] for name in changed},
        )
        work.note("lease", row["id"], columns=changed)
    return as_lease(after)


def _mode(exclusive: Any, shared: Any) -> str:
    if fields.flag(exclusive, "exclusive") and fields.flag(shared, "shared"):
        raise UsageError("A lease is exclusive or shared, not both.", fix="--shared")
    return "shared" if fields.flag(shared, "shared") else "exclusive"


def _ttl(value: Any) -> float | None:
    if value is None:
        return None
    fix = "--ttl 1h"
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise UsageError(f"{echoed(value)} is no length of time.", fix=fix)
    seconds = seconds_of(value, "--ttl", "1h")
    if not SHORTEST <= seconds <= LONGEST:
        raise UsageError("A lease lasts from 60 seconds to 24 hours.", fix=fix)
    return seconds


def _seconds(value: Any) -> float:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 0 <= value <= LONGEST_WAIT:
        raise UsageError(
            f"{echoed(value)} is no number of seconds from 0 to {LONGEST_WAIT:.0f}.",
            fix="--wait 30",
        )
    return float(value)


def _line(value: Any, field: str, most: int, fix: str) -> str | None:
    if value is None:
        return None
    return inputs.line(value, field, most, fix=fix, printable=True)


def _word(pattern: str) -> str:
    from shlex import quote

    return quote(pattern)


def _encoded(grant: LeaseGrant) -> dict[str, list[Any]]:
    conflicts = [(one.pattern, _columns(one.with_)) for one in grant.conflicts]
    return {"granted": [_columns(lease) for lease in grant.granted], "conflicts": conflicts}


def _decoded(found: Mapping[str, Sequence[Any]]) -> LeaseGrant:
    return LeaseGrant(
        [Lease(**columns) for columns in found["granted"]],
        [LeaseConflict(pattern, Lease(**columns)) for pattern, columns in found["conflicts"]],
    )


def _columns(lease: Lease) -> dict[str, Any]:
    return {name: getattr(lease, name) for name in lease.__dataclass_fields__}
