"""A small world of three projects in which tasks move, and what it looks like afterwards."""

from __future__ import annotations

import os
import runpy
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cleo_core.app import App
from cleo_core.paths import find_project
from cleo_core.testing.runner import kill_self, watch

_realms = runpy.run_path(str(Path(__file__).with_name("realms.py")))
Realms, refused, execute, behind = (
    _realms[name] for name in ("Realms", "refused", "execute", "behind")
)


class World(Realms):  # type: ignore[valid-type, misc] # a path is imported, not a module
    """Tasks of web, some of which are to go to api; tasks of all three wait for each other.

    web has an epic T001 with T002 and T003, and beside it T004, which waits for T003, and T005, for
    which T002 waits.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "work")
        self.home = folder
        self.once("world", self._build)

    def _build(self) -> None:
        self.make("web", "api", "lib", titles=0)
        web = self.tasks("web")
        web.add("Epic", type="epic")
        web.add("First", parent="T001")
        web.add("Second", parent="T001", depends=["T002"])
        web.add("Waits", depends=["T003"])
        web.add("Base")
        web.deps_add("T002", "T005")
        for name in ("api", "lib"):
            self.tasks(name).add(f"{name} one")
            self.tasks(name).add(f"{name} two")
        self.link(
            "web:T003 > lib:T002",
            "lib:T001 > web:T002",
            "web:T002 > api:T002",
            "api:T001 > web:T003",
        )
        self.instance()

    def instance(self) -> None:
        """A warp chain's instance on the epic of web, with two of its tasks as stages."""
        id_, now = self.id("web"), "2026-01-01T00:00:00.000Z"
        chain: dict[str, Any] = {
            "id": "c",
            "version": "1.0.0",
            "name": "c",
            "definition": "{}",
            "definition_sha256": "x",
            "validated": 1,
            "created_by": "user",
            "created_at": now,
            "updated_at": now,
        }
        instance: dict[str, Any] = {
            "id": "wci-000000000001",
            "chain_id": "c",
            "chain_version": "1.0.0",
            "definition": "{}",
            "epic_project_id": id_,
            "epic_id": "T001",
            "variables": "{}",
            "stage_to_task": f'{{"build": "{id_}:T002", "keep": "{id_}:T005"}}',
            "status": "active",
            "active_stages": "[]",
            "current_stage": "build",
            "attempt": 1,
            "created_by": "user",
            "created_at": now,
            "updated_at": now,
        }
        for table, row in (("warp_chains", chain), ("warp_chain_instances", instance)):
            names = ", ".join(row)
            marks = ", ".join("?" for _ in row)
            execute(self.registry, f"INSERT INTO {table} ({names}) VALUES ({marks})", *row.values())

    def keep(self) -> None:
        """Keep all files as they are now, for :meth:`restore`."""
        self.close()
        self._kept = self.home / "kept"
        shutil.copytree(self.folder, self._kept / "work")
        shutil.copytree(self.registry.parent, self._kept / "data")

    def restore(self) -> None:
        """Make all files what they were."""
        self.close()
        for kept, there in (("work", self.folder), ("data", self.registry.parent)):
            shutil.rmtree(there)
            shutil.copytree(self._kept / kept, there)

    def killed(self, work: Callable[[Any], object], *, commits: int) -> bool:
        """Do something from web in a child that is killed after some COMMITs; whether it was."""
        self.close()
        child = os.fork()
        if child == 0:
            try:
                _die_after(commits)
                with App(self.plugins, find_project(explicit=self.root("web"))) as app:
                    work(app.service("nexus"))
            finally:
                # Nothing of the tests' own process is to be ended in here.
                os._exit(0)
        _, status = os.waitpid(child, 0)
        return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL

    def journal(self) -> list[Any]:
        """The transfers, the latest first."""
        return list(self.nexus("web").transfers()[0])

    def picture(self) -> dict[str, Any]:
        """Everything of the world but times and ids that nobody chose."""
        names = ("web", "api", "lib")
        found: dict[str, Any] = {"edges": sorted(self.edges())}
        slugs = {self.id(name): name for name in names}
        for name in names:
            execute(self.file(name), "PRAGMA wal_checkpoint")
            for what, statement in _STATEMENTS.items():
                rows = execute(self.file(name), statement)
                found[f"{name} {what}"] = [tuple(_named(one, slugs) for one in row) for row in rows]
        rows = self.rows(
            "SELECT epic_project_id || ':' || epic_id, stage_to_task, row_version "
            "FROM warp_chain_instances"
        )
        found["instances"] = [tuple(_named(one, slugs) for one in row) for row in rows]
        return found


_STATEMENTS = {
    "tasks": "SELECT id, title, status, parent_id, archive_reason, blocked_reason, "
    "json_array_length(notes_json) FROM tasks ORDER BY id",
    "waits": "SELECT task_id, depends_on FROM task_dependencies ORDER BY 1, 2",
    "links": "SELECT task_id, provider_id, external_id, link_type, sync_direction "
    "FROM external_task_links ORDER BY 1, 2, 3",
}


def _named(value: Any, slugs: dict[str, str]) -> Any:
    if isinstance(value, str):
        for id_, slug in slugs.items():
            value = value.replace(id_, slug)
    return value


def _die_after(commits: int) -> None:
    """Have this process killed before the statement that follows some COMMITs."""
    seen = 0

    def count(statement: str) -> None:
        nonlocal seen
        if seen == commits:
            kill_self()
        if statement == "COMMIT":
            seen += 1

    watch(count)
