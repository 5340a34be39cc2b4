"""What every importer of another tracker's file promises about running it: again, dry, killed."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]
Frozen = Callable[..., AbstractContextManager[Any]]

AT = "2026-01-16T07:21:09Z"
WARRIOR_AT = "20260116T072109Z"


def _issue(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "number": number,
        "title": f"Issue {number}",
        "state": "OPEN",
        "url": f"https://github.com/acme/tool/issues/{number}",
        "createdAt": AT,
        "updatedAt": AT,
        **fields,
    }


def _task(uuid: str, **fields: Any) -> dict[str, Any]:
    return {
        "uuid": uuid,
        "description": f"Task {uuid}",
        "status": "pending",
        "entry": WARRIOR_AT,
        "modified": WARRIOR_AT,
        **fields,
    }


#: provider -> (document, rows, rows that become tasks).
FILES: dict[str, tuple[Any, int, int]] = {
    "taskwarrior": (
        [
            _task("a", tags=["x"], annotations=[{"entry": WARRIOR_AT, "description": "n"}]),
            _task("b", depends=["a", "gone"], start=WARRIOR_AT),
            _task("c", depends=["b"], status="completed", end=WARRIOR_AT, id=0),
            _task("d", depends=["e"], project="p"),
            _task("e", depends=["d"], priority="H"),
            _task("f", status="deleted"),
        ],
        6,
        5,
    ),
    "task-master": (
        {
            "master": {
                "tasks": [
                    {
                        "id": 1,
                        "title": "One",
                        "status": "done",
                        "subtasks": [
                            {"id": 1, "title": "Below", "status": "pending", "updatedAt": AT},
                            {"id": 2, "title": "Two", "dependencies": [1], "updatedAt": AT},
                        ],
                        "updatedAt": AT,
                    },
                    {"id": 2, "title": "Next", "dependencies": [1, 9], "updatedAt": AT},
                ]
            },
            "other": {"tasks": [{"id": 1, "title": "Else", "updatedAt": AT}, {"id": 2}]},
        },
        6,
        5,
    ),
    "github": (
        [
            _issue(1, milestone={"title": "v1"}, state="CLOSED", closedAt=AT),
            _issue(2, parent=1, labels=[{"name": "bug"}], blockedBy=[3]),
            _issue(3, assignees=[{"login": "ada"}], comments=[{"body": "c", "createdAt": AT}]),
            _issue(4, blockedBy=[2, 3], state="CLOSED", stateReason="NOT_PLANNED"),
            _issue(5, pull_request={}, url="https://github.com/acme/tool/pull/5"),
            "no issue",
        ],
        6,
        4,
    ),
}
each_provider = pytest.mark.parametrize("provider", FILES)


@pytest.fixture
def write(cleo_home: Path) -> Callable[[Any], str]:
    def make(document: Any) -> str:
        path = cleo_home / "rows.json"
        path.write_text(json.dumps(document))
        return str(path)

    return make


@pytest.mark.guarantee("tasks-29", "The rows imported, updated and skipped add up to those read.")
@pytest.mark.guarantee("tasks-29", "A second import of the same file writes no row.")
@each_provider
def test_the_counts_add_up_and_a_second_run_writes_nothing(
    provider: str, write: Any, cleo_cli: Cli, cleo_project: Path, frozen_bytes: Frozen
) -> None:
    document, rows, tasks = FILES[provider]
    path = write(document)
    first = cleo_cli("import", provider, path, "--report", "report.jsonl").data
    assert (first["read"], first["imported"], first["skipped"]) == (rows, tasks, rows - tasks)
    assert sum(first["reasons"].values()) == first["skipped"]
    report = (cleo_project / "report.jsonl").read_text().splitlines()
    assert len(report) == rows
    with frozen_bytes(cleo_project):
        again = cleo_cli("import", provider, path).data
    assert again["reasons"] == first["reasons"] | {"unchanged": tasks}


@pytest.mark.guarantee("tasks-29", "A dry run says exactly what would happen and changes no byte.")
@each_provider
def test_a_dry_run_counts_exactly_and_changes_no_byte(
    provider: str, write: Any, cleo_cli: Cli, cleo_project: Path, frozen_bytes: Frozen
) -> None:
    path = write(FILES[provider][0])
    with frozen_bytes(cleo_project):
        planned = cleo_cli("import", provider, path, "--dry-run", "--report", "none.jsonl").data
    done = cleo_cli("import", provider, path, "--report", "none.jsonl").data
    assert planned == done


@each_provider
def test_the_export_of_what_was_imported_comes_back_the_same(
    provider: str, write: Any, cleo_cli: Cli, cleo_project: Path, cleo_home: Path
) -> None:
    cleo_cli("import", provider, write(FILES[provider][0]))
    assert cleo_cli("export", "--output", "all.jsonl", "--include-links").code == 0
    other = cleo_home / "other"
    other.mkdir()
    cleo_cli("init", "other", cwd=other)
    assert cleo_cli("import", "jsonl", str(cleo_project / "all.jsonl"), cwd=other).code == 0
    again = cleo_cli("import", provider, write(FILES[provider][0]), cwd=other).data
    assert again["reasons"]["unchanged"] == FILES[provider][2]


_KILLED = """\
import os, signal, sys
from cleo_core.app import App, open_app
from cleo_tasks.importers import writing
writing.UNIT = 2
left = [int(sys.argv[3])]
plain = App.write
def write(app, name, body):
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    left[0] -= 1
    return plain(app, name, body)
App.write = write
service = open_app().service("tasks")
getattr(service, "import_" + sys.argv[1].replace("-", "_"))(sys.argv[2])
"""


def _lines(cleo_cli: Cli, cwd: Path) -> list[dict[str, Any]]:
    """The tasks' lines of an export, but for the times at which edges and tasks came here."""
    out = cleo_cli("export", "--output", "-", cwd=cwd).out
    rows = [row for row in map(json.loads, out.splitlines()) if row["record"] == "task"]
    for row in rows:
        for one in (*row["dependencies"], *row["relations"]):
            del one["createdAt"]
    return rows


@pytest.mark.guarantee("tasks-29", "An import that was killed is finished by running it again.")
@pytest.mark.parametrize("units", [2, 4])
@each_provider
def test_a_killed_run_is_finished_by_the_next(
    provider: str,
    units: int,
    write: Any,
    cleo_cli: Cli,
    cleo_project: Path,
    cleo_home: Path,
    cleo_processes: Any,
) -> None:
    document, rows, _ = FILES[provider]
    path = write(document)
    whole = cleo_home / "whole"
    whole.mkdir()
    cleo_cli("init", "whole", cwd=whole)
    cleo_cli("import", provider, path, cwd=whole)
    [(code, _, err)] = cleo_processes([[sys.executable, "-c", _KILLED, provider, path, str(units)]])
    assert code == -signal.SIGKILL, err
    again = cleo_cli("import", provider, path).data
    assert again["imported"] + again["updated"] + again["skipped"] == rows
    assert again["imported"] + again["updated"] > 0
    assert _lines(cleo_cli, cleo_project) == _lines(cleo_cli, whole)


def test_a_killed_run_leaves_no_part_of_its_report_to_the_next(
    write: Any, cleo_cli: Cli, cleo_project: Path, cleo_processes: Any
) -> None:
    path = write(FILES["github"][0])
    report = cleo_project / "rep.jsonl"
    killed = _KILLED.replace("(sys.argv[2])", f"(sys.argv[2], report={str(report)!r})")
    [(code, _, err)] = cleo_processes([[sys.executable, "-c", killed, "github", path, "1"]])
    assert code == -signal.SIGKILL, err
    assert list(cleo_project.glob(".rep.jsonl.*"))
    assert cleo_cli("import", "github", path, "--report", str(report)).code == 0
    assert not list(cleo_project.glob(".rep.jsonl.*"))
    assert len(report.read_text().splitlines()) == FILES["github"][1]


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_FIELDS: dict[str, tuple[str, ...]] = {
    "taskwarrior": (
        *("uuid", "description", "status", "entry", "wait", "start", "priority", "tags"),
        *("project", "depends", "annotations", "urgency"),
    ),
    "task-master": (
        *("id", "title", "description", "details", "status", "dependencies", "priority"),
        *("testStrategy", "metadata", "subtasks", "updatedAt"),
    ),
    "github": (
        *("url", "html_url", "number", "title", "body", "state", "state_reason", "labels"),
        *("assignees", "assignee", "author", "user", "milestone", "comments", "parent"),
        *("blockedBy", "closed_at", "pull_request"),
    ),
}


@each_provider
@given(data=st.data())
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_whatever_a_row_holds_it_is_imported_or_skipped(
    provider: str, data: st.DataObject, write: Any, cleo_cli: Cli, cleo_project: Path
) -> None:
    field = st.sampled_from(_FIELDS[provider])
    rows: list[Any] = data.draw(st.lists(st.dictionaries(field, _JSON) | _JSON, max_size=3))
    unique = os.urandom(4).hex()
    good: dict[str, dict[str, Any]] = {
        "taskwarrior": _task(unique),
        "task-master": {"id": unique, "title": "Good"},
        "github": _issue(int(unique, 16)),
    }
    listed = [good[provider], *rows]
    found = cleo_cli(
        "import", provider, write({"tasks": listed} if provider == "task-master" else listed)
    ).data
    assert found["read"] >= len(listed)
    assert found["imported"] + found["updated"] + found["skipped"] == found["read"]
    assert sum(found["reasons"].values()) == found["skipped"]
