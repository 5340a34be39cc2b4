"""Another project's files, looked at from this one: left as they are, and errors that say what."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import App
from cleo_core.database import driver
from cleo_core.errors import CleoError
from cleo_core.testing import Frozen, Outcome

Cli = Callable[..., Outcome]


@pytest.fixture
def other(cleo_app: App, cleo_cli: Cli, cleo_home: Path) -> Path:
    """The root of a second project with one task."""
    root = cleo_home / "other"
    root.mkdir()
    assert cleo_cli("init", "second", cwd=root).code == 0
    with cleo_app.for_project(str(root)) as there:
        there.service("tasks").add("there")
    return root


@pytest.fixture
def there(cleo_app: App, other: Path) -> Iterator[App]:
    """That project, to be looked at."""
    with cleo_app.for_project(str(other), foreign=True) as app:
        yield app


def refused(call: Callable[[], Any]) -> CleoError:
    with pytest.raises(CleoError) as caught:
        call()
    return caught.value


def titles(app: App) -> list[str]:
    return [line.title for line in app.service("tasks").list()[0]]


def db_of(root: Path) -> Path:
    return root / ".cleo" / "tasks.db"


def connect(root: Path) -> Any:
    # Locks of one file are shared by all of a process that opened it with the same library.
    return closing(driver().connect(str(db_of(root)), isolation_level=None))


def test_looking_changes_no_byte_and_leaves_nothing_behind(
    cleo_app: App, other: Path, there: App
) -> None:
    frozen = Frozen(other)
    assert titles(there) == ["there"]
    assert there.exists("task", ["T001", "T002"]) == {"T001": True, "T002": False}
    there.close()
    frozen.check()
    assert cleo_app.warnings == []


def test_a_file_that_waits_for_no_log_is_not_given_one(other: Path, there: App) -> None:
    with connect(other) as connection:
        assert connection.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
    frozen = Frozen(other)
    assert titles(there) == ["there"]
    there.close()
    frozen.check()


def test_what_somebody_has_not_folded_in_yet_is_seen(
    cleo_app: App, other: Path, there: App
) -> None:
    with cleo_app.for_project(str(other)) as writer:
        writer.service("tasks").add("fresh")
        assert titles(there) == ["there", "fresh"]
        writer.service("tasks").add("fresher")
        assert titles(there)[-1] == "fresher"


def test_who_looks_does_not_write(other: Path, there: App) -> None:
    frozen = Frozen(other)
    for call in (
        lambda: there.service("tasks").add("no"),
        lambda: there.service("tasks").update("T001", title="no"),
        lambda: there.scratch("tasks", []).__enter__(),
    ):
        with pytest.raises(RuntimeError, match="only looked at"):
            call()
    there.close()
    frozen.check()


def test_an_absent_store_is_an_error_and_stays_absent(other: Path, there: App) -> None:
    db_of(other).unlink()
    frozen = Frozen(other)
    error = refused(lambda: titles(there))
    assert (error.code, error.exit) == ("E_NOT_INITIALIZED", 3)
    assert there.exists("task", ["T001"]) == {"T001": None}
    frozen.check()
    there.dry_run = True
    assert refused(lambda: titles(there)).exit == 3


@pytest.mark.parametrize(
    ("damage", "code", "exit_"),
    [
        ("UPDATE alembic_version_tasks SET version_num = 'tasks_0000'", "E_STORE_BEHIND", 50),
        ("UPDATE alembic_version_tasks SET version_num = 'tasks_9999'", "E_STORE_AHEAD", 51),
        ("UPDATE alembic_version_tasks SET version_num = 'abc'", "E_STORE_FOREIGN", 52),
        ("PRAGMA application_id = 7", "E_STORE_FOREIGN", 52),
        ("DELETE FROM alembic_version_tasks", "E_STORE_CORRUPT", 53),
        ("DROP TABLE alembic_version_tasks", "E_STORE_CORRUPT", 53),
    ],
)
def test_a_store_that_is_not_at_head_is_an_error_and_stays_as_it_is(
    other: Path, there: App, damage: str, code: str, exit_: int
) -> None:
    with connect(other) as connection:
        connection.execute(damage)
    frozen = Frozen(other)
    error = refused(lambda: titles(there))
    assert (error.code, error.exit) == (code, exit_)
    assert there.exists("task", ["T001"]) == {"T001": None}
    there.close()
    frozen.check()


def test_a_file_that_is_no_database_is_broken(other: Path, there: App) -> None:
    db_of(other).write_bytes(b"no database at all" * 100)
    assert refused(lambda: titles(there)).exit == 53
    assert db_of(other).read_bytes() == b"no database at all" * 100


def test_a_damaged_page_is_broken(other: Path, there: App) -> None:
    path = db_of(other)
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    assert refused(lambda: titles(there)).exit == 53


def test_a_busy_file_is_given_up_soon(other: Path, there: App) -> None:
    with connect(other) as holder:
        holder.execute("PRAGMA journal_mode = DELETE")
        holder.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        error = refused(lambda: titles(there))
        assert (error.code, error.exit) == ("E_WRITE_CONTENTION", 7)
        # Far below the thirty seconds of the usual profile.
        assert time.monotonic() - began < 10
        assert there.exists("task", ["T001"]) == {"T001": None}
        holder.execute("ROLLBACK")
    # A failed opening is not remembered.
    assert titles(there) == ["there"]


@pytest.mark.skipif(sys.platform == "win32", reason="nobody else to be there")
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs to be root")
def test_a_file_that_may_only_be_read_gets_no_sidecars(
    cleo_app: App, other: Path, there: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(db_of(other))
    # Root may write everything; what the system says to anybody else is what counts here.
    asked = os.access
    monkeypatch.setattr(os, "access", lambda one, mode: one != path and asked(one, mode))
    frozen = Frozen(other)
    assert titles(there) == ["there"]
    there.close()
    frozen.check()
    assert [one["code"] for one in cleo_app.warnings] == ["W_READ_ONLY"]


def test_binding_scans_nothing_and_opens_nothing(
    cleo_app: App, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import cleo_core.installed
    import cleo_core.stores
    from cleo_core.database import Database

    def unwanted(*arguments: Any, **named: Any) -> Any:
        raise AssertionError("nothing is to be opened or scanned")

    for target, name in (
        (cleo_core.installed, "load_all"),
        (cleo_core.stores, "probe"),
        (Database, "_open"),
    ):
        monkeypatch.setattr(target, name, unwanted)
    for foreign in (False, True):
        with cleo_app.for_project(str(other), foreign=foreign) as bound:
            assert bound.plugins is cleo_app.plugins
            assert bound.service("tasks") is bound.service("tasks")


def test_visiting_many_keeps_none(cleo_app: App, other: Path) -> None:
    for _ in range(20):
        with cleo_app.for_project(str(other), foreign=True) as visited:
            assert titles(visited) == ["there"]
    assert cleo_app._others == []
    left_open = cleo_app.for_project(str(other), foreign=True)
    assert titles(left_open) == ["there"]
    cleo_app.close()
    assert cleo_app._others == []
    assert sorted(one.name for one in (other / ".cleo").glob("tasks.db*")) == ["tasks.db"]


def test_a_root_that_is_none_is_an_error_at_once(cleo_app: App, other: Path) -> None:
    shutil.rmtree(other)
    error = refused(lambda: cleo_app.for_project(str(other), foreign=True))
    assert (error.code, error.exit) == ("E_NOT_INITIALIZED", 3)
    assert not other.exists()


def test_a_session_of_this_project_means_nothing_in_another_one(
    cleo_app: App, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLEO_SESSION_ID", "ses_here")
    with cleo_app.for_project(str(other), agent="nexus") as there:
        assert there.session is None
        assert there.for_project(str(other)).session is None
        there.service("tasks").update("T001", title="changed")
        assert titles(there) == ["changed"]
    same = cleo_app.for_project(cleo_app.project.root)
    assert same.session == "ses_here"
