"""What the tests of the message store look at and put there."""

from __future__ import annotations

from typing import Any

from cleo_core.app import App
from cleo_core.database import connect_for_copy

AT = "2026-01-01T00:00:00.000Z"
LATER = "2026-01-01T00:05:00.000Z"


def uuid(number: int) -> str:
    """A UUID by its last digits."""
    return f"019ac8b0-0000-7000-8000-{number:012d}"


def conduit(app: App) -> Any:
    """The service."""
    return app.service("conduit")


def execute(*statements: str, path: str = ".cleo/conduit.db") -> list[tuple[Any, ...]]:
    """Run statements on the file, beside CLEO; the rows of the last."""
    connection = connect_for_copy(path)
    connection.execute("PRAGMA foreign_keys=ON")
    rows: list[tuple[Any, ...]] = []
    try:
        for statement in statements:
            rows = connection.execute(statement).fetchall()
    finally:
        connection.close()
    return rows


def value(statement: str) -> Any:
    """One value of the file."""
    ((found,),) = execute(statement)
    return found


def insert(table: str, **values: Any) -> str:
    """An INSERT of a row."""
    names = ", ".join(values)
    words = ", ".join(literal(one) for one in values.values())
    return f"INSERT INTO {table} ({names}) VALUES ({words})"


def literal(one: Any) -> str:
    if one is None:
        return "NULL"
    return str(one) if isinstance(one, int) else "'" + str(one).replace("'", "''") + "'"


def conversation(number: int = 1, **more: Any) -> str:
    """An INSERT of a conversation."""
    values = {
        "id": uuid(number),
        "kind": "group",
        "created_by": "ann",
        "created_at": AT,
        "updated_at": AT,
        **more,
    }
    return insert("conversations", **values)


def message(number: int = 11, conversation: int = 1, **more: Any) -> str:
    """An INSERT of a message."""
    values = {
        "id": uuid(number),
        "conversation_id": uuid(conversation),
        "from_agent_id": "ann",
        "content": "hello",
        "thread_id": uuid(number),
        "body_hash": "x",
        "created_at": AT,
        **more,
    }
    return insert("messages", **values)


def receipt(seq: int = 1, agent: str = "bob", **more: Any) -> str:
    """An INSERT of a receipt."""
    return insert("receipts", message_seq=seq, agent_id=agent, **more)


def job(number: int = 21, seq: int = 1, **more: Any) -> str:
    """An INSERT of a delivery job."""
    values = {
        "id": uuid(number),
        "message_seq": seq,
        "recipient": "bob",
        "transport": "http",
        "payload": '{"id": "there"}',
        "next_attempt_at": AT,
        "created_at": AT,
        "updated_at": AT,
        **more,
    }
    return insert("delivery_jobs", **values)


def lease(number: int = 31, agent: str = "ann", **more: Any) -> str:
    """An INSERT of a lease that is held."""
    values = {
        "id": uuid(number),
        "agent_id": agent,
        "pattern": "src/**",
        "namespace": "file",
        "mode": "exclusive",
        "fence": number,
        "acquired_at": AT,
        "renewed_at": AT,
        "expires_at": "2999-01-01T00:00:00.000Z",
        **more,
    }
    return insert("leases", **values)


def audits() -> list[tuple[str, str, str, str]]:
    """(actor, action, subject kind, subject id) of all audit rows, in order."""
    return execute("SELECT actor, action, subject_kind, subject_id FROM conduit_audit ORDER BY seq")


def disagreements() -> list[str]:
    """What in the file does not agree with the rest of it; nothing where all is well."""
    found = [f"foreign key {row}" for row in execute("PRAGMA foreign_key_check")]
    found += [word for (word,) in execute("PRAGMA quick_check") if word != "ok"]
    try:
        execute("INSERT INTO messages_fts (messages_fts, rank) VALUES ('integrity-check', 1)")
    except Exception as error:
        found.append(f"index: {error}")
    found += [
        f"counters of {id_}"
        for (id_,) in execute(
            "SELECT c.id FROM conversations AS c LEFT JOIN messages AS m "
            "ON m.conversation_id = c.id GROUP BY c.id "
            "HAVING c.message_count <> count(m.seq) OR c.last_seq IS NOT max(m.seq) "
            "OR c.last_message_at IS NOT max(m.created_at)"
        )
    ]
    return found


def speakers(cleo_open: Any, *names: str) -> list[Any]:
    """The service for each of these agents, all of whom the project sees."""
    found = [conduit(cleo_open(agent=name)) for name in names]
    for name in names:
        found[0].attach(name)
    return found


def refused(call: Any, code: str | None = None) -> Any:
    """The error that a call ends with."""
    import pytest

    from cleo_core.errors import CleoError

    with pytest.raises(CleoError) as caught:
        call()
    if code is not None:
        assert caught.value.code == code, caught.value
    return caught.value
