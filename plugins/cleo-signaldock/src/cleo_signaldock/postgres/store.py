"""The store on a server as core works with it: by its state, like a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cleo_signaldock.postgres import migrating
from cleo_signaldock.postgres.database import PostgresDatabase

if TYPE_CHECKING:
    from cleo_core.api import Plan, Report, StoreSpec
    from cleo_core.states import StoreState


class PostgresStore(PostgresDatabase):
    """A database on a server with :class:`cleo_core.states.OwnState`; opening changes nothing."""

    def store_state(self, spec: StoreSpec) -> StoreState:
        """What the database is; raises as :func:`cleo_signaldock.postgres.migrating.found`."""
        return migrating.found(self, spec)

    def create_store(self, spec: StoreSpec) -> bool:
        """Make an empty database the store; as :func:`cleo_signaldock.postgres.migrating.make`."""
        return migrating.make(self, spec)

    def migrate_store(
        self,
        spec: StoreSpec,
        through: Callable[[Any, str | None, Callable[[Plan], Report]], Report],
    ) -> Report | None:
        """Migrate one that is behind; as :func:`cleo_signaldock.postgres.migrating.upgrade`."""
        return migrating.upgrade(self, spec, through)
