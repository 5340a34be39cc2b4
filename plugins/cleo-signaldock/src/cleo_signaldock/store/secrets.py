"""The columns that hold ciphertexts, and the marks of keys that cannot be used."""

from __future__ import annotations

from collections.abc import Sequence

from cleo_signaldock.store.agents import Reader, Row, Writer, blocks

#: Table, key column, ciphertext column, and what the key is derived for: everything that the
#: machine's keys encrypt.
CIPHERTEXTS = (
    ("agents", "agent_id", "api_key_encrypted", "agent_id"),
    ("agents", "agent_id", "api_key_pending_encrypted", "agent_id"),
    ("agents", "agent_id", "webhook_secret_encrypted", "agent_id"),
    ("agents", "agent_id", "webhook_secret_prev_encrypted", "agent_id"),
    ("accounts", "id", "access_token_encrypted", "'account/' || provider_id"),
    ("accounts", "id", "refresh_token_encrypted", "'account/' || provider_id"),
)
OF_AGENT = (
    "SELECT agent_id, api_key_encrypted, api_key_pending_encrypted, requires_reauth, "
    "reauth_reason, key_rotated_at, is_active, transport_type, transport_config, api_base_url, "
    "last_used_at, updated_at FROM agents WHERE agent_id = :agent_id"
)
SET_KEY = (
    "UPDATE agents SET api_key_encrypted = :blob, api_key_pending_encrypted = NULL, "
    "requires_reauth = 0, reauth_reason = NULL, key_rotated_at = :now, updated_at = :now "
    "WHERE agent_id = :agent_id"
)
FLAG = "UPDATE agents SET requires_reauth = 1, reauth_reason = :reason WHERE agent_id = :agent_id"
UNFLAG = (
    "UPDATE agents SET requires_reauth = 0, reauth_reason = NULL "
    "WHERE agent_id = :agent_id AND requires_reauth = 1"
)
FLAG_ALL = (
    "UPDATE agents SET requires_reauth = 1, reauth_reason = :reason "
    "WHERE requires_reauth = 0 AND (api_key_encrypted IS NOT NULL "
    "OR api_key_pending_encrypted IS NOT NULL OR webhook_secret_encrypted IS NOT NULL)"
)
#: An agent whose ciphertexts are deleted has lost them for good.
_LOST = (
    "requires_reauth = 1 AND reauth_reason IN ('salt_lost', 'key_lost') "
    "AND (api_key_encrypted IS NOT NULL OR api_key_pending_encrypted IS NOT NULL "
    "OR webhook_secret_encrypted IS NOT NULL)"
)
CLEAR_LOST = f"UPDATE agents SET requires_reauth = 0, reauth_reason = NULL WHERE {_LOST}"
COUNT_LOST = f"SELECT count(*) FROM agents WHERE {_LOST}"
FLAGGED = "SELECT agent_id, reauth_reason FROM agents WHERE requires_reauth = 1 ORDER BY agent_id"
TOUCH = "UPDATE agents SET updated_at = :now WHERE api_key_encrypted IS NOT NULL"
FORGET_ALL = (
    "UPDATE agents SET api_key_encrypted = NULL, api_key_pending_encrypted = NULL, "
    "webhook_secret_encrypted = NULL, webhook_secret_prev_encrypted = NULL, updated_at = :now "
    "WHERE api_key_encrypted IS NOT NULL OR api_key_pending_encrypted IS NOT NULL "
    "OR webhook_secret_encrypted IS NOT NULL OR webhook_secret_prev_encrypted IS NOT NULL"
)
FORGET_TOKENS = (
    "UPDATE accounts SET access_token_encrypted = NULL, refresh_token_encrypted = NULL, "
    "updated_at = :now "
    "WHERE access_token_encrypted IS NOT NULL OR refresh_token_encrypted IS NOT NULL"
)


def _all(table: str, key: str, column: str, owner: str) -> str:
    return (
        f"SELECT {key} AS id, {owner} AS owner, {column} AS blob FROM {table} "
        f"WHERE {column} IS NOT NULL ORDER BY {key}"
    )


def _replace(table: str, key: str, column: str) -> str:
    return f"UPDATE {table} SET {column} = :blob WHERE {key} = :id"


def _count(table: str, column: str) -> str:
    return f"SELECT count({column}) FROM {table}"


def of_agent(db: Reader, agent_id: str) -> Row | None:
    """The secrets of an agent, with what tells how they are used; never shown."""
    return db.one(OF_AGENT, agent_id=agent_id)


def _keys_of(names: str) -> str:
    return (
        "SELECT agent_id, api_key_encrypted FROM agents "
        f"WHERE agent_id IN ({names}) AND api_key_encrypted IS NOT NULL"
    )


def keys_of(db: Reader, ids: Sequence[str]) -> list[Row]:
    """``agent_id`` and ciphertext of those of the agents that have a key."""
    rows: list[Row] = []
    for names, params in blocks(ids):
        rows += db.read(_keys_of(names), **params)
    return rows


def ciphertexts(db: Reader, table: str, key: str, column: str, owner: str) -> list[Row]:
    """``id``, ``owner`` and ``blob`` of every ciphertext of a column, by id."""
    return db.read(_all(table, key, column, owner))


def replace(tx: Writer, table: str, key: str, column: str, id_: str, blob: str | None) -> None:
    """Another ciphertext in the place of one."""
    tx.execute(_replace(table, key, column), id=id_, blob=blob)


def count(db: Reader) -> int:
    """How many ciphertexts there are."""
    return sum(int(db.scalar(_count(table, column))) for table, _, column, _ in CIPHERTEXTS)


def set_key(tx: Writer, agent_id: str, blob: str, now: str) -> None:
    """An agent's key, which ends every flag of it."""
    tx.execute(SET_KEY, agent_id=agent_id, blob=blob, now=now)


def flag(tx: Writer, agent_id: str, reason: str) -> None:
    """An agent must be given its key anew."""
    tx.execute(FLAG, agent_id=agent_id, reason=reason)


def unflag(tx: Writer, agent_id: str) -> int:
    """An agent's key is taken after all."""
    return tx.execute(UNFLAG, agent_id=agent_id)


def flag_all(tx: Writer, reason: str) -> int:
    """Every agent with a key must be given it anew; those flagged already keep their reason."""
    return tx.execute(FLAG_ALL, reason=reason)


def lost(db: Reader) -> int:
    """How many agents are flagged because a file was lost."""
    return int(db.scalar(COUNT_LOST))


def clear_lost(tx: Writer) -> int:
    """The lost file is back."""
    return tx.execute(CLEAR_LOST)


def flagged(db: Reader) -> list[Row]:
    """Agents that must be given their key anew, and why, by id."""
    return db.read(FLAGGED)


def touch(tx: Writer, now: str) -> None:
    """Copies of the ciphertexts elsewhere are of an earlier time."""
    tx.execute(TOUCH, now=now)


def forget_all(tx: Writer, now: str) -> int:
    """Every ciphertext goes; flags stay."""
    return tx.execute(FORGET_ALL, now=now) + tx.execute(FORGET_TOKENS, now=now)


def statements() -> list[str]:
    """The composed statements, for the tests to prepare."""
    return [
        _keys_of(":id0"),
        *(
            statement
            for table, key, column, owner in CIPHERTEXTS
            for statement in (
                _all(table, key, column, owner),
                _replace(table, key, column),
                _count(table, column),
            )
        ),
    ]
