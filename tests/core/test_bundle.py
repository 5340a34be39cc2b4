"""Bundles: what one home exports another imports, and nothing else gets in."""

from __future__ import annotations

import io
import json
import os
import shutil
import sqlite3
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from cleo_core.app import open_app
from cleo_core.backup_sets import manifest_hash
from cleo_core.bundle import container
from cleo_core.bundle.exporting import export_bundle
from cleo_core.bundle.importing import import_bundle
from cleo_core.bundle.inspecting import inspect_bundle
from cleo_core.bundle.members import packing
from cleo_core.database import connect_for_copy
from cleo_core.errors import CleoError
from cleo_core.hashing import path_sha256
from cleo_core.restore import live
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]

FOLDER = Path(".cleo")
PASSPHRASE = "correct horse battery"
SECRET = {"CLEO_BACKUP_PASSPHRASE": PASSPHRASE}
MORE = """
from dataclasses import replace

SPEC = replace(SPEC, derived=("shelves_index",))
"""
TRIGGER = """
CREATE TRIGGER boxes_checked BEFORE UPDATE ON boxes WHEN NEW.label = 'no'
BEGIN SELECT RAISE(ABORT, 'not that'); END
"""

#: What the statement of a row in the schema says counts, and not what the row calls itself.
EVIL = "CREATE TRIGGER evil AFTER INSERT ON {store} BEGIN SELECT load_extension(1); END"


@pytest.fixture(autouse=True)
def project(
    site: Any, made_once: Any, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """A project with a row in each of two small stores, and the bundle ``../it.cleobundle``."""
    site.store("shelves", kind="shelf", more=MORE)
    site.store("boxes", kind="box", after=("shelves",), reference='"shelf", "keep", "null"')
    site.store("maps", kind="map", tier="global")
    snapshot = site.root / site.package["boxes"] / "snapshot.py"
    snapshot.write_text(f"{snapshot.read_text()}\nSTATEMENTS += ({TRIGGER!r},)\n")
    monkeypatch.setenv("CLEO_PLUGINS", "shelves,boxes,maps")
    monkeypatch.setenv("CLEO_BUSY_TIMEOUT_MS", "300")
    # As quick as an import accepts it.
    monkeypatch.setattr(container, "_LOG_N", 14)
    monkeypatch.setattr(live, "AT_REST", 0.0)

    def make() -> dict[str, str]:
        said: dict[str, str] = cleo_cli("init", "first").data
        add(cleo_cli, "one")
        return said

    made: dict[str, str] = made_once(make)
    return made


def add(cleo_cli: Cli, id: str) -> None:
    for store in ("shelves", "boxes", "maps"):
        assert cleo_cli(store, "add", id).code == 0


def rows(cleo_cli: Cli, store: str) -> list[str]:
    return [row["id"] for row in cleo_cli(store, "list").data]


def everything(cleo_cli: Cli) -> list[list[str]]:
    return [rows(cleo_cli, store) for store in ("shelves", "boxes", "maps")]


def export(cleo_cli: Cli, *options: str, **more: Any) -> Path:
    path = Path("..", "it.cleobundle").resolve()
    path.unlink(missing_ok=True)
    assert cleo_cli("backup", "export", str(path), *options, **more).code == 0
    return path


@pytest.fixture
def elsewhere(
    cleo_home: Path, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], dict[str, str]]:
    """Moves to a new project in another home."""

    def move() -> dict[str, str]:
        (cleo_home / "away").mkdir()
        (cleo_home / "new").mkdir()
        monkeypatch.setenv("CLEO_HOME", str(cleo_home / "away"))
        monkeypatch.chdir(cleo_home / "new")
        made: dict[str, str] = cleo_cli("init", "second").data
        return made

    return move


def content(path: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Manifest and members of a plain bundle."""
    with tarfile.open(path) as tar:
        files = {one.name: tar.extractfile(one).read() for one in tar}  # type: ignore[union-attr]
    return json.loads(files.pop("manifest.json")), files


def forge(
    path: Path, change: Callable[[dict[str, Any], dict[str, bytes]], None], *, resign: bool = True
) -> Path:
    """A bundle made of another by somebody who knows how: sizes and hashes are right."""
    import hashlib

    manifest, files = content(path)
    change(manifest, files)
    for item in manifest["items"]:
        if item["file"] in files and resign:
            item["bytes"] = len(files[item["file"]])
            item["sha256"] = hashlib.sha256(files[item["file"]]).hexdigest()
    if resign:
        manifest["manifestSha256"] = manifest_hash(manifest)
    text = json.dumps(manifest).encode()
    forged = path.with_name("forged.cleobundle")
    with open(forged, "wb") as file, packing(file) as packer:
        for name, data in {"manifest.json": text, **files}.items():
            packer.add(name, len(data), io.BytesIO(data))
    return forged


def inside(*statements: str, member: str = "project/boxes.db") -> Any:
    """Change a database of a bundle."""

    def change(manifest: dict[str, Any], files: dict[str, bytes]) -> None:
        path = Path("..", "changed.db")
        path.write_bytes(files[member])
        connection = sqlite3.connect(path, isolation_level=None)
        for statement in statements:
            connection.execute(statement)
        connection.close()
        files[member] = path.read_bytes()
        path.unlink()

    return change


@pytest.mark.guarantee(
    "operations-26", "What one home exports another imports, and the project keeps its id."
)
@pytest.mark.parametrize("options", [(), ("--encrypt",)], ids=["plain", "encrypted"])
def test_a_project_moves_to_another_home_with_its_id(
    options: tuple[str, ...], cleo_cli: Cli, elsewhere: Any, project: dict[str, str]
) -> None:
    bundle = export(cleo_cli, *options, env=SECRET)
    there = elsewhere()
    assert there["projectId"] != project["projectId"]
    shown = cleo_cli("backup", "inspect", str(bundle), env=SECRET).data
    assert shown["encrypted"] is bool(options)
    assert {one["verdict"] for one in shown["verdicts"]} == {"imported", "put beside"}
    done = cleo_cli("backup", "import", str(bundle), env=SECRET).data
    assert [one["name"] for one in done["imported"]] == ["shelves", "boxes", "project-info.json"]
    assert everything(cleo_cli) == [["one"], ["one"], []]
    assert cleo_cli("init").data["projectId"] == project["projectId"]
    assert done["project"] == {"id": project["projectId"], "name": "first"}
    assert (done["reauthRequired"], done["differingKeys"]) == (False, [])
    last = Path(FOLDER, "audit", "overrides.jsonl").read_text().splitlines()[-1]
    assert json.loads(last)["event"] == "import"
    assert json.loads(last)["source"] == str(bundle)
    assert "E_" not in cleo_cli("doctor").out


@pytest.mark.guarantee("operations-26", "A project's bundle leaves the stores of all projects be.")
def test_a_projects_bundle_does_not_touch_global_stores(cleo_cli: Cli, elsewhere: Any) -> None:
    bundle = export(cleo_cli)
    elsewhere()
    assert cleo_cli("maps", "add", "mine").code == 0
    before = path_sha256(str(Path(os.environ["CLEO_HOME"], "maps.db")))
    assert cleo_cli("backup", "import", str(bundle)).code == 0
    assert everything(cleo_cli) == [["one"], ["one"], ["mine"]]
    assert path_sha256(str(Path(os.environ["CLEO_HOME"], "maps.db"))) == before


def test_global_stores_move_without_a_project(
    cleo_cli: Cli, elsewhere: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = export(cleo_cli, "--scope", "global")
    elsewhere()
    monkeypatch.chdir("..")
    done = cleo_cli("backup", "import", str(bundle)).data
    assert [one["name"] for one in done["imported"]] == ["maps"]
    assert done["project"] is None


def test_both_tiers_move_in_one_bundle(cleo_cli: Cli, elsewhere: Any) -> None:
    bundle = export(cleo_cli, "--scope", "all")
    elsewhere()
    done = cleo_cli("backup", "import", str(bundle)).data
    assert [one["tier"] for one in done["imported"]] == ["global"] + 3 * ["project"]
    assert set(done["safetySets"]) == {"global", "project"}
    assert everything(cleo_cli) == 3 * [["one"]]


def test_a_tier_without_stores_keeps_nobody_from_importing_the_other(
    cleo_cli: Cli, elsewhere: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLEO_PLUGINS", "shelves,boxes")
    cleo_cli("config", "set", "backup.keep_last", "7", "--global")
    bundle = export(cleo_cli, "--scope", "all")
    elsewhere()
    made = cleo_cli("backup", "import", str(bundle), "--force")
    assert made.code == 0, made.err
    assert rows(cleo_cli, "shelves") == ["one"]
    assert [Path(path).name for path in made.data["settings"]] == ["config.json.imported"]


def test_a_bundle_of_nothing_that_is_of_use_here_is_refused_by_its_name(
    cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = export(cleo_cli, "--scope", "global")
    monkeypatch.setenv("CLEO_PLUGINS", "shelves,boxes")
    refused = cleo_cli("backup", "import", str(bundle))
    assert refused.error["code"] == "E_RESTORE_REFUSED"
    assert str(bundle) in refused.error["message"]
    assert refused.error["details"]["left"][0]["name"] == "maps"


def test_a_refusal_of_the_second_tier_says_that_the_first_one_is_imported(
    cleo_cli: Cli, elsewhere: Any
) -> None:
    bundle = export(cleo_cli, "--scope", "all")
    elsewhere()
    add(cleo_cli, "mine")
    holder = connect_for_copy(f"{FOLDER}/boxes.db")
    holder.execute("PRAGMA journal_mode = WAL").fetchone()
    holder.execute("SELECT count(*) FROM boxes").fetchall()
    error = cleo_cli("backup", "import", str(bundle), "--force").error
    holder.close()
    assert error["exit"] == 66
    assert error["message"].startswith("The global part is imported already (maps")
    assert "-before-import" in error["message"]
    assert [one["name"] for one in error["details"]["imported"]] == ["maps"]
    assert everything(cleo_cli) == [["mine"], ["mine"], ["one"]]


@pytest.mark.guarantee(
    "operations-26", "Data that is here is replaced only with --force, and kept in a backup set."
)
def test_existing_data_is_replaced_with_force_alone_and_kept(cleo_cli: Cli, elsewhere: Any) -> None:
    bundle = export(cleo_cli)
    elsewhere()
    add(cleo_cli, "mine")
    refused = cleo_cli("backup", "import", str(bundle)).error
    assert (refused["code"], refused["exit"]) == ("E_DATA_EXISTS", 68)
    assert refused["fix"] == f"cleo backup import {bundle} --force"
    assert everything(cleo_cli) == 3 * [["mine"]]
    done = cleo_cli("backup", "import", str(bundle), "--force").data
    assert everything(cleo_cli) == [["one"], ["one"], ["mine"]]
    kept = sqlite3.connect(Path(done["safetySet"], "boxes.db"))
    assert kept.execute("SELECT id FROM boxes").fetchall() == [("mine",)]
    kept.close()
    assert "-before-import" in done["safetySet"]
    assert cleo_cli("backup", "list").data[0]["note"] == "replaced by it.cleobundle"


def test_a_store_that_cannot_be_read_counts_as_data(cleo_cli: Cli, elsewhere: Any) -> None:
    bundle = export(cleo_cli)
    elsewhere()
    Path(FOLDER, "boxes.db").write_bytes(b"no database, and who knows of what worth")
    refused = cleo_cli("backup", "import", str(bundle)).error
    assert (refused["code"], refused["details"]["stores"]) == (
        "E_DATA_EXISTS",
        [{"store": "boxes", "rows": None}],
    )
    done = cleo_cli("backup", "import", str(bundle), "--force").data
    assert [one["name"] for one in done["quarantined"]] == ["boxes"]
    assert rows(cleo_cli, "boxes") == ["one"]


@pytest.mark.guarantee("operations-27", "Trying an import leaves every byte as it is.")
def test_a_dry_run_checks_everything_and_changes_no_byte(
    cleo_cli: Cli, elsewhere: Any, frozen_bytes: Any, cleo_home: Path
) -> None:
    bundle = export(cleo_cli, "--scope", "all", "--encrypt", env=SECRET)
    elsewhere()
    names = sorted(str(path) for path in cleo_home.rglob("*"))
    with frozen_bytes(cleo_home):
        tried = cleo_cli("backup", "import", str(bundle), "--dry-run", env=SECRET)
        assert tried.envelope["meta"]["dryRun"] is True
        assert [row["name"] for row in tried.data["plan"]] == [
            *("maps", "shelves", "boxes", "project-info.json"),
        ]
        assert tried.data["imported"] == []
        assert cleo_cli("backup", "inspect", str(bundle), env=SECRET).code == 0
    assert sorted(str(path) for path in cleo_home.rglob("*")) == names


def test_a_dry_run_in_an_empty_home_makes_no_directory(
    cleo_cli: Cli, cleo_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = export(cleo_cli, "--scope", "global")
    monkeypatch.setenv("CLEO_HOME", str(cleo_home / "none" / "yet"))
    monkeypatch.chdir(cleo_home)
    assert cleo_cli("backup", "import", str(bundle), "--dry-run").code == 0
    assert not (cleo_home / "none").exists()
    assert cleo_cli("backup", "import", str(bundle)).code == 0
    monkeypatch.chdir("work")
    assert rows(cleo_cli, "maps") == ["one"]


def test_settings_are_put_beside_those_that_are_here(cleo_cli: Cli, elsewhere: Any) -> None:
    assert cleo_cli("config", "set", "backup.keep_last", "3").code == 0
    assert cleo_cli("config", "set", "references.strict", "true").code == 0
    bundle = export(cleo_cli)
    elsewhere()
    assert cleo_cli("config", "set", "references.strict", "true").code == 0
    assert cleo_cli("config", "set", "logging.level", "info").code == 0
    mine = Path(FOLDER, "config.json").read_bytes()
    done = cleo_cli("backup", "import", str(bundle)).data
    assert done["differingKeys"] == ["backup.keep_last", "logging.level"]
    assert Path(FOLDER, "config.json").read_bytes() == mine
    imported = json.loads(Path(FOLDER, "config.json.imported").read_text())
    assert imported["backup"] == {"keep_last": 3}
    assert done["settings"] == [str(Path(FOLDER, "config.json.imported").absolute())]
    Path(FOLDER, "config.json.imported").unlink()

    done = cleo_cli("backup", "import", str(bundle), "--force", "--with-config").data
    assert cleo_cli("config", "get", "backup.keep_last").data["value"] == 3
    assert not Path(FOLDER, "config.json.imported").exists()
    assert Path(done["safetySet"], "config.json").read_bytes() == mine


def test_one_store_is_taken_alone(cleo_cli: Cli) -> None:
    bundle = export(cleo_cli)
    add(cleo_cli, "two")
    done = cleo_cli("backup", "import", str(bundle), "--store", "boxes", "--force").data
    assert [one["name"] for one in done["imported"]] == ["boxes"]
    assert everything(cleo_cli) == [["one", "two"], ["one"], ["one", "two"]]
    assert cleo_cli("backup", "import", str(bundle), "--store", "none").error["exit"] == 4


def test_one_global_store_of_a_bundle_of_everything_leaves_the_project_be(
    cleo_cli: Cli, elsewhere: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = export(cleo_cli, "--scope", "all")
    there = elsewhere()
    assert cleo_cli("backup", "import", str(bundle), "--store", "maps").code == 0
    assert cleo_cli("init").data["projectId"] == there["projectId"]
    assert everything(cleo_cli) == [[], [], ["one"]]
    monkeypatch.chdir("..")
    done = cleo_cli("backup", "import", str(bundle), "--store", "maps", "--force").data
    assert [one["name"] for one in done["imported"]] == ["maps"]
    assert cleo_cli("backup", "import", str(bundle), "--force").error["exit"] == 3


def test_one_store_of_another_project_does_not_make_two_projects_of_one(
    cleo_cli: Cli, elsewhere: Any, project: dict[str, str]
) -> None:
    bundle = export(cleo_cli)
    here = elsewhere()
    assert cleo_cli("shelves", "add", "mine").code == 0
    refused = cleo_cli("backup", "import", str(bundle), "--store", "boxes").error
    assert (refused["code"], refused["exit"]) == ("E_RESTORE_REFUSED", 63)
    assert cleo_cli("init").data["projectId"] == here["projectId"]
    taken = cleo_cli("backup", "import", str(bundle), "--store", "shelves", "--force")
    assert taken.code == 0
    # Nothing of this project is left, so it becomes the other one.
    assert cleo_cli("init").data["projectId"] == project["projectId"]


def test_what_no_installed_plugin_owns_is_left_out_and_named(
    cleo_cli: Cli, elsewhere: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite3.connect(Path(FOLDER, "old.db")).execute("CREATE TABLE t (x)").connection.close()
    bundle = export(cleo_cli)
    elsewhere()
    monkeypatch.setenv("CLEO_PLUGINS", "shelves,maps")
    done = cleo_cli("backup", "import", str(bundle))
    assert {one["name"] for one in done.data["leftOut"]} == {"boxes", "old.db"}
    assert sorted(one["code"] for one in done.warnings).count("W_BUNDLE_LEFT_OUT") == 2
    assert not Path(FOLDER, "old.db").exists()


def test_the_same_state_exported_twice_differs_in_its_time_alone(cleo_cli: Cli) -> None:
    _, first = content(export(cleo_cli))
    _, second = content(export(cleo_cli))
    assert first == second


def test_an_export_never_replaces_a_file_and_leaves_nothing_behind(
    cleo_cli: Cli, tmp_path: Path
) -> None:
    bundle = export(cleo_cli)
    before = bundle.read_bytes()
    again = cleo_cli("backup", "export", str(bundle)).error
    assert (again["exit"], "--force" in again["fix"]) == (2, False)
    assert bundle.read_bytes() == before
    assert bundle.stat().st_mode & 0o777 == 0o600
    for path in ("", ".", "-", str(FOLDER / "x"), "no/such/x", "a\0b"):
        assert cleo_cli("backup", "export", path).code in (2, 3)
    assert not [path for path in tmp_path.rglob("*") if ".bundle" in path.name]
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_store_that_cannot_be_copied_costs_the_others_nothing(
    cleo_cli: Cli, elsewhere: Any
) -> None:
    boxes = Path(FOLDER, "boxes.db")
    boxes.write_bytes(boxes.read_bytes()[:100])
    path = Path("..", "it.cleobundle").resolve()
    failed = cleo_cli("backup", "export", str(path)).error
    assert (failed["code"], failed["exit"]) == ("E_BACKUP_FAILED", 60)
    assert [one["name"] for one in failed["details"]["failed"]] == ["boxes"]
    elsewhere()
    done = cleo_cli("backup", "import", str(path))
    assert [one["name"] for one in done.data["imported"]] == ["shelves", "project-info.json"]
    assert "W_BUNDLE_INCOMPLETE" in [one["code"] for one in done.warnings]


def test_a_wrong_passphrase_and_a_changed_file_have_one_answer(cleo_cli: Cli) -> None:
    bundle = export(cleo_cli, "--encrypt", env=SECRET)
    raw = bundle.read_bytes()
    answers = set()
    for data, passphrase in (
        (raw, "another passphrase"),
        (raw, "short"),
        (raw[:-1], PASSPHRASE),
        (raw[:30], PASSPHRASE),
        (raw[:5], PASSPHRASE),
        (raw + b"x", PASSPHRASE),
        (raw[:60] + bytes((raw[60] ^ 1,)) + raw[61:], PASSPHRASE),
        (raw[:20] + bytes((raw[20] ^ 1,)) + raw[21:], PASSPHRASE),
    ):
        bundle.write_bytes(data)
        for verb in ("inspect", "import"):
            env = {"CLEO_BACKUP_PASSPHRASE": passphrase}
            error = cleo_cli("backup", verb, str(bundle), env=env).error
            answers.add((error["code"], error["exit"], error["message"]))
    assert [answer[:2] for answer in answers] == [("E_BUNDLE_DECRYPT", 65)]


def test_a_passphrase_comes_from_a_variable_or_a_file(cleo_cli: Cli, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{PASSPHRASE}\n")
    secret.chmod(0o644)
    by_file = {"CLEO_BACKUP_PASSPHRASE_FILE": str(secret)}
    bundle = export(cleo_cli, "--encrypt", env=by_file)
    assert cleo_cli("backup", "inspect", str(bundle), env=SECRET).code == 0
    open_to_all = cleo_cli("backup", "inspect", str(bundle), env=by_file)
    assert [one["code"] for one in open_to_all.warnings] == ["W_PASSPHRASE_FILE"]
    assert cleo_cli("backup", "inspect", str(bundle)).error["exit"] == 2
    assert cleo_cli("backup", "inspect", str(bundle), env={**by_file, **SECRET}).error["exit"] == 8
    for path in (str(tmp_path / "none"), str(tmp_path), "relative"):
        env = {"CLEO_BACKUP_PASSPHRASE_FILE": path}
        assert cleo_cli("backup", "inspect", str(bundle), env=env).error["exit"] == 8
    short = cleo_cli(
        "backup", "export", "../b", "--encrypt", env={"CLEO_BACKUP_PASSPHRASE": "eleven char"}
    )
    assert short.error["exit"] == 6
    assert "eleven char" not in short.out
    assert not Path("..", "b").exists()


@pytest.mark.parametrize("form", ["\ufeff{}\r\n", "{}\r\n", "{}\n\n", "{}"])
def test_what_an_editor_puts_around_a_passphrase_is_no_part_of_it(
    cleo_cli: Cli, tmp_path: Path, form: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(form.format(PASSPHRASE).encode())
    env = {"CLEO_BACKUP_PASSPHRASE_FILE": str(secret)}
    bundle = export(cleo_cli, "--encrypt", env=env)
    assert cleo_cli("backup", "inspect", str(bundle), env=SECRET).code == 0


@pytest.mark.parametrize("text", [f"{PASSPHRASE}\nnext", f"{PASSPHRASE}\0x", "\udcff" * 20])
def test_a_file_that_holds_more_than_a_passphrase_is_refused(
    cleo_cli: Cli, tmp_path: Path, text: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(text.encode("utf-8", "surrogateescape"))
    env = {"CLEO_BACKUP_PASSPHRASE_FILE": str(secret)}
    error = cleo_cli("backup", "export", "../b", "--encrypt", env=env).error
    assert (error["exit"], error["code"]) == (8, "E_CONFIG")
    assert PASSPHRASE not in str(error)
    assert not Path("..", "b").exists()


def test_a_passphrase_is_asked_for_twice_without_echo(
    cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    import click

    from cleo_core.cli import bundle as commands
    from cleo_core.cli.bundle import _passphrase

    answers = iter([PASSPHRASE, PASSPHRASE, PASSPHRASE, "another", "alone"])
    asked = []

    def prompt(text: str, **options: Any) -> str:
        asked.append(options["hide_input"] and options["err"])
        return next(answers)

    class App:
        env: ClassVar[dict[str, str]] = {}

    monkeypatch.setattr(click, "prompt", prompt)
    monkeypatch.setattr(commands.sys.stdin, "isatty", lambda: True, raising=False)
    app: Any = App()
    assert _passphrase(app, twice=True) == PASSPHRASE
    with pytest.raises(commands.UsageError):
        _passphrase(app, twice=True)
    assert _passphrase(app, twice=False) == "alone"
    assert asked == 5 * [True]


@pytest.mark.guarantee(
    "operations-25",
    "A database in a bundle that holds a trigger, view, table or index that CLEO did not make is "
    "refused, and nothing is written.",
)
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            inside("CREATE TRIGGER t AFTER INSERT ON boxes BEGIN DELETE FROM boxes; END"),
            id="trigger",
        ),
        pytest.param(inside("CREATE VIEW v AS SELECT 1"), id="view"),
        pytest.param(inside("CREATE TABLE more (x)"), id="table"),
        pytest.param(inside("CREATE INDEX i ON boxes (label)"), id="index"),
        pytest.param(inside("CREATE VIRTUAL TABLE v USING fts5(x)"), id="virtual table"),
        pytest.param(inside("DROP TRIGGER boxes_checked"), id="trigger missing"),
        pytest.param(inside("DROP TABLE idempotency_keys"), id="table missing"),
        pytest.param(
            inside(
                "DROP TRIGGER boxes_checked",
                TRIGGER.replace("RAISE(ABORT, 'not that')", "load_extension('x')"),
            ),
            id="trigger changed",
        ),
        pytest.param(
            inside(
                "DROP TRIGGER boxes_checked", TRIGGER.replace("ON boxes", "ON idempotency_keys")
            ),
            id="trigger moved",
        ),
        pytest.param(
            inside("ALTER TABLE boxes ADD COLUMN more TEXT DEFAULT 'x'"), id="column added"
        ),
        pytest.param(inside("ALTER TABLE boxes DROP COLUMN ref"), id="column missing"),
        pytest.param(
            inside(
                "PRAGMA writable_schema = ON",
                "UPDATE sqlite_master SET sql = replace(sql, 'wanted IN (0, 1)', "
                "'wanted IN (0, 1, 2)') WHERE name = 'boxes'",
            ),
            id="check changed",
        ),
        pytest.param(
            inside(
                "PRAGMA writable_schema = ON",
                "UPDATE sqlite_master SET sql = replace(sql, '''no''', '\"no\"') "
                "WHERE name = 'boxes_checked'",
            ),
            id="text made a name",
        ),
        pytest.param(
            inside("CREATE TABLE shelves_index (x)", member="project/shelves.db"),
            id="derived name, no virtual table",
        ),
        pytest.param(
            inside("CREATE TABLE shelves_index_data (x)", member="project/shelves.db"),
            id="shadow of nothing",
        ),
        pytest.param(
            inside(
                "CREATE VIRTUAL TABLE shelves_index USING fts5(x)",
                "CREATE TABLE shelves_index_more (x)",
                member="project/shelves.db",
            ),
            id="no shadow table",
        ),
        pytest.param(
            inside(
                "CREATE VIRTUAL TABLE shelves_index USING fts5(x)",
                "CREATE INDEX i ON shelves_index_config (k)",
                member="project/shelves.db",
            ),
            id="index on a shadow table",
        ),
        *(
            pytest.param(
                inside(
                    "PRAGMA writable_schema = ON",
                    f"INSERT INTO sqlite_master VALUES ({row}, '{EVIL.format(store=store)}')",
                    member=f"project/{store}.db",
                ),
                id=id_,
            )
            for store, row, id_ in (
                ("boxes", "'table', 'sqlite_stat1', 'boxes', 0", "trigger as statistics"),
                ("shelves", "'table', 'shelves_index_a', 'shelves', 0", "trigger as shadow table"),
                ("shelves", "'table', 'shelves_index', 'shelves', 0", "trigger as derived table"),
                ("boxes", "'trigger', 'boxes_checked', 'boxes', 0", "trigger under a known name"),
                ("boxes", "'index', 'sqlite_autoindex_boxes_1', 'boxes', 0", "trigger as index"),
                ("boxes", "NULL, NULL, NULL, 0", "trigger as nothing"),
            )
        ),
        pytest.param(inside("PRAGMA application_id = 7"), id="application id"),
        pytest.param(inside("DELETE FROM alembic_version_boxes"), id="no revision"),
        pytest.param(inside("INSERT INTO alembic_version_boxes VALUES ('x')"), id="two revisions"),
        pytest.param(
            inside("UPDATE alembic_version_boxes SET version_num = 'tasks_0001'"), id="lineage"
        ),
        pytest.param(
            inside(
                "PRAGMA foreign_keys = OFF",
                "PRAGMA ignore_check_constraints = ON",
                "UPDATE boxes SET wanted = 9",
            ),
            id="a row against its check",
        ),
        pytest.param(
            lambda manifest, files: files.update({"project/boxes.db": b"SQLite format 3\0" * 99}),
            id="no database",
        ),
        pytest.param(
            lambda manifest, files: files.update(
                {"project/boxes.db": files["project/boxes.db"][:-4096]}
            ),
            id="truncated",
        ),
        pytest.param(
            lambda manifest, files: files.update({"project/boxes.db": files["project/shelves.db"]}),
            id="other store",
        ),
        pytest.param(
            lambda manifest, files: files.update(
                {"project/boxes.db": files["project/boxes.db"][:4096] + b"\xff" * 8192}
            ),
            id="damaged pages",
        ),
        pytest.param(
            lambda manifest, files: files.update({"project/project-info.json": b"[]"}),
            id="marker no object",
        ),
        pytest.param(
            lambda manifest, files: files.update(
                {"project/project-info.json": b'{"projectId": "another"}'}
            ),
            id="marker of another project",
        ),
        pytest.param(
            lambda manifest, files: files.update({"project/config.json": b"{"}), id="settings"
        ),
        pytest.param(
            lambda manifest, files: (
                files.pop("project/project-info.json"),
                manifest["items"].pop(),
            ),
            id="no marker",
        ),
    ],
)
def test_what_a_bundle_smuggles_in_is_refused_and_nothing_is_written(
    change: Any, cleo_cli: Cli, elsewhere: Any, frozen_bytes: Any, cleo_home: Path
) -> None:
    bundle = forge(export(cleo_cli), change)
    elsewhere()
    with frozen_bytes(cleo_home):
        for options in (("--force",), ("--dry-run",)):
            error = cleo_cli("backup", "import", str(bundle), *options).error
            assert (error["code"], error["exit"]) == ("E_BUNDLE_INVALID", 67), error
    assert not list(cleo_home.rglob(".bundle*"))
    assert not list(cleo_home.rglob("backups"))


def test_a_forged_bundle_that_says_the_truth_is_a_bundle(cleo_cli: Cli, elsewhere: Any) -> None:
    bundle = forge(
        export(cleo_cli),
        inside("CREATE VIRTUAL TABLE shelves_index USING fts5(x)", member="project/shelves.db"),
    )
    elsewhere()
    assert cleo_cli("backup", "import", str(bundle)).code == 0
    assert rows(cleo_cli, "shelves") == ["one"]


def test_the_manifests_own_claims_about_a_database_count_for_nothing(
    cleo_cli: Cli, elsewhere: Any
) -> None:
    def lie(manifest: dict[str, Any], files: dict[str, bytes]) -> None:
        for item in manifest["items"]:
            if item["kind"] == "store":
                item.update(applicationId=1, revision="boxes_0007", rowCounts={"boxes": 99})

    bundle = forge(export(cleo_cli), lie)
    elsewhere()
    assert cleo_cli("backup", "import", str(bundle)).code == 0
    assert everything(cleo_cli)[:2] == [["one"], ["one"]]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda manifest, files: manifest.update(note="changed"), id="manifest"),
        pytest.param(
            lambda manifest, files: files.update(
                {"project/boxes.db": files["project/boxes.db"][:-1] + b"!"}
            ),
            id="content",
        ),
        pytest.param(
            lambda manifest, files: files.update({"project/more": b""}), id="unlisted member"
        ),
        pytest.param(lambda manifest, files: files.pop("project/boxes.db"), id="member missing"),
    ],
)
def test_a_tampered_bundle_is_refused_by_inspect_too(change: Any, cleo_cli: Cli) -> None:
    bundle = forge(export(cleo_cli), change, resign=False)
    for verb in ("inspect", "import"):
        error = cleo_cli("backup", verb, str(bundle)).error
        assert (error["code"], error["exit"]) == ("E_BUNDLE_INVALID", 67)


def test_a_store_that_a_newer_program_made_is_refused_by_its_package(
    cleo_cli: Cli, elsewhere: Any
) -> None:
    bundle = forge(
        export(cleo_cli), inside("UPDATE alembic_version_boxes SET version_num = 'boxes_0009'")
    )
    elsewhere()
    error = cleo_cli("backup", "import", str(bundle)).error
    assert (error["code"], error["exit"]) == ("E_STORE_AHEAD", 51)
    assert "cleo-boxes" in error["fix"]


@pytest.mark.parametrize("data", [b"", b"x", b"CLEOBUNDLE", b"PK\3\4", bytes(4096)])
def test_what_is_no_bundle_at_all_is_refused(data: bytes, cleo_cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "x.cleobundle"
    path.write_bytes(data)
    for verb in ("inspect", "import"):
        assert cleo_cli("backup", verb, str(path)).error["exit"] == 67


def test_a_path_that_leads_to_no_file_is_refused(cleo_cli: Cli, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, exit_code in (("none", 4), (str(tmp_path), 2), (str(tmp_path / "pipe"), 2), ("", 2)):
        for verb in ("inspect", "import"):
            assert cleo_cli("backup", verb, path).error["exit"] == exit_code


def test_what_a_killed_import_left_is_removed_by_the_next(cleo_cli: Cli) -> None:
    left = Path(FOLDER, ".bundle.0123456789ab.tmp")
    left.mkdir()
    (left / "boxes.db").write_bytes(b"plain text of an encrypted bundle")
    mine = Path(FOLDER, ".bundle-trial.0123456789ab.tmp")
    mine.mkdir()
    export(cleo_cli)
    assert not left.exists()
    assert mine.exists()
    os.utime(mine, (0, 0))
    export(cleo_cli)
    assert not mine.exists()


@pytest.mark.guarantee(
    "operations-26", "An import that is killed has not happened, or the next command finishes it."
)
def test_a_kill_during_an_import_leaves_the_old_project_or_the_new_one(
    cleo_cli: Cli, elsewhere: Any, kill_at_every_step: Any, cleo_home: Path, project: dict[str, str]
) -> None:
    bundle = export(cleo_cli)
    here = elsewhere()
    add(cleo_cli, "mine")
    kept = cleo_home / "kept"
    shutil.copytree(FOLDER, kept)

    def reset() -> None:
        shutil.rmtree(FOLDER)
        shutil.copytree(kept, FOLDER)

    seen = set()
    words = ["backup", "import", str(bundle), "--force"]
    for killed in kill_at_every_step(words, reset, every=7):
        found = everything(cleo_cli)[:2], cleo_cli("init").data["projectId"]
        assert found in (
            ([["mine"], ["mine"]], here["projectId"]),
            ([["one"], ["one"]], project["projectId"]),
        ), killed
        seen.add(found[1])
    assert seen == {here["projectId"], project["projectId"]}
    assert cleo_cli(*words).code == 0
    assert not list(FOLDER.glob(".bundle*"))


def test_an_import_without_room_is_refused(
    cleo_cli: Cli, elsewhere: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = export(cleo_cli)
    elsewhere()
    usage = shutil.disk_usage(".")._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    error = cleo_cli("backup", "import", str(bundle)).error
    assert (error["code"], error["exit"]) == ("E_NO_SPACE", 69)


@pytest.mark.parametrize(
    ("path", "more"),
    [
        *((path, {}) for path in (None, 5, b"x", ["x"])),
        *(("../b", {"scope": scope}) for scope in (None, "none", 5, ["project"])),
        *(("../b", {"note": note}) for note in (None, 5, "\udcff")),
        *(("../b", {"passphrase": words}) for words in (5, b"correct horse battery")),
    ],
)
def test_arguments_from_python_are_checked(path: Any, more: dict[str, Any]) -> None:
    with open_app() as app:
        with pytest.raises(CleoError) as refused:
            export_bundle(app, path, **{"scope": "project", **more})
        assert refused.value.exit in (2, 6)
        if not more:
            for verb in (import_bundle, inspect_bundle):
                with pytest.raises(CleoError):
                    verb(app, path, str)
    assert not Path("..", "b").exists()
