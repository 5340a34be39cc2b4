"""`cleo agent migrate-legacy`: what becomes of a project's older file, and the way back."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.database import connect_for_copy
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome
from cleo_signaldock.secrets import blobs, derive
from cleo_signaldock.service import holding
from cleo_signaldock.service.legacy import journal

from . import older
from .older import AT, SECONDS, add, agent, conversation, message, uuid

pytestmark = pytest.mark.one_database("the registry's own file is looked at")

Cli = Callable[..., Outcome]
KEY = "sk_live_" + "5a" * 32
SPLIT = pytest.mark.guarantee(
    "signaldock-24",
    "A project's older file is taken over whole, counted row by row, or not at all; a dry run "
    "changes nothing, and a rollback brings the file back byte for byte and spares what others "
    "added.",
)
KEYS = pytest.mark.guarantee(
    "signaldock-25",
    "Keys of an older file read after it was taken over as they read before, and agents that were "
    "known already keep their flags.",
)


@pytest.fixture
def project(cleo_project: Path) -> Path:
    return cleo_project


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def rows(path: str | Path, sql: str) -> list[tuple[Any, ...]]:
    connection = connect_for_copy(str(path))
    try:
        return list(connection.execute(sql).fetchall())
    finally:
        connection.close()


def mail(sql: str) -> list[tuple[Any, ...]]:
    return rows(".cleo/conduit.db", sql)


def registry(app: Any, sql: str) -> list[tuple[Any, ...]]:
    return rows(Path(holding.files(app).directory) / "signaldock.db", sql)


@SPLIT
def test_the_file_is_split_and_every_row_is_accounted_for(
    project: Path, cleo_cli: Cli, cleo_app: Any
) -> None:
    path = older.make(project)
    add(
        path,
        "agents",
        agent(1, "ann", classification="lead", capabilities='["coding"]', last_used_at=SECONDS),
        agent(2, "bob", is_active=0, transport_type="sse", friend_count=2),
    )
    add(path, "capabilities", {"id": "cap_chat", "slug": "chat"})
    add(path, "agent_capabilities", {"agent_id": uuid(2), "capability_id": "cap_chat"})
    add(path, "users", {"id": uuid(1, "u"), "email": "a@x.org", "created_at": SECONDS * 1000})
    add(path, "organization", {"id": uuid(1, "o"), "name": "O", "owner_id": uuid(1, "u")})
    add(
        path,
        "org_agent_keys",
        {
            "id": uuid(1, "k"),
            "organization_id": uuid(1, "o"),
            "agent_id": uuid(2),
            "created_by": uuid(1, "u"),
            "created_at": SECONDS,
        },
    )
    for table in ("sessions", "verifications", "claim_codes"):
        add(path, table, {"id": "x"})
    add(
        path,
        "conversations",
        conversation(1, "ann", "bob"),
        conversation(2, participants="bob,ann"),
    )
    add(
        path,
        "messages",
        message(1, 1, "ann", "bob", created_at=SECONDS * 1000),
        message(2, 2, "bob", "ann", status="read", reply_to=uuid(1, "m")),
        message(3, 1, "ann", uuid(1, "c"), group_id="g", content="x"),
        message(4, 1, "ann", "bob", group_id="g", content="x"),
    )
    add(path, "message_pins", {"id": uuid(1, "p"), "message_id": uuid(1, "m"), "pinned_by": "ann"})
    add(path, "delivery_jobs", {"id": "j", "message_id": uuid(1, "m"), "payload": "planted"})
    add(path, "dead_letters", {"id": uuid(1, "d"), "message_id": uuid(2, "m"), "attempts": 6})
    before = digest(path)

    done = cleo_cli("agent", "migrate-legacy").data
    assert done["status"] == "done"
    assert done["counts"]["agents"]["copied"] == 2
    assert done["counts"]["conversations"] == {
        "source": 2,
        "copied": 1,
        "merged": 1,
        "present": 0,
        "dropped": 0,
    }
    assert done["counts"]["messages"]["copied"] == 3
    assert done["counts"]["messages"]["merged"] == 1
    for table, one in done["counts"].items():
        told = sum(one[word] for word in ("copied", "merged", "present", "dropped"))
        assert told == one["source"], table
    assert {"sessions", "verifications", "claim_codes", "delivery_jobs"} <= {
        one["table"] for one in done["dropped"]
    }
    assert not path.exists()
    assert done["bakPath"] == f"{path}.pre-t310.bak"
    assert digest(Path(done["bakPath"])) == before
    assert sorted(os.listdir(".cleo/legacy-migration")) == ["journal.json"]

    listed = cleo_cli("agent", "list").data["agents"]
    ann, bob = listed
    assert (ann["agentId"], ann["effective"]["role"], ann["createdAt"]) == ("ann", "lead", AT)
    assert ann["ref"]["lastUsedAt"] == AT
    assert ann["capabilities"] == ["code_generation"]
    assert (bob["isActive"], bob["transport"]["type"]) == (False, "sse")
    assert bob["capabilities"] == ["chat"]
    assert bob["organizationId"] is None or bob["organizationId"] == uuid(1, "o")
    assert [one["code"] for one in cleo_cli("agent", "list").warnings] == []
    assert mail("SELECT content FROM messages ORDER BY seq") == [
        ("message 1",),
        ("message 2",),
        ("x",),
    ]
    assert mail("SELECT message_count FROM conversations") == [(3,)]
    assert mail("SELECT count(*) FROM messages_fts WHERE messages_fts MATCH 'message'") == [(2,)]
    assert mail("SELECT created_at FROM messages WHERE seq = 1") == [(AT,)]
    for db in (".cleo/conduit.db", Path(holding.files(cleo_app).directory) / "signaldock.db"):
        assert b"planted" not in Path(db).read_bytes()
        assert rows(db, "PRAGMA foreign_key_check") == []

    again = cleo_cli("agent", "migrate-legacy").data
    assert again["status"] == "nothing"


@SPLIT
def test_a_dry_run_changes_no_byte_and_counts_the_same(
    project: Path, cleo_cli: Cli, cleo_home: Path, frozen_bytes: Any
) -> None:
    path = older.small(project)
    add(path, "agents", agent(3, "cyd", api_key_encrypted="x"))
    with frozen_bytes(cleo_home):
        planned = cleo_cli("agent", "migrate-legacy", "--dry-run").data
    assert planned["status"] == "dry_run"
    assert not (project / ".cleo" / "legacy-migration").exists()
    done = cleo_cli("agent", "migrate-legacy").data
    assert (planned["counts"], planned["reauth"]) == (done["counts"], done["reauth"])


@SPLIT
def test_every_command_warns_until_the_file_is_taken_over(project: Path, cleo_cli: Cli) -> None:
    assert cleo_cli("agent", "list").warnings == []
    path = older.small(project)
    before = digest(path)
    for words in (("agent", "list"), ("agent", "skills"), ("conduit", "status")):
        outcome = cleo_cli(*words)
        assert outcome.code == 0
        (warning,) = outcome.warnings
        assert warning["code"] == "W_LEGACY_SIGNALDOCK"
        assert "cleo agent migrate-legacy" in warning["message"]
    assert digest(path) == before
    # An empty conduit.db, which init makes, is no reason to pass the file over.
    assert cleo_cli("agent", "migrate-legacy").data["status"] == "done"
    assert cleo_cli("conduit", "status").warnings == []


def test_other_files_of_that_name_are_left_alone(project: Path, cleo_cli: Cli) -> None:
    path = older.make(project, "CREATE TABLE other (a);")
    assert cleo_cli("agent", "list").warnings == []
    assert cleo_cli("agent", "migrate-legacy").data["status"] == "nothing"
    assert path.exists()


@SPLIT
@pytest.mark.parametrize("fault", ["short", "page", "text"])
def test_a_damaged_file_is_refused_untouched(
    project: Path, cleo_cli: Cli, frozen_bytes: Any, fault: str
) -> None:
    path = older.small(project)
    data = bytearray(path.read_bytes())
    if fault == "short":
        del data[len(data) // 2 :]
    elif fault == "page":
        data[4096 * 3 : 4096 * 40] = b"\xa5" * (4096 * 37)
    else:
        data = bytearray(b"no database at all" * 100)
    path.write_bytes(data)
    with frozen_bytes(project):
        for words in ((), ("--dry-run",)):
            outcome = cleo_cli("agent", "migrate-legacy", *words)
            assert outcome.error["exit"] == 53
    assert not (project / ".cleo" / "legacy-migration").exists()


@SPLIT
def test_a_log_that_is_not_folded_in_counts_and_nothing_is_put_beside_it(
    project: Path, cleo_cli: Cli, frozen_bytes: Any, tmp_path: Path
) -> None:
    path = older.make(project)
    connection = connect_for_copy(str(path))
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute(
        "INSERT INTO agents (id, agent_id, name, created_at) VALUES (?, 'ann', 'Ann', ?)",
        (uuid(1), SECONDS),
    )
    kept = tmp_path / "kept"
    kept.mkdir()
    for part in ("", "-wal"):
        shutil.copyfile(f"{path}{part}", kept / f"db{part}")
    connection.close()
    for part in ("", "-wal"):
        shutil.copyfile(kept / f"db{part}", f"{path}{part}")
    with frozen_bytes(project):
        planned = cleo_cli("agent", "migrate-legacy", "--dry-run").data
        assert cleo_cli("agent", "list").warnings != []
    assert planned["counts"]["agents"]["copied"] == 1

    done = cleo_cli("agent", "migrate-legacy").data
    assert done["counts"]["agents"]["copied"] == 1
    bak = Path(done["bakPath"])
    assert Path(f"{bak}-wal").read_bytes() == (kept / "db-wal").read_bytes()
    assert bak.read_bytes() == (kept / "db").read_bytes()
    assert cleo_cli("agent", "migrate-legacy", "--rollback").code == 0
    assert Path(f"{path}-wal").read_bytes() == (kept / "db-wal").read_bytes()
    assert not bak.exists()


@SPLIT
def test_a_rollback_takes_exactly_the_rows_away_and_brings_the_file_back(
    project: Path, cleo_cli: Cli, cleo_app: Any
) -> None:
    cleo_cli("agent", "register", "zoe")
    dump = {
        "agents": registry(cleo_app, "SELECT * FROM agents ORDER BY agent_id"),
        "refs": mail("SELECT * FROM project_agent_refs ORDER BY agent_id"),
    }
    path = older.small(project)
    before = digest(path)
    cleo_cli("agent", "migrate-legacy")
    planned = cleo_cli("agent", "migrate-legacy", "--rollback", "--dry-run").data
    assert planned["status"] == "dry_run"
    assert len(cleo_cli("agent", "list").data["agents"]) == 3
    done = cleo_cli("agent", "migrate-legacy", "--rollback").data
    assert done["status"] == "rolled_back"
    assert done["counts"] == planned["counts"]
    assert digest(path) == before
    assert not Path(f"{path}.pre-t310.bak").exists()
    assert registry(cleo_app, "SELECT * FROM agents ORDER BY agent_id") == dump["agents"]
    assert mail("SELECT * FROM project_agent_refs ORDER BY agent_id") == dump["refs"]
    assert mail("SELECT count(*) FROM messages") == [(0,)]
    assert registry(cleo_app, "SELECT count(*) FROM legacy_rows") == [(0,)]
    assert cleo_cli("agent", "migrate-legacy", "--rollback").error["exit"] == 4
    assert cleo_cli("agent", "migrate-legacy").data["status"] == "done"


@SPLIT
@pytest.mark.parametrize(
    "meanwhile",
    [
        ("agent", "update", "ann", "--name", "Another"),
        ("agent", "register", "sub", "--reports-to", "ann", "--no-attach"),
        ("agent", "attach", "ann", "--role", "boss"),
    ],
)
def test_a_rollback_names_what_changed_and_deletes_nothing(
    project: Path, cleo_cli: Cli, meanwhile: tuple[str, ...]
) -> None:
    older.small(project)
    cleo_cli("agent", "migrate-legacy")
    assert cleo_cli(*meanwhile).code == 0
    for words in (("--dry-run",), ()):
        error = cleo_cli("agent", "migrate-legacy", "--rollback", *words).error
        assert error["exit"] == 6
        assert "ann" in error["message"]
    assert mail("SELECT count(*) FROM messages") == [(2,)]
    assert cleo_cli("agent", "get", "bob").code == 0


def test_use_alone_does_not_stand_in_the_way_of_a_rollback(project: Path, cleo_cli: Cli) -> None:
    older.small(project)
    cleo_cli("agent", "migrate-legacy")
    cleo_cli("agent", "heartbeat", "ann")
    assert cleo_cli("agent", "migrate-legacy", "--rollback").code == 0


def test_a_rollback_replaces_no_file_that_has_the_name_meanwhile(
    project: Path, cleo_cli: Cli
) -> None:
    path = older.small(project)
    cleo_cli("agent", "migrate-legacy")
    path.write_bytes(b"mine")
    error = cleo_cli("agent", "migrate-legacy", "--rollback").error
    assert (error["exit"], path.read_bytes()) == (6, b"mine")
    assert cleo_cli("agent", "get", "bob").code == 0


@pytest.mark.guarantee(
    "signaldock-24", "A rollback without the older file, or with another one, deletes nothing."
)
@pytest.mark.parametrize("content", [None, b"something else"])
def test_a_rollback_without_the_older_file_deletes_nothing(
    project: Path, cleo_cli: Cli, content: bytes | None
) -> None:
    older.small(project)
    done = cleo_cli("agent", "migrate-legacy").data
    bak = Path(done["bakPath"])
    before = cleo_cli("agent", "list", "--global").data
    kept = bak.read_bytes()
    bak.unlink()
    if content is not None:
        bak.write_bytes(content)

    for argv in (("--rollback",), ("--rollback", "--dry-run")):
        refused = cleo_cli("agent", "migrate-legacy", *argv)
        assert refused.code == 6
        assert cleo_cli("agent", "list", "--global").data == before
    bak.write_bytes(kept)
    assert cleo_cli("agent", "migrate-legacy", "--rollback").data["status"] == "rolled_back"


def test_an_earlier_backup_is_not_replaced(project: Path, cleo_cli: Cli) -> None:
    path = older.small(project)
    Path(f"{path}.pre-t310.bak").write_bytes(b"mine")
    done = cleo_cli("agent", "migrate-legacy").data
    assert done["bakPath"] == f"{path}.pre-t310.2.bak"
    assert Path(f"{path}.pre-t310.bak").read_bytes() == b"mine"


@SPLIT
def test_one_agent_in_two_projects_is_one_agent(
    project: Path, cleo_cli: Cli, tmp_path: Path
) -> None:
    older.small(project)
    cleo_cli("agent", "migrate-legacy")
    second = tmp_path / "second"
    second.mkdir()
    cleo_cli("init", "second", cwd=second)
    path = older.make(second)
    add(path, "agents", agent(7, "ann", name="Other", classification="tester"), agent(8, "cyd"))
    add(path, "organization", {"id": uuid(1, "o"), "name": "O"})
    add(
        path,
        "org_agent_keys",
        {"id": uuid(1, "k"), "organization_id": uuid(1, "o"), "agent_id": uuid(7)},
    )
    add(path, "messages", message(9, 9, uuid(7), "cyd"))
    done = cleo_cli("agent", "migrate-legacy", cwd=second).data
    assert done["counts"]["agents"] == {
        "source": 2,
        "copied": 1,
        "merged": 0,
        "present": 1,
        "dropped": 0,
    }
    assert done["counts"]["org_agent_keys"]["copied"] == 1
    (found,) = cleo_cli("agent", "get", "ann", cwd=second).data["agents"]
    assert (found["id"], found["name"], found["effective"]["role"]) == (uuid(1), "Ann", "tester")
    sent = rows(second / ".cleo/conduit.db", "SELECT from_agent_id FROM messages")
    assert sent == [("ann",)]
    # What the second project relies on cannot be taken away under it.
    error = cleo_cli("agent", "migrate-legacy", "--rollback").error
    assert (error["exit"], "ann" in error["message"]) == (6, True)
    assert cleo_cli("agent", "migrate-legacy", "--rollback", cwd=second).code == 0
    assert cleo_cli("agent", "migrate-legacy", "--rollback").code == 0


@KEYS
def test_keys_read_as_before_and_only_unreadable_ones_flag_their_agents(
    project: Path, cleo_cli: Cli, cleo_app: Any
) -> None:
    keys = holding.files(cleo_app).create()
    agents = cleo_app.service("agents")
    agents.register("known")
    agents.flag_reauth("known", "rejected")

    def v1(key: bytes, text: str) -> str:
        import base64

        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(12)
        sealed = AESGCM(key).encrypt(nonce, text.encode(), None)
        return base64.b64encode(b"\x01" + nonce + sealed).decode()

    path = older.make(project)
    root = cleo_app.project.root
    add(
        path,
        "agents",
        agent(1, "here", api_key_encrypted=v1(keys.legacy(root), KEY)),
        agent(2, "there", api_key_encrypted=v1(keys.legacy("/old/place"), KEY + "1")),
        agent(3, "two words", api_key_encrypted=v1(keys.derive("two words"), KEY + "2")),
        agent(4, "derived", api_key_encrypted="ab" * 32),
        agent(5, "foreign", api_key_encrypted=v1(os.urandom(32), KEY)),
        agent(6, "keyless", requires_reauth=1),
        agent(7, "known", api_key_encrypted=v1(os.urandom(32), KEY)),
    )
    words = ("--old-path", "/old/place", "--rename", "two words=renamed")
    planned = cleo_cli("agent", "migrate-legacy", "--dry-run", *words)
    done = cleo_cli("agent", "migrate-legacy", *words)
    assert planned.data["reauth"] == done.data["reauth"] == ["derived", "foreign"]
    assert done.data["renamed"] == [{"from": "two words", "to": "renamed"}]
    for outcome in (planned, done):
        assert "sk_live_" not in outcome.out
    shown = {id_: agents.keys_show(id_, reveal=True).key for id_ in ("here", "there", "renamed")}
    assert shown == {"here": KEY, "there": KEY + "1", "renamed": KEY + "2"}
    for blob, id_ in registry(
        cleo_app,
        "SELECT api_key_encrypted, agent_id FROM agents WHERE api_key_encrypted IS NOT NULL",
    ):
        assert blobs.version(blob) == 2, id_
    reasons = {
        id_: agents.get(id_, everywhere=True).reauth_reason
        for id_ in ("here", "derived", "foreign", "keyless", "known")
    }
    assert reasons == {
        "here": None,
        "derived": "migrated",
        "foreign": "migrated",
        "keyless": None,
        "known": "rejected",
    }
    text = Path(".cleo/legacy-migration/journal.json").read_text()
    assert "sk_live" not in text
    assert derive.LENGTH == 32


def test_an_id_that_cannot_stay_stops_everything_with_nothing_written(
    project: Path, cleo_cli: Cli, cleo_home: Path, frozen_bytes: Any
) -> None:
    cleo_cli("agent", "register", "bob", "--no-attach")
    path = older.make(project)
    add(path, "agents", agent(1, "Bob"), agent(2, "me"))
    with frozen_bytes(cleo_home):
        error = cleo_cli("agent", "migrate-legacy").error
        assert error["exit"] == 6
        assert len(error["details"]["problems"]) == 2
        assert error["fix"].startswith("cleo agent migrate-legacy --rename Bob=")
    done = cleo_cli("agent", "migrate-legacy", "--rename", "Bob=bob", "--rename", "me=mine").data
    assert done["counts"]["agents"]["present"] == 1
    assert cleo_cli("agent", "get", "mine").code == 0


@pytest.mark.parametrize(
    ("words", "exit_code"),
    [
        (("--rename", "ann"), 2),
        (("--rename", "ann=me"), 2),
        (("--rename", "ann=x y"), 2),
        (("--rename", "nobody=x"), 6),
        (("--rename", "ann=x", "--rename", "ann=y"), 2),
        (("--rename", "ann=bob"), 6),
        (("--status", "--rollback"), 2),
        (("--rollback", "--rename", "ann=x"), 2),
    ],
)
def test_bad_words_are_refused(
    project: Path, cleo_cli: Cli, frozen_bytes: Any, words: tuple[str, ...], exit_code: int
) -> None:
    older.small(project)
    with frozen_bytes(project):
        assert cleo_cli("agent", "migrate-legacy", *words).error["exit"] == exit_code


def test_without_the_plugin_of_the_messages_nothing_is_begun(
    project: Path, cleo_cli: Cli, cleo_home: Path, frozen_bytes: Any
) -> None:
    older.small(project)
    with frozen_bytes(cleo_home):
        outcome = cleo_cli("agent", "migrate-legacy", env={"CLEO_DISABLE_PLUGINS": "conduit"})
    assert outcome.error["exit"] == 5


def test_the_status_prints_the_journal(project: Path, cleo_cli: Cli) -> None:
    assert cleo_cli("agent", "migrate-legacy", "--status").data["journal"] is None
    older.small(project)
    assert cleo_cli("agent", "migrate-legacy", "--status").data["found"] is True
    cleo_cli("agent", "migrate-legacy")
    found = cleo_cli("agent", "migrate-legacy", "--status").data
    assert found["found"] is False
    assert list(found["journal"]["steps"]) == list(journal.STEPS)
    assert "done" in cleo_cli("agent", "migrate-legacy", "--status", "--human").out
    Path(".cleo/legacy-migration/journal.json").write_text("{")
    for words in (("--status",), (), ("--rollback",)):
        assert cleo_cli("agent", "migrate-legacy", *words).error["exit"] == 53


@SPLIT
def test_a_failing_search_index_leaves_no_message_and_the_file_its_name(
    project: Path, cleo_app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cleo_conduit.store import health
    from cleo_core.database import driver

    path = older.small(project)
    before = digest(path)
    agents = cleo_app.service("agents")
    rebuild = health.rebuild

    def failing(work: Any) -> None:
        if not cleo_app.dry_run:
            work.execute("INSERT INTO messages_fts (messages_fts) VALUES ('no-such-word')")
        rebuild(work)

    with monkeypatch.context() as patch:
        patch.setattr(health, "rebuild", failing)
        with pytest.raises(driver().OperationalError):
            agents.migrate_legacy()
    assert mail("SELECT count(*) FROM messages") == [(0,)]
    assert mail("SELECT count(*) FROM conduit_meta WHERE key LIKE 'legacy:%'") == [(0,)]
    assert digest(path) == before
    assert agents.migrate_legacy().status == "resumed"
    assert mail("SELECT count(*) FROM messages") == [(2,)]


@SPLIT
def test_a_file_that_changes_meanwhile_keeps_its_name(
    project: Path, cleo_app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = older.small(project)
    agents = cleo_app.service("agents")
    mark = journal.Journal.mark

    def marked(self: journal.Journal, step: str, **more: Any) -> None:
        mark(self, step, **more)
        if step == "messages":
            add(path, "agents", agent(9, "late"))

    monkeypatch.setattr(journal.Journal, "mark", marked)
    with pytest.raises(CleoError) as error:
        agents.migrate_legacy()
    assert error.value.exit == 54
    assert "changed" in error.value.message
    assert path.exists()
    monkeypatch.undo()


def test_the_service_says_what_it_did_in_json_ready_values(project: Path, cleo_app: Any) -> None:
    older.small(project)
    with cleo_app.dry_running():
        planned = cleo_app.service("agents").migrate_legacy()
    assert json.dumps(planned.counts)
    assert planned.bak_path is None


def test_a_registry_that_lies_in_the_project_is_no_older_file(project: Path, cleo_cli: Cli) -> None:
    env = {"CLEO_HOME": str(project / ".cleo")}
    assert cleo_cli("agent", "register", "ann", "--no-attach", env=env).code == 0
    assert (project / ".cleo" / "signaldock.db").exists()
    assert cleo_cli("agent", "list", "--global", env=env).warnings == []
    for words in (("--dry-run",), ()):
        done = cleo_cli("agent", "migrate-legacy", *words, env=env)
        assert done.data["status"] == "nothing"
    assert len(cleo_cli("agent", "list", "--global", env=env).data["agents"]) == 1


def test_a_rollback_spares_agents_that_other_projects_see(
    project: Path, cleo_cli: Cli, cleo_app: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older.small(project)
    cleo_cli("agent", "migrate-legacy")
    second = tmp_path / "second"
    second.mkdir()
    cleo_cli("init", "second", cwd=second)
    cleo_cli("agent", "attach", "bob", cwd=second)
    app = type(cleo_app)
    has, give = app.has_service, app.service

    class Nexus:
        def projects(self) -> list[dict[str, str]]:
            return [{"path": str(second), "id": "second"}]

    monkeypatch.setattr(app, "has_service", lambda self, name: name == "nexus" or has(self, name))
    monkeypatch.setattr(
        app, "service", lambda self, name: Nexus() if name == "nexus" else give(self, name)
    )
    error = cleo_cli("agent", "migrate-legacy", "--rollback").error
    assert (error["exit"], str(second) in error["message"]) == (6, True)
    assert mail("SELECT count(*) FROM messages") == [(2,)]


def test_doctor_names_the_older_file(project: Path, cleo_cli: Cli) -> None:
    older.small(project)
    outcome = cleo_cli("doctor", "--only", "signaldock.legacy")
    assert "migrate-legacy" in outcome.out
    cleo_cli("agent", "migrate-legacy")
    assert "migrate-legacy" not in cleo_cli("doctor", "--only", "signaldock.legacy").out


def test_hostile_values_end_in_rows_or_in_one_clear_error(
    project: Path, cleo_cli: Cli, cleo_app: Any
) -> None:
    path = older.make(project)
    deep = "[" * 5000 + "]" * 5000
    add(
        path,
        "agents",
        agent(
            1,
            "ann",
            name="\x00" * 300,
            description=b"\xff\xfe",
            payment_config=deep,
            transport_config='{"apiToken": "planted", "pollIntervalMs": 5}',
            api_base_url="https://me:planted@x.org/a",
            created_at=10**18,
            updated_at="nonsense",
            messages_sent=-4,
            is_active="true",
            status="flying",
            owner_id="nobody",
        ),
        agent(2, "bob", api_key_encrypted="no key at all"),
    )
    add(path, "conversations", conversation(1, participants='{"a": 1}'))
    add(path, "messages", message(1, 1, "ann", "bob", metadata=deep, reply_to=uuid(1, "m")))
    outcome = cleo_cli("agent", "migrate-legacy")
    assert outcome.data["reauth"] == ["bob"]
    assert {"agents.transport_config.apiToken", "agents.api_base_url"} <= {
        one["table"] for one in outcome.data["dropped"]
    }
    (ann,) = cleo_cli("agent", "get", "ann").data["agents"]
    assert ann["transport"] == {
        "type": "http",
        "baseUrl": "https://x.org/a",
        "config": {"pollIntervalMs": 5},
    }
    assert (
        b"planted" not in (Path(holding.files(cleo_app).directory) / "signaldock.db").read_bytes()
    )
    assert mail("SELECT count(*) FROM messages") == [(1,)]
