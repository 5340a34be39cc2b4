"""Stores as files: state, settings, logs, sizes, and what lies beside them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cleo_core.backup_sets import BackupSet, read_sets
from cleo_core.database import TRUSTED_SCHEMA_SINCE, connect_for_copy, driver, sqlite_version
from cleo_core.database.descriptors import head
from cleo_core.doctor.finding import Finding, Status
from cleo_core.errors import CleoError
from cleo_core.migrate.sql import identifier
from cleo_core.paths.files import quoted
from cleo_core.states import ABSENT, BEHIND, HEAD

if TYPE_CHECKING:
    from cleo_core.api import StoreSpec
    from cleo_core.doctor.scene import Scene

#: Bytes of a log: what calls for a look, and what is wrong.
LARGE_LOG, HUGE_LOG = 100 * 1000 * 1000, 1000 * 1000 * 1000
LARGE_STORE = 1 << 30
#: Times that a store may outgrow its newest copy.
GROWTH = 4

_STATUS: dict[str, Status] = {HEAD: "ok", ABSENT: "ok", BEHIND: "info"}


def state(scene: Scene, spec: StoreSpec) -> Finding:
    """What the file is, with its revision and the rows of its main tables."""
    app = scene.app
    with scene.opened(spec) as (database, found):
        rows = _rows(database, spec) if database is not None and found.state == HEAD else {}
    details: dict[str, Any] = {
        "state": found.state,
        "path": found.path,
        "revision": found.revision,
        "head": spec.head,
        "rows": rows,
    }
    status = _STATUS.get(found.state, "error")
    if found.state == HEAD:
        counted = ", ".join(f"{count} {table}" for table, count in rows.items())
        return Finding(
            "ok", f"At {found.revision}{f' with {counted}' if counted else ''}.", details
        )
    if found.state == ABSENT:
        if os.path.exists(found.path):
            copy = next((one.path for one, _ in _copies(scene, spec)), None)
            return Finding(
                "error",
                f"{found.path} is there and holds nothing, not even a schema: what it held is gone"
                f"{f'; a copy is in {copy}' if copy else ''}. The next command that writes begins "
                "anew.",
                details,
                f"cleo restore latest --store {spec.name}"
                if copy
                else f"ls -la {quoted(found.path)}",
            )
        if app.stores.elsewhere(spec) is not None:
            return Finding(
                "ok", f"{found.path} is empty; the first write makes the store.", details
            )
        copy = next((one.path for one, _ in _copies(scene, spec)), None)
        if copy is not None:
            return Finding(
                "error",
                f"{found.path} is missing; a copy is in {copy}.",
                details,
                f"cleo restore latest --store {spec.name}",
            )
        if spec.create == "init" and spec.tier == "project":
            message = f"{found.path} is missing; init makes it anew, empty."
            return Finding("warning", message, details, "cleo init")
        return Finding("ok", f"There is no {spec.file} yet.", details)
    refusal = app.stores.refusal(found)
    return Finding(status, refusal.message, details, refusal.fix)


def _rows(database: Any, spec: StoreSpec) -> dict[str, int]:
    tables = dict.fromkeys(table for table in spec.kinds.values() if table)
    return {
        table: int(database.scalar(f"SELECT count(*) FROM {identifier(table)}")) for table in tables
    }


def pragmas(scene: Scene, spec: StoreSpec) -> Finding:
    """What SQLite answers for the settings that commands rely on."""
    with scene.content(spec) as (database, found):
        names = ["journal_mode", "foreign_keys", "cell_size_check", "trusted_schema"]
        answers = {name: database.scalar(f"PRAGMA {name}") for name in names}
    wanted = {"foreign_keys": 1, "cell_size_check": 1}
    if sqlite_version() >= TRUSTED_SCHEMA_SINCE:
        wanted["trusted_schema"] = 0
    wrong = [name for name, value in wanted.items() if answers[name] != value]
    if wrong:
        return Finding(
            "error",
            f"SQLite keeps {wrong[0]} at {answers[wrong[0]]} for {found.path}.",
            {"pragmas": answers},
            "pip install --upgrade pysqlite3",
        )
    if answers["journal_mode"] != "wal":
        allowed = spec.name in scene.app.config.get("database.allow_non_wal")
        return Finding(
            "warning" if allowed else "error",
            f"{found.path} is in journal mode {answers['journal_mode']}"
            + (
                ", as configured: it is slower, and readers wait for writers."
                if allowed
                else ", not write-ahead logging. The next command that opens it asks for that; "
                "where the file system cannot give it, commands are refused."
            ),
            {"pragmas": answers},
            f"cleo config set database.allow_non_wal {spec.name} --global",
        )
    return Finding("ok", "SQLite keeps the settings that commands rely on.", {"pragmas": answers})


def wal(scene: Scene, spec: StoreSpec) -> Finding:
    """A write-ahead log that has grown because nobody could fold it in."""
    path = scene.app.stores.path(spec) + "-wal"
    size = _size(path)
    if size <= LARGE_LOG:
        return Finding("ok", f"Its log has {size} bytes.", {"path": path, "bytes": size})
    return Finding(
        "error" if size > HUGE_LOG else "warning",
        f"{path} has grown to {size // 1_000_000} MB: a reader that does not end keeps it.",
        {"path": path, "bytes": size},
        "cleo doctor --only store.wal --fix",
        fixable=True,
    )


def fold_log(scene: Scene, spec: StoreSpec) -> list[str]:
    """Fold the log into the file, alone with it.

    :raises CleoError: ``E_WRITE_CONTENTION``, another process has the file open.
    """
    from cleo_core.locks import locked

    path = scene.app.stores.path(spec)
    with locked(os.path.dirname(path), spec.name, timeout=2.0):
        connection = connect_for_copy(path, timeout=0.2)
        try:
            # In this mode the first reading takes the file for this connection alone, or fails.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except driver().Error as error:
            raise _in_use(path) from error
        finally:
            connection.close()
    if busy:
        raise _in_use(path)
    return [f"{path}-wal"]


def _in_use(path: str) -> CleoError:
    return CleoError(
        "E_WRITE_CONTENTION",
        f"Another process has {path} open; its log was left as it is.",
        details={"path": path},
    )


def size(scene: Scene, spec: StoreSpec) -> Finding:
    """A file that has grown large, or much since its newest copy."""
    path = scene.app.stores.path(spec)
    now, then = _size(path), _copied_size(scene, spec)
    details = {"path": path, "bytes": now, "bytesInNewestSet": then}
    if now > LARGE_STORE:
        words = f"{path} has {now / LARGE_STORE:.1f} GiB."
    elif then and now > GROWTH * then:
        words = f"{path} has {now / then:.1f} times the size that it has in its newest copy."
    else:
        return Finding("ok", f"It has {now} bytes.", details)
    return Finding("warning", words, details, f"cleo stores {spec.name}")


def _copied_size(scene: Scene, spec: StoreSpec) -> int | None:
    return next((int(item["bytes"]) for _, item in _copies(scene, spec)), None)


def _copies(scene: Scene, spec: StoreSpec) -> Iterator[tuple[BackupSet, Mapping[str, Any]]]:
    """The sound sets that hold a store, newest first, and what each says of its copy."""
    backups = os.path.join(scene.app.stores.directory(spec), "backups")
    for one in scene.once(f"sets in {backups}", lambda: read_sets(backups)):
        item = one.copies().get(spec.name) if one.sound else None
        if item is not None:
            yield one, item


def sidecars(scene: Scene, spec: StoreSpec) -> Finding:
    """Journals without their database, or beside one that they are none of."""
    path = scene.app.stores.path(spec)
    there = [path + suffix for suffix in ("-wal", "-journal") if os.path.lexists(path + suffix)]
    folder = os.path.dirname(path)
    if there and not os.path.lexists(path):
        makes = spec.tier == "project" and spec.create == "init"
        fix = "cleo init" if makes else f"ls -la {quoted(folder)}"
        if next(_copies(scene, spec), None) is not None:
            fix = f"cleo restore latest --store {spec.name}"
        return Finding(
            "warning",
            f"{there[0]} lies there without its database; what it holds is lost when another "
            "takes its name.",
            {"files": there},
            fix,
        )
    journal = f"{path}-journal"
    if _size(journal) and _is_wal(path):
        return Finding(
            "warning",
            f"{journal} lies beside a database that writes no such journal; SQLite may roll it "
            "back into the file.",
            {"files": [journal]},
            f"mv {quoted(journal)} {quoted(journal + '.aside')}",
        )
    if _size(f"{path}-wal") and not os.path.exists(f"{path}-shm"):
        return Finding(
            "info",
            f"{path}-wal was left by a process that was killed, or was copied here; the next "
            "command folds it in.",
            {"files": [f"{path}-wal"]},
        )
    return Finding("ok", "Nothing lies beside it that should not.")


def pending(scene: Scene, spec: StoreSpec) -> Finding:
    """Migrations that have not run."""
    found = scene.state(spec)
    if found.state != BEHIND:
        return Finding("ok", "No migration is waiting.")
    by_its_plugin = spec.create == "explicit"
    return Finding(
        "warning",
        f"{found.path} is at {found.revision}; the program works with {spec.head}"
        + (
            " and its plugin migrates it."
            if by_its_plugin
            else ", and the next command migrates it."
        ),
        {"from": found.revision, "to": spec.head},
        f"cleo stores {spec.name}" if by_its_plugin else f"cleo migrate --store {spec.name}",
    )


def _is_wal(path: str) -> bool:
    """Whether a file's header asks for a write-ahead log (bytes 18 and 19 are 2)."""
    try:
        return head(path, 20)[1][18:20] == b"\x02\x02"
    except OSError:
        return False


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0
