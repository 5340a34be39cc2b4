"""``observe``: note what was noticed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cleo_brain.enums import OBSERVATION_TYPE, SOURCE_CONFIDENCE, SOURCE_TYPE
from cleo_brain.records import Stored
from cleo_brain.service import fields, results, writing
from cleo_brain.service.classify import observation_type
from cleo_brain.service.deriving import cut_title
from cleo_brain.service.private import Stripper
from cleo_brain.service.work import Caller, Verbs, Work
from cleo_core import inputs


class ObserveVerbs(Verbs):
    """``observe``."""

    def observe(
        self,
        text: str,
        *,
        title: str | None = None,
        subtitle: str | None = None,
        type: str | None = None,
        facts: Sequence[str] = (),
        concepts: Sequence[str] = (),
        files_read: Sequence[str] = (),
        files_modified: Sequence[str] = (),
        attachments: Sequence[str] = (),
        tags: Sequence[str] = (),
        tasks: Sequence[str] = (),
        thread: str | None = None,
        source_type: str | None = None,
        source_confidence: str | None = None,
        supersedes: Sequence[str] = (),
        at: str | None = None,
        link_current: bool = True,
        project: str | None = None,
        discovery_tokens: int | None = None,
        force: bool = False,
        idempotency_key: str | None = None,
    ) -> Stored:
        """Store an observation, or merge it with the one of its thread that says the same.

        :param at: since when it holds, ISO-8601; now if not given.
        :param tasks: tasks that it applies to.
        :param link_current: also link it to the task that the session works on.
        :param force: store what looks like a program's own chatter.
        :raises BrainError: ``E_GATE_REJECTED`` (6); ``E_ALREADY_DONE`` (17), what it supersedes is
            withdrawn.
        :raises CleoError: ``E_REFERENCE`` (6), a task does not exist; a value is not valid (2).
        """
        given = {name: value for name, value in locals().items() if name not in ("self",)}
        key = given.pop("idempotency_key")
        caller = self.caller()
        strip = Stripper()
        clean = strip(given)
        draft = observation(clean, caller, strip.spans)

        def body(work: Work) -> Stored:
            return work.unit.idempotent(
                "memory observe",
                key,
                clean,
                lambda: store_observation(work, draft),
                encode=results.encode,
                decode=results.decode,
            )

        return self.write("memory.observe", body, caller, drafts=[draft])


def observation(given: dict[str, Any], caller: Caller, private_spans: int) -> writing.Draft:
    """The draft of an observation.

    :param given: the arguments of :meth:`ObserveVerbs.observe`, private text taken out.
    :raises UsageError: a value is not valid.
    """
    from cleo_core.durations import moment

    narrative = fields.text(given["text"], "text")
    title = fields.optional(given["title"], "title", fields.TITLE_LENGTH)
    source_type = given["source_type"]
    if source_type is None:
        source_type = "agent" if caller.agent else "manual"
    source_type = fields.word(source_type, SOURCE_TYPE, "source-type")
    tasks = [(task, "applies_to") for task in fields.ids(given["tasks"], "task")]
    if given["link_current"]:
        tasks += current_task(caller)
    tokens = given["discovery_tokens"]
    typed = {
        "type": fields.word(given["type"], OBSERVATION_TYPE, "type")
        if given["type"] is not None
        else observation_type(title or "", narrative),
        "subtitle": fields.optional(given["subtitle"], "subtitle", fields.TITLE_LENGTH),
        "title_derived": title is None,
        "title": title or cut_title(narrative),
        "narrative": narrative,
        "facts_json": fields.items(given["facts"], "fact"),
        "concepts_json": fields.items(given["concepts"], "concept"),
        "files_read_json": fields.items(given["files_read"], "file-read"),
        "files_modified_json": fields.items(given["files_modified"], "file-modified"),
        "project": fields.optional(given["project"], "project", fields.TITLE_LENGTH),
        "source_session_id": caller.session,
        "source_type": source_type,
        "discovery_tokens": None if tokens is None else fields.count(tokens, "discovery-tokens"),
        "attachments_json": fields.items(given["attachments"], "attach"),
    }
    thread = given["thread"]
    if thread is not None:
        thread = inputs.as_filter(
            lambda value: inputs.line(value, "thread", 200, fix="--thread NAME"), thread
        )
    return writing.Draft(
        kind="observation",
        typed=typed,
        source_confidence=confidence_of_source(given["source_confidence"], source_type),
        valid_at=None if given["at"] is None else moment(given["at"], "--at"),
        thread=thread or caller.session,
        agent=caller.agent,
        tags=fields.tags(given["tags"]),
        tasks=tasks,
        supersedes=fields.ids(given["supersedes"], "supersedes"),
        private_spans=private_spans,
        force=fields.flag(given["force"], "force"),
    )


def current_task(caller: Caller) -> list[tuple[str, str]]:
    """The link of an observation to the task that its session works on, if there is one."""
    return [(caller.task, "produced_by")] if caller.session and caller.task else []


def confidence_of_source(given: str | None, source_type: str) -> str:
    """Who vouches for an entry, where nobody says.

    :raises UsageError: the word is none.
    """
    if given is not None:
        return fields.word(given, SOURCE_CONFIDENCE, "source-confidence")
    return {"manual": "owner", "session-debrief": "task-outcome"}.get(source_type, "agent")


def store_observation(work: Work, draft: writing.Draft) -> Stored:
    """Check what an observation refers to, and store it."""
    session = draft.typed["source_session_id"]
    if session is not None and work.check("brain.observation_session", [session]).nulled:
        draft.typed["source_session_id"] = None
    if draft.typed["attachments_json"]:
        work.check("brain.observation_document", draft.typed["attachments_json"])
    if draft.agent is not None:
        work.check("brain.entry_agent", [draft.agent])
    return writing.store(work, draft)
