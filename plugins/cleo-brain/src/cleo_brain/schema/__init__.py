"""The one declaration of the tables of the brain store.

A file is made in this order: the tables of ``metadata`` and their indexes, ``seed``, ``extra_ddl``.
"""

from __future__ import annotations

from cleo_brain.schema import entries, graph, records, vectors
from cleo_brain.schema.seed import HEAD, seed
from cleo_brain.schema.tables import metadata
from cleo_brain.schema.triggers import extra_ddl

__all__ = ["HEAD", "entries", "extra_ddl", "graph", "metadata", "records", "seed", "vectors"]
