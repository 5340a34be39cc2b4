"""Taking the place of an earlier entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cleo_brain.errors import BrainError, entry_not_found
from cleo_brain.ids import parse_id
from cleo_brain.service import rewriting
from cleo_brain.service.work import Work
from cleo_brain.store import entries, graph


def supersede(work: Work, new: Mapping[str, Any], old_id: str, reason: str | None = None) -> None:
    """Withdraw an entry in favour of another, and write the edge.

    :param new: the columns of the entry that takes its place.
    :raises NotFoundError: the old one does not exist.
    :raises BrainError: ``E_ALREADY_DONE`` (17), one of them is not live, or a note; ``E_CYCLE``
        (14), the new one is an entry that the old one supersedes.
    """
    id_ = parse_id(old_id)
    old = entries.get(work, id_)
    if old is None:
        raise entry_not_found(id_)
    if new["id"] == id_ or new["id"] in graph.predecessors(work, id_):
        raise BrainError(
            "E_CYCLE",
            f"{new['id']} cannot supersede {id_}: {id_} has taken its place.",
            fix=f"cleo memory fetch {id_}",
        )
    for row in (old, new):
        _require_live(work, row)
    withdraw(work, new, old, reason)


def withdraw(
    work: Work, new: Mapping[str, Any], old: Mapping[str, Any], reason: str | None = None
) -> None:
    """Write the edge of a supersession and withdraw the old entry; nothing is checked."""
    id_ = old["id"]
    graph.add_edge(
        work,
        new["id"],
        "supersedes",
        entry=id_,
        reason=reason,
        agent=work.caller.agent,
        now=work.now,
    )
    entries.update(work, id_, {"invalid_at": new["valid_at"], "invalid_reason": "superseded"})
    rewriting.stand(work, old, new["valid_at"])
    work.note(old["kind"], id_, "memory.supersede", superseded_by=new["id"])
    work.unit.updated(
        old["kind"],
        id_,
        {"invalid_at": None, "invalid_reason": None},
        {"invalid_at": new["valid_at"], "invalid_reason": "superseded"},
    )


def _require_live(work: Work, row: Mapping[str, Any]) -> None:
    if row["kind"] == "sticky":
        raise BrainError(
            "E_ALREADY_DONE",
            f"{row['id']} is a sticky note; notes are edited, not superseded.",
            fix=f"cleo sticky edit {row['id']}",
        )
    if row.get("invalid_at") is None:
        return
    successor = graph.successor(work, row["id"])
    by = f" by {successor}" if successor else ""
    raise BrainError(
        "E_ALREADY_DONE",
        f"{row['id']} is {row['invalid_reason']} already{by}.",
        fix=f"cleo memory fetch {successor or row['id']}",
        details={"id": row["id"], "successor": successor},
    )
