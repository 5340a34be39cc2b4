"""``sticky_convert``: what was a note becomes a task, a decision, a learning or an observation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cleo_brain.entry_records import Sticky
from cleo_brain.enums import DECISION_TYPE, OBSERVATION_TYPE
from cleo_brain.errors import BrainError
from cleo_brain.ids import parse_id
from cleo_brain.service import fields, rewriting, writing
from cleo_brain.service.classify import observation_type
from cleo_brain.service.deriving import cut_title, normalised
from cleo_brain.service.observing import confidence_of_source, current_task, store_observation
from cleo_brain.service.private import Stripper
from cleo_brain.service.stickies import found_note, note_of, require_active, require_open
from cleo_brain.service.work import Caller, Verbs, Work
from cleo_brain.store import graph
from cleo_core import clock
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.errors import CleoError, UsageError

TARGETS = ("task", "decision", "learning", "observation")
TITLE_CUT = 50

#: Target -> the options that it takes beside ``--to``.
_TAKES = {
    "task": ("title", "parent", "type"),
    "decision": ("rationale", "type"),
    "learning": (),
    "observation": ("title", "type"),
}
_NO_LABEL = re.compile(r"[^a-z0-9._:/-]+")


@record
class Target(Declared):
    """What a note became."""

    kind: str
    id: str


@record
class Converted(Declared):
    """A note and what it became.

    ``outcome``: stored, or merged where something said the same already. ``replayed``: the task was
    there from an earlier run that did not get further.
    """

    sticky: Sticky
    target: Target
    outcome: str
    replayed: bool


class ConvertVerbs(Verbs):
    """``sticky_convert``."""

    def sticky_convert(
        self,
        id: str,
        to: str,
        *,
        title: str | None = None,
        rationale: str | None = None,
        parent: str | None = None,
        type: str | None = None,
    ) -> Converted:
        """Make something lasting of an active note; its tags go along.

        :param to: ``task``, ``decision``, ``learning`` or ``observation``.
        :param title: of a task or an observation; else the beginning of the note.
        :param rationale: of a decision, which needs one.
        :param parent: of a task.
        :param type: of a task, a decision or an observation.
        :raises NotFoundError: there is no such note.
        :raises BrainError: ``E_ALREADY_DONE`` (17), it is converted; ``E_INVALID_STATE`` (6), it is
            archived; ``E_GATE_REJECTED`` (6). The note stays as it was.
        :raises CleoError: ``E_PLUGIN_MISSING`` (5), no plugin keeps tasks; what adding a task
            raises; a value is not valid (2).
        """
        strip = Stripper()
        given = strip({"title": title, "rationale": rationale, "parent": parent, "type": type})
        target = fields.word(to, TARGETS, "to")
        for name, value in given.items():
            if value is not None and name not in _TAKES[target]:
                raise UsageError(
                    f"A {target} takes no {name} here.",
                    fix=f"cleo sticky convert {parse_id(id)} --to {target}",
                )
        id_ = parse_id(id)
        if target == "task":
            return self._to_task(id_, given)
        caller = self.caller()

        def body(work: Work) -> Converted:
            row, typed = found_note(work, id_)
            require_active(row, typed, work.now)
            draft = _draft(target, given, row, typed, graph.tags_of(work, [id_])[id_], caller)
            draft.private_spans = strip.spans
            if target == "observation":
                stored = store_observation(work, draft)
            else:
                if draft.agent is not None:
                    work.check("brain.entry_agent", [draft.agent])
                stored = writing.store(work, draft)
            _finish(work, row, f"{target}:{stored.id}")
            return Converted(note_of(work, id_), Target(target, stored.id), stored.outcome, False)

        return self.write("sticky.convert", body, caller)

    def _to_task(self, id_: str, given: Mapping[str, Any]) -> Converted:
        """The task first, then the note: a process that ends in between is finished by the next."""

        tasks = self.app.service("tasks")
        with self.db.snapshot() as db:
            found, typed = found_note(db, id_)
            require_active(found, typed, clock.now())
            tags = graph.tags_of(db, [id_])[id_]
        # Whether the answer is an earlier one is told for the whole command, not for this call.
        before, self.app.replayed = self.app.replayed, False
        content = typed["content"]
        title = fields.optional(given["title"], "title", fields.TITLE_LENGTH)
        title = title or cut_title(content, TITLE_CUT)
        repeats = normalised(title) == normalised(content)
        try:
            added = tasks.add(
                title,
                description=None if repeats else content,
                parent=given["parent"],
                type=given["type"],
                labels=self._labels(tags),
                origin="converted",
                idempotency_key=f"sticky:{id_}",
            )
        except CleoError as error:
            if error.code == "E_IDEMPOTENCY_MISMATCH":
                raise BrainError(
                    "E_INVALID_STATE",
                    f"An earlier run has made a task of {id_} from other words or options.",
                    fix=f"cleo sticky archive {id_}",
                    details={"id": id_},
                ) from None
            raise
        replayed = self.app.replayed
        self.app.replayed = before or replayed
        task = str(added.task.id)

        def body(work: Work) -> Converted:
            row, typed = found_note(work, id_)
            require_open(row, typed)
            if not self.app.dry_run:
                work.check("brain.sticky_task", [task])
            _finish(work, row, f"task:{task}")
            outcome = "stored" if added.created else "merged"
            return Converted(note_of(work, id_), Target("task", task), outcome, replayed)

        return self.write("sticky.convert", body)

    def _labels(self, tags: list[str]) -> list[str]:
        """Tags as task labels, which are of fewer characters."""
        labels = [label for tag in tags if (label := _NO_LABEL.sub("-", tag).strip("-"))]
        if labels != tags:
            self.app.warn(
                "W_TAGS_CHANGED", "Tags that no label can be were changed for the task, or left."
            )
        return list(dict.fromkeys(labels))


def _finish(work: Work, row: Mapping[str, Any], target: str) -> None:
    """Write down what a note became."""
    rewriting.rewrite(
        work,
        row,
        columns={"invalid_at": work.now, "invalid_reason": "converted"},
        typed={"status": "converted", "converted_to": target},
    )


def _draft(
    target: str,
    given: Mapping[str, Any],
    row: Mapping[str, Any],
    note: Mapping[str, Any],
    tags: list[str],
    caller: Caller,
) -> writing.Draft:
    content = note["content"]
    source = "agent" if caller.agent else "manual"
    typed: dict[str, Any]
    if target == "decision":
        rationale = given["rationale"]
        typed = {
            "type": "technical"
            if given["type"] is None
            else fields.word(given["type"], DECISION_TYPE, "type"),
            "decision": content,
            "rationale": fields.required(
                "" if rationale is None else fields.text(rationale, "rationale"),
                "rationale",
                "--rationale",
            ),
            "confidence": "medium",
            "outcome": None,
            "alternatives_json": [],
            "context_epic_id": None,
            "context_task_id": None,
            "context_phase": None,
            "adr_id": None,
            "adr_path": None,
            "confirmation_state": "accepted",
            "decided_by": "agent" if caller.agent else "owner",
        }
    elif target == "learning":
        typed = {
            "insight": content,
            "source": f"sticky:{row['id']}",
            "confidence": 0.5,
            "actionable": False,
            "application": None,
            "applicable_types_json": [],
            "confirmed_at": clock.now(),
        }
    else:
        source = "sticky"
        title = fields.optional(given["title"], "title", fields.TITLE_LENGTH)
        typed = {
            "type": observation_type(title or "", content)
            if given["type"] is None
            else fields.word(given["type"], OBSERVATION_TYPE, "type"),
            "subtitle": None,
            "title_derived": title is None,
            "title": title or cut_title(content, TITLE_CUT),
            "narrative": content,
            "facts_json": [],
            "concepts_json": [],
            "files_read_json": [],
            "files_modified_json": [],
            "project": None,
            "source_session_id": caller.session,
            "source_type": "sticky",
            "discovery_tokens": None,
            "attachments_json": [],
        }
    return writing.Draft(
        kind=target,
        typed=typed,
        source_confidence=confidence_of_source(None, source),
        thread=caller.session,
        agent=caller.agent,
        tags=tags,
        tasks=current_task(caller) if target == "observation" else (),
    )
