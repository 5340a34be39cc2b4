"""The one declaration of the store's tables.

Imported by migrations, tests and whoever asks for a SQLAlchemy engine, never by a command.
``Column.info["kind"]`` tells the tests what a column holds: enum, boolean or json.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Integer, MetaData, PrimaryKeyConstraint, Table, Text

from cleo_template_name.store import IMPORTANCE

HEAD = "template_name_0001"

metadata = MetaData(
    naming_convention={
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

_DAY = "[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]"
_TIME = f"{_DAY}T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9]Z"


def _check(column: str, condition: str) -> CheckConstraint:
    return CheckConstraint(condition, name=column)


def _time(column: str) -> CheckConstraint:
    return _check(column, f"{column} GLOB '{_TIME}'")


_words = ", ".join(f"'{word}'" for word in IMPORTANCE)

items = Table(
    "items",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column(
        "importance",
        Text,
        _check("importance", f"importance IN ({_words})"),
        nullable=False,
        server_default="normal",
        info={"kind": "enum"},
    ),
    Column(
        "tags_json",
        Text,
        _check("tags_json", "json_valid(tags_json) AND json_type(tags_json) = 'array'"),
        nullable=False,
        server_default="[]",
        info={"kind": "json"},
    ),
    Column("created_at", Text, _time("created_at"), nullable=False),
    sqlite_strict=True,
    sqlite_autoincrement=True,
)

# The same in every store: core writes it for --idempotency-key.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("actor", Text, nullable=False, server_default=""),
    Column("verb", Text, nullable=False),
    Column("key", Text, _check("key", "length(key) BETWEEN 1 AND 200"), nullable=False),
    Column("body_hash", Text, nullable=False),
    Column(
        "result",
        Text,
        _check("result", "json_valid(result)"),
        nullable=False,
        info={"kind": "json"},
    ),
    Column("created_at", Text, _time("created_at"), nullable=False),
    Column("expires_at", Text, _time("expires_at"), nullable=False, index=True),
    PrimaryKeyConstraint("actor", "verb", "key"),
    sqlite_strict=True,
)

#: What SQLAlchemy cannot say, in order of creation: triggers, full-text tables.
extra_ddl: tuple[str, ...] = ()

#: Rows of a fresh file; may use ``:project_id``, ``:project_name`` and ``:now``.
seed: tuple[str, ...] = ()
