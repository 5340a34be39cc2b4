"""How agents look to people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cleo_core.output import Printer

if TYPE_CHECKING:
    from cleo_signaldock.records import Agent


def table(out: Printer, agents: Sequence[Agent]) -> None:
    """Agents, a line each."""
    if not agents:
        out.line("No agents.")
        return
    rows = [
        (
            one.agent_id,
            one.name,
            one.class_ or "",
            one.effective["role"] or "",
            one.status if one.is_active else "retired",
            "yes" if one.has_key else "",
            "" if one.ref is None else "yes" if one.ref["enabled"] else "detached",
        )
        for one in agents
    ]
    out.table(("agent", "name", "class", "role", "status", "key", "attached"), rows)


def show(out: Printer, one: Agent) -> None:
    """One agent, whole."""
    out.line(f"{one.agent_id}  {one.name}", "bold")
    if one.description:
        out.line(one.description)
    lines = (
        ("class", one.class_),
        ("role", one.effective["role"]),
        ("privacy", one.privacy_tier),
        ("status", one.status if one.is_active else "retired"),
        ("capabilities", ", ".join(one.effective["capabilities"])),
        ("skills", ", ".join(one.skills)),
        ("transport", one.transport["type"]),
        ("server", one.transport["baseUrl"]),
        ("key", "yes" if one.has_key else "none"),
        ("must sign in again", one.reauth_reason if one.requires_reauth else None),
        ("attached", None if one.ref is None else "yes" if one.ref["enabled"] else "detached"),
    )
    for label, value in lines:
        if value:
            out.line(f"  {label}: {value}")
