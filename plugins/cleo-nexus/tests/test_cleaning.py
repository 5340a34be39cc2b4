"""Finding projects in directories, and taking rows out of the registry by a criterion."""

from __future__ import annotations

import runpy
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.testing import Outcome
from cleo_nexus.service import cleaning, places

_atlas = runpy.run_path(str(Path(__file__).with_name("atlas.py")))
refusal = _atlas["refusal"]

Cli = Callable[..., Outcome]


def slugs(atlas: Any) -> list[str]:
    return [one["slug"] for one in atlas.nexus("web").projects()]


@pytest.mark.guarantee(
    "nexus-17",
    "Without --yes `clean` changes no byte of any file, and neither does `reconcile --dry-run`.",
)
@pytest.mark.parametrize(
    ("criteria", "matched"),
    [
        (("--missing",), ["gone", "needed"]),
        (("--never-synced",), ["api", "gone", "needed"]),
        (("--match", "/(api|gone)$"), ["api", "gone"]),
        (("--missing", "--match", "gone"), ["gone"]),
        (("--temp",), ["api", "gone", "needed", "web"]),
    ],
)
def test_cleaning_says_what_it_would_do_and_then_does_it(
    atlas: Any,
    cleo_cli: Cli,
    cleo_home: Path,
    frozen_bytes: Any,
    monkeypatch: pytest.MonkeyPatch,
    criteria: tuple[str, ...],
    matched: list[str],
) -> None:
    monkeypatch.setenv("TMPDIR", str(cleo_home))
    for name in ("web", "api", "gone", "needed"):
        atlas.project(name)
    atlas.nexus("web").sync("web")
    atlas.instance("needed")
    atlas.close()
    for name in ("gone", "needed"):
        shutil.rmtree(atlas.root(name))
    root = atlas.root("web")
    for words in ((), ("--yes", "--dry-run"), ("--dry-run",)):
        with frozen_bytes(cleo_home):
            found = cleo_cli("nexus", "clean", *criteria, *words, cwd=root).data
        assert [one["slug"] for one in found["matched"]] == matched
        assert found["removed"] == 0
    with frozen_bytes(atlas.folder):
        found = cleo_cli("nexus", "clean", *criteria, "--yes", cwd=root).data
    stays = [slug for slug in matched if slug == "needed"]
    assert found["removed"] == len(matched) - len(stays)
    assert [one["project"] for one in found["skipped"]] == stays
    left = {"web", "api", "gone", "needed"} - set(matched) | set(stays)
    rows = atlas.rows("SELECT slug FROM project_registry ORDER BY slug")
    assert [slug for (slug,) in rows] == sorted(left)


def test_cleaning_removes_many_in_units_and_leaves_one_audit_row(
    atlas: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    atlas.project("web")
    ids = [f"gone-{number:04d}" for number in range(1, 24)]
    for id_ in ids:
        hash_ = places.path_hash(f"/{id_}")
        atlas.rows(
            "INSERT INTO project_registry (project_id, slug, name, project_path, project_hash, "
            "registered_at, last_seen) VALUES (?1, ?1, 'x', '/' || ?1, ?2, ?3, ?3)",
            *(id_, hash_, "2026-01-01T00:00:00.000Z"),
        )
    monkeypatch.setattr(cleaning, "BLOCK", 5)
    found = atlas.nexus("web").clean(match="^/gone", yes=True)
    assert (found.removed, slugs(atlas)) == (23, ["web"])
    ((row,),) = atlas.rows("SELECT details_json FROM nexus_audit_log WHERE action = 'nexus.clean'")
    assert row == (
        '{"removed": 23, "samples": [' + ", ".join(f'"{id_}"' for id_ in ids[:10]) + "]}"
    )


def test_cleaning_needs_a_criterion_that_means_something(atlas: Any, cleo_cli: Cli) -> None:
    root = atlas.project("web")
    bare = cleo_cli("nexus", "clean", "--yes", cwd=root)
    assert (bare.code, bare.error["code"]) == (2, "E_NO_CRITERIA")
    for pattern in ("(", "*", "", "x" * 2000, "a\0b", "(?P<n>a)(?P<n>b)"):
        error = refusal(atlas.nexus("web").clean, match=pattern)
        assert (error.exit, error.code) == (2, "E_INVALID_PATTERN")
    assert refusal(atlas.nexus("web").clean, match=5).code == "E_INVALID_PATTERN"
    nothing = cleo_cli("nexus", "clean", "--missing", cwd=root)
    assert (nothing.code, nothing.error["code"]) == (100, "E_NOTHING")


def test_what_lies_under_the_temporary_directory_is_temporary(tmp_path: Path) -> None:
    base = Path(tempfile.gettempdir()).resolve()
    assert places.is_temporary(str(base / "a" / "b"), {})
    assert places.is_temporary("/tmp/x", {})
    assert not places.is_temporary("/tmpx/y", {})
    assert places.is_temporary("/scratch/me/x", {"TMPDIR": "/scratch/me/"})
    assert not places.is_temporary("/scratch/me", {"TMPDIR": "relative"})


def test_a_scan_finds_what_the_registry_does_not_know_as_it_is(
    atlas: Any, cleo_cli: Cli, frozen_bytes: Any
) -> None:
    for name in ("web", "moving", "copied", "drifted"):
        atlas.project(name)
    for name in ("new", "deep/a/b/c", "deep/a/b/c/d", "node_modules/x", ".git/y", "web/inside"):
        atlas.bare(name)
    atlas.close()
    atlas.root("moving").rename(atlas.root("moved"))
    shutil.copytree(atlas.root("copied"), atlas.root("a-copy"))
    atlas.set_marker("drifted", projectId="another-id")
    (atlas.root("link")).symlink_to(atlas.root("new"))
    with frozen_bytes(atlas.folder):
        found = cleo_cli("nexus", "scan", str(atlas.folder), cwd=atlas.root("web")).data
    assert [(Path(one["path"]).name, one["state"]) for one in found["found"]] == [
        ("a-copy", "copied"),
        ("c", "unregistered"),
        ("drifted", "drift"),
        ("moved", "moved"),
        ("new", "unregistered"),
    ]
    assert found["registered"] == 0
    shallow = cleo_cli("nexus", "scan", str(atlas.folder), "--depth", "1", cwd=atlas.root("web"))
    assert "c" not in [Path(one["path"]).name for one in shallow.data["found"]]
    before = slugs(atlas)
    dry = cleo_cli(
        "nexus", "scan", str(atlas.folder), "--register", "--dry-run", cwd=atlas.root("web")
    )
    assert dry.data["registered"] == 2
    assert slugs(atlas) == before
    done = cleo_cli("nexus", "scan", str(atlas.folder), "--register", cwd=atlas.root("web")).data
    assert [one.get("slug") for one in done["found"]] == [None, "deep-a-b-c", None, None, "new"]
    assert slugs(atlas) == sorted([*before, "deep-a-b-c", "new"])
    again = cleo_cli("nexus", "scan", str(atlas.folder), "--register", cwd=atlas.root("web")).data
    assert (again["registered"], len(again["found"])) == (0, 3)
    assert atlas.rows(
        "SELECT count(*), details_json FROM nexus_audit_log WHERE action = 'nexus.scan'"
    ) == [(1, '{"registered": 2}')]


def test_a_scan_looks_where_the_settings_say(atlas: Any, cleo_cli: Cli, cleo_home: Path) -> None:
    root = atlas.project("web", register=False)
    empty = cleo_cli("nexus", "scan", cwd=root)
    assert empty.data == {"found": [], "registered": 0}
    assert [one["code"] for one in empty.warnings] == ["W_NO_SCAN_ROOTS"]
    (cleo_home / "home" / "code").symlink_to(atlas.folder)
    assert [one["path"] for one in cleo_cli("nexus", "scan", cwd=root).data["found"]] == [str(root)]
    assert cleo_cli("nexus", "scan", "~/code", cwd=root).data["found"][0]["path"] == str(root)


@pytest.mark.parametrize("top", ["nowhere", "", "a\0b", "x" * 5000, "\udcff"])
def test_a_root_that_is_no_directory_is_refused(atlas: Any, top: str) -> None:
    atlas.project("web")
    assert refusal(atlas.nexus("web").scan, top).exit == 6


@pytest.mark.parametrize("depth", [0, 21, -1, True, "4", None, 10**40])
def test_a_depth_out_of_range_is_refused(atlas: Any, depth: Any) -> None:
    atlas.project("web")
    assert refusal(atlas.nexus("web").scan, str(atlas.folder), depth=depth).exit == 2


def test_a_worktree_is_no_project_of_its_own(atlas: Any, cleo_cli: Cli) -> None:
    root = atlas.project("web")

    def git(*words: str) -> None:
        name = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        subprocess.run(["git", *name, *words], cwd=root, check=True, capture_output=True)

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "first")
    git("worktree", "add", "-q", str(atlas.root("tree")))
    atlas.bare("tree")
    assert cleo_cli("nexus", "scan", str(atlas.folder), cwd=root).data["found"] == []
    refused = cleo_cli("nexus", "register", str(atlas.root("tree")), cwd=root)
    assert (refused.code, refused.error["code"]) == (3, "E_WORKTREE")
    shutil.rmtree(atlas.root("tree") / ".cleo")
    assert cleo_cli("nexus", "show", ".", cwd=atlas.root("tree")).data["slug"] == "web"


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*$", "(.*)*x"])
def test_a_pattern_that_would_never_end_is_refused(
    atlas: Any, monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    atlas.project("web")
    atlas.project("a" * 60 + "b")
    monkeypatch.setattr(cleaning, "SECONDS", 0.5)
    error = refusal(atlas.nexus("web").clean, match=pattern)
    assert (error.code, error.exit) == ("E_INVALID_PATTERN", 2)
    assert "0.5 seconds" in error.message
    assert [one.slug for one in atlas.nexus("web").clean(match="a{60}b$").matched] == [
        "a" * 60 + "b"
    ]
