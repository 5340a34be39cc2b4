"""Where projects are: canonical paths, their hashes, and the markers that hold their ids."""

from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING, Any

from cleo_core.errors import CleoError, UsageError, ValidationError, echoed
from cleo_core.hashing import sha256
from cleo_core.paths import MARKER, file_error, find_project, read_marker
from cleo_core.paths.homes import home_dir
from cleo_core.paths.projects import cleo_directory_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cleo_core.api import Project
    from cleo_core.app import App


def canonical(path: str) -> str:
    """The one path that a directory is known by: links resolved, no separator at the end.

    :raises ValidationError: 6, it is not UTF-8.
    """
    resolved = settled(os.path.realpath(path))
    try:
        resolved.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValidationError(
            f"The path {echoed(resolved)} is not UTF-8; a project's path has to be.",
            fix="mv DIRECTORY NEW_NAME",
        ) from error
    return resolved


def settled(resolved: str, platform: str = sys.platform) -> str:
    """A resolved path in the form that is compared and hashed."""
    if platform != "win32":
        return resolved.rstrip("/") or "/"
    # Windows takes C: and c: for one drive, and answers with whichever it was given.
    return resolved[:1].upper() + resolved[1:].rstrip("\\/")


def path_hash(path: str) -> str:
    """The first 12 hexadecimal digits of SHA-256 over a canonical path's bytes."""
    return sha256(path.encode("utf-8"))[:12]


def same_place(one: str, other: str) -> bool:
    """Whether two paths lead to one directory, by device and inode; False where either is gone."""
    try:
        return os.path.samestat(os.stat(one), os.stat(other))
    except (OSError, ValueError):
        return False


def project_at(app: App, path: str | os.PathLike[str] | None) -> tuple[Project, str]:
    """The project whose root is at a path, by default the one that is asked from; and that root.

    :returns: the project and its canonical root.
    :raises UsageError: what is given can be no path.
    :raises CleoError: 3, there is no project.
    :raises ValidationError: 6, the root is not UTF-8.
    """
    if path is None:
        return app.project, canonical(app.project.root)
    if not isinstance(path, (str, os.PathLike)) or not isinstance(os.fspath(path), str):
        raise UsageError("A project's root is named by its path.", fix="cleo nexus register .")
    project = find_project(explicit=path, env=app.env, warn=app.warn, record=False)
    return project, canonical(project.root)


def marker_path(root: str, env: Mapping[str, str]) -> str:
    """Where the marker of a project is."""
    return os.path.join(root, cleo_directory_name(env), MARKER)


def marker_of(root: str, env: Mapping[str, str]) -> dict[str, Any] | None:
    """What the marker of a project holds, or None where there is none that counts."""
    try:
        return read_marker(os.path.join(root, cleo_directory_name(env)))
    except CleoError:
        # Outside of what tests may touch nothing is known.
        return None


def marker_id(root: str, env: Mapping[str, str]) -> str | None:
    """The id in the marker of a project, or None where there is none."""
    found = marker_of(root, env)
    return None if found is None else str(found["projectId"])


def id_held_at(root: str, env: Mapping[str, str]) -> str | None:
    """The id in the marker at a root, or None where there certainly is none.

    :raises CleoError: 3, the operating system does not let anybody see.
    """
    path = marker_path(root, env)
    try:
        regular = stat.S_ISREG(os.lstat(path).st_mode)
        if regular:
            with open(path, "rb"):
                pass
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise file_error(error, path) from error
    return marker_id(root, env) if regular else None


def gone(path: str) -> bool:
    """Whether there is certainly no directory at a path.

    :raises CleoError: 3, the operating system does not say.
    """
    try:
        return not stat.S_ISDIR(os.stat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError as error:
        raise CleoError("E_IO", f"{path} cannot be looked at: {error.strerror}.") from error


def is_temporary(path: str, env: Mapping[str, str]) -> bool:
    """Whether a canonical path lies under the system's temporary directory."""
    named = [env.get(name, "") for name in ("TMPDIR", "TEMP", "TMP")]
    if sys.platform != "win32":
        named.append("/tmp")  # noqa: S108 # it is only compared with
    else:
        import tempfile

        named.append(tempfile.gettempdir())
    for one in named:
        if one.strip() and os.path.isabs(one):
            base = settled(os.path.realpath(one))
            if path == base or path.startswith(base.rstrip(os.sep) + os.sep):
                return True
    return False


def expanded(path: str, env: Mapping[str, str]) -> str:
    """A path with a leading ``~`` as the home directory.

    :raises CleoError: ``E_NO_HOME`` (8).
    """
    if path == "~" or path.startswith(("~/", "~" + os.sep)):
        return (home_dir(env) + path[1:]) or os.sep
    return path
