"""The one declaration of the tables of the map of projects.

A file is made in this order: the tables of ``metadata`` and their indexes, ``seed``, ``extra_ddl``.
"""

from __future__ import annotations

from cleo_nexus.schema import chains, records, registry, transfers
from cleo_nexus.schema.seed import HEAD, seed
from cleo_nexus.schema.tables import metadata
from cleo_nexus.schema.triggers import extra_ddl

__all__ = ["HEAD", "chains", "extra_ddl", "metadata", "records", "registry", "seed", "transfers"]
