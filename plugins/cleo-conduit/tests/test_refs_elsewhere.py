"""Asking another project's file which agents it sees, whatever state that file is in."""

from __future__ import annotations

import os
import runpy
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome

_post = runpy.run_path(str(Path(__file__).with_name("post.py")))
conduit = _post["conduit"]

Cli = Callable[..., Outcome]


@pytest.fixture
def other(cleo_home: Path, cleo_cli: Cli) -> Path:
    """Another project, which sees bob and has let cem go."""
    root = cleo_home / "other"
    root.mkdir()
    for argv in (
        ("init", "other"),
        ("conduit", "join", "bob", "--role", "lead"),
        ("conduit", "join", "cem"),
        ("conduit", "leave", "cem"),
    ):
        assert cleo_cli(*argv, cwd=root).code == 0
    return root


def files(root: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file and directory below a root, with inode, time of change and content."""
    return {
        str(path.relative_to(root)): (
            path.stat().st_ino,
            path.stat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(root.rglob("*"))
    }


def ask(app: App, root: Path, agent_id: str = "bob") -> Any:
    """What the file says, or the exit code; nothing below the root may move."""
    before = files(root)
    try:
        return conduit(app).refs_in(str(root), agent_id)
    except CleoError as error:
        return error.exit if error.fix else None
    finally:
        assert files(root) == before


@pytest.mark.guarantee(
    "signaldock-12", "Another project's refs are read without moving a byte of it or beside it."
)
def test_refs_of_another_project_are_read(cleo_app: App, other: Path) -> None:
    (ref,) = ask(cleo_app, other)
    assert (ref.agent_id, ref.enabled, ref.role) == ("bob", True, "lead")
    (ref,) = ask(cleo_app, other, "cem")
    assert (ref.enabled, ref.detached_at is not None) == (False, True)
    assert ask(cleo_app, other, "Bob") == []
    assert ask(cleo_app, other, "ann") == []


def test_what_only_the_log_holds_is_read_too(cleo_app: App, other: Path) -> None:
    writer = sqlite3.connect(other / ".cleo" / "conduit.db", isolation_level=None)
    try:
        writer.execute("UPDATE project_agent_refs SET role = 'new' WHERE agent_id = 'bob'")
        assert (other / ".cleo" / "conduit.db-wal").stat().st_size
        assert [ref.role for ref in ask(cleo_app, other)] == ["new"]
    finally:
        writer.close()


@pytest.mark.parametrize("how", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
def test_a_file_that_is_locked_is_read_as_last_committed(
    cleo_app: App, other: Path, how: str
) -> None:
    writer = sqlite3.connect(other / ".cleo" / "conduit.db", isolation_level=None)
    try:
        writer.execute(how)
        writer.execute("UPDATE project_agent_refs SET role = 'never said'")
        assert [ref.role for ref in ask(cleo_app, other)] == ["lead"]
    finally:
        writer.close()


@pytest.mark.guarantee(
    "signaldock-12", "A project without a message store has no refs, and none is made there."
)
def test_where_there_is_no_file_none_is_made(cleo_app: App, other: Path) -> None:
    os.unlink(other / ".cleo" / "conduit.db")
    assert ask(cleo_app, other) == []
    (other / ".cleo" / "conduit.db").touch()
    assert ask(cleo_app, other) == []
    shutil.rmtree(other / ".cleo")
    assert ask(cleo_app, other) == []


def test_a_project_that_is_not_there_could_not_be_asked(cleo_app: App, other: Path) -> None:
    shutil.rmtree(other)
    for path in (str(other), str(other / "x"), "\x00", "", "\ud800", "/"):
        with pytest.raises(CleoError) as caught:
            conduit(cleo_app).refs_in(path, "bob")
        assert caught.value.exit in (2, 3)
    assert not other.exists()


def spoil(how: str, path: Path) -> None:
    """Make of the file what it must not be taken for."""
    data = path.read_bytes()
    if how == "cut":
        path.write_bytes(data[:4096])
    elif how == "text":
        path.write_text("not a database, and long enough to be looked at\n" * 10)
    elif how == "noise":
        path.write_bytes(data[:100] + bytes(255 for _ in range(len(data) - 100)))
    elif how == "foreign":
        path.write_bytes(data[:68] + b"CLTK" + data[72:])
    elif how == "empty beside a log":
        path.write_bytes(b"")
        Path(f"{path}-wal").write_bytes(b"x")
    elif how == "without the table":
        path.unlink()
        with sqlite3.connect(path) as made:
            made.execute("PRAGMA application_id = 0x434C434F")
            made.execute("CREATE TABLE x (y)")
        made.close()
    elif how == "without a column":
        with sqlite3.connect(path) as made:
            made.execute("ALTER TABLE project_agent_refs RENAME COLUMN role TO part")
        made.close()
    elif how == "with another override":
        with sqlite3.connect(path) as made:
            made.execute("PRAGMA ignore_check_constraints = ON")
            made.execute("UPDATE project_agent_refs SET capabilities_override = '{'")
        made.close()
    elif how == "a directory":
        path.unlink()
        path.mkdir()
    elif how == "a pipe":
        path.unlink()
        os.mkfifo(path)
    elif how == "a link to nothing":
        path.unlink()
        path.symlink_to("nowhere")


@pytest.mark.guarantee(
    "signaldock-12", "A project whose message store cannot be read is told, not passed over."
)
@pytest.mark.parametrize(
    "how",
    [
        *("cut", "text", "noise", "foreign", "empty beside a log", "without the table"),
        *("without a column", "with another override"),
    ],
)
def test_a_spoilt_file_is_refused_and_left(cleo_app: App, other: Path, how: str) -> None:
    spoil(how, other / ".cleo" / "conduit.db")
    assert ask(cleo_app, other) == 6


@pytest.mark.parametrize("how", ["a directory", "a pipe"])
def test_what_is_no_file_is_refused_and_left(cleo_app: App, other: Path, how: str) -> None:
    path = other / ".cleo" / "conduit.db"
    spoil(how, path)
    with pytest.raises(CleoError) as caught:
        conduit(cleo_app).refs_in(str(other), "bob")
    assert caught.value.exit == 3
    assert not path.is_file()


def test_a_link_to_nothing_is_no_file(cleo_app: App, other: Path) -> None:
    path = other / ".cleo" / "conduit.db"
    spoil("a link to nothing", path)
    with pytest.raises(CleoError) as caught:
        conduit(cleo_app).refs_in(str(other), "bob")
    assert caught.value.exit == 3
    assert path.is_symlink()
    assert not path.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(cleo_app: App, other: Path) -> None:
    path = other / ".cleo" / "conduit.db"
    path.chmod(0)
    try:
        with pytest.raises(CleoError) as caught:
            conduit(cleo_app).refs_in(str(other), "bob")
        assert caught.value.exit == 3
    finally:
        path.chmod(0o600)


def test_the_name_of_project_directories_is_that_of_the_environment(
    cleo_app: App, other: Path
) -> None:
    (other / ".cleo").rename(other / ".kept")
    assert ask(cleo_app, other) == []
    cleo_app.env = {**os.environ, "CLEO_DIR": ".kept"}
    assert [ref.agent_id for ref in ask(cleo_app, other)] == ["bob"]
