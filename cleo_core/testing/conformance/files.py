"""Files that a store must refuse, by name and untouched."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cleo_core.database import connect_for_copy, write_new
from cleo_core.errors import CleoError
from cleo_core.testing.conformance.scene import Scene, changed

if TYPE_CHECKING:
    from cleo_core.api import StoreSpec
    from cleo_core.testing.conformance.subject import Sample

_OTHER_ID = 0x0B57AC1E


def _ahead(spec: StoreSpec, path: Path) -> None:
    _execute(path, f"UPDATE alembic_version_{spec.name} SET version_num = '{spec.name}_9999'")


def _other_lineage(spec: StoreSpec, path: Path) -> None:
    _execute(path, f"UPDATE alembic_version_{spec.name} SET version_num = 'another_0001'")


def _foreign(spec: StoreSpec, path: Path) -> None:
    _execute(path, f"PRAGMA application_id = {_OTHER_ID}")


def _swapped(spec: StoreSpec, path: Path) -> None:
    path.unlink()
    statements = (
        "CREATE TABLE alembic_version_another (version_num VARCHAR(32) NOT NULL PRIMARY KEY)",
        "INSERT INTO alembic_version_another VALUES ('another_0001')",
    )
    write_new(str(path), statements, {}, _OTHER_ID)


def _truncated(spec: StoreSpec, path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2 + 7])


def _two_versions(spec: StoreSpec, path: Path) -> None:
    table = f"alembic_version_{spec.name}"
    _execute(path, f"INSERT INTO {table} VALUES ('{spec.name}_0000')")


def _no_database(spec: StoreSpec, path: Path) -> None:
    path.write_bytes(b"these bytes are no database\n" * 200)


#: What is done to a good file, and the exit that any use of it must then have.
REFUSED: dict[str, tuple[Callable[[StoreSpec, Path], None], int]] = {
    "ahead": (_ahead, 51),
    "foreign": (_foreign, 52),
    "of another lineage": (_other_lineage, 52),
    "swapped with another store's": (_swapped, 52),
    "truncated": (_truncated, 53),
    "with two version rows": (_two_versions, 53),
    "no database": (_no_database, 53),
}


def refused_files(scene: Scene) -> Iterator[str]:
    """A file that is not this store's, or is damaged, is refused by name and left as it is.

    Core refuses it when a verb opens it, so the verbs take turns: each meets a file that is not the
    store's and one that is damaged, and the one that creates meets all.
    """
    for spec in scene.subject.stores:
        verbs = [
            sample
            for sample in scene.samples
            if len(scene.subject.stores) == 1
            and not sample.before
            and sample.path not in spec.any_revision
        ]
        for word, (spoil, exit_code) in REFUSED.items():
            scene.reset()
            path = scene.path(spec)
            with scene.app() as app:
                if not path.exists():
                    app.stores.create(spec)
            spoil(spec, path)
            alike = [
                name for name, (_, code) in REFUSED.items() if (code == 53) == (exit_code == 53)
            ]
            turn = alike.index(word)
            some = [
                sample
                for number, sample in enumerate(verbs)
                if number % len(alike) == turn or sample is scene.writer
            ]
            yield from _refused(scene, spec, path, f"a file {word}", exit_code, some)


def existence(scene: Scene) -> Iterator[str]:
    """An id is there, missing or unknown; where the file cannot say, it is never missing."""
    for spec in scene.subject.stores:
        kinds = [kind for kind, table in spec.kinds.items() if table is not None]
        if kinds and not scene.subject.functions("cleo_existing_ids"):
            yield f"store {spec.name} owns {', '.join(kinds)} and has no cleo_existing_ids"
            continue
        for kind in kinds:
            scene.reset()
            yield from _answers(scene, kind, False, "an id that is not there")
            scene.remove(spec)
            yield from _answers(scene, kind, None, "any id while the store is absent")
            for word in ("foreign", "with two version rows", "ahead"):
                scene.reset()
                if scene.path(spec).exists():
                    REFUSED[word][0](spec, scene.path(spec))
                    yield from _answers(scene, kind, None, f"any id of a file {word}")


def _refused(
    scene: Scene, spec: StoreSpec, path: Path, what: str, exit_code: int, verbs: Sequence[Sample]
) -> Iterator[str]:
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    uses: list[tuple[str, Callable[[Any], object]]] = [
        ("reading", lambda app: _touch_all(app.store(spec.name))),
        ("writing", lambda app: app.write(spec.name, _touch_all)),
    ]
    for word, use in uses:
        try:
            with scene.app() as app:
                use(app)
        except CleoError as error:
            if error.exit != exit_code:
                yield f"{what}: {word} ends with {error.code} ({error.exit}), not {exit_code}"
            if path.name not in f"{error.message} {error.details}":
                yield f"{what}: the refusal does not name {path.name}: {error.message}"
        else:
            yield f"{what} of store {spec.name} is accepted for {word}"
    if hashlib.sha256(path.read_bytes()).hexdigest() != before:
        yield f"{what} of store {spec.name} was changed"
    frozen = scene.frozen()
    for sample in verbs:
        outcome = scene.call(sample)
        if outcome.code == 1 or (outcome.code == 0 and sample is scene.writer):
            yield f"{what}: {outcome!r}"
        now = scene.frozen()
        if changed(frozen, now):
            yield f"{what}: `cleo {sample.path}` changes {changed(frozen, now)}"
        frozen = now


def _touch_all(db: Any) -> None:
    """Read every table: half a file looks whole until a page beyond its end is asked for."""
    for row in db.read("SELECT name FROM sqlite_master WHERE type = 'table'"):
        db.read(f'SELECT count(*) FROM "{row["name"]}"')


def _answers(scene: Scene, kind: str, wanted: bool | None, what: str) -> Iterator[str]:
    before = scene.frozen()
    with scene.app() as app:
        answer = app.exists(kind, ["kit-missing"])["kit-missing"]
    words = {True: "there", False: "missing", None: "unknown"}
    if answer is not wanted:
        yield f"{kind}: {what} is {words[answer]}; it must be {words[wanted]}"
    if changed(before, scene.frozen()):
        yield f"{kind}: asking for {what} changes {changed(before, scene.frozen())}"


def _execute(path: Path, sql: str) -> None:
    connection = connect_for_copy(str(path))
    try:
        connection.execute(sql)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()
