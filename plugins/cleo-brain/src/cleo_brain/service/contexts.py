"""``context``: what is known about a task, within a budget of tokens."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cleo_brain.enums import KIND
from cleo_brain.ids import task_id
from cleo_brain.search.filters import Filters
from cleo_brain.service import fields, finding, rendering, retrieving, settings
from cleo_brain.service.deriving import tokens_of
from cleo_brain.service.finding import Arms
from cleo_brain.service.packing import Candidate, pack
from cleo_brain.service.work import Verbs
from cleo_brain.store import contexts, entries, graph
from cleo_core import clock, inputs
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.database import Backend
from cleo_core.errors import CleoError, NotFoundError, UsageError

LEAST_BUDGET = 100
MOST_BUDGET = 1_000_000
#: Hits of the query that are candidates, and how many of the newest.
HITS = 50
NEWEST = {"observation": 10, "decision": 5}
#: Ancestors of a task that are looked at.
ANCESTORS = 20


@record
class Shown(Declared):
    """An entry of a context; ``form`` is full or line, ``tokens`` the price in that form.

    ``why``: linked, query, recent, anti-pattern, sticky, summary.
    """

    id: str
    kind: str
    form: str
    tokens: int
    score: float
    why: list[str]


@record
class Omitted(Declared):
    """An entry that did not fit, with the price of its text."""

    id: str
    tokens: int


@record
class Context(Declared):
    """What is known, as markdown of at most ``budget`` tokens."""

    markdown: str
    tokens: int
    budget: int
    entries: list[Shown]
    omitted: list[Omitted]
    served_by: str
    arms: Arms


@dataclass
class _Claim:
    """Why an entry is a candidate, and how near it is to the query."""

    relevance: float = 0.0
    why: dict[str, None] = field(default_factory=dict)


class ContextVerbs(Verbs):
    """``context``."""

    def context(
        self,
        *,
        task: str | None = None,
        query: str | None = None,
        budget: int | None = None,
        kinds: Sequence[str] = (),
        used: bool | None = None,
    ) -> Context:
        """What to know before work begins, the most useful first, within a budget of tokens.

        :param task: what is linked to it or its ancestors counts most; without ``query`` its title
            and description are searched for.
        :param budget: tokens; config ``brain.context.budget`` if not given.
        :param used: log the answer and count a use of what was given in full; None: as config
            ``brain.retrieval_log`` says.
        :raises UsageError: a value is not valid, or the budget is below 100.
        :raises NotFoundError: there is no such task.
        """
        if budget is None:
            most = settings.at_least(self.app.config, "context.budget", LEAST_BUDGET)
        else:
            most = _budget(budget)
        wanted = [fields.word(one, KIND, "kind") for one in fields.items(kinds, "kind")]
        tasks, text = self._task(task)
        asked = text if query is None else finding.asked_text(query)
        with self.db.snapshot() as db:
            claims, hits = self._candidates(db, tasks, asked, wanted)
            ranked = _ranked(db, claims)
        candidates = [candidate for candidate, _, _ in ranked]
        text = pack(candidates, most)
        shown = [
            Shown(one.id, one.kind, one.form, one.tokens, round(score, 4), why)
            for one, score, why in ranked
            if one.form is not None
        ]
        made = Context(
            text,
            tokens_of(text) if text else 0,
            most,
            shown,
            [Omitted(one.id, one.tokens) for one in candidates if one.form is None],
            hits.served_by if hits is not None else "recent",
            hits.arms if hits is not None else Arms(),
        )
        if retrieving.counts(self, used):
            full = [one.id for one in shown if one.form == "full"]
            retrieving.count(self, "context", full, made.tokens, asked)
        return made

    def _task(self, task: Any) -> tuple[list[str], str | None]:
        """A task and its ancestors, and what it is about."""
        if task is None:
            return [], None
        id_ = inputs.as_filter(
            lambda value: inputs.line(value, "task", fields.LINE_LENGTH, fix="--task ID"), task
        )
        if not self.app.has_service("tasks"):
            self._unchecked(id_)
            return [id_], None
        found: list[str] = []
        text: str | None = None
        wanted: str | None = id_
        try:
            while wanted is not None and wanted not in found and len(found) < ANCESTORS:
                one = self.app.service("tasks").show(wanted)[0]
                found.append(one.id)
                if text is None:
                    text = "\n".join(part for part in (one.title, one.description) if part)
                wanted = one.parent_id
        except UsageError:
            raise
        except NotFoundError:
            named = task_id(id_)
            if found or self.app.exists("task", [named])[named] is not None:
                raise
            self._unchecked(id_)
            found = [named]
        except CleoError:
            # The task store cannot be read just now; links to the task are known all the same.
            self._unchecked(id_)
            found = found or [id_]
        return found, text

    def _unchecked(self, task: str) -> None:
        self.app.warn(
            "W_REF_UNCHECKED", f"What the task {task} is about and its ancestors are not known."
        )

    def _candidates(
        self, db: Backend, tasks: Sequence[str], query: str | None, kinds: Sequence[str]
    ) -> tuple[dict[int, _Claim], finding.Hits | None]:
        now = clock.now()
        claims: dict[int, _Claim] = {}

        def claim(seqs: Sequence[int], why: str) -> None:
            for seq in seqs:
                claims.setdefault(seq, _Claim()).why[why] = None

        if tasks:
            claim(contexts.linked(db, tasks, now), "linked")
        hits = None
        if query is not None and query.strip():
            hits = finding.look(self.app, db, query, Filters(kinds=kinds), limit=HITS)
            claim(hits.order[:HITS], "query")
            for seq in hits.order[:HITS]:
                claims[seq].relevance = hits.scores.get(seq, 0.0)
        for kind, most in NEWEST.items():
            claim(contexts.newest_of_kind(db, kind, most, now), "recent")
        claim(contexts.verified_anti_patterns(db, now), "anti-pattern")
        claim(contexts.urgent_notes(db, now), "sticky")
        for seq, summary in contexts.summaries(db, list(claims), now).items():
            member = claims.pop(seq)
            into = claims.setdefault(summary, _Claim())
            into.relevance = max(into.relevance, member.relevance)
            into.why.update({**member.why, "summary": None})
        if kinds:
            rows = entries.by_seqs(db, claims)
            claims = {seq: one for seq, one in claims.items() if rows[seq]["kind"] in kinds}
        return claims, hits


def _ranked(db: Backend, claims: Mapping[int, _Claim]) -> list[tuple[Candidate, float, list[str]]]:
    """The candidates with their scores and reasons, the best first, then the newest."""
    rows = entries.by_seqs(db, claims)
    typed = entries.typed_of(db, rows.values())
    tags = graph.tags_of(db, [row["id"] for row in rows.values()])
    scores = {seq: _score(row, typed[row["id"]], claims[seq]) for seq, row in rows.items()}
    order = sorted(rows, key=lambda seq: (-scores[seq], -seq))
    lines = dict(zip(order, finding.lines_of(db, order), strict=True))
    return [
        (
            Candidate(
                rows[seq]["id"],
                rows[seq]["kind"],
                rendering.entry_text(rows[seq], typed[rows[seq]["id"]], tags[rows[seq]["id"]]),
                rendering.index_line(lines[seq]),
            ),
            scores[seq],
            list(claims[seq].why),
        )
        for seq in order
    ]


def _score(row: Mapping[str, Any], typed: Mapping[str, Any], claim: _Claim) -> float:
    days = max(0.0, clock.seconds() - clock.parse_time(row["valid_at"])) / 86_400
    return (
        (1.0 if "linked" in claim.why else 0.0)
        + claim.relevance
        + 0.3 * float(row["quality"])
        + 0.2 * math.exp(-days / 30)
        + (0.2 if typed.get("type") == "anti-pattern" else 0.0)
    )


def _budget(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise UsageError("A budget is a number of tokens.", fix="--budget 2000")
    if not LEAST_BUDGET <= value <= MOST_BUDGET:
        raise UsageError(
            f"A budget is from {LEAST_BUDGET} to {MOST_BUDGET} tokens.", fix="--budget 2000"
        )
    return value
