"""One verified copy of one store."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from cleo_core.api import StoreSpec
from cleo_core.database import connect_for_copy, header, translate
from cleo_core.errors import CleoError
from cleo_core.migrate.compare import left_out, tables
from cleo_core.migrate.sql import identifier
from cleo_core.paths import check_test_root

#: Pages of the source that are copied in one step, between which ``progress`` is called.
STEP_PAGES = 4096
_BLOCK = 1 << 20


def verified_copy(
    source: str,
    target: str,
    spec: StoreSpec,
    *,
    deep: bool = False,
    progress: Callable[[int, int], None] | None = None,
    prepare: Callable[[Any], None] | None = None,
) -> dict[str, Any]:
    """Copy one committed state of a live store into a new file and prove that it is one.

    The copy needs no other file beside it. Other processes may write to the source meanwhile.

    :param target: the new file, which must not exist; it gets mode 0600 and is on the disk when
        this returns.
    :param deep: ``integrity_check`` instead of ``quick_check``.
    :param progress: called with (pages copied, pages in all).
    :param prepare: given each connection, loads what the store's CHECKs call.
    :returns: the copy's item in a manifest: name, kind, store, file, bytes, sha256, applicationId,
        revision, rowCounts.
    :raises CleoError: ``E_BACKUP_FAILED``; nothing is left at ``target``. ``details.cause`` is the
        code of what failed.
    """
    check_test_root(target)
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        raise _failed(spec, source, error) from error
    try:
        application_id = header(source)[1]
        if application_id != spec.application_id:
            raise _refused(f"{source} is not a {spec.name} store")
        with _connected(source, prepare) as original, _connected(target, prepare) as copy:
            # Without a read transaction every write of another process would restart the copy.
            original.execute("PRAGMA query_only = ON")
            original.execute("BEGIN")
            facts = _facts(original, spec)
            _fill(original, copy, progress)
            original.execute("ROLLBACK")
            _check(copy, spec, facts, deep)
        size, digest = _settled(target)
    except BaseException as error:
        for suffix in ("", "-journal", "-wal", "-shm"):
            if os.path.exists(target + suffix):
                os.unlink(target + suffix)
        if isinstance(error, Exception):
            raise _failed(spec, source, error) from error
        raise
    return {
        "name": spec.name,
        "kind": "store",
        "store": spec.name,
        "file": os.path.basename(target),
        "bytes": size,
        "sha256": digest,
        "applicationId": application_id,
        **facts,
    }


def row_counts(connection: Any, spec: StoreSpec) -> dict[str, int]:
    """Rows of every table of a store that is not derived."""
    return {
        name: int(connection.execute(f"SELECT count(*) FROM {identifier(name)}").fetchone()[0])
        for name in tables(connection, left_out(spec))
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


def _facts(connection: Any, spec: StoreSpec) -> dict[str, Any]:
    version = f"alembic_version_{spec.name}"
    rows = connection.execute(f"SELECT version_num FROM {version} LIMIT 2").fetchall()
    if len(rows) != 1:
        raise _refused(f"{version} holds {len(rows) or 'no'} rows instead of one")
    return {"revision": rows[0][0], "rowCounts": row_counts(connection, spec)}


def _fill(original: Any, copy: Any, progress: Callable[[int, int], None] | None) -> None:
    # Nobody reads the copy before it is complete, so a journal, syncs and a cache would only cost.
    copy.execute("PRAGMA journal_mode = OFF")
    copy.execute("PRAGMA synchronous = OFF")
    copy.execute("PRAGMA cache_size = 10")

    def step(_: int, remaining: int, total: int) -> None:
        if progress is not None:
            progress(total - remaining, total)

    original.backup(copy, pages=STEP_PAGES, progress=step)


def _check(copy: Any, spec: StoreSpec, facts: Mapping[str, Any], deep: bool) -> None:
    mode = copy.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
    if mode != "delete":
        raise _refused(f"the copy's journal mode is {mode}")
    copy.execute("PRAGMA cache_size = -8000")
    check = "integrity_check" if deep else "quick_check"
    words = copy.execute(f"PRAGMA {check}(1)").fetchone()[0]
    if words != "ok":
        raise _refused(f"{check} finds: {words}")
    orphan = copy.execute("PRAGMA foreign_key_check").fetchone()
    if orphan is not None:
        raise _refused(f"a row of {orphan[0]} refers to a row of {orphan[2]} that is not there")
    found = _facts(copy, spec)
    if found != facts:
        raise _refused(f"the copy has {found} and the original {dict(facts)}")


def _settled(path: str) -> tuple[int, str]:
    """Bring a file to the disk; its size and SHA-256."""
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(_BLOCK))
    size = 0
    with open(path, "rb+", buffering=0) as file:
        os.fsync(file.fileno())
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
            size += count
    return size, digest.hexdigest()


def _refused(reason: str) -> CleoError:
    return CleoError("E_BACKUP_FAILED", reason)


def _failed(spec: StoreSpec, source: str, error: Exception) -> CleoError:
    known = translate(error, spec.name, source)
    code = known.code if isinstance(known, CleoError) else None
    return CleoError(
        "E_BACKUP_FAILED",
        f"Store {spec.name} could not be copied: {str(known).rstrip('.')}.",
        fix=known.fix if isinstance(known, CleoError) else None,
        details={"store": spec.name, "path": source, "cause": code},
    )
