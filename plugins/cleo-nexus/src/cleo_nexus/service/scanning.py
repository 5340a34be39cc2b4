"""Looking through directories for projects."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from cleo_core.errors import CleoError, UsageError, ValidationError, echoed
from cleo_core.inputs import plain_text
from cleo_core.paths import check_worktree
from cleo_core.paths.files import quoted
from cleo_core.paths.projects import is_never_found
from cleo_nexus.records.projects import Found, Scanned
from cleo_nexus.service import naming, places
from cleo_nexus.service.reconciling import case_of
from cleo_nexus.service.registering import add
from cleo_nexus.service.work import Verbs, Work, mutating, reading

if TYPE_CHECKING:
    from cleo_core.app import App

DEPTH = 4
DEEPEST = 20
#: Folders of what others made, or what is made anew.
PASSED_OVER = frozenset(
    {
        *(".git", "node_modules", ".venv", "venv", "build", "dist", "target", "vendor"),
        "__pycache__",
    }
)
#: Projects that are registered in one unit.
BLOCK = 500
#: Case of a directory -> what a scan calls it; one that is as it should be is not listed.
_STATES = {"new": "unregistered", "moved": "moved", "copy": "copied"}
_LISTED = ("drift", "alias", "bad_id")


class ScanVerbs(Verbs):
    """``scan``."""

    @reading()
    def scan(
        self,
        *roots: str,
        depth: int = DEPTH,
        register: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> Scanned:
        """Find projects that the registry does not know as they are.

        Links are not followed, other file systems not entered, nor a project's inside.

        :param roots: where to look; by default what ``nexus.scan_roots`` says.
        :param depth: levels below a root, 1 to 20.
        :param register: register those that are not registered; the others are left alone.
        :param progress: called with how many directories were looked at.
        :raises UsageError: no such depth.
        :raises ValidationError: 6, a root is no directory.
        """
        if not isinstance(depth, int) or depth is True or not 1 <= depth <= DEEPEST:
            raise UsageError(f"A depth is from 1 to {DEEPEST}.", fix=f"--depth {DEPTH}")
        tops = [self._root(one) for one in roots] or self._configured()
        found: dict[str, Found] = {}
        looked = _Looked(self.app, progress)
        for top in tops:
            for path, id_ in looked.projects(top, depth):
                state = self._state(path, id_)
                if state is not None:
                    found.setdefault(path, Found(path, id_, state))
        if looked.unreadable:
            self.app.warn(
                "W_SCAN_INCOMPLETE",
                f"{len(looked.unreadable)} directories could not be read, the first of them "
                f"{looked.unreadable[0]}.",
            )
        listed = sorted(found.values(), key=lambda one: one.path)
        if register and any(one.state == "unregistered" for one in listed):
            return self._register(listed)
        return Scanned(listed, 0)

    @mutating("nexus.scan")
    def _register(self, found: Sequence[Found]) -> Scanned:
        """Register what is not registered; one audit row, in the last unit."""
        todo = [one for one in found if one.state == "unregistered"]
        slugs: dict[str, str] = {}

        def body(work: Work, block: Sequence[Found]) -> dict[str, str]:
            made = {one.path: slug for one in block if (slug := _added(work, one)) is not None}
            work.about(None)
            work.note(registered=len(slugs) + len(made))
            return made

        for start in range(0, len(todo), BLOCK):
            block = todo[start : start + BLOCK]
            last = start + BLOCK >= len(todo)
            slugs |= self.write(partial(body, block=block), audited=last)
        return Scanned([replace(one, slug=slugs.get(one.path)) for one in found], len(slugs))

    def _root(self, root: Any) -> str:
        if not isinstance(root, (str, os.PathLike)):
            raise UsageError("A root is named by its path.", fix="cleo nexus scan ~/code")
        text = plain_text(os.fspath(root), "root")
        path = places.expanded(text, self.app.env)
        if not text.strip() or not os.path.isdir(path):
            raise ValidationError(
                f"{echoed(text)} is no directory.", fix="cleo nexus scan ~/code", root=text
            )
        return places.canonical(path)

    def _configured(self) -> list[str]:
        paths = [
            places.expanded(str(one), self.app.env)
            for one in self.app.config.get("nexus.scan_roots")
        ]
        there = [places.canonical(one) for one in paths if os.path.isdir(one)]
        if not there:
            named = ", ".join(paths) or "none"
            self.app.warn(
                "W_NO_SCAN_ROOTS",
                f"None of the configured roots is there ({named}); "
                "`cleo nexus scan DIR` looks elsewhere, `cleo config set --global "
                "nexus.scan_roots` for good.",
            )
        return there

    def _state(self, path: str, id_: str) -> str | None:
        try:
            case = case_of(self.app, self.db, path, id_)
        except CleoError as error:
            if error.code == "E_NEXUS_UNAVAILABLE":
                raise
            # Where it is registered cannot be looked at: it may be a copy, or have moved.
            return "drift"
        return "drift" if case.name in _LISTED else _STATES.get(case.name)


class _Looked:
    """A walk through directories, and what it could not enter."""

    def __init__(self, app: App, progress: Callable[[int], None] | None) -> None:
        self._app = app
        self._progress = progress
        self._done = 0
        self.unreadable: list[str] = []

    def projects(self, top: str, depth: int) -> Iterator[tuple[str, str]]:
        """Root and id of each project at or below a directory, by path."""
        try:
            device = os.stat(top).st_dev
        except OSError:
            self.unreadable.append(top)
            return
        waiting = [(top, 0)]
        while waiting:
            path, level = waiting.pop()
            self._done += 1
            if self._progress is not None:
                self._progress(self._done)
            id_ = self._project(path)
            if id_ is not None:
                yield path, id_
            elif level < depth:
                below = self._below(path, device)
                waiting += [(one, level + 1) for one in reversed(below)]

    def _project(self, path: str) -> str | None:
        """The id of the project at a directory; None where it is none, or a worktree."""
        env: Mapping[str, str] = self._app.env
        id_ = places.marker_id(path, env)
        if id_ is None or is_never_found(path, env):
            return None
        try:
            return None if check_worktree(path, env) is not None else id_
        except CleoError:
            return None

    def _below(self, path: str, device: int) -> list[str]:
        found = []
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    if entry.name in PASSED_OVER or not entry.is_dir(follow_symlinks=False):
                        continue
                    if entry.stat(follow_symlinks=False).st_dev == device:
                        found.append(entry.path)
        except OSError:
            self.unreadable.append(path)
        return sorted(found)


def _added(work: Work, one: Found) -> str | None:
    """Register one project; its slug, or None where that cannot be."""
    try:
        root = places.canonical(one.path)
        if case_of(work.app, work, root, one.id).name != "new":
            return None
        marker = places.marker_of(root, work.app.env) or {}
        name = naming.title_of(marker.get("name"), os.path.basename(root))
        return str(add(work, one.id, root, name, "read")["slug"])
    except ValidationError as error:
        work.unit.warn("W_NOT_REGISTERED", f"{quoted(one.path)}: {error.message}")
        return None
