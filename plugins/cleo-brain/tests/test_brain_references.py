"""What the brain keeps of other stores' ids: on insert, on delete, and in reconcile."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_brain.api import REFERENCES
from cleo_core.app import App
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome

_keeping = runpy.run_path(str(Path(__file__).with_name("keeping.py")))
brain, disagreements = _keeping["brain"], _keeping["disagreements"]
execute, value = _keeping["execute"], _keeping["value"]

Cli = Callable[..., Outcome]

AT = "'2026-01-01T00:00:00.000Z'"
#: Reference -> (what puts a missing id there, what is left of it after it was mended).
STALE: dict[str, tuple[str, str, Any]] = {
    "decision_epic": (
        "UPDATE brain_decisions SET context_epic_id = 'T900'",
        "SELECT context_epic_id FROM brain_decisions",
        [(None,)],
    ),
    "decision_task": (
        "UPDATE brain_decisions SET context_task_id = 'T900'",
        "SELECT context_task_id FROM brain_decisions",
        [(None,)],
    ),
    "link_task": (
        f"INSERT INTO brain_memory_links SELECT kind, id, 'T900', 'applies_to', NULL, {AT} "
        "FROM brain_entries WHERE kind = 'observation'",
        "SELECT * FROM brain_memory_links",
        [],
    ),
    "observation_session": (
        "UPDATE brain_observations SET source_session_id = 'ses_none'",
        "SELECT source_session_id FROM brain_observations",
        [(None,)],
    ),
    "edge_task": (
        "INSERT INTO brain_edges (from_id, edge_type, to_node, created_at) "
        f"SELECT id, 'references', 'task:T900', {AT} FROM brain_observations",
        "SELECT * FROM brain_edges",
        [],
    ),
    "edge_session": (
        "INSERT INTO brain_edges (from_id, edge_type, to_node, created_at) "
        f"SELECT id, 'references', 'session:ses_none', {AT} FROM brain_observations",
        "SELECT * FROM brain_edges",
        [],
    ),
    "log_session": (
        "INSERT INTO brain_retrieval_log (at, source, tokens, session_id) "
        f"VALUES ({AT}, 'fetch', 1, 'ses_none')",
        "SELECT session_id FROM brain_retrieval_log",
        [(None,)],
    ),
    "decision_adr": (
        "UPDATE brain_decisions SET adr_id = 'ADR-900'",
        "SELECT adr_id FROM brain_decisions",
        [(None,)],
    ),
    "sticky_task": (
        "UPDATE brain_sticky_notes SET converted_to = 'task:T900' WHERE id = 'SN-001'",
        "SELECT converted_to FROM brain_sticky_notes WHERE id = 'SN-001'",
        [("task:T900",)],
    ),
}


@pytest.fixture
def peopled(cleo_app: App, cleo_cli: Cli) -> Any:
    """One entry of three kinds; a task, a session and a decision record that exist."""
    service = brain(cleo_app)
    service.observe("an observation")
    service.sticky_add("to decide")
    service.sticky_convert("SN-001", "decision", rationale="because")
    cleo_cli("add", "a task that exists")
    assert cleo_cli("session", "start", "--scope", "global", agent="ann").code == 0
    cleo_app.close()
    return service


def counts(outcome: Outcome) -> dict[str, Any]:
    (step,) = outcome.data["steps"]
    return {row["reference"].removeprefix("brain."): row for row in step["references"]}


@pytest.mark.guarantee(
    "brain-20",
    "An id that is gone without any event is found by state, and emptied, deleted or reported as "
    "its reference says, with a count for each.",
)
@pytest.mark.parametrize("name", sorted(STALE))
def test_each_reference_is_mended_as_declared(peopled: Any, cleo_cli: Cli, name: str) -> None:
    stale, left, expected = STALE[name]
    if name == "decision_adr":
        assert cleo_cli("adr", "add", "One").code == 0
    execute(stale)
    dry = counts(cleo_cli("memory", "maintain", "--only", "references", "--dry-run"))
    assert dry[name]["missing"] == 1
    found = counts(cleo_cli("memory", "maintain", "--only", "references"))
    keeps = next(one for one in REFERENCES if one.name == f"brain.{name}").on_delete == "keep"
    assert (found[name]["missing"], found[name]["repaired"]) == (1, 0 if keeps else 1)
    assert execute(left) == expected
    assert sum(row["repaired"] for row in found.values()) == (0 if keeps else 1)
    again = counts(cleo_cli("memory", "maintain", "--only", "references"))
    assert sum(row["repaired"] for row in again.values()) == 0


@pytest.mark.guarantee(
    "brain-20", "A decision that lost its task and its epic counts once under each."
)
def test_a_decision_that_lost_both_counts_in_each(peopled: Any, cleo_cli: Cli) -> None:
    execute("UPDATE brain_decisions SET context_epic_id = 'T900', context_task_id = 'T900'")
    found = counts(cleo_cli("memory", "maintain", "--only", "references"))
    assert found["decision_epic"]["repaired"] == found["decision_task"]["repaired"] == 1


SPOILT: dict[str, Callable[[], object]] = {
    "missing": lambda: [path.unlink() for path in Path(".cleo").glob("tasks.db*")],
    "empty": lambda: execute(
        "PRAGMA foreign_keys = OFF",
        "DELETE FROM tasks",
        "DELETE FROM sessions",
        store="tasks",
    ),
    "behind": lambda: execute(
        "UPDATE alembic_version_tasks SET version_num = 'tasks_0000'", store="tasks"
    ),
    "corrupt": lambda: Path(".cleo/tasks.db").write_text("rubbish"),
    "another project's": lambda: execute(
        "UPDATE schema_meta SET value = 'another' WHERE key = 'project_id'", store="tasks"
    ),
    "foreign": lambda: execute("PRAGMA application_id = 7", store="tasks"),
}


@pytest.mark.guarantee(
    "brain-20",
    "With tasks.db missing, empty, behind, corrupt or another project's nothing is repaired, and "
    "the answer says why.",
)
@pytest.mark.parametrize("how", sorted(SPOILT))
@pytest.mark.parametrize("verb", ["reconcile", "maintain"])
def test_beside_tasks_that_cannot_say_nothing_is_repaired(
    peopled: Any, cleo_cli: Cli, how: str, verb: str
) -> None:
    for name in ("decision_task", "link_task", "edge_task"):
        execute(STALE[name][0])
    before = [execute(STALE[name][1]) for name in STALE]
    SPOILT[how]()
    if verb == "maintain":
        found = counts(cleo_cli("memory", "maintain", "--only", "references"))
    else:
        outcome = cleo_cli("reconcile", "--apply")
        data = outcome.data if outcome.code == 0 else outcome.error["details"]
        found = {
            row["reference"].removeprefix("brain."): row
            for row in data["references"]
            if row["reference"].startswith("brain.")
        }
    for name in ("decision_task", "link_task", "edge_task"):
        assert (found[name]["planned"], found[name]["repaired"]) == (0, 0)
        assert found[name]["refused"]
    assert [execute(STALE[name][1]) for name in STALE] == before


@pytest.mark.guarantee("brain-20", "A reference is checked when it is written.")
def test_on_insert_a_missing_task_is_refused(peopled: Any, cleo_app: App, cleo_cli: Cli) -> None:
    refused = cleo_cli("observe", "about a task", "--task", "T900")
    assert (refused.code, refused.error["code"]) == (6, "E_REFERENCE")
    assert cleo_cli("observe", "about a task", "--task", "T001").code == 0
    for path in Path(".cleo").glob("tasks.db*"):
        path.unlink()
    unchecked = cleo_cli("observe", "about another task", "--task", "T900")
    assert unchecked.code == 0
    assert "W_REF_UNCHECKED" in [one["code"] for one in unchecked.warnings]


@pytest.mark.guarantee("brain-20", "A pass that fails half way shows in its counts.")
def test_a_half_done_pass_is_visible(
    peopled: Any, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(STALE["decision_task"][0])
    execute(STALE["link_task"][0])
    real = App.write

    def failing(self: App, name: str, body: Any) -> Any:
        found = getattr(body, "args", ())
        reference = getattr(found[0], "reference", None) if found else None
        if reference is not None and reference.name == "brain.link_task":
            raise CleoError("E_WRITE_CONTENTION", "The store is busy.")
        return real(self, name, body)

    monkeypatch.setattr(App, "write", failing)
    outcome = cleo_cli("memory", "maintain", "--only", "references")
    assert (outcome.code, outcome.error["code"]) == (6, "E_MAINTENANCE")
    (step,) = outcome.error["details"]["steps"]
    rows = {row["reference"]: row for row in step["references"]}
    assert rows["brain.decision_task"]["repaired"] == 1
    assert (rows["brain.link_task"]["planned"], rows["brain.link_task"]["repaired"]) == (1, 0)
    assert "busy" in step["error"]


@pytest.mark.guarantee("brain-16", "Rows of the vector index that nothing stands behind go.")
def test_vec0_rows_without_a_vector_are_removed(peopled: Any, cleo_app: App, cleo_cli: Cli) -> None:
    peopled.reembed()
    cleo_app.close()
    if value("SELECT count(*) FROM sqlite_master WHERE name = 'brain_vec_bit'") == 0:
        pytest.skip("sqlite-vec does not load here")
    execute("DELETE FROM brain_vector_values", "DELETE FROM brain_vectors")

    def repair(*argv: str) -> dict[str, Any]:
        rows = cleo_cli("reconcile", *argv).data["repairs"]
        return next(row for row in rows if row["reference"] == "brain.vec0_rows")

    assert repair()["planned"] > 0
    found = repair("--apply")
    assert found["repaired"] == found["planned"] > 0
    assert repair()["planned"] == 0
    assert value("SELECT count(*) FROM brain_vec_bit_rowids") == 0


def test_edges_to_files_that_are_gone_are_reported(peopled: Any, cleo_cli: Cli) -> None:
    for name in ("there.py", "gone.py", "nul\0.py"):
        node = f"file:{name}".replace("\0", "' || char(0) || '")
        execute(
            "INSERT INTO brain_edges (from_id, edge_type, to_node, created_at) "
            f"SELECT id, 'references', '{node}', {AT} FROM brain_observations"
        )
    Path("there.py").touch()
    rows = cleo_cli("reconcile", "--apply").data["repairs"]
    found = next(row for row in rows if row["reference"] == "brain.edge_file")
    assert (found["scanned"], found["missing"], found["repaired"]) == (3, 2, 0)
    assert value("SELECT count(*) FROM brain_edges") == 3
