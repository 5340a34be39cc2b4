"""Every SQL statement of the store fits the schema, and all of them stand in the store."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cleo_brain
import cleo_brain.store
from cleo_brain.api import STORE
from cleo_core.migrate import from_empty
from cleo_core.testing.statements import (
    assert_prepared,
    drivers,
    modules_of,
    prepare,
    sql_outside,
    statements,
)

PARAMETERS = {"project_id": "p", "project_name": "p", "now": "2026-03-25T14:30:15.000Z"}
MODULES = modules_of(cleo_brain.store)


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that the migrations made."""
    path = tmp_path_factory.mktemp("statements") / STORE.file
    from_empty(STORE, str(path), PARAMETERS)
    return path


@pytest.fixture(params=drivers(), ids=lambda driver: str(driver.__name__))
def db(request: pytest.FixtureRequest, migrated: Path) -> Iterator[Any]:
    connection = request.param.connect(str(migrated), isolation_level=None)
    yield connection
    connection.close()


@pytest.mark.parametrize("name", MODULES)
def test_every_statement_prepares_against_the_migrated_schema(name: str, db: Any) -> None:
    assert_prepared(name, db)


def test_the_store_has_statements_at_all() -> None:
    counts = {name: sum(1 for _ in statements(importlib.import_module(name))) for name in MODULES}
    assert sum(counts.values()) > 100, counts


def test_a_statement_that_does_not_fit_is_found(db: Any) -> None:
    with pytest.raises(db.OperationalError, match="no such column"):
        prepare(db, "SELECT colour FROM brain_entries WHERE id = :id")


def test_sql_stands_in_the_store_only() -> None:
    rooms = ("store", "schema", "migrations", "snapshot.py")
    assert not sql_outside(Path(cleo_brain.__file__).parent, rooms)
