"""``decide``: record a decision, or what came of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cleo_brain.enums import CONFIDENCE, CONFIRMATION_STATE, DECIDED_BY, DECISION_TYPE, OUTCOME
from cleo_brain.errors import BrainError, entry_not_found
from cleo_brain.ids import parse_id, task_id
from cleo_brain.records import Stored
from cleo_brain.service import deriving, fields, rendering, results, writing
from cleo_brain.service.private import Stripper
from cleo_brain.service.similarity import with_similar
from cleo_brain.service.work import Caller, Verbs, Work, changed
from cleo_brain.store import entries, graph
from cleo_core.errors import UsageError


class DecideVerbs(Verbs):
    """``decide``, ``decide_update``."""

    def decide(
        self,
        decision: str,
        rationale: str,
        *,
        type: str = "technical",
        confidence: str = "medium",
        outcome: str | None = None,
        alternatives: Sequence[str] = (),
        task: str | None = None,
        epic: str | None = None,
        phase: str | None = None,
        adr: str | None = None,
        adr_path: str | None = None,
        state: str = "accepted",
        decided_by: str | None = None,
        tags: Sequence[str] = (),
        supersedes: Sequence[str] = (),
        idempotency_key: str | None = None,
    ) -> Stored:
        """Record a decision, or merge it with the one that says the same.

        :param task: the task, ``epic`` the epic that it was taken for; one that does not exist is
            left out, with a warning.
        :param decided_by: owner, council or agent; by default whoever acts.
        :returns: what became of it, with ``similar``: at most three live decisions that share most
            of its words.
        :raises BrainError: ``E_GATE_REJECTED`` (6); ``E_ALREADY_DONE`` (17), what it supersedes is
            withdrawn; ``E_CYCLE`` (14).
        :raises CleoError: ``E_REFERENCE`` (6), the ADR does not exist; a value is not valid (2).
        """
        given = {name: value for name, value in locals().items() if name != "self"}
        key = given.pop("idempotency_key")
        caller = self.caller()
        strip = Stripper()
        clean = strip(given)
        draft = decision_draft(clean, caller, strip.spans)

        def body(work: Work) -> Stored:
            return work.unit.idempotent(
                "memory decide",
                key,
                clean,
                lambda: with_similar(work, store_decision(work, draft)),
                encode=results.encode,
                decode=results.decode,
            )

        return self.write("memory.decide", body, caller, drafts=[draft])

    def decide_update(
        self, id: str, *, outcome: str | None = None, state: str | None = None
    ) -> Stored:
        """Say what came of a decision, or that it is accepted; its text is never edited.

        :raises NotFoundError: there is no such decision.
        :raises BrainError: ``E_ALREADY_DONE`` (17), it is withdrawn; ``E_NO_CHANGE`` (102).
        """
        id_ = parse_id(id)
        if outcome is None and state is None:
            raise UsageError(
                "Say what changed: an outcome or a state.",
                fix=f"cleo memory decide --update {id_} --outcome success",
            )
        wanted: dict[str, Any] = {}
        if outcome is not None:
            wanted["outcome"] = fields.word(outcome, OUTCOME, "outcome")
        if state is not None:
            wanted["confirmation_state"] = fields.word(state, CONFIRMATION_STATE, "state")
        return self.write("memory.decide_update", lambda work: _update(work, id_, wanted))


def decision_draft(given: dict[str, Any], caller: Caller, private_spans: int) -> writing.Draft:
    """The draft of a decision.

    :param given: the arguments of :meth:`DecideVerbs.decide`, private text taken out.
    :raises UsageError: a value is not valid.
    """
    outcome = given["outcome"]
    decided_by = given["decided_by"] or ("agent" if caller.agent else "owner")
    typed = {
        "type": fields.word(given["type"], DECISION_TYPE, "type"),
        "decision": fields.text(given["decision"], "decision"),
        "rationale": fields.text(given["rationale"], "rationale"),
        "confidence": fields.word(given["confidence"], CONFIDENCE, "confidence"),
        "outcome": None if outcome is None else fields.word(outcome, OUTCOME, "outcome"),
        "alternatives_json": fields.items(given["alternatives"], "alternative"),
        "context_epic_id": _task(given["epic"], "epic"),
        "context_task_id": _task(given["task"], "task"),
        "context_phase": fields.optional(given["phase"], "phase", fields.TITLE_LENGTH),
        "adr_id": fields.named(given["adr"], "adr"),
        "adr_path": fields.optional(given["adr_path"], "adr-path"),
        "confirmation_state": fields.word(given["state"], CONFIRMATION_STATE, "state"),
        "decided_by": fields.word(decided_by, DECIDED_BY, "decided-by"),
    }
    return writing.Draft(
        kind="decision",
        typed=typed,
        source_confidence="agent" if caller.agent else "owner",
        agent=caller.agent,
        tags=fields.tags(given["tags"]),
        supersedes=fields.ids(given["supersedes"], "supersedes"),
        private_spans=private_spans,
    )


def _task(value: str | None, field: str) -> str | None:
    found = fields.named(value, field)
    return None if found is None else task_id(found)


def store_decision(work: Work, draft: writing.Draft) -> Stored:
    """Check what a decision refers to, and store it."""
    for reference, column in (
        ("brain.decision_epic", "context_epic_id"),
        ("brain.decision_task", "context_task_id"),
        ("brain.decision_adr", "adr_id"),
    ):
        held = draft.typed[column]
        if held is not None and work.check(reference, [held]).nulled:
            draft.typed[column] = None
    if draft.agent is not None:
        work.check("brain.entry_agent", [draft.agent])
    return writing.store(work, draft)


def _update(work: Work, id_: str, wanted: dict[str, Any]) -> Stored:
    row = entries.get(work, id_)
    if row is None or row["kind"] != "decision":
        raise entry_not_found(id_)
    if row["invalid_at"] is not None:
        raise BrainError(
            "E_ALREADY_DONE",
            f"{id_} is {row['invalid_reason']}.",
            fix=f"cleo memory fetch {id_}",
        )
    typed = entries.typed_by_ids(work, "decision", [id_])[id_]
    new = changed(typed, wanted)
    if not new:
        raise BrainError("E_NO_CHANGE", f"{id_} says so already.", fix=f"cleo memory fetch {id_}")
    entries.update_typed(work, "decision", id_, new)
    tags = graph.tags_of(work, [id_])[id_]
    entries.update(
        work,
        id_,
        {
            "updated_at": work.now,
            "tokens": rendering.price(row, {**typed, **new}, tags),
            "extra": deriving.extra_of("decision", {**typed, **new}, tags),
        },
    )
    work.note("decision", id_, columns=sorted(new))
    work.unit.updated("decision", id_, {name: typed[name] for name in new}, new)
    return Stored("updated", id_, "decision", row["created_at"], typed["type"], [], 0)
