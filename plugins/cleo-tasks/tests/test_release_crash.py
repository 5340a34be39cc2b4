"""A release that is killed anywhere is finished by the same command."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from cleo_core.errors import CleoError
from cleo_core.locks import held
from cleo_core.testing import Outcome
from cleo_core.testing.runner import job, run_all

Cli = Callable[..., Outcome]
ReleaseProject = Any

_kit = runpy.run_path(str(Path(__file__).with_name("release_project.py")))
project, service, statuses = _kit["project"], _kit["service"], _kit["statuses"]

#: What every run would import for itself.
WARM = (
    *("cleo_tasks.cli.releases", "cleo_tasks.service.releases", "cleo_tasks.plugin"),
    *("cleo_core.app", "cleo_core.cli.command", "cleo_core.units", "cleo_core.locks"),
    *("cleo_core.journal", "filelock", "subprocess", "tempfile", "importlib.metadata"),
)
SHIP = ("release", "ship", "v1.0.0", "--all-done", "--push")

#: In place of git: at a chosen command, once, it kills who called it, before, while or after it
#: does its work.
KILLER = """\
#!/bin/sh
if [ "$1" != "$KILL_AT" ] || [ -e "$KILL_MARK" ]; then exec GIT "$@"; fi
: > "$KILL_MARK"
case "$KILL_WHEN" in
before) kill -9 $PPID; exit 1 ;;
meanwhile) kill -9 $PPID; sleep 0.4 ;;
esac
GIT "$@"
code=$?
if [ "$KILL_WHEN" = after ]; then kill -9 $PPID; fi
exit $code
"""

#: Runs the command again and again, each time in a fork that is killed before one of its COMMITs.
UNITS = """\
import json, os, sys
from cleo_core.cli import main
from cleo_core.testing.runner import kill_self, watch
for name in json.loads(sys.argv[2]):
    __import__(name)
codes = []
for number in json.loads(sys.argv[1]):
    child = os.fork()
    if child == 0:
        seen = []
        def tell(sql):
            seen.append(sql)
            if sql == "COMMIT" and seen.count(sql) == number:
                kill_self()
        watch(tell)
        sys.stdout = open(os.devnull, "w")
        os._exit(main(sys.argv[3:]))
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    if codes[-1] >= 0:
        break
print(json.dumps(codes))
"""


#: A bump command that is killed with its runner: first before, then after its work.
KILLING_BUMP = """\
import os, signal, sys
from pathlib import Path
mark = Path(os.environ["BUMPS"])
count = len(mark.read_text()) if mark.exists() else 0
mark.write_text("x" * (count + 1))
if count == 0:
    os.kill(os.getppid(), signal.SIGKILL)
    sys.exit(1)
Path("VERSION").write_text(sys.argv[1] + "\\n")
if count == 1:
    os.kill(os.getppid(), signal.SIGKILL)
"""


@pytest.fixture
def ready(project: ReleaseProject, cleo_home: Path) -> ReleaseProject:
    """With a done task, a bump command and a remote."""
    project.done("Read all files")
    project.bump_by_script()
    project.git("init", "-q", "--bare", str(cleo_home / "remote.git"))
    project.git("remote", "add", "origin", str(cleo_home / "remote.git"))
    return project


@pytest.fixture
def killer(cleo_home: Path) -> Callable[[str], Mapping[str, str]]:
    """The environment in which a command of git kills its runner: ``commit:after``."""
    folder = cleo_home / "bin"
    folder.mkdir()
    git = folder / "git"
    git.write_text(KILLER.replace("GIT", str(shutil.which("git"))))
    git.chmod(0o755)

    def at(place: str) -> Mapping[str, str]:
        command, _, when = place.partition(":")
        return {
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
            "KILL_AT": command,
            "KILL_WHEN": when,
            "KILL_MARK": str(cleo_home / f"killed-{command}-{when}"),
        }

    return at


def finished(project: ReleaseProject) -> None:
    """One commit, one tag, all of it pushed; and nothing else is changed."""
    shown = project.show("v1.0.0")
    assert set(statuses(shown).values()) == {"done"}
    assert shown["release"]["status"] == "pushed"
    (commit,) = project.commits()
    assert shown["release"]["commitSha"] == commit
    assert project.files_of(commit) == ["CHANGELOG.md", "VERSION"]
    assert project.git("tag", "--list") == "v1.0.0"
    assert project.git("rev-parse", "v1.0.0^{commit}") == commit
    there = project.git("ls-remote", "origin")
    assert f"{commit}\trefs/heads/main" in there
    assert f"{project.git('rev-parse', 'v1.0.0')}\trefs/tags/v1.0.0" in there
    assert project.dirty() == []
    text = (project.root / "CHANGELOG.md").read_text()
    assert text.count("## v1.0.0") == text.count("Read all files") == 1
    assert (project.root / "VERSION").read_text() == "1.0.0\n"


@pytest.mark.guarantee(
    "tasks-28",
    "A release that is killed between any two of its steps, or after a step's work and before it "
    "is recorded, is finished by the same command with one commit and one tag.",
)
def test_a_release_that_is_killed_at_every_unit_is_finished(ready: ReleaseProject) -> None:
    # A step is set running, does its work, and is set done: the second COMMIT comes after the
    # work, the third begins the next step. The first run has one more, which begins the release.
    after_the_work, next_step = 2, 3
    numbers = [after_the_work + 1, *[next_step, after_the_work] * 8]
    done = subprocess.run(
        [sys.executable, "-c", UNITS, json.dumps(numbers), json.dumps(WARM), *SHIP],
        cwd=ready.root,
        capture_output=True,
        text=True,
        check=True,
    )
    codes = json.loads(done.stdout)
    assert codes == [-9] * 11 + [0]
    assert [step["attempt"] for step in ready.show("v1.0.0")["steps"]] == [2] * 6
    finished(ready)


@pytest.mark.guarantee(
    "tasks-28",
    "Killed just before or just after git commits, tags or pushes, it commits and tags once.",
)
def test_a_release_that_is_killed_around_each_command_of_git_is_finished(
    ready: ReleaseProject, killer: Callable[[str], Mapping[str, str]]
) -> None:
    places = ["commit:before", "commit:meanwhile", "tag:before", "tag:after"]
    places += ["push:before", "push:after"]
    jobs = [job(SHIP, ready.root, killer(place)) for place in places]
    runs = run_all([*jobs, job(SHIP, ready.root)], warm=WARM)
    # What was killed in the middle of the commit has left git at work; it was waited for.
    assert [one.code for one in runs] == [-9] * len(places) + [0], runs
    finished(ready)


def test_a_release_that_is_killed_in_its_bump_command_bumps_again(
    ready: ReleaseProject, cleo_home: Path
) -> None:
    ready.write("tools/killing.py", KILLING_BUMP, commit=True)
    ready.bump_with(sys.executable, "tools/killing.py", "{version}")
    # Somebody goes on working meanwhile, in a file that git does not know yet.
    ready.write("notes.txt", "mine")
    assert [one.code for one in run_all([job(SHIP, ready.root)] * 3, warm=WARM)] == [-9, -9, 0]
    assert ready.show("v1.0.0")["steps"][1]["attempt"] == 3
    (ready.root / "notes.txt").unlink()
    finished(ready)


def test_an_edit_after_a_killed_bump_command_is_nobodys_to_take(
    ready: ReleaseProject, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cleo_core import programs

    started = programs.run

    def dies(argv: Any, **more: Any) -> Any:
        if "tools/bump.py" in argv:
            raise KeyboardInterrupt
        return started(argv, **more)

    ready.write("code.py", "x = 1\n", commit=True)
    monkeypatch.setattr(programs, "run", dies)
    with pytest.raises(KeyboardInterrupt):
        service.release_ship("v1.0.0", all_done=True)
    monkeypatch.setattr(programs, "run", started)
    ready.write("code.py", "x = 2\n")
    for _ in range(2):
        with pytest.raises(CleoError) as error:
            service.release_ship("v1.0.0", all_done=True)
        assert error.value.exit == 6
        assert error.value.fix == "git stash push -- code.py"
    ready.git("stash", "push", "-q", "--", "code.py")
    service.release_ship("v1.0.0", all_done=True)
    assert ready.files_of(ready.commits()[0]) == ["CHANGELOG.md", "VERSION"]
    ready.git("stash", "pop", "-q")
    assert (ready.root / "code.py").read_text() == "x = 2\n"


def test_a_release_that_is_killed_before_it_writes_the_changelog_writes_it_once(
    ready: ReleaseProject, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cleo_tasks.service import release_changelog

    written = release_changelog.atomic_write

    def dies(*arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(release_changelog, "atomic_write", dies)
    with pytest.raises(KeyboardInterrupt):
        service.release_ship("v1.0.0", all_done=True, push=True)
    assert statuses(ready.show("v1.0.0"))["changelog"] == "running"
    monkeypatch.setattr(release_changelog, "atomic_write", written)
    service.release_ship("v1.0.0", all_done=True, push=True)
    finished(ready)


def test_a_runner_that_was_overtaken_is_refused(
    ready: ReleaseProject, service: Any, cleo_open: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cleo_tasks.service.releasing import Runner

    tag = Runner._tag

    def overtaken(self: Any, *more: Any) -> Any:
        def put(unit: Any) -> None:
            unit.execute("UPDATE release_manifests SET row_version = row_version + 1")

        self.app.write("tasks", put)
        return tag(self, *more)

    monkeypatch.setattr(Runner, "_tag", overtaken)
    with pytest.raises(CleoError) as error:
        service.release_ship("v1.0.0", all_done=True)
    assert error.value.exit == 21
    monkeypatch.undo()
    monkeypatch.chdir(ready.root)
    assert service.release_ship("v1.0.0").release.status == "tagged"
    assert len(ready.commits()) == 1


@pytest.mark.guarantee(
    "tasks-28", "Of two runners of a release one works, and the other is told so (21)."
)
def test_a_second_runner_is_refused_while_the_first_is_at_work(
    ready: ReleaseProject, service: Any, cleo_open: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cleo_tasks.service.releasing import Runner

    commit, refused, locks = Runner._commit, [], []
    second = cleo_open().service("tasks")

    def beside(self: Any, *more: Any) -> Any:
        locks.extend(held(str(ready.root / ".cleo")))
        for verb, options in (
            (second.release_ship, {"all_done": True}),
            (second.release_cancel, {}),
        ):
            with pytest.raises(CleoError) as error:
                verb("v1.0.0", **options)
            refused.append(error.value.exit)
        return commit(self, *more)

    monkeypatch.setattr(Runner, "_commit", beside)
    service.release_ship("v1.0.0", all_done=True)
    assert refused == [21, 21]
    # Doctor tells of both locks, and who holds the runner's.
    assert [one["lock"] for one in locks] == ["release", "release.programs"]
    assert locks[0]["pid"] == os.getpid()
    assert len(ready.commits()) == 1
