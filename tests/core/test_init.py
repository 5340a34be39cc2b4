"""``cleo init``: what it makes, where, in which order, and that nothing can leave it half done."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleo_core import initialize as initialize_module
from cleo_core.initialize import (
    initialize,
    survey,
)
from cleo_core.installed import load_all
from cleo_core.paths.ignoring import BLOCK_BEGIN, BLOCK_END, IGNORE_BLOCK, with_managed_block
from cleo_core.testing import Outcome, Processes
from cleo_core.testing.fixtures import CLEO

Cli = Callable[..., Outcome]

OWN_FILES = [".gitignore", "config.json", "locks", "project-info.json", "tasks.db"]


def git(*words: str, cwd: str | os.PathLike[str] = ".") -> str:
    """Run git, with an author and without anybody's configuration."""
    done = subprocess.run(
        ["git", "-c", "user.name=T", "-c", "user.email=t@example.org", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def marker(root: Path = Path()) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((root / ".cleo" / "project-info.json").read_text("utf-8"))
    return content


def own_files(root: Path = Path()) -> list[str]:
    return sorted(path.name for path in (root / ".cleo").iterdir())


def codes(outcome: Outcome) -> list[str]:
    return [warning["code"] for warning in outcome.warnings]


class TestWhatIsMade:
    def test_a_project_is_made_whole(self, cleo_cli: Cli, cleo_home: Path) -> None:
        data = cleo_cli("init", "my project").data
        assert own_files() == OWN_FILES
        assert data == {
            "root": str(cleo_home / "work"),
            "projectId": marker()["projectId"],
            "name": "my project",
            "changed": True,
            "created": [
                *(".cleo/", ".cleo/.gitignore", ".cleo/config.json", "tasks.db"),
                ".cleo/project-info.json",
            ],
            "kept": [],
            "stores": [{"name": "tasks", "state": "head"}],
            "report": {
                "kind": "greenfield",
                "files": 0,
                "languages": {},
                "git": False,
                "manifests": [],
            },
            "next": data["next"],
        }
        assert all(command.startswith("cleo ") for command in data["next"])
        info = marker()
        assert set(info) == {"schemaVersion", "projectId", "name", "createdAt", "createdBy"}
        assert (info["schemaVersion"], info["name"], info["createdBy"]) == (1, "my project", "user")
        assert Path(".cleo/config.json").read_text() == "{}\n"

    def test_nobody_else_can_look_inside(self, cleo_cli: Cli) -> None:
        before = os.umask(0)
        try:
            assert cleo_cli("init").code == 0
        finally:
            os.umask(before)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in Path(".cleo").iterdir()}
        assert stat.S_IMODE(Path(".cleo").stat().st_mode) == 0o700
        assert modes.pop(".gitignore") == 0o644
        assert modes.pop("locks") == 0o700
        assert set(modes.values()) == {0o600}

    @pytest.mark.parametrize(
        ("words", "options", "author"),
        [
            ((), {"agent": "a1"}, "a1"),
            (("--agent", "a2"), {"agent": "a1"}, "a2"),
        ],
    )
    def test_the_marker_says_who_made_it(
        self, cleo_cli: Cli, words: tuple[str, ...], options: dict[str, str], author: str
    ) -> None:
        assert cleo_cli("init", *words, **options).code == 0
        assert marker()["createdBy"] == author

    @pytest.mark.parametrize(
        "name",
        ["plain", "two words", "Grüße 日本語 🎉", "全角　空白", "it's; $(rm -rf /)", "x" * 300],
    )
    def test_any_line_of_text_is_a_name(self, cleo_cli: Cli, name: str) -> None:
        assert cleo_cli("init", name).data["name"] == name
        assert marker()["name"] == name
        again = cleo_cli("init")
        assert again.data["name"] == name

    @pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\rb", "half \udcff of it"])
    def test_what_is_no_line_of_text_is_no_name(self, cleo_cli: Cli, name: str) -> None:
        outcome = cleo_cli("init", name)
        assert outcome.error["code"] == "E_USAGE"
        assert not Path(".cleo").exists()

    def test_a_project_keeps_its_name_and_says_so(self, cleo_cli: Cli) -> None:
        assert cleo_cli("init", "first").code == 0
        again = cleo_cli("init", "second")
        assert again.data["name"] == "first"
        assert codes(again) == ["W_NAME_KEPT"]
        assert "W_NAME_KEPT" not in codes(cleo_cli("init", "first"))

    @pytest.mark.parametrize(
        "missing",
        [".gitignore", "config.json", "tasks.db", "locks", "project-info.json"],
    )
    def test_what_is_missing_is_added_and_nothing_else_touched(
        self, cleo_cli: Cli, missing: str
    ) -> None:
        assert cleo_cli("init", "first").code == 0
        if missing != "tasks.db":
            assert cleo_cli("add", "a title").code == 0
        path = Path(".cleo") / missing
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
        before = {one: one.read_bytes() for one in Path(".cleo").iterdir() if one.is_file()}
        data = cleo_cli("init", "first").data
        if missing != "locks":
            assert [Path(one).name for one in data["created"]] == [missing]
            assert path.exists()
            assert data["changed"]
        for one, content in before.items():
            if missing != "project-info.json" or one.name != "tasks.db":
                assert one.read_bytes() == content, one
        titles = [row["title"] for row in cleo_cli("list").data]
        assert titles == ([] if missing == "tasks.db" else ["a title"])

    def test_a_damaged_marker_is_kept_in_quarantine(self, cleo_cli: Cli) -> None:
        assert cleo_cli("init").code == 0
        assert cleo_cli("add", "a title").code == 0
        Path(".cleo/project-info.json").write_text('{"projectId": "ab')
        assert cleo_cli("list").error["code"] == "E_INVALID_PROJECT_ROOT"
        again = cleo_cli("init")
        assert again.data["created"] == [".cleo/project-info.json"]
        assert codes(again) == ["W_MARKER_QUARANTINED"]
        (kept,) = Path(".cleo/quarantine").iterdir()
        assert kept.read_text() == '{"projectId": "ab'
        assert "quarantine" in Path(".cleo/audit/overrides.jsonl").read_text()
        assert [row["title"] for row in cleo_cli("list").data] == ["a title"]

    def test_people_are_told_what_is_there(self, cleo_cli: Cli) -> None:
        first = cleo_cli("init", "demo", "--human")
        assert first.out.splitlines()[0].startswith("Project demo is ready in /")
        assert "tasks        head" in first.out
        assert "nothing changed" in cleo_cli("init", "--human").out
        assert cleo_cli("init", "--quiet").out.strip() == marker()["projectId"]


class TestAgain:
    @pytest.mark.guarantee("operations-04", "Running init again changes no byte and says so.")
    def test_the_second_run_changes_no_byte(
        self, site: Any, cleo_cli: Cli, cleo_home: Path, frozen_bytes: Any
    ) -> None:
        site.store("atlas", kind="map", tier="global")
        first = cleo_cli("init", "demo")
        assert first.code == 0
        assert cleo_cli("add", "a title").code == 0
        with frozen_bytes(cleo_home):
            second = cleo_cli("init")
        assert second.data["changed"] is False
        assert second.data["created"] == []
        assert sorted(second.data["kept"]) == sorted(first.data["created"])
        assert second.data["projectId"] == first.data["projectId"]

    @pytest.mark.guarantee(
        "operations-04",
        "Init killed at any step leaves no half project: until the next init finishes it, "
        "every command says that there is none.",
    )
    def test_a_kill_at_any_step_leaves_no_half_project(
        self,
        site: Any,
        kill_at_every_step: Any,
        left_behind: Any,
        cleo_cli: Cli,
        cleo_home: Path,
    ) -> None:
        site.store("atlas", kind="map", tier="global")

        def reset() -> None:
            shutil.rmtree(".cleo", ignore_errors=True)
            shutil.rmtree(cleo_home / "home" / "data", ignore_errors=True)

        steps = {"before": 0, "after": 0}
        seen: set[Any] = set()
        for killed in kill_at_every_step(["init", "demo"], reset):
            whole = Path(".cleo/project-info.json").exists()
            steps["after" if whole else "before"] += 1
            if (left := left_behind()) in seen:
                continue
            seen.add(left)
            present = own_files() if Path(".cleo").exists() else None
            for words in (("list",), ("show", "T001"), ("add", "too early"), ("atlas", "list")):
                outcome = cleo_cli(*words)
                if not whole:
                    assert outcome.error["exit"] == 3, killed
                    assert outcome.error["fix"].startswith("cleo init"), killed
            if not whole:
                assert (own_files() if Path(".cleo").exists() else None) == present, killed
            finished = cleo_cli("init", "demo")
            assert finished.code == 0, f"{killed}\n{finished!r}"
            states = {row["name"]: row["state"] for row in finished.data["stores"]}
            assert states == {"tasks": "head", "atlas": "head"}, killed
            assert finished.data["projectId"] == marker()["projectId"]
            assert cleo_cli("add", "afterwards").code == 0, killed
            assert cleo_cli("init").data["changed"] is False, killed
        assert steps["before"] > 30
        assert steps["after"] > 0
        assert len(seen) > 10

    def test_eight_inits_at_once_make_one_project(self, cleo_home: Path, cleo_cli: Cli) -> None:
        together = Processes(os.environ, cleo_home / "work")
        results = together([[*CLEO, "init", f"name {number}"] for number in range(8)])
        assert [code for code, _, _ in results] == [0] * 8, results
        answers = [json.loads(out)["data"] for _, out, _ in results]
        assert {one["projectId"] for one in answers} == {marker()["projectId"]}
        assert {one["name"] for one in answers} == {marker()["name"]}
        assert sum(".cleo/project-info.json" in one["created"] for one in answers) == 1
        assert own_files() == OWN_FILES


class TestFailures:
    def test_a_store_that_cannot_be_made_costs_the_others_nothing(
        self, site: Any, cleo_cli: Cli, cleo_home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        site.store("atlas", kind="map", tier="global")
        site.store("boxes", kind="box")
        blocked = cleo_home / "a file"
        blocked.write_text("in the way")
        outcome = cleo_cli("init", env={"CLEO_HOME": str(blocked / "below")})
        error = outcome.error
        assert (error["exit"], error["code"]) == (3, "E_IO")
        assert str(blocked) in error["message"]
        states = {row["name"]: row["state"] for row in error["details"]["init"]["stores"]}
        assert states == {"tasks": "head", "boxes": "head", "atlas": "failed"}
        assert "boxes.db" in error["details"]["init"]["created"]
        assert "atlas.db" not in error["details"]["init"]["created"]
        assert cleo_cli("add", "a title").code == 0
        assert blocked.read_text() == "in the way"
        finished = cleo_cli("init")
        assert finished.data["created"] == ["atlas.db"]

    @pytest.mark.parametrize(
        ("snapshot", "words"),
        [
            ("STATEMENTS = ('CREATE TALBE x (id)',)", "TALBE"),
            ("raise RuntimeError('kaput')", "kaput"),
            ("nothing = ()", "STATEMENTS"),
        ],
    )
    def test_a_strangers_broken_store_breaks_only_itself(
        self, site: Any, cleo_cli: Cli, snapshot: str, words: str
    ) -> None:
        site.store("boxes", kind="box")
        (site.root / site.package["boxes"] / "snapshot.py").write_text(snapshot)
        outcome = cleo_cli("init")
        assert outcome.code == 1
        assert "boxes" in outcome.error["message"]
        assert words in outcome.error["message"]
        assert "Traceback" not in outcome.err
        assert cleo_cli("add", "a title").code == 0
        assert not [name for name in own_files() if "boxes" in name]

    def test_a_full_disk_is_said_and_init_finishes_once_there_is_room(
        self, cleo_home: Path, in_namespace: Any
    ) -> None:
        work = cleo_home / "small"
        work.mkdir()
        out = in_namespace(
            f"mount -t tmpfs -o size=200k tmpfs {work} && cd {work} && cleo init --json; "
            f"echo $?; cleo list --json; echo $?; mount -o remount,size=20m {work}; "
            "cleo init --json; echo $?; cleo add one --json >/dev/null; echo $?"
        )
        lines = out.splitlines()
        failed = json.loads(lines[0])
        assert failed["error"]["code"] == "E_DISK_FULL", lines
        assert lines[1] == "3"
        finished = json.loads(lines[4])
        assert "tasks.db" in finished["data"]["created"], lines
        assert lines[-2:] == ["0", "0"]

    def test_a_home_that_cannot_be_written_costs_only_what_belongs_there(
        self, site: Any, cleo_home: Path, in_namespace: Any
    ) -> None:
        site.store("atlas", kind="map", tier="global")
        home = cleo_home / "home"
        out = in_namespace(
            f"mount -t tmpfs -o ro tmpfs {home} && cleo init --json; echo $?; "
            "cleo add one --json >/dev/null; echo $?; cleo list --field 0.title; "
            "cleo atlas add x1 --json; echo $?"
        )
        first, code, added, title, atlas, atlas_code = out.splitlines()
        error = json.loads(first)["error"]
        assert (error["code"], code) == ("E_PERMISSION_FS", "3")
        states = {row["name"]: row["state"] for row in error["details"]["init"]["stores"]}
        assert states == {"tasks": "head", "atlas": "failed"}
        assert (added, title) == ("0", "one")
        assert (json.loads(atlas)["error"]["code"], atlas_code) == ("E_PERMISSION_FS", "3")


class TestPlaces:
    @pytest.mark.parametrize("place", ["home", "root", "data", "inside", "project", "file", "none"])
    def test_some_places_are_refused_and_left_as_they_are(
        self, cleo_cli: Cli, cleo_home: Path, monkeypatch: pytest.MonkeyPatch, place: str
    ) -> None:
        assert cleo_cli("init").code == 0
        work = cleo_home / "work"
        (work / "src").mkdir()
        (work / "file").write_text("")
        data = cleo_home / "home" / "data" / "cleo" / "below"
        data.mkdir(parents=True)
        where = {
            "home": cleo_home / "home",
            "root": Path("/"),
            "data": data,
            "inside": work / ".cleo" / "locks",
            "project": work / "src",
            "file": work / "file",
            "none": work / "none",
        }[place]
        if place == "root":
            monkeypatch.delenv("CLEO_TEST_ROOT")
        outcome = cleo_cli("init", "--path", str(where))
        error = outcome.error
        assert (error["code"], error["exit"]) == ("E_LOCATION_REFUSED", 3)
        assert error["fix"]
        assert not (where / ".cleo").exists()
        assert not (where / ".cleo").is_symlink()

    def test_a_project_inside_another_is_made_when_that_is_meant(
        self, cleo_cli: Cli, cleo_home: Path
    ) -> None:
        assert cleo_cli("init", "outer").code == 0
        inner = cleo_home / "work" / "inner"
        inner.mkdir()
        refused = cleo_cli("init", "inner", cwd=inner)
        assert refused.error["fix"] == f"cleo init --nested --path {inner}"
        made = cleo_cli("init", "inner", "--nested", cwd=inner)
        assert made.data["root"] == str(inner)
        assert cleo_cli("add", "inside", cwd=inner).code == 0
        assert [row["title"] for row in cleo_cli("list", cwd=inner).data] == ["inside"]
        assert cleo_cli("list").data == []
        again = cleo_cli("init", cwd=inner)
        assert again.data["changed"] is False, "an existing project needs no --nested"

    @pytest.mark.parametrize(
        "name", ["sub dir", 'o\'brien "x"', "Grüße 日本語", "-dash", "%s $HOME"]
    )
    def test_any_directory_can_be_a_project(
        self, cleo_cli: Cli, cleo_home: Path, name: str
    ) -> None:
        root = cleo_home / "places" / name
        root.mkdir(parents=True)
        below = root / "src" / "deep"
        below.mkdir(parents=True)
        data = cleo_cli("init", cwd=root).data
        assert (data["root"], data["name"]) == (str(root), name)
        assert cleo_cli("add", "from below", cwd=below).code == 0
        listed = cleo_cli("--project", str(root), "list")
        if listed.code == 2:
            listed = cleo_cli("list", "--project", str(root))
        assert [row["title"] for row in listed.data] == ["from below"]

    def test_a_directory_whose_name_is_no_text_can_be_a_project(
        self, cleo_home: Path, cleo_cli: Cli
    ) -> None:
        root = os.path.join(os.fsencode(cleo_home), b"caf\xe9")
        os.mkdir(root)
        made = subprocess.run([*CLEO, "init"], cwd=root, capture_output=True, check=False)
        assert made.returncode == 0, made
        assert json.loads(made.stdout)["data"]["name"] == "caf?"
        added = subprocess.run([*CLEO, "add", "x"], cwd=root, capture_output=True, check=False)
        assert added.returncode == 0, added

    def test_a_symbolic_link_leads_to_the_one_project(self, cleo_cli: Cli, cleo_home: Path) -> None:
        real = cleo_home / "real"
        real.mkdir()
        link = cleo_home / "link"
        link.symlink_to(real)
        assert cleo_cli("init", "--path", str(link)).data["root"] == str(real)
        assert cleo_cli("init", cwd=link).data["changed"] is False
        assert cleo_cli("add", "one", cwd=link).code == 0
        assert [row["title"] for row in cleo_cli("list", cwd=real).data] == ["one"]

    @pytest.mark.parametrize(
        ("env", "words", "root", "directory"),
        [
            ({}, ("--path", "{other}"), "other", ".cleo"),
            ({}, ("--project", "{other}"), "other", ".cleo"),
            ({"CLEO_ROOT": "{other}"}, (), "other", ".cleo"),
            ({"CLEO_PROJECT_ROOT": "{other}"}, (), "other", ".cleo"),
            ({"CLEO_ROOT": "{other}"}, ("--path", "."), "work", ".cleo"),
            ({"CLEO_DIR": "notes"}, (), "work", "notes"),
            ({"CLEO_DIR": "{other}/data"}, (), "other", "data"),
        ],
    )
    def test_where_a_project_is_made_is_where_it_is_found(
        self,
        cleo_cli: Cli,
        cleo_home: Path,
        env: dict[str, str],
        words: tuple[str, ...],
        root: str,
        directory: str,
    ) -> None:
        other = cleo_home / "other"
        other.mkdir()
        env = {name: value.format(other=other) for name, value in env.items()}
        data = cleo_cli("init", *(word.format(other=other) for word in words), env=env).data
        assert data["root"] == str(cleo_home / root)
        assert data["created"][0] == f"{directory}/"
        assert (cleo_home / root / directory / "tasks.db").exists()
        variables = {} if words else env
        assert cleo_cli("add", "one", env=variables, cwd=cleo_home / root).code == 0
        made = {path.parent.parent.name for path in cleo_home.glob("*/*/project-info.json")}
        assert made == {root}

    @pytest.mark.parametrize(
        ("env", "exit"),
        [
            ({"CLEO_ROOT": "{home}/work", "CLEO_PROJECT_ROOT": "{home}"}, 8),
            ({"CLEO_ROOT": "relative"}, 8),
            ({"CLEO_DIR": "two/names"}, 8),
            ({"CLEO_HOME": "relative"}, 8),
            ({"HOME": "", "XDG_DATA_HOME": ""}, 0),
        ],
    )
    def test_variables_that_make_no_sense_are_refused_before_anything_is_made(
        self, cleo_cli: Cli, cleo_home: Path, env: dict[str, str], exit: int
    ) -> None:
        env = {name: value.format(home=cleo_home) for name, value in env.items()}
        outcome = cleo_cli("init", env=env)
        assert outcome.code == exit, repr(outcome)
        assert Path(".cleo").exists() == (exit == 0)

    def test_in_a_worktree_no_project_is_made(self, cleo_cli: Cli, worktree: Path) -> None:
        outcome = cleo_cli("init", cwd=worktree)
        assert outcome.error["code"] == "E_WORKTREE"
        assert not (worktree / ".cleo").exists()

    def test_in_a_worktree_a_project_that_is_allowed_is_warned_of_and_recorded(
        self, cleo_cli: Cli, worktree: Path, frozen_bytes: Any
    ) -> None:
        env = {"CLEO_ALLOW_WORKTREE_DB_CREATE": "1"}
        first = cleo_cli("init", cwd=worktree, env=env)
        assert first.code == 0
        assert codes(first) == ["W_WORKTREE"]
        record = worktree / ".cleo" / "audit" / "overrides.jsonl"
        (line,) = record.read_text().splitlines()
        assert json.loads(line)["event"] == "worktree"
        with frozen_bytes(worktree):
            again = cleo_cli("init", cwd=worktree, env=env)
        assert codes(again) == ["W_WORKTREE"]
        assert again.data["changed"] is False
        assert cleo_cli("add", "one", cwd=worktree).error["code"] == "E_WORKTREE"


class TestDryRun:
    @pytest.mark.guarantee("operations-27", "`cleo init --dry-run` changes no byte.")
    @pytest.mark.parametrize("present", ["nothing", "half", "whole"])
    def test_a_dry_run_says_what_would_be_made_and_makes_nothing(
        self, site: Any, cleo_cli: Cli, cleo_home: Path, frozen_bytes: Any, present: str
    ) -> None:
        site.store("atlas", kind="map", tier="global")
        if present != "nothing":
            assert cleo_cli("init").code == 0
        if present == "half":
            Path(".cleo/tasks.db").unlink()
            Path(".cleo/.gitignore").write_text("mine\n")
        folders = sorted(path for path in cleo_home.rglob("*") if path.is_dir())
        with frozen_bytes(cleo_home):
            outcome = cleo_cli("init", "--dry-run")
        assert [path for path in folders if not path.exists()] == []
        new = {path for path in cleo_home.rglob("*") if path.is_dir()} - set(folders)
        # Python keeps the bytecode of a plugin that it imports.
        assert not [path for path in new if path.name != "__pycache__"]
        missing = {
            "nothing": 6,
            "half": 2,
            "whole": 0,
        }[present]
        assert len(outcome.data["created"]) == missing
        assert outcome.data["changed"] == (missing > 0)
        assert outcome.envelope["meta"]["dryRun"] is True
        assert cleo_cli("init").data["created"] == outcome.data["created"]


class TestReport:
    @pytest.mark.parametrize(
        ("files", "kind", "languages", "manifests"),
        [
            ([], "greenfield", {}, []),
            (["README.md", "LICENSE", ".gitignore"], "greenfield", {}, []),
            (["readme", "Licence.txt", "COPYING"], "greenfield", {}, []),
            ([".git/config"], "greenfield", {}, []),
            ([".git"], "greenfield", {}, []),
            (["notes.txt"], "brownfield", {}, []),
            (["docs/README.md"], "brownfield", {}, []),
            (["node_modules/x/index.js"], "brownfield", {}, []),
            (["a.py", "b.py", "c.TS"], "brownfield", {"Python": 2, "TypeScript": 1}, []),
            (["pyproject.toml", "src/x.rs"], "brownfield", {"Rust": 1}, ["pyproject.toml"]),
            (["package.json", "Makefile"], "brownfield", {}, ["package.json", "Makefile"]),
        ],
    )
    def test_what_was_there_before_is_reported(
        self,
        cleo_cli: Cli,
        files: list[str],
        kind: str,
        languages: dict[str, int],
        manifests: list[str],
    ) -> None:
        for name in files:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text("")
        report = cleo_cli("init").data["report"]
        assert report["kind"] == kind
        assert report["languages"] == languages
        assert report["manifests"] == manifests
        assert report["git"] == any(name.startswith(".git/") or name == ".git" for name in files)
        assert "partial" not in report
        assert cleo_cli("init").data["report"] == report, "what CLEO made does not count"

    @pytest.mark.parametrize(("limit", "partial"), [(5, True), (9, True), (10, False)])
    def test_the_look_around_is_bounded(
        self, cleo_home: Path, monkeypatch: pytest.MonkeyPatch, limit: int, partial: bool
    ) -> None:
        for number in range(10):
            (cleo_home / "work" / f"{number}.py").write_text("")
        monkeypatch.setattr(initialize_module, "SCAN_FILES", limit)
        report = survey(str(cleo_home / "work"))
        assert report.get("partial", False) is partial
        assert report["files"] == min(limit, 10)

    def test_the_look_around_ends_in_time(
        self, cleo_home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (cleo_home / "work" / "a.py").write_text("")
        monkeypatch.setattr(initialize_module, "SCAN_SECONDS", -1.0)
        assert survey(str(cleo_home / "work"))["partial"] is True


class TestIgnoreFile:
    def test_lines_of_the_user_stay_above_the_managed_block(self, cleo_cli: Cli) -> None:
        Path(".cleo").mkdir()
        path = Path(".cleo/.gitignore")
        path.write_text("mine\n!also-mine")
        assert cleo_cli("init").code == 0
        assert path.read_text() == "mine\n!also-mine\n" + IGNORE_BLOCK
        path.write_text(path.read_text().replace("*.db\n", "") + "below\n")
        again = cleo_cli("init")
        assert again.data["created"] == [".cleo/.gitignore"]
        assert path.read_text() == "mine\n!also-mine\nbelow\n" + IGNORE_BLOCK

    @given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"))))
    def test_the_block_is_last_once_and_nothing_is_lost(self, lines: list[str]) -> None:
        text = "\n".join(lines)
        once = with_managed_block(text)
        assert once.endswith(IGNORE_BLOCK)
        assert once.count(BLOCK_BEGIN) == 1
        assert once.startswith(text)
        assert with_managed_block(once) == once
        assert with_managed_block(once + "tail\n") == with_managed_block(
            (text if not text or text.endswith("\n") else text + "\n") + "tail\n"
        )

    def test_without_its_last_line_the_block_takes_nothing_of_the_users_with_it(self) -> None:
        text = "above\n" + IGNORE_BLOCK.replace(BLOCK_END + "\n", "") + "below\n"
        assert with_managed_block(text) == "above\nbelow\n" + IGNORE_BLOCK


class TestGit:
    @pytest.mark.guarantee(
        "operations-05",
        "After init and ten commands `git add -A` stages the ignore file and decisions only.",
    )
    def test_git_add_takes_only_the_ignore_file_and_decisions(
        self, cleo_cli: Cli, repository: Path
    ) -> None:
        assert cleo_cli("init", "demo").code == 0
        commands: list[tuple[str, ...]] = [
            ("add", "one"),
            ("add", "two", "--depends", "T001"),
            ("list",),
            ("show", "T001"),
            ("show", "T404"),
            ("config", "set", "tasks.list.limit", "5"),
            ("config", "set", "tasks.list.limit", "6"),
            ("stores",),
            ("migrate",),
            ("add", "three", "--idempotency-key", "k"),
        ]
        with_open_log = Path(".cleo/tasks.db-wal")
        assert [cleo_cli(*words).code for words in commands] == [0, 0, 0, 0, 4, 0, 0, 0, 0, 0]
        with_open_log.write_bytes(b"as while another process works")
        for name in ("adrs/ADR-001.md", "adrs/old/ADR-000.md"):
            Path(".cleo", name).parent.mkdir(parents=True, exist_ok=True)
            Path(".cleo", name).write_text("# A decision\n")
        for name in ("adrs/copy.db", "adrs/machine.key", "adrs/x.salt", ".tasks.db.1.ab", "logs/x"):
            Path(".cleo", name).parent.mkdir(exist_ok=True)
            Path(".cleo", name).write_text("never tracked\n")
        Path("main.py").write_text("")
        git("add", "-A")
        staged = git("diff", "--cached", "--name-only").splitlines()
        assert staged == [
            *(".cleo/.gitignore", ".cleo/adrs/ADR-001.md", ".cleo/adrs/old/ADR-000.md", "main.py")
        ]
        assert git("status", "--porcelain", "--untracked-files=all").count("??") == 0

    def test_no_file_of_the_users_and_no_hook_is_touched(
        self, cleo_cli: Cli, repository: Path, frozen_bytes: Any
    ) -> None:
        Path(".gitignore").write_text("mine\n")
        with frozen_bytes(repository / ".git"):
            assert cleo_cli("init").code == 0
        assert Path(".gitignore").read_text() == "mine\n"

    @pytest.mark.guarantee(
        "operations-05",
        "Where git tracks a database, init and migrate say so with the command that mends it.",
    )
    @pytest.mark.parametrize("verb", ["init", "migrate"])
    @pytest.mark.parametrize("root", ["", "packages/my app"])
    @pytest.mark.parametrize("cwd", ["", "src"])
    def test_a_tracked_database_is_warned_of_with_the_command_that_mends_it(
        self, cleo_cli: Cli, repository: Path, verb: str, root: str, cwd: str
    ) -> None:
        project = repository / root
        (project / "src").mkdir(parents=True)
        assert cleo_cli("init", cwd=project).code == 0
        assert codes(cleo_cli(verb, cwd=project)) == []
        git(
            "add", "--force", ".cleo/tasks.db", ".cleo/config.json", ".cleo/.gitignore", cwd=project
        )
        git("commit", "-q", "-m", "a mistake", cwd=project)
        words = (verb,) if verb == "migrate" or not cwd else (verb, "--path", str(project))
        outcome = cleo_cli(*words, cwd=project / cwd)
        assert outcome.code == 0
        (warning,) = outcome.warnings
        assert warning["code"] == "W_TRACKED"
        assert ".cleo/tasks.db" in warning["message"]
        assert ".cleo/config.json" in warning["message"]
        assert ".gitignore" not in warning["message"]
        place = "" if not cwd else f" -C '{project}'" if " " in root else f" -C {project}"
        expected = f"git{place} rm --cached -- .cleo/config.json .cleo/tasks.db"
        assert warning["fix"] == expected
        assert expected in warning["message"]
        subprocess.run(
            warning["fix"], shell=True, check=True, cwd=project / cwd, capture_output=True
        )
        assert codes(cleo_cli(*words, cwd=project / cwd)) == []
        assert (project / ".cleo" / "tasks.db").exists()
        git("add", "-A", cwd=project)
        staged = git("diff", "--cached", "--name-status", cwd=project).splitlines()
        assert {line[0] for line in staged} == {"D"}, "what was taken out does not come back"

    def test_a_tracked_database_is_warned_of_without_a_change_and_in_a_dry_run(
        self, cleo_cli: Cli, repository: Path, frozen_bytes: Any
    ) -> None:
        assert cleo_cli("init").code == 0
        git("add", "--force", ".cleo/tasks.db")
        with frozen_bytes(repository):
            assert codes(cleo_cli("init", "--dry-run")) == ["W_TRACKED"]
            assert codes(cleo_cli("migrate", "--check")) == ["W_TRACKED"]

    def test_where_git_cannot_answer_that_is_said_and_nothing_fails(
        self, cleo_cli: Cli, repository: Path, cleo_home: Path
    ) -> None:
        outcome = cleo_cli("init", env={"PATH": str(cleo_home)})
        assert outcome.code == 0
        assert codes(outcome) == ["W_TRACKED_UNKNOWN"]

    def test_outside_a_repository_git_is_not_asked(self, cleo_cli: Cli, cleo_home: Path) -> None:
        outcome = cleo_cli("init", env={"PATH": str(cleo_home)})
        assert codes(outcome) == []

    def test_inside_a_git_hook_the_projects_own_repository_is_asked(
        self, cleo_cli: Cli, repository: Path, cleo_home: Path
    ) -> None:
        assert cleo_cli("init").code == 0
        git("add", "--force", ".cleo/tasks.db")
        other = cleo_home / "other"
        other.mkdir()
        git("init", "-q", cwd=other)
        env = {"GIT_DIR": str(other / ".git"), "GIT_INDEX_FILE": str(other / ".git" / "index")}
        assert codes(cleo_cli("init", env=env)) == ["W_TRACKED"]


AUTO = {"CLEO_AUTO_INIT": "1"}


class TestAutoInit:
    @pytest.mark.parametrize("before", ["nothing", "killed"])
    def test_a_project_command_makes_the_project_in_the_repository_and_says_so(
        self, cleo_cli: Cli, repository: Path, before: str
    ) -> None:
        below = repository / "src" / "deep"
        below.mkdir(parents=True)
        if before == "killed":
            (repository / ".cleo").mkdir()
        outcome = cleo_cli("add", "a title", cwd=below, env=AUTO, agent="a1")
        assert outcome.data["task"]["id"] == "T001"
        (warning,) = outcome.warnings
        assert warning["code"] == "W_AUTO_INIT"
        assert str(repository) in warning["message"]
        assert marker(repository)["createdBy"] == "a1"
        again = cleo_cli("list", cwd=below, env=AUTO)
        assert (len(again.data), codes(again)) == (1, [])

    def test_outside_a_repository_it_is_refused(self, cleo_cli: Cli) -> None:
        outcome = cleo_cli("add", "a title", env=AUTO)
        assert outcome.error["code"] == "E_NOT_INITIALIZED"
        assert not Path(".cleo").exists()

    @pytest.mark.parametrize("value", ["", "0", "true", "yes"])
    def test_only_the_value_1_asks_for_it(
        self, cleo_cli: Cli, repository: Path, value: str
    ) -> None:
        assert cleo_cli("add", "a title", env={"CLEO_AUTO_INIT": value}).code == 3
        assert not Path(".cleo").exists()

    @pytest.mark.parametrize(
        "words", [("version",), ("stores",), ("config", "list"), ("--help",), ("plugins",)]
    )
    def test_a_command_that_needs_no_project_makes_none(
        self, cleo_cli: Cli, repository: Path, words: tuple[str, ...]
    ) -> None:
        assert cleo_cli(*words, env=AUTO).code == 0
        assert not Path(".cleo").exists()

    @pytest.mark.parametrize("how", ["option", "variable"])
    def test_a_project_that_is_named_elsewhere_is_not_made_here(
        self, cleo_cli: Cli, repository: Path, cleo_home: Path, how: str
    ) -> None:
        other = cleo_home / "other"
        other.mkdir()
        words = ("--project", str(other)) if how == "option" else ()
        env = {**AUTO, **({"CLEO_ROOT": str(other)} if how == "variable" else {})}
        assert cleo_cli("add", "a title", *words, env=env).error["code"] == "E_NOT_INITIALIZED"
        assert not list(cleo_home.rglob(".cleo"))

    def test_in_a_worktree_it_is_refused(self, cleo_cli: Cli, worktree: Path) -> None:
        outcome = cleo_cli("add", "a title", cwd=worktree, env=AUTO)
        assert outcome.error["code"] in ("E_WORKTREE", "E_NOT_INITIALIZED")
        assert not (worktree / ".cleo").exists()

    def test_a_store_that_cannot_be_made_is_the_commands_error(
        self, site: Any, cleo_cli: Cli, repository: Path, cleo_home: Path
    ) -> None:
        site.store("atlas", kind="map", tier="global")
        (cleo_home / "file").write_text("")
        env = {**AUTO, "CLEO_HOME": str(cleo_home / "file" / "below")}
        assert cleo_cli("add", "a title", env=env).error["code"] == "E_IO"


class TestPlugins:
    HOOK = """
    @hookimpl
    def cleo_project_created(app, project):
        with open(os.path.join(project.root, "told"), "a") as file:
            file.write(f"{project.name} {project.id} {project.register} {app.project.root}\\n")
        if project.name == "trouble":
            raise RuntimeError("not this one")
    """

    @pytest.mark.parametrize(("words", "register"), [((), True), (("--no-register",), False)])
    def test_plugins_are_told_after_every_init(
        self, site: Any, cleo_cli: Cli, cleo_home: Path, words: tuple[str, ...], register: bool
    ) -> None:
        site.plugin("listener", self.HOOK)
        id_ = cleo_cli("init", "demo", *words).data["projectId"]
        root = cleo_home / "work"
        line = f"demo {id_} {register} {root}"
        assert Path("told").read_text().splitlines() == [line]
        assert cleo_cli("init", "--dry-run").code == 0
        assert Path("told").read_text().splitlines() == [line]
        assert cleo_cli("init", *words).code == 0
        assert Path("told").read_text().splitlines() == [line, line]

    def test_a_plugin_that_fails_then_is_a_warning(self, site: Any, cleo_cli: Cli) -> None:
        site.plugin("listener", self.HOOK)
        outcome = cleo_cli("init", "trouble")
        assert outcome.code == 0
        (warning,) = outcome.warnings
        assert warning["code"] == "W_HOOK_FAILED"
        assert "listener" in warning["message"]
        assert "not this one" in warning["message"]

    def test_every_store_that_init_makes_gets_its_file(self, site: Any, cleo_cli: Cli) -> None:
        site.store("boxes", kind="box", after=("tasks",))
        site.store("atlas", kind="map", tier="global")
        site.store("later", kind="late", create="on_demand")
        data = cleo_cli("init").data
        assert [row["name"] for row in data["stores"]] == ["atlas", "tasks", "boxes"]

    def test_without_plugins_there_is_a_project_all_the_same(self, cleo_cli: Cli) -> None:
        outcome = cleo_cli("init", "--human", env={"CLEO_PLUGINS": ""})
        assert outcome.code == 0
        assert "pip install" in outcome.out
        assert own_files() == [".gitignore", "config.json", "locks", "project-info.json"]
        assert cleo_cli("init").data["created"] == ["tasks.db"]


def test_python_can_make_a_project_too(cleo_home: Path) -> None:
    warnings: list[dict[str, Any]] = []
    plugins = load_all(os.environ, warnings)
    made = initialize(str(cleo_home / "work"), plugins=plugins, name="by hand", warnings=warnings)
    assert made.failure is None
    assert made.project.id == marker(cleo_home / "work")["projectId"]
    assert warnings == []


@pytest.fixture
def repository(cleo_home: Path) -> Path:
    """The working directory as a git repository with one commit."""
    git("init", "-q", "-b", "main")
    git("commit", "-q", "--allow-empty", "-m", "first")
    return cleo_home / "work"


@pytest.fixture
def worktree(repository: Path, cleo_home: Path) -> Path:
    """A linked worktree of that repository, which is no project."""
    path = cleo_home / "linked"
    git("worktree", "add", "-q", str(path))
    return path


def test_a_marker_that_the_disk_refuses_is_not_taken_for_missing(
    cleo_home: Path, monkeypatch: pytest.MonkeyPatch, cleo_cli: Any
) -> None:
    project = cleo_home / "work" / "project"
    (project / ".cleo").mkdir(parents=True)
    marker = project / ".cleo" / "project-info.json"
    marker.write_text('{"schemaVersion": 1, "projectId": "kept", "name": "kept"}')
    read = os.read

    def failing(descriptor: int, size: int) -> bytes:
        if os.path.realpath(f"/proc/self/fd/{descriptor}") == str(marker):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read(descriptor, size)

    with monkeypatch.context() as patch:
        patch.setattr(os, "read", failing)
        for words in (("init",), ("init", "--dry-run"), ("stores",), ("config", "list")):
            done = cleo_cli(*words, cwd=project)
            assert (done.error["code"], done.code) == ("E_IO", 3), words
    assert '"projectId": "kept"' in marker.read_text()
