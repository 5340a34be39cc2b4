"""The vector arm: what it finds, with which engine, and that searching changes nothing."""

from __future__ import annotations

import json
import random
import runpy
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_brain.api import OURS
from cleo_brain.embed import model
from cleo_brain.search import indexed, maintaining, resident
from cleo_brain.search.vectors import vector_search
from cleo_brain.store import entries, vec0, vectors
from cleo_core.app import App, open_app
from cleo_core.testing.fixtures import CLEO

_plugin = runpy.run_path(str(Path(__file__).with_name("hashed_words.py")))
_filling = runpy.run_path(str(Path(__file__).with_name("filling.py")))
Open = Callable[..., App]
Cli = Callable[..., Any]

#: Without extension loading, whatever this Python can do.
NO_EXTENSIONS = {"CLEO_SQLITE": "stdlib"}

SEARCH = """
import json, sys
from cleo_core import open_app
from cleo_brain.search.vectors import vector_search
with open_app() as app:
    found = vector_search(app, app.store("brain"), sys.argv[1])
    print(json.dumps([found.used, found.engine, found.reason, found.pending, found.nearest(10)]))
"""


def search(app: App, query: str) -> Any:
    return vector_search(app, app.store("brain"), query)


def with_engine(app: App, query: str, engine: str) -> Any:
    """A search by one of the engines."""
    found = search(app, query)
    if engine == "resident":
        import numpy  # noqa: F401 # what lets the engine run

        found = search(app, query)
    else:
        found._codes = None
        found._table = indexed.table_for(found._scene) if engine == "vec0" else None
        found.engine = engine
    assert found.engine == engine
    return found


def in_process(query: str, env: dict[str, str], cwd: Path) -> Any:
    import os

    done = subprocess.run(
        [sys.executable, "-c", SEARCH, query],
        capture_output=True,
        text=True,
        env={**os.environ, **env},
        cwd=cwd,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(autouse=True)
def as_in_a_new_process(monkeypatch: Any) -> None:
    monkeypatch.setattr(model, "_loaded", {})
    resident._codes.clear()
    resident._searches.clear()


@pytest.mark.guarantee(
    "brain-11",
    "With the extra installed and nothing else done, what many short commands wrote gets vectors "
    "by itself, and a search uses them.",
)
def test_forty_processes_and_one_search(cleo_processes: Any, cleo_project: Path) -> None:
    argvs = [[*CLEO, "observe", f"Note {n} says how the scheduler retries"] for n in range(40)]
    assert {code for code, _, _ in cleo_processes(argvs)} == {0}
    with open_app() as app:
        found = search(app, "scheduler retries")
        assert found.used
        assert found.model == OURS.model_id
        assert len(found.nearest(40)) == 40
        assert app.store("brain").scalar("SELECT count(*) FROM brain_vectors") > 0
        assert found.pending <= 32


@pytest.mark.guarantee(
    "brain-12",
    "A paraphrase that shares no word with an entry finds it by meaning; nonsense finds nothing.",
)
def test_a_paraphrase_is_near_and_nonsense_is_not(cleo_cli: Cli, cleo_app: App) -> None:
    wanted = cleo_cli("observe", "The physician prescribed medicine for her illness").data["id"]
    for text in _filling["texts"](40):
        cleo_cli("observe", text)
    found = search(cleo_app, "doctor gave drugs against a disease")
    (seq, cosine), *others = found.nearest(5)
    assert entries.by_seqs(cleo_app.store("brain"), [seq])[seq]["id"] == wanted
    assert cosine >= found.floor > others[0][1]
    nonsense = search(cleo_app, "qwxz vvkpt zzyqj")
    assert all(cosine < nonsense.floor for _, cosine in nonsense.nearest(5))


class TestEngines:
    @pytest.mark.guarantee(
        "brain-13",
        "Whichever way vectors are looked through, the answer is the same, filters or not; it "
        "names the way, and works without extension loading too.",
    )
    def test_all_give_the_same_first_ten(self, cleo_app: App, cleo_project: Path) -> None:
        bodies = _filling["texts"](12_000)
        _filling["fill"](cleo_app, bodies)
        cleo_app.service("brain").reembed()
        chance = random.Random(3)
        some = sorted(chance.sample(range(1, 12_001), 3_000))
        few = some[:100]
        queries = [bodies[n][8:] for n in (5, 500, 5_000)] + ["why does the login crash", "upload"]
        for query in queries:
            for within in (None, some, few):
                answers = {
                    engine: with_engine(cleo_app, query, engine).nearest(64, within)[:10]
                    for engine in ("plain", "vec0", "resident")
                }
                assert len(answers["plain"]) == 10
                assert answers["plain"] == answers["vec0"] == answers["resident"], (query, within)
                if within is not None:
                    assert {seq for seq, _ in answers["plain"]} <= set(within)
        used, engine, _, pending, nearest = in_process(queries[0], NO_EXTENSIONS, cleo_project)
        assert (used, engine, pending) == (True, "plain", 0)
        here = with_engine(cleo_app, queries[0], "vec0").nearest(10)
        assert [seq for seq, _ in nearest] == [seq for seq, _ in here]

    def test_up_to_ten_thousand_all_are_compared_exactly(self, cleo_app: App) -> None:
        bodies = _filling["texts"](600)
        _filling["fill"](cleo_app, bodies)
        cleo_app.service("brain").reembed()
        db = cleo_app.store("brain")
        assert set(vec0.there(db)) == {vec0.BIT, vec0.FLOAT}
        exact = with_engine(cleo_app, "crash", "plain").nearest(600)
        for engine in ("vec0", "resident"):
            assert with_engine(cleo_app, "crash", engine).nearest(64) == exact[:64]
        assert len(exact) == 600

    def test_the_same_words_come_in_the_order_of_writing(self, cleo_app: App) -> None:
        service = cleo_app.service("brain")
        for number in range(80):
            service.observe("the very same words", thread=f"t{number}")
        service.reembed()
        for engine in ("plain", "vec0", "resident"):
            found = with_engine(cleo_app, "same words", engine).nearest(64)
            assert [seq for seq, _ in found] == list(range(1, 65)), engine

    def test_what_others_write_is_found_by_codes_kept_in_memory(
        self, cleo_app: App, cleo_cli: Cli
    ) -> None:
        _filling["fill"](cleo_app, _filling["texts"](100))
        cleo_app.service("brain").reembed()
        assert with_engine(cleo_app, "crash", "resident").engine == "resident"
        cleo_cli("observe", "a giraffe in the zoo", process=True)
        cleo_cli("memory", "reembed", process=True)
        found = search(cleo_app, "giraffe")
        assert found.engine == "resident"
        assert found.nearest(1)[0][0] == 101
        cleo_cli("observe", "an elephant in the zoo", process=True)
        cleo_cli("memory", "reembed", "--all", process=True)
        assert search(cleo_app, "elephant").nearest(1)[0][0] == 102

    @pytest.mark.guarantee("brain-14", "The length of a stored vector does not change its rank.")
    def test_a_vector_of_another_scale_ranks_alike(self, cleo_app: App) -> None:
        _filling["fill"](cleo_app, _filling["texts"](200))
        cleo_app.service("brain").reembed()
        before = with_engine(cleo_app, "crash in the cache", "plain").nearest(20)

        def stretch(unit: Any) -> None:
            for seq, _ in before[::2]:
                value = unit.scalar(
                    "SELECT embedding FROM brain_vector_values WHERE seq = :seq", seq=seq
                )
                longer = struct.pack("<256f", *(7 * n for n in struct.unpack("<256f", value)))
                unit.execute(
                    "UPDATE brain_vector_values SET embedding = :v WHERE seq = :seq",
                    v=longer,
                    seq=seq,
                )
                vec0.delete(unit, vec0.FLOAT, [seq])
                vec0.insert(unit, vec0.FLOAT, [(seq, longer)])

        cleo_app.write("brain", stretch)
        for engine in ("plain", "vec0", "resident"):
            found = with_engine(cleo_app, "crash in the cache", engine).nearest(20)
            assert [seq for seq, _ in found] == [seq for seq, _ in before], engine
            for (_, one), (_, other) in zip(found, before, strict=True):
                assert one == pytest.approx(other, abs=1e-6)


class TestPending:
    def test_what_has_no_vector_takes_part_and_nothing_is_written(
        self, cleo_cli: Cli, cleo_project: Path, frozen_bytes: Any
    ) -> None:
        for text in ("a giraffe in the zoo", "the invoice is overdue"):
            cleo_cli("observe", text)
        with frozen_bytes(cleo_project):
            used, engine, reason, pending, nearest = in_process("giraffe", {}, cleo_project)
        assert (used, engine, reason, pending) == (True, "plain", None, 2)
        assert nearest[0][0] == 1

    def test_only_512_of_them_are_embedded_for_a_search(self, cleo_app: App) -> None:
        _filling["fill"](cleo_app, _filling["texts"](600))
        found = search(cleo_app, "crash")
        assert found.pending == 600
        assert {seq for seq, _ in found.nearest(1000)} == set(range(89, 601))

    def test_reasons_are_given(self, cleo_app: App, cleo_cli: Cli, monkeypatch: Any) -> None:
        assert search(cleo_app, "x").reason == "no-vectors"
        cleo_cli("observe", "something")
        cleo_cli("config", "set", "brain.search.vectors", "off")
        with open_app() as app:
            assert search(app, "x").reason == "disabled"
        cleo_cli("config", "set", "brain.search.vectors", "auto")
        cleo_cli("config", "set", "brain.embedder", "none")
        with open_app() as app:
            assert search(app, "x").reason == "no-embedder"

    def test_a_query_without_anything_to_embed_finds_nothing(self, cleo_app: App) -> None:
        cleo_app.service("brain").observe("something")
        found = search(cleo_app, "")
        assert (found.used, found.nearest(5), found.cosines([1])) == (True, [], {})

    def test_an_embedder_that_fails_leaves_the_search_to_words(
        self, cleo_open: Open, tmp_path: Path, monkeypatch: Any
    ) -> None:
        _plugin["install"](tmp_path / "plugin", monkeypatch)
        monkeypatch.setenv("HASHED_WORDS", "raise")
        app = cleo_open()
        app.service("brain").observe("fine text")
        found = search(app, "spoilt query")
        assert (found.used, found.reason) == (False, "embedder-failed")
        assert app.warnings[-1]["code"] == "W_EMBEDDER_FAILED"

    def test_withdrawn_entries_and_notes_past_their_time_are_not_near(self, cleo_app: App) -> None:
        service = cleo_app.service("brain")
        old = service.observe("the giraffe sleeps in the north house")
        service.observe("the giraffe sleeps in the south house", supersedes=[old.id])
        service.reembed(all=True)
        for engine in ("plain", "vec0", "resident"):
            found = with_engine(cleo_app, "where is the giraffe", engine)
            assert [seq for seq, _ in found.nearest(5)] == [2], engine
            assert set(found.cosines([1, 2, 3])) <= {1, 2}

    def test_a_note_past_its_time_is_not_near(self, cleo_app: App) -> None:
        from cleo_brain.service.work import Verbs
        from cleo_brain.service.writing import Draft, store

        def note(expires: str | None, text: str) -> None:
            typed = {
                "content": text,
                "status": "active",
                "color": "yellow",
                "priority": "low",
                "converted_to": None,
                "expires_at": expires,
            }
            draft = Draft("sticky", typed, "agent")
            Verbs(cleo_app).write("sticky.add", lambda work: store(work, draft))

        note("2020-01-01T00:00:00.000Z", "feed the giraffe in the morning")
        note(None, "feed the giraffe in the evening")
        assert [seq for seq, _ in search(cleo_app, "giraffe").nearest(5)] == [2]
        cleo_app.service("brain").reembed()
        assert [seq for seq, _ in search(cleo_app, "giraffe").nearest(5)] == [2]


class TestWriting:
    def test_a_loaded_embedder_gives_the_vector_in_the_same_unit(self, cleo_app: App) -> None:
        service = cleo_app.service("brain")
        search(cleo_app, "loads nothing yet")
        service.observe("first")
        search(cleo_app, "loads it")
        service.observe("second")
        db = cleo_app.store("brain")
        assert vectors.seqs(db, "SELECT seq FROM brain_vectors ORDER BY seq")[-1] == 2
        cleo_app.dry_run = True
        service.observe("third")
        cleo_app.dry_run = False
        assert db.scalar("SELECT max(seq) FROM brain_vectors") == 2

    def test_always_and_never(self, cleo_cli: Cli, cleo_project: Path) -> None:
        def count() -> int:
            with open_app() as app:
                return int(app.store("brain").scalar("SELECT count(*) FROM brain_vectors"))

        cleo_cli("config", "set", "brain.embed", "always")
        cleo_cli("observe", "with its vector", process=True)
        assert count() == 1
        cleo_cli("config", "set", "brain.embed", "never")
        for number in range(40):
            cleo_cli("observe", f"without {number}")
        assert count() == 1

    def test_the_thirty_third_without_vector_has_all_embedded(
        self, cleo_cli: Cli, cleo_project: Path
    ) -> None:
        program = (
            "import sys\n"
            "from cleo_core.cli import main\n"
            "for n in range(int(sys.argv[1])):\n"
            "    main(['observe', 'note number %d of this kind' % n, '--thread', sys.argv[2]])\n"
        )
        for count, thread, wanted in ((32, "a", 0), (1, "b", 33), (31, "c", None)):
            done = subprocess.run(
                [sys.executable, "-c", program, str(count), thread], capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr
            assert done.stderr == ""
            with open_app() as app:
                db = app.store("brain")
                found = db.scalar("SELECT count(*) FROM brain_vectors")
                if wanted is not None:
                    assert found == wanted
                    assert db.scalar("SELECT count(*) FROM brain_vectors WHERE indexed") == found

    def test_forgotten_entries_leave_the_tables(self, cleo_app: App) -> None:
        service = cleo_app.service("brain")
        for number in range(3):
            service.observe(f"note {number}")
        service.reembed()

        def forget(unit: Any) -> int:
            unit.app = cleo_app
            dropped = maintaining.drop(unit, [2])
            unit.execute("DELETE FROM brain_entries WHERE seq = 2")
            return dropped

        assert cleo_app.write("brain", forget) == 1
        db = cleo_app.store("brain")
        assert vec0.rows(db, vec0.BIT) == vec0.rows(db, vec0.FLOAT) == [1, 3]
        assert vectors.seqs(db, vectors.STALE, n=9) == []
        assert db.scalar("SELECT count(*) FROM brain_vector_values") == 2


class TestWithoutExtension:
    @pytest.mark.guarantee(
        "brain-16",
        "What a Python without extension loading wrote is found, and enters the index with the "
        "next process that can load it; what it deleted never comes back.",
    )
    def test_its_rows_enter_and_its_deletions_stay(self, cleo_cli: Cli, cleo_project: Path) -> None:
        cleo_cli("observe", "a giraffe in the zoo")
        cleo_cli("observe", "an invoice that is overdue")
        cleo_cli("memory", "reembed", process=True)
        cleo_cli("observe", "a zebra in the zoo", env=NO_EXTENSIONS, process=True)
        cleo_cli("memory", "reembed", env=NO_EXTENSIONS, process=True)
        forget = (
            "from cleo_core import open_app\n"
            "from cleo_brain.search import maintaining\n"
            "with open_app() as app:\n"
            "    def body(unit):\n"
            "        unit.app = app\n"
            "        assert maintaining.drop(unit, [1]) == 1\n"
            "        unit.execute('DELETE FROM brain_entries WHERE seq = 1')\n"
            "    app.write('brain', body)\n"
        )
        import os

        done = subprocess.run(
            [sys.executable, "-c", forget],
            capture_output=True,
            text=True,
            env={**os.environ, **NO_EXTENSIONS},
        )
        assert done.returncode == 0, done.stderr
        with open_app() as app:
            db = app.store("brain")
            assert vec0.rows(db, vec0.BIT) == [1, 2]
            assert vectors.seqs(db, vectors.STALE, n=9) == [1]
            found = with_engine(app, "animals of the zoo", "vec0").nearest(5)
            assert [seq for seq, _ in found] == [3, 2]
        cleo_cli("observe", "written where it loads", process=True)
        with open_app() as app:
            db = app.store("brain")
            assert vec0.rows(db, vec0.BIT) == vec0.rows(db, vec0.FLOAT) == [2, 3]
            assert vectors.seqs(db, vectors.STALE, n=9) == []
            state = maintaining.vector_state(app, db)
            assert (state.current, state.pending, state.unindexed) == (2, 1, 0)

    def test_a_vector_replaced_without_it_counts_and_not_the_old_one(
        self, cleo_cli: Cli, cleo_project: Path
    ) -> None:
        for number in range(5):
            cleo_cli("observe", f"note {number}")
        cleo_cli("memory", "reembed", process=True)
        cleo_cli("memory", "reembed", "--all", env=NO_EXTENSIONS, process=True)
        with open_app() as app:
            db = app.store("brain")
            state = maintaining.vector_state(app, db)
            assert (state.stale, state.unindexed, state.current) == (5, 5, 5)
            assert len(with_engine(app, "note 3", "vec0").nearest(9)) == 5
            done = maintaining.maintain_vectors(app, lambda body: app.write("brain", body))
            assert done.changed == 10
            state = maintaining.vector_state(app, db)
            assert (state.stale, state.unindexed, state.current) == (0, 0, 5)
            assert sorted(vec0.rows(db, vec0.BIT)) == [1, 2, 3, 4, 5]


class TestMaintaining:
    def test_a_second_run_changes_nothing(self, cleo_app: App) -> None:
        service = cleo_app.service("brain")
        for number in range(10):
            service.observe(f"note number {number}")

        def run() -> Any:
            return maintaining.maintain_vectors(
                cleo_app, lambda body: cleo_app.write("brain", body)
            )

        cleo_app.dry_run = True
        assert run().changed == 10
        cleo_app.dry_run = False
        assert run() == (10, 10)
        assert run() == (10, 0)
        old = service.observe("note number 3 again").id
        service.observe("and once more", supersedes=[old])
        run()
        assert run().changed == 0

    def test_what_is_withdrawn_leaves_the_tables_and_comes_back(self, cleo_app: App) -> None:
        service = cleo_app.service("brain")
        for number in range(4):
            service.observe(f"note number {number}")
        service.reembed()

        def run() -> int:
            return maintaining.maintain_vectors(
                cleo_app, lambda body: cleo_app.write("brain", body)
            ).changed

        db = cleo_app.store("brain")
        withdraw = (
            "UPDATE brain_entries SET invalid_at = created_at, invalid_reason = 'evicted' "
            "WHERE seq = 2"
        )
        revive = "UPDATE brain_entries SET invalid_at = NULL, invalid_reason = NULL WHERE seq = 2"
        cleo_app.write("brain", lambda unit: unit.execute(withdraw))
        assert run() == 1
        assert sorted(vec0.rows(db, vec0.BIT)) == [1, 3, 4]
        assert run() == 0
        cleo_app.write("brain", lambda unit: unit.execute(revive))
        assert run() == 1
        assert sorted(vec0.rows(db, vec0.BIT)) == [1, 2, 3, 4]
        assert run() == 0

    def test_the_float_table_goes_above_ten_thousand_and_comes_back_below_eight(
        self, cleo_app: App, monkeypatch: Any
    ) -> None:
        from cleo_brain.search import storing

        monkeypatch.setattr(storing, "EXACT_UP_TO", 50)
        monkeypatch.setattr(maintaining, "FLOAT_AGAIN", 40)

        def run() -> int:
            return maintaining.maintain_vectors(
                cleo_app, lambda body: cleo_app.write("brain", body)
            ).changed

        _filling["fill"](cleo_app, _filling["texts"](45))
        run()
        db = cleo_app.store("brain")
        assert vec0.FLOAT in vec0.there(db)
        _filling["fill"](cleo_app, _filling["texts"](10, seed=9), first=45)
        run()
        assert set(vec0.there(db)) == {vec0.BIT}
        assert run() == 0
        cleo_app.write("brain", lambda u: u.execute("DELETE FROM brain_entries WHERE seq > 45"))
        run()
        assert set(vec0.there(db)) == {vec0.BIT}
        cleo_app.write("brain", lambda u: u.execute("DELETE FROM brain_entries WHERE seq > 30"))
        run()
        assert set(vec0.there(db)) == {vec0.BIT, vec0.FLOAT}
        assert sorted(vec0.rows(db, vec0.FLOAT)) == list(range(1, 31))
        assert run() == 0


def test_statements_on_the_tables_prepare_where_sqlite_vec_loads(cleo_app: App) -> None:
    cleo_app.service("brain").observe("something")
    cleo_app.service("brain").reembed()
    connection = cleo_app.store("brain").connection
    for sql in vec0.table_statements().values():
        names = {"seq": 1, "seqs": "[1]", "k": 1, "value": b"\0" * 32}
        connection.execute(f"EXPLAIN {sql}", names).fetchall()
