"""Restores that are killed, waited for, or left for somebody else to carry out."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cleo_core import pending_restore
from cleo_core.app import open_app
from cleo_core.backup import create_set, inventory
from cleo_core.database import connect_for_copy
from cleo_core.errors import CleoError
from cleo_core.locks import locked
from cleo_core.restore import find_source, live, performing, plan
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]

FOLDER = Path(".cleo")
RECORD = FOLDER / "locks" / "restore.json"
CLEO = (sys.executable, "-m", "cleo_core")
OLD, NEW = ["first"], ["first", "second"]


@pytest.fixture(autouse=True)
def saved(site: Any, made_once: Any, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose two stores have a row more than the set that is made of them; the set."""
    site.store("shelves", kind="shelf")
    site.store("boxes", kind="box", after=("shelves",))
    monkeypatch.setenv("CLEO_PLUGINS", "shelves,boxes")
    monkeypatch.setenv("CLEO_BUSY_TIMEOUT_MS", "300")
    monkeypatch.setattr(live, "AT_REST", 0.0)

    def make() -> str:
        assert cleo_cli("init").code == 0
        add(cleo_cli, "first")
        with open_app() as app:
            known = inventory(app.stores, "project")
            made = create_set(
                known.directory,
                "project",
                "manual",
                known.items,
                project=app.project,
                plugin_versions={},
                whole=True,
            )
        add(cleo_cli, "second")
        return os.path.basename(made["path"])

    return Path.cwd() / FOLDER / "backups" / made_once(make)


def add(cleo_cli: Cli, id: str) -> None:
    for store in ("shelves", "boxes"):
        assert cleo_cli(store, "add", id).code == 0


def rows(cleo_cli: Cli, store: str) -> list[str]:
    return [row["id"] for row in cleo_cli(store, "list").data]


def both(cleo_cli: Cli) -> list[list[str]]:
    return [rows(cleo_cli, "shelves"), rows(cleo_cli, "boxes")]


def content(store: str) -> list[str]:
    """The rows of a file as it is, its log not looked at."""
    connection = sqlite3.connect(f"file:{FOLDER}/{store}.db?mode=ro&immutable=1", uri=True)
    found = [row[0] for row in connection.execute(f"SELECT id FROM {store} ORDER BY id")]
    connection.close()
    return found


class _Died(BaseException):
    """Stands for the death of the process."""


@pytest.fixture
def left(cleo_cli: Cli, saved: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Leave a restore that was killed after it had swapped some files."""

    def after(swaps: int) -> None:
        real, done = performing.swap, iter(range(swaps))

        def swap(*arguments: Any) -> None:
            if next(done, None) is None:
                raise _Died
            real(*arguments)

        with monkeypatch.context() as patched:
            patched.setattr(performing, "swap", swap)
            with pytest.raises(_Died):
                restore_here(saved)
        assert RECORD.exists()

    return after


def restore_here(saved: Path) -> None:
    """Restore without the command line, which would make an error of what stands for a death."""
    with open_app() as app:
        source, _ = find_source(app, str(saved), tier="project")
        performing.restore_items(app, plan(app, source))


class TestKills:
    @pytest.mark.guarantee(
        "operations-22",
        "A restore that is killed at any step has not happened, or the next command finishes it; "
        "no file is ever missing, and no log of one file lies beside another.",
    )
    def test_a_kill_at_any_step_of_a_restore(
        self,
        kill_at_every_step: Any,
        left_behind: Any,
        cleo_cli: Cli,
        saved: Path,
        cleo_home: Path,
    ) -> None:
        kept = cleo_home / "kept"
        # A log that is not folded in is the harder case.
        holder = connect_for_copy(str(FOLDER / "shelves.db"))
        holder.execute("UPDATE shelves SET label = 'in the log' WHERE id = 'second'")
        shutil.copytree(FOLDER, kept)
        holder.close()
        (kept / "shelves.db-shm").unlink()

        def reset() -> None:
            shutil.rmtree(FOLDER)
            shutil.copytree(kept, FOLDER)

        seen = {"before": 0, "decided": 0, "done": 0}
        looked: set[object] = set()
        for killed in kill_at_every_step(["restore", saved.name, "--yes"], reset):
            decided = RECORD.exists()
            left = left_behind()
            if left in looked and not decided:
                continue
            looked.add(left)
            for store in ("shelves", "boxes"):
                path = FOLDER / f"{store}.db"
                assert path.exists(), killed
                log = Path(f"{path}-wal")
                if decided and log.exists():
                    assert log.stat().st_size == 0, killed
            found = both(cleo_cli)
            assert found in ([NEW, NEW], [OLD, OLD]), killed
            assert not decided or found == [OLD, OLD], killed
            assert not RECORD.exists(), killed
            word = "decided" if decided else "done" if found == [OLD, OLD] else "before"
            seen[word] += 1
            add(cleo_cli, "third")
            for store, before in zip(("shelves", "boxes"), found, strict=True):
                check = connect_for_copy(str(FOLDER / f"{store}.db"))
                assert check.execute("PRAGMA integrity_check").fetchall() == [("ok",)], killed
                ids = [id for (id,) in check.execute(f"SELECT id FROM {store} ORDER BY id")]
                assert ids == [*before, "third"], killed
                check.close()
        assert seen["before"] > 20
        assert seen["decided"] > 10
        assert seen["done"] > 0

    def test_a_kill_at_any_step_of_finishing_one(
        self, kill_at_every_step: Any, cleo_cli: Cli, left: Callable[[int], None], cleo_home: Path
    ) -> None:
        left(1)
        kept = cleo_home / "kept"
        shutil.copytree(FOLDER, kept)

        def reset() -> None:
            shutil.rmtree(FOLDER)
            shutil.copytree(kept, FOLDER)
            record = json.loads(RECORD.read_text())
            record["items"][0]["inode"] = (FOLDER / "shelves.db").stat().st_ino
            RECORD.write_text(json.dumps(record))

        count = 0
        for killed in kill_at_every_step(["shelves", "list"], reset):
            count += 1
            assert both(cleo_cli) == [OLD, OLD], killed
            assert not RECORD.exists(), killed
        assert count > 10


class TestFinishing:
    @pytest.mark.parametrize("swaps", [0, 1])
    def test_the_next_command_finishes_it_and_says_so(
        self, cleo_cli: Cli, left: Callable[[int], None], swaps: int
    ) -> None:
        left(swaps)
        outcome = cleo_cli("boxes", "list")
        assert [one["code"] for one in outcome.warnings] == ["W_RESTORE_FINISHED"]
        assert both(cleo_cli) == [OLD, OLD]
        assert not RECORD.exists()
        assert not list(FOLDER.glob(".*.tmp"))
        line = json.loads((FOLDER / "audit" / "overrides.jsonl").read_text().splitlines()[-1])
        assert (line["event"], line["files"]) == ("restore-finished", ["shelves.db", "boxes.db"])

    def test_a_write_finishes_it_first(self, cleo_cli: Cli, left: Callable[[int], None]) -> None:
        left(1)
        assert cleo_cli("boxes", "add", "third").code == 0
        assert rows(cleo_cli, "boxes") == ["first", "third"]

    def test_a_backup_finishes_it_first(self, cleo_cli: Cli, left: Callable[[int], None]) -> None:
        left(1)
        made = cleo_cli("backup", "create").data["sets"][0]
        counts = {one["name"]: one.get("rowCounts") for one in made["items"]}
        assert (counts["shelves"]["shelves"], counts["boxes"]["boxes"]) == (1, 1)

    def test_what_was_written_to_a_swapped_file_since_stays(
        self, cleo_cli: Cli, left: Callable[[int], None]
    ) -> None:
        left(1)
        other = sqlite3.connect(FOLDER / "shelves.db")
        other.execute("PRAGMA journal_mode = WAL").fetchone()
        with other:
            other.execute("INSERT INTO shelves (id) VALUES ('since')")
        assert both(cleo_cli) == [["first", "since"], OLD]
        other.close()
        assert both(cleo_cli) == [["first", "since"], OLD]

    @pytest.mark.parametrize("content", [None, b"", b"x" * 5000])
    def test_a_store_that_is_gone_or_damaged_meanwhile(
        self, cleo_cli: Cli, left: Callable[[int], None], content: bytes | None
    ) -> None:
        left(1)
        (FOLDER / "boxes.db").unlink()
        if content is not None:
            (FOLDER / "boxes.db").write_bytes(content)
        assert cleo_cli("boxes", "add", "third").code == 0
        assert both(cleo_cli) == [OLD, ["first", "third"]]

    def test_doctor_names_it_and_finishes_it_only_with_fix(
        self, cleo_cli: Cli, left: Callable[[int], None], frozen_bytes: Any
    ) -> None:
        left(1)
        with frozen_bytes(".cleo"):
            error = cleo_cli("doctor").error
        checks = {one["id"]: one for one in error["details"]["checks"]}
        found = checks["restore.pending"]
        assert found["status"] == "error"
        assert cleo_cli(*found["fix"].split()[1:]).code == 0
        assert [content("shelves"), content("boxes")] == [OLD, OLD]
        assert cleo_cli("doctor").code == 0

    def test_doctor_leaves_the_new_files_that_are_waited_for(
        self, cleo_cli: Cli, left: Callable[[int], None]
    ) -> None:
        left(1)
        [new] = FOLDER.glob(".boxes.db.*.tmp")
        long_ago = time.time() - 200_000
        os.utime(new, (long_ago, long_ago))
        assert cleo_cli("doctor", "--only", "temp.stale", "--fix").code == 0
        assert new.exists()
        assert both(cleo_cli) == [OLD, OLD]

    @pytest.mark.parametrize("harm", ["missing", "changed", "link"])
    def test_one_that_cannot_be_finished_names_the_command_that_helps(
        self, cleo_cli: Cli, left: Callable[[int], None], harm: str
    ) -> None:
        left(1)
        [new] = FOLDER.glob(".boxes.db.*.tmp")
        if harm == "changed":
            new.write_bytes(b"else")
        else:
            os.rename(new, FOLDER / "aside")
            if harm == "link":
                new.symlink_to("aside")
        error = cleo_cli("boxes", "list").error
        assert (error["exit"], error["code"]) == (64, "E_RESTORE_PENDING")
        assert content("boxes") == NEW
        assert "before-restore" in error["fix"]
        mending = cleo_cli("doctor", "--only", "restore.pending", "--fix").error
        [found] = mending["details"]["checks"]
        assert error["fix"] in found["details"]["fixFailed"]
        outcome = cleo_cli(*error["fix"].split()[1:])
        assert outcome.code == 0
        assert "W_RESTORE_ABANDONED" in [one["code"] for one in outcome.warnings]
        assert both(cleo_cli) == [NEW, NEW]
        assert not list(FOLDER.glob(".*.tmp"))

    def test_one_with_nothing_to_go_back_to_is_given_up_by_doctor(
        self, cleo_cli: Cli, left: Callable[[int], None], saved: Path
    ) -> None:
        left(1)
        shutil.rmtree(FOLDER / "backups")
        [new] = FOLDER.glob(".boxes.db.*.tmp")
        new.unlink()
        error = cleo_cli("boxes", "list").error
        assert error["fix"] == "cleo doctor --only restore.pending --fix"
        assert cleo_cli(*error["fix"].split()[1:]).code == 0
        assert both(cleo_cli) == [OLD, NEW]

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{}",
            "[1]",
            '{"format": 2}',
            "\0",
            '{"format": 1, "tier": "project", "source": null, "safetySet": null, "items": '
            '[{"name": "x", "kind": "store", "file": "../x", "temporary": ".../x.1.tmp", '
            '"sha256": "", "inode": 1}]}',
            '{"format": 1, "tier": "project", "source": null, "safetySet": null, "items": '
            '[{"name": "x", "kind": "store", "file": "boxes.db", "temporary": "shelves.db", '
            '"sha256": "", "inode": 1}]}',
            *(
                '{"format": 1, "tier": "project", "source": null, "safetySet": null, "items": '
                f'[{{"name": "x", "kind": {kind}, "file": "{file}", "temporary": ".{file}.1.tmp", '
                f'"sha256": {sha256}, "inode": {inode}}}]}}'
                for kind, file, sha256, inode in (
                    ('"store"', "x\\u0000y", '""', "1"),
                    ('"store"', "\\ud800", '""', "1"),
                    ('"thing"', "x", '""', "1"),
                    ("[]", "x", '""', "1"),
                    ('"store"', "x", "5", "1"),
                    ('"store"', "x", '""', '"1"'),
                )
            ),
        ],
    )
    def test_a_record_that_cannot_be_read_is_put_aside_by_doctor(
        self, cleo_cli: Cli, text: str, frozen_bytes: Any
    ) -> None:
        RECORD.write_text(text)
        with frozen_bytes(".cleo"):
            error = cleo_cli("boxes", "list").error
        assert (error["exit"], error["code"]) == (64, "E_RESTORE_PENDING")
        assert cleo_cli(*error["fix"].split()[1:]).code == 0
        assert both(cleo_cli) == [NEW, NEW]
        [kept] = FOLDER.glob("quarantine/restore.json.*")
        assert kept.read_text() == text

    def test_a_record_that_would_replace_a_directory_is_given_up_by_doctor(
        self, cleo_cli: Cli, left: Callable[[int], None]
    ) -> None:
        left(1)
        shutil.rmtree(FOLDER / "backups")
        (FOLDER / "boxes.db").unlink()
        (FOLDER / "boxes.db").mkdir()
        error = cleo_cli("boxes", "list").error
        assert (error["exit"], error["code"]) == (64, "E_RESTORE_PENDING")
        cleo_cli(*error["fix"].split()[1:])
        assert not RECORD.exists()
        (FOLDER / "boxes.db").rmdir()
        assert cleo_cli("boxes", "add", "new").code == 0

    def test_another_project_only_looks_and_leaves_it(
        self,
        cleo_cli: Cli,
        left: Callable[[int], None],
        frozen_bytes: Any,
        cleo_home: Path,
    ) -> None:
        left(1)
        root = str(Path.cwd())
        with open_app() as app, frozen_bytes(".cleo"):
            other = app.for_project(root, foreign=True)
            with pytest.raises(CleoError) as caught:
                other.store("boxes")
        assert caught.value.exit == 64

    def test_nothing_is_imported_for_it_where_nothing_is_pending(self) -> None:
        script = (
            "import sys; from cleo_core.cli import main; code = main(['boxes', 'list'])\n"
            "assert code == 0\n"
            "assert 'cleo_core.pending_restore' not in sys.modules\n"
            "assert 'cleo_core.database.unshared' not in sys.modules\n"
            "assert 'filelock' not in sys.modules\n"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr


class TestOthersMeanwhile:
    def test_nobody_gets_at_a_file_between_the_safety_set_and_the_swap(
        self, cleo_cli: Cli, saved: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Reading a file beside the connection that holds it would let go of its locks."""
        script = (
            "import sqlite3, sys\n"
            "db = sqlite3.connect(sys.argv[1], timeout=0)\n"
            "try:\n"
            "    db.execute('INSERT INTO shelves (id) VALUES (1)')\n"
            "except sqlite3.OperationalError as error:\n"
            "    sys.exit(str(error))\n"
        )
        said = []
        real = performing.write_record

        def decide(*arguments: Any) -> None:
            done = subprocess.run(
                [sys.executable, "-c", script, FOLDER / "shelves.db"],
                capture_output=True,
                text=True,
                check=False,
            )
            said.append(done.stderr.strip())
            real(*arguments)

        monkeypatch.setattr(performing, "write_record", decide)
        assert cleo_cli("restore", saved.name, "--yes").code == 0
        assert said == ["database is locked"]

    @pytest.mark.guarantee(
        "operations-08",
        "Writers that wait while `cleo restore` swaps the files end with their rows in the new "
        "files, or with a clean error.",
    )
    @pytest.mark.parametrize("dies", [False, True])
    def test_writers_that_wait_for_a_restore(
        self, cleo_cli: Cli, saved: Path, monkeypatch: pytest.MonkeyPatch, dies: bool
    ) -> None:
        waiting: list[subprocess.Popen[bytes]] = []
        real = performing.stage

        def stage(*arguments: Any) -> Any:
            env = {**os.environ, "CLEO_BUSY_TIMEOUT_MS": "30000"}
            for number in range(3):
                store = ("shelves", "boxes")[number % 2]
                words = [*CLEO, store, "add", f"waiting {number}"]
                waiting.append(subprocess.Popen(words, stdout=subprocess.PIPE, env=env))
            with pytest.raises(subprocess.TimeoutExpired):
                waiting[0].wait(1.0)
            return real(*arguments)

        def swap(*arguments: Any) -> None:
            raise _Died

        monkeypatch.setattr(performing, "stage", stage)
        if dies:
            monkeypatch.setattr(performing, "swap", swap)
            with pytest.raises(_Died):
                restore_here(saved)
        else:
            assert cleo_cli("restore", saved.name, "--yes").code == 0
        answers = [json.loads(one.communicate(timeout=60)[0]) for one in waiting]
        there = [id_ for found in both(cleo_cli) for id_ in found]
        for number, answer in enumerate(answers):
            assert answer["success"], answer
            assert f"waiting {number}" in there
        assert there.count("second") == 0
        assert not RECORD.exists()

    def test_a_command_waits_for_a_restorer_that_lives(
        self, cleo_cli: Cli, left: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        left(1)
        monkeypatch.setattr(pending_restore, "locked", partial(locked, timeout=0.2))
        with locked(str(FOLDER), "restore"):
            error = cleo_cli("boxes", "list").error
            assert (error["exit"], error["code"]) == (7, "E_LOCK_TIMEOUT")
            found = cleo_cli("doctor", "--only", "restore.pending").data["checks"][0]
            assert found["status"] == "info"
        assert both(cleo_cli) == [OLD, OLD]

    def test_a_dry_run_of_another_command_changes_no_byte_for_it(
        self, cleo_cli: Cli, left: Callable[[int], None], frozen_bytes: Any
    ) -> None:
        left(1)
        with frozen_bytes(".cleo"):
            error = cleo_cli("boxes", "add", "third", "--dry-run").error
            assert (error["exit"], error["code"]) == (64, "E_RESTORE_PENDING")
            assert error["fix"] == "cleo doctor --only restore.pending --fix"
            assert cleo_cli("restore", "latest", "--dry-run").code == 0
        assert cleo_cli(*error["fix"].split()[1:]).code == 0
        assert cleo_cli("boxes", "add", "third", "--dry-run").code == 0
        assert both(cleo_cli) == [OLD, OLD]

    def test_a_file_that_is_used_is_not_swapped_by_who_finishes(
        self, cleo_cli: Cli, left: Callable[[int], None]
    ) -> None:
        left(1)
        holder = connect_for_copy(str(FOLDER / "boxes.db"))
        holder.execute("PRAGMA journal_mode = WAL").fetchone()
        holder.execute("SELECT count(*) FROM boxes").fetchall()
        assert cleo_cli("boxes", "list").error["exit"] == 66
        holder.close()
        assert both(cleo_cli) == [OLD, OLD]

    def test_two_restores_at_once(self, cleo_cli: Cli, saved: Path) -> None:
        words = [*CLEO, "restore", saved.name, "--yes"]
        env = {**os.environ, "CLEO_BUSY_TIMEOUT_MS": "20000"}
        both_of_them = [subprocess.Popen(words, stdout=subprocess.PIPE, env=env) for _ in range(2)]
        answers = [json.loads(one.communicate(timeout=60)[0]) for one in both_of_them]
        assert [one["success"] for one in answers] == [True, True], answers
        assert both(cleo_cli) == [OLD, OLD]
