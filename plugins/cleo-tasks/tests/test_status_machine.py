"""Random sequences of verbs: whatever is tried, the tables agree with each other and the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from cleo_core.app import App
from cleo_core.errors import CleoError

#: What a verb may answer: every other exit is a defect.
ANSWERS = frozenset({2, 4, 5, 6, 10, 11, 12, 13, 14, 16, 17, 19, 34, 35, 36, 80, 83, 100, 102})

INDEX = st.integers(0, 30)
#: Columns that a trigger or a sibling changes without a version or a row in the log.
BOOKKEEPING = ("position", "dependency_count", "open_dependency_count", "has_dependencies")

DISAGREEING = """
SELECT id, status, pipeline_stage, completed_at, cancelled_at, archived_from FROM tasks WHERE
    (coalesce(archived_from, status) = 'done') <> (pipeline_stage = 'contribution')
    OR (coalesce(archived_from, status) = 'cancelled') <> (pipeline_stage = 'cancelled')
    OR (coalesce(archived_from, status) = 'done') <> (completed_at IS NOT NULL)
    OR (coalesce(archived_from, status) = 'cancelled') <> (cancelled_at IS NOT NULL)
    OR (status = 'archived') <> (archived_at IS NOT NULL)
    OR (blocked_reason IS NOT NULL AND coalesce(archived_from, status) <> 'blocked')
"""
MIRROR = """
SELECT t.id, t.pipeline_stage, p.status, s.stage_name FROM tasks AS t
JOIN lifecycle_pipelines AS p ON p.task_id = t.id
JOIN lifecycle_stages AS s ON s.id = p.current_stage_id
WHERE t.status IN ('pending', 'active', 'blocked', 'proposed')
    AND (p.status = 'cancelled' OR t.pipeline_stage <> s.stage_name)
    OR t.status = 'cancelled' AND p.status = 'active'
"""
MISCOUNTED = """
SELECT t.id, t.dependency_count, t.open_dependency_count, count(o.id) AS counted FROM tasks AS t
LEFT JOIN task_dependencies AS d ON d.task_id = t.id
LEFT JOIN tasks AS o ON o.id = d.depends_on
    AND o.status IN ('pending', 'active', 'blocked', 'proposed')
GROUP BY t.id
HAVING t.dependency_count <> count(d.depends_on) OR t.open_dependency_count <> count(o.id)
"""
STRAY = """
SELECT child.id, child.status, parent.id, parent.status FROM tasks AS child
JOIN tasks AS parent ON parent.id = child.parent_id
WHERE child.status IN ('pending', 'active', 'blocked', 'proposed')
    AND parent.status NOT IN ('pending', 'active', 'blocked', 'proposed')
"""


class Verbs(RuleBasedStateMachine):
    """One project, in which every example works with tasks of its own."""

    app: App

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []

    @initialize()
    def begin(self) -> None:
        self.ids = []
        epic = self.add("epic", None)
        self.add("task", epic)
        self.add("task", epic)

    @rule(
        kind=st.sampled_from(["epic", "task", "subtask"]),
        parent=st.none() | INDEX,
        depends=st.lists(INDEX, max_size=2),
        status=st.sampled_from(["pending", "pending", "blocked", "proposed"]),
    )
    def add_task(self, kind: str, parent: int | None, depends: list[int], status: str) -> None:
        self.run(
            lambda tasks: self.ids.append(
                tasks.add(
                    "x",
                    type=kind,
                    parent=None if parent is None else self.pick(parent),
                    depends=[self.pick(one) for one in depends],
                    status=status,
                    allow_duplicate=True,
                ).task.id
            )
        )

    @rule(
        index=INDEX,
        status=st.sampled_from(["pending", "active", "blocked", "proposed", "done", "cancelled"]),
    )
    def set_status(self, index: int, status: str) -> None:
        self.run(lambda tasks: tasks.update(self.pick(index), status=status))

    @rule(index=INDEX, other=INDEX, remove=st.booleans())
    def change_edge(self, index: int, other: int, remove: bool) -> None:
        name = "remove_depends" if remove else "add_depends"
        self.run(lambda tasks: tasks.update(self.pick(index), **{name: [self.pick(other)]}))

    @rule(index=INDEX, to=st.none() | INDEX)
    def move(self, index: int, to: int | None) -> None:
        self.run(
            lambda tasks: tasks.update(
                self.pick(index), parent="root" if to is None else self.pick(to)
            )
        )

    @rule(index=INDEX, stage=st.sampled_from(["research", "testing", "contribution"]))
    def set_stage(self, index: int, stage: str) -> None:
        self.run(lambda tasks: tasks.update(self.pick(index), stage=stage))

    @rule(index=INDEX, also=st.none() | INDEX)
    def complete(self, index: int, also: int | None) -> None:
        self.run(lambda tasks: tasks.complete(*self.some(index, also)))

    @rule(
        index=INDEX,
        also=st.none() | INDEX,
        children=st.sampled_from(["block", "cascade", "orphan"]),
    )
    def cancel(self, index: int, also: int | None, children: str) -> None:
        self.run(lambda tasks: tasks.cancel(*self.some(index, also), children=children))

    @rule(index=INDEX, also=st.none() | INDEX, status=st.sampled_from(["pending", "active"]))
    def reopen(self, index: int, also: int | None, status: str) -> None:
        self.run(lambda tasks: tasks.reopen(*self.some(index, also), status=status))

    @rule(index=st.none() | INDEX)
    def archive(self, index: int | None) -> None:
        if index is None:
            self.run(lambda tasks: tasks.archive(all_done=True, cancelled=True))
        else:
            self.run(lambda tasks: tasks.archive(self.pick(index)))

    @rule(index=INDEX, also=st.none() | INDEX)
    def unarchive(self, index: int, also: int | None) -> None:
        self.run(lambda tasks: tasks.unarchive(*self.some(index, also)))

    @rule(
        index=INDEX,
        children=st.sampled_from(["block", "cascade", "orphan"]),
        detach=st.booleans(),
    )
    def delete(self, index: int, children: str, detach: bool) -> None:
        self.run(lambda tasks: tasks.delete(self.pick(index), children=children, detach=detach))

    @rule(index=INDEX, also=st.none() | INDEX)
    def purge(self, index: int, also: int | None) -> None:
        self.run(lambda tasks: tasks.delete(*self.some(index, also), purge=True))

    @rule(index=INDEX)
    def start(self, index: int) -> None:
        self.run(lambda tasks: tasks.start(self.pick(index)))

    @rule(index=INDEX)
    def start_pipeline(self, index: int) -> None:
        self.run(lambda tasks: tasks.lifecycle_start(self.pick(index)))

    @rule(index=INDEX)
    def advance_pipeline(self, index: int) -> None:
        self.run(
            lambda tasks: tasks.lifecycle_complete(
                self.pick(index), advance=True, force=True, reason="on with it"
            )
        )

    @invariant()
    def status_and_stage_agree(self) -> None:
        assert self.read(DISAGREEING) == []
        assert self.read(MIRROR) == []

    @invariant()
    def counters_equal_a_recount(self) -> None:
        assert self.read(MISCOUNTED) == []

    @invariant()
    def nothing_open_stands_below_something_closed(self) -> None:
        assert self.read(STRAY) == []

    @invariant()
    def every_reference_leads_somewhere(self) -> None:
        assert self.read("PRAGMA foreign_key_check") == []

    def add(self, kind: str, parent: str | None) -> str:
        task = self.app.service("tasks").add("x", type=kind, parent=parent, allow_duplicate=True)
        self.ids.append(task.task.id)
        return self.ids[-1]

    def pick(self, index: int) -> str:
        return self.ids[index % len(self.ids)]

    def some(self, index: int, also: int | None) -> list[str]:
        return [self.pick(one) for one in (index, also) if one is not None]

    def read(self, sql: str) -> list[dict[str, Any]]:
        return self.app.store("tasks").read(sql)

    def execute(self, sql: str, **params: Any) -> None:
        self.app.write("tasks", lambda unit: unit.execute(sql, **params))

    def run(self, verb: Callable[[Any], Any]) -> None:
        """Run a verb; what it changed and what the log says have to be the same."""
        before, last = self.state(), self.last()
        refused: CleoError | None = None
        try:
            verb(self.app.service("tasks"))
        except CleoError as error:
            refused = error
        if refused is not None:
            assert refused.exit in ANSWERS, refused
            assert refused.fix
            assert self.state() == before
            assert self.last() == last
            return
        after = self.state()
        changed = {id_ for id_ in {*before, *after} if before.get(id_) != after.get(id_)}
        logged = [
            row["entity_id"]
            for row in self.read("SELECT id, entity_id, entity_kind FROM audit_log")
            if row["id"] > last and row["entity_kind"] == "task"
        ]
        assert sorted(logged) == sorted(changed)

    def state(self) -> dict[str, tuple[Any, ...]]:
        """Everything of each task that the log has to tell."""
        labels: dict[str, list[str]] = {}
        edges: dict[str, list[str]] = {}
        for row in self.read("SELECT task_id, label FROM task_labels"):
            labels.setdefault(row["task_id"], []).append(row["label"])
        for row in self.read("SELECT task_id, depends_on FROM task_dependencies ORDER BY 1, 2"):
            edges.setdefault(row["task_id"], []).append(row["depends_on"])
        return {
            row["id"]: (
                *(value for name, value in row.items() if name not in BOOKKEEPING),
                labels.get(row["id"]),
                edges.get(row["id"]),
            )
            for row in self.read("SELECT * FROM tasks")
        }

    def last(self) -> int:
        return int(self.read("SELECT coalesce(max(id), 0) AS last FROM audit_log")[0]["last"])

    def teardown(self) -> None:
        """The next example begins with an empty table."""
        for sql in (
            "UPDATE tasks SET parent_id = NULL",
            "DELETE FROM tasks",
            "DELETE FROM sessions",
        ):
            self.execute(sql)


@pytest.fixture
def machine(cleo_app: App) -> type[Verbs]:
    """The machine on a project of its own."""
    return type("Machine", (Verbs,), {"app": cleo_app})


@pytest.mark.guarantee(
    "tasks-16", "No sequence of commands leaves status and stage of a task in disagreement"
)
@pytest.mark.guarantee(
    "tasks-08", "How many open tasks each task waits for is always what a recount gives"
)
@pytest.mark.guarantee(
    "tasks-24", "The log has one row for each task that a command changed, and no other"
)
def test_no_sequence_of_verbs_breaks_the_tables(machine: type[Verbs]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
