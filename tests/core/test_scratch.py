"""Scratch tables beside a store: across units, out of memory, gone at the end."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from cleo_core import database
from cleo_core.database import Database
from cleo_core.errors import CleoError

TABLES = ("CREATE TABLE scratch.notes (id INTEGER PRIMARY KEY, text TEXT)",)
ADD = "INSERT INTO scratch.notes VALUES (?, ?)"
ALL = "SELECT id, text FROM scratch.notes ORDER BY id"


@pytest.fixture
def store(tmp_path: Path) -> Any:
    path = tmp_path / "store.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE kept (id INTEGER)")
    connection.close()
    opened = Database(str(path), "store")
    yield opened
    opened.close()


def test_units_of_the_store_see_the_tables(store: Database) -> None:
    with store.scratch(TABLES) as scratch:
        scratch.fill(ADD, [(1, "a"), (2, "b")])
        copied = "INSERT INTO kept SELECT id FROM scratch.notes"
        assert store.unit(lambda tx: tx.execute(copied)) == 2
        with pytest.raises(ZeroDivisionError):
            store.unit(lambda tx: (tx.execute(copied), 1 / 0))
        assert list(scratch.iterate(ALL)) == [(1, "a"), (2, "b")]
    assert store.scalar("SELECT count(*) FROM kept") == 2


def test_they_are_gone_at_the_end_and_can_be_made_again(store: Database) -> None:
    for _ in range(2):
        with store.scratch(TABLES) as scratch:
            assert scratch.scalar("SELECT count(*) FROM scratch.notes") == 0
            scratch.fill(ADD, [(1, "a")])
    with pytest.raises(database.driver().OperationalError):
        store.read("SELECT * FROM scratch.notes")


def test_a_reading_that_was_given_up_does_not_keep_them(store: Database) -> None:
    with store.scratch(TABLES) as scratch:
        scratch.fill(ADD, [(1, "a"), (2, "b")])
        given_up = scratch.iterate(ALL)
        assert next(given_up) == (1, "a")
    with store.scratch(TABLES):
        pass


def test_filling_them_keeps_nobody_waiting(store: Database) -> None:
    with store.scratch(TABLES) as scratch, scratch.together():
        scratch.execute("INSERT INTO scratch.notes VALUES (1, 'a')")
        other = Database(store.path, "store", profile="quick")
        other.unit(lambda tx: tx.execute("INSERT INTO kept VALUES (1)"))
        other.close()


def test_nothing_lies_around_and_the_store_is_untouched(
    store: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    frozen_bytes: Callable[..., AbstractContextManager[Any]],
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    content = Path(store.path).read_bytes()
    with store.scratch(TABLES) as scratch:
        scratch.fill(ADD, ((number, "x" * 1000) for number in range(10_000)))
        assert os.name == "nt" or not list(temporary.iterdir())
    assert not list(temporary.iterdir())
    assert Path(store.path).read_bytes() == content


def test_a_statement_that_fails_leaves_as_a_clear_error(store: Database) -> None:
    with pytest.raises((CleoError, database.driver().Error)), store.scratch(("CREATE nonsense",)):
        pass
    with store.scratch(TABLES):
        pass


def test_memory_does_not_grow_with_what_is_in_them(store: Database) -> None:
    resource = pytest.importorskip("resource")
    with store.scratch(TABLES) as scratch:
        scratch.fill(ADD, ((number, "x" * 1000) for number in range(2_000)))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        scratch.fill(ADD, ((number, "x" * 1000) for number in range(2_000, 42_000)))
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < 16_000, "40 MB went into memory"
