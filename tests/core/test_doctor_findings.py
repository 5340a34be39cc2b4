"""Projects that are broken in one way each: doctor names it, and mends what is safe to mend."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cleo_core import database
from cleo_core.database import connect_for_copy
from cleo_core.doctor import content, modes, plugins, records, sqlite, stores
from cleo_core.doctor import paths as doctor_paths
from cleo_core.doctor.scene import Scene
from cleo_core.locks import locked
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]

FOLDER = Path(".cleo")
STORE = FOLDER / "shelves.db"


@pytest.fixture(autouse=True)
def project(site: Any, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project with two small stores, shelves and boxes; boxes refer to shelves."""
    site.store("shelves", kind="shelf", more=FILES)
    site.store("boxes", kind="box", reference='"shelf", "keep", "null"')
    monkeypatch.setenv("CLEO_PLUGINS", "shelves,boxes")
    assert cleo_cli("init").code == 0


FILES = """
from dataclasses import replace

SPEC = replace(SPEC, files=(FileSpec("shelves.key", "project", secret=True, size=4),))
"""


@pytest.fixture
def look(cleo_cli: Cli) -> Callable[..., dict[str, Any]]:
    """Make one check: what it found, for the first store of which it is not ok."""

    def one(id: str, *words: str, env: dict[str, str] | None = None) -> dict[str, Any]:
        outcome = cleo_cli("doctor", "--only", id, *words, env=env)
        found = outcome.data if outcome.code == 0 else outcome.error["details"]
        assert outcome.code == (6 if found["status"] == "error" else 0)
        bad = [row for row in found["checks"] if row["status"] != "ok"]
        first: dict[str, Any] = (bad or found["checks"])[0]
        return first

    return one


def execute(*statements: str, store: str = "shelves") -> None:
    connection = connect_for_copy(f".cleo/{store}.db")
    for statement in statements:
        connection.execute(statement).fetchall()
    connection.close()


def big(path: Path, size: int) -> None:
    """A file that has a size and takes no room."""
    with path.open("ab") as file:
        file.truncate(size)


def old(path: Path, days: float = 2) -> None:
    then = time.time() - days * 86400
    os.utime(path, (then, then))


def fill(rows: int = 2000) -> None:
    execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
        f"{rows}) INSERT INTO shelves (id, label) SELECT 'shelf' || i, hex(randomblob(40)) FROM n",
        "PRAGMA wal_checkpoint(TRUNCATE)",
    )


def overwrite(offset: int, data: bytes) -> None:
    with STORE.open("r+b") as file:
        file.seek(offset)
        file.write(data)


class TestDamage:
    """What a store's file may be instead of a store."""

    @pytest.mark.guarantee(
        "operations-23",
        "Doctor names a corrupted header, a random page, a truncated file, swapped files and a "
        "foreign log, whatever the file's size.",
    )
    @pytest.mark.parametrize(
        ("damage", "check", "words"),
        [
            (lambda: overwrite(0, b"not SQLite here!"), "store.state", "not an SQLite database"),
            (lambda: overwrite(4096 * 3, os.urandom(4096)), "store.integrity", "damaged"),
            (lambda: os.truncate(STORE, STORE.stat().st_size // 2), "store.integrity", "damaged"),
            (lambda: os.truncate(STORE, 50), "store.state", "not an SQLite database"),
            (lambda: shutil.copy(FOLDER / "boxes.db", STORE), "store.state", "not a shelves store"),
            (lambda: foreign_log(), "store", "shelves"),
        ],
        ids=["header", "page", "half", "stump", "swapped", "log"],
    )
    def test_a_damaged_file_is_named(
        self,
        look: Any,
        frozen_bytes: Any,
        damage: Callable[[], object],
        check: str,
        words: str,
    ) -> None:
        fill()
        damage()
        with frozen_bytes(FOLDER):
            found = look(check)
        assert found["status"] == "error"
        assert found["store"] == "shelves"
        assert words in json.dumps(found)
        assert found["fix"].startswith(("cleo ", "ls "))
        assert found["fixable"] is False

    @pytest.mark.guarantee(
        "operations-14",
        "Two version rows, none, or a missing table make a store broken; doctor names the fact and "
        "repairs nothing, with --fix neither.",
    )
    @pytest.mark.parametrize(
        ("statement", "words"),
        [
            (
                "INSERT INTO alembic_version_shelves VALUES ('shelves_0001')",
                "holds 2 rows instead of one",
            ),
            ("DELETE FROM alembic_version_shelves", "holds no rows instead of one"),
            ("DROP TABLE alembic_version_shelves", "the table alembic_version_shelves is missing"),
        ],
    )
    def test_what_is_wrong_with_the_version_row_is_named_and_left(
        self, look: Any, frozen_bytes: Any, statement: str, words: str
    ) -> None:
        execute(statement)
        with frozen_bytes(FOLDER):
            found = look("store.state", "--fix")
        assert found["status"] == "error"
        assert words in found["message"]
        assert look("store.schema")["status"] == "unknown"

    def test_a_large_file_is_looked_at_table_by_table(
        self, look: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill()
        monkeypatch.setattr(content, "LARGE", 1000)
        found = look("store.integrity")
        assert (found["status"], found["details"]["parts"]) == ("ok", True)
        assert look("store.integrity", "--deep")["details"]["parts"] is False
        overwrite(4096 * 3, os.urandom(4096))
        assert look("store.integrity")["status"] == "error"

    def test_a_damaged_list_of_free_pages_is_found_in_a_large_file_too(
        self, look: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill()
        execute("DELETE FROM shelves", "PRAGMA wal_checkpoint(TRUNCATE)")
        overwrite(36, (7).to_bytes(4, "big"))
        for large in (content.LARGE, 1000):
            monkeypatch.setattr(content, "LARGE", large)
            found = look("store.integrity")
            assert (found["status"], "reelist" in found["message"]) == ("error", True), found

    @pytest.mark.parametrize(
        ("child", "values"),
        [
            ("parent TEXT REFERENCES shelves (id)", "('s1'), (NULL), ('gone'), ('gone')"),
            ("parent TEXT REFERENCES shelves", "('gone'), ('gone')"),
            ("parent TEXT COLLATE NOCASE REFERENCES shelves (id)", "('s1'), ('S1'), ('S1')"),
            ("parent REFERENCES shelves (id)", "('gone'), (1), ('s1')"),
            ("parent TEXT REFERENCES nobody (id)", "('s1'), ('gone')"),
            (
                "parent TEXT, label TEXT, FOREIGN KEY (parent, label) REFERENCES pairs (a, b)",
                "('a', 'b'), ('b', 'a'), ('a', NULL), ('x', 'y')",
            ),
            ("parent INTEGER REFERENCES numbers (n)", "(1), (NULL), (7), (7)"),
            ("id INTEGER PRIMARY KEY REFERENCES numbers (n)", "(1), (7), (8)"),
            ("id TEXT PRIMARY KEY REFERENCES shelves (id)", "('s1'), ('x'), ('y')"),
        ],
        ids=[
            *("plain", "implicit", "collation", "untyped", "no parent", "two columns"),
            *("number", "rowid", "key"),
        ],
    )
    def test_foreign_keys_of_every_kind_are_followed(
        self, look: Any, child: str, values: str
    ) -> None:
        execute(
            "INSERT INTO shelves (id) VALUES ('s1')",
            "CREATE TABLE pairs (a TEXT, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID",
            "INSERT INTO pairs VALUES ('a', 'b')",
            "CREATE TABLE numbers (n INTEGER UNIQUE)",
            "INSERT INTO numbers VALUES (1), (NULL)",
            f"CREATE TABLE child ({child})",
            f"INSERT INTO child VALUES {values}",
        )
        assert look("store.foreign_keys")["details"]["rows"] == 2

    @pytest.mark.parametrize(
        ("statement", "words"),
        [
            ("DROP TABLE idempotency_keys", "Table idempotency_keys is missing."),
            ("ALTER TABLE shelves ADD COLUMN more TEXT", "column more is not declared"),
            ("CREATE INDEX extra ON shelves (label)", "Index extra is not declared."),
        ],
    )
    def test_a_schema_that_drifted_is_named(self, look: Any, statement: str, words: str) -> None:
        execute(statement)
        found = look("store.schema")
        assert (found["status"], words in found["message"]) == ("error", True), found

    def test_rows_that_refer_to_nothing_in_the_same_file_are_counted(self, look: Any) -> None:
        execute(
            "CREATE TABLE child (parent TEXT REFERENCES shelves (id))",
            "INSERT INTO child VALUES ('gone'), ('gone too')",
        )
        found = look("store.foreign_keys")
        assert found["status"] == "error"
        assert found["details"] == {
            "rows": 2,
            "tables": [{"table": "child", "parent": "shelves", "rows": 2}],
        }

    def test_a_row_that_breaks_a_check_is_found_by_looking_deep(self, look: Any) -> None:
        execute(
            "PRAGMA ignore_check_constraints = ON", "INSERT INTO shelves (id, wanted) VALUES (1, 7)"
        )
        assert look("store.integrity")["status"] == "ok"
        found = look("store.integrity", "--deep")
        assert (found["status"], "CHECK" in found["message"]) == ("error", True)

    def test_a_store_that_cannot_be_read_is_not_called_damaged(self, look: Any) -> None:
        if os.getuid() == 0:
            STORE.unlink()
            STORE.mkdir()
            words = "Not a regular file"
        else:
            STORE.chmod(0)
            words = "Permission denied"
        found = look("store.state")
        assert (found["status"], words in found["message"]) == ("error", True), found
        assert look("store.integrity")["status"] == "unknown"


def foreign_log() -> None:
    """The log of another store beside this one's file."""
    connection = connect_for_copy(".cleo/boxes.db")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("UPDATE alembic_version_boxes SET version_num = 'boxes_0002'")
    for number in range(200):
        connection.execute(
            "INSERT INTO boxes (id, label) VALUES (?, hex(randomblob(900)))", (f"b{number}",)
        )
    shutil.copy(".cleo/boxes.db-wal", ".cleo/shelves.db-wal")
    connection.close()


class TestStores:
    def test_an_absent_store_of_init_is_missed(self, look: Any) -> None:
        STORE.unlink()
        found = look("store.state")
        assert (found["status"], found["fix"]) == ("warning", "cleo init")
        assert look("store.integrity")["status"] == "ok"

    def test_an_absent_store_that_has_a_copy_is_restored(self, look: Any, cleo_cli: Cli) -> None:
        execute("INSERT INTO shelves (id, label) VALUES ('s1', 'one')")
        assert cleo_cli("backup", "create").code == 0
        for path in FOLDER.glob("shelves.db*"):
            path.unlink()
        FOLDER.joinpath("shelves.db-wal").write_bytes(b"x" * 100)
        fix = "cleo restore latest --store shelves"
        found = look("store.state")
        assert (found["status"], found["fix"]) == ("error", fix)
        found = look("store.sidecars")
        assert (found["status"], found["fix"]) == ("warning", fix)
        assert cleo_cli(*fix.split()[1:], "--yes").code == 0
        assert look("store.state")["status"] == "ok"
        connection = connect_for_copy(str(STORE))
        assert connection.execute("SELECT id FROM shelves").fetchall() == [("s1",)]
        connection.close()
        assert look("store.sidecars")["status"] == "ok"

    def test_a_store_behind_waits_for_its_migration(self, look: Any) -> None:
        execute("UPDATE alembic_version_shelves SET version_num = 'shelves_0001'")
        assert look("store.state")["status"] == "info"
        found = look("migrate.pending")
        assert (found["status"], found["fix"]) == ("warning", "cleo migrate --store shelves")
        assert found["details"] == {"from": "shelves_0001", "to": "shelves_0002"}

    def test_a_file_that_is_not_in_wal_mode_is_named(self, look: Any, cleo_cli: Cli) -> None:
        execute("PRAGMA journal_mode = DELETE")
        found = look("store.pragmas")
        assert (found["status"], found["details"]["pragmas"]["journal_mode"]) == ("error", "delete")
        assert found["fix"] == "cleo config set database.allow_non_wal shelves --global"
        assert cleo_cli(*found["fix"].split()[1:]).code == 0
        assert look("store.pragmas")["status"] == "warning"

    def test_a_large_log_is_folded_in_where_nobody_uses_the_file(
        self, look: Any, cleo_app_here: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stores, "LARGE_LOG", 20_000)
        reader = connect_for_copy(str(STORE))
        reader.execute("SELECT count(*) FROM shelves").fetchone()
        execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) "
            "INSERT INTO shelves (id) SELECT 'shelf' || i FROM n"
        )
        found = look("store.wal")
        assert (found["status"], found["fixable"]) == ("warning", True)
        busy = look("store.wal", "--fix")
        assert busy["status"] == "warning"
        assert "Another process has" in busy["details"]["fixFailed"]
        keep_log(reader)
        mended = look("store.wal", "--fix")
        assert mended["status"] == "ok", mended
        assert not STORE.with_name("shelves.db-wal").exists()
        assert cleo_app_here.store("shelves").scalar("SELECT count(*) FROM shelves") == 900
        assert look("store.integrity")["status"] == "ok"

    def test_a_huge_log_is_an_error(self, look: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(stores, "HUGE_LOG", 200_000_000)
        big(FOLDER / "shelves.db-wal", 300_000_000)
        assert look("store.wal")["status"] == "error"

    def test_a_store_that_grew_much_since_its_copy_is_named(
        self, look: Any, cleo_app_here: Any
    ) -> None:
        assert look("store.size")["status"] == "ok"
        cleo_app_here.backup_before("trial", ["shelves"])
        fill(20_000)
        found = look("store.size")
        assert (found["status"], "times the size" in found["message"]) == ("warning", True)

    def test_a_store_over_a_gibibyte_is_named(self, look: Any) -> None:
        big(STORE, stores.LARGE_STORE + 4096)
        assert look("store.size")["status"] == "warning"

    def test_a_store_that_was_cut_to_nothing_is_named_as_lost_not_as_missing(
        self, look: Any
    ) -> None:
        for suffix in ("", "-wal", "-shm"):
            STORE.with_name(STORE.name + suffix).unlink(missing_ok=True)
        STORE.touch()
        found = look("store.state")
        assert found["status"] == "error"
        assert "holds nothing" in found["message"]
        assert found["fix"].startswith("ls -la ")
        assert "is store shelves, and is empty" in look("store.decoy")["message"]

    def test_a_log_without_its_database_is_named(self, look: Any) -> None:
        STORE.unlink()
        (FOLDER / "shelves.db-wal").write_bytes(b"x" * 100)
        found = look("store.sidecars")
        assert (found["status"], found["fix"]) == ("warning", "cleo init")

    def test_a_journal_beside_a_database_that_writes_none_is_named(self, look: Any) -> None:
        journal = STORE.with_name("shelves.db-journal").absolute()
        journal.write_bytes(os.urandom(600))
        found = look("store.sidecars")
        assert found["status"] == "warning"
        assert found["fix"] == f"mv {journal} {journal}.aside"
        subprocess.run(found["fix"].split(), check=True)
        assert look("store.sidecars")["status"] == "ok"

    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda: (FOLDER / "stray.db").touch(), "is empty"),
            (lambda: shutil.copy("/bin/ls", FOLDER / "stray.sqlite3"), "belongs to no installed"),
            (lambda: shutil.copy(STORE, FOLDER / "old.db"), "store shelves in the wrong place"),
            (lambda: shutil.copy(STORE, "elsewhere.db"), "store shelves in the wrong place"),
            (lambda: Path("shelves.db").touch(), "has the name of store shelves and is empty"),
        ],
    )
    def test_a_database_that_is_no_store_in_its_place_is_named(
        self, look: Any, make: Callable[[], object], words: str
    ) -> None:
        Path("own.db").write_text("the project's own, and none of CLEO's business")
        assert look("store.decoy")["status"] == "ok"
        make()
        found = look("store.decoy")
        assert (found["status"], words in found["message"]) == ("warning", True), found

    def test_an_audit_above_the_limit_is_named(self, look: Any, cleo_cli: Cli) -> None:
        execute(
            "CREATE TABLE shelves_audit_log (id INTEGER PRIMARY KEY)",
            "INSERT INTO shelves_audit_log VALUES (1), (2), (3)",
        )
        assert look("audit.size")["status"] == "ok"
        assert cleo_cli("config", "set", "audit.warn_rows", "2").code == 0
        found = look("audit.size")
        assert (found["status"], found["details"]["rows"]) == ("info", {"shelves_audit_log": 3})
        assert cleo_cli(*found["fix"].split()[1:]).code == 0
        assert look("audit.size")["status"] == "ok"

    @pytest.mark.parametrize(
        ("time", "status"),
        [
            ("2020-01-01T00:00:00.000Z", "ok"),
            ("2999-01-01T00:00:00.000Z", "warning"),
            ("tomorrow", "warning"),
        ],
    )
    def test_a_record_from_the_future_is_named(self, look: Any, time: str, status: str) -> None:
        execute(
            "ALTER TABLE shelves ADD COLUMN created_at TEXT",
            f"INSERT INTO shelves (id, created_at) VALUES ('s1', '{time}')",
        )
        assert look("clock")["status"] == status


@pytest.fixture
def cleo_app_here() -> Any:
    from cleo_core.app import open_app

    with open_app() as app:
        yield app


def keep_log(connection: Any) -> None:
    """Close the last connection without folding its log in."""
    held = connect_for_copy(str(STORE))
    kept = {path: path.read_bytes() for path in (STORE, STORE.with_name("shelves.db-wal"))}
    held.close()
    connection.close()
    for path, data in kept.items():
        path.write_bytes(data)


class TestFiles:
    def test_what_others_may_read_is_narrowed_and_nothing_else(self, look: Any) -> None:
        own = Path("own.txt")
        own.write_text("mine")
        adrs = FOLDER / "adrs"
        adrs.mkdir()
        (adrs / "0001.md").touch()
        wide = [FOLDER, STORE, FOLDER / "config.json", FOLDER / "locks"]
        before = {path: path.read_bytes() for path in wide if path.is_file()}
        for path in (*wide, own, adrs, adrs / "0001.md"):
            path.chmod(0o755)
        found = look("paths.mode")
        assert (found["status"], found["fixable"]) == ("warning", True)
        assert set(found["details"]["paths"]) == {str(path.absolute()) for path in wide}
        assert look("paths.mode", "--fix")["status"] == "ok"
        assert {path.stat().st_mode & 0o777 for path in wide} == {0o700}
        assert {path: path.read_bytes() for path in before} == before
        assert own.stat().st_mode & 0o777 == 0o755
        assert (adrs / "0001.md").stat().st_mode & 0o777 == 0o755
        (line,) = (FOLDER / "audit" / "overrides.jsonl").read_text().splitlines()
        assert json.loads(line)["check"] == "paths.mode"

    @pytest.mark.parametrize("has_path_descriptors", [True, False])
    def test_a_link_put_there_meanwhile_is_not_followed(
        self, look: Any, monkeypatch: pytest.MonkeyPatch, has_path_descriptors: bool
    ) -> None:
        victim = Path("victim")
        victim.write_text("somebody's")
        victim.chmod(0o644)
        wide = FOLDER / "config.json"
        wide.chmod(0o644)
        if not has_path_descriptors:
            monkeypatch.delattr(os, "O_PATH", raising=False)
        real = modes.check_test_root

        def too_late(path: str) -> None:
            real(path)
            if path.endswith("config.json") and not wide.is_symlink():
                wide.unlink()
                wide.symlink_to(victim.absolute())

        monkeypatch.setattr(modes, "check_test_root", too_late)
        found = look("paths.mode", "--fix")
        assert (found["status"], found["details"]["fixed"]) == ("ok", [])
        assert wide.is_symlink()
        assert victim.stat().st_mode & 0o777 == 0o644

    @pytest.mark.parametrize(
        ("spoil", "words", "fixable"),
        [
            (lambda key: key.chmod(0o640), "its mode is 0640", True),
            (lambda key: key.write_bytes(b"12345"), "5 bytes instead of 4", False),
            (lambda key: (key.unlink(), key.symlink_to("/dev/null")), "a symbolic link", False),
            (lambda key: (key.unlink(), key.mkdir()), "no regular file", False),
        ],
    )
    def test_a_secret_file_at_fault_is_named(
        self, look: Any, spoil: Callable[[Path], object], words: str, fixable: bool
    ) -> None:
        key = FOLDER / "shelves.key"
        key.write_bytes(b"1234")
        key.chmod(0o600)
        assert look("secrets.files")["status"] == "ok"
        spoil(key)
        found = look("secrets.files")
        assert (found["status"], found["fixable"]) == ("error", fixable)
        assert words in found["message"]
        mended = look("secrets.files", "--fix")
        assert mended["status"] == ("ok" if fixable else "error")
        if fixable:
            assert (key.stat().st_mode & 0o777, key.read_bytes()) == (0o600, b"1234")

    def test_temporaries_of_yesterday_are_removed_and_no_others(self, look: Any) -> None:
        names = {
            ".config.json.0123456789ab.tmp": True,
            ".shelves.db.4711.0a1b2c": True,
            ".shelves.db.4711.0a1b2c-wal": True,
            "logs/.cleo.log.0123456789ab.tmp": True,
            "backups/logs/.x.0123456789ab.partial": True,
            "notes.tmp": False,
            ".shelves.db.bak": False,
            "backups/kept.tmp": False,
        }
        for name in names:
            (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
            (FOLDER / name).write_text("left")
            old(FOLDER / name)
        fresh = FOLDER / ".config.json.ffffffffffff.tmp"
        fresh.touch()
        partial = FOLDER / "backups" / ".20200101T000000Z-001-manual.partial"
        partial.mkdir()
        (partial / "shelves.db").touch()
        old(partial / "shelves.db")
        old(partial)
        trial = FOLDER / ".bundle-trial.0123456789ab.tmp"
        trial.mkdir()
        (trial / "shelves.db").write_bytes(b"plain text of an encrypted bundle")
        old(trial)
        found = look("temp.stale")
        assert (found["status"], found["fixable"], len(found["details"]["files"])) == (
            "info",
            True,
            7,
        )
        assert look("temp.stale", "--fix")["status"] == "ok"
        assert {name: not (FOLDER / name).exists() for name in names} == names
        assert fresh.exists()
        assert not partial.exists()
        assert not trial.exists()

    def test_a_lock_that_is_held_is_named_with_its_holder(
        self, look: Any, frozen_bytes: Any
    ) -> None:
        assert look("locks.held")["status"] == "ok"
        with locked(str(FOLDER.absolute()), "shelves"):
            content = (FOLDER / "locks" / "shelves.lock").read_bytes()
            found = look("locks.held")
            assert (FOLDER / "locks" / "shelves.lock").read_bytes() == content
        assert found["status"] == "info"
        assert found["details"]["locks"][0]["lock"] == "shelves"
        assert found["fix"] == f"ps -p {os.getpid()}"
        assert look("locks.held")["status"] == "ok"

    def test_a_log_that_cannot_be_written_is_named(self, look: Any, cleo_home: Path) -> None:
        assert look("log.write")["status"] == "ok"
        found = look("log.write", env={"CLEO_LOG_FILE": str(cleo_home / "no" / "where" / "log")})
        assert found["status"] == "info"
        assert look("log.write", env={"CLEO_LOG_FILE": "relative"})["status"] == "info"
        (FOLDER / "logs").mkdir()
        (FOLDER / "logs" / "cleo.log").mkdir()
        assert look("log.write")["status"] == "info"
        assert not (cleo_home / "no").exists()

    def test_little_space_is_named(self, look: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=400_000_000))
        found = look("paths.space")
        assert (found["status"], found["fix"].startswith("df -h")) == ("warning", True)

    @pytest.mark.parametrize("what", ["file", "relative"])
    def test_a_home_that_cannot_be_used_is_named(
        self, look: Any, cleo_home: Path, what: str
    ) -> None:
        (cleo_home / "plain").touch()
        home = str(cleo_home / "plain") if what == "file" else "here"
        found = look("paths.home", env={"CLEO_HOME": home})
        assert found["status"] == "error"
        assert look("paths.home", env={"XDG_DATA_HOME": "here"})["status"] == "warning"


class TestProject:
    def test_a_damaged_marker_is_named(self, look: Any, frozen_bytes: Any) -> None:
        (FOLDER / "project-info.json").write_text("{")
        with frozen_bytes(FOLDER):
            found = look("project.marker")
        assert found["status"] == "error"
        assert found["fix"] == f"cleo init --path {Path.cwd()}"
        assert look("project.rogue")["status"] == "ok"

    @pytest.mark.parametrize("env", [{"CLEO_DIR": "a/b"}, {"CLEO_ROOT": "/nowhere/at/all"}])
    def test_a_project_that_a_variable_names_wrongly_is_named(
        self, look: Any, env: dict[str, str]
    ) -> None:
        found = look("project.marker", env=env)
        assert (found["status"], bool(found["fix"])) == ("error", True), found

    def test_a_project_directory_without_a_marker_is_named(
        self, look: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        inner = Path("inner")
        (inner / ".cleo").mkdir(parents=True)
        monkeypatch.chdir(inner)
        found = look("project.rogue")
        assert found["status"] == "warning"
        assert found["details"]["directories"] == [str(Path.cwd() / ".cleo")]
        assert look("project.marker")["status"] == "ok"

    def test_a_project_in_a_worktree_is_named(
        self, look: Any, cleo_home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shutil.rmtree(FOLDER)
        git("init", "-q")
        git("-c", "user.name=n", "-c", "user.email=e@x", "commit", "-q", "--allow-empty", "-m", "m")
        git("worktree", "add", "-q", str(cleo_home / "tree"))
        monkeypatch.chdir(cleo_home / "tree")
        FOLDER.mkdir()
        (FOLDER / "project-info.json").write_text('{"projectId": "p1"}')
        before = sorted((cleo_home / "tree").rglob("*"))
        found = look("project.worktree")
        assert (found["status"], found["fix"]) == (
            "error",
            f"cleo init --path {cleo_home / 'work'}",
        )
        env = {"CLEO_ALLOW_WORKTREE_DB_CREATE": "1"}
        assert look("project.worktree", env=env)["status"] == "warning"
        assert sorted((cleo_home / "tree").rglob("*")) == before

    def test_the_ignore_block_is_written_anew_below_the_users_lines(
        self, look: Any, cleo_cli: Cli
    ) -> None:
        path = FOLDER / ".gitignore"
        whole = path.read_text()
        path.write_text("mine\n")
        found = look("project.gitignore")
        assert (found["status"], found["fixable"]) == ("warning", True)
        human = cleo_cli("doctor", "--fix", "--human")
        assert f"mended: {path.absolute()}" in human.out
        assert look("project.gitignore")["status"] == "ok"
        assert path.read_text() == "mine\n" + whole

    @pytest.mark.guarantee(
        "operations-05", "Doctor says so when git tracks a database, and how to end that."
    )
    def test_tracked_databases_are_named_and_the_index_left(self, look: Any) -> None:
        git("init", "-q")
        assert look("project.tracked")["status"] == "ok"
        git("add", "--force", ".cleo/shelves.db")
        index = Path(".git/index").read_bytes()
        found = look("project.tracked", "--fix")
        assert (found["status"], found["details"]["files"]) == ("error", [".cleo/shelves.db"])
        assert Path(".git/index").read_bytes() == index
        subprocess.run(found["fix"].split(), check=True, capture_output=True)
        assert look("project.tracked")["status"] == "ok"


def git(*words: str) -> None:
    subprocess.run(["git", *words], check=True, capture_output=True)


class TestSettings:
    def test_a_damaged_file_goes_to_quarantine_and_what_it_held_comes_back(
        self, look: Any, cleo_cli: Cli, frozen_bytes: Any
    ) -> None:
        assert cleo_cli("config", "set", "agent.id", "a1").code == 0
        assert cleo_cli("config", "set", "agent.id", "a2").code == 0
        (FOLDER / "config.json").write_text("{no json")
        with frozen_bytes(FOLDER):
            found = look("config.valid")
        assert (found["status"], found["fixable"]) == ("warning", True)
        assert look("config.valid", "--fix")["status"] == "ok"
        assert cleo_cli("config", "get", "agent.id").data["value"] == "a1"
        (kept,) = (FOLDER / "quarantine").iterdir()
        assert kept.read_text() == "{no json"

    def test_values_that_no_key_takes_are_named_and_left(
        self, look: Any, frozen_bytes: Any
    ) -> None:
        (FOLDER / "config.json").write_text('{"backup": {"keep_last": "many"}, "agnet": {"id": 1}}')
        with frozen_bytes(FOLDER):
            wrong, unknown = look("config.valid", "--fix"), look("config.unknown", "--fix")
        assert (wrong["status"], wrong["fix"]) == ("warning", "cleo config unset backup.keep_last")
        assert (unknown["status"], unknown["fix"]) == ("warning", "cleo config unset agnet.id")

    def test_variables_that_nothing_reads_are_named_without_their_values(self, look: Any) -> None:
        env = {"CLEO_AGENT": "s3cr3t", "CLEO_SHELVES_URL": "known by its plugin's name"}
        assert look("env.unknown")["status"] == "ok"
        found = look("env.unknown", env=env)
        assert (found["status"], found["fix"]) == ("warning", "unset CLEO_AGENT")
        assert "CLEO_AGENT_ID" in found["message"]
        assert "s3cr3t" not in json.dumps(found)


class TestProgram:
    def test_a_plugin_that_only_the_library_finds_is_named(
        self, look: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert look("plugins.scan")["status"] == "ok"
        hidden = SimpleNamespace(name="zipped", value="z.plugin", distribution="Cleo_Zipped")
        real = plugins.installed
        monkeypatch.setattr(plugins, "installed", lambda: [*real(), hidden])
        found = look("plugins.scan")
        assert found["status"] == "warning"
        assert found["details"]["unseen"] == [["zipped", "z.plugin", "cleo-zipped"]]

    def test_a_plugin_that_is_slow_to_import_is_named(
        self, site: Any, look: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        site.plugin("slow", "import time\ntime.sleep(0.06)")
        monkeypatch.setenv("CLEO_PLUGINS", "shelves,boxes,slow")
        found = look("plugins.slow")
        assert (found["status"], "slow" in found["details"]["ms"]) == ("info", True)

    @pytest.mark.parametrize(
        ("version", "bad"),
        [
            ((3, 6, 23), False),
            ((3, 7, 0), True),
            ((3, 40, 1), True),
            ((3, 44, 5), True),
            ((3, 44, 6), False),
            ((3, 45, 0), True),
            ((3, 50, 6), True),
            ((3, 50, 7), False),
            ((3, 51, 2), True),
            ((3, 51, 3), False),
            ((3, 52, 0), False),
            ((3, 53, 4), False),
        ],
    )
    def test_versions_with_the_reset_bug_are_known(
        self, version: tuple[int, ...], bad: bool
    ) -> None:
        assert sqlite.has_reset_bug(version) is bad

    def test_an_sqlite_with_the_bug_is_named(
        self, look: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sqlite, "sqlite_version", lambda: (3, 40, 1))
        found = look("sqlite.version", env={"CLEO_SQLITE": "auto"})
        assert (found["status"], found["fix"]) == ("warning", "pip install --upgrade pysqlite3")
        features = look("sqlite.features")
        assert features["status"] == "info"
        assert features["details"]["trustedSchema"] == {"shelves": "on", "boxes": "on"}
        assert features["details"]["jsonb"] is False

    def test_which_driver_runs_and_why_is_said(self, look: Any) -> None:
        details = look("sqlite.version")["details"]
        assert details["driver"] == database.driver_name()
        assert details["why"]

    def test_a_profile_that_roams_and_old_databases_are_named_on_windows(
        self, cleo_app_here: Any, cleo_home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from cleo_core.paths import windows

        scene = Scene(cleo_app_here)
        assert doctor_paths.roaming(scene).status == "ok"
        assert doctor_paths.roaming(scene, "win32").status == "ok"
        monkeypatch.setattr(windows, "profile_roams", lambda: True)
        assert doctor_paths.roaming(scene, "win32").fix == "setx CLEO_HOME C:\\cleo"
        folder = cleo_home / "cleo" / "Data"
        folder.mkdir(parents=True)
        (folder / "old.db").touch()
        monkeypatch.setenv("LOCALAPPDATA", str(cleo_home))
        found = doctor_paths.roaming(scene, "win32")
        assert (found.status, found.details["files"]) == ("warning", [str(folder / "old.db")])
        assert found.fix.startswith("robocopy")


class TestReferences:
    def test_orphans_are_counted_and_reconcile_is_named(self, look: Any, cleo_cli: Cli) -> None:
        assert cleo_cli("shelves", "add", "s1").code == 0
        for box, shelf in (("b1", "s1"), ("b2", "gone"), ("b3", "gone")):
            assert cleo_cli("boxes", "add", box, "--ref", shelf).code == 0
        found = look("refs.orphans")
        assert (found["status"], found["fix"]) == ("warning", "cleo reconcile --apply")
        assert found["details"]["references"] == [
            {"reference": "boxes.ref", "missing": 2, "ids": ["gone"], "mendable": True}
        ]
        assert found["message"] == "2 rows of boxes.ref: there is no shelf gone."
        assert look("refs.unknown")["status"] == "ok"
        assert cleo_cli(*found["fix"].split()[1:]).code == 0
        assert look("refs.orphans")["status"] == "ok"

    def test_what_nobody_can_say_is_no_orphan(
        self, look: Any, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert cleo_cli("boxes", "add", "b1", "--ref", "s1").code == 0
        monkeypatch.setenv("CLEO_PLUGINS", "boxes")
        assert look("refs.orphans")["status"] == "ok"
        assert look("refs.unknown")["status"] == "info"
        found = look("kinds.unowned")
        assert (found["status"], found["details"]) == ("info", {"kinds": {"shelf": ["boxes.ref"]}})


def test_the_limits_are_those_of_the_specification() -> None:
    assert (stores.LARGE_LOG, stores.HUGE_LOG) == (10**8, 10**9)
    assert (stores.LARGE_STORE, stores.GROWTH) == (2**30, 4)
    assert (doctor_paths.LITTLE_SPACE, plugins.SLOW, records.AHEAD) == (500 * 10**6, 50.0, 300.0)
    assert content.SHOWN
