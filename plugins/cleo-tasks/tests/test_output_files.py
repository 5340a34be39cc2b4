"""Files that export and import write: never CLEO's own, never something else than a file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]

OWN = (".cleo/tasks.db", ".cleo/project-info.json", ".cleo/config.json", ".cleo/new.jsonl")


@pytest.fixture
def issues(cleo_project: Path) -> Path:
    path = cleo_project / "issues.jsonl"
    path.write_text(json.dumps({"id": "x-1", "title": "one"}) + "\n")
    return path


def writers(issues: Path) -> list[list[str]]:
    return [["export", "--output"], ["import", "beads", str(issues), "--report"]]


@pytest.mark.parametrize("own", OWN)
@pytest.mark.parametrize("force", [[], ["--force"]])
def test_cleos_own_files_are_never_replaced(
    cleo_cli: Cli, cleo_project: Path, issues: Path, frozen_bytes: Any, own: str, force: list[str]
) -> None:
    cleo_cli("add", "one")
    with frozen_bytes(cleo_project):
        for words in writers(issues):
            refused = cleo_cli(*words, own, *force).error
            assert (refused["exit"], refused["code"]) == (3, "E_LOCATION_REFUSED")
    assert cleo_cli("list").page["total"] == 1


def test_a_link_that_leads_to_cleos_own_files_is_refused(
    cleo_cli: Cli, cleo_project: Path, issues: Path
) -> None:
    cleo_cli("add", "one")
    (cleo_project / "elsewhere").symlink_to(cleo_project / ".cleo")
    for words in writers(issues):
        assert cleo_cli(*words, "elsewhere/tasks.db", "--force").error["exit"] == 3
    assert cleo_cli("list").page["total"] == 1


def test_a_file_that_is_there_is_replaced_only_on_request(
    cleo_cli: Cli, cleo_project: Path, issues: Path
) -> None:
    precious = cleo_project / "precious"
    for words in writers(issues):
        precious.write_text("mine")
        assert cleo_cli(*words, "precious").error["exit"] == 2
        assert precious.read_text() == "mine"
        assert cleo_cli(*words, "precious", "--force").code == 0
        assert precious.read_text() != "mine"


def test_a_pipe_is_no_place_for_a_file(cleo_cli: Cli, cleo_project: Path, issues: Path) -> None:
    os.mkfifo(cleo_project / "pipe")
    for words in writers(issues):
        assert cleo_cli(*words, "pipe", "--force").error["exit"] == 3
    assert (cleo_project / "pipe").is_fifo()


def test_a_report_never_replaces_what_it_reports_on(
    cleo_cli: Cli, cleo_project: Path, issues: Path
) -> None:
    before = issues.read_text()
    assert cleo_cli("import", "beads", str(issues), "--report", str(issues), "--force").code == 2
    assert cleo_cli("import", "beads", str(issues), "--report", "-").code == 2
    assert issues.read_text() == before
    assert cleo_cli("list").page["total"] == 0


def test_a_dry_run_writes_no_report(cleo_cli: Cli, cleo_project: Path, issues: Path) -> None:
    outcome = cleo_cli("import", "beads", str(issues), "--report", "report", "--dry-run")
    assert outcome.data["imported"] == 1
    assert not (cleo_project / "report").exists()
