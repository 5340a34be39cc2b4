"""One import: what is written where, in units of 500."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from cleo_brain.errors import BrainError
from cleo_brain.service import batching, superseding
from cleo_brain.service.incoming import Incoming, incoming
from cleo_brain.service.tally import Tally
from cleo_brain.service.work import Caller, Verbs, Work
from cleo_brain.store import audit, batches, entries, graph
from cleo_core.errors import CleoError

if TYPE_CHECKING:
    from cleo_brain.importers.item import Item

#: Told how far it is: what is counted, how much of it is done, and of how much.
Progress = Callable[[str, int, int | None], None]

#: Entries of one unit.
UNIT = 500


class Run:
    """One import: what is written where, and the ids that edges need at its end."""

    def __init__(self, verbs: Verbs, tally: Tally, *, embed: bool) -> None:
        self._verbs = verbs
        self.tally = tally
        self._embed = embed
        self._caller: Caller = verbs.caller()
        self._merged = audit.merged_origins(verbs.db)
        self._ours = f"{verbs.app.project.id}:"
        self._mine: set[str] = set()
        #: What the running unit adds to it, once it commits.
        self._adding: set[str] = set()
        #: Id in the source -> id here.
        self._ids: dict[str, str] = {}

    def take(
        self,
        items: Iterator[Item],
        thread: str | None,
        tags: Sequence[str],
        progress: Progress | None,
    ) -> None:
        """Write all items, then the edges between them."""
        connected: list[Incoming] = []
        while block := list(islice(items, UNIT)):
            made = list(self._drafts(block, thread, tags))
            seen = self._earlier(self._verbs.db, made)
            fresh = [one for one in made if one.origin not in seen]
            for one in made:
                if one.origin in seen:
                    self.tally.skipped += 1
                    self._know(one, seen[one.origin])
            if fresh:
                self._unit(fresh, lambda work, those: self.store(work, those))
            connected += [one for one in made if one.edges or one.summary]
            if progress is not None:
                progress("entries", self.tally.read, None)
        for start in range(0, len(connected), UNIT):
            those = connected[start : start + UNIT]
            if self._wanting(self._verbs.db, those):
                self._unit(those, lambda work, some: self.connect(work, some))

    def _unit(self, those: list[Incoming], body: Callable[[Work, list[Incoming]], None]) -> None:
        before = self.tally

        def run(work: Work) -> Tally:
            # The unit may run twice; what it counts counts once.
            self.tally = Tally()
            self._adding = set()
            body(work, those)
            return self.tally

        try:
            counted = self._verbs.write(
                "memory.import",
                run,
                self._caller,
                drafts=[one.draft for one in those] if self._embed else (),
                embed="now" if self._embed else "off",
            )
        finally:
            self.tally = before
        self._mine |= self._adding
        before.stored += counted.stored
        before.merged += counted.merged
        before.skipped += counted.skipped
        before.by_kind.update(counted.by_kind)
        before.unknown.update(counted.unknown)
        for one in counted.rejected:
            before.reject(one["where"], one["reason"])

    def _drafts(
        self, block: Iterable[Item], thread: str | None, tags: Sequence[str]
    ) -> Iterator[Incoming]:
        for item in block:
            self.tally.read += 1
            if item.error is not None:
                self.tally.reject(item.where, item.error)
                continue
            try:
                yield incoming(item, thread, tags)
            except CleoError as error:
                self.tally.reject(item.where, error.message)

    def _earlier(self, db: Any, made: Sequence[Incoming]) -> dict[str, str]:
        """Origin -> entry, of what came in an earlier run, or was first written here."""
        origins = [one.origin for one in made if one.origin not in self._mine]
        found = batches.by_origins(db, origins)
        found.update({origin: self._merged[origin] for origin in origins if origin in self._merged})
        own = {
            one.origin.removeprefix(self._ours): one.origin
            for one in made
            if one.origin.startswith(self._ours)
        }
        if own:
            found.update({own[id_]: id_ for id_ in batches.taken(db, list(own))})
        return found

    def store(self, work: Work, made: Sequence[Incoming]) -> None:
        """Write entries; called inside a unit."""
        seen = self._earlier(work, made)
        fresh = []
        for one in made:
            if one.origin in seen:
                self.tally.skipped += 1
                self._know(one, seen[one.origin])
            else:
                fresh.append(one)
        self._check_references(work, [one.draft for one in fresh])
        held: set[str] = set()
        for one in fresh:
            # A column holds an origin once; a second item of the same one merges.
            again = one.origin in held or one.origin in self._mine
            one.draft.columns["origin"] = None if again else one.origin
            held.add(one.origin)
        outcomes = batching.store_all(work, [one.draft for one in fresh])
        merged: dict[tuple[str, str], list[str]] = {}
        for one, outcome in zip(fresh, outcomes, strict=True):
            if isinstance(outcome, BrainError):
                self.tally.reject(one.where, outcome.details["reason"])
                continue
            self._know(one, outcome.id)
            self._adding.add(one.origin)
            self.tally.by_kind[outcome.kind] += 1
            self.tally.unknown.update(one.unknown)
            if outcome.outcome == "merged":
                self.tally.merged += 1
                merged.setdefault((outcome.kind, outcome.id), []).append(one.origin)
            else:
                self.tally.stored += 1
        for (kind, id_), origins in merged.items():
            work.note(kind, id_, origins=list(dict.fromkeys(origins)))

    def connect(self, work: Work, made: Sequence[Incoming]) -> None:
        """Write the edges of entries that are there; what leads to nothing is left out."""
        for source, edge, entry, node in self._edges(made):
            if edge["type"] == "supersedes" and entry is not None:
                if _supersede(work, source, entry, edge["reason"]):
                    continue
                if source in graph.predecessors(work, entry):
                    # The two would have taken each other's place.
                    continue
            added = graph.add_edge(
                work,
                source,
                edge["type"],
                entry=entry,
                node=node,
                reason=edge["reason"],
                agent=edge["agent"],
                now=edge["created_at"] or work.now,
            )
            if added:
                work.note(self._kind(work, source), source, edges=True)
        for one in made:
            summary = self._ids.get(one.summary or "")
            own = self._ids.get(one.id or "")
            if summary is not None and own is not None and summary != own:
                batches.set_summary(work, own, summary)

    def _edges(
        self, made: Sequence[Incoming]
    ) -> Iterator[tuple[str, dict[str, Any], str | None, str | None]]:
        for one in made:
            source = self._ids.get(one.id or "")
            if source is None:
                continue
            for edge in one.edges:
                target = edge["target"] or ""
                entry = self._ids.get(target)
                if entry is not None:
                    if entry != source:
                        yield source, edge, entry, None
                elif edge["type"] == "references" and ":" in target:
                    yield source, edge, None, target

    def _wanting(self, db: Any, made: Sequence[Incoming]) -> bool:
        """Whether an edge or a summary is still to be written."""
        wanted = list(self._edges(made))
        there = {
            (edge["from_id"], edge["edge_type"], edge["to_entry"] or edge["to_node"])
            for edges in graph.edges_of(db, [source for source, *_ in wanted]).values()
            for edge in edges
        }
        if any(
            (source, edge["type"], entry or node) not in there
            for source, edge, entry, node in wanted
        ):
            return True
        rows = entries.by_ids(
            db, [self._ids[one.id] for one in made if one.summary and one.id in self._ids]
        )
        return any(row["summary_id"] is None for row in rows.values())

    def _kind(self, work: Work, id_: str) -> str:
        row = entries.get(work, id_)
        assert row is not None
        return str(row["kind"])

    def _know(self, one: Incoming, id_: str) -> None:
        if one.id is not None:
            self._ids[one.id] = id_

    def _check_references(self, work: Work, drafts: Sequence[Any]) -> None:
        """Null what refers to nothing; links to tasks that are not here are left out and told."""
        for name, column, kind in (
            ("brain.decision_epic", "context_epic_id", "decision"),
            ("brain.decision_task", "context_task_id", "decision"),
            ("brain.observation_session", "source_session_id", "observation"),
        ):
            those = [
                draft for draft in drafts if draft.kind == kind and draft.typed[column] is not None
            ]
            if those:
                gone = set(work.check(name, [draft.typed[column] for draft in those]).nulled)
                for draft in those:
                    if draft.typed[column] in gone:
                        draft.typed[column] = None
        tasks = self._missing(work, "task", [task for draft in drafts for task, _ in draft.tasks])
        adrs = self._missing(
            work,
            "adr",
            [
                draft.typed["adr_id"]
                for draft in drafts
                if draft.kind == "decision" and draft.typed["adr_id"]
            ],
        )
        for draft in drafts:
            if any(task in tasks for task, _ in draft.tasks):
                draft.tasks = [link for link in draft.tasks if link[0] not in tasks]
            if draft.kind == "decision" and draft.typed["adr_id"] in adrs:
                draft.typed["adr_id"] = None

    def _missing(self, work: Work, kind: str, ids: Sequence[str]) -> set[str]:
        if not ids:
            return set()
        answers = work.app.existence.ask(kind, ids)
        missing = {id_ for id_, there in answers.items() if there is False}
        if missing:
            work.warn(
                "W_REFERENCE_DROPPED",
                f"Left out what refers to a {kind} that is not in this project.",
            )
        if None in answers.values():
            work.warn(
                "W_REF_UNCHECKED", f"Nobody could say whether each {kind} exists; kept as it is."
            )
        return missing


def _supersede(work: Work, source: str, target: str, reason: str | None) -> bool:
    """Withdraw what an import says to be superseded; False where it is withdrawn already."""
    rows = entries.by_ids(work, [source, target])
    old = rows[target]
    if old["invalid_at"] is not None or old["kind"] == "sticky":
        return False
    if source in graph.predecessors(work, target):
        return False
    superseding.withdraw(work, rows[source], old, reason)
    return True
