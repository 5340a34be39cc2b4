"""Twenty projects of real tasks: registered, moved, copied, renamed and removed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.testing import Outcome
from cleo_nexus.service import access

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
#: Folder -> how its tasks are imported, from which file, and how many there are at least.
SOURCES = {
    "beads": ("import_beads", "beads/beads_rust.issues.jsonl", 512),
    "cleo": ("import_cleo", "cleo-ts/active-tasks.json", 527),
    "master": ("import_task_master", "task-master/claude-task-master.tasks.json", 1000),
}

Cli = Callable[..., Outcome]


@pytest.mark.skipif(
    not all((DATA / path).exists() for _, path, _ in SOURCES.values()),
    reason="shared/data is not here",
)
def test_twenty_real_projects_are_found_again_whatever_became_of_them(
    atlas: Any, cleo_cli: Cli
) -> None:
    for name, (verb, path, _) in SOURCES.items():
        atlas.project(name)
        getattr(atlas.tasks(name), verb)(str(DATA / path))
    names = [*SOURCES, *(f"{list(SOURCES)[n % 3]}-{n:02d}" for n in range(3, 20))]
    for name in names[3:]:
        atlas.project(name, like=name.partition("-")[0])
    synced = atlas.nexus("cleo").sync(everything=True)
    assert [one.slug for one in synced.synced] == sorted(names)
    for one in synced.synced:
        assert one.task_count >= SOURCES[one.slug.partition("-")[0]][2] * 0.9
        assert one.health.status == "healthy"
    ids = {name: atlas.id(name) for name in names}
    atlas.close()

    moved, copied, renamed, removed = (names[start : start + 4] for start in (3, 7, 11, 15))
    for name in moved:
        target = atlas.root(f"elsewhere/{name}")
        target.parent.mkdir(exist_ok=True)
        atlas.root(name).rename(target)
    for name in copied:
        shutil.copytree(atlas.root(name), atlas.root(f"{name}-copy"))
    for name in removed:
        shutil.rmtree(atlas.root(name))
    outcomes = {
        **{name: _outcome(cleo_cli, atlas.root(f"elsewhere/{name}")) for name in moved},
        **{name: _outcome(cleo_cli, atlas.root(name)) for name in (*copied, *names[:3])},
        **{f"{name}-copy": _outcome(cleo_cli, atlas.root(f"{name}-copy")) for name in copied},
    }
    for name in renamed:
        atlas.nexus("cleo").rename(name, slug=f"now-{name}")
    assert outcomes == {
        **dict.fromkeys(moved, "moved"),
        **dict.fromkeys((*copied, *names[:3]), "ok"),
        **{f"{name}-copy": "E_PROJECT_COPY" for name in copied},
    }
    for name in copied:
        found = cleo_cli("nexus", "reconcile", "--new-id", cwd=atlas.root(f"{name}-copy"))
        assert (found.data["outcome"], found.data["project"]["slug"]) == ("new_id", f"{name}-2")
    cleaned = atlas.nexus("cleo").clean(missing=True, yes=True)
    assert sorted(one.slug for one in cleaned.matched) == sorted(removed)

    left = atlas.nexus("cleo").projects()
    assert {one["slug"]: one["id"] for one in left} == {
        **{name: ids[name] for name in names if name not in (*renamed, *removed)},
        **{f"now-{name}": ids[name] for name in renamed},
        **{f"{name}-2": atlas.id(f"{name}-copy") for name in copied},
    }
    # Every name that is shown leads to the tasks of its project, and so do the former ones.
    app = atlas.app("cleo")
    for slug in [*(one["slug"] for one in left), *renamed]:
        row, reference = access.locate(app, app.store("nexus"), f"{slug}:T001", "read")
        ref = f"{row['project_id']}:{reference.task}"
        assert app.exists("project_task", [ref]) == {ref: True}
        with app.for_project(row["project_path"], foreign=True) as there:
            assert there.service("tasks").features(["T001"])[0].title
    assert sorted(one.slug for one in atlas.nexus("cleo").sync(everything=True).synced) == sorted(
        one["slug"] for one in left
    )


def _outcome(cleo_cli: Cli, root: Path) -> str:
    found = cleo_cli("nexus", "reconcile", cwd=root)
    return str(found.data["outcome"] if found.code == 0 else found.error["code"])
