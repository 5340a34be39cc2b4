"""The registry of statuses: which words there are and what they mean."""

from __future__ import annotations

from cleo_core.database import Backend, Row

_WHERE = (
    "FROM status_registry WHERE (:entity IS NULL OR entity_type = :entity) "
    "AND (:namespace IS NULL OR namespace = :namespace) "
    "AND (:terminal IS NULL OR is_terminal = :terminal)"
)
LISTED = (
    f"SELECT name, entity_type, namespace, description, is_terminal {_WHERE} "
    "ORDER BY entity_type, is_terminal, name LIMIT :limit OFFSET :offset"
)
COUNT = f"SELECT count(*) {_WHERE}"


def listing(
    db: Backend,
    *,
    entity: str | None,
    namespace: str | None,
    terminal: bool | None,
    limit: int,
    offset: int,
) -> tuple[list[Row], int]:
    """A page of the registry by entity, what is open first, and how many rows match."""
    given = {
        "entity": entity,
        "namespace": namespace,
        "terminal": None if terminal is None else int(terminal),
    }
    return db.read(LISTED, **given, limit=limit, offset=offset), int(db.scalar(COUNT, **given))
