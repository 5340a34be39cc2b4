"""Relations between tasks, and suggestions for more."""

from __future__ import annotations

from typing import ClassVar

from cleo_core import inputs
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.database import Backend
from cleo_core.errors import CleoError, ValidationError
from cleo_core.output import Page
from cleo_tasks.enums import RELATION_TYPE
from cleo_tasks.errors import task_not_found
from cleo_tasks.ids import parse_id
from cleo_tasks.records import Line
from cleo_tasks.service.verbs import Verbs
from cleo_tasks.service.work import Work
from cleo_tasks.store import relations as store
from cleo_tasks.store import tasks

#: Other spellings of relation types.
SPELLINGS = {"relates-to": "related", "duplicate-of": "duplicates"}
#: A suggestion has at least this score.
LEAST_SCORE = 50


@record
class Relation(Declared):
    """``task_id`` is related to ``related_to``. ``task``: in a list, the other end."""

    task_id: str
    related_to: str
    relation_type: str
    reason: str | None
    task: Line | None = None

    OPTIONAL: ClassVar[tuple[str, ...]] = ("task",)


@record
class RelationsRemoved(Declared):
    """The relations that are gone."""

    removed: list[Relation]


@record
class Similar(Declared):
    """A task that may be related: 20 points per shared label, 15 for the same phase, 25 for the
    same parent.
    """

    task: Line
    score: int
    labels: list[str]
    same_phase: bool
    same_parent: bool


class RelationVerbs(Verbs):
    """``relate …``."""

    def relate_add(
        self,
        id: str,
        other: str,
        *,
        type: str = "related",
        reason: str | None = None,
        if_version: int | None = None,
    ) -> Relation:
        """Relate a task to another one, or give the relation another reason.

        :param type: related, blocks, duplicates, absorbs, fixes, extends or supersedes.
        :raises CleoError: 4; 6, an unknown type, or a task and itself; 21, 34, 36; ``E_NO_CHANGE``
            (102), the relation is there already.
        """
        id_, other_, type_ = parse_id(id), parse_id(other), relation_type(type)
        why = None if reason is None else inputs.plain_text(reason, "reason").strip() or None
        if id_ == other_:
            raise ValidationError(
                f"{id_} cannot be related to itself.", fix=f"cleo relate suggest {id_}"
            )

        def body(work: Work) -> Relation:
            row = work.task(id_)
            work.require_version(row, if_version)
            work.enter(id_)
            _require(work, other_)
            there = store.reason_of(work, id_, other_, type_)
            if there is not None and (why is None or there["reason"] == why):
                raise CleoError(
                    "E_NO_CHANGE",
                    f"The relation {id_} {type_} {other_} is there already.",
                    fix=f"cleo relate list {id_}",
                )
            before = store.named_first(work, id_)
            store.put(work, id_, other_, type_, reason=why, now=work.now)
            after = store.named_first(work, id_)
            work.bump(row, {"relations": before}, {"relations": after})
            return Relation(id_, other_, type_, why)

        return self.write("task.relate_add", body)

    def relate_remove(
        self, id: str, other: str, *, type: str | None = None, if_version: int | None = None
    ) -> RelationsRemoved:
        """Remove the relations of a task to another one.

        :param type: only this one; all by default.
        :raises CleoError: 4; 6, an unknown type; 21, 34, 36; ``E_NO_CHANGE`` (102), there is none.
        """
        id_, other_ = parse_id(id), parse_id(other)
        type_ = None if type is None else relation_type(type)

        def body(work: Work) -> RelationsRemoved:
            row = work.task(id_)
            work.require_version(row, if_version)
            work.enter(id_)
            _require(work, other_)
            before = store.named_first(work, id_)
            if not store.remove(work, id_, other_, type_):
                raise CleoError(
                    "E_NO_CHANGE",
                    f"{id_} has no relation {type_ or 'of any type'} to {other_}.",
                    fix=f"cleo relate list {id_}",
                )
            after = store.named_first(work, id_)
            work.bump(row, {"relations": before}, {"relations": after})
            return RelationsRemoved(
                [
                    Relation(id_, one["related_to"], one["relation_type"], one["reason"])
                    for one in before
                    if one not in after
                ]
            )

        return self.write("task.relate_remove", body)

    def relate_list(
        self, id: str, *, limit: int | None = None, offset: int = 0
    ) -> tuple[list[Relation], Page]:
        """A page of a task's relations in both directions, with the task at the other end.

        :raises CleoError: 2; 4, there is no such task.
        """
        id_ = parse_id(id)
        limit, offset = self.page(limit, offset)
        with self.db.snapshot() as db:
            _require(db, id_)
            rows, total = store.page(db, id_, limit=limit, offset=offset)
            lines = {line.id: line for line in tasks.lines(db, [row["other"] for row in rows])}
        return [
            Relation(
                row["task_id"],
                row["related_to"],
                row["relation_type"],
                row["reason"],
                lines[row["other"]],
            )
            for row in rows
        ], Page(limit, offset, total)

    def relate_suggest(
        self, id: str, *, limit: int | None = None, offset: int = 0
    ) -> tuple[list[Similar], Page]:
        """A page of unrelated tasks that are like this one, the most alike first.

        20 points per shared label, 15 for the same phase, 25 for the same parent; shown from 50.
        Archived tasks are left out.

        :raises CleoError: 2; 4, there is no such task.
        """
        id_ = parse_id(id)
        limit, offset = self.page(limit, offset)
        with self.db.snapshot() as db:
            _require(db, id_)
            own = set(tasks.labels(db, id_))
            rows, total = store.similar(db, id_, least=LEAST_SCORE, limit=limit, offset=offset)
            lines = tasks.lines(db, [row["id"] for row in rows])
        return [
            Similar(
                line,
                row["score"],
                [label for label in line.labels if label in own],
                bool(row["phase"]),
                bool(row["parent"]),
            )
            for line, row in zip(lines, rows, strict=True)
        ], Page(limit, offset, total)


def relation_type(word: object) -> str:
    """A relation type in any of its spellings.

    :raises ValidationError: none of them.
    """
    return inputs.word_of(RELATION_TYPE, "type")(SPELLINGS.get(str(word), word))


def _require(db: Backend, id_: str) -> None:
    if not tasks.existing(db, [id_]):
        raise task_not_found(id_)
