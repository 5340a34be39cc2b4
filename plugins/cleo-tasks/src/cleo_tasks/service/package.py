"""Tasks on their way from one project to another."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cleo_core import clock, inputs
from cleo_core.errors import UsageError, ValidationError, echoed
from cleo_core.output import camel, to_json
from cleo_tasks.bulk_records import Imported, Package, Skipped, Stripped, Transferred
from cleo_tasks.enums import LINK_TYPE
from cleo_tasks.errors import task_not_found
from cleo_tasks.ids import parse_id, parse_ids
from cleo_tasks.service import fields
from cleo_tasks.service.verbs import Verbs
from cleo_tasks.service.work import Work
from cleo_tasks.store import tasks

SCOPES = ("subtree", "single")
ON_CONFLICT = ("remap", "skip", "fail")
ON_MISSING = ("strip", "fail")

#: ``<project id>:<task id>``.
_ELSEWHERE = re.compile(r"[^\s:]{1,200}:T\d{3,}\Z", re.ASCII)


class PackageVerbs(Verbs):
    """``export_records``, ``import_records``, ``archive_transferred``."""

    def export_records(self, ids: str | Iterable[str], scope: str = "subtree") -> Package:
        """Tasks with all that belongs to them, as :meth:`import_records` of another project reads.

        Edges that leave the selection are in ``externalDepends``, ``externalRelations`` and
        ``externalParent`` of a record.

        :param ids: of one task or several.
        :param scope: ``subtree`` with everything below them, whatever its status; ``single``.
        :raises CleoError: 2; 4, some do not exist.
        """
        from cleo_tasks.exporter import lines_of

        named = parse_ids([ids] if isinstance(ids, str) else ids)
        _word(SCOPES, "scope", scope)
        if not named:
            raise UsageError("Name the tasks to take along.", fix="cleo list")
        with self.db.snapshot() as db:
            there = tasks.existing(db, named)
            missing = [id_ for id_ in named if id_ not in there]
            if missing:
                raise task_not_found(*missing)
            selection = {"below" if scope == "subtree" else "ids": named}
            return Package(self.app.project.id, lines_of(self.app, selection))

    def import_records(
        self,
        records: Sequence[Mapping[str, Any]],
        link_type: str = "transferred",
        on_conflict: str = "remap",
        on_missing: str = "strip",
        parent: str | None = None,
        idempotency_key: str | None = None,
    ) -> Imported:
        """Make tasks of another project's records, all of them in one unit or none.

        Hierarchy, order, dependencies, relations, labels, lists, gate results, links, status and
        times come along; a phase that is missing is made. Each new task gets an inbound link:
        provider ``nexus``, external id ``<project id>:<id>``. A task keeps its id where that number
        was never given out here.

        :param records: as :meth:`export_records` gave them.
        :param link_type: of the new links; what is not ``transferred`` names one task only.
        :param on_conflict: a task whose id is taken here gets a new one (``remap``) or is left out
            (``skip``), or nothing is imported (``fail``).
        :param on_missing: edges to what does not come along are left out (``strip``), or nothing
            is imported (``fail``).
        :param parent: the task that those stand under whose parent does not come along; types
            follow the place as they do for ``reparent``.
        :raises CleoError: 2; 6, the records are none, an open task would stand under a closed one,
            or an edge is missing; 10 to 13, where the tasks would stand; 14, they wait for each
            other; 22, an id is taken; ``E_IDEMPOTENCY_MISMATCH``; a guard refuses.
        """
        from cleo_tasks.importers.parcel import unpack
        from cleo_tasks.service.receiving import Wanted, receive

        wanted = Wanted(
            _word(LINK_TYPE, "link_type", link_type),
            _word(ON_CONFLICT, "on_conflict", on_conflict),
            _word(ON_MISSING, "on_missing", on_missing),
            None if parent is None else parse_id(parent),
        )
        parcel = unpack(records, clock.now())
        arguments = {"records": list(map(dict, records)), **wanted._asdict()}

        def body(work: Work) -> Imported:
            work.source = "import"
            result: Imported = work.unit.idempotent(
                "import_records",
                idempotency_key,
                arguments,
                lambda: receive(work, parcel, wanted),
                encode=to_json,
                decode=_from_json,
            )
            return result

        return self.write("task.import", body)

    def archive_transferred(
        self, moved: Mapping[str, str], reason: str | Mapping[str, str]
    ) -> Transferred:
        """Put tasks away that live on in another project, whatever their status.

        Children that are named go with their parents. What is archived already stays as it is, so
        that a repeat does nothing.

        :param moved: id -> ``<project id>:<id>``, what it is called there now.
        :param reason: one for all, or one for each id; it becomes a note.
        :raises CleoError: 2; 4; 6, it is no such name, a reason is missing, or a guard refuses;
            16, a task has open children that are not named.
        """
        from cleo_tasks.service.archiving import put_away_transferred

        named = _moved(moved)
        if isinstance(reason, Mapping):
            said = {parse_id(id_): _reason(text) for id_, text in reason.items()}
            silent = [id_ for id_ in named if id_ not in said]
            if silent:
                raise ValidationError(f"There is no reason for {', '.join(silent)}.")
        else:
            said = dict.fromkeys(named, _reason(reason))
        return self.write("task.transfer", lambda work: put_away_transferred(work, named, said))


def _word(words: Sequence[str], name: str, value: Any) -> str:
    """One of some words.

    :raises UsageError: it is another.
    """
    if not isinstance(value, str) or value not in words:
        raise UsageError(f"{name} is one of {', '.join(words)}, not {echoed(value)}.")
    return value


def _reason(value: Any) -> str:
    text = fields.reason(value)
    if text is None:
        raise ValidationError("A transfer has a reason.")
    return text


def _moved(moved: Any) -> dict[str, str]:
    if not isinstance(moved, Mapping) or not moved:
        raise UsageError("Name the tasks, and what each is called where it is now.")
    named: dict[str, str] = {}
    for id_, there in moved.items():
        if not _ELSEWHERE.match(inputs.plain_text(there, "the new name")):
            raise ValidationError(f"{echoed(there)} is no <project id>:<task id>.")
        named[parse_id(id_)] = there
    return named


def _from_json(data: Mapping[str, Any]) -> Imported:
    """An Imported as an idempotency key kept it."""

    def made(kind: Any, entries: Iterable[Mapping[str, Any]]) -> list[Any]:
        names = kind.__dataclass_fields__
        return [kind(**{name: entry[camel(name)] for name in names}) for entry in entries]

    return Imported(data["idMap"], made(Skipped, data["skipped"]), made(Stripped, data["stripped"]))
