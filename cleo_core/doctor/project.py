"""The project: its marker, its place, and what git has to do with it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cleo_core.doctor.finding import Finding
from cleo_core.doctor.scene import no_project
from cleo_core.paths import MARKER, cleo_directory_name, main_worktree, read_marker
from cleo_core.paths.files import quoted
from cleo_core.paths.homes import inside_test_root
from cleo_core.paths.ignoring import block_is_missing
from cleo_core.paths.ignoring import write_block as write_ignore_block
from cleo_core.paths.overrides import worktree_allowed
from cleo_core.paths.projects import is_never_found

if TYPE_CHECKING:
    from cleo_core.api import Project
    from cleo_core.doctor.scene import Scene

_LEVELS = 64


def marker(scene: Scene) -> Finding:
    """The project's marker: there and whole."""
    project = scene.project
    if project is not None:
        return Finding(
            "ok",
            f"Project {project.name} in {project.root}.",
            {"id": project.id, "name": project.name, "root": project.root},
        )
    problem = scene.app.project_problem
    # What lies around without a marker, or in a worktree, has a check of its own.
    if problem is not None and problem.code not in ("E_INVALID_PROJECT_ROOT", "E_WORKTREE"):
        return Finding("error", problem.message, dict(problem.details), problem.fix)
    damaged = [
        directory
        for _, directory in _markerless(scene)
        if os.path.lexists(os.path.join(directory, MARKER))
    ]
    if damaged:
        path, root = os.path.join(damaged[0], MARKER), os.path.dirname(damaged[0])
        return Finding(
            "error",
            f"{path} is damaged, so that no command finds the project; init gives it a new one.",
            {"markers": [os.path.join(one, MARKER) for one in damaged]},
            f"cleo init --path {quoted(root)}",
        )
    return Finding("info", "There is no project here.", fix="cleo init")


def rogue(scene: Scene) -> Finding:
    """Project directories without a marker between here and home, which nothing uses."""
    found = [
        directory
        for _, directory in _markerless(scene)
        if not os.path.lexists(os.path.join(directory, MARKER))
    ]
    if not found:
        return Finding("ok", "No directory upward has a project directory without a marker.")
    return Finding(
        "warning",
        f"{found[0]} has no {MARKER}: an init was killed, or something else made it. Nothing uses "
        "what is in it.",
        {"directories": found},
        f"cleo init --path {quoted(os.path.dirname(found[0]))}",
    )


def worktree(scene: Scene) -> Finding:
    """A project that lies in a linked git worktree, where a second set of stores would grow."""
    problem = scene.app.project_problem
    if problem is not None and problem.code == "E_WORKTREE":
        return Finding("error", problem.message, dict(problem.details), problem.fix)
    project = scene.project
    main = main_worktree(project.root) if project is not None else None
    if project is None or main is None:
        return Finding("ok", "No project here lies in a git worktree.")
    allowed = worktree_allowed(scene.env)
    return Finding(
        "warning" if allowed else "error",
        f"{project.root} lies in a git worktree of {main}"
        + (", allowed by CLEO_ALLOW_WORKTREE_DB_CREATE." if allowed else "."),
        {"root": project.root, "main": main},
        f"cleo init --path {quoted(main)}",
    )


def gitignore(scene: Scene) -> Finding:
    """The managed block of the project directory's ignore file."""
    project = _required(scene)
    if not block_is_missing(project.directory):
        return Finding("ok", "Git ignores the project's data.")
    return Finding(
        "warning",
        f"{os.path.join(project.directory, '.gitignore')} lacks the managed block, or has another.",
        {"directory": project.directory},
        "cleo doctor --only project.gitignore --fix",
        fixable=True,
    )


def write_block(scene: Scene) -> list[str]:
    """Write the managed block."""
    directory = _required(scene).directory
    write_ignore_block(directory)
    return [os.path.join(directory, ".gitignore")]


def tracked(scene: Scene) -> Finding:
    """Databases, keys and settings that git tracks: a branch switch replaces live files."""
    from cleo_core.tracked import tracked_files, tracked_warning

    project = _required(scene)
    files = tracked_files(project.root, project.directory, scene.env)
    if files is None:
        return Finding("unknown", "Git could not say whether it tracks data.", fix="git status")
    if not files:
        return Finding("ok", "Git tracks none of the project's data.")
    warning = tracked_warning(project.root, files)
    return Finding("error", warning["message"], {"files": files}, warning["fix"])


def _required(scene: Scene) -> Project:
    if scene.project is None:
        raise no_project()
    return scene.project


def _markerless(scene: Scene) -> Iterator[tuple[str, str]]:
    """Roots upward from here whose project directory has no marker that can be read."""
    name = cleo_directory_name(scene.env)
    try:
        root = os.path.realpath(os.getcwd())
    except FileNotFoundError:
        return
    for _ in range(_LEVELS):
        if not inside_test_root(root) or is_never_found(root, scene.env):
            return
        directory = os.path.join(root, name)
        if os.path.isdir(directory) and read_marker(directory) is None:
            yield root, directory
        root = os.path.dirname(root)
