"""Restoring a copy of conduit that an older release made."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

from cleo_core.testing import Outcome

GOLDEN = Path(__file__).parent / "golden" / "conduit_0001.db"
STORE = Path(".cleo/conduit.db")


def messages(path: Path) -> list[tuple[str, str]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("SELECT id, content FROM messages ORDER BY id").fetchall()
    finally:
        connection.close()


def test_it_is_migrated_and_keeps_its_rows(
    cleo_project: Path, cleo_cli: Callable[..., Outcome]
) -> None:
    STORE.unlink()
    shutil.copyfile(GOLDEN, STORE)
    then = messages(STORE)
    assert then
    (made,) = cleo_cli("backup", "create").data["sets"]
    [item] = [one for one in made["items"] if one["name"] == "conduit"]
    assert item["revision"] == "conduit_0001"
    assert cleo_cli("migrate").code == 0
    head = cleo_cli("stores", "conduit").data["head"]
    done = cleo_cli("restore", made["name"], "--store", "conduit", "--yes").data
    assert [one["revision"] for one in done["restored"]] == [head]
    assert done["plan"][0]["revision"] == "conduit_0001"
    assert messages(STORE) == then
    found = cleo_cli("stores", "conduit").data
    assert (found["state"], found["revision"]) == ("head", head)
    assert not Path(".cleo/locks/restore.json").exists()
    kept = Path(done["safetySet"], "conduit.db")
    assert messages(kept) == then
    assert cleo_cli("backup", "verify", "--all").code == 0
    assert cleo_cli("doctor", "--only", "store.schema", "--only", "store.state").code == 0
