"""From first research to a released version by the verbs alone, and every row seen through one."""

from __future__ import annotations

import runpy
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import App, open_app
from cleo_core.testing import Outcome
from cleo_tasks.enums import STAGES

Cli = Callable[..., Outcome]

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
#: Tables of the tasks store, as its specification lists them.
TABLES = (
    *("tasks", "task_dependencies", "task_relations", "sessions", "task_work_history"),
    *("lifecycle_pipelines", "lifecycle_stages", "lifecycle_gate_results", "lifecycle_evidence"),
    *("lifecycle_transitions", "manifest_entries", "pipeline_manifest", "release_manifests"),
    *("audit_log", "token_usage", "architecture_decisions", "adr_task_links", "adr_relations"),
    *("external_task_links", "status_registry", "agent_instances", "agent_credentials"),
    "schema_meta",
)
AT = "2026-01-01T00:00:00.000Z"


class Teller:
    """Carries the story out in a project and says nothing."""

    def __init__(self, project: Path, cli: Cli) -> None:
        self.project = project
        self.run = cli

    def say(self, text: str) -> None:
        """Nobody reads along."""

    def cleo(self, *words: str) -> None:
        outcome = self.run(*words, "--agent", "ada")
        assert outcome.code == 0, repr(outcome)

    def write(self, path: str, text: str) -> None:
        file = self.project / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=self.project, capture_output=True, text=True, check=True
        )
        return done.stdout


@pytest.fixture
def released(cleo_project: Path, cleo_cli: Cli) -> Iterator[tuple[App, Cli, Teller]]:
    """A project that has been walked through."""
    teller = Teller(cleo_project, cleo_cli)
    teller.git("init", "-q", "-b", "main")
    teller.git("config", "user.email", "ada@example.org")
    teller.git("config", "user.name", "Ada")
    teller.write("README.md", "# A language\n")
    teller.commit("Begin")
    cleo_cli("agent", "register", "ada")
    runpy.run_path(str(EXAMPLES / "research_to_release.py"))["walk"](teller)
    with open_app(str(cleo_project), agent="ada") as app:
        # The identity's owner puts its copies here; no verb of this store does.
        app.service("credential_cache").put(
            {
                "agent_id": "ada",
                "display_name": "Ada",
                "api_key_encrypted": "opaque",
                "source_updated_at": AT,
            }
        )
        yield app, cleo_cli, teller


def seen(cli: Cli) -> dict[str, int]:
    """Table -> how many of its rows the verbs show."""

    def data(*words: str) -> Any:
        return cli(*words).data

    def total(*words: str) -> int:
        return int(cli(*words).page["total"])

    ids = [line["id"] for line in data("list", "--limit", "100")]
    stages = data("lifecycle", "show", "T001")["stages"]
    adrs = [data("adr", "show", line["id"]) for line in data("adr", "list")]
    sessions = [line["id"] for line in data("session", "list")]
    project = data("dash")["project"]
    return {
        "tasks": len(ids),
        "task_dependencies": sum(len(data("deps", "show", id_)["dependsOn"]) for id_ in ids),
        "task_relations": sum(
            one["taskId"] == id_ for id_ in ids for one in data("relate", "list", id_)
        ),
        "sessions": len(sessions),
        "task_work_history": sum(len(data("session", "show", id_)["work"]) for id_ in sessions),
        "lifecycle_pipelines": sum("pipeline" in data("show", id_) for id_ in ids),
        "lifecycle_stages": len(stages),
        "lifecycle_gate_results": total("lifecycle", "history", "T001", "--gates"),
        "lifecycle_evidence": sum(len(stage["evidence"]) for stage in stages),
        "lifecycle_transitions": total("lifecycle", "history", "T001"),
        "manifest_entries": total("manifest", "stages"),
        "pipeline_manifest": total("manifest", "list"),
        "release_manifests": total("release", "list"),
        "audit_log": total("log", "list"),
        "token_usage": total("token", "list"),
        "architecture_decisions": len(adrs),
        "adr_task_links": sum(len(adr["tasks"]) for adr in adrs),
        "adr_relations": sum(
            one["fromAdrId"] == adr["id"] for adr in adrs for one in adr["relations"]
        ),
        "external_task_links": total("link", "list"),
        "status_registry": len(data("statuses")),
        "agent_instances": total("instance", "list"),
        "agent_credentials": len(data("instance", "list", "--cached")),
        "schema_meta": sum(value is not None for value in project.values())
        + ("stored" in data("sequence", "show")),
    }


def test_every_table_has_rows_and_every_row_is_seen_through_a_verb(
    released: tuple[App, Cli, Teller],
) -> None:
    app, cli, _ = released
    rows = {table: app.store("tasks").scalar(f"SELECT count(*) FROM {table}") for table in TABLES}
    assert all(rows.values()), rows
    assert len(rows) == 23
    assert seen(cli) == rows


def test_the_version_is_out_once_with_what_belongs_to_it(
    released: tuple[App, Cli, Teller],
) -> None:
    _, cli, teller = released
    assert teller.git("tag").split() == ["v1.0.0"]
    assert teller.git(
        "log", "--format=%(trailers:key=Cleo-Release,valueonly)", "v1.0.0"
    ).split() == ["rel-v1.0.0"]
    shown = cli("release", "show", "v1.0.0").data
    assert shown["release"]["status"] == "tagged"
    assert [line["id"] for line in shown["tasks"]] == ["T002", "T003"]
    text = (teller.project / "CHANGELOG.md").read_text("utf-8")
    assert [word for word in ("T001", "T002", "T003") if word in text] == ["T002", "T003"]
    moves = [one["toStage"] for one in cli("lifecycle", "history", "T001").data]
    assert sorted(moves) == sorted(STAGES[:9])
    assert {cli("show", id_).data["status"] for id_ in ("T001", "T002", "T003")} == {"done"}
    assert cli("doctor", "--only", "tasks").code == 0
