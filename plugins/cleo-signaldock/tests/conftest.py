"""The identity store on both databases: a test of its services runs once on each.

A test that uses ``cleo_app`` or ``cleo_open`` is a test of services. ``@pytest.mark.one_database``
with a reason keeps one to SQLite.
"""

from __future__ import annotations

import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cleo_signaldock.api import DATABASE_VARIABLE

BACKENDS = ("sqlite", "postgresql")
_HERE = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    """Register the marks."""
    config.addinivalue_line("markers", "one_database(reason): this test is about SQLite alone")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what uses services once on each database."""
    if not Path(str(metafunc.module.__file__)).is_relative_to(_HERE):
        return
    names = set(metafunc.fixturenames)
    if not names & {"cleo_app", "cleo_open"} or "backend" not in names:
        return
    if metafunc.definition.get_closest_marker("one_database") is None:
        metafunc.parametrize("backend", BACKENDS, indirect=True)


@pytest.fixture(scope="session")
def postgres_server(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Any]:
    """A server, by ``CLEO_TEST_POSTGRES_URL`` or started for this run; skips where none can be."""
    base = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):
        base = base.parent
    try:
        server = runpy.run_path(str(_HERE / "postgres_server.py"))["start"](str(base))
    except Exception as error:
        # Whatever keeps a server from starting, everything else can still be tested.
        pytest.skip(f"no PostgreSQL server: {type(error).__name__}: {str(error)[:200]}")
    yield server
    server.stop()


@pytest.fixture
def postgres_url(postgres_server: Any) -> str:
    """The address of a database that holds the store at its head, and nobody else's rows."""
    return str(postgres_server.shared())


@pytest.fixture
def empty_postgres(postgres_server: Any) -> Iterator[Callable[[], str]]:
    """Makes databases that hold nothing; gives their addresses."""
    made: list[str] = []

    def make() -> str:
        made.append(postgres_server.empty())
        return made[-1]

    yield make
    for url in made:
        postgres_server.drop(url)


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> str:
    """Which database ``cleo_home`` puts the store on: ``sqlite`` unless parametrised."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def cleo_home(
    cleo_home: Path, backend: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A private home whose identity store is on the database of :func:`backend`."""
    if backend == "postgresql":
        monkeypatch.setenv(DATABASE_VARIABLE, request.getfixturevalue("postgres_url"))
    return cleo_home


@pytest.fixture
def both(postgres_url: str) -> Iterator[list[Any]]:
    """The store at its head, on SQLite in memory and on PostgreSQL."""
    from cleo_core.database import in_memory
    from cleo_signaldock.api import STORE
    from cleo_signaldock.postgres.database import PostgresDatabase
    from cleo_signaldock.snapshot import STATEMENTS

    lite = in_memory(STORE.name, STATEMENTS, {"now": "2026-03-25T14:30:15.000Z"})
    made = [lite, PostgresDatabase(postgres_url, STORE.name)]
    yield made
    for database in made:
        database.close()
