"""What verification returns: typed records, as in :mod:`cleo_tasks.records`."""

from __future__ import annotations

from typing import Any

from cleo_core.api import Declared
from cleo_core.api.records import record


@record
class GateResult(Declared):
    """One recorded result of a gate.

    ``agent_id``: who recorded it. ``evidence``: an object for each thing that was shown, with its
    ``atom`` (commit, files, test-run, tool, url or note) and what was read of it.
    """

    gate: str
    result: str
    round: int
    agent_id: str | None
    evidence: list[Any]
    reason: str | None
    checked_at: str


@record
class Verification(Declared):
    """How far the verification of a task is.

    ``round``: the task's current one; ``max_rounds``: how many there may be. ``gates``: the pass
    or warn of each gate that has one in this round. ``missing``: gates that completing the task
    needs and that have neither; none where ``tasks.verification.mode`` is off. ``results``: all
    that was ever recorded, oldest first. ``version``: the task's.
    """

    id: str
    round: int
    max_rounds: int
    gates: dict[str, GateResult]
    missing: list[str]
    results: list[GateResult]
    version: int
