"""Doctor looks at the search index, and makes it anew."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import App
from cleo_core.testing import Outcome

_post = runpy.run_path(str(Path(__file__).with_name("post.py")))
execute, conversation, message = _post["execute"], _post["conversation"], _post["message"]
disagreements = _post["disagreements"]

Cli = Callable[..., Outcome]


def check(cli: Cli, *options: str) -> dict[str, Any]:
    """What doctor says of the index."""
    found = cli("doctor", "--only", "conduit.search", *options).envelope
    checks = found["data"]["checks"] if found["success"] else found["error"]["details"]["checks"]
    (one,) = (one for one in checks if one["id"] == "conduit.search")
    return dict(one)


@pytest.mark.parametrize(
    "spoil",
    [
        "INSERT INTO messages_fts (messages_fts, rowid, subject, content, from_agent_id) "
        "VALUES ('delete', 1, NULL, 'hello', 'ann')",
        "INSERT INTO messages_fts (rowid, content) VALUES (7, 'nobody said this')",
    ],
)
def test_an_index_that_does_not_agree_is_found_and_mended(
    cleo_app: App, cleo_cli: Cli, spoil: str
) -> None:
    cleo_app.write("conduit", lambda unit: None)
    execute(conversation(message_count=1, last_seq=1, last_message_at=_post["AT"]), message())
    assert check(cleo_cli)["status"] == "ok"
    assert check(cleo_cli, "--deep")["status"] == "ok"
    execute(spoil)
    assert check(cleo_cli)["status"] == "error"
    cleo_cli("doctor", "--fix", "--only", "conduit.search")
    assert check(cleo_cli)["status"] == "ok"
    assert disagreements() == []


def test_an_absent_file_is_fine_and_stays_absent(cleo_app: App, cleo_cli: Cli) -> None:
    Path(".cleo/conduit.db").unlink()
    assert check(cleo_cli)["status"] == "ok"
    assert not Path(".cleo/conduit.db").exists()
