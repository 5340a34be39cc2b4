"""Whatever the tests run stays below ``CLEO_TEST_ROOT``."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import open_app
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]

CARRIED = pytest.mark.guarantee(
    "operations-35",
    "With CLEO_TEST_ROOT set nothing outside of it is opened or written: no store, setting, "
    "backup, restore, log or file that a command is told to write.",
)


@pytest.fixture
def fence(
    cleo_project: Path, cleo_cli: Cli, cleo_home: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Inside of the fence, and the working directory: a project. Outside: another, and the home."""
    assert cleo_cli("backup", "create", "--all").code == 0
    assert cleo_cli("backup", "export", "kept.cleobundle").code == 0
    inside = cleo_home / "inside"
    shutil.copytree(cleo_project, inside / "work")
    shutil.rmtree(inside / "work" / ".cleo" / "backups")
    monkeypatch.chdir(inside / "work")
    monkeypatch.setenv("CLEO_TEST_ROOT", str(inside))
    return inside


_watched: list[str] = []
_opened: list[str] = []
_EVENTS = ("open", "os.mkdir", "os.remove", "os.rename", "os.chmod", "os.link", "os.symlink")


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if _watched and event in (*_EVENTS, "os.listdir", "sqlite3.connect"):
        for path in arguments[:2]:
            if isinstance(path, (str, bytes)) and os.fsdecode(path).startswith(tuple(_watched)):
                _opened.append(f"{event} {os.fsdecode(path)}")


@pytest.fixture
def opened(cleo_home: Path) -> Iterator[list[str]]:
    """What Python is asked to open or change in the places outside."""
    if _note not in _installed:
        # There is no way to take one back.
        sys.addaudithook(_note)
        _installed.append(_note)
    _opened.clear()
    _watched[:] = [f"{cleo_home}/home", f"{cleo_home}/work"]
    yield _opened
    _watched.clear()


_installed: list[object] = []

#: Commands that want a path outside; OUT stands for what lies there.
REFUSED: tuple[tuple[str, ...], ...] = (
    ("list", "--project", "OUT/work"),
    ("add", "a title", "--project", "OUT/work"),
    ("init", "--path", "OUT/home"),
    ("init",),
    ("config", "set", "agent.id", "a1", "--global"),
    ("config", "unset", "agent.id", "--global"),
    ("backup", "create", "--global"),
    ("backup", "create", "--all"),
    ("backup", "list", "--global"),
    ("backup", "verify", "--all", "--global"),
    ("restore", "latest", "--global", "--yes"),
    ("restore", "latest", "--global", "--dry-run"),
    ("restore", "OUT/work/.cleo/backups/SET", "--yes"),
    ("backup", "export", "OUT/new.cleobundle"),
    ("backup", "export", "here.cleobundle", "--scope", "global"),
    ("backup", "inspect", "OUT/work/kept.cleobundle"),
    ("backup", "import", "OUT/work/kept.cleobundle", "--force"),
    ("migrate",),
    ("agent", "register", "a1"),
    ("agent", "list", "--global"),
    ("agent", "keys", "status"),
    ("nexus", "register"),
    ("telemetry", "enable"),
    ("plugins", "new", "mine", "--dir", "OUT/new"),
    ("export", "--output", "OUT/new.jsonl"),
    ("memory", "export", "OUT/new.jsonl"),
)


@CARRIED
def test_a_command_that_wants_a_path_outside_is_refused(
    fence: Path, cleo_cli: Cli, cleo_home: Path, frozen_bytes: Any
) -> None:
    sets = cleo_home / "work" / ".cleo" / "backups"
    name = next(path.name for path in sets.iterdir())
    with frozen_bytes(cleo_home / "work"), frozen_bytes(cleo_home / "home"):
        for words in REFUSED:
            argv = [word.replace("OUT", str(cleo_home)).replace("SET", name) for word in words]
            outcome = cleo_cli(*argv)
            assert "outside CLEO_TEST_ROOT" in outcome.error["message"], repr(outcome)
            # The registry says first that it cannot be used.
            expected = (70, "E_NEXUS_UNAVAILABLE") if words[0] == "nexus" else (3, "E_TEST_ROOT")
            assert (outcome.code, outcome.error["code"]) == expected
    assert sorted(path.name for path in cleo_home.iterdir()) == ["home", "inside", "work"]


#: Commands of the project inside, which look for what lies in the home as well.
INSIDE: tuple[tuple[str, ...], ...] = (
    ("list",),
    ("dash",),
    ("add", "a title"),
    ("next",),
    ("config", "list"),
    ("stores",),
    ("plugins",),
    ("version",),
    ("doctor",),
    ("doctor", "--deep", "--fix"),
    ("reconcile",),
    ("backup", "create"),
    ("backup", "verify", "--all"),
    ("restore", "latest", "--yes"),
    ("memory", "observe", "the parser drops comments"),
    ("memory", "find", "parser"),
    ("conduit", "status"),
    ("agent", "list"),
    ("nexus", "list"),
    ("telemetry", "status"),
)


@CARRIED
def test_a_project_inside_leaves_a_home_outside_alone(
    fence: Path, cleo_cli: Cli, cleo_home: Path, frozen_bytes: Any, opened: list[str]
) -> None:
    with frozen_bytes(cleo_home / "work"), frozen_bytes(cleo_home / "home"):
        opened.clear()
        for words in INSIDE:
            outcome = cleo_cli(*words)
            assert outcome.code in (0, 3, 6, 61, 70, 100), repr(outcome)
            assert opened == [], f"{words}: {opened[:5]}"


@CARRIED
def test_every_store_outside_is_refused_by_name(
    fence: Path, cleo_home: Path, opened: list[str]
) -> None:
    with open_app() as app:
        names = [spec.name for spec in app.plugins.stores.values() if spec.tier == "global"]
        assert len(names) >= 2
        acts = [partial(app.write, name, lambda unit: None) for name in names]
        acts += [partial(app.store, name) for name in names]
        for act in (
            *acts,
            lambda: app.for_project(str(cleo_home / "work")),
            lambda: app.backup(["global"]),
            lambda: app.backup_before("before-trial", names),
        ):
            with pytest.raises(CleoError) as error:
                act()
            assert error.value.code == "E_TEST_ROOT"
    assert opened == []


@CARRIED
def test_a_link_that_leads_outside_is_outside(
    fence: Path, cleo_cli: Cli, cleo_home: Path, frozen_bytes: Any
) -> None:
    shutil.rmtree(".cleo")
    os.symlink(cleo_home / "work" / ".cleo", ".cleo")
    with frozen_bytes(cleo_home / "work"):
        for words in (("list",), ("add", "a title"), ("backup", "create"), ("init",)):
            outcome = cleo_cli(*words)
            assert (outcome.code, outcome.error["code"]) == (3, "E_TEST_ROOT"), repr(outcome)


@CARRIED
def test_a_log_outside_is_not_written(fence: Path, cleo_cli: Cli, cleo_home: Path) -> None:
    env = {
        "CLEO_HOME": str(fence / "home"),
        "CLEO_LOG_LEVEL": "debug",
        "CLEO_LOG_FILE": str(cleo_home / "log"),
    }
    assert cleo_cli("list", env=env).code == 0
    assert not (cleo_home / "log").exists()
