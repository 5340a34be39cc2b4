"""Jobs whose recipients were out of reach for too long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_conduit.service.closing import expire
from cleo_conduit.store import jobs
from cleo_core import clock

if TYPE_CHECKING:
    from cleo_conduit.service.work import Work

DAY = 86_400.0


def expire_outlived(work: Work, most: int = 200) -> int:
    """End the jobs that are older than ``conduit.job_ttl_days``, with letter and bounce.

    :returns: how many there were.
    """
    days = max(1, int(work.unit.app.config.get("conduit.job_ttl_days")))
    before = clock.format_time(max(0.0, clock.seconds() - days * DAY))
    rows = work.read(jobs.OUTLIVED, before=before, limit=most)
    for row in rows:
        expire(work, row["message_seq"], row["recipient"])
    return len(rows)
