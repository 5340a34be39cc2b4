"""``cleo doctor``: how checks run, what it answers, and that looking changes nothing."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from cleo_core.api import Check, Project
from cleo_core.app import App, open_app
from cleo_core.database import connect_for_copy
from cleo_core.database.examining import Examination
from cleo_core.doctor import diagnose, limits, runner
from cleo_core.doctor.catalogue import CHECKS
from cleo_core.doctor.everywhere import health_of
from cleo_core.doctor.finding import STATUSES, finding_from
from cleo_core.doctor.limits import Deadline, OutOfTime
from cleo_core.errors import CODES
from cleo_core.plugins import load_target
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]

CHECKED = """
@hookimpl
def cleo_doctor_checks():
    from cleo_core.api import Check
    {declared}
"""


def report(outcome: Outcome) -> dict[str, Any]:
    """What doctor found, be the exit 0 or 6."""
    if outcome.code == 0:
        found: dict[str, Any] = outcome.data
        return found
    assert outcome.error["code"] == "E_CHECKS_FAILED", repr(outcome)
    found = outcome.error["details"]
    return found


def checks(outcome: Outcome) -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in report(outcome)["checks"]}


@pytest.fixture
def shelves(site: Any, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A project with one small store of a third party's, and no other plugin."""
    site.store("shelves", kind="shelf")
    monkeypatch.setenv("CLEO_PLUGINS", "shelves")
    assert cleo_cli("init").code == 0
    return site


class TestAnswer:
    def test_a_healthy_project_has_nothing_but_good_news(
        self, cleo_project: Path, cleo_cli: Cli
    ) -> None:
        outcome = cleo_cli("doctor")
        found = outcome.data
        # Of the SQLite in use, older ones have something to be said.
        assert {one["id"] for one in found["checks"] if one["status"] not in ("ok", "info")} <= {
            "sqlite.version"
        }
        ids = [one["id"] for one in found["checks"]]
        assert ids[: len(CHECKS)] == [check.id for check in CHECKS]
        for one in found["checks"]:
            assert {"id", "status", "message", "details", "fix", "fixable", "ms"} <= set(one)
            assert one["status"] in STATUSES
            assert one["message"].endswith("."), one
            assert one["fixable"] is False
        assert checks(outcome)["store.state"]["store"] == "tasks"
        assert checks(outcome)["store.state"]["details"]["rows"]["tasks"] == 0

    def test_deep_looks_at_the_declared_schema_and_every_row(
        self, cleo_project: Path, cleo_cli: Cli
    ) -> None:
        found = checks(cleo_cli("doctor", "--deep", "--only", "store"))
        assert found["store.integrity"]["details"] == {"check": "integrity_check", "parts": False}
        assert found["store.schema"]["status"] == "ok"

    def test_every_check_of_core_is_there_and_can_be_mended_where_it_says_so(self) -> None:
        assert len({check.id for check in CHECKS}) == len(CHECKS)
        for check in CHECKS:
            module = check.target.partition(":")[0]
            assert load_target(f"cleo_core.doctor.{check.target}").__doc__
            if check.fix is not None:
                assert load_target(f"cleo_core.doctor.{module}:{check.fix}").__doc__

    def test_several_errors_are_one_sentence(self, shelves: Any, cleo_cli: Cli) -> None:
        path = Path(".cleo/shelves.db")
        path.write_bytes(b"no database" * 1000)
        message = cleo_cli("doctor", "--only", "store").error["message"]
        assert re.fullmatch(r"store\.state \(shelves\): .+[^.], and \d+ more\.", message), message

    def test_an_error_makes_the_exit_6_and_its_fix_the_way_out(
        self, shelves: Any, cleo_cli: Cli
    ) -> None:
        connection = connect_for_copy(".cleo/shelves.db")
        connection.execute("DELETE FROM alembic_version_shelves")
        connection.close()
        outcome = cleo_cli("doctor")
        assert outcome.code == 6
        assert outcome.error["message"].startswith("store.state (shelves): ")
        assert outcome.error["fix"] == "cleo restore latest --store shelves"
        assert report(outcome)["status"] == "error"
        human = cleo_cli("doctor", "--human")
        assert human.code == 6
        assert "error    store.state (shelves)" in human.out
        assert "fix: cleo restore latest --store shelves" in human.out
        assert "[E_CHECKS_FAILED]" in human.err

    def test_warnings_count_only_where_strictness_is_asked_for(
        self, shelves: Any, cleo_cli: Cli
    ) -> None:
        Path(".cleo/stray.db").touch()
        assert cleo_cli("doctor").code == 0
        assert report(cleo_cli("doctor"))["status"] == "warning"
        assert cleo_cli("doctor", "--strict").code == 6

    def test_people_see_what_needs_attention_and_what_was_asked_for(
        self, shelves: Any, cleo_cli: Cli
    ) -> None:
        Path(".cleo/stray.db").touch()
        lines = cleo_cli("doctor", "--human").out.splitlines()
        assert "warning  store.decoy" in lines
        assert not any(line.startswith("ok") for line in lines)
        assert lines[-1].startswith(f"{len(CHECKS)} checks: ")
        assert "ok       clock (shelves)" in cleo_cli("doctor", "--human", "--only", "clock").out

    def test_the_codes_whose_fix_is_doctor_say_so(self) -> None:
        expected = {
            "E_UNEXPECTED": "cleo doctor",
            "E_WAL_REFUSED": "cleo doctor --only store.pragmas",
            "E_DISK_FULL": "cleo doctor --only paths.space",
            "E_IO": "cleo doctor",
            "E_PERMISSION_FS": "cleo doctor --only paths.mode",
            "E_LOCK_TIMEOUT": "cleo doctor --only locks.held",
            "E_BACKUP_FAILED": "cleo doctor",
            "E_RESTORE_REFUSED": "cleo doctor",
            "E_RESTORE_PENDING": "cleo doctor --fix",
            "E_CHECKS_FAILED": "cleo doctor",
        }
        named = {code: fix for code, (_, _, fix) in CODES.items() if fix.startswith("cleo doctor")}
        assert named == expected
        ids = {check.id for check in CHECKS}
        assert {fix.split()[-1] for fix in named.values() if "--only" in fix} <= ids


class TestOnly:
    @pytest.mark.parametrize(
        ("words", "found"),
        [
            (("clock",), {"clock"}),
            (("sqlite",), {"sqlite.version", "sqlite.features"}),
            (("sqlite.version", "env"), {"sqlite.version", "env.unknown"}),
        ],
    )
    def test_checks_are_named_whole_or_by_their_beginning(
        self, shelves: Any, cleo_cli: Cli, words: tuple[str, ...], found: set[str]
    ) -> None:
        options = [option for word in words for option in ("--only", word)]
        assert set(checks(cleo_cli("doctor", *options))) == found

    @pytest.mark.parametrize(
        ("word", "near"),
        [("store.stat", "store.state"), ("stor", "store"), ("", ""), ("x" * 500, ""), ("*", "")],
    )
    def test_an_unknown_check_is_answered_with_the_nearest(
        self, shelves: Any, cleo_cli: Cli, word: str, near: str
    ) -> None:
        outcome = cleo_cli("doctor", "--only", word)
        assert (outcome.code, outcome.error["code"]) == (4, "E_NOT_FOUND")
        assert near in outcome.error["fix"]
        assert outcome.error["fix"].startswith("cleo doctor --only ")


class TestNothingChanges:
    @pytest.mark.guarantee(
        "operations-10", "Doctor on a machine without CLEO creates no file and no directory."
    )
    @pytest.mark.parametrize("words", [(), ("--deep",), ("--only", "store")])
    def test_an_empty_machine_stays_empty(
        self, cleo_home: Path, cleo_cli: Cli, words: tuple[str, ...]
    ) -> None:
        before = sorted(cleo_home.rglob("*"))
        outcome = cleo_cli("doctor", *words)
        assert outcome.code == 0, repr(outcome)
        if not words:
            assert checks(outcome)["project.marker"]["message"] == "There is no project here."
        assert checks(cleo_cli("doctor", "--fix"))
        assert sorted(cleo_home.rglob("*")) == before

    @pytest.mark.guarantee(
        "operations-27", "Doctor without --fix changes no byte, whatever it finds."
    )
    def test_a_damaged_project_keeps_every_byte(
        self, site: Any, cleo_cli: Cli, frozen_bytes: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("broken", "alien", "rolled", "behind", "ahead", "settled", "log"):
            site.store(name, kind=f"{name}_kind")
        monkeypatch.setenv("CLEO_PLUGINS", "broken,alien,rolled,behind,ahead,settled,log")
        assert cleo_cli("init").code == 0
        folder = Path(".cleo")
        for name, statement in {
            "broken": "DELETE FROM alembic_version_broken",
            "alien": "PRAGMA application_id = 3",
            "behind": "UPDATE alembic_version_behind SET version_num = 'behind_0001'",
            "ahead": "UPDATE alembic_version_ahead SET version_num = 'ahead_0009'",
            "settled": "PRAGMA journal_mode = DELETE",
        }.items():
            connection = connect_for_copy(str(folder / f"{name}.db"))
            connection.execute(statement).fetchall()
            connection.close()
        (folder / "rolled.db-journal").write_bytes(os.urandom(2000))
        left_behind("log")
        (folder / "log.db-shm").unlink()
        (folder / "config.json").write_text("{")
        (folder / "stray.db").write_text("no database")
        (folder / ".gitignore").unlink()
        folder.chmod(0o755)
        names = sorted(folder.rglob("*"))
        with frozen_bytes(folder):
            for words in ((), ("--deep",), ("--strict",)):
                assert cleo_cli("doctor", *words).code == 6
        assert sorted(folder.rglob("*")) == names

    def test_a_log_that_a_killed_process_left_is_read_and_not_folded_in(
        self, shelves: Any, cleo_cli: Cli
    ) -> None:
        left_behind("shelves")
        files = [Path(f".cleo/shelves.db{suffix}") for suffix in ("", "-wal")]
        before = [file.read_bytes() for file in files]
        found = checks(cleo_cli("doctor"))
        assert found["store.state"]["details"]["rows"] == {"shelves": 1}
        assert found["store.integrity"]["status"] == "ok"
        assert [file.read_bytes() for file in files] == before
        assert cleo_cli("shelves", "list").data == [{"id": "s1", "label": "", "ref": None}]

    def test_what_has_to_be_recovered_is_copied_once_and_the_copy_removed(
        self,
        shelves: Any,
        cleo_cli: Cli,
        cleo_home: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        left_behind("shelves")
        Path(".cleo/shelves.db-shm").unlink()
        made: list[str] = []
        real = shutil.copyfile
        monkeypatch.setattr(
            shutil, "copyfile", lambda source, target: made.append(source) or real(source, target)
        )
        folder = cleo_home / "temporary"
        folder.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        found = checks(cleo_cli("doctor"))
        assert found["store.integrity"]["status"] == "ok"
        assert found["store.state"]["details"]["rows"] == {"shelves": 1}
        assert [os.path.basename(file) for file in made] == ["shelves.db", "shelves.db-wal"]
        assert list(folder.iterdir()) == []

    def test_a_copy_is_made_anew_when_the_file_changes(self, shelves: Any, cleo_home: Path) -> None:
        left_behind("shelves")
        examination = Examination(lambda: False)
        first = examination.copy_of(".cleo/shelves.db")
        assert examination.copy_of(".cleo/shelves.db") == first
        left_behind("shelves", "s2")
        assert examination.copy_of(".cleo/shelves.db") != first
        examination.close()
        assert not Path(first).exists()

    def test_telemetry_sees_a_query_and_with_fix_a_mutation(
        self, site: Any, cleo_cli: Cli, cleo_home: Path
    ) -> None:
        notes = cleo_home / "notes"
        site.plugin(
            "listener",
            f"""
            @hookimpl
            def cleo_command_finished(app, event):
                with open({str(notes)!r}, "a") as file:
                    print(event.path, event.gateway, file=file)
            """,
        )
        for words in (("doctor",), ("doctor", "--fix"), ("reconcile",), ("reconcile", "--apply")):
            cleo_cli(*words)
        assert notes.read_text().split("\n")[:-1] == [
            "doctor query",
            "doctor mutate",
            "reconcile query",
            "reconcile mutate",
        ]


def left_behind(store: str, id: str = "s1") -> None:
    """Write a row in a process that dies at once, so that its log stays."""
    script = (
        "import os, signal, sys\n"
        "from cleo_core.database import connect_for_copy\n"
        f"c = connect_for_copy('.cleo/{store}.db')\n"
        f"c.execute(\"INSERT INTO {store} (id) VALUES ('{id}')\")\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], check=False)
    assert done.returncode == -signal.SIGKILL
    assert Path(f".cleo/{store}.db-wal").stat().st_size > 0


class TestReach:
    @pytest.mark.guarantee(
        "operations-11", "Doctor reads a store that is newer than the program and says which."
    )
    def test_a_store_ahead_is_named_and_read(self, shelves: Any, cleo_cli: Cli) -> None:
        connection = connect_for_copy(".cleo/shelves.db")
        connection.execute("UPDATE alembic_version_shelves SET version_num = 'shelves_0009'")
        connection.close()
        found = checks(cleo_cli("doctor"))
        assert found["store.state"]["status"] == "error"
        assert found["store.state"]["fix"] == "pip install --upgrade cleo-shelves"
        assert found["store.integrity"]["status"] == "ok"
        assert found["store.foreign_keys"]["status"] == "ok"
        assert found["store.schema"]["status"] == "unknown"

    @pytest.mark.guarantee(
        "operations-30", "With every plugin in quarantine doctor works and names each with its fix."
    )
    def test_every_plugin_may_be_in_quarantine(
        self, site: Any, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        site.plugin("bad", "import not_there_at_all")
        site.plugin("worse", "CLEO_API = (9, 0)")
        monkeypatch.setenv("CLEO_PLUGINS", "bad,worse")
        outcome = cleo_cli("doctor")
        found = checks(outcome)["plugins.load"]
        assert (outcome.code, found["status"]) == (6, "error")
        assert [one["reason"] for one in found["details"]["plugins"]] == [
            "not-importable",
            "api-too-new",
        ]
        assert found["fix"] == "pip install --force-reinstall cleo-bad"
        assert len(checks(outcome)) == len([one for one in CHECKS if not one.each_store])

    def test_it_works_without_a_home(self, shelves: Any, cleo_cli: Cli, cleo_home: Path) -> None:
        env = {"HOME": "", "XDG_DATA_HOME": "", "XDG_CONFIG_HOME": "", "CLEO_HOME": ""}
        outcome = cleo_cli("doctor", env=env)
        found = checks(outcome)
        assert (found["paths.home"]["status"], outcome.code) == ("error", 6)
        assert found["paths.home"]["fix"] == "export HOME=…"
        assert found["store.integrity"]["status"] == "ok"

    def test_a_project_that_is_named_must_be_there(self, cleo_home: Path, cleo_cli: Cli) -> None:
        outcome = cleo_cli("doctor", "--project", str(cleo_home / "nowhere"))
        assert outcome.code == 6
        assert checks(outcome)["project.marker"]["status"] == "error"

    def test_it_runs_from_a_subdirectory_and_outside_the_main_thread(
        self, shelves: Any, cleo_cli: Cli
    ) -> None:
        Path("deep/er").mkdir(parents=True)
        assert checks(cleo_cli("doctor", cwd="deep/er"))["store.state"]["status"] == "ok"
        found: list[str] = []

        def look() -> None:
            with open_app() as app:
                found.append(diagnose(app, only=["store", "project"]).status)

        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        assert found == ["ok"]


class TestLimits:
    def declare(self, site: Any, name: str, code: str) -> None:
        site.plugin(
            name,
            CHECKED.format(declared=f"return [Check('{name}.one', 'PACKAGE.checks:one')]"),
            checks=f"import time\n\n\ndef one(app, deep):\n    {code}\n",
        )

    @pytest.mark.parametrize(
        "code",
        [
            "time.sleep(30)",
            "while True: pass",
            "app.store('shelves').read('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
            "FROM n) SELECT count(*) FROM n')",
        ],
        ids=["waiting", "python", "statement"],
    )
    def test_a_check_that_does_not_end_is_unknown_and_stops_no_other(
        self, shelves: Any, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch, code: str
    ) -> None:
        self.declare(shelves, "slow", code)
        shelves.plugin(
            "zeal",
            CHECKED.format(declared="return [Check('zeal.one', 'PACKAGE.checks:one')]"),
            checks="def one(app, deep):\n    return {'status': 'info', 'message': 'Seen.'}\n",
        )
        monkeypatch.setenv("CLEO_PLUGINS", "shelves,slow,zeal")
        monkeypatch.setattr(runner, "LIMIT", 0.3)
        started = time.monotonic()
        found = checks(cleo_cli("doctor", "--only", "slow", "--only", "zeal"))
        assert time.monotonic() - started < 10
        assert found["slow.one"]["status"] == "unknown"
        assert found["slow.one"]["fix"] == "cleo doctor --deep"
        assert found["zeal.one"]["message"] == "Seen."

    def test_a_plugin_that_never_says_its_checks_stops_no_other(
        self, shelves: Any, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shelves.plugin("mute", CHECKED.format(declared="import time; time.sleep(30)"))
        monkeypatch.setenv("CLEO_PLUGINS", "shelves,mute")
        monkeypatch.setattr(runner, "LIMIT", 0.3)
        found = checks(cleo_cli("doctor", "--only", "mute", "--only", "project"))
        assert "within 0.3 seconds" in found["mute.checks"]["message"]
        assert found["project.marker"]["status"] == "ok"

    def test_time_is_limited_where_there_are_no_alarms(
        self, shelves: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.declare(
            shelves,
            "slow",
            "app.store('shelves').read('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
            "FROM n) SELECT count(*) FROM n')",
        )
        monkeypatch.setenv("CLEO_PLUGINS", "shelves,slow")
        monkeypatch.setattr(runner, "LIMIT", 0.2)
        monkeypatch.delattr(signal, "setitimer")
        with open_app() as app:
            (found,) = diagnose(app, only=["slow.one"]).checks
        assert found["status"] == "unknown"

    def test_an_alarm_of_somebody_else_is_put_back(self) -> None:
        rung: list[int] = []
        before = signal.signal(signal.SIGALRM, lambda number, frame: rung.append(number))
        signal.setitimer(signal.ITIMER_REAL, 30)
        try:
            with pytest.raises(OutOfTime):
                Deadline().within(0.05, lambda: time.sleep(5))
            assert rung == []
            assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 30
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    def test_who_runs_out_of_time_may_clean_up(self) -> None:
        done: list[str] = []

        def check() -> None:
            try:
                time.sleep(5)
            finally:
                time.sleep(0.5)
                done.append("closed")

        with pytest.raises(OutOfTime):
            Deadline().within(0.05, check)
        assert done == ["closed"]

    def test_an_alarm_that_nobody_heard_rings_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(limits, "GRACE", 0.1)

        def deaf() -> None:
            try:
                time.sleep(5)
            except OutOfTime:
                time.sleep(5)

        started = time.monotonic()
        with pytest.raises(OutOfTime):
            Deadline().within(0.05, deaf)
        assert time.monotonic() - started < 4

    @pytest.mark.skipif(sys.gettrace() is not None, reason="somebody else traces")
    def test_an_alarm_at_any_step_leaves_nothing_set(self) -> None:
        before = signal.getsignal(signal.SIGALRM)
        outcomes = set()
        for at in range(500):
            steps = itertools.count()

            def ring(frame: FrameType, event: str, _: Any, steps: Any = steps, at: int = at) -> Any:
                if frame.f_code.co_filename != limits.__file__:
                    return None
                frame.f_trace_opcodes = True
                armed = signal.getsignal(signal.SIGALRM) is not before
                if event == "opcode" and next(steps) == at and armed:
                    signal.raise_signal(signal.SIGALRM)
                return ring

            deadline = Deadline()
            sys.settrace(ring)
            try:
                outcomes.add(deadline.within(30, lambda: "done"))
            except OutOfTime:
                outcomes.add("late")
            finally:
                sys.settrace(None)
            assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0), at
            assert signal.getsignal(signal.SIGALRM) is before, at
            assert not deadline.passed()
            if next(steps) < at:
                break
        else:
            pytest.fail("there were more steps")
        assert outcomes == {"done", "late"}


class TestPlugins:
    def test_a_check_gets_the_app_and_deep_and_answers_in_either_way(
        self, site: Any, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        site.plugin(
            "shop",
            CHECKED.format(
                declared="return [Check('shop.map', 'PACKAGE.checks:a'), "
                "Check('shop.object', 'PACKAGE.checks:b')]"
            ),
            checks="""
from types import SimpleNamespace


def a(app, deep):
    print("a plugin's words")
    return {"status": "warning", "message": "Seen.", "details": {"deep": deep}, "fix": "ls"}


def b(app, *, deep):
    return SimpleNamespace(status="ok", message=f"{app.source}.", details=None, fix=None)
""",
        )
        monkeypatch.setenv("CLEO_PLUGINS", "shop")
        outcome = cleo_cli("doctor", "--deep", "--only", "shop")
        found = checks(outcome)
        assert found["shop.map"]["details"] == {"deep": True}
        assert (found["shop.map"]["status"], found["shop.map"]["fix"]) == ("warning", "ls")
        assert (found["shop.object"]["status"], found["shop.object"]["message"]) == ("ok", "cli.")
        assert "a plugin's words" in outcome.err

    @pytest.mark.parametrize(
        ("declared", "words"),
        [
            ("raise RuntimeError('no checks today')", "no checks today"),
            ("raise SystemExit(3)", "SystemExit"),
            ("return 5", "could not be had"),
            ("return ['shop.one']", "is a str, not a Check"),
            ("return [Check('other.one', 'm:f')]", "does not begin with shop."),
            ("return [Check('shop', 'm:f')]", "does not begin with shop."),
            ("return [Check(None, 'm:f')]", "does not begin with shop."),
            ("return [Check('shop.a', 'm:f'), Check('shop.a', 'm:f')]", "another check shop.a"),
        ],
    )
    def test_checks_that_cannot_be_taken_are_reported(
        self, site: Any, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch, declared: str, words: str
    ) -> None:
        site.plugin("shop", CHECKED.format(declared=declared))
        monkeypatch.setenv("CLEO_PLUGINS", "shop")
        found = checks(cleo_cli("doctor", "--only", "shop", "--only", "sqlite.version"))
        assert found["shop.checks"]["status"] == "warning"
        assert words in found["shop.checks"]["message"]
        assert found["shop.checks"]["fix"] == "cleo plugins shop"
        assert found["sqlite.version"]["status"] in ("ok", "warning")

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ("raise KeyError('row')", "KeyError"),
            ("raise SystemExit(3)", "SystemExit"),
            ("return None", "its status is None"),
            ("return {'status': 'fine', 'message': 'x'}", "its status is 'fine'"),
            ("return {'status': 'ok', 'message': ''}", "its message is ''"),
            ("return {'status': 'ok', 'message': 'x', 'fix': 3}", "its fix is 3"),
            ("return {'status': 'ok', 'message': 'x', 'details': {'a': object()}}", "not JSON"),
            ("return app.no_such_thing", "no_such_thing"),
            ("return app.write('shelves', lambda unit: 1)", "opened for reading"),
        ],
    )
    def test_a_check_that_fails_is_unknown(
        self, shelves: Any, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch, body: str, words: str
    ) -> None:
        shelves.plugin(
            "shop",
            CHECKED.format(declared="return [Check('shop.one', 'PACKAGE.checks:one')]"),
            checks=f"def one(app, deep):\n    {body}\n",
        )
        monkeypatch.setenv("CLEO_PLUGINS", "shelves,shop")
        found = checks(cleo_cli("doctor", "--only", "shop"))["shop.one"]
        assert (found["status"], words in found["message"]) == ("unknown", True), found

    def test_a_check_of_a_store_is_made_only_where_its_schema_is_known(
        self, site: Any, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        declared = "return [Check('shelves.one', 'PACKAGE.checks:one', store='shelves')]"
        site.store("shelves", kind="shelf", more=CHECKED.format(declared=declared))
        checks_file = site.root / site.package["shelves"] / "checks.py"
        checks_file.write_text(
            "def one(app, deep):\n"
            "    rows = app.store('shelves').scalar('SELECT count(*) FROM shelves')\n"
            "    return {'status': 'ok', 'message': f'{rows} rows.'}\n"
        )
        monkeypatch.setenv("CLEO_PLUGINS", "shelves")
        outside = checks(cleo_cli("doctor", "--only", "shelves"))["shelves.one"]
        assert outside["message"] == "There is no project here."
        assert cleo_cli("init").code == 0
        assert cleo_cli("shelves", "add", "s1").code == 0
        found = checks(cleo_cli("doctor", "--only", "shelves"))["shelves.one"]
        assert (found["message"], found["store"]) == ("1 rows.", "shelves")
        connection = connect_for_copy(".cleo/shelves.db")
        connection.execute("UPDATE alembic_version_shelves SET version_num = 'shelves_0001'")
        connection.close()
        found = checks(cleo_cli("doctor", "--only", "shelves"))["shelves.one"]
        assert (found["status"], found["message"]) == ("unknown", "Store shelves is behind.")

    @pytest.mark.parametrize("fails", [False, True])
    def test_fix_lets_a_plugin_mend_its_own_and_records_it(
        self, shelves: Any, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch, fails: bool
    ) -> None:
        shelves.plugin(
            "shop",
            CHECKED.format(
                declared="return [Check('shop.one', 'PACKAGE.checks:one', fix_target="
                "'PACKAGE.checks:mend')]"
            ),
            checks="""
def one(app, deep):
    rows = app.service("shelves").list()
    good = rows and rows[0]["label"] == "good"
    return {"status": "ok" if good else "error", "message": "Looked at."}


def mend(app):
    app.service("shelves").relabel("s1", "good")
"""
            + ("    raise RuntimeError('half way')\n" if fails else ""),
        )
        monkeypatch.setenv("CLEO_PLUGINS", "shelves,shop")
        assert cleo_cli("shelves", "add", "s1").code == 0
        found = checks(cleo_cli("doctor", "--only", "shop"))["shop.one"]
        assert (found["status"], found["fixable"]) == ("error", True)
        found = checks(cleo_cli("doctor", "--fix", "--only", "shop"))["shop.one"]
        assert found["status"] == "ok"
        assert found["details"] == (
            {"fixed": [], "fixFailed": "RuntimeError: half way"}
            if fails
            else {"fixed": ["shop.one"]}
        )
        lines = Path(".cleo/audit/overrides.jsonl").read_text().splitlines()
        (line,) = [one for one in lines if '"event": "doctor-fix"' in one]
        assert '"check": "shop.one"' in line


@pytest.mark.parametrize(
    "answer", [None, 5, "ok", {}, {"status": ["ok"]}, {"status": "ok"}, {"message": "x"}]
)
def test_an_answer_that_says_nothing_is_refused(answer: Any) -> None:
    with pytest.raises(ValueError, match="its "):
        finding_from(answer)


REGISTRY = """
class Service:
    def __init__(self, app):
        self.app = app

    def projects(self):
        return self.app.store("registry").read("SELECT id, label AS path FROM registry")

    def set_health(self, project_id, status):
        if project_id == "cursed":
            raise RuntimeError("no")
        self.app.write("registry", lambda unit: unit.execute(
            "UPDATE registry SET ref = :status WHERE id = :id", status=status, id=project_id))
"""


class TestAllProjects:
    def test_without_a_registry_it_says_what_to_install(self, shelves: Any, cleo_cli: Cli) -> None:
        outcome = cleo_cli("doctor", "--all-projects")
        assert (outcome.code, outcome.error["code"]) == (5, "E_PLUGIN_MISSING")
        assert outcome.error["fix"].startswith("pip install ")

    def test_every_registered_project_is_looked_at_and_its_health_noted(
        self,
        shelves: Any,
        cleo_cli: Cli,
        cleo_home: Path,
        monkeypatch: pytest.MonkeyPatch,
        frozen_bytes: Any,
    ) -> None:
        shelves.store("registry", kind="project", tier="global")
        (shelves.root / shelves.package["registry"] / "service.py").write_text(REGISTRY)
        monkeypatch.setenv("CLEO_PLUGINS", "shelves,registry")
        here = cleo_home / "work"
        roots = {name: cleo_home / name for name in ("well", "behind", "gone", "bare", "cursed")}
        for name, root in roots.items():
            root.mkdir()
            if name != "bare":
                assert cleo_cli("init", "--path", str(root)).code == 0
        connection = connect_for_copy(str(roots["behind"] / ".cleo/shelves.db"))
        connection.execute("UPDATE alembic_version_shelves SET version_num = 'shelves_0001'")
        connection.close()
        for file in (roots["gone"] / ".cleo").rglob("*"):
            file.unlink() if file.is_file() else None
        for folder in (".cleo/locks", ".cleo", ""):
            (roots["gone"] / folder).rmdir()
        data = Path(os.environ["XDG_DATA_HOME"]) / "cleo" / "registry.db"
        connection = connect_for_copy(str(data))
        for name, root in {"here": here, **roots}.items():
            connection.execute("INSERT INTO registry (id, label) VALUES (?, ?)", (name, str(root)))
        connection.close()
        with frozen_bytes(roots["behind"]), frozen_bytes(roots["well"]):
            few = cleo_cli("doctor", "--all-projects", "--only", "store.state")
            outcome = cleo_cli("doctor", "--all-projects")
        assert {one["id"] for one in report(few)["checks"]} == {"store.state", "project.marker"}
        found = {one.get("project"): one for one in report(outcome)["checks"] if "project" in one}
        assert found[str(roots["well"])]["id"] in {check.id for check in CHECKS if check.elsewhere}
        assert str(here) not in found
        assert "is gone" in found[str(roots["gone"])]["message"]
        assert "W_HEALTH_NOT_NOTED" in str(outcome.envelope["meta"]["warnings"])
        connection = connect_for_copy(str(data))
        noted = dict(connection.execute("SELECT id, ref FROM registry").fetchall())
        connection.close()
        assert noted == {
            "here": None,
            "well": "healthy",
            "behind": "degraded",
            "gone": "unreachable",
            "bare": "unknown",
            "cursed": None,
        }

    @pytest.mark.parametrize(
        ("check", "health"),
        [
            ({"id": "store.state", "status": "ok", "details": {"state": "head"}}, "healthy"),
            ({"id": "store.state", "status": "ok", "details": {"state": "absent"}}, "unknown"),
            ({"id": "store.integrity", "status": "error", "details": {}}, "degraded"),
            ({"id": "config.valid", "status": "warning", "details": {}}, "degraded"),
        ],
    )
    def test_health_follows_from_the_checks(self, check: dict[str, Any], health: str) -> None:
        assert health_of([check]) == health


def test_python_users_get_the_same(shelves: Any) -> None:
    with open_app() as app:
        found = diagnose(app, only=["store"])
        assert found.status == "ok"
        assert app.dry_run is False
        assert app.stores.examining is None
        app.service("shelves").add("s1")
    assert isinstance(app, App)
    assert Check("a.b", "m:f").store is None
    assert Project("i", "n", "/r", "/r/.cleo").register
