"""A transfer that is killed is gone on with, and ends as one that never was interrupted.

It is killed after each COMMIT of all files: what a unit did before its COMMIT goes with it, so that
a kill at any other statement leaves the same files.
"""

from __future__ import annotations

import runpy
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

World = runpy.run_path(str(Path(__file__).with_name("removals.py")))["World"]


@pytest.fixture
def world(cleo_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Three projects, and all their files kept."""
    monkeypatch.setenv("CLEO_PLUGINS", "tasks,nexus")
    made = World(cleo_home)
    made.keep()
    yield made
    made.close()


@pytest.mark.guarantee(
    "nexus-16",
    "A transfer that was killed, after whichever step, ends as an unbroken one when it is resumed.",
)
@pytest.mark.parametrize("mode", ["copy", "move"])
def test_a_transfer_is_killed_after_each_commit_and_gone_on_with(world: Any, mode: str) -> None:
    def transfer(nexus: Any) -> Any:
        return nexus.transfer(["T001"], "api", mode=mode)

    whole = transfer(world.nexus("web"))
    expected = world.picture()
    _check(expected, whole.id_map, mode)
    states = set()
    for commits in count(1):
        world.restore()
        if not world.killed(transfer, commits=commits):
            break
        journal = world.journal()
        if journal:
            states.add(journal[0].state)
            done = world.nexus("web").transfer_resume(journal[0].id)
        else:
            done = transfer(world.nexus("web"))
        assert done.state == "done"
        assert len(world.journal()) == 1
        assert done.id_map == whole.id_map
        assert world.picture() == expected, f"after {commits} commits: {journal}"
    assert states == {one.step for one in whole.steps if one.outcome == "done"}


def _check(picture: dict[str, Any], ids: dict[str, str], mode: str) -> None:
    """What is right whatever came before."""
    web = {row[0]: row for row in picture["web tasks"]}
    api = {row[0]: row for row in picture["api tasks"]}
    titles = Counter(row[1] for row in api.values())
    assert set(titles.values()) == {1}
    for old, new in ids.items():
        assert web[old][1] == api[new][1]
        assert (web[old][2], web[old][4]) == (
            ("archived", "transferred") if mode == "move" else (web[old][2], None)
        )
        assert web[old][2] != "archived" or mode == "move"
        assert (old, "nexus", f"api:{new}", "transferred", "outbound") in picture["web links"]
        assert (new, "nexus", f"web:{old}", "transferred", "inbound") in picture["api links"]
    assert len(picture["web links"]) == len(picture["api links"]) == len(ids)
    first, second = ids["T002"], ids["T003"]
    if mode == "copy":
        assert len(picture["edges"]) == 4
        assert picture["instances"][0][0] == "web:T001"
        return
    assert set(picture["edges"]) == {
        ("lib:T001", f"api:{first}"),
        (f"api:{second}", "lib:T002"),
        ("web:T004", f"api:{second}"),
        (f"api:{first}", "web:T005"),
    }
    assert {(first, "T002"), ("T001", second), (second, first)} <= set(picture["api waits"])
    assert ("T004", "T003") not in picture["web waits"]
    assert picture["instances"] == [
        (f"api:{ids['T001']}", f'{{"build": "api:{first}", "keep": "web:T005"}}', 2)
    ]
    assert web["T004"][5] == f"nexus: waits for api:{second}"
