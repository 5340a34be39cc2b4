"""What stands in the way of a lease, and the leases whose time is over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cleo_conduit.errors import ConduitError
from cleo_conduit.records.leases import Lease, LeaseConflict
from cleo_conduit.service.leases.places import Place
from cleo_conduit.service.work import Work
from cleo_conduit.store import belongings, leases
from cleo_conduit.wake import LEASES
from cleo_core.database import Backend, Row
from cleo_core.errors import shortened
from cleo_core.output import to_json

#: Leases whose time is over that one unit closes.
MOST_CLOSED = 200


def as_lease(row: Row) -> Lease:
    """A row as the service returns it."""
    return Lease(**row)


def judge(
    db: Backend, agent_id: str | None, places: Sequence[Place], mode: str, now: str
) -> list[LeaseConflict]:
    """Every lease of another agent that has something in common with one of the places.

    :param agent_id: whose own leases are in nobody's way; None for somebody who has none.
    :param mode: what is asked for: two shared leases may have the same place.
    """
    found = []
    for namespace in dict.fromkeys(place.namespace for place in places):
        rows = [
            row
            for row in leases.live(db, namespace, now)
            if row["agent_id"] != agent_id and "exclusive" in (mode, row["mode"])
        ]
        for place in places:
            if place.namespace == namespace:
                found += [
                    LeaseConflict(place.pattern, as_lease(row))
                    for row in rows
                    if place.meets(row["pattern"])
                ]
    return found


def refusal(conflicts: Sequence[LeaseConflict], fix: str) -> ConduitError:
    """Exit 97 with every conflict."""
    first = conflicts[0]
    more = f", and {len(conflicts) - 1} more" if len(conflicts) > 1 else ""
    return ConduitError(
        "E_LEASE_HELD",
        f"{shortened(first.pattern)!r} is held: {told(first.with_)}{more}.",
        fix=fix,
        details={"granted": [], "conflicts": to_json(conflicts)},
    )


def told(lease: Lease) -> str:
    """A lease in a sentence."""
    why = f" ({shortened(lease.reason)})" if lease.reason else ""
    return (
        f"{lease.agent_id} has {lease.mode} {shortened(lease.pattern)!r} "
        f"until {lease.expires_at}{why}"
    )


def close_due(work: Work, most: int = MOST_CLOSED) -> int:
    """Close leases whose time is over.

    :returns: how many there were.
    """
    rows = leases.due(work, work.now, most)
    close(work, rows, "expired")
    return len(rows)


def close(work: Work, rows: Iterable[Row], kind: str, broken_by: str | None = None) -> list[Row]:
    """End leases.

    :returns: the rows as they are now.
    """
    ended = []
    for row in rows:
        after: dict[str, Any] = {
            "released_at": work.now,
            "release_kind": kind,
            "broken_by": broken_by,
        }
        belongings.release(work, row["id"], work.now, kind, broken_by)
        work.unit.updated("lease", row["id"], {name: row[name] for name in after}, after)
        work.note("lease", row["id"], release_kind=kind)
        ended.append({**row, **after})
    if ended:
        work.wake([LEASES])
    return ended
