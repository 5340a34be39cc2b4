"""Verified copies of what a tier has to keep, and the sets they are kept in."""

from cleo_core.backup.copying import row_counts, verified_copy
from cleo_core.backup.creating import back_up, create_set
from cleo_core.backup.inventory import Inventory, Item, inventory, store_item

__all__ = [
    "Inventory",
    "Item",
    "back_up",
    "create_set",
    "inventory",
    "row_counts",
    "store_item",
    "verified_copy",
]
