"""What a release does to work trees, and what it leaves alone."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]
ReleaseProject = Any

_kit = runpy.run_path(str(Path(__file__).with_name("release_project.py")))
project, statuses = _kit["project"], _kit["statuses"]

ALL = ("v1.0.0", "--all-done")


@pytest.fixture
def ready(project: ReleaseProject) -> ReleaseProject:
    """With a done task."""
    project.done("Read all files")
    return project


def message(outcome: Outcome) -> str:
    return str(outcome.error["message"])


@pytest.mark.guarantee(
    "tasks-28",
    "A release commits only what it wrote itself, whatever else is edited, new or staged.",
)
def test_what_others_have_changed_meanwhile_is_left_to_them(ready: ReleaseProject) -> None:
    ready.bump_by_script()
    ready.write("code.py", "x = 1\n", commit=True)
    ready.write("other.py", "y = 1\n", commit=True)
    ready.hook("pre-commit", "echo no commits today >&2; exit 1")
    refused = ready.ship(*ALL)
    assert refused.code == 6
    assert "no commits today" in message(refused)
    assert refused.error["details"]["step"] == "commit"
    assert statuses(ready.show("v1.0.0"))["commit"] == "failed"
    (ready.root / ".git" / "hooks" / "pre-commit").unlink()
    ready.write("code.py", "x = 2\n")
    ready.write("other.py", "y = 2\n")
    ready.write("new.py", "z = 1\n")
    ready.write("staged.py", "s = 1\n")
    ready.git("add", "other.py", "staged.py")
    done = ready.ship(*ALL)
    (commit,) = ready.commits()
    assert ready.files_of(commit) == ["CHANGELOG.md", "VERSION"]
    assert ready.dirty() == [" M code.py", "M  other.py", "A  staged.py", "?? new.py"]
    assert [one["code"] for one in done.warnings] == ["W_NOT_COMMITTED"]
    # Said once: the bump command ran in the first attempt.
    assert ready.bumps.read_text().count("\n") == 1


def test_a_tree_with_edits_is_not_released_and_unknown_files_are_only_mentioned(
    ready: ReleaseProject,
) -> None:
    ready.write("scratch.txt", "x")
    planned = ready.cli("release", "plan", *ALL)
    assert [one["code"] for one in planned.warnings] == ["W_UNTRACKED"]
    assert "scratch.txt" in planned.warnings[0]["message"]
    ready.write("VERSION", "edited\n")
    assert "VERSION" in message(ready.ship(*ALL))
    ready.git("add", "VERSION")
    assert ready.ship(*ALL).code == 80
    ready.git("commit", "-q", "-m", "edit")
    assert ready.ship(*ALL).code == 0
    assert ready.dirty() == ["?? scratch.txt"]


def test_what_a_hook_mends_is_the_releases_own(ready: ReleaseProject) -> None:
    ready.hook(
        "pre-commit",
        'if grep -q tidy CHANGELOG.md; then exit 0; fi; echo "" >> CHANGELOG.md; '
        'echo tidy >> CHANGELOG.md; echo "mended CHANGELOG.md"; exit 1',
    )
    refused = ready.ship(*ALL)
    assert "mended CHANGELOG.md" in message(refused)
    assert ready.ship(*ALL).code == 0
    assert (ready.root / "CHANGELOG.md").read_text().endswith("tidy\n")
    assert ready.dirty() == []


def test_an_edit_of_what_the_release_wrote_is_asked_about(ready: ReleaseProject) -> None:
    ready.hook("pre-commit", "exit 1")
    ready.ship(*ALL)
    (ready.root / ".git" / "hooks" / "pre-commit").unlink()
    with open(ready.root / "CHANGELOG.md", "a") as file:
        file.write("\nBy hand.\n")
    refused = ready.ship(*ALL)
    assert refused.code == 80
    assert "CHANGELOG.md" in message(refused)
    assert ready.commits() == []
    taken = ready.ship(*ALL, "--force", "--reason", "better words")
    assert taken.code == 0
    assert "By hand." in ready.git("show", "HEAD:CHANGELOG.md")
    rows = ready.cli("log", "list", "--action", "release.commit").data
    assert [row["reason"] for row in rows if row["forced"]] == ["better words"]


def test_edits_that_force_let_through_are_never_mixed_with_the_releases(
    ready: ReleaseProject,
) -> None:
    ready.bump_by_script()
    ready.write("CHANGELOG.md", "# Changelog\n", commit=True)
    force = ("--force", "--reason", "urgent")
    ready.write("CHANGELOG.md", "# Changelog\n\nMine.\n")
    refused = ready.ship(*ALL, *force)
    assert refused.code == 80
    ready.git("checkout", "-q", "CHANGELOG.md")
    ready.write("VERSION", "mine\n")
    refused = ready.ship(*ALL, *force)
    assert refused.code == 6
    assert refused.error["fix"] == "git stash push -- VERSION"
    ready.git("checkout", "-q", "VERSION")
    assert ready.ship(*ALL, *force).code == 0
    assert ready.files_of(ready.commits()[0]) == ["CHANGELOG.md", "VERSION"]


def test_the_environment_of_a_hook_leads_nowhere_else(
    ready: ReleaseProject, cleo_home: Path
) -> None:
    ready.bump_by_script()
    other = cleo_home / "other"
    ready.git("init", "-q", str(other))
    env = {
        "GIT_DIR": str(other / ".git"),
        "GIT_WORK_TREE": str(other),
        "GIT_INDEX_FILE": str(other / "index"),
        "GIT_OBJECT_DIRECTORY": str(other / "objects"),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.worktree",
        "GIT_CONFIG_VALUE_0": str(other),
        "GIT_LITERAL_PATHSPECS": "1",
    }
    assert ready.ship(*ALL, env=env).code == 0
    assert len(ready.commits()) == 1
    assert sorted(path.name for path in other.iterdir()) == [".git"]
    assert ready.bumps.read_text().endswith("None\n")


def test_without_a_repository_or_without_git_nothing_begins(
    cleo_project: Path, cleo_cli: Cli, cleo_home: Path
) -> None:
    cleo_cli("add", "x")
    cleo_cli("complete", "T001")
    for verb in ("plan", "ship"):
        missing = cleo_cli("release", verb, *ALL)
        assert missing.code == 3
        assert missing.error["fix"] == f"git -C {cleo_project} init"
    empty = cleo_home / "empty"
    empty.mkdir()
    no_git = cleo_cli("release", "ship", *ALL, env={"PATH": str(empty)})
    assert (no_git.code, no_git.error["fix"]) == (3, "git --version")
    assert cleo_cli("release", "list").data == []


def test_a_repository_without_commits_or_in_the_middle_of_something_is_refused(
    ready: ReleaseProject,
) -> None:
    ready.git("switch", "-q", "-c", "side")
    ready.write("VERSION", "side\n")
    ready.git("commit", "-q", "-a", "-m", "side")
    ready.git("switch", "-q", "main")
    ready.write("new.txt", "x", commit=True)
    ready.git("merge", "--no-commit", "--no-ff", "-q", "side")
    assert "A merge is not finished" in message(ready.ship(*ALL, "--force", "--reason", "x"))
    ready.git("merge", "--abort")
    ready.git("switch", "-q", "--orphan", "empty")
    assert "There is no commit yet" in message(ready.ship(*ALL, "--force", "--reason", "x"))


def test_a_detached_head_is_released_by_force_and_only_its_tag_is_pushed(
    ready: ReleaseProject, cleo_home: Path
) -> None:
    ready.git("init", "-q", "--bare", str(cleo_home / "remote.git"))
    ready.git("remote", "add", "origin", str(cleo_home / "remote.git"))
    ready.git("switch", "-q", "--detach")
    refused = ready.ship(*ALL, "--push")
    assert refused.code == 80
    assert refused.error["fix"] == "git switch BRANCH"
    assert ready.ship(*ALL, "--push", "--force", "--reason", "hotfix").code == 0
    refs = [line.split("\t")[1] for line in ready.git("ls-remote", "origin").split("\n")]
    assert refs == ["refs/tags/v1.0.0", "refs/tags/v1.0.0^{}"]


def test_only_the_configured_branch_is_released_and_only_where_it_was_prepared(
    ready: ReleaseProject,
) -> None:
    ready.cli("config", "set", "tasks.release.branch", "stable")
    refused = ready.ship(*ALL)
    assert (refused.code, refused.error["fix"]) == (80, "git switch stable")
    ready.git("switch", "-q", "-c", "stable")
    ready.hook("pre-commit", "exit 1")
    assert ready.ship(*ALL).code == 6
    (ready.root / ".git" / "hooks" / "pre-commit").unlink()
    ready.git("switch", "-q", "main")
    refused = ready.ship(*ALL)
    assert (refused.code, refused.error["fix"]) == (80, "git switch stable")
    ready.git("switch", "-q", "stable")
    assert ready.ship(*ALL).code == 0


def test_a_project_in_a_subdirectory_has_its_own_changelog(
    cleo_home: Path, cleo_cli: Cli, cleo_open: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = cleo_home / "mono"
    root = top / "packages" / "[one]"
    root.mkdir(parents=True)
    monkeypatch.chdir(root)
    assert cleo_cli("init", "one").code == 0
    made = _kit["ReleaseProject"](root, cleo_cli, cleo_home / "bumps", cleo_open(project=root))
    made.git("init", "-q", "-b", "main", cwd=top)
    made.git("config", "user.name", "x")
    made.git("config", "user.email", "x@example.org")
    made.write("a.py", "1", commit=True)
    made.done("One")
    assert made.ship(*ALL).code == 0
    assert made.files_of("HEAD") == ["packages/[one]/CHANGELOG.md"]
    made.write("b.py", "1", commit=True)
    (top / "outside.py").write_text("1")
    made.git("add", "outside.py", cwd=top)
    made.git("commit", "-q", "-m", "outside", cwd=top)
    made.done("Two")
    text = made.ship("v1.1.0").data["release"]["changelog"]
    assert "write b.py" in text
    assert "outside" not in text


def test_a_release_is_made_in_the_work_tree_that_it_is_called_in(
    ready: ReleaseProject, cleo_home: Path
) -> None:
    tree = cleo_home / "tree"
    ready.git("worktree", "add", "-q", "-b", "release", str(tree))
    ready.bump_by_script()
    ready.git("merge", "-q", "main", cwd=tree)
    done = ready.ship(*ALL, cwd=tree).data
    assert done["steps"][0]["detail"]["branch"] == "release"
    assert ready.files_of(done["release"]["commitSha"]) == ["CHANGELOG.md", "VERSION"]
    assert (tree / "VERSION").read_text() == "1.0.0\n"
    assert (ready.root / "VERSION").read_text() == "0.9.0\n"
    assert ready.dirty() == []


def test_submodules_are_not_released_when_they_have_changed(
    ready: ReleaseProject, cleo_home: Path
) -> None:
    library = cleo_home / "library"
    ready.git("init", "-q", str(library))
    (library / "x").write_text("1")
    ready.git("add", "x", cwd=library)
    ready.git("-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qm", "x", cwd=library)
    ready.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library), "lib")
    ready.git("commit", "-q", "-m", "add lib")
    (ready.root / "lib" / "unknown").write_text("untracked")
    (ready.root / "lib" / "x").write_text("2")
    assert "lib" in message(ready.ship(*ALL))
    ready.git("checkout", "-q", "x", cwd=ready.root / "lib")
    ready.bump_with("sh", "-c", "echo 3 > lib/x")
    refused = ready.ship(*ALL)
    assert refused.code == 6
    assert "submodules" in message(refused)
    ready.git("checkout", "-q", "x", cwd=ready.root / "lib")
    ready.bump_with("true")
    assert ready.ship(*ALL).code == 0
    assert ready.files_of("HEAD") == ["CHANGELOG.md"]


def test_a_bump_command_that_fails_is_told_and_repeated(ready: ReleaseProject) -> None:
    configured = "cleo config get tasks.release.bump_command"
    commands = (
        (("sh", "-c", "echo cannot bump >&2; exit 3"), "ended with 3: cannot bump", "cleo release"),
        (("no-such-program",), "could not be started: No such file", configured),
        (("",), "could not be started", configured),
        (("git", "commit", "-q", "--allow-empty", "-m", "mine"), "made a commit", configured),
    )
    for command, words, fix in commands:
        ready.bump_with(*command)
        refused = ready.ship(*ALL)
        assert refused.code == 6
        assert words in message(refused)
        assert refused.error["fix"].startswith(fix)
    ready.bump_with("true")
    assert ready.ship(*ALL).code == 0
    assert ready.show("v1.0.0")["steps"][1]["attempt"] == len(commands) + 1


def test_a_bump_command_that_takes_too_long_is_ended_with_all_it_started(
    ready: ReleaseProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cleo_core import programs
    from cleo_tasks.service import release_bump

    monkeypatch.setattr(release_bump, "TIMEOUT", 0.3)
    monkeypatch.setattr(programs, "_GRACE", 0.2)
    ready.bump_with("sh", "-c", "trap '' TERM; echo $$ > ../pid; sleep 60; echo late > VERSION")
    refused = ready.ship(*ALL)
    assert refused.code == 6
    assert "It was ended after 0.3 seconds" in message(refused)
    with pytest.raises(ProcessLookupError):
        os.kill(int((ready.root.parent / "pid").read_text()), 0)
    assert statuses(ready.show("v1.0.0"))["bump"] == "failed"


def test_files_that_a_bump_command_makes_and_deletes_are_committed(ready: ReleaseProject) -> None:
    ready.write("old.txt", "x", commit=True)
    ready.write("mine.txt", "untracked before")
    name = os.fsdecode(b"odd \xff *name")
    script = (
        "import os, sys; os.remove('old.txt'); os.makedirs('sub'); "
        "open(b'sub/odd \\xff *name', 'w').write('1'); open('-n', 'w').write('2')"
    )
    ready.bump_with(sys.executable, "-c", script)
    done = ready.ship(*ALL)
    assert done.code == 0
    names = ready.git("-c", "core.quotepath=true", "show", "--format=", "--name-only").split("\n")
    assert names == ["-n", "CHANGELOG.md", "old.txt", '"sub/odd \\377 *name"']
    assert ready.dirty() == ["?? mine.txt"]
    assert (ready.root / "sub" / name).exists()
    assert ready.cli("release", "show", "v1.0.0", "--human").code == 0


def test_a_half_finished_bump_command_is_taken_up_again(ready: ReleaseProject) -> None:
    ready.bump_with("sh", "-c", "echo half > VERSION; exit 1")
    assert ready.ship(*ALL).code == 6
    ready.write("mine.txt", "x")
    # The second one finds its work done.
    ready.bump_with("true")
    assert ready.ship(*ALL).code == 0
    assert ready.files_of("HEAD") == ["CHANGELOG.md", "VERSION"]
    assert ready.dirty() == ["?? mine.txt"]


def test_what_a_bump_command_has_written_stays_the_releases_without_it(
    ready: ReleaseProject,
) -> None:
    ready.bump_with("sh", "-c", "echo half > VERSION; exit 1")
    assert ready.ship(*ALL).code == 6
    ready.cli("config", "unset", "tasks.release.bump_command")
    ready.hook("pre-commit", "exit 1")
    ready.ship(*ALL)
    bump = ready.show("v1.0.0")["steps"][1]
    assert (bump["status"], list(bump["detail"]["paths"])) == ("skipped", ["VERSION"])
    revert = ready.cli("release", "cancel", "v1.0.0").data["revert"]
    assert any(command.endswith("checkout HEAD -- VERSION") for command in revert)


def test_a_kept_changelog_keeps_its_style_and_every_byte(ready: ReleaseProject) -> None:
    before = (
        "# Changelog\r\n\r\nAll notable changes.\r\n\r\n## [Unreleased]\r\n\r\n### Added\r\n\r\n"
        "- By hand\r\n\r\n## [0.9.0] - 2026-01-01\r\n\r\n- caf\xe9\r\n"
    )
    path = ready.root / "CHANGELOG.md"
    path.write_bytes(before.encode("latin-1"))
    path.chmod(0o664)
    ready.git("add", "CHANGELOG.md")
    ready.git("commit", "-q", "-m", "changelog")
    release = ready.ship(*ALL).data["release"]
    heading = f"## [1.0.0] - {release['preparedAt'][:10]}"
    assert release["changelog"].startswith(f"{heading}\n\n### Added\n\n- Read all files (T001)")
    place = "## [Unreleased]\r\n"
    section = "\r\n" + release["changelog"].replace("\n", "\r\n")
    expected = before.replace(place, place + section)
    assert path.read_bytes() == expected.encode("latin-1")
    assert path.stat().st_mode & 0o777 == 0o664


def test_a_section_that_is_there_already_is_released_by_force_as_it_stands(
    ready: ReleaseProject,
) -> None:
    text = "# Changelog\n\n## 1.0.0 (soon)\n\nBy hand.\n\n## 0.9.0\n\n- old\n"
    ready.write("CHANGELOG.md", text, commit=True)
    refused = ready.ship(*ALL, "--note", "From the tasks.")
    assert refused.code == 80
    assert message(refused) == "CHANGELOG.md has a section of this version already."
    assert refused.error["fix"].startswith("cleo release ship v1.0.0 --all-done --force --reason ")
    assert ready.cli("release", "list").data == []
    done = ready.ship(*ALL, "--note", "From the tasks.", "--force", "--reason", "it is written")
    assert done.data["release"]["changelog"] == "## 1.0.0 (soon)\n\nBy hand.\n"
    assert (ready.root / "CHANGELOG.md").read_text() == text
    assert ready.git("tag", "-l", "--format=%(contents)", "v1.0.0") == "v1.0.0\n\nBy hand."


def test_a_section_that_the_bump_command_writes_is_the_releases(ready: ReleaseProject) -> None:
    text = "# Changelog\n\n## 1.0.0\n\nBy a tool.\n"
    ready.bump_with("sh", "-c", f"printf '{text}' > CHANGELOG.md".replace("\n", "\\n"))
    assert ready.ship(*ALL).data["release"]["changelog"] == "## 1.0.0\n\nBy a tool.\n"
    assert ready.show("v1.0.0")["release"]["changelog"] == "## 1.0.0\n\nBy a tool.\n"
    assert ready.git("show", "v1.0.0:CHANGELOG.md") == text.strip("\n")
    assert ready.git("tag", "-l", "--format=%(contents)", "v1.0.0") == "v1.0.0\n\nBy a tool."


def test_a_changelog_that_cannot_be_used_is_refused(ready: ReleaseProject) -> None:
    force = ("--force", "--reason", "x")
    path = ready.write("CHANGELOG.md", "# mine\n")
    assert "not committed" in message(ready.ship(*ALL, *force))
    path.unlink()
    path.symlink_to("VERSION")
    assert "symbolic link" in message(ready.ship(*ALL, *force))
    path.unlink()
    path.mkdir()
    assert "cannot be read" in message(ready.ship(*ALL, *force))
    path.rmdir()
    ready.write(".gitignore", "*.md\n", commit=True)
    assert "git ignores it" in message(ready.ship(*ALL, *force))
    assert ready.cli("release", "list").data == []


def test_a_changelog_that_turns_unreadable_is_not_replaced(
    ready: ReleaseProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cleo_tasks.service import release_changelog
    from cleo_tasks.service.releasing import Runner

    path, act = ready.write("CHANGELOG.md", "# Changelog\n", commit=True), Runner._changelog

    def first(self: Any, *more: Any) -> Any:
        monkeypatch.setattr(release_changelog, "_MOST", 3)
        return act(self, *more)

    monkeypatch.setattr(Runner, "_changelog", first)
    refused = ready.ship(*ALL)
    assert (refused.code, message(refused)) == (80, "CHANGELOG.md: it is too large.")
    assert path.read_text() == "# Changelog\n"
    assert statuses(ready.show("v1.0.0"))["changelog"] == "failed"


def test_commits_that_name_no_task_are_listed(ready: ReleaseProject) -> None:
    ready.ship(*ALL)
    second = ready.done("Write files")
    for subject in (f"{second}: write files", "Tidy up *everything*", "See T999"):
        ready.git("commit", "-q", "--allow-empty", "-m", subject)
    text = ready.ship("v1.1.0").data["release"]["changelog"]
    assert "- Tidy up \\*everything\\* (" in text
    assert "- See T999 (" in text
    assert text.count("rite files") == 1
    assert "chore(release)" not in text


def test_work_that_somebody_committed_meanwhile_still_gets_one_release_commit(
    ready: ReleaseProject,
) -> None:
    ready.bump_by_script()
    ready.hook("pre-commit", "exit 1")
    ready.ship(*ALL)
    (ready.root / ".git" / "hooks" / "pre-commit").unlink()
    ready.git("add", "CHANGELOG.md", "VERSION")
    ready.git("commit", "-q", "-m", "work in progress")
    assert ready.ship(*ALL).code == 0
    assert len(ready.commits()) == 1
    assert "## v1.0.0" in ready.git("show", "v1.0.0:CHANGELOG.md")


def test_a_hook_that_rewrites_the_message_makes_no_second_commit(ready: ReleaseProject) -> None:
    ready.hook("commit-msg", 'echo "rewritten" > "$1"')
    done = ready.ship(*ALL)
    assert [one["code"] for one in done.warnings] == ["W_TRAILER"]
    assert done.data["release"]["commitSha"] == ready.git("rev-parse", "HEAD")
    assert ready.git("rev-list", "--count", "HEAD") == "2"


def test_commits_and_tags_are_signed_as_configured(ready: ReleaseProject, cleo_home: Path) -> None:
    signer = cleo_home / "signer"
    signer.write_text("#!/bin/sh\nexit 1\n")
    signer.chmod(0o755)
    ready.git("config", "gpg.program", str(signer))
    ready.git("config", "commit.gpgSign", "true")
    assert "gpg failed to sign" in message(ready.ship(*ALL))
    ready.git("config", "commit.gpgSign", "false")
    ready.git("config", "tag.gpgSign", "true")
    refused = ready.ship(*ALL)
    assert refused.error["details"]["step"] == "tag"
    assert "gpg failed to sign" in message(refused)
    ready.git("config", "tag.gpgSign", "false")
    assert ready.ship(*ALL).code == 0
    assert len(ready.commits()) == 1


def test_a_tag_that_somebody_made_meanwhile_is_not_moved(ready: ReleaseProject) -> None:
    ready.hook("pre-commit", "git tag v1.0.0 HEAD")
    refused = ready.ship(*ALL)
    assert (refused.code, refused.error["fix"]) == (6, "git tag -d v1.0.0")
    ready.git("tag", "-d", "v1.0.0")
    assert ready.ship(*ALL).code == 0


def test_cleos_own_files_are_no_part_of_a_release(ready: ReleaseProject) -> None:
    ready.git("add", "--force", ".cleo/tasks.db", ".cleo/.gitignore")
    ready.git("commit", "-q", "-m", "tracked by mistake")
    ready.done("Writes to the store")
    assert ready.ship(*ALL).code == 0
    assert ready.files_of("HEAD") == ["CHANGELOG.md"]
