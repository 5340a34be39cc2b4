"""Health checks, called as ``cleo doctor`` calls them."""

from __future__ import annotations

import json
import re
import runpy
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_core.api import Check
from cleo_core.app import App, open_app
from cleo_core.plugins import load_target
from cleo_core.testing import Clock, Outcome
from cleo_tasks.api import CHECKS
from cleo_tasks.service import findings, health
from cleo_tasks.service.graph import Graph
from cleo_tasks.service.network import SEPARATOR, Network, has_loop
from cleo_tasks.store import claims, repairs
from cleo_tasks.store import health as store

_graphs = runpy.run_path(str(Path(__file__).with_name("random_graphs.py")))
projects, write, forced = (_graphs[name] for name in ("projects", "write", "forced"))

#: One project serves all examples.
SHARED = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
AT = "2026-01-01T00:00:00.000Z"

Cli = Callable[..., Outcome]


def checks(app: App) -> dict[str, Check]:
    """The store's checks by name, asked for as core asks."""
    found: dict[str, Check] = {}
    for outcome in app.plugins.call("cleo_doctor_checks"):
        assert outcome.error is None
        found.update((check.id, check) for check in outcome.value)
    return {id_: check for id_, check in found.items() if id_.startswith("tasks.")}


def look(app: App, name: str, *, deep: bool = False) -> findings.Finding:
    """Run one check."""
    finding: findings.Finding = getattr(health, f"check_{name}")(app, deep)
    json.dumps(finding.details)
    assert finding.status == "ok" or finding.fix is not None
    return finding


def look_at_all(app: App, *, deep: bool = False) -> dict[str, str]:
    """Name -> status, of those that are not ok."""
    found = {name: look(app, name, deep=deep).status for name in CHECKS}
    return {name: status for name, status in found.items() if status != "ok"}


@pytest.fixture
def broken(cleo_project: Path) -> Callable[..., App]:
    """Write statements past every rule into the file; gives an App on it."""

    def run(*statements: str) -> App:
        with forced(cleo_project) as tx:
            for statement in statements:
                tx.execute(statement)
        return open_app(str(cleo_project))

    return run


@pytest.fixture
def family(cleo_app: App) -> Any:
    """An epic with two tasks, of which the second waits for the first, and a task of its own."""
    service = cleo_app.service("tasks")
    service.add("The parser", type="epic")  # T001
    service.add("Tokens", parent="T001", acceptance=["a", "b"], notes=["first"])
    service.add("Grammar", parent="T001", depends=["T002"])
    service.add("Errors", description="They point at the line.")
    return service


def test_a_sound_project_has_no_finding(family: Any, cleo_app: App, cleo_open: Any) -> None:
    agent = cleo_open(agent="a1").service("tasks")
    agent.start("T002")
    agent.complete("T002")
    agent.start("T004")
    agent.session_suspend()
    assert look_at_all(cleo_app) == {}
    assert look_at_all(cleo_app, deep=True) == {}


def test_core_gets_each_check_with_its_store_and_can_call_it(family: Any, cleo_app: App) -> None:
    found = checks(cleo_app)
    assert list(found) == [f"tasks.{name}" for name in CHECKS]
    for check in found.values():
        # Nothing here is for ``doctor --fix``, which changes no row.
        assert (check.store, check.fix_target) == ("tasks", None)
        status, message, details, fix = load_target(check.target)(cleo_app, False)
        assert (status, details, fix) == ("ok", {}, None)
        assert message


def test_outside_of_a_project_there_is_nothing_to_find(cleo_home: Path) -> None:
    from cleo_core.app import create_app

    app = create_app()
    assert look_at_all(app) == {}
    assert not list((cleo_home / "work").iterdir())


def test_an_absent_file_is_not_made(cleo_project: Path, cleo_app: App) -> None:
    for file in (cleo_project / ".cleo").glob("tasks.db*"):
        file.unlink()
    assert look_at_all(cleo_app) == {}
    assert not list((cleo_project / ".cleo").glob("tasks.db*"))


@pytest.mark.parametrize(
    ("state", "statement"),
    [
        ("behind", "UPDATE alembic_version_tasks SET version_num = 'tasks_0000'"),
        ("ahead", "UPDATE alembic_version_tasks SET version_num = 'tasks_0009'"),
        ("broken", "INSERT INTO alembic_version_tasks VALUES ('tasks_0000')"),
    ],
)
def test_a_file_that_is_not_at_its_head_is_left_alone(
    state: str, statement: str, broken: Any, cleo_project: Path, frozen_bytes: Any
) -> None:
    app = broken(statement)
    with frozen_bytes(cleo_project):
        for name in CHECKS:
            finding = look(app, name)
            assert (finding.status, finding.details) == ("unknown", {"state": state})
            assert finding.fix == "cleo doctor --only store.state"


SESSION = (
    "INSERT INTO sessions (id, name, status, started_at, last_activity_at, ended_at, "
    f"current_task_id) VALUES ('s1', 's', '{{}}', '{AT}', '{AT}', {{}}, {{}})"
)
FOCUS = f"INSERT INTO task_work_history (session_id, task_id, set_at) VALUES ('s1', '{{}}', '{AT}')"
PIPELINE = (
    "INSERT INTO lifecycle_pipelines (id, task_id, status, current_stage_id, started_at, "
    f"updated_at) VALUES ('pl_T004', 'T004', '{{}}', 'pl_T004/testing', '{AT}', '{AT}')"
)
STAGE = (
    "INSERT INTO lifecycle_stages (id, pipeline_id, stage_name, sequence) "
    "VALUES ('pl_T004/testing', 'pl_T004', 'testing', 8)"
)
CANCELLED = (
    f"UPDATE tasks SET status = 'cancelled', pipeline_stage = 'cancelled', cancelled_at = '{AT}' "
    "WHERE id = 'T004'"
)
CLAIM = f"UPDATE tasks SET assignee = 'gone', claimed_at = '{AT}' WHERE id = 'T004'"


#: Check, what is forced into the file of ``family``, status, ids, fix.
FAULTS: list[tuple[str, list[str], str, list[str] | None, str]] = [
    (
        "sequence",
        ["UPDATE schema_meta SET value = '2' WHERE key = 'task_sequence'"],
        "warning",
        ["task_sequence"],
        findings.RECONCILE,
    ),
    (
        "sequence",
        ["UPDATE schema_meta SET value = 'nonsense' WHERE key = 'task_sequence'"],
        "warning",
        ["task_sequence"],
        findings.RECONCILE,
    ),
    (
        "sequence",
        ["UPDATE schema_meta SET value = '9999999999999999' WHERE key = 'task_sequence'"],
        "error",
        ["task_sequence"],
        findings.RECONCILE,
    ),
    (
        "counters",
        ["UPDATE tasks SET dependency_count = 2, open_dependency_count = 2 WHERE seq = 4"],
        "error",
        ["T004"],
        findings.RECONCILE,
    ),
    (
        "counters",
        ["UPDATE tasks SET open_dependency_count = 0 WHERE id = 'T003'"],
        "error",
        ["T003"],
        findings.RECONCILE,
    ),
    (
        "search",
        ["UPDATE tasks_fts SET title = 'other' WHERE rowid = 2"],
        "error",
        ["T002"],
        findings.RECONCILE,
    ),
    ("search", ["DELETE FROM tasks_fts WHERE rowid = 4"], "error", ["T004"], findings.RECONCILE),
    (
        "search",
        ["INSERT INTO tasks_fts (rowid, title) VALUES (9, 'ghost')"],
        "error",
        ["T009"],
        findings.RECONCILE,
    ),
    (
        "search",
        [
            "DELETE FROM tasks_fts WHERE rowid = 4",
            "INSERT INTO tasks_fts (rowid, title) VALUES (9, 'ghost')",
        ],
        "error",
        ["T004", "T009"],
        findings.RECONCILE,
    ),
    (
        "search",
        [
            "DROP TRIGGER tasks_fts_update",
            "UPDATE tasks SET notes_json = 'no json' WHERE id = 'T002'",
        ],
        "error",
        ["T002"],
        findings.RECONCILE,
    ),
    (
        "cycles",
        [f"INSERT INTO task_dependencies VALUES ('T002', 'T003', '{AT}', NULL)"],
        "error",
        ["T002", "T003"],
        "cleo deps remove T002 T003",
    ),
    (
        "cycles",
        [f"INSERT INTO task_dependencies VALUES ('T002', 'T001', '{AT}', NULL)"],
        "error",
        ["T001", "T002"],
        "cleo deps remove T002 T001",
    ),
    (
        "cycles",
        [f"INSERT INTO task_dependencies VALUES ('T004', 'T004', '{AT}', NULL)"],
        "error",
        ["T004"],
        "cleo deps remove T004 T004",
    ),
    (
        "cycles",
        ["UPDATE tasks SET parent_id = 'T003' WHERE id = 'T001'"],
        "error",
        ["T001", "T003"],
        "cleo reparent T003 --to root",
    ),
    (
        "parents",
        [
            f"UPDATE tasks SET status = 'done', pipeline_stage = 'contribution', "
            f"completed_at = '{AT}' WHERE id = 'T001'"
        ],
        "warning",
        ["T001"],
        "cleo reopen T001",
    ),
    (
        "parents",
        [
            f"UPDATE tasks SET status = 'archived', archived_at = '{AT}', "
            "archived_from = 'pending', archive_reason = 'deleted' WHERE id = 'T001'"
        ],
        "warning",
        ["T001"],
        "cleo unarchive T001",
    ),
    (
        "stages",
        [PIPELINE.format("active"), STAGE],
        "error",
        ["T004"],
        "cleo update T004 --stage testing",
    ),
    (
        "stages",
        [
            PIPELINE.format("cancelled"),
            STAGE,
            "UPDATE tasks SET pipeline_stage = 'testing' WHERE id = 'T004'",
        ],
        "error",
        ["T004"],
        "cleo lifecycle show T004",
    ),
    (
        "stages",
        [PIPELINE.format("blocked"), STAGE, CANCELLED],
        "error",
        ["T004"],
        "cleo lifecycle abort T004 --reason TEXT",
    ),
    (
        "focus",
        [SESSION.format("ended", f"'{AT}'", "NULL"), FOCUS.format("T004")],
        "warning",
        ["s1"],
        findings.RECONCILE,
    ),
    (
        "focus",
        [SESSION.format("orphaned", f"'{AT}'", "'T004'")],
        "warning",
        ["s1"],
        findings.RECONCILE,
    ),
    (
        "focus",
        [SESSION.format("active", "NULL", "'T004'"), FOCUS.format("T002")],
        "warning",
        ["s1"],
        findings.RECONCILE,
    ),
    (
        "focus",
        [SESSION.format("active", "NULL", "'T004'"), FOCUS.format("T004"), CANCELLED],
        "warning",
        ["s1"],
        findings.RECONCILE,
    ),
    ("claims", [CLAIM], "warning", ["T004"], "cleo unclaim --stale"),
    (
        "instances",
        [
            "INSERT INTO agent_instances (id, agent_type, started_at, last_heartbeat_at) "
            f"VALUES ('agt_1', 'executor', '{AT}', '{AT}')"
        ],
        "warning",
        ["agt_1"],
        "cleo instance reap",
    ),
    (
        "registry",
        [
            "DROP TRIGGER status_registry_no_update",
            "UPDATE status_registry SET is_terminal = 1 WHERE name = 'pending'",
        ],
        "error",
        ["gate/pending", "task/pending"],
        findings.STORES,
    ),
    (
        "registry",
        ["DROP TRIGGER status_registry_no_delete", "DELETE FROM status_registry"],
        "error",
        None,
        findings.STORES,
    ),
    (
        "versions",
        ["UPDATE schema_meta SET value = 'tasks_0007' WHERE key = 'schema_version'"],
        "error",
        ["schema_version"],
        findings.STORES,
    ),
    (
        "versions",
        ["DELETE FROM schema_meta WHERE key = 'schema_version'"],
        "error",
        ["schema_version"],
        findings.STORES,
    ),
    (
        "project",
        ["UPDATE schema_meta SET value = 'another' WHERE key = 'project_id'"],
        "error",
        ["project_id"],
        "cleo init",
    ),
    (
        "project",
        ["DELETE FROM schema_meta WHERE key = 'project_name'"],
        "warning",
        ["project_name"],
        "cleo init",
    ),
]


def test_each_fault_is_found_and_named(family: Any, cleo_app: App, cleo_project: Path) -> None:
    cleo_app.close()
    file = cleo_project / ".cleo" / "tasks.db"
    sound = file.read_bytes()
    for name, statements, status, ids, fix in FAULTS:
        with forced(cleo_project) as tx:
            for statement in statements:
                tx.execute(statement)
        with open_app(str(cleo_project)) as app:
            finding = look(app, name)
            assert (finding.status, finding.fix) == (status, fix), statements
            if ids is None:
                assert (finding.details["count"], len(finding.details["ids"])) == (
                    35,
                    findings.MOST,
                )
            else:
                assert finding.details["ids"] == ids, statements
                assert name == "cycles" or finding.details["count"] == len(ids), statements
            # Each check runs alone: no other one falls over what this one is for.
            others = set(look_at_all(app, deep=True)) - {name}
            assert others <= {"counters"}, (statements, others)
        assert not file.with_name("tasks.db-wal").exists()
        file.write_bytes(sound)


@pytest.mark.guarantee(
    "tasks-10",
    "a task that is its own parent is named by doctor, which ends and says how to mend it",
)
def test_a_task_that_is_its_own_parent_is_named(
    family: Any, broken: Any, cleo_cli: Cli, cleo_project: Path
) -> None:
    app = broken("UPDATE tasks SET parent_id = 'T004' WHERE id = 'T004'")
    for deep in (False, True):
        finding = look(app, "cycles", deep=deep)
        assert finding.status == "error"
        assert finding.message == "1 loop of tasks that wait for each other: T004 → T004."
        assert finding.details == {
            "count": 1,
            "ids": ["T004"],
            "cycles": [{"path": ["T004", "T004"], "tasks": 1}],
        }
    assert look_at_all(app) == {"cycles": "error"}
    assert finding.fix is not None
    assert cleo_cli(*finding.fix.split()[1:]).code == 0
    assert look_at_all(open_app(str(cleo_project))) == {}


def test_every_loop_is_counted_and_long_ones_are_told_short(
    cleo_app: App, broken: Any, cleo_cli: Cli
) -> None:
    service = cleo_app.service("tasks")
    for number in range(1, 41):
        service.add(f"Task {number}", depends=[f"T{number - 1:03d}"] if number > 1 else [])
    app = broken(f"INSERT INTO task_dependencies VALUES ('T001', 'T040', '{AT}', NULL)")
    finding = look(app, "cycles")
    assert finding.details["count"] == 1
    assert len(finding.details["ids"]) == findings.MOST
    path = finding.details["cycles"][0]["path"]
    assert (path[0], path[-2:], len(path)) == ("T001", ["…", "T001"], findings.MOST)
    assert finding.details["cycles"][0]["tasks"] == 40
    assert finding.fix is not None
    assert cleo_cli(*finding.fix.split()[1:]).code == 0
    assert look(app, "cycles").status == "ok"


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=14, unique=True))
def test_taking_away_what_is_free_leaves_something_exactly_where_there_is_a_loop(
    edges: list[tuple[int, int]],
) -> None:
    children = {child: parent for parent, child in edges[:4]}
    rest = edges[4:]
    waits, holds = Counter(str(task) for task, _ in rest), defaultdict(list)
    for task, target in rest:
        holds[str(target)].append(str(task))
    held = {target: SEPARATOR.join(tasks) for target, tasks in holds.items()}
    parents = {str(child): str(parent) for child, parent in children.items()}
    pairs = [*rest, *((parent, child) for child, parent in children.items())]
    assert has_loop(dict(waits), held, parents) == bool(Network(10, pairs).loops())


@given(data=st.data(), draft=projects())
@SHARED
def test_a_loop_is_found_where_there_is_one(
    data: st.DataObject, draft: dict[str, Any], cleo_project: Path
) -> None:
    ids = [one["id"] for one in draft["tasks"]]
    pairs = st.tuples(st.sampled_from(ids), st.sampled_from(ids)) if ids else st.nothing()
    extra = data.draw(st.lists(pairs, max_size=3)) if ids else []
    write(cleo_project, draft, extra)
    with forced(cleo_project) as tx:
        for child, parent in data.draw(st.lists(pairs, max_size=2)) if ids else []:
            tx.execute("UPDATE tasks SET parent_id = :p WHERE id = :c", p=parent, c=child)
    with open_app(str(cleo_project)) as app:
        db = app.store("tasks")
        loops = Graph(db, None, closed=True).loops()
        assert has_loop(*store.waiting(db)) == bool(loops)
        assert store.may_loop(db) or not loops
        finding = look(app, "cycles")
        assert finding.details.get("count", 0) == len(loops)


@given(draft=projects(), wrong=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3))))
@SHARED
def test_counters_are_found_wrong_exactly_where_a_recount_differs(
    draft: dict[str, Any], wrong: list[tuple[int, int]], cleo_project: Path
) -> None:
    write(cleo_project, draft)
    targets = {f"T{number:03d}" for number, _ in zip(range(1, 17), wrong, strict=False)}
    with forced(cleo_project) as tx:
        for id_, (every, still) in zip(sorted(targets), wrong, strict=False):
            tx.execute(
                "UPDATE tasks SET dependency_count = :a, open_dependency_count = :o WHERE id = :i",
                a=every,
                o=still,
                i=id_,
            )
        expected = [
            row["id"]
            for row in tx.read(
                "SELECT id FROM tasks AS t WHERE dependency_count <> (SELECT count(*) "
                "FROM task_dependencies WHERE task_id = t.id) OR open_dependency_count <> "
                "(SELECT count(*) FROM task_dependencies AS e JOIN tasks AS d "
                "ON d.id = e.depends_on WHERE e.task_id = t.id AND d.status IN "
                "('pending', 'active', 'blocked', 'proposed')) ORDER BY seq"
            )
        ]
    with open_app(str(cleo_project)) as app:
        for known in ("open", "closed"):
            rows, total = store.wrong(
                app.store("tasks"), store.miscounted_statement(known), limit=-1
            )
            assert ([row["id"] for row in rows], total) == (expected, len(expected))
        assert look(app, "counters").details.get("ids", []) == expected


def test_a_finding_names_the_first_and_counts_all(cleo_app: App, broken: Any) -> None:
    service = cleo_app.service("tasks")
    for number in range(30):
        service.add(f"Task {number}")
    app = broken("UPDATE tasks SET dependency_count = 1")
    finding = look(app, "counters")
    assert finding.details["count"] == 30
    assert finding.details["ids"] == [f"T{number:03d}" for number in range(1, 21)]
    assert finding.message.startswith("30 tasks count their dependencies wrong")
    assert finding.message.endswith("T020 and more.")


def test_an_index_that_lost_its_words_is_found_by_looking_deep(
    family: Any, broken: Any, monkeypatch: pytest.MonkeyPatch, cleo_project: Path, frozen_bytes: Any
) -> None:
    app = broken("DELETE FROM tasks_fts_data WHERE id > 10")
    assert look(app, "search").status == "ok"
    for reading in (True, False):
        if not reading or not store.checks_index_reading():
            monkeypatch.setattr(store, "checks_index_reading", lambda: False)
        app = open_app(str(cleo_project))
        with frozen_bytes(cleo_project):
            finding = look(app, "search", deep=True)
        assert (finding.status, finding.fix) == ("error", findings.RECONCILE)
        assert finding.details["fault"]
        assert finding.details["ids"] == []


def test_an_older_sqlite_looks_into_the_index_without_a_write(
    family: Any,
    cleo_app: App,
    monkeypatch: pytest.MonkeyPatch,
    cleo_project: Path,
    frozen_bytes: Any,
) -> None:
    monkeypatch.setattr(store, "checks_index_reading", lambda: False)
    cleo_app.close()
    with frozen_bytes(cleo_project), open_app(str(cleo_project)) as app:
        assert look(app, "search", deep=True).status == "ok"


def test_claims_and_instances_go_stale_by_the_settings(
    family: Any, cleo_open: Any, cleo_app: App, cleo_clock: Clock, broken: Any, cleo_cli: Cli
) -> None:
    cleo_open(agent="a1").service("tasks").claim("T004")
    cleo_clock.advance(24 * 3600 + 1)
    assert look(cleo_app, "claims").details == {"count": 1, "ids": ["T004"]}
    # A live instance of the agent is a sign of life, and stands for itself.
    app = broken(
        "INSERT INTO agent_instances (id, agent_id, agent_type, status, started_at, "
        "last_heartbeat_at) SELECT 'agt_1', 'a1', 'executor', 'active', claimed_at, claimed_at "
        "FROM tasks WHERE id = 'T004'"
    )
    assert look(app, "instances").details["ids"] == ["agt_1"]
    assert cleo_cli("config", "set", "tasks.agents.stale_seconds", "100000").code == 0
    app = broken()
    assert look(app, "instances").status == "ok"
    assert look(app, "claims").status == "ok"
    assert cleo_cli("config", "set", "--", "tasks.claims.stale_hours", "-1").code == 0
    finding = look(broken(), "claims")
    assert (finding.status, finding.details) == ("unknown", {"code": "E_CONFIG"})
    assert finding.fix == "cleo config unset tasks.claims.stale_hours"


def test_the_stale_claims_are_those_that_unclaim_frees(family: Any, broken: Any) -> None:
    app = broken(CLAIM)
    named = look(app, "claims").details["ids"]
    freed = app.service("tasks").unclaim(stale=True).released
    assert [one.id for one in freed] == named == ["T004"]
    assert look(app, "claims").status == "ok"


CREDENTIAL = (
    "INSERT INTO agent_credentials (agent_id, display_name, api_key_encrypted, source_updated_at, "
    f"created_at, updated_at) VALUES ('{{}}', 'n', 'opaque-key', '{AT}', '{AT}', '{AT}')"
)


def test_a_credential_without_identity_is_named_and_an_unknown_one_is_not_missing(
    broken: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = broken(*(CREDENTIAL.format(agent) for agent in ("a1", "a2", "a3")))
    # Nobody here owns agents.
    finding = look(app, "credentials")
    assert (finding.status, finding.details) == ("unknown", {"count": 3, "ids": ["a1", "a2", "a3"]})
    answers: dict[str, bool | None] = {"a1": True, "a2": False, "a3": None}
    monkeypatch.setattr(app, "exists", lambda kind, ids: {id_: answers[id_] for id_ in ids})
    finding = look(app, "credentials")
    assert (finding.status, finding.details) == (
        "warning",
        {"count": 1, "ids": ["a2"], "unknown": 1},
    )
    assert finding.fix == "cleo reconcile --reference agent_credentials.agent_id --apply"
    assert "opaque-key" not in repr(finding)
    answers["a2"] = answers["a3"] = True
    assert look(app, "credentials").status == "ok"


def test_a_mark_that_leaves_the_log_unprotected_is_found_and_a_prune_takes_it_away(
    cleo_app: App, broken: Any, cleo_cli: Cli, cleo_clock: Clock, cleo_project: Path
) -> None:
    for number in range(3):
        cleo_app.service("tasks").add(f"Task {number}")
        cleo_clock.advance(1)
    app = broken("INSERT INTO schema_meta VALUES ('audit_prune_below', '99')")
    finding = look(app, "versions")
    assert (finding.status, finding.details["ids"]) == ("error", ["audit_prune_below"])
    app.close()
    assert finding.fix is not None
    assert cleo_cli(*finding.fix.split()[1:]).data["deleted"] == 1
    with open_app(str(cleo_project)) as app:
        assert look(app, "versions").status == "ok"


def test_init_mends_the_project_id(broken: Any, cleo_cli: Cli, cleo_project: Path) -> None:
    app = broken("UPDATE schema_meta SET value = 'another' WHERE key = 'project_id'")
    finding = look(app, "project")
    assert "another" in finding.message
    assert app.project.id in finding.message
    assert finding.fix is not None
    assert cleo_cli(*finding.fix.split()[1:]).code == 0
    assert look(broken(), "project").status == "ok"


def test_checks_change_no_byte(
    family: Any, broken: Any, cleo_project: Path, frozen_bytes: Any
) -> None:
    app = broken(
        "UPDATE tasks SET dependency_count = 5 WHERE id = 'T004'",
        "DELETE FROM tasks_fts WHERE rowid = 2",
        "UPDATE schema_meta SET value = '1' WHERE key = 'task_sequence'",
    )
    look_at_all(app)
    with frozen_bytes(cleo_project):
        assert set(look_at_all(app, deep=True)) == {"counters", "search", "sequence"}


def plans(app: App) -> Iterator[tuple[str, str]]:
    """(statement, line of its plan)."""
    db = app.store("tasks")
    named = {
        name: text
        for module in (store, repairs, claims)
        for name, text in vars(module).items()
        if name.isupper() and isinstance(text, str) and re.match("SELECT|UPDATE|DELETE", text)
    }
    for name, text in (*named.items(), *(("miscounted", text) for text in store.statements())):
        parameters = dict.fromkeys(re.findall(r"(?<!:):([a-z_]\w*)", text))
        for row in db.read(f"EXPLAIN QUERY PLAN {text}", **parameters):
            yield name, row["detail"]


def test_checks_read_tables_through_indexes_or_once(cleo_app: App) -> None:
    # What compares every task or edge with something else reads them once, in order; these have
    # tables of other names under t, p and c.
    once = {"miscounted", "MISINDEXED", "WAITS", "STAGES", "CLOSED_PARENTS", "MAY_LOOP"}
    for name, line in plans(cleo_app):
        scan = re.match(r"SCAN (t|tasks|task_dependencies|d|e|c|p)\b(?!.*COVERING INDEX)", line)
        assert scan is None or name in once, (name, line)
        assert "AUTOMATIC" not in line, (name, line)


def test_the_fix_of_a_stage_at_odds_sets_it_right(cleo_app: App, cleo_cli: Cli) -> None:
    cleo_app.service("tasks").add("Parser", type="epic")
    cleo_app.service("tasks").lifecycle_start("T001")
    cleo_app.write(
        "tasks",
        lambda unit: unit.execute("UPDATE tasks SET pipeline_stage = 'testing' WHERE seq = 1"),
    )
    cleo_app.close()
    fix = cleo_cli("doctor", "--only", "tasks.stages").error["fix"]
    assert fix == "cleo update T001 --stage research"
    assert cleo_cli(*fix.split()[1:]).data["fields"] == ["pipelineStage"]
    assert cleo_cli("doctor", "--only", "tasks.stages").code == 0
    assert cleo_cli("update", "T001", "--stage", "testing").error["exit"] == 83
