"""Registering agents and changing them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.agent_ids import RESERVED
from cleo_core.errors import CleoError
from cleo_core.testing import Frozen, Processes
from cleo_core.testing.fixtures import CLEO

KEY = "sk_live_" + "5a" * 32


@pytest.fixture
def cli(cleo_project: Path, cleo_cli: Callable[..., Any]) -> Callable[..., Any]:
    return cleo_cli


def test_a_registered_agent_is_known_and_visible(cli: Callable[..., Any]) -> None:
    done = cli("agent", "register", "reviewer", "--class", "code_dev", "--role", "reads").data

    assert done["changed"] is True
    assert [(step["store"], step["state"]) for step in done["steps"]] == [
        ("signaldock", "written"),
        ("conduit", "written"),
        ("tasks", "unchanged"),
    ]
    agent = done["agent"]
    assert (agent["agentId"], agent["class"], agent["hasKey"]) == ("reviewer", "code_dev", False)
    assert agent["ref"]["role"] == "reads"
    assert agent["effective"] == {"role": "reads", "capabilities": []}
    assert cli("agent", "list").data["agents"] == [agent]


@pytest.mark.guarantee(
    "signaldock-09",
    "Registering an id that exists with other values changes no byte and ends with exit 90; with "
    "--update only what was given changes.",
)
def test_an_id_that_exists_is_only_changed_when_that_is_asked_for(
    cli: Callable[..., Any], cleo_home: Path, frozen_bytes: Callable[[Any], Any]
) -> None:
    first = cli("agent", "register", "a", "--name", "One", "--skill", "rust").data["agent"]

    again = cli("agent", "register", "a", "--name", "One", "--skill", "rust").data
    assert (again["changed"], again["agent"]) == (False, first)
    with frozen_bytes(cleo_home):
        refused = cli("agent", "register", "a", "--name", "Two", "--skill", "go")
        spelt = cli("agent", "register", "A")
    assert (refused.code, refused.error["code"]) == (90, "E_AGENT_EXISTS")
    assert refused.error["details"]["fields"] == ["name", "skills"]
    assert (spelt.code, spelt.error["fix"]) == (90, "cleo agent get a --global")

    changed = cli("agent", "register", "a", "--name", "Two", "--update").data
    assert changed["changed"] is True
    expected = {**first, "name": "Two", "version": 2}
    assert {**changed["agent"], "updatedAt": first["updatedAt"]} == expected


def test_another_project_cannot_change_an_agent_by_registering_it(
    cli: Callable[..., Any], tmp_path: Path
) -> None:
    cli("agent", "register", "a", "--description", "mine")
    other = tmp_path / "other"
    other.mkdir()
    cli("init", cwd=other)

    refused = cli("agent", "register", "a", "--description", "theirs", cwd=other)
    plain = cli("agent", "register", "a", cwd=other).data

    assert refused.code == 90
    assert (plain["changed"], plain["agent"]["description"]) == (False, "mine")
    assert [step["state"] for step in plain["steps"]][:2] == ["unchanged", "written"]


@pytest.mark.parametrize(
    "agent_id", [*RESERVED, *(word.upper() for word in RESERVED), "", "-a", "a b", "é", "a" * 129]
)
def test_no_agent_has_a_reserved_or_malformed_id(cleo_app: Any, agent_id: str) -> None:
    with pytest.raises(CleoError) as error:
        cleo_app.service("agents").register(agent_id)

    assert error.value.exit == 2


@pytest.mark.guarantee(
    "signaldock-14",
    "A fresh registry knows exactly 19 capabilities and 36 skills; other words for them are "
    "understood, and an unknown one is a warning with the nearest.",
)
def test_words_are_understood_or_named(cli: Callable[..., Any]) -> None:
    known = cli("agent", "capabilities").data["capabilities"]
    assert sorted(word["slug"] for word in known) == sorted(
        (
            *("chat", "messaging", "streaming", "webhooks", "tools", "file_operations"),
            *("automation", "file_upload", "autonomous", "code_generation", "code_review"),
            *("testing", "git", "search", "web_browsing", "reasoning", "orchestration"),
            *("deployment", "monitoring"),
        )
    )
    known = cli("agent", "skills").data["skills"]
    assert sorted(word["slug"] for word in known) == sorted(
        (
            *("typescript", "javascript", "python", "rust", "go", "java", "csharp", "sql"),
            *("bash", "react", "nextjs", "svelte", "express", "axum", "django", "electron"),
            *("sqlite", "postgres", "redis", "drizzle_orm", "diesel", "api_design", "testing"),
            *("devops", "security", "architecture", "documentation", "code_review"),
            *("debugging", "sse", "webhooks", "orchestration", "task_management", "research"),
            *("web_development", "monorepo"),
        )
    )
    named = {word["slug"]: word["name"] for word in known}
    assert [named[slug] for slug in ("csharp", "nextjs", "task_management")] == [
        *("C#", "Next.js", "Task management"),
    ]
    words = ("conversation", "tool-use", "tool_use", "Coding", "code", "sse", "webhook")
    words = (*words, "Code Review")
    spelt = ("c#", "next.js", "postgresql", "api", "docs", "coding", "shell", "sse")

    done = cli(
        *("agent", "register", "a"),
        *(part for word in words for part in ("--capability", word)),
        *(part for word in spelt for part in ("--skill", word)),
        *("--capability", "depoyment", "--skill", "cobol"),
    ).data

    assert done["agent"]["capabilities"] == [
        *("chat", "code_generation", "code_review", "streaming", "tools", "webhooks"),
    ]
    assert done["agent"]["skills"] == [
        *("api_design", "bash", "csharp", "documentation", "nextjs", "postgres", "sse"),
        "typescript",
    ]
    assert "deployment" in done["warnings"][0]
    assert "cobol" in done["warnings"][1]
    strict = cli("agent", "register", "b", "--skill", "cobol", "--strict")
    assert strict.code == 6


@pytest.mark.guarantee(
    "signaldock-04",
    "The key given to register is the key that is decrypted later; a derived key of 64 "
    "hexadecimal digits is never taken for one.",
)
def test_the_key_that_is_given_is_the_key_that_is_kept(
    cli: Callable[..., Any], cleo_app: Any, cleo_home: Path, tmp_path: Path
) -> None:
    file = tmp_path / "given-key"
    file.write_text(KEY + "\n")
    file.chmod(0o600)
    done = cli("agent", "register", "a", "--api-key-file", str(file))

    assert done.data["agent"]["hasKey"] is True
    assert KEY not in done.out
    agents = cleo_app.service("agents")
    assert agents.credential("a").key == KEY
    assert KEY not in repr(agents.credential("a"))
    for path in (*cleo_home.rglob("*"), *Path.cwd().rglob("*")):
        if path.is_file() and path != file:
            assert KEY.encode() not in path.read_bytes()

    assert agents.register("a", api_key=KEY).changed is False
    with pytest.raises(CleoError) as error:
        agents.register("a", api_key=KEY[:-1] + "b")
    assert error.value.details == {"fields": ["api_key"]}
    assert KEY[:-1] not in str(error.value)
    assert agents.register("a", api_key=KEY[:-1] + "b", update=True).changed is True
    assert agents.credential("a").key == KEY[:-1] + "b"
    with pytest.raises(CleoError) as error:
        agents.register("b", api_key="5a" * 32)
    assert error.value.exit == 6
    assert agents.get("a", everywhere=True).version == 1


def test_a_key_comes_from_where_no_list_of_processes_shows_it(
    cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("THE_KEY", KEY)
    assert cli("agent", "register", "a", "--api-key-env", "THE_KEY").data["agent"]["hasKey"]
    assert cli("agent", "register", "b", "--api-key-stdin", input=KEY).data["agent"]["hasKey"]
    shown = cli("agent", "register", "c", "--api-key", KEY)
    assert [warning["code"] for warning in shown.warnings] == ["W_KEY_IN_ARGV"]

    open_to_all = tmp_path / "open"
    open_to_all.write_text(KEY)
    open_to_all.chmod(0o644)
    link = tmp_path / "link"
    link.symlink_to(open_to_all)
    for wrong in (
        ("--api-key-file", str(open_to_all)),
        ("--api-key-file", str(link)),
        ("--api-key-file", str(tmp_path)),
        ("--api-key-file", str(tmp_path / "none")),
        ("--api-key-env", "NOT_THERE"),
        ("--api-key-env", "THE_KEY", "--api-key", KEY),
    ):
        refused = cli("agent", "register", "d", *wrong)
        assert refused.code == 2
        assert KEY not in refused.out + refused.err


def test_a_project_ref_that_fails_keeps_the_identity(
    cleo_app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise CleoError("E_WRITE_CONTENTION", "Somebody writes.")

    conduit = cleo_app.service("conduit")
    monkeypatch.setattr(type(conduit), "attach", refuse, raising=False)
    agents = cleo_app.service("agents")
    with pytest.raises(CleoError) as error:
        agents.register("a")

    assert (error.value.exit, error.value.fix) == (7, "cleo agent attach a")
    assert error.value.details["steps"] == [
        {"store": "signaldock", "state": "written"},
        {"store": "conduit", "state": "failed"},
    ]
    assert agents.get("a", everywhere=True).ref is None


@pytest.mark.parametrize("argv", [("register", "new"), ("update", "old", "--name", "Other")])
def test_a_dry_run_changes_nothing(
    cli: Callable[..., Any],
    cleo_home: Path,
    cleo_project: Path,
    frozen_bytes: Callable[[Any], Any],
    argv: tuple[str, ...],
) -> None:
    cli("agent", "register", "old", "--no-attach")
    watched: Frozen
    with frozen_bytes(cleo_home) as watched, frozen_bytes(cleo_project):
        done = cli("agent", *argv, "--dry-run")
        if argv[0] == "register":
            cli("agent", *argv, "--api-key-stdin", "--dry-run", input=KEY)

    assert watched is not None
    assert done.data["changed"] is True


def test_the_same_idempotency_key_gives_the_first_result(
    cli: Callable[..., Any], cleo_home: Path
) -> None:
    argv = ("agent", "register", "a", "--api-key-stdin", "--idempotency-key", "k")
    first = cli(*argv, input=KEY)
    again = cli(*argv, input=KEY)
    other = cli(*argv, input=KEY[:-1] + "b")

    assert (first.data["changed"], again.data["changed"]) == (True, True)
    assert again.envelope["meta"]["replayed"] is True
    assert (other.code, other.error["code"]) == (6, "E_IDEMPOTENCY_MISMATCH")
    (stored,) = cleo_home.rglob("signaldock.db")
    assert KEY.encode() not in stored.read_bytes()


def test_an_update_of_what_moved_on_is_refused(cli: Callable[..., Any]) -> None:
    cli("agent", "register", "a")
    assert cli("agent", "update", "a", "--name", "B", "--if-version", "1").data["changed"]

    refused = cli("agent", "update", "a", "--name", "C", "--if-version", "1")

    assert (refused.code, refused.error["code"]) == (21, "E_CONCURRENT_MODIFICATION")
    missing = cli("agent", "update", "b", "--name", "C")
    assert missing.code == 4


def test_the_version_moves_with_what_machines_share_only(cleo_app: Any) -> None:
    agents = cleo_app.service("agents")
    agents.register("lead")
    assert agents.register("a").agent.version == 1

    assert agents.update("a", url="https://one.example").agent.version == 1
    assert agents.update("a", reports_to="lead", can_spawn=True).agent.version == 2
    assert agents.update("a", skills=["go"]).agent.version == 3
    assert agents.update("a", skills=["go"]).changed is False
    with pytest.raises(CleoError) as error:
        agents.update("a", reports_to="nobody")
    assert error.value.exit == 4
    with pytest.raises(TypeError):
        agents.update("a", colour="red")


@pytest.mark.guarantee(
    "signaldock-22", "Plain http beyond this machine is refused before anything is sent."
)
@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://far.example", 94),
        ("http://10.0.0.7", 94),
        ("http://127.0.0.1:8787", 0),
        ("http://[::1]:8787/", 0),
        ("http://localhost:1", 0),
        ("https://far.example/base/", 0),
        ("https://me:pw@far.example", 6),
        ("ftp://far.example", 6),
        ("https://", 6),
        ("https://far.example:port", 6),
        ("https://far.example?x=1", 6),
    ],
)
def test_a_server_is_named_by_an_address_that_hides_the_key(
    cli: Callable[..., Any], url: str, code: int
) -> None:
    done = cli("agent", "register", "a", "--url", url)

    assert done.code == code
    assert "pw" not in done.out
    if code == 0:
        transport = done.data["agent"]["transport"]
        assert transport == {"type": "http", "baseUrl": url.rstrip("/"), "config": {}}


def test_an_agent_is_local_or_at_a_server(cli: Callable[..., Any]) -> None:
    assert cli("agent", "register", "a").data["agent"]["transport"]["type"] == "local"
    far = cli("agent", "register", "b", "--transport", "sse").data["agent"]["transport"]
    assert far == {"type": "sse", "baseUrl": "https://api.signaldock.io", "config": {}}
    both = cli("agent", "register", "c", "--transport", "local", "--url", "https://x.example")
    assert both.code == 6
    back = cli("agent", "update", "b", "--transport", "local").data["agent"]["transport"]
    assert back["baseUrl"] is None


def test_an_update_of_transport_or_server_leaves_the_other_alone(cleo_app: Any) -> None:
    agents = cleo_app.service("agents")
    agents.register("far", transport="sse", url="https://mine.example")

    def now() -> tuple[str, str | None]:
        transport = agents.get("far").transport
        return transport["type"], transport["baseUrl"]

    agents.update("far", transport="http")
    assert now() == ("http", "https://mine.example")
    agents.update("far", transport="sse")
    agents.update("far", url="https://other.example")
    assert now() == ("sse", "https://other.example")
    assert agents.register("far", url="https://other.example").changed is False
    agents.update("far", transport="local")
    assert now() == ("local", None)
    agents.update("far", transport="http")
    assert now() == ("http", "https://api.signaldock.io")


def test_a_key_is_not_changed_in_passing(cleo_app: Any) -> None:
    agents = cleo_app.service("agents")
    agents.register("a", api_key=KEY)
    with pytest.raises(CleoError) as error:
        agents.update("a", api_key=KEY[:-1] + "b")

    assert (error.value.exit, error.value.fix) == (6, "cleo agent keys set a")
    assert agents.credential("a").key == KEY


def test_an_idempotency_key_is_bound_to_how_the_agent_is_registered(cleo_app: Any) -> None:
    agents = cleo_app.service("agents")
    agents.register("a", idempotency_key="k")
    for other in ({"update": True}, {"strict": True}, {"attach": False}, {"role": "x"}):
        with pytest.raises(CleoError) as error:
            agents.register("a", idempotency_key="k", **other)
        assert error.value.code == "E_IDEMPOTENCY_MISMATCH"


def test_an_idempotency_key_that_is_used_again_undoes_nothing(
    cli: Callable[..., Any], tmp_path: Path
) -> None:
    argv = ("agent", "register", "a", "--role", "r", "--idempotency-key", "k")
    cli(*argv)
    cli("agent", "detach", "a")

    again = cli(*argv)

    assert again.envelope["meta"]["replayed"] is True
    assert cli("agent", "list").data["agents"] == []
    other = tmp_path / "other"
    other.mkdir()
    cli("init", cwd=other)
    assert cli(*argv, cwd=other).error["code"] == "E_IDEMPOTENCY_MISMATCH"


def test_a_retired_agent_registers_and_changes_nobody(cleo_open: Callable[..., Any]) -> None:
    with cleo_open() as app:
        app.service("agents").register("old")
        app.service("agents").register("b")
        app.service("agents").retire("old")
    with cleo_open(agent="old") as app:
        agents = app.service("agents")
        for act in (
            lambda: agents.register("c"),
            lambda: agents.keys_set("old", KEY),
            lambda: agents.update("b", name="x"),
            lambda: agents.revive("old"),
        ):
            with pytest.raises(CleoError) as error:
                act()
            assert (error.value.exit, error.value.fix) == (6, "cleo agent revive old")
    with cleo_open(agent="not-known") as app:
        assert app.service("agents").register("c").changed


@pytest.mark.one_database("a damaged file beside the registry")
def test_a_damaged_project_file_keeps_the_identity_and_what_is_not_of_the_project(
    cleo_project: Path, cli: Callable[..., Any], cleo_app: Any
) -> None:
    cleo_app.close()
    (cleo_project / ".cleo" / "conduit.db").write_bytes(b"damaged" * 1000)

    refused = cli("agent", "register", "a", "--api-key-stdin", input=KEY)

    assert (refused.code, refused.error["fix"]) == (53, "cleo agent attach a")
    listed = cli("agent", "list", "--global")
    assert [agent["agentId"] for agent in listed.data["agents"]] == ["a"]
    assert [warning["code"] for warning in listed.warnings] == ["W_REFS_UNREAD"]
    assert cli("agent", "get", "a", "--global").code == 0


def test_unknown_words_take_nothing_away(cleo_app: Any) -> None:
    agents = cleo_app.service("agents")
    agents.register("a", capabilities=["chat", "git"])
    assert agents.update("a", capabilities=["typo"]).agent.capabilities == ["chat", "git"]
    assert [warning["code"] for warning in cleo_app.warnings] == ["W_UNKNOWN_WORD"]
    assert agents.update("a", capabilities=[""]).agent.capabilities == []


def test_no_agent_reports_to_itself(cleo_app: Any) -> None:
    agents = cleo_app.service("agents")
    for name in ("a", "b", "c"):
        agents.register(name)
    agents.update("b", reports_to="a")
    agents.update("c", reports_to="b")
    for name, above in (("a", "a"), ("a", "c"), ("a", "b")):
        with pytest.raises(CleoError) as error:
            agents.update(name, reports_to=above)
        assert error.value.exit == 6
    assert agents.update("c", reports_to="").agent.reports_to is None


@pytest.mark.parametrize(
    "config",
    [
        {"apiKey": "sk_live_secret"},
        {"sseEndpoint": "http://far.example/x"},
        {"sseEndpoint": "//far.example"},
        {"wsUrl": "ws://far.example"},
        {"pollIntervalMs": -1},
        {"pollIntervalMs": True},
        {"webhookSignature": "v3"},
        {"pollEndpoint": "https://me:pw@far.example"},
    ],
)
def test_a_transport_is_set_up_by_known_fields_that_hide_the_key(
    cleo_app: Any, config: dict[str, Any]
) -> None:
    with pytest.raises(CleoError) as error:
        cleo_app.service("agents").register("a", transport="sse", transport_config=config)
    assert error.value.exit == 6
    assert "secret" not in str(error.value)
    good = {
        "pollIntervalMs": 500,
        "sseEndpoint": "/x",
        "pollEndpoint": "http://127.0.0.1:1/y",
        "wsUrl": "wss://far.example/z",
        "webhookSignature": "v2",
    }
    done = cleo_app.service("agents").register("b", transport_config=good)
    assert done.agent.transport["config"] == good


@pytest.mark.parametrize("text", ["[1]", "7", "{", '{"a": NaN}', "[" * 5000])
def test_the_configuration_of_a_transport_is_an_object(cli: Callable[..., Any], text: str) -> None:
    done = cli("agent", "register", "a", "--transport-config", text)

    assert done.code in (2, 6)


def test_what_was_given_for_the_transport_comes_back(cli: Callable[..., Any]) -> None:
    config = {"pollIntervalMs": 500, "sseEndpoint": "/x"}
    cli("agent", "register", "a", "--transport-config", json.dumps(config))

    assert cli("agent", "get", "a").data["agents"][0]["transport"]["config"] == config


def test_without_the_other_plugins_the_identity_is_kept(
    cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLEO_DISABLE_PLUGINS", "conduit tasks brain")
    done = cli("agent", "register", "a", "--api-key-stdin", input=KEY)

    assert [step["state"] for step in done.data["steps"]] == ["written", "skipped", "skipped"]
    refused = cli("agent", "attach", "a")
    assert (refused.code, refused.error["fix"]) == (5, "pip install cleo-conduit")
    assert cli("agent", "list", "--global").data["agents"][0]["agentId"] == "a"


def test_of_processes_that_register_one_id_at_once_one_wins(
    cleo_project: Path, cleo_app: Any, cleo_processes: Processes
) -> None:
    names = ("one", "two", "three", "four", "five")
    done = cleo_processes(
        [
            [*CLEO, "agent", "register", "same" if number % 2 else "Same", "--name", name]
            for number, name in enumerate(names)
        ]
    )
    codes = [code for code, _, _ in done]

    assert sorted(codes) == [0, 90, 90, 90, 90]
    found, _ = cleo_app.service("agents").list(everywhere=True)
    assert len(found) == 1
