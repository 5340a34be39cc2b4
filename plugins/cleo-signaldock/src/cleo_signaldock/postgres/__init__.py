"""The identity store on PostgreSQL 13 or newer, behind the face that it has on SQLite.

Nothing here is imported unless ``CLEO_SIGNALDOCK_DATABASE_URL`` is set, or a server asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cleo_core.api import StoreSpec
from cleo_signaldock.api import DATABASE_VARIABLE

if TYPE_CHECKING:
    from cleo_signaldock.postgres.database import PostgresDatabase


def open_store(spec: StoreSpec, path: str, env: Mapping[str, str]) -> PostgresDatabase | None:
    """The store on the server that the environment names, made or migrated where that is due.

    :param path: where its file would be, which is left alone.
    :returns: None where the environment names no server.
    :raises CleoError: as :func:`cleo_signaldock.postgres.migrating.opened`.
    """
    url = env.get(DATABASE_VARIABLE, "").strip()
    if not url:
        return None
    from cleo_signaldock.postgres.migrating import opened

    return opened(spec, url, env=env)
