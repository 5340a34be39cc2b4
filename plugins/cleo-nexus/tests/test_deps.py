"""Tasks wait for tasks of other projects, and are held while they do."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cleo_core.errors import CleoError
from cleo_core.output import to_json
from cleo_core.testing import Outcome
from cleo_core.testing.faults import Faults
from cleo_core.testing.fixtures import Processes
from cleo_nexus.service import depending, enforcing, watching
from cleo_nexus.store import edges

_realms = runpy.run_path(str(Path(__file__).with_name("realms.py")))
Realms, refused, execute, behind = (
    _realms[name] for name in ("Realms", "refused", "execute", "behind")
)
Cli = Callable[..., Outcome]


@pytest.fixture
def realms(cleo_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Projects web, api and lib with three tasks each, without the plugins that matter nothing."""
    monkeypatch.setenv("CLEO_PLUGINS", "tasks,nexus")
    made = Realms(cleo_home / "work")
    made.make("web", "api", "lib")
    yield made
    made.close()


@pytest.mark.guarantee("nexus-09", "A task waits for one of another project, never of its own.")
def test_an_edge_leads_from_one_project_to_another(realms: Any) -> None:
    made = realms.nexus("web").deps_add("T1", "api:t002", note="needs the endpoint")
    assert to_json(made) == {
        "source": {"ref": "web:T001", "projectId": made.source.project_id, "taskId": "T001"},
        "target": {"ref": "api:T002", "projectId": made.target.project_id, "taskId": "T002"},
        "created": True,
        "sourceStatus": "blocked",
    }
    assert realms.edges() == [("web:T001", "api:T002")]
    for app in (realms.app("web"), realms.app("api")):
        assert app.store("nexus").scalar("PRAGMA foreign_keys") == 1
    error = refused(realms.nexus("web").deps_add, "T001", "web:T002")
    assert (error.exit, "cleo deps add T001 T002" in error.fix) == (6, True)
    assert len(realms.edges()) == 1


def test_an_edge_that_is_there_is_no_change(realms: Any) -> None:
    nexus = realms.nexus("web")
    nexus.deps_add("T001", "api:T001")
    assert refused(nexus.deps_add, "web:T001", "api:T1").code == "E_NO_CHANGE"
    assert refused(nexus.deps_remove, "T001", "api:T002").code == "E_NO_CHANGE"
    assert len(realms.edges()) == 1


def test_the_same_key_gives_the_first_result_again(realms: Any) -> None:
    nexus = realms.nexus("web")
    first = nexus.deps_add("T001", "api:T001", idempotency_key="one")
    assert nexus.deps_add("T001", "api:T001", idempotency_key="one") == first
    assert realms.app("web").replayed
    error = refused(nexus.deps_add, "T001", "api:T002", idempotency_key="one")
    assert error.code == "E_IDEMPOTENCY_MISMATCH"


def test_an_end_that_is_none_is_refused(realms: Any) -> None:
    ends: list[tuple[Any, Any, int]] = [
        ("T001", "api:T999", 4),
        ("T999", "api:T001", 4),
        ("T001", "nowhere:T001", 71),
        ("T001", "*:T001", 77),
        ("T001", "api", 73),
        ("", "api:T001", 73),
        (None, "api:T001", 73),
        ("T001", 7, 73),
        ("T\0", "api:T001", 73),
        ("T001", "api:T1\ud800", 73),
        ("T001", "api:T" + "9" * 400, 73),
        ("T001", "api:T" + "9" * 17, 2),
    ]
    for source, target, exit_ in ends:
        assert refused(realms.nexus("web").deps_add, source, target).exit == exit_
        assert refused(realms.nexus("web").deps_remove, source, target).exit in (exit_, 102)
    assert realms.edges() == []


def test_a_note_that_cannot_be_kept_is_refused(realms: Any) -> None:
    for note in ("", "a\nb", "x" * 501, "a\0b", "\ud800", 7):
        assert refused(realms.nexus("web").deps_add, "T001", "api:T001", note=note).exit == 6
    for key in ("", "a\0b", "x" * 201, 7):
        error = refused(realms.nexus("web").deps_add, "T001", "api:T001", idempotency_key=key)
        assert error.exit == 2
    assert realms.edges() == []


def test_edges_of_a_project_that_does_not_let_others_write_are_its_own_affair(
    realms: Any,
) -> None:
    realms.make("shy", permission="read")
    realms.link("web:T001 > shy:T001")
    realms.link("shy:T002 > web:T002")
    for verb in (realms.nexus("web").deps_add, realms.nexus("web").deps_remove):
        error = refused(verb, "shy:T002", "web:T002")
        assert (error.code, error.details["required"]) == ("E_PERMISSION", "write")
    assert len(realms.edges()) == 2


@pytest.mark.guarantee(
    "nexus-10",
    "Tasks of several projects never wait for each other in a loop, whichever edge comes last.",
)
@pytest.mark.parametrize("last", range(3))
def test_a_loop_through_cross_and_local_edges_is_refused_with_its_path(
    realms: Any, last: int
) -> None:
    steps: list[tuple[Callable[[], Any], int]] = [
        (lambda: realms.nexus("web").deps_add("T001", "api:T001"), 14),
        (lambda: realms.tasks("api").deps_add("T001", ["T002"]), 6),
        (lambda: realms.nexus("api").deps_add("T002", "web:T001"), 14),
    ]
    closing, exit_ = steps.pop(last)
    for step, _ in steps:
        step()
    before = realms.edges(), realms.tasks("api").deps_show("T001").depends_on
    error = refused(closing)
    assert error.exit == exit_
    loop = {"web:T001", "api:T001", "api:T002"}
    if exit_ == 14:
        path = error.details["path"]
        assert (path[0], set(path), len(path)) == (path[-1], loop, 4)
    assert all(name in error.message for name in loop)
    assert before[0] == realms.edges()
    assert len(before[1]) == len(realms.tasks("api").deps_show("T001").depends_on)


def test_a_parent_counts_as_waiting_for_its_children(realms: Any) -> None:
    api = realms.tasks("api")
    api.add("epic", type="epic")
    realms.link("web:T001 > api:T004", "api:T001 > web:T001")
    error = refused(api.reparent, "T001", "T004")
    assert (error.code, "T004" in error.message) == ("E_GUARD", True)
    error = refused(api.add, "child", parent="T004", depends=["T001"])
    assert (error.code, "→" in error.message) == ("E_GUARD", True)
    api.add("another", parent="T004")


@pytest.mark.guarantee(
    "nexus-10",
    "Of two opposite edges that are added at the same moment exactly one comes to be.",
)
def test_of_two_opposite_edges_at_once_one_succeeds(
    realms: Any, cleo_home: Path, tmp_path: Path
) -> None:
    realms.close()
    gate = tmp_path / "gate"
    code = (
        "import sys, os, time\n"
        "from cleo_core import open_app\n"
        "from cleo_core.errors import CleoError\n"
        "root, gate, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])\n"
        "other = 'api' if root.endswith('web') else 'web'\n"
        "app = open_app(root)\n"
        "nexus = app.service('nexus')\n"
        "nexus.projects()\n"
        "for number in range(rounds):\n"
        "    open(f'{gate}.{other}.{number}', 'w').close()\n"
        "    mine = 'web' if other == 'api' else 'api'\n"
        "    while not os.path.exists(f'{gate}.{mine}.{number}'): time.sleep(0.001)\n"
        "    try:\n"
        "        nexus.deps_add(f'T{number + 1}', f'{other}:T{number + 1}')\n"
        "        print(number, 0)\n"
        "    except CleoError as error:\n"
        "        print(number, error.exit)\n"
    )
    processes = Processes(os.environ, cleo_home / "work")
    try:
        results = processes(
            [
                (sys.executable, "-c", code, str(realms.folder / name), str(gate), "3")
                for name in ("web", "api")
            ]
        )
    finally:
        processes.end()
    lines = [out.split("\n")[:3] for _, out, _ in results]
    assert [sorted(pair) for pair in zip(*lines, strict=True)] == [
        [f"{number} 0", f"{number} 14"] for number in range(3)
    ], results
    assert len(realms.edges()) == 3


def test_a_project_on_the_way_that_cannot_be_read_refuses_the_edge(realms: Any) -> None:
    realms.link("api:T001 > lib:T001")
    realms.close("lib")
    behind(realms.file("lib"))
    error = refused(realms.nexus("web").deps_add, "T001", "api:T001")
    assert (error.exit, error.details) == (5, {"project": "lib", "reason": "behind"})
    error = refused(realms.nexus("web").deps_add, "T001", "lib:T001")
    assert (error.exit, "lib" in error.message) == (5, True)
    assert realms.edges() == [("api:T001", "lib:T001")]


def test_the_walk_opens_only_the_projects_on_its_way(
    realms: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    realms.make("far", "away")
    realms.link("api:T001 > lib:T001", "far:T001 > away:T001")
    app = realms.app("web")
    opened, made = [], app.for_project

    def watched(root: str, **options: Any) -> Any:
        opened.append(Path(root).name)
        assert sum(bool(one._open) for one in app._others) <= 3
        return made(root, **options)

    monkeypatch.setattr(app, "for_project", watched)
    app.service("nexus").deps_add("T001", "api:T001")
    assert set(opened) == {"web", "api", "lib"}


@pytest.mark.guarantee(
    "nexus-11",
    "A task that waits for another project's is blocked, and released when that one is done.",
)
def test_a_task_is_held_until_what_it_waits_for_is_done(realms: Any) -> None:
    realms.link("web:T001 > api:T001", "web:T001 > lib:T001")
    assert realms.state("web:T001") == ("blocked", "nexus: waits for api:T001, lib:T001")
    assert "T001" not in realms.next("web")
    ada = realms.app("web", agent="ada").service("tasks")
    assert [ada.claim(next=True).task.id for _ in range(2)] == ["T002", "T003"]
    assert refused(ada.claim, next=True).exit == 100
    realms.tasks("api").complete("T001")
    assert realms.state("web:T001") == ("blocked", "nexus: waits for lib:T001")
    realms.tasks("lib").cancel("T001")
    assert realms.state("web:T001") == ("pending", None)
    assert ada.claim(next=True).task.id == "T001"
    ada.unclaim("T001")
    realms.tasks("api").reopen("T001")
    assert realms.state("web:T001") == ("blocked", "nexus: waits for api:T001")
    realms.nexus("web").deps_remove("T001", "api:T001")
    assert realms.state("web:T001") == ("pending", None)


@pytest.mark.guarantee(
    "nexus-11", "Nobody takes up or finishes by hand what still waits for another project."
)
def test_what_waits_cannot_be_taken_up_by_hand(realms: Any) -> None:
    realms.link("web:T001 > api:T001")
    web = realms.tasks("web")
    error = refused(web.update, "T001", status="active")
    assert (error.code, error.exit, error.fix) == (
        "E_GUARD",
        6,
        "cleo nexus deps show web:T001",
    )
    # Made pending by hand, it is held again at once.
    web.update("T001", status="pending")
    assert realms.status("web:T001") == "blocked"
    realms.tasks("web").update("T002", status="active")
    realms.link("web:T002 > api:T001")
    assert realms.status("web:T002") == "active"
    assert refused(web.complete, "T002").code == "E_GUARD"
    realms.tasks("api").complete("T001")
    web.complete("T002")


def test_the_way_out_of_a_hold_is_a_command_that_shows_it(realms: Any, cleo_cli: Cli) -> None:
    realms.link("web:T001 > api:T001")
    realms.close()
    web = ("--project", str(realms.root("web")), "--agent", "ada")
    for argv in (("start", "T001"), ("complete", "T001"), ("claim", "T001", "--start")):
        error = cleo_cli(*web, *argv).error
        assert (error["exit"], error["fix"]) == (6, "cleo nexus deps show web:T001"), argv
        assert "waits for api:T001" in error["message"]
    shown = cleo_cli(*error["fix"].split()[1:]).data
    assert [one["ref"] for one in shown["entries"]] == ["api:T001"]


def test_nobody_is_let_past_a_hold_for_the_name_he_uses(realms: Any) -> None:
    realms.link("web:T001 > api:T001")
    with realms.app("web", agent=enforcing.ACTOR) as app:
        app.service("tasks").update("T001", status="pending")
    assert realms.status("web:T001") == "blocked"


def test_a_task_that_is_blocked_for_another_reason_is_left_alone(realms: Any) -> None:
    realms.tasks("web").update("T001", status="blocked", blocked_reason="no key")
    realms.link("web:T001 > api:T001")
    assert realms.state("web:T001") == ("blocked", "no key")
    realms.tasks("api").complete("T001")
    assert realms.state("web:T001") == ("blocked", "no key")


@pytest.mark.guarantee(
    "nexus-11", "What cannot be read refuses no work; the command warns and goes on."
)
def test_work_goes_on_where_the_other_project_is_gone(realms: Any, cleo_cli: Cli) -> None:
    realms.link("web:T001 > api:T001")
    realms.close()
    shutil.rmtree(realms.folder / "api")
    outcome = cleo_cli("update", "T001", "--status", "active", cwd=realms.folder / "web")
    assert outcome.data["task"]["status"] == "active"
    assert "W_NEXUS_UNCHECKED" in {one["code"] for one in outcome.warnings}
    assert cleo_cli("complete", "T001", cwd=realms.folder / "web").code == 0


@pytest.mark.guarantee(
    "nexus-11", "What was missed after a commit is made good by `cleo nexus deps refresh`."
)
def test_a_refresh_does_what_was_lost_with_the_process(
    realms: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    realms.link("web:T001 > api:T001", "web:T002 > api:T002")
    with monkeypatch.context() as patch:
        patch.setattr("cleo_nexus.service.watching.committed", lambda app, change: None)
        realms.tasks("api").complete("T001")
        execute(
            realms.file("web"),
            "UPDATE tasks SET status = 'pending', blocked_reason = NULL WHERE id = 'T002'",
        )
    assert realms.status("web:T001") == "blocked"
    app = realms.app("lib")
    with app.dry_running():
        found = realms.nexus("lib").deps_refresh()
    assert realms.status("web:T001") == "blocked"
    assert found == realms.nexus("lib").deps_refresh()
    assert [ref.ref for ref in found.released] == ["web:T001"]
    assert [ref.ref for ref in found.blocked] == ["web:T002"]
    assert (realms.status("web:T001"), realms.status("web:T002")) == ("pending", "blocked")
    again = realms.nexus("lib").deps_refresh()
    assert (again.blocked, again.released, again.reworded) == ([], [], [])


@pytest.mark.parametrize("verb", ["complete", "reopen"])
def test_a_target_that_changes_while_its_dependant_is_held_is_seen(
    realms: Any, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    if verb == "reopen":
        realms.tasks("api").complete("T001")
    held = enforcing.hold
    calls = []

    def meanwhile(*arguments: Any, **options: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 1:
            # Who closes or opens the target sees the edge, and a dependant that is not held yet.
            getattr(realms.tasks("api"), verb)("T001")
        return held(*arguments, **options)

    monkeypatch.setattr(enforcing, "hold", meanwhile)
    realms.nexus("web").deps_add("T001", "api:T001")
    assert realms.status("web:T001") == ("pending" if verb == "complete" else "blocked")


def test_a_kill_between_the_commit_and_what_follows_it_is_made_good(realms: Any) -> None:
    realms.link("web:T001 > api:T001", "web:T002 > api:T002")
    realms.close()
    with closing(Faults(realms.folder / "api")) as faults:
        statements = faults.statements("complete", "T001")
        commit = next(place for place, sql in enumerate(statements, 1) if sql == "COMMIT")
        assert realms.status("web:T001") == "pending"
        realms.close()
        assert faults.killed_at(commit + 1, "complete", "T002").code == -9
    assert (realms.status("api:T002"), realms.status("web:T002")) == ("done", "blocked")
    assert [ref.ref for ref in realms.nexus("api").deps_refresh().released] == ["web:T002"]


def test_daily_commands_load_and_make_nothing_where_no_project_has_an_edge(
    realms: Any, cleo_home: Path
) -> None:
    realms.close()
    code = (
        "import contextlib, io, sys\n"
        "from cleo_core.cli import main\n"
        "for words in (['add', 'x', '--depends', 'T001'], ['claim', 'T001'], ['next'],\n"
        "              ['complete', 'T001'], ['reopen', 'T001']):\n"
        "    with contextlib.redirect_stdout(io.StringIO()) as out:\n"
        "        assert main([*words, '--agent', 'ann']) == 0, out.getvalue()\n"
        "    assert 'W_NEXUS' not in out.getvalue(), out.getvalue()\n"
        "print(*sorted(n for n in sys.modules if n.split('.')[0] in ('cleo_nexus', 'sqlalchemy')))"
    )

    def loaded(**more: str) -> set[str]:
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=realms.folder / "lib",
            env={**os.environ, **more},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return set(done.stdout.split())

    light = {"cleo_nexus", "cleo_nexus.api", "cleo_nexus.plugin", "cleo_nexus.service"}
    light |= {"cleo_nexus.service.watching", "cleo_nexus.store", "cleo_nexus.store.edges"}
    assert loaded() == light
    realms.tasks("lib").complete("T001")
    realms.tasks("lib").reopen("T001")
    realms.close()
    home = cleo_home / "elsewhere"
    assert loaded(CLEO_HOME=str(home)) == light
    assert not home.exists()


def test_what_every_change_asks_is_answered_from_indexes(realms: Any) -> None:
    values = {"project": "x", "tasks": "[]"}
    db = realms.app("web").store("nexus")
    for sql in (edges.AT, edges.OUT_OF, edges.INTO, edges.OUT_OF_TASKS, edges.INTO_TASKS):
        plan = [row["detail"] for row in db.read(f"EXPLAIN QUERY PLAN {sql}", **values)]
        assert not [line for line in plan if "SCAN cross_project" in line], (sql, plan)


def test_a_kill_after_an_edge_was_removed_is_made_good_too(
    realms: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    realms.link("web:T001 > api:T001")
    with monkeypatch.context() as patch:
        patch.setattr("cleo_nexus.service.depending.enforce", lambda *args, **options: None)
        realms.nexus("web").deps_remove("T001", "api:T001")
    assert realms.status("web:T001") == "blocked"
    assert [ref.ref for ref in realms.nexus("lib").deps_refresh().released] == ["web:T001"]


def test_reconcile_finds_and_mends_what_is_blocked_for_nothing(realms: Any, cleo_cli: Cli) -> None:
    realms.link("web:T001 > api:T001")
    execute(
        realms.file("api"),
        "UPDATE tasks SET status = 'cancelled', cancelled_at = created_at, "
        "pipeline_stage = 'cancelled' WHERE id = 'T001'",
    )

    def repair(*words: str) -> tuple[int, int]:
        data = cleo_cli("reconcile", *words, cwd=realms.folder / "lib").data
        (row,) = [one for one in data["repairs"] if one["reference"] == "nexus.blocked"]
        return row["planned"], row["repaired"]

    realms.close()
    check = cleo_cli("doctor", "--only", "nexus.blocked", cwd=realms.folder / "lib").envelope
    assert check["data"]["checks"][0]["status"] == "warning"
    assert repair() == (1, 0)
    assert repair("--apply") == (1, 1)
    assert repair() == (0, 0)
    assert realms.status("web:T001") == "pending"


def test_a_target_that_cannot_be_read_changes_nothing(realms: Any) -> None:
    realms.link("web:T001 > api:T001", "web:T002 > lib:T001")
    realms.close("api")
    behind(realms.file("api"))
    found = realms.nexus("web").deps_refresh()
    assert (found.blocked, found.released, found.unknown) == ([], [], 1)
    assert realms.status("web:T001") == "blocked"


def test_a_task_that_somebody_elsewhere_waits_for_is_not_deleted(realms: Any) -> None:
    realms.link("web:T001 > api:T001", "web:T002 > api:T001")
    api = realms.tasks("api")
    error = refused(api.delete, "T001")
    assert (error.code, "web:T001, web:T002 wait for T001" in error.message) == ("E_GUARD", True)
    api.complete("T001")
    api.archive("T001")
    error = refused(api.delete, "T001", purge=True)
    assert (error.code, error.fix) == ("E_GUARD", "cleo nexus deps show api:T001 --reverse")
    for task in ("T001", "T002"):
        realms.tasks("web").cancel(task)
    api.delete("T001", purge=True)


def test_a_finished_task_may_be_archived_while_others_are_satisfied_by_it(realms: Any) -> None:
    realms.link("web:T001 > api:T001")
    realms.tasks("api").complete("T001")
    realms.tasks("api").archive("T001")
    assert realms.status("web:T001") == "pending"
    realms.tasks("api").unarchive("T001")
    assert realms.status("web:T001") == "pending"


def test_a_registry_that_cannot_be_used_stops_no_work(realms: Any, cleo_cli: Cli) -> None:
    realms.link("web:T001 > api:T001")
    realms.close()
    realms.registry.write_bytes(b"no database at all" * 400)
    outcome = cleo_cli("complete", "T002", cwd=realms.folder / "web")
    assert (outcome.code, outcome.warnings[0]["code"]) == (0, "W_NEXUS_UNAVAILABLE")
    assert cleo_cli("add", "more", "--depends", "T001", cwd=realms.folder / "web").code == 0
    assert cleo_cli("nexus", "deps", "show", "T001", cwd=realms.folder / "web").code == 70


def test_a_registry_that_has_lost_a_table_stops_no_work_either(realms: Any, cleo_cli: Cli) -> None:
    realms.close()
    execute(realms.registry, "DROP TABLE cross_project_dependencies")
    outcome = cleo_cli("complete", "T002", cwd=realms.folder / "web")
    assert (outcome.code, outcome.warnings[0]["code"]) == (0, "W_NEXUS_UNAVAILABLE")
    for words in (
        *(("deps", "show", "T001"), ("blocking", "T001"), ("critical-path",), ("orphans",)),
        *(("deps", "add", "T001", "api:T001"), ("deps", "refresh")),
    ):
        assert cleo_cli("nexus", *words, cwd=realms.folder / "web").code in (53, 70), words


def test_a_dry_run_leaves_no_edge_and_holds_nothing(
    realms: Any, cleo_cli: Cli, frozen_bytes: Any, cleo_home: Path
) -> None:
    realms.link("web:T002 > api:T002")
    realms.close()
    with frozen_bytes(cleo_home):
        for words in (
            ("add", "T001", "api:T001"),
            ("remove", "T002", "api:T002"),
            ("refresh",),
        ):
            outcome = cleo_cli("nexus", "deps", *words, "--dry-run", cwd=realms.folder / "web")
            assert outcome.code == 0, outcome
            if words[0] == "add":
                assert outcome.data["sourceStatus"] == "blocked"
            if words[0] == "remove":
                assert outcome.data["sourceStatus"] == "pending"


def test_what_is_done_is_on_record(realms: Any) -> None:
    nexus = realms.nexus("web")
    nexus.deps_add("T001", "api:T001")
    refused(nexus.deps_add, "T001", "api:T001")
    nexus.deps_remove("T001", "api:T001")
    nexus.deps_refresh()
    rows = realms.rows(
        "SELECT action, success, error_code FROM nexus_audit_log "
        "WHERE action LIKE 'nexus.deps%' ORDER BY seq"
    )
    assert rows == [
        ("nexus.deps.add", 1, None),
        ("nexus.deps.add", 0, "E_NO_CHANGE"),
        ("nexus.deps.remove", 1, None),
        ("nexus.deps.refresh", 1, None),
    ]


def test_a_local_edge_of_the_same_moment_does_not_close_a_loop(
    realms: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    realms.link("api:T001 > web:T002")
    web = realms.nexus("web")
    real = depending.edges.add

    def add(*arguments: Any) -> None:
        real(*arguments)
        # Its guard looks at the registry before the edge is committed there.
        realms.tasks("web").deps_add("T002", ["T001"])

    monkeypatch.setattr(depending.edges, "add", add)
    with pytest.raises(CleoError) as refused:
        web.deps_add("T001", "api:T001")
    assert refused.value.exit == 14
    assert realms.edges() == [("api:T001", "web:T002")]
    assert realms.status("web:T001") == "pending"


@pytest.mark.parametrize("way", ["dependency", "child", "new task"])
def test_a_loop_that_two_projects_close_in_the_same_moment_is_told(
    realms: Any, monkeypatch: pytest.MonkeyPatch, cleo_cli: Cli, way: str
) -> None:
    realms.link("api:T001 > web:T002")
    real = watching.guard

    def guard(*arguments: Any) -> Any:
        found = real(*arguments)
        # Committed after the guard has looked, by one who has not seen what is about to be.
        realms.edge("web", "api", ("T004" if way == "new task" else "T001", "T001"))
        return found

    web = realms.tasks("web")
    with monkeypatch.context() as patch:
        patch.setattr(watching, "guard", guard)
        if way == "dependency":
            web.deps_add("T002", ["T001"])
        elif way == "child":
            web.reparent("T001", to="T002")
        else:
            web.add("Late", parent="T002", depends=["T003"])
    (warning,) = realms.app("web").warnings
    assert warning["code"] == "W_NEXUS_CYCLE"
    last = "T004" if way == "new task" else "T001"
    assert warning["path"] == ["web:T002", f"web:{last}", "api:T001", "web:T002"]
    assert " → ".join(warning["path"]) in warning["message"]
    realms.close()
    monkeypatch.chdir(realms.root("web"))
    assert cleo_cli("nexus", "critical-path").error["exit"] == 14
    assert cleo_cli(*warning["fix"].split()[1:]).code == 0
    assert cleo_cli("nexus", "critical-path").code == 0


def test_a_block_of_somebody_else_is_left_alone_whatever_it_says(realms: Any) -> None:
    tasks = realms.tasks("web")
    tasks.update("T001", status="blocked", blocked_reason="nexus: waiting for Bob")
    realms.nexus("web").deps_refresh()
    assert realms.status("web:T001") == "blocked"


@pytest.mark.parametrize("words", [("reconcile", "--apply"), ("nexus", "deps", "refresh")])
def test_what_is_held_for_an_edge_that_nobody_remembers_is_found(
    realms: Any, cleo_cli: Any, words: tuple[str, ...]
) -> None:
    realms.link("web:T001 > api:T001")
    realms.close()
    for statement in (
        "DELETE FROM cross_project_dependencies",
        "INSERT INTO nexus_schema_meta (key, value) VALUES ('audit_prune', '1')",
        "DELETE FROM nexus_audit_log",
    ):
        execute(realms.registry, statement)
    assert realms.status("web:T001") == "blocked"
    realms.close()
    checked = cleo_cli("doctor", "--only", "nexus.blocked", "--deep", cwd=realms.root("api"))
    assert "web:T001" in checked.out
    assert cleo_cli(*words, cwd=realms.root("api")).code == 0
    assert realms.status("web:T001") == "pending"
