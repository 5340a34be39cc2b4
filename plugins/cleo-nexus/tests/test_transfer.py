"""Tasks go from one project to another, as copies or themselves."""

from __future__ import annotations

import contextlib
import hashlib
import runpy
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cleo_core.errors import CleoError
from cleo_core.locks import held
from cleo_core.testing import Outcome
from cleo_nexus.service import transfer_steps

_removals = runpy.run_path(str(Path(__file__).with_name("removals.py")))
World, Realms, refused, execute, behind = (
    _removals[name] for name in ("World", "Realms", "refused", "execute", "behind")
)
Cli = Callable[..., Outcome]
REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "beads" / "beads_rust.issues.jsonl"


@pytest.fixture
def realms(cleo_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Projects web, api and lib with three tasks each; all let others write."""
    monkeypatch.setenv("CLEO_PLUGINS", "tasks,nexus")
    made = Realms(cleo_home / "work")
    made.make("web", "api", "lib")
    yield made
    made.close()


@pytest.fixture
def world(cleo_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Tasks of three projects that wait for each other."""
    monkeypatch.setenv("CLEO_PLUGINS", "tasks,nexus")
    made = World(cleo_home)
    yield made
    made.close()


def steps(found: Any) -> dict[str, str]:
    """Step -> outcome."""
    return {one.step: one.outcome for one in found.steps}


def bytes_below(folder: Path) -> dict[str, str]:
    """Every file below a folder and the SHA-256 of what it holds."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def graph_of(world: Any, name: str) -> Any:
    """Who waits for what in a project."""
    return world.tasks(name).edges()


def interrupted(world: Any, *, commits: int, mode: str = "move") -> str:
    """Have a transfer killed after some commits; its id."""
    world.killed(lambda nexus: nexus.transfer(["T001"], "api", mode=mode), commits=commits)
    return str(world.journal()[0].id)


def permit(world: Any, name: str, level: str) -> None:
    """Set what a project lets others do."""
    execute(
        world.registry, "UPDATE project_registry SET permissions = ? WHERE slug = ?", level, name
    )


def test_a_copy_leaves_the_source_as_it_was_but_for_the_links(realms: Any) -> None:
    realms.tasks("web").add("Child", parent="T001")
    done = realms.nexus("web").transfer(["T001", "web:T002"], "api")
    assert (done.state, done.mode, done.source, done.target) == ("done", "copy", "web", "api")
    assert done.id_map == {"T001": "T005", "T002": "T006", "T004": "T004"}
    assert steps(done) == {
        **dict.fromkeys(("planned", "imported", "mapped", "linked", "done"), "done"),
        **dict.fromkeys(("repointed", "archived", "brain"), "skipped"),
    }
    assert [realms.status(f"web:T00{n}") for n in (1, 2, 4)] == ["pending"] * 3
    links, _ = realms.tasks("web").link_list()
    assert {(one.task_id, one.external_id, one.sync_direction) for one in links} == {
        (old, f"{realms.id('api')}:{new}", "outbound") for old, new in done.id_map.items()
    }


def test_a_copy_of_a_task_that_waits_elsewhere_waits_for_nothing(realms: Any) -> None:
    realms.link("web:T001 > lib:T001")
    assert realms.status("web:T001") == "blocked"
    done = realms.nexus("web").transfer("T001", "api")
    assert realms.state(f"api:{done.id_map['T001']}") == ("pending", None)
    assert realms.edges() == [("web:T001", "lib:T001")]


def test_a_single_task_goes_below_another_one(realms: Any) -> None:
    realms.tasks("web").add("Child", parent="T001")
    done = realms.nexus("web").transfer("T001", "api", scope="single", parent="api:T002")
    (made,) = realms.tasks("api").show(done.id_map["T001"])
    assert (list(done.id_map), made.parent_id) == (["T001"], "T002")


@pytest.mark.guarantee(
    "nexus-17", "A dry run of a transfer says what would come of it and changes no byte."
)
@pytest.mark.parametrize("mode", ["copy", "move"])
def test_a_dry_run_changes_no_byte(world: Any, mode: str, cleo_home: Path) -> None:
    world.close()
    before = bytes_below(cleo_home)
    with world.app("web").dry_running():
        found = world.nexus("web").transfer("T001", "api", mode=mode, with_brain=True)
    assert (found.id, found.state, found.dry_run) == (None, "planned", True)
    assert found.id_map == {"T001": "T???", "T002": "T???", "T003": "T003"}
    world.close()
    assert bytes_below(cleo_home) == before
    id_ = interrupted(world, commits=3, mode=mode)
    world.close()
    before = bytes_below(cleo_home)
    with world.app("web").dry_running():
        assert world.nexus("web").transfer_resume(id_).dry_run
        assert refused(world.nexus("web").transfer_abort, id_).exit == 6
    world.close()
    assert bytes_below(cleo_home) == before


@pytest.mark.parametrize(
    ("mode", "here", "source", "target", "exit_", "fix"),
    [
        ("copy", "lib", "read", "write", 0, ""),
        ("copy", "lib", "read", "read", 72, "cleo nexus permission set api write"),
        ("move", "lib", "write", "write", 72, "cleo nexus permission set web execute"),
        ("move", "lib", "execute", "write", 0, ""),
        ("move", "web", "read", "write", 0, ""),
        ("copy", "api", "read", "read", 0, ""),
        ("move", "api", "read", "read", 72, "cleo nexus permission set web execute"),
    ],
)
def test_both_projects_have_to_let_it_happen(
    realms: Any, mode: str, here: str, source: str, target: str, exit_: int, fix: str
) -> None:
    permit(realms, "web", source)
    permit(realms, "api", target)
    nexus = realms.nexus(here)
    if not exit_:
        assert nexus.transfer("web:T001", "api", mode=mode).state == "done"
        return
    error = refused(nexus.transfer, "web:T001", "api", mode=mode)
    assert (error.exit, error.fix) == (exit_, fix)
    assert realms.rows("SELECT count(*) FROM transfer_journal") == [(0,)]
    assert realms.tasks("api").summary().tasks == 3


def test_rights_are_asked_for_again_when_it_is_gone_on_with(world: Any) -> None:
    id_ = interrupted(world, commits=3)
    permit(world, "api", "read")
    error = refused(world.nexus("web").transfer_resume, id_)
    assert (error.exit, world.journal()[0].state) == (72, "imported")
    permit(world, "api", "write")
    assert refused(world.nexus("lib").transfer_resume, id_).fix == (
        "cleo nexus permission set web execute"
    )
    assert world.nexus("web").transfer_resume(id_).state == "done"


def test_a_step_that_cannot_be_done_now_is_done_later(world: Any) -> None:
    id_ = interrupted(world, commits=4)
    world.close()
    shutil.move(world.root("web"), world.root("away"))
    error = refused(world.nexus("api").transfer_resume, id_)
    assert error.exit == 72
    permit(world, "web", "execute")
    error = refused(world.nexus("api").transfer_resume, id_)
    assert (error.exit, error.code) == (74, "E_INCOMPLETE")
    assert error.fix == f"cleo nexus transfer --resume {id_}"
    (found,) = world.nexus("api").transfers()[0]
    assert (found.state, "not at" in str(found.error)) == ("mapped", True)
    shutil.move(world.root("away"), world.root("web"))
    done = world.nexus("api").transfer_resume(id_)
    assert (done.state, done.error) == ("done", None)
    assert world.nexus("api").transfer_resume(id_) == done


@pytest.mark.parametrize("change", ["behind", "gone"])
def test_a_project_that_cannot_be_used_is_refused_before_anything_is_done(
    realms: Any, change: str
) -> None:
    realms.close()
    if change == "behind":
        behind(realms.file("api"))
    else:
        realms.file("api").unlink()
    error = refused(realms.nexus("web").transfer, "T001", "api")
    assert error.exit == (50 if change == "behind" else 3)
    assert error.fix.endswith(f" --project {realms.root('api')}")
    assert realms.rows("SELECT count(*) FROM transfer_journal") == [(0,)]
    assert realms.file("api").exists() == (change == "behind")


def test_what_the_target_does_not_take_is_refused_before_anything_is_done(realms: Any) -> None:
    nexus = realms.nexus("web")
    realms.tasks("web").add("Waits", depends=["T001"])
    realms.tasks("web").add("Child", parent="T002")
    for exit_, arguments in (
        (4, {"refs": "T099"}),
        (22, {"on_conflict": "fail"}),
        (10, {"parent": "T099"}),
        (6, {"refs": "T004", "on_missing": "fail"}),
        (6, {"on_missing": "fail", "mode": "move"}),
        (16, {"refs": "T002", "mode": "move", "scope": "single"}),
        (6, {"to": "web"}),
        (6, {"refs": ["T001", "lib:T001"]}),
        (6, {"parent": "lib:T001"}),
        (2, {"refs": []}),
        (2, {"refs": 7}),
        (2, {"to": None}),
        (2, {"to": "a\0b"}),
        (6, {"mode": "steal"}),
        (6, {"scope": ["single"]}),
        (2, {"with_brain": "yes"}),
        (71, {"to": "nowhere"}),
        (71, {"refs": "nowhere:T001"}),
        (73, {"refs": "T001\0"}),
        (73, {"refs": [None]}),
        (77, {"refs": "*:T001"}),
        (73, {"parent": "\ud800"}),
        (2, {"idempotency_key": ""}),
    ):
        given: dict[str, Any] = {"refs": "T001", "to": "api", **arguments}
        error = refused(nexus.transfer, given.pop("refs"), given.pop("to"), **given)
        assert (error.exit, bool(error.fix)) == (exit_, True), arguments
    assert realms.rows("SELECT count(*) FROM transfer_journal") == [(0,)]
    assert realms.tasks("api").summary().tasks == 3


def test_what_moves_below_a_task_must_not_wait_for_it(realms: Any) -> None:
    realms.link("web:T001 > lib:T001", "lib:T001 > api:T001")
    error = refused(realms.nexus("web").transfer, "T001", "api", mode="move", parent="T001")
    assert (error.exit, error.details["path"]) == (14, ["lib:T001", "api:T001"])
    assert realms.nexus("web").transfer("T001", "api", mode="move", parent="T002").state == "done"


def test_tasks_whose_numbers_are_taken_can_be_left_out(realms: Any) -> None:
    realms.tasks("web").add("New", depends=["T001"])
    done = realms.nexus("web").transfer(["T001", "T004"], "api", mode="move", on_conflict="skip")
    assert (done.id_map, done.skipped) == (
        {"T004": "T004"},
        [{"id": "T001", "reason": "id taken", "task": "T001"}],
    )
    assert (realms.status("web:T001"), realms.status("web:T004")) == ("pending", "archived")
    assert realms.edges() == [("api:T004", "web:T001")]
    assert realms.state("api:T004") == ("blocked", "nexus: waits for web:T001")


def test_an_edge_that_nothing_can_be_made_of_is_told_of(realms: Any) -> None:
    realms.link("web:T001 > api:T001")
    realms.close()
    execute(realms.file("api"), "DELETE FROM tasks WHERE id = 'T001'")
    done = realms.nexus("web").transfer("T001", "api", mode="move")
    (told,) = [step for step in done.steps if step.step == "repointed"]
    assert (told.outcome, "no longer waits for T001" in str(told.message)) == ("done", True)
    assert "W_TRANSFER_EDGE_LOST" in {one["code"] for one in realms.app("web").warnings}
    assert realms.edges() == []


def test_an_edge_that_is_made_meanwhile_goes_along(
    realms: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cleo_nexus.service import transfer_steps

    def late(run: Any, row: Any) -> None:
        realms.link("lib:T001 > web:T001")
        raise CleoError("E_IO", "The disk is gone.")

    with monkeypatch.context() as patched:
        patched.setattr(transfer_steps.Run, "_archived", late)
        error = refused(realms.nexus("web").transfer, "T001", "api", mode="move")
    assert (error.exit, error.details["state"], error.details["cause"]) == (74, "repointed", "E_IO")
    done = realms.nexus("web").transfer_resume(error.details["transfer"])
    new = f"api:{done.id_map['T001']}"
    assert realms.edges() == [("lib:T001", new)]
    assert realms.state("lib:T001") == ("blocked", f"nexus: waits for {new}")


@pytest.mark.parametrize("commits", [1, 2, 3], ids=["planned", "arrived", "noted"])
def test_a_transfer_that_waited_longer_than_keys_live_arrives_once(
    world: Any, commits: int, cleo_clock: Any
) -> None:
    id_ = interrupted(world, commits=commits)
    cleo_clock.advance(60 * 24 * 3600)
    done = world.nexus("web").transfer_resume(id_)
    assert done.id_map == {"T001": "T004", "T002": "T005", "T003": "T003"}
    assert world.tasks("api").summary().tasks == 5


def test_what_was_changed_meanwhile_is_told_of(world: Any) -> None:
    id_ = interrupted(world, commits=4)
    world.tasks("web").update("T003", title="Another title")
    world.nexus("web").transfer_resume(id_)
    (told,) = [one for one in world.app("web").warnings if one["code"] == "W_TRANSFER_CHANGED"]
    assert told["ids"] == ["T003"]


def test_locks_are_held_while_it_runs(realms: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from cleo_nexus.service import transfer_steps

    seen: list[set[str]] = []
    linked = transfer_steps.Run._linked

    def watched(run: Any, row: Any) -> None:
        folders = (
            realms.registry.parent,
            realms.root("web") / ".cleo",
            realms.root("api") / ".cleo",
        )
        seen.append({str(one["lock"]) for folder in folders for one in held(str(folder))})
        assert [len(held(str(folder))) for folder in folders] == [1, 1, 1]
        linked(run, row)

    monkeypatch.setattr(transfer_steps.Run, "_linked", watched)
    realms.nexus("web").transfer("T001", "api")
    assert seen == [{"nexus", "tasks"}]
    assert held(str(realms.registry.parent)) == []


def test_the_same_key_transfers_once_and_goes_on_with_what_was_begun(world: Any) -> None:
    def transfer(nexus: Any, **options: Any) -> Any:
        return nexus.transfer("T001", "api", idempotency_key="one", **options)

    assert world.killed(transfer, commits=3)
    done = transfer(world.nexus("web"))
    assert (done.state, len(world.journal())) == ("done", 1)
    assert transfer(world.nexus("web")) == done
    assert world.app("web").replayed
    assert refused(transfer, world.nexus("web"), mode="move").code == "E_IDEMPOTENCY_MISMATCH"


@pytest.mark.parametrize(
    ("commits", "arrived"), [(1, False), (2, True), (3, True)], ids=["planned", "arrived", "noted"]
)
def test_only_what_has_not_arrived_can_be_given_up(world: Any, commits: int, arrived: bool) -> None:
    id_ = interrupted(world, commits=commits)
    nexus = world.nexus("web")
    if arrived:
        error = refused(nexus.transfer_abort, id_)
        assert (error.exit, error.fix) == (6, f"cleo nexus transfer --resume {id_}")
        assert nexus.transfer_resume(id_).state == "done"
        assert refused(nexus.transfer_abort, id_).exit == 6
        return
    assert nexus.transfer_abort(id_).state == "aborted"
    assert nexus.transfer_abort(id_).state == "aborted"
    assert refused(nexus.transfer_resume, id_).exit == 6
    assert world.tasks("api").summary().tasks == 2


def test_what_may_have_arrived_cannot_be_given_up(world: Any) -> None:
    id_ = interrupted(world, commits=2)
    world.close()
    shutil.move(world.root("api"), world.root("api-moved"))
    error = refused(world.nexus("web").transfer_abort, id_)
    assert (error.exit, error.fix) == (74, "cleo nexus scan")
    assert world.journal()[0].state == "planned"


def test_what_an_open_move_has_goes_nowhere_else(world: Any) -> None:
    id_ = interrupted(world, commits=3)
    permit(world, "lib", "write")
    for mode in ("move", "copy"):
        error = refused(world.nexus("web").transfer, ["T001"], "lib", mode=mode)
        assert (error.exit, error.fix) == (6, f"cleo nexus transfer --resume {id_}")
    assert world.nexus("web").transfer_resume(id_).state == "done"


def test_what_was_moved_is_moved_once(world: Any) -> None:
    done = world.nexus("web").transfer(["T001"], "api", mode="move")
    permit(world, "lib", "write")
    for target in ("api", "lib"):
        for dry in (False, True):
            with world.nexus("web").app.dry_running() if dry else contextlib.nullcontext():
                error = refused(world.nexus("web").transfer, ["T001"], target, mode="move")
            assert (error.exit, error.details["ref"]) == (6, f"api:{done.id_map['T001']}")
            assert error.fix == f"cleo nexus resolve api:{done.id_map['T001']}"
    assert [one.id for one in world.journal()] == [done.id]
    world.tasks("web").unarchive("T001")
    error = refused(world.nexus("web").transfer, ["T001"], "lib", mode="move")
    assert (error.exit, error.fix) == (6, "the same command with --scope single")
    assert error.details["id"] != "T001"
    assert [one.id for one in world.journal()] == [done.id]
    again = world.nexus("web").transfer(["T001"], "lib", mode="move", scope="single")
    assert again.state == "done"


@pytest.mark.parametrize("state", ["linked", "repointed"])
def test_a_child_that_came_meanwhile_stops_a_move_and_is_named_with_a_way_out(
    world: Any, cleo_cli: Cli, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world.home)
    permit(world, "web", "execute")
    world.keep()
    for commits in range(9 if state == "repointed" else 5, 30):
        id_ = interrupted(world, commits=commits)
        if world.journal()[0].state == state:
            break
        world.restore()
    edges = world.edges()
    child = world.tasks("web").add("Late", parent="T001").task.id
    error = refused(world.nexus("api").transfer_resume, id_)
    assert (error.exit, error.details["cause"]) == (74, "E_HAS_CHILDREN")
    assert f"--resume {id_}" in error.message
    assert (world.journal()[0].state, world.edges()) == (state, edges)
    assert error.fix == f"cleo reparent {child} --to root --project {world.root('web')}"
    world.close()
    assert cleo_cli(*error.fix.split()[1:], agent="ada").code == 0
    assert world.nexus("api").transfer_resume(id_).state == "done"


def test_a_transfer_that_cannot_go_on_leaves_one_row_in_the_audit(
    realms: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    nexus = realms.nexus("web")

    def rows() -> list[Any]:
        found: list[Any] = realms.rows(
            "SELECT action, success FROM nexus_audit_log WHERE action LIKE 'nexus.transfer%'"
        )
        return found

    def stop(self: Any, row: Any) -> None:
        raise CleoError("E_DISK_FULL", "The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(transfer_steps.Run, "_linked", stop)
        error = refused(nexus.transfer, "T001", "api")
        assert (error.exit, rows()) == (74, [("nexus.transfer", 1)])
        id_ = error.details["transfer"]
        assert refused(nexus.transfer_resume, id_).exit == 74
    assert rows()[1:] == [("nexus.transfer.resume", 1)]
    nexus.transfer_resume(id_)
    assert refused(nexus.transfer, "T099", "api").exit == 4
    assert rows()[2:] == [("nexus.transfer.resume", 1), ("nexus.transfer", 0)]


def test_nothing_is_put_away_that_the_target_has_no_more(world: Any) -> None:
    id_ = interrupted(world, commits=3)
    arrived = sorted(set(world.tasks("api").edges().statuses))[-1]
    world.close()
    execute(world.root("api") / ".cleo" / "tasks.db", "DELETE FROM tasks WHERE id = ?", arrived)
    error = refused(world.nexus("web").transfer_resume, id_)
    assert error.exit == 74
    assert arrived in error.message
    assert world.tasks("web").show("T001")[0].status != "archived"


@pytest.mark.parametrize("id_", ["", "xfr-1", "xfr-00000000000G", "\0", "xfr-000000000000\n", None])
def test_what_is_no_transfer_is_said_to_be_none(realms: Any, id_: Any) -> None:
    for verb in (realms.nexus("web").transfer_resume, realms.nexus("web").transfer_abort):
        assert refused(verb, id_).exit == 2
        assert refused(verb, "xfr-000000000000").exit == 4


def test_every_verb_and_the_doctor_tell_of_what_is_not_finished(world: Any, cleo_cli: Cli) -> None:
    from cleo_nexus.service.checking_transfers import check_transfers

    assert check_transfers(world.app("web")).status == "ok"
    id_ = interrupted(world, commits=3)
    for argv in (("list",), ("show", "web"), ("deps", "show", "T001"), ("transfers",)):
        found = cleo_cli("nexus", *argv, cwd=world.root("web"))
        assert found.code == 0
        (told,) = found.envelope["meta"]["warnings"]
        assert (told["code"], told["transfers"]) == ("W_TRANSFER_OPEN", [id_])
        assert f"cleo nexus transfer --resume {id_}" in told["message"]
    finding = check_transfers(world.app("web"))
    assert (finding.status, finding.fix) == ("warning", f"cleo nexus transfer --resume {id_}")
    assert finding.details["transfers"][0]["state"] == "imported"
    found = cleo_cli("nexus", "transfer", "--resume", id_, cwd=world.root("web"))
    assert (found.code, found.envelope["data"]["state"]) == (0, "done")
    assert "warnings" not in found.envelope["meta"]


def test_the_command_takes_one_thing_at_a_time(realms: Any, cleo_cli: Cli) -> None:
    web = realms.root("web")
    for argv in (
        (),
        ("T001",),
        ("--to", "api"),
        ("--resume", "xfr-000000000000", "--abort", "xfr-000000000000"),
        ("T001", "--resume", "xfr-000000000000"),
        ("--resume", "xfr-000000000000", "--mode", "move"),
        ("--abort", "xfr-000000000000", "--idempotency-key", "k"),
        ("--resume", "xfr-1"),
    ):
        found = cleo_cli("nexus", "transfer", *argv, cwd=web)
        assert found.code == 2, argv
    done = cleo_cli("nexus", "transfer", "T001", "--to", "api", "--mode", "move", cwd=web)
    assert (done.code, done.envelope["data"]["idMap"]) == (0, {"T001": "T004"})
    shown = cleo_cli("nexus", "transfer", "T002", "--to", "api", "--human", cwd=web)
    assert "web:T002 → api:T005" in shown.out
    listed = cleo_cli("nexus", "transfers", "--limit", "1", cwd=web)
    assert (listed.envelope["page"]["total"], len(listed.envelope["data"])) == (2, 1)
    assert "api" in cleo_cli("nexus", "transfers", "--human", cwd=web).out


@pytest.mark.skipif(not REAL.exists(), reason="shared/data/beads is not here")
def test_a_part_of_a_real_project_moves_with_everything_that_waits(realms: Any) -> None:
    realms.tasks("web").import_beads(str(REAL))
    before = {task.id: task for task in realms.tasks("web").show(*graph_of(realms, "web").statuses)}
    children = Counter(task.parent_id for task in before.values() if task.parent_id)
    ((epic, _),) = children.most_common(1)
    known: list[tuple[str, int, int | None]] = []
    done = realms.nexus("web").transfer(
        epic, "api", mode="move", progress=lambda *told: known.append(told)
    )
    assert len(done.id_map) > children[epic]
    assert {told[0] for told in known} == {"steps", "links"}

    def named(task: str) -> str:
        return f"api:{done.id_map[task]}" if task in done.id_map else f"web:{task}"

    waits = {
        (f"{name}:{task}", f"{name}:{one}")
        for name in ("web", "api")
        for task, targets in graph_of(realms, name).waits.items()
        for one in targets
    }
    needed = {(named(task.id), named(one)) for task in before.values() for one in task.depends_on}
    assert needed
    assert needed <= waits | set(realms.edges())
    after = graph_of(realms, "web").statuses
    assert {after[task] for task in done.id_map} == {"archived"}
    assert {task: after[task] for task in after if task not in done.id_map} == {
        task.id: task.status for task in before.values() if task.id not in done.id_map
    }


class TestMemory:
    """Memories of what is transferred."""

    @pytest.fixture
    def realms(self, cleo_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
        """Projects with memories."""
        monkeypatch.setenv("CLEO_PLUGINS", "tasks,nexus,brain")
        monkeypatch.setenv("CLEO_BRAIN_EMBED", "never")
        made = Realms(cleo_home / "work")
        made.make("web", "api", titles=1)
        yield made
        made.close()

    def test_memories_are_copied_with_the_tasks(self, realms: Any) -> None:
        made = realms.app("web").service("brain").observe("The tokens expire", tasks=["T001"])
        nexus = realms.nexus("web")
        done = nexus.transfer("T001", "api", mode="move", with_brain=True)
        assert steps(done)["brain"] == "done"
        (copy,) = realms.app("api").service("brain").export_records([done.id_map["T001"]])
        assert (copy["title"], copy["id"] == made.id) == ("The tokens expire", False)
        assert copy["links"][0]["taskId"] == done.id_map["T001"]

    def test_a_memory_that_fails_is_noted_and_no_more(
        self, realms: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from cleo_brain.service.exporting import ExportVerbs

        for failure in (CleoError("E_IO", "the disk is gone"), ValueError("a plugin's own")):

            def fails(*_: Any, failure: Exception = failure) -> None:
                raise failure

            monkeypatch.setattr(ExportVerbs, "export_records", fails)
            done = realms.nexus("web").transfer("T001", "api", with_brain=True)
            assert (done.state, steps(done)["brain"]) == ("done", "failed")
            assert str(failure) in next(one.message for one in done.steps if one.step == "brain")


def test_without_a_memory_the_step_fails_and_the_transfer_does_not(realms: Any) -> None:
    done = realms.nexus("web").transfer("T001", "api", with_brain=True)
    assert (done.state, steps(done)["brain"]) == ("done", "failed")
