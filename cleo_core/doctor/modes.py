"""Who may read what: modes of directories and files, and the files that hold secrets."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cleo_core.doctor.finding import Finding
from cleo_core.paths import MARKER, SETTINGS
from cleo_core.paths.files import file_error, quoted
from cleo_core.paths.homes import check_test_root
from cleo_core.paths.projects import is_home
from cleo_core.states import SIDECARS

if TYPE_CHECKING:
    from cleo_core.api import FileSpec
    from cleo_core.doctor.scene import Scene

#: Directories of CLEO's own inside a tier directory, which are looked at whole.
OWN_FOLDERS = ("audit", "backups", "locks", "logs", "quarantine", "run")
_OWN_FILES = (MARKER, SETTINGS, f"{SETTINGS}.bak", f"{SETTINGS}.imported")
#: Entries below one of these directories that are looked at.
_MOST = 20_000


def modes(scene: Scene) -> Finding:
    """Directories wider than 0700 and files wider than 0600, of those that CLEO makes."""
    if os.name == "nt":
        return Finding("ok", "Windows keeps others out by the access list of the profile.")
    wide = {path: f"{mode:04o}" for path, mode in _wide(scene)}
    if not wide:
        return Finding("ok", "Nobody else may read or write CLEO's files.")
    first = next(iter(wide))
    return Finding(
        "warning",
        f"Others may use {len(wide)} of CLEO's files and directories, {first} ({wide[first]}) "
        "for one.",
        {"paths": wide},
        "cleo doctor --only paths.mode --fix",
        fixable=True,
    )


def narrow_modes(scene: Scene) -> list[str]:
    """Take from others what only the owner needs.

    :raises CleoError: ``E_PERMISSION_FS``, one of them belongs to somebody else.
    """
    return _narrow([path for path, _ in _wide(scene)])


def secrets(scene: Scene) -> Finding:
    """Declared secret files: mode, owner, length, and that they are files."""
    faults: dict[str, str] = {}
    fixable = True
    files = list(_secret_files(scene))
    for path, spec in files:
        fault = _fault(path, spec)
        if fault:
            faults[path] = fault
            fixable = fixable and fault.startswith("its mode")
    if not faults:
        return Finding("ok", f"{len(files)} secret files are declared, none is at fault.")
    path, fault = next(iter(faults.items()))
    fix = "cleo doctor --only secrets.files --fix" if fixable else f"ls -la {quoted(path)}"
    return Finding(
        "error", f"The secret file {path}: {fault}.", {"files": faults}, fix, fixable=fixable
    )


def narrow_secrets(scene: Scene) -> list[str]:
    """Give secret files the mode 0600.

    :raises CleoError: ``E_PERMISSION_FS``.
    """
    return _narrow(
        [path for path, spec in _secret_files(scene) if _fault(path, spec).startswith("its mode")]
    )


def _narrow(paths: list[str]) -> list[str]:
    """Those of the paths that were narrowed; a link that took one's place meanwhile is left."""
    done: list[str] = []
    for path in paths:
        check_test_root(path)
        try:
            if _take_from_others(path):
                done.append(path)
        except OSError as error:
            raise file_error(error, path) from error
    return done


def _take_from_others(path: str) -> bool:
    """Take every right on a file or directory from all but its owner; False for what is neither.

    :raises OSError: its mode cannot be changed.
    """
    if not hasattr(os, "O_PATH"):
        status = os.lstat(path)
        if not _has_mode(status):
            return False
        os.chmod(path, stat.S_IMODE(status.st_mode) & ~0o077, follow_symlinks=False)
        return True
    # Older C libraries of Linux know no chmod that stays off links. A descriptor of this kind
    # needs no right to read, and closing it gives up no lock on a database.
    descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not _has_mode(status):
            return False
        os.chmod(f"/proc/self/fd/{descriptor}", stat.S_IMODE(status.st_mode) & ~0o077)
        return True
    finally:
        os.close(descriptor)


def _has_mode(status: os.stat_result) -> bool:
    """Whether it is a directory or a regular file: a link has no mode of its own."""
    return stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)


def _wide(scene: Scene) -> Iterator[tuple[str, int]]:
    for path in dict.fromkeys(_own(scene)):
        try:
            status = os.lstat(path)
        except OSError:
            # Gone since it was listed, or never there.
            continue
        mode = stat.S_IMODE(status.st_mode)
        # What a link leads to is somebody's choice.
        if mode & 0o077 and _has_mode(status):
            yield path, mode


def _own(scene: Scene) -> Iterator[str]:
    """The directories and files that CLEO makes, and no others: a home may hold more."""
    for directory in scene.folders():
        # What is no directory lies there in its place, and is somebody's.
        if os.path.isdir(directory) and not is_home(directory, scene.env):
            yield directory
        yield from (os.path.join(directory, name) for name in _OWN_FILES)
        for folder in OWN_FOLDERS:
            yield from _below(os.path.join(directory, folder))
    for spec in scene.stores():
        path = scene.app.stores.path(spec)
        yield from (path + suffix for suffix in ("", *SIDECARS))
        yield from (path for path, _ in _declared(scene, spec.files))


def _below(folder: str) -> Iterator[str]:
    if os.path.islink(folder):
        return
    count = 0
    for inside, folders, names in os.walk(folder):
        yield inside
        for name in names:
            count += 1
            if count > _MOST:
                folders.clear()
                return
            yield os.path.join(inside, name)


def _secret_files(scene: Scene) -> Iterator[tuple[str, FileSpec]]:
    for spec in scene.stores():
        for path, file in _declared(scene, spec.files):
            if file.secret and os.path.lexists(path):
                yield path, file


def _declared(scene: Scene, files: tuple[FileSpec, ...]) -> Iterator[tuple[str, FileSpec]]:
    directories = scene.directories()
    for file in files:
        if file.tier in directories:
            yield os.path.join(directories[file.tier], file.name), file


def _fault(path: str, spec: FileSpec) -> str:
    """What is wrong with a secret file; its content is not read."""
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        return "it is a symbolic link"
    if not stat.S_ISREG(status.st_mode):
        return "it is no regular file"
    if hasattr(os, "getuid") and status.st_uid != os.getuid():
        return "it belongs to somebody else"
    if spec.size is not None and status.st_size != spec.size:
        return f"it has {status.st_size} bytes instead of {spec.size}"
    mode = stat.S_IMODE(status.st_mode)
    if os.name != "nt" and mode & 0o077:
        return f"its mode is {mode:04o} instead of 0600"
    return ""
