"""The one declaration of the tables of the tasks store.

A file is made in this order: the tables of ``metadata`` and their indexes, ``seed``, ``extra_ddl``.
The rows of ``seed`` come first because the triggers of ``extra_ddl`` refuse to change some of them.
"""

from __future__ import annotations

from cleo_tasks.schema import decisions, lifecycle, records, sessions, tasks
from cleo_tasks.schema.seed import HEAD, seed
from cleo_tasks.schema.tables import metadata
from cleo_tasks.schema.triggers import extra_ddl

__all__ = [
    "HEAD",
    "decisions",
    "extra_ddl",
    "lifecycle",
    "metadata",
    "records",
    "seed",
    "sessions",
    "tasks",
]
