"""The SQL of a store: that each statement fits the schema, and that none stands outside ``store``.

.. code-block:: python

    @pytest.mark.parametrize("name", modules_of(cleo_notes.store))
    def test_every_statement_prepares(name, db):
        assert_prepared(name, db)
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
from typing import Any

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
