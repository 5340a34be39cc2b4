"""``memory reembed``: another model, kills, and what it says."""

from __future__ import annotations

import os
import random
import runpy
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_brain.api import OURS
from cleo_brain.embed import model
from cleo_brain.search import maintaining, resident, storing
from cleo_brain.search.vectors import vector_search
from cleo_brain.service import deriving
from cleo_brain.store import vec0, vectors
from cleo_core.app import App, open_app
from cleo_core.database import driver
from cleo_core.errors import CleoError, UsageError
from cleo_core.testing.fixtures import CLEO

_plugin = runpy.run_path(str(Path(__file__).with_name("hashed_words.py")))
_filling = runpy.run_path(str(Path(__file__).with_name("filling.py")))
HASHED = _plugin["MODEL"]
Open = Callable[..., App]
Cli = Callable[..., Any]


@pytest.fixture(autouse=True)
def as_in_a_new_process(monkeypatch: Any) -> None:
    monkeypatch.setattr(model, "_loaded", {})
    resident._codes.clear()
    resident._searches.clear()


def whole(app: App, model_id: str, count: int) -> None:
    """Every live entry has a vector of one model, in every table, and nothing else is there."""
    db = app.store("brain")
    state = maintaining.vector_state(app, db)
    assert (state.model, state.stored_model) == (model_id, model_id)
    assert (state.current, state.pending, state.stale, state.unindexed) == (count, 0, 0, 0)
    assert [row["model_id"] for row in db.read(vectors.MODELS)] == [model_id]
    assert db.scalar("SELECT count(*) FROM brain_vector_values") == count
    for table, dims in vec0.there(db).items():
        assert dims == state.dims
        assert len(vec0.rows(db, table)) == count
    assert vectors.mark(db, model_id) == vectors.newest(db)


class TestAnotherModel:
    @pytest.mark.guarantee(
        "brain-15",
        "Another embedding model has every entry embedded anew, and until that is done no search "
        "compares vectors of two models.",
    )
    @pytest.mark.parametrize("extension", [True, False])
    def test_every_entry_is_embedded_anew(
        self, cleo_open: Open, cleo_cli: Cli, tmp_path: Path, monkeypatch: Any, extension: bool
    ) -> None:
        with open_app() as app:
            _filling["fill"](app, _filling["texts"](700))
            app.service("brain").reembed()
            whole(app, OURS.model_id, 700)
            ours = dict(vector_search(app, app.store("brain"), "crash").nearest(700))
        _plugin["install"](tmp_path / "plugin", monkeypatch)
        app = cleo_open()
        db = app.store("brain")
        found = vector_search(app, db, "crash")
        assert (found.used, found.reason, found.pending) == (False, "model-changed", 700)
        if not extension:
            monkeypatch.setattr(maintaining, "loaded", lambda db: False)
            monkeypatch.setattr(storing, "loaded", lambda db: False)
        with pytest.raises(KeyboardInterrupt):
            app.service("brain").reembed(batch=300, progress=_interrupt)
        halfway = vector_search(app, db, "crash")
        assert (halfway.used, halfway.model, halfway.pending) == (True, HASHED, 400)
        scores = dict(halfway.nearest(1000))
        assert len(scores) == 700
        assert halfway.cosines(range(1, 701)) == scores
        done = app.service("brain").reembed()
        assert (done.model, done.embedded, done.current, done.replaced) == (HASHED, 400, 700, 400)
        if not extension:
            monkeypatch.setattr(maintaining, "loaded", vec0.is_loaded)
            monkeypatch.setattr(storing, "loaded", vec0.is_loaded)
            maintaining.maintain_vectors(app, lambda body: app.write("brain", body))
        whole(app, HASHED, 700)
        after = dict(vector_search(app, db, "crash").nearest(1000))
        assert after == scores
        assert after != ours

    def test_few_entries_are_embedded_in_memory_at_once(
        self, cleo_open: Open, tmp_path: Path, monkeypatch: Any
    ) -> None:
        with open_app() as app:
            app.service("brain").observe("the login crashes")
            app.service("brain").reembed()
        _plugin["install"](tmp_path / "plugin", monkeypatch)
        app = cleo_open()
        found = vector_search(app, app.store("brain"), "login")
        assert (found.used, found.model, found.pending) == (True, HASHED, 1)
        assert [seq for seq, _ in found.nearest(3)] == [1]

    def test_a_model_of_another_size_under_the_same_name_is_refused(
        self, cleo_open: Open, tmp_path: Path, monkeypatch: Any
    ) -> None:
        _plugin["install"](tmp_path / "plugin", monkeypatch)
        app = cleo_open()
        app.service("brain").observe("something")
        add = {"model": HASHED, "dims": 64, "now": "2026-01-01T00:00:00.000Z"}
        app.write("brain", lambda unit: unit.execute(vectors.ADD_MODEL, **add))
        assert vector_search(app, app.store("brain"), "x").reason == "embedder-failed"
        with pytest.raises(CleoError) as refused:
            app.service("brain").reembed()
        assert refused.value.exit == 6

    def test_another_model_may_be_named(
        self, cleo_cli: Cli, cleo_project: Path, tmp_path: Path, monkeypatch: Any
    ) -> None:
        _plugin["install"](tmp_path / "plugin", monkeypatch)
        cleo_cli("observe", "something")
        assert cleo_cli("memory", "reembed").data["model"] == HASHED
        assert cleo_cli("memory", "reembed", "--model", OURS.model_id).data["replaced"] == 1
        again = cleo_cli("memory", "reembed", "--model", OURS.model_id).data
        assert (again["embedded"], again["current"]) == (0, 1)


def _interrupt(what: str, done: int, total: int | None) -> None:
    raise KeyboardInterrupt


class TestKilled:
    @pytest.mark.guarantee(
        "brain-15", "A run of reembed that was killed is finished by the next one."
    )
    def test_at_random_points_and_run_again(
        self, cleo_app: App, cleo_project: Path, cleo_cli: Cli
    ) -> None:
        _filling["fill"](cleo_app, _filling["texts"](2_000))
        cleo_app.close()
        chance = random.Random(11)
        killed = 0
        for _ in range(4):
            process = subprocess.Popen(
                [*CLEO, "memory", "reembed", "--batch", "64", "--all"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=os.environ,
            )
            time.sleep(chance.uniform(0.3, 1.2))
            process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL
            with open_app() as app:
                db = app.store("brain")
                count = db.scalar("SELECT count(*) FROM brain_vectors")
                assert db.scalar("SELECT count(*) FROM brain_vector_values") == count
                for table in vec0.there(db):
                    indexed = db.scalar("SELECT count(*) FROM brain_vectors WHERE indexed")
                    assert len(vec0.rows(db, table)) == indexed
        assert killed
        assert cleo_cli("memory", "reembed").data["current"] == 2_000
        with open_app() as app:
            whole(app, OURS.model_id, 2_000)

    def test_at_every_statement(self, cleo_faults: Any, cleo_cli: Cli, cleo_project: Path) -> None:
        for number in range(3):
            cleo_cli("observe", f"note {number}")
        for at in cleo_faults.points("memory", "reembed", "--all"):
            cleo_faults.killed_at(at, "memory", "reembed", "--all")
            with open_app() as app:
                db = app.store("brain")
                values = db.scalar("SELECT count(*) FROM brain_vector_values")
                assert db.scalar("SELECT count(*) FROM brain_vectors") == values
                assert len(vector_search(app, db, "note").nearest(9)) == 3
        assert cleo_cli("memory", "reembed").data["current"] == 3
        with open_app() as app:
            whole(app, OURS.model_id, 3)


@pytest.mark.guarantee(
    "brain-15", "A text that was changed is found by its new meaning and not by the old one."
)
@pytest.mark.parametrize("through", ["pending", "reembedded"])
def test_the_old_wording_of_a_note_is_gone(cleo_app: App, through: str) -> None:
    from cleo_brain.service.work import Verbs
    from cleo_brain.service.writing import Draft, store

    typed = {
        "content": "feed the giraffe",
        "status": "active",
        "color": "yellow",
        "priority": "low",
        "converted_to": None,
        "expires_at": None,
    }
    draft = Draft("sticky", typed, "agent")
    Verbs(cleo_app).write("sticky.add", lambda work: store(work, draft))
    for number in range(5):
        cleo_app.service("brain").observe(f"an unrelated remark, number {number}")
    cleo_app.service("brain").reembed()
    db = cleo_app.store("brain")
    (seq, before), *_ = vector_search(cleo_app, db, "giraffe").nearest(1)
    assert seq == 1
    new = "pay the invoice"

    def edit(unit: Any) -> None:
        unit.execute(
            "UPDATE brain_entries SET body = :new, text_hash = :hash WHERE seq = 1",
            new=new,
            hash=deriving.text_hash("", new),
        )

    cleo_app.write("brain", edit)
    if through == "reembedded":
        assert cleo_app.service("brain").reembed().embedded == 1
        assert len(vec0.rows(db, vec0.BIT)) == 6
    found = vector_search(cleo_app, db, "giraffe")
    assert found.pending == (1 if through == "pending" else 0)
    assert found.cosines([1])[1] < before / 2
    assert vector_search(cleo_app, db, "settle the bill").nearest(1)[0][0] == 1


class TestInput:
    @pytest.mark.parametrize("batch", [0, -1, 10_001, True, "8", 2.5, None])
    def test_a_batch_that_is_no_number_of_entries_is_refused(
        self, cleo_app: App, batch: Any
    ) -> None:
        with pytest.raises(UsageError):
            cleo_app.service("brain").reembed(batch=batch)

    @pytest.mark.parametrize("name", ["", "a\0b", "\ud800", "x" * 100_000, 7])
    def test_a_model_that_nobody_offers_is_refused(self, cleo_app: App, name: Any) -> None:
        with pytest.raises(UsageError) as refused:
            cleo_app.service("brain").reembed(model=name)
        assert len(refused.value.message) < 500

    def test_a_dry_run_counts_and_changes_nothing(
        self, cleo_cli: Cli, cleo_project: Path, frozen_bytes: Any
    ) -> None:
        for number in range(3):
            cleo_cli("observe", f"note {number}")
        with frozen_bytes(cleo_project):
            done = cleo_cli("memory", "reembed", "--dry-run").data
        assert (done["embedded"], done["current"]) == (3, 0)
        assert cleo_cli("memory", "reembed").data["embedded"] == 3

    def test_without_the_extra_it_says_how_to_get_it(
        self, cleo_cli: Cli, cleo_project: Path, monkeypatch: Any
    ) -> None:
        from cleo_brain.embed import choosing

        monkeypatch.setattr(choosing, "_is_there", lambda module: False)
        error = cleo_cli("memory", "reembed").error
        assert (error["code"], error["exit"]) == ("E_EXTRA_MISSING", 5)
        assert error["fix"] == "pip install 'cleo-brain[wordllama]'"

    def test_on_an_empty_store_there_is_nothing_to_do(
        self, cleo_cli: Cli, cleo_project: Path
    ) -> None:
        done = cleo_cli("memory", "reembed", "--human")
        assert done.code == 0
        assert "0 embedded" in done.out


@pytest.mark.parametrize("write", [vec0.insert, vec0.delete])
def test_a_disk_that_fails_under_the_extension_is_said(write: Any) -> None:
    """What sqlite-vec 0.1.9 raises then has no code, only these words."""
    words = "Internal sqlite-vec error: could not write vector blob on main.brain_vec_float"

    class Unit:
        def __init__(self, words: str) -> None:
            self.words = words

        def executemany(self, *_: Any) -> None:
            raise driver().OperationalError(self.words)

    with pytest.raises(CleoError) as caught:
        write(Unit(words), vec0.FLOAT, [])
    assert (caught.value.code, caught.value.exit) == ("E_IO", 3)
    with pytest.raises(driver().OperationalError):
        write(Unit("database is locked"), vec0.FLOAT, [])


class TestManyBlocks:
    def test_no_table_of_whole_vectors_is_filled_to_be_dropped_again(
        self, cleo_app: App, monkeypatch: Any
    ) -> None:
        monkeypatch.setattr(storing, "EXACT_UP_TO", 50)
        filled: list[str] = []
        insert = vec0.insert

        def noted(tx: Any, table: str, rows: Any) -> None:
            filled.append(table)
            insert(tx, table, rows)

        monkeypatch.setattr(vec0, "insert", noted)
        _filling["fill"](cleo_app, _filling["texts"](120))
        assert cleo_app.service("brain").reembed(batch=40).embedded == 120
        assert filled == [vec0.BIT] * 3
        whole(cleo_app, OURS.model_id, 120)

    def test_what_was_embedded_before_a_failure_is_stored(
        self, cleo_app: App, monkeypatch: Any
    ) -> None:
        embed, told = model.embed, []

        def failing(spec: Any, texts: Any, *, query: bool = False) -> Any:
            told.append(len(texts))
            if len(told) == 3:
                raise model.EmbedderError("out of words")
            return embed(spec, texts, query=query)

        _filling["fill"](cleo_app, _filling["texts"](100))
        monkeypatch.setattr(model, "embed", failing)
        with pytest.raises(CleoError, match=r"out of words\. 80 vectors were stored before"):
            cleo_app.service("brain").reembed(batch=40)
        monkeypatch.setattr(model, "embed", embed)
        assert cleo_app.service("brain").reembed(batch=40).embedded == 20
        whole(cleo_app, OURS.model_id, 100)

    def test_with_numpy_as_without_it_the_same_vectors_are_refused(self, monkeypatch: Any) -> None:
        import struct
        import sys

        pytest.importorskip("numpy")
        spec: Any = type("Spec", (), {"target": "x:y", "dims": 4, "model_id": "x"})
        pack = struct.Struct("<4f").pack
        given = [
            *(pack(1, 0, 0, 0), pack(2, 0, 0, 0), pack(0, 0, 0, 0), pack(float("nan"), 0, 0, 0)),
            *(pack(float("inf"), 0, 0, 0), b"short", None, "text", bytearray(pack(0, 1, 0, 0))),
        ]
        embedder = type("Embedder", (), {"embed": lambda self, texts, query: given})()
        monkeypatch.setitem(model._loaded, "x:y", embedder)
        fast = model.embed(spec, ["w"] * len(given))
        monkeypatch.delitem(sys.modules, "numpy")
        assert model.embed(spec, ["w"] * len(given)) == fast
        assert fast.vectors[:2] == [pack(1, 0, 0, 0)] * 2
        assert sorted(fast.failed) == [2, 3, 4, 5, 7]
