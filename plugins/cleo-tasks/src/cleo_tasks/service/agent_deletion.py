"""What becomes of instances whose agent is deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cleo_tasks.service import instance_rules
from cleo_tasks.service.work import Work
from cleo_tasks.store import instances

if TYPE_CHECKING:
    from cleo_core.api import Reference
    from cleo_core.units import Unit


def forget_agents(unit: Unit, reference: Reference, ids: Sequence[str]) -> int:
    """``on_delete`` of ``agent_instances.agent_id``: the instances stay and name nobody.

    :returns: how many there are.
    """
    work = Work(unit, unit.app, "instance.forget_agent")
    work.outside_sessions()
    rows = instances.of_agents(work.unit, ids)
    for row in rows:
        instance_rules.change(work, row, {"agent_id": None})
    work.finish()
    return len(rows)
