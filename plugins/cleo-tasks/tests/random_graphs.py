"""Random projects for tests, and what the specification says of them, worked out the slow way."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from cleo_core import clock
from cleo_core.database import Database

OPEN = ("pending", "active", "blocked", "proposed")
POINTS = {"critical": 100, "high": 75, "medium": 50, "low": 25}
BELOW = {None: ("epic", "task"), "epic": ("epic", "task"), "task": ("subtask",), "subtask": ()}
WEEK = 7 * 24 * 3600
#: What ``tasks.hierarchy.max_depth`` is when nobody sets it.
DEEPEST = 3


@st.composite
def projects(draw: st.DrawFn, most: int = 16) -> dict[str, Any]:
    """Tasks whose waiting graph has no loop: each waits only for tasks later in the list.

    Half of the projects are flat: pending tasks that differ in little, so that many compete.
    """
    flat = draw(st.booleans())
    size = draw(st.integers(0, most))
    numbers = draw(st.permutations(range(1, size + 1)))
    made: list[dict[str, Any]] = []
    levels: dict[str | None, int] = {None: 0}
    for place in range(size):
        above = [None, *(one for one in made if BELOW[one["type"]] and levels[one["id"]] < DEEPEST)]
        parent = None if flat else draw(st.sampled_from(above))
        words = ("pending",) * 6 + OPEN + ("done", "cancelled", "archived")
        status = "pending" if flat else draw(st.sampled_from(words))
        holder = None if flat else draw(st.sampled_from((None, None, None, "a1", "a2")))
        made.append(
            {
                "seq": numbers[place],
                "id": f"T{numbers[place]:03d}",
                "parent_id": parent and parent["id"],
                "type": "task" if flat else draw(st.sampled_from(BELOW[parent and parent["type"]])),
                "status": status,
                "priority": draw(st.sampled_from(("high", "medium") if flat else tuple(POINTS))),
                "role": draw(st.sampled_from(("work", "work", "bug"))),
                "phase": draw(st.sampled_from((None, None, "alpha", "beta"))),
                "assignee": holder if status in OPEN else None,
                "weeks": draw(st.sampled_from((15, 16, 19, 3) if flat else (*range(-2, 22),))),
                "position": draw(st.integers(0, 4)),
                "labels": draw(st.lists(st.sampled_from(("x", "y")), unique=True)),
            }
        )
        levels[made[-1]["id"]] = 1 + levels[made[-1]["parent_id"]]
    pairs = [(one["id"], two["id"]) for i, one in enumerate(made) for two in made[i + 1 :]]
    most_edges = 2 if flat else 2 * size
    edges = (
        draw(st.lists(st.sampled_from(pairs), max_size=most_edges, unique=True)) if pairs else []
    )
    return {"tasks": made, "edges": edges, "active": draw(st.sampled_from((None, "alpha", "beta")))}


def write(project: Path, draft: dict[str, Any], extra: Iterable[tuple[str, str]] = ()) -> None:
    """Put a drafted project into ``tasks.db`` in place of what was there.

    :param extra: further edges, which may close loops.
    """
    with forced(project) as tx:
        for statement in ("UPDATE tasks SET parent_id = NULL", "DELETE FROM sessions"):
            tx.execute(statement)
        for table in ("task_dependencies", "task_relations", "task_labels", "tasks", "phases"):
            tx.execute(f"DELETE FROM {table}")
        for place, slug in enumerate(("alpha", "beta"), 1):
            tx.execute(
                "INSERT INTO phases (slug, name, position, status) VALUES (:s, :s, :p, :status)",
                s=slug,
                p=place,
                status="active" if slug == draft["active"] else "pending",
            )
        for one in draft["tasks"]:
            _insert(tx, one)
        for task, target in dict.fromkeys([*draft["edges"], *extra]):
            tx.execute(
                "INSERT INTO task_dependencies (task_id, depends_on, created_at) "
                "VALUES (:task, :target, :now)",
                task=task,
                target=target,
                now=clock.now(),
            )


@contextmanager
def forced(project: Path) -> Any:
    """A write unit in which neither CHECKs nor foreign keys hold."""
    database = Database(str(project / ".cleo" / "tasks.db"), "tasks")
    database.connection.execute("PRAGMA foreign_keys=OFF")
    database.connection.execute("PRAGMA ignore_check_constraints=ON")
    try:
        with database.write() as tx:
            yield tx
    finally:
        database.close()


class Model:
    """A project as its rows say, and what follows from them by plain definition."""

    def __init__(self, project: Path) -> None:
        database = Database(str(project / ".cleo" / "tasks.db"), "tasks", write=False)
        rows = database.read("SELECT * FROM tasks ORDER BY seq")
        self.tasks = {row["id"]: row for row in rows}
        self.edges = {
            (row["task_id"], row["depends_on"])
            for row in database.read("SELECT task_id, depends_on FROM task_dependencies")
        }
        self.labels: dict[str, set[str]] = {id_: set() for id_ in self.tasks}
        for row in database.read("SELECT label, task_id FROM task_labels"):
            self.labels[row["task_id"]].add(row["label"])
        self.active = database.scalar("SELECT slug FROM phases WHERE status = 'active'")
        database.close()
        children = {(row["parent_id"], row["id"]) for row in rows if row["parent_id"] is not None}
        #: (task, what it waits for): dependencies, and children of parents.
        self.waits = self.edges | children

    def is_open(self, id_: str) -> bool:
        return self.tasks[id_]["status"] in OPEN

    def open_waits(self, within: set[str] | None = None) -> dict[str, set[str]]:
        """Open task -> the open tasks it waits for."""
        inside = [
            id_ for id_ in self.tasks if self.is_open(id_) and (within is None or id_ in within)
        ]
        return {
            id_: {two for one, two in self.waits if one == id_ and two in inside} for id_ in inside
        }

    def subtree(self, id_: str) -> set[str]:
        found, before = {id_}, set[str]()
        while found != before:
            before = set(found)
            found |= {row["id"] for row in self.tasks.values() if row["parent_id"] in found}
        return found

    def waves(self, within: set[str] | None = None) -> list[list[str]]:
        left = self.open_waits(within)
        waves = []
        while left:
            wave = [id_ for id_, waits in left.items() if not waits & set(left)]
            waves.append(wave)
            left = {id_: waits for id_, waits in left.items() if id_ not in wave}
        return waves

    def critical_path(self, within: set[str] | None = None) -> list[str]:
        """Of all longest chains the first in the order of its numbers."""
        waits = self.open_waits(within)
        chains = [[id_] for id_ in waits]
        longest: list[list[str]] = []
        while chains:
            longest = chains
            chains = [
                [*chain, above] for chain in chains for above in waits if chain[-1] in waits[above]
            ]
        return min(longest, key=lambda chain: [self.tasks[id_]["seq"] for id_ in chain], default=[])

    def impact(self, id_: str) -> dict[str, int]:
        """Open task -> distance, for all that wait for this one."""
        found = {id_: 0}
        distance = 0
        while True:
            distance += 1
            fresh = {
                one
                for one, two in self.waits
                if found.get(two) == distance - 1 and self.is_open(one) and one not in found
            }
            if not fresh:
                del found[id_]
                return found
            found.update(dict.fromkeys(fresh, distance))

    def ready(
        self, agent: str | None = None, *, below: set[str] | None = None, **filters: Any
    ) -> list[tuple[str, int]]:
        """(id, score) of ready tasks that nobody or this agent holds, in the stated order."""
        week = int(clock.seconds() // WEEK)
        found = []
        for id_, row in self.tasks.items():
            if row["status"] != "pending" or row["type"] == "epic":
                continue
            if any(self.is_open(two) for one, two in self.waits if one == id_):
                continue
            if row["assignee"] is not None and agent not in (row["assignee"], "*"):
                continue
            if below is not None and id_ not in below:
                continue
            if not set(filters.get("labels", ())) <= self.labels[id_]:
                continue
            if any(
                filters.get(name) not in (None, row[name])
                for name in ("phase", "type", "role", "priority")
            ):
                continue
            born = int(clock.parse_time(row["created_at"])) // WEEK
            score = POINTS[row["priority"]] + min(max(week - born, 0), 15)
            score += 20 if self.active and row["phase"] == self.active else 0
            score += 10 if any(one == id_ for one, _ in self.edges) else 0
            found.append((-score, born, row["seq"], id_))
        return [(id_, -score) for score, _, _, id_ in sorted(found)]


def _insert(tx: Any, one: dict[str, Any]) -> None:
    created = clock.format_time(clock.seconds() - one["weeks"] * WEEK)
    status = one["status"]
    stage = {"done": "contribution", "cancelled": "cancelled"}.get(status, "implementation")
    tx.execute(
        "INSERT INTO tasks (seq, id, title, status, priority, type, role, parent_id, phase, "
        "position, assignee, claimed_at, pipeline_stage, created_at, updated_at, completed_at, "
        "cancelled_at, archived_at, archive_reason, archived_from) VALUES (:seq, :id, :title, "
        ":status, :priority, :type, :role, :parent_id, :phase, :position, :assignee, :claimed, "
        ":stage, :created, :created, :done, :cancelled, :archived, :reason, :origin)",
        **{key: value for key, value in one.items() if key not in ("weeks", "labels")},
        title=f"task {one['seq']}",
        claimed=created if one["assignee"] else None,
        stage=stage,
        created=created,
        done=created if status == "done" else None,
        cancelled=created if status == "cancelled" else None,
        archived=created if status == "archived" else None,
        reason="deleted" if status == "archived" else None,
        origin="pending" if status == "archived" else None,
    )
    for label in one["labels"]:
        tx.execute(
            "INSERT INTO task_labels (label, task_id) VALUES (:label, :id)",
            label=label,
            id=one["id"],
        )
