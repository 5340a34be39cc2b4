"""What a project lets others do: every verb against every level."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest

from cleo_core.errors import CleoError
from cleo_nexus.enums import PERMISSION
from cleo_nexus.service import GROUPS, access

Call = Callable[[Any], Any]

#: Verb -> what another project must grant for it, and a call from ``web`` that reaches into
#: ``api``. A verb that reaches in in two ways has a line for each.
REACHING: dict[str, tuple[str, Call]] = {
    "resolve": ("read", lambda nexus: nexus.resolve("api:T001")),
    "search": ("read", lambda nexus: nexus.search("api", projects=["api"])),
    "discover": ("read", lambda nexus: nexus.discover("api:T001")),
    "deps_show": ("read", lambda nexus: nexus.deps_show("api:T001")),
    "blocking": ("read", lambda nexus: nexus.blocking("api:T001")),
    "critical_path": ("read", lambda nexus: nexus.critical_path("api:T001")),
    "deps_add, its target": ("read", lambda nexus: nexus.deps_add("T002", "api:T002")),
    "chain_instantiate": (
        "read",
        lambda nexus: nexus.chain_instantiate(
            "rcasd-ivtrc", "api:T002", tasks={"testing": "api:T003"}
        ),
    ),
    "deps_add": ("write", lambda nexus: nexus.deps_add("api:T002", "web:T002")),
    "deps_remove": ("write", lambda nexus: nexus.deps_remove("api:T001", "web:T001")),
    "unregister": ("write", lambda nexus: nexus.unregister("lib", with_edges=True)),
    "transfer, from it": ("read", lambda nexus: nexus.transfer(["api:T003"], "web")),
    "transfer": ("write", lambda nexus: nexus.transfer(["T003"], "api")),
    "transfer, away": (
        "execute",
        lambda nexus: nexus.transfer(["api:T003"], "web", mode="move"),
    ),
}
#: Verbs of the registry itself, and of chains that name no task: there is nobody to ask.
OF_NOBODY = {
    *("register", "list", "show", "status", "projects", "rename", "reconcile", "sync"),
    *("set_health", "scan", "clean", "audit_list", "audit_prune"),
    *("permission_get", "permission_set"),
    *("chain_validate", "chain_add", "chain_delete", "chain_list", "chain_show"),
    "chain_compose",
}
#: Verbs that look at every project: one that grants nothing that is asked for is skipped by name.
OF_ALL = {"orphans", "deps_refresh"}
#: Verbs that go on with what was allowed when it began; rights are asked for again, see the tests
#: of transfers and of instances.
GOING_ON = {
    *("transfer_resume", "transfer_abort", "transfers", "chain_run", "chain_run_all"),
    *("chain_instances", "chain_status", "chain_history", "chain_check", "chain_advance"),
    *("chain_skip", "chain_fail", "chain_resume", "chain_cancel"),
}


def test_every_verb_of_the_service_is_looked_at() -> None:
    verbs = {verb for _, names in GROUPS.values() for verb in names}
    reaching = {name.partition(",")[0] for name in REACHING}
    assert verbs == reaching | OF_NOBODY | OF_ALL | GOING_ON


@pytest.fixture
def three(atlas: Any) -> Any:
    """``web`` asks; ``api`` grants; a task of ``api`` and one of ``lib`` wait for others."""

    def make() -> None:
        for name in ("web", "api", "lib"):
            atlas.project(name, titles=3, permission="write")
        atlas.nexus("web").deps_add("api:T001", "web:T001")
        atlas.nexus("web").deps_add("api:T003", "lib:T003")

    atlas.once("three", make)
    return atlas


@pytest.mark.guarantee(
    "nexus-07",
    "Whatever reaches into another project is refused with exit 72 where that grants less than it "
    "needs, and leaves nothing behind but the record of the refusal.",
)
@pytest.mark.parametrize("verb", REACHING)
def test_a_verb_does_what_is_granted_and_no_more(three: Any, verb: str) -> None:
    required, call = REACHING[verb]
    for granted in PERMISSION[: PERMISSION.index(required)]:
        three.nexus("web").permission_set("api", granted)
        before, audits = _content(three), len(_audits(three))
        with pytest.raises(CleoError) as refused:
            call(three.nexus("web"))
        assert (refused.value.exit, refused.value.code) == (72, "E_PERMISSION")
        assert refused.value.details["required"] == required
        assert refused.value.details["granted"] == granted
        assert refused.value.fix == f"cleo nexus permission set api {required}"
        assert _content(three) == before
        assert _audits(three)[audits:] in ([], [(0, "E_PERMISSION")])
    for granted in PERMISSION[PERMISSION.index(required) :][:1]:
        three.nexus("web").permission_set("api", granted)
        call(three.nexus("web"))


def test_a_project_has_every_right_on_itself(three: Any) -> None:
    nexus = three.nexus("api")
    nexus.permission_set("api", "read")
    nexus.deps_add("T002", "web:T002")
    nexus.deps_remove("api:T002", "web:T002")
    assert access.grants({"project_id": "a", "permissions": "read"}, "execute", "a")


@pytest.mark.guarantee(
    "nexus-07", "A copy of a project's directory has none of its rights on what it was copied from."
)
def test_a_copy_reaches_into_nothing(three: Any, cleo_cli: Any) -> None:
    three.close()
    copy = three.root("web-copy")
    shutil.copytree(three.root("web"), copy)
    for words in (
        ("deps", "add", "T002", "lib:T002"),
        ("transfer", "T003", "--to", "lib", "--mode", "move"),
        ("deps", "show", "T001"),
    ):
        refused = cleo_cli("nexus", *words, cwd=copy)
        assert (refused.code, refused.error["code"]) == (75, "E_PROJECT_COPY")
        assert refused.error["fix"] == "cleo nexus reconcile --new-id"
    assert cleo_cli("nexus", "list", cwd=copy).code == 0
    assert three.tasks("web").show("T003")[0].status == "pending"
    assert cleo_cli("nexus", "reconcile", "--new-id", cwd=copy).code == 0
    assert cleo_cli("nexus", "deps", "add", "T002", "lib:T002", cwd=copy).code == 0


@pytest.mark.parametrize("moved", [False, True], ids=["copied", "moved"])
def test_what_only_reads_what_is_named_works_from_elsewhere_with_a_warning(
    three: Any, cleo_cli: Any, moved: bool
) -> None:
    three.close()
    here = three.root("elsewhere")
    (shutil.move if moved else shutil.copytree)(three.root("web"), here)
    for words in (
        ("show", "."),
        ("permission", "get", "."),
        ("audit", "list", "--in", "."),
        ("search", "api"),
        ("resolve", "api:T001"),
        ("discover", "api:T001"),
        ("deps", "show", "api:T001"),
        ("blocking", "api:T001"),
        ("critical-path",),
        ("sync", "api"),
        ("sync", "--all"),
    ):
        found = cleo_cli("nexus", *words, cwd=here)
        assert (found.code, words) == (0, words), repr(found)
        assert "W_PROJECT_ELSEWHERE" in [one["code"] for one in found.warnings], words
    assert cleo_cli("nexus", "show", ".", cwd=here).data["path"] == str(three.root("web"))
    # What it would answer of this directory's own tasks lies elsewhere.
    for words in (("resolve", "T001"), ("deps", "show", "T001"), ("sync",), ("sync", ".")):
        assert cleo_cli("nexus", *words, cwd=here).code == 75, words


def test_a_project_that_was_moved_is_found_again_first(three: Any, cleo_cli: Any) -> None:
    three.close()
    moved = three.root("elsewhere")
    shutil.move(three.root("web"), moved)
    refused = cleo_cli("nexus", "deps", "add", "T002", "lib:T002", cwd=moved)
    assert (refused.code, refused.error["fix"]) == (75, "cleo nexus reconcile")
    assert cleo_cli("nexus", "reconcile", cwd=moved).data["outcome"] == "moved"
    assert cleo_cli("nexus", "deps", "add", "T002", "lib:T002", cwd=moved).code == 0


@pytest.mark.parametrize("named", [".", " . ", " "])
def test_a_variable_that_names_nothing_counts_as_unset(
    three: Any, cleo_cli: Any, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    three.close()
    monkeypatch.setenv("NEXUS_CURRENT_PROJECT", named)
    shown = cleo_cli("nexus", "deps", "show", "T001", cwd=three.root("web"))
    assert (shown.code, shown.data["root"]["ref"]) == (0, "web:T001")


@pytest.mark.parametrize("level", ["admin", "", "READ", "none", None, 1])
def test_only_the_three_words_are_levels(three: Any, level: Any) -> None:
    with pytest.raises(CleoError) as refused:
        three.nexus("web").permission_set("api", level)
    assert refused.value.exit in (2, 6)
    assert three.nexus("web").permission_get("api").permissions == "write"


def _audits(three: Any) -> list[Any]:
    found: list[Any] = three.rows("SELECT success, error_code FROM nexus_audit_log ORDER BY seq")
    return found


def _content(three: Any) -> dict[str, Any]:
    """Every row of the registry but its audit, and of the projects' tasks."""
    three.close()
    execute = three.rows.__globals__["execute"]
    files = {name: three.file(name) for name in ("web", "api", "lib")}
    found: dict[str, Any] = {}
    for name, file in {**files, "nexus": three.registry}.items():
        tables = execute(
            file,
            "SELECT name FROM sqlite_schema WHERE type = 'table' "
            "AND sql NOT LIKE 'CREATE VIRTUAL%' AND name NOT LIKE '%\\_fts\\_%' ESCAPE '\\'",
        )
        for (table,) in tables:
            if table not in ("nexus_audit_log", "sqlite_sequence"):
                found[f"{name}.{table}"] = execute(file, f'SELECT * FROM "{table}"')
    return found
