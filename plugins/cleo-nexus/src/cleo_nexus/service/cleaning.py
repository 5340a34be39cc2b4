"""Taking projects out of the registry by what they have in common."""

from __future__ import annotations

import re
from collections.abc import Sequence
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
        pattern = None if match is None else _pattern(match)
        if not (missing or temp or never_synced or pattern):
            raise NexusError(
                "E_NO_CRITERIA",
                "Say which projects are meant: --missing, --temp, --never-synced, --match REGEX.",
            )

        def meets(row: Row) -> bool:
            path = row["project_path"]
            return (
                (not never_synced or row["last_sync"] is None)
                and (not temp or places.is_temporary(path, self.app.env))
                and (pattern is None or pattern.search(path) is not None)
                and (not missing or self._is_missing(row))
            )

        rows = [row for row in registry.everything(self.db) if meets(row)]
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
        if yes and not self.app.dry_run:
            removed = self._remove(removable) if removable else 0
        else:
            removed = 0
        return Cleaned([Project.of(row, marked) for row in rows], removed, kept)

    @mutating("nexus.clean")
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


def _pattern(match: Any) -> re.Pattern[str]:
    """A pattern that a person gave.

    :raises NexusError: 2, it is none.
    """
    try:
        text = plain_text(match, "pattern")
        if not 0 < len(text) <= _LONGEST:
            raise ValueError(f"1 to {_LONGEST} characters are needed")
        return re.compile(text)
    except (CleoError, re.error, ValueError, RecursionError, OverflowError) as error:
        raise NexusError(
            "E_INVALID_PATTERN",
            f"{echoed(match)} is no regular expression: {error}.",
            fix="cleo nexus clean --match '^/tmp/'",
        ) from None
