"""The helper that gives the tests several projects."""

from __future__ import annotations

from typing import Any


def test_projects_made_side_by_side_have_ids_and_tasks_of_their_own(atlas: Any) -> None:
    for name in ("web", "api", "docs"):
        atlas.project(name, titles=2)
    assert len({atlas.id(name) for name in ("web", "api", "docs")}) == 3
    assert [one["slug"] for one in atlas.nexus("web").projects()] == ["api", "docs", "web"]
    assert atlas.app("api").exists("task", ["T002", "T003"]) == {"T002": True, "T003": False}
    assert atlas.app("web").exists("project_task", [f"{atlas.id('api')}:T001"]) == {
        f"{atlas.id('api')}:T001": True
    }
