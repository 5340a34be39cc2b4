"""Which SQLite module is in use."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, cast

from cleo_core.errors import CleoError

_driver: Any = None


def driver(env: Mapping[str, str] = os.environ) -> Any:
    """The SQLite module in use: ``pysqlite3`` where it is installed, else the standard library's.

    ``CLEO_SQLITE`` (``auto``, ``pysqlite3``, ``stdlib``) decides otherwise.

    :raises CleoError: ``E_EXTRA_MISSING``, pysqlite3 was demanded and is not installed;
        ``E_CONFIG``, the variable holds another word.
    """
    global _driver
    if _driver is not None:
        return _driver
    wanted = env.get("CLEO_SQLITE", "").strip() or "auto"
    if wanted not in ("auto", "pysqlite3", "stdlib"):
        raise CleoError(
            "E_CONFIG",
            f"CLEO_SQLITE is {wanted!r}; it takes auto, pysqlite3 or stdlib.",
            fix="unset CLEO_SQLITE",
        )
    if wanted != "stdlib":
        try:
            from pysqlite3 import dbapi2

            _driver = dbapi2
            return _driver
        except ImportError:
            if wanted == "pysqlite3":
                raise CleoError(
                    "E_EXTRA_MISSING",
                    "CLEO_SQLITE asks for pysqlite3, which is not installed.",
                    fix="pip install pysqlite3",
                ) from None
    import sqlite3

    _driver = sqlite3
    return _driver


def driver_name() -> str:
    """Name of the SQLite driver in use: ``pysqlite3`` or ``sqlite3``."""
    return str(driver().__name__).split(".")[0]


def sqlite_version() -> tuple[int, ...]:
    """Version of the SQLite library in use."""
    return cast("tuple[int, ...]", driver().sqlite_version_info)
