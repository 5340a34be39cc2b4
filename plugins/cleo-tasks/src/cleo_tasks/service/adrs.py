"""Architecture decisions: adding, syncing, linking, showing, searching."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from cleo_core import inputs
from cleo_core.database import Backend
from cleo_core.errors import CleoError, ValidationError
from cleo_core.locks import locked
from cleo_core.output import Page, camel, to_json
from cleo_tasks.adr_ids import HIGHEST, adr_id, is_adr_id, parse_adr_id, parse_adr_ids
from cleo_tasks.adr_records import (
    Adr,
    AdrHit,
    AdrLine,
    AdrLink,
    AdrRelation,
    AdrSync,
    AdrTask,
    AdrUnlinked,
    AdrWarning,
)
from cleo_tasks.enums import ADR_LINK_TYPE, ADR_RELATION_TYPE, ADR_STATUS
from cleo_tasks.errors import task_not_found
from cleo_tasks.ids import parse_id
from cleo_tasks.records import Line
from cleo_tasks.service import adr_files, adr_linking, adr_sync, adr_writing, fields, text_search
from cleo_tasks.service.adr_files import Tree
from cleo_tasks.service.verbs import Verbs
from cleo_tasks.service.work import Work
from cleo_tasks.store import adr_links, adrs, tasks

#: What a word of a query counts in each field.
WEIGHTS = {"id": 20, "title": 10, "keywords": 5, "topics": 5, "summary": 3, "content": 1}
#: The lock that keeps two commands from reading and numbering files at once.
LOCK = "adrs"


class AdrVerbs(Verbs):
    """``adr …``."""

    def adr_sync(self) -> AdrSync:
        """Bring the stored decisions to what ``.cleo/adrs/ADR-NNN-slug.md`` say.

        :returns: what changed, and every irregularity with file and line.
        :raises CleoError: a duplicate number or a missing title (6), a ring of decisions that
            supersede each other (14), a directory out of reach (3); nothing is written then.
        """
        with self._adrs_alone():
            tree = adr_files.read_tree(self.app.project)
            return self._tell(self.write("adr.sync", lambda work: adr_sync.sync(work, tree)))

    def adr_add(
        self,
        title: str,
        *,
        summary: str | None = None,
        status: str = "proposed",
        topics: Sequence[str] = (),
        idempotency_key: str | None = None,
    ) -> Adr:
        """Write a new decision into a file with the next number, then sync.

        The file comes first: what a crash leaves behind is a file, which the next sync finds, and
        which the same idempotency key takes for its own.

        :param topics: each without a comma.
        :raises CleoError: a value that the file could not give back, or what :meth:`adr_sync`
            refuses (6, 14); nothing is written then.
        """
        draft = adr_writing.draft(title, summary, status, topics)
        given = {"title": title, "summary": summary, "status": status, "topics": list(topics)}
        with self._adrs_alone():
            answered = self._answered(idempotency_key, given)
            if answered is not None:
                return self._told(answered)
            return self._told(self._add(draft, idempotency_key, given))

    def adr_list(
        self,
        *,
        status: Sequence[str] = (),
        topics: Sequence[str] = (),
        task: str | None = None,
        removed: bool = False,
        limit: int | None = None,
        offset: int = 0,
    ) -> tuple[list[AdrLine], Page]:
        """A page of decisions by number.

        :param topics: decisions that have all of them.
        :param task: decisions that are linked to this task.
        :param removed: with those whose file is gone.
        :raises CleoError: a filter's value is no such word (2); there is no such task (4).
        """
        limit, offset = self.page(limit, offset)
        with self.db.snapshot() as db:
            filters = _filters(db, status, topics, task)
            rows, total = adrs.listing(db, filters, removed=removed, limit=limit, offset=offset)
        return [AdrLine(**row) for row in rows], Page(limit, offset, total)

    def adr_show(self, *ids: str) -> list[Adr]:
        """Decisions whole, in the order asked for.

        :raises CleoError: one of them does not exist (4), a text is no id (2).
        """
        with self.db.snapshot() as db:
            return [_record(db, id_) for id_ in parse_adr_ids(ids)]

    def adr_find(
        self,
        query: str,
        *,
        status: Sequence[str] = (),
        topics: Sequence[str] = (),
        removed: bool = False,
        limit: int | None = None,
        offset: int = 0,
    ) -> tuple[list[AdrHit], Page]:
        """A page of the decisions that have every word of a query, the best first.

        A word may be part of another one; case does not count. A match in the id counts 20, in the
        title 10, in keywords and topics 5, in the summary 3, in the text 1.

        :raises UsageError: the query has no word, a filter's value is no such word.
        """
        words = text_search.words_of(query, "adr find")
        limit, offset = self.page(limit, offset, "find.limit")
        with self.db.snapshot() as db:
            filters = _filters(db, status, topics, None)
            rows = adrs.texts(db, filters, removed=removed)
            found = text_search.search(rows, words, WEIGHTS, without=("content",))
        names = AdrLine.__dataclass_fields__
        return [
            AdrHit(
                **{name: match.row[name] for name in names},
                score=match.score,
                matched_in=match.matched_in,
                snippet=match.snippet,
            )
            for match in found[offset : offset + limit]
        ], Page(limit, offset, len(found))

    def adr_link(self, adr: str, other: str, *, type: str = "related") -> AdrLink:
        """Link a decision to a task or to another decision; syncing leaves such links alone.

        :param type: to a task related, governed_by or implements; to a decision related,
            supersedes or amends.
        :raises CleoError: 4; 6, no such type for such a link, or a decision and itself; 14, a ring
            of decisions that supersede each other; ``E_NO_CHANGE`` (102), the link is there.
        """
        id_ = parse_adr_id(adr)
        if is_adr_id(other):
            to = parse_adr_id(other)
            word = adr_linking.type_of(ADR_RELATION_TYPE, type, to)
            return self.write("adr.link", lambda work: adr_linking.relate(work, id_, to, word))
        task = parse_id(other)
        word = adr_linking.type_of(ADR_LINK_TYPE, type, task)
        return self.write("adr.link", lambda work: adr_linking.link(work, id_, task, word))

    def adr_unlink(self, adr: str, other: str, *, type: str | None = None) -> AdrUnlinked:
        """Remove the links of a decision to a task or to another decision that were made by hand.

        :param type: only this one; all by default.
        :raises CleoError: 4; 6, an unknown type, or the link stands in the decision's file;
            ``E_NO_CHANGE`` (102), there is none.
        """
        id_ = parse_adr_id(adr)
        if is_adr_id(other):
            to = parse_adr_id(other)
            only = None if type is None else adr_linking.type_of(ADR_RELATION_TYPE, type, to)
            return self.write("adr.unlink", lambda work: adr_linking.unrelate(work, id_, to, only))
        task = parse_id(other)
        only = None if type is None else adr_linking.type_of(ADR_LINK_TYPE, type, task)
        return self.write("adr.unlink", lambda work: adr_linking.unlink(work, id_, task, only))

    @contextmanager
    def _adrs_alone(self) -> Iterator[None]:
        """Keep other commands off the files; a dry run touches none."""
        if self.app.dry_run:
            yield
        else:
            with locked(self.app.project.directory, LOCK):
                yield

    def _add(self, draft: adr_writing.Draft, key: str | None, given: Mapping[str, Any]) -> Adr:
        project = self.app.project
        tree = adr_files.read_tree(project)
        left_behind = adr_writing.left_behind(tree, draft, self.db) if key is not None else None
        number = left_behind or max([adrs.highest(self.db), *tree.taken]) + 1
        if number > HIGHEST:
            raise ValidationError(
                f"{adr_id(HIGHEST)} has the highest number there is.", fix="cleo adr list"
            )
        name = adr_files.file_name(number, draft.title)
        text = draft.text(number)
        if left_behind is None:
            tree.documents.append(adr_files.document(project, number, name, text))

        def body(work: Work) -> Adr:
            added: Adr = work.unit.idempotent(
                "adr add",
                key,
                given,
                lambda: self._added(work, tree, number),
                encode=to_json,
                decode=_added_from_json,
            )
            return added

        if self.app.dry_run:
            return self.write("adr.add", body)
        with self.app.dry_running():
            # Whatever would refuse the sync refuses it before there is a file.
            self.write("adr.add", body)
        if left_behind is not None:
            return self.write("adr.add", body)
        path = adr_files.write_new(project, name, text)
        if path is None:
            raise ValidationError(f"{name} was put there by another program.", fix="cleo adr sync")
        try:
            return self.write("adr.add", body)
        except BaseException:
            self._take_back(path, number)
            raise

    def _take_back(self, path: str, number: int) -> None:
        """Remove a file whose decision was not stored."""
        try:
            if adrs.row(self.db, adr_id(number)) is None:
                os.unlink(path)
        except (OSError, CleoError):
            # The first error is the one to show, and the next sync finds the file.
            return

    def _added(self, work: Work, tree: Tree, number: int) -> Adr:
        id_ = adr_id(number)
        done = adr_sync.sync(work, tree, actions={id_: "adr.add"})
        record = _record(work, id_)
        own = [one for one in done.warnings if one.file == record.file_path]
        if len(done.warnings) > len(own):
            work.warn(
                "W_ADR_OTHERS",
                f"The other files have {len(done.warnings) - len(own)} irregularities; "
                "cleo adr sync names them.",
            )
        done = replace(done, warnings=own)
        if not self.app.dry_run:
            return replace(record, sync=done)
        ungiven = adr_writing.UNGIVEN
        return replace(
            record,
            id=ungiven,
            content=record.content.replace(id_, ungiven, 1),
            file_path=(record.file_path or "").replace(id_, ungiven),
            sync=replace(done, created=[ungiven if one == id_ else one for one in done.created]),
        )

    def _answered(self, key: str | None, given: Mapping[str, Any]) -> Adr | None:
        """The first result of an idempotency key, asked for before any file is written."""
        if key is None:
            return None

        def body(work: Work) -> Adr:
            first: Adr = work.unit.idempotent(
                "adr add", key, given, _not_answered, encode=to_json, decode=_added_from_json
            )
            return first

        try:
            return self.write("adr.add", body)
        except _NotAnsweredError:
            return None

    def _told(self, added: Adr) -> Adr:
        if added.sync is not None:
            self._tell(added.sync)
        return added

    def _tell(self, done: AdrSync) -> AdrSync:
        """Have every irregularity among the command's warnings."""
        for one in done.warnings:
            self.app.warn(
                one.code, f"{one.file}:{one.line}: {one.message}.", file=one.file, line=one.line
            )
        return done


def _filters(
    db: Backend, status: Sequence[str], topics: Sequence[str], task: str | None
) -> dict[str, Any]:
    """Filters of the store, checked."""
    known = inputs.word_of(ADR_STATUS, "status")
    filters: dict[str, Any] = {
        "status": [inputs.as_filter(known, adr_writing.spelled(word)) for word in status],
        "topic": [fields.name_filter(one, "topic").strip() for one in topics],
    }
    if task is not None:
        filters["task"] = parse_id(task)
        if not tasks.existing(db, [filters["task"]]):
            raise task_not_found(filters["task"])
    return {name: value for name, value in filters.items() if value}


class _NotAnsweredError(Exception):
    """An idempotency key has no result yet."""


def _not_answered() -> Adr:
    raise _NotAnsweredError


def _record(db: Backend, id_: str) -> Adr:
    """A decision as services return it.

    :raises NotFoundError: there is none.
    """
    row = adr_linking.require(db, id_)
    linked = adr_links.of_adr(db, id_)
    lines = {line.id: line for line in tasks.lines(db, [one["task_id"] for one in linked])}
    return Adr(
        **row,
        relations=[AdrRelation(**one) for one in adrs.relations_of(db, id_)],
        tasks=[AdrTask(**one, task=lines[one["task_id"]]) for one in linked],
    )


def _added_from_json(data: Mapping[str, Any]) -> Adr:
    """A decision that was added, as an idempotency key kept it."""
    adr = _fields(Adr, data)
    adr["relations"] = [AdrRelation(**_fields(AdrRelation, one)) for one in adr["relations"]]
    adr["tasks"] = [
        AdrTask(**{**_fields(AdrTask, one), "task": Line(**_fields(Line, one["task"]))})
        for one in adr["tasks"]
    ]
    done = _fields(AdrSync, adr["sync"])
    done["warnings"] = [AdrWarning(**_fields(AdrWarning, one)) for one in done["warnings"]]
    return Adr(**{**adr, "sync": AdrSync(**done)})


def _fields(record: Any, data: Mapping[str, Any]) -> dict[str, Any]:
    names = record.__dataclass_fields__
    return {name: data.get(camel(name)) for name in names if name != "OPTIONAL"}
