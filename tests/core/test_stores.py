"""Stores: six states, what each allows, and how a file comes to be."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_core import database
from cleo_core.app import App, open_app
from cleo_core.database import connect_for_copy
from cleo_core.errors import CleoError, StoreError
from cleo_core.paths.files import give_name
from cleo_core.testing import Outcome, Processes
from cleo_core.testing.fixtures import CLEO

Cli = Callable[..., Outcome]

ADD, LIST = ("add", "another title"), ("list",)


def on_file(path: Path, *statements: str) -> None:
    """Change a file behind the program's back and leave no journal beside it."""
    connection = connect_for_copy(str(path))
    try:
        for statement in statements:
            connection.execute(statement)
    finally:
        connection.close()


def in_version_table(value: str) -> str:
    return f"UPDATE alembic_version_tasks SET version_num = '{value}'"


def no_file(path: Path) -> None:
    path.unlink()


def empty_file(path: Path) -> None:
    path.write_bytes(b"")


def empty_beside_a_log(path: Path) -> None:
    path.write_bytes(b"")
    path.with_name("tasks.db-wal").write_bytes(b"a log of what the file held")


def a_text(path: Path) -> None:
    path.write_text("these are not the tasks you are looking for\n" * 99)


def a_short_header(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:60])


def only_a_header(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def half_a_file(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20_000])


def zeroed_schema(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[100:4096] = bytes(3996)
    path.write_bytes(content)


def a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_dangling_link(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name("nowhere.db"))


def another_program(path: Path) -> None:
    path.unlink()
    on_new_file(path, "PRAGMA application_id=1196444487", "CREATE TABLE geo (id)")


def no_application_id(path: Path) -> None:
    path.unlink()
    on_new_file(path, "CREATE TABLE tasks (id TEXT)", "INSERT INTO tasks VALUES ('mine')")


def on_new_file(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def sql(*statements: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        on_file(path, *statements)

    return change


#: What happened to tasks.db -> its state, the exit of reading and that of writing.
STATES: list[tuple[Callable[[Path], None], str, int, int]] = [
    (lambda path: None, "head", 0, 0),
    (no_file, "absent", 0, 0),
    (empty_file, "absent", 0, 0),
    (sql(in_version_table("tasks_9999")), "ahead", 51, 51),
    (another_program, "foreign", 52, 52),
    (no_application_id, "foreign", 52, 52),
    (sql(in_version_table("boxes_0001")), "foreign", 52, 52),
    (sql(in_version_table("a4c1d2e3f4a5")), "foreign", 52, 52),
    (sql("PRAGMA application_id=7"), "foreign", 52, 52),
    (sql("PRAGMA application_id=0"), "foreign", 52, 52),
    (sql("INSERT INTO alembic_version_tasks VALUES ('tasks_0000')"), "broken", 53, 53),
    (sql("DELETE FROM alembic_version_tasks"), "broken", 53, 53),
    (sql("DROP TABLE alembic_version_tasks"), "broken", 53, 53),
    (empty_beside_a_log, "broken", 53, 53),
    (a_text, "broken", 53, 53),
    (a_short_header, "broken", 53, 53),
    (only_a_header, "broken", 53, 53),
    (half_a_file, "broken", 53, 53),
    (zeroed_schema, "broken", 53, 53),
    (a_directory, "broken", 3, 3),
    (a_dangling_link, "broken", 53, 53),
]
IDS = [getattr(change, "__name__", "sql") + f"-{state}" for change, state, *_ in STATES]


@pytest.fixture
def tasks_file(cleo_project: Path) -> Path:
    return cleo_project / ".cleo" / "tasks.db"


@pytest.fixture(params=["default", "stdlib"])
def either_driver(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """pysqlite3 where it is installed, and the standard library's sqlite3."""
    monkeypatch.setattr(database.drivers, "_driver", sqlite3 if request.param == "stdlib" else None)
    return database.driver()


class TestStates:
    @pytest.mark.guarantee(
        "operations-14", "A file with two version rows or none is called damaged, and left alone."
    )
    @pytest.mark.parametrize(("change", "state", "reading", "writing"), STATES, ids=IDS)
    def test_each_state_is_known_and_allows_what_it_may(
        self,
        cleo_cli: Cli,
        tasks_file: Path,
        frozen_bytes: Any,
        either_driver: Any,
        change: Callable[[Path], None],
        state: str,
        reading: int,
        writing: int,
        cleo_home: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        assert cleo_cli("add", "a title").code == 0
        change(tasks_file)
        # Where the system fails, that is logged.
        monkeypatch.setenv("CLEO_LOG_FILE", str(cleo_home / "cleo.log"))
        with frozen_bytes(tasks_file.parent):
            shown = cleo_cli("stores", "tasks").data
            assert shown["state"] == state
            assert (shown["head"], shown["path"]) == ("tasks_0001", str(tasks_file))
            assert bool(shown.get("detail")) == (state in ("foreign", "broken"))
            read = cleo_cli(*LIST)
            assert read.code == reading, repr(read)
            if writing:
                written = cleo_cli(*ADD)
                assert written.code == writing, repr(written)
                assert cleo_cli("init").code == writing
        if writing:
            assert written.error["details"]["store"] == "tasks"
            assert str(tasks_file) in written.error["message"]
            assert written.error["fix"]
            assert "Traceback" not in written.err
        else:
            titles = [row["title"] for row in read.data]
            assert titles == (["a title"] if state == "head" else [])
            assert cleo_cli(*ADD).code == 0
            assert cleo_cli("stores", "tasks").data["state"] == "head"

    @pytest.mark.parametrize(
        ("revision", "state"),
        [("boxes_0001", "behind"), ("boxes_0002", "head"), ("boxes_0003", "ahead")],
    )
    def test_the_number_of_the_revision_tells_behind_from_ahead(
        self, site: Any, cleo_cli: Cli, revision: str, state: str
    ) -> None:
        site.store("boxes", kind="box")
        assert cleo_cli("init").code == 0
        path = Path(".cleo/boxes.db")
        on_file(path, f"UPDATE alembic_version_boxes SET version_num = '{revision}'")
        assert cleo_cli("stores", "boxes").data["state"] == state
        read = cleo_cli("boxes", "list", env={"CLEO_MIGRATE": "refuse"})
        assert read.code == {"behind": 50, "head": 0, "ahead": 51}[state], repr(read)
        if state == "behind":
            assert read.error["fix"] == "cleo migrate --store boxes"

    @pytest.mark.parametrize(
        ("statement", "fact"),
        [
            ("DROP TABLE sticky", "the table sticky is missing"),
            ("ALTER TABLE boxes DROP COLUMN label", "the column boxes.label is missing"),
        ],
    )
    @pytest.mark.guarantee(
        "operations-14", "A store that lacks a table or a column says which, and how to restore."
    )
    def test_a_half_made_schema_is_named_when_a_command_meets_it(
        self, site: Any, cleo_cli: Cli, statement: str, fact: str
    ) -> None:
        site.store("boxes", kind="box")
        site.store("sticky", kind="note")
        assert cleo_cli("init").code == 0
        store = "sticky" if "sticky" in statement else "boxes"
        on_file(Path(f".cleo/{store}.db"), statement)
        for words in (("list",), ("add", "x1")):
            outcome = cleo_cli(store, *words)
            assert outcome.error["code"] == "E_STORE_CORRUPT", repr(outcome)
            assert fact in outcome.error["message"]
            assert outcome.error["fix"] == f"cleo restore latest --store {store}"

    def test_a_header_with_a_schema_format_that_sqlite_never_wrote_is_damage(
        self, site: Any, cleo_cli: Cli
    ) -> None:
        site.store("boxes", kind="box")
        assert cleo_cli("init").code == 0
        with open(".cleo/boxes.db", "r+b") as file:
            file.seek(44)
            file.write(b"\0\0\0\5")
        outcome = cleo_cli("boxes", "list")
        assert outcome.error["code"] == "E_STORE_CORRUPT", repr(outcome)

    @settings(
        max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(data=st.data())
    def test_whatever_the_bytes_are_the_file_is_refused_or_read_and_never_touched(
        self, cleo_app: App, frozen_bytes: Any, data: st.DataObject
    ) -> None:
        spec = cleo_app.stores.spec("tasks")
        path = Path(cleo_app.stores.path(spec))
        sound = path.with_name("sound")
        if not sound.exists():
            shutil.copyfile(path, sound)
        content = bytearray(sound.read_bytes())
        for _ in range(data.draw(st.integers(1, 3), label="places")):
            at = data.draw(st.integers(0, 4200), label="at")
            patch = data.draw(st.binary(min_size=1, max_size=40), label="bytes")
            content[at : at + len(patch)] = patch
        path.write_bytes(content[: data.draw(st.sampled_from([len(content), 3000, 90, 1]))])
        with frozen_bytes(path.parent):
            state = cleo_app.stores.state(spec)
            assert state.state in ("head", "behind", "ahead", "foreign", "broken")
            if state.state in ("foreign", "broken"):
                assert state.detail
                with pytest.raises(CleoError) as caught:
                    cleo_app.store("tasks")
                assert caught.value.exit in (52, 53)


class TestOtherStoresFiles:
    @pytest.mark.guarantee(
        "operations-09", "A store's file under another store's name is refused and left untouched."
    )
    @pytest.mark.parametrize("opened", ["tasks", "boxes", "atlas"])
    @pytest.mark.parametrize("file_of", ["tasks", "boxes", "atlas"])
    def test_a_file_under_anothers_name_is_refused_and_untouched(
        self,
        site: Any,
        cleo_cli: Cli,
        cleo_home: Path,
        frozen_bytes: Any,
        file_of: str,
        opened: str,
    ) -> None:
        site.store("boxes", kind="box")
        site.store("atlas", kind="map", tier="global")
        assert cleo_cli("init").code == 0
        paths = {row["name"]: Path(row["path"]) for row in cleo_cli("stores").data}
        assert len(paths) == 3
        if file_of != opened:
            shutil.copyfile(paths[file_of], paths[opened])
        verbs = {"tasks": (LIST, ADD)}.get(
            opened, ((opened, "list"), (opened, "add", "x1", "--label", "x"))
        )
        if file_of == opened:
            assert [cleo_cli(*verb).code for verb in verbs] == [0, 0]
            return
        with frozen_bytes(cleo_home):
            for verb in verbs:
                error = cleo_cli(*verb).error
                assert error["code"] == "E_STORE_FOREIGN"
                assert error["exit"] == 52
                assert str(paths[opened]) in error["message"]
                assert error["fix"] == f"cleo stores {opened}"
            assert cleo_cli("init").code == 52
            assert cleo_cli("stores", opened).data["state"] == "foreign"


class TestAbsent:
    @pytest.mark.guarantee(
        "operations-10", "Asking for help, versions, settings or state creates no file at all."
    )
    @pytest.mark.parametrize(
        ("words", "code"),
        [
            (("--help",), 0),
            (("-h",), 0),
            ((), 0),
            (("--version",), 0),
            (("version",), 0),
            (("plugins",), 0),
            (("plugins", "tasks"), 0),
            (("stores",), 0),
            (("stores", "atlas"), 0),
            (("migrate", "--check"), 0),
            (("config", "list"), 0),
            (("config", "get", "agent.id"), 0),
            (("config", "path"), 0),
            (("config", "validate"), 0),
            (("completion", "bash"), 0),
            (("atlas", "list", "--help"), 0),
            (("init", "--help"), 0),
            (("init", "--dry-run"), 0),
            (("list",), 3),
            (("show", "T001"), 3),
            (("add", "a title"), 3),
            (("no-such-command",), 2),
            (("list", "--no-such-option"), 2),
        ],
    )
    def test_on_an_empty_machine_nothing_appears(
        self, site: Any, cleo_cli: Cli, cleo_home: Path, words: tuple[str, ...], code: int
    ) -> None:
        site.store("atlas", kind="map", tier="global")
        before = everything_below(cleo_home, site)
        outcome = cleo_cli(*words)
        assert outcome.code == code, repr(outcome)
        assert everything_below(cleo_home, site) == before

    @pytest.mark.guarantee(
        "operations-10", "Reading a store that is not there gives an empty answer and no file."
    )
    @pytest.mark.parametrize(
        ("words", "code"),
        [
            (("list",), 0),
            (("exists", "T001"), 4),
            (("show", "T001"), 4),
            (("boxes", "list"), 0),
            (("atlas", "list"), 0),
            (("stores",), 0),
        ],
    )
    def test_absent_stores_read_as_empty_and_stay_absent(
        self, site: Any, cleo_cli: Cli, cleo_home: Path, words: tuple[str, ...], code: int
    ) -> None:
        assert cleo_cli("init").code == 0
        Path(".cleo/tasks.db").unlink()
        site.store("boxes", kind="box")
        site.store("atlas", kind="map", tier="global")
        before = everything_below(cleo_home, site)
        outcome = cleo_cli(*words)
        assert outcome.code == code, repr(outcome)
        if words[-1] == "list":
            assert (outcome.data, outcome.page["total"]) == ([], 0)
        assert everything_below(cleo_home, site) == before

    def test_an_empty_answer_can_use_what_the_plugin_adds_to_connections(
        self, site: Any, cleo_cli: Cli
    ) -> None:
        site.store("boxes", kind="box", more=OPENED.format(name="boxes"))
        assert cleo_cli("init").code == 0
        Path(".cleo/boxes.db").unlink()
        with open_app() as app:
            assert app.store("boxes").scalar("SELECT shout('a')") == "A"
            app.service("boxes").add("x1")
            assert app.store("boxes").scalar("SELECT shout(id) FROM boxes") == "X1"

    def test_a_dry_run_on_an_absent_store_gives_the_answer_and_no_file(
        self, cleo_cli: Cli, tasks_file: Path
    ) -> None:
        tasks_file.unlink()
        outcome = cleo_cli("add", "a title", "--dry-run")
        assert outcome.data["created"]
        assert not tasks_file.exists()

    def test_after_reading_as_empty_the_same_app_can_write(
        self, cleo_app: App, tasks_file: Path
    ) -> None:
        tasks_file.unlink()
        tasks = cleo_app.service("tasks")
        assert tasks.list()[0] == []
        tasks.add("the first")
        assert [row.title for row in tasks.list()[0]] == ["the first"]
        assert tasks_file.exists()


class TestAhead:
    @pytest.mark.guarantee(
        "operations-11",
        "A file made by a newer version is not written: the error names the package.",
    )
    def test_writing_a_newer_file_names_the_package_that_is_needed(
        self, cleo_cli: Cli, tasks_file: Path, frozen_bytes: Any
    ) -> None:
        on_file(tasks_file, in_version_table("tasks_0002"))
        with frozen_bytes(tasks_file.parent):
            for words in (ADD, LIST, ("show", "T001"), ("migrate",)):
                error = cleo_cli(*words).error
                assert (error["code"], error["exit"]) == ("E_STORE_AHEAD", 51)
                assert error["fix"] == "pip install --upgrade cleo-tasks"
                assert "tasks_0002" in error["message"]
                assert "tasks_0001" in error["message"]
            assert cleo_cli("stores").code == 0

    @pytest.mark.guarantee("operations-11", "A file made by a newer version can be backed up.")
    def test_a_newer_file_can_be_backed_up(self, cleo_app: App, tasks_file: Path) -> None:
        on_file(tasks_file, in_version_table("tasks_0002"))
        made = cleo_app.backup_before("test", ["tasks"])
        assert made is not None
        (copy,) = Path(made).rglob("tasks.db")
        connection = sqlite3.connect(copy)
        try:
            rows = connection.execute("SELECT version_num FROM alembic_version_tasks").fetchall()
        finally:
            connection.close()
        assert rows == [("tasks_0002",)]

    def test_a_copy_has_the_functions_that_checks_call(self, site: Any, cleo_cli: Cli) -> None:
        site.store("boxes", kind="box", more=OPENED.format(name="boxes"))
        assert cleo_cli("init").code == 0
        connection = connect_for_copy(".cleo/boxes.db")
        connection.create_function("shout", 1, str.upper)
        connection.execute("CREATE TABLE signs (a TEXT CHECK (shout(a) = a)) STRICT")
        connection.execute("INSERT INTO signs VALUES ('STOP')")
        connection.close()
        with open_app() as app:
            made = app.backup_before("before-test", ["boxes"])
        assert made is not None
        assert (Path(made) / "boxes.db").exists()

    def test_old_sets_go_as_configured(self, cleo_app: App, cleo_clock: Any) -> None:
        for key, number in (("last", "2"), ("daily", "0"), ("before", "1")):
            cleo_app.config.set(f"backup.keep_{key}", number, "project")
        made = []
        for reason in ("before-one", "before-two", "three", "four"):
            cleo_clock.advance(1)
            made.append(cleo_app.backup_before(reason, ["tasks"]))
        backups = Path(cleo_app.project.directory) / "backups"
        assert sorted(map(str, backups.iterdir())) == made[1:]

    def test_a_fresh_set_spares_the_next_one(self, cleo_app: App, cleo_clock: Any) -> None:
        assert cleo_app.backup_before("session-end", ["tasks"], debounced=True)
        cleo_clock.advance(29)
        assert cleo_app.backup_before("session-end", ["tasks"], debounced=True) is None
        assert cleo_app.backup_before("before-test", ["tasks"])
        cleo_clock.advance(31)
        assert cleo_app.backup_before("session-end", ["tasks"], debounced=True)
        cleo_clock.advance(-3600)
        assert cleo_app.backup_before("session-end", ["tasks"], debounced=True)

    def test_a_verb_that_says_so_may_read_a_newer_file(self, site: Any, cleo_cli: Cli) -> None:
        site.store("boxes", kind="box", any_revision=("boxes list",))
        assert cleo_cli("init").code == 0
        assert cleo_cli("boxes", "add", "x1").code == 0
        on_file(Path(".cleo/boxes.db"), "UPDATE alembic_version_boxes SET version_num='boxes_0005'")
        assert [row["id"] for row in cleo_cli("boxes", "list").data] == ["x1"]
        assert cleo_cli("boxes", "add", "x2").code == 51


class TestCreation:
    def test_a_file_is_made_with_its_id_its_journal_mode_and_nobody_elses_eyes(
        self, cleo_cli: Cli, cleo_home: Path, site: Any, either_driver: Any
    ) -> None:
        site.store("atlas", kind="map", tier="global")
        before = os.umask(0)
        try:
            assert cleo_cli("init").code == 0
            with open_app() as app:
                app.service("atlas").add("x1")
                app.service("tasks").add("a title")
                sidecars = [*cleo_home.rglob("*.db-wal"), *cleo_home.rglob("*.db-shm")]
                assert len(sidecars) == 4
                modes = {stat.S_IMODE(path.stat().st_mode) for path in sidecars}
        finally:
            os.umask(before)
        data = cleo_home / "home" / "data" / "cleo"
        files = [Path(".cleo/tasks.db"), data / "atlas.db"]
        assert modes | {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
        folders = [Path(".cleo"), Path(".cleo/locks"), data, data / "locks"]
        assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}
        header = files[0].read_bytes()[:100]
        assert header[68:72] == b"CLTK"
        assert header[18:20] == b"\2\2", "the file is in WAL mode from its first byte on"
        assert sorted(path.name for path in Path(".cleo").iterdir()) == [
            *(".gitignore", "audit", "config.json", "locks", "project-info.json", "tasks.db"),
        ]

    @pytest.mark.parametrize(
        ("create", "after_init", "after_write"),
        [("init", True, 0), ("on_demand", False, 0), ("explicit", False, 3)],
    )
    def test_a_store_is_made_when_its_declaration_says(
        self, site: Any, cleo_cli: Cli, create: str, after_init: bool, after_write: int
    ) -> None:
        site.store("boxes", kind="box", create=create)
        assert cleo_cli("init").code == 0
        path = Path(".cleo/boxes.db")
        assert path.exists() == after_init
        written = cleo_cli("boxes", "add", "x1")
        assert written.code == after_write, repr(written)
        assert path.exists() == (after_write == 0)

    def test_a_store_of_its_plugins_own_is_never_migrated_on_the_way(
        self, site: Any, cleo_cli: Cli, frozen_bytes: Any
    ) -> None:
        site.store("boxes", kind="box", create="explicit")
        assert cleo_cli("init").code == 0
        with open_app() as app:
            app.stores.create(app.stores.spec("boxes"))
            app.service("boxes").add("x1")
        path = Path(".cleo/boxes.db")
        on_file(path, "UPDATE alembic_version_boxes SET version_num = 'boxes_0001'")
        with frozen_bytes(path.parent):
            assert cleo_cli("boxes", "list").code == 50
            assert cleo_cli("boxes", "add", "x2").code == 50
            assert cleo_cli("migrate").data == []

    @pytest.mark.parametrize("driver", ["auto", "stdlib"])
    def test_eight_processes_that_need_an_absent_store_all_find_the_same_one(
        self, cleo_processes: Processes, tasks_file: Path, cleo_cli: Cli, driver: str
    ) -> None:
        tasks_file.unlink()
        results = cleo_processes(
            [[*CLEO, "add", f"title {number}"] for number in range(8)],
            env={"CLEO_SQLITE": driver},
        )
        assert [code for code, _, _ in results] == [0] * 8, results
        titles = {row["title"] for row in cleo_cli("list").data}
        assert titles == {f"title {number}" for number in range(8)}
        assert leftovers(tasks_file) == []

    def test_the_loser_of_a_race_keeps_the_winners_file(self, cleo_app: App) -> None:
        spec = cleo_app.stores.spec("tasks")
        path = Path(cleo_app.stores.path(spec))
        before = path.read_bytes()
        assert cleo_app.stores.create(spec) is False
        assert path.read_bytes() == before
        assert leftovers(path) == []

    @pytest.mark.parametrize("change", [empty_beside_a_log, a_text, another_program])
    def test_creating_never_replaces_a_file_that_holds_anything(
        self, cleo_app: App, frozen_bytes: Any, change: Callable[[Path], None]
    ) -> None:
        spec = cleo_app.stores.spec("tasks")
        path = Path(cleo_app.stores.path(spec))
        change(path)
        with frozen_bytes(path.parent):
            assert cleo_app.stores.create(spec) is False

    @pytest.mark.parametrize("code", ["EPERM", "ENOTSUP", "EMLINK", "ENOSYS"])
    def test_without_hard_links_a_file_is_made_all_the_same_and_never_replaced(
        self, cleo_app: App, monkeypatch: pytest.MonkeyPatch, code: str
    ) -> None:
        def refused(*_: Any) -> None:
            raise OSError(getattr(errno, code), "no links here")

        monkeypatch.setattr(os, "link", refused)
        spec = cleo_app.stores.spec("tasks")
        path = Path(cleo_app.stores.path(spec))
        path.unlink()
        assert cleo_app.stores.create(spec) is True
        assert cleo_app.stores.state(spec).state == "head"
        assert cleo_app.stores.create(spec) is False
        assert leftovers(path) == []
        other = path.with_name("other")
        other.write_text("of another process")
        assert give_name(str(other), str(path)) is False
        assert cleo_app.stores.state(spec).state == "head"

    def test_a_directory_that_cannot_be_synced_is_none_the_worse(
        self, cleo_app: App, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fsync = os.fsync

        def refused(descriptor: int) -> None:
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                raise OSError(errno.EINVAL, "not for directories")
            fsync(descriptor)

        spec = cleo_app.stores.spec("tasks")
        Path(cleo_app.stores.path(spec)).unlink()
        monkeypatch.setattr(os, "fsync", refused)
        assert cleo_app.stores.create(spec) is True

    def test_an_old_log_is_not_replayed_into_a_new_file(
        self, cleo_cli: Cli, tasks_file: Path
    ) -> None:
        """The rows of a database that somebody removed would come back into a strange one."""
        with open_app() as app:
            app.service("tasks").add("of the file that is gone")
            log = Path(f"{tasks_file}-wal").read_bytes()
        assert len(log) > 4096
        tasks_file.unlink()
        Path(f"{tasks_file}-wal").write_bytes(log)
        outcome = cleo_cli("add", "of the new file")
        assert outcome.data["task"]["id"] == "T001"
        assert [one["code"] for one in outcome.warnings] == ["W_SIDECAR_QUARANTINED"]
        assert [row["title"] for row in cleo_cli("list").data] == ["of the new file"]
        (kept,) = (tasks_file.parent / "quarantine").rglob("tasks.db-wal")
        assert kept.read_bytes() == log
        assert "quarantine" in (tasks_file.parent / "audit" / "overrides.jsonl").read_text()

    def test_a_kill_at_any_step_of_creation_leaves_the_next_command_unharmed(
        self, kill_at_every_step: Any, left_behind: Any, cleo_cli: Cli, tasks_file: Path
    ) -> None:
        tasks_file.unlink()
        shutil.copytree(tasks_file.parent, "kept")

        def reset() -> None:
            shutil.rmtree(tasks_file.parent)
            shutil.copytree("kept", tasks_file.parent)

        steps = 0
        seen: set[Any] = set()
        for killed in kill_at_every_step(["add", "interrupted"], reset):
            steps += 1
            if (left := left_behind()) in seen:
                continue
            seen.add(left)
            state = cleo_cli("stores", "tasks").data["state"]
            assert state in ("absent", "head"), killed
            titles = [row["title"] for row in cleo_cli("list").data]
            assert titles in ([], ["interrupted"]), killed
            assert cleo_cli("add", "afterwards").code == 0, killed
            assert [row["title"] for row in cleo_cli("list").data] == [*titles, "afterwards"]
        assert steps > 10
        assert len(seen) > 5

    def test_a_plugin_may_open_its_store_elsewhere(self, site: Any, cleo_cli: Cli) -> None:
        site.store("boxes", kind="box", create="on_demand", more=ELSEWHERE)
        assert cleo_cli("init").code == 0
        with open_app() as app:
            boxes = app.service("boxes")
            assert boxes.list() == []
            boxes.add("x1")
            assert [row["id"] for row in boxes.list()] == ["x1"]
        assert not Path(".cleo/boxes.db").exists()

    def test_a_store_kept_elsewhere_has_no_file_anywhere(self, site: Any, cleo_cli: Cli) -> None:
        site.store("boxes", kind="box", more=ELSEWHERE + OPENED.format(name="boxes"))
        made = cleo_cli("init").data
        assert "boxes.db" not in made["created"] + made["kept"]
        assert {"name": "boxes", "state": "head"} in made["stores"]
        shown = cleo_cli("stores", "boxes").data
        assert (shown["path"], shown["state"], shown["bytes"]) == (":memory:", "head", 0)
        assert shown["rows"] == {"boxes": 0}
        assert cleo_cli("migrate").data == []
        with open_app() as app:
            spec = app.stores.spec("boxes")
            app.service("boxes").add("x1")
            assert app.stores.create(spec) is False
            assert app.migrate(spec).steps == ()
            assert app.stores.state(spec).path == ":memory:"
            assert app.backup_before("before-test", ["boxes"]) is None
            boxes = app.store("boxes")
            assert boxes.scalar("SELECT shout(id) FROM boxes") == "X1"
        assert boxes.connection is None
        assert not Path(".cleo/boxes.db").exists()
        assert not Path(".cleo/backups").exists()

    def test_a_store_kept_elsewhere_may_have_states_of_its_own(
        self, site: Any, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        site.store("boxes", kind="box", create="on_demand", more=STATES)
        place = Path("boxes.state").absolute()
        monkeypatch.setenv("BOXES", str(place))
        assert cleo_cli("init").code == 0
        place.write_text("absent ")
        assert cleo_cli("stores", "boxes").data["state"] == "absent"
        assert cleo_cli("boxes", "list").data == []
        assert cleo_cli("boxes", "add", "x1", "--dry-run").code == 0
        assert cleo_cli("migrate").data == []
        assert place.read_text() == "absent "
        assert cleo_cli("boxes", "add", "x1").code == 0
        assert place.read_text() == "head boxes_0002"

        place.write_text("behind boxes_0001")
        with open_app() as app:
            spec = app.stores.spec("boxes")
            assert app.stores.state(spec).state == "behind"
            assert app.stores.create(spec) is False
            done = app.migrate(spec)
            assert (done.from_revision, done.steps) == ("boxes_0001", ("by hand",))
            assert done.ms > 0
            assert app.migrate(spec).steps == ()
        assert place.read_text() == "head boxes_0002"
        for state, code in (("ahead boxes_0009", 51), ("foreign x", 52), ("broken x", 53)):
            place.write_text(state)
            for words in (("boxes", "list"), ("boxes", "add", "x2"), ("migrate", "--dry-run")):
                assert cleo_cli(*words).error["exit"] == code, (state, words)
            assert "backups" not in cleo_cli("boxes", "list").error["message"]
            with open_app() as app, pytest.raises(StoreError) as refused:
                app.migrate(app.stores.spec("boxes"))
            assert refused.value.exit == code
            assert place.read_text() == state
        assert not Path(".cleo/boxes.db").exists()

    def test_what_a_plugin_cannot_do_to_its_own_connection_stops_the_command(
        self, site: Any, cleo_cli: Cli
    ) -> None:
        site.store(
            "boxes", kind="box", more=OPENED.format(name="boxes") + "    raise OSError('no')"
        )
        site.store("atlas", kind="map")
        assert cleo_cli("init").code == 0
        owner = cleo_cli("boxes", "list")
        assert owner.code != 0
        assert "no" in owner.error["message"]
        other = cleo_cli("atlas", "list")
        assert other.data == []
        assert [one["code"] for one in other.warnings] == ["W_HOOK_FAILED"]


class TestListing:
    def test_a_busy_store_hides_no_other(
        self, site: Any, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        site.store("boxes", kind="box")
        assert cleo_cli("init").code == 0
        monkeypatch.setenv("CLEO_BUSY_TIMEOUT_MS", "1")
        other = connect_for_copy(".cleo/boxes.db")
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("INSERT INTO boxes (id) VALUES ('x1')")
        try:
            listed = {row["name"]: row for row in cleo_cli("stores").data}
        finally:
            other.close()
        assert listed["boxes"]["state"] == "unknown"
        assert listed["boxes"]["error"]["code"] == "E_WRITE_CONTENTION"
        assert (listed["tasks"]["state"], "error" in listed["tasks"]) == ("head", False)

    def test_a_plugin_that_fails_at_its_store_hides_no_other(
        self, site: Any, cleo_cli: Cli
    ) -> None:
        broken = OPENED.format(name="boxes") + "        raise OSError('no crane')"
        site.store("boxes", kind="box", more=broken)
        assert cleo_cli("init").code == 0
        listed = {row["name"]: row for row in cleo_cli("stores").data}
        assert (listed["boxes"]["state"], listed["boxes"]["rows"]) == ("head", None)
        assert listed["boxes"]["error"] == {"code": "E_UNEXPECTED", "message": "no crane"}
        assert "error" not in listed["tasks"]
        assert "no crane" in cleo_cli("stores", "--human").out

    def test_a_store_without_write_ahead_log_is_listed_as_it_is_opened(
        self, cleo_cli: Cli, tasks_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refused(*_: Any, **__: Any) -> None:
            raise StoreError("E_WAL_REFUSED", "no log here")

        monkeypatch.setattr(database, "require_wal", refused)
        (row,) = cleo_cli("stores").data
        assert (row["state"], row["error"]["code"]) == ("head", "E_WAL_REFUSED")

    def test_global_stores_are_migrated_before_those_of_the_project(
        self, site: Any, cleo_cli: Cli
    ) -> None:
        by_itself = "@hookimpl\ndef cleo_migrate_store(spec, connection, plan):\n    return None\n"
        site.store("atlas", kind="map", more=by_itself)
        site.store("zones", kind="zone", tier="global")
        assert cleo_cli("init").code == 0
        with open_app() as app:
            for name in ("atlas", "zones"):
                path = Path(app.stores.path(app.stores.spec(name)))
                on_file(path, f"UPDATE alembic_version_{name} SET version_num = '{name}_0001'")
        planned = cleo_cli("migrate", "--dry-run").data
        assert [row["store"] for row in planned] == ["zones", "atlas"]


OPENED = """
@hookimpl
def cleo_store_opened(spec, connection):
    if spec.name == "{name}":
        connection.create_function("shout", 1, str.upper)
"""

ELSEWHERE = """
@hookimpl
def cleo_open_store(spec, path):
    if spec.name == "boxes":
        from cleo_core.database import in_memory
        from PACKAGE.snapshot import STATEMENTS
        return in_memory("boxes", STATEMENTS, {})
"""


STATES = """
@hookimpl
def cleo_migrate_store(spec, connection, plan):
    if spec.name == "boxes":
        from dataclasses import replace
        from cleo_core.api import Report
        assert connection.in_transaction
        return Report("boxes", plan.from_revision, plan.to_revision, ("by hand",))

@hookimpl
def cleo_open_store(spec, path):
    if spec.name != "boxes":
        return None
    import os, pathlib
    from cleo_core.database import Database
    from cleo_core.states import StoreState
    from PACKAGE.snapshot import STATEMENTS
    place = pathlib.Path(os.environ["BOXES"])

    class Boxes(Database):
        def store_state(self, spec):
            state, revision = place.read_text().split(" ")
            return StoreState(spec, "boxes of mine", state, revision or None, "so it is")

        def create_store(self, spec):
            if self.store_state(spec).state != "absent":
                return False
            place.write_text("head " + spec.head)
            return True

        def migrate_store(self, spec, through):
            found = self.store_state(spec)
            if found.state != "behind":
                return None
            with self.write():
                report = through(self.connection, found.revision, None)
            place.write_text("head " + spec.head)
            return report

    made = Boxes(":memory:", "boxes")
    for statement in STATEMENTS:
        made.connection.execute(statement)
    return made
"""


def everything_below(root: Path, site: Any) -> set[Path]:
    return {path for path in root.rglob("*") if site.root not in (path, *path.parents)}


def leftovers(path: Path) -> list[str]:
    """Names beside a store's file that only its making used."""
    return [name.name for name in path.parent.iterdir() if name.name.startswith(f".{path.name}")]


@pytest.fixture(autouse=True)
def _driver_is_chosen_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database.drivers, "_driver", None)
