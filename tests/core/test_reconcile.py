"""``cleo reconcile``: stale references are found by state and mended as declared, or not at all."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import App, open_app
from cleo_core.database import connect_for_copy
from cleo_core.errors import CleoError
from cleo_core.held import matches, steps
from cleo_core.reconcile import UNIT, reconcile
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]

FOLDER = Path(".cleo")
ANSWER = """
@hookimpl
def cleo_existing_ids(app, kind, ids):
    {answer}
"""


@pytest.fixture
def furnished(
    site: Any, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, Any]]:
    """Shelves s1 and s2, and boxes of which b1 is on s1, b2 on one that is gone, b3 on none."""

    def make(
        on_delete: str = "null",
        more: str = "",
        answer: str | None = None,
        plugin: str = "",
        constraint: str = "",
        rows: tuple[tuple[str, str | None], ...] = (("b1", "s1"), ("b2", "gone"), ("b3", None)),
    ) -> dict[str, Any]:
        owner: dict[str, Any] = {}
        if answer is not None:
            owner = {"owner": False, "more": ANSWER.format(answer=answer)}
        site.store("shelves", kind="shelf", **owner)
        site.store(
            "boxes",
            kind="box",
            reference=f'"shelf", "keep", "{on_delete}"{more}',
            more=plugin,
            constraint=constraint,
        )
        monkeypatch.setenv("CLEO_PLUGINS", "shelves,boxes")
        assert cleo_cli("init").code == 0
        execute("INSERT INTO shelves (id) VALUES ('s1'), ('s2')", store="shelves")
        for box, shelf in rows:
            execute(f"INSERT INTO boxes (id, ref) VALUES ('{box}', {quoted(shelf)})")
        return refs()

    return make


def quoted(text: str | None) -> str:
    return "NULL" if text is None else "'" + text.replace("'", "''") + "'"


def execute(*statements: str, store: str = "boxes") -> None:
    connection = connect_for_copy(f".cleo/{store}.db")
    for statement in statements:
        connection.execute(statement).fetchall()
    connection.close()


def refs() -> dict[str, Any]:
    connection = connect_for_copy(".cleo/boxes.db")
    try:
        return dict(connection.execute("SELECT id, ref FROM boxes ORDER BY id").fetchall())
    finally:
        connection.close()


def row(outcome: Outcome) -> dict[str, Any]:
    data = outcome.data if outcome.code == 0 else outcome.error["details"]
    (only,) = data["references"]
    found: dict[str, Any] = only
    return found


class TestFinding:
    @pytest.mark.guarantee(
        "operations-27", "Reconcile without --apply changes no byte and says what it would mend."
    )
    def test_a_dry_run_is_the_default_and_changes_no_byte(
        self, furnished: Any, cleo_cli: Cli, frozen_bytes: Any
    ) -> None:
        furnished()
        names = sorted(FOLDER.rglob("*"))
        with frozen_bytes(FOLDER):
            outcome = cleo_cli("reconcile")
        assert sorted(FOLDER.rglob("*")) == names
        assert outcome.data["applied"] is False
        assert outcome.envelope["meta"]["dryRun"] is True
        assert row(outcome) == {
            "reference": "boxes.ref",
            "scanned": 2,
            "missing": 1,
            "unknown": 0,
            "planned": 1,
            "repaired": 0,
        }

    def test_check_makes_findings_the_exit_6(self, furnished: Any, cleo_cli: Cli) -> None:
        furnished()
        outcome = cleo_cli("reconcile", "--check")
        assert (outcome.code, outcome.error["code"]) == (6, "E_CHECKS_FAILED")
        assert outcome.error["fix"] == "cleo reconcile --apply"
        assert row(outcome)["missing"] == 1
        human = cleo_cli("reconcile", "--check", "--human")
        assert human.code == 6
        assert "1 row would be mended" in human.out
        assert cleo_cli("reconcile", "--check", "--apply").code == 0
        assert cleo_cli("reconcile", "--check").code == 0

    def test_references_are_chosen_by_name(self, furnished: Any, cleo_cli: Cli) -> None:
        furnished(plugin=OWN.format(body="raise AssertionError('not asked')"))
        assert row(cleo_cli("reconcile", "--reference", "boxes.ref"))["missing"] == 1
        for name in ("boxes.rfe", "", "x" * 300):
            outcome = cleo_cli("reconcile", "--reference", name)
            assert (outcome.code, outcome.error["code"]) == (4, "E_NOT_FOUND")
            assert outcome.error["fix"].startswith("cleo reconcile")

    def test_ids_are_read_from_json_prefixes_and_pairs(self, furnished: Any, cleo_cli: Cli) -> None:
        values = ('["s1", "gone", "gone"]', '["s2"]', '{"a": "gone"}', "[]", "no json", "[1, null]")
        furnished(
            "keep",
            more=', id_from="json:$[*]"',
            rows=tuple((f"b{n}", v) for n, v in enumerate(values)),
        )
        found = row(cleo_cli("reconcile"))
        assert (found["scanned"], found["missing"], found["planned"]) == (3, 1, 0)

    def test_a_prefix_is_taken_off_and_other_values_are_left(
        self, furnished: Any, cleo_cli: Cli
    ) -> None:
        furnished(
            more=', id_from="prefix:shelf:"',
            rows=(("b1", "shelf:s1"), ("b2", "shelf:gone"), ("b3", "agent:gone"), ("b4", "gone")),
        )
        assert row(cleo_cli("reconcile", "--apply"))["repaired"] == 1
        assert refs() == {"b1": "shelf:s1", "b2": None, "b3": "agent:gone", "b4": "gone"}

    def test_two_columns_make_one_id(self, site: Any, furnished: Any, cleo_cli: Cli) -> None:
        furnished(answer="return frozenset({'p1:s1'} & set(ids))", rows=())
        plugin = site.root / site.package["boxes"] / "plugin.py"
        plugin.write_text(plugin.read_text().replace("boxes.boxes.ref", "boxes.boxes.label:ref"))
        plugin.write_text(plugin.read_text().replace('"keep", "null"', '"keep", "delete"'))
        execute("INSERT INTO boxes (id, label, ref) VALUES ('b1', 'p1', 's1'), ('b2', 'p1', 'x')")
        site.forget()
        importlib.invalidate_caches()
        found = row(cleo_cli("reconcile", "--apply"))
        assert (found["scanned"], found["missing"], found["repaired"]) == (2, 1, 1)
        assert refs() == {"b1": "s1"}

    @pytest.mark.parametrize(
        ("path", "document", "found"),
        [
            ("$[*]", ["a", "b"], ["a", "b"]),
            ("$.links[*].task", {"links": [{"task": "a"}, {}, {"task": "b"}]}, ["a", "b"]),
            ("$[1]", ["a", "b"], ["b"]),
            ("$.a.b", {"a": {"b": "x"}}, ["x"]),
            ('$."a.b"', {"a.b": "x"}, ["x"]),
            ("$.a[*][*]", {"a": [["x"], "y"]}, ["x"]),
            ("$", "x", ["x"]),
        ],
    )
    def test_a_path_leads_to_each_match(self, path: str, document: Any, found: list[str]) -> None:
        assert list(matches(document, steps(path))) == found

    def test_outside_a_project_nothing_of_one_is_looked_at(
        self, furnished: Any, cleo_cli: Cli, cleo_home: Path
    ) -> None:
        furnished()
        outcome = cleo_cli("reconcile", cwd=cleo_home / "home")
        assert row(outcome)["refused"] == "there is no project here"


class TestMending:
    @pytest.mark.guarantee(
        "operations-29",
        "An id that reconcile finds missing is treated like a deleted one: emptied, deleted or "
        "kept as declared.",
    )
    @pytest.mark.parametrize(
        ("on_delete", "left", "repaired"),
        [
            ("null", {"b1": "s1", "b2": None, "b3": None}, 1),
            ("delete", {"b1": "s1", "b3": None}, 1),
            ("keep", {"b1": "s1", "b2": "gone", "b3": None}, 0),
        ],
    )
    def test_a_missing_id_is_treated_like_a_deleted_one(
        self, furnished: Any, cleo_cli: Cli, on_delete: str, left: dict[str, Any], repaired: int
    ) -> None:
        furnished(on_delete)
        outcome = cleo_cli("reconcile", "--apply")
        assert (row(outcome)["missing"], row(outcome)["repaired"]) == (1, repaired)
        assert refs() == left
        again = cleo_cli("reconcile", "--apply")
        assert row(again)["repaired"] == 0
        assert again.data["snapshot"] is None
        assert refs() == left

    def test_a_copy_is_made_before_anything_is_mended(self, furnished: Any, cleo_cli: Cli) -> None:
        furnished()
        snapshot = Path(cleo_cli("reconcile", "--apply").data["snapshot"])
        connection = connect_for_copy(str(snapshot / "boxes.db"))
        assert connection.execute("SELECT ref FROM boxes WHERE id = 'b2'").fetchone() == ("gone",)
        connection.close()
        assert snapshot.name.endswith("-before-reconcile")
        assert not (snapshot / "shelves.db").exists()

    def test_without_a_copy_nothing_is_mended(
        self, furnished: Any, cleo_cli: Cli, frozen_bytes: Any
    ) -> None:
        before = furnished()
        (FOLDER / "backups").write_text("no directory")
        outcome = cleo_cli("reconcile", "--apply")
        assert outcome.code != 0
        assert outcome.error["message"].startswith("Nothing was mended")
        assert refs() == before

    def test_the_owner_mends_in_its_own_way(self, site: Any, furnished: Any, cleo_cli: Cli) -> None:
        furnished(more=', handler="PACKAGE.handlers:let_go"')
        (site.root / site.package["boxes"] / "handlers.py").write_text(
            "def let_go(unit, reference, ids):\n"
            "    return unit.execute(\"UPDATE boxes SET label = 'lost', ref = NULL WHERE ref IN\"\n"
            '        "(SELECT value FROM json_each(:ids))", ids=__import__("json").dumps(ids))\n'
        )
        importlib.invalidate_caches()
        assert row(cleo_cli("reconcile", "--apply"))["repaired"] == 1
        with open_app() as app:
            assert [one["label"] for one in app.service("boxes").list()] == ["", "lost", ""]

    @pytest.mark.guarantee(
        "operations-31", "What reconcile could not mend stands in its result and in a warning."
    )
    def test_what_cannot_be_mended_is_said(self, furnished: Any, cleo_cli: Cli) -> None:
        before = furnished(constraint="CHECK (ref IS NOT NULL OR id = 'b3')")
        outcome = cleo_cli("reconcile", "--apply")
        assert row(outcome)["repaired"] == 0
        assert "CHECK" in row(outcome)["refused"]
        assert [warning["code"] for warning in outcome.warnings] == ["W_RECONCILE_FAILED"]
        assert refs() == before
        assert cleo_cli("reconcile", "--apply", "--check").code == 6

    def test_repairs_go_in_units_of_five_hundred(
        self, furnished: Any, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        furnished()
        execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200) "
            "INSERT INTO boxes (id, ref) SELECT 'x' || i, 'none' || i FROM n"
        )
        units: list[str] = []
        from cleo_core.app import App

        real = App.write
        monkeypatch.setattr(
            App, "write", lambda self, name, body: units.append(name) or real(self, name, body)
        )
        found = row(cleo_cli("reconcile", "--apply"))
        assert (found["missing"], found["repaired"]) == (1201, 1201)
        assert units == ["boxes"] * 3
        assert UNIT == 500

    def test_what_was_made_meanwhile_is_not_taken_for_deleted(
        self, furnished: Any, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = furnished()
        from cleo_core.app import App

        def late(self: App, reason: str, stores: Any) -> None:
            execute("INSERT INTO shelves (id) VALUES ('gone')", store="shelves")

        monkeypatch.setattr(App, "backup_before", late)
        found = row(cleo_cli("reconcile", "--apply"))
        assert (found["planned"], found["repaired"]) == (1, 0)
        assert refs() == before


class TestRefusing:
    @pytest.mark.guarantee(
        "operations-28",
        "Beside an empty, missing, behind, unreadable or foreign owner's store reconcile refuses "
        "and deletes nothing.",
    )
    @pytest.mark.parametrize(
        ("spoil", "words"),
        [
            (lambda: execute("DELETE FROM shelves", store="shelves"), "has not a single shelf"),
            (lambda: (FOLDER / "shelves.db").unlink(), "could not be found out"),
            (
                lambda: execute(
                    "UPDATE alembic_version_shelves SET version_num = 'shelves_0001'",
                    store="shelves",
                ),
                "could not be found out",
            ),
            (lambda: (FOLDER / "shelves.db").write_text("rubbish"), "could not be found out"),
            (
                lambda: execute("PRAGMA application_id = 7", store="shelves"),
                "could not be found out",
            ),
        ],
        ids=["empty", "missing", "behind", "unreadable", "foreign"],
    )
    @pytest.mark.parametrize("on_delete", ["null", "delete"])
    def test_an_owner_that_cannot_say_makes_it_refuse(
        self,
        furnished: Any,
        cleo_cli: Cli,
        frozen_bytes: Any,
        spoil: Callable[[], object],
        words: str,
        on_delete: str,
    ) -> None:
        before = furnished(on_delete)
        spoil()
        with frozen_bytes(FOLDER):
            outcome = cleo_cli("reconcile", "--apply")
        assert words in row(outcome)["refused"]
        assert (row(outcome)["planned"], row(outcome)["repaired"]) == (0, 0)
        assert refs() == before

    @pytest.mark.guarantee(
        "operations-28", "With the owner's plugin uninstalled every id is unknown and stays."
    )
    def test_an_owner_that_is_not_installed_makes_it_refuse(
        self, furnished: Any, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = furnished("delete")
        monkeypatch.setenv("CLEO_PLUGINS", "boxes")
        found = row(cleo_cli("reconcile", "--apply", "--check"))
        assert (found["scanned"], found["missing"], found["unknown"]) == (2, 0, 2)
        assert found["refused"] == "whether shelf ids exist could not be found out"
        assert refs() == before

    def test_a_project_out_of_reach_says_nothing_about_another(
        self, furnished: Any, cleo_cli: Cli
    ) -> None:
        furnished(
            answer="return None if ids[0].startswith('far:') else frozenset({'near:a'} & set(ids))",
            rows=(("b1", "near:a"), ("b2", "near:gone"), ("b3", "far:a")),
        )
        found = row(cleo_cli("reconcile", "--apply"))
        assert (found["missing"], found["unknown"], found["repaired"]) == (1, 1, 1)
        assert "refused" not in found
        assert refs() == {"b1": "near:a", "b2": None, "b3": "far:a"}

    @pytest.mark.guarantee(
        "operations-28",
        "Ids of another project stay where its store shows not a single one, whatever this "
        "project's store holds.",
    )
    def test_another_projects_empty_store_makes_it_refuse(
        self, furnished: Any, cleo_cli: Cli
    ) -> None:
        before = furnished(
            answer="return frozenset({'near:a', 's1'} & set(ids))",
            rows=(("b1", "near:a"), ("b2", "near:gone"), ("b3", "far:a"), ("b4", "far:b")),
        )
        found = row(cleo_cli("reconcile", "--apply"))
        assert (found["missing"], found["planned"], found["repaired"]) == (3, 1, 1)
        assert "refused" not in found
        assert refs() == {**before, "b2": None}
        found = row(cleo_cli("reconcile", "--apply", "--check"))
        assert (found["missing"], found["planned"], found["repaired"]) == (2, 0, 0)
        assert found["refused"] == "not a single shelf of far is known to exist"
        assert refs() == {**before, "b2": None}

    def test_this_project_is_asked_for_its_own_ids_by_its_table(
        self, furnished: Any, cleo_cli: Cli
    ) -> None:
        furnished(answer="return frozenset()", rows=())
        with open_app() as app:
            id_ = app.project.id
        execute(f"INSERT INTO boxes (id, ref) VALUES ('b1', '{id_}:gone')")
        assert row(cleo_cli("reconcile", "--apply"))["repaired"] == 1
        assert refs() == {"b1": None}

    @pytest.mark.parametrize(("there", "repaired"), [("s1", 1), ("none", 0)])
    def test_a_kind_without_a_table_must_show_one_id(
        self, site: Any, furnished: Any, cleo_cli: Cli, there: str, repaired: int
    ) -> None:
        before = furnished(answer=f"return frozenset({{'{there}'}} & set(ids))")
        plugin = site.root / site.package["shelves"] / "plugin.py"
        plugin.write_text(plugin.read_text().replace('{"shelf": "shelves"}', '{"shelf": None}'))
        site.forget()
        importlib.invalidate_caches()
        found = row(cleo_cli("reconcile", "--apply"))
        assert found["repaired"] == repaired
        assert refs() == ({**before, "b2": None} if repaired else before)
        assert repaired or found["refused"] == "not a single shelf is known to exist"

    @pytest.mark.parametrize("registered", ["far", "none"])
    def test_the_ids_of_a_project_that_its_registry_does_not_know_are_missing(
        self, site: Any, furnished: Any, cleo_cli: Cli, registered: str
    ) -> None:
        before = furnished(
            answer=f"return frozenset({{'{registered}'}} & set(ids)) if kind == 'project' "
            "else frozenset()",
            rows=(("b1", "far:a"),),
        )
        plugin = site.root / site.package["shelves"] / "plugin.py"
        kinds = '{"shelf": None, "project": "shelves"}'
        plugin.write_text(plugin.read_text().replace('{"shelf": "shelves"}', kinds))
        site.forget()
        importlib.invalidate_caches()
        found = row(cleo_cli("reconcile", "--apply"))
        assert found["repaired"] == (registered == "none")
        assert refs() == (before if registered == "far" else {"b1": None})
        # A registry without a single project says nothing.
        execute("UPDATE boxes SET ref = 'far:a'")
        execute("DELETE FROM shelves", store="shelves")
        assert row(cleo_cli("reconcile", "--apply"))["repaired"] == 0

    @pytest.mark.guarantee(
        "operations-28", "A store that is replaced by an empty one while reconcile runs is refused."
    )
    @pytest.mark.parametrize("prefix", ["", "far:"])
    def test_an_owner_that_loses_every_id_meanwhile_makes_it_refuse(
        self, furnished: Any, cleo_cli: Cli, monkeypatch: pytest.MonkeyPatch, prefix: str
    ) -> None:
        before = furnished(
            answer="import os\n    if kind and os.path.exists('lost'):\n"
            "        return frozenset()\n"
            f"    return frozenset({{'{prefix}s1'}} & set(ids))",
            rows=(("b1", f"{prefix}s1"), ("b2", f"{prefix}gone")),
        )
        from cleo_core.app import App

        def replaced(self: App, reason: str, stores: Any) -> None:
            Path("lost").touch()
            execute("DELETE FROM shelves", store="shelves")

        monkeypatch.setattr(App, "backup_before", replaced)
        outcome = cleo_cli("reconcile", "--apply")
        assert (row(outcome)["planned"], row(outcome)["repaired"]) == (1, 0)
        assert "not a single shelf" in row(outcome)["refused"]
        assert [warning["code"] for warning in outcome.warnings] == ["W_RECONCILE_FAILED"]
        assert refs() == before

    @pytest.mark.parametrize("state", ["absent", "behind", "ahead", "broken"])
    def test_a_source_that_cannot_be_used_is_left(
        self, furnished: Any, cleo_cli: Cli, frozen_bytes: Any, state: str
    ) -> None:
        furnished()
        if state == "absent":
            (FOLDER / "boxes.db").unlink()
        elif state == "broken":
            execute("DELETE FROM alembic_version_boxes")
        else:
            number = {"behind": "boxes_0001", "ahead": "boxes_0009"}[state]
            execute(f"UPDATE alembic_version_boxes SET version_num = '{number}'")
        with frozen_bytes(FOLDER):
            found = row(cleo_cli("reconcile", "--apply"))
        assert found["scanned"] == 0
        assert ("refused" in found) == (state != "absent")


OWN = """
from cleo_core.api import Repair

calls = []


@hookimpl
def cleo_reconcile(app, apply):
    calls.append((apply, app.dry_run))
    {body}
"""


class TestPlugins:
    def test_what_plugins_find_on_their_own_follows(
        self, site: Any, furnished: Any, cleo_cli: Cli
    ) -> None:
        body = (
            "done = app.write('boxes', lambda unit: unit.execute(\"UPDATE boxes SET label = 'x' "
            "WHERE label = ''\")); return [Repair('boxes.labels', 3, 0, 0, done, done * apply)]"
        )
        furnished(plugin=OWN.format(body=body), rows=(("b1", "s1"),))
        outcome = cleo_cli("reconcile")
        (found,) = outcome.data["repairs"]
        assert found == {
            "plugin": "boxes",
            "reference": "boxes.labels",
            "scanned": 3,
            "missing": 0,
            "unknown": 0,
            "planned": 1,
            "repaired": 0,
        }
        assert cleo_cli("reconcile", "--check").code == 6
        applied = cleo_cli("reconcile", "--apply", "--check")
        assert applied.data["repairs"][0]["repaired"] == 1
        assert (Path(applied.data["snapshot"]) / "boxes.db").exists()
        assert cleo_cli("reconcile", "--check").code == 0
        calls = importlib.import_module(f"{site.package['boxes']}.plugin").calls
        assert calls == [(False, True), (False, True), (False, True), (True, False), (False, True)]

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ("raise RuntimeError('no idea')", "no idea"),
            ("raise SystemExit(4)", "4"),
            ("return 7", "not Repairs"),
            ("return ['boxes']", "something else than Repairs"),
            ("yield Repair('a', 1, 0, 0, 0, 0); raise KeyError('b')", "b"),
        ],
    )
    def test_a_plugin_that_fails_is_warned_of_and_stops_nothing(
        self, furnished: Any, cleo_cli: Cli, body: str, words: str
    ) -> None:
        furnished(plugin=OWN.format(body=body))
        outcome = cleo_cli("reconcile", "--apply")
        assert row(outcome)["repaired"] == 1
        (warning,) = outcome.warnings
        assert warning["code"] == "W_HOOK_FAILED"
        assert words in warning["message"]


def test_a_store_that_cannot_be_read_is_no_success(cleo_project: Path, cleo_cli: Cli) -> None:
    assert cleo_cli("add", "A task").code == 0
    for path in (cleo_project / ".cleo").glob("tasks.db*"):
        path.unlink()
    (cleo_project / ".cleo" / "tasks.db").write_text("hello")
    assert cleo_cli("reconcile").data["unread"] == ["tasks"]
    for words in (("--check",), ("--apply",)):
        error = cleo_cli("reconcile", *words).error
        assert (error["exit"], error["fix"]) == (6, "cleo doctor --only store.state")
        assert "tasks, which could not be read" in error["message"]


def test_what_is_stale_is_called_by_its_name(cleo_app: App, cleo_cli: Cli) -> None:
    cleo_app.service("tasks").add("One")
    cleo_app.write(
        "tasks", lambda unit: unit.execute("UPDATE tasks SET dependency_count = 7 WHERE seq = 1")
    )
    cleo_app.close()
    error = cleo_cli("reconcile", "--check").error
    assert error["message"] == "1 derived row is stale."


def test_the_tasks_store_is_not_emptied_by_agents_that_nobody_knows(
    cleo_project: Path, cleo_cli: Cli
) -> None:
    assert cleo_cli("add", "A task", agent="a1").code == 0
    assert cleo_cli("claim", "T001", agent="a1").code == 0
    found = {one["reference"]: one for one in cleo_cli("reconcile", "--apply").data["references"]}
    assert found["tasks.assignee"]["unknown"] == 1
    assert found["tasks.assignee"]["refused"]
    assert cleo_cli("show", "T001").data["assignee"] == "a1"


def test_python_users_get_records(furnished: Any) -> None:
    furnished()
    with open_app() as app:
        found = reconcile(app)
        assert (found.references[0].missing, found.stale_references()) == (1, 1)
        assert app.stores.examining is None
        assert app.dry_run is False
        with pytest.raises(CleoError, match="No installed plugin declares"):
            reconcile(app, names=["boxes.wrong"])
        assert reconcile(app, apply=True).stale_references() == 0
