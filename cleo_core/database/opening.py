"""Files: what they are before SQLite sees them, how one is made, how a connection is settled."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cleo_core.database.descriptors import head, remember
from cleo_core.database.drivers import driver
from cleo_core.database.failures import BUSY, LOCKED, primary_code, translate
from cleo_core.errors import CleoError, StoreError
from cleo_core.paths import check_test_root

#: Waits before the second and third reading of a refused journal mode.
WAL_WAITS = (0.2, 0.4)
#: Seconds that another's switch to write-ahead logging may take.
SWITCH = 5.0

#: From this SQLite on, ``trusted_schema=OFF`` still accepts ``json_valid`` in a CHECK and FTS5 in
#: a trigger; 3.40 refuses the first, versions up to 3.43 the second.
TRUSTED_SCHEMA_SINCE = (3, 46, 0)

_SQLITE_MAGIC = b"SQLite format 3\0"


def header(path: str) -> tuple[int, int | None]:
    """Size of a file in bytes and its SQLite ``application_id``, read without SQLite.

    The id is None when the file does not begin like an SQLite database. Reading the hundred header
    bytes instead of opening the file leaves a foreign file and its journal as they are.

    :raises OSError: the file cannot be read, or is a directory, pipe or device.
    :raises CleoError: ``E_TEST_ROOT``.
    """
    check_test_root(path)
    size, begin = head(path, 100)
    if len(begin) < 100 or not begin.startswith(_SQLITE_MAGIC):
        return size, None
    return size, int.from_bytes(begin[68:72], "big", signed=True)


def write_new(
    path: str,
    statements: Sequence[str],
    params: Mapping[str, Any],
    app_id: int,
    store: str | None = None,
) -> None:
    """Make a complete database file at ``path``, which must not exist, in one transaction.

    :param statements: SQL run in order; each may use the named ``params``.
    :param app_id: the ``application_id`` that the file will carry.
    :param store: the store's name for messages, by default the file's.
    :raises CleoError: no space, no permission.
    """
    check_test_root(path)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        connection = connect_for_copy(path)
        try:
            # The file is private until it is published, so a journal and its syncs would only
            # cost time: a crash leaves a temporary name that nothing opens.
            connection.execute("PRAGMA journal_mode=OFF")
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute(f"PRAGMA application_id={int(app_id)}")
            connection.execute("BEGIN IMMEDIATE")
            for statement in statements:
                connection.execute(statement, params)
            connection.execute("COMMIT")
            connection.execute("PRAGMA journal_mode=WAL")
        finally:
            connection.close()
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except (driver().Error, OSError) as error:
        raise translate(error, store or os.path.basename(path), path) from error


def connect(module: Any, path: str, mode: str, timeout: float) -> Any:
    """A connection of a driver to a file that exists.

    :param mode: the query part of SQLite's URI.
    :param timeout: seconds to wait for other writers.
    """
    absolute = os.path.abspath(path).replace("\\", "/")
    quoted = absolute.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    made = module.connect(f"file:{quoted}?{mode}", timeout=timeout, isolation_level=None, uri=True)
    remember(made, absolute)
    return made


def connect_for_copy(path: str, *, timeout: float = 30.0) -> Any:
    """A bare connection with no pragma set, for the verified copy and for migrations.

    :raises StoreError: the file cannot be opened.
    """
    check_test_root(path)
    try:
        return connect(driver(), path, "mode=rw", timeout)
    except driver().Error as error:
        raise translate(error, os.path.basename(path), path) from error


def busy_timeout(profile: str, env: Mapping[str, str]) -> float:
    """Seconds that a connection waits for other writers.

    :raises CleoError: ``E_CONFIG``, the variable holds no number.
    """
    if profile == "quick":
        return 0.02
    if profile == "foreign":
        return 0.25
    text = env.get("CLEO_BUSY_TIMEOUT_MS", "").strip()
    if not text:
        return 30.0
    if not text.isdigit():
        raise CleoError(
            "E_CONFIG",
            f"CLEO_BUSY_TIMEOUT_MS is {text!r}; it takes a number of milliseconds.",
            fix="unset CLEO_BUSY_TIMEOUT_MS",
        )
    return int(text) / 1000


def settle(connection: Any, version: tuple[int, ...], *, writable: bool) -> None:
    """Set what holds for every connection; what can be refused is read back.

    :param version: of the SQLite in use.
    :raises StoreError: foreign keys are not enforced.
    """
    execute = connection.execute
    execute("PRAGMA foreign_keys=ON")
    if execute("PRAGMA foreign_keys").fetchone() != (1,):
        raise StoreError(
            "E_IO",
            "This SQLite does not enforce foreign keys.",
            fix="pip install pysqlite3",
        )
    execute("PRAGMA mmap_size=0")
    execute("PRAGMA cell_size_check=ON")
    execute("PRAGMA cache_size=-8000")
    execute("PRAGMA temp_store=MEMORY")
    execute("PRAGMA wal_autocheckpoint=1000")
    if version >= TRUSTED_SCHEMA_SINCE:
        execute("PRAGMA trusted_schema=OFF")
    if not writable:
        execute("PRAGMA query_only=ON")


def require_wal(
    connection: Any,
    name: str,
    path: str,
    *,
    allow_non_wal: bool,
    warn: Callable[[str, str], None],
    waits: Sequence[float] = WAL_WAITS,
    patience: float = 0.0,
) -> None:
    """Switch to write-ahead logging, asked up to three times.

    :param patience: seconds for which others that have the file open are waited for.
    :param waits: seconds before each time but the first.
    :param allow_non_wal: where it is refused, use a rollback journal and warn.
    :raises StoreError: ``E_WAL_REFUSED``.
    """
    mode = ""
    for wait in (0.0, *waits):
        if wait:
            time.sleep(wait)
        mode = _switched(connection, patience)
        if mode == "wal":
            connection.execute("PRAGMA synchronous=NORMAL")
            return
    if allow_non_wal:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("PRAGMA synchronous=FULL")
        warn("W_NON_WAL", f"Store {name} runs without write-ahead logging, as configured.")
        return
    raise StoreError(
        "E_WAL_REFUSED",
        f"{path} answered {mode!r} when asked for write-ahead logging; "
        "network file systems and some containers' mounts cannot give it.",
        details={"store": name, "journalMode": mode},
    )


def _switched(connection: Any, patience: float) -> str:
    """Ask for write-ahead logging; the journal mode that there is then.

    Of two that switch a file at once, after a restore, SQLite lets the one that is later fail
    without waiting for the other.
    """
    until: float | None = None
    while True:
        try:
            return str(connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]).lower()
        except driver().OperationalError as error:
            if primary_code(error) not in (BUSY, LOCKED):
                raise
            until = time.monotonic() + patience if until is None else until
            if time.monotonic() >= until:
                raise
        time.sleep(0.02)


def load_extension(connection: Any, path: str, error_class: Any) -> tuple[bool, str]:
    """Load an SQLite extension and close the door behind it; see Database.load_extension."""
    if not hasattr(connection, "enable_load_extension"):
        return False, "this Python's sqlite3 was built without extension loading"
    try:
        connection.enable_load_extension(True)
    except error_class as error:
        return False, str(error)
    try:
        connection.load_extension(path)
    except error_class as error:
        return False, str(error)
    finally:
        connection.enable_load_extension(False)
    return True, ""


def inode(path: str) -> int | None:
    """The inode that a path leads to; None when it leads nowhere."""
    try:
        return os.stat(path).st_ino
    except OSError:
        return None


def log_size(path: str) -> int:
    """Bytes of the write-ahead log beside a file; 0 where there is none."""
    try:
        return os.path.getsize(f"{path}-wal")
    except OSError:
        return 0
