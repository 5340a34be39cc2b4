"""Restoring: verified copies put in the place of live files, whole or not at all."""

from cleo_core.restore.performing import Restored, restore_items
from cleo_core.restore.planning import Plan, plan
from cleo_core.restore.sources import find_source

__all__ = ["Plan", "Restored", "find_source", "plan", "restore_items"]
