"""What can be wrong with the file of a store, and with what is in it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.core.incidents.scene import FOLDER, STORE, Broken, Incident

_RESTORE = "cleo restore latest --store shelves"


def _foreign_log(broken: Broken) -> None:
    """The log of another store beside this one's file."""
    pid = os.fork()
    if pid == 0:
        try:
            broken.sql("PRAGMA wal_autocheckpoint = 0")
            from cleo_core.database import connect_for_copy

            connection = connect_for_copy(str(FOLDER / "boxes.db"))
            connection.execute(
                "UPDATE alembic_version_boxes SET version_num = 'boxes_0001'"
            ).fetchall()
            shutil.copy(FOLDER / "boxes.db-wal", FOLDER / "shelves.db-wal")
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    for suffix in ("-wal", "-shm"):
        (FOLDER / f"boxes.db{suffix}").unlink()


def _emptied(broken: Broken, *, log: bool) -> None:
    STORE.unlink()
    STORE.touch(0o600)
    if log:
        log_file = FOLDER / "shelves.db-wal"
        log_file.write_bytes(b"x" * 100)
        log_file.chmod(0o600)


def _log_alone(broken: Broken) -> None:
    STORE.rename(FOLDER.parent / "taken-away")
    (FOLDER / "shelves.db-wal").write_bytes(b"x" * 100)
    (FOLDER / "shelves.db-wal").chmod(0o600)


def _half_made(broken: Broken) -> None:
    broken.sql("DROP TABLE boxes", "CREATE TABLE boxes (id TEXT) STRICT", store=FOLDER / "boxes.db")


def _grown_log(broken: Broken) -> None:
    broken.secretly("INSERT INTO shelves (id) VALUES ('late')")
    os.truncate(FOLDER / "shelves.db-wal", 101_000_000)


def _swapped(broken: Broken) -> None:
    for one, other in (("shelves", "kept"), ("boxes", "shelves"), ("kept", "boxes")):
        os.rename(FOLDER / f"{one}.db", FOLDER / f"{other}.db")


def _version(broken: Broken, statement: str) -> None:
    broken.sql(statement.format("alembic_version_shelves"))


def _stray(name: str, source: Path | None) -> None:
    target = Path(name)
    if source is None:
        target.touch(0o600)
    else:
        shutil.copy(source, target)


def _huge_audit(broken: Broken) -> None:
    broken.run("config", "set", "audit.warn_rows", "2")
    broken.sql(
        "INSERT INTO shelves_audit_log (timestamp) SELECT '2026-01-01T00:00:00.000Z' FROM shelves"
    )


_BROKEN = frozenset(
    {"store.integrity", "store.foreign_keys", "store.schema", "store.pragmas", "audit.size"}
    | {"clock", "migrate.pending", "refs.orphans", "refs.unknown", "backup.age", "store.state"}
)
_DAMAGED = _BROKEN | {"store.size", "store.decoy"}

STORES = (
    Incident(
        "the header of a store is overwritten",
        *("store.state", "error", "not an SQLite database"),
        lambda broken: broken.overwrite(0, b"not SQLite here!"),
        fix=_RESTORE,
        beside=_DAMAGED,
    ),
    Incident(
        "one page of a store holds anything",
        *("store.integrity", "error", "damaged"),
        lambda broken: broken.overwrite(4096 * 3, bytes(range(256)) * 16),
        fix=_RESTORE,
        beside=_DAMAGED,
    ),
    Incident(
        "a store is cut in half",
        *("store.integrity", "error", "damaged"),
        lambda broken: os.truncate(STORE, STORE.stat().st_size // 2),
        fix=_RESTORE,
        beside=_DAMAGED,
    ),
    Incident(
        "of a store fifty bytes are left",
        *("store.state", "error", "not an SQLite database"),
        lambda broken: os.truncate(STORE, 50),
        fix=_RESTORE,
        beside=_DAMAGED,
    ),
    Incident(
        "two stores have each other's names",
        *("store.state", "error", "application id"),
        _swapped,
        fix="cleo stores ",
        beside=_DAMAGED,
    ),
    Incident(
        "another program's database lies in a store's place",
        *("store.state", "error", "application id"),
        lambda broken: broken.sql("PRAGMA application_id = 3"),
        fix="cleo stores shelves",
        beside=_DAMAGED,
    ),
    Incident(
        "a store is of another lineage",
        *("store.state", "error", "another lineage"),
        lambda broken: _version(broken, "UPDATE {} SET version_num = 'crates_0002'"),
        fix="cleo stores shelves",
        beside=_DAMAGED,
    ),
    Incident(
        "the log of another store lies beside one",
        *("store", "error", "shelves"),
        _foreign_log,
        beside=_DAMAGED | {"store.sidecars"},
    ),
    Incident(
        "a log lies there without its database",
        *("store.sidecars", "warning", "without its database"),
        _log_alone,
        fix=_RESTORE,
        beside=_DAMAGED,
    ),
    Incident(
        "a store is empty, and its log lies beside it",
        *("store.state", "error", "it is empty, and a write-ahead log lies beside it"),
        lambda broken: _emptied(broken, log=True),
        fix=_RESTORE,
        beside=_DAMAGED | {"store.sidecars"},
    ),
    Incident(
        "a store is cut to nothing",
        *("store.state", "error", "holds nothing"),
        lambda broken: _emptied(broken, log=False),
        fix=_RESTORE,
        beside=_DAMAGED,
    ),
    Incident(
        "a store of the project is gone",
        *("store.state", "error", "is missing; a copy is in "),
        lambda broken: STORE.unlink(),
        fix=_RESTORE,
        beside=_DAMAGED,
    ),
    Incident(
        "a rollback journal lies beside a store",
        *("store.sidecars", "warning", "writes no such journal"),
        lambda broken: (
            (FOLDER / "shelves.db-journal").write_bytes(b"\7" * 600)
            and (FOLDER / "shelves.db-journal").chmod(0o600)
        ),
        fix="mv ",
        beside=_DAMAGED,
    ),
    Incident(
        "a store has two version rows",
        *("store.state", "error", "holds 2 rows instead of one"),
        lambda broken: _version(broken, "INSERT INTO {} VALUES ('shelves_0001')"),
        fix=_RESTORE,
        beside=_BROKEN,
    ),
    Incident(
        "a store has no version row",
        *("store.state", "error", "holds no rows instead of one"),
        lambda broken: _version(broken, "DELETE FROM {}"),
        fix=_RESTORE,
        beside=_BROKEN,
    ),
    Incident(
        "a store lacks its version table",
        *("store.state", "error", "is missing"),
        lambda broken: _version(broken, "DROP TABLE {}"),
        fix=_RESTORE,
        beside=_BROKEN,
    ),
    Incident(
        "a table was made only half",
        *("store.schema", "error", "boxes"),
        _half_made,
        beside=_BROKEN,
    ),
    Incident(
        "a trigger is missing",
        *("store.schema", "error", "tr_shelves_insert"),
        lambda broken: broken.sql("DROP TRIGGER tr_shelves_insert"),
    ),
    Incident(
        "an index is missing",
        *("store.schema", "error", "ix_shelves_label"),
        lambda broken: broken.sql("DROP INDEX ix_shelves_label"),
    ),
    Incident(
        "somebody else's build has added a column",
        *("store.schema", "error", "not declared"),
        lambda broken: broken.sql("ALTER TABLE shelves ADD COLUMN more TEXT"),
    ),
    Incident(
        "a migration has not run",
        *("migrate.pending", "warning", "shelves_0001"),
        lambda broken: _version(broken, "UPDATE {} SET version_num = 'shelves_0001'"),
        fix="cleo migrate --store shelves",
        beside=_BROKEN,
    ),
    Incident(
        "a newer program has written a store",
        *("store.state", "error", "newer version"),
        lambda broken: _version(broken, "UPDATE {} SET version_num = 'shelves_0009'"),
        fix="pip install --upgrade cleo-shelves",
        beside=_BROKEN,
    ),
    Incident(
        "a store is not in write-ahead logging",
        *("store.pragmas", "error", "journal mode delete"),
        lambda broken: broken.sql("PRAGMA journal_mode = DELETE"),
    ),
    Incident(
        "rows refer to a row of the same file that is gone",
        *("store.foreign_keys", "error", "books"),
        lambda broken: broken.sql(
            "PRAGMA foreign_keys = OFF", "INSERT INTO books (shelf) VALUES ('gone'), ('gone')"
        ),
    ),
    Incident(
        "a reader that did not end has let a log grow to 101 MB",
        *("store.wal", "warning", "101 MB"),
        _grown_log,
        fix="cleo doctor --only store.wal --fix",
        mends=("work/.cleo/shelves.db*",),
        beside=frozenset({"store.sidecars"}),
    ),
    Incident(
        "a store has grown to many times its newest copy",
        *("store.size", "warning", "times the size"),
        lambda broken: broken.sql(
            "INSERT INTO shelves (id, label) SELECT 'more' || id, hex(zeroblob(500)) FROM shelves"
        ),
        fix="cleo stores shelves",
    ),
    Incident(
        "a project's store lies in the data directory",
        *("store.decoy", "warning", "a store shelves in the wrong place"),
        lambda broken: _stray(str(broken.data / "shelves.db"), STORE),
        fix="ls ",
        beside=frozenset({"paths.mode"}),
    ),
    Incident(
        "a copy of a store lies in the project's root",
        *("store.decoy", "warning", "a store shelves in the wrong place"),
        lambda broken: _stray("shelves.db", STORE),
        fix="ls ",
    ),
    Incident(
        "an empty database has a store's name in the project's root",
        *("store.decoy", "warning", "has the name of store shelves and is empty"),
        lambda broken: _stray("shelves.db", None),
        fix="ls ",
    ),
    Incident(
        "an empty database lies among the stores",
        *("store.decoy", "warning", "is empty"),
        lambda broken: _stray(".cleo/tasks.db", None),
        fix="ls ",
        beside=frozenset({"backup.coverage"}),
    ),
    Incident(
        "a database of nobody lies among the stores",
        *("store.decoy", "warning", "belongs to no installed plugin"),
        lambda broken: _stray(".cleo/old.sqlite3", Path("/bin/ls")),
        fix="ls ",
        beside=frozenset({"backup.coverage"}),
    ),
    Incident(
        "a record is from the future",
        *("clock", "warning", "2999"),
        lambda broken: broken.sql(
            "INSERT INTO shelves_audit_log (timestamp) VALUES ('2999-01-01T00:00:00.000Z')"
        ),
        fix="date ",
    ),
    Incident(
        "an audit has grown beyond its limit",
        *("audit.size", "info", "more than 2"),
        _huge_audit,
        fix="cleo config set audit.warn_rows",
    ),
)
