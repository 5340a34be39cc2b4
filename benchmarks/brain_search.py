"""Searching memory: time, size and recall of the vector engines, and what writing costs.

``python -m benchmarks search`` measures 10 000 and 100 000 entries; ``BENCH_SIZES="10000 1000000"``
measures others. Everything is a ratio to something run beside it: SQLite's own full-text query, a
bare vec0 statement, an exact scan with numpy.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.measure import CLEO, PYTHON, clean_env, run, table

SIZES = (10_000, 100_000)
QUERIES = 100
#: Questions at more than 100 000 entries, where SQLite's own full-text query takes seconds.
QUERIES_OF_MANY = 30
SEED = 20_260_325
TOP = 20
PROCESSES = 10
AT = "2026-03-25T14:30:15.000Z"

_SUBJECTS = """\
the parser
the scheduler
our login page
the import job
a background worker
the release script
the search index
the payment service
her laptop
the mobile client
the nightly backup
the message queue
the configuration loader
a flaky test
the database migration
the cache layer
the onboarding guide
the image pipeline
the billing report
the customer dashboard
""".splitlines()
_VERBS = """\
drops
retries
locks
ignores
rebuilds
duplicates
corrupts
validates
delays
compresses
logs
forgets
rejects
splits
encrypts
renames
measures
blocks
sorts
translates
""".splitlines()
_OBJECTS = """\
comments after a comma
stale sessions
every third request
unicode file names
large attachments
expired tokens
the oldest entries
time zone offsets
empty invoices
nested folders
broken symlinks
duplicate customers
slow queries
partial uploads
missing translations
currency rounding
weekly statistics
archived projects
password hashes
draft messages
""".splitlines()
_ENDS = """\
when two processes start at once
because the clock moves backwards
after an upgrade to the new driver
if the disk is nearly full
while a backup is running
unless the flag is set
on machines without a network
in the german locale
since the last refactoring
under heavy load
as the owner decided in march
which the reviewers did not expect
but only in the staging environment
so users see an old page
and nobody noticed for weeks
""".splitlines()


def sentences(count: int, seed: int = SEED) -> Iterator[str]:
    """Texts as agents write them, no two alike, about 143 characters long."""
    chance = random.Random(seed)
    for number in range(count):
        pick = chance.choice
        text = f"{pick(_SUBJECTS)} {pick(_VERBS)} {pick(_OBJECTS)} {pick(_ENDS)}"
        more = f"{pick(_SUBJECTS)} {pick(_VERBS)} {pick(_OBJECTS)}"
        yield f"Ticket {number}: {text}; {more}"


def main() -> None:
    """Print every table."""
    sizes = [int(word) for word in os.environ.get("BENCH_SIZES", "").split()] or list(SIZES)
    for size in sizes:
        rates: list[tuple[object, ...]] = []
        times: list[tuple[object, ...]] = []
        recalls: list[tuple[object, ...]] = []
        with _Project() as (folder, _):
            _measure(size, folder, rates, times, recalls)
        table(
            "Filling and embedding",
            ("entries", "reembed entries/s (≥ 5000)", "KiB per entry", "KiB per vector (≤ 1.5)"),
            rates,
        )
        table(
            f"Milliseconds of one search, {_questions(size)} questions",
            ("entries", "what", "p50", "p99", "÷ FTS5", "÷ numpy exact"),
            times,
        )
        table(
            f"The {TOP} nearest, found of those that an exact scan finds",
            ("entries", "engine", "share (≥ 0.99)"),
            recalls,
        )
    _writing()


def _questions(size: int) -> int:
    return QUERIES if size <= 100_000 else QUERIES_OF_MANY


class _Project:
    """A project in a temporary directory, with the environment set for this process too."""

    def __enter__(self) -> tuple[Path, dict[str, str]]:
        self._held = tempfile.TemporaryDirectory(prefix="cleo-bench-")
        folder = Path(self._held.name) / "project"
        folder.mkdir()
        env = clean_env(Path(self._held.name) / "home")
        run([CLEO, "init"], env, folder)
        self._before = dict(os.environ)
        os.environ.clear()
        os.environ.update(env)
        return folder, env

    def __exit__(self, *exception: object) -> None:
        os.environ.clear()
        os.environ.update(self._before)
        self._held.cleanup()


def _measure(
    size: int,
    folder: Path,
    rates: list[tuple[object, ...]],
    times: list[tuple[object, ...]],
    recalls: list[tuple[object, ...]],
) -> None:
    from cleo_brain.search import indexed
    from cleo_brain.search.vectors import vector_search
    from cleo_core import open_app

    with open_app(str(folder)) as app:
        fill(app, size)
    bare = _bytes(folder)
    with open_app(str(folder)) as app:
        started = time.perf_counter()
        app.service("brain").reembed()
        rate = size / (time.perf_counter() - started)
        db = app.store("brain")
        app.write("brain", lambda unit: unit.scalar("SELECT 1"))
        db.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        pages = db.scalar("PRAGMA page_size") * (
            db.scalar("PRAGMA page_count") - db.scalar("PRAGMA freelist_count")
        )
        rates.append((size, rate, bare / size / 1024, (pages - bare) / size / 1024))
        queries = [text.partition(": ")[2] for text in sentences(_questions(size), SEED + 1)]
        exact, truth = _exact(app)
        fts = _times(queries, lambda query: db.read(*_fts(query)[:1], **_fts(query)[1]))
        numpy_scan = _times(queries, exact)
        floors = (statistics.median(fts), statistics.median(numpy_scan))
        times.append((size, "FTS5 statement", *_figures(fts, floors)))
        times.append((size, "numpy exact scan", *_figures(numpy_scan, floors)))
        answers: dict[str, list[list[int]]] = {}
        for engine in ("resident", "vec0", "plain"):
            found: list[list[int]] = []

            def search(query: str, engine: str = engine, found: Any = found) -> None:
                arm = vector_search(app, db, query)
                if engine != "resident":
                    arm._codes = None  # type: ignore[attr-defined] # one engine is to be measured
                    here = arm._scene  # type: ignore[attr-defined]
                    of = indexed.table_for(here) if engine == "vec0" else None
                    arm._table = of  # type: ignore[attr-defined]
                found.append([seq for seq, _ in arm.nearest(64)][:TOP])

            search("warm")
            search("warm")
            found.clear()
            times.append(
                (size, f"vector arm, {engine}", *_figures(_times(queries, search), floors))
            )
            answers[engine] = found
        if hasattr(app.service("brain"), "find"):
            find = app.service("brain").find
            times.append((size, "find", *_figures(_times(queries, find), floors)))
        times += [(size, *row) for row in _against_bare(app, queries)]
        for engine, found in answers.items():
            wanted = [truth(query) for query in queries]
            shares = [
                len(set(one) & set(other)) / len(other)
                for one, other in zip(found, wanted, strict=False)
            ]
            recalls.append((size, engine, f"{statistics.mean(shares):.4f}"))


def fill(app: Any, size: int) -> None:
    """Observations by SQL, with the columns that a write derives, a thread for each hundred."""
    from cleo_brain.service import deriving
    from cleo_brain.store import entries

    constant = {
        **dict.fromkeys(entries.COLUMNS),
        "kind": "observation",
        "title": "",
        "extra": "",
        "dates": deriving.dates_of(AT),
        "tier": "short",
        "verified": 0,
        "source_confidence": "agent",
        "quality": 0.42,
        "uses": 0,
        "seen": 1,
        "last_seen_at": AT,
        "metadata_json": "{}",
        "valid_at": AT,
        "created_at": AT,
        "updated_at": AT,
    }
    lists = {name: "[]" for name in entries.TYPED["observation"] if name.endswith("_json")}
    typed = {
        **dict.fromkeys(entries.TYPED["observation"]),
        **lists,
        "type": "bugfix",
        "title_derived": 1,
        "source_type": "agent",
    }
    texts = list(sentences(size))

    def body(unit: Any, first: int) -> None:
        block = range(first, min(first + 10_000, size))
        rows, typed_rows = [], []
        for n in block:
            thread = n - n % 100
            around = [
                texts[m]
                for m in range(n - 2, n + 3)
                if m != n and thread <= m < thread + 100 and 0 <= m < size
            ]
            digest = deriving.text_hash("", texts[n])
            id_ = f"O-{n:08d}-0000"
            rows.append(
                {
                    **constant,
                    "id": id_,
                    "body": texts[n],
                    "context": "\n".join(around),
                    "thread": f"t{thread}",
                    "content_hash": digest,
                    "text_hash": digest,
                    "tokens": deriving.tokens_of(texts[n]) + 20,
                }
            )
            title = deriving.cut_title(texts[n])
            typed_rows.append({**typed, "id": id_, "title": title, "narrative": texts[n]})
        unit.executemany(entries.INSERT.partition(" RETURNING")[0], rows)
        unit.executemany(entries.TYPED_INSERT["observation"], typed_rows)

    for first in range(0, size, 10_000):
        app.write("brain", lambda unit, first=first: body(unit, first))
    app.store("brain").connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _exact(app: Any) -> tuple[Callable[[str], Any], Callable[[str], list[int]]]:
    """An exact scan with numpy over all vectors in memory, and its answer as seqs."""
    import numpy

    from cleo_brain.api import OURS
    from cleo_brain.embed import model

    rows = list(
        app.store("brain").iterate("SELECT seq, embedding FROM brain_vector_values ORDER BY seq")
    )
    seqs = numpy.array([seq for seq, _ in rows])
    values = numpy.frombuffer(b"".join(data for _, data in rows), dtype="<f4").reshape(
        -1, OURS.dims
    )

    def scan(query: str) -> Any:
        (vector,), _ = model.embed(OURS, [query], query=True)
        assert vector is not None
        scores = values @ numpy.frombuffer(vector, dtype="<f4")
        return seqs[numpy.argpartition(-scores, TOP)[:TOP]]

    return scan, lambda query: scan(query).tolist()


def _fts(query: str) -> tuple[str, dict[str, Any]]:
    words = " OR ".join(f'"{word}"' for word in query.replace(";", " ").split() if len(word) > 3)
    sql = "SELECT rowid FROM brain_fts WHERE brain_fts MATCH :words ORDER BY rank LIMIT 200"
    return sql, {"words": words}


def _against_bare(app: Any, queries: list[str]) -> list[tuple[object, ...]]:
    """The engine on sqlite-vec beside the statement alone, of the same k."""
    from cleo_brain.search import indexed
    from cleo_brain.search.vectors import vector_search
    from cleo_brain.store import vec0

    ours, bare = [], []
    db = app.store("brain")
    for query in queries[:30]:
        arm: Any = vector_search(app, db, query)
        scene = arm._scene
        of = indexed.table_for(scene)
        assert of is not None
        value = scene.vector if of == vec0.FLOAT else scene.code
        started = time.perf_counter()
        seqs = vec0.nearest(db, of, value, 128, None)
        between = time.perf_counter()
        vec0.nearest(db, of, value, 128, None)
        scene.near(seqs)
        ours.append((time.perf_counter() - between) * 1000)
        bare.append((between - started) * 1000)
    ratio = statistics.median(ours) / statistics.median(bare)
    return [(f"vec0 and rescore ÷ bare vec0, k = 128: {ratio:.2f} (≤ 1.5)", *("-",) * 4)]


def _writing() -> None:
    """What an observation costs, its size, and ten processes at once."""
    from cleo_core import open_app

    rows: list[tuple[object, ...]] = []
    texts = list(sentences(400))
    for policy, word in (("never", "without its vector"), ("always", "with its vector")):
        with _Project() as (folder, env):
            run([CLEO, "config", "set", "brain.embed", policy], env, folder)
            with open_app(str(folder)) as app:
                service = app.service("brain")
                service.observe("warm", thread="w")
                ours = _times(texts, partial(service.observe, thread="one"))
                floor = _floor(app, texts)
        ratio = statistics.median(ours) / floor
        rows.append((f"observe in a thread {word}, ms", statistics.median(ours)))
        limit = " (≤ 12)" if policy == "never" else ""
        rows.append((f"÷ one-row unit into an FTS5 table{limit}", ratio))
    with _Project() as (folder, env):
        run([CLEO, "config", "set", "brain.embed", "never"], env, folder)
        before = _bytes(folder)
        with open_app(str(folder)) as app:
            service = app.service("brain")
            for text in sentences(2_000):
                service.observe(text, thread="one")
        rows.append(
            ("KiB per observation in a thread (≤ 3.0)", (_bytes(folder) - before) / 2_048_000)
        )
    with _Project() as (folder, env):
        run([CLEO, "config", "set", "brain.embed", "never"], env, folder)
        alone = _rate(folder, env, 1, 400)
        together = _rate(folder, env, PROCESSES, 400 // PROCESSES)
        rows.append((f"{PROCESSES} processes ÷ one, same total (≥ 0.3)", together / alone))
    table("Writing", ("what", "figure"), rows)


def _floor(app: Any, texts: list[str]) -> float:
    """Milliseconds of a unit that adds one row to a full-text table and nothing else."""
    connection = app.store("brain").connection
    connection.execute("CREATE VIRTUAL TABLE bench USING fts5(text, tokenize='porter')")

    def add(text: str) -> None:
        app.write("brain", lambda unit: unit.execute("INSERT INTO bench VALUES (:t)", t=text))

    return statistics.median(_times(texts, add))


_WORKER = """\
import sys
from cleo_core import open_app
who, count = sys.argv[1], int(sys.argv[2])
with open_app(agent=who) as app:
    for n in range(count):
        app.service("brain").observe(f"{who} noticed number {n}", thread=who)
"""


def _rate(folder: Path, env: dict[str, str], processes: int, count: int) -> float:
    started = time.perf_counter()
    workers = [
        subprocess.Popen([PYTHON, "-c", _WORKER, f"agent{n}", str(count)], cwd=folder, env=env)
        for n in range(processes)
    ]
    if any(worker.wait() for worker in workers):
        raise RuntimeError("a worker failed")
    return processes * count / (time.perf_counter() - started)


def _times(items: list[str], call: Callable[[str], object]) -> list[float]:
    """Milliseconds of each call."""
    found = []
    for item in items:
        started = time.perf_counter()
        call(item)
        found.append((time.perf_counter() - started) * 1000)
    return found


def _figures(found: list[float], floors: tuple[float, float]) -> tuple[float, float, float, float]:
    middle = statistics.median(found)
    last = sorted(found)[max(0, int(len(found) * 0.99) - 1)]
    return middle, last, middle / floors[0], middle / floors[1]


def _bytes(folder: Path) -> int:
    """The store's file with its log."""
    return sum(path.stat().st_size for path in (folder / ".cleo").glob("brain.db*"))


if __name__ == "__main__":
    main()
