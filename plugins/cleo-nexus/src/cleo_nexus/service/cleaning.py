"""Taking projects out of the registry by what they have in common."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from cleo_core.errors import CleoError, echoed
from cleo_core.inputs import plain_text
from cleo_nexus.errors import NexusError
from cleo_nexus.records.projects import Cleaned, Kept, Project
from cleo_nexus.service import access, places
from cleo_nexus.service.registering import remove
from cleo_nexus.service.work import Verbs, Work, mutating, reading
from cleo_nexus.store import dependents, registry

if TYPE_CHECKING:
    from cleo_core.database import Row

#: Projects that are removed in one unit.
BLOCK = 500
#: Ids that the audit row names.
SAMPLES = 10
#: Characters of a pattern at most.
_LONGEST = 1000
#: Seconds that looking for a pattern in all paths may take.
SECONDS = 2.0
#: Given a pattern and paths, says at which places among these it is found.
_SEARCH = (
    "import json, re, sys; pattern, *paths = json.load(sys.stdin.buffer); "
    "found = re.compile(pattern).search; "
    "print([place for place, path in enumerate(paths) if found(path)])"
)


class CleanVerbs(Verbs):
    """``clean``."""

    @reading()
    def clean(
        self,
        *,
        missing: bool = False,
        temp: bool = False,
        never_synced: bool = False,
        match: str | None = None,
        yes: bool = False,
    ) -> Cleaned:
        """Take the projects out of the registry that meet every criterion given.

        Their files are never touched. What ``unregister`` would refuse stays.

        :param missing: their directory is gone.
        :param temp: they lie under the system's temporary directory.
        :param never_synced: nothing of them was ever counted.
        :param match: a regular expression that is found in their path.
        :param yes: do it; otherwise this only says what would be done.
        :raises NexusError: 2, no criterion, or the pattern is none.
        :raises CleoError: 100, no project meets the criteria.
        """
        criteria = missing, temp, never_synced, match
        if yes and not self.app.dry_run:
            return self._cleaned(*criteria)
        return self._meeting(*criteria)[0]

    @mutating("nexus.clean")
    def _cleaned(self, missing: bool, temp: bool, never_synced: bool, match: str | None) -> Cleaned:
        found, removable = self._meeting(missing, temp, never_synced, match)
        return replace(found, removed=self._remove(removable)) if removable else found

    def _meeting(
        self, missing: bool, temp: bool, never_synced: bool, match: str | None
    ) -> tuple[Cleaned, list[str]]:
        """The projects that meet every criterion, and the ids of those that may be removed."""
        pattern = None if match is None else _pattern(match)
        if not (missing or temp or never_synced or pattern is not None):
            raise NexusError(
                "E_NO_CRITERIA",
                "Say which projects are meant: --missing, --temp, --never-synced, --match REGEX.",
            )

        every = registry.everything(self.db)
        matching = None
        if pattern is not None:
            matching = _found_in(pattern, [row["project_path"] for row in every], self.app.env)

        def meets(row: Row) -> bool:
            path = row["project_path"]
            return (
                (not never_synced or row["last_sync"] is None)
                and (not temp or places.is_temporary(path, self.app.env))
                and (matching is None or path in matching)
                and (not missing or self._is_missing(row))
            )

        rows = [row for row in every if meets(row)]
        if not rows:
            raise CleoError(
                "E_NOTHING", "No registered project meets the criteria.", fix="cleo nexus list"
            )
        held = dependents.held(self.db)
        marked = access.marked_id(self.app, self.db)
        removable = [row["project_id"] for row in rows if row["project_id"] not in held]
        kept = [
            Kept(row["slug"], "needed by an open instance or transfer")
            for row in rows
            if row["project_id"] in held
        ]
        return Cleaned([Project.of(row, marked) for row in rows], 0, kept), removable

    def _remove(self, ids: Sequence[str]) -> int:
        """Remove projects in units; one audit row, in the last of them."""
        removed: list[str] = []

        def body(work: Work, block: Sequence[str]) -> list[str]:
            held, gone = dependents.held(work), []
            for id_ in block:
                row = registry.by_id(work, id_)
                if row is not None and id_ not in held:
                    remove(work, row)
                    gone.append(id_)
            every = [*removed, *gone]
            work.about(None)
            work.note(removed=len(every), samples=every[:SAMPLES])
            return gone

        for start in range(0, len(ids), BLOCK):
            block = ids[start : start + BLOCK]
            last = start + BLOCK >= len(ids)
            try:
                removed += self.write(partial(body, block=block), audited=last)
            except CleoError as error:
                # What the units before it removed is gone.
                error.details["removed"] = len(removed)
                raise
        return len(removed)

    def _is_missing(self, row: Row) -> bool:
        try:
            return places.gone(row["project_path"])
        except CleoError as error:
            self.app.warn("W_NOT_EXAMINED", f"{row['slug']} is left alone: {error.message}")
            return False


def _pattern(match: Any) -> str:
    """A pattern that a person gave.

    :raises NexusError: 2, it is none.
    """
    try:
        text = plain_text(match, "pattern")
        if not 0 < len(text) <= _LONGEST:
            raise ValueError(f"1 to {_LONGEST} characters are needed")
        re.compile(text)
    except (CleoError, re.error, ValueError, RecursionError, OverflowError) as error:
        raise _no_pattern(match, f"is no regular expression: {error}") from None
    return text


def _found_in(pattern: str, paths: Sequence[str], env: Mapping[str, str]) -> frozenset[str]:
    """The paths that a pattern is found in.

    A pattern may take longer than anybody lives, and nothing in this process could end that, so
    that another one looks for it.

    :raises NexusError: 2, it takes longer than :data:`SECONDS`.
    :raises CleoError: ``E_IO`` (3), no other process can be started.
    """
    import json
    import sys

    from cleo_core.programs import run

    argv = [sys.executable, "-I", "-S", "-W", "ignore", "-c", _SEARCH]
    done = run(
        argv, cwd=os.curdir, env=env, timeout=SECONDS, input=json.dumps([pattern, *paths]).encode()
    )
    if done.started and done.code is None:
        raise _no_pattern(
            pattern,
            f"takes longer than {SECONDS:g} seconds to look for; it must not repeat what repeats",
        )
    try:
        places_: list[int] = json.loads(done.out)
    except ValueError:
        raise CleoError(
            "E_IO", f"The pattern was not looked for: {sys.executable} {done.end}."
        ) from None
    return frozenset(paths[place] for place in places_)


def _no_pattern(match: Any, why: str) -> NexusError:
    return NexusError(
        "E_INVALID_PATTERN", f"{echoed(match)} {why}.", fix="cleo nexus clean --match '^/tmp/'"
    )
