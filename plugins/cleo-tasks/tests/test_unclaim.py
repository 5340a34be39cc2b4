"""Giving claims back: by the holder, by force, and from agents that are gone."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from cleo_core.app import App
from cleo_core.errors import CleoError

Open = Callable[..., App]
Cli = Callable[..., Any]


def tasks(app: App) -> Any:
    return app.service("tasks")


def refused(call: Callable[..., Any], *args: Any, **options: Any) -> CleoError:
    with pytest.raises(CleoError) as caught:
        call(*args, **options)
    return caught.value


def audits(app: App, id_: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = app.store("tasks").read(
        "SELECT * FROM audit_log WHERE task_id = :id ORDER BY id", id=id_
    )
    return rows


def instance(app: App, agent: str, status: str) -> None:
    """A row of an agent's instance that reports now."""
    app.write(
        "tasks",
        lambda unit: unit.execute(
            "INSERT INTO agent_instances (id, agent_id, agent_type, status, started_at, "
            "last_heartbeat_at, stopped_at) VALUES (:id, :agent, 'executor', :status, :now, :now, "
            "NULL)",
            id=f"agt_{os.urandom(6).hex()}",
            agent=agent,
            status=status,
            now=unit.now,
        ),
    )


def test_the_holder_gives_a_claim_back_and_the_status_stays(cleo_open: Open) -> None:
    app = cleo_open("ada")
    id_ = tasks(app).add("write the parser").task.id
    held = tasks(app).claim(id_, start=True).task

    (freed,) = tasks(app).unclaim(id_).released

    assert (freed.id, freed.held_by, freed.claimed_at) == (id_, "ada", held.claimed_at)
    after = tasks(app).show(id_)[0]
    assert (after.assignee, after.claimed_at, after.status) == (None, None, "active")
    assert after.version == freed.version == held.version + 1
    assert [warning["code"] for warning in app.warnings] == ["W_STILL_ACTIVE"]
    assert refused(tasks(app).unclaim, id_).exit == 102


@pytest.mark.parametrize("agent", ["bob", None])
def test_only_force_with_a_reason_takes_a_claim_from_another(
    cleo_open: Open, agent: str | None
) -> None:
    ada, other = cleo_open("ada"), cleo_open(agent)
    id_ = tasks(ada).add("write the parser").task.id
    tasks(ada).claim(id_)

    assert refused(tasks(other).unclaim, id_).exit == 35
    assert refused(tasks(other).unclaim, id_, force=True).exit == 2
    tasks(other).unclaim(id_, force=True, reason="ada is on leave")

    row = audits(other, id_)[-1]
    assert (row["forced"], row["reason"]) == (1, "ada is on leave")


def test_force_of_the_holder_is_not_recorded_as_forced(cleo_open: Open) -> None:
    app = cleo_open("ada")
    id_ = tasks(app).add("write the parser").task.id
    tasks(app).claim(id_)
    tasks(app).unclaim(id_, force=True, reason="not mine after all")
    assert audits(app, id_)[-1]["forced"] == 0


def test_a_closed_task_keeps_who_held_it(cleo_open: Open) -> None:
    app = cleo_open("ada")
    id_ = tasks(app).add("write the parser").task.id
    tasks(app).claim(id_)
    tasks(app).complete(id_)
    assert refused(tasks(app).unclaim, id_).exit == 6
    assert tasks(app).show(id_)[0].assignee == "ada"


def test_all_claims_of_one_agent_are_freed_each_with_its_audit_row(cleo_open: Open) -> None:
    ada, bob = cleo_open("ada"), cleo_open("bob")
    for app, title in ((ada, "one"), (ada, "two"), (bob, "three"), (ada, "finished")):
        tasks(app).claim(tasks(app).add(title).task.id)
    tasks(ada).complete("T004")

    freed = tasks(bob).unclaim(held_by="ada").released

    assert [one.id for one in freed] == ["T001", "T002"]
    assert {audits(bob, one.id)[-1]["action"] for one in freed} == {"task.unclaim"}
    assert tasks(bob).show("T003")[0].assignee == "bob"
    assert refused(tasks(bob).unclaim, held_by="ada").exit == 102


def test_stale_frees_only_old_claims_of_agents_that_show_no_life(
    cleo_open: Open, cleo_clock: Any
) -> None:
    agents = ("gone", "in-session", "beating", "silent", "fresh")
    apps = {agent: cleo_open(agent) for agent in agents}
    ids = {agent: tasks(apps[agent]).add(agent).task.id for agent in agents}
    for agent in agents[:-1]:
        tasks(apps[agent]).claim(ids[agent])
    cleo_clock.advance(24 * 3600 + 1)
    tasks(apps["fresh"]).claim(ids["fresh"])
    tasks(apps["in-session"]).session_start()
    instance(apps["beating"], "beating", "idle")
    instance(apps["silent"], "silent", "idle")
    instance(apps["gone"], "gone", "stopped")
    cleo_clock.advance(181)
    instance(apps["beating"], "beating", "error")

    freed = tasks(apps["fresh"]).unclaim(stale=True).released

    assert {one.held_by for one in freed} == {"gone", "silent"}
    assert tasks(apps["fresh"]).unclaim(stale=True).released == []
