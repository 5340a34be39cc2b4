"""What can be started now, and what comes first."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Clock, Outcome
from cleo_tasks.service import readiness
from cleo_tasks.service.work import Work
from cleo_tasks.store import ready as store

_graphs = runpy.run_path(str(Path(__file__).with_name("random_graphs.py")))
projects, write, forced, Model = (
    _graphs[name] for name in ("projects", "write", "forced", "Model")
)

#: One project serves all examples; each example replaces its rows.
SHARED = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "labels": st.lists(st.sampled_from(("x", "y")), unique=True),
        "phase": st.sampled_from(("alpha", "beta", "gamma")),
        "type": st.sampled_from(("epic", "task", "subtask")),
        "role": st.sampled_from(("work", "bug")),
        "priority": st.sampled_from(("critical", "high", "medium", "low")),
    },
)


@pytest.fixture
def apps(cleo_open: Callable[..., App], cleo_clock: Clock) -> dict[str | None, App]:
    """An App of nobody and one of each agent, under a clock that stands still."""
    return {agent: cleo_open(agent=agent) for agent in (None, "a1", "a2")}


@pytest.mark.guarantee(
    "tasks-07", "next gives exactly the tasks that sorting all ready ones by their score gives"
)
@SHARED
@given(
    draft=projects(),
    n=st.integers(1, 6),
    agent=st.sampled_from((None, "a1", "a2")),
    filters=FILTERS,
)
def test_next_equals_sorting_everything(
    apps: dict[str | None, App],
    cleo_project: Path,
    draft: dict[str, Any],
    n: int,
    agent: str | None,
    filters: dict[str, Any],
) -> None:
    write(cleo_project, draft)
    found = apps[agent].service("tasks").next(n, **filters, explain=True)
    expected = Model(cleo_project).ready(agent, **filters)[:n]
    assert [(one.task.id, one.score) for one in found] == expected
    for one in found:
        assert one.task.ready
        assert sum(one.parts.values()) == one.score


@pytest.mark.guarantee("tasks-07", "inside a narrow session, next sorts the tasks of its scope")
@SHARED
@given(draft=projects(), n=st.integers(1, 4), filters=FILTERS, data=st.data())
def test_next_in_a_narrow_session_equals_sorting_its_subtree(
    apps: dict[str | None, App],
    cleo_project: Path,
    draft: dict[str, Any],
    n: int,
    filters: dict[str, Any],
    data: st.DataObject,
) -> None:
    write(cleo_project, draft)
    scopes = [one for one in draft["tasks"] if one["type"] != "subtask"]
    if not scopes:
        return
    scope = data.draw(st.sampled_from(scopes))
    open_session(cleo_project, "a1", scope)
    model = Model(cleo_project)
    service = apps["a1"].service("tasks")
    expected = model.ready("a1", below=model.subtree(scope["id"]), **filters)
    found = service.next(n, **filters)
    assert [(one.task.id, one.score) for one in found] == expected[:n]
    lines, page = service.ready(mine=True, limit=3, **filters)
    assert [line.id for line in lines] == [id_ for id_, _ in expected[:3]]
    assert page.total == len(expected)


@SHARED
@given(
    draft=projects(),
    filters=FILTERS,
    limit=st.integers(1, 5),
    offset=st.integers(0, 6),
    widened=st.sampled_from(({}, {"mine": True}, {"claimed": True})),
)
def test_ready_pages_through_all_ready_tasks_in_the_order_of_next(
    apps: dict[str | None, App],
    cleo_project: Path,
    draft: dict[str, Any],
    filters: dict[str, Any],
    limit: int,
    offset: int,
    widened: dict[str, bool],
) -> None:
    write(cleo_project, draft)
    holder = "*" if "claimed" in widened else "a1" if widened else None
    expected = [id_ for id_, _ in Model(cleo_project).ready(holder, **filters)]
    lines, page = (
        apps["a1"].service("tasks").ready(**filters, **widened, limit=limit, offset=offset)
    )
    assert [line.id for line in lines] == expected[offset : offset + limit]
    assert (page.limit, page.offset, page.total) == (limit, offset, len(expected))
    assert all(line.ready for line in lines)


@SHARED
@given(draft=projects(), filters=FILTERS, n=st.integers(1, 4))
def test_reading_by_a_rare_label_and_by_ranges_gives_the_same(
    apps: dict[str | None, App],
    cleo_project: Path,
    draft: dict[str, Any],
    filters: dict[str, Any],
    n: int,
) -> None:
    write(cleo_project, draft)
    db = apps["a1"].store("tasks")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(readiness, "RARE", 0)
        ranges = readiness.candidates(db, n, filters=filters, agent="a1")
    listed = readiness.candidates(db, n, filters=filters, agent="a1")
    assert [(one.id, one.score) for one in ranges] == [(one.id, one.score) for one in listed]


def test_candidates_in_a_unit_see_what_the_unit_wrote(cleo_app: App) -> None:
    service = cleo_app.service("tasks")
    service.add("first", priority="critical")
    service.add("second")

    def body(unit: Any) -> tuple[list[str], list[str]]:
        work = Work(unit, cleo_app, "task.claim")
        before = [one.id for one in readiness.candidates(work, 2)]
        unit.execute(
            "UPDATE tasks SET assignee = 'a', claimed_at = :now WHERE id = 'T001'", now=unit.now
        )
        return before, [one.id for one in readiness.candidates(work, 2)]

    assert cleo_app.write("tasks", body) == (["T001", "T002"], ["T002"])


def test_a_task_with_an_open_subtask_is_not_suggested_until_the_subtask_is_closed(
    cleo_cli: Callable[..., Outcome], cleo_project: Path
) -> None:
    cleo_cli("add", "the whole", "--priority", "critical")
    cleo_cli("add", "a part", "--parent", "T001")
    assert [one["task"]["id"] for one in cleo_cli("next", "-n", "5").data] == ["T002"]
    assert cleo_cli("ready").page["total"] == 1
    cleo_cli("complete", "T002")
    cleo_cli("reopen", "T001")
    assert [one["task"]["id"] for one in cleo_cli("next", "-n", "5").data] == ["T001"]


def test_next_explains_each_score_only_when_asked(
    cleo_cli: Callable[..., Outcome], cleo_project: Path
) -> None:
    cleo_cli("add", "one", "--priority", "high")
    assert "parts" not in cleo_cli("next").data[0]
    explained = cleo_cli("next", "--explain").data[0]
    assert explained["score"] == 75
    assert explained["parts"] == {"priority": 75, "phase": 0, "dependencies": 0, "age": 0}


def test_nothing_ready_is_an_empty_answer_and_no_error(
    cleo_cli: Callable[..., Outcome], cleo_project: Path
) -> None:
    assert cleo_cli("next").data == []
    listed = cleo_cli("ready")
    assert listed.data == []
    assert listed.page == {"limit": 20, "offset": 0, "total": 0, "hasMore": False}
    assert "Nothing is ready" in cleo_cli("next", "--human").out


def test_people_see_scores_and_tasks(cleo_cli: Callable[..., Outcome], cleo_project: Path) -> None:
    cleo_cli("add", "mend the \x1b[31mroof")
    shown = cleo_cli("next", "--explain", "--human").out
    assert "T001" in shown
    assert "priority 50" in shown
    assert "\x1b" not in shown


def test_a_session_of_a_purged_task_leaves_nothing_in_scope(
    cleo_cli: Callable[..., Outcome], cleo_project: Path
) -> None:
    cleo_cli("add", "something")
    with forced(cleo_project) as tx:
        tx.execute(
            "INSERT INTO sessions (id, name, scope_kind, agent_id, started_at, last_activity_at) "
            "VALUES ('ses_20260101000000_aaaaaa', 's', 'task', 'a1', :now, :now)",
            now="2026-01-01T00:00:00.000Z",
        )
    assert cleo_cli("next", agent="a1").data == []
    assert cleo_cli("ready", agent="a1").page["total"] == 0
    assert len(cleo_cli("next").data) == 1


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        (["next", "-n", "0"], 2),
        (["next", "-n", "-5"], 2),
        (["next", "-n", "many"], 2),
        (["next", "--priority", "urgent"], 2),
        (["next", "--type", "story"], 2),
        (["next", "--role", "boss"], 2),
        (["next", "--label", "Not A Label"], 2),
        (["next", "--phase", "No Such!"], 2),
        (["next", "--session", "ses_nowhere"], 31),
        (["ready", "--limit", "0"], 2),
        (["ready", "--offset", "-1"], 2),
        (["ready", "--label", "\udcff"], 2),
        (["ready", "--session", "'; DROP TABLE tasks; --"], 31),
    ],
)
def test_a_wrong_value_is_one_clear_error(
    cleo_cli: Callable[..., Outcome], cleo_project: Path, arguments: list[str], exit_code: int
) -> None:
    outcome = cleo_cli(*arguments, "--json")
    assert outcome.code == exit_code
    assert outcome.error["fix"]
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    "arguments", [["next", "-n", str(2**70)], ["ready", "--offset", str(2**70)]]
)
def test_huge_numbers_are_no_problem(
    cleo_cli: Callable[..., Outcome], cleo_project: Path, arguments: list[str]
) -> None:
    cleo_cli("add", "one")
    assert cleo_cli(*arguments).code == 0


def test_numbers_stand_for_priorities(cleo_cli: Callable[..., Outcome], cleo_project: Path) -> None:
    cleo_cli("add", "one", "--priority", "1")
    assert len(cleo_cli("next", "--priority", "2").data) == 1
    assert cleo_cli("next", "--priority", "9").data == []


def test_no_statement_of_readiness_reads_a_whole_table(cleo_app: App) -> None:
    db = cleo_app.store("tasks")
    for statement in (store.ACTIVE_PHASE, store.LABELLED, *store.statements()):
        plan = [row["detail"] for row in plan_of(db, statement)]
        assert not [step for step in plan if scans(step)], (statement, plan)


@pytest.mark.parametrize("in_phase", [False, True])
def test_the_ranges_are_read_in_the_order_of_their_index(cleo_app: App, in_phase: bool) -> None:
    plan = plan_of(cleo_app.store("tasks"), store.range_statement((), in_phase=in_phase))
    details = [row["detail"] for row in plan]
    index = "ix_tasks_ready_phase (phase=? AND" if in_phase else "ix_tasks_ready ("
    assert details[0] == f"SEARCH t USING INDEX {index}{'' if not in_phase else ' '}" + (
        "priority=? AND has_dependencies=?)"
    )
    assert not [step for step in details if "TEMP B-TREE" in step]


def test_counting_ready_tasks_reads_nothing_but_the_index(cleo_app: App) -> None:
    db = cleo_app.store("tasks")
    plan = [row["detail"] for row in plan_of(db, store.count_statement(()))]
    assert plan[0] == "SEARCH t USING INDEX ix_tasks_ready (priority=?)"
    program = db.read(f"EXPLAIN {store.count_statement(())}")
    table = db.scalar("SELECT rootpage FROM sqlite_master WHERE name = 'tasks'")
    cursors = {row["p1"] for row in program if row["opcode"] == "OpenRead" and row["p2"] == table}
    assert not [row for row in program if row["opcode"] == "Column" and row["p1"] in cursors]


def test_next_refuses_less_than_one_task(cleo_app: App) -> None:
    with pytest.raises(CleoError) as refused:
        cleo_app.service("tasks").next(0)
    assert refused.value.exit == 2


def scans(step: str) -> bool:
    """Whether a step of a plan reads all rows of a table, by itself or through an index."""
    return step.startswith("SCAN ") and step.split()[1] not in ("down", "json_each", "(subquery-1)")


def plan_of(db: Any, statement: str) -> list[dict[str, Any]]:
    """EXPLAIN QUERY PLAN of a statement, its parameters bound to NULL."""
    import re

    names = set(re.findall(r":([a-z_]+)", statement))
    found: list[dict[str, Any]] = db.read(f"EXPLAIN QUERY PLAN {statement}", **dict.fromkeys(names))
    return found


def open_session(project: Path, agent: str, scope: dict[str, Any]) -> None:
    """An active session narrowed to a task, made by hand."""
    kind = "epic" if scope["type"] == "epic" else "task"
    with forced(project) as tx:
        tx.execute(
            "INSERT INTO sessions (id, name, scope_kind, scope_task_id, agent_id, started_at, "
            "last_activity_at) VALUES ('ses_20260101000000_abcdef', 's', :kind, :scope, :agent, "
            ":now, :now)",
            kind=kind,
            scope=scope["id"],
            agent=agent,
            now="2026-01-01T00:00:00.000Z",
        )
