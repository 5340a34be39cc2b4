"""Manifests: what research and work brought forth, stored once, distilled, put away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cleo_core import inputs
from cleo_core.database import Backend, Row
from cleo_core.durations import moment
from cleo_core.errors import (
    CleoError,
    NotFoundError,
    UsageError,
    ValidationError,
    echoed,
    shortened,
)
from cleo_core.output import Page, to_json
from cleo_tasks.enums import MANIFEST_ENTRY_STATUS, MANIFEST_STATUS, MANIFEST_TYPE
from cleo_tasks.errors import TasksError, task_not_found
from cleo_tasks.ids import parse_id
from cleo_tasks.manifest_records import (
    Manifest,
    ManifestAdded,
    ManifestHit,
    ManifestLine,
    ManifestsArchived,
    ManifestStats,
    StageOutput,
)
from cleo_tasks.service import manifest_adding, text_search
from cleo_tasks.service.verbs import Verbs
from cleo_tasks.service.work import Work
from cleo_tasks.store import manifest_entries, manifests, tasks

#: What a word of a query counts in each field.
WEIGHTS = {"id": 20, "title": 10, "type": 3, "source_file": 3, "content": 1}
_OBSERVATION_LENGTH = 200


class ManifestVerbs(Verbs):
    """``manifest …``."""

    def manifest_add(
        self,
        title: str,
        *,
        content: str | None = None,
        file: str | None = None,
        type: str = "note",
        task: str | None = None,
        status: str = "active",
        metadata: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> ManifestAdded:
        """Store a text, or give back the manifest of that task which holds the same text.

        Without a task, the same text without a task is the same manifest too.

        :param content: the text; ``file`` the path of one in the project instead.
        :param type: research, implementation, specification, design, analysis, decision or note.
        :param status: active, which old tools call completed.
        :raises CleoError: 2, neither or both of content and file, a status that another verb
            gives; 4, there is no such task; 6, a value is not acceptable, the file cannot be read.
        """
        given = {name: value for name, value in locals().items() if name != "self"}
        del given["idempotency_key"]
        values = manifest_adding.settled(title, type, status, metadata, task)
        values |= manifest_adding.text(self.app.project.root, content, file)
        result: ManifestAdded = self.write(
            "manifest.add",
            lambda work: work.unit.idempotent(
                "manifest add",
                idempotency_key,
                {**to_json(given), "content_hash": values["content_hash"]},
                lambda: manifest_adding.add(work, values),
                encode=to_json,
                decode=manifest_adding.added_from_json,
            ),
        )
        return result

    def manifest_list(
        self,
        *,
        task: str | None = None,
        type: str | None = None,
        status: str | None = None,
        before: str | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> tuple[list[ManifestLine], Page]:
        """A page of manifests without their texts, newest first.

        :param before: ISO-8601; manifests made before it.
        :raises CleoError: a filter's value is no such word or time (2); no such task (4).
        """
        limit, offset = self.page(limit, offset)
        with self.db.snapshot() as db:
            filters = _filters(db, task, type, status, before)
            rows, total = manifests.listing(db, filters, limit=limit, offset=offset)
        return [ManifestLine(**row) for row in rows], Page(limit, offset, total)

    def manifest_show(self, *ids: str) -> list[Manifest | StageOutput]:
        """Manifests and outputs of stages whole, in the order asked for.

        :raises NotFoundError: one of them is neither.
        """
        with self.db.snapshot() as db:
            return [_record(db, id_) for id_ in _ids(ids)]

    def manifest_find(
        self,
        query: str,
        *,
        task: str | None = None,
        type: str | None = None,
        status: str | None = None,
        before: str | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> tuple[list[ManifestHit], Page]:
        """A page of the manifests that have every word of a query, the best first.

        A word may be part of another one; case does not count. A match in the id counts 20, in the
        title 10, in type and file 3, in the text 1.

        :raises CleoError: the query has no word, a filter's value is no such word (2); no such
            task (4).
        """
        words = text_search.words_of(query, "manifest find")
        limit, offset = self.page(limit, offset, "find.limit")
        with self.db.snapshot() as db:
            rows = manifests.texts(db, _filters(db, task, type, status, before))
            found = text_search.search(rows, words, WEIGHTS, without=("content",))
        return [
            ManifestHit(
                **match.row,
                score=match.score,
                matched_in=match.matched_in,
                snippet=match.snippet,
            )
            for match in found[offset : offset + limit]
        ], Page(limit, offset, len(found))

    def manifest_stats(
        self,
        *,
        task: str | None = None,
        type: str | None = None,
        status: str | None = None,
        before: str | None = None,
    ) -> ManifestStats:
        """How many manifests there are, by type and by status.

        :raises CleoError: as :meth:`manifest_list`.
        """
        with self.db.snapshot() as db:
            rows = manifests.counts(db, _filters(db, task, type, status, before))
        by_type, by_status = dict.fromkeys(MANIFEST_TYPE, 0), dict.fromkeys(MANIFEST_STATUS, 0)
        for row in rows:
            by_type[row["type"]] += row["count"]
            by_status[row["status"]] += row["count"]
        return ManifestStats(sum(by_type.values()), by_type, by_status)

    def manifest_distil(self, id: str, *, observation: str) -> Manifest:
        """Say which observation of the brain holds what a manifest comes to.

        An observation that is known to be missing is left empty, with a warning.

        :raises CleoError: 4; 6, it is archived, or an output of a stage; ``E_NO_CHANGE`` (102).
        """
        id_ = _ids([id])[0]
        wanted = inputs.line(
            observation,
            "observation",
            _OBSERVATION_LENGTH,
            fix="--observation ID",
            printable=True,
        )

        def body(work: Work) -> Manifest:
            row = _require_manifest(work, id_)
            if row["status"] == "archived":
                raise TasksError(
                    "E_INVALID_TRANSITION",
                    f"{id_} is archived; only an active manifest is distilled.",
                    fix=f"cleo manifest show {id_}",
                    details={"status": "archived"},
                )
            checked = work.unit.check("pipeline_manifest.brain_obs_id", [wanted])
            stored = None if wanted in checked.nulled else wanted
            if row["status"] == "distilled" and row["brain_obs_id"] == stored:
                raise _no_change(f"{id_} is distilled into {stored or 'nothing'} already.", id_)
            after = {"status": "distilled", "brain_obs_id": stored}
            work.execute(manifests.SET_DISTILLED, id=id_, observation=stored)
            _note(work, id_, row, after)
            return Manifest(**{**row, **after})

        return self.write("manifest.distil", body)

    def manifest_archive(self, *ids: str, before: str | None = None) -> ManifestsArchived:
        """Put manifests away that are active or distilled, and outputs of stages.

        :param ids: these; or with ``before`` all manifests made before that time.
        :raises CleoError: 2, neither or both; 4; ``E_NO_CHANGE`` (102), one of them is archived
            already, or none is that old.
        """
        if bool(ids) == (before is not None):
            raise UsageError(
                "Manifests to archive are named by their ids or by a time.",
                fix="cleo manifest archive ID, or --before 2026-03-25",
            )
        wanted = _ids(ids)
        moment_ = None if before is None else moment(before, "--before")

        def body(work: Work) -> ManifestsArchived:
            found = wanted if moment_ is None else manifests.older(work, moment_)
            if not found:
                raise _no_change(f"No manifest was made before {before}.", None)
            for id_ in found:
                _archive(work, id_)
            return ManifestsArchived(list(found))

        return self.write("manifest.archive", body)

    def manifest_stages(
        self,
        *,
        task: str | None = None,
        status: str | None = None,
        before: str | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> tuple[list[StageOutput], Page]:
        """A page of what lifecycle stages brought forth, newest first.

        :param status: completed, partial, blocked or archived.
        :raises CleoError: a filter's value is no such word or time (2); no such task (4).
        """
        limit, offset = self.page(limit, offset)
        own = {}
        if status is not None:
            known = inputs.word_of(MANIFEST_ENTRY_STATUS, "status")
            own["status"] = inputs.as_filter(known, status)
        with self.db.snapshot() as db:
            filters = _filters(db, task, None, None, before) | own
            rows, total = manifest_entries.listing(db, filters, limit=limit, offset=offset)
        return [_output(row) for row in rows], Page(limit, offset, total)


def _filters(
    db: Backend, task: str | None, type: str | None, status: str | None, before: str | None
) -> dict[str, Any]:
    """Filters of the store, checked."""
    filters: dict[str, Any] = {}
    if task is not None:
        filters["task"] = parse_id(task)
        if not tasks.existing(db, [filters["task"]]):
            raise task_not_found(filters["task"])
    if type is not None:
        filters["type"] = inputs.as_filter(inputs.word_of(MANIFEST_TYPE, "type"), type)
    if status is not None:
        known = inputs.word_of(MANIFEST_STATUS, "status")
        filters["status"] = inputs.as_filter(known, manifest_adding.spelled(status))
    if before is not None:
        filters["before"] = moment(before, "--before")
    return filters


def _archive(work: Work, id_: str) -> None:
    row = manifests.get(work, id_)
    if row is None:
        entry = manifest_entries.get(work, id_)
        if entry is None:
            raise _unknown(id_)
        if entry["status"] == "archived":
            raise _no_change(f"{id_} is archived already.", id_)
        manifest_entries.set_status(work, id_, "archived")
        work.note("manifest", id_, {"status": entry["status"]}, {"status": "archived"}, emit=False)
        return
    if row["status"] == "archived":
        raise _no_change(f"{id_} was archived at {row['archived_at']}.", id_)
    work.execute(manifests.SET_ARCHIVED, id=id_, now=work.now)
    _note(work, id_, row, {"status": "archived", "archived_at": work.now})


def _note(work: Work, id_: str, row: Row, after: Mapping[str, Any]) -> None:
    changed = {name: value for name, value in after.items() if row[name] != value}
    before = {name: row[name] for name in changed}
    work.note("manifest", id_, before, changed, task_id=row["task_id"], emit=False)


def _record(db: Backend, id_: str) -> Manifest | StageOutput:
    row = manifests.get(db, id_)
    if row is not None:
        return Manifest(**row)
    entry = manifest_entries.get(db, id_)
    if entry is None:
        raise _unknown(id_)
    return _output(entry)


def _output(row: Row) -> StageOutput:
    return StageOutput(**{name: row[name] for name in StageOutput.__dataclass_fields__})


def _require_manifest(work: Work, id_: str) -> Row:
    row = manifests.get(work, id_)
    if row is not None:
        return row
    if manifest_entries.get(work, id_) is not None:
        raise ValidationError(
            f"{id_} is the output of a stage; only manifests are distilled.",
            fix=f"cleo manifest show {id_}",
        )
    raise _unknown(id_)


def _unknown(id_: str) -> NotFoundError:
    return NotFoundError(
        f"There is no manifest {echoed(id_)}.", fix="cleo manifest list", ids=[shortened(id_)]
    )


def _no_change(message: str, id_: str | None) -> CleoError:
    fix = f"cleo manifest show {id_}" if id_ else "cleo manifest list"
    return CleoError("E_NO_CHANGE", message, fix=fix)


def _ids(ids: Sequence[str]) -> list[str]:
    found = []
    for one in ids:
        text = inputs.as_filter(lambda given: inputs.plain_text(given, "id"), one).strip()
        if not text:
            raise UsageError("An id is blank.", fix="cleo manifest list")
        found.append(text)
    return list(dict.fromkeys(found))
