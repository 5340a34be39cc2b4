"""What all tables of the store are declared in."""

from __future__ import annotations

from functools import partial

from cleo_core.columns import new_metadata, strict_table

metadata = new_metadata()
table = partial(strict_table, metadata)
