"""Projects whose tasks wait for each other."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from cleo_core.errors import CleoError

_atlas = runpy.run_path(str(Path(__file__).with_name("atlas.py")))
Atlas, execute, behind = _atlas["Atlas"], _atlas["execute"], _atlas["behind"]


class Realms(Atlas):  # type: ignore[valid-type, misc] # a path is imported, not a module
    """Projects of an atlas, and what is asked of their tasks."""

    def make(self, *names: str, titles: int = 3, permission: str = "write") -> None:
        """Make projects with some tasks, T001 and on."""

        def make() -> None:
            for name in names:
                self.project(name, titles=titles, permission=permission)

        self.once(repr((names, titles, permission)), make)

    def link(self, *edges: str) -> None:
        """Edges as ``web:T001 > api:T001``."""
        for edge in edges:
            source, _, target = edge.partition(" > ")
            self.nexus(source.partition(":")[0]).deps_add(source, target)

    def state(self, ref: str) -> tuple[str, str | None]:
        """Status and reason of a task."""
        name, _, id_ = ref.partition(":")
        (task,) = self.tasks(name).show(id_)
        return task.status, task.blocked_reason

    def status(self, ref: str) -> str:
        """The status of a task."""
        return self.state(ref)[0]

    def next(self, name: str) -> list[str]:
        """What a project offers."""
        return [one.task.id for one in self.tasks(name).next(n=50)]

    def edges(self) -> list[tuple[Any, ...]]:
        """The edges by slugs, or ids where there is no project."""
        found: list[tuple[Any, ...]] = self.rows(
            "SELECT coalesce(s.slug, source_project_id) || ':' || source_task_id, "
            "coalesce(t.slug, target_project_id) || ':' || target_task_id "
            "FROM cross_project_dependencies "
            "LEFT JOIN project_registry AS s ON s.project_id = source_project_id "
            "LEFT JOIN project_registry AS t ON t.project_id = target_project_id ORDER BY seq"
        )
        return found


def refused(call: Any, *arguments: Any, **options: Any) -> CleoError:
    """The error that a call ends with."""
    try:
        found = call(*arguments, **options)
    except CleoError as error:
        return error
    raise AssertionError(f"it was not refused: {found}")
