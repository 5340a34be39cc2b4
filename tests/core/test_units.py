"""A unit of work: guards before its commit, listeners after it, keys that make it happen once."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleo_core import database
from cleo_core.app import App
from cleo_core.database import Transaction, driver
from cleo_core.errors import CleoError
from cleo_core.references import build_changes
from cleo_core.testing import Clock, Outcome, Processes
from cleo_core.testing.fixtures import CLEO
from cleo_core.units import Unit

Cli = Callable[..., Outcome]

#: A plugin that remembers what it is asked and told, and does what a row's label says.
WITNESS = """
import sys

asked, told = [], []


@hookimpl
def cleo_guard_change(app, change):
    asked.append(change)
    for id, row in change.after.items():
        word = row.get("label", "")
        if word == "veto":
            return Veto(f"NAME does not want {id}", "cleo boxes list")
        if word == "fail in NAME":
            raise RuntimeError(f"NAME broke on {id}")
        if word == "exit in NAME":
            sys.exit(9)
        if word == "nonsense from NAME":
            return "no"
        if word == "read in NAME":
            rows = app.service("boxes").list()
            return Veto(f"NAME sees {[row['id'] for row in rows]}", "none")
        if word == "write in NAME":
            app.service("boxes").add("from a guard")


@hookimpl
def cleo_change_committed(app, change):
    told.append(change)
    for row in change.after.values():
        if row.get("label") == "fail after in NAME":
            raise RuntimeError("NAME broke too late")
        if row.get("label") == "look after":
            told.append([row["id"] for row in app.for_project(app.project.root)
                         .service("boxes").list()])
"""


@pytest.fixture
def witnesses(site: Any) -> Callable[[str], Any]:
    """Two plugins that watch, and a store to watch; gives a watching plugin's module by name."""
    site.store("boxes", kind="box")
    for name in ("alpha", "beta"):
        site.plugin(name, WITNESS.replace("NAME", name))
    return lambda name: importlib.import_module(f"{site.package[name]}.plugin")


@pytest.fixture
def app(witnesses: Any, cleo_open: Callable[..., App]) -> App:
    return cleo_open(agent="a1")


def refused(call: Callable[[], Any]) -> CleoError:
    with pytest.raises(CleoError) as caught:
        call()
    return caught.value


def boxes(app: App) -> list[str]:
    return [row["id"] for row in app.service("boxes").list()]


class TestGuards:
    def test_a_change_that_nobody_minds_is_stored(self, app: App, witnesses: Any) -> None:
        app.service("boxes").add("b1")
        assert boxes(app) == ["b1"]
        assert [len(witnesses(name).asked) for name in ("alpha", "beta")] == [1, 1]

    @pytest.mark.guarantee(
        "operations-29", "Every guard is asked, every veto is shown, and one is enough to refuse."
    )
    def test_every_veto_is_shown_and_nothing_is_stored(self, app: App, witnesses: Any) -> None:
        error = refused(lambda: app.service("boxes").add("b1", "veto"))
        assert (error.code, error.exit) == ("E_GUARD", 6)
        assert error.details["vetoes"] == [
            {"plugin": "alpha", "message": "alpha does not want b1", "fix": "cleo boxes list"},
            {"plugin": "beta", "message": "beta does not want b1", "fix": "cleo boxes list"},
        ]
        assert "alpha does not want b1" in error.message
        assert "beta does not want b1" in error.message
        assert error.fix == "cleo boxes list"
        assert boxes(app) == []
        assert witnesses("alpha").told == []

    @pytest.mark.guarantee(
        "operations-29", "A guard that fails refuses the change and says which plugin to leave out."
    )
    @pytest.mark.parametrize(
        ("label", "words"),
        [
            ("fail in beta", "beta broke on b1"),
            ("exit in beta", "9"),
            ("nonsense from beta", "it answered str, not Veto"),
            ("write in beta", "transaction"),
        ],
    )
    def test_a_guard_that_fails_refuses(
        self, app: App, cleo_cli: Cli, label: str, words: str
    ) -> None:
        outcome = cleo_cli("boxes", "add", "b1", "--label", label)
        error = outcome.error
        assert (error["code"], error["exit"]) == ("E_GUARD", 6)
        (veto,) = error["details"]["vetoes"]
        assert veto["plugin"] == "beta"
        assert veto["message"].startswith("its guard failed: ")
        assert words in veto["message"]
        assert veto["fix"].startswith("CLEO_DISABLE_PLUGINS=beta")
        assert boxes(app) == []
        without = {"CLEO_DISABLE_PLUGINS": "beta"}
        assert cleo_cli("boxes", "add", "b1", "--label", label, env=without).code == 0
        assert boxes(app) == ["b1"]

    def test_a_guard_sees_the_rows_of_the_unit_before_they_are_committed(self, app: App) -> None:
        app.service("boxes").add("b0")
        error = refused(lambda: app.service("boxes").add("b1", "read in alpha"))
        assert error.details["vetoes"][0]["message"] == "alpha sees ['b0', 'b1']"
        assert boxes(app) == ["b0"]

    def test_a_guard_is_told_what_changes_who_changes_it_and_where(
        self, app: App, witnesses: Any, cleo_project: Path
    ) -> None:
        service = app.service("boxes")
        service.add("b1", "before")
        service.relabel("b1", "after")
        service.delete("b1")
        created, updated, deleted = witnesses("alpha").asked
        assert [change.op for change in (created, updated, deleted)] == [
            *("create", "update", "delete")
        ]
        assert (created.before, created.after) == (
            {},
            {"b1": {"id": "b1", "label": "before", "ref": None}},
        )
        assert (updated.before, updated.after) == (
            {"b1": {"label": "before"}},
            {"b1": {"label": "after"}},
        )
        assert deleted.after == {}
        assert deleted.before["b1"]["label"] == "after"
        assert deleted.before["b1"]["wanted"] == 0, "a deletion brings all columns"
        for change in (created, updated, deleted):
            assert (change.store, change.kind, change.ids) == ("boxes", "box", ("b1",))
            assert (change.actor, change.request_id) == ("a1", app.request_id)
            assert change.project.root == str(cleo_project)

    def test_a_dry_run_meets_the_same_refusal(self, app: App, cleo_cli: Cli) -> None:
        refusal = cleo_cli("boxes", "add", "b1", "--label", "veto", "--dry-run")
        assert refusal.error["code"] == "E_GUARD"
        assert cleo_cli("boxes", "add", "b1", "--dry-run").code == 0
        assert boxes(app) == []

    def test_a_unit_that_changes_nothing_asks_nobody(self, app: App, witnesses: Any) -> None:
        app.write("boxes", lambda unit: unit.execute("UPDATE boxes SET label = 'x'"))
        assert witnesses("alpha").asked == []
        assert witnesses("alpha").told == []


class TestListeners:
    def test_after_the_commit_every_plugin_is_told(self, app: App, witnesses: Any) -> None:
        app.service("boxes").add("b1", "look after")
        change, seen = witnesses("alpha").told
        assert change is not None
        assert change.ids == ("b1",)
        assert seen == ["b1"], "another connection sees what is committed"
        assert witnesses("beta").told[0].ids == ("b1",)

    def test_a_listener_that_fails_is_a_warning_and_costs_nobody_anything(
        self, app: App, witnesses: Any, cleo_cli: Cli
    ) -> None:
        outcome = cleo_cli("boxes", "add", "b1", "--label", "fail after in alpha")
        assert outcome.data["id"] == "b1"
        (warning,) = outcome.warnings
        assert warning["code"] == "W_HOOK_FAILED"
        assert "alpha" in warning["message"]
        assert "alpha broke too late" in warning["message"]
        assert boxes(app) == ["b1"]
        assert len(witnesses("beta").told) == 1

    @pytest.mark.parametrize("how", ["dry run", "error", "guard"])
    def test_what_is_not_committed_is_told_to_nobody(
        self, app: App, witnesses: Any, how: str
    ) -> None:
        service = app.service("boxes")
        if how == "dry run":
            with app.dry_running():
                service.add("b1")
        elif how == "guard":
            refused(lambda: service.add("b1", "veto"))
        else:
            service.add("b1")
            witnesses("alpha").told.clear()
            with pytest.raises(driver().IntegrityError):
                service.add("b1")
        assert witnesses("alpha").told == []


class TestRehearsing:
    def test_units_see_each_other_and_nothing_stays_or_is_told(
        self, app: App, witnesses: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        before = set(tmp_path.iterdir())
        service = app.service("boxes")
        service.add("b1")
        witnesses("alpha").told.clear()
        with app.dry_running(), app.rehearsing("boxes") as copy:
            service.add("b2")
            refused(lambda: service.add("b3", "veto"))
            service.add("b4")
            assert boxes(app) == ["b1", "b2", "b4"]
            assert copy.scalar("SELECT count(*) FROM boxes") == 3
        assert boxes(app) == ["b1"]
        assert witnesses("alpha").told == []
        assert set(tmp_path.iterdir()) - before <= {tmp_path / "work"}
        service.add("b5")
        assert boxes(app) == ["b1", "b5"]

    def test_what_is_elsewhere_is_not_copied(
        self, app: App, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        service = app.service("boxes")
        service.add("b1")
        monkeypatch.setattr(app.stores, "elsewhere", lambda spec: app.store("boxes"))
        with app.dry_running(), app.rehearsing("boxes"):
            service.add("b2")
            assert boxes(app) == ["b1"]
        assert boxes(app) == ["b1"]

    def test_an_absent_store_stays_absent(self, app: App) -> None:
        path = app.stores.path(app.stores.spec("boxes"))
        os.unlink(path)
        with app.dry_running(), app.rehearsing("boxes"):
            app.service("boxes").add("b1")
        assert not os.path.exists(path)

    def test_only_a_dry_run_is_rehearsed(self, app: App) -> None:
        with pytest.raises(RuntimeError), app.rehearsing("boxes"):
            pass


class TestChanges:
    def unit(self, app: App) -> Unit:
        return Unit(app, "boxes", Transaction(None))

    def changes(self, unit: Unit) -> list[Any]:
        return build_changes(
            unit.collected, project=None, store="boxes", actor="user", request_id="r"
        )

    def test_one_change_for_each_kind_and_operation(self, app: App) -> None:
        unit = self.unit(app)
        unit.created("box", "b1", {"label": "1"})
        unit.created("box", "b2", {"label": "2"})
        unit.deleted("box", "b3", {"label": "3"})
        unit.created("lid", "l1", {})
        found = [(change.kind, change.op, change.ids) for change in self.changes(unit)]
        assert found == [
            ("box", "create", ("b1", "b2")),
            ("box", "delete", ("b3",)),
            ("lid", "create", ("l1",)),
        ]

    def test_several_updates_of_one_row_are_one(self, app: App) -> None:
        unit = self.unit(app)
        unit.updated("box", "b1", {"label": "a"}, {"label": "b"})
        unit.updated("box", "b1", {"label": "b", "ref": None}, {"label": "c", "ref": "s1"})
        (change,) = self.changes(unit)
        assert change.before == {"b1": {"label": "a", "ref": None}}
        assert change.after == {"b1": {"label": "c", "ref": "s1"}}

    def test_an_update_of_a_row_that_is_new_belongs_to_its_creation(self, app: App) -> None:
        unit = self.unit(app)
        unit.created("box", "b1", {"label": "a", "ref": None})
        unit.updated("box", "b1", {"label": "a"}, {"label": "b"})
        (change,) = self.changes(unit)
        assert (change.op, change.after) == ("create", {"b1": {"label": "b", "ref": None}})

    @given(st.lists(st.tuples(st.sampled_from("xyz"), st.sampled_from("abc"), st.integers())))
    def test_merged_updates_lead_from_the_first_value_to_the_last(
        self, steps: list[tuple[str, str, int]]
    ) -> None:
        unit = Unit.__new__(Unit)
        unit.collected = {}
        rows: dict[str, dict[str, int]] = {}
        first: dict[str, dict[str, int]] = {}
        for id_, column, value in steps:
            row = rows.setdefault(id_, {})
            before = {column: row.get(column, 0)}
            unit.updated("box", id_, before, {column: value})
            first.setdefault(id_, {}).setdefault(column, before[column])
            row[column] = value
        changes = self.changes(unit)
        assert len(changes) == bool(steps)
        for change in changes:
            assert change.before == first
            assert change.after == rows

    def test_a_unit_that_runs_again_tells_only_of_the_run_that_was_committed(
        self, app: App, witnesses: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(database.time, "sleep", lambda seconds: None)
        runs: list[int] = []

        def body(unit: Unit) -> None:
            runs.append(1)
            id_ = f"run {len(runs)}"
            unit.execute("INSERT INTO boxes (id) VALUES (:id)", id=id_)
            unit.created("box", id_, {"id": id_})
            unit.warn("W_RUN", id_)
            if len(runs) < 3:
                raise driver().OperationalError("database is locked")

        app.write("boxes", body)
        assert boxes(app) == ["run 3"]
        assert [change.ids for change in witnesses("alpha").told] == [("run 3",)]
        assert [warning["message"] for warning in app.warnings] == ["run 3"]


class TestIdempotency:
    def test_the_same_key_gives_the_first_result_again(
        self, app: App, cleo_cli: Cli, witnesses: Any
    ) -> None:
        words = ("boxes", "add", "b1", "--label", "one", "--idempotency-key", "k1")
        first, second = cleo_cli(*words), cleo_cli(*words)
        assert first.data == second.data == {"id": "b1", "label": "one", "ref": None}
        assert "replayed" not in first.envelope["meta"]
        assert second.envelope["meta"]["replayed"] is True
        assert boxes(app) == ["b1"]
        assert len(witnesses("alpha").told) == 1, "nothing changed, so nobody is told"

    def test_another_body_with_the_same_key_is_refused(self, app: App, cleo_cli: Cli) -> None:
        assert cleo_cli("boxes", "add", "b1", "--idempotency-key", "k1").code == 0
        outcome = cleo_cli("boxes", "add", "b2", "--idempotency-key", "k1")
        assert (outcome.error["code"], outcome.error["exit"]) == ("E_IDEMPOTENCY_MISMATCH", 6)
        assert "k1" in outcome.error["message"]
        assert boxes(app) == ["b1"]

    def test_without_a_key_nothing_is_remembered(self, app: App) -> None:
        service = app.service("boxes")
        service.add("b1")
        with pytest.raises(driver().IntegrityError):
            service.add("b1")
        assert app.store("boxes").scalar("SELECT count(*) FROM idempotency_keys") == 0

    def test_each_actor_and_each_verb_has_keys_of_its_own(self, app: App) -> None:
        service = app.service("boxes")
        service.add("b1", idempotency_key="k", actor="a1")
        service.add("b2", idempotency_key="k", actor="a2")
        service.add("b3", idempotency_key="k")

        def other_verb(unit: Unit) -> str:
            return unit.idempotent("other", "k", {}, lambda: "done", encode=str, decode=str)

        assert app.write("boxes", other_verb) == "done"
        assert boxes(app) == ["b1", "b2", "b3"]
        assert not app.replayed

    def test_a_key_lasts_thirty_days(self, app: App, cleo_clock: Clock) -> None:
        service = app.service("boxes")
        cleo_clock.set("2026-03-01T00:00:00.000Z")
        service.add("b1", idempotency_key="k")
        cleo_clock.set("2026-03-30T23:59:59.000Z")
        assert service.add("b1", idempotency_key="k")["id"] == "b1"
        assert app.replayed
        cleo_clock.set("2026-03-31T00:00:01.000Z")
        with pytest.raises(driver().IntegrityError):
            service.add("b1", idempotency_key="k")
        assert service.add("b2", idempotency_key="k")["id"] == "b2"

    def test_keys_that_have_expired_go_a_hundred_at_a_time(
        self, app: App, cleo_clock: Clock
    ) -> None:
        service = app.service("boxes")
        for number in range(130):
            service.add(f"b{number}", idempotency_key=f"k{number}")
        cleo_clock.advance(31 * 24 * 3600)
        left = []
        for number in range(3):
            service.add(f"new{number}", idempotency_key=f"new{number}")
            left.append(app.store("boxes").scalar("SELECT count(*) FROM idempotency_keys"))
        assert left == [31, 2, 3]

    @pytest.mark.parametrize("how", ["dry run", "error"])
    def test_a_unit_that_was_rolled_back_leaves_its_key_free(self, app: App, how: str) -> None:
        service = app.service("boxes")
        if how == "dry run":
            with app.dry_running():
                service.add("b1", idempotency_key="k")
        else:
            refused(lambda: service.add("b1", "veto", idempotency_key="k"))
        service.add("b2", idempotency_key="k")
        assert boxes(app) == ["b2"]

    @pytest.mark.parametrize(("length", "good"), [(0, False), (1, True), (200, True), (201, False)])
    def test_a_key_has_one_to_two_hundred_characters(
        self, app: App, cleo_cli: Cli, length: int, good: bool
    ) -> None:
        outcome = cleo_cli("boxes", "add", "b1", "--idempotency-key", "ü" * length)
        assert outcome.code == (0 if good else 2), repr(outcome)

    @pytest.mark.parametrize("key", ["'; DROP TABLE boxes; --", "🔑", "a b"])
    def test_any_printable_text_is_a_key(self, app: App, key: str) -> None:
        service = app.service("boxes")
        assert service.add("b1", idempotency_key=key) == service.add("b1", idempotency_key=key)
        assert app.replayed

    def test_processes_that_race_with_one_key_get_one_row_and_one_answer(
        self, app: App, cleo_project: Path
    ) -> None:
        together = Processes(os.environ, cleo_project)
        words = ["add", "the same title", "--allow-duplicate", "--idempotency-key", "race"]
        results = together([[*CLEO, *words]] * 6)
        assert [code for code, _, _ in results] == [0] * 6, results
        answers = [json.loads(out) for _, out, _ in results]
        assert {answer["data"]["task"]["id"] for answer in answers} == {"T001"}
        assert sum(answer["meta"].get("replayed", False) for answer in answers) == 5
        assert app.store("tasks").scalar("SELECT count(*) FROM tasks") == 1


class TestTime:
    def test_all_rows_of_a_unit_have_one_time(self, app: App, cleo_clock: Clock) -> None:
        cleo_clock.set("2030-01-01T00:00:00.000Z")

        def body(unit: Unit) -> tuple[str, str]:
            before = unit.now
            cleo_clock.advance(5)
            return before, unit.now

        assert app.write("boxes", body) == ("2030-01-01T00:00:00.000Z",) * 2
