"""Whether a project still has the older file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cleo_signaldock.api import STORE

if TYPE_CHECKING:
    from cleo_core.api import Project
    from cleo_core.app import App

NAME = "signaldock.db"
FIX = "cleo agent migrate-legacy"


def path_of(project: Project) -> str:
    """Where the older file is, or was."""
    return os.path.join(project.directory, NAME)


def is_legacy(path: str) -> bool:
    """Whether the file is there and keeps agents; it is only read."""
    if not os.path.lexists(path):
        return False
    from cleo_core.database.foreign import has_table

    return not is_registry(path) and has_table(path, "agents")


def is_registry(path: str) -> bool:
    """Whether the file is the registry itself: a project's directory can be the data directory."""
    from cleo_core.database import header

    try:
        return header(path)[1] == STORE.application_id
    except OSError:
        return False


def warn(app: App) -> None:
    """Warn of the older file; costs one look at the directory where there is none."""
    project = app.project_or_none
    if project is None or not is_legacy(path_of(project)):
        return
    app.warn(
        "W_LEGACY_SIGNALDOCK",
        f"{path_of(project)} still holds agents and messages of this project, which are not seen "
        f"here: {FIX}",
        fix=FIX,
    )
