"""What the ``upgrade()`` of a migration calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from alembic import op
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from cleo_core.errors import CleoError
from cleo_core.migrate.run import Run
from cleo_core.migrate.sql import (
    filled,
    for_text,
    identifier,
    literal,
    tokens,
    with_table_name,
)


class MovedRows(NamedTuple):
    """Rows counted by :func:`move_rows`: ``read`` is ``written`` + ``refused``."""

    read: int
    written: int
    refused: int


def execute(statement: str) -> None:
    """Run one SQL statement as it is written.

    ``:project_id``, ``:project_name`` and ``:now`` are the running plan's parameters; nothing else
    in the text has a meaning beside SQL. With ``--sql`` it is rendered, parameters as literals.
    """
    context, run = _running()
    run.statement = statement
    if context.as_sql:
        run.rendered.append(statement)
        sql = filled(statement, run.parameters).strip()
        context.impl.static_output(sql if sql.endswith(";") else sql + ";")
        return
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(statement, dict(run.parameters))
    else:
        sql, used = for_text(statement, run.parameters)
        connection.execute(text(sql), used)


def move_rows(
    source: str, target: str, columns: Mapping[str, str], *, refuse: str | None = None
) -> MovedRows:
    """Copy every row of a table into another one and count what became of them.

    :param columns: column of ``target`` -> SQL expression over a row of ``source``.
    :param refuse: SQL condition of the rows that shall not be copied.
    :returns: the counts; all 0 with ``--sql``, where there are no rows.
    :raises CleoError: ``E_MIGRATION_FAILED``, a row that was read was neither written nor refused.
    """
    left, right = identifier(source), identifier(target)
    where = f"\nWHERE ({refuse}) IS NOT TRUE" if refuse else ""
    insert = (
        f"INSERT INTO {right} ({', '.join(map(identifier, columns))})\n"
        f"SELECT {', '.join(columns.values())}\nFROM {left}{where}"
    )
    if _running()[0].as_sql:
        execute(insert)
        return MovedRows(0, 0, 0)
    read, before = _count(left), _count(right)
    refused = _count(left, f"({refuse}) IS TRUE") if refuse else 0
    execute(insert)
    moved = MovedRows(read, _count(right) - before, refused)
    if moved.read != moved.written + moved.refused:
        raise CleoError(
            "E_MIGRATION_FAILED",
            f"Of {moved.read} rows of {source}, {moved.written} were written into {target} and "
            f"{moved.refused} refused",
            details={"source": source, "target": target, **moved._asdict()},
        )
    return moved


def rebuild_table(name: str, new_sql: str, columns: Mapping[str, str]) -> None:
    """Give an SQLite table another declaration and keep what hangs on it.

    Its rows (each of them, with its rowid), its triggers, its indexes and the number that
    AUTOINCREMENT gave out last stay. References from other tables, triggers and views go by name
    and are not touched. An index or trigger that does not fit any more is dropped before with
    :func:`execute`.

    :param new_sql: the whole new statement, ``CREATE TABLE <name> (…)``.
    :param columns: new column -> SQL expression over an old row.
    :raises ValueError: ``new_sql`` creates another table.
    :raises CleoError: ``E_MIGRATION_FAILED``, not every row was copied.
    """
    other = f"_rebuild_{name}"
    kept = [
        str(row[0])
        for row in _ask(
            "SELECT sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL "
            f"AND tbl_name = {literal(name)} COLLATE NOCASE ORDER BY rowid"
        )
    ]
    execute(with_table_name(new_sql, name, other))
    move_rows(name, other, {**_rowid(name, other), **columns})
    if any(token.value == "autoincrement" for token in tokens(new_sql)):
        _keep_sequence(name, other)
    execute(f"DROP TABLE {identifier(name)}")
    # Otherwise RENAME refuses while any view or trigger speaks of the table just dropped.
    execute("PRAGMA legacy_alter_table = ON")
    execute(f"ALTER TABLE {identifier(other)} RENAME TO {identifier(name)}")
    execute("PRAGMA legacy_alter_table = OFF")
    for statement in kept:
        execute(statement)


def _running() -> tuple[MigrationContext, Run]:
    context = op.get_context()
    config = context.config
    if config is None or not isinstance(config.attributes.get("run"), Run):
        raise RuntimeError("a migration of a store is run by cleo_core.migrate only")
    return context, cast(Run, config.attributes["run"])


def _ask(sql: str) -> list[Any]:
    """Rows about the schema as it is at this point of the migration."""
    context, run = _running()
    if context.as_sql:
        return list(run.schema().connection.execute(sql))
    return list(op.get_bind().exec_driver_sql(sql))


def _count(table: str, where: str = "1 = 1") -> int:
    return int(_ask(f"SELECT count(*) FROM {table} WHERE {where}")[0][0])


def _rowid(old: str, new: str) -> dict[str, str]:
    """The mapping that keeps rowids where no column of the new table is the rowid."""
    for table in (old, new):
        columns = _ask(f"PRAGMA table_xinfo({identifier(table)})")
        keys = [row[2].upper() for row in columns if row[5]]
        if any(row[1].lower() == "rowid" for row in columns) or (
            table == new and keys == ["INTEGER"]
        ):
            return {}
        kinds = _ask(f"SELECT wr FROM pragma_table_list WHERE name = {literal(table)}")
        if kinds[0][0]:
            return {}
    return {"rowid": "rowid"}


def _keep_sequence(old: str, new: str) -> None:
    """Carry the last number given out over, also where its row is gone."""
    last = f"SELECT seq FROM sqlite_sequence WHERE name = {literal(old)} COLLATE NOCASE"
    same = f"name = {literal(new)}"
    execute(f"UPDATE sqlite_sequence SET seq = max(seq, coalesce(({last}), 0)) WHERE {same}")
    execute(
        f"INSERT INTO sqlite_sequence (name, seq) SELECT {literal(new)}, seq FROM ({last}) "
        f"WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE {same})"
    )
