"""``cleo backup``: what it makes, finds, proves, keeps and removes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import open_app
from cleo_core.backup import creating, managing
from cleo_core.backup.verifying import verify_set
from cleo_core.backup_sets import manifest_hash, read_set
from cleo_core.database import connect_for_copy
from cleo_core.errors import ValidationError
from cleo_core.locks import held
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]

ROOT = Path(__file__).resolve().parents[2]
BACKUPS = Path(".cleo/backups")


@pytest.fixture
def everything(cleo_home: Path, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with all first-party stores; gives the data directory."""
    monkeypatch.delenv("CLEO_DISABLE_PLUGINS")
    assert cleo_cli("init", "demo").code == 0
    return cleo_home / "home" / "data" / "cleo"


def names(folder: Path = BACKUPS) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def items(one: dict[str, Any]) -> dict[str, str]:
    return {item["name"]: item["kind"] for item in one["items"]}


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def rewrite(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a manifest, and its hash with it."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    manifest["manifestSha256"] = manifest_hash(manifest)
    path.write_text(json.dumps(manifest))


def redescribe(copy: Path) -> None:
    """Let a manifest say of a copy what it is now."""

    def describe(manifest: dict[str, Any]) -> None:
        content = copy.read_bytes()
        found = next(item for item in manifest["items"] if item["file"] == copy.name)
        found.update(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())

    rewrite(copy.parent, describe)


class TestCreate:
    @pytest.mark.guarantee(
        "operations-17",
        "A backup holds every store that is to be kept, though none was open, and never telemetry, "
        "the machine's key, logs or locks.",
    )
    def test_it_holds_all_that_is_to_be_kept(self, everything: Path, cleo_cli: Cli) -> None:
        assert cleo_cli("telemetry", "enable").code == 0
        assert cleo_cli("nexus", "register", env={"DO_NOT_TRACK": ""}).code == 0
        connection = sqlite3.connect(".cleo/own.db")
        connection.executescript("CREATE TABLE a (b CHECK (b > 1)); INSERT INTO a VALUES (5)")
        connection.close()
        key, salt = everything / "machine-key", everything / "global-salt"
        key.write_bytes(os.urandom(32))
        salt.write_bytes(os.urandom(32))
        made = cleo_cli("backup", "create", "--all", "--note", "all of it")
        assert made.code == 0, made
        here, there = made.data["sets"]
        assert (here["tier"], there["tier"]) == ("project", "global")
        assert items(here) == {
            "own.db": "database",
            "conduit": "store",
            "brain": "store",
            "tasks": "store",
            "config.json": "config",
            "project-info.json": "marker",
        }
        assert items(there) == {
            "signaldock": "store",
            "nexus": "store",
            "global-salt": "file",
            "config.json": "config",
        }
        manifests = [
            json.loads(Path(one["path"], "manifest.json").read_text()) for one in (here, there)
        ]
        assert {one["setId"] for one in manifests} == {made.data["setId"]}
        assert {one["note"] for one in manifests} == {"all of it"}
        prints = {one["machineFingerprint"] for one in manifests}
        assert len(prints) == 1
        assert len(prints.pop()) == 16
        own = next(item for item in here["items"] if item["name"] == "own.db")
        assert (own["unowned"], own["rowCounts"]) == (True, {"a": 1})
        assert "revision" not in own
        assert "store" not in own
        stored = {path.name: path for one in (here, there) for path in Path(one["path"]).iterdir()}
        assert stored["global-salt"].read_bytes() == salt.read_bytes()
        assert {oct(path.stat().st_mode & 0o777) for path in stored.values()} == {"0o600"}
        assert not [path for path in stored.values() if key.read_bytes() in path.read_bytes()]
        assert not [name for name in stored if "telemetry" in name or name.endswith("lock")]
        assert cleo_cli("backup", "verify", "--all", "--deep").data["missing"] == []

    def test_the_tier_is_the_projects_unless_another_is_named(
        self, everything: Path, cleo_cli: Cli, cleo_home: Path
    ) -> None:
        def tiers(*words: str, **options: Any) -> list[str]:
            made = cleo_cli("backup", "create", *words, **options)
            return [one["tier"] for one in made.data["sets"]]

        assert tiers() == ["project"]
        assert tiers("--global") == ["global"]
        outside = cleo_home / "outside"
        outside.mkdir()
        assert tiers(cwd=outside) == tiers("--all", cwd=outside) == ["global"]
        assert not list(outside.iterdir())
        assert cleo_cli("backup", "create", "--all", "--global").error["exit"] == 2

    def test_where_nothing_is_there_is_nothing_to_copy(
        self, cleo_cli: Cli, cleo_home: Path
    ) -> None:
        for words in (("create",), ("list",), ("prune",), ("verify",), ("show", "latest")):
            outcome = cleo_cli("backup", *words)
            expected = {"create": 100, "verify": 61, "show": 61}.get(words[0], 0)
            assert outcome.code == expected, outcome
        assert not list(cleo_home.rglob("backups"))
        error = cleo_cli("backup", "verify").error
        assert (error["code"], error["fix"]) == ("E_NO_BACKUP", "cleo backup create --global")

    def test_a_dry_run_says_what_would_be_copied_and_what_would_go(
        self, cleo_project: Path, cleo_cli: Cli, frozen_bytes: Any
    ) -> None:
        with frozen_bytes(cleo_project.parent):
            plan = cleo_cli("backup", "create", "--dry-run", "--all").data
        assert plan["setId"] is None
        assert items(plan["sets"][0]) == {
            "tasks": "store",
            "config.json": "config",
            "project-info.json": "marker",
        }
        for key, number in (("last", "1"), ("daily", "0")):
            assert cleo_cli("config", "set", f"backup.keep_{key}", number).code == 0
        (first,) = cleo_cli("backup", "create").data["sets"]
        with frozen_bytes(cleo_project.parent):
            planned = cleo_cli("backup", "create", "--dry-run").data["rotated"]
        assert planned == [first["name"]]
        made = cleo_cli("backup", "create").data
        assert made["rotated"] == planned
        assert names() == [made["sets"][0]["name"]]

    @pytest.mark.guarantee(
        "operations-05", "A backup says which files of the project git tracks though it must not."
    )
    def test_tracked_files_are_named(self, cleo_project: Path, cleo_cli: Cli) -> None:
        for words in (("init", "-q"), ("add", "-f", ".cleo/tasks.db")):
            subprocess.run(["git", *words], check=True)
        outcome = cleo_cli("backup", "create")
        assert [one["code"] for one in outcome.warnings] == ["W_TRACKED"]
        assert "git rm --cached -- .cleo/tasks.db" in outcome.warnings[0]["fix"]

    def test_without_a_home_the_project_is_backed_up(self, everything: Path, cleo_cli: Cli) -> None:
        env = {"HOME": "", "XDG_DATA_HOME": "", "XDG_CONFIG_HOME": ""}
        assert cleo_cli("backup", "create", env=env).code == 0
        assert cleo_cli("backup", "verify", "--all", env=env).code == 0
        assert cleo_cli("backup", "create", "--all", env=env).error["exit"] == 8
        assert len(names()) == 1

    def test_settings_alone_are_worth_a_copy(self, cleo_home: Path, cleo_cli: Cli) -> None:
        assert cleo_cli("config", "set", "output.format", "json", "--global").code == 0
        assert cleo_cli("backup", "create", "--dry-run").code == 0
        assert not list(cleo_home.rglob("backups"))
        (made,) = cleo_cli("backup", "create").data["sets"]
        assert items(made) == {"config.json": "config"}
        assert cleo_cli("backup", "verify").code == 0

    @pytest.mark.parametrize("note", ["x" * 2001, "\udcff"])
    def test_a_note_is_text(self, cleo_project: Path, cleo_cli: Cli, note: str) -> None:
        assert cleo_cli("backup", "create", "--note", note).code in (2, 6)
        assert names() == []

    @pytest.mark.parametrize("tiers", [None, 5, "project", ["none"], [5], [["project"]]])
    def test_tiers_from_python_are_checked(self, cleo_project: Path, tiers: Any) -> None:
        with open_app() as app, pytest.raises(ValidationError):
            app.backup(tiers)
        assert names() == []

    def test_what_is_kept_elsewhere_or_gone_is_said(
        self, site: Any, cleo_cli: Cli, cleo_home: Path
    ) -> None:
        site.store("boxes", kind="box")
        site.store(
            "nowhere",
            kind="nothing",
            more="""
            from cleo_core.database import in_memory
            from PACKAGE.snapshot import STATEMENTS

            @hookimpl
            def cleo_open_store(spec, path):
                if spec.name == "nowhere":
                    return in_memory("nowhere", STATEMENTS, {})
            """,
        )
        assert cleo_cli("init", "demo").code == 0
        first = cleo_cli("backup", "create")
        assert [one["code"] for one in first.warnings] == ["W_BACKUP_ELSEWHERE"]
        assert "nowhere" in first.warnings[0]["message"]
        assert "nowhere" not in items(first.data["sets"][0])
        Path(".cleo/boxes.db").unlink()
        second = cleo_cli("backup", "create")
        gone = [one for one in second.warnings if one["code"] == "W_BACKUP_GONE"]
        assert first.data["sets"][0]["path"] in gone[0]["message"]

    def test_files_that_would_be_taken_for_others_get_names_of_their_own(
        self, cleo_project: Path, cleo_cli: Cli
    ) -> None:
        for name in ("manifest.json", "pinned.json", "tasks.db-wal.old", "x-journal"):
            shutil.copyfile(".cleo/tasks.db", f".cleo/{name}")
        os.symlink("tasks.db", ".cleo/link.db")
        Path(".cleo/words.txt").write_text("no database")
        (one,) = cleo_cli("backup", "create").data["sets"]
        files = {item["name"]: item["file"] for item in one["items"] if item["kind"] == "database"}
        assert sorted(files) == ["manifest.json", "pinned.json", "tasks.db-wal.old", "x-journal"]
        assert not {"manifest.json", "pinned.json", "x-journal"} & set(files.values())
        assert cleo_cli("backup", "verify", "latest").code == 0


class TestWhatCannotBeCopied:
    @pytest.mark.guarantee(
        "operations-19",
        "A damaged store costs the others nothing: the set holds them, names what it lacks and "
        "exits 60, and the last good copy of it stays however often that happens.",
    )
    def test_twenty_runs_keep_the_last_good_copy(
        self, site: Any, cleo_cli: Cli, cleo_clock: Any
    ) -> None:
        site.store("boxes", kind="box")
        assert cleo_cli("init", "demo").code == 0
        assert cleo_cli("boxes", "add", "b1").code == 0
        good = cleo_cli("backup", "create").data["sets"][0]["name"]
        Path(".cleo/boxes.db").write_bytes(b"SQLite format 3\0" + b"x" * 5000)
        for number in range(20):
            cleo_clock.advance(60)
            error = cleo_cli("backup", "create").error
            assert (error["code"], error["exit"]) == ("E_BACKUP_FAILED", 60), number
            assert "boxes" in error["message"]
            (made,) = error["details"]["sets"]
            assert made["complete"] is False
            assert [one["name"] for one in made["failed"]] == ["boxes"]
            assert items(made)["tasks"] == "store"
        assert len(names()) == 11
        assert names()[0] == good
        one = read_set(str(BACKUPS / good))
        assert one is not None
        with open_app() as app:
            assert not [found for found in verify_set(one, app.stores, deep=True) if found.error]
        rows = cleo_cli("backup", "list").data
        assert [row["complete"] for row in rows] == [False] * 10 + [True]
        error = cleo_cli("backup", "verify").error
        assert error["exit"] == 62
        assert [one["name"] for one in error["details"]["missing"]] == ["boxes"]

    @pytest.mark.parametrize(
        ("name", "content", "words"),
        [
            ("config.json", b"{", "holds no JSON object"),
            ("config.json", b"[1]", "holds no JSON object"),
            ("boxes.salt", b"short", "5 bytes instead of 32"),
        ],
    )
    def test_a_file_that_cannot_be_right_is_no_good_copy(
        self, site: Any, cleo_cli: Cli, name: str, content: bytes, words: str
    ) -> None:
        site.store(
            "boxes",
            kind="box",
            more="""
            import dataclasses
            SPEC = dataclasses.replace(
                SPEC, files=(FileSpec("boxes.salt", "project", size=32, backup="include"),)
            )
            """,
        )
        assert cleo_cli("init", "demo").code == 0
        Path(".cleo/boxes.salt").write_bytes(b"s" * 32)
        assert items(cleo_cli("backup", "create").data["sets"][0])["boxes.salt"] == "file"
        Path(".cleo", name).write_bytes(content)
        error = cleo_cli("backup", "create").error
        assert (error["exit"], words in error["message"]) == (60, True)
        assert name not in items(error["details"]["sets"][0])

    def test_no_space_is_said_before_a_byte_is_written(
        self, cleo_project: Path, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert cleo_cli("backup", "create").code == 0
        before = names()
        usage = shutil.disk_usage(".")
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
        error = cleo_cli("backup", "create").error
        assert (error["code"], error["exit"]) == ("E_NO_SPACE", 69)
        assert error["fix"] == "cleo backup prune"
        assert names() == before

    def test_a_disk_that_fills_up_leaves_no_set(
        self, cleo_project: Path, cleo_cli: Cli, cleo_faults: Any
    ) -> None:
        assert cleo_cli("config", "set", "backup.keep_last", "1").code == 0
        assert cleo_cli("backup", "create").code == 0
        before = names()
        with cleo_faults.raising_at(10**6) as statements:
            assert cleo_cli("backup", "create", "--dry-run").code == 0
        first = next(
            number
            for number in range(len(statements) + 1, len(statements) + 40)
            if _is_backed_up_with_a_full_disk(cleo_cli, cleo_faults, number)
        )
        for number in range(first, first + 8):
            with cleo_faults.raising_at(number):
                error = cleo_cli("backup", "create").error
            assert error["exit"] == 60, number
            assert names() == before

    @pytest.mark.guarantee(
        "operations-19",
        "Killed at any point, a backup leaves a whole set or none, and no older one disappears "
        "before the new one is there.",
    )
    def test_killed_at_any_step(
        self, cleo_project: Path, cleo_cli: Cli, kill_at_every_step: Any
    ) -> None:
        for key, number in (("last", "1"), ("daily", "0")):
            assert cleo_cli("config", "set", f"backup.keep_{key}", number).code == 0
        (first,) = cleo_cli("backup", "create").data["sets"]
        shutil.copytree(BACKUPS, "kept")

        def reset() -> None:
            shutil.rmtree(BACKUPS)
            shutil.copytree("kept", BACKUPS)

        seen = set()
        with open_app() as app:
            for killed in kill_at_every_step(["backup", "create"], reset):
                sets = [name for name in names() if not name.startswith(".")]
                seen.add((first["name"] in sets, len(sets)))
                assert sets, killed
                for name in sets:
                    one = read_set(str(BACKUPS / name))
                    assert one is not None, killed
                    faults = [found for found in verify_set(one, app.stores) if found.error]
                    assert not faults, killed
        assert seen == {(True, 1), (True, 2), (False, 1)}


def _is_backed_up_with_a_full_disk(cli: Cli, faults: Any, number: int) -> bool:
    with faults.raising_at(number):
        return cli("backup", "create").code == 60


class TestOrder:
    @pytest.mark.guarantee(
        "operations-20",
        "Two backups in one second, or with the clock set back, are two sets, and the latest is "
        "the one made later.",
    )
    def test_it_does_not_go_by_the_clock(
        self, cleo_project: Path, cleo_cli: Cli, cleo_clock: Any
    ) -> None:
        cleo_clock.set("2026-03-25T14:30:15.000Z")
        made = []
        for seconds in (0.0, 0.5, -3600.0):
            cleo_clock.advance(seconds)
            made.append(cleo_cli("backup", "create").data["sets"][0]["name"])
            assert cleo_cli("backup", "show", "latest").data["name"] == made[-1]
        assert made == [
            "20260325T143015Z-001-manual",
            "20260325T143015Z-002-manual",
            "20260325T133015Z-001-manual",
        ]
        assert [row["name"] for row in cleo_cli("backup", "list").data] == made[::-1]

    def test_a_number_that_no_set_can_have_stops_no_backup(
        self, cleo_project: Path, cleo_cli: Cli
    ) -> None:
        (made,) = cleo_cli("backup", "create").data["sets"]
        other = BACKUPS / "20300101T000000Z-001-manual"
        for number in (10**4300 - 1, 1 << 63, -1):
            shutil.copytree(made["path"], other)
            path = other / "manifest.json"
            path.write_text(path.read_text().replace('"sequence": 1', f'"sequence": {number}'))
            assert not next(
                row["sound"] for row in cleo_cli("backup", "list").data if row["name"] == other.name
            )
            (later,) = cleo_cli("backup", "create").data["sets"]
            assert read_set(later["path"]).sequence < 10  # type: ignore[union-attr]
            assert cleo_cli("restore", "latest", "--yes").code == 0
            shutil.rmtree(other)

    @pytest.mark.guarantee(
        "operations-24",
        "Sets made by hand, by a session's end, by a migration or by a plugin are all found by "
        "list and by verify.",
    )
    def test_whoever_made_it_it_is_found(self, everything: Path, cleo_cli: Cli) -> None:
        Path(".cleo/conduit.db").unlink()
        golden = ROOT / "plugins/cleo-conduit/tests/golden/conduit_0001.db"
        shutil.copyfile(golden, ".cleo/conduit.db")
        assert cleo_cli("migrate", "--store", "conduit").code == 0
        assert cleo_cli("session", "start", "--name", "one", agent="a1").code == 0
        # The fresh set of the migration has no copy of tasks, so that it spares none.
        assert cleo_cli("session", "end", agent="a1").code == 0
        with open_app() as app:
            app.backup_before("before-spring", ["signaldock", "tasks"])
        assert cleo_cli("backup", "create", "--all").code == 0
        rows = cleo_cli("backup", "list").data
        reasons = {(row["tier"], row["reason"]) for row in rows}
        assert reasons == {
            ("project", "before-migrate"),
            ("project", "session-end"),
            ("project", "before-spring"),
            ("global", "before-spring"),
            ("project", "manual"),
            ("global", "manual"),
        }
        checked = cleo_cli("backup", "verify", "--all").data["checked"]
        assert {one["set"] for one in checked} == {row["name"] for row in rows}
        assert all(one["ok"] for one in checked)
        for row in rows:
            words = ["--global"] if row["tier"] == "global" else []
            shown = cleo_cli("backup", "show", row["name"], *words).data
            assert (shown["reason"], shown["path"]) == (row["reason"], row["path"])
            assert cleo_cli("backup", "verify", row["name"], *words).code == 0
            assert cleo_cli("backup", "show", row["path"]).data["name"] == row["name"]
        page = cleo_cli("backup", "list", "--limit", "2", "--offset", "1")
        assert [row["name"] for row in page.data] == [row["name"] for row in rows[1:3]]
        assert page.page["total"] == 6


class TestVerify:
    @pytest.mark.parametrize(
        ("spoil", "item", "words"),
        [
            (lambda one: damage(one / "tasks.db"), "tasks", "SHA-256"),
            (lambda one: (one / "tasks.db").unlink(), "tasks", "not there"),
            (lambda one: os.truncate(one / "tasks.db", 4096), "tasks", "4096 bytes instead of"),
            (lambda one: (one / "tasks.db-wal").touch(), "tasks.db-wal", "not in the manifest"),
            (lambda one: os.truncate(one / "manifest.json", 100), "manifest.json", "as it was"),
            (lambda one: (one / "manifest.json").unlink(), "manifest.json", "as it was"),
            (
                lambda one: rewrite(one, lambda found: found["items"][0].update(file="../a")),
                "manifest.json",
                "as it was",
            ),
            (
                lambda one: rewrite(one, lambda found: found["items"][0].update(revision="x")),
                "tasks",
                "revision",
            ),
            (
                lambda one: rewrite(
                    one, lambda found: found["items"][0]["rowCounts"].update(tasks=7)
                ),
                "tasks",
                "7",
            ),
        ],
    )
    def test_any_fault_is_found(
        self, cleo_project: Path, cleo_cli: Cli, spoil: Any, item: str, words: str
    ) -> None:
        (made,) = cleo_cli("backup", "create").data["sets"]
        assert cleo_cli("backup", "verify", made["name"]).code == 0
        spoil(Path(made["path"]))
        for arguments in ((made["name"],), ("--all",), ()):
            error = cleo_cli("backup", "verify", *arguments).error
            assert (error["code"], error["exit"]) == ("E_BACKUP_CORRUPT", 62)
            bad = [one for one in error["details"]["checked"] if not one["ok"]]
            assert [one["item"] for one in bad] == [item]
            assert words in bad[0]["error"]
        assert [row["name"] for row in cleo_cli("backup", "list").data] == [made["name"]]
        assert made["name"] in cleo_cli("backup", "list", "--human").out

    def test_content_is_looked_at_though_the_hashes_fit(
        self, cleo_project: Path, cleo_cli: Cli
    ) -> None:
        (made,) = cleo_cli("backup", "create").data["sets"]
        copy = Path(made["path"], "tasks.db")
        connection = connect_for_copy(str(copy))
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET rootpage = 3 WHERE name = 'tasks'")
        connection.close()
        redescribe(copy)
        error = cleo_cli("backup", "verify", "latest").error
        assert error["exit"] == 62
        assert "tasks" in error["message"]

    @pytest.mark.parametrize("way", ["plain", "read-only", "a log", "a journal"])
    def test_a_row_that_breaks_a_check_is_found_and_nothing_appears_beside_it(
        self,
        cleo_project: Path,
        cleo_cli: Cli,
        monkeypatch: pytest.MonkeyPatch,
        way: str,
    ) -> None:
        assert cleo_cli("add", "first").code == 0
        (made,) = cleo_cli("backup", "create").data["sets"]
        copy = Path(made["path"], "tasks.db")
        connection = connect_for_copy(str(copy))
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute("UPDATE tasks SET status = 'no such word'")
        if way == "a log":
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
        connection.close()
        redescribe(copy)
        if way == "a journal":
            Path(f"{copy}-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" * 128)
        elif way == "read-only":
            usual = os.access
            monkeypatch.setattr(
                os, "access", lambda path, mode: path != str(copy) and usual(path, mode)
            )
        before = {path: path.read_bytes() for path in copy.parent.iterdir()}
        error = cleo_cli("backup", "verify", made["name"]).error
        assert error["exit"] == 62
        assert "CHECK" in error["message"], error
        assert cleo_cli("restore", made["name"], "--yes").error["exit"] == 62
        assert {path: path.read_bytes() for path in copy.parent.iterdir()} == before

    def test_the_command_that_mends_it_is_that_of_the_tier(self, site: Any, cleo_cli: Cli) -> None:
        site.store("maps", kind="map", tier="global")
        assert cleo_cli("init", "demo").code == 0
        assert cleo_cli("backup", "create", "--all").code == 0
        assert cleo_cli("config", "set", "--global", "agent.id", "ada").code == 0
        error = cleo_cli("backup", "verify").error
        assert error["fix"] == "cleo backup create --global"
        site.store("boxes", kind="box")
        assert cleo_cli("init").code == 0
        error = cleo_cli("backup", "verify").error
        assert error["fix"] == "cleo backup create --all"
        assert cleo_cli(*error["fix"].split()[1:]).code == 0
        assert cleo_cli("backup", "verify").code == 0

    def test_what_there_is_now_must_be_in_it(self, site: Any, cleo_cli: Cli) -> None:
        assert cleo_cli("init", "demo").code == 0
        (made,) = cleo_cli("backup", "create").data["sets"]
        site.store("boxes", kind="box")
        assert cleo_cli("init").code == 0
        for arguments in ((), ("--all",), (made["name"],)):
            error = cleo_cli("backup", "verify", *arguments).error
            assert error["exit"] == 62
            missing = [(one["set"], one["name"]) for one in error["details"]["missing"]]
            assert missing == [(made["name"], "boxes")]
            assert error["fix"] == "cleo backup create"
        with open_app() as app:
            app.backup_before("before-test", ["boxes"])
        assert cleo_cli("backup", "verify").code == 0, "a later set has it"
        assert cleo_cli("backup", "verify", made["name"]).code == 62
        assert cleo_cli("backup", "create").code == 0
        assert cleo_cli("backup", "verify", "--all").code == 0

    def test_no_byte_changes(self, cleo_project: Path, cleo_cli: Cli, frozen_bytes: Any) -> None:
        assert cleo_cli("backup", "create").code == 0
        with frozen_bytes(cleo_project):
            for words in (("verify", "--all", "--deep"), ("list",), ("show", "latest")):
                assert cleo_cli("backup", *words).code == 0

    @pytest.mark.parametrize(
        "word", ["nothing", "..", "../backups", "/", "x/\0y", "", "\udcff", "manifest.json"]
    )
    def test_what_is_no_set(self, cleo_project: Path, cleo_cli: Cli, word: str) -> None:
        assert cleo_cli("backup", "create").code == 0
        for verb in ("show", "verify", "delete", "pin", "unpin"):
            outcome = cleo_cli("backup", verb, word)
            assert outcome.code in (2, 3, 4), outcome
            assert outcome.error["fix"]
        assert len(names()) == 1


class TestKeeping:
    def test_a_pinned_set_is_neither_rotated_nor_deleted(
        self, cleo_project: Path, cleo_cli: Cli, frozen_bytes: Any
    ) -> None:
        for key, number in (("last", "1"), ("daily", "0")):
            assert cleo_cli("config", "set", f"backup.keep_{key}", number).code == 0
        kept = cleo_cli("backup", "create", "--keep").data["sets"][0]["name"]
        second = cleo_cli("backup", "create").data["sets"][0]["name"]
        assert names() == [kept, second]
        assert [row["pinned"] for row in cleo_cli("backup", "list").data] == [False, True]
        error = cleo_cli("backup", "delete", kept).error
        assert (error["exit"], error["fix"]) == (6, f"cleo backup unpin {kept}")
        assert cleo_cli("backup", "pin", kept).data["changed"] is False
        with frozen_bytes(cleo_project):
            assert cleo_cli("backup", "unpin", kept, "--dry-run").data["changed"] is True
        assert cleo_cli("backup", "unpin", kept).data["changed"] is True
        assert cleo_cli("backup", "verify", kept).code == 0
        with frozen_bytes(cleo_project):
            planned = cleo_cli("backup", "prune", "--dry-run").data
        assert cleo_cli("backup", "prune").data == planned == {"deleted": [kept]}
        assert names() == [second]

    def test_a_last_good_copy_is_deleted_only_when_somebody_is_sure(
        self, cleo_project: Path, cleo_cli: Cli, frozen_bytes: Any
    ) -> None:
        first, second = (cleo_cli("backup", "create").data["sets"][0] for _ in range(2))
        with frozen_bytes(cleo_project):
            words = ["backup", "delete", first["name"], second["name"], "--dry-run"]
            assert cleo_cli(*words).error["code"] == "E_CONFIRMATION_NEEDED"
            assert cleo_cli(*words, "--yes").data == {"deleted": [first["name"], second["name"]]}
        assert cleo_cli("backup", "delete", first["path"]).data == {"deleted": [first["name"]]}
        assert names() == [second["name"]]
        error = cleo_cli("backup", "delete", second["name"]).error
        assert error["code"] == "E_CONFIRMATION_NEEDED"
        assert error["fix"] == f"cleo backup delete {second['name']} --yes"
        assert cleo_cli("backup", "delete", second["name"], "--yes").code == 0
        assert names() == []
        assert cleo_cli("backup", "show", "latest").code == 61

    def test_what_is_the_last_copy_is_asked_where_nobody_else_deletes(
        self, cleo_project: Path, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, second = (cleo_cli("backup", "create").data["sets"][0]["name"] for _ in range(2))
        real, seen = managing._last_copies, []

        def last_copies(*arguments: Any) -> list[str]:
            seen.extend(one["lock"] for one in held(str(BACKUPS.parent)))
            return real(*arguments)

        monkeypatch.setattr(managing, "_last_copies", last_copies)
        assert cleo_cli("backup", "delete", first).code == 0
        assert cleo_cli("backup", "delete", second).error["code"] == "E_CONFIRMATION_NEEDED"
        assert seen == ["backups", "backups"]

    def test_another_projects_copies_are_none_of_this_one(
        self, cleo_project: Path, cleo_cli: Cli
    ) -> None:
        for key in ("last", "daily", "before"):
            assert cleo_cli("config", "set", f"backup.keep_{key}", "0").code == 0
        (own,) = cleo_cli("backup", "create").data["sets"]
        foreign = BACKUPS / "20300101T000000Z-001-manual"
        shutil.copytree(own["path"], foreign)
        rewrite(
            foreign,
            lambda found: found.update(sequence=7, project={"id": "another", "name": "another"}),
        )
        assert cleo_cli("backup", "prune").data == {"deleted": []}
        assert cleo_cli("backup", "delete", own["name"]).error["code"] == "E_CONFIRMATION_NEEDED"

    def test_of_a_link_to_a_set_only_the_link_goes(
        self, cleo_project: Path, cleo_cli: Cli, cleo_home: Path
    ) -> None:
        (made,) = cleo_cli("backup", "create").data["sets"]
        elsewhere = cleo_home / "elsewhere"
        shutil.move(made["path"], elsewhere)
        os.symlink(elsewhere, made["path"])
        assert cleo_cli("backup", "delete", made["name"], "--yes").code == 0
        assert names() == []
        assert (elsewhere / "manifest.json").exists()

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
    def test_a_named_pipe_in_a_files_place_is_not_waited_for(
        self, cleo_project: Path, cleo_cli: Cli
    ) -> None:
        (made,) = cleo_cli("backup", "create").data["sets"]
        os.mkfifo(Path(made["path"], "pinned.json"))
        assert [row["pinned"] for row in cleo_cli("backup", "list").data] == [True]
        hidden = BACKUPS / ".20200101T000000Z-001-manual.partial"
        hidden.mkdir()
        os.mkfifo(hidden / ".owner.json")
        for path in (hidden / ".owner.json", hidden):
            os.utime(path, (1, 1))
        assert cleo_cli("backup", "create").code == 0
        assert not hidden.exists()

    def test_a_set_of_another_place_can_be_looked_at_and_not_removed(
        self, cleo_project: Path, cleo_cli: Cli, cleo_home: Path
    ) -> None:
        (made,) = cleo_cli("backup", "create").data["sets"]
        elsewhere = cleo_home / "elsewhere"
        shutil.move(made["path"], elsewhere)
        assert cleo_cli("backup", "verify", str(elsewhere)).code == 0
        assert cleo_cli("backup", "show", str(elsewhere)).code == 0
        for verb in ("delete", "pin"):
            assert cleo_cli("backup", verb, str(elsewhere)).code == 6
        assert sorted(path.name for path in elsewhere.iterdir()) == sorted(
            ["manifest.json", *(item["file"] for item in made["items"])]
        )


def test_people_see_what_was_made(cleo_project: Path, cleo_cli: Cli) -> None:
    made = cleo_cli("backup", "create", "--note", "[bold]spring[/bold]", "--human")
    assert made.code == 0
    assert "tasks_0001" in made.out
    assert "[bold]spring[/bold]" in cleo_cli("backup", "list", "--human").out
    shown = cleo_cli("backup", "show", "latest", "--human").out
    assert "complete  yes" in shown
    copies = len(cleo_cli("backup", "show", "latest").data["items"])
    good = cleo_cli("backup", "verify", "--human").out
    assert f"{copies} of {copies} copies in 1 set are good." in good
    damage(next(BACKUPS.iterdir()) / "tasks.db")
    verified = cleo_cli("backup", "verify", "--human")
    assert "tasks: its SHA-256 is not that of the manifest" in verified.out
    assert cleo_cli("backup", "list", "--quiet").out.split() == names()


def test_the_name_of_a_set_is_never_broken_in_the_list(cleo_project: Path, cleo_cli: Cli) -> None:
    cleo_cli("backup", "create", "--note", "a note that goes on and on " * 5)
    lines = cleo_cli("backup", "list", "--human").out.splitlines()
    assert [line for line in lines if line.startswith(f"{names()[0]} ") and "just now" in line]


class TestDoctor:
    def check(self, cli: Cli, id: str) -> dict[str, Any]:
        outcome = cli("doctor", "--only", id)
        data = outcome.data if outcome.code == 0 else outcome.error["details"]
        (found,) = data["checks"]
        assert isinstance(found, dict)
        return found

    def test_the_newest_sets(self, cleo_project: Path, cleo_cli: Cli) -> None:
        assert self.check(cleo_cli, "backup.verify")["status"] == "ok"
        (made,) = cleo_cli("backup", "create").data["sets"]
        assert self.check(cleo_cli, "backup.verify")["status"] == "ok"
        damage(Path(made["path"], "tasks.db"))
        found = self.check(cleo_cli, "backup.verify")
        assert (found["status"], found["fix"]) == ("error", "cleo backup create")
        assert cleo_cli("backup", "create").code == 0
        assert self.check(cleo_cli, "backup.verify")["status"] == "ok"

    def test_a_file_where_sets_should_be_is_an_error_with_a_way_out(
        self, cleo_project: Path, cleo_cli: Cli
    ) -> None:
        place = cleo_project / ".cleo" / "backups"
        place.write_text("a note")
        found = self.check(cleo_cli, "backup.age")
        assert (found["status"], found["fix"]) == ("error", f"mv {place} {place}.old")
        for words in (["create"], ["list"], ["prune"], ["verify"]):
            assert cleo_cli("backup", *words).error["fix"] == found["fix"]
        assert place.read_text() == "a note"
        place.rename(f"{place}.old")
        assert cleo_cli("backup", "create").code == 0

    def test_the_age_of_copies(self, cleo_project: Path, cleo_cli: Cli) -> None:
        assert self.check(cleo_cli, "backup.age")["status"] == "ok"
        late = time.time() + 90_000
        os.utime(".cleo/tasks.db", (late, late))
        found = self.check(cleo_cli, "backup.age")
        assert (found["status"], found["fix"]) == ("warning", "cleo backup create")
        assert "never copied" in found["message"]
        assert cleo_cli("backup", "create").code == 0
        assert self.check(cleo_cli, "backup.age")["details"]["stores"][0]["copiedAt"]
        soon = time.time() + 3600
        os.utime(".cleo/tasks.db", (soon, soon))
        assert self.check(cleo_cli, "backup.age")["status"] == "ok"

    def test_stores_without_a_copy(self, site: Any, cleo_cli: Cli) -> None:
        site.store("boxes", kind="box")
        assert cleo_cli("init", "demo").code == 0
        assert self.check(cleo_cli, "backup.coverage")["status"] == "ok"
        with open_app() as app:
            app.backup_before("session-end", ["tasks"])
        found = self.check(cleo_cli, "backup.coverage")
        assert (found["status"], "boxes" in found["message"]) == ("warning", True)
        assert cleo_cli("backup", "create").code == 0
        assert self.check(cleo_cli, "backup.coverage")["status"] == "ok"
        site.store("jars", kind="jar")
        assert cleo_cli("init").code == 0
        found = self.check(cleo_cli, "backup.coverage")
        assert (found["status"], found["fix"]) == ("error", "cleo backup create")
        assert [one["store"] for one in found["details"]["stores"]] == ["jars"]


@pytest.mark.guarantee(
    "operations-18",
    "While eight processes write, each set opens, is one committed state of every store, and is "
    "verified before an older one goes.",
)
def test_while_eight_processes_write(
    everything: Path, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, number in (("last", "1"), ("daily", "0"), ("before", "0")):
        assert cleo_cli("config", "set", f"backup.keep_{key}", number).code == 0
    rotated: list[tuple[str, list[str]]] = []

    def watched(backups: str, keep: Any, fresh: str) -> Any:
        one = read_set(os.path.join(backups, fresh))
        assert one is not None
        with open_app() as app:
            assert not [found for found in verify_set(one, app.stores) if found.error]
        before = [name for name in os.listdir(backups) if not name.startswith(".")]
        answer = rotate(backups, keep, fresh)
        rotated.append((fresh, before))
        return answer

    rotate = creating.rotate
    monkeypatch.setattr(creating, "rotate", watched)
    children = [_writer(number) for number in range(8)]
    counts = []
    try:
        while len(counts) < 2 or counts[-1] < counts[0] + 20:
            with open_app() as app:
                made = app.backup(["project", "global"])
            assert not made.faults
            here = made.sets[0]
            counts.append(_consistent(Path(here["path"])))
            assert len(counts) < 200
    finally:
        for child in children:
            os.kill(child, 9)
            os.waitpid(child, 0)
    assert all(fresh in before for fresh, before in rotated)
    assert any(len(before) == 2 for _, before in rotated), "nothing was rotated"


def _writer(number: int) -> int:
    child = os.fork()
    if child == 0:
        try:
            with open_app(agent=f"a{number}") as app:
                for count in range(10**6):
                    title = f"{number} {count}"
                    app.service("tasks").add(title, allow_duplicate=True)
                    app.service("brain").observe(title)
        finally:
            os._exit(1)
    return child


def _consistent(folder: Path) -> int:
    """Compare what is written in one unit; gives the number of tasks."""
    connection = sqlite3.connect(f"file:{folder / 'tasks.db'}?mode=ro&immutable=1", uri=True)
    try:
        (tasks,) = connection.execute("SELECT count(*) FROM tasks").fetchone()
        (audited,) = connection.execute(
            "SELECT count(DISTINCT task_id) FROM audit_log WHERE action = 'task.add'"
        ).fetchone()
        assert tasks == audited
    finally:
        connection.close()
    return int(tasks)
