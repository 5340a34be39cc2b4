"""References between stores: asked for before a write, cleaned up after a delete."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import App, open_app
from cleo_core.database import connect_for_copy
from cleo_core.errors import CleoError
from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]

#: Ways in which nobody can say whether a shelf exists.
UNKNOWN = {
    "no plugin owns the kind": None,
    "the owner answers None": "return None",
    "the owner fails": "raise RuntimeError('no idea')",
    "the owner ends the program": "raise SystemExit(9)",
    "the owner answers a text": "return 's1 s2 s9'",
    "the owner answers a number": "return 5",
}
ANSWER = """
asked = []


@hookimpl
def cleo_existing_ids(app, kind, ids):
    asked.append((kind, ids))
    {answer}
"""
KNOWS_ALL = "return frozenset(id for id in ids if id != 'gone')"


@pytest.fixture
def furnished(site: Any, cleo_cli: Cli) -> Callable[..., App]:
    """Shelves that own their kind, and boxes with a reference to them; gives an App."""

    def make(
        on_missing: str = "keep",
        on_delete: str = "keep",
        more: str = "",
        answer: str | None = None,
        owner: bool = True,
    ) -> App:
        """``more`` is more of the reference; ``answer`` what the owner does when it is asked."""
        if answer is None:
            site.store("shelves", kind="shelf", owner=owner)
        else:
            site.store("shelves", kind="shelf", owner=False, more=ANSWER.format(answer=answer))
        site.store("boxes", kind="box", reference=f'"shelf", "{on_missing}", "{on_delete}"{more}')
        outcome = cleo_cli("init")
        assert outcome.code == 0, repr(outcome)
        assert [row["state"] for row in outcome.data["stores"]] == ["head"] * 3
        return open_app()

    return make


@pytest.fixture(autouse=True)
def _every_app_is_closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    made: list[App] = []
    real = App.__init__

    def remember(self: App, *arguments: Any, **options: Any) -> None:
        real(self, *arguments, **options)
        made.append(self)

    monkeypatch.setattr(App, "__init__", remember)
    yield
    for app in made:
        app.close()


def codes(app: App) -> list[str]:
    return [warning["code"] for warning in app.warnings]


def refs(app: App) -> dict[str, str | None]:
    return {row["id"]: row["ref"] for row in app.service("boxes").list()}


def refused(call: Callable[[], Any]) -> CleoError:
    with pytest.raises(CleoError) as caught:
        call()
    return caught.value


class TestWriting:
    @pytest.mark.parametrize("on_missing", ["reject", "null", "keep"])
    def test_an_id_that_exists_is_stored(self, furnished: Any, on_missing: str) -> None:
        app = furnished(on_missing)
        app.service("shelves").add("s1")
        app.service("boxes").add("b1", ref="s1")
        assert refs(app) == {"b1": "s1"}
        assert codes(app) == []

    @pytest.mark.guarantee(
        "operations-29",
        "A reference to what does not exist is refused, emptied or kept as declared.",
    )
    @pytest.mark.parametrize(
        ("on_missing", "stored", "warnings"),
        [
            ("reject", {}, []),
            ("null", {"b1": None}, ["W_REF_MISSING"]),
            ("keep", {"b1": "gone"}, ["W_REF_MISSING"]),
        ],
    )
    def test_a_missing_id_is_rejected_nulled_or_kept(
        self, furnished: Any, on_missing: str, stored: Any, warnings: list[str]
    ) -> None:
        app = furnished(on_missing)
        boxes = app.service("boxes")
        if on_missing == "reject":
            error = refused(lambda: boxes.add("b1", ref="gone"))
            assert (error.code, error.exit) == ("E_REFERENCE", 6)
            assert error.details == {"reference": "boxes.ref", "kind": "shelf", "ids": ["gone"]}
            assert "gone" in error.message
        else:
            assert boxes.add("b1", ref="gone")["ref"] == stored["b1"]
            assert "gone" in app.warnings[0]["message"]
        assert refs(app) == stored
        assert codes(app) == warnings

    @pytest.mark.guarantee(
        "operations-28", "Where nobody can say whether an id exists, it is never taken for missing."
    )
    @pytest.mark.parametrize("reason", UNKNOWN)
    @pytest.mark.parametrize("on_missing", ["reject", "null", "keep"])
    def test_an_unknown_id_is_stored_with_a_warning(
        self, furnished: Any, on_missing: str, reason: str
    ) -> None:
        app = furnished(on_missing, "null", answer=UNKNOWN[reason], owner=False)
        assert app.exists("shelf", ["s9"]) == {"s9": None}
        app.service("boxes").add("b1", ref="s9")
        assert refs(app) == {"b1": "s9"}
        assert "W_REF_UNCHECKED" in codes(app)
        assert "W_REF_MISSING" not in codes(app)

    @pytest.mark.parametrize(
        ("state", "statement"),
        [
            ("absent", None),
            ("ahead", "UPDATE alembic_version_shelves SET version_num = 'shelves_0009'"),
            ("behind", "UPDATE alembic_version_shelves SET version_num = 'shelves_0001'"),
            ("foreign", "PRAGMA application_id = 3"),
            ("broken", "DELETE FROM alembic_version_shelves"),
        ],
    )
    def test_an_owner_whose_store_cannot_be_asked_makes_ids_unknown(
        self, furnished: Any, state: str, statement: str | None
    ) -> None:
        app = furnished("reject", "null")
        app.service("boxes").add("b0")
        app.close()
        path = Path(".cleo/shelves.db")
        if statement is None:
            path.unlink()
        else:
            connection = connect_for_copy(str(path))
            connection.execute(statement)
            connection.close()
        app = open_app()
        assert app.stores.state(app.stores.spec("shelves")).state == state
        app.service("boxes").add("b1", ref="s1")
        assert refs(app) == {"b0": None, "b1": "s1"}
        assert codes(app) == ["W_REF_UNCHECKED"]
        assert path.exists() == (statement is not None)

    def test_a_kind_that_nobody_owns_warns_of_nothing_where_ids_are_only_kept(
        self, site: Any, cleo_cli: Cli
    ) -> None:
        site.store("boxes", kind="box", reference='"comet", "keep", "keep"')
        outcome = cleo_cli("init")
        assert outcome.code == 0
        added = cleo_cli("boxes", "add", "b1", "--ref", "C/1995 O1")
        assert added.warnings == []
        assert added.data["ref"] == "C/1995 O1"

    @pytest.mark.parametrize("on_missing", ["reject", "null"])
    @pytest.mark.parametrize("how", ["declared", "configured"])
    def test_who_asks_for_strictness_gets_a_refusal_of_what_is_unknown(
        self, furnished: Any, on_missing: str, how: str
    ) -> None:
        app = furnished(on_missing, more=", strict=True" if how == "declared" else "", owner=False)
        if how == "configured":
            app.config.set("references.strict", "true", "project")
            app = open_app()
        error = refused(lambda: app.service("boxes").add("b1", ref="s1"))
        assert (error.code, error.exit) == ("E_REFERENCE_UNKNOWN", 5)
        assert error.details["ids"] == ["s1"]
        assert refs(app) == {}

    def test_values_that_are_exempt_are_never_asked_for(self, site: Any, furnished: Any) -> None:
        app = furnished("reject", more=', exempt=("none", "*")', answer=KNOWS_ALL)
        boxes = app.service("boxes")
        for number, ref in enumerate(("none", "*", None, "")):
            boxes.add(f"b{number}", ref=ref)
        assert importlib.import_module(f"{site.package['shelves']}.plugin").asked == []
        assert app.warnings == []
        assert refused(lambda: boxes.add("b9", ref="gone")).code == "E_REFERENCE"

    def test_what_is_refused_leaves_no_trace_of_the_unit(self, furnished: Any) -> None:
        app = furnished("reject")

        def body(unit: Any) -> None:
            unit.execute("INSERT INTO boxes (id) VALUES ('half')")
            unit.check("boxes.ref", ["gone"])

        assert refused(lambda: app.write("boxes", body)).code == "E_REFERENCE"
        assert refs(app) == {}

    def test_a_check_of_many_says_which_are_which(self, furnished: Any) -> None:
        app = furnished("null")
        app.service("shelves").add("s1")
        checked = app.write(
            "boxes", lambda unit: unit.check("boxes.ref", ["s1", "x", "", "y", "x"])
        )
        assert (checked.nulled, checked.kept, checked.unknown) == (["x", "y"], [], [])


class TestAsking:
    @pytest.fixture
    def asked(self, site: Any, furnished: Any) -> tuple[App, list[Any]]:
        app = furnished(answer=KNOWS_ALL)
        asked: list[Any] = importlib.import_module(f"{site.package['shelves']}.plugin").asked
        return app, asked

    def test_ids_are_asked_for_in_blocks(self, asked: tuple[App, list[Any]]) -> None:
        app, calls = asked
        ids = [f"s{number}" for number in range(1201)]
        assert set(app.exists("shelf", [*ids, "gone"]).values()) == {True, False}
        assert [len(block) for _, block in calls] == [500, 500, 202]
        assert {kind for kind, _ in calls} == {"shelf"}

    def test_an_id_is_asked_for_once_in_a_command_and_anew_after_a_write(
        self, asked: tuple[App, list[Any]]
    ) -> None:
        app, calls = asked
        app.exists("shelf", ["s1", "s2", "s1"])
        app.exists("shelf", ["s2", "s3"])
        assert [block for _, block in calls] == [("s1", "s2"), ("s3",)]
        app.service("shelves").add("s1")
        app.exists("shelf", ["s1"])
        assert calls[-1] == ("shelf", ("s1",))
        assert len(calls) == 3

    def test_ids_of_other_projects_are_asked_for_one_project_at_a_time(
        self, asked: tuple[App, list[Any]]
    ) -> None:
        app, calls = asked
        app.exists("shelf", ["p1:a", "plain", "p2:b", "p1:c"])
        assert [block for _, block in calls] == [("p1:a", "p1:c"), ("plain",), ("p2:b",)]

    def test_only_the_owner_of_the_kind_is_asked(self, asked: tuple[App, list[Any]]) -> None:
        app, calls = asked
        assert app.exists("task", ["T001"]) == {"T001": False}
        assert calls == []


HANDLER = """
def let_go(unit, reference, ids):
    return sum(
        unit.execute("UPDATE boxes SET label = :label WHERE ref = :id", id=id,
                     label=f"{reference.name} lost {id}")
        for id in ids
    )


def fail(unit, reference, ids):
    unit.execute("DELETE FROM boxes")
    raise RuntimeError("cannot")
"""


class TestDeleting:
    def filled(self, app: App) -> App:
        for shelf in ("s1", "s2"):
            app.service("shelves").add(shelf)
        for box, shelf in (("b1", "s1"), ("b2", "s2"), ("b3", "s1"), ("b4", None)):
            app.service("boxes").add(box, ref=shelf)
        return app

    @pytest.mark.guarantee(
        "operations-29", "When its target is deleted, a reference is emptied, deleted or kept."
    )
    @pytest.mark.parametrize(
        ("on_delete", "left"),
        [
            ("null", {"b1": None, "b2": "s2", "b3": None, "b4": None}),
            ("delete", {"b2": "s2", "b4": None}),
            ("keep", {"b1": "s1", "b2": "s2", "b3": "s1", "b4": None}),
        ],
    )
    def test_what_refers_to_a_deleted_row_is_cleaned_up_as_declared(
        self, furnished: Any, on_delete: str, left: dict[str, str | None]
    ) -> None:
        app = self.filled(furnished("keep", on_delete))
        app.service("shelves").delete("s1")
        assert refs(app) == left
        assert app.warnings == []

    def test_several_deleted_rows_are_cleaned_up_after_at_once(self, furnished: Any) -> None:
        app = self.filled(furnished("keep", "null"))
        app.service("shelves").delete("s1", "s2")
        assert set(refs(app).values()) == {None}

    def test_an_owner_may_do_it_in_its_own_way(self, site: Any, furnished: Any) -> None:
        app = self.filled(furnished("keep", "null", more=', handler="PACKAGE.handlers:let_go"'))
        (site.root / site.package["boxes"] / "handlers.py").write_text(HANDLER)
        importlib.invalidate_caches()
        app.service("shelves").delete("s1")
        labels = {row["id"]: row["label"] for row in app.service("boxes").list()}
        assert labels == {"b1": "boxes.ref lost s1", "b2": "", "b3": "boxes.ref lost s1", "b4": ""}

    @pytest.mark.parametrize("handler", ["PACKAGE.handlers:fail", "PACKAGE.nowhere:at_all"])
    def test_a_way_that_fails_leaves_the_rest_to_reconcile(
        self, site: Any, furnished: Any, handler: str
    ) -> None:
        app = self.filled(furnished("keep", "null", more=f', handler="{handler}"'))
        (site.root / site.package["boxes"] / "handlers.py").write_text(HANDLER)
        importlib.invalidate_caches()
        app.service("shelves").delete("s1")
        assert [row["id"] for row in app.service("shelves").list()] == ["s2"]
        assert len(refs(app)) == 4
        assert codes(app) == ["W_RECONCILE_LATER"]

    def test_a_column_that_refuses_leaves_the_rest_to_reconcile(
        self, site: Any, cleo_cli: Cli
    ) -> None:
        site.store("shelves", kind="shelf")
        site.store(
            "boxes",
            kind="box",
            reference='"shelf", "keep", "null"',
            constraint="CHECK (ref IS NOT NULL)",
        )
        assert cleo_cli("init").code == 0
        app = open_app()
        app.service("shelves").add("s1")
        app.service("boxes").add("b1", ref="s1")
        app.service("shelves").delete("s1")
        assert (codes(app), refs(app)) == (["W_RECONCILE_LATER"], {"b1": "s1"})
        assert app.service("shelves").list() == []

    @pytest.mark.parametrize("state", ["absent", "ahead", "broken"])
    def test_a_store_that_cannot_be_written_leaves_the_rest_to_reconcile(
        self, furnished: Any, state: str
    ) -> None:
        self.filled(furnished("keep", "null")).close()
        path = Path(".cleo/boxes.db")
        if state == "absent":
            path.unlink()
        else:
            number = "boxes_0009" if state == "ahead" else ""
            connection = connect_for_copy(str(path))
            connection.execute(f"UPDATE alembic_version_boxes SET version_num = '{number}'")
            if state == "broken":
                connection.execute("DELETE FROM alembic_version_boxes")
            connection.close()
        app = open_app()
        app.service("shelves").delete("s1")
        assert [row["id"] for row in app.service("shelves").list()] == ["s2"]
        assert codes(app) == ([] if state == "absent" else ["W_RECONCILE_LATER"])
        assert path.exists() == (state != "absent")

    def test_a_store_that_is_busy_does_not_hold_the_command_up(
        self, furnished: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from cleo_core import database

        app = self.filled(furnished("keep", "null"))
        slept: list[float] = []
        monkeypatch.setattr(database.time, "sleep", slept.append)
        other = connect_for_copy(".cleo/boxes.db")
        other.execute("BEGIN IMMEDIATE")
        app.service("shelves").delete("s1")
        other.execute("ROLLBACK")
        other.close()
        assert slept == []
        assert codes(app) == ["W_RECONCILE_LATER"]
        assert refs(app)["b1"] == "s1"
        app.service("shelves").delete("s2")
        assert refs(app)["b2"] is None, "the next delete finds the store free"

    def test_a_delete_that_does_not_happen_cleans_nothing_up(self, furnished: Any) -> None:
        app = self.filled(furnished("keep", "delete"))
        with app.dry_running():
            app.service("shelves").delete("s1")
        assert len(refs(app)) == 4

        def body(unit: Any) -> None:
            unit.execute("DELETE FROM shelves WHERE id = 's1'")
            unit.deleted("shelf", "s1", {"id": "s1"})
            raise LookupError

        with pytest.raises(LookupError):
            app.write("shelves", body)
        assert len(refs(app)) == 4

    def test_the_command_that_deletes_says_what_was_left(
        self, site: Any, furnished: Any, cleo_cli: Cli
    ) -> None:
        app = self.filled(furnished("keep", "null"))
        app.close()
        connection = connect_for_copy(".cleo/boxes.db")
        connection.execute("UPDATE alembic_version_boxes SET version_num = 'boxes_0009'")
        connection.close()
        app = open_app()
        app.service("shelves").delete("s1")
        (warning,) = app.warnings
        assert warning["code"] == "W_RECONCILE_LATER"
        assert "left as they are" in warning["message"]
        assert "boxes_0009" in warning["message"]
