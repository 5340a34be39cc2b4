"""What leases and checks mean in a real tree: links, absolute paths, git's index and work trees."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.errors import CleoError
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]
Open = Callable[..., Any]


@pytest.fixture
def of(cleo_open: Open) -> Callable[[str], Any]:
    """The service ``leases`` as an agent has it."""
    return lambda agent: cleo_open(agent=agent).service("leases")


def refused(call: Callable[[], Any]) -> CleoError:
    """The error that a call ends with."""
    with pytest.raises(CleoError) as caught:
        call()
    return caught.value


def taken(service: Any, text: str) -> str:
    """The pattern that a text is stored as."""
    found: str = service.acquire(text).granted[0].pattern
    return found


def git(*words: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """Run git with an identity."""
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    return subprocess.run(
        ["git", *identity, *words],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def written(*names: str, text: str = "x\n") -> None:
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("src", "src/**"),
        ("src/a.py", "src/a.py"),
        ("{root}/src/a.py", "src/a.py"),
        ("{root}/src", "src/**"),
        ("{root}//src/*.py", "src/*.py"),
        ("{root}", "**"),
        ("{root}/", "**"),
        (".", "**"),
        ("link/b.py", "src/b.py"),
        ("link/", "src/**"),
        ("link", "link"),
        ("{root}/link/*", "src/*"),
        ("{outer}/src/new.py", "src/new.py"),
        ("{outer}/*.md", "*.md"),
        ("{outer}", "**"),
        ("app/[id]/page.tsx", "app/[[]id]/page.tsx"),
        ("app/[id]", "app/[[]id]/**"),
        ("app/[ab]/page.tsx", "app/[ab]/page.tsx"),
        ("*/a.py", "*/a.py"),
    ],
)
def test_a_lease_is_on_what_the_text_means_in_the_tree(
    of: Any, cleo_project: Path, text: str, expected: str
) -> None:
    written("src/a.py", "app/[id]/page.tsx")
    Path("link").symlink_to("src")
    outer = cleo_project.parent / "outer"
    outer.symlink_to(cleo_project)
    assert taken(of("ann"), text.format(root=cleo_project, outer=outer)) == expected


def test_a_project_behind_a_link_takes_paths_by_both_names(
    cleo_project: Path, cleo_open: Open
) -> None:
    written("src/a.py")
    outer = cleo_project.parent / "outer"
    outer.symlink_to(cleo_project)
    service = cleo_open(agent="ann", project=outer).service("leases")
    assert taken(service, f"{cleo_project}/src/a.py") == "src/a.py"
    assert taken(service, f"{outer}/src/b.py") == "src/b.py"


def test_a_link_that_leads_out_of_the_project_is_refused(of: Any, cleo_project: Path) -> None:
    outside = cleo_project.parent / "outside"
    outside.mkdir()
    Path("out").symlink_to(outside)
    ann = of("ann")
    for text in ("out/x", "out/", f"{outside}/x", f"{cleo_project}/../x", f"{cleo_project}2/x"):
        assert refused(lambda text=text: ann.acquire(text)).exit == 2  # type: ignore[misc]
        assert refused(lambda text=text: ann.check(text)).exit == 2  # type: ignore[misc]
    assert taken(ann, "out") == "out"


def test_checking_looks_at_a_link_and_at_what_it_leads_to(of: Any, cleo_project: Path) -> None:
    written("src/a.py", "[x].md")
    Path("link").symlink_to("src")
    Path("one.py").symlink_to("src/a.py")
    of("ann").acquire("src/a.py", "[[]x].md")
    bob = of("bob")
    for path in ("src/a.py", "src", "link/a.py", "one.py", ".", f"{cleo_project}/src", "[x].md"):
        assert refused(lambda path=path: bob.check(path)).exit == 97, path  # type: ignore[misc]
    assert bob.check("src/b.py", "x.md", "s*", "new/").checked == ["src/b.py", "x.md", "s*", "new/"]
    of("ann").release(all=True)
    of("ann").acquire("src/**", shared=True)
    assert bob.check("src").conflicts == [], "shared leases keep nobody from writing"


def test_a_lease_is_released_by_its_text_though_the_tree_changed(of: Any) -> None:
    written("src/a.py")
    Path("link").symlink_to("src")
    ann = of("ann")
    ann.acquire("src", "link/x")
    shutil.rmtree("src")
    assert [one.pattern for one in ann.release("src", "link/x").leases] == ["src/**", "src/x"]


@pytest.mark.guarantee(
    "conduit-24", "`lease check --staged` is exit 97 when another agent holds what is committed."
)
def test_what_is_staged_is_checked(of: Any, cleo_project: Path) -> None:
    git("init", "-q")
    written("src/a.py", "src/old.py", "lib/b.py", "ü [x]\n.md", text="one line\n" * 20)
    ann, bob = of("ann"), of("bob")
    assert bob.check(staged=True).checked == []
    ann.acquire("src/**")
    assert bob.check(staged=True).checked == [], "what is not staged does not count"
    git("add", "lib", "ü*")
    assert bob.check(staged=True).checked == ["lib/b.py", "ü [x]\n.md"]
    git("add", "src/a.py")
    error = refused(lambda: bob.check(staged=True))
    assert (error.exit, error.details["conflicts"][0]["with"]["agentId"]) == (97, "ann")
    assert "src/a.py" in ann.check(staged=True).checked
    git("add", ".")
    git("commit", "-qm", "one")
    git("mv", "src/old.py", "lib/new.py")
    found = refused(lambda: bob.check(staged=True)).details["conflicts"]
    assert [one["pattern"] for one in found] == ["src/old.py"], "moving takes a file away"
    git("reset", "-q", "--hard")
    git("rm", "-q", "src/a.py")
    assert refused(lambda: bob.check("lib/b.py", staged=True)).exit == 97


def test_a_path_that_is_no_utf8_is_checked(of: Any, cleo_cli: Cli) -> None:
    git("init", "-q")
    try:
        Path(os.fsdecode(b"src-\xff.py")).write_text("x")
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    git("add", ".")
    done = cleo_cli("lease", "check", "--staged", agent="bob")
    assert "src-\\xff.py" in done.data["checked"]
    of("ann").acquire("src-?.py")
    failed = cleo_cli("lease", "check", "--staged", agent="bob")
    assert failed.code == 97
    assert failed.error["details"]["conflicts"][0]["with"]["agentId"] == "ann"


def test_a_project_below_the_top_of_its_repository_looks_at_its_own_files(
    cleo_project: Path, cleo_cli: Cli
) -> None:
    below = cleo_project / "below"
    shutil.rmtree(cleo_project / ".cleo")
    below.mkdir()
    assert cleo_cli("init", "demo", cwd=below).code == 0
    git("init", "-q")
    written("below/src/a.py", "src/a.py")
    git("add", "src", "below/src")
    cleo_cli("lease", "acquire", "src/**", agent="ann", cwd=below)
    failed = cleo_cli("lease", "check", "--staged", agent="bob", cwd=below)
    assert [one["pattern"] for one in failed.error["details"]["conflicts"]] == ["src/a.py"]
    git("reset", "-q", "below")
    assert cleo_cli("lease", "check", "--staged", agent="bob", cwd=below).data["checked"] == []


def test_a_linked_work_tree_has_staged_files_of_its_own(cleo_project: Path, cleo_cli: Cli) -> None:
    git("init", "-q")
    git("commit", "-qm", "one", "--allow-empty")
    linked = cleo_project.parent / "linked"
    git("worktree", "add", "-q", str(linked))
    (linked / "src").mkdir()
    (linked / "src" / "a.py").write_text("x")
    git("add", "src", cwd=linked)
    taken = cleo_cli("lease", "acquire", f"{linked}/src", agent="ann", cwd=linked)
    assert taken.data["granted"][0]["pattern"] == "src/**"
    assert cleo_cli("lease", "check", "--staged", agent="bob", cwd=linked).code == 97
    assert cleo_cli("lease", "check", "--staged", agent="bob").code == 0


def test_without_a_repository_or_without_git_nothing_is_called_free(
    of: Any, cleo_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = of("bob")
    error = refused(lambda: bob.check(staged=True))
    assert (error.exit, error.fix) == (6, "cleo lease check PATH")
    monkeypatch.setenv("PATH", str(cleo_project / "none"))
    error = refused(lambda: bob.check(staged=True))
    assert (error.exit, error.code) == (3, "E_IO")


def test_the_environment_leads_git_nowhere_else(
    of: Any, cleo_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = cleo_project.parent / "other"
    other.mkdir()
    for place in (cleo_project, other):
        git("init", "-q", cwd=place)
    written("src/a.py")
    git("add", "src")
    of("ann").acquire("src/**")
    bob = of("bob")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    assert refused(lambda: bob.check(staged=True)).exit == 97


def test_a_hook_sees_what_the_running_commit_takes(cleo_project: Path, cleo_cli: Cli) -> None:
    git("init", "-q")
    written("src/a.py", "lib/b.py")
    git("add", "src", "lib")
    git("commit", "-qm", "one")
    hook = Path(".git/hooks/pre-commit")
    hook.write_text(f"#!/bin/sh\nexec '{sys.executable}' -m cleo_core lease check --staged\n")
    hook.chmod(0o755)
    cleo_cli("lease", "acquire", "src/**", agent="ann")
    written("src/a.py", "lib/b.py", text="y\n")
    for words in (("-a",), ("--", "src/a.py")):
        done = git("commit", "-qm", "two", *words, CLEO_AGENT_ID="bob")
        assert done.returncode == 1, done
        assert "E_LEASE_HELD" in done.stdout + done.stderr
    assert git("commit", "-qm", "two", "--", "lib/b.py", CLEO_AGENT_ID="bob").returncode == 0
    assert git("commit", "-qam", "three", CLEO_AGENT_ID="ann").returncode == 0


def test_a_path_is_found_from_the_directory_that_it_is_in(
    cleo_project: Path, cleo_cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (cleo_project / "src").mkdir()
    (cleo_project / "src" / "a.py").touch()
    assert cleo_cli("lease", "acquire", "src/a.py", "--agent", "bob").code == 0
    monkeypatch.chdir(cleo_project / "src")
    assert cleo_cli("lease", "check", "a.py", "--agent", "ann").code == 97
    assert cleo_cli("lease", "check", "src/a.py", "--agent", "ann").code == 97
    assert cleo_cli("lease", "check", "b.py", "--agent", "ann").code == 0
