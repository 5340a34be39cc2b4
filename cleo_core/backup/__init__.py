"""Verified copies of stores, and the sets they are kept in."""

from cleo_core.backup.copying import row_counts, verified_copy
from cleo_core.backup.creating import back_up, create_set

__all__ = ["back_up", "create_set", "row_counts", "verified_copy"]
