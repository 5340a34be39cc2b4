"""Where a person's data and configuration live."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Mapping
from functools import cache
from typing import Literal

from cleo_core.errors import CleoError

#: Takes the code and the message of a warning.
Warn = Callable[[str, str], None]

_XDG = {"data": "XDG_DATA_HOME", "config": "XDG_CONFIG_HOME"}
_BELOW_HOME = {"data": ".local/share", "config": ".config"}
_BELOW_HOME_MACOS = {
    "data": "Library/Application Support",
    "config": "Library/Application Support",
}


def data_dir(
    env: Mapping[str, str] = os.environ,
    warn: Warn | None = None,
    *,
    platform: str = sys.platform,
) -> str:
    """The directory of global stores, keys, backups and logs; it need not exist.

    :raises CleoError: ``E_NO_HOME``, or ``E_PATH_OVERRIDE`` for a ``CLEO_HOME`` that is not
        absolute.
    """
    override = path_from(env, "CLEO_HOME", platform=platform)
    return override or _standard("data", env, warn, platform)


def config_dir(
    env: Mapping[str, str] = os.environ,
    warn: Warn | None = None,
    *,
    platform: str = sys.platform,
) -> str:
    """The directory of the global ``config.json``; it need not exist.

    :raises CleoError: ``E_NO_HOME``, or ``E_PATH_OVERRIDE`` for a ``CLEO_CONFIG_HOME`` or
        ``CLEO_HOME`` that is not absolute.
    """
    override = path_from(env, "CLEO_CONFIG_HOME", platform=platform) or path_from(
        env, "CLEO_HOME", platform=platform
    )
    return override or _standard("config", env, warn, platform)


def path_from(env: Mapping[str, str], variable: str, *, platform: str = sys.platform) -> str | None:
    """The absolute path an environment variable holds, ``~`` expanded; None when unset or blank.

    :raises CleoError: ``E_PATH_OVERRIDE`` when it is not absolute, ``E_NO_HOME`` when it begins
        with ``~`` and there is no home directory.
    """
    value = env.get(variable, "")
    if not value.strip():
        return None
    path = _expand_home(value, env, platform)
    if not is_absolute(path, platform) or "\0" in path:
        raise CleoError(
            "E_PATH_OVERRIDE",
            f"{variable} must hold an absolute path, not {value!r}.",
            fix=f"set {variable}=" if platform == "win32" else f"unset {variable}",
            details={"variable": variable, "value": value},
        )
    separators = "/\\" if platform == "win32" else "/"
    stripped = path.rstrip(separators)
    # A root keeps its separator.
    return stripped if is_absolute(stripped, platform) else path


def home_dir(env: Mapping[str, str] = os.environ, *, platform: str = sys.platform) -> str:
    """The home directory by variable, without a trailing separator (``""`` stands for ``/``).

    The password database is never asked: it would answer where the caller hid the home on purpose.

    :raises CleoError: ``E_NO_HOME``.
    """
    variable = "USERPROFILE" if platform == "win32" else "HOME"
    home = env.get(variable, "")
    if not home.strip():
        raise CleoError("E_NO_HOME", f"{variable} is not set.")
    if not is_absolute(home, platform):
        raise CleoError("E_NO_HOME", f"{variable} must be absolute, not {home!r}.")
    return home.rstrip("/\\" if platform == "win32" else "/")


def is_absolute(path: str, platform: str = sys.platform) -> bool:
    """Whether a path stands alone; on Windows it needs a drive or a share."""
    if platform != "win32":
        return path.startswith("/")
    import ntpath

    drive, tail = ntpath.splitdrive(path)
    return drive.startswith(("\\\\", "//")) or (bool(drive) and tail.startswith(("/", "\\")))


def check_test_root(path: str) -> None:
    """Refuse a path outside ``CLEO_TEST_ROOT``, links resolved; without the variable do nothing.

    The variable is read from the process, whatever environment a caller was given: it guards real
    homes against the tests.

    :raises CleoError: ``E_TEST_ROOT``.
    """
    if not inside_test_root(path):
        raise CleoError(
            "E_TEST_ROOT",
            f"{path} lies outside CLEO_TEST_ROOT ({os.environ['CLEO_TEST_ROOT']}).",
            details={"path": path},
        )


def inside_test_root(path: str) -> bool:
    """Whether ``CLEO_TEST_ROOT`` allows a path."""
    root = os.environ.get("CLEO_TEST_ROOT", "")
    if not root.strip():
        return True
    base = _resolved_once(root) if os.path.isabs(root) else _resolved(root)
    return _lies_plainly_in(path, base) or _lies_in(_resolved(path), base)


def is_inside(path: str, directory: str) -> bool:
    """Whether a path is a directory or lies in it, links resolved."""
    return _lies_in(_resolved(path), _resolved(directory))


def _lies_in(real: str, base: str) -> bool:
    return real == base or real.startswith(base.rstrip(os.sep) + os.sep)


def _lies_plainly_in(path: str, base: str) -> bool:
    """Whether a path leads below a resolved directory, and to there by no link."""
    start = base.rstrip(os.sep) + os.sep
    parts = path[len(start) :].split(os.sep)
    if not path.startswith(start) or os.pardir in parts:
        return False
    place = start.rstrip(os.sep)
    for part in parts:
        place = f"{place}{os.sep}{part}"
        try:
            if stat.S_ISLNK(os.lstat(place).st_mode):
                return False
        except FileNotFoundError:
            return True
        except (OSError, ValueError):
            return False
    return True


def _resolved(path: str) -> str:
    return os.path.normcase(os.path.realpath(path))


@cache
def _resolved_once(root: str) -> str:
    # The root of a test stays where it is, and each command asks for it several times.
    return _resolved(root)


def _expand_home(value: str, env: Mapping[str, str], platform: str) -> str:
    separators = ("~/", "~\\") if platform == "win32" else ("~/",)
    if value == "~" or value.startswith(separators):
        return home_dir(env, platform=platform) + value[1:] or "/"
    return value


def _standard(
    kind: Literal["data", "config"], env: Mapping[str, str], warn: Warn | None, platform: str
) -> str:
    if platform == "win32":
        return _known_folder(kind)
    variable = _XDG[kind]
    value = env.get(variable, "")
    if value.startswith("/"):
        return f"{value.rstrip('/')}/cleo"
    if value.strip() and warn is not None:
        warn("W_PATH_RELATIVE", f"{variable} is ignored: {value!r} is not an absolute path.")
    below = _BELOW_HOME_MACOS if platform == "darwin" else _BELOW_HOME
    return f"{home_dir(env, platform=platform)}/{below[kind]}/cleo"


def _known_folder(kind: Literal["data", "config"]) -> str:
    # Only Windows itself knows where a profile's folders were moved to, so the library asks it.
    from platformdirs.windows import Windows

    folders = Windows("cleo", appauthor=False, roaming=True)
    try:
        return folders.user_data_dir if kind == "data" else folders.user_config_dir
    except (OSError, ValueError, KeyError) as error:
        raise CleoError(
            "E_NO_HOME",
            f"Windows names no application data directory: {error}.",
            fix="set CLEO_HOME=C:\\cleo",
        ) from error
