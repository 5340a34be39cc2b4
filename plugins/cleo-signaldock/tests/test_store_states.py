"""The store by its state, on both databases: absent, behind, ahead, foreign, and who makes it."""

from __future__ import annotations

import dataclasses
import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cleo_core import hookimpl
from cleo_core.app import open_app
from cleo_core.database import connect_for_copy
from cleo_core.errors import CleoError
from cleo_core.testing.fixtures import CLEO
from cleo_signaldock import api, migrations, plugin
from cleo_signaldock.api import DATABASE_VARIABLE, STORE
from cleo_signaldock.postgres import migrating

on_both = pytest.mark.parametrize("backend", ["sqlite", "postgresql"], indirect=True)
on_postgres = pytest.mark.parametrize("backend", ["postgresql"], indirect=True)

NEXT = """
from cleo_core.migrate import execute

revision = "signaldock_0002"
down_revision = "signaldock_0001"
branch_labels = None
depends_on = None


def upgrade():
    execute("INSERT INTO signaldock_meta (key, value) VALUES ('next', :now)")
"""
VERSION = "UPDATE alembic_version_signaldock SET version_num = '{}'"
REVISION = "SELECT version_num FROM alembic_version_signaldock"


class Place:
    """Where the store is, seen past the program."""

    def __init__(self, path: Path | None, url: str) -> None:
        self.path = path
        self.url = url

    def execute(self, sql: str) -> list[Any]:
        """Run a statement; gives its rows."""
        if self.path is not None:
            lite = connect_for_copy(str(self.path))
            try:
                return [tuple(row) for row in lite.execute(sql).fetchall()]
            finally:
                lite.close()
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as server:
            answer = server.execute(sql.encode())
            return answer.fetchall() if answer.description else []

    def is_empty(self) -> bool:
        """Whether nothing at all was made there."""
        if self.path is not None:
            return not self.path.exists()
        made = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        return self.execute(made) == []


@pytest.fixture
def place(
    backend: str, cleo_project: Path, cleo_home: Path, request: Any, monkeypatch: Any
) -> Place:
    """A project beside a store that is absent."""
    if backend == "sqlite":
        (path,) = cleo_home.rglob("signaldock.db")
        path.unlink()
        return Place(path, "")
    url = request.getfixturevalue("empty_postgres")()
    monkeypatch.setenv(DATABASE_VARIABLE, url)
    return Place(None, url)


@pytest.fixture
def at_head(backend: str, cleo_project: Path, cleo_home: Path, request: Any) -> Iterator[Place]:
    """A project beside a store with an agent, in the database that other tests use too."""
    with open_app() as app:
        app.service("agents").register("a1")
    if backend == "sqlite":
        (path,) = cleo_home.rglob("signaldock.db")
        yield Place(path, "")
        return
    place = Place(None, request.getfixturevalue("postgres_url"))
    yield place
    place.execute("DELETE FROM alembic_version_signaldock")
    place.execute(f"INSERT INTO alembic_version_signaldock VALUES ('{STORE.head}')")


@pytest.fixture
def newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Let the program have one more migration, with the given text."""

    def make(text: str = NEXT) -> None:
        package = tmp_path / "packages" / "signaldock_next"
        shutil.copytree(Path(str(migrations.__file__)).parent, package, dirs_exist_ok=True)
        (package / "versions" / "signaldock_0002_next.py").write_text(text)
        monkeypatch.syspath_prepend(str(package.parent))
        spec = dataclasses.replace(STORE, head="signaldock_0002", migrations="signaldock_next")
        monkeypatch.setattr(api, "STORE", spec)

    yield make
    for name in [one for one in sys.modules if one.split(".")[0] == "signaldock_next"]:
        del sys.modules[name]


def shown(cleo_cli: Any) -> tuple[str, str | None]:
    """State and revision as ``cleo stores`` tells them."""
    row = cleo_cli("stores", "signaldock").data
    return row["state"], row["revision"]


def listed(cleo_cli: Any) -> list[str]:
    """The ids of all agents."""
    found = cleo_cli("agent", "list", "--global").data
    return [row["agentId"] for row in (found["agents"] if isinstance(found, dict) else found)]


@on_both
@pytest.mark.guarantee(
    "signaldock-15",
    "Reading an empty database, or a dry run on it, shows nothing and makes nothing there.",
)
def test_reads_and_dry_runs_leave_an_empty_database_empty(
    cleo_cli: Any, place: Place, cleo_home: Path, frozen_bytes: Any
) -> None:
    with frozen_bytes(cleo_home):
        _look_and_rehearse(cleo_cli, place)
    assert place.is_empty()
    assert shown(cleo_cli) == ("absent", None)


def _look_and_rehearse(cleo_cli: Any, place: Place) -> None:
    assert shown(cleo_cli) == ("absent", None)
    assert listed(cleo_cli) == []
    assert cleo_cli("agent", "show", "a1").code == 4
    assert cleo_cli("agent", "register", "a1", "--dry-run").code == 0
    assert cleo_cli("agent", "register", "a1", "--no-attach", "--dry-run").code == 0
    for words in ((), ("--check",), ("--dry-run",)):
        assert cleo_cli("migrate", *words).data == []
    assert cleo_cli("reconcile").code == 0
    (would,) = cleo_cli("init", "--dry-run").data["created"]
    assert would.startswith("signaldock.db" if place.path else "postgresql://")
    checks = cleo_cli("doctor", "--only", "store.state").data["checks"]
    assert [one["status"] for one in checks if one.get("store") == "signaldock"] == ["ok"]


@on_both
def test_the_first_command_that_writes_makes_the_store(cleo_cli: Any, place: Place) -> None:
    assert cleo_cli("agent", "register", "a1").code == 0
    assert shown(cleo_cli) == ("head", STORE.head)
    assert listed(cleo_cli) == ["a1"]
    assert place.execute("SELECT count(*) FROM skills") == [(36,)]


@on_both
def test_init_makes_the_store_once(cleo_cli: Any, place: Place) -> None:
    first, second = cleo_cli("init").data, cleo_cli("init").data
    assert (first["changed"], second["changed"]) == (True, False)
    assert {"name": "signaldock", "state": "head"} in first["stores"]
    assert second["stores"] == first["stores"]
    assert len(first["created"]) == 1
    assert place.execute(REVISION) == [(STORE.head,)]


@on_both
def test_one_app_reads_nothing_then_writes_then_reads(place: Place) -> None:
    with open_app() as app:
        agents = app.service("agents")
        assert list(agents.list(everywhere=True)[0]) == []
        with app.dry_running():
            agents.register("a1")
        assert place.is_empty()
        assert app.exists("agent", ["a1"]) == {"a1": None}
        agents.register("a1")
        assert [one.agent_id for one in agents.list(everywhere=True)[0]] == ["a1"]
        assert app.exists("agent", ["a1", "a2"]) == {"a1": True, "a2": False}


@on_both
@pytest.mark.guarantee(
    "signaldock-15", "Of many commands that write first, one makes the store and none fails."
)
def test_many_first_writers_at_once_end_well(
    cleo_cli: Any, place: Place, cleo_processes: Any
) -> None:
    names = [f"a{number}" for number in range(4)]
    for status, out, err in cleo_processes([[*CLEO, "agent", "register", name] for name in names]):
        assert status == 0, out + err
    assert sorted(listed(cleo_cli)) == names
    assert place.execute(REVISION) == [(STORE.head,)]
    assert place.execute("SELECT count(*) FROM skills") == [(36,)]


@on_postgres
def test_a_first_writer_that_is_killed_leaves_an_empty_database_or_the_store(
    cleo_cli: Any, place: Place, cleo_processes: Any
) -> None:
    argvs = [[*CLEO, "agent", "register", f"a{number}"] for number in range(4)]
    cleo_processes(argvs, kill=4, within=0.8, seed=3)
    assert shown(cleo_cli)[0] in ("absent", "head")
    assert cleo_cli("agent", "register", "afterwards").code == 0
    assert place.execute(REVISION) == [(STORE.head,)]
    assert place.execute("SELECT count(*) FROM skills") == [(36,)]


@on_postgres
def test_who_waits_too_long_for_another_that_makes_the_store_is_told(
    cleo_cli: Any, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    hurried = migrating.PATIENCE.replace("30000", "50")
    assert hurried != migrating.PATIENCE
    monkeypatch.setattr(migrating, "PATIENCE", hurried)
    with psycopg.connect(place.url) as other:
        other.execute(f"SELECT pg_advisory_xact_lock({STORE.application_id})".encode())
        refused = cleo_cli("agent", "register", "a1").error
        assert (refused["code"], refused["exit"]) == ("E_WRITE_CONTENTION", 7)
        assert shown(cleo_cli) == ("absent", None)
        assert listed(cleo_cli) == []
    assert cleo_cli("agent", "register", "a1").code == 0


@on_both
@pytest.mark.guarantee(
    "signaldock-15", "A database that is behind is migrated first, and refused where that is asked."
)
def test_one_that_is_behind_is_refused_or_migrated(
    cleo_cli: Any, at_head: Place, newer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer()
    assert shown(cleo_cli) == ("behind", "signaldock_0001")
    (planned,) = cleo_cli("migrate", "--dry-run").data
    assert (planned["store"], planned["from"]) == ("signaldock", "signaldock_0001")
    assert planned["steps"] == ["signaldock_0002"]
    refused = cleo_cli("migrate", "--check").error
    assert (refused["code"], refused["exit"]) == ("E_STORE_BEHIND", 50)
    assert cleo_cli("agent", "register", "a2", "--dry-run").code == 50
    for words in (("register", "a2"), ("list", "--global")):
        refused = cleo_cli("agent", *words, env={"CLEO_MIGRATE": "refuse"}).error
        assert (refused["exit"], refused["fix"]) == (50, "cleo migrate --store signaldock")
        assert cleo_cli("agent", *words, env={"CLEO_MIGRATE": "never"}).code == 8
    assert at_head.execute(REVISION) == [("signaldock_0001",)]

    assert listed(cleo_cli) == ["a1"]
    assert shown(cleo_cli) == ("head", "signaldock_0002")
    assert at_head.execute("SELECT count(*) FROM signaldock_meta WHERE key = 'next'") == [(1,)]
    assert cleo_cli("migrate").data == []


@on_both
def test_migrate_reports_what_it_did_and_tells_the_plugins(
    cleo_cli: Any, at_head: Place, newer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []

    @hookimpl(wrapper=True)
    def cleo_migrate_store(spec: Any, plan: Any) -> Iterator[None]:
        told.append((spec.name, plan.from_revision, plan.steps))
        report = yield
        told.append(report.steps)
        return report

    @hookimpl
    def cleo_store_migrated(spec: Any, report: Any) -> None:
        told.append((spec.name, report.to_revision))

    newer()
    for hook in (cleo_migrate_store, cleo_store_migrated):
        monkeypatch.setattr(plugin, hook.__name__, hook, raising=False)
    (done,) = cleo_cli("migrate").data
    assert (done["from"], done["to"]) == ("signaldock_0001", "signaldock_0002")
    assert done["steps"] == ["signaldock_0002"]
    # A server's database is copied by who keeps the server.
    assert (done["snapshot"] is None) == (at_head.path is None)
    assert told == [
        ("signaldock", "signaldock_0001", ("signaldock_0002",)),
        ("signaldock_0002",),
        ("signaldock", "signaldock_0002"),
    ]
    assert listed(cleo_cli) == ["a1"]


@on_both
@pytest.mark.parametrize("culprit", ["statement", "result", "wrapper"])
def test_a_migration_that_fails_leaves_everything_as_it_was(
    cleo_cli: Any, at_head: Place, newer: Any, culprit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    @hookimpl(wrapper=True)
    def cleo_migrate_store() -> Iterator[None]:
        yield
        raise CleoError("E_VALIDATION", "the wrapper minds")

    if culprit == "wrapper":
        monkeypatch.setattr(plugin, "cleo_migrate_store", cleo_migrate_store, raising=False)
    more = {
        "statement": "    execute('INSERT INTO nowhere (a) VALUES (1)')\n",
        "result": "    execute(\"DELETE FROM signaldock_meta WHERE key = 'store'\")\n"
        if at_head.path is None
        else "    execute('CREATE TABLE more (a TEXT)')\n",
        "wrapper": "",
    }
    newer(NEXT + more[culprit])
    for words in (("migrate",), ("agent", "list", "--global")):
        refused = cleo_cli(*words).error
        assert (refused["code"], refused["exit"]) == ("E_MIGRATION_FAILED", 54)
        word = {"statement": "nowhere", "wrapper": "the wrapper minds"}.get(culprit, "result")
        assert word in refused["message"]
        assert "INSERT" not in refused["message"]
    assert at_head.execute(REVISION) == [("signaldock_0001",)]
    assert at_head.execute("SELECT count(*) FROM signaldock_meta WHERE key = 'next'") == [(0,)]
    if culprit != "wrapper":
        newer()
        assert listed(cleo_cli) == ["a1"]


@on_both
def test_of_many_that_migrate_at_once_one_does(cleo_cli: Any, at_head: Place, newer: Any) -> None:
    newer()

    def migrate(_: int) -> tuple[str, ...]:
        with open_app() as app:
            steps: tuple[str, ...] = app.migrate(app.stores.spec("signaldock")).steps
            return steps

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(migrate, range(4)))
    assert sorted(done) == [(), (), (), ("signaldock_0002",)]
    assert at_head.execute("SELECT count(*) FROM signaldock_meta WHERE key = 'next'") == [(1,)]


@on_postgres
def test_the_sql_of_a_server_is_not_shown_in_the_words_of_sqlite(
    cleo_cli: Any, at_head: Place, newer: Any
) -> None:
    newer()
    refused = cleo_cli("migrate", "--sql").error
    assert (refused["exit"], refused["fix"]) == (2, "cleo migrate --dry-run --store signaldock")


@on_both
@pytest.mark.parametrize(
    ("change", "state", "exit_code"),
    [
        (VERSION.format("signaldock_9999"), "ahead", 51),
        (VERSION.format("other_0001"), "foreign", 52),
        (VERSION.format("signaldock_0000"), "behind", 52),
        ("INSERT INTO alembic_version_signaldock VALUES ('signaldock_0000')", "broken", 53),
        ("DELETE FROM alembic_version_signaldock", "broken", 53),
    ],
)
def test_what_is_not_this_store_is_refused_by_every_command(
    cleo_cli: Any, at_head: Place, change: str, state: str, exit_code: int
) -> None:
    at_head.execute(change)
    before = at_head.execute(REVISION)
    assert shown(cleo_cli)[0] == state
    for words in (("list", "--global"), ("register", "a2"), ("register", "a2", "--dry-run")):
        refused = cleo_cli("agent", *words).error
        # What no migration leads on from is found out only where one is to run.
        rehearsed = state == "behind" and "--dry-run" in words
        assert refused["exit"] == (50 if rehearsed else exit_code), refused
    assert cleo_cli("migrate", "--dry-run").code == exit_code
    assert cleo_cli("init").code == (0 if state == "behind" else exit_code)
    assert (at_head.execute(REVISION), at_head.execute("SELECT agent_id FROM agents")) == (
        before,
        [("a1",)],
    )


@on_postgres
@pytest.mark.guarantee(
    "signaldock-15", "The database of something else is refused (exit 52) and left alone."
)
@pytest.mark.parametrize(
    "theirs",
    ["CREATE TABLE theirs (a BIGINT)", "CREATE VIEW theirs AS SELECT 1", "CREATE SEQUENCE theirs"],
)
def test_the_database_of_something_else_is_left_alone(
    cleo_cli: Any, place: Place, theirs: str
) -> None:
    place.execute(theirs)
    assert shown(cleo_cli) == ("foreign", None)
    for words in (
        ("agent", "list", "--global"),
        ("agent", "register", "a1"),
        ("agent", "register", "a1", "--dry-run"),
        ("migrate",),
        ("init",),
    ):
        refused = cleo_cli(*words).error
        assert (refused["code"], refused["exit"]) == ("E_STORE_FOREIGN", 52), words
    assert place.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    ) == [("theirs",)]
    checks = cleo_cli("doctor", "--only", "store.state").envelope
    assert "It was left untouched" in str(checks)


@on_postgres
def test_a_user_who_may_make_nothing_reads_nothing_and_is_told(
    cleo_cli: Any, place: Place, monkeypatch: pytest.MonkeyPatch, request: Any
) -> None:
    place.execute("DROP ROLE IF EXISTS cleo_reader")
    place.execute("CREATE ROLE cleo_reader")
    request.addfinalizer(lambda: place.execute("DROP OWNED BY cleo_reader; DROP ROLE cleo_reader"))
    place.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    sign = "&" if "?" in place.url else "?"
    monkeypatch.setenv(DATABASE_VARIABLE, f"{place.url}{sign}options=-c%20role%3Dcleo_reader")
    assert listed(cleo_cli) == []
    refused = cleo_cli("agent", "register", "a1").error
    assert (refused["code"], refused["exit"]) == ("E_PERMISSION_FS", 3)
    assert place.is_empty()
    assert shown(cleo_cli) == ("absent", None)


@on_postgres
def test_looking_at_the_state_leaves_an_open_transaction_as_it_was(place: Place) -> None:
    from cleo_signaldock.postgres.store import PostgresStore

    store = PostgresStore(place.url, STORE.name)
    try:
        with store.write(dry_run=True) as tx:
            tx.execute("CREATE TABLE mine (a BIGINT)")
            assert store.store_state(STORE).state == "foreign"
            assert store.scalar("SELECT count(*) FROM mine") == 0
        assert store.store_state(STORE).state == "absent"
        assert store.create_store(STORE) is True
        assert store.create_store(STORE) is False
        assert store.migrate_store(STORE, lambda *_: pytest.fail("nothing is behind")) is None
        with store.snapshot():
            assert store.store_state(STORE).state == "head"
    finally:
        store.close()
