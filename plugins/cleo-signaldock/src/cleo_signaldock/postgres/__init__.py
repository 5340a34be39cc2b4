"""The identity store on PostgreSQL 13 or newer, behind the face that it has on SQLite.

Nothing here is imported unless ``CLEO_SIGNALDOCK_DATABASE_URL`` is set, or a server asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cleo_core.api import StoreSpec
from cleo_signaldock.api import DATABASE_VARIABLE

if TYPE_CHECKING:
    from cleo_signaldock.postgres.store import PostgresStore


def open_store(spec: StoreSpec, path: str, env: Mapping[str, str]) -> PostgresStore | None:
    """The store on the server that the environment names, as it is.

    :param path: where its file would be, which is left alone.
    :returns: None where the environment names no server.
    :raises CleoError: the address is not supported, the server cannot be reached or is too old.
    """
    url = env.get(DATABASE_VARIABLE, "").strip()
    if not url:
        return None
    from cleo_signaldock.postgres.store import PostgresStore

    return PostgresStore(url, spec.name, env=env)
