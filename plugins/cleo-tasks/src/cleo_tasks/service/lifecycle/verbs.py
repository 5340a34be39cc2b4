"""The verbs of lifecycles: arguments checked, files read, then one unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cleo_core import inputs
from cleo_core.output import Page, to_json
from cleo_tasks.enums import GATE_RESULT
from cleo_tasks.ids import parse_id
from cleo_tasks.lifecycle_records import (
    GateResult,
    Lifecycle,
    StageDefinition,
    Transition,
    from_json,
)
from cleo_tasks.service import fields
from cleo_tasks.service.lifecycle import arguments, definitions, reading
from cleo_tasks.service.lifecycle.arguments import Checks
from cleo_tasks.service.verbs import Verbs
from cleo_tasks.service.work import Work
from cleo_tasks.store import lifecycle as records
from cleo_tasks.store import pipelines


class LifecycleVerbs(Verbs):
    """``lifecycle_show``, ``_stages``, ``_start``, ``_complete``, ``_skip``, ``_back``, ``_set``,
    ``_gate``, ``_history``, ``_abort``.

    All that write return the pipeline as it is afterwards. ``force`` passes over what is not
    complete (80) and over the order of stages (83); it needs a reason and is recorded.
    ``if_version`` is the version of the pipeline. A stage is named in any of its spellings.
    """

    def lifecycle_show(self, id: str) -> Lifecycle:
        """A task's pipeline whole.

        :raises CleoError: 4, there is no such task or it has none.
        """
        with self.db.snapshot() as db:
            return reading.lifecycle(db, parse_id(id))

    def lifecycle_stages(
        self, *, limit: int | None = None, offset: int = 0
    ) -> tuple[list[StageDefinition], Page]:
        """A page of the stages that every pipeline has, with what they require.

        :raises UsageError: a number out of range.
        """
        limit, offset = self.page(limit, offset)
        found = reading.definition_records()
        return found[offset : offset + limit], Page(limit, offset, len(found))

    def lifecycle_history(
        self, id: str, *, limit: int | None = None, offset: int = 0
    ) -> tuple[list[Transition], Page]:
        """A page of a pipeline's moves, oldest first.

        :raises CleoError: 2, 4.
        """
        limit, offset = self.page(limit, offset)
        with self.db.snapshot() as db:
            own = reading.pipeline_of(db, parse_id(id))
            found = reading.transitions(db, own["id"], limit=limit, offset=offset)
            return found, Page(limit, offset, records.count_transitions(db, own["id"]))

    def lifecycle_gate_history(
        self, id: str, *, limit: int | None = None, offset: int = 0
    ) -> tuple[list[GateResult], Page]:
        """A page of every gate result of a pipeline, those of earlier attempts too, oldest first.

        :raises CleoError: 2, 4.
        """
        limit, offset = self.page(limit, offset)
        with self.db.snapshot() as db:
            own = reading.pipeline_of(db, parse_id(id))
            stages = pipelines.stages(db, own["id"])
            found = reading.gate_results(db, own["id"], stages, limit=limit, offset=offset)
            return found, Page(limit, offset, records.count_gate_results(db, own["id"]))

    def lifecycle_start(
        self,
        id: str,
        stage: str | None = None,
        *,
        reason: str | None = None,
        force: bool = False,
        if_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> Lifecycle:
        """Enter a stage of an epic's or a task's pipeline, which is made where there is none.

        Stages in between are skipped where they may be.

        :param stage: by default the first one, from the current one on, that is neither completed
            nor skipped.
        :raises CleoError: 4, 6, 21, 34, 36, 80, 83, 84; 102, it is in that stage.
        """
        from cleo_tasks.service.lifecycle import entering

        id_ = parse_id(id)
        given = {"stage": stage, "reason": reason, "force": force}
        check = Checks(given)
        name = check("stage", lambda: None if stage is None else definitions.stage(stage))
        why, forced = check.forced(reason, force)
        check.done()

        def body(work: Work) -> Lifecycle:
            entering.start(work, id_, name, reason=why, forced=forced, if_version=if_version)
            return reading.lifecycle(work, id_)

        return self._once("lifecycle start", idempotency_key, {"id": id_, **given}, body)

    def lifecycle_complete(
        self,
        id: str,
        stage: str | None = None,
        *,
        advance: bool = False,
        artifacts: Sequence[str] = (),
        topics: Sequence[str] = (),
        findings: Sequence[str] = (),
        agent_type: str | None = None,
        adrs: Sequence[str] = (),
        evidence: Sequence[str] = (),
        note: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        reason: str | None = None,
        force: bool = False,
        if_version: int | None = None,
    ) -> Lifecycle:
        """Complete a stage whose gates have passed, by default the current one.

        ``contribution`` is recorded this way once implementation is completed.

        :param advance: enter the next stage as well.
        :param artifacts: files of the project that the stage produced; each becomes evidence, with
            its SHA-256, and an entry of the manifest. The first is the stage's ``output_file``.
        :param topics: for the entries of the manifest, as ``findings`` and ``agent_type`` are.
        :param adrs: ids of decisions that govern the task.
        :param evidence: paths, ``url:`` addresses and ``manifest:`` ids.
        :param note: added to the stage's notes.
        :param metadata: added to the stage's metadata, key by key.
        :raises CleoError: 2, 4, 6, 21, 34, 36, 80, 83, 84.
        """
        from cleo_tasks.service.lifecycle import completing, outputs

        id_ = parse_id(id)
        check = Checks({"stage": stage, "reason": reason, "force": force})
        name = check("stage", lambda: None if stage is None else definitions.stage(stage))
        delivered = completing.Delivered(
            artifacts=check("artifacts", lambda: outputs.artifacts(self.app, artifacts)) or (),
            evidence=check("evidence", lambda: outputs.evidence(self.app, evidence)) or (),
            output=outputs.Output(
                tuple(check("topics", lambda: fields.entries(topics, "topics")) or ()),
                tuple(check("findings", lambda: fields.entries(findings, "findings")) or ()),
                check("agent_type", lambda: arguments.text(agent_type, "agent_type")),
            ),
            adrs=check("adrs", lambda: outputs.decisions(adrs)) or (),
            note=check("note", lambda: arguments.text(note, "note")),
            metadata=check(
                "metadata", lambda: None if metadata is None else fields.metadata(metadata)
            ),
        )
        why, forced = check.forced(reason, force)
        check.done()

        def body(work: Work) -> None:
            completing.complete(
                work,
                id_,
                name,
                delivered,
                advance=bool(advance),
                reason=why,
                forced=forced,
                if_version=if_version,
            )

        return self._edit("pipeline.complete", id_, body)

    def lifecycle_skip(
        self,
        id: str,
        stage: str | None = None,
        *,
        reason: str | None = None,
        force: bool = False,
        if_version: int | None = None,
    ) -> Lifecycle:
        """Leave out a stage that may be, by default the current one; nothing is entered.

        :raises CleoError: 4, 6, 21, 34, 36; 80, it would end the pipeline too early; 83; 84; 102.
        """
        from cleo_tasks.service.lifecycle import completing

        id_ = parse_id(id)
        check = Checks({"stage": stage, "reason": reason, "force": force})
        name = check("stage", lambda: None if stage is None else definitions.stage(stage))
        why = check("reason", lambda: arguments.needed(reason, "A stage is skipped for a reason."))
        check.done()

        def body(work: Work) -> None:
            completing.skip(
                work, id_, name, reason=str(why), forced=bool(force), if_version=if_version
            )

        return self._edit("pipeline.skip", id_, body)

    def lifecycle_back(
        self,
        id: str,
        stage: str,
        *,
        reason: str | None = None,
        force: bool = False,
        if_version: int | None = None,
    ) -> Lifecycle:
        """Go back to an earlier stage; it and those after it are due again.

        Their gate results stay to be seen and do not count any more.

        :raises CleoError: 4, 6, 21, 34, 36, 83, 84.
        """
        from cleo_tasks.service.lifecycle import entering

        id_ = parse_id(id)
        check = Checks({"stage": stage, "reason": reason, "force": force})
        name = check("stage", lambda: definitions.stage(stage))
        why = check("reason", lambda: arguments.needed(reason, "Going back needs a reason."))
        check.done()

        def body(work: Work) -> None:
            entering.back(
                work, id_, str(name), reason=str(why), forced=bool(force), if_version=if_version
            )

        return self._edit("pipeline.back", id_, body)

    def lifecycle_set(
        self,
        id: str,
        status: str,
        stage: str | None = None,
        *,
        reason: str | None = None,
        if_version: int | None = None,
    ) -> Lifecycle:
        """Say that a stage, by default the current one, is blocked, has failed or goes on.

        :param status: ``blocked``, ``failed`` or ``in_progress``; the first two need a reason.
        :raises CleoError: 2, 4, 6, 21, 34, 36, 83, 84, 102.
        """
        from cleo_tasks.service.lifecycle import holding

        id_ = parse_id(id)
        check = Checks({"status": status, "stage": stage, "reason": reason})
        word = check("status", lambda: arguments.settable(id_, status))
        name = check("stage", lambda: None if stage is None else definitions.stage(stage))
        why = check(
            "reason",
            lambda: (
                fields.reason(reason)
                if word in (None, "in_progress")
                else arguments.needed(reason, f"A stage is {word} for a reason.")
            ),
        )
        check.done()

        def body(work: Work) -> None:
            holding.set_status(work, id_, str(word), name, reason=why, if_version=if_version)

        return self._edit("pipeline.set", id_, body)

    def lifecycle_gate(
        self,
        id: str,
        gate: str,
        result: str,
        *,
        stage: str | None = None,
        evidence: Sequence[str] = (),
        reason: str | None = None,
        note: str | None = None,
        if_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> Lifecycle:
        """Record the result of a named gate of a stage, by default of the current one.

        :param result: ``pass``, ``fail`` or ``warn``; the last two need a reason.
        :param evidence: as for :meth:`lifecycle_complete`.
        :param note: details of the result.
        :raises CleoError: 4, 6, 21, 34, 36; 42; 83, the stage is not being worked on; 84.
        """
        from cleo_tasks.service.lifecycle import gates, outputs

        id_ = parse_id(id)
        given = {"gate": gate, "result": result, "stage": stage, "reason": reason, "note": note}
        check = Checks(given)
        word = check("gate", lambda: inputs.plain_text(gate, "gate").strip())
        what = check("result", lambda: inputs.word_of(GATE_RESULT, "result")(result))
        name = check("stage", lambda: None if stage is None else definitions.stage(stage))
        pieces = check("evidence", lambda: outputs.evidence(self.app, evidence)) or ()
        why = check(
            "reason",
            lambda: (
                fields.reason(reason)
                if what in (None, "pass")
                else arguments.needed(reason, f"A gate is {what} for a reason.")
            ),
        )
        details = check("note", lambda: arguments.text(note, "note"))
        check.done()

        def body(work: Work) -> Lifecycle:
            gates.record(
                work,
                id_,
                str(word),
                str(what),
                stage=name,
                evidence=pieces,
                reason=why,
                details=details,
                if_version=if_version,
            )
            return reading.lifecycle(work, id_)

        whole = {"id": id_, **given, "evidence": pieces}
        return self._once("lifecycle gate", idempotency_key, whole, body)

    def lifecycle_abort(
        self, id: str, *, reason: str | None = None, if_version: int | None = None
    ) -> Lifecycle:
        """Stop a pipeline for a reason; its task goes on without.

        :raises CleoError: 4, 6, 21, 34, 36; 83, it is completed; 84; 102, it is aborted.
        """
        from cleo_tasks.service.lifecycle import holding

        id_ = parse_id(id)
        why = arguments.needed(reason, "A pipeline is aborted for a reason.")
        return self._edit(
            "pipeline.abort",
            id_,
            lambda work: holding.abort(work, id_, reason=why, if_version=if_version),
        )

    def _edit(self, action: str, id_: str, change: Callable[[Work], None]) -> Lifecycle:
        def body(work: Work) -> Lifecycle:
            change(work)
            return reading.lifecycle(work, id_)

        return self.write(action, body)

    def _once(
        self,
        verb: str,
        key: str | None,
        given: Mapping[str, Any],
        body: Callable[[Work], Lifecycle],
    ) -> Lifecycle:
        def unit(work: Work) -> Lifecycle:
            found: Lifecycle = work.unit.idempotent(
                verb,
                key,
                to_json(given),
                lambda: body(work),
                encode=to_json,
                decode=from_json,
            )
            return found

        return self.write(verb.replace("lifecycle ", "pipeline."), unit)
