"""Every SQL statement of the store fits the schema, and all of them stand in the store."""

from __future__ import annotations

import cleo_nexus
from cleo_core.testing.statements import StoreStatements
from cleo_nexus.api import STORE


class TestStatements(StoreStatements):
    package = cleo_nexus
    spec = STORE
