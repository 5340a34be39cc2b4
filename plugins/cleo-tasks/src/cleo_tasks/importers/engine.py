"""The four steps that every import goes through.

(1) The file is read once into scratch tables and settled; what will stand where is decided for all
rows at once. (2) Tasks are inserted with parents and labels, roots first, open ones as proposals.
(3) Edges. (4) The open ones get their status. Steps 2 to 4 write in units of 1 000, so that other
writers wait for one unit at most, nothing half-linked can be claimed, and a run that was killed
leaves proposals that the next run finishes.
"""

from __future__ import annotations

import json
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from cleo_core import clock
from cleo_core.database import Scratch, driver
from cleo_core.errors import CleoError
from cleo_core.paths import atomic_file
from cleo_core.units import Unit
from cleo_tasks.enums import TASK_STATUS
from cleo_tasks.ids import task_id
from cleo_tasks.importers import importer
from cleo_tasks.importers.numbering import Taken
from cleo_tasks.importers.plan import CLOSED, CYCLE, MISSING, REOPENED, SECOND, SKIP, Plan
from cleo_tasks.importers.result import ImportResult, Options
from cleo_tasks.importers.source import Progress, Source
from cleo_tasks.importers.staging import Staging
from cleo_tasks.service import evidence
from cleo_tasks.service.work import Work
from cleo_tasks.store import links, transfer
from cleo_tasks.store import staging as store

if TYPE_CHECKING:
    from cleo_core.app import App

T = TypeVar("T")

#: Seconds between two looks of a waiting writer, and a little; and how long units may hold the lock
#: without a gap between them that is as long.
_GAP = 0.105
_PATIENCE = 0.1
#: As long as nobody else was seen to write, and for how many seconds seeing somebody counts.
_PATIENCE_ALONE = 0.3
_LASTING = 10.0


class Import:
    """One run of ``cleo import``.

    :param provider: what links name the tracker by; its own importer reads the file.
    :param path: the file; ``-`` is stdin.
    :param progress: told how far the work is.
    """

    #: What is said to be done to the file.
    DOING: ClassVar[str] = "imported"

    def __init__(
        self,
        app: App,
        provider: str,
        path: str,
        options: Options,
        progress: Progress | None = None,
    ) -> None:
        self.app = app
        self.provider = provider
        self.path = path
        self.options = options
        self.progress: Progress = progress or (lambda what, done, total: None)
        self.importer = importer(provider)
        self.now = clock.now()
        self.actor = app.actor
        self.prefix = ""
        self.own = False
        self.plan = Plan(0)
        self.edge_starts = array("i")
        self.phases: dict[str, dict[str, Any]] = {}
        self.marks: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        #: Code and message of what the rules said to rows that were skipped for it, by row.
        self.refusals: dict[int, tuple[str, str]] = {}
        #: What the rules only warn of: code -> message by row.
        self.warned: dict[str, dict[int, str]] = {}
        self.numbers = array("q")
        #: The last number that was given out when the plan was made, and the highest in the file.
        self.given = self.highest_read = 0
        #: What earlier runs that were cut short took: the numbers after the one, up to the other.
        self.reserved: set[tuple[int, int]] = set()
        self.taken: Taken | None = None
        self.scratch: Scratch
        self._edges_overtaken = False
        self.last_audit = 0
        self._held = 0.0
        self._free_since = 0.0
        self._others_seen = -_LASTING
        self._version: int | None = None
        self._words = [""]
        self._spellings: dict[str, dict[str, str]] = {}
        self._reasons = bytearray()
        self._assignees: set[str] = set()
        self._asked: set[str] = set()

    def run(self) -> ImportResult:
        """Read, decide and, unless this is a dry run, write.

        :raises CleoError: ``E_IO`` and its like (3), the file cannot be read; ``E_VALIDATION``
            (6), it is not of the format; ``E_ID_COLLISION`` (22), see ``on_conflict``;
            ``E_CONCURRENT_MODIFICATION`` (21), the same file is being imported elsewhere.
        """
        from cleo_tasks.importers.allowing import refuse_updates, warn
        from cleo_tasks.importers.deciding import count, decide
        from cleo_tasks.importers.telling import result, write_report
        from cleo_tasks.importers.updating import apply_updates
        from cleo_tasks.importers.writing import (
            insert_edges,
            insert_phases,
            insert_tasks,
            open_tasks,
        )

        # The report is opened first: a place where it cannot be must not be found out too late.
        path = self.options.report
        # A dry run writes none at all.
        reporting = nullcontext() if path is None or self.app.dry_run else atomic_file(path)
        with reporting as report, self.app.scratch("tasks", store.SCRATCH) as scratch:
            self.begin(scratch)
            decide(self)
            refuse_updates(self)
            count(self)
            if not self.app.dry_run:
                insert_phases(self)
                insert_tasks(self)
                insert_edges(self)
                open_tasks(self)
                apply_updates(self)
            warn(self)
            if report is not None:
                write_report(self, report)
            return result(self)

    def write(self, body: Callable[[Work], T], action: str = "task.import") -> T:
        """Run one unit of the import.

        :param action: what the audit calls it.
        :raises CleoError: ``E_CONCURRENT_MODIFICATION``, what the plan relied on was changed.
        """

        began = 0.0

        def run(hashes: Mapping[str, str | None], unit: Unit) -> tuple[T, bool, int]:
            # A unit may run again: only what is set once more at its beginning outlives it.
            nonlocal began
            began = time.monotonic()
            self._asked = set()
            if unit.connection is not self.scratch.connection:
                raise self.overtaken("the store's file was replaced")
            work = Work(unit, self.app, action, hashes)
            work.source = "import"
            overtaken = self.edges_overtaken(work)
            result = body(work)
            work.finish()
            return result, overtaken, int(work.scalar(transfer.LAST_AUDIT))

        self._let_others_write()
        try:
            result, self._edges_overtaken, self.last_audit = evidence.hashed_before(
                self.app, lambda hashes: self.app.write("tasks", partial(run, hashes))
            )
            self._assignees |= self._asked
            self._free_since = time.monotonic()
            self._held += self._free_since - began
            return result
        except driver().IntegrityError as error:
            # Anything else is in the rows themselves, and another run would meet it again.
            if not str(error).startswith(("UNIQUE ", "FOREIGN KEY ")):
                raise
            raise self.overtaken(_in_words(str(error))) from error

    def edges_overtaken(self, work: Work) -> bool:
        """Whether another command has added edges since the plan was made."""
        return self._edges_overtaken or bool(
            work.scalar(transfer.EDGES_SINCE, last=self.last_audit, request=self.app.request_id)
        )

    def overtaken(self, why: str) -> CleoError:
        """The error for a plan that no longer holds."""
        return CleoError(
            "E_CONCURRENT_MODIFICATION",
            f"While {self.path} was {self.DOING}, others changed what it builds on ({why}); what "
            "was written stays, and the same command finishes it.",
            fix=self.command(),
        )

    def command(self) -> str:
        """The command line that runs this again."""
        wanted, usual = self.options, Options()
        more = ["--update"] * wanted.update + ["--revive"] * wanted.revive
        for name in ("on_conflict", "on_missing"):
            if getattr(wanted, name) != getattr(usual, name):
                more += [f"--{name.replace('_', '-')}", getattr(wanted, name)]
        return self._command("import", self.provider, self.path, *more)

    def _command(self, *words: str) -> str:
        """A command line with the options that every run has."""
        from shlex import join

        wanted = self.options
        line = ["cleo", *words]
        line += [] if wanted.assignees else ["--no-assignee"]
        for tag in wanted.tags:
            line += ["--tag", tag]
        line += [] if wanted.report is None else ["--report", wanted.report]
        return join(line)

    def external_id(self, key: str) -> str:
        """The id that links name a row by."""
        return self.prefix + key

    def spelled(self, provider: str, external: str) -> str:
        """A foreign id as links have it: in small letters, or as it was stored before that."""
        if provider not in links.CASELESS:
            return external
        if provider not in self._spellings:
            self._spellings[provider] = links.spellings(self.scratch, provider)
        folded = links.folded(provider, external)
        return self._spellings[provider].get(folded, folded)

    def bodies(self, rows: Iterable[int]) -> Iterator[dict[str, Any]]:
        """What was staged of rows: ``row, line, key, hash, status`` and the body's keys."""
        for row, line, key, digest, status, body in self.scratch.iterate(
            store.BODIES, rows=json.dumps(list(rows))
        ):
            yield {
                "row": row,
                "line": line,
                "key": key,
                "hash": digest,
                "status": status,
                **json.loads(body),
            }

    def edges_of(self, row: int) -> range:
        """Indexes of the edges that a row says."""
        last = len(self.plan.edge_state)
        after = self.edge_starts[row + 1] if row + 1 < len(self.edge_starts) else last
        return range(self.edge_starts[row], after)

    def number_of(self, row: int) -> int | None:
        """The number that a row insists on."""
        return self.numbers[row] or None if self.numbers else None

    def task_at(self, end: int) -> str:
        """Id of the task at the end of an edge, or of a parent."""
        return task_id(self.plan.seq[end] if end > 0 else -end)

    def final_status(self, row: int) -> str:
        """The status that a row's task is to have."""
        return TASK_STATUS[self.plan.status[row]]

    def metadata(self, body: dict[str, Any]) -> dict[str, Any]:
        """The metadata of a row's task: the source's own, and what no column has."""
        kept = dict(body["metadata"])
        if self.plan.marks[body["row"]] & REOPENED:
            kept |= body["reopened"]
        if not self.importer.STRIPS:
            for index, (_, _, field, original) in zip(
                self.edges_of(body["row"]), body["edges"], strict=True
            ):
                if field and self.plan.edge_state[index] in (MISSING, CYCLE, SECOND, CLOSED):
                    _keep(kept, field, original)
        own = body["columns"].get("metadata") or {}
        if not kept:
            return dict(own)
        earlier = own.get("import")
        return {
            **own,
            "import": {**(earlier if isinstance(earlier, dict) else {}), self.provider: kept},
        }

    def check_assignees(self, work: Work, names: Iterable[str | None]) -> None:
        """Ask once whether the agents exist that will hold tasks."""
        new = sorted({name for name in names if name} - self._assignees - self._asked)
        if new:
            work.unit.check("tasks.assignee", new)
            self._asked.update(new)

    def drop(self, row: int, reason: str) -> None:
        """A row is skipped after all."""
        self.plan.outcome[row] = SKIP
        if reason not in self._words:
            self._words.append(reason)
        self._reasons[row] = self._words.index(reason)

    def reason(self, row: int) -> str:
        """Why a row was skipped."""
        return self._words[self._reasons[row]]

    @cached_property
    def highest_number(self) -> int:
        """The highest number that any new row insists on; 0 if none does."""
        if not self.numbers:
            return 0
        return max((self.numbers[row] for row in self.plan.order), default=0)

    def _let_others_write(self) -> None:
        """Leave a gap that who waits for the lock cannot miss.

        SQLite does not queue writers: one that waits looks again ten times a second, and without
        such gaps it would meet unit after unit.
        """
        now = time.monotonic()
        version = self.scratch.scalar(transfer.DATA_VERSION)
        if version != self._version:
            self._version, self._others_seen = version, now
        patience = _PATIENCE if now - self._others_seen < _LASTING else _PATIENCE_ALONE
        if self._held >= patience:
            time.sleep(max(0.0, _GAP - (now - self._free_since)))
            self._held = 0.0

    def choose(self, source: Source) -> None:
        """Look at the file before it is read."""

    def begin(self, scratch: Scratch) -> None:
        """First step: read the file into the scratch tables."""
        self.scratch = scratch
        self._version = scratch.scalar(transfer.DATA_VERSION)
        with Source(self.path, self.progress, self.options.tags) as source:
            self.choose(source)
            staging = Staging(
                self.scratch,
                self.importer,
                assignees=self.options.assignees,
                now=self.now,
                spell=partial(self.spelled, self.provider),
            )
            staging.read(source)
            self.prefix = f"{source.scope}:" if source.scope is not None else ""
            self.own = source.scope is not None and source.scope == self._project_id()
            self.phases = {phase["slug"]: phase for phase in source.facts.get("phases", ())}
            if "partial" in source.facts:
                self.app.warn(
                    "W_IMPORT_PARTIAL",
                    f"{source.name} is one page of a longer list; the rest is not in it.",
                )
        self.plan = Plan(staging.rows)
        self.edge_starts = staging.edge_starts
        self._reasons = bytearray(staging.rows + 1)

    def _project_id(self) -> str | None:
        project = self.app.project_or_none
        return None if project is None else project.id


def _in_words(refusal: str) -> str:
    """What SQLite says that another command has brought about, without its own words."""
    if refusal.startswith("FOREIGN KEY "):
        return "a task or phase that it builds on is gone"
    if "external_task_links" in refusal:
        return "one of its records got a task meanwhile"
    return "a row that it was to write is there meanwhile"


def _keep(kept: dict[str, Any], field: str, original: Any) -> None:
    """Put an edge that could not be made back where the source says it."""
    if isinstance(original, str) and field in ("parentId", "parent"):
        kept[field] = original
        return
    listed = kept.get(field)
    listed = list(listed) if isinstance(listed, list) else []
    if original not in listed:
        listed.append(original)
    kept[field] = listed
