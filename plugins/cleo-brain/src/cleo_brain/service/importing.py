"""``import``: what other programs remember, written in units of 500."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Any

from cleo_brain.errors import BrainError
from cleo_brain.service import batching, fields
from cleo_brain.service.incoming import Incoming, incoming
from cleo_brain.service.private import Stripper
from cleo_brain.service.tally import Imported, Tally
from cleo_brain.service.work import Caller, Verbs, Work
from cleo_brain.store import audit, batches, entries, graph
from cleo_core import inputs
from cleo_core.errors import CleoError, UsageError, ValidationError

if TYPE_CHECKING:
    from cleo_brain.importers.item import Item

#: Told how far it is: what is counted, how much of it is done, and of how much.
Progress = Callable[[str, int, int | None], None]

#: Entries of one unit.
UNIT = 500
SOURCES = ("auto", "claude-mem", "cleo", "markdown", "jsonl")
#: Reads files; it is imported when there is one to read.
_IMPORTERS = "cleo_brain.importers"


class ImportVerbs(Verbs):
    """``import`` and ``import_records``."""

    def import_(
        self,
        path: str,
        *,
        format: str = "auto",
        source_project: str | None = None,
        thread: str | None = None,
        tags: Sequence[str] = (),
        embed: bool = True,
        progress: Progress | None = None,
    ) -> Imported:
        """Store what another program remembers; the same source again stores nothing twice.

        :param format: one of ``SOURCES``.
        :param source_project: only what the source keeps of this project.
        :param thread: the conversation that all observations belong to, instead of the source's.
        :param tags: given to every entry.
        :param embed: make vectors with the entries, where an embedder is installed.
        :raises CleoError: 3, the file cannot be read; 6, nobody can make anything of it, or every
            item was rejected; 2, a value is not valid.
        """
        word = fields.word(format, SOURCES, "from")
        if not isinstance(path, str):
            raise UsageError("The path must be text.", fix="cleo memory import PATH")
        project = _named(source_project, "source-project")
        where = _named(thread, "thread")
        more = fields.tags(tags)
        detecting = import_module(f"{_IMPORTERS}.detecting")
        source = detecting.source(path, word)
        if embed:
            embed = self._load_embedder()
        tally = Tally()
        run = _Run(self, tally, embed=embed)
        found = detecting.items(path, source, project)
        try:
            run.take(found, where, more, progress)
        finally:
            found.close()
        if tally.read and tally.refused == tally.read:
            raise ValidationError(
                f"None of {tally.read} items could be taken; the first: "
                f"{tally.rejected[0]['where']}, {tally.rejected[0]['reason']}",
                fix="the same command with another --from",
                source=source,
                read=tally.read,
                rejected=tally.rejected[:20],
            )
        return tally.result(source)

    def import_records(
        self,
        records: Sequence[Mapping[str, Any]],
        task_map: Mapping[str, str],
        idempotency_key: str | None = None,
    ) -> Imported:
        """Copy entries of another project, with new ids, in one unit.

        :param records: what ``export_records`` of that project gave.
        :param task_map: its task ids -> ours; links to others are left out.
        :raises CleoError: a record cannot be stored (6).
        """
        listed = isinstance(records, Sequence) and not isinstance(records, (str, bytes))
        if not listed or not isinstance(task_map, Mapping):
            raise UsageError(
                "Records are a list, and tasks a mapping.", fix="cleo memory export memory.jsonl"
            )
        made = [self._record(number, one, task_map) for number, one in enumerate(records, 1)]
        tally = Tally()
        run = _Run(self, tally, embed=True)

        def body(work: Work) -> Imported:
            def compute() -> Imported:
                fresh = Tally(read=len(made))
                run.tally = fresh
                run.store(work, made)
                run.connect(work, made)
                return fresh.result("records")

            return work.unit.idempotent(
                "memory import-records",
                idempotency_key,
                {"records": Stripper()([dict(one) for one in records]), "tasks": dict(task_map)},
                compute,
                encode=lambda result: vars(result),
                decode=lambda value: Imported(**value),
            )

        return self.write("memory.import", body, drafts=[one.draft for one in made])

    def _record(
        self, number: int, record: Mapping[str, Any], task_map: Mapping[str, str]
    ) -> Incoming:
        reader = import_module(f"{_IMPORTERS}.jsonl")
        if not isinstance(record, Mapping):
            raise ValidationError(f"Record {number} is no object.", fix="cleo memory import --help")
        item: Item = reader.entry_item(f"record {number}", dict(record))
        if item.error is not None:
            raise ValidationError(
                f"Record {number}: {item.error}.", fix="cleo memory import --help"
            )
        item.links = [
            {**link, "taskId": task_map[link["taskId"]]}
            for link in item.links
            if isinstance(link, dict) and link.get("taskId") in task_map
        ]
        for name in ("context_task_id", "context_epic_id"):
            item.values[name] = task_map.get(item.values.get(name) or "")
        made = incoming(item, None, ())
        made.draft.columns.pop("id", None)
        return made

    def _load_embedder(self) -> bool:
        """Load the embedder, so that vectors are made with the entries; False where none is."""
        if self.app.dry_run or self.app.config.get("brain.embed") == "never":
            return False
        from cleo_brain.embed import choosing, model

        spec = choosing.chosen(self.app)
        if spec is None:
            return False
        try:
            model.embed(spec, ["import"])
        except model.EmbedderError as error:
            self.app.warn("W_EMBEDDER_FAILED", f"Imported without vectors: {error}.")
            return False
        return True


class _Run:
    """One import: what is written where, and the ids that edges need at its end."""

    def __init__(self, verbs: ImportVerbs, tally: Tally, *, embed: bool) -> None:
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


def _named(value: Any, option: str) -> str | None:
    if value is None:
        return None
    return inputs.as_filter(
        lambda text: inputs.line(text, option, 200, fix=f"--{option} NAME"), value
    )


def _supersede(work: Work, source: str, target: str, reason: str | None) -> bool:
    """Withdraw what an import says to be superseded; False where it is withdrawn already."""
    from cleo_brain.service import superseding

    rows = entries.by_ids(work, [source, target])
    old = rows[target]
    if old["invalid_at"] is not None or old["kind"] == "sticky":
        return False
    if source in graph.predecessors(work, target):
        return False
    superseding.withdraw(work, rows[source], old, reason)
    return True
