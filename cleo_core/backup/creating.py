"""Sets of verified copies.

A set is a directory that appears whole or not at all: everything is written under a dotted name,
the manifest last, and the directory is renamed when all of it is on the disk.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import cleo_core
from cleo_core import clock
from cleo_core.api import Project, StoreSpec
from cleo_core.backup.copying import verified_copy, verified_database
from cleo_core.backup.files import copied_file
from cleo_core.backup.inventory import Item, machine_fingerprint, store_item
from cleo_core.backup_sets import (
    FORMAT,
    MANIFEST,
    Retention,
    manifest_hash,
    newest_age,
    pin,
    read_sets,
    rotate,
    sign,
    unsign,
    warn_not_removed,
)
from cleo_core.database import translate
from cleo_core.errors import CleoError
from cleo_core.locks import locked
from cleo_core.paths import ensure_directory
from cleo_core.paths.files import sync_directory
from cleo_core.progress import Progress
from cleo_core.space import require_space

if TYPE_CHECKING:
    from cleo_core.stores import Stores

_REASON = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def create_set(
    directory: str,
    tier: str,
    reason: str,
    items: Sequence[Item],
    *,
    project: Project | None,
    plugin_versions: Mapping[str, str],
    note: str = "",
    set_id: str | None = None,
    fingerprint: str | None = None,
    deep: bool = False,
    progress: Progress | None = None,
    prepare: Callable[[StoreSpec, Any], None] | None = None,
    connections: Mapping[str, Any] | None = None,
    keep: Retention | None = None,
    whole: bool = False,
    pinned: bool = False,
) -> dict[str, Any]:
    """Make a set ``<directory>/backups/<time>-<counter>-<reason>`` of verified copies.

    :param directory: the tier directory.
    :param reason: words joined by hyphens. With ``before-`` in front every item must be copied.
    :param items: in lock order; they are copied last first, so that what is pointed at is copied
        after what points.
    :param set_id: joins the sets of several tiers; by default a new one.
    :param fingerprint: of the machine.
    :param progress: called with (name, pages copied, pages in all).
    :param prepare: given a store and each connection to it, loads what the store's CHECKs call.
    :param connections: path of a database -> an open connection that it is read through.
    :param keep: which older sets stay once this one is there; by default all.
    :param whole: whether the items are all that the tier has to keep.
    :param pinned: whether the set stays until it is unpinned.
    :returns: the manifest, and the set's ``name``, ``path``, ``bytes`` and ``ms``. With
        ``complete`` false, ``failed`` lists the items that are missing: name, kind, code, message.
        ``removed`` names the sets that had to go, ``notRemoved`` says why one did not.
    :raises CleoError: ``E_NO_SPACE``; ``E_BACKUP_FAILED``. No set has appeared and no older one is
        touched.
    """
    if not _REASON.fullmatch(reason):
        raise ValueError(f"{reason!r} cannot be part of a directory's name")
    started = time.perf_counter()
    backups = os.path.join(directory, "backups")
    ensure_directory(backups)
    files = [item.path for item in items]
    require_space(backups, files, percent=110, purpose="The backup")
    created = clock.seconds()
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "setId": set_id or os.urandom(16).hex(),
        "sequence": 0,
        "tier": tier,
        "reason": reason,
        "note": note,
        "createdAt": clock.format_time(created),
        "complete": True,
        "whole": whole,
        "core": cleo_core.__version__,
        "plugins": dict(plugin_versions),
        "project": {"id": project.id, "name": project.name} if project else None,
        "machineFingerprint": fingerprint,
        "items": [],
        "failed": [],
    }
    try:
        name, partial = _reserve(backups, created, reason)
        try:
            sign(partial)
            copied = functools.partial(_copied, partial, deep, progress, prepare, connections or {})
            for item in reversed(items):
                _add(manifest, item, copied)
            if pinned:
                pin(partial)
            _require_copies(manifest)
            with locked(directory, "backups"):
                newest = max((one.sequence for one in read_sets(backups)), default=0)
                manifest["sequence"] = 1 + newest
                path = _publish(backups, name, partial, manifest)
                removed, why = rotate(backups, keep, name) if keep is not None else ([], "")
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    except OSError as error:
        known = translate(error, "backups", backups)
        raise CleoError(
            "E_BACKUP_FAILED",
            f"The backup set could not be written: {known}",
            fix=getattr(known, "fix", None),
            details={"path": backups, "cause": getattr(known, "code", None)},
        ) from error
    return {
        **manifest,
        "name": name,
        "path": path,
        "bytes": sum(item["bytes"] for item in manifest["items"]),
        "ms": (time.perf_counter() - started) * 1000,
        "removed": removed,
        "notRemoved": why,
    }


def back_up(
    stores: Stores,
    reason: str,
    names: Collection[str],
    *,
    keep: Retention,
    debounce: float = 0.0,
    warn: Callable[[str, str], None],
) -> str | None:
    """Make the set that is taken before something risky, in each tier that has some of the stores.

    :param names: of the stores; one without a file, kept elsewhere than in it, or that asks for no
        backup, is left out.
    :param debounce: seconds; a tier whose newest set with a copy of them is younger gets none.
    :returns: the path of the set, the project tier's where both have one; None where none was made.
    :raises CleoError: as :func:`create_set`.
    """
    path: str | None = None
    for tier in ("global", "project"):
        # Lock order, which is the order of the registry.
        specs = [
            spec
            for name, spec in stores.plugins.stores.items()
            if name in names
            and spec.tier == tier
            and spec.backup != "exclude"
            and stores.elsewhere(spec) is None
        ]
        paths = [(spec, stores.path(spec)) for spec in specs]
        items = [store_item(spec, path) for spec, path in paths if os.path.exists(path)]
        if not items:
            continue
        directory = stores.directory(specs[0])
        held = [item.name for item in items]
        age = newest_age(os.path.join(directory, "backups"), held) if debounce else None
        # A set from the future is no fresh one: the clock was set back.
        if age is not None and 0 <= age < debounce:
            continue
        made = create_set(
            directory,
            tier,
            reason,
            items,
            project=stores.project,
            plugin_versions=stores.plugins.versions(),
            fingerprint=machine_fingerprint(stores),
            prepare=stores.fit_out,
            keep=keep,
        )
        warn_not_removed(warn, made["notRemoved"])
        path = str(made["path"])
    return path


def _reserve(backups: str, created: float, reason: str) -> tuple[str, str]:
    """A name that no set has, and its hidden directory; both are this process's alone."""
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(created))
    number = 0
    while True:
        number += 1
        name = f"{moment}-{number:03d}-{reason}"
        partial = os.path.join(backups, f".{name}.partial")
        try:
            os.mkdir(partial, 0o700)
        except FileExistsError:
            continue
        # Asked after mkdir: whoever had the hidden name before may have published under it.
        if not os.path.lexists(os.path.join(backups, name)):
            return name, partial
        os.rmdir(partial)


def _add(manifest: dict[str, Any], item: Item, copied: Callable[[Item], dict[str, Any]]) -> None:
    try:
        made = copied(item)
    except CleoError as error:
        if error.details.get("cause") == "E_DISK_FULL":
            raise
        manifest["complete"] = False
        manifest["failed"].append(
            {"name": item.name, "kind": item.kind, "code": error.code, "message": error.message}
        )
    else:
        # A database of nobody's is called as the inventory calls it.
        manifest["items"].append({**made, "name": item.name})


def _copied(
    partial: str,
    deep: bool,
    progress: Progress | None,
    prepare: Callable[[StoreSpec, Any], None] | None,
    connections: Mapping[str, Any],
    item: Item,
) -> dict[str, Any]:
    if item.problem:
        raise CleoError(
            "E_BACKUP_FAILED", f"{item.path} could not be copied: {item.problem.rstrip('.')}."
        )
    target = os.path.join(partial, item.file)
    if not item.is_database:
        return copied_file(item, target)
    tell = functools.partial(progress, item.name) if progress else None
    through = connections.get(item.path)
    if item.kind == "database":
        return verified_database(item.path, target, deep=deep, progress=tell, connection=through)
    assert item.spec is not None
    return verified_copy(
        item.path,
        target,
        item.spec,
        deep=deep,
        progress=tell,
        prepare=functools.partial(prepare, item.spec) if prepare else None,
        connection=through,
    )


def _require_copies(manifest: Mapping[str, Any]) -> None:
    """Refuse a set that would be worth nothing: empty, or incomplete before something risky."""
    failed = manifest["failed"]
    if failed and (manifest["reason"].startswith("before-") or not manifest["items"]):
        raise CleoError(
            "E_BACKUP_FAILED",
            " ".join(item["message"] for item in failed),
            details={"failed": failed},
        )


def _publish(backups: str, name: str, partial: str, manifest: dict[str, Any]) -> str:
    manifest["manifestSha256"] = manifest_hash(manifest)
    descriptor = os.open(
        os.path.join(partial, MANIFEST), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600
    )
    with open(descriptor, "w", encoding="utf-8") as file:
        json.dump(manifest, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    unsign(partial)
    sync_directory(partial)
    path = os.path.join(backups, name)
    os.rename(partial, path)
    # The set is there, whole and under its name: nobody must hear that it is not.
    with suppress(OSError):
        sync_directory(backups)
    return path
