"""Whether a database has the schema that CLEO gives a store, and nothing more.

Names and statements are compared before SQLite is asked to look at the content: a CHECK, an index
on an expression or a view of somebody else's making is never evaluated.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cleo_core.database import Database
from cleo_core.errors import CleoError, shortened
from cleo_core.migrate.compare import differences, left_out, schema_objects, texts
from cleo_core.migrate.sql import normalised, tokens
from cleo_core.states import AHEAD, HEAD, revision_state

if TYPE_CHECKING:
    from cleo_core.api import StoreSpec
    from cleo_core.stores import Stores

#: What SQLite itself keeps, whatever the schema.
_OWN = re.compile(r"sqlite_sequence|sqlite_stat[134]")
_AUTOMATIC = "sqlite_autoindex_"
_BLANKS = frozenset(" \t\n\r\f")
_LITERALS = frozenset(
    ("null", "true", "false", "current_date", "current_time", "current_timestamp", "rowid")
)

#: type, name in small letters -> table in small letters, statement.
_Schema = dict[tuple[str, str], tuple[str, str | None]]


class NotGenuineError(Exception):
    """A database is not a store of CLEO's, or has what CLEO did not make; the text says what."""


def check_schema(stores: Stores, spec: StoreSpec, path: str, connection: Any) -> str:
    """Prove that a database has the schema that CLEO gives the store, and nothing more.

    :param path: of the file, for messages.
    :returns: the revision.
    :raises CleoError: ``E_STORE_AHEAD``.
    :raises NotGenuineError: it is not so.
    """
    for pragma in ("trusted_schema = OFF", "cell_size_check = ON", "query_only = ON"):
        connection.execute(f"PRAGMA {pragma}")
    found = _schema(connection, f"its store {spec.name}")
    version = f"alembic_version_{spec.name}"
    if ("table", version) not in found or ("view", version) in found:
        raise NotGenuineError(f"its store {spec.name} has no table {version}")
    state = revision_state(spec, path, connection)
    if state.state == AHEAD:
        raise stores.refusal(state)
    if state.revision is None or state.detail:
        raise NotGenuineError(f"its store {spec.name} is of no known revision: {state.detail}")
    reference = _reference(stores, spec, state.revision, at_head=state.state == HEAD)
    try:
        _compare_names(spec, found, _schema(reference.connection))
        stores.fit_out(spec, connection)
        _compare_facts(spec, connection, reference.connection)
    finally:
        reference.close()
    return state.revision


def _reference(stores: Stores, spec: StoreSpec, revision: str, *, at_head: bool) -> Database:
    """An empty store of a revision, in memory: the packaged head, or what the migrations make."""
    if at_head:
        return stores.empty(spec)
    from cleo_core.migrate import plan
    from cleo_core.migrate.run import PLACEHOLDERS
    from cleo_core.migrate.runner import build

    try:
        plan(spec, revision)
    except CleoError as error:
        if error.code != "E_STORE_FOREIGN":
            raise
        raise NotGenuineError(
            f"its store {spec.name} is of no known revision: {revision}"
        ) from error
    database = Database(":memory:", spec.name)
    try:
        stores.opened(spec, database)
        build(database, spec, PLACEHOLDERS, revision)
    except BaseException:
        database.close()
        raise
    return database


def _schema(connection: Any, what: str = "it") -> _Schema:
    """Every row of the schema.

    :raises NotGenuineError: a row says that it is something else than SQLite, which
        goes by the statement alone, makes of it.
    """
    found: _Schema = {}
    for type_, name, table, sql in connection.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_master"
    ):
        key = str(type_), str(name).lower()
        if key in found or (sql is not None and _said(str(sql)) != key):
            raise NotGenuineError(
                f"{what} has a {shortened(key[0])!a} {shortened(key[1])!a} that is none"
            )
        found[key] = str(table).lower(), sql
    return found


def _said(sql: str) -> tuple[str, str]:
    """Type and name of what a statement makes."""
    words = [token.value for token in tokens(sql)[:4]]
    if words[:1] != ["create"] or len(words) < 4:
        return "", ""
    if words[1] in ("unique", "virtual"):
        del words[1]
    return words[1], _unquoted(words[2]).lower()


def _unquoted(name: str) -> str:
    """An identifier without the quotes that it needs."""
    if name[:1] in ("'", '"', "`"):
        return name[1:-1].replace(name[0] * 2, name[0])
    return name[1:-1] if name[:1] == "[" else name


def _compare_names(spec: StoreSpec, found: _Schema, reference: _Schema) -> None:
    """Refuse what the revision does not have; what has a text that counts must have that text."""
    derived = {name.lower() for name in spec.derived}
    by_text = {name.lower() for name in left_out(spec)}
    allowed = {name for type_, name in reference if type_ in ("table", "view")}
    for (type_, name), (table, sql) in found.items():
        what = f"its store {spec.name} has a {type_} {shortened(name)!a}"
        if sql is not None and _is_misleading(sql):
            raise NotGenuineError(f"{what} whose statement is not what it seems")
        known = reference.get((type_, name))
        if known is None:
            if type_ == "table" and _may_be_derived(name, sql, derived):
                allowed.add(name)
            elif not _is_of_sqlite(type_, name, table, sql):
                raise NotGenuineError(f"{what} that CLEO did not make")
            continue
        goes_by_text = type_ in ("trigger", "view") or name in by_text or _is_virtual(sql)
        if goes_by_text and (table, _normal(sql)) != (known[0], _normal(known[1])):
            raise NotGenuineError(f"{what} that is not CLEO's")
    for (type_, name), (table, _) in found.items():
        if type_ != "table" and table not in allowed and not _OWN.fullmatch(table):
            raise NotGenuineError(
                f"its store {spec.name} has a {type_} {name!a} on no table of CLEO's"
            )


def _may_be_derived(name: str, sql: str | None, derived: set[str]) -> bool:
    """Whether a table is one that its plugin makes when it needs it, or may belong to one.

    Whether it does, the module of the one that it is called after says later.
    """
    if name in derived:
        return _is_virtual(sql)
    return not _is_virtual(sql) and any(name.startswith(f"{one}_") for one in derived)


def _is_of_sqlite(type_: str, name: str, table: str, sql: str | None) -> bool:
    if type_ == "table":
        return _OWN.fullmatch(name) is not None
    return type_ == "index" and sql is None and name.startswith(f"{_AUTOMATIC}{table}_")


def _normal(sql: str | None) -> str:
    return normalised(sql or "")


def _is_virtual(sql: str | None) -> bool:
    return [token.value for token in tokens(sql or "")[:2]] == ["create", "virtual"]


def _is_misleading(sql: str) -> bool:
    """Whether SQLite reads a statement otherwise than a comparison that passes over quotes and
    blanks: a keyword in quotes is a name there, and a blank beyond ASCII a letter."""
    quoted = any(token.value in _LITERALS for token in tokens(sql) if token.kind == "name")
    return quoted or any(one.isspace() and one not in _BLANKS for one in sql)


def _compare_facts(spec: StoreSpec, connection: Any, reference: Any) -> None:
    if texts(connection) == texts(reference):
        return
    ignore = left_out(spec)
    wrong = differences(
        schema_objects(connection, ignore=ignore), schema_objects(reference, ignore=ignore)
    )
    if wrong:
        raise NotGenuineError(f"its store {spec.name} has another schema than CLEO's: {wrong[0]}")
