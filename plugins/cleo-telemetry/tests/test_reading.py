"""Rows are shown and exported exactly as they are stored, and added up truly."""

from __future__ import annotations

import csv
import json
import os
import runpy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleo_core import clock
from cleo_core.errors import CleoError
from cleo_telemetry.service.analyzing import _figures
from cleo_telemetry.store.pruning import days_ago

_timings = runpy.run_path(str(Path(__file__).with_name("timings.py")))
COLUMNS, file, rows, commands, execute, insert = (
    _timings[name] for name in ("COLUMNS", "file", "rows", "commands", "execute", "insert")
)
QUIET = {"DO_NOT_TRACK": "1"}


def camel(row: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "anonymousId", "domain", "gateway", "operation", "command")
    return dict(
        zip((*names, "exitCode", "durationMs", "errorCode", "timestamp"), row.values(), strict=True)
    )


@pytest.fixture
def enabled(cleo_project: Path, cleo_cli: Any) -> Path:
    cleo_cli("telemetry", "enable")
    return cleo_project


def test_show_gives_the_newest_rows_as_they_are(enabled: Path, cleo_cli: Any) -> None:
    for _ in range(3):
        cleo_cli("version")
    cleo_cli("show", "T404")
    stored = [camel(row) for row in reversed(rows())]
    shown = cleo_cli("telemetry", "show", env=QUIET)
    assert shown.data == stored
    assert shown.page == {"limit": 20, "offset": 0, "total": 4, "hasMore": False}
    two = cleo_cli("telemetry", "show", "--last", "2", "--offset", "1", env=QUIET)
    assert two.data == stored[1:3]
    assert two.page == {"limit": 2, "offset": 1, "total": 4, "hasMore": True}
    people = cleo_cli("telemetry", "show", "--human", env=QUIET).out
    assert "tasks.show" in people
    assert "E_NOT_FOUND" in people


def test_before_enabling_show_gives_an_example_that_is_not_stored(
    cleo_project: Path, cleo_cli: Any
) -> None:
    shown = cleo_cli("telemetry", "show")
    (row,) = shown.data
    assert set(row) == {*camel(dict.fromkeys(COLUMNS)), "example"}
    assert (row["example"], row["command"]) == (True, "telemetry.telemetry.show")
    assert 0 <= row["durationMs"] <= shown.envelope["meta"]["durationMs"] + 1
    assert "Nothing is recorded" in cleo_cli("telemetry", "show", "--human").out
    assert not file().exists()


def test_without_rows_the_answer_is_nothing(cleo_project: Path, cleo_cli: Any) -> None:
    for verb in ("analyze", "export"):
        refused = cleo_cli("telemetry", verb).error
        assert (refused["code"], refused["fix"]) == ("E_NOTHING", "cleo telemetry enable")
    cleo_cli("telemetry", "enable")
    for verb in ("show", "analyze", "export"):
        assert cleo_cli("telemetry", verb, env=QUIET).error["exit"] == 100


def test_ones_own_rows_stay_readable_while_disabled(enabled: Path, cleo_cli: Any) -> None:
    cleo_cli("version")
    cleo_cli("telemetry", "disable")
    assert len(cleo_cli("telemetry", "show").data) == 1
    assert cleo_cli("telemetry", "analyze").data["totals"]["runs"] == 1
    assert len(cleo_cli("telemetry", "export").data) == 1
    assert len(rows()) == 1


def test_export_gives_every_column_of_every_row(
    enabled: Path, cleo_cli: Any, cleo_home: Path
) -> None:
    insert("tasks.show", count=3, at=days_ago(40))
    insert("tasks.add", count=2, at=days_ago(1), exit=6, code="E_VALIDATION")
    stored = rows()
    out = cleo_cli("telemetry", "export", env=QUIET)
    assert out.data == [camel(row) for row in stored]
    assert out.page["total"] == 5
    text = cleo_cli("telemetry", "export", "--format", "csv", env=QUIET).out
    read = list(csv.DictReader(text.splitlines()))
    assert [tuple(row) for row in read] == [COLUMNS] * 5
    assert [{k: str(v) if v is not None else "" for k, v in row.items()} for row in stored] == read
    recent = cleo_cli("telemetry", "export", "--days", "30", env=QUIET).data
    assert [row["command"] for row in recent] == ["tasks.add"] * 2


def test_export_writes_a_file_that_nobody_else_can_read(
    enabled: Path, cleo_cli: Any, cleo_home: Path
) -> None:
    insert("tasks.show", count=3)
    target = cleo_home / "out.json"
    words = ("telemetry", "export", "--out", str(target))
    done = cleo_cli(*words, env=QUIET)
    assert done.data == {"rows": 3, "path": str(target)}
    assert target.stat().st_mode & 0o777 == 0o600
    assert json.loads(target.read_text()) == [camel(row) for row in rows()]
    refused = cleo_cli(*words, env=QUIET).error
    assert refused["exit"] == 2
    assert "--force" in refused["fix"]
    target.write_text("something else")
    assert cleo_cli(*words, "--force", "--format", "csv", env=QUIET).data["rows"] == 3
    assert target.read_text().startswith("id,anonymous_id")


@pytest.mark.parametrize(
    ("path", "exit"),
    [
        ("", 2),
        ("-", 2),
        ("missing/folder/out.json", 3),
        (".cleo/out.json", 3),
        ("../link", 3),
        ("..", 3),
        ("\udcff", 2),
    ],
)
def test_export_refuses_places_that_are_no_place_for_a_file(
    enabled: Path, cleo_cli: Any, cleo_home: Path, path: str, exit: int
) -> None:
    insert("tasks.show")
    os.symlink(cleo_home / "elsewhere", cleo_home / "link")
    refused = cleo_cli("telemetry", "export", "--out", path, env=QUIET)
    assert refused.error["exit"] == exit, refused
    assert not (cleo_home / "elsewhere").exists()


def test_analyze_adds_up(enabled: Path, cleo_cli: Any) -> None:
    at = clock.now()
    for ms in range(1, 21):
        insert("tasks.list", ms=ms, at=at)
    insert("tasks.add", count=3, ms=10, at=at)
    insert("tasks.add", count=2, ms=30, exit=6, code="E_VALIDATION", at=at)
    insert("tasks.add", count=1, ms=30, exit=4, code="E_NOT_FOUND", at=at)
    insert("tasks.next", count=6, ms=5, exit=100, code="E_NOTHING", at=at)
    insert("tasks.start", count=6, ms=5, exit=102, code="E_NO_CHANGE", at=at)
    insert("tasks.rare", ms=500, exit=1, code="E_UNEXPECTED", at=at)
    insert("tasks.old", count=50, ms=9, exit=1, at=days_ago(31))
    found = cleo_cli("telemetry", "analyze", env=QUIET).data
    assert found["window"]["days"] == 30
    assert found["totals"] == {"commands": 5, "runs": 39, "failures": 4, "failureRate": 0.1}
    by_name = {one["command"]: one for one in found["commands"]}
    assert by_name["tasks.list"] == {
        "command": "tasks.list",
        "runs": 20,
        "failures": 0,
        "failureRate": 0.0,
        "meanMs": 10.5,
        "medianMs": 10.5,
        "p95Ms": 19,
        "maxMs": 20,
    }
    assert by_name["tasks.add"] == {
        "command": "tasks.add",
        "runs": 6,
        "failures": 3,
        "failureRate": 0.5,
        "meanMs": 20.0,
        "medianMs": 20.0,
        "p95Ms": 30,
        "maxMs": 30,
        "topError": "E_VALIDATION",
    }
    assert by_name["tasks.next"]["failures"] == by_name["tasks.start"]["failures"] == 0
    assert [one["command"] for one in found["failing"]] == ["tasks.add"]
    assert [one["command"] for one in found["slowest"]][:2] == ["tasks.rare", "tasks.add"]
    assert found["once"] == ["tasks.rare"]
    assert len(found["observations"]) == 2
    assert "tasks.add failed in 3 of 6 runs (50%)" in found["observations"][0]
    assert "tasks.rare took 500 ms" in found["observations"][1]
    assert "observed" not in found
    one = cleo_cli("telemetry", "analyze", "--command", "tasks.add", env=QUIET).data
    assert [row["command"] for row in one["commands"]] == ["tasks.add"]
    older = cleo_cli("telemetry", "analyze", "--days", "60", env=QUIET).data
    assert older["failing"][0]["command"] == "tasks.old"
    assert "tasks.add" in cleo_cli("telemetry", "analyze", "--human", env=QUIET).out
    assert cleo_cli("telemetry", "analyze", "--command", "nope", env=QUIET).error["exit"] == 100


def test_lists_of_an_analysis_end(enabled: Path, cleo_cli: Any) -> None:
    at = clock.now()
    for number in range(15):
        insert(f"tasks.c{number:02}", count=5 + number, ms=number, exit=1, at=at)
    found = cleo_cli("telemetry", "analyze", env=QUIET).data
    assert (len(found["failing"]), len(found["slowest"])) == (10, 10)
    # All fail always: the more runs, the worse.
    assert found["failing"][0]["command"] == "tasks.c14"
    assert len([text for text in found["observations"] if "failed in" in text]) == 5


@given(st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from((0, 1, 4, 100, 102))), min_size=1))
def test_figures_keep_their_order(runs: list[tuple[int, int]]) -> None:
    rows = [("c", ms, code, "E_IO" if code else None) for ms, code in sorted(runs)]
    found = _figures("c", rows)
    least = rows[0][1]
    assert least <= found.median_ms <= found.max_ms
    assert least <= found.p95_ms <= found.max_ms
    assert round(found.mean_ms) <= found.max_ms
    assert found.failures == sum(code in (1, 4) for _, code in runs)
    assert 0 <= found.failure_rate <= 1
    assert sum(ms <= found.p95_ms for ms, _ in runs) >= 0.95 * len(runs)


def test_observations_go_to_the_memory_of_the_project(enabled: Path, cleo_cli: Any) -> None:
    insert("tasks.add", count=5, ms=10, exit=6, code="E_VALIDATION", at=clock.now())
    done = cleo_cli("telemetry", "analyze", "--observe", env=QUIET)
    (said,) = done.data["observations"]
    (stored,) = done.data["observed"]
    assert stored["outcome"] == "stored"
    shown = cleo_cli("memory", "fetch", stored["id"], env=QUIET)
    assert said in json.dumps(shown.data)
    again = cleo_cli("telemetry", "analyze", "--observe", env=QUIET).data["observed"]
    assert again[0]["outcome"] == "merged"


def test_observations_need_a_memory(enabled: Path, cleo_cli: Any) -> None:
    insert("tasks.add", count=5, exit=6, at=clock.now())
    env = {**QUIET, "CLEO_DISABLE_PLUGINS": "brain"}
    refused = cleo_cli("telemetry", "analyze", "--observe", env=env).error
    assert (refused["code"], refused["exit"]) == ("E_PLUGIN_MISSING", 5)
    assert cleo_cli("telemetry", "analyze", env=env).code == 0


def test_observations_need_a_project(enabled: Path, cleo_cli: Any, cleo_home: Path) -> None:
    insert("tasks.add", count=5, exit=6, at=clock.now())
    refused = cleo_cli("telemetry", "analyze", "--observe", env=QUIET, cwd=cleo_home)
    assert refused.error["exit"] == 3
    assert cleo_cli("telemetry", "analyze", env=QUIET, cwd=cleo_home).code == 0


@pytest.mark.parametrize(
    "call",
    [
        lambda service: service.show(0),
        lambda service: service.show(True),
        lambda service: service.show("3"),
        lambda service: service.show(10**30),
        lambda service: service.show(offset=-1),
        lambda service: service.show(offset=10**30),
        lambda service: service.events(days=0),
        lambda service: service.events(days=10**9),
        lambda service: service.export(None),
        lambda service: service.export(3),
        lambda service: service.export("x\0y"),
        lambda service: service.export("../x", force=1),
        lambda service: service.export("../x", format="xml"),
        lambda service: service.export("../x", format=None),
        lambda service: service.analyze(days=1.5),
        lambda service: service.analyze(command=3),
        lambda service: service.analyze(command="a\0b"),
        lambda service: service.analyze(command="\udcff"),
        lambda service: service.analyze(observe="yes"),
        lambda service: service.purge(days="1"),
        lambda service: service.purge(days=-1),
        lambda service: service.purge(all="no"),
        lambda service: service.purge(days=1, all=True),
    ],
)
def test_odd_values_from_python_are_refused(enabled: Path, cleo_app: Any, call: Any) -> None:
    insert("tasks.add")
    with pytest.raises(CleoError) as refused:
        call(cleo_app.service("telemetry"))
    assert refused.value.exit == 2
    assert len(rows()) == 1
    assert not Path("../x").exists()


def test_all_verbs_are_there_from_python(enabled: Path, cleo_app: Any) -> None:
    service = cleo_app.service("telemetry")
    insert("tasks.add", count=3)
    assert service.status().rows == 3
    shown, page = service.show(2)
    assert [one.id for one in shown] == [3, 2]
    assert page.total == 3
    assert len(service.events()) == 3
    assert service.analyze(days=36_500).totals.runs == 3
    assert service.disable().rows_kept == 3
    assert service.enable().enabled
    assert service.purge().deleted == 3
    assert service.purge(all=True).file_removed
