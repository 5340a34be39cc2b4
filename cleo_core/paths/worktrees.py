"""Linked git worktrees, read from git's files; git itself is not run."""

from __future__ import annotations

import os
import stat

from cleo_core.paths.files import read_bounded
from cleo_core.paths.homes import inside_test_root

_BYTES = 1 << 20
_LEVELS = 64


def main_worktree(path: str) -> str | None:
    """The work tree of the main repository when a path lies in a linked worktree, else None.

    A bare repository has none, so its worktrees are ordinary directories. So is a submodule.
    """
    directory = os.path.realpath(path)
    for _ in range(_LEVELS):
        if not inside_test_root(directory):
            return None
        try:
            mode = os.stat(os.path.join(directory, ".git")).st_mode
        except OSError:
            mode = 0
        if stat.S_ISDIR(mode):
            return None
        if stat.S_ISREG(mode) and (main := linked_main(directory)) is not None:
            return main
        parent = os.path.dirname(directory)
        if parent == directory:
            return None
        directory = parent
    return None


def linked_main(directory: str) -> str | None:
    """The main work tree if a directory with a ``.git`` file is the top of a linked worktree.

    Its ``.git`` file points to ``<common>/worktrees/<name>``, where ``commondir`` leads to the
    repository (gitrepository-layout(5)).

    :raises CleoError: ``E_TEST_ROOT``.
    """
    pointer = _read_line(os.path.join(directory, ".git"))
    if pointer is None or not pointer.startswith("gitdir:"):
        return None
    git_directory = os.path.realpath(os.path.join(directory, pointer[len("gitdir:") :].lstrip(" ")))
    if os.path.basename(os.path.dirname(git_directory)) != "worktrees":
        return None
    common = _read_line(os.path.join(git_directory, "commondir"))
    if not common:
        return None
    main = _work_tree(os.path.realpath(os.path.join(git_directory, common)))
    return main if main is not None and main != directory and os.path.isdir(main) else None


def _work_tree(common: str) -> str | None:
    """The work tree of a repository by its configuration and place."""
    settings = _settings(os.path.join(common, "config"))
    if _is_true(settings.get("extensions.worktreeconfig", "false")):
        settings.update(_settings(os.path.join(common, "config.worktree")))
    if _is_true(settings.get("core.bare", "false")):
        return None
    # A submodule's repository lies in its parent's .git and names its work tree.
    if work_tree := settings.get("core.worktree"):
        return os.path.realpath(os.path.join(common, work_tree))
    return os.path.dirname(common) if os.path.basename(common) == ".git" else None


def _settings(path: str) -> dict[str, str]:
    """``section.key`` -> value of a git configuration file; sections with a name are left out."""
    found: dict[str, str] = {}
    section = ""
    for line in _read(path).splitlines():
        text = line.strip()
        if text.startswith("["):
            header, _, text = text[1:].partition("]")
            section = header.strip().lower()
            text = text.strip()
        if text and text[0] not in "#;":
            name, separator, value = text.partition("=")
            found[f"{section}.{name.strip().lower()}"] = _value(value) if separator else "true"
    return found


def _value(text: str) -> str:
    """A value without its comment, quotes and escapes."""
    result: list[str] = []
    quoted = False
    letters = iter(text.strip())
    for letter in letters:
        if letter == "\\":
            result.append(next(letters, ""))
        elif letter == '"':
            quoted = not quoted
        elif letter in "#;" and not quoted:
            return "".join(result).rstrip()
        else:
            result.append(letter)
    return "".join(result)


def _is_true(value: str) -> bool:
    return value.lower() in ("true", "yes", "on", "1")


def _read_line(path: str) -> str | None:
    return _read(path).rstrip("\r\n") or None


def _read(path: str) -> str:
    try:
        text = os.fsdecode(read_bounded(path, _BYTES))
    except (OSError, ValueError):
        return ""
    # No path holds a zero byte, so this is none of git's files.
    return "" if "\0" in text else text
