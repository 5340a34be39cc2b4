"""An older file as tests need it: the layout of the TypeScript CLEO, and rows for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cleo_core.database import connect_for_copy

TABLES = """
CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT NOT NULL, password_hash TEXT, name TEXT,
  slug TEXT, default_agent_id TEXT, username TEXT, display_username TEXT,
  email_verified INTEGER DEFAULT 0, image TEXT, role TEXT DEFAULT 'user', banned INTEGER DEFAULT 0,
  ban_reason TEXT, ban_expires TEXT, two_factor_enabled INTEGER DEFAULT 0, metadata TEXT,
  created_at INTEGER, updated_at INTEGER);
CREATE TABLE organization (id TEXT PRIMARY KEY, name TEXT, slug TEXT, logo TEXT, metadata TEXT,
  owner_id TEXT, created_at INTEGER, updated_at INTEGER);
CREATE TABLE agents (id TEXT PRIMARY KEY, agent_id TEXT NOT NULL UNIQUE, name TEXT,
  description TEXT, class TEXT DEFAULT 'custom', privacy_tier TEXT DEFAULT 'public', owner_id TEXT,
  endpoint TEXT, webhook_secret TEXT, capabilities TEXT DEFAULT '[]', skills TEXT DEFAULT '[]',
  avatar TEXT, messages_sent INTEGER DEFAULT 0, messages_received INTEGER DEFAULT 0,
  conversation_count INTEGER DEFAULT 0, friend_count INTEGER DEFAULT 0,
  status TEXT DEFAULT 'online', last_seen INTEGER, payment_config TEXT, api_key_hash TEXT,
  organization_id TEXT, created_at INTEGER, updated_at INTEGER,
  transport_type TEXT DEFAULT 'http', api_key_encrypted TEXT,
  api_base_url TEXT DEFAULT 'https://api.signaldock.io', classification TEXT,
  transport_config TEXT DEFAULT '{}', is_active INTEGER DEFAULT 1, last_used_at INTEGER,
  requires_reauth INTEGER DEFAULT 0);
CREATE TABLE capabilities (id TEXT PRIMARY KEY, slug TEXT, name TEXT, description TEXT,
  category TEXT, created_at INTEGER);
CREATE TABLE skills (id TEXT PRIMARY KEY, slug TEXT, name TEXT, description TEXT, category TEXT,
  created_at INTEGER);
CREATE TABLE agent_capabilities (agent_id TEXT, capability_id TEXT,
  PRIMARY KEY (agent_id, capability_id));
CREATE TABLE agent_skills (agent_id TEXT, skill_id TEXT, PRIMARY KEY (agent_id, skill_id));
CREATE TABLE agent_connections (id TEXT PRIMARY KEY, agent_id TEXT, transport_type TEXT,
  connection_id TEXT, connected_at INTEGER, last_heartbeat INTEGER, connection_metadata TEXT,
  created_at INTEGER);
CREATE TABLE accounts (id TEXT PRIMARY KEY, user_id TEXT, account_id TEXT, provider_id TEXT,
  access_token TEXT, refresh_token TEXT, id_token TEXT, access_token_expires_at TEXT, scope TEXT,
  password TEXT, created_at TEXT, updated_at TEXT);
CREATE TABLE sessions (id TEXT PRIMARY KEY, user_id TEXT, token TEXT, expires_at TEXT,
  created_at TEXT, updated_at TEXT);
CREATE TABLE verifications (id TEXT PRIMARY KEY, identifier TEXT, value TEXT, expires_at TEXT,
  created_at TEXT, updated_at TEXT);
CREATE TABLE claim_codes (id TEXT PRIMARY KEY, agent_id TEXT, code TEXT, expires_at INTEGER,
  used_at INTEGER, used_by TEXT, created_at INTEGER);
CREATE TABLE org_agent_keys (id TEXT PRIMARY KEY, organization_id TEXT, agent_id TEXT,
  created_by TEXT, created_at INTEGER);
CREATE TABLE conversations (id TEXT PRIMARY KEY, participants TEXT,
  visibility TEXT DEFAULT 'private', message_count INTEGER DEFAULT 0, last_message_at INTEGER,
  created_at INTEGER, updated_at INTEGER);
CREATE TABLE messages (id TEXT PRIMARY KEY, conversation_id TEXT, from_agent_id TEXT,
  to_agent_id TEXT, content TEXT, content_type TEXT DEFAULT 'text', status TEXT DEFAULT 'pending',
  attachments TEXT DEFAULT '[]', group_id TEXT, metadata TEXT DEFAULT '{}', reply_to TEXT,
  created_at INTEGER, delivered_at INTEGER, read_at INTEGER);
CREATE VIRTUAL TABLE messages_fts USING fts5(content, from_agent_id, content='messages');
CREATE TABLE delivery_jobs (id TEXT PRIMARY KEY, message_id TEXT, payload TEXT, status TEXT,
  attempts INTEGER, created_at INTEGER);
CREATE TABLE dead_letters (id TEXT PRIMARY KEY, message_id TEXT, job_id TEXT, reason TEXT,
  attempts INTEGER, created_at INTEGER);
CREATE TABLE message_pins (id TEXT PRIMARY KEY, message_id TEXT, conversation_id TEXT,
  pinned_by TEXT, note TEXT, created_at INTEGER);
CREATE TABLE attachments (slug TEXT PRIMARY KEY, conversation_id TEXT, from_agent_id TEXT,
  content BLOB, created_at INTEGER);
CREATE TABLE _signaldock_meta (key TEXT PRIMARY KEY, value TEXT);
"""
#: 2026-01-02T03:04:05Z.
SECONDS = 1_767_323_045
AT = "2026-01-02T03:04:05.000Z"


def uuid(number: int, kind: str = "a") -> str:
    """A version 4 UUID by its last digits."""
    return f"{ord(kind):08x}-1111-4222-8333-{number:012d}"


def make(project: Path, tables: str = TABLES) -> Path:
    """An empty older file of a project."""
    path = project / ".cleo" / "signaldock.db"
    path.touch()
    connection = connect_for_copy(str(path))
    try:
        connection.executescript(tables)
    finally:
        connection.close()
    return path


def add(path: Path, table: str, *rows: dict[str, Any]) -> None:
    """Rows for an older file."""
    connection = connect_for_copy(str(path))
    try:
        connection.execute("BEGIN")
        for row in rows:
            names = ", ".join(row)
            marks = ", ".join("?" * len(row))
            connection.execute(
                f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values())
            )
        connection.execute("COMMIT")
    finally:
        connection.close()


def agent(number: int, agent_id: str, **more: Any) -> dict[str, Any]:
    """A row of ``agents``."""
    return {
        "id": uuid(number),
        "agent_id": agent_id,
        "name": agent_id.title(),
        "created_at": SECONDS,
        "updated_at": SECONDS,
        **more,
    }


def conversation(number: int, *agents: str, **more: Any) -> dict[str, Any]:
    """A row of ``conversations``."""
    return {
        "id": uuid(number, "c"),
        "participants": json.dumps(agents),
        "created_at": SECONDS,
        "updated_at": SECONDS,
        **more,
    }


def message(number: int, conversation: int, sender: str, to: str, **more: Any) -> dict[str, Any]:
    """A row of ``messages``."""
    return {
        "id": uuid(number, "m"),
        "conversation_id": uuid(conversation, "c"),
        "from_agent_id": sender,
        "to_agent_id": to,
        "content": f"message {number}",
        "created_at": SECONDS + number,
        **more,
    }


def small(project: Path) -> Path:
    """A file with two agents, a conversation and two messages."""
    path = make(project)
    add(path, "agents", agent(1, "ann", classification="lead"), agent(2, "bob"))
    add(path, "conversations", conversation(1, "ann", "bob"))
    add(path, "messages", message(1, 1, "ann", "bob"), message(2, 1, "bob", "ann", status="read"))
    return path
