"""Rows of an older file: what is there already, adding them, and taking them out again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cleo_signaldock.store.agents import Reader, Row, Writer

#: Table -> the columns that name a row, in the order in which rows are added.
KEYS: Mapping[str, tuple[str, ...]] = {
    "users": ("id",),
    "organization": ("id",),
    "agents": ("agent_id",),
    "agent_capabilities": ("agent_id", "capability_id"),
    "agent_skills": ("agent_id", "skill_id"),
    "accounts": ("id",),
    "org_agent_keys": ("id",),
}
#: Table -> all columns that a row may be given.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "users": (
        *("id", "email", "name", "slug", "username", "display_username", "image"),
        *("email_verified", "role", "default_agent_id", "banned", "ban_reason", "ban_expires"),
        *("metadata", "created_at", "updated_at"),
    ),
    "organization": (
        *("id", "name", "slug", "logo", "metadata", "owner_id", "created_at", "updated_at"),
    ),
    "agents": (
        *("id", "agent_id", "name", "description", "class", "classification", "avatar"),
        *("metadata", "privacy_tier", "owner_id", "organization_id", "is_active", "status"),
        *("last_seen", "last_used_at", "transport_type", "transport_config", "api_base_url"),
        *("api_key_encrypted", "requires_reauth", "reauth_reason", "api_key_hash", "endpoint"),
        *("webhook_secret_encrypted", "messages_sent", "messages_received"),
        *("conversation_count", "tier", "can_spawn", "orch_level", "cant_path", "cant_sha256"),
        *("installed_from", "installed_at", "created_at", "updated_at"),
    ),
    "agent_capabilities": ("agent_id", "capability_id", "attached_at"),
    "agent_skills": ("agent_id", "skill_id", "source", "attached_at"),
    "accounts": (
        *("id", "user_id", "provider_id", "account_id", "password_hash", "scope"),
        *("created_at", "updated_at"),
    ),
    "org_agent_keys": (
        *("id", "organization_id", "agent_id", "label", "created_by", "created_at"),
    ),
}
#: Columns that move by use alone; a row is the same for all that.
MOVING = frozenset(
    (
        *("status", "last_seen", "last_used_at", "messages_sent", "messages_received"),
        "conversation_count",
    )
)

AGENTS = "SELECT id, agent_id, api_key_hash, api_key_hash_prev FROM agents ORDER BY agent_id"
USERS = "SELECT id, email, slug, username FROM users ORDER BY id"
ORGANIZATIONS = "SELECT id, slug FROM organization ORDER BY id"
ACCOUNTS = "SELECT id, provider_id, account_id FROM accounts ORDER BY id"
ORGANIZATION_KEYS = "SELECT id FROM org_agent_keys ORDER BY id"
CAPABILITIES = "SELECT id, slug FROM capabilities ORDER BY id"
SKILLS = "SELECT id, slug FROM skills ORDER BY id"
GIVEN_CAPABILITIES = (
    "SELECT j.agent_id, c.slug FROM agent_capabilities j JOIN capabilities c "
    "ON c.id = j.capability_id ORDER BY j.agent_id, c.slug"
)
GIVEN_SKILLS = (
    "SELECT j.agent_id, s.slug FROM agent_skills j JOIN skills s "
    "ON s.id = j.skill_id ORDER BY j.agent_id, s.slug"
)
REPORTS_TO = "UPDATE agents SET reports_to = :superior WHERE agent_id = :agent_id"

ADD_KEY = (
    "INSERT INTO legacy_rows (run_id, table_name, row_key) VALUES (:run_id, :table_name, :row_key)"
)
KEYS_OF = (
    "SELECT table_name, row_key FROM legacy_rows WHERE run_id = :run_id "
    "ORDER BY table_name, row_key"
)
DROP_KEYS = "DELETE FROM legacy_rows WHERE run_id = :run_id"
RUNS = "SELECT key, value FROM signaldock_meta WHERE key LIKE 'legacy:%' ORDER BY key"

#: (parent, child) -> SQL of the keys of the child's rows that belong to the row ``:key``.
CHILDREN: Mapping[tuple[str, str], str] = {
    ("agents", "agent_capabilities"): (
        "SELECT agent_id || ' ' || capability_id AS row_key FROM agent_capabilities "
        "WHERE agent_id = :key ORDER BY capability_id"
    ),
    ("agents", "agent_skills"): (
        "SELECT agent_id || ' ' || skill_id AS row_key FROM agent_skills "
        "WHERE agent_id = :key ORDER BY skill_id"
    ),
    ("agents", "org_agent_keys"): (
        "SELECT id AS row_key FROM org_agent_keys WHERE agent_id = :key ORDER BY id"
    ),
    ("agents", "claim_codes"): (
        "SELECT id AS row_key FROM claim_codes WHERE agent_id = :key ORDER BY id"
    ),
    ("agents", "agents"): (
        "SELECT agent_id AS row_key FROM agents WHERE reports_to = :key ORDER BY agent_id"
    ),
    ("users", "accounts"): ("SELECT id AS row_key FROM accounts WHERE user_id = :key ORDER BY id"),
    ("users", "agents"): (
        "SELECT agent_id AS row_key FROM agents WHERE owner_id = :key ORDER BY agent_id"
    ),
    ("users", "organization"): (
        "SELECT id AS row_key FROM organization WHERE owner_id = :key ORDER BY id"
    ),
    ("users", "organization_members"): (
        "SELECT organization_id || ' ' || user_id AS row_key FROM organization_members "
        "WHERE user_id = :key ORDER BY organization_id"
    ),
    ("organization", "agents"): (
        "SELECT agent_id AS row_key FROM agents WHERE organization_id = :key ORDER BY agent_id"
    ),
    ("organization", "org_agent_keys"): (
        "SELECT id AS row_key FROM org_agent_keys WHERE organization_id = :key ORDER BY id"
    ),
    ("organization", "organization_members"): (
        "SELECT organization_id || ' ' || user_id AS row_key FROM organization_members "
        "WHERE organization_id = :key ORDER BY user_id"
    ),
}
#: Of a file of SQLite alone; a server judges its own pages.
_FOREIGN_KEYS = "SELECT * FROM pragma_foreign_key_check"
_QUICK = "SELECT quick_check AS words FROM pragma_quick_check"


def insert(tx: Writer, table: str, row: Mapping[str, Any]) -> str:
    """Add a row; columns that are not given take their defaults.

    :returns: its key.
    """
    tx.execute(_insert(table, row), **row)
    return key_of(table, row)


def key_of(table: str, row: Mapping[str, Any]) -> str:
    """What a row is called by: its key columns with a blank between."""
    return " ".join(str(row[name]) for name in KEYS[table])


def row(db: Reader, table: str, key: str) -> Row | None:
    """A row by its key, with all columns."""
    return db.one(_select(table), **_named(table, key))


def delete(tx: Writer, table: str, key: str) -> None:
    """Delete a row by its key."""
    tx.execute(_delete(table), **_named(table, key))


def children(db: Reader, parent: str, key: str) -> list[tuple[str, str]]:
    """Table and key of what belongs to a row."""
    found = []
    for (table, child), sql in CHILDREN.items():
        if table == parent:
            found += [(child, one["row_key"]) for one in db.read(sql, key=key)]
    return found


def remember(tx: Writer, run_id: str, keys: Iterable[tuple[str, str]]) -> None:
    """Write down that a run adds rows: (table, key)."""
    tx.executemany(
        ADD_KEY,
        [
            {"run_id": run_id, "table_name": table, "row_key": key}
            for table, key in dict.fromkeys(keys)
        ],
    )


def remembered(db: Reader, run_id: str) -> dict[str, list[str]]:
    """Table -> keys that a run adds; those of the message store as ``conduit.<table>``."""
    found: dict[str, list[str]] = {}
    for one in db.read(KEYS_OF, run_id=run_id):
        found.setdefault(one["table_name"], []).append(one["row_key"])
    return found


def unsound(db: Reader) -> list[str]:
    """What is wrong with keys and pages of a file of SQLite."""
    words = [str(row["words"]) for row in db.read(_QUICK)]
    return [f"foreign key {row}" for row in db.read(_FOREIGN_KEYS)] + [
        word for word in words if word != "ok"
    ]


def statements() -> list[str]:
    """The composed statements, for the tests to prepare."""
    return [
        sql
        for table, columns in COLUMNS.items()
        for sql in (_insert(table, columns), _select(table), _delete(table))
    ] + list(CHILDREN.values())


def _insert(table: str, columns: Iterable[str]) -> str:
    names = list(columns)
    values = ", ".join(f":{name}" for name in names)
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({values})"


def _where(table: str) -> str:
    return " AND ".join(f"{name} = :{name}" for name in KEYS[table])


def _select(table: str) -> str:
    return f"SELECT * FROM {table} WHERE {_where(table)}"


def _delete(table: str) -> str:
    return f"DELETE FROM {table} WHERE {_where(table)}"


def _named(table: str, key: str) -> dict[str, str]:
    names = KEYS[table]
    return dict(zip(names, key.split(" ", len(names) - 1), strict=True))
