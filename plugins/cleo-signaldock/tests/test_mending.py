"""What ``cleo doctor --fix`` mends of the identity store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

KEY = "sk_live_" + "5a" * 32


def statuses(result: Any) -> dict[str, str]:
    return {check["id"]: check["status"] for check in result.data["checks"]}


def test_a_registration_without_its_ref_is_attached(
    cleo_app: Any, cleo_cli: Callable[..., Any]
) -> None:
    agents = cleo_app.service("agents")
    agents.register("lost")
    agents.register("kept")
    agents.register("elsewhere", attach=False)
    cleo_app.write(
        "conduit",
        lambda unit: unit.execute("DELETE FROM project_agent_refs WHERE agent_id = 'lost'"),
    )
    asked = ("doctor", "--only", "signaldock.refs")
    assert statuses(cleo_cli(*asked)) == {"signaldock.refs": "warning"}
    assert statuses(cleo_cli(*asked, "--fix")) == {"signaldock.refs": "ok"}
    assert [one.agent_id for one in agents.list()[0]] == ["kept", "lost"]


def test_copies_of_credentials_are_made_right(cleo_app: Any, cleo_cli: Callable[..., Any]) -> None:
    agents = cleo_app.service("agents")
    agents.register("a", api_key=KEY)
    agents.register("b", api_key=KEY)
    cache = cleo_app.service("credential_cache")
    cache.drop("a")
    asked = ("doctor", "--only", "signaldock.cache")
    assert statuses(cleo_cli(*asked)) == {"signaldock.cache": "warning"}
    assert statuses(cleo_cli(*asked, "--fix")) == {"signaldock.cache": "ok"}
    assert [row.agent_id for row in cache.list()] == ["a", "b"]
    assert KEY not in repr(cleo_cli(*asked, "--fix").data)
