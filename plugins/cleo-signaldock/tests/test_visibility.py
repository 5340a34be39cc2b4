"""Which agents a project sees, and the copies of their credentials."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.errors import CleoError
from cleo_core.testing import Clock

KEY = "sk_live_" + "5a" * 32
LIST = pytest.mark.guarantee(
    "signaldock-11",
    "A project's list shows exactly the agents that are attached, with their role and "
    "capabilities there; one that is not attached is in no result of the project, and a ref "
    "without an agent is a warning.",
)
REFERENCED = pytest.mark.guarantee(
    "signaldock-12",
    "Deleting an identity that projects name lists them and ends with exit 6; with --force the "
    "identity and what is only its own are gone.",
)
CACHE = pytest.mark.guarantee(
    "signaldock-13",
    "A copy of a credential that is changed, missing or too many is found, made right by "
    "reconcile, and never preferred to the registry.",
)


@pytest.fixture
def agents(cleo_app: Any) -> Any:
    return cleo_app.service("agents")


def ids(found: tuple[list[Any], Any]) -> list[str]:
    return [agent.agent_id for agent in found[0]]


def copies(app: Any) -> dict[str, Any]:
    return {row.agent_id: row for row in app.service("credential_cache").list()}


def refused(act: Callable[[], Any]) -> tuple[int, str, str]:
    with pytest.raises(CleoError) as error:
        act()
    return error.value.exit, error.value.code, error.value.fix


@pytest.mark.guarantee(
    "signaldock-10",
    "Attaching again without options keeps role and capabilities; detach keeps the ref, remove "
    "deletes it, and both keep identity and history.",
)
def test_attach_detach_and_remove_change_the_ref_alone(agents: Any, cleo_clock: Clock) -> None:
    before = agents.register("a", attach=False, skills=["go"]).agent
    first = agents.attach("a", role="reads", override={"add": ["git"]})
    assert (first.changed, first.ref["role"]) == (True, "reads")
    assert agents.attach("a").changed is False

    cleo_clock.advance(60)
    gone = agents.detach("a")
    assert (gone.changed, gone.ref["enabled"], gone.ref["role"]) == (True, False, "reads")
    assert agents.detach("a").changed is False
    back = agents.attach("a")
    assert back.ref["capabilitiesOverride"] == {"add": ["git"], "remove": []}
    assert (back.ref["role"], back.ref["attachedAt"] > first.ref["attachedAt"]) == ("reads", True)

    assert agents.remove("a").changed is True
    assert refused(lambda: agents.remove("a"))[0] == 4
    assert refused(lambda: agents.detach("a"))[0] == 4
    assert agents.get("a", everywhere=True) == before
    assert agents.attach("a").ref["role"] is None


def test_only_agents_of_the_registry_can_be_attached(agents: Any) -> None:
    assert refused(lambda: agents.attach("nobody"))[0] == 4
    assert refused(lambda: agents.attach("all"))[0] == 4
    agents.register("a")
    for override in ("chat", {"set": "chat"}, {"more": []}, 7, {"set": [1]}):
        assert refused(lambda override=override: agents.attach("a", override=override))[0] == 6  # type: ignore[misc]


@LIST
def test_the_list_is_the_enabled_refs_with_what_they_say(agents: Any, cleo_app: Any) -> None:
    agents.register("b", name="Zed", capabilities=["chat", "git"], classification="worker")
    agents.register("a", name="Zed", capabilities=["chat"], role="leads")
    agents.register("other", attach=False)
    agents.register("gone")
    agents.detach("gone")
    agents.attach("b", override={"add": ["testing"], "remove": ["git"]})

    found, page = agents.list()
    assert [agent.agent_id for agent in found] == ["a", "b"]
    assert (page.total, page.limit) == (2, 50)
    assert found[0].effective == {"role": "leads", "capabilities": ["chat"]}
    assert found[1].effective == {"role": "worker", "capabilities": ["chat", "testing"]}
    assert found[1].capabilities == ["chat", "git"]
    agents.attach("b", override=["search"])
    assert agents.get("b").effective["capabilities"] == ["search"]

    assert sorted(ids(agents.list(include_disabled=True))) == ["a", "b", "gone"]
    everyone = {agent.agent_id: agent.ref for agent in agents.list(everywhere=True)[0]}
    assert {id_ for id_, ref in everyone.items() if ref is None} == {"other", "gone"}
    assert cleo_app.warnings == []


@LIST
def test_an_agent_that_is_not_attached_is_in_no_result_of_the_project(
    agents: Any, cleo_project: Path, cleo_cli: Callable[..., Any]
) -> None:
    agents.register("mine")
    agents.register("strange", attach=False, api_key=KEY)
    agents.heartbeat("strange")

    for argv in (
        ("agent", "list"),
        ("agent", "list", "--include-disabled"),
        ("agent", "list", "--search", "strange"),
        ("agent", "status"),
        ("conduit", "agents"),
        ("instance", "list", "--cached"),
    ):
        assert "strange" not in cleo_cli(*argv).out, argv
    for argv in (("agent", "get", "strange"), ("agent", "status", "strange")):
        done = cleo_cli(*argv)
        assert done.code == 4
        assert done.error["fix"].endswith(("--global", "--all"))


@LIST
def test_a_ref_without_an_agent_is_a_warning(
    agents: Any, cleo_app: Any, cleo_open: Callable[..., Any]
) -> None:
    agents.register("lost")
    agents.register("kept")
    cleo_app.write(
        "signaldock", lambda unit: unit.execute("DELETE FROM agents WHERE agent_id = 'lost'")
    )
    with cleo_open() as app:
        assert ids(app.service("agents").list()) == ["kept"]
        assert [warning["code"] for warning in app.warnings] == ["W_DANGLING_REF"]
        assert "lost" in app.warnings[0]["message"]
        assert refused(lambda: app.service("agents").get("lost"))[0] == 4
        assert app.service("agents").remove("lost").changed is True


def test_lists_are_filtered_paged_and_ordered(agents: Any) -> None:
    for number in range(7):
        agents.register(
            f"a{number}",
            name=f"Agent {9 - number}",
            class_="research" if number % 2 else "data",
            capabilities=["git"] if number < 3 else ["chat"],
            skills=["rust"] if number == 4 else [],
            description="100% careful" if number == 5 else "Über alles" if number == 3 else "",
        )
    agents.retire("a6")

    for everywhere in (False, True):
        some, page = agents.list(everywhere=everywhere, limit=2, offset=1)
        assert [agent.agent_id for agent in some] == ["a5", "a4"]
        assert (page.total, page.as_json(2)["hasMore"]) == (7, True)
        for options, expected in (
            ({"active": True}, ["a5", "a4", "a3", "a2", "a1", "a0"]),
            ({"class_": "research"}, ["a5", "a3", "a1"]),
            ({"capability": "git"}, ["a2", "a1", "a0"]),
            ({"skill": "Rust"}, ["a4"]),
            ({"search": "100%"}, ["a5"]),
            ({"search": "AGENT 8"}, ["a1"]),
            ({"search": "_"}, []),
            ({"search": "ÜBER"}, ["a3"]),
            ({"search": "Über"}, ["a3"]),
            ({"class_": "data", "capability": "git"}, ["a2", "a0"]),
        ):
            found = agents.list(everywhere=everywhere, **options)
            assert ids(found) == expected, (everywhere, options)
            assert found[1].total == len(expected)
    warned = agents.app.warnings
    assert agents.list(everywhere=True, capability="depoyment")[0] == []
    assert "deployment" in warned[-1]["message"]
    for wrong in ({"limit": 0}, {"limit": 501}, {"offset": -1}, {"class_": "x"}, {"search": ""}):
        assert refused(lambda wrong=wrong: agents.list(**wrong))[0] == 2  # type: ignore[misc]


@pytest.fixture
def nexus(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """The projects that a stand-in for the map of projects knows."""
    import cleo_core.app as module

    projects: list[dict[str, str]] = []

    class Nexus:
        def projects(self) -> list[dict[str, str]]:
            return projects

    has, give = module.App.has_service, module.App.service
    monkeypatch.setattr(
        module.App, "has_service", lambda app, name: name == "nexus" or has(app, name)
    )
    monkeypatch.setattr(
        module.App, "service", lambda app, name: Nexus() if name == "nexus" else give(app, name)
    )
    return projects


@REFERENCED
def test_an_identity_that_projects_name_is_not_deleted(
    cleo_open: Callable[..., Any],
    cleo_cli: Callable[..., Any],
    cleo_project: Path,
    tmp_path: Path,
    nexus: list[dict[str, str]],
) -> None:
    roots = [cleo_project]
    cleo_cli("agent", "register", "stays", "--no-attach")
    for name in ("two", "three", "without"):
        root = tmp_path / name
        root.mkdir()
        cleo_cli("init", name, cwd=root)
        roots.append(root)
    nexus += [{"id": root.name, "slug": root.name, "path": str(root)} for root in roots]
    nexus.append({"id": "away", "slug": "away", "path": str(tmp_path / "away")})
    words = ("--capability", "chat", "--skill", "go")
    cleo_cli("agent", "register", "a", "--api-key-stdin", *words, input=KEY)
    cleo_cli("agent", "register", "a", cwd=roots[1])
    cleo_cli("agent", "register", "a", cwd=roots[2])
    cleo_cli("agent", "detach", "a", cwd=roots[2])
    (roots[3] / ".cleo" / "conduit.db").unlink()

    with cleo_open() as app:
        with pytest.raises(CleoError) as error:
            app.service("agents").remove_everywhere("a")
        assert (error.value.exit, error.value.code) == (6, "E_AGENT_REFERENCED")
        details = error.value.details
        named = {(ref["path"], ref["enabled"]) for ref in details["refs"]}
        assert named == {(str(roots[0]), True), (str(roots[1]), True), (str(roots[2]), False)}
        assert (details["unreadable"], details["scanned"]) == ([str(tmp_path / "away")], "nexus")
        assert not (roots[3] / ".cleo" / "conduit.db").exists()
        assert app.service("agents").get("a").has_key

        app.write("signaldock", _give_belongings)
        with app.dry_running():
            assert app.service("agents").remove_everywhere("a", force=True).changed
        assert app.service("agents").get("a").has_key
        done = app.service("agents").remove_everywhere("a", force=True)
        assert len(done.refs) == 3
        assert refused(lambda: app.service("agents").get("a", everywhere=True))[0] == 4
        db = app.store("signaldock")
        assert db.scalar("SELECT count(*) FROM agents") == 1
        for table in (*_BELONGINGS, "agent_capabilities", "agent_skills"):
            assert db.scalar(f"SELECT count(*) FROM {table}") == 0
        # This project's ref and copy go at once.
        assert app.service("conduit").refs(enabled_only=False) == []
        assert copies(app) == {}
    assert cleo_cli("conduit", "agents", cwd=roots[1]).data["agents"][0]["agentId"] == "a"
    cleo_cli("reconcile", "--apply", cwd=roots[1])
    assert cleo_cli("conduit", "agents", cwd=roots[1]).data["agents"] == []


#: Rows of an agent -> statement.
_BELONGINGS = {
    "claim_codes": (
        "INSERT INTO claim_codes (id, agent_id, code_hash, expires_at, created_at) "
        "VALUES (:id, 'a', 'h', :now, :now)"
    ),
    "agent_connections": (
        "INSERT INTO agent_connections (id, agent_id, transport_type, connection_id, process_id, "
        "connected_at, last_heartbeat, created_at) "
        "VALUES (:id, 'a', 'sse', 'c', 'p', :now, :now, :now)"
    ),
}


def _give_belongings(unit: Any) -> None:
    for statement in _BELONGINGS.values():
        unit.execute(statement, id="0191d7a0-0000-7000-8000-000000000001", now=unit.now)


@REFERENCED
def test_what_cannot_be_looked_at_is_not_taken_for_nothing(
    cleo_project: Path, cleo_cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    cleo_cli("agent", "register", "a")
    monkeypatch.setenv("CLEO_DISABLE_PLUGINS", "conduit")

    refused = cleo_cli("agent", "remove", "a", "--global")

    assert (refused.code, refused.error["code"]) == (6, "E_AGENT_REFERENCED")
    assert len(refused.error["details"]["unreadable"]) == 1
    assert cleo_cli("agent", "remove", "a", "--global", "--force").code == 0


@REFERENCED
def test_without_a_map_of_projects_the_answer_says_what_was_not_looked_at(
    agents: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(agents.app.plugins.services, "nexus", raising=False)
    agents.register("a", attach=False)

    done = agents.remove_everywhere("a")

    assert (done.scanned, done.refs, done.unreadable) == ("project", [], [])
    assert refused(lambda: agents.remove_everywhere("a"))[0] == 4


@CACHE
def test_copies_follow_what_becomes_of_their_agents(agents: Any, cleo_app: Any) -> None:
    steps = agents.register("a", api_key=KEY, skills=["go"]).steps
    assert [(step.store, step.state) for step in steps][-1] == ("tasks", "written")
    agents.register("keyless")
    agents.register("elsewhere", api_key=KEY, attach=False)
    assert sorted(copies(cleo_app)) == ["a"]
    copy = copies(cleo_app)["a"]
    assert (copy.skills, copy.transport_config) == (["go"], {"type": "local"})
    assert copy.source_updated_at == agents.get("a").updated_at
    blob = cleo_app.store("signaldock").scalar(
        "SELECT api_key_encrypted FROM agents WHERE agent_id = 'a'"
    )
    assert copy.api_key_encrypted == blob

    agents.keys_set("keyless", KEY)
    agents.attach("elsewhere")
    assert sorted(copies(cleo_app)) == ["a", "elsewhere", "keyless"]
    agents.detach("a")
    agents.remove("keyless")
    assert sorted(copies(cleo_app)) == ["elsewhere"]
    agents.update("elsewhere", name="Other")
    agents.retire("elsewhere")
    after = copies(cleo_app)["elsewhere"]
    assert (after.display_name, after.is_active) == ("Other", False)
    agents.keys_rotate_machine()
    assert copies(cleo_app)["elsewhere"].api_key_encrypted != after.api_key_encrypted
    agents.remove_everywhere("elsewhere", force=True)
    assert copies(cleo_app) == {}


@CACHE
def test_drift_is_found_and_made_right(
    agents: Any, cleo_app: Any, cleo_cli: Callable[..., Any]
) -> None:
    for name in ("changed", "missing", "right"):
        agents.register(name, api_key=KEY)
    cache = cleo_app.service("credential_cache")
    cache.drop("missing")

    def damage(unit: Any) -> None:
        unit.execute(
            "UPDATE agent_credentials SET api_key_encrypted = 'x', "
            "source_updated_at = '2030-01-01T00:00:00.000Z' WHERE agent_id = 'changed'"
        )

    cleo_app.write("tasks", damage)
    agents.register("many", api_key=KEY, attach=False)
    row = cleo_app.store("signaldock").one("SELECT * FROM agents WHERE agent_id = 'many'")
    cache.put(
        {
            "agent_id": "many",
            "display_name": "many",
            "api_key_encrypted": row["api_key_encrypted"],
            "source_updated_at": row["updated_at"],
        }
    )

    checks = cleo_cli("doctor", "--only", "signaldock.cache").data["checks"]
    assert checks[0]["status"] == "warning"
    assert checks[0]["details"] == {
        "missing": ["missing"],
        "superfluous": ["many"],
        "outdated": ["changed"],
    }
    assert agents.get("changed").has_key
    assert agents.credential("changed").key == KEY

    def counts(*argv: str) -> tuple[int, int, int]:
        (found,) = [
            one
            for one in cleo_cli("reconcile", *argv).data["repairs"]
            if one["reference"] == "signaldock.credential_cache"
        ]
        return found["scanned"], found["planned"], found["repaired"]

    assert counts() == (4, 3, 0)
    assert counts("--apply") == (4, 3, 3)
    assert counts("--apply") == (3, 0, 0)
    assert cleo_cli("doctor", "--only", "signaldock.cache").data["checks"][0]["status"] == "ok"


@CACHE
@pytest.mark.one_database("a damaged file is a matter of files")
def test_copies_are_read_only_where_the_registry_cannot_be(
    agents: Any, cleo_app: Any, cleo_cli: Callable[..., Any], cleo_home: Path
) -> None:
    agents.register("a", api_key=KEY, name="Ada", role="reads")
    agents.register("keyless")
    cleo_app.close()
    (store,) = cleo_home.rglob("signaldock.db")
    kept = store.with_suffix(".kept")
    shutil.move(store, kept)
    for suffix in ("-wal", "-shm"):
        Path(f"{store}{suffix}").unlink(missing_ok=True)
    store.write_bytes(b"not a database at all" * 100)
    os.chmod(store, 0o600)

    done = cleo_cli("agent", "list")
    assert [warning["code"] for warning in done.warnings] == ["W_FROM_CACHE"]
    (agent,) = done.data["agents"]
    assert (agent["agentId"], agent["name"], agent["tier"]) == ("a", "Ada", "fallback")
    assert cleo_cli("agent", "get", "a").data["agents"][0]["effective"]["role"] == "reads"
    assert (agent["class"], agent["version"]) == (None, None)
    assert cleo_cli("agent", "get", "keyless").code == 4
    for options, count in (
        (("--active",), 1),
        (("--class", "data"), 0),
        (("--search", "ADA"), 1),
        (("--search", "x"), 0),
        (("--skill", "go"), 0),
    ):
        assert len(cleo_cli("agent", "list", *options).data["agents"]) == count
    assert cleo_cli("agent", "list", "--global").code == 53

    shutil.move(kept, store)
    assert len(cleo_cli("agent", "list").data["agents"]) == 2


def test_a_copy_that_cannot_be_written_is_a_warning(
    agents: Any, cleo_app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = cleo_app.service("credential_cache")

    def refuse(*arguments: Any, **options: Any) -> None:
        raise CleoError("E_WRITE_CONTENTION", "Somebody writes.")

    monkeypatch.setattr(cache, "put", refuse)
    done = agents.register("a", api_key=KEY)

    assert [step.state for step in done.steps] == ["written", "written", "failed"]
    assert [warning["code"] for warning in cleo_app.warnings] == ["W_CREDENTIAL_CACHE"]


@pytest.mark.guarantee(
    "signaldock-08",
    "A registration that ends after any of its steps keeps what was written, is found by doctor "
    "and finished by the named command.",
)
@pytest.mark.one_database("statements are killed in SQLite's driver")
@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
@pytest.mark.parametrize("verb", ["register", "remove", "detach"])
def test_killed_at_any_statement_a_verb_is_found_and_finished(
    cleo_faults: Any, cleo_open: Callable[..., Any], cleo_cli: Callable[..., Any], verb: str
) -> None:
    def prepare(name: str) -> tuple[str, ...]:
        if verb == "register":
            return ("agent", "register", name, "--api-key-env", "THE_KEY")
        cleo_cli("agent", "register", name, "--api-key-stdin", input=KEY)
        return ("agent", verb, name)

    env = {"THE_KEY": KEY}
    statements = cleo_faults.statements(*prepare("first"), env=env)
    writes = [
        number
        for number, sql in enumerate(statements, 1)
        if sql.split(" ", 1)[0].upper() in ("BEGIN", "COMMIT", "INSERT", "UPDATE", "DELETE")
    ]
    for number in [*writes[:: max(1, len(writes) // 5)], len(statements)]:
        name = f"agent-{number}"
        argv = prepare(name)
        cleo_faults.killed_at(number, *argv, env=env)

        with cleo_open() as app:
            agents = app.service("agents")
            try:
                found = agents.get(name, everywhere=True)
            except CleoError:
                found = None
            ref = app.service("conduit").ref(name)
        checks = {
            check["id"]: check
            for check in cleo_cli("doctor", "--only", "signaldock").data["checks"]
        }
        if verb == "register" and found is not None and ref is None:
            assert checks["signaldock.refs"]["details"]["agents"] == [name]
            assert checks["signaldock.refs"]["fix"] == f"cleo agent attach {name}"
            cleo_cli(*checks["signaldock.refs"]["fix"].split()[1:])
        elif verb == "register" and found is None:
            assert ref is None
            assert cleo_cli(*argv, env=env).code == 0
        elif checks["signaldock.cache"]["status"] != "ok":
            assert cleo_cli("reconcile", "--apply").code == 0
        if verb != "register":
            assert found is not None
            assert found.has_key
            again = cleo_cli(*argv)
            assert again.code in (0, 4)
        after = cleo_cli("doctor", "--only", "signaldock").data["checks"]
        assert {check["status"] for check in after} == {"ok"}, (number, after)
