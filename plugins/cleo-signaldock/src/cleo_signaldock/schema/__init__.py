"""The one declaration of the tables of the identity store, on SQLite and on PostgreSQL.

A file is made in this order: the tables of ``metadata`` and their indexes, ``seed``, ``extra_ddl``.
"""

from __future__ import annotations

from cleo_signaldock.schema import identity, people, relay, support
from cleo_signaldock.schema.seed import HEAD, seed
from cleo_signaldock.schema.tables import metadata

#: Nothing that SQLAlchemy cannot declare.
extra_ddl: tuple[str, ...] = ()

__all__ = ["HEAD", "extra_ddl", "identity", "metadata", "people", "relay", "seed", "support"]
