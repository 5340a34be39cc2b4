"""The lifecycle RCASD-IVTR+C as data: its stages, their gates, and which moves it permits."""

from __future__ import annotations

from typing import Any, NamedTuple

from cleo_core.errors import ValidationError
from cleo_tasks.enums import STAGES
from cleo_tasks.service.fields import STAGE_SPELLINGS


class Definition(NamedTuple):
    """One stage.

    ``prerequisites``: numbers of the stages that are completed or skipped before it is entered.
    ``gates``: names whose latest result has to be pass or warn before it is completed.
    ``computed``: gates that CLEO finds out itself and nobody records.
    """

    number: int
    name: str
    skippable: bool
    prerequisites: tuple[int, ...]
    gates: tuple[str, ...]
    computed: tuple[str, ...] = ()


DEFINITIONS = (
    Definition(1, "research", False, (), (), ("prerequisites-met",)),
    Definition(2, "consensus", True, (1,), ("research-complete", "agreement-reached")),
    Definition(
        3, "architecture_decision", True, (1, 2), ("decisions-documented", "review-completed")
    ),
    Definition(4, "specification", False, (1, 2, 3), ("spec-complete", "spec-reviewed")),
    Definition(5, "decomposition", False, (1, 4), ("tasks-created", "dependencies-mapped")),
    Definition(6, "implementation", False, (1, 4, 5), ("code-complete", "lint-passing")),
    Definition(7, "validation", False, (6,), ("static-analysis-pass", "type-check-pass")),
    Definition(8, "testing", False, (6, 7), ("tests-pass", "coverage-met")),
    Definition(
        9,
        "release",
        True,
        (6, 7, 8),
        ("version-bumped", "changelog-updated", "artifacts-published"),
    ),
    Definition(10, "contribution", False, (), ()),
)

#: Recorded beside the others and never the current stage; it waits for this one.
RECORD, RECORD_WAITS_FOR = "contribution", "implementation"
#: The pipeline is completed with this stage.
LAST = "release"
#: (from, to): the ways back that need a reason and no force.
WAYS_BACK = (
    ("validation", "implementation"),
    ("testing", "validation"),
    ("testing", "implementation"),
)
#: (from, to): what ``lifecycle set`` may do to a stage; other changes have verbs of their own.
STATUS_MOVES = (
    ("in_progress", "blocked"),
    ("blocked", "in_progress"),
    ("in_progress", "failed"),
    ("blocked", "failed"),
    ("failed", "in_progress"),
)
#: Words that ``lifecycle set`` takes.
SETTABLE = ("in_progress", "blocked", "failed")
#: A stage in one of these does not hold up those after it.
FINISHED = ("completed", "skipped")

BY_NAME = {one.name: one for one in DEFINITIONS}
#: Stages that can be the current one, in order.
ENTERED = tuple(one.name for one in DEFINITIONS if one.name != RECORD)
#: Gate -> its stage.
STAGE_OF_GATE = {gate: one.name for one in DEFINITIONS for gate in (*one.gates, *one.computed)}


def prerequisites(name: str) -> tuple[str, ...]:
    """The names of the stages that come before a stage."""
    return tuple(DEFINITIONS[number - 1].name for number in BY_NAME[name].prerequisites)


def position(name: str) -> int:
    """Where a stage stands, from 1."""
    return BY_NAME[name].number


def stage(value: Any) -> str:
    """A stage in any of its spellings.

    :raises ValidationError: it is none.
    """
    word = value.strip().lower() if isinstance(value, str) else ""
    word = STAGE_SPELLINGS.get(word, word)
    if word not in BY_NAME:
        raise ValidationError(
            f"There is no stage {str(value)[:80]!r}; there are {', '.join(STAGES)}.",
            fix="cleo lifecycle stages",
        )
    return word
