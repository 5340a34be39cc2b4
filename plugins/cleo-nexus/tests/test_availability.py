"""New projects register themselves, and nothing else fails where the registry cannot be used."""

from __future__ import annotations

import os
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.testing import Outcome

_atlas = runpy.run_path(str(Path(__file__).with_name("atlas.py")))
refusal = _atlas["refusal"]

Cli = Callable[..., Outcome]


@pytest.fixture
def automatic(cleo_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which no path of the tests is a temporary one, and new projects register."""
    monkeypatch.setenv("CLEO_DISABLE_PROJECT_AUTOREGISTER", "0")
    monkeypatch.setattr("cleo_nexus.service.places.is_temporary", lambda path, env: False)


@pytest.mark.usefixtures("automatic")
def test_a_new_project_registers_itself_once(
    atlas: Any, cleo_cli: Cli, cleo_home: Path, frozen_bytes: Any
) -> None:
    root = atlas.folder / "web"
    root.mkdir()
    assert cleo_cli("init", "The Web", cwd=root).warnings == []
    (found,) = cleo_cli("nexus", "list", cwd=root).data
    assert (found["slug"], found["name"], found["current"]) == ("the-web", "The Web", True)
    assert atlas.rows("SELECT action, details_json FROM nexus_audit_log") == [
        ("nexus.register", '{"automatic": true}')
    ]
    with frozen_bytes(cleo_home):
        again = cleo_cli("init", cwd=root)
    assert (again.data["changed"], again.warnings) == (False, [])
    assert cleo_cli("nexus", "register", cwd=root).code == 76


@pytest.mark.usefixtures("automatic")
def test_a_project_that_is_known_otherwise_is_left_to_reconcile(atlas: Any, cleo_cli: Cli) -> None:
    root = atlas.project("web")
    atlas.close()
    moved = atlas.root("moved")
    root.rename(moved)
    rows = atlas.rows("SELECT * FROM project_registry")
    found = cleo_cli("init", cwd=moved)
    assert [one["code"] for one in found.warnings] == ["W_PROJECT_NOT_REGISTERED"]
    assert atlas.rows("SELECT * FROM project_registry") == rows


@pytest.mark.usefixtures("automatic")
@pytest.mark.parametrize(
    ("words", "env"),
    [
        (("--no-register",), {}),
        ((), {"CLEO_DISABLE_PROJECT_AUTOREGISTER": "1"}),
        (("--dry-run",), {}),
    ],
)
def test_a_project_is_kept_out_of_the_registry_on_request(
    atlas: Any, cleo_cli: Cli, words: tuple[str, ...], env: dict[str, str]
) -> None:
    root = atlas.folder / "web"
    root.mkdir()
    assert cleo_cli("init", *words, cwd=root, env=env).warnings == []
    assert not atlas.registry.exists()


def test_a_temporary_project_registers_only_when_it_is_asked_to(
    atlas: Any, cleo_cli: Cli, cleo_home: Path
) -> None:
    env = {"CLEO_DISABLE_PROJECT_AUTOREGISTER": "", "TMPDIR": str(cleo_home)}
    root = atlas.folder / "web"
    root.mkdir()
    assert cleo_cli("init", cwd=root, env=env).warnings == []
    assert not atlas.registry.exists()
    assert cleo_cli("nexus", "register", cwd=root, env=env).code == 0


def _garbage(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"no database at all " * 500)


def _directory(path: Path) -> None:
    path.mkdir(parents=True)


def _dangling(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(path.with_name("nowhere") / "nexus.db")


VERBS = (
    ("list",),
    ("show", "web"),
    ("show", "."),
    ("status",),
    ("register",),
    ("unregister", "web"),
    ("rename", "web", "--slug", "x"),
    ("reconcile",),
    ("sync", "web"),
    ("sync", "--all"),
    ("scan", "."),
    ("clean", "--missing"),
    ("permission", "get", "web"),
    ("permission", "set", "web", "write"),
    ("audit", "list"),
    ("audit", "prune", "--before", "2026-01-01"),
)
UNREADABLE = [_garbage, _directory, _dangling]


@pytest.mark.guarantee(
    "nexus-05",
    "Where the registry cannot be read, asking for a project is exit 70 and never `not "
    "registered`, and commands of a project work as before.",
)
@pytest.mark.parametrize("spoil", UNREADABLE)
def test_an_unreadable_registry_is_exit_70_and_stops_no_project_command(
    atlas: Any, cleo_cli: Cli, spoil: Callable[[Path], None]
) -> None:
    root = atlas.project("web", register=False, titles=1)
    atlas.close()
    spoil(atlas.registry)
    for words in VERBS:
        refused = cleo_cli("nexus", *words, cwd=root)
        assert (refused.code, refused.error["code"]) == (70, "E_NEXUS_UNAVAILABLE"), repr(refused)
        assert refused.error["fix"]
    for argv in (("add", "another"), ("list",), ("start", "T001"), ("init",)):
        assert cleo_cli(*argv, cwd=root).code == 0


@pytest.mark.guarantee(
    "nexus-05",
    "Where the registry cannot be read, asking for a project is exit 70 and never `not "
    "registered`, and commands of a project work as before.",
)
def test_a_registry_that_is_damaged_inside_is_exit_70(atlas: Any, cleo_cli: Cli) -> None:
    root = atlas.project("web")
    atlas.close()
    content = bytearray(atlas.registry.read_bytes())
    # All pages but the first, which says what the file is.
    content[4096:] = b"\xff" * (len(content) - 4096)
    atlas.registry.write_bytes(bytes(content))
    for words in VERBS:
        refused = cleo_cli("nexus", *words, cwd=root)
        assert refused.code == 70, repr(refused)
    assert cleo_cli("add", "another", cwd=root).code == 0


@pytest.mark.usefixtures("automatic")
@pytest.mark.parametrize("spoil", UNREADABLE)
def test_a_project_is_made_where_the_registry_cannot_be_used(
    atlas: Any, cleo_cli: Cli, spoil: Callable[[Path], None]
) -> None:
    root = atlas.folder / "web"
    root.mkdir()
    spoil(atlas.registry)
    made = cleo_cli("init", cwd=root)
    assert made.code == 0
    assert "W_NEXUS_UNAVAILABLE" in [one["code"] for one in made.warnings]
    assert cleo_cli("add", "first", cwd=root).code == 0


@pytest.mark.usefixtures("automatic")
def test_a_project_is_made_where_the_data_directory_cannot_be_made(
    atlas: Any, cleo_cli: Cli, cleo_home: Path
) -> None:
    root = atlas.folder / "web"
    root.mkdir()
    (cleo_home / "a-file").write_text("")
    env = {"XDG_DATA_HOME": str(cleo_home / "a-file"), "CLEO_DISABLE_PLUGINS": "signaldock"}
    made = cleo_cli("init", cwd=root, env=env)
    assert made.code == 0
    assert [one["code"] for one in made.warnings] == ["W_NEXUS_UNAVAILABLE"]
    assert cleo_cli("add", "first", cwd=root, env=env).code == 0
    assert cleo_cli("nexus", "register", cwd=root, env=env).code == 70


@pytest.mark.usefixtures("automatic")
def test_a_project_is_made_where_no_space_is_left_for_the_registry(
    atlas: Any, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cleo_core import stores

    real = stores.Stores.create

    def full(self: Any, spec: Any) -> Any:
        if spec.name == "nexus":
            from cleo_core.errors import CleoError

            raise CleoError("E_DISK_FULL", "No space was left.")
        return real(self, spec)

    monkeypatch.setattr(stores.Stores, "create", full)
    root = atlas.folder / "web"
    root.mkdir()
    made = cleo_cli("init", cwd=root)
    assert made.code == 0
    assert [one["cause"] for one in made.warnings] == ["E_NEXUS_UNAVAILABLE"]


#: What might be thought to open a project that lets nobody in.
VARIABLES = {
    **dict.fromkeys(("CLEO_AUTO_INIT", "CLEO_ALLOW_WORKTREE_DB_CREATE", "CLEO_QUIET"), "1"),
    **dict.fromkeys(("NO_COLOR", "CLEO_TRACE_HOOKS", "DO_NOT_TRACK", "CLEO_TELEMETRY"), "1"),
    "CLEO_FORMAT": "json",
    "CLEO_AGENT_ID": "nexus",
    "CLEO_SESSION_ID": "ses_20260101_000000_aaaaaa",
    "CLEO_BUSY_TIMEOUT_MS": "1000",
    "CLEO_SQLITE": "auto",
    "CLEO_MIGRATE": "auto",
    "CLEO_BACKUP_PASSPHRASE": "x",
    "CLEO_BACKUP_PASSPHRASE_FILE": "/nowhere",
    "CLEO_LOG_LEVEL": "debug",
    "CLEO_LOG_FILE": "",
    "CLEO_DISABLE_PROJECT_AUTOREGISTER": "1",
    "CLEO_AGENT_TOKEN": "x",
    "CLEO_HUMAN_TOKEN": "x",
    "CLEO_SIGNALDOCK_DATABASE_URL": "",
    "CLEO_PLUGINS": "",
    "CLEO_DISABLE_PLUGINS": "",
    "CLEO_DIR": ".cleo",
}


@pytest.mark.guarantee(
    "nexus-08", "No environment variable changes what a project lets another one do."
)
def test_no_variable_changes_a_permission(atlas: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from cleo_core.app import App
    from cleo_core.paths import find_project
    from cleo_nexus.service import access

    root, api = atlas.project("web", titles=1), atlas.project("api", titles=1)
    data, config = os.environ["XDG_DATA_HOME"], os.environ["XDG_CONFIG_HOME"]
    places = {
        "CLEO_HOME": f"{data}/cleo",
        "CLEO_CONFIG_HOME": f"{config}/cleo",
        "XDG_DATA_HOME": data,
        "XDG_CONFIG_HOME": config,
        "CLEO_ROOT": str(api),
        "CLEO_PROJECT_ROOT": str(api),
        "CLEO_TEST_ROOT": os.environ["CLEO_TEST_ROOT"],
        "NEXUS_CURRENT_PROJECT": "api",
    }
    every = {**VARIABLES, **places}
    settings = [{name: value} for name, value in every.items()]
    settings += [every, {"NEXUS_CURRENT_PROJECT": atlas.id("api")}]
    for variables in settings:
        env = {**os.environ, **variables}
        with App(atlas.plugins, find_project(explicit=str(root), env=env), env=env) as app:
            db = app.store("nexus")
            for required in ("write", "execute"):
                error = refusal(access.locate, app, db, "api:T001", required)
                assert (error.exit, error.fix) == (72, f"cleo nexus permission set api {required}")
            for reference in ("web:T001", "api:T001"):
                access.locate(app, db, reference, "read")
            access.locate(app, db, "web:T001", "execute")


def test_the_variable_says_which_project_is_meant_and_no_more(atlas: Any, cleo_cli: Cli) -> None:
    root = atlas.project("web")
    atlas.project("api")
    env = {"NEXUS_CURRENT_PROJECT": "api"}
    assert cleo_cli("nexus", "show", ".", cwd=root, env=env).data["slug"] == "api"
    rows = cleo_cli("nexus", "list", cwd=root, env=env).data
    assert [one["current"] for one in rows] == [True, False]
    assert cleo_cli("nexus", "sync", cwd=root, env=env).data["synced"][0]["slug"] == "api"
    unknown = {"NEXUS_CURRENT_PROJECT": "nobody"}
    assert cleo_cli("nexus", "show", ".", cwd=root, env=unknown).code == 71
    # What needs no current project goes on.
    assert cleo_cli("nexus", "list", cwd=root, env=unknown).code == 0
    assert cleo_cli("nexus", "reconcile", cwd=root, env=unknown).data["outcome"] == "ok"
