"""Finding tasks in other projects."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from cleo_core.errors import ExitCode, NotFoundError, UsageError
from cleo_core.output import Page
from cleo_nexus.ids import TaskReference, parse_reference
from cleo_nexus.records.found import Match, Matches
from cleo_nexus.records.projects import Ref
from cleo_nexus.service import access
from cleo_nexus.service.elsewhere import ABSENT, Unreadable, no_task, opened, tasks_of
from cleo_nexus.service.fanning import Fan
from cleo_nexus.service.work import Verbs
from cleo_nexus.store import registry

if TYPE_CHECKING:
    from cleo_core.database import Row

SEARCH_LIMIT = 20
DISCOVER_LIMIT = 10
METHODS = ("auto", "labels", "description", "files")
#: How a task was found, the best first.
ARMS = ("id", "title", "all", "any")
_EVERYWHERE = re.compile(r"\*:[Tt][0-9]+\Z", re.ASCII)
#: Words that do not say what a text is about.
_STOP_WORDS = (
    "about after also and any are because been before being between both but can could did "
    "does doing done down each few for from had has have having her here him his how into its "
    "just like may more most must not now off once only other our out over own same shall she "
    "should some such than that the their them then there these they this those through too "
    "under until use very was were what when where which while who why will with would you "
    "your"
)
STOP_WORDS = frozenset(re.findall("[a-z]+", _STOP_WORDS))


class SearchVerbs(Verbs):
    """``resolve``, ``search`` and ``discover``."""

    def resolve(self, reference: str, *, timeout: float | None = None) -> Matches:
        """The task that a reference means; with ``*`` as project, that of every project.

        :param timeout: seconds for all projects.
        :returns: one match, or one for each project that has such a task.
        :raises NotFoundError: 4, there is no such task.
        :raises NexusError: 71, 72, 73.
        :raises CleoError: 3, 50 to 53, the project's tasks cannot be read.
        """
        named = parse_reference(reference, wildcard=True)
        if named.everywhere:
            return self._everywhere(named, timeout)
        row, named = access.locate(self.app, self.db, reference, "read")
        try:
            with tasks_of(self.app, row, access.reader_id(self.app)) as tasks:
                found = tasks.show(named.task)[0]
        except Unreadable as reason:
            if reason.reason == ABSENT or reason.cause.exit == ExitCode.NOT_FOUND:
                raise no_task(row, named.task) from reason
            raise reason.cause from reason
        return Matches([_match(row, found)], 1, [], True)

    def search(
        self,
        query: str,
        *,
        projects: Sequence[str] = (),
        status: Sequence[str] = (),
        limit: int | None = None,
        offset: int = 0,
        timeout: float | None = None,
    ) -> tuple[Matches, Page]:
        """Tasks of all projects that a query finds, by how and how well they were found.

        Where any project has all the words, what has only some of them is left out.

        :param query: as for ``cleo find``; ``*:T001`` is :meth:`resolve`.
        :param projects: look into these only.
        :param status: tasks of these statuses.
        :param timeout: seconds for all projects.
        :raises UsageError: the query is no text, or a number is out of range.
        :raises NexusError: 71, 72.
        """
        if not isinstance(query, str):
            raise UsageError("A query is text.", fix="cleo nexus search WORD")
        chosen, start = self.page(SEARCH_LIMIT if limit is None else limit, offset)
        if _EVERYWHERE.match(query):
            found = self.resolve(query, timeout=timeout)
            wanted = [one for one in found.matches if not status or one.status in status]
            total = len(wanted)
            shown = wanted[start : start + chosen]
            page = Page(chosen, start, total)
            return Matches(shown, found.searched, found.skipped, found.complete), page
        most = start + chosen
        fan = Fan(self.app, self._chosen(projects), timeout=timeout)
        best: list[tuple[tuple[int, int, str, int], Match]] = []
        totals = {False: 0, True: 0}

        def ask(tasks: Any, row: Row) -> Any:
            return tasks.find(query, status=tuple(status), limit=most)

        for row, (hits, page) in fan.ask(ask):
            partly = bool(hits) and hits[0].arm == "any"
            totals[partly] += page.total
            if partly and totals[False]:
                continue
            best += [
                ((ARMS.index(hit.arm), rank, row["slug"], _number(hit.id)), _match(row, hit))
                for rank, hit in enumerate(hits)
            ]
            best.sort(key=lambda one: one[0])
            if totals[False]:
                best = [one for one in best if one[1].arm != "any"]
            del best[most:]
        matches = [match for _, match in best[start:]]
        total = totals[False] or totals[True]
        return fan.found(matches), Page(chosen, start, total)

    def discover(
        self,
        reference: str,
        *,
        method: str = "auto",
        limit: int | None = None,
        offset: int = 0,
        timeout: float | None = None,
    ) -> tuple[Matches, Page]:
        """Tasks of other projects that have something in common with one.

        :param method: labels, description (words longer than two letters) or files: what is shared
            as a part of the larger set, in two decimals; auto takes the largest of the three.
        :param timeout: seconds for all projects.
        :raises NotFoundError: 4, there is no such task.
        :raises NexusError: 71, 72, 73, 77.
        """
        if method not in METHODS:
            raise UsageError(f"A method is one of {', '.join(METHODS)}.", fix="--method auto")
        chosen, start = self.page(DISCOVER_LIMIT if limit is None else limit, offset)
        (own,) = self.resolve(str(parse_reference(reference))).matches
        here = access.project(self.app, self.db, f"@{own.project_id}")
        with opened(self.app, here) as there:
            (features,) = there.service("tasks").features([own.task_id])
        wanted = _sets(features)
        methods = METHODS[1:] if method == "auto" else (method,)
        others = [
            row for row in registry.everything(self.db) if row["project_id"] != own.project_id
        ]
        fan = Fan(self.app, others, timeout=timeout)
        found: list[tuple[tuple[float, str, int], Match]] = []
        total = 0

        def ask(tasks: Any, row: Row) -> list[Match]:
            near = []
            for one in tasks.features():
                if one.status == "archived":
                    continue
                sets = _sets(one)
                score = max(_common(wanted[name], sets[name]) for name in methods)
                if score:
                    near.append(_match(row, one, score))
            return near

        for row, near in fan.ask(ask):
            total += len(near)
            found += [((-(one.score or 0), row["slug"], _number(one.task_id)), one) for one in near]
            found.sort(key=lambda one: one[0])
            del found[start + chosen :]
        matches = [match for _, match in found[start:]]
        return fan.found(matches), Page(chosen, start, total)

    def _everywhere(self, named: TaskReference, timeout: float | None) -> Matches:
        fan = Fan(self.app, registry.everything(self.db), timeout=timeout)

        def ask(tasks: Any, row: Row) -> Match | None:
            try:
                return _match(row, tasks.show(named.task)[0])
            except NotFoundError:
                return None

        matches = [match for _, match in fan.ask(ask)]
        if not matches and not fan.skipped:
            raise NotFoundError(
                f"No project has a task {named.task}.", fix="cleo nexus list", ref=str(named)
            )
        return fan.found(matches)

    def _chosen(self, keys: Sequence[str]) -> list[Row]:
        """The projects to ask, by slug: all of them, or those that are named."""
        if not keys:
            return registry.everything(self.db)
        current = access.reader_id(self.app)
        found = {}
        for key in keys:
            row = access.project(self.app, self.db, key)
            access.require(row, "read", current)
            found[row["slug"]] = row
        return [found[slug] for slug in sorted(found)]


def _match(row: Row, task: Any, score: float | None = None) -> Match:
    ref = Ref.of(row["slug"], row["project_id"], task.id)
    arm = getattr(task, "arm", None)
    if score is None:
        score = getattr(task, "score", None)
    return Match(ref.ref, ref.project_id, ref.task_id, task.title, task.status, score, arm)


def _number(task_id: str) -> int:
    return int(task_id[1:])


def _sets(features: Any) -> dict[str, frozenset[str]]:
    return {
        "labels": frozenset(features.labels),
        "description": _words(features.description or ""),
        "files": frozenset(features.files),
    }


def _words(text: str) -> frozenset[str]:
    words: Iterable[str] = re.findall(r"\w+", text.lower())
    return frozenset(one for one in words if len(one) > 2 and one not in STOP_WORDS)


def _common(one: frozenset[str], other: frozenset[str]) -> float:
    """What two sets share, as a part of the larger one, in two decimals."""
    larger = max(len(one), len(other))
    return round(len(one & other) / larger, 2) if larger else 0.0
