"""Restoring: the set's rows exactly, everything replaced kept, and nothing touched when refused."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import App, open_app
from cleo_core.backup import create_set, inventory
from cleo_core.backup_sets import manifest_hash, read_sets
from cleo_core.cli import restore as restore_command
from cleo_core.database import connect_for_copy
from cleo_core.hashing import path_sha256
from cleo_core.restore import live, performing
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]

FOLDER = Path(".cleo")
BACKUPS = FOLDER / "backups"
FILES = """
from dataclasses import replace

SPEC = replace(SPEC, files=(
    FileSpec("shelves.salt", "project", secret=True, size=4, backup="include"),
    FileSpec("shelves.key", "project", secret=True, size=4),
))
"""


@pytest.fixture(autouse=True)
def project(site: Any, made_once: Any, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project with two small stores, shelves and boxes, and a row in each."""
    site.store("shelves", kind="shelf", more=FILES)
    site.store("boxes", kind="box", after=("shelves",), reference='"shelf", "keep", "null"')
    monkeypatch.setenv("CLEO_PLUGINS", "shelves,boxes")
    monkeypatch.setenv("CLEO_BUSY_TIMEOUT_MS", "300")
    monkeypatch.setattr(live, "AT_REST", 0.0)

    def make() -> None:
        assert cleo_cli("init").code == 0
        add(cleo_cli, "first")

    made_once(make)


def add(cleo_cli: Cli, id: str) -> None:
    for store in ("shelves", "boxes"):
        assert cleo_cli(store, "add", id).code == 0


def rows(cleo_cli: Cli, store: str = "shelves") -> list[str]:
    return [row["id"] for row in cleo_cli(store, "list").data]


def both(cleo_cli: Cli) -> list[list[str]]:
    return [rows(cleo_cli, "shelves"), rows(cleo_cli, "boxes")]


def make_set(reason: str = "manual", *names: str) -> Path:
    """A set of everything, or of some stores."""
    with open_app() as app:
        known = inventory(app.stores, "project")
        made = create_set(
            known.directory,
            "project",
            reason,
            [one for one in known.items if not names or one.name in names],
            project=app.project,
            plugin_versions={},
            whole=not names,
        )
    return Path(made["path"])


def sets() -> list[str]:
    return sorted(one.name.split("-", 2)[2] for one in read_sets(str(BACKUPS)))


def manifest(folder: Path) -> Any:
    return json.loads((folder / "manifest.json").read_text())


def change_manifest(folder: Path, **changes: Any) -> None:
    content = {**manifest(folder), **changes}
    content["manifestSha256"] = manifest_hash(content)
    (folder / "manifest.json").write_text(json.dumps(content))


def describe(folder: Path, **facts: Any) -> None:
    """Have the manifest of a set say what its copy of the shelves is now."""
    copy, content = folder / "shelves.db", manifest(folder)
    for item in content["items"]:
        if item["name"] == "shelves":
            item.update(sha256=path_sha256(str(copy)), bytes=copy.stat().st_size, **facts)
    change_manifest(folder, **content)


def refused(outcome: Outcome, exit: int, code: str) -> dict[str, Any]:
    error = outcome.error
    assert (error["exit"], error["code"]) == (exit, code), error
    return error


class TestARestore:
    def test_it_brings_back_every_row_of_every_store(self, cleo_cli: Cli) -> None:
        folder = make_set()
        add(cleo_cli, "second")
        data = cleo_cli("restore", "latest", "--yes").data
        assert both(cleo_cli) == [["first"], ["first"]]
        assert data["set"] == str(folder.resolve())
        assert [one["name"] for one in data["restored"]] == ["shelves", "boxes"]
        plan = [(one["store"], one["rowsNow"], one["rowsThen"]) for one in data["plan"]]
        assert plan == [("shelves", 2, 1), ("boxes", 2, 1)]
        assert data["quarantined"] == []
        assert data["reconcile"]["missing"] == 0
        add(cleo_cli, "third")
        assert both(cleo_cli) == [["first", "third"], ["first", "third"]]

    @pytest.mark.guarantee(
        "operations-21",
        "Restoring over a database with a write-ahead log gives the set's rows and no others.",
    )
    def test_a_log_that_is_not_folded_in_brings_no_row_back(self, cleo_cli: Cli) -> None:
        make_set()
        copy = FOLDER / "copy"
        shutil.copyfile(FOLDER / "shelves.db", copy)
        holder = connect_for_copy(str(FOLDER / "shelves.db"))
        holder.execute("PRAGMA journal_mode = WAL")
        for number in range(5):
            holder.execute("INSERT INTO shelves (id) VALUES (?)", [f"late {number}"])
        log = (FOLDER / "shelves.db-wal").read_bytes()
        holder.close()
        # As a process leaves it that was killed: the rows are in the log alone.
        os.replace(copy, FOLDER / "shelves.db")
        (FOLDER / "shelves.db-wal").write_bytes(log)
        data = cleo_cli("restore", "latest", "--yes").data
        assert (data["plan"][0]["rowsNow"], data["plan"][0]["rowsThen"]) == (6, 1)
        assert rows(cleo_cli) == ["first"]
        safe = sqlite3.connect(Path(data["safetySet"]) / "shelves.db")
        assert safe.execute("SELECT count(*) FROM shelves").fetchone() == (6,)
        safe.close()

    def test_what_was_replaced_is_in_a_set_that_can_be_restored(self, cleo_cli: Cli) -> None:
        make_set()
        add(cleo_cli, "second")
        safe = cleo_cli("restore", "latest", "--yes").data["safetySet"]
        assert Path(safe).name.endswith("-before-restore")
        assert cleo_cli("restore", Path(safe).name, "--yes").code == 0
        assert both(cleo_cli) == [["first", "second"]] * 2

    def test_one_store_alone(self, cleo_cli: Cli) -> None:
        make_set()
        add(cleo_cli, "second")
        data = cleo_cli("restore", "latest", "--store", "boxes", "--yes").data
        assert both(cleo_cli) == [["first", "second"], ["first"]]
        assert [one["name"] for one in manifest(Path(data["safetySet"]))["items"]] == ["boxes"]

    def test_a_store_that_is_gone_comes_back(self, cleo_cli: Cli) -> None:
        make_set()
        (FOLDER / "shelves.db").unlink()
        data = cleo_cli("restore", "latest", "--store", "shelves", "--yes").data
        assert rows(cleo_cli) == ["first"]
        assert (data["plan"][0]["state"], data["plan"][0]["rowsNow"]) == ("absent", 0)
        assert data["safetySet"] is None

    def test_what_a_lost_database_left_is_kept_and_not_replayed(self, cleo_cli: Cli) -> None:
        make_set()
        (FOLDER / "shelves.db").unlink()
        (FOLDER / "shelves.db-wal").write_bytes(b"the last rows")
        data = cleo_cli("restore", "latest", "--store", "shelves", "--yes").data
        [kept] = data["quarantined"]
        assert Path(kept["path"], "shelves.db-wal").read_bytes() == b"the last rows"
        assert rows(cleo_cli) == ["first"]

    def test_a_set_anywhere_by_its_path(self, cleo_cli: Cli, cleo_home: Path) -> None:
        elsewhere = cleo_home / "elsewhere"
        shutil.move(make_set(), elsewhere)
        add(cleo_cli, "second")
        assert cleo_cli("restore", str(elsewhere), "--yes").code == 0
        assert both(cleo_cli) == [["first"], ["first"]]

    def test_what_was_planted_in_a_set_from_elsewhere_is_refused(
        self, cleo_cli: Cli, cleo_home: Path, frozen_bytes: Any
    ) -> None:
        elsewhere = cleo_home / "elsewhere"
        folder = make_set()
        copy = connect_for_copy(str(folder / "shelves.db"))
        copy.execute("PRAGMA journal_mode = DELETE").fetchone()
        copy.execute(
            "CREATE TRIGGER helpful AFTER INSERT ON shelves BEGIN DELETE FROM shelves; END"
        )
        copy.close()
        describe(folder)
        shutil.copytree(folder, elsewhere)
        for more in ("--dry-run", "--yes"):
            with frozen_bytes(".cleo"), frozen_bytes(str(elsewhere)):
                outcome = cleo_cli("restore", str(elsewhere), more)
            assert "helpful" in refused(outcome, 62, "E_BACKUP_CORRUPT")["message"]
        # The other stores of such a set are as good as they were.
        assert cleo_cli("restore", str(elsewhere), "--store", "boxes", "--yes").code == 0
        # What CLEO keeps itself is trusted with what somebody added to the live file.
        assert cleo_cli("restore", folder.name, "--yes").code == 0

    def test_what_was_planted_is_refused_before_it_is_evaluated(
        self, cleo_cli: Cli, cleo_home: Path
    ) -> None:
        elsewhere = cleo_home / "elsewhere"
        folder = make_set()
        copy = connect_for_copy(str(folder / "shelves.db"))
        copy.execute("PRAGMA journal_mode = DELETE").fetchone()
        copy.execute("CREATE INDEX odd ON shelves (abs(length(label)))")
        copy.execute("PRAGMA writable_schema = ON")
        # Whoever evaluates this gets an integer overflow.
        copy.execute(
            "UPDATE sqlite_master SET sql = 'CREATE INDEX odd ON shelves "
            "(abs(length(label) * 0 - 9223372036854775808))' WHERE name = 'odd'"
        )
        copy.close()
        describe(folder)
        shutil.move(folder, elsewhere)
        message = refused(cleo_cli("restore", str(elsewhere), "--yes"), 62, "E_BACKUP_CORRUPT")
        assert "'odd' that CLEO did not make" in message["message"]

    def test_a_set_that_only_a_link_brings_here_is_from_elsewhere(
        self, cleo_cli: Cli, cleo_home: Path
    ) -> None:
        elsewhere = cleo_home / "elsewhere"
        folder = make_set()
        copy = connect_for_copy(str(folder / "shelves.db"))
        copy.execute("PRAGMA journal_mode = DELETE").fetchone()
        copy.execute("CREATE VIEW more AS SELECT 1")
        copy.close()
        describe(folder)
        shutil.move(folder, elsewhere)
        folder.symlink_to(elsewhere, target_is_directory=True)
        outcome = cleo_cli("restore", folder.name, "--yes")
        assert "'more'" in refused(outcome, 62, "E_BACKUP_CORRUPT")["message"]

    def test_a_copy_that_is_behind_is_migrated(self, cleo_cli: Cli, site: Any) -> None:
        """The stores here have no migrations, so that the attempt alone shows."""
        folder = make_set()
        copy = connect_for_copy(str(folder / "shelves.db"))
        copy.execute("PRAGMA journal_mode = DELETE").fetchone()
        copy.execute("UPDATE alembic_version_shelves SET version_num = 'shelves_0001'")
        copy.close()
        describe(folder, revision="shelves_0001")
        error = cleo_cli("restore", "latest", "--yes").error
        assert error["details"]["restored"] == "shelves"
        assert Path(error["details"]["safetySet"]).is_dir()
        assert not (FOLDER / "locks" / "restore.json").exists()
        assert rows(cleo_cli, "boxes") == ["first"]

    def test_it_is_written_down(self, cleo_cli: Cli) -> None:
        folder = make_set()
        data = cleo_cli("restore", "latest", "--yes").data
        line = json.loads((FOLDER / "audit" / "overrides.jsonl").read_text().splitlines()[-1])
        expected = ("restore", str(folder.resolve()), data["safetySet"], "user")
        assert (line["event"], line["source"], line["safetySet"], line["actor"]) == expected
        assert line["stores"] == ["shelves", "boxes"]

    def test_stale_references_of_the_restored_state_are_counted(self, cleo_cli: Cli) -> None:
        assert cleo_cli("shelves", "add", "oak").code == 0
        make_set("manual", "boxes")
        older = make_set()
        assert cleo_cli("shelves", "add", "elm").code == 0
        assert cleo_cli("boxes", "add", "in elm", "--ref", "elm").code == 0
        data = cleo_cli("restore", str(older), "--store", "shelves", "--yes").data
        assert (data["reconcile"]["missing"], data["reconcile"]["planned"]) == (1, 1)

    def test_people_read_what_changes_and_what_was_done(self, cleo_cli: Cli) -> None:
        make_set()
        add(cleo_cli, "second")
        shown = cleo_cli("restore", "latest", "--dry-run", "--human").out
        assert "2 rows at shelves_0002 -> 1 row at shelves_0002" in shown
        shown = cleo_cli("restore", "latest", "--yes", "--human").out
        assert "Restored shelves, boxes." in shown
        assert "before-restore" in shown

    def test_older_sets_go_only_when_all_is_done(
        self, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = make_set()
        for _ in range(3):
            make_set("later")
        for key in ("last", "daily", "before"):
            assert cleo_cli("config", "set", f"backup.keep_{key}", "0").code == 0
        add(cleo_cli, "second")
        assert cleo_cli("restore", folder.name, "--yes").code == 0
        assert both(cleo_cli) == [["first"], ["first"]]
        assert "before-restore" in sets()


class TestSettingsAndFiles:
    def test_they_stay_unless_they_are_asked_for(self, cleo_cli: Cli) -> None:
        assert cleo_cli("config", "set", "logging.level", "error").code == 0
        make_set()
        assert cleo_cli("config", "set", "logging.level", "info").code == 0
        data = cleo_cli("restore", "latest", "--yes").data
        assert {one["name"] for one in data["left"]} == {"config.json", "project-info.json"}
        assert cleo_cli("config", "get", "logging.level").data["value"] == "info"
        whole = next(one.name for one in read_sets(str(BACKUPS)) if one.is_whole)
        data = cleo_cli("restore", whole, "--yes", "--with-config").data
        assert cleo_cli("config", "get", "logging.level").data["value"] == "error"
        safe = json.loads(Path(data["safetySet"], "config.json").read_text())
        assert safe["logging"]["level"] == "info"

    def test_the_projects_id_comes_back_with_the_marker(self, cleo_cli: Cli) -> None:
        folder = make_set()
        was = json.loads((FOLDER / "project-info.json").read_text())["projectId"]
        (FOLDER / "project-info.json").unlink()
        assert cleo_cli("init").data["projectId"] != was
        error = refused(cleo_cli("restore", folder.name, "--yes"), 63, "E_RESTORE_REFUSED")
        assert was in error["message"]
        assert cleo_cli("restore", folder.name, "--yes", "--with-config").code == 0
        assert cleo_cli("init").data["projectId"] == was

    def test_no_store_stays_open_afterwards(
        self, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_set()
        held: list[Any] = []

        def announce(app: App) -> None:
            # As plugins do, in an App that lives as long as its process.
            held.extend((app, app.store("shelves")))

        monkeypatch.setattr(performing, "_announce", announce)
        for _ in range(2):
            assert cleo_cli("restore", "latest", "--yes", "--with-config").code == 0
            assert not [*FOLDER.glob("*-wal"), *FOLDER.glob("*-shm")]
        assert held

    def test_a_declared_file_is_put_back_where_it_is_absent(self, cleo_cli: Cli) -> None:
        salt = FOLDER / "shelves.salt"
        salt.write_bytes(b"salt")
        (FOLDER / "shelves.key").write_bytes(b"lock")
        folder = make_set()
        assert not (folder / "shelves.key").exists()
        salt.write_bytes(b"else")
        data = cleo_cli("restore", folder.name, "--yes").data
        assert salt.read_bytes() == b"else"
        assert [one["name"] for one in data["left"] if one["kind"] == "file"] == ["shelves.salt"]
        salt.unlink()
        assert cleo_cli("restore", folder.name, "--yes").code == 0
        assert (salt.read_bytes(), salt.stat().st_mode & 0o777) == (b"salt", 0o600)

    def test_a_declared_file_that_is_replaced_stays_in_the_safety_set(self, cleo_cli: Cli) -> None:
        salt = FOLDER / "shelves.salt"
        salt.write_bytes(b"salt")
        folder = make_set()
        salt.write_bytes(b"else")
        data = cleo_cli("restore", folder.name, "--yes", "--replace-files").data
        assert salt.read_bytes() == b"salt"
        assert Path(data["safetySet"], "shelves.salt").read_bytes() == b"else"

    def test_a_damaged_one_that_is_replaced_goes_to_quarantine(self, cleo_cli: Cli) -> None:
        salt = FOLDER / "shelves.salt"
        salt.write_bytes(b"salt")
        folder = make_set()
        salt.write_bytes(b"much too long")
        data = cleo_cli("restore", folder.name, "--yes", "--replace-files").data
        [kept] = data["quarantined"]
        assert Path(kept["path"], "shelves.salt").read_bytes() == b"much too long"
        assert salt.read_bytes() == b"salt"

    def test_a_database_that_no_plugin_owns(self, cleo_cli: Cli) -> None:
        mine = sqlite3.connect(FOLDER / "mine.db")
        mine.executescript("CREATE TABLE t (x); INSERT INTO t VALUES (1)")
        folder = make_set()
        mine.executescript("INSERT INTO t VALUES (2)")
        mine.close()
        data = cleo_cli("restore", folder.name, "--yes").data
        assert "mine.db" in [one["name"] for one in data["restored"]]
        mine = sqlite3.connect(FOLDER / "mine.db")
        assert mine.execute("SELECT x FROM t").fetchall() == [(1,)]
        mine.close()
        assert Path(data["safetySet"], "mine.db").exists()


class TestWhichSet:
    @pytest.mark.guarantee(
        "operations-24", "A set that any trigger made is found and can be restored."
    )
    def test_a_set_of_any_reason(self, cleo_cli: Cli) -> None:
        with open_app() as app:
            app.backup_before("session-end", ["shelves", "boxes"])
        add(cleo_cli, "second")
        assert cleo_cli("restore", "latest", "--yes").code == 0
        assert both(cleo_cli) == [["first"], ["first"]]
        with open_app() as app:
            app.backup_before("before-migrate", ["boxes"])
        add(cleo_cli, "third")
        assert cleo_cli("restore", "latest", "--store", "boxes", "--yes").code == 0
        assert both(cleo_cli) == [["first", "third"], ["first"]]

    def test_the_latest_that_is_whole_and_has_all_that_is_asked_for(self, cleo_cli: Cli) -> None:
        good = make_set()
        add(cleo_cli, "second")
        damaged = make_set()
        with open(damaged / "boxes.db", "ab") as file:
            file.write(b"x")
        partial = make_set("before-migrate", "shelves")
        data = cleo_cli("restore", "latest", "--dry-run").data
        assert Path(data["set"]).name == good.name
        assert [one["set"] for one in data["skipped"]] == [partial.name, damaged.name]
        assert "boxes" in data["skipped"][0]["reason"]
        data = cleo_cli("restore", "latest", "--store", "shelves", "--dry-run").data
        assert Path(data["set"]).name == partial.name

    def test_the_latest_is_this_projects_and_of_the_tier_that_is_asked_for(
        self, cleo_cli: Cli
    ) -> None:
        own = make_set()
        add(cleo_cli, "second")
        foreign = make_set()
        change_manifest(foreign, project={"id": "another", "name": "another"})
        everywhere = make_set()
        change_manifest(everywhere, tier="global", project=None)
        data = cleo_cli("restore", "latest", "--dry-run").data
        assert data["set"] == str(own.resolve())
        skipped = {one["set"]: one["reason"] for one in data["skipped"]}
        assert "another project" in skipped[foreign.name]
        assert "global" in skipped[everywhere.name]
        data = cleo_cli("restore", "latest", "--dry-run", "--with-config").data
        assert data["set"] == str(foreign.resolve())
        shutil.rmtree(own)
        error = refused(cleo_cli("restore", "latest", "--yes"), 63, "E_RESTORE_REFUSED")
        assert "another" in error["message"]
        shutil.rmtree(foreign)
        refused(cleo_cli("restore", "latest", "--yes"), 61, "E_NO_BACKUP")

    def test_there_is_none(self, cleo_cli: Cli) -> None:
        refused(cleo_cli("restore", "latest", "--yes"), 61, "E_NO_BACKUP")
        make_set("before-migrate", "boxes")
        error = refused(cleo_cli("restore", "latest", "--store", "shelves"), 61, "E_NO_BACKUP")
        assert error["fix"] == "cleo backup create"

    @pytest.mark.parametrize(
        ("words", "exit"),
        [
            (["nothing"], 4),
            ([""], 2),
            (["."], 4),
            ([".."], 4),
            (["../backups"], 4),
            (["./.cleo/config.json"], 2),
            (["\udcff"], 4),
            (["x" * 5000], 4),
            (["latest", "--store", ""], 4),
            (["latest", "--store", "nobody"], 4),
            (["latest", "--global", "--store", "shelves"], 2),
            (["latest", "--global"], 61),
        ],
    )
    def test_words_that_name_no_set_are_refused(
        self, cleo_cli: Cli, words: list[str], exit: int
    ) -> None:
        assert cleo_cli("restore", *words, "--yes").error["exit"] == exit

    def test_outside_of_a_project(
        self, cleo_cli: Cli, cleo_home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(cleo_home)
        error = refused(cleo_cli("restore", "latest", "--yes"), 3, "E_NOT_INITIALIZED")
        assert "--global" in error["fix"]


class TestRefusals:
    def test_without_a_terminal_somebody_must_have_said_yes(
        self, cleo_cli: Cli, frozen_bytes: Any
    ) -> None:
        make_set()
        add(cleo_cli, "second")
        with frozen_bytes(".cleo"):
            error = refused(cleo_cli("restore", "latest"), 2, "E_CONFIRMATION_NEEDED")
        assert error["details"]["plan"][0]["rowsNow"] == 2

    @pytest.mark.parametrize("answer", [True, False])
    def test_at_a_terminal_people_are_asked(
        self, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch, answer: bool
    ) -> None:
        make_set()
        add(cleo_cli, "second")
        asked: list[str] = []

        def confirm(text: str, **_: Any) -> bool:
            asked.append(text)
            return answer

        monkeypatch.setattr(restore_command.click, "confirm", confirm)
        monkeypatch.setattr(restore_command, "is_asked", lambda: True)
        outcome = cleo_cli("restore", "latest")
        assert outcome.code == (0 if answer else 102)
        assert len(asked) == 1
        assert "shelves: 2 rows" in outcome.err
        assert rows(cleo_cli) == (["first"] if answer else ["first", "second"])

    @pytest.mark.guarantee("operations-27", "`cleo restore --dry-run` changes no byte.")
    @pytest.mark.parametrize("damaged", [False, True])
    def test_a_dry_run_changes_no_byte(
        self, cleo_cli: Cli, frozen_bytes: Any, damaged: bool
    ) -> None:
        make_set()
        if damaged:
            (FOLDER / "shelves.db").write_bytes(b"x" * 5000)
        with frozen_bytes(".cleo"):
            data = cleo_cli("restore", "latest", "--dry-run").data
        assert data["restored"] == []
        assert data["plan"][0]["state"] == ("broken" if damaged else "head")

    @pytest.mark.parametrize(
        "harm", ["flipped", "shorter", "missing", "manifest", "swapped", "link", "other id"]
    )
    def test_a_damaged_set_is_refused_before_anything_is_replaced(
        self, cleo_cli: Cli, frozen_bytes: Any, harm: str
    ) -> None:
        folder = make_set()
        add(cleo_cli, "second")
        copy = folder / "boxes.db"
        if harm == "flipped":
            content = bytearray(copy.read_bytes())
            content[5000] ^= 1
            copy.write_bytes(content)
        elif harm == "shorter":
            os.truncate(copy, 4096)
        elif harm == "missing":
            copy.unlink()
        elif harm == "manifest":
            text = (folder / "manifest.json").read_text()
            (folder / "manifest.json").write_text(text.replace('"note": ""', '"note": "x"'))
        elif harm == "swapped":
            shutil.copyfile(folder / "shelves.db", copy)
        elif harm == "link":
            os.rename(copy, FOLDER / "elsewhere")
            copy.symlink_to((FOLDER / "elsewhere").resolve())
        else:
            items = manifest(folder)["items"]
            for item in items:
                if item["name"] == "boxes":
                    item.update(file="shelves.db", sha256=path_sha256(str(folder / "shelves.db")))
            copy.unlink()
            change_manifest(folder, items=[one for one in items if one["name"] != "shelves"])
        with frozen_bytes(".cleo"):
            refused(cleo_cli("restore", folder.name, "--yes"), 62, "E_BACKUP_CORRUPT")
            if harm not in ("manifest", "other id"):
                # The other store's copy is as good as ever.
                words = ("restore", folder.name, "--store", "shelves", "--dry-run")
                assert cleo_cli(*words).code == 0

    @pytest.mark.parametrize(
        "name", ["../x", "/etc/x", "a/b", "", ".", "..", "manifest.json", "x\0y", 7, None]
    )
    def test_a_manifest_reaches_nowhere_else(
        self, cleo_cli: Cli, frozen_bytes: Any, name: Any
    ) -> None:
        folder = make_set()
        items = manifest(folder)["items"]
        items[0]["file"] = name
        change_manifest(folder, items=items)
        with frozen_bytes(".cleo"):
            refused(cleo_cli("restore", folder.name, "--yes"), 62, "E_BACKUP_CORRUPT")
        change_manifest(
            folder, items=[{**items[0], "kind": "database", "name": name, "file": "boxes.db"}]
        )
        with frozen_bytes(".cleo"):
            refused(cleo_cli("restore", folder.name, "--yes"), 62, "E_BACKUP_CORRUPT")

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"sequence": "x"}', "\0", '{"sequence": 1}'])
    def test_what_is_no_manifest(self, cleo_cli: Cli, text: str) -> None:
        folder = make_set()
        (folder / "manifest.json").write_text(text)
        refused(cleo_cli("restore", folder.name, "--yes"), 62, "E_BACKUP_CORRUPT")
        assert cleo_cli("restore", "latest", "--yes").error["exit"] in (61, 62)

    def test_a_copy_that_a_newer_program_made(self, cleo_cli: Cli, frozen_bytes: Any) -> None:
        folder = make_set()
        copy = connect_for_copy(str(folder / "boxes.db"))
        copy.execute("UPDATE alembic_version_boxes SET version_num = 'boxes_0099'")
        copy.close()
        items = manifest(folder)["items"]
        for item in items:
            if item["name"] == "boxes":
                item.update(revision="boxes_0099", sha256=path_sha256(str(folder / "boxes.db")))
        change_manifest(folder, items=items)
        with frozen_bytes(".cleo"):
            error = refused(cleo_cli("restore", folder.name, "--yes"), 51, "E_STORE_AHEAD")
        assert "cleo-boxes" in error["fix"]

    @pytest.mark.guarantee(
        "operations-22",
        "A restore while another process uses a store ends with 66 after the wait, and nothing is "
        "changed.",
    )
    @pytest.mark.parametrize("which", ["shelves", "boxes"])
    def test_a_store_in_use(
        self, cleo_cli: Cli, frozen_bytes: Any, which: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_set()
        add(cleo_cli, "second")
        holder = connect_for_copy(str(FOLDER / f"{which}.db"))
        holder.execute(f"SELECT count(*) FROM {which}").fetchall()
        before = sets()
        error = refused(cleo_cli("restore", "latest", "--yes"), 66, "E_STORE_IN_USE")
        assert error["details"]["path"].endswith(f"{which}.db")
        holder.close()
        assert both(cleo_cli) == [["first", "second"]] * 2
        assert sets() == before
        assert not list(FOLDER.glob(".*.tmp"))
        header = (FOLDER / "shelves.db").read_bytes()[18:20]
        assert header == b"\x02\x02", "the log is as it was"
        assert cleo_cli("restore", "latest", "--yes").code == 0

    def test_who_has_one_store_open_and_waits_for_another_is_let_through(
        self, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CLEO_BUSY_TIMEOUT_MS", "5000")
        monkeypatch.setattr(live, "TURN", 0.3)
        make_set()
        add(cleo_cli, "second")
        ready, found = threading.Event(), []

        def both_in_turn() -> None:
            later = connect_for_copy(str(FOLDER / "boxes.db"))
            later.execute("SELECT count(*) FROM boxes").fetchone()
            ready.set()
            while not found:
                # Held by the restorer from the moment on that it waits for the other one.
                time.sleep(0.15)
                first = connect_for_copy(str(FOLDER / "shelves.db"), timeout=3.0)
                first.execute("PRAGMA journal_mode").fetchone()
                found.append(first.execute("SELECT count(*) FROM shelves").fetchone())
                first.close()
            later.close()

        other = threading.Thread(target=both_in_turn)
        other.start()
        assert ready.wait(10)
        outcome = cleo_cli("restore", "latest", "--yes")
        other.join(20)
        assert outcome.code == 0, outcome
        assert found == [(2,)]
        assert both(cleo_cli) == [["first"], ["first"]]

    def test_a_damaged_store_in_use(self, cleo_cli: Cli) -> None:
        make_set()
        holder = connect_for_copy(str(FOLDER / "shelves.db"))
        holder.execute("SELECT count(*) FROM shelves").fetchall()
        script = "import sys; f = open(sys.argv[1], 'r+b'); f.write(b'x' * 100); f.close()"
        subprocess.run([sys.executable, "-c", script, FOLDER / "shelves.db"], check=True)
        words = ("restore", "latest", "--store", "shelves", "--yes")
        done = subprocess.run(
            [sys.executable, "-m", "cleo_core", *words], capture_output=True, check=False
        )
        assert json.loads(done.stdout)["error"]["code"] == "E_STORE_IN_USE"
        holder.close()
        assert cleo_cli(*words).code == 0
        assert rows(cleo_cli) == ["first"]

    def test_a_link_in_a_stores_place(self, cleo_cli: Cli, cleo_home: Path) -> None:
        make_set()
        shutil.move(FOLDER / "shelves.db", cleo_home / "moved.db")
        (FOLDER / "shelves.db").symlink_to(cleo_home / "moved.db")
        refused(cleo_cli("restore", "latest", "--yes"), 63, "E_RESTORE_REFUSED")
        assert rows(cleo_cli) == ["first"]

    def test_no_space(
        self, cleo_cli: Cli, frozen_bytes: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_set()
        usage = shutil.disk_usage(FOLDER)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
        with frozen_bytes(".cleo"):
            refused(cleo_cli("restore", "latest", "--yes"), 69, "E_NO_SPACE")

    @pytest.mark.parametrize("step", ["safety_set", "stage", "write_record"])
    def test_a_failure_before_the_decision_leaves_everything(
        self, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch, step: str
    ) -> None:
        make_set()
        add(cleo_cli, "second")
        (FOLDER / "boxes.db").write_bytes(b"damaged")

        def full(*_: Any, **__: Any) -> None:
            raise performing.CleoError("E_DISK_FULL", "No space was left.")

        with monkeypatch.context() as patched:
            patched.setattr(performing, step, full)
            error = refused(cleo_cli("restore", "latest", "--yes"), 63, "E_RESTORE_REFUSED")
        assert error["details"]["cause"] == "E_DISK_FULL"
        assert rows(cleo_cli) == ["first", "second"]
        assert (FOLDER / "boxes.db").read_bytes() == b"damaged"
        assert not list(FOLDER.glob(".*.tmp"))
        assert not list(FOLDER.glob("quarantine/*"))
        assert cleo_cli("restore", "latest", "--yes").code == 0

    @pytest.mark.guarantee(
        "operations-05", "Nothing is restored over a file that git tracks, and the way out is said."
    )
    def test_a_tracked_store(self, cleo_cli: Cli, frozen_bytes: Any) -> None:
        make_set()
        subprocess.run(["git", "init", "-q"], check=True)
        subprocess.run(["git", "add", "-f", ".cleo/shelves.db"], check=True)
        with frozen_bytes(".cleo"):
            error = refused(cleo_cli("restore", "latest", "--yes"), 63, "E_RESTORE_REFUSED")
        assert error["fix"] == "git rm --cached -- .cleo/shelves.db"
        outcome = cleo_cli("restore", "latest", "--store", "boxes", "--yes")
        assert [one["code"] for one in outcome.warnings] == ["W_TRACKED"]


class TestDamage:
    """Each kind of damage, beside a good set."""

    def harm(self, kind: str, cleo_cli: Cli) -> bytes:
        """Do it to the store shelves; gives the bad file."""
        path = FOLDER / "shelves.db"
        if kind == "header":
            content = path.read_bytes()
            path.write_bytes(b"x" * 100 + content[100:])
        elif kind == "page":
            content = path.read_bytes()
            path.write_bytes(content[:4096] + b"\x5a" * 4096 + content[8192:])
        elif kind == "truncated":
            os.truncate(path, 6000)
        elif kind == "swapped":
            shutil.copyfile(FOLDER / "boxes.db", path)
        elif kind == "two rows":
            connection = connect_for_copy(str(path))
            connection.execute("INSERT INTO alembic_version_shelves VALUES ('shelves_0001')")
            connection.close()
        elif kind == "foreign log":
            other = FOLDER / "other.db"
            connection = connect_for_copy_new(other)
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
            connection.execute("CREATE TABLE strange (x)")
            connection.execute("INSERT INTO strange VALUES (1)")
            log = Path(f"{other}-wal").read_bytes()
            connection.close()
            other.unlink()
            Path(f"{path}-wal").write_bytes(log)
        return path.read_bytes()

    @pytest.mark.guarantee(
        "operations-23",
        "A corrupted header, a random page, a truncated or swapped file and a foreign log are each "
        "named by doctor; a restore brings the last good set, and quarantine keeps the bad file.",
    )
    @pytest.mark.parametrize(
        "kind", ["header", "page", "truncated", "swapped", "two rows", "foreign log"]
    )
    def test_doctor_names_it_and_a_restore_brings_the_last_good_set(
        self, cleo_cli: Cli, kind: str
    ) -> None:
        make_set()
        bad = self.harm(kind, cleo_cli)
        checks = cleo_cli("doctor", "--only", "store").error["details"]["checks"]
        found = [
            one for one in checks if one.get("store") == "shelves" and one["status"] == "error"
        ]
        assert found, checks
        if kind != "foreign log":
            # That one SQLite would fold in, as if it were its own.
            assert cleo_cli("shelves", "list").error["exit"] in (52, 53)
        data = cleo_cli("restore", "latest", "--store", "shelves", "--yes").data
        assert rows(cleo_cli) == ["first"]
        [kept] = data["quarantined"]
        assert kept["name"] == "shelves"
        assert Path(kept["path"], "shelves.db").read_bytes() == bad
        assert cleo_cli("doctor", "--only", "store").code == 0

    def test_the_command_that_a_damaged_store_offers_mends_it(self, cleo_cli: Cli) -> None:
        make_set()
        self.harm("header", cleo_cli)
        fix = cleo_cli("shelves", "list").error["fix"]
        assert fix == "cleo restore latest --store shelves"
        assert cleo_cli(*fix.split()[1:], "--yes").code == 0
        assert rows(cleo_cli) == ["first"]

    def test_all_stores_with_one_of_them_damaged(self, cleo_cli: Cli) -> None:
        make_set()
        add(cleo_cli, "second")
        self.harm("page", cleo_cli)
        data = cleo_cli("restore", "latest", "--yes").data
        assert both(cleo_cli) == [["first"], ["first"]]
        assert [one["name"] for one in manifest(Path(data["safetySet"]))["items"]] == ["boxes"]
        assert [one["name"] for one in data["quarantined"]] == ["shelves"]


def connect_for_copy_new(path: Path) -> Any:
    path.touch()
    return connect_for_copy(str(path))


def test_a_store_that_nobody_knows_is_no_missing_backup(cleo_cli: Cli) -> None:
    make_set()
    error = refused(cleo_cli("restore", "latest", "--store", "shelfs"), 4, "E_NOT_FOUND")
    assert "No installed plugin has a store 'shelfs'" in error["message"]
    assert error["fix"] == "cleo stores"
