"""``release plan | ship | list | show | changelog | cancel | rollback``."""

from __future__ import annotations

import runpy
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]
ReleaseProject = Any

_kit = runpy.run_path(str(Path(__file__).with_name("release_project.py")))
project, service, statuses = _kit["project"], _kit["service"], _kit["statuses"]


@pytest.fixture
def ready(project: ReleaseProject) -> ReleaseProject:
    """With a feature and a fix that are done."""
    project.done("Read *all* files")
    project.done("Crash on [empty] input", role="bug")
    return project


def problems(outcome: Any) -> set[str]:
    """The gates that an error names."""
    return {one["field"] for one in outcome.error["details"]["problems"]}


def test_a_release_is_one_commit_and_one_tag_with_its_tasks_in_the_changelog(
    ready: ReleaseProject,
) -> None:
    ready.bump_by_script()
    result = ready.ship("1.0.0", "--all-done", "--note", "The first one.", "--dist-tag", "latest")
    release = result.data["release"]
    assert (release["id"], release["version"], release["status"]) == (
        "rel-v1.0.0",
        "v1.0.0",
        "tagged",
    )
    assert statuses(result.data) == {
        **dict.fromkeys(("prepare", "bump", "changelog", "commit", "tag"), "done"),
        "push": "skipped",
    }
    assert [task["id"] for task in result.data["tasks"]] == ["T001", "T002"]
    (commit,) = ready.commits()
    assert release["commitSha"] == commit == ready.git("rev-parse", "v1.0.0^{commit}")
    assert ready.git("cat-file", "-t", "v1.0.0") == "tag"
    assert ready.files_of(commit) == ["CHANGELOG.md", "VERSION"]
    assert ready.git("log", "-1", "--format=%s") == "chore(release): v1.0.0"
    assert ready.dirty() == []
    assert (ready.root / "CHANGELOG.md").read_text() == ("# Changelog\n\n" + release["changelog"])
    day = release["preparedAt"][:10]
    assert release["changelog"] == (
        f"## v1.0.0 - {day}\n\nThe first one.\n\n### Features\n\n- Read \\*all\\* files (T001)\n\n"
        "### Fixes\n\n- Crash on \\[empty\\] input (T002)\n"
    )
    assert ready.bumps.read_text() == "['1.0.0', 'v1.0.0'] 1.0.0 v1.0.0 latest None\n"
    assert "- Read \\*all\\* files (T001)" in ready.git("tag", "-n99", "-l", "v1.0.0")


def test_every_unit_is_in_the_log(ready: ReleaseProject, service: Any) -> None:
    ready.ship("v1.0.0", "--all-done")
    rows, _ = service.log_list(limit=100)
    mine = [row for row in reversed(rows) if row["entityKind"] == "release"]
    assert [row["action"] for row in mine] == [
        "release.begin",
        *("release.prepare", "release.prepare", "release.bump"),
        *("release.changelog", "release.changelog", "release.commit", "release.commit"),
        *("release.tag", "release.tag", "release.push"),
    ]
    assert len({row["requestId"] for row in mine}) == 1
    assert mine[0]["after"]["status"] == "draft"
    assert mine[2]["before"]["status"] == "draft"
    assert mine[2]["after"]["status"] == "prepared"
    assert mine[2]["after"]["steps"] == {"prepare": "done"}


@pytest.mark.guarantee(
    "tasks-28", "The first release never takes tasks by itself; you say which, or --all-done."
)
def test_the_first_release_is_told_its_tasks(ready: ReleaseProject) -> None:
    refused = ready.ship("v1.0.0")
    assert refused.code == 80
    assert refused.error["fix"] == "cleo release ship v1.0.0 --all-done"
    assert ready.ship("v1.0.0", "--force", "--reason", "now").code == 80
    assert ready.cli("release", "list").data == []
    assert ready.commits() == []
    assert ready.ship("v1.0.0", "--task", "T002").code == 0
    assert [task["id"] for task in ready.show("v1.0.0")["tasks"]] == ["T002"]


def test_later_releases_take_what_was_completed_since_the_last_one(
    ready: ReleaseProject,
) -> None:
    ready.ship("v1.0.0", "--task", "T001")
    ready.cli("add", "Not done")
    later = ready.done("After the first")
    planned = ready.cli("release", "plan", "v1.1.0")
    assert "in no release: T002 (1). --all-done" in planned.warnings[0]["message"]
    shipped = ready.ship("v1.1.0")
    assert [one["code"] for one in shipped.warnings] == ["W_TASKS_LEFT_OUT"]
    result = shipped.data
    assert [task["id"] for task in result["tasks"]] == [later]
    assert result["release"]["previousVersion"] == "v1.0.0"
    nothing = ready.ship("v1.2.0")
    assert problems(nothing) == {"tasks", "changelog"}
    # What the first release left out is taken only when it is asked for.
    assert [task["id"] for task in ready.ship("v1.2.0", "--all-done").data["tasks"]] == ["T002"]


def test_an_epic_gives_its_done_descendants_that_no_release_has(project: ReleaseProject) -> None:
    project.cli("add", "The parser", "--type", "epic")
    project.cli("add", "Errors", "--parent", "T001")
    project.cli("add", "Grammar", "--parent", "T001")
    project.cli("add", "Rules", "--parent", "T003")
    # With its only child, the grammar is done too.
    project.cli("complete", "T004")
    released = project.ship("v1.0.0", "--epic", "T001").data
    assert [task["id"] for task in released["tasks"]] == ["T003", "T004"]
    assert released["release"]["epicId"] == "T001"
    text = released["release"]["changelog"]
    assert "- Grammar (T003)\n  - Rules (T004)\n" in text
    project.cli("complete", "T002")
    later = project.ship("v1.1.0", "--epic", "T001").data
    assert [task["id"] for task in later["tasks"]] == ["T002"]
    assert project.ship("v1.2.0", "--epic", "T002").code == 6
    assert project.ship("v1.2.0", "--epic", "T999").code == 4
    assert project.ship("v1.2.0", "--task", "T999").code == 4


def test_a_release_of_an_epic_names_its_pipeline(project: ReleaseProject, cleo_app: App) -> None:
    project.cli("add", "The parser", "--type", "epic")
    project.done("Tokens", parent="T001")

    def pipeline(unit: Any) -> None:
        unit.execute(
            "INSERT INTO lifecycle_pipelines (id, task_id, started_at, updated_at) "
            "VALUES ('pl_T001', 'T001', :now, :now)",
            now=unit.now,
        )

    cleo_app.write("tasks", pipeline)
    released = project.ship("v1.0.0", "--epic", "T001").data["release"]
    assert (released["epicId"], released["pipelineId"]) == ("T001", "pl_T001")


@pytest.mark.guarantee("tasks-28", "A task is in at most one release that was not rolled back.")
def test_a_task_is_in_one_live_release_only(ready: ReleaseProject) -> None:
    ready.ship("v1.0.0", "--task", "T001")
    again = ready.ship("v1.1.0", "--task", "T001", "--task", "T002", "--force", "--reason", "x")
    assert problems(again) == {"tasks"}
    assert "T001 in v1.0.0" in again.error["message"]
    assert ready.cli("release", "rollback", "v1.0.0", "--reason", "broken").code == 0
    assert ready.ship("v1.1.0", "--task", "T001", "--task", "T002").code == 0


def test_two_releases_that_are_planned_side_by_side_do_not_share_a_task(
    ready: ReleaseProject, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cleo_tasks.service.releases import ReleaseVerbs

    begun, taken = ReleaseVerbs._begun, []

    def another_first(self: Any, request: Any, *more: Any) -> Any:
        found = begun(self, request, *more)
        if not taken:
            taken.append(request)

            def put(unit: Any) -> None:
                unit.execute(
                    "INSERT INTO release_manifests (id, version, status, created_at) "
                    "VALUES ('rel-v9.9.9', 'v9.9.9', 'draft', :now)",
                    now=unit.now,
                )
                unit.execute("INSERT INTO release_tasks VALUES ('rel-v9.9.9', 'T001')")

            self.app.write("tasks", put)
        return found

    monkeypatch.setattr(ReleaseVerbs, "_begun", another_first)
    with pytest.raises(CleoError) as error:
        service.release_ship("v1.0.0", tasks=["T001"])
    assert error.value.exit == 80
    shown = service.release_show("v1.0.0")
    assert shown.release.status == "draft"
    assert shown.steps[0].status == "failed"
    assert shown.tasks == []
    # The draft goes on with what is left.
    assert [task.id for task in service.release_ship("v1.0.0", all_done=True).tasks] == ["T002"]


def test_a_task_that_is_done_while_git_is_asked_is_in_this_release_or_the_next(
    ready: ReleaseProject, service: Any, cleo_open: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cleo_core import programs

    run, late, asked = programs.run, ready.tasks.add("Late").task.id, []
    other = cleo_open().service("tasks")

    def meanwhile(argv: Any, **more: Any) -> Any:
        # Whatever git waits for, nobody waits for the store.
        assert not service.app.store("tasks")._connected().in_transaction
        if "status" in argv and not asked:
            asked.append(argv)
            other.complete(late)
        return run(argv, **more)

    monkeypatch.setattr(programs, "run", meanwhile)
    first = [task.id for task in service.release_ship("v1.0.0", all_done=True).tasks]
    second = [task.id for task in service.release_plan("v1.1.0").tasks]
    assert sorted(first + second) == ["T001", "T002", late]


def test_a_release_that_another_one_has_overtaken_is_refused(
    ready: ReleaseProject, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cleo_tasks.service.repository import Repository

    state, taken = Repository.state, []

    def another_first(self: Any) -> Any:
        if not taken:
            taken.append(self)

            def put(unit: Any) -> None:
                unit.execute(
                    "INSERT INTO release_manifests (id, version, status, created_at) "
                    "VALUES ('rel-v9', 'v9', 'tagged', :now)",
                    now=unit.now,
                )

            ready.app.write("tasks", put)
        return state(self)

    monkeypatch.setattr(Repository, "state", another_first)
    with pytest.raises(CleoError) as error:
        service.release_plan("v1.0.0", all_done=True)
    assert (error.value.exit, error.value.fix) == (21, "cleo release plan v1.0.0")


def test_all_gates_are_told_together(ready: ReleaseProject) -> None:
    ready.cli("add", "Not done")
    ready.write("VERSION", "edited\n")
    ready.git("tag", "v1.0.0")
    ready.git("switch", "-q", "--detach")
    ready.git("config", "--unset", "user.name")
    ready.git("config", "user.useConfigOnly", "true")
    refused = ready.ship("v1.0.0", "--task", "T003", "--push")
    assert refused.code == 80
    assert problems(refused) == {"version", "tasks", "tree", "branch", "identity", "remote"}
    assert all(one["fix"] for one in refused.error["details"]["problems"])
    planned = ready.cli("release", "plan", "v1.0.0", "--task", "T003", "--push").data
    unmet = {gate["gate"] for gate in planned["gates"] if not gate["met"]}
    assert unmet == problems(refused)
    assert ready.cli("release", "list").data == []


def test_force_passes_what_can_be_passed_and_is_recorded(
    ready: ReleaseProject, service: Any
) -> None:
    ready.cli("add", "Not done")
    ready.write("VERSION", "edited\n")
    ready.cli("config", "set", "tasks.release.branch", "trunk")
    assert problems(ready.ship("v1.0.0", "--task", "T003")) == {"tasks", "tree", "branch"}
    assert ready.ship("v1.0.0", "--task", "T003", "--force").code == 84
    assert ready.ship("v1.0.0", "--task", "T003", "--force", "--reason", " ").code == 84
    assert ready.ship("v1.0.0", "--task", "T003", "--reason", "why").code == 2
    assert ready.ship("v1.0.0", "--task", "T003", "--force", "--reason", "urgent").code == 0
    rows, _ = service.log_list(action="release.prepare")
    assert [(row["forced"], row["reason"]) for row in rows if row["forced"]] == [(True, "urgent")]
    detail = ready.show("v1.0.0")["steps"][0]["detail"]
    assert detail["reason"] == "urgent"
    assert len(detail["forced"]) == 3
    # The edit that force let through is still nobody's but its author's.
    assert ready.files_of(ready.commits()[0]) == ["CHANGELOG.md"]
    assert ready.dirty() == [" M VERSION"]


@pytest.mark.parametrize("verb", ["release_ship", "release_plan", "release_show"])
def test_what_is_no_version_is_refused(service: Any, verb: str) -> None:
    for version in (
        *("", " ", "x", "v", "vx", "v1..2", "-1", "v1.0.lock", "v1/2", "v1.0~", "v1\n2", "v1-"),
        *("v" + "1" * 65, "v1;rm", "../v1", "v1.0\0", "vé1", "v1 2", "\ud800", None, 1, ["v1"]),
    ):
        with pytest.raises(CleoError) as error:
            getattr(service, verb)(version)
        assert (error.value.exit, version) == (80, version)
        assert error.value.fix
    assert service.release_list()[1].total == 0


def test_a_dry_run_and_a_plan_change_no_byte(
    ready: ReleaseProject, frozen_bytes: Callable[[Path], Any]
) -> None:
    ready.bump_by_script()
    ready.app.close()
    # git would note in its index that this was looked at.
    (ready.root / "VERSION").touch()
    with frozen_bytes(ready.root):
        planned = ready.cli("release", "plan", "v1.0.0", "--all-done").data
        tried = ready.ship("v1.0.0", "--all-done", "--dry-run").data
        assert ready.ship("v1.0.0", "--dry-run").code == 80
    assert planned["release"]["id"] == tried["release"]["id"] == "rel-v1.0.0"
    assert tried["release"]["changelog"] == planned["release"]["changelog"]
    assert statuses(tried) == {
        **dict.fromkeys(("prepare", "bump", "changelog", "commit", "tag"), "pending"),
        "push": "skipped",
    }
    assert tried["steps"][1]["detail"]["command"][2:] == ["1.0.0", "v1.0.0"]
    assert not ready.bumps.exists()
    ready.ship("v1.0.0", "--all-done")
    with frozen_bytes(ready.root):
        assert ready.ship("v1.0.0", "--dry-run").code == 102
        assert ready.ship("v1.0.0", "--push", "--dry-run").data["release"]["status"] == "tagged"
        taken = ready.cli("release", "rollback", "v1.0.0", "--reason", "x", "--dry-run").data
    assert taken["release"]["status"] == "rolled_back"
    assert ready.show("v1.0.0")["release"]["status"] == "tagged"


def test_a_tagged_release_is_pushed_later(ready: ReleaseProject, cleo_home: Path) -> None:
    ready.git("init", "-q", "--bare", str(cleo_home / "remote.git"))
    ready.git("remote", "add", "origin", str(cleo_home / "remote.git"))
    ready.ship("v1.0.0", "--all-done")
    again = ready.ship("v1.0.0", "--all-done")
    assert (again.code, again.error["fix"]) == (102, "cleo release ship v1.0.0 --push")
    pushed = ready.ship("v1.0.0", "--push").data
    assert pushed["release"]["status"] == "pushed"
    assert statuses(pushed)["push"] == "done"
    (commit,) = ready.commits()
    there = ready.git("ls-remote", "origin")
    assert f"{commit}\trefs/heads/main" in there
    assert "refs/tags/v1.0.0" in there
    assert ready.ship("v1.0.0", "--push").code == 102
    assert ready.ship("v1.0.0").code == 102


def test_a_push_that_is_refused_is_told_in_gits_words_and_tried_again(
    ready: ReleaseProject, cleo_home: Path
) -> None:
    remote = cleo_home / "remote.git"
    ready.git("init", "-q", "--bare", str(remote))
    ready.git("remote", "add", "fork", str(remote))
    ready.git("push", "-q", "--set-upstream", "fork", "main:trunk")
    ready.cli("config", "set", "tasks.release.remote", "fork")
    hook = remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho the freeze is on >&2\nexit 1\n")
    hook.chmod(0o755)
    refused = ready.ship("v1.0.0", "--all-done", "--push")
    assert refused.code == 6
    assert "the freeze is on" in refused.error["message"]
    assert refused.error["details"]["step"] == "push"
    assert statuses(ready.show("v1.0.0"))["push"] == "failed"
    hook.unlink()
    assert ready.ship("v1.0.0", "--all-done", "--push").data["release"]["status"] == "pushed"
    assert len(ready.commits()) == 1
    # The branch follows another one there, which is the one that was pushed.
    there = ready.git("ls-remote", "fork")
    assert f"{ready.commits()[0]}\trefs/heads/trunk" in there
    assert "refs/heads/main" not in there


def test_a_remote_that_is_gone_is_one_clear_error(ready: ReleaseProject) -> None:
    address = "https://me:hunter2@localhost:1/x.git"
    ready.git("remote", "add", "origin", address)
    refused = ready.ship("v1.0.0", "--all-done", "--push")
    assert refused.code == 6
    assert "hunter2" not in refused.out
    ready.cli("config", "set", "tasks.release.remote", "--", "--upload-pack=x")
    assert ready.ship("v1.0.0", "--push").code == 8


def test_the_password_in_a_remotes_address_is_not_kept(
    ready: ReleaseProject, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cleo_core.programs import Finished
    from cleo_tasks.service.repository import Repository

    address = "https://me:hunter2@example.org/x.git"
    ready.cli("config", "set", "tasks.release.remote", address)
    pushed = []

    def push(self: Any, remote: str, specs: Any) -> Finished:
        pushed.append(remote)
        return Finished(0, b"", b"")

    monkeypatch.setattr(Repository, "push", push)
    plan = service.release_plan("v1.0.0", all_done=True, push=True)
    shipped = service.release_ship("v1.0.0", all_done=True, push=True)
    assert pushed == [address]
    assert shipped.steps[-1].detail["remote"] == "https://***@example.org/x.git"
    taken = service.release_rollback("v1.0.0", reason="x")
    assert "https://***@example.org/x.git" in taken.revert[0]
    assert "hunter2" not in repr((plan.steps, taken, service.log_list(limit=100)))


def test_cancelling_frees_version_and_tasks_and_says_what_is_left(
    ready: ReleaseProject, service: Any
) -> None:
    ready.bump_by_script()
    ready.hook("pre-commit", "exit 1")
    assert ready.ship("v1.0.0", "--all-done").code == 6
    assert ready.dirty() != []
    cancelled = ready.cli("release", "cancel", "v1.0.0").data
    assert cancelled["release"]["status"] == "rolled_back"
    assert cancelled["release"]["rollbackReason"] == "cancelled"
    for command in cancelled["revert"]:
        subprocess.run(command, shell=True, cwd=ready.root, check=True)
    (ready.root / ".git" / "hooks" / "pre-commit").unlink()
    assert ready.dirty() == []
    assert ready.cli("release", "cancel", "rel-v1.0.0").code == 102
    again = ready.ship("v1.0.0", "--all-done").data
    assert again["release"]["id"] == "rel-v1.0.0.2"
    refused = ready.cli("release", "cancel", "v1.0.0")
    assert refused.code == 6
    assert refused.error["fix"] == "cleo release rollback v1.0.0 --reason TEXT"
    assert [row["reason"] for row in service.log_list(action="release.cancel")[0]] == ["cancelled"]


def test_a_rollback_is_recorded_and_names_what_git_has(
    ready: ReleaseProject, cleo_home: Path
) -> None:
    ready.git("init", "-q", "--bare", str(cleo_home / "remote.git"))
    ready.git("remote", "add", "origin", str(cleo_home / "remote.git"))
    ready.ship("v1.0.0", "--all-done", "--push")
    (commit,) = ready.commits()
    assert ready.cli("release", "rollback", "v1.0.0").code == 84
    taken = ready.cli("release", "rollback", "v1.0.0", "--reason", "it crashes").data
    assert taken["release"]["status"] == "rolled_back"
    assert taken["release"]["rollbackReason"] == "it crashes"
    assert taken["revert"] == [
        "git push origin :refs/tags/v1.0.0",
        "git tag -d v1.0.0",
        f"git revert --no-edit {commit}",
    ]
    assert ready.git("rev-parse", "HEAD", "v1.0.0^{commit}").split() == [commit, commit]
    assert ready.cli("release", "rollback", "v1.0.0", "--reason", "x").code == 102
    # Tag and changelog are in the way until they are taken back too.
    assert problems(ready.ship("v1.0.0", "--all-done")) == {"version", "changelog"}
    for command in taken["revert"]:
        subprocess.run(command, shell=True, cwd=ready.root, check=True)
    again = ready.ship("v1.0.0", "--all-done").data["release"]
    assert (again["id"], again["status"]) == ("rel-v1.0.0.2", "tagged")
    assert len(ready.commits("rel-v1.0.0")) == len(ready.commits("rel-v1.0.0.2")) == 1
    assert ready.show("rel-v1.0.0")["release"]["status"] == "rolled_back"
    assert ready.show("1.0.0")["release"]["id"] == "rel-v1.0.0.2"
    listed = ready.cli("release", "list", "--status", "rolled_back")
    assert [one["id"] for one in listed.data] == ["rel-v1.0.0"]
    assert [one["id"] for one in ready.cli("release", "list").data] == [
        "rel-v1.0.0.2",
        "rel-v1.0.0",
    ]


def test_what_an_interrupted_step_has_made_is_named_too(
    ready: ReleaseProject, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cleo_tasks.service.releasing import Runner

    write = Runner._write

    def stops_after(step: str) -> None:
        def stops(self: Any, name: str, status: str, outcome: Any) -> None:
            if (name, status) == (step, "done"):
                raise KeyboardInterrupt
            write(self, name, status, outcome)

        monkeypatch.setattr(Runner, "_write", stops)

    stops_after("commit")
    with pytest.raises(KeyboardInterrupt):
        service.release_ship("v1.0.0", all_done=True)
    (commit,) = ready.commits()
    assert service.release_cancel("v1.0.0", reason="no").revert == [
        f"git revert --no-edit {commit}"
    ]
    ready.git("revert", "--no-edit", commit)
    stops_after("tag")
    with pytest.raises(KeyboardInterrupt):
        service.release_ship("v1.0.0", all_done=True)
    (commit,) = ready.commits("rel-v1.0.0.2")
    assert service.release_rollback("v1.0.0", reason="no").revert == [
        "git tag -d v1.0.0",
        f"git revert --no-edit {commit}",
    ]
    ready.git("tag", "-d", "v1.0.0")
    ready.git("revert", "--no-edit", commit)
    stops_after("prepare")
    with pytest.raises(KeyboardInterrupt):
        service.release_ship("v1.0.0", all_done=True)
    planned = service.release_plan("v1.0.0", all_done=True)
    assert (planned.release.id, planned.release.status) == ("rel-v1.0.0.3", "draft")
    assert service.release_cancel("v1.0.0").revert == []


def test_the_id_after_a_rollback_is_one_that_no_version_has(
    ready: ReleaseProject, service: Any
) -> None:
    def put(unit: Any) -> None:
        for id_, version, status in (
            ("rel-v1.0.2", "v1.0.2", "tagged"),
            ("rel-v1.0", "v1.0", "rolled_back"),
        ):
            unit.execute(
                "INSERT INTO release_manifests (id, version, status, created_at) "
                "VALUES (:id, :version, :status, :now)",
                id=id_,
                version=version,
                status=status,
                now=unit.now,
            )

    ready.app.write("tasks", put)
    assert service.release_plan("v1.0", all_done=True).release.id == "rel-v1.0.3"


def test_a_task_that_was_archived_after_it_was_done_is_released(ready: ReleaseProject) -> None:
    ready.cli("archive", "T001")
    ready.cli("delete", "T002")
    shipped = ready.ship("v1.0.0", "--all-done").data
    assert [task["id"] for task in shipped["tasks"]] == ["T001"]
    # What a release has listed cannot be purged.
    assert ready.cli("delete", "T001", "--purge").code == 19


def test_the_same_idempotency_key_gives_the_same_release(ready: ReleaseProject) -> None:
    words = ("v1.0.0", "--all-done", "--idempotency-key", "k1")
    first = ready.ship(*words)
    again = ready.ship(*words)
    assert again.data == first.data
    assert again.envelope["meta"]["replayed"] is True
    other = ready.ship("v1.0.0", "--task", "T001", "--idempotency-key", "k1")
    assert other.error["code"] == "E_IDEMPOTENCY_MISMATCH"
    assert ready.ship("v1.0.0", "--all-done", "--idempotency-key", "k2").code == 102
    keys = ready.app.store("tasks").read("SELECT key FROM idempotency_keys")
    assert [row["key"] for row in keys] == ["k1"]
    assert len(ready.commits()) == 1


def test_an_older_version_of_the_row_is_refused(ready: ReleaseProject) -> None:
    ready.ship("v1.0.0", "--all-done")
    version = ready.show("v1.0.0")["release"]["rowVersion"]
    old = ready.cli(
        "release", "rollback", "v1.0.0", "--reason", "x", "--if-version", str(version - 1)
    )
    assert old.code == 21
    assert old.error["details"]["rowVersion"] == version
    assert ready.ship("v1.0.0", "--push", "--if-version", "1").code == 21
    assert ready.ship("v2.0.0", "--all-done", "--if-version", "1").code == 4
    ended = ready.cli(
        "release", "rollback", "v1.0.0", "--reason", "x", "--if-version", str(version)
    )
    assert ended.code == 0


def test_options_that_come_too_late_are_told(ready: ReleaseProject) -> None:
    ready.hook("pre-commit", "exit 1")
    ready.ship("v1.0.0", "--task", "T001", "--note", "a")
    (ready.root / ".git" / "hooks" / "pre-commit").unlink()
    late = ready.ship("v1.0.0", "--task", "T002", "--note", "b", "--dist-tag", "beta")
    assert late.data["release"]["notes"] == "a"
    (warning,) = [one for one in late.warnings if one["code"] == "W_RELEASE_SETTLED"]
    assert "--task, --note, --dist-tag" in warning["message"]


def test_the_changelog_of_a_release_is_printed(ready: ReleaseProject, cleo_cli: Cli) -> None:
    ready.ship("v1.0.0", "--all-done")
    text = ready.show("v1.0.0")["release"]["changelog"]
    assert cleo_cli("release", "changelog", "v1.0.0").data == {
        "version": "v1.0.0",
        "changelog": text,
    }
    assert cleo_cli("release", "changelog", "v1.0.0", "--human").out == text
    assert cleo_cli("release", "changelog", "v1.0.1").code == 4


def test_a_release_that_is_not_there_is_not_found(service: Any) -> None:
    for release in ("v9", "rel-v9", "rel-\ud800", "rel-x\0"):
        for verb, more in (
            (service.release_show, {}),
            (service.release_changelog, {}),
            (service.release_cancel, {}),
            (service.release_rollback, {"reason": "x"}),
        ):
            with pytest.raises(CleoError) as error:
                verb(release, **more)
            assert error.value.exit == 4
            assert error.value.fix
    for verb in (service.release_cancel, service.release_rollback):
        for reason, exit_code in ((" ", 84), ("x" * 501, 6)):
            with pytest.raises(CleoError) as error:
                verb("v9", reason=reason)
            assert (error.value.exit, error.value.fix) == (exit_code, "--reason TEXT")


def test_bad_input_is_one_clear_error_and_changes_nothing(
    project: ReleaseProject, service: Any
) -> None:
    bad: tuple[tuple[dict[str, Any], int], ...] = (
        ({"epic": "T001", "all_done": True}, 2),
        ({"epic": "nonsense"}, 2),
        ({"tasks": "T001"}, 2),
        ({"tasks": [5]}, 2),
        ({"tasks": ["T1" + "0" * 400]}, 2),
        ({"note": " "}, 6),
        ({"note": "a\0b"}, 6),
        ({"note": 5}, 6),
        ({"dist_tag": ""}, 6),
        ({"dist_tag": "-x"}, 6),
        ({"dist_tag": ["x"]}, 6),
        ({"force": True, "reason": "\ud800"}, 6),
        ({"force": True, "reason": 5}, 6),
        ({"force": True, "reason": "x" * 501}, 6),
        ({"if_version": "one"}, 2),
        ({"note": "first", "all_done": True, "idempotency_key": ""}, 2),
        ({"note": "first", "all_done": True, "idempotency_key": 5}, 2),
    )
    project.done("x")
    for options, exit_code in bad:
        with pytest.raises(CleoError) as error:
            service.release_ship("v1.0.0", **options)
        assert (error.value.exit, options) == (exit_code, options)
        assert error.value.fix
    assert service.release_list()[1].total == 0
    assert project.commits() == []


def test_people_see_what_happened(ready: ReleaseProject) -> None:
    ready.bump_by_script()
    planned = ready.cli("release", "plan", "v1.0.0", "--human").out
    assert "not met: tasks: This is the first release" in planned
    assert "bump       pending:" in planned
    shipped = ready.ship("v1.0.0", "--all-done", "--note", "[bold]hi", "--human").out
    assert "v1.0.0 is tagged." in shipped
    assert "[bold]hi" in ready.cli("release", "show", "v1.0.0", "--human").out
    assert "rel-v1.0.0" in ready.cli("release", "list", "--human").out
    assert ready.cli("release", "list", "--quiet").out == "rel-v1.0.0\n"
    ended = ready.cli("release", "rollback", "v1.0.0", "--reason", "no", "--human").out
    assert "git tag -d v1.0.0" in ended
