"""How files of earlier revisions get to the head, and what a crash leaves of them."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cleo_core.database import Database
from cleo_core.errors import CleoError
from cleo_core.testing.conformance.scene import Scene, changed, count_rows, dump_of, schema_of
from cleo_core.testing.conformance.subject import Author, Sample
from cleo_core.testing.runner import Runner, each_run, job, kill_points, light_modules, run_all

if TYPE_CHECKING:
    from cleo_core.api import StoreSpec

#: The same for a migration.
WARM = ("sqlalchemy", "cleo_core.migrate.upgrade", "cleo_core.backup")


def golden_upgrade(scene: Scene, author: Author) -> Iterator[str]:
    """The golden database of every revision upgrades, rows kept, and every reading verb works."""
    from cleo_core.migrate import plan

    for spec in scene.subject.stores:
        for revision in plan(spec, None).steps:
            source = author.golden / f"{revision}.db"
            if not source.exists():
                name = scene.subject.plugin.name
                yield f"there is no {source}: python -m cleo_core.testing golden {name}"
                continue
            yield from _upgrade(scene, author, spec, source, revision)


def second_upgrade(scene: Scene, author: Author) -> Iterator[str]:
    """Migrating a store at head changes no byte, and says so."""
    for spec, source in golden_files(scene, author):
        scene.reset()
        place_golden(scene, spec, source)
        first = scene.run(["migrate", "--store", spec.name])
        if first.code != 0:
            yield f"{source.name} does not migrate: {first!r}"
            continue
        before = scene.frozen()
        again = scene.run(["migrate", "--store", spec.name])
        if again.code != 0 or again.data != []:
            yield f"a second migration of {source.name} does something: {again!r}"
        if changed(before, scene.frozen()):
            yield f"a second migration of {source.name} changes {changed(before, scene.frozen())}"


def crash_while_creating(scene: Scene) -> Iterator[str]:
    """A kill at any statement of creating a store leaves none or a whole one, never a part."""
    writer = scene.writer
    package = scene.subject.package
    for spec in scene.subject.stores:
        if writer is None or spec.create == "explicit":
            continue
        scene.reset(writer)
        if not scene.path(spec).exists():
            continue
        expected = schema_of(scene.path(spec))
        scene.remove(spec)
        words = scene.words(writer.argv)
        (whole,) = run_all([job(words, scene.work, looks=(scene.work, scene.home))])
        if whole.code != 0:
            yield f"creating store {spec.name} fails: {whole!r}"
            continue
        warm = light_modules(whole, package)
        points = kill_points(whole.found)
        # What is left differs little from statement to statement; some of them show the way on.
        tenth = max(1, len(points) // 10)
        going_on = {*points[::tenth], *points[-5:]}
        jobs = _killed_creations(scene, spec, writer, words, points, going_on)
        runs = each_run(jobs, warm=warm)
        path = scene.path(spec)
        for number in points:
            one = next(runs)
            where = f"a kill at statement {number} of creating {spec.name}"
            if one.code != -9:
                yield f"{where} did not happen: {one!r}"
            elif path.exists() and schema_of(path) != expected:
                yield f"{where} leaves a part of the schema"
            if number in going_on and (again := next(runs)).code != 0:
                yield f"after a kill at statement {number} the same command fails: {again!r}"
        runs.close()


def _killed_creations(
    scene: Scene,
    spec: StoreSpec,
    writer: Sample,
    words: Sequence[str],
    points: Sequence[int],
    going_on: Collection[int],
) -> Iterator[dict[str, Any]]:
    """A run for each place of a kill, the store being absent, and after some of them another."""
    for number in points:
        scene.reset(writer)
        scene.remove(spec)
        yield job(words, scene.work, kill_at=number)
        if number in going_on:
            yield job(words, scene.work)


def crash_while_migrating(scene: Scene, author: Author) -> Iterator[str]:
    """A kill at any statement of a migration leaves the old file or the new one, rows and all."""
    older = [(spec, path) for spec, path in golden_files(scene, author) if path.stem != spec.head]
    schemas = sorted({spec.schema.partition(":")[0] for spec, _ in older})
    with Runner(warm=(*WARM, *schemas)) as runner:
        for spec, source in older:
            yield from _killed_migrations(scene, spec, source, runner)


def _killed_migrations(
    scene: Scene, spec: StoreSpec, source: Path, runner: Runner
) -> Iterator[str]:
    """A run for each place of a kill, each on the golden database as it was."""
    scene.reset()
    path = place_golden(scene, spec, source)
    old = dump_of(path)
    words = ["migrate", "--store", spec.name]
    # What is left of other files, as locks and backups, makes the database no other one.
    whole = runner.run(job(words, scene.work, looks=(path,)))
    if whole.code != 0:
        yield f"{source.name} does not migrate: {whole!r}"
        return
    new = dump_of(path)
    for number in kill_points(whole.found):
        scene.reset()
        place_golden(scene, spec, source)
        one = runner.run(job(words, scene.work, kill_at=number))
        left = dump_of(path)
        where = f"a kill at statement {number} of migrating {source.name}"
        if one.code != -9:
            yield f"{where} did not happen: {one!r}"
        elif left not in (old, new):
            yield f"{where} leaves neither the old file nor the new one"


def golden_files(scene: Scene, author: Author) -> Iterator[tuple[StoreSpec, Path]]:
    """Every golden database of the plugin's stores, oldest first."""
    for spec in scene.subject.stores:
        for path in sorted(author.golden.glob(f"{spec.name}_[0-9][0-9][0-9][0-9].db")):
            yield spec, path


def place_golden(scene: Scene, spec: StoreSpec, source: Path) -> Path:
    """Put a golden database where the project has the store, and return that place."""
    scene.remove(spec)
    path = scene.path(spec)
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, path)
    path.chmod(0o600)
    return path


def _upgrade(
    scene: Scene, author: Author, spec: StoreSpec, source: Path, revision: str
) -> Iterator[str]:
    scene.reset()
    path = place_golden(scene, spec, source)
    before = count_rows(spec, path)
    if not any(before.values()):
        yield f"{source.name} holds no row, so it proves nothing"
    try:
        with scene.app() as app:
            app.store(spec.name)
            state = app.stores.state(spec)
    except CleoError as error:
        yield f"{source.name} cannot be opened: {error.message}"
        return
    if state.state != "head":
        yield f"{source.name} is {state.state} after it was opened"
        return
    yield from lost(author, revision, source, before, count_rows(spec, path))
    database = Database(str(path), spec.name, write=False)
    try:
        if database.scalar("PRAGMA integrity_check") != "ok":
            yield f"{source.name} is damaged after its upgrade"
        if database.read("PRAGMA foreign_key_check"):
            yield f"{source.name} has rows that refer to nothing after its upgrade"
    finally:
        database.close()
    for sample in scene.tried("golden"):
        if sample.verb.reads and not sample.before and "{id}" not in " ".join(sample.argv):
            outcome = scene.call(sample)
            if outcome.code not in (0, 4, 100):
                yield f"on {source.name}, upgraded, {outcome!r}"


def lost(
    author: Author, revision: str, source: Path, before: dict[str, int], after: dict[str, int]
) -> Iterator[str]:
    """Tables that have fewer rows after the upgrade of a golden database of a revision.

    :param before: table -> rows; ``after`` alike.
    """
    number = int(revision.rpartition("_")[2])
    for table, count in before.items():
        name: str | None = table
        for step in sorted(author.moved):
            if name is not None and int(step.rpartition("_")[2]) > number:
                name = author.moved[step].get(name, name)
        if name is not None and after.get(name, 0) < count:
            kept = after.get(name)
            words = "the table is gone" if kept is None else f"{kept} are left"
            yield f"{source.name} had {count} rows in {table}; after its upgrade {words}"
