"""One verified copy of one store."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

from cleo_core.api import StoreSpec
from cleo_core.database import connect_for_copy, header, translate
from cleo_core.errors import CleoError
from cleo_core.hashing import file_sha256
from cleo_core.migrate.compare import left_out, tables
from cleo_core.migrate.sql import identifier
from cleo_core.paths import check_test_root

#: Pages of the source that are copied in one step, between which ``progress`` is called.
STEP_PAGES = 4096


def verified_copy(
    source: str,
    target: str,
    spec: StoreSpec,
    *,
    deep: bool = False,
    progress: Callable[[int, int], None] | None = None,
    prepare: Callable[[Any], None] | None = None,
    connection: Any = None,
) -> dict[str, Any]:
    """Copy one committed state of a live store into a new file and prove that it is one.

    The copy needs no other file beside it. Other processes may write to the source meanwhile.

    :param target: the new file, which must not exist; it gets mode 0600 and is on the disk when
        this returns.
    :param deep: ``integrity_check`` instead of ``quick_check``.
    :param progress: called with (pages copied, pages in all).
    :param prepare: given each connection, loads what the store's CHECKs call.
    :param connection: an open one to the source, read in place of a new one; it stays open.
    :returns: the copy's item in a manifest: name, kind, store, file, bytes, sha256, applicationId,
        revision, rowCounts.
    :raises CleoError: ``E_BACKUP_FAILED``; nothing is left at ``target``. ``details.cause`` is the
        code of what failed.
    """
    content = _Content(spec)
    facts = _copied(source, target, content, deep, progress, prepare, connection)
    return {"name": spec.name, "kind": "store", "store": spec.name, **facts}


def verified_database(
    source: str,
    target: str,
    *,
    deep: bool = False,
    progress: Callable[[int, int], None] | None = None,
    connection: Any = None,
) -> dict[str, Any]:
    """The same for a database that no installed plugin owns, of which nothing is known.

    CHECKs and foreign keys are its owner's affair, and not looked at.

    :returns: name, kind, unowned, file, bytes, sha256, applicationId, rowCounts.
    :raises CleoError: as :func:`verified_copy`.
    """
    content = _Content(None)
    facts = _copied(source, target, content, deep, progress, None, connection)
    name = os.path.basename(source)
    return {"name": name, "kind": "database", "unowned": True, **facts}


class _Content:
    """What a copy and its original are compared by."""

    def __init__(self, spec: StoreSpec | None) -> None:
        self.spec = spec

    def what(self, source: str) -> str:
        return f"Store {self.spec.name}" if self.spec else f"The database {source}"

    def facts(self, connection: Any) -> dict[str, Any]:
        if self.spec is None:
            return {"rowCounts": _counts(connection, ordinary_tables(connection))}
        version = f"alembic_version_{self.spec.name}"
        rows = connection.execute(f"SELECT version_num FROM {version} LIMIT 2").fetchall()
        if len(rows) != 1:
            raise _refused(f"{version} holds {len(rows) or 'no'} rows instead of one")
        return {"revision": rows[0][0], "rowCounts": row_counts(connection, self.spec)}


def _copied(
    source: str,
    target: str,
    content: _Content,
    deep: bool,
    progress: Callable[[int, int], None] | None,
    prepare: Callable[[Any], None] | None,
    connection: Any,
) -> dict[str, Any]:
    check_test_root(target)
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        raise _failed(content, source, error) from error
    try:
        application_id = _application_id(source, connection)
        if application_id is None:
            raise _refused(f"{source} is no SQLite database")
        if content.spec is not None and application_id != content.spec.application_id:
            raise _refused(f"{source} is not a {content.spec.name} store")
        with (
            (
                _connected(source, prepare) if connection is None else nullcontext(connection)
            ) as original,
            _connected(target, prepare) as copy,
        ):
            facts = _taken(original, copy, content, progress)
            _check(copy, content, facts, deep)
        _synced(target)
        with open(target, "rb", buffering=0) as file:
            size, digest = file_sha256(file)
    except BaseException as error:
        for suffix in ("", "-journal", "-wal", "-shm"):
            if os.path.exists(target + suffix):
                os.unlink(target + suffix)
        if isinstance(error, Exception):
            raise _failed(content, source, error) from error
        raise
    return {
        "file": os.path.basename(target),
        "bytes": size,
        "sha256": digest,
        "applicationId": application_id,
        **facts,
    }


def _application_id(source: str, connection: Any) -> int | None:
    if connection is None:
        return header(source)[1]
    # Where a process closes a file, it loses its locks on it, whoever else in it holds them.
    return int(connection.execute("PRAGMA application_id").fetchone()[0])


def _taken(
    original: Any, copy: Any, content: _Content, progress: Callable[[int, int], None] | None
) -> dict[str, Any]:
    """Fill a copy with one committed state; what that state holds."""
    original.execute("PRAGMA query_only = ON")
    # Without a read transaction every write of another process would restart the copy.
    original.execute("BEGIN")
    try:
        facts = content.facts(original)
        _fill(original, copy, progress)
    finally:
        # Damage that SQLite finds while it reads has ended the transaction already.
        if original.in_transaction:
            original.execute("ROLLBACK")
        original.execute("PRAGMA query_only = OFF")
    return facts


def row_counts(connection: Any, spec: StoreSpec) -> dict[str, int]:
    """Rows of every table of a store that is not derived."""
    return _counts(connection, tables(connection, left_out(spec)))


def ordinary_tables(connection: Any) -> list[str]:
    """The names of a database's tables that are neither SQLite's own, nor virtual, nor shadows."""
    return sorted(
        row[1]
        for row in connection.execute("PRAGMA main.table_list")
        if row[2] == "table" and not row[1].startswith("sqlite_")
    )


def _counts(connection: Any, names: Iterable[str]) -> dict[str, int]:
    return {
        name: int(connection.execute(f"SELECT count(*) FROM {identifier(name)}").fetchone()[0])
        for name in names
    }


@contextmanager
def _connected(path: str, prepare: Callable[[Any], None] | None) -> Iterator[Any]:
    connection = connect_for_copy(path)
    try:
        if prepare is not None:
            prepare(connection)
        yield connection
    finally:
        connection.close()


def _fill(original: Any, copy: Any, progress: Callable[[int, int], None] | None) -> None:
    # Nobody reads the copy before it is complete, so a journal, syncs and a cache would only cost.
    copy.execute("PRAGMA journal_mode = OFF")
    copy.execute("PRAGMA synchronous = OFF")
    copy.execute("PRAGMA cache_size = 10")

    def step(_: int, remaining: int, total: int) -> None:
        if progress is not None:
            progress(total - remaining, total)

    original.backup(copy, pages=STEP_PAGES, progress=step)


def _check(copy: Any, content: _Content, facts: Mapping[str, Any], deep: bool) -> None:
    mode = copy.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
    if mode != "delete":
        raise _refused(f"the copy's journal mode is {mode}")
    copy.execute("PRAGMA cache_size = -8000")
    fault = damage(copy, deep=deep, owned=content.spec is not None)
    if fault:
        raise _refused(fault)
    found = content.facts(copy)
    if found != facts:
        raise _refused(f"the copy has {found} and the original {dict(facts)}")


def damage(connection: Any, *, deep: bool, owned: bool) -> str:
    """What SQLite's own checks find in a database, in words; nothing where all is well.

    :param deep: ``integrity_check`` instead of ``quick_check``.
    :param owned: whether CHECKs and foreign keys hold there at all times.
    """
    if not owned:
        connection.execute("PRAGMA ignore_check_constraints = ON")
    check = "integrity_check" if deep else "quick_check"
    words = connection.execute(f"PRAGMA {check}(1)").fetchone()[0]
    if words != "ok":
        return f"{check} finds: {words}"
    orphan = connection.execute("PRAGMA foreign_key_check").fetchone() if owned else None
    if orphan is not None:
        return f"a row of {orphan[0]} refers to a row of {orphan[2]} that is not there"
    return ""


def _synced(path: str) -> None:
    """Bring a file to the disk."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refused(reason: str) -> CleoError:
    return CleoError("E_BACKUP_FAILED", reason)


def _failed(content: _Content, source: str, error: Exception) -> CleoError:
    name = content.spec.name if content.spec else os.path.basename(source)
    known = translate(error, name, source)
    code = known.code if isinstance(known, CleoError) else None
    return CleoError(
        "E_BACKUP_FAILED",
        f"{content.what(source)} could not be copied: {str(known).rstrip('.')}.",
        fix=known.fix if isinstance(known, CleoError) else None,
        details={"store": name, "path": source, "cause": code},
    )
