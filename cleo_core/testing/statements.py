"""The SQL of a store: that each statement fits the schema, and that none stands outside ``store``.

.. code-block:: python

    class TestStatements(StoreStatements):
        package = cleo_notes
        spec = cleo_notes.plugin.SPEC
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import pkgutil
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

if TYPE_CHECKING:
    from cleo_core.api import StoreSpec

_SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|CREATE|DROP)\s")
_ANYWHERE = re.compile(
    r"\s*(SELECT\s.*\sFROM|INSERT INTO|UPDATE\s\w+\sSET|DELETE FROM|WITH\s.*\bSELECT)\s",
    re.DOTALL,
)
_NAMED = re.compile(r"(?<!:):([a-z_]\w*)")


def drivers() -> list[Any]:
    """The SQLite drivers that are installed."""
    return [
        importlib.import_module(f"{name}.dbapi2")
        for name in ("pysqlite3", "sqlite3")
        if importlib.util.find_spec(name)
    ]


def modules_of(package: ModuleType) -> list[str]:
    """The names of the modules of a package."""
    return sorted(
        f"{package.__name__}.{module.name}" for module in pkgutil.iter_modules(package.__path__)
    )


def statements(module: Any) -> Iterator[tuple[str, str]]:
    """(where, text) of each statement of a module.

    Constants in capitals, alone, in tuples or as values of a mapping; a name that begins with ``_``
    is a fragment. What is put together comes from the module's ``statements()``.
    """
    for name, value in vars(module).items():
        if not name.isupper() or name.startswith("_"):
            continue
        texts = value.values() if isinstance(value, dict) else value
        for text in (value,) if isinstance(value, str) else texts if _is_many(texts) else ():
            if isinstance(text, str) and _SQL.match(text):
                yield name, text
    for number, text in enumerate(getattr(module, "statements", tuple)()):
        yield f"statements() number {number}", text


def prepare(connection: Any, text: str) -> None:
    """Have SQLite prepare a statement, every parameter null.

    :raises Exception: what the driver raises where it does not fit the schema.
    """
    names = _NAMED.findall(text)
    bound: Any = dict.fromkeys(names) if names else (None,) * text.count("?")
    connection.execute(f"EXPLAIN {text}", bound).fetchall()


def assert_prepared(name: str, connection: Any) -> int:
    """Prepare every statement of a module; returns how many it has.

    :raises AssertionError: one does not fit the schema.
    """
    count = 0
    for where, text in statements(importlib.import_module(name)):
        count += 1
        if text.startswith("CREATE TABLE scratch."):
            connection.execute(text)
            continue
        try:
            prepare(connection, text)
        except Exception as error:
            # Each driver has errors of its own; whichever it is, the statement does not fit.
            raise AssertionError(f"{name}.{where}: {error}\n{text}") from error
    return count


def sql_outside(package: Path, rooms: Sequence[str]) -> list[str]:
    """Where SQL text stands in a package outside of some of its modules: ``file:line``.

    :param rooms: first parts of the paths below the package that may hold SQL.
    """
    return [
        f"{path.relative_to(package)}:{node.lineno}"
        for path in sorted(package.rglob("*.py"))
        if path.relative_to(package).parts[0] not in rooms
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and _ANYWHERE.match(node.value)
    ]


def _is_many(value: Any) -> bool:
    return isinstance(value, (tuple, list)) or type(value).__name__ == "dict_values"


_PARAMETERS = {"project_id": "p", "project_name": "p", "now": "2026-03-25T14:30:15.000Z"}


_EACH_DRIVER = pytest.mark.parametrize(
    "db", drivers(), indirect=True, ids=lambda driver: str(driver.__name__)
)


class StoreStatements:
    """Shows that every statement fits the migrated schema and stands in the store.

    :cvar package: of the plugin; its SQL is in the modules of ``<package>.store``.
    :cvar spec: the store.
    :cvar rooms: what else of the package may hold SQL, first parts of paths below it.
    :cvar attached: schemas that a connection of the store has beside its file, in memory here.
    """

    package: ClassVar[ModuleType]
    spec: ClassVar[StoreSpec]
    rooms: ClassVar[Sequence[str]] = ("store", "schema", "migrations", "snapshot.py")
    attached: ClassVar[Sequence[str]] = ()

    @pytest.fixture
    def migrated(self, tmp_path: Path) -> Path:
        """A file that the migrations made."""
        from cleo_core.migrate import from_empty

        path = tmp_path / self.spec.file
        from_empty(self.spec, str(path), _PARAMETERS)
        return path

    @pytest.fixture
    def db(self, request: pytest.FixtureRequest, migrated: Path) -> Iterator[Any]:
        """A connection to it of one of the drivers."""
        connection = request.param.connect(str(migrated), isolation_level=None)
        for name in self.attached:
            connection.execute(f"ATTACH ':memory:' AS {name}")
        yield connection
        connection.close()

    @_EACH_DRIVER
    def test_every_statement_prepares_against_the_migrated_schema(self, db: Any) -> None:
        """Every statement of every module of the store."""
        counts = {name: assert_prepared(name, db) for name in self.modules()}
        assert sum(counts.values()) > len(counts), counts

    @_EACH_DRIVER
    def test_a_statement_that_does_not_fit_is_found(self, db: Any) -> None:
        """The test before this one can fail."""
        with pytest.raises(db.OperationalError, match="no such column"):
            prepare(db, "SELECT no_such_column FROM sqlite_master WHERE name = :id")

    def test_sql_stands_in_the_store_only(self) -> None:
        """No other module of the package holds SQL text."""
        assert not sql_outside(Path(str(self.package.__file__)).parent, self.rooms)

    def modules(self) -> list[str]:
        """The modules of the store."""
        return modules_of(importlib.import_module(f"{self.package.__name__}.store"))
