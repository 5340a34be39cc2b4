"""A project on which verbs are tried, and which can be put back to how it was."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cleo_core import clock
from cleo_core.app import App, open_app
from cleo_core.database import Database, connect_for_copy
from cleo_core.output import ids_in
from cleo_core.testing.conformance.subject import Author, Sample, Subject, samples
from cleo_core.testing.outcome import Outcome, run_here
from cleo_core.testing.runner import job

if TYPE_CHECKING:
    from cleo_core.api import StoreSpec

#: The time of a scene, so that two runs of a verb can be compared.
NOON = 1_774_449_015.0

#: Below the root of a scene, the states of the project that are come back to.
KEPT = "kept"

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class Shared:
    """What the scenes of one class have in common, so that each thing is done once for all checks.

    :ivar root: where the scenes lie; what was made for another place is made again.
    :ivar states: calls made after the set-up -> the copy of what they left, and the last id.
    :ivar observed: samples that were run, and what was seen of that.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.id = ""
        self.number = itertools.count(1)
        self.states: dict[tuple[tuple[str, ...], ...], tuple[Path, str]] = {}
        self.observed: dict[object, Any] = {}


class Scene:
    """A project in which only the plugin under test is in use.

    :param root: a directory with ``home`` and ``work`` in it, ``work`` being the working
        directory, and the environment set to that (what the fixture ``cleo_home`` gives).
    :ivar last: an id that the last call before a sample gave.
    """

    def __init__(self, root: Path, author: Author, subject: Subject | None = None) -> None:
        self.root = root
        self.author = author
        self.subject = subject if subject is not None else Subject(author.plugin)
        self.work = root / "work"
        self.home = root / "home"
        self.last = ""
        self.shared = Shared(root)
        self._samples: list[Sample] | None = None
        self._paths: dict[str, Path] = {}

    @property
    def id(self) -> str:
        """An id that the store gave while the project was set up."""
        return self.shared.id

    @property
    def samples(self) -> list[Sample]:
        """A call of every verb."""
        if self._samples is None:
            self._samples = samples(self.subject, self.author)
        return self._samples

    def tried(self, check: str) -> Iterator[Sample]:
        """The samples that a check tries: all but those that the author leaves out."""
        for sample in self.samples:
            if not self.author.skipped(check, sample.path):
                yield sample

    @property
    def writer(self) -> Sample | None:
        """The first verb that creates something out of nothing."""
        fitting = [
            one
            for one in self.samples
            if one.verb.creates
            and not one.before
            and one.stdin is None
            and "{id}" not in " ".join(one.argv)
        ]
        return fitting[0] if fitting else None

    def prepare(
        self, *, once: type | None = None, first: Callable[[], object] | None = None
    ) -> None:
        """Make the project, run the author's set-up and keep the state to come back to.

        :param once: a class for which that is done by the first of its tests; the others get the
            files that it left, if they lie in the same place.
        :param first: called in the working directory before the project is made.
        """
        before: Shared | None = vars(once).get("_shared") if once is not None else None
        if before is not None and before.root == self.root:
            self.shared = before
            self.reset()
            return
        if first is not None:
            first()
        shutil.rmtree(self.root / KEPT, ignore_errors=True)
        self._make()
        self._keep(())
        if once is not None:
            setattr(once, "_shared", self.shared)  # noqa: B010

    def _make(self) -> None:
        self._succeed(["init", "demo"])
        for name, text in self.author.files.items():
            path = self.work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        calls: Sequence[Sequence[str]] = self.author.setup
        if not calls and self.writer is not None:
            calls = [self.writer.argv]
        for call in calls:
            self._succeed(call)
            self.shared.id = self.id or self.last

    def _keep(self, calls: tuple[tuple[str, ...], ...]) -> None:
        """Keep what the project is after some calls."""
        kept = self.root / KEPT / str(len(self.shared.states))
        for place in (self.work, self.home):
            _copy(place, kept / place.name)
        self.shared.states[calls] = (kept, self.last)

    def reset(self, sample: Sample | None = None) -> None:
        """Put the project back to what it is after the set-up and the calls before a sample."""
        calls = sample.before if sample is not None else ()
        known = calls in self.shared.states
        kept, last = self.shared.states[calls if known else ()]
        for place in (self.work, self.home):
            _put_back(str(kept / place.name), str(place))
        if known and calls:
            self.last = last
        elif calls:
            for call in calls:
                self._succeed(call)
            self._keep(calls)

    def words(self, argv: Sequence[str], **filled: str) -> list[str]:
        """A call with its placeholders filled in."""
        number = str(next(self.shared.number))
        values = {"id": self.id, "last": self.last, "n": number, **filled}
        return [_filled(word, values) for word in argv]

    def run(
        self, argv: Sequence[str], *, stdin: str | None = None, cwd: Path | None = None
    ) -> Outcome:
        """Run ``cleo`` in this process."""
        return run_here(argv, {}, None if stdin is None else stdin.encode(), cwd)

    def call(self, sample: Sample, *more: str, cwd: Path | None = None) -> Outcome:
        """Run a sample, with further words at its end."""
        return self.run([*self.words(sample.argv), *more], stdin=sample.stdin, cwd=cwd)

    def job(self, sample: Sample, *more: str, **options: Any) -> dict[str, Any]:
        """A sample to be run next, in a process of its own; the project is put back for it."""
        self.reset(sample)
        words = [*self.words(sample.argv), *more]
        return job(words, self.work, stdin=sample.stdin, **options)

    def path(self, spec: StoreSpec) -> Path:
        """Where a store's file is."""
        if spec.name not in self._paths:
            with open_app() as app:
                self._paths[spec.name] = Path(app.stores.path(spec))
        return self._paths[spec.name]

    def app(self) -> App:
        """An App on the project; the caller closes it."""
        return open_app()

    def remove(self, spec: StoreSpec) -> None:
        """Take a store's file away, as if it had never been made."""
        path = self.path(spec)
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)

    def frozen(self) -> dict[str, str]:
        """Path -> hash of every file of project and home; locks do not count."""
        found = {}
        for place in (self.work, self.home):
            start = len(str(place)) + 1
            for folder, _, names in os.walk(place):
                if os.path.basename(folder) == "locks":
                    continue
                for name in names:
                    path = os.path.join(folder, name)
                    if os.path.isfile(path):
                        with open(path, "rb", buffering=0) as file:
                            digest = hashlib.sha256(file.read()).hexdigest()
                        found[f"{place.name}/{path[start:]}"] = digest
        return found

    def rows(self, spec: StoreSpec) -> dict[str, int]:
        """Rows of every table of a store; empty where there is no file."""
        path = self.path(spec)
        return count_rows(spec, path) if path.exists() else {}

    def all_rows(self) -> dict[str, int]:
        """Rows of every table of all stores, but the idempotency keys and kept refusals."""
        return {
            f"{spec.name}.{table}": count
            for spec in self.subject.stores
            for table, count in self.rows(spec).items()
            if table != "idempotency_keys" and table not in self.author.refusals
        }

    def _succeed(self, call: Sequence[str]) -> None:
        outcome = self.run(self.words(call))
        assert outcome.code == 0, f"a call of the set-up failed: {outcome!r}"
        # A command that prints something else is the business of the check for JSON.
        with contextlib.suppress(ValueError):
            self.last = next(iter(ids_in(outcome.data)), self.last)


@contextlib.contextmanager
def stopped_clock() -> Iterator[None]:
    """The clock stands still inside."""
    clock.set_clock(lambda: NOON)
    try:
        yield
    finally:
        clock.set_clock(None)


def count_rows(spec: StoreSpec, path: Path) -> dict[str, int]:
    """Rows of every table that no other can make again."""
    from cleo_core.migrate import left_out, tables

    database = Database(str(path), spec.name, write=False)
    try:
        return {
            table: int(database.scalar(f'SELECT count(*) FROM "{table}"'))
            for table in tables(database.connection, left_out(spec))
        }
    finally:
        database.close()


def rows_but(spec: StoreSpec, path: Path, tables_left_out: Sequence[str]) -> list[Any]:
    """Every row of a store but those of some tables."""
    from cleo_core.migrate import left_out, tables

    database = Database(str(path), spec.name, write=False)
    try:
        return [
            (table, database.read(f'SELECT * FROM "{table}"'))
            for table in tables(database.connection, left_out(spec))
            if table not in tables_left_out
        ]
    finally:
        database.close()


def schema_of(path: Path) -> list[Any]:
    """The schema of a file, its application id and its revision."""
    return _read(path, rows=False)


def dump_of(path: Path) -> list[Any]:
    """Schema and rows of a file; times do not count."""
    return _read(path, rows=True)


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Names of the files that appeared, vanished or changed."""
    return sorted(name for name in {*before, *after} if before.get(name) != after.get(name))


def _read(path: Path, *, rows: bool) -> list[Any]:
    connection = connect_for_copy(str(path))
    try:
        schema = connection.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' "
            "ORDER BY type, name"
        ).fetchall()
        found: list[Any] = [connection.execute("PRAGMA application_id").fetchone(), schema]
        for kind, name, sql in schema:
            if kind != "table" or sql.upper().startswith("CREATE VIRTUAL"):
                continue
            if rows or name.startswith("alembic_version_"):
                content = connection.execute(f'SELECT * FROM "{name}"').fetchall()
                found.append((name, sorted(_TIME.sub("TIME", repr(row)) for row in content)))
        return found
    finally:
        connection.close()


def _filled(word: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        word = word.replace("{" + name + "}", value)
    return word


def _copy(source: Path, target: Path) -> None:
    """Copy a directory; its files get a time that nothing written from now on can have."""
    shutil.copytree(source, target, symlinks=True)
    for folder, _, names in os.walk(target):
        for name in names:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                written = os.stat(path).st_mtime_ns - 1_000_000_000
                os.utime(path, ns=(written, written))


def _put_back(kept: str, place: str) -> None:
    """Make a directory what a copy of it holds; what nobody has touched stays where it is.

    A file that was put back has the time of the kept one, so that whoever writes to it gives it
    another one. What is mapped into memory may keep its time, and is always put back.
    """
    with os.scandir(kept) as entries:
        wanted = {entry.name: entry for entry in entries}
    with os.scandir(place) as entries:
        there = {entry.name: entry for entry in entries}
    for name, entry in there.items():
        same = wanted.get(name)
        if same is not None and entry.is_dir(follow_symlinks=False):
            if same.is_dir(follow_symlinks=False):
                continue
        elif same is not None and not same.is_dir(follow_symlinks=False) and _alike(same, entry):
            del wanted[name]
            continue
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)
    for name, entry in wanted.items():
        target = os.path.join(place, name)
        if entry.is_dir(follow_symlinks=False):
            if not os.path.isdir(target):
                os.mkdir(target)
            _put_back(entry.path, target)
            shutil.copymode(entry.path, target)
        else:
            shutil.copy2(entry.path, target, follow_symlinks=False)


def _alike(kept: os.DirEntry[str], entry: os.DirEntry[str]) -> bool:
    """Whether a file is still what was put there."""
    if entry.name.endswith("-shm") or entry.is_symlink() or kept.is_symlink():
        return False
    one, other = kept.stat(), entry.stat()
    return (one.st_size, one.st_mtime_ns, one.st_mode) == (
        other.st_size,
        other.st_mtime_ns,
        other.st_mode,
    )
