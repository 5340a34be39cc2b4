"""Edges between decisions, and from decisions to tasks: what they are, rings, and the record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

from cleo_core.database import Row
from cleo_tasks.errors import TasksError
from cleo_tasks.service.adr_text import Names
from cleo_tasks.service.work import Work
from cleo_tasks.store import adrs


class Edge(NamedTuple):
    """A relation from one decision to another."""

    owner: str
    to_adr: str
    type: str

    def shown(self) -> dict[str, str]:
        """The edge as the record of its decision has it."""
        return {"to": self.to_adr, "type": self.type}


class Link(NamedTuple):
    """A link from a decision to a task."""

    owner: str
    task: str
    type: str

    def shown(self) -> dict[str, str]:
        """The link as the record of its decision has it."""
        return {"task": self.task, "type": self.type}


def named(id_: str, names: Names) -> Iterator[Edge]:
    """The relations that a line of a decision's header says."""
    for other in names.adrs:
        ends = (other, id_) if names.backward else (id_, other)
        yield Edge(*ends, names.relation)


def require_no_loop(edges: Iterable[Edge], claims: Mapping[Edge, str] | None = None) -> None:
    """Whether decisions supersede each other in a ring.

    :param claims: edge -> the file and line that says it.
    :raises TasksError: ``E_CYCLE`` (14) with the ring, first id repeated last.
    """
    after: dict[str, list[str]] = {}
    for edge in sorted(edges):
        if edge.type == "supersedes":
            after.setdefault(edge.owner, []).append(edge.to_adr)
    path = ring(after)
    if path is None:
        return
    said = [
        place
        for ends in pairwise(path)
        if (place := (claims or {}).get(Edge(*ends, "supersedes"))) is not None
    ]
    raise TasksError(
        "E_CYCLE",
        f"Decisions would supersede each other: {' → '.join(path)}"
        + (f" ({', '.join(said)})." if said else "."),
        fix=f"an edit of {said[0]}, then cleo adr sync" if said else f"cleo adr show {path[0]}",
        details={"path": path, "claims": said},
    )


def ring(after: Mapping[str, list[str]]) -> list[str] | None:
    """A ring in a graph, first id repeated last; None where there is none."""
    left: set[str] = set()
    for start in after:
        path, ways = [start], [iter(after[start])]
        place = {start: 0}
        while ways:
            one = next((one for one in ways[-1] if one not in left), None)
            if one is None:
                over = path.pop()
                ways.pop()
                del place[over]
                left.add(over)
            elif one in place:
                return [*path[place[one] :], one]
            else:
                place[one] = len(path)
                path.append(one)
                ways.append(iter(after.get(one, ())))
    return None


def by_owner(edges: Iterable[Edge | Link]) -> dict[str, list[dict[str, str]]]:
    """Decision -> its edges as the record has them, in order."""
    found: dict[str, list[dict[str, str]]] = {}
    for edge in sorted(edges):
        found.setdefault(edge.owner, []).append(edge.shown())
    return found


def note(
    work: Work,
    row: Row,
    name: str,
    before: list[dict[str, str]],
    after: list[dict[str, str]],
    action: str | None = None,
    task_id: str | None = None,
) -> None:
    """Note that the edges of a decision changed; they are its own, as a task's labels are."""
    if row["updated_at"] != work.now:
        adrs.update(work, row["id"], {"updated_at": work.now})
        row["updated_at"] = work.now
    work.note("adr", row["id"], {name: before}, {name: after}, action=action, task_id=task_id)
