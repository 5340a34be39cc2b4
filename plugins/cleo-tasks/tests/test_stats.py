"""``stats`` and ``dash``."""

from __future__ import annotations

import re
import runpy
from collections import Counter
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_core.app import App, open_app
from cleo_core.errors import CleoError
from cleo_core.testing import Clock, Outcome
from cleo_tasks.api import STORE
from cleo_tasks.enums import TASK_PRIORITY, TASK_STATUS, TASK_TYPE
from cleo_tasks.store import stats as store

_graphs = runpy.run_path(str(Path(__file__).with_name("random_graphs.py")))
projects, write, Model, OPEN = (_graphs[name] for name in ("projects", "write", "Model", "OPEN"))

Cli = Callable[..., Outcome]

EMPTY = {
    "total": 0,
    "open": 0,
    "ready": 0,
    "blocked": 0,
    "waiting": 0,
    "heldUp": 0,
    "claimed": 0,
    "byStatus": dict.fromkeys(TASK_STATUS, 0),
    "byPriority": dict.fromkeys(TASK_PRIORITY, 0),
    "byType": dict.fromkeys(TASK_TYPE, 0),
    "byPhase": [],
}


@pytest.fixture
def morning(cleo_open: Callable[..., App], cleo_clock: Clock) -> Any:
    """Two agents at work in a project with two phases; gives the service with nobody acting."""
    service = cleo_open().service("tasks")
    one, two = cleo_open(agent="a1").service("tasks"), cleo_open(agent="a2").service("tasks")
    service.add("The parser", type="epic", phase="alpha", add_phase=True)  # T001
    service.add("Tokens", parent="T001", phase="alpha", priority="high")
    service.add("Grammar", parent="T001", phase="alpha", depends=["T002"])
    service.add("Errors", phase="beta", add_phase=True, priority="critical")
    service.add("Vendor")  # T005
    service.update("T005", status="blocked", blocked_reason="no reply yet")
    service.add("Finished")
    service.add("Put away")
    service.add("Given up")
    cleo_clock.advance(60)
    service.complete("T007")
    service.archive("T007")
    cleo_clock.advance(60)
    service.complete("T006")
    service.cancel("T008")
    one.session_start("epic:T001", name="parsing")
    one.start("T002")
    two.claim("T004")
    return service


def phase(app: App, slug: str) -> None:
    """Make a phase the active one."""
    app.write(
        "tasks",
        lambda unit: unit.execute("UPDATE phases SET status = 'active' WHERE slug = :s", s=slug),
    )


def test_an_empty_project_counts_nothing(cleo_project: Path, cleo_cli: Cli) -> None:
    assert cleo_cli("stats").data == EMPTY
    dash = cleo_cli("dash").data
    assert dash.pop("stats") == EMPTY
    assert dash.pop("totals") == dict.fromkeys(
        ("active", "next", "blocked", "staleClaims", "sessions", "completed"), 0
    )
    assert dash.pop("phase") is None
    assert (dash["project"]["name"], dash.pop("project")["schemaVersion"]) == ("demo", STORE.head)
    assert set(map(str, dash.values())) == {"[]"}
    assert cleo_cli("stats", "--human").out == "No tasks.\n"
    assert cleo_cli("dash", "--human").out == "demo\nNo tasks; add the first with: cleo add TITLE\n"


def test_tasks_are_counted(morning: Any, cleo_cli: Cli) -> None:
    data = cleo_cli("stats").data
    assert data == {
        "total": 8,
        "open": 5,
        "ready": 0,
        "blocked": 1,
        "waiting": 1,
        "heldUp": 2,
        "claimed": 2,
        "byStatus": {
            "pending": 3,
            "active": 1,
            "blocked": 1,
            "done": 1,
            "cancelled": 1,
            "archived": 1,
            "proposed": 0,
        },
        "byPriority": {"critical": 1, "high": 1, "medium": 3, "low": 0},
        "byType": {"epic": 1, "task": 4, "subtask": 0},
        "byPhase": [
            _phase("alpha", "alpha", open=3, closed=0),
            _phase("beta", "beta", open=1, closed=0),
            {**_phase(None, None, open=1, closed=3), "status": None},
        ],
    }
    assert cleo_cli("stats", "--field", "byStatus.active").out == "1\n"
    assert cleo_cli("stats", "--quiet").out == ""


def _phase(slug: str | None, name: str | None, **numbers: int) -> dict[str, Any]:
    return {
        "phase": slug,
        "name": name,
        "status": "pending",
        "startedAt": None,
        **numbers,
        "total": sum(numbers.values()),
    }


def test_dash_says_what_goes_on(
    morning: Any, cleo_app: App, cleo_open: Callable[..., App], cleo_clock: Clock
) -> None:
    phase(cleo_app, "beta")
    dash = morning.dash()
    assert dash.stats.total == 8
    assert (dash.phase.phase, dash.phase.status) == ("beta", "active")
    session = morning.session_list()[0][0].id
    assert [(one.id, one.assignee, one.session_id) for one in dash.active] == [
        ("T002", "a1", session)
    ]
    assert dash.active[0].started_at is not None
    assert dash.next == []
    assert [
        (one.id, one.status, one.reason, one.waits_for, one.open_dependencies)
        for one in dash.blocked
    ] == [
        ("T005", "blocked", "no reply yet", [], 0),
        ("T003", "pending", None, ["T002"], 1),
    ]
    assert dash.stale_claims == []
    assert [(one.id, one.agent_id, one.current_task_id) for one in dash.sessions] == [
        (session, "a1", "T002")
    ]
    assert [one.id for one in dash.completed] == ["T006", "T007"]
    assert dash.totals == {
        "active": 1,
        "next": 0,
        "blocked": 2,
        "staleClaims": 0,
        "sessions": 1,
        "completed": 2,
    }
    morning.unclaim(held_by="a2")
    assert [(one.task.id, one.score) for one in morning.dash().next] == [("T004", 120)]
    cleo_clock.advance(25 * 3600)
    assert morning.dash().stale_claims == []
    cleo_open(agent="a1").service("tasks").session_end()
    assert [(one.id, one.assignee) for one in morning.dash().stale_claims] == [("T002", "a1")]


def test_stale_claims_are_those_that_unclaim_frees(morning: Any, cleo_clock: Clock) -> None:
    cleo_clock.advance(24 * 3600 + 1)
    stale = morning.dash().stale_claims
    # The session of a1 is a sign of life.
    assert [(one.id, one.assignee) for one in stale] == [("T004", "a2")]
    for selection in ({"within": "T001"}, {"phase": "alpha"}):
        assert morning.dash(**selection).stale_claims == []
    assert [one.id for one in morning.dash(phase="beta").stale_claims] == ["T004"]
    assert [one.id for one in morning.unclaim(stale=True).released] == ["T004"]


def test_a_dash_of_a_phase_or_of_what_is_below_a_task(morning: Any, cleo_app: App) -> None:
    phase(cleo_app, "beta")
    below = morning.dash(within="t1")
    assert (below.stats.total, below.totals["completed"], below.totals["blocked"]) == (3, 0, 1)
    assert [one.phase for one in below.stats.by_phase] == ["alpha", "beta"]
    assert below.phase.phase == "beta"
    assert [one.name for one in below.sessions] == ["parsing"]
    alpha = morning.dash(phase="alpha")
    assert (alpha.stats.total, alpha.phase.phase, alpha.phase.status) == (3, "alpha", "pending")
    assert [one.name for one in alpha.sessions] == ["parsing"]
    beta = morning.dash(phase="beta", within="T001")
    assert (beta.stats.total, beta.active, beta.sessions) == (0, [], [])
    assert [(one.phase, one.total) for one in beta.stats.by_phase] == [("beta", 0)]
    assert morning.dash(phase="beta").totals["sessions"] == 0


def test_each_list_is_cut_and_its_total_is_true(
    cleo_app: App, cleo_open: Callable[..., App], cleo_cli: Cli, cleo_clock: Clock
) -> None:
    service = cleo_app.service("tasks")
    for number in range(12):
        service.add(f"Free {number}", priority="low")  # T001 to T012
    service.add("Waits", depends=[f"T{number:03d}" for number in range(1, 13)])
    for number in range(11):
        service.add(f"Blocked {number}", status="blocked")
    for number in range(11):
        agent = cleo_open(agent=f"a{number}").service("tasks")
        agent.start(agent.add(f"Active {number}").task.id)
    for number in range(6):
        service.complete(service.add(f"Done {number}").task.id)
        cleo_clock.advance(1)
    dash = cleo_cli("dash").data
    assert dash["totals"] == {
        "active": 11,
        "next": 12,
        "blocked": 12,
        "staleClaims": 0,
        "sessions": 11,
        "completed": 6,
    }
    shown = {name: len(value) for name, value in dash.items() if isinstance(value, list)}
    assert shown == {
        "active": 10,
        "next": 5,
        "blocked": 10,
        "staleClaims": 0,
        "sessions": 10,
        "completed": 5,
    }
    assert [one["title"] for one in dash["completed"]][:2] == ["Done 5", "Done 4"]
    assert [one["task"]["id"] for one in dash["next"]] == [
        one["task"]["id"] for one in cleo_cli("next", "-n", "5").data
    ]
    human = cleo_cli("dash", "--human").out
    assert "Active (10 of 11)" in human
    assert "Next (5 of 12)" in human
    assert "Completed (5 of 6)" in human
    for one in service.list(status=["blocked"], limit=50)[0]:
        service.cancel(one.id)
    waits = service.dash().blocked[0]
    assert (len(waits.waits_for), waits.open_dependencies) == (5, 12)
    assert "waits for T001 T002 T003 T004 T005 and 7 more" in cleo_cli("dash", "--human").out


def test_people_get_lines_and_no_markup(morning: Any, cleo_cli: Cli) -> None:
    morning.update("T005", title="[red]Vendor[/red]")
    out = cleo_cli("dash", "--human").out
    assert out.startswith("demo\n8 tasks, 5 open: 0 ready, 1 blocked, 1 waiting, 2 claimed\n")
    assert "T005  [red]Vendor[/red]  (no reply yet)" in out
    assert "T003  Grammar  (waits for T002)" in out
    assert re.search(r"T002  Tokens  \(a1 since \S+, in ses_\w+\)", out)
    out = cleo_cli("stats", "--human").out
    assert "○ pending 3 · ● active 1 · ■ blocked 1 · ✓ done 1 · ✗ cancelled 1 · ▪ archived 1" in out
    assert "critical 1 · high 1 · medium 3" in out
    assert re.search(r"\(none\) +1 +3 +4", out)


@pytest.mark.parametrize("verb", ["stats", "dash"])
@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        (["--within", "T999"], 4),
        (["--within", "nonsense"], 2),
        (["--within", ""], 2),
        (["--phase", "gamma"], 4),
        (["--phase", "No Phase!"], 2),
        (["--phase", ""], 2),
        (["--phase", "a\x00b"], 2),
        (["extra"], 2),
    ],
)
def test_what_is_no_phase_or_task_is_refused(
    verb: str, arguments: list[str], exit_code: int, cleo_project: Path, cleo_cli: Cli
) -> None:
    outcome = cleo_cli(verb, *arguments, "--json")
    assert outcome.code == exit_code
    assert outcome.error["fix"]


@pytest.mark.parametrize("value", [7, ["a"], "x\udc80", "T" + "9" * 40, "a" * 10_000, b"T001"])
def test_values_of_the_wrong_kind_are_refused(value: Any, cleo_app: App) -> None:
    service = cleo_app.service("tasks")
    for arguments in ({"phase": value}, {"within": value}):
        for verb in (service.stats, service.dash):
            with pytest.raises(CleoError) as raised:
                verb(**arguments)
            assert raised.value.exit in (2, 4)


@given(draft=projects(), data=st.data())
@settings(
    max_examples=14, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_numbers_equal_a_count_of_the_rows(
    draft: dict[str, Any], data: st.DataObject, cleo_project: Path
) -> None:
    write(cleo_project, draft)
    model = Model(cleo_project)
    ids = [one["id"] for one in draft["tasks"]]
    within = data.draw(st.sampled_from([None, *ids]))
    slug = data.draw(st.sampled_from([None, "alpha", "beta"]))
    inside = set(ids) if within is None else {within}
    while within is not None and (
        more := {i for i, row in model.tasks.items() if row["parent_id"] in inside} - inside
    ):
        inside |= more
    rows = [
        row
        for id_, row in model.tasks.items()
        if id_ in inside and (slug is None or row["phase"] == slug)
    ]
    still = [row for row in rows if row["status"] in OPEN]
    waits = {task for task, target in model.edges if model.tasks[target]["status"] in OPEN}
    with_children = {row["parent_id"] for row in model.tasks.values() if row["status"] in OPEN}
    with open_app(str(cleo_project)) as app:
        found = app.service("tasks").stats(within=within, phase=slug)
        dash = app.service("tasks").dash(within=within, phase=slug)
    assert dash.stats.by_status == found.by_status
    assert (found.total, found.open) == (len(rows), len(still))
    assert +Counter(found.by_status) == Counter(row["status"] for row in rows)
    assert +Counter(found.by_priority) == Counter(row["priority"] for row in still)
    assert +Counter(found.by_type) == Counter(row["type"] for row in still)
    assert {one.phase: (one.open, one.total) for one in found.by_phase if one.total} == {
        word: (
            sum(row["phase"] == word for row in still),
            sum(row["phase"] == word for row in rows),
        )
        for word in {row["phase"] for row in rows}
    }
    assert found.claimed == sum(row["assignee"] is not None for row in still)
    assert found.waiting == sum(row["id"] in waits for row in still)
    held_up = [row["id"] for row in still if row["status"] == "blocked" or row["id"] in waits]
    assert found.held_up == dash.totals["blocked"] == len(held_up)
    assert {one.id for one in dash.blocked} <= set(held_up)
    assert len(dash.blocked) == min(len(held_up), 10)
    ready = [
        row["id"]
        for row in still
        if row["status"] == "pending"
        and row["type"] != "epic"
        and row["assignee"] is None
        and row["id"] not in waits
        and row["id"] not in with_children
    ]
    assert found.ready == len(ready)
    assert {one.task.id for one in dash.next} <= set(ready)
    assert len(dash.next) == min(len(ready), 5)


def test_words_that_are_none_are_counted_too(cleo_app: App, cleo_project: Path) -> None:
    service = cleo_app.service("tasks")
    service.add("One")
    service.add("Two")
    with _graphs["forced"](cleo_project) as tx:
        tx.execute("UPDATE tasks SET status = 'odd' WHERE id = 'T001'")
        tx.execute("UPDATE tasks SET type = 'odd', priority = 'odd' WHERE id = 'T002'")
    found = service.stats()
    assert (found.total, found.open, found.by_status["odd"]) == (2, 1, 1)
    assert (found.by_type["odd"], found.by_priority["odd"]) == (1, 1)
    assert service.dash().totals["blocked"] == 0


def test_each_statement_reads_tasks_through_an_index(cleo_app: App) -> None:
    db = cleo_app.store("tasks")
    for size in range(3):
        for selection in combinations(("phase", "within"), size):
            for text in (
                store.sessions_statement(selection),
                *(store.selected_statement(name, selection) for name in store.SELECTED),
            ):
                parameters = dict.fromkeys(re.findall(r"(?<!:):([a-z_]\w*)", text))
                for row in db.read(f"EXPLAIN QUERY PLAN {text}", **parameters):
                    line = row["detail"]
                    assert not re.match(r"SCAN (t|tasks)\b(?!.*COVERING INDEX)", line), text
                    assert "AUTOMATIC" not in line, text
