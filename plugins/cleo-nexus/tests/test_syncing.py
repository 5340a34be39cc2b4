"""Counting projects and noting their health, without a trace in their files."""

from __future__ import annotations

import runpy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.database import connect_for_copy
from cleo_core.testing import Outcome
from cleo_core.testing.fixtures import Clock

_atlas = runpy.run_path(str(Path(__file__).with_name("atlas.py")))
refusal, execute, behind = (_atlas[name] for name in ("refusal", "execute", "behind"))

Cli = Callable[..., Outcome]


def test_a_sync_counts_tasks_and_labels(atlas: Any, cleo_cli: Cli, cleo_clock: Clock) -> None:
    root = atlas.project("web", titles=2)
    atlas.tasks("web").add("third", labels=["ui", "bug", "ui"])
    atlas.close()
    before = cleo_cli("nexus", "show", "web", "--human", cwd=root).out
    assert "health  unknown, its tasks were never counted: cleo nexus sync web\n" in before
    assert cleo_cli("nexus", "list", "--human", cwd=root).out.splitlines()[1].split()[4:6] == [
        "unknown",
        "?",
    ]
    cleo_clock.advance(60)
    (found,) = cleo_cli("nexus", "sync", cwd=root).data["synced"]
    assert (found["taskCount"], found["labels"]) == (3, ["bug", "ui"])
    assert found["health"]["status"] == "healthy"
    assert found["lastSync"] == found["lastSeen"] == found["health"]["checkedAt"]
    assert found["lastSync"] > found["registeredAt"]
    after = cleo_cli("nexus", "show", "web", "--human", cwd=root).out
    assert "health  healthy, 3 tasks\n" in after
    assert " 3 " in cleo_cli("nexus", "list", "--human", cwd=root).out
    assert cleo_cli("nexus", "list", "--health", "healthy", cwd=root).page["total"] == 1
    assert cleo_cli("nexus", "list", "--health", "degraded", cwd=root).data == []


@pytest.mark.guarantee(
    "nexus-15",
    "Reading other projects changes no byte of their files, and migrates nothing there.",
)
def test_a_sync_of_all_projects_changes_no_byte_of_any(
    atlas: Any, cleo_cli: Cli, frozen_bytes: Any
) -> None:
    for name in ("web", "api", "old", "odd"):
        atlas.project(name, titles=1)
    atlas.close()
    behind(atlas.file("old"))
    atlas.file("odd", "conduit").write_bytes(b"no database" * 200)
    with frozen_bytes(atlas.folder):
        found = cleo_cli("nexus", "sync", "--all", cwd=atlas.root("web"))
    assert [one["slug"] for one in found.data["synced"]] == ["api", "odd", "web"]
    assert [one["project"] for one in found.data["failed"]] == ["old"]
    assert execute(atlas.file("old"), "SELECT * FROM alembic_version_tasks") == [("tasks_0000",)]


@pytest.mark.guarantee(
    "nexus-15",
    "Reading other projects changes no byte of their files, and migrates nothing there.",
)
def test_a_sync_reads_what_a_log_holds_and_leaves_the_content_as_it_is(
    atlas: Any, cleo_cli: Cli
) -> None:
    atlas.project("web")
    atlas.project("api", titles=1)
    writer = atlas.tasks("api")
    writer.add("still in the log")
    assert Path(f"{atlas.file('api')}-wal").stat().st_size > 0
    before = _dump(atlas.file("api"))
    assert atlas.nexus("web").sync("api").synced[0].task_count == 2
    assert _dump(atlas.file("api")) == before


def test_each_fault_of_a_project_has_its_health_and_stops_no_other(
    atlas: Any, cleo_cli: Cli
) -> None:
    names = (
        *("ahead", "behind", "broken", "config", "elsewhere", "foreign", "gone", "marker"),
        *("nomarker", "other", "stores", "taskless", "web"),
    )
    for name in names:
        atlas.project(name)
    atlas.close()
    execute(atlas.file("ahead"), "UPDATE alembic_version_tasks SET version_num = 'tasks_9999'")
    behind(atlas.file("behind"))
    atlas.file("broken").write_bytes(b"x" * 5000)
    (atlas.root("config") / ".cleo" / "config.json").write_text("{")
    shutil.copy(atlas.file("foreign", "brain"), atlas.file("foreign"))
    shutil.rmtree(atlas.root("gone"))
    (atlas.root("marker") / ".cleo" / "project-info.json").write_text("[")
    (atlas.root("nomarker") / ".cleo" / "project-info.json").unlink()
    atlas.set_marker("elsewhere", projectId="another-id")
    execute(atlas.file("stores", "brain"), "UPDATE alembic_version_brain SET version_num = 'x'")
    atlas.file("taskless").unlink()
    shutil.rmtree(atlas.root("other"))
    atlas.root("other").write_text("a file")
    found = cleo_cli("nexus", "sync", "--all", cwd=atlas.root("web")).data
    assert [one["slug"] for one in found["synced"]] == ["config", "stores", "web"]
    assert {one["project"]: one["code"] for one in found["failed"]} == {
        "ahead": "E_STORE_AHEAD",
        "behind": "E_STORE_BEHIND",
        "broken": "E_STORE_CORRUPT",
        "elsewhere": "E_PROJECT_ID_DRIFT",
        "foreign": "E_STORE_FOREIGN",
        "gone": "E_NOT_INITIALIZED",
        "marker": "E_NOT_INITIALIZED",
        "nomarker": "E_NOT_INITIALIZED",
        "other": "E_NOT_INITIALIZED",
        "taskless": "E_NOT_INITIALIZED",
    }
    assert all(one["message"] for one in found["failed"])
    health = {one.slug: one.health.status for one in atlas.nexus("web").list()[0]}
    assert health == {
        "web": "healthy",
        **dict.fromkeys(("ahead", "behind", "broken", "foreign"), "degraded"),
        **dict.fromkeys(("config", "stores", "marker"), "degraded"),
        **dict.fromkeys(("nomarker", "taskless", "elsewhere"), "unknown"),
        **dict.fromkeys(("gone", "other"), "unreachable"),
    }
    # What could not be counted keeps what was counted before.
    assert all(one.last_sync is None for one in atlas.nexus("web").list(health="unreachable")[0])
    assert cleo_cli("nexus", "status", cwd=atlas.root("web")).data["byHealth"] == {
        "unknown": 3,
        "healthy": 1,
        "degraded": 7,
        "unreachable": 2,
    }
    ((details,),) = atlas.rows("SELECT details_json FROM nexus_audit_log WHERE action LIKE '%sync'")
    assert details == '{"failed": 10, "synced": 3}'


def test_a_sync_that_counted_nothing_is_exit_74_and_notes_the_health(
    atlas: Any, cleo_cli: Cli
) -> None:
    root = atlas.project("web")
    atlas.close()
    atlas.file("web").unlink()
    found = cleo_cli("nexus", "sync", "web", cwd=root)
    assert (found.code, found.error["code"]) == (74, "E_INCOMPLETE")
    assert found.error["details"]["failed"][0]["code"] == "E_NOT_INITIALIZED"
    assert not atlas.file("web").exists()
    assert atlas.nexus("web").show("web").health.checked_at is not None
    assert atlas.rows(
        "SELECT success, error_code FROM nexus_audit_log WHERE action = 'nexus.sync'"
    ) == [(0, "E_INCOMPLETE")]


def test_a_sync_without_projects_is_empty(atlas: Any, cleo_cli: Cli) -> None:
    root = atlas.project("web", register=False)
    found = cleo_cli("nexus", "sync", "--all", cwd=root)
    assert found.data == {"synced": [], "failed": []}
    unknown = cleo_cli("nexus", "sync", cwd=root)
    assert (unknown.code, unknown.error["fix"]) == (71, "cleo nexus register")
    assert cleo_cli("nexus", "sync", cwd=atlas.folder).code == 3
    assert cleo_cli("nexus", "sync", "nobody", cwd=root).code == 71
    assert cleo_cli("nexus", "sync", "web", "--all", cwd=root).code == 2


def test_doctor_notes_the_health_of_all_projects(atlas: Any, cleo_cli: Cli) -> None:
    root = atlas.project("web")
    atlas.project("api")
    atlas.project("gone")
    atlas.close()
    shutil.rmtree(atlas.root("gone"))
    assert cleo_cli("doctor", "--all-projects", "--fix", cwd=root).code in (0, 6)
    health = {one.slug: one.health.status for one in atlas.nexus("web").list()[0]}
    assert (health["gone"], health["api"]) == ("unreachable", "healthy")


@pytest.mark.parametrize(
    ("id_", "status", "exit_"),
    [("nobody-at-all", "healthy", 71), (None, "healthy", 71), ("\0" * 9, "healthy", 71)],
)
def test_the_health_of_nobody_cannot_be_noted(
    atlas: Any, id_: Any, status: str, exit_: int
) -> None:
    atlas.project("web")
    assert refusal(atlas.nexus("web").set_health, id_, status).exit == exit_
    assert refusal(atlas.nexus("web").set_health, atlas.id("web"), "fine").exit == 2
    atlas.nexus("web").set_health(atlas.id("web"), "degraded")
    assert atlas.nexus("web").show("web").health.status == "degraded"


def _dump(path: Path) -> list[Any]:
    connection = connect_for_copy(str(path))
    try:
        tables = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        ).fetchall()
        return [connection.execute(f'SELECT * FROM "{name}"').fetchall() for (name,) in tables]
    finally:
        connection.close()
