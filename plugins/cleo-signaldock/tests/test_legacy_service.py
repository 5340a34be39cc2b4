"""Taking an older file over, as the service does it on either database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cleo_core.errors import CleoError

from . import older
from .older import AT, add, agent, uuid


def test_agents_are_taken_over_and_back_on_either_database(
    cleo_project: Path, cleo_app: Any
) -> None:
    agents = cleo_app.service("agents")
    agents.register("known", attach=False)
    path = older.small(cleo_project)
    add(path, "agents", agent(3, "known"), agent(4, "cyd", owner_id=uuid(1, "u")))
    add(path, "users", {"id": uuid(1, "u"), "email": "a@x.org", "password_hash": "h"})
    add(path, "organization", {"id": uuid(1, "o"), "name": "O", "owner_id": uuid(1, "u")})
    add(
        path,
        "org_agent_keys",
        {"id": uuid(1, "k"), "organization_id": uuid(1, "o"), "agent_id": uuid(4)},
    )
    before = path.read_bytes()
    with cleo_app.dry_running():
        planned = agents.migrate_legacy()
    assert path.read_bytes() == before
    done = agents.migrate_legacy()
    assert (done.status, done.counts) == ("done", planned.counts)
    assert done.counts["agents"]["copied"] == 3
    assert done.counts["agents"]["present"] == 1
    found = agents.get("cyd")
    assert (found.owner_id, found.created_at) == (uuid(1, "u"), AT)
    assert agents.migrate_legacy().status == "nothing"

    back = agents.legacy_rollback()
    assert back.status == "rolled_back"
    assert path.read_bytes() == before
    with pytest.raises(CleoError) as error:
        agents.get("cyd", everywhere=True)
    assert error.value.exit == 4
    assert agents.get("known", everywhere=True).agent_id == "known"
    assert agents.migrate_legacy().status == "done"
