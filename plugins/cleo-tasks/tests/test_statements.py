"""Every SQL statement of the store fits the schema, and all of them stand in the store."""

from __future__ import annotations

import cleo_tasks
from cleo_core.testing.statements import StoreStatements, statements
from cleo_tasks.api import STORE


class TestStatements(StoreStatements):
    package = cleo_tasks
    spec = STORE
    #: An import reads the whole file into tables of its own before it writes.
    attached = ("scratch",)

    def test_the_store_has_statements_at_all(self) -> None:
        from importlib import import_module

        found = [text for name in self.modules() for text in statements(import_module(name))]
        assert len(found) > 100
