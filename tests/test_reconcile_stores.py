"""Reconcile over every reference that the stores of this repository declare."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import open_app
from cleo_core.golden import PARAMETERS

for _package in ("tasks", "brain", "conduit", "nexus", "signaldock"):
    pytest.importorskip(f"cleo_{_package}")

Cli = Callable[..., Any]
PLUGINS = Path(__file__).parents[1] / "plugins"


@pytest.fixture
def files(cleo_project: Path, cleo_home: Path) -> dict[str, Path]:
    """A project whose stores hold rows that name much which is nowhere; store -> file."""
    found = {}
    with open_app() as app:
        for spec in app.plugins.stores.values():
            golden = PLUGINS / f"cleo-{spec.name}" / "tests" / "golden" / f"{spec.head}.db"
            if spec.name != "telemetry" and golden.exists():
                found[spec.name] = Path(app.stores.path(spec))
                found[spec.name].parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(golden, found[spec.name])
                found[spec.name].chmod(0o600)
                _as_left_by_cleo(found[spec.name])
    marker = cleo_project / ".cleo" / "project-info.json"
    marker.write_text(
        json.dumps({**json.loads(marker.read_text()), "projectId": PARAMETERS["project_id"]})
    )
    assert set(found) == {"tasks", "brain", "conduit", "nexus", "signaldock"}
    return found


def _as_left_by_cleo(path: Path) -> None:
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA journal_mode = WAL").fetchone() == ("wal",)
    connection.close()


def dump(path: Path) -> list[str]:
    """Every row of a database, without its indexes of words."""
    connection = sqlite3.connect(f"file:{path}?mode=rw", uri=True)
    try:
        names = [
            name
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL%'"
            )
            if "fts" not in name and "audit" not in name
        ]
        return [
            f"{name} {row}"
            for name in sorted(names)
            for row in connection.execute(f"SELECT * FROM {name} ORDER BY 1")
        ]
    finally:
        connection.close()


def of(answer: Any) -> list[dict[str, Any]]:
    assert answer.data is not None, repr(answer)
    return [*answer.data["references"], *answer.data["repairs"]]


def test_a_dry_run_over_every_store_changes_no_byte(
    files: dict[str, Path], cleo_home: Path, cleo_cli: Cli, frozen_bytes: Any
) -> None:
    with frozen_bytes(cleo_home):
        found = of(cleo_cli("reconcile"))
    with open_app() as app:
        assert {one["reference"] for one in found} >= set(app.plugins.references)
    wrong = {one["reference"].partition(".")[0] for one in found if one["missing"]}
    assert len(wrong) >= 2


def test_what_was_applied_once_is_not_applied_again(files: dict[str, Path], cleo_cli: Cli) -> None:
    first = of(cleo_cli("reconcile", "--apply"))
    assert sum(one["repaired"] for one in first) > 0
    after = {store: dump(path) for store, path in files.items()}
    second = of(cleo_cli("reconcile", "--apply"))
    assert sum(one["repaired"] + one["planned"] for one in second) == 0
    assert {store: dump(path) for store, path in files.items()} == after


@pytest.mark.parametrize("gone", ["tasks", "signaldock", "brain"])
def test_what_nobody_can_answer_is_not_missing(
    files: dict[str, Path], cleo_cli: Cli, gone: str
) -> None:
    with open_app() as app:
        kinds = set(app.plugins.stores[gone].kinds)
        theirs = {
            name
            for name, one in app.plugins.references.items()
            if one.target_kind in kinds and not one.source.startswith(f"{gone}.")
        }
    before = {store: dump(path) for store, path in files.items()}
    found = of(cleo_cli("reconcile", "--apply", env={"CLEO_DISABLE_PLUGINS": gone}))
    looked = [one for one in found if one["reference"] in theirs and one["scanned"]]
    assert looked
    for one in looked:
        assert (one["missing"], one["planned"], one["repaired"]) == (0, 0, 0), one
        assert one["unknown"] == one["scanned"], one
    assert dump(files[gone]) == before[gone]
