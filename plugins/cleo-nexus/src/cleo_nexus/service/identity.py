"""The id of a project, in the marker that holds it, and telling the other plugins of it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from cleo_core.errors import CleoError
from cleo_core.locks import locked
from cleo_core.paths import MARKER, atomic_write, read_marker

if TYPE_CHECKING:
    from cleo_core.app import App


def give(directory: str, before: str, after: str, *, copied: bool) -> None:
    """Write another id into a marker; all the rest of it stays.

    :param directory: the project directory.
    :param before: the id that it has.
    :param copied: keep that one as ``copiedFrom``.
    :raises CleoError: 3, the marker cannot be written; 21, meanwhile it holds another id.
    """
    # Whoever initialises the project at this moment writes the same file.
    with locked(directory, "init"):
        marker = read_marker(directory)
        if marker is None or marker["projectId"] != before:
            raise CleoError(
                "E_CONCURRENT_MODIFICATION",
                f"The marker in {directory} was changed meanwhile.",
                fix="cleo nexus reconcile",
            )
        content = {**marker, "projectId": after}
        if copied:
            content["copiedFrom"] = before
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        atomic_write(os.path.join(directory, MARKER), text.encode("utf-8", "replace"))


def announce(app: App, root: str) -> None:
    """Tell the plugins which id the project at a root has; they add what they lack."""
    with app.for_project(root) as there:
        project = there.project
        for outcome in app.plugins.call("cleo_project_created", app=there, project=project):
            if outcome.error is not None:
                app.warn(
                    "W_HOOK_FAILED",
                    f"Plugin {outcome.plugin} failed to learn the project's id: {outcome.error}",
                )
