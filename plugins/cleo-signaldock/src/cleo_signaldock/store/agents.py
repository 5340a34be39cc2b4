"""Agents and what they can do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from cleo_signaldock.postgres import twins

Row = dict[str, Any]

#: Columns that are read for others to see; no key, no ciphertext, no hash of one.
SHOWN = (
    *("id", "agent_id", "name", "description", "class", "classification", "avatar", "metadata"),
    *("privacy_tier", "owner_id", "organization_id", "is_active", "status", "last_seen"),
    *("last_used_at", "transport_type", "transport_config", "api_base_url", "requires_reauth"),
    *("reauth_reason", "key_rotated_at", "tier", "can_spawn", "orch_level", "reports_to"),
    *("sync_enabled", "origin", "version", "created_at", "updated_at"),
)
SHOWN_SQL = f"{', '.join(SHOWN)}, CASE WHEN api_key_encrypted IS NULL THEN 0 ELSE 1 END AS has_key"

GET = f"SELECT {SHOWN_SQL} FROM agents WHERE agent_id = :agent_id"
ADDRESS = "SELECT transport_type, api_base_url FROM agents WHERE agent_id = :agent_id"
IS_ACTIVE = "SELECT is_active FROM agents WHERE agent_id = :agent_id"
SPELLING = "SELECT agent_id FROM agents WHERE lower(agent_id) = :folded"
INSERT = (
    "INSERT INTO agents (id, agent_id, name, description, class, classification, privacy_tier, "
    "transport_type, transport_config, api_base_url, reports_to, orch_level, can_spawn, "
    "installed_from, installed_at, created_at, updated_at) "
    "VALUES (:id, :agent_id, :name, :description, :class, :classification, :privacy_tier, "
    ":transport_type, :transport_config, :api_base_url, :reports_to, :orch_level, :can_spawn, "
    ":installed_from, :now, :now, :now) ON CONFLICT DO NOTHING"
)
DELETE = "DELETE FROM agents WHERE agent_id = :agent_id"
_WORDS_OF_CAPABILITIES = (
    "SELECT j.agent_id, c.slug FROM agent_capabilities j JOIN capabilities c "
    "ON c.id = j.capability_id WHERE j.agent_id IN ({ids}) ORDER BY c.slug"
)
_WORDS_OF_SKILLS = (
    "SELECT j.agent_id, s.slug FROM agent_skills j JOIN skills s "
    "ON s.id = j.skill_id WHERE j.agent_id IN ({ids}) ORDER BY s.slug"
)
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
#: Ids asked for in one statement.
BLOCK = 500


class Reader(Protocol):
    """A store, or an open unit on it."""

    def read(self, sql: str, /, **params: Any) -> list[Row]: ...
    def one(self, sql: str, /, **params: Any) -> Row | None: ...
    def scalar(self, sql: str, /, **params: Any) -> Any: ...


class Writer(Reader, Protocol):
    """An open unit."""

    def execute(self, sql: str, /, **params: Any) -> int: ...
    def executemany(self, sql: str, rows: Iterable[Mapping[str, Any]]) -> int: ...


def get(db: Reader, agent_id: str) -> Row | None:
    """An agent's shown columns and ``has_key``, or None."""
    return db.one(GET, agent_id=agent_id)


def address(db: Reader, agent_id: str) -> Row | None:
    """An agent's transport and server, or None."""
    return db.one(ADDRESS, agent_id=agent_id)


def held(tx: Writer, agent_id: str) -> Row | None:
    """The same, with other writers kept off the agent until the unit ends."""
    twins.hold(tx, "agents.hold", agent_id=agent_id)
    return get(tx, agent_id)


def may_act(db: Reader, agent_id: str) -> bool:
    """Whether an agent is not retired; nothing is said against one that is not known."""
    return bool(db.scalar(IS_ACTIVE, agent_id=agent_id) != 0)


def spelling(db: Reader, agent_id: str) -> str | None:
    """The id that differs from this one at most in the case of letters, or None."""
    found: str | None = db.scalar(SPELLING, folded=folded(agent_id))
    return found


def folded(text: str) -> str:
    """A text as both databases lower it: the letters of ASCII only."""
    return text.translate(_LOWER)


def blocks(ids: Sequence[str]) -> Iterable[tuple[str, dict[str, str]]]:
    """Placeholders and parameters for ids, in blocks."""
    for start in range(0, len(ids), BLOCK):
        block = ids[start : start + BLOCK]
        names = [f"id{number}" for number in range(len(block))]
        yield ", ".join(f":{name}" for name in names), dict(zip(names, block, strict=True))


def by_ids(db: Reader, ids: Sequence[str]) -> list[Row]:
    """Shown columns of those of the agents that exist, in no order."""
    rows: list[Row] = []
    for names, params in blocks(ids):
        rows += db.read(f"SELECT {SHOWN_SQL} FROM agents WHERE agent_id IN ({names})", **params)
    return rows


def words(db: Reader, ids: Sequence[str]) -> dict[str, tuple[list[str], list[str]]]:
    """Agent id -> its capabilities and its skills, as slugs in order."""
    found: dict[str, tuple[list[str], list[str]]] = {id_: ([], []) for id_ in ids}
    for place, text in ((0, _WORDS_OF_CAPABILITIES), (1, _WORDS_OF_SKILLS)):
        for names, params in blocks(ids):
            for row in db.read(text.format(ids=names), **params):
                found[row["agent_id"]][place].append(row["slug"])
    return found


def insert(tx: Writer, values: Mapping[str, Any]) -> bool:
    """A new agent; False where another unit has made one of this id or spelling meanwhile."""
    return tx.execute(INSERT, **values) == 1


def update(tx: Writer, agent_id: str, values: Mapping[str, Any]) -> None:
    """Other values in columns of an agent; ``values`` is not empty."""
    columns = ", ".join(f"{name} = :{name}" for name in values)
    tx.execute(
        f"UPDATE agents SET {columns} WHERE agent_id = :the_agent", the_agent=agent_id, **values
    )


def delete(tx: Writer, agent_id: str) -> None:
    """An agent, with everything that belongs to it."""
    tx.execute(DELETE, agent_id=agent_id)


def statements() -> list[str]:
    """The composed statements, for the tests to prepare."""
    return [
        f"SELECT {SHOWN_SQL} FROM agents WHERE agent_id IN (:id0)",
        _WORDS_OF_CAPABILITIES.format(ids=":id0"),
        _WORDS_OF_SKILLS.format(ids=":id0"),
        *(f"UPDATE agents SET {name} = :{name} WHERE agent_id = :the_agent" for name in SHOWN),
    ]
