"""sqlite-vec: where it lies, and loading it into a connection at its first vector use."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cleo_core.app import App

#: The SQL function that says where sqlite-vec lies.
PATH_FUNCTION = "cleo_brain_vec_path"
_SUFFIXES = ("", ".so", ".dylib", ".dll")


def path() -> str | None:
    """The extension's file without its suffix, from the installed package; None without one.

    The package is not imported, it would import numpy where that is installed.
    """
    from importlib.util import find_spec

    try:
        spec = find_spec("sqlite_vec")
    except (ImportError, ValueError):
        return None
    for place in () if spec is None else spec.submodule_search_locations or ():
        file = os.path.join(place, "vec0")
        if any(os.path.isfile(file + suffix) for suffix in _SUFFIXES):
            return file
    return None


def leave_loader(connection: Any) -> None:
    """Leave on a connection what its first vector use asks for: an SQL function with the path."""
    connection.create_function(PATH_FUNCTION, 0, path)


def loaded(db: Any) -> bool:
    """Whether the extension is loaded on a connection."""
    from cleo_brain.store import vec0

    return vec0.is_loaded(db)


def ready(app: App) -> tuple[bool, str]:
    """Load the extension into the brain store's connection, unless it is.

    :returns: whether it is loaded, and why not.
    """
    from cleo_brain.store import vec0

    database = app.store("brain")
    if loaded(database):
        return True, ""
    fitted_out, where = vec0.path(database)
    if not fitted_out:
        return False, "the connection was opened without plugins"
    if where is None:
        return False, "sqlite-vec is not installed"
    return database.load_extension(where)
