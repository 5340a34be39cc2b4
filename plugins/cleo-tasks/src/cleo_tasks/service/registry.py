"""The registry of statuses."""

from __future__ import annotations

from cleo_core import inputs
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.output import Page
from cleo_tasks.enums import REGISTRY_ENTITY, REGISTRY_NAMESPACE
from cleo_tasks.service.verbs import Verbs
from cleo_tasks.store import statuses


@record
class RegisteredStatus(Declared):
    """A status that an entity can have; ``is_terminal``: it does not count as open."""

    name: str
    entity_type: str
    namespace: str
    description: str
    is_terminal: bool


class RegistryVerbs(Verbs):
    """``statuses``."""

    def statuses(
        self,
        *,
        entity: str | None = None,
        namespace: str | None = None,
        terminal: bool | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> tuple[list[RegisteredStatus], Page]:
        """The statuses of all entities, or those that the filters leave; without a limit, all.

        :param entity: task, session, lifecycle_pipeline, lifecycle_stage, adr, gate or manifest.
        :param namespace: workflow, governance or manifest.
        :param terminal: only those that do not count as open, or only those that do.
        :raises UsageError: a filter's value is no such word, or a number is out of range.
        """
        if entity is not None:
            entity = inputs.as_filter(inputs.word_of(REGISTRY_ENTITY, "entity"), entity)
        if namespace is not None:
            namespace = inputs.as_filter(inputs.word_of(REGISTRY_NAMESPACE, "namespace"), namespace)
        if terminal is not None:
            terminal = bool(terminal)
        page_limit, offset = self.page(2**31 if limit is None else limit, offset)
        with self.db.snapshot() as db:
            rows, total = statuses.listing(
                db,
                entity=entity,
                namespace=namespace,
                terminal=terminal,
                limit=page_limit,
                offset=offset,
            )
        found = [
            RegisteredStatus(
                name=row["name"],
                entity_type=row["entity_type"],
                namespace=row["namespace"],
                description=row["description"],
                is_terminal=bool(row["is_terminal"]),
            )
            for row in rows
        ]
        return found, Page(max(total, 1) if limit is None else page_limit, offset, total)
