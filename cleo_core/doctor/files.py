"""What lies in CLEO's directories: databases of nobody, left temporaries, locks, the log."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from cleo_core import journal
from cleo_core.backup_sets import is_left_over
from cleo_core.database import header
from cleo_core.doctor.finding import Finding
from cleo_core.doctor.modes import OWN_FOLDERS
from cleo_core.errors import CleoError
from cleo_core.locks import describe_holder
from cleo_core.locks import held as held_locks
from cleo_core.paths import file_error
from cleo_core.paths.files import quoted
from cleo_core.paths.homes import check_test_root
from cleo_core.pending_restore import pending_names

if TYPE_CHECKING:
    from cleo_core.doctor.scene import Scene

#: Seconds after which a temporary file is nobody's.
STALE = 86400.0

_DATABASE = re.compile(r"(?i).+\.(?:db|sqlite3?)$")
#: What an atomic write, an archive, a bundle and the creation of a store leave when killed.
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{12}\.(?:tmp|partial)")
_NEW_STORE = r"\.{file}\.\d+\.[0-9a-f]{{6}}(?:-wal|-shm|-journal)?"


def decoys(scene: Scene) -> Finding:
    """Databases that no installed plugin keeps where they are."""
    found = list(_decoys(scene))
    if not found:
        return Finding("ok", "Every database here is a store in its place.")
    first = found[0]
    return Finding(
        "warning",
        f"{first['path']} {first['what']}.",
        {"files": found},
        f"ls -la {quoted(first['path'])}",
    )


def _decoys(scene: Scene) -> Iterator[dict[str, Any]]:
    specs = scene.app.plugins.stores.values()
    ids = {spec.application_id: spec for spec in specs}
    files = {spec.file: spec for spec in specs}
    places = {scene.app.stores.path(spec) for spec in scene.stores()}
    for directory, own in _database_folders(scene):
        for name in _names(directory):
            path = os.path.join(directory, name)
            if path in places and os.path.isfile(path) and not os.path.getsize(path):
                yield {"path": path, "what": f"is store {files[name].name}, and is empty"}
            if path in places or not _DATABASE.fullmatch(name) or name.startswith("."):
                continue
            try:
                size, id_ = header(path)
            except OSError:
                continue
            spec = ids.get(id_) if id_ is not None else None
            if spec is not None:
                yield {"path": path, "what": f"is a store {spec.name} in the wrong place"}
            elif name in files:
                what = "is empty" if not size else "is no store of that name"
                yield {"path": path, "what": f"has the name of store {files[name].name} and {what}"}
            elif own and not size:
                yield {"path": path, "what": "is empty"}
            elif own:
                yield {"path": path, "what": "belongs to no installed plugin"}


def _database_folders(scene: Scene) -> list[tuple[str, bool]]:
    """Directories to look into, and whether all databases in them ought to be CLEO's."""
    folders = [(directory, True) for directory in scene.directories().values()]
    if scene.project is not None:
        folders.append((scene.project.root, False))
    return list(dict(folders).items())


def stale(scene: Scene) -> Finding:
    """Temporary files that a killed process left more than a day ago."""
    found = list(_stale(scene))
    if not found:
        return Finding("ok", "No temporary file was left.")
    return Finding(
        "info",
        f"{len(found)} temporaries were left by processes that were killed, {found[0]} for one.",
        {"files": found},
        "cleo doctor --only temp.stale --fix",
        fixable=True,
    )


def remove_stale(scene: Scene) -> list[str]:
    """Remove them.

    :raises CleoError: ``E_PERMISSION_FS`` or ``E_IO``.
    """
    removed = []
    for path in list(_stale(scene)):
        check_test_root(path)
        try:
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise file_error(error, path) from error
        removed.append(path)
    return removed


def _stale(scene: Scene) -> Iterator[str]:
    directories = scene.folders()
    new_stores = [
        re.compile(_NEW_STORE.format(file=re.escape(spec.file)))
        for spec in scene.app.plugins.stores.values()
    ]
    awaited = {name for one in directories for name in pending_names(one)}
    for folder, path in _entries(directories):
        name = os.path.basename(path)
        if name in awaited:
            continue
        if folder == "backups" and is_left_over(path):
            yield path
            continue
        temporary = _TEMPORARY.fullmatch(name) or any(one.fullmatch(name) for one in new_stores)
        # A directory of that name holds what was to leave or enter a bundle, in plain text.
        real = os.path.isfile(path) or (os.path.isdir(path) and not os.path.islink(path))
        if temporary and real and time.time() - _touched(path) > STALE:
            yield path


def _entries(directories: Iterable[str]) -> Iterator[tuple[str, str]]:
    """What lies in CLEO's directories and their folders: name of the folder, path of the entry."""
    for directory in dict.fromkeys(directories):
        for folder in ("", *OWN_FOLDERS, os.path.join("backups", "logs")):
            inside = os.path.join(directory, folder) if folder else directory
            yield from ((folder, os.path.join(inside, name)) for name in _names(inside))


def _touched(path: str) -> float:
    try:
        return os.lstat(path).st_mtime
    except OSError:
        return time.time()


def held(scene: Scene) -> Finding:
    """Locks that somebody holds at this moment."""
    found = [
        {"tier": tier, **one}
        for tier, directory in scene.directories().items()
        for one in held_locks(directory)
    ]
    if not found:
        return Finding("ok", "Nobody holds a lock.")
    first = found[0]
    return Finding(
        "info",
        f"The lock {first['lock']} is held by {describe_holder(first)}.",
        {"locks": found},
        f"ps -p {first['pid']}" if isinstance(first.get("pid"), int) else "",
    )


def log(scene: Scene) -> Finding:
    """Whether the log could be written; it is not."""
    home = scene.home()
    try:
        path = journal.log_path(home, scene.env) if home is not None else None
    except CleoError as error:
        return Finding("info", f"Nothing is logged: {error.message}", fix=error.fix)
    if path is None:
        return Finding("ok", "There is no directory to log in yet.")
    nearest = path
    while not os.path.lexists(nearest) and os.path.dirname(nearest) != nearest:
        nearest = os.path.dirname(nearest)
    wanted = os.W_OK if nearest == path else os.W_OK | os.X_OK
    missing_folder = scene.env.get("CLEO_LOG_FILE", "").strip() and nearest not in (
        path,
        os.path.dirname(path),
    )
    regular = os.path.isfile(path) or nearest != path
    if os.access(nearest, wanted) and regular and not missing_folder:
        return Finding("ok", f"The log is {path}.", {"path": path})
    return Finding(
        "info",
        f"The log {path} cannot be written; errors leave no trace.",
        {"path": path},
        f"ls -ld {quoted(nearest)}",
    )


def _names(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return []
