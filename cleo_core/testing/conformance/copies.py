"""What becomes of a store's rows and files in a backup set and in a bundle."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cleo_core.testing.conformance.scene import Scene, rows_but

if TYPE_CHECKING:
    from cleo_core.api import FileSpec, StoreSpec

_TIERS = ("project", "global")


def backup_and_restore(scene: Scene) -> Iterator[str]:
    """Every row and declared file comes back from a set; what no set may hold is in none."""
    scene.reset()
    kept = _Kept(scene)
    outcome = scene.run(["backup", "create", "--all"])
    if outcome.code:
        yield f"`cleo backup create` fails: {outcome!r}"
        return
    sets = {one["tier"]: one for one in outcome.data["sets"]}
    for spec in scene.subject.stores:
        yield from _in_its_set(scene, spec, kept, sets)
    _start_afresh(scene)
    mine = {spec.name for spec in scene.subject.stores}
    for tier in _TIERS:
        if any(item.get("store") in mine for item in sets.get(tier, {}).get("items", ())):
            more = ["--global"] if tier == "global" else []
            outcome = scene.run(["restore", sets[tier]["path"], *more, "--yes"])
            if outcome.code:
                yield f"`cleo restore` of a {tier} set fails: {outcome!r}"
                return
    yield from kept.differences("after `cleo restore`")


def export_and_import(scene: Scene) -> Iterator[str]:
    """Every row comes back from a bundle, which takes nothing but what the migrations make."""
    scene.reset()
    kept = _Kept(scene)
    kept.files.clear()
    bundle = str(scene.root / "kit.cleobundle")
    outcome = scene.run(["backup", "export", bundle, "--scope", "all"])
    if outcome.code:
        yield f"`cleo backup export` fails: {outcome!r}"
        return
    _start_afresh(scene)
    outcome = scene.run(["backup", "import", bundle, "--force"])
    os.unlink(bundle)
    if outcome.code:
        yield f"`cleo backup import` fails: {outcome!r}"
        return
    yield from kept.differences("after `cleo backup import`")


class _Kept:
    """Rows and declared files that sets are to hold, as they are at this moment."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.rows = {
            spec.name: (spec, rows_but(spec, scene.path(spec), ()))
            for spec in scene.subject.stores
            if spec.backup == "include" and scene.path(spec).exists()
        }
        self.files = {
            path: path.read_bytes()
            for spec in scene.subject.stores
            for declared in spec.files
            if declared.backup == "include"
            for path in [_path(scene, declared)]
            if path.exists()
        }

    def differences(self, when: str) -> Iterator[str]:
        """What is otherwise now."""
        for name, (spec, rows) in self.rows.items():
            path = self.scene.path(spec)
            if not path.exists():
                yield f"{when} store {name} has no file"
                continue
            now = dict(rows_but(spec, path, ()))
            for table, before in rows:
                if now.get(table) != before:
                    found = "is not there" if table not in now else "has other rows"
                    yield f"{when} table {table} of store {name} {found}"
        for path, content in self.files.items():
            if not path.exists() or path.read_bytes() != content:
                yield f"{when} {path.name} is not what it was"
            elif os.name != "nt" and path.stat().st_mode & 0o077:
                yield f"{when} others may read {path.name}"


def _in_its_set(
    scene: Scene, spec: StoreSpec, kept: _Kept, sets: dict[str, dict[str, Any]]
) -> Iterator[str]:
    items: Sequence[dict[str, Any]] = [item for one in sets.values() for item in one["items"]]
    there = any((item["kind"], item["name"]) == ("store", spec.name) for item in items)
    if spec.name in kept.rows and not there:
        yield f"no set holds store {spec.name}, whose backup is 'include'"
    if spec.backup != "include" and there:
        yield f"a set holds store {spec.name}, whose backup is {spec.backup!r}"
    for declared in spec.files:
        path = _path(scene, declared)
        if declared.backup == "never" and path.exists() and path.stat().st_size:
            for place in _holding(path.read_bytes(), sets):
                yield f"{place} holds {declared.name}, whose backup is 'never'"


def _holding(content: bytes, sets: dict[str, dict[str, Any]]) -> Iterator[Path]:
    """The files of some sets in which a file's content stands."""
    for one in sets.values():
        for path in sorted(Path(one["path"]).iterdir()):
            if content in path.read_bytes():
                yield path


def _start_afresh(scene: Scene) -> None:
    """Take the stores and their files away; new and empty stores are in their place."""
    for spec in scene.subject.stores:
        scene.remove(spec)
        for declared in spec.files:
            if declared.backup == "include":
                _path(scene, declared).unlink(missing_ok=True)
        if spec.backup == "include":
            with scene.app() as app:
                app.stores.create(spec)


def _path(scene: Scene, declared: FileSpec) -> Path:
    from cleo_core.paths import tier_directory

    with scene.app() as app:
        directory = tier_directory(declared.tier, app.project_or_none, app.env)
    return Path(directory, declared.name)
