"""Registering projects: identity of places, slugs, names, lookup, what is refused."""

from __future__ import annotations

import random
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleo_core.testing import Outcome
from cleo_nexus.ids import is_slug, made_slug, numbered
from cleo_nexus.service import places

_atlas = runpy.run_path(str(Path(__file__).with_name("atlas.py")))
refusal = _atlas["refusal"]

Cli = Callable[..., Outcome]


@pytest.mark.guarantee(
    "nexus-03",
    "A project that is registered through `.`, a symbolic link or with a trailing slash is one "
    "row, and registering it again is exit 76.",
)
def test_every_way_to_write_a_path_is_one_project(
    atlas: Any, cleo_cli: Cli, tmp_path: Path
) -> None:
    root = atlas.project("web", register=False)
    link = tmp_path / "link"
    link.symlink_to(root)
    assert cleo_cli("nexus", "register", ".", cwd=root).data["path"] == str(root)
    for path in (".", f"{root}/", str(link), f"{link}/", f"{root}/../web", f"{root}//"):
        refused = cleo_cli("nexus", "register", path, cwd=root)
        assert (refused.code, refused.error["code"]) == (76, "E_PROJECT_EXISTS")
    assert refused.error["fix"] == "cleo nexus show web"
    assert atlas.rows("SELECT count(*) FROM project_registry") == [(1,)]
    for key in (str(link), f"{root}/", ".", "web", f"@{atlas.id('web')}", atlas.id("web")):
        assert cleo_cli("nexus", "show", key, cwd=root).data["slug"] == "web"


@pytest.mark.guarantee(
    "nexus-03",
    "A project that is registered through `.`, a symbolic link or with a trailing slash is one "
    "row, and registering it again is exit 76.",
)
def test_the_case_of_a_drive_letter_makes_no_second_project() -> None:
    forms = {places.settled(path, "win32") for path in ("c:\\web", "C:\\web", "c:\\web\\")}
    assert forms == {"C:\\web"}
    assert places.settled("/web/", "linux") == places.settled("/web", "linux") == "/web"
    assert places.settled("/", "linux") == "/"
    assert places.path_hash("/golden/web") == "de051d85ed64"


@pytest.mark.guarantee(
    "nexus-04",
    "Whatever a project's directory is called, the slug that is shown is its own and leads to it.",
)
def test_every_directory_name_gives_a_slug_that_leads_to_its_project(atlas: Any) -> None:
    names = sorted(_directory_names(500))
    atlas.bare("web")
    for name in names:
        atlas.bare(name)
        atlas.nexus("web").register(atlas.root(name))
    rows = atlas.nexus("web").projects()
    assert len(rows) == len({row["slug"] for row in rows}) == len(names)
    for row in rows:
        assert is_slug(row["slug"])
        found = atlas.nexus("web").show(row["slug"])
        assert (found.id, found.path) == (row["id"], row["path"])


@settings(max_examples=40)
@given(st.text(max_size=200))
def test_a_made_slug_is_always_a_slug(name: str) -> None:
    assert is_slug(made_slug(name))
    for number in (2, 99, 12345):
        assert is_slug(numbered(made_slug(name), number))


def test_names_become_slugs_as_a_person_would_write_them() -> None:
    assert made_slug("Crème Brûlée 2.0!") == "creme-brulee-2-0"
    assert made_slug("--") == made_slug("日本") == made_slug("") == "project"
    assert made_slug("My_App") == "my-app"
    assert made_slug("x" * 100) == "x" * 63


def test_a_made_slug_that_is_taken_is_numbered_and_a_given_one_is_refused(atlas: Any) -> None:
    for name in ("web", "a", "b"):
        atlas.project(name, register=False)
    nexus = atlas.nexus("web")
    assert nexus.register(slug="web").slug == "web"
    assert nexus.register(atlas.root("a"), name="Web").slug == "web-2"
    error = refusal(nexus.register, atlas.root("b"), slug="web")
    assert (error.exit, error.fix) == (6, "--slug web-3")
    nexus.rename("web", slug="front")
    # The former slug still leads to it, and is not given away.
    assert nexus.show("web").slug == "front"
    assert [one["code"] for one in atlas.app("web").warnings] == ["W_ALIAS_USED"]
    assert refusal(nexus.register, atlas.root("b"), slug="web").exit == 6
    assert refusal(nexus.rename, "web-2", slug="web").exit == 6
    assert nexus.rename("front", slug="web").slug == "web"
    assert nexus.show("front").slug == "web"


def test_a_slug_is_never_another_projects_id(atlas: Any) -> None:
    atlas.project("web")
    atlas.project("api", register=False)
    found = atlas.nexus("api").register(name=atlas.id("web"))
    assert found.slug == f"{atlas.id('web')}-2"
    assert refusal(atlas.nexus("api").rename, "@" + found.id, slug=atlas.id("web")).exit == 6


def test_a_project_is_registered_with_what_is_said_of_it(atlas: Any, cleo_cli: Cli) -> None:
    atlas.project("web", register=False)
    found = cleo_cli(
        *("nexus", "register", "--name", "The Web", "--slug", "w", "--permission", "write"),
        cwd=atlas.root("web"),
    ).data
    assert (found["slug"], found["name"], found["permissions"]) == ("w", "The Web", "write")
    assert found["health"] == {"status": "unknown", "checkedAt": None}
    assert (found["lastSync"], found["taskCount"], found["current"]) == (None, 0, True)
    assert found["hash"] == places.path_hash(str(atlas.root("web")))


def test_the_same_key_gives_the_same_registration_again(atlas: Any, cleo_cli: Cli) -> None:
    root = atlas.project("web", register=False)
    words = ("nexus", "register", "--idempotency-key", "k1")
    first = cleo_cli(*words, cwd=root)
    again = cleo_cli(*words, cwd=root)
    assert again.data == first.data
    assert again.envelope["meta"]["replayed"] is True
    other = cleo_cli(*words, "--name", "Other", cwd=root)
    assert (other.code, other.error["code"]) == (6, "E_IDEMPOTENCY_MISMATCH")
    assert atlas.rows("SELECT success FROM nexus_audit_log ORDER BY seq") == [(1,), (0,)]


@pytest.mark.parametrize(
    ("options", "exit_"),
    [
        ({"slug": "Web"}, 6),
        ({"slug": ""}, 6),
        ({"slug": 5}, 6),
        ({"slug": "x" * 64}, 6),
        ({"name": ""}, 6),
        ({"name": "a\nb"}, 6),
        ({"name": "x" * 101}, 6),
        ({"name": "\0"}, 6),
        ({"name": "\udcff"}, 6),
        ({"permission": "admin"}, 6),
        ({"permission": None}, 6),
        ({"path": 5}, 2),
        ({"path": b"/"}, 2),
        ({"path": ""}, 2),
        ({"path": "a\0b"}, 2),
        ({"path": "nowhere"}, 3),
        ({"path": "x" * 5000}, 3),
        ({"path": "\udcff"}, 3),
        ({"idempotency_key": ""}, 2),
    ],
)
def test_what_cannot_be_registered_is_refused_and_leaves_no_row(
    atlas: Any, options: dict[str, Any], exit_: int
) -> None:
    atlas.project("web", register=False)
    error = refusal(atlas.nexus("web").register, **options)
    assert error.exit == exit_
    assert error.fix
    assert not atlas.registry.exists() or not atlas.rows("SELECT * FROM project_registry")


def test_a_marker_whose_id_cannot_be_kept_is_refused_and_gets_another(
    atlas: Any, cleo_cli: Cli
) -> None:
    root = atlas.project("web", register=False)
    atlas.set_marker("web", projectId="UPPER/case id")
    refused = cleo_cli("nexus", "register", cwd=root)
    assert (refused.code, refused.error["fix"]) == (6, "cleo nexus reconcile --new-id")
    assert cleo_cli("nexus", "reconcile", cwd=root).code == 6
    assert cleo_cli("nexus", "reconcile", "--new-id", cwd=root).data["outcome"] == "new_id"
    assert atlas.marker("web")["copiedFrom"] == "UPPER/case id"


def test_a_directory_without_a_marker_is_exit_3(atlas: Any, cleo_cli: Cli, tmp_path: Path) -> None:
    atlas.project("web")
    for path, fix in (
        (tmp_path, "cleo init "),
        (atlas.file("web"), "ls -ld "),
        (tmp_path / "nowhere", "mkdir -p "),
    ):
        refused = cleo_cli("nexus", "register", str(path), cwd=atlas.root("web"))
        assert refused.code == 3
        assert refused.error["fix"].startswith(fix)


def test_a_place_that_is_registered_with_another_id_is_exit_75(atlas: Any) -> None:
    atlas.project("web")
    atlas.set_marker("web", projectId="0" * 8)
    error = refusal(atlas.nexus("web").register)
    assert (error.exit, error.code) == (75, "E_PROJECT_ID_DRIFT")


def test_unregistering_leaves_edges_and_instances_and_says_how_many(atlas: Any) -> None:
    web, api = (atlas.project(name, titles=2) for name in ("web", "api"))
    atlas.edge("web", "api")
    atlas.instance("api", status="completed")
    with atlas.app(web).dry_running():
        assert atlas.nexus(web).unregister("api").edges == 1
    assert len(atlas.nexus(web).projects()) == 2
    atlas.nexus(web).rename("api", slug="service")
    found = atlas.nexus(web).unregister("api")
    assert (found.removed.slug, found.edges, found.instances) == ("service", 1, 1)
    assert atlas.rows("SELECT count(*) FROM cross_project_dependencies") == [(1,)]
    assert atlas.rows("SELECT count(*) FROM project_id_aliases") == [(0,)]
    assert refusal(atlas.nexus(web).unregister, "api").exit == 71
    # What was taken out comes back as itself.
    assert atlas.nexus(web).register(api).id == atlas.id(api)
    assert (atlas.root(api) / ".cleo" / "project-info.json").exists()


def test_unregistering_with_edges_lets_go_what_waited_by_them(atlas: Any) -> None:
    for name in ("web", "api", "docs"):
        atlas.project(name, titles=2, permission="write")
    nexus = atlas.nexus("web")
    nexus.deps_add("T001", "api:T001")
    nexus.deps_add("docs:T001", "api:T002")
    nexus.deps_add("api:T001", "docs:T002")
    assert atlas.tasks("web").show("T001")[0].status == "blocked"
    # Edges of a project that lets nobody write are not taken from it.
    nexus.permission_set("docs", "read")
    assert refusal(nexus.unregister, "api", with_edges=True).exit == 72
    nexus.permission_set("docs", "write")
    with atlas.app("web").dry_running():
        assert nexus.unregister("api", with_edges=True).edges == 3
    assert atlas.rows("SELECT count(*) FROM cross_project_dependencies") == [(3,)]
    assert nexus.unregister("api", with_edges=True).edges == 3
    assert atlas.rows("SELECT count(*) FROM cross_project_dependencies") == [(0,)]
    for name in ("web", "docs", "api"):
        assert atlas.tasks(name).show("T001")[0].status == "pending"


@pytest.mark.parametrize("status", ["pending", "active", "failed"])
def test_a_project_that_something_open_needs_is_not_unregistered(atlas: Any, status: str) -> None:
    atlas.project("web")
    atlas.instance("web", status=status)
    error = refusal(atlas.nexus("web").unregister, "web")
    assert (error.exit, error.fix) == (19, "cleo chain cancel wci-000000000001 --reason TEXT")
    assert atlas.nexus("web").unregister("web", force=True).instances == 1


@pytest.mark.parametrize("end", ["source", "target"])
def test_a_project_with_an_open_transfer_is_not_unregistered(atlas: Any, end: str) -> None:
    for name in ("web", "api"):
        atlas.project(name)
    atlas.transfer("web", "api")
    which = "web" if end == "source" else "api"
    error = refusal(atlas.nexus("web").unregister, which)
    assert (error.exit, error.fix) == (19, "cleo nexus transfer --resume xfr-000000000001")
    assert atlas.nexus("web").status().open_transfers == 1


def test_renaming_needs_a_change(atlas: Any, cleo_cli: Cli) -> None:
    root = atlas.project("web")
    assert cleo_cli("nexus", "rename", "web", cwd=root).code == 2
    assert cleo_cli("nexus", "rename", "web", "--slug", "web", cwd=root).code == 102
    assert cleo_cli("nexus", "rename", "nobody", "--slug", "web", cwd=root).code == 71
    assert cleo_cli("nexus", "rename", "web", "--name", "The Web", cwd=root).data["name"] == (
        "The Web"
    )
    assert cleo_cli("nexus", "rename", "web", "--slug", "Web", cwd=root).code == 6


def test_the_permission_of_a_project_is_shown_and_set(atlas: Any, cleo_cli: Cli) -> None:
    root = atlas.project("web")
    assert cleo_cli("nexus", "permission", "get", "web", cwd=root).data == {
        "project": "web",
        "permissions": "read",
    }
    assert cleo_cli("nexus", "permission", "set", "web", "execute", cwd=root).data == {
        "project": "web",
        "permissions": "execute",
        "previous": "read",
    }
    assert cleo_cli("nexus", "permission", "set", "web", "all", cwd=root).code == 2
    assert refusal(atlas.nexus("web").permission_set, "web", "all").exit == 2
    assert cleo_cli("nexus", "permission", "get", "nobody", cwd=root).code == 71
    assert "not security" in " ".join(
        cleo_cli("nexus", "permission", "set", "--help", cwd=root).out.split()
    )


@pytest.mark.parametrize("key", ["", " ", "a\0b", "\udcff", "x" * 10_000, None, 5, b"web", ["web"]])
def test_what_can_be_no_name_of_a_project_is_refused(atlas: Any, key: Any) -> None:
    atlas.project("web")
    assert refusal(atlas.nexus("web").show, key).exit in (2, 71)


def test_a_project_is_looked_up_by_all_of_its_names(atlas: Any) -> None:
    atlas.project("web")
    nexus, id_ = atlas.nexus("web"), atlas.id("web")
    found = nexus.show("web")
    for key in (id_, f"@{id_}", "web", found.hash, found.path):
        assert nexus.show(key).id == id_
    # Only an id follows the sign.
    assert refusal(nexus.show, "@web").exit == 71


def test_the_registry_is_not_made_by_looking(atlas: Any, cleo_cli: Cli) -> None:
    root = atlas.project("web", register=False)
    assert cleo_cli("nexus", "list", cwd=root).data == []
    assert cleo_cli("nexus", "status", cwd=root).data["projects"] == 0
    assert cleo_cli("nexus", "show", "web", cwd=root).code == 71
    assert cleo_cli("nexus", "unregister", "web", cwd=root).code == 71
    assert cleo_cli("nexus", "register", "--dry-run", cwd=root).code == 0
    assert cleo_cli("nexus", "audit", "list", cwd=root).data == []
    assert not atlas.registry.exists()


def _directory_names(count: int) -> set[str]:
    chance = random.Random(4)
    letters = "aZ09._- éßŁ日😀'\"\\:%~@#"
    names = {"CON", "web.", ".hidden", "project", "project-2", "-", "日本", "A" * 120, "ａ", "é"}
    while len(names) < count:
        name = "".join(chance.choice(letters) for _ in range(chance.randint(1, 12)))
        if name.strip(".") and name != "web":
            names.add(name)
    return names


def test_errors_are_clean_of_what_callers_wrote(atlas: Any) -> None:
    atlas.project("web")
    refusal(atlas.nexus("web").register, name="secret\nwords")
    ((details, message),) = atlas.rows(
        "SELECT details_json, error_message FROM nexus_audit_log WHERE success = 0"
    )
    assert "secret" not in details + message


def test_an_id_that_is_the_slug_of_another_project_is_refused(atlas: Any) -> None:
    atlas.project("frontend-app")
    atlas.project("evil", register=False)
    atlas.set_marker("evil", projectId="frontend-app")
    error = refusal(atlas.nexus("evil").register)
    assert error.exit == 6
    assert "reconcile --new-id" in error.fix
