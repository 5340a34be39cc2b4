"""Dead letters as they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cleo_conduit.store import letters
from cleo_core.ids import ordered_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cleo_conduit.service.work import Work

_OF_JOB = ("message_id", "recipient", "transport", "payload", "last_error", "last_status")


def add_letter(work: Work, job: Mapping[str, Any], reason: str) -> str:
    """Keep what a job carried; it outlives the message and the job.

    :returns: the letter's id.
    """
    id_ = ordered_id()
    letters.add(
        work,
        {
            "id": id_,
            "job_id": job["id"],
            "reason": reason,
            "created_at": work.now,
            **{name: job[name] for name in (*_OF_JOB, "attempts", "history")},
        },
    )
    work.note("letter", id_, action="letter.add", reason=reason)
    return id_
