"""One SQL text for two databases: what it may say, and that both understand it."""

from __future__ import annotations

import importlib
import re
from typing import Any

import pytest

import cleo_signaldock
from cleo_core.testing.statements import StoreStatements, modules_of, statements
from cleo_signaldock.api import STORE
from cleo_signaldock.postgres.twins import TWINS

#: What shared text may not say, and why.
FORBIDDEN = {
    "INSERT OR": r"\b(INSERT|UPDATE) OR \w+",
    "REPLACE INTO": r"^\s*REPLACE\b",
    "a date function": r"\b(datetime|date|time|julianday|unixepoch|strftime|now|age)\s*\(",
    "CURRENT_TIMESTAMP": r"\bCURRENT_(TIMESTAMP|DATE|TIME)\b",
    "a JSON function": r"\bjsonb?_\w+\s*\(|->",
    "a JSON cast": r"(?i)\bAS\s+jsonb?\b",
    "a cast with colons": r"::",
    "GLOB": r"\bGLOB\b",
    "ILIKE": r"\bILIKE\b",
    "IS between values": r"\bIS\s+(?!NOT\s+NULL\b|NULL\b)",
    "a boolean word": r"\b(TRUE|FALSE)\b",
    "rowid": r"\b(rowid|oid|ctid|last_insert_rowid)\b",
    "PRAGMA": r"\bPRAGMA\b",
    "a lock": r"\bFOR\s+(UPDATE|SHARE|NO\s+KEY)\b",
    "group_concat": r"\b(group_concat|string_agg|ifnull|iif|total)\s*\(",
    "a double-quoted text": r"= \"",
}
STORES = modules_of(importlib.import_module("cleo_signaldock.store"))
_TWIN_RULES = {
    "claim": r"FOR UPDATE SKIP LOCKED",
    "lock": r"FOR UPDATE(?! SKIP)",
    "search": r"to_tsvector|to_tsquery|plainto_tsquery|websearch_to_tsquery",
    "notify": r"\b(LISTEN|NOTIFY|UNLISTEN|pg_notify)\b",
    "ddl": r"^(CREATE|ALTER)\b",
}


class TestStatements(StoreStatements):
    package = cleo_signaldock
    spec = STORE
    rooms = ("store", "schema", "migrations", "snapshot.py", "postgres")


def shared() -> list[tuple[str, str]]:
    return [
        (f"{name}.{where}", text)
        for name in STORES
        for where, text in statements(importlib.import_module(name))
    ]


def faults(text: str) -> list[str]:
    """What a statement says that shared text may not."""
    bare = re.sub(r"'(?:[^']|'')*'", "''", text)
    found = [what for what, rule in FORBIDDEN.items() if re.search(rule, bare, re.IGNORECASE)]
    inner = bare
    while inner:
        # From the innermost brackets outwards, each query by itself.
        block = re.search(r"\([^()]*\)", inner)
        query = block[0] if block else inner
        if re.search(r"(?i)\bLIMIT\b", query) and not re.search(r"(?i)\bORDER BY\b", query):
            found.append("LIMIT without ORDER BY")
        inner = inner.replace(block[0], "", 1) if block else ""
    return found


@pytest.mark.guarantee("signaldock-15", "Shared SQL says nothing that only one database knows.")
def test_shared_text_says_nothing_that_is_of_one_database_only() -> None:
    found = {where: faults(text) for where, text in shared() if faults(text)}
    assert not found


@pytest.mark.parametrize(
    "text",
    [
        "INSERT OR IGNORE INTO a VALUES (1)",
        "SELECT a FROM b WHERE c IS :c",
        "SELECT a FROM b WHERE c IS NOT :c",
        "SELECT a FROM b LIMIT 1",
        "SELECT a FROM b WHERE c IN (SELECT c FROM d LIMIT 1) ORDER BY a",
        "SELECT json_extract(a, '$.b') FROM c",
        "SELECT a::text FROM b",
        "SELECT a FROM b WHERE c = TRUE",
        "SELECT a FROM b WHERE c GLOB 'x*'",
        "SELECT datetime(a) FROM b",
        "SELECT a FROM b ORDER BY a FOR UPDATE",
    ],
)
def test_what_is_of_one_database_only_is_found(text: str) -> None:
    assert faults(text)


@pytest.mark.guarantee("signaldock-15", "Both databases understand every shared statement.")
def test_every_shared_statement_prepares_on_postgresql(postgres_url: str) -> None:
    import psycopg

    refused = {}
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for where, text in shared():
            numbered = _numbered(text)
            try:
                connection.execute(f"PREPARE tried AS {numbered}".encode())
                connection.execute("DEALLOCATE tried")
            except psycopg.Error as error:
                refused[where] = f"{error.sqlstate} {error}"
    assert not refused
    assert len(shared()) > 20


def _numbered(text: str) -> str:
    """A statement with ``$1`` in the place of names, which alone the server knows."""
    names: list[str] = re.findall(r"(?<!:):([a-z_]\w*)", text)
    order = list(dict.fromkeys(names))
    return re.sub(r"(?<!:):([a-z_]\w*)", lambda one: f"${order.index(one[1]) + 1}", text)


@pytest.mark.guarantee(
    "signaldock-15", "Only claiming, locks, search, notices and DDL are said in two ways."
)
def test_twins_are_only_those_that_are_allowed(both: Any) -> None:
    _, server = both
    for name, twin in TWINS.items():
        assert re.search(_TWIN_RULES[twin.reason], twin.postgres), name
        assert not twin.shared or not faults(twin.shared), name
    assert set(_TWIN_RULES) == {"claim", "lock", "search", "notify", "ddl"}
    assert server.scalar("SELECT 1") == 1
