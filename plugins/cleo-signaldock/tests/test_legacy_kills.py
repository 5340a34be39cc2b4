"""`cleo agent migrate-legacy`, ended with SIGKILL anywhere, and run by two at once."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import App, open_app
from cleo_core.database import connect_for_copy
from cleo_core.testing import Outcome
from cleo_core.testing.fixtures import CLEO
from cleo_core.testing.runner import EVERYTHING, Runner, job
from cleo_signaldock.service.legacy import journal

from . import older
from .older import add, agent, conversation, message, uuid

pytestmark = pytest.mark.one_database("the registry's own file is looked at")

Cli = Callable[..., Outcome]
VERB = ("agent", "migrate-legacy")
KILLED = pytest.mark.guarantee(
    "signaldock-24",
    "Taking an older file over, killed after any step or statement, ends with the same rows when "
    "it is run again; two at once take it over once.",
)
TABLES = {
    "registry": (
        *("agents", "agent_capabilities", "agent_skills", "users", "organization", "accounts"),
        *("org_agent_keys", "legacy_rows"),
    ),
    "mail": (
        *("conversations", "participants", "messages", "receipts", "message_pins"),
        *("dead_letters", "project_agent_refs"),
    ),
}


def fill(project: Path) -> Path:
    path = older.small(project)
    add(path, "agents", agent(3, "cyd", skills='["bash"]'))
    add(path, "users", {"id": uuid(1, "u"), "email": "a@x.org", "password_hash": "h"})
    add(path, "conversations", conversation(2, "ann", "bob", "cyd"))
    add(path, "messages", message(7, 2, "cyd", uuid(2, "c")))
    add(path, "message_pins", {"id": uuid(1, "p"), "message_id": uuid(7, "m"), "pinned_by": "ann"})
    return path


def everything(project: Path, home: Path) -> dict[str, list[Any]]:
    """All rows that a migration wrote, without what no two runs share: its id and its time."""
    found: dict[str, list[Any]] = {}
    entry = journal.read(str(project / ".cleo"))
    assert entry is not None
    for name, path in (("registry", _registry(home)), ("mail", project / ".cleo" / "conduit.db")):
        connection = connect_for_copy(str(path))
        try:
            for table in TABLES[name]:
                rows = connection.execute(f"SELECT * FROM {table}").fetchall()
                hidden = (entry.run_id, entry.started_at)
                found[table] = sorted(
                    tuple("…" if value in hidden else str(value) for value in row) for row in rows
                )
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
            assert connection.execute("PRAGMA quick_check").fetchall() == [("ok",)]
        finally:
            connection.close()
    return found


def _registry(home: Path) -> Path:
    (found,) = home.glob("data/*/signaldock.db")
    return found


def reset(project: Path, home: Path, kept: dict[Path, bytes | None]) -> None:
    """Every file as it was before."""
    for root in (project / ".cleo", home):
        for path in sorted(root.rglob("*"), reverse=True):
            if path.is_file() and path not in kept and path.parent.name != "locks":
                path.unlink()
    for path, data in kept.items():
        if data is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)


@pytest.fixture
def home(cleo_home: Path) -> Path:
    return cleo_home / "home"


@pytest.fixture
def kept(cleo_project: Path, home: Path, cleo_cli: Cli) -> dict[Path, bytes | None]:
    """Every file of project and home, with an older file and a registry that is there already."""
    assert cleo_cli("agent", "register", "zoe", "--no-attach").code == 0
    fill(cleo_project)
    return {
        path: path.read_bytes()
        for root in (cleo_project / ".cleo", home)
        for path in root.rglob("*")
        if path.is_file() and path.parent.name != "locks"
    }


@pytest.fixture
def wanted(kept: Any, cleo_project: Path, home: Path, cleo_cli: Cli) -> dict[str, list[Any]]:
    """What a migration that nobody disturbs writes."""
    assert cleo_cli(*VERB).data["status"] == "done"
    found = everything(cleo_project, home)
    assert len(found["messages"]) == 3
    reset(cleo_project, home, kept)
    return found


def in_child(body: Callable[[App], Any]) -> int:
    """Run a body in a forked process; the signal that ended it, or 0."""
    child = os.fork()
    if child == 0:
        try:
            with open_app() as app:
                body(app)
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def killed_at_save(number: int, after: bool) -> Callable[[App], Any]:
    """The migration, ended before or after the journal is written for the nth time."""

    def body(app: App) -> None:
        save, count = journal.Journal.save, 0

        def counted(self: journal.Journal, **more: Any) -> None:
            nonlocal count
            count += 1
            if count == number and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            save(self, **more)
            if count == number and after:
                os.kill(os.getpid(), signal.SIGKILL)

        journal.Journal.save = counted  # type: ignore[method-assign]
        app.service("agents").migrate_legacy()

    return body


@KILLED
def test_a_kill_before_or_after_any_mark_of_the_journal_resumes_to_the_same_rows(
    wanted: dict[str, list[Any]], kept: Any, cleo_project: Path, home: Path, cleo_cli: Cli
) -> None:
    path = cleo_project / ".cleo" / "signaldock.db"
    before = hashlib.sha256(kept[path]).hexdigest()
    number, ends = 0, 0
    while True:
        number += 1
        for after in (False, True):
            ended = in_child(killed_at_save(number, after))
            ends += ended == signal.SIGKILL
            done = cleo_cli(*VERB).data
            assert done["status"] in ("done", "resumed", "nothing"), (number, after)
            assert everything(cleo_project, home) == wanted, (number, after)
            assert not path.exists()
            bak = Path(f"{path}.pre-t310.bak")
            assert hashlib.sha256(bak.read_bytes()).hexdigest() == before
            assert os.listdir(cleo_project / ".cleo" / "legacy-migration") == ["journal.json"]
            reset(cleo_project, home, kept)
        if not ended:
            break
    assert ends == 2 * (len(journal.STEPS) + 1)


@KILLED
def test_a_kill_at_a_statement_resumes_to_the_same_rows(
    wanted: dict[str, list[Any]], kept: Any, cleo_project: Path, home: Path, cleo_cli: Cli
) -> None:
    with Runner(warm=EVERYTHING) as runner:
        whole = runner.run(job(VERB, cleo_project))
        assert whole.code == 0, repr(whole)
        count = len(whole.statements)
        # What a unit did before its COMMIT goes with it.
        committed = [place for place, sql in enumerate(whole.statements, 2) if sql == "COMMIT"]
        for point in sorted({*range(5, count, max(1, count // 4)), *committed}):
            reset(cleo_project, home, kept)
            run = runner.run(job(VERB, cleo_project, kill_at=point))
            assert run.code in (-9, 0), repr(run)
            done = cleo_cli(*VERB)
            assert done.code == 0, (point, repr(done))
            assert everything(cleo_project, home) == wanted, point
        assert len(committed) == 3


@KILLED
def test_a_rollback_that_is_killed_is_finished_by_the_next(
    kept: Any, cleo_project: Path, home: Path, cleo_cli: Cli
) -> None:
    path = cleo_project / ".cleo" / "signaldock.db"
    cleo_cli(*VERB)
    assert cleo_cli(*VERB, "--rollback", "--dry-run").code == 0
    after = {
        file: file.read_bytes()
        for root in (cleo_project / ".cleo", home)
        for file in root.rglob("*")
        if file.is_file() and file.parent.name != "locks"
    }
    with Runner(warm=EVERYTHING) as runner:
        whole = runner.run(job((*VERB, "--rollback"), cleo_project))
        assert whole.code == 0, repr(whole)
        count = len(whole.statements)
        for point in range(10, count, max(1, count // 6)):
            reset(cleo_project, home, after)
            run = runner.run(job((*VERB, "--rollback"), cleo_project, kill_at=point))
            assert run.code == -9, repr(run)
            begun = not path.exists() and cleo_cli(*VERB, "--status").data["journal"]
            if begun and begun["status"] == "rolling_back":
                assert cleo_cli(*VERB).error["exit"] == 2
            assert cleo_cli(*VERB, "--rollback").code == 0, point
            assert path.read_bytes() == kept[path]
            found = everything(cleo_project, home)
            assert [len(found[one]) for one in ("agents", "messages", "legacy_rows")] == [1, 0, 0]


@KILLED
def test_two_at_once_take_the_file_over_once(
    wanted: dict[str, list[Any]], cleo_project: Path, home: Path, cleo_processes: Any
) -> None:
    results = cleo_processes([[*CLEO, *VERB, "--json"]] * 3)
    assert [code for code, _, _ in results] == [0, 0, 0], results
    words = sorted(out.split('"status": "')[1].split('"')[0] for _, out, _ in results)
    assert words == ["done", "nothing", "nothing"]
    assert everything(cleo_project, home) == wanted
