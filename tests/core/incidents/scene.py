"""A healthy project, and the means to break it in one way."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cleo_core import clock
from cleo_core.app import open_app
from cleo_core.database import connect_for_copy
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]

FOLDER = Path(".cleo")
STORE = FOLDER / "shelves.db"
DAY = 86400.0

#: More of the plugin of ``shelves``: an index, a trigger, an audit and rows that belong to a shelf.
SHELVES = """
from dataclasses import replace

from PACKAGE.snapshot import STATEMENTS as PLAIN

STATEMENTS = (
    *PLAIN,
    "CREATE INDEX ix_shelves_label ON shelves (label)",
    "CREATE TABLE books (id INTEGER PRIMARY KEY, shelf TEXT NOT NULL REFERENCES shelves (id),"
    " created_at TEXT) STRICT",
    "CREATE TABLE shelves_audit_log (id INTEGER PRIMARY KEY, timestamp TEXT NOT NULL) STRICT",
    "CREATE TRIGGER tr_shelves_insert AFTER INSERT ON shelves BEGIN"
    " INSERT INTO shelves_audit_log (timestamp) VALUES ('2026-03-25T14:30:15.000Z'); END",
)
SPEC = replace(SPEC, snapshot="PACKAGE.plugin:STATEMENTS")
"""
#: More of the plugin of ``vault``, a global store: a key that is secret.
VAULT = """
from dataclasses import replace

SPEC = replace(SPEC, files=(FileSpec("vault.key", "global", secret=True, size=32),))
"""


class Broken:
    """A copy of the healthy project, which is the working directory.

    :ivar home: what lies around it: ``home`` and ``work``.
    :ivar data: the data directory.
    :ivar env: variables that the case needs.
    :ivar until_the_end: what is left when the test is over.
    """

    def __init__(self, home: Path, cli: Cli, site: Any, patch: pytest.MonkeyPatch) -> None:
        self.home = home
        self.data = home / "home" / "data" / "cleo"
        self.cli = cli
        self.site = site
        self.patch = patch
        self.env: dict[str, str] = {}
        self.until_the_end = ExitStack()

    def sql(self, *statements: str, store: Path = STORE) -> None:
        """Run statements on a store, and leave no log beside it."""
        connection = connect_for_copy(str(store))
        for statement in statements:
            connection.execute(statement).fetchall()
        connection.close()

    def overwrite(self, offset: int, data: bytes, file: Path = STORE) -> None:
        """Put bytes into the middle of a file."""
        with file.open("r+b") as opened:
            opened.seek(offset)
            opened.write(data)

    def secretly(self, *statements: str) -> None:
        """Run statements in a process that dies at once, so that its log stays."""
        pid = os.fork()
        if pid == 0:
            try:
                connection = connect_for_copy(str(STORE))
                for statement in statements:
                    connection.execute(statement).fetchall()
            finally:
                os._exit(0)
        os.waitpid(pid, 0)
        assert STORE.with_name("shelves.db-wal").stat().st_size > 0

    def run(self, *words: str) -> None:
        """A command that succeeds."""
        assert self.cli(*words).code == 0

    @contextmanager
    def earlier(self, days: float) -> Iterator[None]:
        """Let the clock show a time some days ago."""
        then = time.time() - days * DAY
        clock.set_clock(lambda: then)
        try:
            yield
        finally:
            clock.set_clock(None)

    def age(self, path: Path, days: float) -> None:
        """Let a file have been touched some days ago."""
        then = time.time() - days * DAY
        os.utime(path, (then, then), follow_symlinks=False)

    def newest_set(self) -> Path:
        """The newest backup set of the project."""
        return max(path for path in (FOLDER / "backups").iterdir() if path.is_dir())

    def git(self, *words: str) -> None:
        """Run git."""
        subprocess.run(["git", *words], check=True, capture_output=True)


@dataclass(frozen=True)
class Incident:
    """One thing that went wrong, and what doctor has to say of it.

    :param name: in plain words.
    :param check: the id of the check that names it.
    :param status: what it is called.
    :param words: what the finding says, in its message or its details.
    :param spoil: does it to a healthy project.
    :param fix: how the command that helps begins; nothing where there is nothing to be done.
    :param mends: what ``--fix`` may change, as patterns of paths below the home; nothing where it
        mends nothing.
    :param beside: further checks that have something to say, because one thing leads to another.
    """

    name: str
    check: str
    status: str
    words: str
    spoil: Callable[[Broken], object]
    fix: str = "cleo "
    mends: tuple[str, ...] = ()
    beside: frozenset[str] = field(default_factory=frozenset)


def make_healthy(root: Path, site: Any, cli: Cli) -> None:
    """The project that every case is a copy of, with a row in each store and a set of all."""
    site.store("shelves", kind="shelf", more=SHELVES)
    site.store("boxes", kind="box", reference='"shelf", "keep", "null"')
    site.store("vault", kind="coin", tier="global", more=VAULT)
    for words in (
        ("init",),
        ("shelves", "add", "s1"),
        ("boxes", "add", "b1", "--ref", "s1"),
        ("vault", "add", "c1"),
    ):
        outcome = cli(*words)
        assert outcome.code == 0, repr(outcome)
    with open_app() as app:
        rows = ", ".join(f"('shelf{number}', hex(randomblob(60)))" for number in range(400))
        for statement in (
            f"INSERT INTO shelves (id, label) VALUES {rows}",
            "DELETE FROM shelves_audit_log",
        ):
            app.write("shelves", partial(_execute, statement))
    key = root / "home" / "data" / "cleo" / "vault.key"
    key.write_bytes(bytes(range(32)))
    key.chmod(0o600)
    assert cli("backup", "create", "--all").code == 0


def _execute(statement: str, unit: Any) -> None:
    unit.execute(statement)


def picture(root: Path) -> dict[str, tuple[object, ...]]:
    """All that lies below a directory: path -> kind, mode and content.

    Neither locks count, nor what holds no data: SQLite's ``-shm`` and the bytecode of plugins.
    """
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.suffix in (".lock", ".db-shm", ".pyc") or path.name == "__pycache__":
            continue
        status = path.lstat()
        mode = stat.S_IMODE(status.st_mode)
        if stat.S_ISLNK(status.st_mode):
            found[name] = ("link", os.readlink(path))
        elif stat.S_ISREG(status.st_mode):
            found[name] = ("file", mode, status.st_size, _digest(path, status.st_size))
        else:
            found[name] = ("directory", mode)
    return found


def _digest(path: Path, size: int) -> str:
    """SHA-256 of a file; of a sparse one, of its beginning."""
    with path.open("rb") as file:
        return hashlib.sha256(file.read(min(size, 1 << 22))).hexdigest()


def changed(before: Mapping[str, object], after: Mapping[str, object]) -> set[str]:
    """The paths that appeared, vanished or are others now."""
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


def allowed(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a path may have changed."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def copy(source: Path, target: Path) -> None:
    """The healthy project somewhere else."""
    for folder in ("home", "work"):
        shutil.copytree(source / folder, target / folder, symlinks=True, dirs_exist_ok=True)
