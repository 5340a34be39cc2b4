"""Links of decisions that are made by hand, to tasks and to each other."""

from __future__ import annotations

from collections.abc import Sequence

from cleo_core import inputs
from cleo_core.database import Backend, Row
from cleo_core.errors import CleoError, NotFoundError, ValidationError
from cleo_tasks.adr_records import AdrLink, AdrUnlinked
from cleo_tasks.errors import task_not_found
from cleo_tasks.service import adr_edges, adr_sync
from cleo_tasks.service.work import Work
from cleo_tasks.store import adr_links, adrs, tasks


def link(work: Work, id_: str, task: str, type_: str) -> AdrLink:
    """Link a decision to a task.

    :raises CleoError: 4; ``E_NO_CHANGE`` (102).
    """
    row = require(work, id_)
    if not tasks.existing(work, [task]):
        raise task_not_found(task)
    before = _links_of(work, id_)
    if not adr_links.add(work, id_, task, type_, source="manual", now=work.now):
        raise _no_change(f"{id_} and {task} are linked as {type_} already.", id_)
    adr_edges.note(work, row, "tasks", before, _links_of(work, id_), task_id=task)
    return AdrLink(id_, task, None, type_, "manual")


def relate(work: Work, id_: str, to: str, type_: str) -> AdrLink:
    """Link a decision to another one.

    :raises CleoError: 4, 6, 14; ``E_NO_CHANGE`` (102).
    """
    row = require(work, id_)
    require(work, to)
    if id_ == to:
        raise ValidationError(f"{id_} cannot be linked to itself.", fix="cleo adr list")
    before = _relations_of(work, id_)
    if not adrs.add_relation(work, id_, to, type_, source="manual"):
        raise _no_change(f"{id_} {type_} {to} already.", id_)
    if type_ == "supersedes":
        adr_edges.require_no_loop(
            adr_edges.Edge(one["from_adr_id"], one["to_adr_id"], one["relation_type"])
            for one in adrs.relations(work)
        )
    adr_edges.note(work, row, "relations", before, _relations_of(work, id_))
    adr_sync.settle_status(work, to)
    return AdrLink(id_, None, to, type_, "manual")


def unlink(work: Work, id_: str, task: str, type_: str | None) -> AdrUnlinked:
    """Remove the links by hand to a task.

    :raises CleoError: 4, 6; ``E_NO_CHANGE`` (102).
    """
    row = require(work, id_)
    if not tasks.existing(work, [task]):
        raise task_not_found(task)
    found = [
        one
        for one in adr_links.of_adr(work, id_)
        if one["task_id"] == task and type_ in (None, one["link_type"])
    ]
    before = _links_of(work, id_)
    removed = []
    for one in _by_hand(found, row, id_, task):
        adrs.remove_link(work, id_, task, one["link_type"], source="manual")
        removed.append(AdrLink(id_, task, None, one["link_type"], "manual"))
    adr_edges.note(work, row, "tasks", before, _links_of(work, id_), task_id=task)
    return AdrUnlinked(removed)


def unrelate(work: Work, id_: str, to: str, type_: str | None) -> AdrUnlinked:
    """Remove the links by hand to another decision.

    :raises CleoError: 4, 6; ``E_NO_CHANGE`` (102).
    """
    row = require(work, id_)
    require(work, to)
    found = [
        one
        for one in adrs.relations_of(work, id_)
        if one["from_adr_id"] == id_
        and one["to_adr_id"] == to
        and type_ in (None, one["relation_type"])
    ]
    before = _relations_of(work, id_)
    removed = []
    for one in _by_hand(found, row, id_, to):
        adrs.remove_relation(work, id_, to, one["relation_type"], source="manual")
        removed.append(AdrLink(id_, None, to, one["relation_type"], "manual"))
    adr_edges.note(work, row, "relations", before, _relations_of(work, id_))
    adr_sync.settle_status(work, to)
    return AdrUnlinked(removed)


def _by_hand(found: list[Row], row: Row, id_: str, other: str) -> list[Row]:
    """Those of the links that may be removed.

    :raises CleoError: none may.
    """
    manual = [one for one in found if one["source"] == "manual"]
    if manual:
        return manual
    if found:
        raise ValidationError(
            f"That {id_} is linked to {other} stands in a file, and the next sync would say so "
            "again.",
            fix=f"an edit of {row['file_path']} or of the other file, then cleo adr sync",
        )
    raise _no_change(f"{id_} has no such link to {other}.", id_)


def require(db: Backend, id_: str) -> Row:
    """A decision's columns.

    :raises NotFoundError: there is none.
    """
    row = adrs.row(db, id_)
    if row is None:
        raise NotFoundError(f"There is no decision {id_}.", fix="cleo adr list", ids=[id_])
    return row


def _no_change(message: str, id_: str) -> CleoError:
    return CleoError("E_NO_CHANGE", message, fix=f"cleo adr show {id_}")


def type_of(words: Sequence[str], given: object, other: str) -> str:
    """The type of a link.

    :raises ValidationError: no such link has that type.
    """
    try:
        return inputs.word_of(words, "type")(given)
    except ValidationError as error:
        raise ValidationError(
            f"{error.message[:-1]} for a link to {other}.", fix=error.fix, field="type"
        ) from None


def _links_of(db: Backend, id_: str) -> list[dict[str, str]]:
    return [{"task": one["task_id"], "type": one["link_type"]} for one in adr_links.of_adr(db, id_)]


def _relations_of(db: Backend, id_: str) -> list[dict[str, str]]:
    return [
        {"to": one["to_adr_id"], "type": one["relation_type"]}
        for one in adrs.relations_of(db, id_)
        if one["from_adr_id"] == id_
    ]
