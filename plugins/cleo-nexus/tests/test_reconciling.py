"""Moved, copied, renamed and replaced projects: what reconcile makes of each."""

from __future__ import annotations

import runpy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.testing import Outcome
from cleo_core.testing.fixtures import Clock

_atlas = runpy.run_path(str(Path(__file__).with_name("atlas.py")))
refusal, execute = _atlas["refusal"], _atlas["execute"]

Cli = Callable[..., Outcome]

ROWS = "SELECT * FROM project_registry ORDER BY slug"
NOTHING_ELSE = (75, "E_PROJECT_COPY")


@pytest.mark.guarantee(
    "nexus-01",
    "A project that was moved or whose directory was renamed is found again by reconcile, under "
    "the same id and slug, and what named its tasks still does.",
)
@pytest.mark.parametrize("to", ["elsewhere/deep/web", "renamed"])
def test_a_moved_project_keeps_id_slug_and_edges(atlas: Any, to: str) -> None:
    root = atlas.project("web", titles=1)
    atlas.project("api", titles=1, permission="write")
    atlas.edge("api", "web")
    id_, before = atlas.id("web"), atlas.nexus("api").show("web")
    atlas.close()
    target = atlas.folder / to
    target.parent.mkdir(parents=True, exist_ok=True)
    root.rename(target)
    assert atlas.app("api").exists("project_task", [f"{id_}:T001"]) == {f"{id_}:T001": None}
    with atlas.app(target).dry_running():
        assert atlas.nexus(target).reconcile().outcome == "moved"
    assert atlas.nexus("api").show("web").path == str(root)
    found = atlas.nexus(target).reconcile()
    assert (found.outcome, found.old_path, found.new_path) == ("moved", str(root), str(target))
    assert (found.project.id, found.project.slug) == (id_, "web")
    assert found.project.hash != before.hash
    atlas.close("api")
    assert atlas.app("api").exists("project_task", [f"{id_}:T001"]) == {f"{id_}:T001": True}
    assert atlas.rows("SELECT target_project_id FROM cross_project_dependencies") == [(id_,)]
    assert atlas.nexus(target).reconcile().outcome == "ok"


def test_a_place_that_another_project_took_is_given_up(atlas: Any) -> None:
    root = atlas.project("web")
    moved = atlas.folder / "moved"
    atlas.close()
    root.rename(moved)
    atlas.project("web", register=False)
    assert atlas.nexus(moved).reconcile().outcome == "moved"
    assert atlas.nexus("web").reconcile().project.slug == "web-2"


@pytest.mark.guarantee(
    "nexus-02",
    "Reconcile in a copied project is exit 75 and changes nothing in the registry, however often "
    "the two take turns; --new-id makes two projects of them.",
)
def test_a_copy_is_refused_until_it_is_settled(
    atlas: Any, cleo_cli: Cli, cleo_clock: Clock, frozen_bytes: Any
) -> None:
    root = atlas.project("web", titles=2)
    copy = _copied(atlas, "web", "copy")
    rows = atlas.rows(ROWS)
    for _ in range(10):
        with frozen_bytes(copy):
            refused = cleo_cli("nexus", "reconcile", cwd=copy)
        assert (refused.code, refused.error["code"]) == NOTHING_ELSE
        assert refused.error["details"]["paths"] == [str(root), str(copy)]
        assert refused.error["fix"] == "cleo nexus reconcile --new-id"
        assert atlas.rows(ROWS) == rows
        assert cleo_cli("nexus", "reconcile", cwd=root).data["outcome"] == "ok"
        assert atlas.rows(ROWS) == rows
    id_ = atlas.id("web")
    with frozen_bytes(atlas.folder):
        dry = cleo_cli("nexus", "reconcile", "--new-id", "--dry-run", cwd=copy)
    assert dry.data["outcome"] == "new_id"
    found = cleo_cli("nexus", "reconcile", "--new-id", cwd=copy).data
    assert (found["outcome"], found["project"]["slug"]) == ("new_id", "web-2")
    assert atlas.marker(copy)["copiedFrom"] == id_
    assert atlas.id(copy) == found["project"]["id"] != id_
    assert atlas.id("web") == id_
    # The tasks know whose they are: both projects answer for their own.
    for name in ("web", "copy"):
        ref = f"{atlas.id(name)}:T002"
        assert atlas.app("web").exists("project_task", [ref]) == {ref: True}
        assert cleo_cli("show", "T002", cwd=atlas.root(name)).code == 0
        assert cleo_cli("nexus", "reconcile", cwd=atlas.root(name)).data["outcome"] == "ok"
    assert atlas.nexus("web").sync(everything=True).failed == []


def test_the_registration_can_be_claimed_by_the_copy(atlas: Any, cleo_cli: Cli) -> None:
    root = atlas.project("web")
    copy = _copied(atlas, "web", "copy")
    found = cleo_cli("nexus", "reconcile", "--claim", cwd=copy).data
    assert (found["outcome"], found["oldPath"], found["newPath"]) == (
        "claimed",
        str(root),
        str(copy),
    )
    assert cleo_cli("nexus", "reconcile", cwd=root).error["code"] == "E_PROJECT_COPY"
    assert "copiedFrom" not in atlas.marker(copy)


@pytest.mark.parametrize("option", ["--adopt", "--replace"])
def test_an_option_for_another_conflict_settles_nothing(
    atlas: Any, cleo_cli: Cli, option: str
) -> None:
    atlas.project("web")
    copy = _copied(atlas, "web", "copy")
    rows = atlas.rows(ROWS)
    assert cleo_cli("nexus", "reconcile", option, cwd=copy).code == 75
    assert atlas.rows(ROWS) == rows


def test_an_option_without_a_conflict_changes_nothing_and_says_so(
    atlas: Any, cleo_cli: Cli
) -> None:
    root = atlas.project("web")
    id_ = atlas.id("web")
    for option in ("--new-id", "--claim", "--adopt", "--replace"):
        found = cleo_cli("nexus", "reconcile", option, cwd=root)
        assert found.data["outcome"] == "ok"
        assert [one["code"] for one in found.warnings] == ["W_OPTION_UNUSED"]
    assert atlas.id("web") == id_


@pytest.mark.parametrize(
    "words",
    [("--new-id", "--claim"), ("--adopt", "--replace"), ("--alias",), ("--alias", "--adopt")],
)
def test_options_that_do_not_go_together_are_a_usage_error(
    atlas: Any, cleo_cli: Cli, words: tuple[str, ...]
) -> None:
    root = atlas.project("web")
    assert cleo_cli("nexus", "reconcile", *words, cwd=root).code == 2


def test_a_project_that_nobody_registered_is_registered(atlas: Any, cleo_cli: Cli) -> None:
    root = atlas.project("web", register=False)
    assert cleo_cli("nexus", "reconcile", "--dry-run", cwd=root).data["outcome"] == "new"
    assert not atlas.registry.exists()
    assert cleo_cli("nexus", "reconcile", cwd=root).data["outcome"] == "new"
    assert cleo_cli("nexus", "reconcile", cwd=root).data["outcome"] == "ok"
    assert cleo_cli("nexus", "reconcile", cwd=atlas.folder).code == 3


def test_a_drifted_directory_adopts_the_registered_id(
    atlas: Any, cleo_cli: Cli, frozen_bytes: Any
) -> None:
    root = atlas.project("web", titles=1)
    id_ = atlas.id("web")
    atlas.set_marker("web", projectId="another-id", note="kept")
    with frozen_bytes(root):
        refused = cleo_cli("nexus", "reconcile", cwd=root)
    assert (refused.code, refused.error["code"]) == (75, "E_PROJECT_ID_DRIFT")
    assert refused.error["details"] == {"projectId": "another-id", "registeredId": id_}
    for option in ("--new-id", "--claim"):
        assert cleo_cli("nexus", "reconcile", option, cwd=root).code == 75
    with frozen_bytes(atlas.folder):
        dry = cleo_cli("nexus", "reconcile", "--adopt", "--dry-run", cwd=root)
    assert dry.data["outcome"] == "adopted"
    assert cleo_cli("nexus", "reconcile", "--adopt", cwd=root).data["outcome"] == "adopted"
    assert (atlas.id("web"), atlas.marker("web")["note"]) == (id_, "kept")
    assert atlas.app("web").exists("task", ["T001"]) == {"T001": True}


def test_a_drifted_directory_takes_the_place_of_the_registered_one(
    atlas: Any, cleo_cli: Cli
) -> None:
    root, api = atlas.project("web", titles=1), atlas.project("api", titles=1)
    old = atlas.id("web")
    atlas.nexus("web").rename("web", slug="site")
    atlas.edge("api", "web")
    atlas.set_marker("web", projectId="another-id")
    found = cleo_cli("nexus", "reconcile", "--replace", cwd=root).data
    assert (found["outcome"], found["project"]["id"]) == ("replaced", "another-id")
    assert (found["project"]["slug"], found["project"]["permissions"]) == ("site", "read")
    # Former slugs go on leading here; what names the old id is an orphan.
    assert cleo_cli("nexus", "show", "web", cwd=api).data["id"] == "another-id"
    assert cleo_cli("nexus", "show", f"@{old}", cwd=api).code == 71
    assert atlas.rows("SELECT target_project_id FROM cross_project_dependencies") == [(old,)]


def test_with_alias_everything_that_named_the_old_id_names_the_new_one(
    atlas: Any, cleo_cli: Cli
) -> None:
    root, api = atlas.project("web", titles=2), atlas.project("api", titles=1)
    old, other = atlas.id("web"), atlas.id("api")
    atlas.edge("api", "web")
    atlas.edge("web", "api", ("T002", "T001"))
    atlas.instance("web", number=1, stages=f'{{"build": "{old}:T002", "ship": "{other}:T001"}}')
    atlas.instance("api", number=2, stages=f'{{"build": "{old}:T001"}}')
    atlas.instance("web", number=3, status="completed", stages=f'{{"build": "{old}:T001"}}')
    atlas.transfer("web", "api")
    atlas.set_marker("web", projectId="another-id")
    assert cleo_cli("nexus", "reconcile", "--replace", "--alias", cwd=root).code == 0
    edges = "SELECT source_project_id, target_project_id FROM cross_project_dependencies"
    assert atlas.rows(f"{edges} ORDER BY seq") == [(other, "another-id"), ("another-id", other)]
    assert atlas.rows(
        "SELECT epic_project_id, stage_to_task FROM warp_chain_instances ORDER BY id"
    ) == [
        ("another-id", f'{{"build": "another-id:T002", "ship": "{other}:T001"}}'),
        (other, '{"build": "another-id:T001"}'),
        # What is over does not change any more.
        (old, f'{{"build": "{old}:T001"}}'),
    ]
    assert atlas.rows("SELECT source_project_id FROM transfer_journal") == [("another-id",)]
    shown = cleo_cli("nexus", "show", f"@{old}", cwd=api)
    assert shown.data["id"] == "another-id"
    assert "W_ALIAS_USED" in [one["code"] for one in shown.warnings]


def test_edges_that_would_lie_inside_one_project_are_named_and_removed(
    atlas: Any, cleo_cli: Cli
) -> None:
    root, api = atlas.project("web", titles=2), atlas.project("api", titles=2)
    id_ = atlas.id("api")
    atlas.edge("web", "api", ("T001", "T002"))
    atlas.nexus("web").unregister("api", force=True)
    atlas.close()
    shutil.rmtree(api)
    atlas.set_marker("web", projectId=id_)
    refused = cleo_cli("nexus", "reconcile", cwd=root)
    assert refused.error["code"] == "E_PROJECT_ID_DRIFT"
    found = cleo_cli("nexus", "reconcile", "--replace", "--alias", cwd=root)
    assert found.data["project"]["slug"] == "web"
    assert [one["code"] for one in found.warnings] == ["W_EDGE_INSIDE"]
    assert "cleo deps add T001 T002" in found.warnings[0]["message"]
    assert atlas.rows("SELECT * FROM cross_project_dependencies") == []


@pytest.mark.guarantee(
    "nexus-01",
    "Projects that changed places are found again, each with its own id, slug and permissions.",
)
def test_projects_that_were_swapped_keep_what_is_theirs(atlas: Any, cleo_cli: Cli) -> None:
    web, api = atlas.project("web"), atlas.project("api", permission="execute")
    ids = {"web": atlas.id("web"), "api": atlas.id("api")}
    atlas.close()
    shutil.move(web, atlas.root("aside"))
    shutil.move(api, web)
    shutil.move(atlas.root("aside"), api)
    first = cleo_cli("nexus", "reconcile", cwd=web)
    assert (first.code, first.data["outcome"]) == (0, "moved")
    assert first.warnings == []
    assert cleo_cli("nexus", "reconcile", cwd=api).data["outcome"] == "ok"
    assert atlas.rows(
        "SELECT slug, project_id, permissions, project_path FROM project_registry ORDER BY slug"
    ) == [
        ("api", ids["api"], "execute", str(web)),
        ("web", ids["web"], "read", str(api)),
    ]


def test_a_project_that_took_the_place_of_another_is_told_of_it(atlas: Any, cleo_cli: Cli) -> None:
    web, api = atlas.project("web"), atlas.project("api")
    atlas.close()
    shutil.rmtree(web)
    shutil.move(api, web)
    found = cleo_cli("nexus", "reconcile", cwd=web)
    assert (found.data["outcome"], found.data["project"]["slug"]) == ("moved", "api")
    assert [one["code"] for one in found.warnings] == ["W_PROJECT_DISPLACED"]
    assert cleo_cli("nexus", "sync", "web", cwd=web).code == 74


def test_an_id_that_lives_elsewhere_cannot_replace_another(atlas: Any, cleo_cli: Cli) -> None:
    root = atlas.project("web")
    atlas.project("api")
    rows = atlas.rows(ROWS)
    atlas.set_marker("web", projectId=atlas.id("api"))
    refused = cleo_cli("nexus", "reconcile", "--replace", cwd=root)
    assert (refused.code, refused.error["code"]) == NOTHING_ELSE
    assert atlas.rows(ROWS) == rows


def test_a_former_id_is_drift_that_adopting_settles(atlas: Any, cleo_cli: Cli) -> None:
    root = atlas.project("web", titles=1)
    old = atlas.id("web")
    copy = _copied(atlas, "web", "copy")
    atlas.set_marker("web", projectId="another-id")
    cleo_cli("nexus", "reconcile", "--replace", "--alias", cwd=root)
    refused = cleo_cli("nexus", "reconcile", cwd=copy)
    assert (refused.code, refused.error["code"]) == (75, "E_PROJECT_ID_DRIFT")
    assert "another-id" in refused.error["message"]
    assert cleo_cli("nexus", "register", cwd=copy).code == 75
    # While the project lives, adopting its id would make a second one of it.
    assert cleo_cli("nexus", "reconcile", "--adopt", cwd=copy).code == 75
    assert atlas.id(copy) == old
    atlas.close()
    shutil.rmtree(root)
    found = cleo_cli("nexus", "reconcile", "--adopt", cwd=copy).data
    assert (found["outcome"], found["project"]["path"]) == ("adopted", str(copy))
    assert atlas.id(copy) == "another-id"


def test_a_copy_with_a_former_id_can_get_its_own(atlas: Any, cleo_cli: Cli) -> None:
    root = atlas.project("web")
    copy = _copied(atlas, "web", "copy")
    atlas.set_marker("web", projectId="another-id")
    cleo_cli("nexus", "reconcile", "--replace", "--alias", cwd=root)
    assert cleo_cli("nexus", "reconcile", "--new-id", cwd=copy).data["outcome"] == "new_id"
    assert len(atlas.nexus("web").projects()) == 2


def test_one_place_under_two_paths_is_no_copy(atlas: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # As a bind mount or a file system that takes Web for web would show it.
    atlas.project("web")
    atlas.project("other", register=False)
    atlas.set_marker("other", projectId=atlas.id("web"))
    monkeypatch.setattr("os.path.samestat", lambda one, two: True)
    assert atlas.nexus("other").reconcile().outcome == "ok"


def test_what_cannot_be_looked_at_is_neither_gone_nor_a_copy(
    atlas: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = atlas.project("web")
    copy = _copied(atlas, "web", "copy")
    import os

    real = os.lstat

    def refusing(path: Any, **options: Any) -> Any:
        if str(path).startswith(str(root / ".cleo" / "project-info")):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, **options)

    monkeypatch.setattr("os.lstat", refusing)
    rows = atlas.rows(ROWS)
    assert refusal(atlas.nexus(copy).reconcile).exit == 3
    assert atlas.rows(ROWS) == rows


def test_a_run_that_was_killed_after_the_marker_is_finished_by_the_next(
    atlas: Any, cleo_cli: Cli
) -> None:
    atlas.project("web", titles=1)
    copy = _copied(atlas, "web", "copy")
    # The marker has the new id, and neither the registry nor the tasks know it yet.
    atlas.set_marker(copy, projectId="fresh-one", copiedFrom=atlas.id("web"))
    assert atlas.app(copy).exists("task", ["T001"]) == {"T001": None}
    atlas.close()
    assert cleo_cli("nexus", "reconcile", cwd=copy).data["outcome"] == "new"
    assert atlas.app(copy).exists("task", ["T001"]) == {"T001": True}


def _copied(atlas: Any, name: str, to: str) -> Path:
    atlas.close(name)
    shutil.copytree(atlas.root(name), atlas.root(to))
    found: Path = atlas.root(to)
    return found


@pytest.mark.parametrize("renamed", [False, True])
def test_an_id_that_is_the_slug_of_another_project_never_takes_its_place(
    atlas: Any, renamed: bool
) -> None:
    atlas.project("frontend-app")
    if renamed:
        atlas.nexus("frontend-app").rename(".", slug="web")
    atlas.project("evil", register=False)
    atlas.set_marker("evil", projectId="frontend-app")
    before = atlas.rows(ROWS)
    for refused in (refusal(atlas.nexus("evil").reconcile), refusal(atlas.nexus("evil").register)):
        assert refused.exit == 6
        assert refused.fix == f"cleo --project {atlas.root('evil')} nexus reconcile --new-id"
    assert atlas.rows(ROWS) == before
    found = atlas.nexus("evil").reconcile(new_id=True)
    assert (found.outcome, found.project.slug) == ("new_id", "evil")
    assert atlas.nexus("evil").show("frontend-app").id == atlas.id("frontend-app")


def test_an_id_that_is_the_slug_of_another_project_replaces_none(atlas: Any) -> None:
    atlas.project("frontend-app")
    atlas.project("evil")
    atlas.set_marker("evil", projectId="frontend-app")
    before = atlas.rows(ROWS)
    refused = refusal(atlas.nexus("evil").reconcile, replace=True)
    assert (refused.exit, refused.fix) == (75, "cleo nexus reconcile --adopt")
    assert atlas.rows(ROWS) == before
    assert atlas.nexus("evil").reconcile(adopt=True).outcome == "adopted"
