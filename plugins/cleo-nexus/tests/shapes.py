"""Definitions of chains that tests begin with, and rows beside the service."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from cleo_core.database import connect_for_copy

AT = "2026-01-01T00:00:00.000Z"


def stage(id_: str, **more: Any) -> dict[str, Any]:
    """A stage."""
    return {"id": id_, "name": id_.capitalize(), "category": "custom"} | more


def link(from_: str, to: str, type_: str = "linear", **more: Any) -> dict[str, Any]:
    """A link."""
    return {"from": from_, "to": to, "type": type_} | more


def gate(
    id_: str, stage_id: str, check: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """A blocking gate at the end of a stage."""
    return {
        "id": id_,
        "name": f"Gate {id_}",
        "stageId": stage_id,
        "position": "after",
        "type": "exit",
        "severity": "blocking",
        "check": check or {"type": "verification_gate", "gateName": "testsPassed"},
    } | more


def chain(*stages: Any, links: Any = None, gates: Any = (), **more: Any) -> dict[str, Any]:
    """A chain of stages, one after the other unless the links say otherwise."""
    made = [stage(one) if isinstance(one, str) else one for one in stages]
    ids = [one["id"] for one in made]
    joined = [link(one, other) for one, other in pairwise(ids)]
    shape = {
        "stages": made,
        "links": joined if links is None else list(links),
        "entryPoint": ids[0] if ids else "a",
        "exitPoints": ids[-1:],
    }
    for key in ("entryPoint", "exitPoints"):
        if key in more:
            shape[key] = more.pop(key)
    return {
        "id": "work",
        "name": "Work",
        "version": "1.0.0",
        "shape": shape,
        "gates": list(gates),
    } | more


def good(**more: Any) -> dict[str, Any]:
    """A chain of two stages without a fault and without a warning."""
    return chain("a", "b", gates=[gate("g", "a"), gate("h", "b")], **more)


def add_instance(path: str, number: int, chain_id: str, status: str) -> None:
    """An instance of a stored chain with one event, written beside the service."""
    connection = connect_for_copy(path)
    connection.execute("PRAGMA foreign_keys=ON")
    id_ = f"wci-{number:012x}"
    try:
        connection.execute(
            "INSERT INTO warp_chain_instances (id, chain_id, chain_version, definition, "
            "epic_project_id, epic_id, variables, stage_to_task, status, active_stages, "
            "current_stage, created_by, created_at, updated_at) VALUES (?, ?, '1.0.0', '{}', "
            "'00000000-0000-4000-8000-000000000001', 'T001', '{}', '{}', ?, '[\"a\"]', 'a', "
            "'user', ?, ?)",
            (id_, chain_id, status, AT, AT),
        )
        connection.execute(
            "INSERT INTO warp_instance_events (instance_id, attempt, type, forced, actor, "
            "evaluated_at) VALUES (?, 1, 'created', 0, 'user', ?)",
            (id_, AT),
        )
        connection.commit()
    finally:
        connection.close()
