"""``export``: JSON lines to a file or to stdout."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import App
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]


@pytest.fixture
def project(cleo_app: App, cleo_project: Path) -> Path:
    """An epic with two children, a task beside it, and one in the archive."""
    tasks = cleo_app.service("tasks")
    tasks.add("Epic", type="epic", labels=["x"])
    tasks.add("First", parent="T001")
    tasks.add("Second", parent="T001", depends=["T002"], phase="p", add_phase=True)
    tasks.add("Beside", notes=["\u2028 and \x85"])
    tasks.deps_add("T003", "T004")
    tasks.add("Away")
    tasks.delete("T005")
    tasks.relate_add("T003", "T004", reason="see")
    return cleo_project


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def of_tasks(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in rows if row["record"] == "task"}


def test_the_form_is_a_header_tasks_phases_and_a_sealed_end(cleo_cli: Cli, project: Path) -> None:
    outcome = cleo_cli("export", "--output", "all.jsonl")
    data = (project / "all.jsonl").read_bytes()
    rows = lines(data.decode())
    marker = json.loads((project / ".cleo" / "project-info.json").read_text())
    assert rows[0] | {"exportedAt": ""} == {
        "record": "header",
        "format": "cleo.tasks",
        "version": 1,
        "projectId": marker["projectId"],
        "exportedAt": "",
    }
    assert [row["record"] for row in rows] == ["header", *["task"] * 5, "phase", "end"]
    assert list(of_tasks(rows)) == ["T001", "T002", "T003", "T004", "T005"]
    before_end = b"".join(data.splitlines(keepends=True)[:-1])
    assert rows[-1] == {
        "record": "end",
        "tasks": 5,
        "dependencies": 2,
        "relations": 1,
        "gateResults": 0,
        "links": 0,
        "phases": 1,
        "external": 0,
        "sha256": hashlib.sha256(before_end).hexdigest(),
    }
    assert outcome.data["sha256"] == rows[-1]["sha256"]
    assert (outcome.data["tasks"], outcome.data["edges"]) == (5, 2)
    assert outcome.data["file"] == str(project / "all.jsonl")


def test_a_line_has_every_column_and_what_belongs_to_the_task(cleo_cli: Cli, project: Path) -> None:
    rows = of_tasks(lines(cleo_cli("export", "--output", "-").out))
    shown = cleo_cli("show", "T003").data
    computed = {"ready", "openDependencies", "dependsOn", "sessionId"}
    assert {key: rows["T003"][key] for key in shown if key not in computed} == {
        key: shown[key] for key in shown if key not in computed
    }
    assert [edge["dependsOn"] for edge in rows["T003"]["dependencies"]] == ["T002", "T004"]
    assert [
        (edge["relatedTo"], edge["type"], edge["reason"]) for edge in rows["T003"]["relations"]
    ] == [("T004", "related", "see")]
    assert "links" not in rows["T003"]


def test_stdout_is_the_lines_and_the_envelope_goes_to_stderr(cleo_cli: Cli, project: Path) -> None:
    outcome = cleo_cli("export", "--output", "-", process=True)
    assert lines(outcome.out)[-1]["record"] == "end"
    envelope = json.loads(outcome.err)
    assert envelope["success"] is True
    assert envelope["data"]["tasks"] == 5
    assert envelope["data"]["file"] is None


def test_without_a_name_the_file_is_called_by_the_time(
    cleo_cli: Cli, project: Path, cleo_clock: Any
) -> None:
    cleo_clock.set("2026-03-25T14:30:15Z")
    assert cleo_cli("export").data["file"] == str(project / "tasks-20260325-143015.jsonl")


def test_only_what_is_below_a_task(cleo_cli: Cli, project: Path) -> None:
    rows = lines(cleo_cli("export", "--output", "-", "--within", "T001").out)
    found = of_tasks(rows)
    assert list(found) == ["T001", "T002", "T003"]
    assert [edge["dependsOn"] for edge in found["T003"]["dependencies"]] == ["T002"]
    assert [edge["dependsOn"] for edge in found["T003"]["externalDepends"]] == ["T004"]
    assert [edge["relatedTo"] for edge in found["T003"]["externalRelations"]] == ["T004"]
    assert rows[-1]["external"] == 2
    below = of_tasks(lines(cleo_cli("export", "--output", "-", "--within", "t2").out))
    assert (below["T002"]["parentId"], below["T002"]["externalParent"]) == (None, "T001")


def test_only_tasks_of_some_statuses(cleo_cli: Cli, project: Path) -> None:
    rows = lines(cleo_cli("export", "--output", "-", "--status", "archived").out)
    assert list(of_tasks(rows)) == ["T005"]
    assert not [row for row in rows if row["record"] == "phase"]
    both = cleo_cli("export", "--output", "-", "--within", "T001", "--status", "pending").out
    assert list(of_tasks(lines(both))) == ["T001", "T002", "T003"]


def test_links_are_written_when_asked_for(cleo_cli: Cli, project: Path, cleo_home: Path) -> None:
    issues = cleo_home / "issues.jsonl"
    issues.write_text(json.dumps({"id": "bd-1", "title": "From beads"}) + "\n")
    cleo_cli("import", "beads", str(issues))
    rows = of_tasks(lines(cleo_cli("export", "--output", "-", "--include-links").out))
    [link] = rows["T006"]["links"]
    assert (link["provider"], link["externalId"], link["type"]) == ("beads", "bd-1", "created")
    assert rows["T001"]["links"] == []


@pytest.mark.parametrize(
    ("argv", "code", "exit"),
    [
        (("--within", "T099"), "E_NOT_FOUND", 4),
        (("--within", "nonsense"), "E_USAGE", 2),
        (("--status", "frozen"), "E_USAGE", 2),
        (("--output", "no/such/folder/x"), "E_IO", 3),
        (("--output", "."), "E_LOCATION_REFUSED", 3),
        (("--output", ""), "E_USAGE", 2),
    ],
)
def test_what_cannot_be_is_one_clear_error(
    argv: tuple[str, ...], code: str, exit: int, cleo_cli: Cli, project: Path
) -> None:
    outcome = cleo_cli("export", *argv)
    assert outcome.code == exit
    assert outcome.error["code"] == code
    assert outcome.error["fix"]
    assert not [name for name in os.listdir(project) if name.endswith((".tmp", ".jsonl"))]


def test_the_file_is_private_and_replaced_in_one_step(
    cleo_cli: Cli, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = project / "all.jsonl"
    target.write_text("before")
    target.chmod(0o644)
    import cleo_tasks.exporter as exporter

    with monkeypatch.context() as patch:

        def fail(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        patch.setattr(exporter._Writer, "_task", fail)
        outcome = cleo_cli("export", "--output", "all.jsonl", "--force")
    assert outcome.code == 3
    assert target.read_text() == "before"
    assert os.listdir(project).count("all.jsonl") == 1
    assert not [name for name in os.listdir(project) if name.endswith(".tmp")]
    cleo_cli("export", "--output", "all.jsonl", "--force")
    assert target.stat().st_mode & 0o777 == 0o600
    assert lines(target.read_text())[-1]["record"] == "end"


def test_a_link_is_never_written_over(cleo_cli: Cli, project: Path, cleo_home: Path) -> None:
    precious = cleo_home / "precious"
    precious.write_text("keep me")
    (project / "link").symlink_to(precious)
    error = cleo_cli("export", "--output", "link").error
    assert error["exit"] == 3
    assert precious.read_text() == "keep me"
    assert (project / "link").is_symlink()


def test_an_empty_project_has_a_header_and_an_end(cleo_cli: Cli, cleo_project: Path) -> None:
    rows = lines(cleo_cli("export", "--output", "-").out)
    assert [row["record"] for row in rows] == ["header", "end"]


def test_nothing_of_credentials_audit_or_sessions_is_in_it(cleo_cli: Cli, project: Path) -> None:
    cleo_cli("session", "start", "--name", "secret-session", agent="ada")
    cleo_cli("add", "In a session", agent="ada")
    out = cleo_cli("export", "--output", "-").out
    assert "secret-session" not in out
    assert "ses_" not in out


def test_people_are_told_where_it_is(cleo_cli: Cli, project: Path) -> None:
    out = cleo_cli("export", "--output", "all.jsonl", "--human").out
    assert "5 tasks" in out
    assert "all.jsonl" in out
