"""Golden databases: a file of every released revision, which tests upgrade.

``<revision>.sql`` holds the rows that such a file has; the file itself is made once, when its
revision is the newest, and then kept as it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from cleo_core.database import connect_for_copy, driver, translate, write_new

#: What ``:project_id``, ``:project_name`` and ``:now`` stand for in a golden database.
PARAMETERS = {
    "project_id": "00000000-0000-4000-8000-000000000000",
    "project_name": "golden",
    "now": "2026-01-01T00:00:00.000Z",
}


def make_golden(path: str, statements: Sequence[str], rows: str, application_id: int) -> None:
    """Make a golden database in one self-contained file.

    :param path: the new file; it must not exist, and is gone again when the rows do not fit.
    :param statements: the store's snapshot.
    :param rows: SQL statements that fill it.
    :raises CleoError: the file cannot be written.
    :raises ValueError: a statement fails, or leaves a row that refers to nothing.
    """
    write_new(path, statements, PARAMETERS, application_id)
    try:
        connection = connect_for_copy(path)
        try:
            _fill(connection, rows)
            connection.execute("PRAGMA journal_mode=DELETE")
        finally:
            connection.close()
        os.chmod(path, 0o644)
    except driver().Error as error:
        os.unlink(path)
        raise translate(error, os.path.basename(path), path) from error
    except BaseException:
        os.unlink(path)
        raise


def split(script: str) -> Iterator[str]:
    """The statements of a script, one by one; a trigger's body is one statement."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if pending.strip() and driver().complete_statement(pending):
            yield pending.strip()
            pending = ""
    if pending.strip():
        yield pending.strip()


def _fill(connection: Any, rows: str) -> None:
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("BEGIN IMMEDIATE")
    for statement in split(rows):
        try:
            connection.execute(statement, PARAMETERS)
        except driver().Error as error:
            raise ValueError(f"{error}, in: {statement[:200]}") from error
    connection.execute("COMMIT")
    broken = connection.execute("PRAGMA foreign_key_check").fetchall()
    if broken:
        raise ValueError(f"rows refer to nothing: {broken[:5]}")
