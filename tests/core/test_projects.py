"""Which project a command works in, and where one may be made."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_core.api import Project
from cleo_core.errors import CleoError
from cleo_core.paths import (
    MARKER,
    check_worktree,
    cleo_directory_name,
    find_git_root,
    find_project,
    location_problem,
    main_worktree,
    named_project,
    read_marker,
    tier_directory,
)

ALLOW = "CLEO_ALLOW_WORKTREE_DB_CREATE"

Git = Callable[..., None]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A private home, no variable of CLEO's set, nothing reachable outside."""
    for name in [*os.environ]:
        if name.startswith(("CLEO_", "XDG_", "GIT_")):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("CLEO_TEST_ROOT", str(tmp_path))
    return home


@pytest.fixture
def git(monkeypatch: pytest.MonkeyPatch) -> Git:
    """Runs real git in a directory, with an identity and nobody's configuration."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Somebody")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "somebody@example.org")

    def run(directory: Path, *arguments: str) -> None:
        command = ["git", "-c", "protocol.file.allow=always", *arguments]
        subprocess.run(command, cwd=directory, check=True, capture_output=True, timeout=60)

    return run


@pytest.fixture
def repository(home: Path, git: Git) -> Path:
    """A repository with one commit and a directory ``sub``, no project yet."""
    return make_repository(home / "repo", git)


@pytest.fixture
def worktree(repository: Path, git: Git) -> Path:
    """A linked worktree beside :func:`repository`."""
    top = repository.parent / "tree"
    git(repository, "worktree", "add", "-q", str(top))
    return top


# The walk


@pytest.mark.guarantee(
    "operations-02", "From any directory of a project, however it is spelled, CLEO finds its root."
)
@pytest.mark.parametrize(
    "name", ["plain", "with space", "it's", 'quo"te', "ünï-códe-日本", "-rf", "$HOME", "new\nline"]
)
@pytest.mark.parametrize("below", ["", "a", "a/b/c"])
def test_root_is_found_from_every_directory_in_it(
    name: str, below: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_project(home / name, projectId="p1", name="Mine")
    start = root / below
    start.mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(start)

    assert find_project() == Project("p1", "Mine", str(root), str(root / ".cleo"))


@given(
    name=st.text(
        alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1
    )
    .map(lambda text: text[:60])
    .filter(lambda text: text not in (".", "..") and len(text.encode()) < 200)
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_root_of_any_name_is_found(name: str, tmp_path: Path) -> None:
    root = make_project(tmp_path / "many" / name)

    assert find_project(str(root)).root == str(root)


@pytest.mark.guarantee(
    "operations-02", "A project reached through a symbolic link is the project itself."
)
def test_link_into_a_project_leads_to_its_real_root(home: Path) -> None:
    root = make_project(home / "project")
    (root / "sub").mkdir()
    (home / "elsewhere").mkdir()
    (home / "elsewhere" / "link").symlink_to(root / "sub")

    assert find_project(str(home / "elsewhere" / "link")).root == str(root)
    assert find_project(explicit=home / "elsewhere" / "link" / "..").root == str(root)


def test_nearest_root_wins(home: Path) -> None:
    make_project(home / "outer", projectId="outer")
    inner = make_project(home / "outer" / "inner", projectId="inner")

    assert find_project(str(inner)).id == "inner"


def test_project_without_a_name_has_its_directorys(home: Path) -> None:
    root = make_project(home / "project", name=None)

    assert find_project(str(root)).name == "project"


@pytest.mark.guarantee(
    "operations-02", "A .cleo in the home directory captures no command below it."
)
@pytest.mark.parametrize("start", ["", "work", "work/deep"])
@pytest.mark.parametrize("marked", [True, False])
def test_home_is_never_found_by_walking(start: str, marked: bool, home: Path) -> None:
    if marked:
        make_project(home)
    else:
        (home / ".cleo").mkdir()
    (home / start).mkdir(parents=True, exist_ok=True)

    error = refusal(lambda: find_project(str(home / start)))

    assert (error.code, error.exit, error.fix) == ("E_NOT_INITIALIZED", 3, "cleo init")


def test_home_is_recognised_behind_a_link(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_project(home)
    (tmp_path / "alias").symlink_to(home)
    monkeypatch.setenv("HOME", str(tmp_path / "alias"))

    assert refusal(lambda: find_project(str(home))).code == "E_NOT_INITIALIZED"


def test_project_above_the_home_is_found(home: Path, tmp_path: Path) -> None:
    make_project(tmp_path)

    assert find_project(str(home)).root == str(tmp_path)


@pytest.mark.guarantee("operations-02", "Started in / CLEO says that no project is there.")
def test_file_system_root_is_not_initialised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLEO_TEST_ROOT")

    assert refusal(lambda: find_project("/")).code in ("E_NOT_INITIALIZED",)


def test_without_a_home_variable_the_walk_still_works(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_project(home / "project")
    monkeypatch.delenv("HOME")

    assert find_project(str(root)).root == str(root)


@pytest.mark.parametrize(("levels", "found"), [(63, True), (64, False)])
def test_walk_looks_at_sixty_four_levels(levels: int, found: bool, home: Path) -> None:
    root = make_project(home / "project")
    start = root.joinpath(*["d"] * levels)
    start.mkdir(parents=True)

    if found:
        assert find_project(str(start)).root == str(root)
    else:
        assert refusal(lambda: find_project(str(start))).code == "E_NOT_INITIALIZED"


def test_deleted_working_directory_is_not_initialised(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "gone").mkdir()
    monkeypatch.chdir(home / "gone")
    (home / "gone").rmdir()

    assert refusal(find_project).code == "E_NOT_INITIALIZED"
    os.chdir(home)


def test_walk_stays_inside_the_test_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_project(tmp_path)
    inside = tmp_path / "inside"
    inside.mkdir()
    monkeypatch.setenv("CLEO_TEST_ROOT", str(inside))

    assert refusal(lambda: find_project(str(inside))).code == "E_NOT_INITIALIZED"
    assert refusal(lambda: find_project(str(tmp_path))).code == "E_TEST_ROOT"
    assert refusal(lambda: find_project(explicit=tmp_path)).code == "E_TEST_ROOT"


# The marker


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"{}",
        b'{"projectId": ""}',
        b'{"projectId": "  "}',
        b'{"projectId": 7}',
        b'{"projectId": null}',
        b'{"projectId": "\\ud800"}',
        b'\xff\xfe{\x00"\x00',
        b"\x00" * 100,
        b"[" * 100_000,
        b'{"projectId": "x", "note": "' + b"y" * (1 << 20) + b'"}',
    ],
)
def test_damaged_marker_makes_no_root(content: bytes, home: Path) -> None:
    directory = home / "project" / ".cleo"
    directory.mkdir(parents=True)
    (directory / MARKER).write_bytes(content)

    assert read_marker(str(directory)) is None
    error = refusal(lambda: find_project(str(home / "project")))
    assert (error.code, error.exit) == ("E_INVALID_PROJECT_ROOT", 3)


@given(
    content=st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("projectId"), inner),
    ).map(lambda value: json.dumps(value).encode())
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_marker_is_an_object_with_an_id_or_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / MARKER).write_bytes(content)

    marker = read_marker(str(tmp_path))

    assert marker is None or marker["projectId"].strip()


def test_marker_with_a_byte_order_mark_counts(home: Path) -> None:
    root = make_project(home / "project")
    marker = root / ".cleo" / MARKER
    marker.write_bytes(b"\xef\xbb\xbf" + marker.read_bytes())

    assert find_project(str(root)).root == str(root)


@pytest.mark.parametrize("kind", ["link", "directory", "pipe"])
def test_marker_must_be_a_regular_file(kind: str, home: Path) -> None:
    directory = home / "project" / ".cleo"
    directory.mkdir(parents=True)
    path = directory / MARKER
    if kind == "link":
        real = make_project(home / "real") / ".cleo" / MARKER
        path.symlink_to(real)
    elif kind == "directory":
        path.mkdir()
    else:
        os.mkfifo(path)

    assert read_marker(str(directory)) is None


@pytest.mark.guarantee(
    "operations-02",
    "A .cleo left in a package's subdirectory captures nothing and stays untouched.",
)
def test_directory_without_a_marker_is_skipped_and_untouched(home: Path) -> None:
    root = make_project(home / "project")
    package = root / "packages" / "one"
    (package / ".cleo").mkdir(parents=True)
    (package / ".cleo" / "tasks.db").write_bytes(b"stray")

    assert find_project(str(package)).root == str(root)
    assert os.listdir(package / ".cleo") == ["tasks.db"]


def test_only_markerless_directories_are_all_listed(home: Path) -> None:
    (home / "a" / ".cleo").mkdir(parents=True)
    (home / "a" / "b" / ".cleo").mkdir(parents=True)

    error = refusal(lambda: find_project(str(home / "a" / "b")))

    assert error.code == "E_INVALID_PROJECT_ROOT"
    assert error.details["directories"] == [str(home / "a" / "b" / ".cleo"), str(home / "a/.cleo")]
    assert str(home / "a" / ".cleo") in error.message
    assert error.fix == f"cleo init --path {home / 'a' / 'b'}"


# Options and variables


def test_explicit_path_comes_first(home: Path) -> None:
    first, second = make_project(home / "first"), make_project(home / "second")
    env = {"HOME": str(home), "CLEO_ROOT": str(second)}

    assert find_project(str(second), str(first), env).root == str(first)


def test_explicit_path_is_relative_to_the_working_directory(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_project(home / "project")
    monkeypatch.chdir(home)

    assert find_project(explicit="project").root == str(root)
    assert find_project(explicit="~/project").root == str(root)


@pytest.mark.parametrize("variable", ["CLEO_ROOT", "CLEO_PROJECT_ROOT"])
def test_variable_names_the_root_without_a_walk(variable: str, home: Path) -> None:
    outer = make_project(home / "outer")
    (outer / "sub").mkdir()
    named = make_project(home / "named")

    assert find_project(str(outer), env={variable: str(named)}).root == str(named)
    error = refusal(lambda: find_project(str(outer), env={variable: str(outer / "sub")}))
    assert error.code == "E_NOT_INITIALIZED"
    assert error.fix == f"cleo init --path {outer / 'sub'}"


def test_two_variables_may_agree_by_different_spellings(home: Path) -> None:
    root = make_project(home / "project")
    (home / "link").symlink_to(root)
    env = {"CLEO_ROOT": str(root) + "/", "CLEO_PROJECT_ROOT": str(home / "link")}

    assert find_project(env=env).root == str(root)


def test_two_variables_that_differ_are_refused(home: Path) -> None:
    env = {"CLEO_ROOT": str(home / "a"), "CLEO_PROJECT_ROOT": str(home / "b")}

    error = refusal(lambda: find_project(env=env))

    assert (error.code, error.exit) == ("E_PATH_OVERRIDE", 8)
    assert error.fix == "unset CLEO_PROJECT_ROOT"


@pytest.mark.parametrize("value", ["relative", "./x", "~other"])
def test_relative_root_variable_is_refused(value: str, home: Path) -> None:
    error = refusal(lambda: find_project(env={"CLEO_ROOT": value, "HOME": str(home)}))

    assert (error.code, error.exit) == ("E_PATH_OVERRIDE", 8)


def test_blank_variables_count_as_unset(home: Path) -> None:
    root = make_project(home / "project")
    env = {"CLEO_ROOT": "", "CLEO_PROJECT_ROOT": "  ", "CLEO_DIR": " "}

    assert find_project(str(root), env=env).root == str(root)


@pytest.mark.guarantee(
    "operations-02", "The home directory is a project only for who names it by option or variable."
)
def test_home_can_be_named(home: Path) -> None:
    make_project(home)

    assert find_project(explicit=str(home)).root == str(home)
    assert find_project(env={"HOME": str(home), "CLEO_ROOT": "~"}).root == str(home)


def test_home_cannot_be_named_by_its_project_directory(home: Path) -> None:
    make_project(home)
    env = {"HOME": str(home), "CLEO_DIR": str(home / ".cleo")}

    error = refusal(lambda: find_project(env=env))

    assert (error.code, error.fix) == ("E_LOCATION_REFUSED", f"cleo --project {home}")


def test_absolute_directory_makes_its_parent_the_root(home: Path) -> None:
    root = make_project(home / "project", directory="state")
    env = {"CLEO_DIR": str(root / "state")}

    project = find_project(str(home), env=env)

    assert (project.root, project.directory) == (str(root), str(root / "state"))
    assert cleo_directory_name(env) == ".cleo"
    assert find_project(explicit=root, env=env).directory == str(root / "state")


def test_absolute_directory_leaves_other_roots_alone(home: Path) -> None:
    root = make_project(home / "project")
    env = {"CLEO_DIR": str(home / "other" / "state")}

    assert find_project(explicit=root, env=env).directory == str(root / ".cleo")


def test_single_name_replaces_the_usual_one(home: Path) -> None:
    root = make_project(home / "project", directory=".state")
    make_project(home / "project" / "sub")

    project = find_project(str(root / "sub"), env={"CLEO_DIR": ".state"})

    assert (project.root, project.directory) == (str(root), str(root / ".state"))


@pytest.mark.parametrize(
    "value", ["a/b", "./a", "..", ".", ".git", "~", "~x", "a\\b", "/", "/a/.."]
)
def test_other_forms_of_the_directory_are_refused(value: str, home: Path) -> None:
    env = {"CLEO_DIR": value}

    error = refusal(lambda: find_project(str(home), env=env))

    assert error.exit == 8
    assert error.code in ("E_PATH_OVERRIDE", "E_NO_HOME")


def test_explicit_directory_without_a_project_says_what_is_there(home: Path) -> None:
    (home / "empty").mkdir()
    (home / "half" / ".cleo").mkdir(parents=True)
    (home / "file").touch()

    empty = refusal(lambda: find_project(explicit=home / "empty"))
    half = refusal(lambda: find_project(explicit=home / "half"))
    missing = refusal(lambda: find_project(explicit=home / "miss ing"))
    file = refusal(lambda: find_project(explicit=home / "file"))

    assert (empty.code, empty.fix) == ("E_NOT_INITIALIZED", f"cleo init --path {home}/empty")
    assert (half.code, half.fix) == ("E_INVALID_PROJECT_ROOT", f"cleo init --path {home}/half")
    # `cleo init` makes no directory.
    assert (missing.code, missing.fix) == ("E_NOT_INITIALIZED", f"mkdir -p '{home}/miss ing'")
    assert (file.code, file.fix) == ("E_NOT_INITIALIZED", f"ls -ld {home}/file")


@pytest.mark.parametrize("value", ["", "  ", "a\0b"])
def test_explicit_nonsense_is_a_usage_error(value: str) -> None:
    assert refusal(lambda: find_project(explicit=value)).exit == 2


def test_nothing_named_is_none(home: Path) -> None:
    assert named_project(env={}) is None
    assert named_project(home / "new", {}) == (str(home / "new"), str(home / "new" / ".cleo"))


def test_tiers_have_their_directories(home: Path) -> None:
    root = make_project(home / "project")
    project = find_project(str(root))

    assert tier_directory("project", project) == str(root / ".cleo")
    assert tier_directory("global", None) == str(home / ".local" / "share" / "cleo")
    assert refusal(lambda: tier_directory("project", None)).code == "E_NOT_INITIALIZED"


# Worktrees


@pytest.mark.guarantee(
    "operations-03", "In a git worktree CLEO works in the main repository's project."
)
@pytest.mark.parametrize("below", ["", "sub"])
@pytest.mark.parametrize("copied", [False, True])
def test_worktree_leads_to_the_main_repository(
    below: str, copied: bool, repository: Path, worktree: Path
) -> None:
    make_project(repository, projectId="main")
    if copied:
        make_project(worktree, projectId="copy")

    project = find_project(str(worktree / below))

    assert (project.id, project.root) == ("main", str(repository))
    assert main_worktree(str(worktree / below)) == str(repository)


@pytest.mark.guarantee(
    "operations-03", "A worktree inside its own repository leads to the same project."
)
def test_worktree_inside_the_repository_leads_to_it(repository: Path, git: Git) -> None:
    make_project(repository)
    git(repository, "worktree", "add", "-q", "trees/one")

    assert find_project(str(repository / "trees" / "one" / "sub")).root == str(repository)


def test_project_in_a_subdirectory_is_the_main_repositorys(
    repository: Path, worktree: Path
) -> None:
    make_project(repository, projectId="whole")
    make_project(repository / "sub", projectId="part")
    make_project(worktree / "sub", projectId="copy")
    (worktree / "only-here").mkdir()

    assert find_project(str(worktree / "sub")).id == "part"
    assert find_project(str(worktree / "only-here")).id == "whole"


def test_project_above_the_main_repository_is_found(home: Path, git: Git) -> None:
    outer = make_project(home / "outer")
    repository = make_repository(outer / "repo", git)
    git(repository, "worktree", "add", "-q", str(home / "tree"))

    assert find_project(str(home / "tree")).root == str(outer)


@pytest.mark.guarantee(
    "operations-03", "A worktree's own copy of a project is refused and the main one is named."
)
def test_project_only_in_a_worktree_is_refused(repository: Path, worktree: Path) -> None:
    make_project(worktree)

    error = refusal(lambda: find_project(str(worktree)))

    assert (error.code, error.exit) == ("E_WORKTREE", 3)
    assert error.details == {"root": str(worktree), "main": str(repository)}
    assert error.fix == f"cleo init --path {repository}"


def test_worktree_of_a_repository_without_a_project_names_where_to_make_one(
    repository: Path, worktree: Path
) -> None:
    error = refusal(lambda: find_project(str(worktree)))

    assert (error.code, error.fix) == ("E_NOT_INITIALIZED", f"cleo init --path {repository}")


@pytest.mark.guarantee(
    "operations-03", "No database appears in a worktree unless a variable allows it."
)
@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize("by", ["option", "CLEO_ROOT", "CLEO_DIR"])
def test_worktree_cannot_be_named(by: str, marked: bool, repository: Path, worktree: Path) -> None:
    make_project(repository)
    if marked:
        make_project(worktree)
    value = str(worktree / ".cleo" if by == "CLEO_DIR" else worktree)

    error = refusal(
        lambda: find_project(
            explicit=value if by == "option" else None, env={} if by == "option" else {by: value}
        )
    )

    assert error.code == "E_WORKTREE"
    assert str(repository) in error.message
    assert error.fix == f"cleo --project {repository}"


@pytest.mark.parametrize("explicit", [True, False])
def test_allowed_worktree_warns_and_is_recorded_each_time(
    explicit: bool, repository: Path, worktree: Path
) -> None:
    make_project(repository, projectId="main")
    make_project(worktree, projectId="own")
    told: list[tuple[str, str]] = []

    for _ in range(2):
        project = find_project(
            str(worktree / "sub"),
            worktree if explicit else None,
            {ALLOW: "1"},
            lambda *warning: told.append(warning),
        )
        assert project.id == "own"

    assert [code for code, _ in told] == ["W_WORKTREE", "W_WORKTREE"]
    lines = (worktree / ".cleo" / "audit" / "overrides.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["worktree", "worktree"]
    assert json.loads(lines[0])["main"] == str(repository)


def test_allowed_worktree_without_a_project_leads_to_the_main_one(
    repository: Path, worktree: Path
) -> None:
    make_project(repository, projectId="main")

    assert find_project(str(worktree), env={ALLOW: "1"}).id == "main"


@pytest.mark.parametrize("value", ["", "0", "true", "yes"])
def test_only_one_value_allows_worktrees(value: str, worktree: Path) -> None:
    assert refusal(lambda: check_worktree(str(worktree), {ALLOW: value})).code == "E_WORKTREE"


@pytest.mark.guarantee(
    "operations-03", "The worktrees of a bare repository are ordinary directories."
)
@pytest.mark.parametrize("place", ["store.git", "project/.bare", "project/.git"])
def test_bare_repositorys_worktree_is_an_ordinary_directory(
    place: str, home: Path, repository: Path, git: Git
) -> None:
    bare = home / place
    bare.parent.mkdir(exist_ok=True)
    git(home, "clone", "-q", "--bare", str(repository), str(bare))
    if place == "project/.bare":
        (home / "project" / ".git").write_text("gitdir: ./.bare\n")
    tree = home / "project" / "tree"
    git(bare, "worktree", "add", "-q", str(tree), "HEAD")
    make_project(tree, projectId="tree")

    assert main_worktree(str(tree)) is None
    assert find_project(str(tree / "sub")).id == "tree"
    assert location_problem(str(tree)) is None


@pytest.mark.guarantee("operations-03", "A submodule is an ordinary directory.")
def test_submodule_is_an_ordinary_directory(home: Path, repository: Path, git: Git) -> None:
    inner = make_repository(home / "inner", git)
    git(repository, "submodule", "add", "-q", str(inner), "module")
    make_project(repository, projectId="outer")

    assert main_worktree(str(repository / "module")) is None
    assert find_project(str(repository / "module" / "sub")).id == "outer"

    make_project(repository / "module", projectId="module")
    assert find_project(str(repository / "module" / "sub")).id == "module"


def test_submodules_worktree_leads_to_the_submodule(home: Path, repository: Path, git: Git) -> None:
    inner = make_repository(home / "inner", git)
    git(repository, "submodule", "add", "-q", str(inner), "module")
    make_project(repository / "module", projectId="module")
    git(repository / "module", "worktree", "add", "-q", str(home / "module-tree"))

    assert main_worktree(str(home / "module-tree")) == str(repository / "module")
    assert find_project(str(home / "module-tree")).id == "module"


def test_submodule_in_a_worktree_leads_to_the_main_repository(
    home: Path, repository: Path, git: Git
) -> None:
    inner = make_repository(home / "inner", git)
    git(repository, "submodule", "add", "-q", str(inner), "module")
    git(repository, "commit", "-qm", "module")
    git(repository, "worktree", "add", "-q", str(home / "tree"))
    git(home / "tree", "submodule", "update", "--init", "-q")
    make_project(repository, projectId="main")

    assert find_project(str(home / "tree" / "module")).id == "main"
    assert main_worktree(str(home / "tree" / "module")) == str(repository)


def test_repository_inside_a_worktree_is_its_own(
    worktree: Path, repository: Path, git: Git
) -> None:
    make_project(repository, projectId="main")
    nested = make_repository(worktree / "nested", git)

    assert find_project(str(nested)).id == "main"
    assert main_worktree(str(nested)) is None

    make_project(nested, projectId="nested")
    assert find_project(str(nested / "sub")).id == "nested"


def test_worktree_configuration_of_its_own_is_read(repository: Path, git: Git) -> None:
    git(repository, "config", "extensions.worktreeConfig", "true")
    tree = repository.parent / "tree"
    git(repository, "worktree", "add", "-q", str(tree))
    assert main_worktree(str(tree)) == str(repository)

    git(repository, "config", "--worktree", "core.bare", "true")
    assert main_worktree(str(tree)) is None


def test_relative_worktree_pointers_are_followed(repository: Path, worktree: Path) -> None:
    (worktree / ".git").write_text("gitdir: ../repo/.git/worktrees/tree\r\n")

    assert main_worktree(str(worktree)) == str(repository)


@pytest.mark.parametrize(
    "pointer",
    [
        "",
        "gitdir:",
        "gitdir: worktrees/x",
        "nonsense",
        "gitdir: \0",
        "\n" * 10,
        "gitdir: .",
    ],
)
def test_damaged_pointer_makes_an_ordinary_directory(pointer: str, home: Path) -> None:
    root = make_project(home / "project")
    (root / ".git").write_text(pointer)

    assert find_project(str(root)).root == str(root)


def test_pointer_out_of_the_test_root_is_not_followed(home: Path) -> None:
    root = make_project(home / "project")
    (root / ".git").write_text("gitdir: /nowhere/worktrees/x")

    assert refusal(lambda: find_project(str(root))).code == "E_TEST_ROOT"


def test_pointers_in_a_circle_end(home: Path) -> None:
    for one, other in (("a", "b"), ("b", "a")):
        git_directory = home / one / "elsewhere" / "worktrees" / "x"
        git_directory.mkdir(parents=True)
        (home / one / ".git").write_text(f"gitdir: {git_directory}\n")
        (git_directory / "commondir").write_text(f"{home / one / 'common'}\n")
        (home / one / "common").mkdir()
        (home / one / "common" / "config").write_text(f"[core]\n\tworktree = {home / other}\n")

    assert refusal(lambda: find_project(str(home / "a"))).code == "E_NOT_INITIALIZED"
    assert main_worktree(str(home / "a")) == str(home / "b")


# Where init may work


def test_ordinary_directory_may_become_a_project(home: Path) -> None:
    assert location_problem(str(home / "new")) is None


@pytest.mark.parametrize(
    "place",
    [
        "",
        "/",
        ".local/share/cleo",
        ".local/share/cleo/deep",
        "x/.cleo",
        "x/.cleo/deep",
        "p/state/x",
    ],
)
def test_some_directories_never_become_projects(
    place: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_project(home / "p", directory="state")
    if place == "/":
        monkeypatch.delenv("CLEO_TEST_ROOT")

    problem = location_problem(str(home / place), {**os.environ, "CLEO_DIR": "state"}, nested=True)

    assert problem is not None
    assert (problem.code, problem.exit) == ("E_LOCATION_REFUSED", 3)
    assert problem.fix.startswith("cleo init --path ")


def test_directory_called_like_the_project_directory_may_hold_projects(home: Path) -> None:
    assert location_problem(str(home / "state" / "mine"), {"CLEO_DIR": "state"}) is None


def test_project_inside_another_needs_the_option(home: Path) -> None:
    make_project(home / "outer")
    inner = str(home / "outer" / "a" / "inner")

    problem = location_problem(inner)

    assert problem is not None
    assert problem.code == "E_LOCATION_REFUSED"
    assert str(home / "outer") in problem.message
    assert problem.fix == f"cleo init --nested --path {inner}"
    assert location_problem(inner, nested=True) is None
    make_project(Path(inner))
    assert location_problem(inner) is None


def test_project_in_the_home_does_not_make_others_nested(home: Path) -> None:
    make_project(home)

    assert location_problem(str(home / "other")) is None


@pytest.mark.guarantee(
    "operations-03", "init refuses a git worktree and names the main repository."
)
def test_worktree_does_not_become_a_project(repository: Path, worktree: Path) -> None:
    problem = location_problem(str(worktree / "sub"))

    assert problem is not None
    assert problem.code == "E_WORKTREE"
    assert problem.fix == f"cleo init --path {repository}"
    assert location_problem(str(worktree), {**os.environ, ALLOW: "1"}) is None
    assert location_problem(str(repository)) is None


def test_location_is_judged_without_a_home() -> None:
    assert location_problem(os.environ["CLEO_TEST_ROOT"] + "/x", {}) is None


def test_location_problem_reports_unusable_variables(home: Path) -> None:
    problem = location_problem(str(home / "x"), {"CLEO_HOME": "relative"})

    assert problem is not None
    assert problem.code == "E_PATH_OVERRIDE"


def test_location_outside_the_test_root_is_refused() -> None:
    problem = location_problem("/usr/share/x")

    assert problem is not None
    assert problem.code == "E_TEST_ROOT"


# The repository around a directory


def test_git_root_is_the_nearest_repository_or_worktree(repository: Path, worktree: Path) -> None:
    assert find_git_root(str(repository / "sub")) == str(repository)
    assert find_git_root(str(worktree / "sub")) == str(worktree)


def test_without_a_repository_there_is_no_git_root(home: Path) -> None:
    assert find_git_root(str(home)) is None


def make_project(root: Path, directory: str = ".cleo", **marker: object) -> Path:
    (root / directory).mkdir(parents=True, exist_ok=True)
    content = {"schemaVersion": 1, "projectId": "p", "name": "Name", **marker}
    (root / directory / MARKER).write_text(json.dumps(content))
    return root


def make_repository(root: Path, git: Git) -> Path:
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "file").write_text("content")
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "first")
    return root


def refusal(action: Callable[[], object]) -> CleoError:
    with pytest.raises(CleoError) as caught:
        action()
    assert caught.value.fix
    return caught.value
