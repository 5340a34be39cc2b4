"""The one declaration of the tables of the message store.

A file is made in this order: the tables of ``metadata`` and their indexes, ``seed``, ``extra_ddl``.
"""

from __future__ import annotations

from cleo_conduit.schema import agents, documents, messages, records
from cleo_conduit.schema.seed import HEAD, seed
from cleo_conduit.schema.tables import metadata
from cleo_conduit.schema.triggers import extra_ddl

__all__ = ["HEAD", "agents", "documents", "extra_ddl", "messages", "metadata", "records", "seed"]
