"""Which project a command works in."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple, TypeGuard

from cleo_core.api.specs import Project, Tier
from cleo_core.errors import CleoError
from cleo_core.paths.files import file_error, quoted, read_bounded
from cleo_core.paths.homes import (
    Warn,
    check_test_root,
    data_dir,
    home_dir,
    inside_test_root,
    path_from,
)

#: The strong marker: only a directory whose project directory holds it is a root.
MARKER = "project-info.json"
#: Settings, in a project directory and in the configuration directory.
SETTINGS = "config.json"

_DIRECTORY_NAME = ".cleo"
_LEVELS = 64
_MARKER_BYTES = 1 << 20
#: Failures that say nothing of the file: of the device, of its server, of this process's limits.
_SYSTEM_FAILS = frozenset(
    getattr(errno, name)
    for name in ("EIO", "ESTALE", "ETIMEDOUT", "ENOMEM", "EMFILE", "ENFILE")
    if hasattr(errno, name)
)


class _Candidate(NamedTuple):
    """A directory that may be a root; ``main`` when it lies in a linked worktree of that one."""

    root: str
    main: str | None


def find_project(
    start: str | None = None,
    explicit: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] = os.environ,
    warn: Warn | None = None,
    *,
    record: bool = True,
) -> Project:
    """The project to work in.

    The first of these decides: ``explicit``, ``CLEO_ROOT`` or ``CLEO_PROJECT_ROOT``, an absolute
    ``CLEO_DIR``, the nearest root upward from ``start``.

    :param start: where the walk begins, by default the working directory.
    :param explicit: the root that the caller named; relative to the working directory.
    :param record: False where nothing is to be written, not even that a worktree was allowed.
    :raises CleoError: ``E_NOT_INITIALIZED``, ``E_INVALID_PROJECT_ROOT``, ``E_WORKTREE``,
        ``E_LOCATION_REFUSED``, ``E_PATH_OVERRIDE``, ``E_NO_HOME`` or ``E_TEST_ROOT``.
    """
    named = named_project(explicit, env)
    if named is not None:
        return _open_named(named[0], named[1], env, warn, record)
    return _search(_start(start), env, warn, record)


def named_project(
    explicit: str | os.PathLike[str] | None = None, env: Mapping[str, str] = os.environ
) -> tuple[str, str] | None:
    """Root and project directory that an option or a variable names; None when nothing does.

    Neither need exist.

    :raises CleoError: ``E_PATH_OVERRIDE``, ``E_NO_HOME``, or ``E_LOCATION_REFUSED`` for a
        ``CLEO_DIR`` that would make the home directory a project.
    """
    root = _explicit_root(explicit, env) or _root_from_variables(env)
    directory = _absolute_directory(env)
    if root is None:
        if directory is None:
            return None
        root = os.path.dirname(directory)
        if is_home(root, env):
            raise CleoError(
                "E_LOCATION_REFUSED",
                "CLEO_DIR cannot make the home directory a project; only --project or CLEO_ROOT "
                "can.",
                fix=f"cleo --project {quoted(root)}",
                details={"directory": directory},
            )
    if directory is not None and os.path.dirname(directory) == root:
        return root, directory
    return root, os.path.join(root, cleo_directory_name(env))


def cleo_directory_name(env: Mapping[str, str] = os.environ) -> str:
    """The name of project directories: ``.cleo``, or a relative ``CLEO_DIR``.

    :raises CleoError: ``E_PATH_OVERRIDE`` when ``CLEO_DIR`` is neither absolute nor one name.
    """
    value = env.get("CLEO_DIR", "")
    if not value.strip() or _absolute_directory(env) is not None:
        return _DIRECTORY_NAME
    return value


def tier_directory(tier: Tier, project: Project | None, env: Mapping[str, str] = os.environ) -> str:
    """The directory a tier's stores live in.

    :raises CleoError: ``E_NOT_INITIALIZED`` for the project tier without a project; what
        :func:`data_dir` raises for the global one.
    """
    if tier == "global":
        return data_dir(env)
    if project is None:
        raise CleoError("E_NOT_INITIALIZED", "This needs a project and there is none here.")
    return project.directory


def read_marker(directory: str) -> dict[str, Any] | None:
    """The content of a project directory's marker.

    None when it is missing, a link, unreadable, or no JSON object with a ``projectId``.

    :param directory: the ``.cleo`` directory.
    :raises CleoError: ``E_TEST_ROOT``; ``E_IO`` where the system fails, which says nothing of the
        file: who took it for missing would make another project in its place.
    """
    path = os.path.join(directory, MARKER)
    try:
        data = read_bounded(path, _MARKER_BYTES, follow=False)
    except ValueError:
        return None
    except OSError as error:
        if error.errno in _SYSTEM_FAILS:
            raise file_error(error, path) from error
        return None
    if len(data) > _MARKER_BYTES:
        return None
    import json

    try:
        content = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) and _is_text(content.get("projectId")) else None


def find_git_root(start: str | None = None) -> str | None:
    """The nearest directory upward that holds a ``.git``, be it a directory or a file."""
    directory = _start(start)
    for _ in range(_LEVELS):
        if not inside_test_root(directory):
            return None
        if os.path.lexists(os.path.join(directory, ".git")):
            return directory
        parent = os.path.dirname(directory)
        if parent == directory:
            return None
        directory = parent
    return None


def is_never_found(directory: str, env: Mapping[str, str]) -> bool:
    """Whether a directory is the home directory or a file system's root.

    The walk takes neither for a root: a project there would capture every command below it.
    """
    return os.path.dirname(directory) == directory or is_home(directory, env)


def is_home(directory: str, env: Mapping[str, str]) -> bool:
    """Whether a directory is the home directory, by whatever name."""
    try:
        return os.path.samefile(directory, home_dir(env) or "/")
    except (OSError, CleoError):
        return False


def project_at(root: str, directory: str, marker: Mapping[str, Any]) -> Project:
    """The project that a marker describes; without a name it has its directory's."""
    name = marker.get("name")
    return Project(
        id=marker["projectId"],
        name=name if _is_text(name) else os.path.basename(root) or root,
        root=root,
        directory=directory,
    )


def _explicit_root(explicit: str | os.PathLike[str] | None, env: Mapping[str, str]) -> str | None:
    if explicit is None:
        return None
    text = os.fspath(explicit)
    if not text.strip() or "\0" in text:
        raise CleoError("E_USAGE", f"A project's path cannot be {text!r}.", fix="cleo --project .")
    if text == "~" or text.startswith("~/"):
        text = (home_dir(env) + text[1:]) or "/"
    return os.path.realpath(text)


def _root_from_variables(env: Mapping[str, str]) -> str | None:
    first = path_from(env, "CLEO_ROOT")
    second = path_from(env, "CLEO_PROJECT_ROOT")
    if first and second and os.path.realpath(first) != os.path.realpath(second):
        raise CleoError(
            "E_PATH_OVERRIDE",
            f"CLEO_ROOT ({first}) and CLEO_PROJECT_ROOT ({second}) name different projects.",
            fix="unset CLEO_PROJECT_ROOT",
            details={"CLEO_ROOT": first, "CLEO_PROJECT_ROOT": second},
        )
    root = first or second
    return os.path.realpath(root) if root else None


def _absolute_directory(env: Mapping[str, str]) -> str | None:
    """An absolute ``CLEO_DIR``, its parent resolved; None when it is blank or a single name."""
    value = env.get("CLEO_DIR", "")
    if not value.strip() or _is_directory_name(value):
        return None
    path = path_from(env, "CLEO_DIR") or ""
    parent, name = os.path.split(path)
    if not _is_directory_name(name):
        raise CleoError(
            "E_PATH_OVERRIDE",
            f"CLEO_DIR must be an absolute path or a single name, not {value!r}.",
            fix="unset CLEO_DIR",
            details={"variable": "CLEO_DIR", "value": value},
        )
    return os.path.join(os.path.realpath(parent), name)


def _is_directory_name(value: str) -> bool:
    reserved = value in ("", ".", "..", ".git") or value.startswith("~")
    return not reserved and not any(letter in value for letter in "/\\\0:")


def _open_named(
    root: str, directory: str, env: Mapping[str, str], warn: Warn | None, record: bool
) -> Project:
    from cleo_core.paths.overrides import check_worktree, note_worktree

    main = check_worktree(root, env)
    marker = read_marker(directory)
    if marker is None:
        raise _not_a_project(root, directory)
    if main is not None:
        note_worktree(root, directory, main, warn, record=record)
    return project_at(root, directory, marker)


def _not_a_project(root: str, directory: str) -> CleoError:
    fix = f"cleo init --path {quoted(root)}"
    if os.path.isdir(directory):
        return _only_markerless([directory], fix)
    problem = "is not a CLEO project"
    if not os.path.isdir(root):
        problem = "is not a directory"
        fix = f"{'ls -ld' if os.path.lexists(root) else 'mkdir -p'} {quoted(root)}"
    return CleoError("E_NOT_INITIALIZED", f"{root} {problem}.", fix=fix, details={"root": root})


def _only_markerless(directories: list[str], fix: str) -> CleoError:
    return CleoError(
        "E_INVALID_PROJECT_ROOT",
        f"No project was found, only directories without a valid {MARKER}: "
        f"{', '.join(directories)}.",
        fix=fix,
        details={"directories": directories},
    )


def _start(start: str | None) -> str:
    try:
        return os.path.realpath(os.getcwd() if start is None else start)
    except FileNotFoundError:
        raise CleoError(
            "E_NOT_INITIALIZED", "The working directory no longer exists.", fix="cd"
        ) from None


def _search(start: str, env: Mapping[str, str], warn: Warn | None, record: bool) -> Project:
    check_test_root(start)
    name = cleo_directory_name(env)
    markerless: list[str] = []
    refused: _Candidate | None = None
    repository: str | None = None
    for candidate in _candidates(start):
        root, repository = candidate.root, candidate.main or repository
        directory = os.path.join(root, name)
        marker = read_marker(directory)
        if marker is None:
            if os.path.isdir(directory) and not is_never_found(root, env):
                markerless.append(directory)
        elif is_never_found(root, env):
            continue
        elif candidate.main is None:
            return project_at(root, directory, marker)
        else:
            from cleo_core.paths.overrides import note_worktree, worktree_allowed

            if worktree_allowed(env):
                note_worktree(root, directory, candidate.main, warn, record=record)
                return project_at(root, directory, marker)
            refused = refused or candidate
    raise _nothing_found(start, repository, markerless, refused, env)


def _nothing_found(
    start: str,
    repository: str | None,
    markerless: list[str],
    refused: _Candidate | None,
    env: Mapping[str, str],
) -> CleoError:
    if refused is not None and refused.main is not None:
        from cleo_core.paths.overrides import worktree_error

        return worktree_error(refused.root, refused.main, env)
    if markerless:
        root = repository or os.path.dirname(markerless[0])
        return _only_markerless(markerless, f"cleo init --path {quoted(root)}")
    return CleoError(
        "E_NOT_INITIALIZED",
        f"No CLEO project was found in {start} or above it.",
        fix=f"cleo init --path {quoted(repository)}" if repository else None,
        details={"start": start},
    )


def _candidates(start: str) -> Iterator[_Candidate]:
    """The directories that may be a root, nearest first.

    Where the walk meets the top of a linked worktree it goes on in the main repository, at the
    same place in the tree: a worktree's copy of a project must not become a second one.
    """
    directory = start
    within: list[str] = []
    mains: set[str] = set()
    levels = _LEVELS
    while levels and inside_test_root(directory):
        levels -= 1
        within.append(directory)
        parent = os.path.dirname(directory)
        kind = _git_entry(directory)
        main = _linked_main(directory) if kind == "file" else None
        if main is not None and main not in mains:
            mains.add(main)
            yield from (_Candidate(root, main) for root in within)
            below = within[0][len(directory) :].lstrip(os.sep)
            directory = os.path.join(main, below) if below else main
            within, levels = [], _LEVELS
            continue
        # What lies in a repository of its own cannot lie in a worktree further up.
        if kind == "directory" or parent == directory:
            yield from (_Candidate(root, None) for root in within)
            within = []
        if parent == directory:
            return
        directory = parent
    yield from (_Candidate(root, None) for root in within)


def _git_entry(directory: str) -> Literal["file", "directory"] | None:
    try:
        mode = os.stat(os.path.join(directory, ".git")).st_mode
    except OSError:
        return None
    if stat.S_ISDIR(mode):
        return "directory"
    return "file" if stat.S_ISREG(mode) else None


def _linked_main(directory: str) -> str | None:
    from cleo_core.paths.worktrees import linked_main

    return linked_main(directory)


def _is_text(value: object) -> TypeGuard[str]:
    """Whether a value is a text with something in it that every store can hold."""
    if not isinstance(value, str) or not value.strip():
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
