"""Every SQL statement of the store fits the schema, and all of them stand in the store."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cleo_tasks
import cleo_tasks.store
from cleo_core.migrate import from_empty
from cleo_tasks.api import STORE

SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|CREATE|DROP)\s")
SQL_ANYWHERE = re.compile(
    r"\s*(SELECT\s.*\sFROM|INSERT INTO|UPDATE\s\w+\sSET|DELETE FROM|WITH\s.*\bSELECT)\s",
    re.DOTALL,
)
OF_THE_STORE = ("store", "schema", "migrations", "snapshot.py")
NAMED = re.compile(r"(?<!:):([a-z_]\w*)")
PARAMETERS = {"project_id": "p", "project_name": "p", "now": "2026-03-25T14:30:15.000Z"}
PACKAGE = Path(cleo_tasks.__file__).parent

DRIVERS = [
    importlib.import_module(f"{name}.dbapi2")
    for name in ("pysqlite3", "sqlite3")
    if importlib.util.find_spec(name)
]
MODULES = sorted(
    f"cleo_tasks.store.{module.name}" for module in pkgutil.iter_modules(cleo_tasks.store.__path__)
)


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that the migrations made."""
    path = tmp_path_factory.mktemp("statements") / "tasks.db"
    from_empty(STORE, str(path), PARAMETERS)
    return path


@pytest.fixture(params=DRIVERS, ids=lambda driver: str(driver.__name__))
def db(request: pytest.FixtureRequest, migrated: Path) -> Iterator[Any]:
    connection = request.param.connect(str(migrated), isolation_level=None)
    # An import reads the whole file into tables of its own before it writes.
    connection.execute("ATTACH ':memory:' AS scratch")
    yield connection
    connection.close()


def statements(module: Any) -> Iterator[tuple[str, str]]:
    """(where, text) of each statement of a store module."""
    for name, value in vars(module).items():
        if not name.isupper() or name.startswith("_"):  # a fragment
            continue
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str) and SQL.match(text):
                yield name, text
    for number, text in enumerate(getattr(module, "statements", tuple)()):
        yield f"statements() number {number}", text


def prepare(db: Any, text: str) -> None:
    names = NAMED.findall(text)
    bound: Any = dict.fromkeys(names) if names else (None,) * text.count("?")
    db.execute(f"EXPLAIN {text}", bound).fetchall()


@pytest.mark.parametrize("name", MODULES)
def test_every_statement_prepares_against_the_migrated_schema(name: str, db: Any) -> None:
    module = importlib.import_module(name)
    for where, text in statements(module):
        if text.startswith("CREATE TABLE scratch."):
            db.execute(text)
            continue
        try:
            prepare(db, text)
        except Exception as error:
            pytest.fail(f"{name}.{where}: {error}\n{text}")


def test_the_store_has_statements_at_all() -> None:
    counts = {name: sum(1 for _ in statements(importlib.import_module(name))) for name in MODULES}
    assert sum(counts.values()) > 100, counts


def test_a_statement_that_does_not_fit_is_found(db: Any) -> None:
    with pytest.raises(db.OperationalError, match="no such column"):
        prepare(db, "SELECT colour FROM tasks WHERE id = :id")


def test_sql_stands_in_the_store_only() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.relative_to(PACKAGE).parts[0] not in OF_THE_STORE
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and SQL_ANYWHERE.match(node.value)
    ]
    assert not found
