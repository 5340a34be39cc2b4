"""The schema on PostgreSQL: everything is translated, and refuses what it refuses on SQLite."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleo_core.columns import check, new_metadata, required, strict_table
from cleo_core.database import driver
from cleo_signaldock.postgres.checks import UntranslatableError, regular_expression, translated
from cleo_signaldock.postgres.ddl import create_statements
from cleo_signaldock.schema import metadata

ID = "0191d7a0-0000-7000-8000-000000000001"
AT = "2026-03-25T14:30:15.000Z"
#: Kind of CHECK -> values that it refuses and takes, as they are given to a column.
TRIED: tuple[Any, ...] = (
    *("", "x", "X y", "ID", ID, ID.upper(), ID[:-1], ID + "0", "a" * 128, "a" * 129, "a.b_c-d"),
    *(".a", "ä", "a\nb", "a'b", "[a]", AT, AT[:-1], AT.replace("T", " "), f"{AT}\n", f"\n{AT}"),
    *("2026-13-45T29:59:59.999Z", "{}", "[]", "[1]", '{"a": 1}', "null", "1", "{", "tru", '"a"'),
    *("pending", "dm", "to", "user", "x" * 200, "x" * 201, "ä" * 100, "ä" * 101, "x" * 1001),
    *("ä" * 32768, "ä" * 32769, "message", "text", None),
    *(-1, 0, 1, 2, 3, 2**40),
)
CHECKS = [
    (table.name, str(constraint.name), str(constraint.sqltext), tuple(table.columns.keys()))
    for table in metadata.sorted_tables
    for constraint in [*table.constraints, *(c for x in table.columns for c in x.constraints)]
    if hasattr(constraint, "sqltext")
]
NUMBERS = {
    (table.name, column.name)
    for table in metadata.sorted_tables
    for column in table.columns
    if column.info.get("kind") in ("integer", "boolean")
}


@pytest.mark.guarantee(
    "signaldock-15", "Each rule of a column refuses on PostgreSQL what it refuses on SQLite."
)
def test_every_check_decides_alike_on_both_databases(postgres_url: str) -> None:
    import psycopg

    assert len(CHECKS) > 150
    lite = driver().connect(":memory:")
    differing = []
    seen = set()
    with psycopg.connect(postgres_url, autocommit=True) as server:
        for table, _, condition, columns in CHECKS:
            used = [name for name in columns if _mentions(condition, name)]
            if len(used) != 1 or condition.replace(used[0], "?") in seen:
                continue
            (name,) = used
            seen.add(condition.replace(name, "?"))
            kind = int if (table, name) in NUMBERS else str
            nullable = metadata.tables[table].columns[name].nullable
            values = [*(one for one in TRIED if isinstance(one, kind)), *([None] * nullable)]
            here = translated(condition, frozenset(columns))
            type_ = "bigint" if kind is int else 'text COLLATE "C"'
            for value in values:
                mine = _asked_here(lite, condition, name, value)
                if mine != _asked(server, here, name, type_, value):
                    differing.append((condition, value))
    lite.close()
    assert not differing
    assert len(seen) > 40


def _asked_here(lite: Any, condition: str, name: str, value: Any) -> bool:
    """Whether a value passes on SQLite, which fails where JSON is malformed."""
    sql = f'SELECT {condition} FROM (SELECT ? AS "{name}")'
    try:
        return lite.execute(sql, (value,)).fetchone()[0] in (1, None)
    except driver().OperationalError:
        return False


def _asked(server: Any, condition: str, name: str, type_: str, value: Any) -> bool:
    """Whether a value passes; one that cannot be read as JSON at all does not."""
    import psycopg

    base = type_.partition(" ")[0]
    collated = f'CAST(%s AS {base}) COLLATE "C"' if base == "text" else f"CAST(%s AS {base})"
    try:
        row = server.execute(
            f'SELECT {condition} FROM (SELECT {collated} AS "{name}") AS one', (value,)
        ).fetchone()
    except psycopg.errors.InvalidTextRepresentation:
        return False
    return bool(row[0] is not False)


def _mentions(condition: str, name: str) -> bool:
    import re

    return re.search(rf"(?<!['\w]){name}(?!['\w])", condition) is not None


@pytest.mark.guarantee("signaldock-15", "Rules over several columns hold on PostgreSQL too.")
@pytest.mark.parametrize(
    ("kind", "key", "taken"),
    [("dm", "a|b", True), ("group", None, True), ("dm", None, False), ("group", "a|b", False)],
)
def test_a_rule_over_two_columns_holds_on_both(
    both: Any, kind: str, key: str | None, taken: bool
) -> None:
    sql = (
        "INSERT INTO relay_conversations (id, kind, dm_key, created_by, created_at, updated_at) "
        "VALUES (:id, :kind, :key, 'a', :now, :now)"
    )
    for database in both:
        try:
            database.unit(lambda tx: tx.execute(sql, id=ID, kind=kind, key=key, now=AT))
            done = True
        except driver().IntegrityError as error:
            done = "ck_relay_conversations_dm" not in str(error)
        assert done == taken, database.path


@given(st.text(alphabet="ab-Z09ä._\n]^\\", max_size=8), st.data())
@settings(max_examples=200, deadline=None)
def test_a_pattern_matches_what_it_matches_on_sqlite(text: str, data: Any) -> None:
    import re

    pattern = data.draw(
        st.sampled_from(
            ["[a-z]*", "*[^a-z0-9-]*", "a?b*", "[A-Za-z0-9]*", "*.*", "a^b", "[a]?[^b]"]
        )
    )
    lite = driver().connect(":memory:")
    found = lite.execute("SELECT ? GLOB ?", (text, pattern)).fetchone()[0]
    lite.close()
    # Python's . and $ see line ends, PostgreSQL's do not.
    here = re.fullmatch(regular_expression(pattern)[1:-1], text, re.DOTALL)
    assert bool(found) == (here is not None)


@pytest.mark.parametrize(
    "condition",
    [
        "typeof(name) = 'text'",
        "name GLOB name",
        "name REGEXP 'x'",
        "json_extract(name, '$.a') = 1",
        "name == 'x'",
        "name LIKE 'x'",
        "CAST(name AS BLOB) = x'00'",
        "name COLLATE NOCASE = 'x'",
        "name || 'x' = 'y'",
    ],
)
def test_what_has_no_rule_is_refused(condition: str) -> None:
    other = new_metadata()
    strict_table(other, "things", required("name"), check("odd", condition))
    with pytest.raises(UntranslatableError, match="no rule"):
        create_statements(other)


def test_the_whole_schema_is_translated() -> None:
    text = "\n".join(create_statements(metadata))
    assert text.count("CREATE TABLE") == len(metadata.tables)
    assert not any(word in text for word in (" GLOB ", "json_valid", "json_type", "BLOB", "STRICT"))
    assert "INTEGER" not in text
    for name, constraint, _, _ in CHECKS:
        assert f"CONSTRAINT {constraint} CHECK" in text, (name, constraint)


@pytest.mark.guarantee("signaldock-14", "A database on a server has the same 19 and 36 words.")
def test_the_seeds_are_the_same_on_both(both: Any) -> None:
    lite, server = both
    for sql in (
        "SELECT id, slug, name, description, category FROM capabilities ORDER BY id",
        "SELECT id, slug, name, description, category FROM skills ORDER BY id",
        "SELECT key, value FROM signaldock_meta ORDER BY key",
    ):
        assert lite.read(sql) == server.read(sql)
    assert server.scalar("SELECT count(*) FROM capabilities") == 19
    assert server.scalar("SELECT count(*) FROM skills") == 36
