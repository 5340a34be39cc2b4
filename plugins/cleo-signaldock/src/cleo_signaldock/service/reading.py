"""Rows as records: an agent with its words, its transport, and how this project sees it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cleo_signaldock.records import Agent
from cleo_signaldock.store import agents

Ref = Mapping[str, Any]


def records(db: agents.Reader, rows: Sequence[agents.Row], refs: Mapping[str, Ref]) -> list[Agent]:
    """Records of rows, in their order.

    :param refs: agent id -> this project's ref: enabled, role, capabilities_override, attached_at,
        last_used_at.
    """
    words = agents.words(db, [row["agent_id"] for row in rows])
    return [_record(row, *words[row["agent_id"]], refs.get(row["agent_id"])) for row in rows]


def effective_capabilities(own: Sequence[str], override: Mapping[str, Any] | None) -> list[str]:
    """What an agent can do in a project: its own capabilities under the ref's override."""
    if not override:
        return list(own)
    if "set" in override:
        return sorted(set(override["set"]))
    added, removed = set(override.get("add", ())), set(override.get("remove", ()))
    return sorted((set(own) | added) - removed)


def _record(row: agents.Row, capabilities: list[str], skills: list[str], ref: Ref | None) -> Agent:
    override = ref["capabilities_override"] if ref is not None else None
    role = ref["role"] if ref is not None else None
    shown = None
    if ref is not None:
        shown = {
            "enabled": bool(ref["enabled"]),
            "role": role,
            "attachedAt": ref["attached_at"],
            "lastUsedAt": ref["last_used_at"],
        }
    return Agent(
        agent_id=row["agent_id"],
        id=row["id"],
        name=row["name"],
        description=row["description"],
        class_=row["class"],
        classification=row["classification"],
        privacy_tier=row["privacy_tier"],
        is_active=bool(row["is_active"]),
        status=row["status"],
        last_seen=row["last_seen"],
        transport={
            "type": row["transport_type"],
            "baseUrl": row["api_base_url"],
            "config": json.loads(row["transport_config"]),
        },
        capabilities=capabilities,
        skills=skills,
        effective={
            "role": role or row["classification"],
            "capabilities": effective_capabilities(capabilities, override),
        },
        has_key=bool(row["has_key"]),
        requires_reauth=bool(row["requires_reauth"]),
        reauth_reason=row["reauth_reason"],
        owner_id=row["owner_id"],
        organization_id=row["organization_id"],
        tier=row["tier"],
        can_spawn=bool(row["can_spawn"]),
        orch_level=row["orch_level"],
        reports_to=row["reports_to"],
        version=row["version"],
        ref=shown,
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def of_copy(row: Any, ref: Ref) -> Agent:
    """What a copy of a credential says of its agent; what it does not say is empty."""
    config = dict(row.transport_config)
    return _record(
        {
            **dict.fromkeys(("id", "description", "created_at"), ""),
            **dict.fromkeys(("last_seen", "reauth_reason", "owner_id", "organization_id"), None),
            **dict.fromkeys(("requires_reauth", "can_spawn"), 0),
            "agent_id": row.agent_id,
            "name": row.display_name,
            "class": None,
            "classification": row.classification,
            "privacy_tier": row.privacy_tier,
            "is_active": row.is_active,
            "status": "offline",
            "transport_type": config.pop("type", "local"),
            "api_base_url": row.api_base_url,
            "transport_config": json.dumps(config),
            "has_key": 1,
            "tier": "fallback",
            "orch_level": None,
            "reports_to": None,
            "version": None,
            "updated_at": row.source_updated_at,
        },
        list(row.capabilities),
        list(row.skills),
        ref,
    )
