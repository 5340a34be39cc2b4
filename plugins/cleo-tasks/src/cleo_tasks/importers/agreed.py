"""What a task and its record agreed on when they were last seen together.

It is kept in the link's metadata, beside the record's title and status as last seen. Who has
changed what since then is told by comparing with it, so that neither the log of changes, which may
be pruned, nor a clock has a say.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from cleo_tasks.importers.plan import ACCEPTED, KEPT, LINK, PRESENT, UPDATE
from cleo_tasks.importers.row import DEPENDENCY, PARENT

if TYPE_CHECKING:
    from cleo_tasks.importers.engine import Import

#: Under what it stands in the metadata.
KEY = "agreed"

#: Columns that a record may say something about, beside its title and status.
COLUMNS = (
    *("description", "priority", "role", "severity", "size", "phase", "acceptance", "files"),
)


class Agreed(NamedTuple):
    """What a record said, whoever's word then stood.

    :param columns: digests, by name; one that is missing was empty, or never spoken of.
    :param labels: those of the record.
    :param waits: ids, as the record has them, of what the task came to wait for.
    :param parent: id of the task that it stood under.
    """

    columns: Mapping[str, str]
    labels: frozenset[str]
    waits: frozenset[str]
    parent: str | None

    def stored(self) -> dict[str, Any]:
        """As it is kept: what is empty is left out."""
        kept = {
            "columns": dict(self.columns),
            "labels": sorted(self.labels),
            "waits": sorted(self.waits),
            "parent": self.parent,
        }
        return {name: value for name, value in kept.items() if value}


def of(metadata: Mapping[str, Any]) -> Agreed | None:
    """What a link's metadata says of it; None where nothing is known."""
    kept = metadata.get(KEY)
    if not isinstance(kept, dict):
        return None
    # Metadata may have come with somebody's file, and hold anything.
    columns = kept.get("columns")
    return Agreed(
        columns if isinstance(columns, dict) else {},
        _texts(kept.get("labels")),
        _texts(kept.get("waits")),
        kept.get("parent"),
    )


def digest(value: Any) -> str | None:
    """What tells a column's value from another one; None for an empty one."""
    if value in (None, "", []):
        return None
    text = json.dumps(value, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def of_new(run: Import, values: Mapping[str, Any], body: Mapping[str, Any]) -> Agreed:
    """What is agreed when a record becomes a task.

    :param values: the task's columns.
    """
    states = _states(run, body, DEPENDENCY)
    return Agreed(
        _digests(values),
        frozenset(body["labels"]),
        frozenset(key for key, found in states.items() if found <= {ACCEPTED, PRESENT}),
        values["parent_id"],
    )


def renewed(
    run: Import,
    before: Agreed | None,
    body: Mapping[str, Any],
    refused: Mapping[int, int] = {},
) -> Agreed:
    """What is agreed after a record was settled.

    :param before: what was. What the record says nothing of stays as it was.
    :param refused: what became of edges, where the plan does not have it yet.
    """
    known = before or Agreed({}, frozenset(), frozenset(), None)
    said = {name: one for name, one in body["columns"].items() if name not in body["unsaid"]}
    waits, parent = set(known.waits), known.parent
    outcome = run.plan.outcome[body["row"]]
    if outcome in (UPDATE, LINK):
        states = _states(run, body, DEPENDENCY, refused)
        if outcome == UPDATE:
            waits &= set(states)
        waits.update(key for key, found in states.items() if found <= {ACCEPTED, PRESENT})
        for index, _ in _own(run, body, PARENT):
            state = refused.get(index, run.plan.edge_state[index])
            if state in (ACCEPTED, PRESENT) or (state == KEPT and before is None):
                parent = run.task_at(run.plan.edge_target[index])
    return Agreed(
        {**known.columns, **_digests(said)}, frozenset(body["labels"]), frozenset(waits), parent
    )


def own_edges(run: Import, body: Mapping[str, Any]) -> list[tuple[int, str, str]]:
    """Index, kind and the other end's id, as the record has it, of the edges that lead from it."""
    return [
        (index, kind, target)
        for index, (kind, target, *_) in zip(run.edges_of(body["row"]), body["edges"], strict=True)
        if run.plan.edge_source[index] == body["row"]
    ]


def _own(run: Import, body: Mapping[str, Any], wanted: str) -> list[tuple[int, str]]:
    return [(index, key) for index, kind, key in own_edges(run, body) if kind == wanted]


def _states(
    run: Import, body: Mapping[str, Any], wanted: str, refused: Mapping[int, int] = {}
) -> dict[str, set[int]]:
    """What became of the edges to each other record; some say one twice."""
    states: dict[str, set[int]] = {}
    for index, key in _own(run, body, wanted):
        states.setdefault(key, set()).add(refused.get(index, run.plan.edge_state[index]))
    return states


def _digests(values: Mapping[str, Any]) -> dict[str, str]:
    found = ((name, digest(values.get(name))) for name in COLUMNS)
    return {name: one for name, one in found if one is not None}


def _texts(value: Any) -> frozenset[str]:
    items: Iterable[Any] = value if isinstance(value, list) else ()
    return frozenset(item for item in items if isinstance(item, str))
