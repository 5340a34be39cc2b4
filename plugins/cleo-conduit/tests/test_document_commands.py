"""``cleo doc`` on the command line."""

from __future__ import annotations

import os
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

from cleo_conduit.service.documents import contents, exporting
from cleo_core.testing import Outcome

_shared = runpy.run_path(str(Path(__file__).with_name("shared_documents.py")))
PLAN, execute = _shared["PLAN"], _shared["post"]["execute"]

Cli = Callable[..., Outcome]


@pytest.fixture
def cli(cleo_cli: Cli, cleo_project: Path) -> Cli:
    """The command line of a project with a document ``plan`` by ann; bob may review it."""
    for agent in ("ann", "bob"):
        assert cleo_cli("conduit", "join", agent).code == 0
    Path("plan.md").write_text(PLAN)
    made = cleo_cli("doc", "create", "plan.md", "--slug", "plan", agent="ann")
    assert made.code == 0, made
    return cleo_cli


def test_a_document_from_its_draft_to_its_lock(cli: Cli) -> None:
    Path("plan.md").write_text(PLAN + "## Last\n\nThe end.\n")
    done = cli(
        *("doc", "edit", "plan", "plan.md", "--if-version", "1", "--summary", "Add the end"),
        agent="ann",
    ).data
    assert set(done) >= {"slug", "mode", "currentVersion", "contentHash", "contributors"}
    assert done["version"]["changeSummary"] == "Add the end"
    assert "patchText" not in done["version"]
    assert cli("doc", "mode", "plan", "review", agent="ann").data["mode"] == "review"
    asked = cli("doc", "request", "plan", "--reviewer", "bob", agent="ann").data
    assert asked["approvals"] == {
        "required": 1,
        "given": 0,
        "stale": 0,
        "rejected": 0,
        "pending": 1,
    }
    refused = cli("doc", "mode", "plan", "locked", agent="ann")
    assert (refused.code, refused.error["fix"]) == (6, "cleo doc show plan")
    assert refused.error["details"]["approvals"]["pending"] == 1
    cli("doc", "approve", "plan", "--if-version", "2", "--comment", "Good.", agent="bob")
    locked = cli("doc", "mode", "plan", "locked", agent="ann").data
    assert (locked["mode"], locked["approvals"]["given"]) == ("locked", 1)
    shown = cli("doc", "show", "plan", "--human", agent="bob")
    assert "bob approved version 2: Good." in shown.out
    assert shown.out.endswith("The end.\n")
    listed = cli("doc", "list", "--mode", "locked", agent="bob")
    assert [one["slug"] for one in listed.data["documents"]] == ["plan"]
    assert cli("doc", "versions", "plan", "--quiet", agent="bob").out == "2\n1\n"
    assert "+## Last" in cli("doc", "diff", "plan", "--human", agent="bob").out


def test_content_comes_from_stdin_too(cli: Cli) -> None:
    data = cli("doc", "create", "-", "--title", "Aside", agent="bob", input="aside\n").data
    assert data["title"] == "Aside"
    shown = cli("doc", "show", data["slug"], "--field", "content", agent="ann")
    assert shown.out == "aside\n\n"
    again = cli("doc", "edit", data["slug"], "-", "--if-version", "1", agent="ann", input="b\n")
    assert again.data["currentVersion"] == 2


def test_a_file_that_is_none_is_refused(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo("pipe")
    Path("words").write_bytes(b"caf\xe9")
    for path, exit in (
        ("gone.md", 3),
        (".", 2),
        ("pipe", 2),
        ("words", 6),
        ("", 3),
        ("a" * 300, 3),
    ):
        outcome = cli("doc", "create", path, agent="ann")
        assert outcome.error["exit"] == exit, outcome
        assert outcome.error["fix"]
    monkeypatch.setattr(contents, "MOST_BYTES", 10)
    Path("long").write_text("x" * 11)
    assert cli("doc", "create", "long", agent="ann").error["code"] == "E_LIMIT"
    assert cli("doc", "create", "-", agent="ann", input="x" * 11).error["code"] == "E_LIMIT"
    assert execute("SELECT count(*) FROM attachments") == [(1,)]


def test_an_edit_without_a_version_is_told_the_current_one(cli: Cli) -> None:
    outcome = cli("doc", "edit", "plan", "plan.md", agent="bob")
    assert (outcome.code, outcome.error["fix"]) == (
        2,
        "cleo doc edit plan FILE --if-version 1",
    )


def test_people_see_no_control_characters(cli: Cli) -> None:
    cli("doc", "create", "-", "--slug", "odd", agent="ann", input="a\x1b[31mred\x07\n")
    shown = cli("doc", "show", "odd", "--human", agent="ann")
    assert "a\\x1b[31mred\\x07" in shown.out
    cli("doc", "create", "-", "--slug", "bold", "--title", "[bold]x[/]", agent="ann", input="x")
    assert "[bold]x[/]" in cli("doc", "list", "--human", agent="ann").out


@pytest.mark.parametrize("force", [(), ("--force",)], ids=["new", "with force"])
def test_a_document_is_written_to_the_path_that_is_given(cli: Cli, force: tuple[str, ...]) -> None:
    Path("out").mkdir()
    before = set(Path().rglob("*"))
    data = cli("doc", "export", "plan", "out/text.md", *force, agent="bob").data
    assert Path("out/text.md").read_text() == PLAN
    assert (data["path"], data["bytes"]) == (str(Path("out/text.md").resolve()), len(PLAN))
    assert {path.name for path in set(Path().rglob("*")) - before} - {"conduit.db-shm"} <= {
        "text.md",
        "conduit.db-wal",
    }


def test_an_export_replaces_a_file_only_with_force(cli: Cli) -> None:
    Path("text.md").write_text("mine")
    refused = cli("doc", "export", "plan", "text.md", agent="ann")
    assert (refused.code, Path("text.md").read_text()) == (2, "mine")
    said = cli("doc", "export", "plan", "text.md", "--force", "--dry-run", "--human", agent="ann")
    assert "would be in" in said.out
    assert Path("text.md").read_text() == "mine"
    assert cli("doc", "export", "plan", "text.md", "--force", agent="ann").code == 0
    assert Path("text.md").read_text() == PLAN


def test_a_file_that_appears_meanwhile_is_not_replaced(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = exporting.atomic_write

    def write(path: str, data: bytes) -> None:
        Path("text.md").write_text("mine")
        plain(path, data)

    monkeypatch.setattr(exporting, "atomic_write", write)
    refused = cli("doc", "export", "plan", "text.md", agent="ann")
    assert (refused.code, Path("text.md").read_text()) == (2, "mine")
    assert not list(Path().glob(".text.md*"))


def test_an_export_goes_nowhere_else(cli: Cli, cleo_home: Path) -> None:
    Path("target").write_text("mine")
    Path("link").symlink_to("target")
    Path("loose").symlink_to("nothing")
    Path("inside").symlink_to(".cleo")
    for path, exit in (
        ("link", 3),
        ("loose", 3),
        (".", 3),
        (".cleo/plan.md", 3),
        ("inside/plan.md", 3),
        (str(cleo_home / "home" / "data" / "cleo" / "plan.md"), 3),
        ("gone/plan.md", 3),
        ("a" * 300, 3),
        ("target/plan.md", 3),
        ("", 2),
        ("-", 2),
        (" ", 2),
    ):
        for force in ((), ("--force",)):
            outcome = cli("doc", "export", "plan", path, *force, agent="ann")
            assert outcome.error["exit"] == exit, outcome
            assert outcome.error["fix"]
    assert Path("target").read_text() == "mine"
    assert not Path("nothing").exists()
    assert not (Path(".cleo") / "plan.md").exists()


def test_a_name_is_never_part_of_a_path(cli: Cli) -> None:
    for slug in ("../plan", "a/b", ".", "Plan", "a b", "a" * 65, "-x", ""):
        for argv in (
            ("doc", "create", "plan.md", f"--slug={slug}"),
            ("doc", "export", "--", slug, "out.md"),
            ("doc", "show", "--", slug),
        ):
            assert cli(*argv, agent="ann").error["exit"] == 2
    assert not Path("out.md").exists()
