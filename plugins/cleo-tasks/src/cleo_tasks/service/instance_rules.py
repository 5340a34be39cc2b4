"""The rules of an instance's life inside a unit: its columns, its ends, the claims it leaves."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from cleo_core import inputs
from cleo_core.database import Backend, Row
from cleo_core.errors import NotFoundError, ValidationError
from cleo_tasks.agent_records import Instance
from cleo_tasks.enums import INSTANCE_RUNNING
from cleo_tasks.errors import task_not_found
from cleo_tasks.ids import parse_id
from cleo_tasks.service import holding
from cleo_tasks.service.liveness import alive_since
from cleo_tasks.service.work import Work
from cleo_tasks.store import claims, instances, tasks

#: What a dry run shows in place of an id that would be given.
UNGIVEN = "agt_???"
#: Statuses that a heartbeat may report.
REPORTED = ("active", "idle", "error")

_MOST_PID = 2**32
_HOST_LENGTH = 255


def register(work: Work, given: Mapping[str, Any]) -> Row:
    """Insert an instance of the acting agent, in the session that the command runs in.

    :param given: settled values, the task and the parent as the caller wrote them.
    :raises CleoError: 4 there is no such task or parent; 5, 6 the agent.
    """
    work.unit.check("agent_instances.agent_id", [given["agent_id"]])
    task = existing_task(work, given["task"])
    parent = given["parent"]
    session = work.active_session(task)
    values: dict[str, Any] = {
        "id": _new_id(work),
        "agent_id": given["agent_id"],
        "agent_type": given["type"],
        "status": "starting",
        "session_id": session["id"] if session else None,
        "task_id": task,
        "parent_instance_id": None if parent is None else named(work, parent)["id"],
        "host": given["host"],
        "pid": given["pid"],
        "started_at": work.now,
        "last_heartbeat_at": work.now,
        "stopped_at": None,
        "error_count": 0,
        "total_tasks_completed": 0,
        "last_error": None,
        "last_error_kind": None,
        "capacity": given["capacity"],
        "metadata": given["metadata"],
    }
    instances.insert(work, values)
    work.note("instance", values["id"], None, values, task_id=task, emit=False)
    # The audit calls it an instance; other stores know the kind as agent_instance.
    work.unit.created("agent_instance", values["id"], values)
    return values


def beat(work: Work, row: Row, given: Mapping[str, Any]) -> bool:
    """Take a sign of life, and with it what it reports; ``row`` is updated in place.

    :returns: False, the instance has ended and nothing was written.
    :raises NotFoundError: there is no such task.
    """
    if row["status"] not in INSTANCE_RUNNING:
        return False
    values: dict[str, Any] = {}
    if given["status"] is not None:
        values["status"] = given["status"]
    elif row["status"] == "starting":
        values["status"] = "active"
    if given["capacity"] is not None:
        values["capacity"] = given["capacity"]
    if given["task"] is not None:
        none = given["task"] == "none"
        values["task_id"] = None if none else existing_task(work, given["task"])
    instances.update(work, row["id"], {"last_heartbeat_at": work.now})
    row["last_heartbeat_at"] = work.now
    change(work, row, values)
    work.active_session(row["task_id"])
    work.bookkeeping()
    return True


def change(work: Work, row: Row, values: Mapping[str, Any]) -> bool:
    """Change columns of an instance; ``row`` is updated in place.

    :returns: whether any of them was different.
    """
    changed = {name: value for name, value in values.items() if row[name] != value}
    if not changed:
        return False
    instances.update(work, row["id"], changed)
    before = {name: row[name] for name in changed}
    work.note("instance", row["id"], before, changed, task_id=row["task_id"], emit=False)
    work.unit.updated("agent_instance", row["id"], before, changed)
    row.update(changed)
    return True


def free_claims(work: Work, crashed: Sequence[Row]) -> list[str]:
    """Give back what the agents of crashed instances hold.

    Of an agent that goes on in another instance only the tasks that the crashed ones worked on.

    :returns: the ids of the tasks.
    """
    freed: list[str] = []
    kept: list[str] = []
    for agent in dict.fromkeys(row["agent_id"] for row in crashed):
        if agent is None:
            continue
        others = {row["task_id"] for row in instances.running_of(work, agent)}
        left = {row["task_id"] for row in crashed if row["agent_id"] == agent} - others
        for id_ in claims.held_by(work, agent):
            (kept if others and id_ not in left else freed).append(id_)
    rows = [work.task(id_) for id_ in freed]
    for row in rows:
        holding.release(work, row, reason="its agent's instance crashed")
    holding.say_what_stays_active(work, rows)
    if kept:
        work.warn(
            "W_CLAIMS_KEPT",
            f"{holding.some(kept)}: still held, since their agent has another instance that runs.",
        )
    return freed


def named(db: Backend, id_: Any) -> Row:
    """The columns of an instance that was named.

    :raises NotFoundError: there is none.
    """
    found = instances.get(db, id_) if isinstance(id_, str) and id_.isprintable() else None
    if found is None:
        raise NotFoundError(f"There is no instance {str(id_)[:80]!r}.", fix="cleo instance list")
    return found


def existing_task(db: Backend, id_: str | None) -> str | None:
    """A task's id as it is stored, or None where none was given.

    :raises CleoError: 2 it is no id; 4 there is no such task.
    """
    if id_ is None:
        return None
    wanted = parse_id(id_)
    if not tasks.existing(db, [wanted]):
        raise task_not_found(wanted)
    return wanted


def shown(work: Work, row: Row, **more: Any) -> Instance:
    """An instance for a result, as it is now."""
    return instances.record(row, alive_since(work.app), **more)


def rhythm(work: Work) -> dict[str, int]:
    """How often an instance should report, and after which silence it counts as crashed."""
    every, stale = (work.number(f"agents.{name}_seconds") for name in ("heartbeat", "stale"))
    if every >= stale:
        work.warn(
            "W_HEARTBEAT_TOO_SLOW",
            f"An instance that reports every {every} seconds counts as crashed in between: "
            f"tasks.agents.stale_seconds is {stale}.",
        )
    return {"heartbeat_seconds": every, "stale_seconds": stale}


def capacity(value: Any) -> float:
    """How much more an instance can take on, from 0 to 1.

    :raises ValidationError: it is no such number.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ValidationError("A capacity is a number from 0 to 1.", fix="--capacity 0.5")
    return float(value)


def pid(value: Any) -> int:
    """The number of a process.

    :raises ValidationError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < _MOST_PID:
        raise ValidationError("A pid is the number of a process.", fix="--pid $$")
    return value


def host(value: Any) -> str:
    """The name of a machine.

    :raises ValidationError: it is none.
    """
    return inputs.line(value, "host", _HOST_LENGTH, fix="--host NAME", printable=True)


def _new_id(work: Work) -> str:
    """``agt_20260325143015_1a2b3c``, which sorts by the time."""
    digits = "".join(char for char in work.now[:19] if char.isdigit())
    while True:
        id_ = f"agt_{digits}_{os.urandom(3).hex()}"
        if instances.get(work, id_) is None:
            return id_
