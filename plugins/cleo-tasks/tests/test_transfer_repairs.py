"""Imports that meet conflicts, contradictions, other writers and their own interrupted runs."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cleo_tasks.importers.writing as writing
from cleo_core.app import App
from cleo_core.database import driver
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome
from cleo_core.units import Unit
from cleo_tasks.importers.engine import Import
from cleo_tasks.service.work import Work
from cleo_tasks.store import transfer

Cli = Callable[..., Outcome]

AT = "2026-01-01T00:00:00.000Z"
OTHER = "11111111-1111-4111-8111-111111111111"
SAMPLE = Path(__file__).resolve().parents[3] / "examples" / "beads-sample.jsonl"


def row(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "record": "task",
        "id": f"T{number:03d}",
        "title": f"Task {number}",
        "status": "pending",
        "priority": "medium",
        "type": "task",
        "role": "work",
        "scope": "feature",
        "pipelineStage": "implementation",
        "position": number,
        "verificationRound": 1,
        "version": 1,
        "createdAt": AT,
        "updatedAt": AT,
        **fields,
    }


def write(path: Path, rows: Iterable[dict[str, Any]], project: str = OTHER) -> str:
    """A file that export could have written."""
    rows = list(rows)
    header = {"record": "header", "format": "cleo.tasks", "version": 1, "projectId": project}
    body = b"".join(json.dumps(one).encode() + b"\n" for one in [header, *rows])
    end = {"record": "end", "tasks": len(rows), "sha256": hashlib.sha256(body).hexdigest()}
    path.write_bytes(body + json.dumps(end).encode() + b"\n")
    return str(path)


@pytest.fixture
def tasks(cleo_app: App) -> Any:
    return cleo_app.service("tasks")


@pytest.fixture
def sql(cleo_app: App) -> Callable[..., list[tuple[Any, ...]]]:
    def read(statement: str, **params: Any) -> list[tuple[Any, ...]]:
        return [tuple(one.values()) for one in cleo_app.store("tasks").read(statement, **params)]

    return read


def cut_short(monkeypatch: pytest.MonkeyPatch, units: int) -> None:
    """Let the next import end after some units, as a kill would end it."""
    real, left = Import.write, [units]

    def stop(self: Import, body: Any) -> Any:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return real(self, body)

    monkeypatch.setattr(Import, "write", stop)


class TestNumbers:
    def test_a_remapped_row_gets_a_number_that_no_later_unit_insists_on(
        self, tasks: Any, sql: Any, cleo_home: Path
    ) -> None:
        tasks.add("Ours")
        result = tasks.import_jsonl(
            write(cleo_home / "f", (row(number) for number in range(1, 2501))), on_conflict="remap"
        )
        assert (result.imported, result.adjusted) == (2500, {"remapped": 1})
        assert sql("SELECT id, title FROM tasks WHERE seq IN (1, 2500, 2501) ORDER BY seq") == [
            ("T001", "Ours"),
            ("T2500", "Task 2500"),
            ("T2501", "Task 1"),
        ]
        assert sql("SELECT DISTINCT status FROM tasks") == [("pending",)]
        assert tasks.add("Next").task.id == "T2502"

    @pytest.mark.parametrize("conflicts", [0, 3])
    def test_a_run_that_was_cut_short_keeps_its_numbers_for_the_next(
        self,
        conflicts: int,
        tasks: Any,
        sql: Any,
        cleo_home: Path,
        cleo_open: Callable[..., App],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        for number in range(conflicts):
            tasks.add(f"Ours {number}")
        path = write(
            cleo_home / "f",
            # The conflicting rows come last, so that the first run does not reach them.
            sorted((row(number) for number in range(1, 1501)), key=lambda one: one["id"] < "T004"),
        )
        with monkeypatch.context() as patch:
            cut_short(patch, 1)
            with pytest.raises(KeyboardInterrupt):
                tasks.import_jsonl(path, on_conflict="remap")
        assert sql("SELECT count(*) FROM tasks WHERE status = 'proposed'") == [(1000,)]
        between = cleo_open().service("tasks").add("Between").task.id
        assert between == f"T{1501 + conflicts}"

        result = tasks.import_jsonl(path, on_conflict="remap" if conflicts else "fail")

        assert (result.finished, result.imported) == (1000, 500)
        assert result.adjusted == ({"remapped": conflicts} if conflicts else {})
        found = dict(sql("SELECT title, seq FROM tasks WHERE origin = 'imported'"))
        assert len(found) == 1500
        for number in range(conflicts + 1, 1501):
            assert found[f"Task {number}"] == number
        assert all(found[f"Task {one}"] > 1500 for one in range(1, conflicts + 1))
        assert sql("SELECT DISTINCT status FROM tasks") == [("pending",)]
        assert sql(
            "SELECT count(*) FROM external_task_links "
            "WHERE json_extract(metadata_json, '$.numbers') IS NOT NULL"
        ) == [(0,)]
        assert tasks.import_jsonl(path).reasons == {"unchanged": 1500}

    @pytest.mark.parametrize("pruned", [False, True])
    def test_a_number_that_was_cut_short_and_purged_is_gone_whatever_the_log_holds(
        self,
        pruned: bool,
        tasks: Any,
        cleo_home: Path,
        cleo_clock: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        path = write(cleo_home / "f", (row(number) for number in range(1, 1101)))
        with monkeypatch.context() as patch:
            cut_short(patch, 1)
            with pytest.raises(KeyboardInterrupt):
                tasks.import_jsonl(path)
        gone = ["T001", "T007", "T008", "T1000"]
        for id_ in gone:
            tasks.delete(id_)
            tasks.delete(id_, purge=True)
        if pruned:
            cleo_clock.advance(86400)
            tasks.log_prune(before="2026-03-26T00:00:00Z")
        with pytest.raises(CleoError) as error:
            tasks.import_jsonl(path)
        assert (error.value.exit, error.value.details["ids"]) == (22, gone)
        result = tasks.import_jsonl(path, on_conflict="remap")
        assert (result.finished, result.imported) == (996, 104)
        found = {one.title: one.id for one in tasks.list(limit=2000)[0]}
        moved = [found[f"Task {number}"] for number in (1, 7, 8, 1000)]
        assert moved == ["T1101", "T1102", "T1103", "T1104"]
        assert found["Task 1100"] == "T1100"

    def test_a_number_that_was_finished_before_the_cut_and_purged_is_gone_too(
        self, tasks: Any, cleo_home: Path, cleo_clock: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = write(cleo_home / "f", (row(number) for number in range(1, 1101)))
        with monkeypatch.context() as patch:
            cut_short(patch, 3)
            with pytest.raises(KeyboardInterrupt):
                tasks.import_jsonl(path)
        for id_ in ("T007", "T1050"):
            tasks.delete(id_)
            tasks.delete(id_, purge=True)
        cleo_clock.advance(86400)
        tasks.log_prune(before="2026-03-26T00:00:00Z")
        with pytest.raises(CleoError) as error:
            tasks.import_jsonl(path)
        assert error.value.details["ids"] == ["T007", "T1050"]

    @pytest.mark.parametrize("own", [False, True])
    def test_a_purged_number_never_comes_back_even_when_the_log_was_pruned(
        self, own: bool, tasks: Any, cleo_app: App, cleo_home: Path, cleo_clock: Any
    ) -> None:
        tasks.add("One")
        tasks.add("Two", depends=["T001"])
        tasks.delete("T002")
        tasks.delete("T002", purge=True)
        cleo_clock.advance(86400)
        tasks.log_prune(before="2026-03-26T00:00:00Z")
        project = cleo_app.project.id if own else OTHER
        path = write(
            cleo_home / "f",
            [row(1), row(2), row(3, dependencies=[{"dependsOn": "T002"}, {"dependsOn": "T001"}])],
            project,
        )
        with pytest.raises(CleoError) as error:
            tasks.import_jsonl(path)
        assert (error.value.exit, error.value.details["ids"]) == (22, ["T001", "T002"])

        result = tasks.import_jsonl(path, on_conflict="skip")
        assert (result.imported, result.reasons) == (1, {"id taken": 2})
        # A task that is here stands for the row that it was made of; a purged one is nowhere.
        assert tasks.show("T003")[0].depends_on == (["T001"] if own else [])
        assert result.edges["skipped"] == {"missing_target": 1 if own else 2}

    def test_a_purged_number_is_remapped(self, tasks: Any, cleo_home: Path) -> None:
        tasks.add("One")
        tasks.delete("T001")
        tasks.delete("T001", purge=True)
        path = write(cleo_home / "f", [row(1), row(2, dependencies=[{"dependsOn": "T001"}])])
        assert tasks.import_jsonl(path, on_conflict="remap").adjusted == {"remapped": 1}
        assert tasks.show("T002")[0].depends_on == ["T003"]

    def test_a_number_that_others_were_given_meanwhile_is_told_as_that(
        self,
        tasks: Any,
        sql: Any,
        cleo_home: Path,
        cleo_open: Callable[..., App],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        other = cleo_open().service("tasks")
        real = writing.insert_phases

        def late(run: Import) -> None:
            other.add("Faster")
            real(run)

        path = write(cleo_home / "f", [row(1), row(2)])
        with monkeypatch.context() as patch:
            patch.setattr(writing, "insert_phases", late)
            with pytest.raises(CleoError) as error:
                tasks.import_jsonl(path)
        assert error.value.code == "E_CONCURRENT_MODIFICATION"
        assert sql("SELECT title FROM tasks") == [("Faster",)]
        assert tasks.import_jsonl(path, on_conflict="remap").imported == 2


# Rows that contradict themselves

STATUSES = ("pending", "active", "blocked", "proposed", "done", "cancelled", "archived")
MAYBE_AT = st.sampled_from([None, AT])
CONTRADICTIONS = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(STATUSES),
        "pipelineStage": st.sampled_from(
            ["research", "implementation", "contribution", "cancelled"]
        ),
        "type": st.sampled_from(["epic", "task", "subtask"]),
        "archivedAt": MAYBE_AT,
        "archiveReason": st.sampled_from([None, "deleted", "completed", "transferred"]),
        "archivedFrom": st.sampled_from([None, *STATUSES[:-1]]),
        "completedAt": MAYBE_AT,
        "cancelledAt": MAYBE_AT,
        "claimedAt": MAYBE_AT,
        "startedAt": MAYBE_AT,
        "assignee": st.sampled_from([None, "", " ", "ada"]),
        "parentId": st.sampled_from([None, "T001", "T002", "T009"]),
        "phase": st.sampled_from([None, "p", "not-there"]),
        "notes": st.lists(
            st.fixed_dictionaries(
                {"text": st.just("n")}, optional={"at": st.sampled_from([AT, None, 5, "soon"])}
            ),
            max_size=2,
        ),
        "dependencies": st.lists(
            st.sampled_from([{"dependsOn": "T001"}, {"dependsOn": "T002"}]), max_size=3
        ),
        "relations": st.lists(
            st.sampled_from(
                [{"relatedTo": "T001", "type": "related"}, {"relatedTo": "T002", "type": "fixes"}]
            ),
            max_size=3,
        ),
        "gateResults": st.lists(
            st.sampled_from(
                [
                    {"gate": "qaPassed", "result": "pass", "round": 1},
                    {"gate": "qaPassed", "result": "fail", "round": 1, "reason": ""},
                ]
            ),
            max_size=3,
        ),
        "links": st.lists(
            st.fixed_dictionaries(
                {
                    "provider": st.sampled_from(["beads", "jsonl"]),
                    "externalId": st.sampled_from(["1", f"{OTHER}:T002", f"{OTHER}:T001"]),
                    "type": st.sampled_from(["created", "manual", "transferred"]),
                    "direction": st.just("inbound"),
                }
            ),
            max_size=3,
        ),
    },
)


@given(fields=st.lists(CONTRADICTIONS, min_size=2, max_size=3), size=st.integers(1, 2))
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_rows_that_contradict_themselves_are_settled_or_skipped_and_never_stop_an_import(
    fields: list[dict[str, Any]],
    size: int,
    tmp_path_factory: pytest.TempPathFactory,
    cleo_cli: Cli,
    cleo_home: Path,
    cleo_open: Callable[..., App],
) -> None:
    folder = cleo_home / tmp_path_factory.mktemp("x").name
    folder.mkdir(exist_ok=True)
    cleo_cli("init", "x", cwd=folder)
    app = cleo_open(project=folder)
    service = app.service("tasks")
    # The last row is sound: a file of which nothing can be understood is refused as a whole.
    path = write(folder / "f", (row(number, **one) for number, one in enumerate([*fields, {}], 1)))

    unit, writing.UNIT = writing.UNIT, size
    try:
        result = service.import_jsonl(path)
    finally:
        writing.UNIT = unit

    assert result.imported + result.skipped == result.read == len(fields) + 1
    assert len(result.problems) == result.skipped
    stored = app.store("tasks").scalar
    assert stored("SELECT count(*) FROM tasks") == result.imported
    assert stored("SELECT count(*) FROM task_dependencies") == result.edges["dependencies"]
    assert stored("SELECT count(*) FROM task_relations") == result.edges["relations"]
    assert stored("SELECT count(*) FROM task_gate_results") == result.gates
    again = service.import_jsonl(path)
    assert again.reasons.get("unchanged", 0) == result.imported
    app.close()


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"archivedAt": AT}, {"archivedAt": AT}),
        (
            {"status": "done", "archiveReason": "deleted", "archivedFrom": "done"},
            {"archiveReason": "deleted", "archivedFrom": "done"},
        ),
        ({"status": "done"}, None),
    ],
)
def test_the_status_decides_and_what_contradicts_it_is_kept(
    fields: dict[str, Any], kept: Any, tasks: Any, cleo_home: Path
) -> None:
    tasks.import_jsonl(write(cleo_home / "f", [row(1, **fields)]))
    (task,) = tasks.show("T001")
    assert task.status == fields.get("status", "pending")
    assert (task.archived_at, task.archive_reason, task.archived_from) == (None, None, None)
    assert task.metadata == ({} if kept is None else {"import": {"jsonl": kept}})


def test_a_note_that_is_none_is_named_with_its_line(tasks: Any, cleo_home: Path) -> None:
    result = tasks.import_jsonl(
        write(cleo_home / "f", [row(1), row(2, notes=[{"text": "n", "at": "soon"}])])
    )
    assert (result.imported, result.problems[0]["line"]) == (1, 3)


def test_only_what_others_can_cause_is_called_their_doing(
    tasks: Any, cleo_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(cleo_home / "f", [row(1)])
    for message, expected in (
        ("UNIQUE constraint failed: tasks.seq", CleoError),
        ("FOREIGN KEY constraint failed", CleoError),
        ("CHECK constraint failed: ck_tasks_done", driver().IntegrityError),
        ("NOT NULL constraint failed: tasks.title", driver().IntegrityError),
        ("audit_log is append-only", driver().IntegrityError),
    ):

        def fail(*_: Any, message: str = message) -> None:
            raise driver().IntegrityError(message)

        with monkeypatch.context() as patch:
            patch.setattr(transfer, "insert_tasks", fail)
            with pytest.raises(expected) as error:
                tasks.import_jsonl(path, on_conflict="skip", revive=True)
        if expected is CleoError:
            assert not any(word in error.value.message for word in ("constraint", "tasks.seq"))
            assert error.value.fix == f"cleo import jsonl {path} --revive --on-conflict skip"


# A unit that runs again


def test_a_unit_that_runs_again_asks_for_the_assignees_again(
    tasks: Any, cleo_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    check, finish = Unit.check, Work.finish
    busy = [True]

    def counted(self: Unit, name: str, ids: Iterable[str]) -> Any:
        asked.append(list(ids))
        self.warn("W_TEST", "asked")
        return check(self, name, ids)

    def once(self: Work) -> None:
        finish(self)
        if busy.pop() if busy else False:
            raise driver().OperationalError("database is locked")

    monkeypatch.setattr(Unit, "check", counted)
    monkeypatch.setattr(Work, "finish", once)
    monkeypatch.setattr(writing, "UNIT", 2)
    path = write(
        cleo_home / "f", (row(number, assignee="ada", claimedAt=AT) for number in range(1, 5))
    )

    assert tasks.import_jsonl(path).imported == 4

    # Twice in the unit that ran twice, and not at all in the next.
    assert asked == [["ada"], ["ada"]]
    assert [one["code"] for one in tasks.app.warnings].count("W_TEST") == 1


# What is counted stands in the store


def test_an_edge_that_would_close_a_loop_by_now_is_counted_as_one(
    tasks: Any,
    sql: Any,
    cleo_home: Path,
    cleo_open: Callable[..., App],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = cleo_open().service("tasks")
    real = writing.insert_tasks

    def then(run: Import) -> None:
        real(run)
        other.deps_add("T002", "T001")

    monkeypatch.setattr(writing, "insert_tasks", then)
    path = write(
        cleo_home / "f",
        [row(1, dependencies=[{"dependsOn": "T002"}, {"dependsOn": "T003"}]), row(2), row(3)],
    )
    edges = tasks.import_jsonl(path).edges
    assert (edges["dependencies"], edges["skipped"]) == (1, {"cycle": 1})
    assert sql("SELECT task_id, depends_on FROM task_dependencies ORDER BY 1") == [
        ("T001", "T003"),
        ("T002", "T001"),
    ]


def test_an_updated_task_whose_edge_would_close_a_loop_by_now_is_counted_so(
    tasks: Any,
    sql: Any,
    cleo_home: Path,
    cleo_open: Callable[..., App],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tasks.import_jsonl(write(cleo_home / "f", [row(1), row(2)]))
    other = cleo_open().service("tasks")
    real = writing.open_tasks

    def then(run: Import) -> None:
        real(run)
        other.deps_add("T002", "T001")

    monkeypatch.setattr(writing, "open_tasks", then)
    path = write(cleo_home / "g", [row(1, dependencies=[{"dependsOn": "T002"}]), row(2)])
    edges = tasks.import_jsonl(path, update=True).edges
    assert (edges["dependencies"], edges["skipped"]) == (0, {"cycle": 1})
    assert sql("SELECT task_id, depends_on FROM task_dependencies") == [("T002", "T001")]


def test_what_a_file_says_twice_is_counted_once(tasks: Any, sql: Any, cleo_home: Path) -> None:
    def edge(source: str, target: str, type_: str) -> dict[str, str]:
        return {"issue_id": source, "depends_on_id": target, "type": type_}

    rows: list[dict[str, Any]] = [
        {
            "id": "a",
            "title": "a",
            "dependencies": [
                edge("a", "b", "blocks"),
                edge("a", "b", "waits-for"),
                edge("a", "c", "related"),
                edge("a", "c", "relates-to"),
                edge("a", "c", "supersedes"),
            ],
        },
        {"id": "b", "title": "b", "dependencies": [edge("a", "b", "blocks")]},
        {"id": "c", "title": "c"},
    ]
    path = cleo_home / "issues.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in rows))
    edges = tasks.import_beads(str(path)).edges
    assert (edges["dependencies"], edges["relations"]) == (1, 2)
    assert sql("SELECT count(*) FROM task_dependencies") == [(1,)]
    assert sql("SELECT count(*) FROM task_relations") == [(2,)]


def test_the_sums_of_the_bundled_sample_are_what_the_store_and_the_log_hold(
    tasks: Any, sql: Any
) -> None:
    result = tasks.import_beads(str(SAMPLE))
    assert sql("SELECT count(*) FROM task_dependencies") == [(result.edges["dependencies"],)]
    assert sql("SELECT count(*) FROM task_relations") == [(result.edges["relations"],)]
    assert sql("SELECT count(*) FROM tasks WHERE parent_id IS NOT NULL") == [
        (result.edges["parents"],)
    ]
    assert sql("SELECT count(*) FROM task_labels") == [(result.labels,)]
    logged, _ = tasks.log_list(limit=1000)
    assert Counter(one["action"] for one in logged) == {
        "task.import": result.imported,
        **({"phase.add": result.phases} if result.phases else {}),
    }
