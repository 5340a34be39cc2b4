"""Where it is not installed, or not enabled, nothing of it is there."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import open_app
from cleo_core.cli.backup import backup
from cleo_core.testing.wheels import build_wheel, make_environment, missing_backend

_timings = runpy.run_path(str(Path(__file__).with_name("timings.py")))
COMMANDS, PROGRAM, file, commands = (
    _timings[name] for name in ("COMMANDS", "PROGRAM", "file", "commands")
)

ROOT = Path(__file__).resolve().parents[3]


def run(calls: Sequence[Sequence[str]], python: str = sys.executable, **env: str) -> dict[str, Any]:
    """Run commands in one process that tells what they touched."""
    done = subprocess.run(
        [python, "-c", PROGRAM],
        input=json.dumps([list(call) for call in calls]),
        capture_output=True,
        text=True,
        env={**os.environ, **env},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def named(root: Path) -> list[str]:
    """Paths below a directory with telemetry in their name."""
    return [str(path) for path in root.rglob("*") if "telemetry" in path.name]


def opened(found: dict[str, Any]) -> list[str]:
    """What was opened of the store, its sidecars and locks."""
    return [path for path in found["opened"] if "telemetry.db" in path or "telemetry.lock" in path]


@pytest.mark.slow
@pytest.mark.guarantee(
    "telemetry-01",
    "Where cleo-telemetry is not installed, nothing of it exists: no file, no command, no module, "
    "and not even the note of a finished command is made.",
)
def test_core_and_tasks_from_wheels_know_nothing_of_telemetry(
    cleo_home: Path, tmp_path: Path
) -> None:
    sources = [ROOT, ROOT / "plugins" / "cleo-tasks"]
    for source in sources:
        if missing_backend(source) is not None:
            pytest.skip(f"the build backend of {source} is not installed")
    wheels = [build_wheel(source, tmp_path / "wheels") for source in sources]
    made = make_environment(tmp_path / "alone", wheels) if _mkdir(tmp_path / "alone") else None
    assert made is not None
    found = run([*COMMANDS, ["--help"]], str(made.python), PYTHONPATH="")
    assert found["made"] == 0
    assert found["codes"].count(0) > 15, list(zip(COMMANDS, found["codes"], strict=False))
    assert not [name for name in found["modules"] if name.startswith("cleo_telemetry")]
    assert "telemetry" not in found["out"][-1]
    assert not named(cleo_home / "home")
    assert not named(cleo_home / "work")
    assert not opened(found)


@pytest.mark.guarantee(
    "telemetry-02",
    "Installed and not enabled, commands neither make telemetry's file nor try to open it.",
)
def test_installed_and_not_enabled_nothing_is_opened(cleo_home: Path) -> None:
    found = run(COMMANDS)
    assert found["codes"].count(0) > 15, list(zip(COMMANDS, found["codes"], strict=True))
    assert found["made"] > 20, "the hook is asked, and declines"
    assert not opened(found)
    assert not named(cleo_home / "home")
    assert not [name for name in found["modules"] if name.startswith("cleo_telemetry.writer")]


def test_where_a_variable_disables_the_plugin_no_event_is_made(cleo_home: Path) -> None:
    found = run(COMMANDS[:10], CLEO_DISABLE_PLUGINS="telemetry")
    assert found["made"] == 0
    assert not [name for name in found["modules"] if name.startswith("cleo_telemetry")]


@pytest.mark.guarantee(
    "telemetry-13",
    "Making projects, migrating and backing up leave telemetry's file alone, enabled or not.",
)
@pytest.mark.parametrize("enabled", [False, True])
def test_init_migrate_and_backups_leave_the_store_alone(
    cleo_home: Path, cleo_cli: Any, enabled: bool
) -> None:
    if enabled:
        cleo_cli("telemetry", "enable")
    # What records a command is another matter: here nobody is measured.
    quiet = {"DO_NOT_TRACK": "1"}
    found = run([["init", "demo"], ["migrate"], ["init"], ["migrate", "--check"]], **quiet)
    assert found["codes"] == [0, 0, 0, 0]
    assert not opened(found)
    assert file().exists() is enabled
    with open_app() as app:
        every = list(app.plugins.stores)
        made = app.backup_before("before-test", every)
        assert made is not None
        assert app.backup_before("before-test", ["telemetry"]) is None
    sets = [*(cleo_home / "home").rglob("manifest.json"), *Path().rglob("manifest.json")]
    assert sets
    assert "telemetry" not in " ".join(
        str(item) for path in sets for item in json.loads(path.read_text())["items"]
    )
    assert not [path for path in named(cleo_home) if "/backups/" in path]


@pytest.mark.guarantee(
    "telemetry-13", "Backups of everything leave telemetry's store out and do not open it."
)
def test_backups_leave_the_store_out(cleo_home: Path, cleo_cli: Any) -> None:
    cleo_cli("telemetry", "enable")
    calls = [["init", "demo"], ["backup", "create", "--all"], ["backup", "verify", "--all"]]
    found = run(calls, DO_NOT_TRACK="1")
    assert found["codes"] == [0, 0, 0], found["out"]
    assert not opened(found)
    sets = list(cleo_home.rglob("manifest.json"))
    assert len(sets) == 2
    for path in sets:
        assert "telemetry" not in json.dumps(json.loads(path.read_text())["items"])
        assert "telemetry" not in " ".join(os.listdir(path.parent))


@pytest.mark.skipif("export" not in backup.verbs, reason="this core makes no bundles")
def test_bundles_leave_the_store_out(cleo_home: Path, cleo_cli: Any) -> None:
    cleo_cli("telemetry", "enable")
    calls = [["init", "demo"], ["backup", "export", "../all.cleobundle", "--scope", "all"]]
    found = run(calls, DO_NOT_TRACK="1")
    assert found["codes"] == [0, 0], found["out"]
    assert not opened(found)
    assert b"telemetry" not in (cleo_home / "all.cleobundle").read_bytes()


def test_a_store_that_is_behind_is_not_migrated_by_other_commands(
    cleo_project: Path, cleo_cli: Any
) -> None:
    cleo_cli("telemetry", "enable")
    _timings["execute"]("UPDATE alembic_version_telemetry SET version_num = 'telemetry_0000'")
    assert cleo_cli("migrate").data == []
    cleo_cli("add", "one")
    ((found,),) = _timings["execute"]("SELECT version_num FROM alembic_version_telemetry")
    assert found == "telemetry_0000"


def _mkdir(path: Path) -> bool:
    path.mkdir()
    return True
