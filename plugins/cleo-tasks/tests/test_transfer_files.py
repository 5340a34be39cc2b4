"""Where an export and a report may be written, beyond the plain cases."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]


@pytest.fixture
def issues(cleo_project: Path) -> Path:
    path = cleo_project / "issues.jsonl"
    path.write_text(json.dumps({"id": "x-1", "title": "one"}) + "\n")
    return path


def test_the_name_that_an_export_chooses_is_checked_too(
    cleo_cli: Cli, cleo_project: Path, cleo_clock: Any
) -> None:
    cleo_clock.set("2026-03-25T14:30:15Z")
    mine = cleo_project / "tasks-20260325-143015.jsonl"
    mine.write_text("mine")
    assert cleo_cli("export").error["exit"] == 2
    assert mine.read_text() == "mine"
    assert cleo_cli("export", "--force").code == 0

    cleo_clock.advance(1)
    own = cleo_project / ".cleo"
    before = sorted(os.listdir(own))
    assert cleo_cli("export", cwd=own).error["code"] == "E_LOCATION_REFUSED"
    assert sorted(os.listdir(own)) == before


def test_the_files_of_another_project_are_cleos_too(
    cleo_cli: Cli, cleo_home: Path, issues: Path, frozen_bytes: Any
) -> None:
    other = cleo_home / "other"
    other.mkdir()
    cleo_cli("init", "other", cwd=other)
    cleo_cli("add", "one", cwd=other)
    taken = str(other / ".cleo" / "tasks.db")
    with frozen_bytes(other):
        for words in (["export", "--output"], ["import", "beads", str(issues), "--report"]):
            error = cleo_cli(*words, taken, "--force").error
            assert error["code"] == "E_LOCATION_REFUSED"


@pytest.mark.parametrize("variable", ["CLEO_HOME", "CLEO_CONFIG_HOME"])
def test_the_directories_of_data_and_configuration_are_refused(
    variable: str, cleo_cli: Cli, cleo_home: Path, cleo_project: Path
) -> None:
    directory = cleo_home / "mine"
    directory.mkdir()
    env = {variable: str(directory)}
    error = cleo_cli("export", "--output", str(directory / "x.jsonl"), env=env).error
    assert error["code"] == "E_LOCATION_REFUSED"
    assert not (directory / "x.jsonl").exists()


def test_a_directory_that_only_has_the_name_is_like_any_other(
    cleo_cli: Cli, cleo_project: Path
) -> None:
    (cleo_project / "notes" / ".cleo").mkdir(parents=True)
    assert cleo_cli("export", "--output", "notes/.cleo/x.jsonl").code == 0
    (cleo_project / ".cleo-exports").mkdir()
    assert cleo_cli("export", "--output", ".cleo-exports/x.jsonl").code == 0


@pytest.mark.parametrize("target", ["new.jsonl", "-", None])
def test_a_dry_export_writes_nothing(target: str | None, cleo_cli: Cli, cleo_project: Path) -> None:
    cleo_cli("add", "one")
    words = [] if target is None else ["--output", target]
    before = sorted(os.listdir(cleo_project))
    outcome = cleo_cli("export", *words, "--dry-run", process=True)
    envelope = json.loads(outcome.err if target == "-" else outcome.out)
    assert (envelope["data"]["tasks"], envelope["meta"]["dryRun"]) == (1, True)
    assert target != "-" or outcome.out == ""
    assert sorted(os.listdir(cleo_project)) == before


def test_a_dry_run_refuses_what_the_run_would_refuse(
    cleo_cli: Cli, cleo_project: Path, issues: Path, frozen_bytes: Any
) -> None:
    with frozen_bytes(cleo_project):
        for words in (["export", "--output"], ["import", "beads", str(issues), "--report"]):
            assert cleo_cli(*words, str(issues), "--dry-run").code == 2
            assert cleo_cli(*words, ".cleo/tasks.db", "--dry-run").code == 3


def test_a_refused_place_is_found_before_the_file_is_read(
    cleo_cli: Cli, cleo_project: Path
) -> None:
    error = cleo_cli("import", "beads", "not-there.jsonl", "--report", ".cleo/tasks.db").error
    assert error["code"] == "E_LOCATION_REFUSED"


@pytest.mark.parametrize("name", ["\ud800", "a\0b", " ", "-", "x" * 5000])
def test_what_is_no_name_is_one_clear_error(name: str, cleo_app: App, issues: Path) -> None:
    tasks = cleo_app.service("tasks")
    for call in (
        partial(tasks.export, output=name),
        partial(tasks.import_beads, str(issues), report=name),
    ):
        with pytest.raises(CleoError) as error:
            call()
        assert error.value.exit in (2, 3)
        assert error.value.fix
    assert tasks.list()[1].total == 0


@pytest.mark.parametrize("words", [("import", "github"), ("link", "reconcile", "github")])
def test_what_reads_a_pipe_that_stays_silent_says_so(
    words: tuple[str, ...], cleo_cli: Cli, cleo_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cleo_core.cli.progress.PATIENCE", 0.05)
    os.mkfifo("pipe")

    def write_late() -> None:
        time.sleep(0.4)
        Path("pipe").write_text("[]")

    threading.Thread(target=write_late, daemon=True).start()
    outcome = cleo_cli(*words, "pipe")
    assert outcome.code == 0
    assert outcome.err.startswith("waiting for pipe, to which nobody has written yet")
