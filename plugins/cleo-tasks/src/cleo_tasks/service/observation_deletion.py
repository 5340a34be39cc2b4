"""What becomes of manifests whose observation is deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cleo_tasks.service.work import Work
from cleo_tasks.store import manifests

if TYPE_CHECKING:
    from cleo_core.api import Reference
    from cleo_core.units import Unit


def forget_observations(unit: Unit, reference: Reference, ids: Sequence[str]) -> int:
    """``on_delete`` of ``pipeline_manifest.brain_obs_id``: manifests stay and name none.

    :returns: how many there are.
    """
    work = Work(unit, unit.app, "manifest.forget_observation")
    work.outside_sessions()
    rows = manifests.distilled_into(work, ids)
    for row in rows:
        work.execute(manifests.FORGET_OBSERVATION, id=row["id"])
        work.note(
            "manifest",
            row["id"],
            {"brain_obs_id": row["brain_obs_id"]},
            {"brain_obs_id": None},
            task_id=row["task_id"],
            emit=False,
        )
    work.finish()
    return len(rows)
