"""Tasks and their records elsewhere brought together again: ``cleo link reconcile``.

New records are imported as any import does it. Each of the others is settled in a unit of its own,
so that a refusal, or another plugin's veto, stands for that record alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, nullcontext
from functools import partial
from typing import IO, TYPE_CHECKING, Any

from cleo_core.database import Backend, Row
from cleo_core.errors import CleoError
from cleo_core.output import dumps, to_json
from cleo_core.paths import atomic_file
from cleo_core.units import Unit
from cleo_tasks.importers import generic, importer
from cleo_tasks.importers.agreement import CONFLICT, IN, OUT, POLICIES, Difference
from cleo_tasks.importers.allowing import gathered, warn
from cleo_tasks.importers.deciding import count, decide
from cleo_tasks.importers.engine import Import
from cleo_tasks.importers.plan import FINISH, LINK, NEW, SKIP, UPDATE
from cleo_tasks.importers.source import Progress, Source
from cleo_tasks.importers.updating import assignment, late_edges
from cleo_tasks.importers.verdicts import Verdict, look, seen
from cleo_tasks.importers.writing import (
    insert_edges,
    insert_phases,
    insert_tasks,
    make_phases,
    open_tasks,
)
from cleo_tasks.link_records import ReconcileAction, ReconcileResult
from cleo_tasks.service.adding import UNGIVEN
from cleo_tasks.service.work import Work
from cleo_tasks.store import links, staging

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_tasks.importers.result import Options

ACTIONS = ("create", "update", "complete", "activate", "skip", "conflict", "outbound")
REPORT_ONLY = "report-only"

#: Records that are looked at together.
_BATCH = 250
_PROBLEMS = 20
_ACTION = "link.reconcile"


class Reconcile(Import):
    """One run of ``cleo link reconcile``.

    :param policy: one of :data:`cleo_tasks.importers.agreement.POLICIES`.
    """

    DOING = "reconciled"

    def __init__(
        self,
        app: App,
        provider: str,
        path: str,
        policy: str,
        options: Options,
        progress: Progress | None = None,
    ) -> None:
        super().__init__(app, provider, path, options, progress)
        self.policy = policy
        self.actions: dict[int, ReconcileAction] = {}
        self.all_phases: dict[str, dict[str, Any]] = {}
        #: Where the next record and its task are looked at: in the store, or its copy.
        self._seen: Backend
        self._copies: ExitStack

    def choose(self, source: Source) -> None:
        """Every provider's records may come in the generic form."""
        if generic.recognises(source.beginning()):
            self.importer = importer(None)

    def reconcile(self) -> ReconcileResult:
        """Read, decide and, unless this is a dry run or a report, write.

        :raises CleoError: as :meth:`Import.run`.
        """
        path = self.options.report
        reporting = nullcontext() if path is None or self.app.dry_run else atomic_file(path)
        looking = self.app.dry_running() if self.policy == REPORT_ONLY else nullcontext()
        with reporting as report, looking, self.app.scratch("tasks", staging.SCRATCH) as scratch:
            self.begin(scratch)
            self._seen = scratch
            decide(self)
            count(self)
            absent = int(scratch.scalar(staging.ABSENT, provider=self.provider, prefix=self.prefix))
            self._keep_phases_of_new()
            if not self.app.dry_run:
                insert_phases(self)
                insert_tasks(self)
                insert_edges(self)
                open_tasks(self)
            self._note_new()
            self._settle_all()
            warn(self)
            if report is not None:
                self._report(report)
            return self._result(absent)

    def command(self) -> str:
        """The command line that runs this again."""
        more = [] if self.policy == POLICIES[0] else ["--policy", self.policy]
        return self._command("link", "reconcile", self.provider, self.path, *more)

    # What is new

    def _keep_phases_of_new(self) -> None:
        """Phases are made for new tasks now, and for others when their task gets there."""
        wanted = {
            found[-2]
            for found in self.scratch.iterate(staging.ROWS)
            if self.plan.outcome[found[0]] == NEW
        }
        self.all_phases = self.phases
        self.phases = {slug: one for slug, one in self.phases.items() if slug in wanted}

    def _note_new(self) -> None:
        rows = [
            row for row in range(1, self.plan.rows + 1) if self.plan.outcome[row] in (NEW, FINISH)
        ]
        for body in self._bodies(rows):
            seq = self.plan.seq[body["row"]]
            self._act(body, "create", self.task_at(body["row"]) if seq else UNGIVEN)

    # What is there

    def _settle_all(self) -> None:
        plan = self.plan
        rows = [
            row
            for row in range(1, plan.rows + 1)
            if plan.seq[row]
            and (
                plan.outcome[row] in (UPDATE, LINK)
                or (plan.outcome[row] == SKIP and self.reason(row) == "unchanged")
            )
        ]
        with ExitStack() as self._copies:
            self._pass_over(rows)

    def _pass_over(self, rows: list[int]) -> None:
        """Settle records; those that were refused once more after the others have moved."""
        left = rows
        while left:
            refused = []
            for number, body in enumerate(self._bodies(left)):
                self.progress("records", number, len(left))
                if not self._in_unit(body):
                    refused.append(body["row"])
            # A parent may stand before its children, and what waits before what it waits for.
            left = refused[::-1] if len(refused) < len(left) else []

    def _bodies(self, rows: list[int]) -> Iterator[dict[str, Any]]:
        for first in range(0, len(rows), _BATCH):
            yield from list(self.bodies(rows[first : first + _BATCH]))

    def _in_unit(self, body: dict[str, Any]) -> bool:
        """Settle one record in a unit of its own, if there is anything to write."""
        verdict, row = look(self, self._seen, body)
        if not verdict.writes:
            self._tell(body, row, verdict)
            return True
        try:
            if self.app.dry_run:
                return self._rehearse(body)
            return self.write(partial(self._settle, body), _ACTION)
        except CleoError as error:
            if error.code != "E_GUARD":
                raise
            self._refused(body, row, verdict, error)
            return True

    def _rehearse(self, body: dict[str, Any]) -> bool:
        """Settle one record in a copy, so that what it changes is seen by the next."""
        if self._seen is self.scratch:
            self._seen = self._copies.enter_context(self.app.rehearsing("tasks"))

        def run(unit: Unit) -> bool:
            work = Work(unit, self.app, _ACTION)
            work.source = "import"
            settled = self._settle(body, work)
            work.finish()
            return settled

        return self.app.write("tasks", run)

    def _settle(self, body: dict[str, Any], work: Work) -> bool:
        """Do what is to be done about one record; returns whether it was not refused."""
        verdict, row = look(self, work, body)
        if not verdict.writes:
            self._tell(body, row, verdict)
            return True
        already = len(work.unit.warnings)
        inward = verdict.of(IN)
        try:
            if "status" in inward:
                self._move(work, row, inward["status"].outside, body["columns"])
            elif verdict.changes_task:
                with gathered(self, work, body["row"]):
                    work.enter(row["id"])
        except CleoError as error:
            if error.exit < 4 or error.exit in (7, 8, 21) or 50 <= error.exit < 60:
                raise
            # Everything is asked before anything is written, so a refusal leaves no trace.
            del work.unit.warnings[already:]
            self._refused(body, row, verdict, error)
            return False
        if verdict.changes_task:
            self._apply(work, work.task(row["id"]), body, verdict)
        owner = links.owner(work, self.provider, self.external_id(body["key"]))
        # Anew, since an edge may have been refused.
        if owner is not None and (noted := seen(self, owner, body)):
            from cleo_tasks.service.links import change

            change(work, owner, {**noted, "last_sync_at": work.now})
        self._tell(body, row, verdict)
        return True

    def _apply(self, work: Work, row: Row, body: dict[str, Any], verdict: Verdict) -> None:
        """Set what the record says and wins."""
        columns = body["columns"]
        key = self.external_id(body["key"])
        changes = {name: one.outside for name, one in verdict.of(IN).items() if name != "status"}
        if "phase" in changes:
            slug = changes["phase"]
            made = self.all_phases.get(slug, {"slug": slug, "name": slug})
            make_phases(work, {slug: made})
        if verdict.notes is not None:
            changes["notes"] = verdict.notes
        if verdict.metadata is not None:
            changes["metadata"] = verdict.metadata
        if verdict.holder:
            link = links.owner(work, self.provider, key) or {}
            changes |= assignment(self, work, row, columns, link.get("metadata", {}))
        work.change(row, changes, details={"provider": self.provider, "externalId": key})
        if verdict.labels:
            work.change_labels(row, add=verdict.labels)
        if verdict.edges and not self.app.dry_run:
            # A rehearsal has not made the tasks that they may lead to.
            for index, state in late_edges(self, work, row, body["row"]).items():
                self.plan.edge_state[index] = state

    def _move(self, work: Work, row: Row, status: str, columns: dict[str, Any]) -> None:
        """Give a task another status, by the rules of the verb that does it.

        :raises CleoError: what the verb refuses with.
        """
        from cleo_tasks.service import archiving, closing, completing, fields, transitions

        id_ = row["id"]
        if status == "done":
            completing.complete_task(work, id_)
        elif status == "cancelled":
            reason = (columns.get("cancellation_reason") or "").strip()
            closing.cancel_tasks(work, [id_], reason=reason[: fields.REASON_LENGTH] or None)
        elif row["status"] in ("done", "cancelled"):
            transitions.require(work, row, status, "reopen")
            archiving.reopen_tasks(work, [id_], status=status)
        else:
            work.enter(id_)
            transitions.require(work, row, status, "update")
            if status == "active":
                transitions.require_dependencies(work, row)
            why = columns.get("blocked_reason")
            given = {"blocked_reason": why} if status == "blocked" and why else {}
            transitions.move(work, row, status, verb="update", **given)

    # What is said

    def _tell(self, body: dict[str, Any], row: Row, verdict: Verdict) -> None:
        """Note what became of a record."""
        inward, outward, undecided = (verdict.of(side) for side in (IN, OUT, CONFLICT))
        earlier = self.actions.get(body["row"])
        if undecided:
            names = ", ".join(undecided)
            said = f"{names} changed on both sides."
            self._act(body, "conflict", row["id"], verdict, message=said)
        elif verdict.changes_task:
            self._act(body, _named(inward), row["id"], verdict)
        elif earlier is not None and earlier.code is not None and not outward:
            # Refused at first, and meanwhile done by what else was done.
            self._act(body, _named(earlier.changes), row["id"], changes=earlier.changes)
        elif outward:
            self._act(body, "outbound", row["id"], verdict)
        else:
            self.drop(body["row"], verdict.reason)

    def _refused(self, body: dict[str, Any], row: Row, verdict: Verdict, error: CleoError) -> None:
        self._act(body, "conflict", row["id"], verdict, code=error.code, message=error.message)

    def _act(
        self,
        body: dict[str, Any],
        action: str,
        task: str,
        verdict: Verdict | None = None,
        *,
        changes: dict[str, dict[str, Any]] | None = None,
        code: str | None = None,
        message: str | None = None,
    ) -> None:
        sides: tuple[dict[str, Any], ...] = ({}, {})
        if verdict is not None:
            sides = tuple(
                {
                    name: {"here": one.here, "outside": one.outside}
                    for name, one in verdict.of(*wanted).items()
                }
                for wanted in ((IN, CONFLICT), (OUT,))
            )
        self.actions[body["row"]] = ReconcileAction(
            action,
            body["line"],
            self.external_id(body["key"]),
            task,
            sides[0] if changes is None else changes,
            sides[1],
            code,
            message,
        )

    def _result(self, absent: int) -> ReconcileResult:
        skipped = [row for row in range(1, self.plan.rows + 1) if row not in self.actions]
        counts = Counter(one.action for one in self.actions.values())
        counts["skip"] = len(skipped)
        return ReconcileResult(
            provider=self.provider,
            policy=self.policy,
            read=self.plan.rows,
            counts={name: counts[name] for name in ACTIONS},
            reasons=dict(sorted(Counter(map(self.reason, skipped)).items())),
            absent=absent,
            actions=[self.actions[row] for row in sorted(self.actions)],
            problems=self.scratch.read(staging.PROBLEMS, limit=_PROBLEMS),
            report=self.options.report,
        )

    def _report(self, file: IO[bytes]) -> None:
        """One JSON line per record of the file, in its order."""
        for row, line, key, _, message, _ in self.scratch.iterate(staging.REPORT):
            action = self.actions.get(row)
            if action is not None:
                entry = {"row": row, **to_json(action)}
            else:
                entry = {
                    "row": row,
                    "action": "skip",
                    "line": line,
                    "externalId": None if key is None else self.external_id(key),
                    "taskId": self.task_at(row) if self.plan.seq[row] else None,
                    "reason": self.reason(row),
                }
                if message is not None:
                    entry["message"] = message
            file.write(dumps(entry).encode() + b"\n")


def _named(changes: Mapping[str, Any]) -> str:
    """What a change of a task is called."""
    status = changes.get("status")
    outside = status.outside if isinstance(status, Difference) else (status or {}).get("outside")
    return {"done": "complete", "active": "activate"}.get(outside or "", "update")
