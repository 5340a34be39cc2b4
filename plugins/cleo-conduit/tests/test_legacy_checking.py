"""``verify_legacy``: what is missing or wrong after an import is told."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from cleo_core.errors import CleoError

_post = runpy.run_path(str(Path(__file__).with_name("post.py")))
AT, conduit, execute, uuid = (_post[name] for name in ("AT", "conduit", "execute", "uuid"))
RUN = uuid(99)


def rows() -> dict[str, list[dict[str, Any]]]:
    conversation, message = uuid(1), uuid(11)
    return {
        "conversations": [
            {
                "id": conversation,
                "kind": "group",
                "created_by": "ann",
                "created_at": AT,
                "updated_at": AT,
            }
        ],
        "messages": [
            {
                "id": message,
                "conversation_id": conversation,
                "from_agent_id": "ann",
                "content": "hello",
                "thread_id": message,
                "body_hash": "x",
                "created_at": AT,
            }
        ],
        "receipts": [{"message_id": message, "agent_id": "bob"}],
    }


def test_a_sound_import_has_no_faults(cleo_project: Path, cleo_app: Any) -> None:
    conduit(cleo_app).import_legacy(rows(), RUN)
    found = conduit(cleo_app).verify_legacy(RUN)
    assert found.faults == []
    assert (found.rows["messages"], found.rows["receipts"]) == (1, 1)


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("DELETE FROM receipts", "receipts"),
        ("INSERT INTO messages_fts (messages_fts) VALUES ('delete-all')", "index"),
        ("DELETE FROM conduit_meta WHERE key LIKE 'legacy:%'", "no import"),
    ],
)
def test_what_is_gone_is_named(
    cleo_project: Path, cleo_app: Any, statement: str, fault: str
) -> None:
    conduit(cleo_app).import_legacy(rows(), RUN)
    execute(statement)
    assert any(fault in one for one in conduit(cleo_app).verify_legacy(RUN).faults)


def test_a_run_has_a_uuid(cleo_project: Path, cleo_app: Any) -> None:
    with pytest.raises(CleoError) as error:
        conduit(cleo_app).verify_legacy("x")
    assert error.value.exit == 6
