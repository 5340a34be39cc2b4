"""Who is there, who is retired, and who acts."""

from __future__ import annotations

from typing import Any

import pytest

from cleo_core.errors import CleoError
from cleo_core.testing import Clock


def ids(found: list[Any]) -> list[str]:
    return [agent.agent_id for agent in found]


def test_presence_moves_neither_version_nor_time_of_change(
    cleo_app: Any, cleo_clock: Clock
) -> None:
    agents = cleo_app.service("agents")
    before = agents.register("a").agent
    cleo_clock.advance(60)

    there = agents.heartbeat("a", status="busy")
    gone = agents.stop("a")

    assert (there.status, there.last_seen > before.updated_at) == ("busy", True)
    assert (there.version, there.updated_at) == (before.version, before.updated_at)
    assert gone.changed == ["a"]
    assert agents.stop("a").changed == []
    after = agents.get("a")
    assert (after.status, after.last_seen) == ("offline", there.last_seen)


def test_status_shows_the_agents_of_the_project(cleo_app: Any) -> None:
    agents = cleo_app.service("agents")
    agents.register("mine")
    agents.register("other", attach=False)
    agents.heartbeat("other")

    assert ids(agents.status()) == ["mine"]
    assert ids(agents.status(everywhere=True)) == ["other"]
    assert ids(agents.status("mine")) == ["mine"]
    with pytest.raises(CleoError) as error:
        agents.status("other")
    assert (error.value.exit, error.value.fix) == (4, "cleo agent status other --all")
    assert agents.stop(everyone=True).changed == ["other"]


def test_the_acting_agent_is_named_and_never_guessed(cleo_open: Any) -> None:
    with cleo_open() as app:
        app.service("agents").register("a")
        with pytest.raises(CleoError) as error:
            app.service("agents").whoami()
        assert error.value.code == "E_AGENT_REQUIRED"
    with cleo_open(agent="a") as app:
        assert app.service("agents").whoami().agent_id == "a"
    with cleo_open(agent="b") as app, pytest.raises(CleoError) as error:
        app.service("agents").whoami()
    assert error.value.exit == 4


def test_a_retired_agent_cannot_act_and_keeps_everything(cleo_app: Any) -> None:
    agents = cleo_app.service("agents")
    agents.register("a", skills=["go"], api_key="sk_live_" + "1" * 64)

    assert agents.retire("a").changed == ["a"]
    assert agents.retire("a").changed == []
    for act in (agents.heartbeat, agents.credential):
        with pytest.raises(CleoError) as error:
            act("a")
        assert (error.value.exit, error.value.fix) == (6, "cleo agent revive a")
    assert agents.get("a").skills == ["go"]
    found, _ = agents.list(active=True)
    assert found == []
    assert agents.revive("a").changed == ["a"]
    assert agents.credential("a").key == "sk_live_" + "1" * 64


def test_pruning_retires_those_that_were_seen_long_ago(cleo_app: Any, cleo_clock: Clock) -> None:
    agents = cleo_app.service("agents")
    for name in ("seen", "never", "late"):
        agents.register(name)
    agents.heartbeat("seen")
    cleo_clock.advance(20 * 3600)
    agents.heartbeat("late")
    cleo_clock.advance(5 * 3600)

    with cleo_app.dry_running():
        assert agents.prune().changed == ["seen"]
    assert agents.get("seen").is_active
    assert agents.prune(max_age="24h").changed == ["seen"]
    assert [agents.get(name).is_active for name in ("seen", "never", "late")] == [
        *(False, True, True),
    ]
    assert agents.get("seen").updated_at > agents.get("never").updated_at
    with pytest.raises(CleoError) as error:
        agents.prune(max_age="soon")
    assert error.value.exit == 2


def test_each_change_has_an_audit_row_without_values(cleo_app: Any) -> None:
    agents = cleo_app.service("agents")
    agents.register("a", description="private words", api_key="sk_live_" + "2" * 64)
    agents.update("a", description="other words")
    agents.retire("a")

    rows = cleo_app.store("signaldock").read(
        "SELECT actor, action, subject_kind, subject_id, details FROM signaldock_audit ORDER BY seq"
    )
    assert [(row["actor"], row["action"], row["subject_id"]) for row in rows] == [
        ("user", "agent.register", "a"),
        ("user", "agent.update", "a"),
        ("user", "agent.retire", "a"),
    ]
    assert "words" not in str(rows)
    assert "sk_live" not in str(rows)
