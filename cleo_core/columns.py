"""The notation in which stores declare their tables: one short function per kind of column.

Each function names the CHECK that it brings after the column (``ck_<table>_<column>``) and leaves
the kind of the column in ``Column.info``, where the JSON Schema and the tests read it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from sqlalchemy import (
    REAL,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    TextClause,
)
from sqlalchemy import text as sql
from sqlalchemy.schema import SchemaItem

from cleo_core.agent_ids import LONGEST

DAY_GLOB = "[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]"
AT_GLOB = f"{DAY_GLOB}T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z"

Action = Literal["CASCADE", "RESTRICT", "SET NULL"]


def new_metadata() -> MetaData:
    """An empty declaration, whose constraints and indexes are named by one rule in every store."""
    return MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )


def strict_table(metadata: MetaData, name: str, *items: SchemaItem, **options: Any) -> Table:
    """A STRICT table; ``options`` are ``sqlite_autoincrement`` and ``sqlite_with_rowid``."""
    return Table(name, metadata, *items, sqlite_strict=True, **options)


def text(name: str, check: str | None = None, **options: Any) -> Column[Any]:
    """TEXT that may be null."""
    return _column(name, Text(), "text", check, **options)


def required(name: str, check: str | None = None, **options: Any) -> Column[Any]:
    """TEXT that may not be null."""
    return text(name, check, nullable=False, **options)


def identifier(check: str | None = None, **options: Any) -> Column[Any]:
    """The unique text id beside an integer sequence, which is what references point to."""
    return required("id", check, unique=True, **options)


def integer(name: str, check: str | None = None, **options: Any) -> Column[Any]:
    """INTEGER that may not be null."""
    return _column(name, Integer(), "integer", check, **{"nullable": False, **options})


def real(name: str, check: str | None = None, **options: Any) -> Column[Any]:
    """REAL that may not be null."""
    return _column(name, REAL(), "real", check, **{"nullable": False, **options})


def serial(name: str) -> Column[Any]:
    """The integer primary key, which is the rowid and the only cursor."""
    return integer(name, primary_key=True)


def boolean(name: str, default: int = 0) -> Column[Any]:
    return _column(name, Integer(), "boolean", f"{name} IN (0, 1)", nullable=False, default=default)


def json_list(name: str, default: str = "[]") -> Column[Any]:
    check = f"json_valid({name}) AND json_type({name}) = 'array'"
    return _column(name, Text(), "json_list", check, nullable=False, default=default)


def json_object(name: str, *, nullable: bool = False) -> Column[Any]:
    """A JSON object, ``{}`` when nothing is given, or null where ``nullable``."""
    check = f"json_valid({name}) AND json_type({name}) = 'object'"
    if nullable:
        # json_valid(NULL) is 0, not NULL, in older releases of SQLite.
        check = f"{name} IS NULL OR ({check})"
    default = None if nullable else "{}"
    return _column(name, Text(), "json_object", check, nullable=nullable, default=default)


def json_value(name: str, *, nullable: bool = False) -> Column[Any]:
    """JSON of any type, or null where ``nullable``."""
    # json_valid(NULL) is 0, not NULL, in older releases of SQLite.
    check = f"{name} IS NULL OR json_valid({name})" if nullable else f"json_valid({name})"
    return _column(name, Text(), "json_value", check, nullable=nullable)


def uuid(name: str, **options: Any) -> Column[Any]:
    """A UUID as text in lower case; may not be null unless ``nullable=True``."""
    return _column(name, Text(), "uuid", is_uuid(name), **{"nullable": False, **options})


def is_uuid(name: str) -> str:
    """The CHECK of a UUID's text."""
    form = "-".join("?" * count for count in (8, 4, 4, 4, 12))
    return f"{name} GLOB '{form}' AND {name} NOT GLOB '*[^0-9a-f-]*'"


def agent(name: str, **options: Any) -> Column[Any]:
    """An agent's id; may not be null unless ``nullable=True``."""
    return _column(name, Text(), "agent", is_agent(name), **{"nullable": False, **options})


def is_agent(name: str) -> str:
    """The CHECK of an agent's id."""
    return (
        f"{name} GLOB '[A-Za-z0-9]*' AND {name} NOT GLOB '*[^A-Za-z0-9._-]*' "
        f"AND length({name}) <= {LONGEST}"
    )


def at(name: str, *, nullable: bool = True) -> Column[Any]:
    """A time, UTC with milliseconds and ``Z``; the clock function writes it, never SQL."""
    return _column(name, Text(), "at", f"{name} GLOB '{AT_GLOB}'", nullable=nullable)


def day(name: str, *, nullable: bool = True) -> Column[Any]:
    """A date, ``YYYY-MM-DD``."""
    return _column(name, Text(), "day", f"{name} GLOB '{DAY_GLOB}'", nullable=nullable)


def one_of(
    name: str, words: tuple[str, ...], default: str | None = None, **options: Any
) -> Column[Any]:
    """A word of an enum; null is allowed only where ``nullable=True``."""
    options = {"nullable": False, **options}
    check = f"{name} IN ({quoted(words)})"
    return _column(name, Text(), "enum", check, default=default, words=words, **options)


def refers(
    name: str,
    target: str,
    on_delete: Action | None,
    check: str | None = None,
    *,
    on_update: str | None = None,
    deferred: bool = False,
    cyclic: bool = False,
    to_integer: bool = False,
    **options: Any,
) -> Column[Any]:
    """A foreign key to ``target``, ``table.column``, which may be null.

    :param deferred: checked at COMMIT.
    :param cyclic: ``target`` refers back, so SQLAlchemy leaves this edge out when it sorts tables.
    """
    foreign = ForeignKey(
        target,
        ondelete=on_delete,
        onupdate=on_update,
        deferrable=deferred or None,
        initially="DEFERRED" if deferred else None,
        use_alter=cyclic,
    )
    if to_integer:
        return _column(name, Integer(), "integer", check, foreign, **options)
    return _column(name, Text(), "text", check, foreign, **options)


def check(name: str, condition: str) -> CheckConstraint:
    """A CHECK over several columns of a row."""
    return CheckConstraint(condition, name=name)


def index(*columns: str, name: str | None = None, where: str | None = None) -> Index:
    return Index(name, *columns, sqlite_where=None if where is None else sql(where))


def unique_where(name: str, columns: Iterable[str | TextClause], where: str) -> Index:
    """A partial unique index; ``columns`` may be expressions."""
    return Index(name, *columns, unique=True, sqlite_where=sql(where))


def quoted(words: Iterable[str]) -> str:
    """The words as a list of SQL literals."""
    return ", ".join("'" + word.replace("'", "''") + "'" for word in words)


def idempotency_table(metadata: MetaData, **options: Any) -> Table:
    """The table in which :meth:`cleo_core.units.Unit.idempotent` keeps first results."""
    return strict_table(
        metadata,
        "idempotency_keys",
        required("actor", default=""),
        required("verb"),
        required("key", "length(key) BETWEEN 1 AND 200"),
        required("body_hash"),
        json_value("result"),
        at("created_at", nullable=False),
        at("expires_at", nullable=False),
        PrimaryKeyConstraint("actor", "verb", "key"),
        index("expires_at"),
        **options,
    )


def slug(name: str) -> str:
    """The CHECK of lower-case words joined by hyphens."""
    return f"{name} GLOB '[a-z]*' AND {name} NOT GLOB '*[^a-z0-9-]*'"


def _column(
    name: str,
    type_: Text | Integer | REAL[Any],
    kind: str,
    check: str | None,
    *items: SchemaItem,
    default: str | float | None = None,
    words: tuple[str, ...] = (),
    **options: Any,
) -> Column[Any]:
    if check is not None:
        items = (*items, CheckConstraint(check, name=name))
    return Column(
        name,
        type_,
        *items,
        server_default=sql(str(default)) if isinstance(default, (int, float)) else default,
        info={"kind": kind, "words": words},
        **options,
    )
