"""``maintain``: what follows from the rows is made again, and what nobody needs is withdrawn."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from cleo_brain.errors import BrainError
from cleo_brain.service import fields
from cleo_brain.service.suspects import Suspect
from cleo_brain.service.work import Verbs
from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.errors import CleoError
from cleo_core.output import to_json

if TYPE_CHECKING:
    from cleo_core.app import App

STEPS = (
    *("quality", "tiers", "evict", "stickies", "consolidate"),
    *("references", "vectors", "search", "suspects", "caps"),
)
#: Made only where it is asked for.
ASKED_FOR = frozenset({"consolidate"})
#: What does not work in the private copy that a dry run of several units writes to.
_ELSEWHERE = frozenset({"references", "vectors"})

#: Called with what is counted, how much is done and of how much.
Progress = Callable[[str, int, "int | None"], None]


class Counted(NamedTuple):
    """What a step looked at and what it changed; ``references`` row by row."""

    examined: int
    changed: int
    references: list[dict[str, Any]] | None = None


@record
class Step(Declared):
    """One step: rows that it looked at and changed, and milliseconds.

    ``error``: why it was not done whole. ``references``: of that step, the counts of each.
    """

    name: str
    examined: int
    changed: int
    ms: float
    error: str | None = None
    references: list[dict[str, Any]] | None = None

    OPTIONAL: ClassVar[tuple[str, ...]] = ("error", "references")


@record
class Maintenance(Declared):
    """The steps in their order, and pairs of entries that somebody should look at."""

    steps: list[Step]
    suspects: list[Suspect]


class MaintainVerbs(Verbs):
    """``maintain``."""

    def maintain(
        self,
        *,
        only: Sequence[str] = (),
        skip: Sequence[str] = (),
        consolidate: bool = False,
        deep: bool = False,
        progress: Progress | None = None,
    ) -> Maintenance:
        """Compute anew what is a function of the rows, and withdraw what is worn out.

        A second run right after it changes nothing. Each step works in units of its own; one that
        fails does not keep the others from running.

        :param only: steps to take, ``skip`` steps to leave out.
        :param consolidate: also sum up old observations that say nearly the same.
        :param deep: also compute the searched columns of every entry anew.
        :raises BrainError: ``E_MAINTENANCE`` (6), a step failed; details hold what was done.
        :raises UsageError: there is no such step.
        """
        for names, option in ((only, "only"), (skip, "skip")):
            fields.items(names, option)
        wanted = [fields.word(name, STEPS, "only") for name in only]
        left_out = {fields.word(name, STEPS, "skip") for name in skip}
        if consolidate and wanted:
            wanted.append("consolidate")
        chosen = [
            name
            for name in STEPS
            if (name in wanted if wanted else name not in ASKED_FOR or consolidate)
            and name not in left_out
        ]
        suspects: list[Suspect] = []
        done: dict[str, Step] = {}
        with _rehearsed(self.app, chosen):
            for name in chosen:
                if not (self.app.dry_run and name in _ELSEWHERE):
                    done[name] = self._step(name, deep, suspects, progress)
        for name in chosen:
            if name not in done:
                done[name] = self._step(name, deep, suspects, progress)
        result = Maintenance([done[name] for name in chosen], suspects)
        failed = [step for step in result.steps if step.error is not None]
        if failed:
            raise BrainError(
                "E_MAINTENANCE",
                "; ".join(f"{step.name}: {step.error}" for step in failed),
                fix=f"cleo memory maintain --only {failed[0].name}",
                details=to_json(result),
            )
        return result

    def _step(
        self, name: str, deep: bool, suspects: list[Suspect], progress: Progress | None
    ) -> Step:
        from cleo_brain.service import steps
        from cleo_brain.service import suspects as suspecting

        started = time.perf_counter()
        error = None
        counted = Counted(0, 0)
        try:
            if name == "suspects":
                found, examined = suspecting.suspects_of(self.db)
                suspects += found
                counted = Counted(examined, 0)
            else:
                counted = steps.STEPS[name](self, deep, progress or _silent)
        except steps.HalfDoneError as half:
            counted, error = half.counted, half.words
        except CleoError as failed:
            error = failed.message
        except Exception as failed:
            # Whatever a step runs into, an embedder's defect included, the others get their turn.
            error = f"{type(failed).__name__}: {failed}"
        return Step(
            name,
            counted.examined,
            counted.changed,
            round((time.perf_counter() - started) * 1000, 1),
            error,
            counted.references,
        )


@contextmanager
def _rehearsed(app: App, chosen: Sequence[str]) -> Iterator[None]:
    """In a dry run: let each step see what those before it would have changed."""
    local = app.dry_run and any(name not in _ELSEWHERE for name in chosen)
    with app.rehearsing("brain") if local else nullcontext():
        yield


def _silent(what: str, done: int, total: int | None) -> None:
    """No progress is shown."""
