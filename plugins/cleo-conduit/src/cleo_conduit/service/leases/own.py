"""Leases as their holder names them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cleo_conduit import globs
from cleo_conduit.errors import not_participant
from cleo_conduit.service import fields
from cleo_conduit.service.acting import Acting
from cleo_conduit.service.leases.places import Tree, several
from cleo_conduit.service.refs import TOUCH_SECONDS
from cleo_conduit.service.work import Work
from cleo_conduit.store import leases, refs
from cleo_core import clock
from cleo_core.database import Row
from cleo_core.errors import NotFoundError, UsageError, echoed, shortened

if TYPE_CHECKING:
    from cleo_core.app import App

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Name(NamedTuple):
    """A lease by its id, or by one of the patterns that a text may have become.

    :ivar given: as the caller wrote it.
    """

    given: str
    id: str | None
    patterns: Sequence[str]


def named(app: App, names: Any, all_: Any) -> list[Name] | None:
    """Leases as a caller names them; None for all that the agent holds.

    :raises UsageError: there are none, or both, or a text that is neither id nor pattern.
    """
    if fields.flag(all_, "all"):
        if len(names) > 0:
            raise UsageError("Either leases are named or all are meant.", fix="--all")
        return None
    tree = Tree.of(app.project.root)
    return [_name(tree, value) for value in several(names, "A lease", "--all")]


def lease_id(value: Any) -> str:
    """The id of a lease.

    :raises UsageError: it can be none.
    """
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise UsageError(f"{echoed(value)} is no id of a lease.", fix="cleo lease list")
    return value


def own_rows(work: Work, agent_id: str, names: Sequence[Name] | None) -> list[Row]:
    """The leases that are named, each once; of a pattern those that are held, else the newest.

    :raises NotFoundError: 4, there is no such lease of the agent.
    :raises ConduitError: 99, it belongs to another agent.
    """
    if names is None:
        return leases.of_agent(work, agent_id, work.now)
    found: dict[str, Row] = {}
    for name in names:
        if name.id is not None:
            row = leases.get(work, name.id)
            if row is not None and row["agent_id"] != agent_id:
                raise not_participant(
                    f"The lease {name.id} belongs to {row['agent_id']}.",
                    f"cleo lease break {name.id}",
                    agentId=row["agent_id"],
                )
            rows = [] if row is None else [row]
        else:
            all_ = leases.of_pattern(work, agent_id, name.patterns)
            rows = [row for row in all_ if row["released_at"] is None] or all_[:1]
        if not rows:
            raise not_found(name.given)
        found |= {row["id"]: row for row in rows}
    return list(found.values())


def not_found(given: str) -> NotFoundError:
    """Exit 4 for a lease that is not there."""
    return NotFoundError(f"There is no lease {shortened(given)!r}.", fix="cleo lease list")


def used(work: Work, me: Acting) -> None:
    """Remember that the agent was active."""
    if me.ref is not None:
        before = clock.format_time(clock.parse_time(work.now) - TOUCH_SECONDS)
        refs.touch(work, me.agent_id, work.now, before)


def _name(tree: Tree, value: Any) -> Name:
    if isinstance(value, str) and _ID.fullmatch(value):
        return Name(value, value, ())
    place = tree.pattern(value)
    patterns = [place.pattern]
    if place.namespace == "file":
        # What was a directory, or a link, may be something else by now.
        patterns.append(f"{place.pattern}/**")
        try:
            patterns.append(globs.normalized(place.given))
        except globs.PatternError:
            pass
    return Name(place.given, None, list(dict.fromkeys(patterns)))
