"""Fitting entries into a budget of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cleo_brain.service.deriving import tokens_of

#: Kind -> heading of its section, in the order of the sections.
SECTIONS = {
    "decision": "## Decisions",
    "pattern": "## Patterns",
    "learning": "## Learnings",
    "observation": "## Observations",
    "sticky": "## Sticky notes",
}
#: Share of the budget that one kind takes at most while others wait.
KIND_SHARE = 0.6
FORMS = ("full", "line")
_GAP = "\n\n"


@dataclass
class Candidate:
    """An entry that may be shown.

    :ivar full: its text; ``line``: its line in an index.
    :ivar form: ``full``, ``line``, or None while it is not taken.
    """

    id: str
    kind: str
    full: str
    line: str
    form: str | None = None

    def block_in(self, form: str) -> str:
        """What stands in the markdown in a form."""
        return f"### {self.full}" if form == "full" else f"- {self.line}"

    @property
    def tokens(self) -> int:
        """The price in the form it is shown in; that of the whole text where it is not shown."""
        return tokens_of(self.line if self.form == "line" else self.full)


def pack(candidates: Sequence[Candidate], budget: int) -> str:
    """Choose the form of each candidate; returns the markdown, at most ``budget`` tokens long.

    In order: in full if that fits, else as a line if that fits. What would take its kind over its
    share waits until the other kinds have been served, and gets what they left.
    """
    room = _Room(budget)
    waiting = []
    for candidate in candidates:
        form = next((form for form in FORMS if room.holds(candidate, form)), None)
        if form is not None and room.within_share(candidate, form):
            room.take(candidate, form)
        elif form is not None:
            waiting.append(candidate)
    for candidate in waiting:
        # Of another kind, what was left out would still be waiting for the room.
        others = any(one.form is None and one.kind != candidate.kind for one in candidates)
        for form in FORMS:
            if room.holds(candidate, form) and (not others or room.within_share(candidate, form)):
                room.take(candidate, form)
                break
    return markdown(candidates)


def markdown(candidates: Sequence[Candidate]) -> str:
    """The sections with what has been taken, each in the order of the candidates."""
    parts = []
    for kind, heading in SECTIONS.items():
        blocks = [one.block_in(one.form) for one in candidates if one.kind == kind and one.form]
        parts += [heading, *blocks] if blocks else []
    return _GAP.join(parts)


class _Room:
    """What is left of the budget, in characters, the headings included."""

    def __init__(self, budget: int) -> None:
        self.most = 4 * budget
        self.used = 0
        self.of_kind: dict[str, int] = {}

    def holds(self, candidate: Candidate, form: str) -> bool:
        """Whether a candidate fits in a form."""
        return self.used + self._cost(candidate, form) - len(_GAP) <= self.most

    def within_share(self, candidate: Candidate, form: str) -> bool:
        """Whether its kind keeps to its share with it."""
        taken = self.of_kind.get(candidate.kind, 0) + self._cost(candidate, form)
        return taken <= KIND_SHARE * self.most

    def take(self, candidate: Candidate, form: str) -> None:
        """Take a candidate in a form."""
        cost = self._cost(candidate, form)
        candidate.form = form
        self.used += cost
        self.of_kind[candidate.kind] = self.of_kind.get(candidate.kind, 0) + cost

    def _cost(self, candidate: Candidate, form: str) -> int:
        cost = len(candidate.block_in(form)) + len(_GAP)
        if candidate.kind not in self.of_kind:
            cost += len(SECTIONS[candidate.kind]) + len(_GAP)
        return cost
