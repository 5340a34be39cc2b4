"""What names tasks that are gone is listed, and taken away when a person says so."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cleo_core.testing import Outcome

_realms = runpy.run_path(str(Path(__file__).with_name("realms.py")))
Realms, refused, execute, behind = (
    _realms[name] for name in ("Realms", "refused", "execute", "behind")
)
Cli = Callable[..., Outcome]
AT = "2026-01-01T00:00:00.000Z"


@pytest.fixture
def realms(cleo_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Projects web, api, lib and far, each waited for by one task of web; three have a fault."""
    monkeypatch.setenv("CLEO_PLUGINS", "tasks,nexus")
    made = Realms(cleo_home / "work")
    made.make("web", "api", "lib", "far")
    made.link("web:T001 > api:T001", "web:T002 > lib:T001", "web:T003 > far:T001")
    made.close()
    execute(made.file("api"), "DELETE FROM tasks WHERE id = 'T001'")
    behind(made.file("lib"))
    execute(made.registry, "DELETE FROM project_registry WHERE slug = 'far'")
    yield made
    made.close()


@pytest.mark.guarantee(
    "nexus-13",
    "Orphans are listed with the reason; what cannot be looked at is counted and never removed.",
)
def test_what_is_gone_is_listed_with_its_reason_and_pruned(realms: Any, cleo_cli: Cli) -> None:
    nexus = realms.nexus("web")
    found = nexus.orphans()
    assert [(one.kind, one.ref[:3], one.reason, one.of) for one in found.orphans] == [
        ("target", "api", "task_not_found", "web:T001"),
        ("target", f"@{found.orphans[1].ref[1:3]}", "project_not_registered", "web:T003"),
    ]
    assert (found.unknown, found.removed) == (1, 0)
    assert nexus.orphans(prune=True).removed == 0
    assert len(realms.edges()) == 3
    assert realms.status("web:T001") == "blocked"
    assert nexus.orphans(prune=True, yes=True).removed == 2
    assert realms.edges() == [("web:T002", "lib:T001")]
    assert [realms.status(f"web:T00{n}") for n in (1, 2, 3)] == ["pending", "blocked", "pending"]
    left = nexus.orphans(prune=True, yes=True)
    assert (left.orphans, left.unknown, left.removed) == ([], 1, 0)
    nexus.deps_remove("T002", "lib:T001")
    assert refused(nexus.orphans).code == "E_NOTHING"
    assert refused(nexus.orphans, yes=True).exit == 2
    assert refused(nexus.orphans, prune=None).exit == 2
    (row,) = realms.rows(
        "SELECT details_json FROM nexus_audit_log WHERE action = 'nexus.orphans.prune' AND success"
    )
    assert json.loads(row[0]) == {"removed": 2}


@pytest.mark.guarantee("nexus-17", "`orphans --prune` without `--yes` changes no byte.")
def test_looking_for_orphans_changes_no_byte(
    realms: Any, cleo_cli: Cli, frozen_bytes: Any, cleo_home: Path
) -> None:
    assert cleo_cli("nexus", "orphans", "--yes", cwd=realms.folder / "web").code == 2
    with frozen_bytes(cleo_home):
        for words in ((), ("--prune",), ("--prune", "--yes", "--dry-run"), ("--prune", "--human")):
            assert cleo_cli("nexus", "orphans", *words, cwd=realms.folder / "web").code == 0
        check = cleo_cli("doctor", "--only", "nexus.orphans", cwd=realms.folder / "web").envelope
    assert check["data"]["checks"][0]["details"]["count"] == 2


def test_an_edge_to_what_is_gone_can_be_removed_by_name(realms: Any) -> None:
    ((id_,),) = realms.rows(
        "SELECT target_project_id FROM cross_project_dependencies WHERE source_task_id = 'T003'"
    )
    made = realms.nexus("web").deps_remove("T3", f"@{id_}:T1")
    assert (made.target.ref, made.source_status) == (f"@{id_}:T001", "pending")
    assert realms.nexus("web").deps_remove("T1", "api:T1").source_status == "pending"
    assert refused(realms.nexus("web").deps_remove, "T2", "far:T1").exit == 71


def test_epics_and_stages_of_open_instances_are_looked_at_too(realms: Any) -> None:
    ids = dict(realms.rows("SELECT slug, project_id FROM project_registry"))
    stages = {"build": f"{ids['api']}:T001", "test": f"{ids['api']}:T002"}
    execute(
        realms.registry,
        "INSERT INTO warp_chains (id, version, name, definition, definition_sha256, validated, "
        "created_by, created_at, updated_at) VALUES ('c', '1.0.0', 'c', '{}', ?, 1, 'x', ?, ?)",
        *("0" * 64, AT, AT),
    )
    for number, status in enumerate(("active", "completed")):
        execute(
            realms.registry,
            "INSERT INTO warp_chain_instances (id, chain_id, chain_version, definition, "
            "epic_project_id, epic_id, variables, stage_to_task, status, active_stages, "
            "current_stage, created_by, created_at, updated_at) "
            "VALUES (?, 'c', '1.0.0', '{}', ?, 'T001', '{}', ?, ?, '[]', 'build', 'x', ?, ?)",
            *(f"wci-00000000000{number}", ids["api"], json.dumps(stages), status, AT, AT),
        )
    nexus = realms.nexus("web")
    found = [one for one in nexus.orphans().orphans if one.kind in ("epic", "stage")]
    assert [(one.kind, one.ref, one.of, one.stage) for one in found] == [
        ("epic", "api:T001", "wci-000000000000", None),
        ("stage", "api:T001", "wci-000000000000", "build"),
    ]
    assert nexus.orphans(prune=True, yes=True).removed == 3
    rows = realms.rows("SELECT stage_to_task, row_version FROM warp_chain_instances ORDER BY id")
    assert [(list(json.loads(text)), version) for text, version in rows] == [
        (["test"], 2),
        (["build", "test"], 1),
    ]
    assert [one.kind for one in nexus.orphans().orphans] == ["epic"]


def test_edges_of_a_project_that_does_not_let_others_write_are_kept(atlas: Any) -> None:
    for name in ("web", "api", "lib"):
        atlas.project(name, titles=1, permission="write")
    nexus = atlas.nexus("web")
    nexus.deps_add("api:T001", "lib:T001")
    nexus.unregister("lib", force=True)
    nexus.permission_set("api", "read")
    assert nexus.orphans(prune=True, yes=True).removed == 0
    assert len(atlas.rows("SELECT 1 FROM cross_project_dependencies")) == 1
    assert atlas.tasks("api").show("T001")[0].status == "blocked"
    assert "W_PERMISSION" in [one["code"] for one in atlas.app("web").warnings]
    nexus.permission_set("api", "write")
    assert nexus.orphans(prune=True, yes=True).removed == 1
    assert atlas.tasks("api").show("T001")[0].status == "pending"
