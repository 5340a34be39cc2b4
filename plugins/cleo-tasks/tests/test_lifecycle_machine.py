"""Random sequences of lifecycle verbs among others: stages, mirror, moves and log agree."""

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
    precondition,
    rule,
    run_state_machine_as_test,
)

from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome
from cleo_tasks.enums import STAGES
from cleo_tasks.service.lifecycle.definitions import STAGE_OF_GATE

#: What a verb may answer: every other exit is a defect.
ANSWERS = frozenset({2, 4, 5, 6, 10, 11, 12, 13, 14, 16, 17, 19, 42, 80, 83, 84, 102})

INDEX = st.integers(0, 3)
#: Those that have a pipeline, and now and then one that has none.
OWNER = st.sampled_from([0, 3, 0, 3, 0, 3, 0, 3, 1, 2])
STAGE = st.none() | st.sampled_from(STAGES)
FORCE = st.sampled_from([False, False, False, True])
REASON = st.sampled_from([None, *["because"] * 5])
CHILDREN = st.sampled_from(["block", "cascade", "orphan"])

#: What no sequence of verbs may leave behind, by what it is.
WRONG = {
    "an open task is in the current stage of its pipeline": """
        SELECT t.id, t.pipeline_stage, p.status, p.current_stage_id FROM tasks AS t
        JOIN lifecycle_pipelines AS p ON p.task_id = t.id
        WHERE coalesce(t.archived_from, t.status) NOT IN ('done', 'cancelled')
        AND p.current_stage_id <> p.id || '/' || t.pipeline_stage""",
    "a pipeline is cancelled together with its task": """
        SELECT t.id, t.status, p.status FROM tasks AS t
        JOIN lifecycle_pipelines AS p ON p.task_id = t.id
        WHERE (p.status = 'cancelled' AND coalesce(t.archived_from, t.status) <> 'cancelled')
        OR (t.status = 'cancelled' AND p.status IN ('active', 'blocked', 'failed'))""",
    "a pipeline that runs is what its current stage and release say": """
        SELECT p.id, p.status, s.status, r.status FROM lifecycle_pipelines AS p
        JOIN lifecycle_stages AS s ON s.id = p.current_stage_id
        JOIN lifecycle_stages AS r ON r.id = p.id || '/release'
        WHERE p.status NOT IN ('aborted', 'cancelled') AND p.status <> CASE
            WHEN r.status IN ('completed', 'skipped') THEN 'completed'
            WHEN s.status IN ('blocked', 'failed') THEN s.status ELSE 'active' END
        OR (p.completed_at IS NOT NULL) <> (p.status = 'completed')""",
    "a pipeline has its ten stages": """
        SELECT pipeline_id, count(*) FROM lifecycle_stages
        GROUP BY pipeline_id HAVING count(*) <> 10""",
    "contribution is never the current stage": """
        SELECT id FROM lifecycle_pipelines WHERE current_stage_id = id || '/contribution'""",
    "times and reasons of a stage fit its status": """
        SELECT id, status FROM lifecycle_stages
        WHERE (completed_at IS NOT NULL) <> (status = 'completed')
        OR (blocked_at IS NOT NULL) <> (status = 'blocked')
        OR (skipped_at IS NOT NULL) <> (status = 'skipped')
        OR (skip_reason IS NOT NULL) <> (status = 'skipped')
        OR (block_reason IS NOT NULL AND status NOT IN ('blocked', 'failed'))""",
}


class Lifecycles(RuleBasedStateMachine):
    """Four tasks of one project, new for every example."""

    app: App
    steps = 0

    @initialize(given=STAGE)
    def begin(self, given: str | None) -> None:
        tasks = self.app.service("tasks")
        self.ids: list[str] = []
        self.steps = 0
        for kind, parent in (("epic", None), ("task", 0), ("subtask", 1), ("task", None)):
            added = tasks.add(
                "x",
                type=kind,
                parent=None if parent is None else self.ids[parent],
                allow_duplicate=True,
            )
            self.ids.append(added.task.id)
        self.start(0, None, None, False)
        self.start(3, given, "adopted", True)

    @rule(index=OWNER, stage=STAGE, reason=REASON, force=FORCE)
    def start(self, index: int, stage: str | None, reason: str | None, force: bool) -> None:
        self.run(
            lambda tasks: tasks.lifecycle_start(self.pick(index), stage, reason=reason, force=force)
        )

    @rule(index=OWNER, stage=STAGE, advance=st.booleans(), reason=REASON, force=FORCE)
    def complete(
        self, index: int, stage: str | None, advance: bool, reason: str | None, force: bool
    ) -> None:
        self.run(
            lambda tasks: tasks.lifecycle_complete(
                self.pick(index), stage, advance=advance, note="n", reason=reason, force=force
            )
        )

    @rule(index=OWNER, times=st.integers(1, 5))
    def go_on(self, index: int, times: int) -> None:
        """So that the later stages are reached by the rules as well."""
        id_ = self.pick(index)
        for _ in range(times):
            stage = self.read(f"SELECT pipeline_stage FROM tasks WHERE id = '{id_}'")
            for gate, home in STAGE_OF_GATE.items():
                if stage and home == stage[0]["pipeline_stage"]:
                    self.gate(index, gate, "pass", None)
            self.run(lambda tasks: tasks.lifecycle_complete(id_, advance=True))

    @rule(index=OWNER, stage=STAGE, reason=REASON, force=FORCE)
    def skip(self, index: int, stage: str | None, reason: str | None, force: bool) -> None:
        self.run(
            lambda tasks: tasks.lifecycle_skip(self.pick(index), stage, reason=reason, force=force)
        )

    @rule(index=OWNER, stage=st.sampled_from(STAGES), reason=REASON, force=FORCE)
    def back(self, index: int, stage: str, reason: str | None, force: bool) -> None:
        self.run(
            lambda tasks: tasks.lifecycle_back(self.pick(index), stage, reason=reason, force=force)
        )

    @rule(
        index=OWNER,
        status=st.sampled_from(["in_progress", "blocked", "failed"]),
        stage=st.none() | STAGE,
        reason=REASON,
    )
    def set(self, index: int, status: str, stage: str | None, reason: str | None) -> None:
        self.run(lambda tasks: tasks.lifecycle_set(self.pick(index), status, stage, reason=reason))

    @rule(
        index=OWNER,
        gate=st.sampled_from(sorted(STAGE_OF_GATE)),
        result=st.sampled_from(["pass", "fail", "warn"]),
        stage=STAGE,
    )
    def gate(self, index: int, gate: str, result: str, stage: str | None) -> None:
        self.run(
            lambda tasks: tasks.lifecycle_gate(
                self.pick(index), gate, result, stage=stage, reason="seen"
            )
        )

    @precondition(lambda self: self.rare())
    @rule(index=OWNER)
    def abort(self, index: int) -> None:
        self.run(lambda tasks: tasks.lifecycle_abort(self.pick(index), reason="stop"))

    @precondition(lambda self: self.rare())
    @rule(index=INDEX, children=CHILDREN)
    def cancel(self, index: int, children: str) -> None:
        self.run(lambda tasks: tasks.cancel(self.pick(index), children=children))

    @rule(index=INDEX)
    def reopen(self, index: int) -> None:
        self.run(lambda tasks: tasks.reopen(self.pick(index)))

    @rule(index=INDEX, children=CHILDREN, archived=st.booleans())
    def cancel_and_reopen(self, index: int, children: str, archived: bool) -> None:
        self.cancel(index, children)
        if archived:
            self.archive(index)
            self.unarchive(index)
        self.reopen(index)

    @precondition(lambda self: self.rare())
    @rule(index=INDEX)
    def complete_task(self, index: int) -> None:
        self.run(lambda tasks: tasks.complete(self.pick(index)))

    @precondition(lambda self: self.rare())
    @rule(index=INDEX, children=CHILDREN)
    def delete(self, index: int, children: str) -> None:
        self.run(lambda tasks: tasks.delete(self.pick(index), children=children))

    @precondition(lambda self: self.rare())
    @rule(index=INDEX)
    def archive(self, index: int) -> None:
        self.run(lambda tasks: tasks.archive(self.pick(index)))

    @rule(index=INDEX)
    def unarchive(self, index: int) -> None:
        self.run(lambda tasks: tasks.unarchive(self.pick(index)))

    @rule(index=INDEX, children=CHILDREN)
    def delete_and_unarchive(self, index: int, children: str) -> None:
        self.delete(index, children)
        self.unarchive(index)

    @precondition(lambda self: self.rare())
    @rule(index=INDEX)
    def purge(self, index: int) -> None:
        self.run(lambda tasks: tasks.delete(self.pick(index), purge=True))

    @rule(index=INDEX, status=st.sampled_from(["active", "blocked", "pending"]))
    def set_task(self, index: int, status: str) -> None:
        self.run(lambda tasks: tasks.update(self.pick(index), status=status))

    @rule(index=INDEX, stage=st.sampled_from(STAGES))
    def stage_of_task(self, index: int, stage: str) -> None:
        self.run(lambda tasks: tasks.update(self.pick(index), stage=stage))

    @rule(index=INDEX, to=st.none() | INDEX)
    def move(self, index: int, to: int | None) -> None:
        parent = "root" if to is None else self.pick(to)
        self.run(lambda tasks: tasks.update(self.pick(index), parent=parent))

    @invariant()
    def nothing_disagrees(self) -> None:
        for what, sql in WRONG.items():
            assert self.read(sql) == [], what
        assert self.read("PRAGMA foreign_key_check") == []

    def rare(self) -> bool:
        """Verbs that end much are tried less often."""
        return self.steps % 4 == 0

    def pick(self, index: int) -> str:
        return self.ids[index]

    def read(self, sql: str) -> list[dict[str, Any]]:
        return self.app.store("tasks").read(sql)

    def last(self) -> int:
        return int(self.read("SELECT coalesce(max(id), 0) AS last FROM audit_log")[0]["last"])

    def run(self, verb: Callable[[Any], Any]) -> None:
        """Run a verb; what it changed, what the log says and the moves have to be the same."""
        before, moves, last = self.state(), self.moves(), self.last()
        self.steps += 1
        refused: CleoError | None = None
        try:
            verb(self.app.service("tasks"))
        except CleoError as error:
            refused = error
        if refused is not None:
            assert refused.exit in ANSWERS, refused
            assert refused.fix
            assert (self.state(), self.moves(), self.last()) == (before, moves, last)
            return
        after = self.state()
        changed = {key for key in {*before, *after} if before.get(key) != after.get(key)}
        purged = {key for key in before if key not in after and key[0] == "pipeline"}
        logged = [
            (row["entity_kind"], row["entity_id"])
            for row in self.read("SELECT id, entity_id, entity_kind FROM audit_log")
            if row["id"] > last
        ]
        assert sorted(logged) == sorted(changed - purged)
        self.check_moves(before, after, moves)

    def check_moves(self, before: Any, after: Any, moves: list[dict[str, Any]]) -> None:
        """Each entry is one transition, from where the pipeline was to where it is."""
        new = self.moves()
        kept = [row for row in moves if ("pipeline", row["pipeline_id"]) in after]
        assert new[: len(kept)] == kept
        entered = {row["pipeline_id"]: row for row in new[len(kept) :]}
        assert len(entered) == len(new) - len(kept)
        for key, now in after.items():
            if key[0] != "pipeline":
                continue
            was = before.get(key)
            there = was and was[0]["current_stage_id"]
            here = now[0]["current_stage_id"]
            move = entered.get(key[1])
            if move is None:
                assert there == here
                continue
            assert move["to_stage_id"] == here
            assert move["from_stage_id"] == (None if there == here else there)
            assert now[0]["version"] == (was[0]["version"] + 1 if was else 1)

    def moves(self) -> list[dict[str, Any]]:
        return self.read("SELECT * FROM lifecycle_transitions ORDER BY id")

    def state(self) -> dict[tuple[str, str], Any]:
        """Everything of each task and pipeline that the log has to tell."""
        found: dict[tuple[str, str], Any] = {}
        for row in self.read("SELECT * FROM tasks"):
            for name in ("position", "dependency_count", "open_dependency_count"):
                del row[name]
            found["task", row["id"]] = row
        for row in self.read("SELECT * FROM lifecycle_pipelines"):
            found["pipeline", row["id"]] = [row]
        for sql in (
            "SELECT * FROM lifecycle_stages ORDER BY id",
            "SELECT r.*, s.pipeline_id FROM lifecycle_gate_results AS r "
            "JOIN lifecycle_stages AS s ON s.id = r.stage_id ORDER BY r.id",
        ):
            for row in self.read(sql):
                found["pipeline", row["pipeline_id"]].append(row)
        return found

    def teardown(self) -> None:
        """The next example begins with an empty table."""
        for sql in ("UPDATE tasks SET parent_id = NULL", "DELETE FROM tasks"):
            self.app.write("tasks", lambda unit, sql=sql: unit.execute(sql))


@pytest.mark.guarantee(
    "tasks-16", "No sequence of commands leaves a task and its pipeline in disagreement"
)
@pytest.mark.guarantee(
    "tasks-20", "Whatever is tried, each move of a pipeline is one transition and none is lost"
)
@pytest.mark.parametrize("mode", ["strict", "advisory"])
def test_no_sequence_of_verbs_breaks_a_pipeline(
    mode: str, cleo_cli: Callable[..., Outcome], cleo_open: Callable[..., App], cleo_project: Any
) -> None:
    assert cleo_cli("config", "set", "tasks.lifecycle.mode", mode).code == 0
    run_state_machine_as_test(
        type("Machine", (Lifecycles,), {"app": cleo_open()}),
        settings=settings(
            max_examples=8,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
