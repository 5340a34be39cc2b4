"""``observe_batch``: many observations from JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import field
from functools import partial
from itertools import islice
from typing import Any

from cleo_brain.errors import BrainError
from cleo_brain.service import fields, observing
from cleo_brain.service.private import Stripper, strip_private
from cleo_brain.service.work import Caller, Verbs, Work
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.errors import CleoError, UsageError, shortened

#: Lines of one unit: what other writers wait for at most.
LINES = 500
#: JSON key -> argument of ``observe``.
KEYS = {
    **{
        name: name
        for name in (
            *("text", "title", "subtitle", "type", "facts", "concepts", "tags", "tasks"),
            *("thread", "supersedes", "at", "project", "attachments", "force"),
        )
    },
    "filesRead": "files_read",
    "filesModified": "files_modified",
    "sourceType": "source_type",
    "sourceConfidence": "source_confidence",
    "discoveryTokens": "discovery_tokens",
}
_DEFAULTS: dict[str, Any] = {
    **dict.fromkeys(KEYS.values()),
    **dict.fromkeys(
        (
            *("facts", "concepts", "tags", "tasks", "supersedes", "attachments"),
            *("files_read", "files_modified"),
        ),
        (),
    ),
    "force": False,
}


@record
class Batched(Declared):
    """Counts of a batch; ``rejected`` has ``line``, from 1, and ``reason``."""

    stored: int
    merged: int
    rejected: list[dict[str, Any]] = field(default_factory=list)


class BatchVerbs(Verbs):
    """``observe_batch``."""

    def observe_batch(
        self, lines: Iterable[str], *, force: bool = False, link_current: bool = True
    ) -> Batched:
        """Store an observation for each JSON line; lines that cannot be stored are listed.

        A line is an object with ``text`` and the options of ``observe`` as keys. Lines are stored
        in units of 500, each complete by itself.

        :raises BrainError: ``E_GATE_REJECTED`` (6), not one line was stored or merged.
        """
        if isinstance(lines, (str, bytes)) or not isinstance(lines, Iterable):
            raise UsageError("Lines are wanted.", fix="cleo observe --batch FILE")
        caller = self.caller()
        counts = {"stored": 0, "merged": 0}
        rejected: list[dict[str, Any]] = []
        numbered = ((n, line) for n, line in enumerate(lines, 1) if not _blank(line))
        while block := list(islice(numbered, LINES)):
            outcomes, refused = self.write(
                "memory.observe",
                lambda work, block=block: _store_block(  # type: ignore[misc]  # bound per round
                    work, block, caller, force=force, link_current=link_current
                ),
                caller,
            )
            for outcome in outcomes:
                counts[outcome] += 1
            rejected += refused
        if rejected and not any(counts.values()):
            raise BrainError(
                "E_GATE_REJECTED",
                f"Not one of {len(rejected)} lines was stored; the first: {rejected[0]['reason']}",
                fix='{"text": "what was noticed"}',
                details={"rejected": rejected[:100]},
            )
        return Batched(counts["stored"], counts["merged"], rejected)


def _store_block(
    work: Work,
    block: list[tuple[int, str]],
    caller: Caller,
    *,
    force: bool,
    link_current: bool,
) -> tuple[list[str], list[dict[str, Any]]]:
    outcomes: list[str] = []
    rejected: list[dict[str, Any]] = []
    for number, line in block:
        try:
            strip = Stripper()
            given = strip(_parsed(line))
            given["link_current"] = link_current
            given["force"] = fields.flag(given["force"], "force") or force
            draft = observing.observation(given, caller, strip.spans)
            stored = work.attempt(partial(observing.store_observation, work, draft))
            outcomes.append(stored.outcome)
        except CleoError as error:
            reason = shortened(strip_private(error.message)[0], 300)
            rejected.append({"line": number, "reason": reason})
    return outcomes, rejected


def _blank(line: Any) -> bool:
    return isinstance(line, str) and not line.strip()


def _parsed(line: Any) -> dict[str, Any]:
    if not isinstance(line, str):
        raise UsageError("not text")
    try:
        line.encode("utf-8")
        value = json.loads(line)
    except UnicodeEncodeError:
        raise UsageError("not UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"not JSON: {shortened(str(error))}") from None
    return arguments(value)


def arguments(value: Any) -> dict[str, Any]:
    """The arguments of ``observe`` that a line's object stands for, those left out included.

    :raises UsageError: it is no object with known keys.
    """
    if not isinstance(value, dict):
        raise UsageError("not a JSON object")
    unknown = sorted(set(value) - set(KEYS))
    if unknown:
        raise UsageError(f"unknown keys: {shortened(', '.join(unknown))}")
    given = {KEYS[key]: item for key, item in value.items() if item is not None}
    if "text" not in given:
        raise UsageError("no text")
    return {**_DEFAULTS, **given}
