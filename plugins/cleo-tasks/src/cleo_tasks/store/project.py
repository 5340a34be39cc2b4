"""Which project the file belongs to, and which ids of a kind it holds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from cleo_core.database import Backend, Row
from cleo_tasks.api import STORE

META = "SELECT key, value FROM schema_meta WHERE key IN ('project_id', 'project_name')"
ALL_META = "SELECT key, value FROM schema_meta"
SET_META = (
    "INSERT INTO schema_meta (key, value) VALUES (:key, :value) "
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)
HELD_BY = (
    "SELECT id, assignee FROM tasks WHERE status = 'active' AND assignee IS NOT NULL "
    "AND assignee IN (SELECT value FROM json_each(:agents)) ORDER BY seq"
)
SESSIONS_OF = (
    "SELECT id, agent_id FROM sessions WHERE status = 'active' "
    "AND agent_id IN (SELECT value FROM json_each(:agents)) ORDER BY seq"
)


def project_of(db: Backend) -> dict[str, str]:
    """``project_id`` and ``project_name`` as stored; a key is missing where none is."""
    return {row["key"]: row["value"] for row in db.read(META)}


def meta(db: Backend) -> dict[str, str]:
    """Everything that the file keeps of itself, by key."""
    return {row["key"]: row["value"] for row in db.read(ALL_META)}


def set_project(db: Any, values: dict[str, str]) -> None:
    """Store the project's id and name."""
    for key, value in values.items():
        db.execute(SET_META, key=key, value=value)


def existing(db: Backend, kind: str, ids: Sequence[str]) -> frozenset[str]:
    """Those of the ids that a kind's table holds, in any status."""
    # SQLite may end a text of JSON at a NUL; no stored id has one.
    asked = [id_ for id_ in ids if "\0" not in id_] if "\0" in "".join(ids) else list(ids)
    # Most ids exist, and what is not there is quicker told. Places say which ones they are: what
    # came back of a text that is no Unicode would be another one.
    missing = db.read(missing_statement(kind), ids=json.dumps(asked))
    return frozenset(asked).difference([asked[row["place"]] for row in missing])


def missing_statement(kind: str) -> str:
    """The statement that asks for the places of the ids that are none of a kind."""
    return (
        "SELECT key AS place FROM json_each(:ids) "
        f"WHERE value NOT IN (SELECT id FROM {STORE.kinds[kind]})"
    )


def work_of(db: Backend, agents: Sequence[str]) -> tuple[list[Row], list[Row]]:
    """Active tasks and active sessions of agents."""
    listed = json.dumps(list(agents))
    return db.read(HELD_BY, agents=listed), db.read(SESSIONS_OF, agents=listed)


def statements() -> Iterator[str]:
    """The statements that are put together from parts."""
    yield from map(missing_statement, STORE.kinds)
