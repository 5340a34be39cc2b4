"""Bundles of the stores that CLEO comes with: keys, vectors, older schemas, telemetry."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import open_app
from cleo_core.bundle import container, exporting
from cleo_core.errors import CleoError
from cleo_core.migrate import from_empty

for _package in ("tasks", "brain", "conduit", "signaldock", "telemetry"):
    pytest.importorskip(f"cleo_{_package}")

Cli = Callable[..., Any]
KEY = "sk_live_0123456789abcdef"
SECRET = {"CLEO_BACKUP_PASSPHRASE": "correct horse battery"}


@pytest.fixture(autouse=True)
def home(cleo_project: Path, cleo_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, with an agent whose key is encrypted, and a task."""
    # As quick as an import accepts it.
    monkeypatch.setattr(container, "_LOG_N", 14)
    with open_app() as app:
        app.service("agents").register("ann", api_key=KEY)
        app.service("tasks").add(title="carried over")
        return Path(app.stores.directory(app.stores.spec("signaldock")))


@pytest.fixture
def another(cleo_home: Path, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    """Moves to a project on another machine."""

    def move() -> Path:
        (cleo_home / "away").mkdir()
        (cleo_home / "new").mkdir()
        monkeypatch.setenv("CLEO_HOME", str(cleo_home / "away"))
        monkeypatch.chdir(cleo_home / "new")
        assert cleo_cli("init", "second").code == 0
        return cleo_home / "away"

    return move


def export(cleo_cli: Cli, cleo_home: Path, *options: str) -> Path:
    path = cleo_home / "it.cleobundle"
    made = cleo_cli("backup", "export", str(path), *options, env=SECRET)
    assert made.code == 0, repr(made)
    return path


def imported(cleo_cli: Cli, path: Path, *options: str) -> dict[str, Any]:
    done: dict[str, Any] = cleo_cli("backup", "import", str(path), *options, env=SECRET).data
    return done


def plain(path: Path) -> dict[str, bytes]:
    """The members of an encrypted or plain bundle."""
    raw = path.read_bytes()
    if raw.startswith(container.MAGIC):
        file = io.BytesIO(raw)
        header = container.read_header(file)
        key = container.derive(header, SECRET["CLEO_BACKUP_PASSPHRASE"])
        raw = container.Unsealer(file, header, key).read()
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        return {one.name: tar.extractfile(one).read() for one in tar}  # type: ignore[union-attr]


def credential() -> str | None:
    with open_app() as app:
        found: str | None = app.service("agents").credential("ann").key
        return found


@pytest.mark.guarantee(
    "operations-26",
    "A machine's key is in no bundle and its salt in encrypted ones only; telemetry in none.",
)
def test_the_machines_key_and_telemetry_are_in_no_bundle_and_the_salt_only_in_encrypted_ones(
    cleo_cli: Cli, cleo_home: Path, home: Path
) -> None:
    assert cleo_cli("telemetry", "enable").code == 0
    assert (home / "telemetry.db").exists()
    machine_key, salt = (home / "machine-key").read_bytes(), (home / "global-salt").read_bytes()
    open_text = plain(export(cleo_cli, cleo_home, "--scope", "all"))
    (cleo_home / "it.cleobundle").unlink()
    sealed = plain(export(cleo_cli, cleo_home, "--scope", "all", "--encrypt"))
    assert set(sealed) - set(open_text) == {"global/global-salt"}
    for members in (open_text, sealed):
        assert not [name for name in members if "telemetry" in name or "machine" in name]
        assert {"global/signaldock.db", "project/tasks.db"} < set(members)
        assert not [name for name, data in members.items() if machine_key in data]
    assert not [name for name, data in open_text.items() if salt in data]
    raw = (cleo_home / "it.cleobundle").read_bytes()
    assert salt not in raw
    assert b"carried over" not in raw


@pytest.mark.guarantee(
    "operations-26", "On another machine an import says that one has to sign in again."
)
def test_on_another_machine_credentials_ask_for_a_new_sign_in(
    cleo_cli: Cli, cleo_home: Path, another: Callable[[], Path]
) -> None:
    bundle = export(cleo_cli, cleo_home, "--scope", "all", "--encrypt")
    there = another()
    with open_app() as app:
        app.service("agents").register("bob", api_key=KEY)
    own = (there / "machine-key").read_bytes(), (there / "global-salt").read_bytes()
    shown = cleo_cli("backup", "inspect", str(bundle), env=SECRET).data
    assert shown["machine"] == "another"
    done = imported(cleo_cli, bundle, "--force")
    assert done["reauthRequired"] is True
    assert ("global-salt", "file") in {(one["name"], one["kind"]) for one in done["leftOut"]}
    assert own == ((there / "machine-key").read_bytes(), (there / "global-salt").read_bytes())
    with pytest.raises(CleoError) as caught:
        credential()
    assert caught.value.exit == 92


@pytest.mark.guarantee(
    "operations-26", "On the same machine a lost salt comes back with an encrypted bundle."
)
def test_on_the_same_machine_credentials_read_again_after_the_salt_was_lost(
    cleo_cli: Cli, cleo_home: Path, home: Path
) -> None:
    bundle = export(cleo_cli, cleo_home, "--scope", "global", "--encrypt")
    salt = (home / "global-salt").read_bytes()
    (home / "global-salt").unlink()
    done = imported(cleo_cli, bundle, "--force")
    assert done["reauthRequired"] is False
    assert (home / "global-salt").read_bytes() == salt
    assert (home / "global-salt").stat().st_mode & 0o777 == 0o600
    assert credential() == KEY


def test_a_salt_that_is_here_is_never_replaced(cleo_cli: Cli, cleo_home: Path, home: Path) -> None:
    bundle = export(cleo_cli, cleo_home, "--scope", "global", "--encrypt")
    (home / "global-salt").write_bytes(bytes(32))
    done = imported(cleo_cli, bundle, "--force")
    assert (home / "global-salt").read_bytes() == bytes(32)
    assert done["reauthRequired"] is True, "nothing that came can be read with it"


def test_a_plain_bundle_without_the_salt_here_asks_for_a_new_sign_in(
    cleo_cli: Cli, cleo_home: Path, home: Path
) -> None:
    bundle = export(cleo_cli, cleo_home, "--scope", "global")
    assert imported(cleo_cli, bundle, "--force")["reauthRequired"] is False
    (home / "global-salt").unlink()
    assert imported(cleo_cli, bundle, "--force")["reauthRequired"] is True
    assert not (home / "global-salt").exists()


@pytest.mark.guarantee("operations-25", "A bundle that holds a secret in plain text is refused.")
def test_a_plain_bundle_with_the_salt_is_refused(
    cleo_cli: Cli, cleo_home: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_left_out", lambda item, encrypted: "")
    bundle = export(cleo_cli, cleo_home, "--scope", "global")
    (home / "global-salt").unlink()
    for verb in ("inspect", "import"):
        error = cleo_cli("backup", verb, str(bundle)).error
        assert (error["code"], error["exit"]) == ("E_BUNDLE_INVALID", 67)
    assert not (home / "global-salt").exists()


def test_memory_with_vectors_travels(
    cleo_cli: Cli, cleo_home: Path, another: Callable[[], Path]
) -> None:
    assert cleo_cli("observe", "the harbour freezes in February").code == 0
    found = cleo_cli("memory", "find", "when does the port ice over")
    assert found.code == 0
    bundle = export(cleo_cli, cleo_home)
    another()
    assert imported(cleo_cli, bundle)["reauthRequired"] is False
    assert "harbour" in cleo_cli("memory", "find", "harbour").out
    assert [row["title"] for row in cleo_cli("list").data] == ["carried over"]


def test_a_store_of_an_older_revision_is_held_against_that_revision_and_migrated(
    cleo_cli: Cli, cleo_home: Path, another: Callable[[], Path]
) -> None:
    import sqlite3

    for smuggled in (False, True):
        with open_app() as app:
            spec = app.stores.spec("conduit")
            path = Path(app.stores.path(spec))
            parameters = app.stores.parameters()
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        from_empty(spec, str(path), parameters, revision="conduit_0001")
        if smuggled:
            connection = sqlite3.connect(path)
            connection.execute(
                "CREATE TRIGGER t AFTER INSERT ON messages BEGIN SELECT load_extension('x'); END"
            )
            connection.close()
        bundle = export(cleo_cli, cleo_home)
        shutil.move(bundle, cleo_home / f"{smuggled}.cleobundle")
    another()
    refused = cleo_cli("backup", "import", str(cleo_home / "True.cleobundle")).error
    assert (refused["code"], refused["exit"]) == ("E_BUNDLE_INVALID", 67)
    shown = cleo_cli("backup", "inspect", str(cleo_home / "False.cleobundle")).data
    reasons = {one["name"]: one["reason"] for one in shown["verdicts"]}
    assert reasons["conduit"] == f"it is migrated from conduit_0001 to {spec.head}"
    done = imported(cleo_cli, cleo_home / "False.cleobundle")
    revisions = {one["name"]: one.get("revision") for one in done["imported"]}
    assert revisions["conduit"] == spec.head


def test_what_is_printed_for_people_names_what_matters(
    cleo_cli: Cli, cleo_home: Path, another: Callable[[], Path]
) -> None:
    path = cleo_home / "it.cleobundle"
    words = ("--scope", "all", "--human")
    made = cleo_cli("backup", "export", str(path), *words, env=SECRET).out
    assert "global-salt: it is a secret" in made
    assert "never leaves the machine" not in made
    assert os.path.basename(path) in made
    another()
    assert "another one" in cleo_cli("backup", "inspect", str(path), "--human").out
    tried = cleo_cli("backup", "import", str(path), "--dry-run", "--human", "--force").out
    assert "would be imported" in tried
    done = cleo_cli("backup", "import", str(path), "--human", "--force").out
    assert "sign in again" in done
    assert "What was replaced is in" in done
