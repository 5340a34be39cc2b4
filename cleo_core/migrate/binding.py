"""SQLAlchemy on a connection of ours, without SQLAlchemy's own transactions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import create_engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.pool import StaticPool

from cleo_core.database import driver

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPIModule
    from sqlalchemy.pool import PoolProxiedConnection


class BorrowedDialect(SQLiteDialect_pysqlite):
    """SQLite on a connection whose transactions somebody else begins and ends."""

    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> DBAPIModule:
        return cast("DBAPIModule", driver())

    def on_connect(self) -> Any:
        # SQLAlchemy's own would put its regexp() and floor() over a store's functions.
        return None

    def do_begin(self, dbapi_connection: PoolProxiedConnection) -> None:
        return

    def do_commit(self, dbapi_connection: PoolProxiedConnection) -> None:
        return

    def do_rollback(self, dbapi_connection: PoolProxiedConnection) -> None:
        return

    def do_close(self, dbapi_connection: DBAPIConnection) -> None:
        return


registry.register("sqlite.borrowed", __name__, "BorrowedDialect")


@contextmanager
def bound(connection: Any) -> Iterator[Connection]:
    """A SQLAlchemy connection that runs its statements on a connection of the driver.

    Whatever is done with it, no transaction of the driver's connection begins or ends, and it stays
    open. SQLAlchemy and alembic believe to be inside a transaction of their caller.
    """
    engine = create_engine("sqlite+borrowed://", creator=lambda: connection, poolclass=StaticPool)
    with engine.connect() as shared, shared.begin():
        yield shared
