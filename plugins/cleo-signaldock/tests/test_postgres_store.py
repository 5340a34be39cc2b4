"""The store on a server: opened, made, refused, and known to the rest of the program."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from cleo_core.database import driver
from cleo_core.errors import CleoError
from cleo_signaldock.api import DATABASE_VARIABLE, STORE
from cleo_signaldock.postgres import open_store
from cleo_signaldock.postgres.database import PostgresDatabase
from cleo_signaldock.postgres.migrating import found, opened

AT = "2026-03-25T14:30:15.000Z"
PUT = (
    "INSERT INTO signaldock_meta (key, value) VALUES (:key, :value) "
    "ON CONFLICT (key) DO UPDATE SET value = excluded.value"
)
GET = "SELECT value FROM signaldock_meta WHERE key = :key"


@pytest.fixture
def server(both: Any) -> PostgresDatabase:
    """The store on PostgreSQL, open."""
    database: PostgresDatabase = both[1]
    return database


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:secret-word@h/d",
        "postgresql+psycopg2://u:secret-word@h/d",
        "sqlite:///secret-word.db",
        "secret-word",
        "secret-word://x",
        "postgresql://u:secret-word@h:port/d",
    ],
)
@pytest.mark.guarantee("signaldock-22", "An address of another database fails before it is used.")
def test_another_address_is_refused_at_once_without_its_password(url: str) -> None:
    with pytest.raises(CleoError) as error:
        open_store(STORE, "x", {DATABASE_VARIABLE: url})
    assert (error.value.code, error.value.exit) == ("E_CONFIG", 8)
    assert "secret-word" not in f"{error.value} {error.value.fix} {error.value.details}".replace(
        "'secret-word'", "" if url.startswith("secret") else "secret-word"
    )


@pytest.mark.parametrize(
    ("rest", "exit_code", "words"),
    [
        ("127.0.0.1:1/d", 3, "nothing listens there"),
        ("nowhere.invalid/d", 3, "its name is not known"),
        ("127.0.0.1:1/d?no_such_option=1", 8, "option that is not known"),
    ],
)
def test_a_server_that_does_not_answer_is_told_apart(rest: str, exit_code: int, words: str) -> None:
    with pytest.raises(CleoError) as error:
        PostgresDatabase(f"postgresql://u:secret-word@{rest}", "signaldock")
    assert (error.value.exit, words in error.value.message) == (exit_code, True), error.value
    shown = f"{error.value} {error.value.fix} {error.value.details} {error.value.__cause__}"
    assert "secret-word" not in shown


def test_a_missing_driver_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(CleoError) as error:
        open_store(STORE, "x", {DATABASE_VARIABLE: "postgresql://u@h/d"})
    assert (error.value.code, error.value.exit) == ("E_EXTRA_MISSING", 5)
    assert error.value.fix == "pip install 'cleo-signaldock[postgres]'"


def test_without_the_variable_nothing_of_postgresql_is_imported(
    cleo_cli: Any, cleo_project: Path, cleo_processes: Any
) -> None:
    code = (
        "import sys; from cleo_core.app import open_app; a = open_app(); "
        "a.service('agents').list(everywhere=True); "
        "print([n for n in sys.modules if n.split('.')[0] in ('sqlalchemy', 'psycopg', 'alembic')])"
    )
    ((status, out, err),) = cleo_processes([[sys.executable, "-c", code]])
    assert (status, out.strip()) == (0, "[]"), err


def test_an_empty_database_is_made_the_store_by_one_of_many(empty_postgres: Any) -> None:
    url = empty_postgres()
    failed: list[BaseException] = []

    def first() -> None:
        try:
            opened(STORE, url, env={}).close()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=first) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    database = opened(STORE, url, env={})
    assert database.scalar("SELECT count(*) FROM alembic_version_signaldock") == 1
    assert database.scalar("SELECT count(*) FROM skills") == 36
    assert STORE.kinds["agent"] in database.tables()
    database.close()


def test_what_is_not_the_store_is_refused_and_left_alone(empty_postgres: Any) -> None:
    url = empty_postgres()
    database = PostgresDatabase(url, "signaldock")
    database.connection.execute("CREATE TABLE theirs (a BIGINT)")
    assert found(database, STORE).state == "foreign"
    with pytest.raises(CleoError) as error:
        opened(STORE, url, env={})
    assert (error.value.code, error.value.exit) == ("E_STORE_FOREIGN", 52)
    assert database.tables() == {"theirs"}
    database.connection.execute("DROP TABLE theirs")
    database.close()

    opened(STORE, url, env={}).close()
    database = PostgresDatabase(url, "signaldock")
    for change, exit_code in (
        ("UPDATE alembic_version_signaldock SET version_num = 'signaldock_9999'", 51),
        ("UPDATE alembic_version_signaldock SET version_num = 'other_0001'", 52),
        ("UPDATE alembic_version_signaldock SET version_num = 'signaldock_0001'", 0),
        ("DELETE FROM signaldock_meta WHERE key = 'store'", 52),
        ("UPDATE signaldock_meta SET key = 'store', value = 'x' WHERE key = 'key_generation'", 52),
        ("DELETE FROM alembic_version_signaldock", 53),
    ):
        database.connection.execute(change)
        try:
            opened(STORE, url, env={}).close()
            code = 0
        except CleoError as refused:
            code = refused.exit
        assert code == exit_code, change
    database.close()


def test_a_database_that_is_behind_is_migrated_under_the_lock(
    empty_postgres: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dataclasses
    import shutil

    from cleo_signaldock import migrations

    url = empty_postgres()
    opened(STORE, url, env={}).close()
    package = tmp_path / "next_migrations"
    shutil.copytree(Path(str(migrations.__file__)).parent, package)
    (package / "versions" / "signaldock_0002_more.py").write_text(
        "from cleo_core.migrate import execute\n"
        "revision = 'signaldock_0002'\ndown_revision = 'signaldock_0001'\n"
        "branch_labels = None\ndepends_on = None\n\n\n"
        "def upgrade():\n"
        "    execute('CREATE TABLE more (at TEXT)')\n"
        "    execute('INSERT INTO more (at) VALUES (:now)')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    spec = dataclasses.replace(STORE, head="signaldock_0002", migrations="next_migrations")
    with pytest.raises(CleoError) as error:
        opened(spec, url, env={"CLEO_MIGRATE": "refuse"})
    assert (error.value.code, error.value.exit) == ("E_STORE_BEHIND", 50)
    for _ in range(2):
        database = opened(spec, url, env={})
        assert database.scalar("SELECT count(*) FROM more") == 1
        assert found(database, spec).revision == "signaldock_0002"
        database.close()
    with pytest.raises(CleoError) as error:
        opened(STORE, url, env={})
    assert error.value.exit == 51


def test_a_unit_commits_rolls_back_and_rehearses(server: PostgresDatabase) -> None:
    server.unit(lambda tx: tx.execute(PUT, key="a", value="1"))
    server.unit(lambda tx: tx.execute(PUT, key="a", value="2"), dry_run=True)
    with pytest.raises(ZeroDivisionError):
        server.unit(lambda tx: tx.execute(PUT, key="a", value="3") / 0)
    assert server.scalar(GET, key="a") == "1"
    rows = [{"key": f"k{n}", "value": str(n)} for n in range(3)]
    assert server.unit(lambda tx: tx.executemany(PUT, rows)) == 3
    assert server.unit(lambda tx: tx.executemany(PUT, ())) == 0
    with server.snapshot() as seen:
        listed = list(seen.iterate("SELECT key FROM signaldock_meta WHERE key > 'j' ORDER BY key"))
    assert ("k2",) in listed
    assert not server.connection.in_transaction
    assert server.one(GET, key="none") is None


@pytest.mark.guarantee(
    "signaldock-15", "A service sees the same errors and values, whichever database it works on."
)
def test_errors_and_values_are_the_same_on_both(both: Any) -> None:
    user = "0191d7a0-0000-7000-8000-00000000000{}"
    insert = (
        "INSERT INTO users (id, email, name, slug, email_verified, created_at, updated_at) "
        "VALUES (:id, :email, :name, :slug, :verified, :now, :now)"
    )
    tried = [
        {"id": user.format(1), "email": "A@x", "name": "a", "slug": None, "verified": True},
        {"id": user.format(2), "email": "a@X", "name": "a", "slug": "s", "verified": 0},
        {"id": user.format(2), "email": "b@x", "name": None, "slug": "s", "verified": 0},
        {"id": user.format(2), "email": "b@x", "name": "b", "slug": None, "verified": 7},
        {"id": user.format(1), "email": "c@x", "name": "b", "slug": None, "verified": 0},
        {"id": user.format(2), "email": "b@x", "name": "b", "slug": None, "verified": 0},
        {"id": "no uuid", "email": "d@x", "name": "b", "slug": None, "verified": 0},
    ]
    answers: list[list[Any]] = []
    for database in both:
        seen: list[Any] = []
        for values in tried:
            try:
                seen.append(database.unit(lambda tx, v=values: tx.execute(insert, now=AT, **v)))
            except driver().IntegrityError as error:
                seen.append(str(error))
        seen.append(database.read("SELECT id, slug, email_verified FROM users ORDER BY email"))
        seen.append(database.one("SELECT sum(version) AS a, count(*) AS b FROM agents"))
        seen.append(database.scalar("SELECT sum(email_verified) FROM users"))
        answers.append(seen)
    assert answers[0] == answers[1]
    assert sum(isinstance(one, str) for one in answers[0]) == 5


@pytest.mark.guarantee("signaldock-15", "Text sorts bytewise, and rows go with their owner.")
def test_order_and_cascades_are_the_same_on_both(both: Any) -> None:
    insert = "INSERT INTO sync_cursors (base_url, user_id, updated_at) VALUES (:url, 'u', :now)"
    for database in both:
        rows = [{"url": text, "now": AT} for text in ("b", "B", "a", "ä", "_", "Z", "é", "~")]
        database.unit(lambda tx, r=rows: tx.executemany(insert, r))
    lite, server = both
    sql = "SELECT base_url FROM sync_cursors ORDER BY base_url"
    assert lite.read(sql) == server.read(sql)

    user, team, boss, one = (f"0191d7a0-0000-7000-8000-0000000000a{n}" for n in range(4))
    for database in both:
        database.unit(lambda tx: _people(tx, user, team, boss, one))
        database.unit(lambda tx: tx.execute("DELETE FROM agents WHERE agent_id = 'boss'"))
        database.unit(lambda tx: tx.execute("DELETE FROM users WHERE id = :id", id=user))
    for sql in (
        "SELECT agent_id, owner_id, organization_id, reports_to FROM agents",
        "SELECT id, owner_id FROM organization",
        "SELECT count(*) AS n FROM agent_skills",
        "SELECT count(*) AS n FROM organization_members",
        "SELECT count(*) AS n FROM sync_feed",
    ):
        assert lite.read(sql) == server.read(sql), sql
    assert server.read("SELECT agent_id, owner_id, reports_to FROM agents") == [
        {"agent_id": "one", "owner_id": None, "reports_to": None}
    ]
    assert server.scalar("SELECT count(*) FROM agent_skills") == 0


def _people(tx: Any, user: str, team: str, boss: str, one: str) -> None:
    tx.execute(
        "INSERT INTO users (id, email, name, created_at, updated_at) "
        "VALUES (:id, 'a@b', 'n', :now, :now)",
        id=user,
        now=AT,
    )
    tx.execute(
        "INSERT INTO organization (id, name, owner_id, created_at, updated_at) "
        "VALUES (:id, 'n', :user, :now, :now)",
        id=team,
        user=user,
        now=AT,
    )
    tx.execute(
        "INSERT INTO organization_members (organization_id, user_id, joined_at) "
        "VALUES (:team, :user, :now)",
        team=team,
        user=user,
        now=AT,
    )
    tx.execute(
        "INSERT INTO sync_feed (owner_id, seq, agent_id, op, version, doc, created_at) "
        "VALUES (:user, 1, 'one', 'upsert', 1, '{}', :now)",
        user=user,
        now=AT,
    )
    for id_, agent_id, above in ((boss, "boss", None), (one, "one", "boss")):
        tx.execute(
            "INSERT INTO agents (id, agent_id, name, owner_id, organization_id, reports_to, "
            "created_at, updated_at) "
            "VALUES (:id, :agent_id, 'n', :user, :team, :above, :now, :now)",
            id=id_,
            agent_id=agent_id,
            user=user,
            team=team,
            above=above,
            now=AT,
        )
    tx.execute(
        "INSERT INTO agent_skills (agent_id, skill_id, attached_at) "
        "VALUES ('boss', 'skl_go', :now)",
        now=AT,
    )


def test_a_deadlock_runs_the_unit_again_and_ends_with_exit_7(
    server: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    monkeypatch.setattr("cleo_core.database.BUSY_WAITS", (0.0, 0.0, 0.0, 0.0))
    runs: list[int] = []
    error = "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END $$"

    def body(tx: Any, times: int) -> int:
        runs.append(1)
        tx.execute(PUT, key="runs", value=str(len(runs)))
        if len(runs) <= times:
            tx.execute(error)
        return len(runs)

    assert server.unit(lambda tx: body(tx, 4)) == 5
    assert server.scalar(GET, key="runs") == "5"
    runs.clear()
    with pytest.raises(CleoError) as refused:
        server.unit(lambda tx: body(tx, 9))
    assert (refused.value.exit, len(runs)) == (7, 5)
    assert isinstance(refused.value.__cause__, psycopg.Error)
    assert server.scalar(GET, key="runs") == "5"


def test_a_connection_that_was_ended_is_made_anew(both: Any) -> None:
    _, server = both
    other = PostgresDatabase(server._engine.url.render_as_string(False), "signaldock")
    mine = server.scalar("SELECT pg_backend_pid()")
    other.scalar("SELECT pg_terminate_backend(CAST(:pid AS integer))", pid=mine)
    server.unit(lambda tx: tx.execute(PUT, key="after", value="1"))
    assert other.scalar(GET, key="after") == "1"
    other.close()


def test_a_value_that_no_text_can_hold_is_refused(server: PostgresDatabase) -> None:
    with pytest.raises(CleoError) as error:
        server.unit(lambda tx: tx.execute(PUT, key="nul", value="a\0b"))
    assert (error.value.code, error.value.exit) == ("E_VALIDATION", 6)
    assert server.scalar(GET, key="nul") is None


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_the_rest_of_the_program_knows_that_the_store_is_elsewhere(
    cleo_cli: Any, cleo_project: Path, cleo_home: Path
) -> None:
    assert cleo_cli("agent", "register", "a1").code == 0
    row = next(one for one in _rows(cleo_cli("stores").data) if one["name"] == "signaldock")
    assert (row["state"], row["rows"]["agents"]) == ("head", 1)
    assert row["path"].startswith("postgresql://")
    assert cleo_cli("agent", "register", "a2", "--dry-run").code == 0
    listed = cleo_cli("agent", "list", "--global").out
    assert '"agentId": "a1"' in listed
    assert '"agentId": "a2"' not in listed
    for words in (("migrate", "--dry-run"), ("reconcile",)):
        assert cleo_cli(*words).code == 0, words
    assert "sqlite_master" not in cleo_cli("doctor").out
    assert not list(cleo_home.rglob("signaldock.db"))


def _rows(data: Any) -> list[Any]:
    return list(data["stores"] if isinstance(data, dict) else data)
