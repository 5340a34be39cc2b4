"""Where things are: the home, a profile that roams, the space that is left."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

from cleo_core.doctor.finding import Finding
from cleo_core.errors import CleoError
from cleo_core.paths import config_dir, data_dir
from cleo_core.paths.files import quoted
from cleo_core.paths.homes import inside_test_root

if TYPE_CHECKING:
    from cleo_core.doctor.scene import Scene

#: Bytes below which a file system is called nearly full.
LITTLE_SPACE = 500 * 1000 * 1000


def home(scene: Scene) -> Finding:
    """The data and the configuration directory, as far as they can be found and used."""
    ignored: list[str] = []
    try:
        found = {
            "data": data_dir(scene.env, lambda code, message: ignored.append(message)),
            "config": config_dir(scene.env, lambda code, message: ignored.append(message)),
        }
    except CleoError as error:
        return Finding("error", error.message, dict(error.details), error.fix)
    for what, path in found.items():
        problem = "lies outside CLEO_TEST_ROOT" if not inside_test_root(path) else _unusable(path)
        if problem:
            return Finding(
                "error",
                f"The {what} directory {path} {problem}.",
                {**found},
                f"ls -ld {quoted(path)}",
            )
    if ignored:
        return Finding(
            "warning", " ".join(ignored), {**found}, "unset XDG_DATA_HOME XDG_CONFIG_HOME"
        )
    missing = [what for what, path in found.items() if not os.path.isdir(path)]
    words = f"; {' and '.join(missing)} not made yet" if missing else ""
    return Finding(
        "ok", f"Data in {found['data']}, configuration in {found['config']}{words}.", found
    )


def _unusable(path: str) -> str:
    """Why a directory cannot be used; empty when it can or is not there."""
    if not os.path.lexists(path):
        return ""
    if not os.path.isdir(path):
        return "is not a directory"
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return "cannot be read and written"
    return ""


def roaming(scene: Scene, platform: str = sys.platform) -> Finding:
    """A Windows profile that is copied between machines, with the databases and keys in it."""
    if platform != "win32":
        return Finding("ok", "Only Windows copies profiles between machines.")
    from cleo_core.paths.windows import old_databases, profile_roams

    old = old_databases(scene.env)
    if old:
        source, target = os.path.dirname(old[0]), data_dir(scene.env)
        return Finding(
            "warning",
            f"Databases of the TypeScript CLEO lie in {source}; nothing reads them there.",
            {"files": old},
            f'robocopy "{source}" "{target}" *.db /MOV',
        )
    if profile_roams() and not scene.env.get("CLEO_HOME", "").strip():
        return Finding(
            "warning",
            "This profile is copied between machines at sign-in, with half-written databases and "
            "the machine key; CLEO_HOME can name a directory that is not.",
            {"directory": data_dir(scene.env)},
            "setx CLEO_HOME C:\\cleo",
        )
    return Finding("ok", "The profile stays on this machine.")


def space(scene: Scene) -> Finding:
    """Free space beside the stores: 500 MB, or twice the largest of them."""
    least: dict[str, dict[str, int]] = {}
    for tier, directory in scene.directories().items():
        if not os.path.isdir(directory):
            continue
        sizes = [_size(scene.app.stores.path(spec)) for spec in scene.stores() if spec.tier == tier]
        free = shutil.disk_usage(directory).free
        least[directory] = {"free": free, "needed": max(LITTLE_SPACE, 2 * max(sizes, default=0))}
    for directory, one in least.items():
        if one["free"] < one["needed"]:
            return Finding(
                "warning",
                f"{one['free'] // 1_000_000} MB are free in {directory}; migrations and backups "
                f"may need {one['needed'] // 1_000_000} MB.",
                {"directories": least},
                f"df -h {quoted(directory)}",
            )
    return Finding("ok", "There is room beside every database.", {"directories": least})


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0
