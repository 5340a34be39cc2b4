"""Capabilities and skills, and which agent has which."""

from __future__ import annotations

from collections.abc import Sequence

from cleo_signaldock.store.agents import Reader, Row, Writer

CAPABILITIES = (
    "SELECT id, slug, name, category, description FROM capabilities ORDER BY category, slug"
)
SKILLS = "SELECT id, slug, name, category, description FROM skills ORDER BY category, slug"
DROP_CAPABILITIES = "DELETE FROM agent_capabilities WHERE agent_id = :agent_id"
DROP_SKILLS = "DELETE FROM agent_skills WHERE agent_id = :agent_id"
ADD_CAPABILITY = (
    "INSERT INTO agent_capabilities (agent_id, capability_id, attached_at) "
    "SELECT :agent_id, id, :now FROM capabilities WHERE slug = :slug "
)
ADD_SKILL = (
    "INSERT INTO agent_skills (agent_id, skill_id, source, attached_at) "
    "SELECT :agent_id, id, 'manual', :now FROM skills WHERE slug = :slug"
)


def known(db: Reader, kind: str) -> list[Row]:
    """All capabilities, or all skills, by category and slug."""
    return db.read(CAPABILITIES if kind == "capability" else SKILLS)


def replace(tx: Writer, kind: str, agent_id: str, slugs: Sequence[str], now: str) -> None:
    """Give an agent exactly these known capabilities, or skills."""
    drop, add = (
        (DROP_CAPABILITIES, ADD_CAPABILITY) if kind == "capability" else (DROP_SKILLS, ADD_SKILL)
    )
    tx.execute(drop, agent_id=agent_id)
    for slug in slugs:
        tx.execute(add, agent_id=agent_id, slug=slug, now=now)
