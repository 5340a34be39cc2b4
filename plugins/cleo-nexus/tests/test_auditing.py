"""What is kept of verbs that were carried out or refused, and the health of the registry."""

from __future__ import annotations

import gzip
import json
import runpy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.testing import Outcome
from cleo_core.testing.fixtures import Clock

_atlas = runpy.run_path(str(Path(__file__).with_name("atlas.py")))
refusal = _atlas["refusal"]

Cli = Callable[..., Outcome]


def test_every_verb_leaves_one_row_whether_carried_out_or_refused(atlas: Any) -> None:
    atlas.project("web")
    atlas.project("api")
    nexus = atlas.nexus("web")
    refusal(nexus.register)
    nexus.rename("api", slug="service")
    refusal(nexus.rename, "nobody", slug="x")
    nexus.permission_set("api", "write")
    nexus.sync(everything=True)
    nexus.set_health(atlas.id("web"), "healthy")
    nexus.reconcile()
    nexus.unregister("service")
    with atlas.app("web").dry_running():
        nexus.reconcile()
        refusal(nexus.unregister, "nobody")
    rows, page = nexus.audit_list()
    assert [(row["action"], row["success"], row["errorCode"]) for row in reversed(rows)] == [
        ("nexus.register", True, None),
        ("nexus.register", True, None),
        ("nexus.register", False, "E_PROJECT_EXISTS"),
        ("nexus.rename", True, None),
        ("nexus.rename", False, "E_PROJECT_UNKNOWN"),
        ("nexus.permission.set", True, None),
        ("nexus.sync", True, None),
        ("nexus.set-health", True, None),
        ("nexus.reconcile", True, None),
        ("nexus.unregister", True, None),
    ]
    assert page.total == 10
    assert all(row["gateway"] == "mutate" and row["source"] == "python" for row in rows)


def test_what_is_refused_before_anything_is_looked_at_leaves_one_row_too(atlas: Any) -> None:
    atlas.project("web")
    nexus = atlas.nexus("web")
    for call in (
        lambda: nexus.orphans(yes=True),
        lambda: nexus.orphans(prune=True, yes=True),
        lambda: nexus.clean(yes=True),
        lambda: nexus.clean(yes=True, match="["),
        lambda: nexus.clean(yes=True, missing=True),
    ):
        before = len(nexus.audit_list()[0])
        error = refusal(call)
        (row,) = nexus.audit_list()[0][: len(nexus.audit_list()[0]) - before]
        assert (row["success"], row["errorCode"]) == (False, error.code)
    refusal(nexus.clean)
    refusal(nexus.orphans)
    assert nexus.audit_list()[1].total == before + 1


def test_the_audit_is_filtered(atlas: Any, cleo_cli: Cli, cleo_clock: Clock) -> None:
    root = atlas.project("web")
    atlas.project("api")
    cleo_clock.advance(86400)
    atlas.nexus("web").unregister("api")

    def seqs(*words: str) -> list[int]:
        return [row["seq"] for row in cleo_cli("nexus", "audit", "list", *words, cwd=root).data]

    assert seqs() == [3, 2, 1]
    assert seqs("--limit", "1", "--offset", "1") == [2]
    assert seqs("--action", "nexus.unregister") == [3]
    assert seqs("--in", "web") == [1]
    # Also of a project that is no longer there.
    assert seqs("--in", atlas.id("api")) == seqs("--in", f"@{atlas.id('api')}") == [3, 2]
    assert seqs("--since", "2026-03-26") == [3]
    for words in (("--action", "X Y"), ("--since", "soon"), ("--limit", "1001")):
        assert cleo_cli("nexus", "audit", "list", *words, cwd=root).code == 2
    assert cleo_cli("nexus", "audit", "list", "--in", "nobody", cwd=root).code == 71


def test_pruning_archives_before_it_deletes(
    atlas: Any, cleo_cli: Cli, cleo_clock: Clock, frozen_bytes: Any, cleo_home: Path
) -> None:
    root = atlas.project("web")
    atlas.project("api")
    cleo_clock.advance(86400)
    atlas.nexus("web").unregister("api")
    atlas.close()
    words = ("nexus", "audit", "prune", "--before", "2026-03-26")
    with frozen_bytes(cleo_home):
        dry = cleo_cli(*words, "--dry-run", cwd=root).data
    assert dry == {"archived": 2, "deleted": 2, "path": None}
    found = cleo_cli(*words, cwd=root).data
    assert (found["archived"], found["deleted"]) == (2, 2)
    assert Path(found["path"]).parent == atlas.registry.parent / "backups" / "logs"
    with gzip.open(found["path"], "rt") as packed:
        assert [json.loads(line)["seq"] for line in packed] == [1, 2]
    left, _ = atlas.nexus("web").audit_list()
    assert [row["action"] for row in left] == ["nexus.audit.prune", "nexus.unregister"]
    assert atlas.rows("SELECT count(*) FROM nexus_schema_meta WHERE key = 'audit_prune'") == [(0,)]
    nothing = cleo_cli(*words, cwd=root)
    assert (nothing.code, nothing.error["code"]) == (100, "E_NOTHING")
    assert cleo_cli("nexus", "audit", "prune", "--before", "never", cwd=root).code == 2
    with pytest.raises(Exception, match="only when it is pruned"):
        atlas.rows("DELETE FROM nexus_audit_log")


def test_rows_that_cannot_be_archived_are_kept(
    atlas: Any, cleo_cli: Cli, cleo_clock: Clock
) -> None:
    root = atlas.project("web")
    cleo_clock.advance(86400)
    atlas.close()
    (atlas.registry.parent / "backups").write_text("in the way")
    refused = cleo_cli("nexus", "audit", "prune", "--before", "2026-03-26", cwd=root)
    assert (refused.code, refused.error["code"]) == (60, "E_ARCHIVE_FAILED")
    assert atlas.rows("SELECT count(*) FROM nexus_audit_log WHERE success = 1") == [(1,)]


def checks(cleo_cli: Cli, root: Path, name: str) -> dict[str, Any]:
    envelope = cleo_cli("doctor", "--only", f"nexus.{name}", cwd=root).envelope
    (found,) = envelope["data"]["checks"]
    return dict(found)


def test_doctor_says_where_no_project_is_where_it_is_registered(
    atlas: Any, cleo_cli: Cli, frozen_bytes: Any
) -> None:
    root = atlas.project("web")
    assert checks(cleo_cli, root, "paths")["status"] == "ok"
    for name in ("gone", "bare", "other"):
        atlas.project(name)
    atlas.close()
    shutil.rmtree(atlas.root("gone"))
    shutil.rmtree(atlas.root("bare") / ".cleo")
    atlas.set_marker("other", projectId="another-id")
    with frozen_bytes(atlas.folder):
        found = checks(cleo_cli, root, "paths")
    assert (found["status"], found["details"]["count"]) == ("warning", 3)
    assert found["details"]["projects"] == {
        "bare": "no project",
        "gone": "gone",
        "other": "another project",
    }
    assert found["fix"].startswith("cleo ")


def test_doctor_says_where_a_project_is_in_two_places(atlas: Any, cleo_cli: Cli) -> None:
    root = atlas.project("web")
    assert checks(cleo_cli, root, "copies")["status"] == "ok"
    atlas.close()
    shutil.copytree(root, atlas.root("copy"))
    # From the project itself nobody can know of it; from the copy it shows.
    assert checks(cleo_cli, root, "copies")["status"] == "ok"
    found = checks(cleo_cli, atlas.root("copy"), "copies")
    assert found["status"] == "warning"
    assert found["details"]["copies"] == {
        atlas.id("web"): [str(root), str(atlas.root("copy"))],
    }
    assert found["fix"] == f"cleo --project {atlas.root('copy')} nexus reconcile"


def test_doctor_warns_of_a_long_audit(atlas: Any, cleo_cli: Cli) -> None:
    root = atlas.project("web")
    atlas.project("api")
    assert checks(cleo_cli, root, "audit")["details"] == {"rows": 2, "limit": 100000}
    cleo_cli("config", "set", "audit.warn_rows", "1", cwd=root)
    found = checks(cleo_cli, root, "audit")
    assert (found["status"], found["fix"]) == ("warning", "cleo nexus audit prune --before DATE")


def test_doctor_has_nothing_to_say_without_a_registry(atlas: Any, cleo_cli: Cli) -> None:
    root = atlas.project("web", register=False)
    for name in ("paths", "copies", "audit"):
        assert checks(cleo_cli, root, name)["status"] == "ok"
    atlas.registry.write_bytes(b"x" * 5000)
    for name in ("paths", "copies", "audit"):
        assert checks(cleo_cli, root, name)["status"] == "unknown"
    assert not atlas.registry.with_name("nexus.db-wal").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("list",),
        ("show", "web"),
        ("status",),
        ("sync", "--all"),
        ("audit", "list"),
        ("permission", "get", "web"),
        ("permission", "set", "web", "write"),
        ("rename", "web", "--name", "Web"),
        ("reconcile",),
        ("scan", "."),
        ("clean", "--never-synced"),
        ("audit", "prune", "--before", "2099-01-01"),
        ("unregister", "web"),
    ],
)
def test_people_read_lines_and_not_markup(
    atlas: Any, cleo_cli: Cli, words: tuple[str, ...]
) -> None:
    root = atlas.project("web")
    atlas.nexus("web").rename("web", name="[bold]web[/bold]")
    found = cleo_cli("nexus", *words, "--human", cwd=root)
    assert found.code == 0, repr(found)
    assert found.out.strip()
    if words[0] in ("list", "show"):
        assert "[bold]web[/bold]" in found.out
