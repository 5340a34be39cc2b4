"""Every SQL statement of the store fits the schema, and all of them stand in the store."""

from __future__ import annotations

import cleo_conduit
from cleo_conduit.api import STORE
from cleo_core.testing.statements import StoreStatements, statements


class TestStatements(StoreStatements):
    package = cleo_conduit
    spec = STORE

    def test_the_store_has_statements_at_all(self) -> None:
        from importlib import import_module

        found = [text for name in self.modules() for text in statements(import_module(name))]
        assert len(found) > 40
