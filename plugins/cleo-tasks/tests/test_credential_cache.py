"""The service ``credential_cache``: copies of agents' credentials."""

from __future__ import annotations

import ast
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

import cleo_tasks
from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.output import dumps, to_json
from cleo_core.plugins import load_target
from cleo_core.references import clean
from cleo_core.testing import Outcome
from cleo_core.testing.runner import watch
from cleo_tasks.api import COMMANDS

Cli = Callable[..., Outcome]
Open = Callable[..., App]

#: Stands in the ciphertext, and in everything else of a row that must not be told.
MARKER = "PLANTEDcipher0123"
ROW: dict[str, Any] = {
    "agent_id": "ada",
    "display_name": "Ada",
    "api_key_encrypted": f"AkBB{MARKER}/+9xx==",
    "api_base_url": f"https://user:{MARKER}@example.org",
    "classification": "worker",
    "privacy_tier": "private",
    "capabilities": ["review"],
    "skills": ["python"],
    "transport_config": {"type": "http", "secret": MARKER},
    "is_active": True,
    "last_used_at": "2026-03-25T14:30:15.000Z",
    "source_updated_at": "2026-03-25T14:30:15.000Z",
}
EARLIER, LATER = "2026-03-25T14:30:14.999Z", "2026-03-25T14:30:15.001Z"

#: Words for arguments that a verb needs, by their names.
ARGUMENTS = {
    "query": MARKER[:7],
    "label": "core",
    "to": "kernel",
    "title": "a title",
    "text": "some words",
    "depends_on": "T002",
    "related": "T002",
    "file": "all.jsonl",
}


def guarantee(sentence: str) -> pytest.MarkDecorator:
    return pytest.mark.guarantee("tasks-30", sentence)


@pytest.fixture
def cache(cleo_app: App) -> Any:
    return cleo_app.service("credential_cache")


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool | None]:
    """What the owner of agents answers about each; nobody owns them here otherwise."""
    answers: dict[str, bool | None] = {}

    def ask(existence: Any, kind: str, ids: Any) -> dict[str, bool | None]:
        return {id_: answers.get(id_) for id_ in ids}

    monkeypatch.setattr("cleo_core.references.Existence.ask", ask)
    return answers


def refused(call: Callable[..., Any], *args: Any, **options: Any) -> CleoError:
    with pytest.raises(CleoError) as caught:
        call(*args, **options)
    return caught.value


def stored(cache: Any) -> list[dict[str, Any]]:
    return [{name: getattr(one, name) for name in one.__slots__} for one in cache.list()]


# put, drop, list


def test_a_copy_comes_back_as_it_was_put(cache: Any) -> None:
    result = cache.put(ROW)
    assert (result.agent_id, result.stored, result.changed) == ("ada", True, True)
    assert result.source_updated_at == ROW["source_updated_at"]
    assert stored(cache) == [ROW]
    again = cache.put(ROW)
    assert (again.stored, again.changed) == (True, False)


def test_only_what_a_copy_cannot_do_without_has_to_be_given(cache: Any) -> None:
    names = ("agent_id", "display_name", "api_key_encrypted", "source_updated_at")
    cache.put(
        {**{name: ROW[name] for name in names}, "source_updated_at": "2026-03-25T16:30+02:00"}
    )
    (row,) = stored(cache)
    assert row["source_updated_at"] == "2026-03-25T14:30:00.000Z"
    assert (row["privacy_tier"], row["is_active"]) == ("discoverable", True)
    assert (row["capabilities"], row["skills"], row["transport_config"]) == ([], [], {})
    assert (row["api_base_url"], row["classification"], row["last_used_at"]) == (None, None, None)


@guarantee("A copy of a credential older than the stored one never takes its place.")
def test_an_older_stamp_does_not_win_unless_the_cache_is_rebuilt(cache: Any) -> None:
    cache.put(ROW)
    older = {**ROW, "source_updated_at": EARLIER, "api_key_encrypted": "old", "display_name": "Old"}
    result = cache.put(older)
    assert (result.stored, result.changed) == (False, False)
    assert result.source_updated_at == ROW["source_updated_at"]
    assert stored(cache) == [ROW]
    # The same stamp is no older one.
    assert cache.put({**ROW, "display_name": "Ada L."}).changed is True
    newer = {**ROW, "source_updated_at": LATER, "api_key_encrypted": "new"}
    assert cache.put(newer).source_updated_at == LATER
    assert stored(cache) == [newer]
    rebuilt = cache.put(older, rebuild=True)
    assert (rebuilt.stored, rebuilt.source_updated_at) == (True, EARLIER)
    assert stored(cache) == [older]


def test_dropping_says_whether_there_was_a_copy(cache: Any) -> None:
    cache.put(ROW)
    assert cache.drop("bob") is False
    assert cache.drop("ada") is True
    assert cache.drop("ada") is False
    assert cache.list() == []
    assert refused(cache.drop, 7).exit == 6
    assert refused(cache.drop, "a\0").exit == 6


@guarantee("A credential of an agent known to be missing is refused, of one unknown it is kept.")
def test_a_missing_identity_is_refused_and_an_unknown_one_is_not(
    cache: Any, known: dict[str, bool | None]
) -> None:
    known["ada"] = False
    error = refused(cache.put, ROW)
    assert (error.code, error.exit) == ("E_REFERENCE", 6)
    assert refused(cache.put, ROW, rebuild=True).code == "E_REFERENCE"
    assert cache.list() == []
    known["ada"] = None
    assert cache.put(ROW).stored is True
    assert [one["code"] for one in cache.app.warnings] == ["W_REF_UNCHECKED"]
    known["ada"] = True
    assert cache.put({**ROW, "source_updated_at": LATER}).stored is True


def test_an_instance_names_a_real_identity(cleo_open: Open, known: dict[str, bool | None]) -> None:
    known.update(ada=True, eve=False)
    assert cleo_open("ada").service("tasks").instance_register("executor").agent_id == "ada"
    error = refused(cleo_open("eve").service("tasks").instance_register, "executor")
    assert (error.code, error.exit) == ("E_REFERENCE", 6)
    assert cleo_open("bob").service("tasks").instance_register("executor").agent_id == "bob"


def test_a_dry_run_and_a_wrong_session_change_nothing(cleo_open: Open) -> None:
    app = cleo_open("ada", session="ses_none")
    cache = app.service("credential_cache")
    with app.dry_running():
        assert cache.put(ROW).stored is True
    assert cache.list() == []
    # Whoever keeps identities does it in no session, whatever the environment names.
    assert cache.put(ROW).stored is True
    with app.dry_running():
        assert cache.drop("ada") is True
    assert len(cache.list()) == 1


BAD: tuple[dict[str, Any], ...] = (
    {"agent_id": ""},
    {"agent_id": None},
    {"agent_id": 7},
    {"display_name": "\ud800"},
    {"api_key_encrypted": ""},
    {"api_key_encrypted": MARKER.encode()},
    {"api_key_encrypted": f"{MARKER}\0"},
    {"api_key_encrypted": MARKER * 10_000},
    {"api_base_url": [MARKER]},
    {"privacy_tier": MARKER},
    {"privacy_tier": None},
    {"capabilities": MARKER},
    {"skills": [MARKER, 7]},
    {"transport_config": [MARKER]},
    {"transport_config": {MARKER: object()}},
    {"transport_config": {"x": float("nan"), "y": MARKER}},
    {"is_active": MARKER},
    {"last_used_at": MARKER},
    {"source_updated_at": MARKER},
    {"source_updated_at": None},
    {"source_updated_at": 7},
    {"source_updated_at": "1-1-1"},
    {MARKER: "unknown"},
    {"api_key": MARKER},
    {"is_active": 1, "skills": MARKER},
)


@guarantee("No error about a credential repeats a value of it.")
def test_what_is_no_credential_is_refused_in_words_that_repeat_none_of_it(cache: Any) -> None:
    for wrong in BAD:
        error = refused(cache.put, {**ROW, **wrong})
        assert (error.exit, bool(error.fix)) == (6, True), wrong
        assert MARKER not in repr((error.message, error.fix, error.details)), wrong
    for row in (None, MARKER, [ROW], {}):
        error = refused(cache.put, row)
        assert error.exit == 6
        assert MARKER not in repr((error.message, error.details))
    assert cache.list() == []


# Who sees what


def test_a_copy_is_not_printed_by_accident(cache: Any) -> None:
    put = cache.put(ROW)
    found = cache.list()
    assert repr(found) == "[<CachedCredential of 'ada'>]"
    assert MARKER not in f"{put!r} {to_json(put)} {found[0]} {to_json(found)}"
    # Output makes JSON of records; this one it refuses.
    with pytest.raises(TypeError):
        dumps(to_json(found))


def test_the_log_names_what_changed_without_key_material(cache: Any, cleo_app: App) -> None:
    cache.put(ROW)
    cache.put({**ROW, "api_key_encrypted": "other", "display_name": "Ada L."})
    cache.put({**ROW, "api_key_encrypted": "other", "display_name": "Ada L."})
    cache.drop("ada")
    rows = cleo_app.service("tasks").log_list()[0][::-1]
    assert [(row["action"], row["entityKind"], row["entityId"]) for row in rows] == [
        ("credential.put", "credential", "ada"),
        ("credential.put", "credential", "ada"),
        ("credential.drop", "credential", "ada"),
    ]
    assert rows[1]["before"] == {"display_name": "Ada"}
    assert rows[1]["after"] == {"display_name": "Ada L."}
    assert rows[1]["details"] == {"notShown": ["api_key_encrypted"]}
    assert rows[0]["before"] is None
    assert rows[2]["after"] is None
    assert MARKER not in repr(rows)


def test_the_cache_lists_names_and_stamps(cleo_cli: Cli, cache: Any, cleo_app: App) -> None:
    cache.put(ROW)
    cache.put({**ROW, "agent_id": "bob", "display_name": "[b]Bob", "is_active": False})
    cleo_app.close()
    outcome = cleo_cli("instance", "list", "--cached", "--limit", "1")
    assert outcome.data == [
        {
            "agentId": "ada",
            "displayName": "Ada",
            "isActive": True,
            "lastUsedAt": ROW["last_used_at"],
            "sourceUpdatedAt": ROW["source_updated_at"],
        }
    ]
    assert outcome.page == {"limit": 1, "offset": 0, "total": 2, "hasMore": True}
    assert cleo_cli("instance", "list", "--cached", "--quiet").out == "ada\nbob\n"
    assert "[b]Bob" in cleo_cli("instance", "list", "--cached", "--human").out
    both = cleo_cli("instance", "list", "--cached", "--type", "executor")
    assert (both.error["exit"], both.error["fix"]) == (2, "cleo instance list --cached")


def leaves(name: str, command: click.Command) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every verb below a command, with the words that call it."""
    if isinstance(command, click.Group):
        for verb, below in command.commands.items():
            for words, leaf in leaves(verb, below):
                yield (name, *words), leaf
    else:
        yield (name,), command


def calls() -> Iterator[tuple[str, ...]]:
    """A call of every verb of the plugin."""
    for spec in COMMANDS:
        for words, command in leaves(spec.name, load_target(spec.target)):
            needed = [
                ARGUMENTS.get(param.name or "", "T001")
                for param in command.params
                if isinstance(param, click.Argument)
            ]
            yield (*words, *needed)
    yield ("instance", "list", "--cached")
    yield ("export", "--output", "exported.jsonl", "--include-links")
    yield ("show", "T001", "--history", "--children", "--gates")
    yield ("log", "show", "1")


@guarantee("No verb prints, stores elsewhere, exports or logs a cached key, or even reads one.")
def test_no_verb_reads_or_shows_a_key(
    cleo_cli: Cli, cleo_open: Open, cleo_project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    app = cleo_open("ada")
    for title in ("one", "two", "three"):
        app.service("tasks").add(title, labels=["core"])
    app.service("credential_cache").put(ROW)
    app.service("credential_cache").put({**ROW, "agent_id": "bob"})
    app.service("credential_cache").drop("bob")
    app.close()
    read: list[str] = []
    fine = 0
    end = watch(read.append)
    try:
        for words in calls():
            for form in ("--json", "--human"):
                outcome = cleo_cli(*words, form, "--debug", agent="ada")
                fine += outcome.code == 0
                assert MARKER not in outcome.out + outcome.err, words
    finally:
        end()
    assert fine > 60
    asked = {sql for sql in read if "agent_credentials" in sql}
    assert asked
    assert not [sql for sql in asked if "*" in sql.replace("count(*)", "") or "api_key" in sql]
    assert MARKER not in caplog.text
    for path in (*cleo_project.rglob("*"), *(cleo_project.parent / "home").rglob("*")):
        if path.is_file() and ".db" not in path.name:
            assert MARKER.encode() not in path.read_bytes(), path


@guarantee("Only the credential cache itself writes or reads its table.")
def test_only_the_service_touches_the_table() -> None:
    package = Path(cleo_tasks.__file__).parent
    naming, using = set(), set()
    for path in package.rglob("*.py"):
        name = str(path.relative_to(package))
        if name.startswith(("schema", "migrations", "snapshot")):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and "agent_credentials" in str(node.value):
                naming.add(name)
            if isinstance(node, ast.ImportFrom) and any(
                one.name == "credentials" for one in node.names
            ):
                using.add(name)
    # The reference is declared in api.py; the service asks for it by name. The health check reads
    # whose copies there are, and nothing else of them.
    health = {"store/health.py", "service/health.py"}
    assert naming == {"api.py", "store/credentials.py", "service/credential_cache.py"} | health
    assert using == {"service/credential_cache.py", "service/instances.py"}


def test_the_copies_of_a_deleted_agent_go_and_the_log_says_so(cache: Any) -> None:
    cache.put(ROW)
    cache.put({**ROW, "agent_id": "bob"})
    app = cache.app
    reference = app.plugins.references["agent_credentials.agent_id"]
    assert app.write("tasks", lambda unit: clean(unit, [reference], ["ada", "eve"])) == 1
    assert [one.agent_id for one in cache.list()] == ["bob"]
    row = app.service("tasks").log_list()[0][0]
    assert (row["action"], row["entityId"]) == ("credential.drop", "ada")
