"""Several real projects in one home, made in this process, for tests of what joins them."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from cleo_core import clock
from cleo_core.app import App, create_app
from cleo_core.database import connect_for_copy
from cleo_core.errors import CleoError
from cleo_core.ids import new_id
from cleo_core.initialize import initialize
from cleo_core.paths import find_project
from cleo_nexus.service.places import path_hash

MARKER = Path(".cleo") / "project-info.json"
#: Files of projects that were made once, by all that they may depend on: where, modes, contents.
_MADE: dict[object, tuple[Path, dict[str, tuple[int, bytes]]]] = {}
AT = "2026-01-01T00:00:00.000Z"


class Atlas:
    """Projects side by side below a directory, each known by its directory's name.

    The first one is made as ``cleo init`` makes it, the others are copies of it with an id of their
    own, which takes a tenth of the time.

    :param folder: where they are made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plugins = create_app().plugins
        self._apps: dict[tuple[str, str | None], App] = {}
        self._pristine = folder.with_name("pristine")

    def project(
        self,
        name: str,
        *,
        register: bool = True,
        titles: int = 0,
        permission: str = "read",
        slug: str | None = None,
        like: str | None = None,
    ) -> Path:
        """Make a project and, unless told otherwise, register it under its name; its root.

        :param titles: how many tasks it gets, ``name 1`` and on, from T001.
        :param permission: what it lets the others do.
        :param like: the project whose stores it gets, with an id of its own.
        """
        root = self.folder / name
        if like is not None:
            self.close(like)
            self._copy(self.root(like) / ".cleo", root)
        elif self._pristine.is_dir():
            self._copy(self._pristine, root)
        else:
            root.mkdir(parents=True)
            initialize(str(root), plugins=self.plugins, register=False)
            shutil.copytree(root / ".cleo", self._pristine)
        if register:
            self.nexus(root).register(slug=slug or name, permission=permission)
        for number in range(titles):
            self.tasks(root).add(f"{name} {number + 1}")
        return root

    def once(self, key: str, make: Callable[[], object]) -> None:
        """Make projects; the next time, in another home, they are copies of those.

        :param key: stands for what is made.
        """
        home = self.folder.parent
        variables = [(name, os.environ[name]) for name in sorted(os.environ) if "CLEO_" in name]
        full = (key, *(one for one in variables if one[0] != "CLEO_TEST_ROOT"))
        if clock.is_set() or any(path.is_file() for path in home.rglob("*")):
            make()
        elif full not in _MADE:
            make()
            self.close()
            _MADE[full] = (
                home,
                {
                    str(path.relative_to(home)): (path.stat().st_mode, path.read_bytes())
                    for path in home.rglob("*")
                    if path.is_file()
                },
            )
        else:
            before, files = _MADE[full]
            for name, (mode, content) in files.items():
                (home / name).parent.mkdir(parents=True, exist_ok=True)
                (home / name).write_bytes(content)
                (home / name).chmod(stat.S_IMODE(mode))
            self._moved(str(before), str(home))

    def _moved(self, before: str, now: str) -> None:
        """Tell the registry that all projects are elsewhere; its history stays as it was."""
        for path, hash_ in self.rows("SELECT project_path, project_hash FROM project_registry"):
            there = now + path.removeprefix(before)
            self.rows(
                "UPDATE project_registry SET project_path = ?, project_hash = ? "
                "WHERE project_hash = ?",
                *(there, path_hash(there), hash_),
            )

    def bare(self, name: str) -> Path:
        """Make a directory that holds a marker and no store; its root."""
        root = self.folder / name
        (root / ".cleo").mkdir(parents=True)
        (root / MARKER).write_text(json.dumps({"projectId": new_id(), "name": name}))
        return root

    def app(self, name: str | Path, *, agent: str | None = None) -> App:
        """An open App on a project, by its name or root; always the same one."""
        root = self.root(name)
        key = str(root), agent
        if key not in self._apps:
            self._apps[key] = App(self.plugins, find_project(explicit=root), agent=agent)
        return self._apps[key]

    def elsewhere(self) -> App:
        """An open App outside of every project; always the same one."""
        key = "", None
        if key not in self._apps:
            self._apps[key] = App(self.plugins, None)
        return self._apps[key]

    def tasks(self, name: str | Path) -> Any:
        """The service of a project's tasks."""
        return self.app(name).service("tasks")

    def nexus(self, name: str | Path) -> Any:
        """The service of the map, asked from a project."""
        return self.app(name).service("nexus")

    def root(self, name: str | Path) -> Path:
        """Where a project is."""
        return self.folder / name

    def id(self, name: str | Path) -> str:
        """The id in a project's marker."""
        return str(self.marker(name)["projectId"])

    def marker(self, name: str | Path) -> dict[str, Any]:
        """What a project's marker holds."""
        found: dict[str, Any] = json.loads((self.root(name) / MARKER).read_text())
        return found

    def set_marker(self, name: str | Path, **fields: Any) -> None:
        """Change fields of a project's marker; its Apps are closed."""
        content = {**self.marker(name), **fields}
        self.close(name)
        (self.root(name) / MARKER).write_text(json.dumps(content))

    def file(self, name: str | Path, store: str = "tasks") -> Path:
        """The file of a project's store."""
        return self.root(name) / ".cleo" / f"{store}.db"

    @property
    def registry(self) -> Path:
        """The file of the registry."""
        return Path(os.environ["XDG_DATA_HOME"]) / "cleo" / "nexus.db"

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a statement answers on the registry, beside CLEO."""
        return execute(self.registry, statement, *values)

    def edge(self, source: str, target: str, tasks: tuple[str, str] = ("T001", "T001")) -> None:
        """Let a task of one project wait for one of another."""
        self.rows(
            "INSERT INTO cross_project_dependencies (source_project_id, source_task_id, "
            "target_project_id, target_task_id, created_by, created_at) VALUES (?, ?, ?, ?, ?, ?)",
            *(self.id(source), tasks[0], self.id(target), tasks[1], "user", AT),
        )

    def instance(
        self, name: str, *, status: str = "active", number: int = 1, stages: str = "{}"
    ) -> None:
        """Add an instance of a chain whose epic is a project's T001."""
        self.rows(
            "INSERT INTO warp_chains (id, version, name, definition, definition_sha256, "
            "created_by, created_at, updated_at) VALUES ('c', '1.0.0', 'c', '{}', '', 'user', "
            "?1, ?1) ON CONFLICT DO NOTHING",
            AT,
        )
        self.rows(
            "INSERT INTO warp_chain_instances (id, chain_id, chain_version, definition, "
            "epic_project_id, epic_id, stage_to_task, status, current_stage, created_by, "
            "created_at, updated_at) VALUES (?, 'c', '1.0.0', '{}', ?, 'T001', ?, ?, 's', 'user', "
            "?, ?)",
            *(f"wci-{number:012d}", self.id(name), stages, status, AT, AT),
        )

    def transfer(self, source: str, target: str, *, state: str = "planned") -> None:
        """Add a transfer between projects."""
        self.rows(
            "INSERT INTO transfer_journal (id, source_project_id, target_project_id, mode, "
            "package_sha256, state, created_by, created_at, updated_at) VALUES "
            "('xfr-000000000001', ?, ?, 'copy', '', ?, 'user', ?, ?)",
            *(self.id(source), self.id(target), state, AT, AT),
        )

    def close(self, name: str | Path | None = None) -> None:
        """Close the Apps on a project, or all: what moves or copies a project needs it."""
        root = None if name is None else str(self.root(name))
        for key in [key for key in self._apps if root in (None, key[0])]:
            self._apps.pop(key).close()

    def _copy(self, source: Path, root: Path) -> None:
        shutil.copytree(source, root / ".cleo")
        marker = {**self.marker(root), "projectId": new_id(), "name": root.name}
        (root / MARKER).write_text(json.dumps(marker))
        project = replace(find_project(explicit=root), register=False)
        self.plugins.call("cleo_project_created", app=self.app(root), project=project)


def execute(path: Path, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Run a statement on a file beside CLEO, and commit it."""
    connection = connect_for_copy(str(path))
    try:
        found: list[tuple[Any, ...]] = connection.execute(statement, values).fetchall()
        connection.commit()
        return found
    finally:
        connection.close()


def refusal(call: Any, *arguments: Any, **options: Any) -> CleoError:
    """The error that a call is refused with."""
    try:
        found = call(*arguments, **options)
    except CleoError as error:
        return error
    raise AssertionError(f"it was not refused: {found}")


def behind(path: Path) -> None:
    """Make the file of tasks one that an older version left."""
    execute(path, "UPDATE alembic_version_tasks SET version_num = 'tasks_0000'")
