"""``store``: patterns and learnings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cleo_brain.enums import IMPACT, PATTERN_TYPE, SOURCE_CONFIDENCE
from cleo_brain.ids import task_id
from cleo_brain.records import Stored
from cleo_brain.service import fields, results, writing
from cleo_brain.service.private import Stripper
from cleo_brain.service.similarity import with_similar
from cleo_brain.service.work import Caller, Verbs, Work
from cleo_core.errors import UsageError

#: Arguments that only one of the two kinds takes.
_OF_PATTERN = (
    *("pattern_type", "context", "impact", "anti_pattern", "mitigation", "success_rate"),
    "examples",
)
_OF_LEARNING = ("source", "confidence", "actionable", "application", "applies_to")


class StoreVerbs(Verbs):
    """``store``."""

    def store(
        self,
        content: str,
        *,
        type: str,
        pattern_type: str | None = None,
        context: str | None = None,
        impact: str | None = None,
        anti_pattern: str | None = None,
        mitigation: str | None = None,
        success_rate: float | None = None,
        examples: Sequence[str] = (),
        source: str | None = None,
        confidence: float | None = None,
        actionable: bool = False,
        application: str | None = None,
        applies_to: Sequence[str] = (),
        tags: Sequence[str] = (),
        tasks: Sequence[str] = (),
        supersedes: Sequence[str] = (),
        source_confidence: str | None = None,
        force: bool = False,
        idempotency_key: str | None = None,
    ) -> Stored:
        """Store a pattern or a learning, or merge it with the one that says the same.

        :param type: ``pattern`` or ``learning``.
        :param examples: ids of tasks that show the pattern.
        :returns: what became of it, with ``similar``: at most three live entries of the kind that
            share most of its words.
        :raises BrainError: ``E_GATE_REJECTED`` (6); ``E_ALREADY_DONE`` (17), what it supersedes is
            withdrawn; ``E_CYCLE`` (14).
        :raises CleoError: ``E_REFERENCE`` (6), a task does not exist; a value is not valid (2).
        """
        given = {name: value for name, value in locals().items() if name != "self"}
        key = given.pop("idempotency_key")
        caller = self.caller()
        strip = Stripper()
        clean = strip(given)
        draft = entry(clean, caller, strip.spans)

        def body(work: Work) -> Stored:
            return work.unit.idempotent(
                "memory store",
                key,
                clean,
                lambda: with_similar(work, _checked(work, draft)),
                encode=results.encode,
                decode=results.decode,
            )

        return self.write("memory.store", body, caller, drafts=[draft])


def entry(given: dict[str, Any], caller: Caller, private_spans: int) -> writing.Draft:
    """The draft of a pattern or a learning.

    :param given: the arguments of :meth:`StoreVerbs.store`, private text taken out.
    :raises UsageError: a value is not valid, or belongs to the other kind.
    """
    kind = fields.word(given["type"], ("pattern", "learning"), "type")
    foreign = _OF_LEARNING if kind == "pattern" else _OF_PATTERN
    strays = [name for name in foreign if given[name] not in (None, False, (), [])]
    if strays:
        options = ", ".join("--" + name.replace("_", "-") for name in strays)
        raise UsageError(f"A {kind} has no {options}.", fix="cleo memory store --help")
    typed = _pattern(given) if kind == "pattern" else _learning(given)
    return writing.Draft(
        kind=kind,
        typed=typed,
        source_confidence=_vouched(given, caller, typed),
        agent=caller.agent,
        tags=fields.tags(given["tags"]),
        tasks=[(task, "applies_to") for task in fields.ids(given["tasks"], "task")],
        supersedes=fields.ids(given["supersedes"], "supersedes"),
        private_spans=private_spans,
        force=fields.flag(given["force"], "force"),
    )


def _pattern(given: dict[str, Any]) -> dict[str, Any]:
    rate = given["success_rate"]
    return {
        "type": fields.word(given["pattern_type"] or "recurring", PATTERN_TYPE, "pattern-type"),
        "pattern": fields.text(given["content"], "content"),
        "context": fields.text(given["context"] or "", "context"),
        "frequency": 1,
        "success_rate": None if rate is None else fields.share(rate, "success-rate"),
        "impact": None
        if given["impact"] is None
        else fields.word(given["impact"], IMPACT, "impact"),
        "anti_pattern": fields.optional(given["anti_pattern"], "anti-pattern", fields.BODY_LENGTH),
        "mitigation": fields.optional(given["mitigation"], "mitigation", fields.BODY_LENGTH),
        "examples_json": list(
            dict.fromkeys(task_id(one) for one in fields.ids(given["examples"], "example"))
        ),
    }


def _learning(given: dict[str, Any]) -> dict[str, Any]:
    from cleo_core import clock

    confidence = given["confidence"]
    return {
        "insight": fields.text(given["content"], "content"),
        "source": fields.optional(given["source"], "source") or "manual",
        "confidence": 0.5 if confidence is None else fields.share(confidence, "confidence"),
        "actionable": fields.flag(given["actionable"], "actionable"),
        "application": fields.optional(given["application"], "application", fields.BODY_LENGTH),
        "applicable_types_json": fields.items(given["applies_to"], "applies-to"),
        "confirmed_at": clock.now(),
    }


def _vouched(given: dict[str, Any], caller: Caller, typed: dict[str, Any]) -> str:
    """Who vouches: who says so, else the owner where no agent acts; never for a machine's guess."""
    if given["source_confidence"] is not None:
        return fields.word(given["source_confidence"], SOURCE_CONFIDENCE, "source-confidence")
    if str(typed.get("source", "")).startswith(("transcript:", "auto")):
        return "speculative"
    return "agent" if caller.agent else "owner"


def _checked(work: Work, draft: writing.Draft) -> Stored:
    """Check what the draft refers to, and store it."""
    if draft.typed.get("examples_json"):
        work.check("brain.example_task", draft.typed["examples_json"])
    if draft.agent is not None:
        work.check("brain.entry_agent", [draft.agent])
    return writing.store(work, draft)
