"""Whatever is wrong with the file, a command ends as it would without telemetry."""

from __future__ import annotations

import json
import os
import re
import resource
import runpy
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cleo_core import database, plugins
from cleo_core.database import connect_for_copy
from cleo_core.testing.faults import Faults
from cleo_core.testing.runner import job, run_all

_timings = runpy.run_path(str(Path(__file__).with_name("timings.py")))
COMMANDS, file, rows, commands, execute = (
    _timings[name] for name in ("COMMANDS", "file", "rows", "commands", "execute")
)

#: What differs between two runs of one command.
VARYING = re.compile(
    r'"durationMs": [\d.]+|"requestId": "[^"]*"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z'
    r"|ses_\d+_[0-9a-f]+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|request [0-9a-f-]+"
)
#: Beside the thirty, for people and with options of output.
MORE: tuple[tuple[str, ...], ...] = (
    ("list", "--human"),
    ("show", "T001", "--human"),
    ("show", "T001", "--field", "title"),
    ("list", "--quiet"),
    ("show", "T404", "--human"),
    ("--help",),
    ("add", "--help"),
    ("nonsense", "--human"),
    ("show", "T001", "--field", "nope"),
    ("config", "get", "output.format", "--human"),
)


@pytest.mark.guarantee(
    "telemetry-08",
    "Output, errors and exit codes of commands are the same with telemetry enabled and absent.",
)
def test_output_and_exit_are_the_same_with_and_without(
    cleo_home: Path, cleo_cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, work = cleo_home / "home", cleo_home / "work"
    assert len(COMMANDS) + len(MORE) == 40

    def all_of_them() -> list[tuple[int, str, str]]:
        done = [cleo_cli(*words) for words in (*COMMANDS, *MORE)]
        return [(one.code, VARYING.sub("…", one.out), VARYING.sub("…", one.err)) for one in done]

    with monkeypatch.context() as patch:
        plain = plugins.scan
        patch.setattr(plugins, "scan", lambda: [one for one in plain() if one.name != "telemetry"])
        absent = all_of_them()
    for folder in (home, work):
        shutil.rmtree(folder)
        folder.mkdir()
    os.chdir(work)
    cleo_cli("telemetry", "enable")
    # A file of its own that holds only the consent is no different configuration.
    enabled = all_of_them()
    assert len(commands()) > 35
    for words, one, other in zip((*COMMANDS, *MORE), absent, enabled, strict=True):
        if words in (("config", "list"), ("version",), ("--help",)):
            # They list the plugin, its settings and its command.
            assert (one[0], one[2]) == (other[0], other[2]), words
        else:
            assert one == other, words


@pytest.fixture
def enabled(cleo_project: Path, cleo_cli: Any) -> Path:
    """A project in which telemetry is enabled and has one row."""
    cleo_cli("telemetry", "enable")
    cleo_cli("version")
    assert commands() == ["core.version"]
    return cleo_project


def delays(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Milliseconds that each recording takes from now on."""
    from cleo_telemetry import plugin

    plain = plugin._record
    found: list[float] = []

    def timed(*arguments: Any) -> None:
        started = time.perf_counter()
        plain(*arguments)
        found.append((time.perf_counter() - started) * 1000)

    monkeypatch.setattr(plugin, "_record", timed)
    return found


def _locked() -> Iterator[None]:
    script = (
        "import sys; from cleo_core.database import connect_for_copy; "
        "c = connect_for_copy(sys.argv[1]); c.execute('BEGIN IMMEDIATE'); "
        "print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(file())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield
        holder.kill()


def _exclusive() -> Iterator[None]:
    execute("PRAGMA journal_mode=DELETE")
    connection = connect_for_copy(str(file()))
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")
    connection.execute("BEGIN EXCLUSIVE")
    yield
    connection.close()


def _corrupt() -> Iterator[None]:
    size = file().stat().st_size
    execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file().write_bytes(file().read_bytes()[:4096] + os.urandom(size - 4096))
    yield


def _no_database() -> Iterator[None]:
    file().write_bytes(b"no database\n" * 1000)
    yield


def _empty() -> Iterator[None]:
    _remove_sidecars()
    file().write_bytes(b"")
    yield


def _missing() -> Iterator[None]:
    _remove_sidecars()
    file().unlink()
    yield


def _directory() -> Iterator[None]:
    _remove_sidecars()
    file().unlink()
    file().mkdir()
    yield


def _pipe() -> Iterator[None]:
    _remove_sidecars()
    file().unlink()
    os.mkfifo(file())
    yield


def _no_data_directory() -> Iterator[None]:
    shutil.rmtree(file().parent)
    yield


def _behind() -> Iterator[None]:
    execute("UPDATE alembic_version_telemetry SET version_num = 'telemetry_0000'")
    yield


def _ahead() -> Iterator[None]:
    execute("UPDATE alembic_version_telemetry SET version_num = 'telemetry_9999'")
    yield


def _foreign() -> Iterator[None]:
    execute("PRAGMA application_id = 42")
    execute("PRAGMA wal_checkpoint(TRUNCATE)")
    yield


def _without_table() -> Iterator[None]:
    execute("DROP TABLE telemetry_events")
    yield


def _without_id() -> Iterator[None]:
    execute("DELETE FROM telemetry_schema_meta")
    yield


def _no_room() -> Iterator[None]:
    # The system refuses every byte that a file would grow by, or that is written to it at all.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _remove_sidecars() -> None:
    for suffix in ("-wal", "-shm"):
        Path(f"{file()}{suffix}").unlink(missing_ok=True)


FAULTS: dict[str, Callable[[], Iterator[None]]] = {
    "locked by another process": _locked,
    "locked against readers": _exclusive,
    "corrupt": _corrupt,
    "no database": _no_database,
    "empty": _empty,
    "missing": _missing,
    "a directory": _directory,
    "a pipe": _pipe,
    "without its directory": _no_data_directory,
    "behind": _behind,
    "ahead": _ahead,
    "foreign": _foreign,
    "without its table": _without_table,
    "without an id": _without_id,
    "on a full disk": _no_room,
}


@pytest.mark.guarantee(
    "telemetry-09",
    "A file that is locked, read-only, corrupt, behind, gone or on a full disk fails no command, "
    "holds none up by more than 50 ms, and nothing is printed.",
)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_file_is_nobodys_trouble(
    enabled: Path, cleo_cli: Any, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    taken = delays(monkeypatch)
    for _ in FAULTS[fault]():
        for _ in range(3):
            outcome = cleo_cli("version")
            assert (outcome.code, outcome.err) == (0, "")
            assert outcome.warnings == []
    assert len(taken) == 3
    # The quickest of them: a busy machine may hold any of them up.
    assert min(taken) < 50


@pytest.mark.guarantee(
    "telemetry-09", "A file on a file system that cannot be written is nobody's trouble."
)
def test_a_file_that_can_only_be_read_is_nobodys_trouble(enabled: Path) -> None:
    unshare = ["unshare", "--user", "--map-root-user", "--mount"]
    try:
        possible = subprocess.run([*unshare, "true"], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no unshare")
    if possible.returncode != 0:
        pytest.skip("this kernel allows no mount namespaces")
    data = file().parent
    script = (
        f'mount --bind "{data}" "{data}" && mount -o remount,bind,ro "{data}" && '
        f'"{sys.executable}" -m cleo_core version'
    )
    done = subprocess.run(
        [*unshare, "sh", "-c", script], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["success"] is True
    assert commands() == ["core.version"]


@pytest.mark.guarantee(
    "telemetry-09", "A disk that fills up at any statement of a recording is nobody's trouble."
)
def test_a_full_disk_at_any_statement_is_nobodys_trouble(
    enabled: Path, cleo_cli: Any, cleo_faults: Faults
) -> None:
    for number in range(1, 100):
        with cleo_faults.raising_at(number) as statements:
            outcome = cleo_cli("version")
        assert (outcome.code, outcome.err, outcome.warnings) == (0, "", [])
        if len(statements) < number:
            break
    assert number > 10
    assert execute("PRAGMA integrity_check") == [("ok",)]
    # The last one had no fault; of the others, those that were left with one row of their own.
    assert commands()[-1] == "core.version"


def test_a_file_system_without_logs_is_not_asked_three_times(
    enabled: Path, cleo_cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cleo_core.database import opening

    def never(seconds: float) -> None:
        raise AssertionError(f"slept for {seconds} s")

    monkeypatch.setattr(opening.time, "sleep", never)
    taken = delays(monkeypatch)
    end = _answering_delete(monkeypatch)
    outcome = cleo_cli("version")
    end()
    assert (outcome.code, outcome.err, len(taken)) == (0, "", 1)
    assert commands() == ["core.version"]


def _answering_delete(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Have every file refuse a write-ahead log."""
    from cleo_core.database import drivers

    module = drivers.driver()

    class Connection(module.Connection):  # type: ignore[misc]
        def execute(self, sql: str, *parameters: Any) -> Any:
            if sql == "PRAGMA journal_mode=WAL":
                sql = "SELECT 'delete'"
            return super().execute(sql, *parameters)

    class Driver:
        def __getattr__(self, name: str) -> Any:
            return getattr(module, name)

        def connect(self, name: str, **options: Any) -> Any:
            return module.connect(name, factory=Connection, **options)

    drivers._driver = Driver()

    def end() -> None:
        drivers._driver = module

    return end


def test_an_interruption_while_recording_changes_nothing(
    enabled: Path, cleo_cli: Any, cleo_faults: Faults
) -> None:
    with cleo_faults.raising_at(5, KeyboardInterrupt):
        outcome = cleo_cli("version")
    assert (outcome.code, outcome.err) == (0, "")


@pytest.mark.guarantee(
    "telemetry-10",
    "A process that is killed while it records leaves a file that opens, with all earlier rows.",
)
def test_a_kill_while_recording_loses_no_earlier_row(enabled: Path) -> None:
    (whole,) = run_all([job(("version",), enabled)])
    statements = len(whole.statements)
    assert statements > 10
    killed = run_all(job(("version",), enabled, kill_at=n) for n in range(1, statements + 1))
    assert {one.code for one in killed} == {-9}
    assert execute("PRAGMA integrity_check") == [("ok",)]
    after = statements - 1 - whole.statements.index("COMMIT")
    assert commands() == ["core.version"] * (2 + after)
    run_all([job(("version",), enabled)])
    assert len(rows()) == 3 + after


def test_a_kill_while_enabling_leaves_what_the_next_one_completes(cleo_project: Path) -> None:
    words = ("telemetry", "enable")
    (whole,) = run_all([job(words, cleo_project)])
    assert whole.code == 0
    purge = job(("telemetry", "purge", "--all", "--yes"), cleo_project)
    points = range(1, len(whole.statements) + 1, 5)

    def jobs() -> Iterator[dict[str, Any]]:
        for number in points:
            yield purge
            yield job(words, cleo_project, kill_at=number)
            yield job(words, cleo_project)

    for place, one in enumerate(run_all(jobs())):
        if place % 3 == 2:
            assert one.code == 0, one
        elif place % 3 == 1:
            assert one.code == -9, one


@pytest.mark.slow
@pytest.mark.guarantee(
    "telemetry-12",
    "Twenty processes with fifty commands each: none fails, and at least 95 in 100 are recorded.",
)
def test_many_processes_at_once_lose_next_to_nothing(cleo_processes: Any, enabled: Path) -> None:
    # After each command a process waits about as long as an interpreter takes to start.
    program = (
        "import random, time; from cleo_core.cli import main\n"
        "for _ in range(50):\n"
        "    assert main(['version']) == 0\n"
        "    time.sleep(random.uniform(0.05, 0.15))\n"
    )
    done = cleo_processes([[sys.executable, "-c", program]] * 20)
    assert [code for code, _, _ in done] == [0] * 20, done[0]
    assert all(out.count('"success": true') == 50 for _, out, _ in done)
    assert not any("Traceback" in err or "error" in err for _, _, err in done)
    assert len(rows()) - 1 >= 950
    assert execute("PRAGMA integrity_check") == [("ok",)]


def test_the_log_stays_short_and_is_not_folded_in_by_every_command(
    enabled: Path, cleo_cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LONGEST_LOG_LEFT", 250 * 1024)
    sizes = []
    log = Path(f"{file()}-wal")
    for _ in range(30):
        cleo_cli("version")
        sizes.append(log.stat().st_size if log.exists() else 0)
    assert sizes.count(0) in (1, 2, 3), "once in a while it is folded in"
    assert max(sizes) < 300 * 1024
    assert len(rows()) == 31
