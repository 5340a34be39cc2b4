"""Addresses of databases: which are taken, and how one is shown without its password."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cleo_core.errors import CleoError

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine

_FIX = "export CLEO_SIGNALDOCK_DATABASE_URL=postgresql://USER@HOST/DATABASE"
_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
#: The oldest server whose answers are known.
OLDEST = (13,)
STATEMENT_TIMEOUT = 10.0
IDLE_TIMEOUT = 15.0


def parsed(url: str) -> URL:
    """The address of a database, for the driver that is used.

    :raises CleoError: ``E_CONFIG``, it is none of PostgreSQL's or names another driver;
        ``E_EXTRA_MISSING``, there is no driver.
    """
    scheme, found, _ = url.partition("://")
    if not found or scheme not in _SCHEMES:
        # What stands before a missing :// may be anything, a password too.
        named = f"{scheme!r}" if found and re.fullmatch(r"[a-z0-9+]{1,40}", scheme) else "this"
        raise CleoError(
            "E_CONFIG",
            f"The database address must begin with postgresql://; {named} is not supported.",
            fix=_FIX,
        )
    require_driver()
    from sqlalchemy import make_url

    try:
        return make_url(url).set(drivername="postgresql+psycopg")
    except Exception:
        # The parser's own words repeat pieces of the address.
        raise CleoError(
            "E_CONFIG", "The database address cannot be read as one of PostgreSQL.", fix=_FIX
        ) from None


def require_driver() -> None:
    """Refuse to go on without psycopg.

    :raises CleoError: ``E_EXTRA_MISSING``.
    """
    try:
        import psycopg  # noqa: F401 # only whether it is there
    except ImportError:
        raise CleoError(
            "E_EXTRA_MISSING",
            "A PostgreSQL database needs psycopg, which is not installed.",
            fix="pip install 'cleo-signaldock[postgres]'",
        ) from None


def shown(url: URL) -> str:
    """An address without its password and options."""
    host = url.host or url.query.get("host") or ""
    host = host if isinstance(host, str) else host[0]
    user = f"{url.username}@" if url.username else ""
    port = f":{url.port}" if url.port else ""
    return f"postgresql://{user}{host}{port}/{url.database or ''}"


def engine_for(url: URL, **options: Any) -> Engine:
    """An engine whose connections are settled: text as text, whole numbers, time limits.

    Its connections commit each statement; transactions are begun and ended in so many words.

    :param options: passed on to SQLAlchemy, by default each connection is closed after use.
    """
    from sqlalchemy import create_engine, event
    from sqlalchemy.pool import NullPool

    from cleo_signaldock.postgres.values import adapt

    limits = {"connect_timeout": "10"} if "connect_timeout" not in url.query else {}
    if "poolclass" not in options and "pool_size" not in options:
        options["poolclass"] = NullPool
    engine = create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        connect_args={"application_name": "cleo", "client_encoding": "utf8", **limits},
        **options,
    )

    @event.listens_for(engine, "connect")
    def _settle(connection: Any, _: Any) -> None:
        adapt(connection)
        connection.autocommit = True
        connection.execute(
            "SELECT set_config('statement_timeout', %s, false), "
            "set_config('idle_in_transaction_session_timeout', %s, false)",
            (f"{int(STATEMENT_TIMEOUT * 1000)}", f"{int(IDLE_TIMEOUT * 1000)}"),
        )

    return engine
