"""How an instance goes through its chain: which stages a move leaves, enters and skips.

Nothing here knows of a database or of gates. Links of a valid chain make no cycle, so that every
stage is entered at most once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from typing import Any

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.errors import ValidationError, echoed
from cleo_nexus.definitions import Definition, Link, Stage, evaluate, stage_order
from cleo_nexus.definitions.graph import beyond, steps
from cleo_nexus.errors import NexusError


@record
class State(Declared):
    """Where an instance stands.

    :ivar active: the stages that are worked on, in the order they were entered.
    :ivar complete: the stages that were left or skipped.
    :ivar arrived: the stages that a path has come to and that other paths can still reach, each
        with the stages that it was reached from.
    """

    active: tuple[str, ...]
    complete: frozenset[str] = frozenset()
    arrived: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@record
class Step(Declared):
    """One thing that a move does.

    :ivar type: left, skipped, waiting or entered.
    :ivar to: where the path leads on to; None where it ends or leads to several stages.
    """

    type: str
    stage: str
    to: str | None = None


@record
class Move(Declared):
    """A move, all of it.

    :ivar stage: the stage that is left.
    :ivar skipped: whether it is passed over, so that nothing is asked of it.
    :ivar steps: what happens, in order; the first one leaves the stage.
    :ivar after: where the instance stands afterwards.
    """

    stage: str
    skipped: bool
    steps: tuple[Step, ...]
    after: State

    @property
    def entered(self) -> tuple[str, ...]:
        """The stages that are entered."""
        return tuple(one.stage for one in self.steps if one.type == "entered")

    @property
    def completes(self) -> bool:
        """Whether no stage is active any more."""
        return not self.after.active


class ChoiceError(ValidationError):
    """Exit 6: several ways lead on, and nothing says which."""


class Chart:
    """A chain's definition with what is asked of it again and again."""

    def __init__(self, definition: Definition, variables: Mapping[str, Any]) -> None:
        self.definition = definition
        self._variables = variables
        self._ahead = steps(definition.links)
        self._beyond: dict[str, frozenset[str]] = {}
        self._links: dict[str, list[Link]] = {}
        for link in definition.links:
            self._links.setdefault(link.from_, []).append(link)
        self._stages: dict[str, Stage] = {one.id: one for one in definition.stages}
        self._place = {id_: at for at, id_ in enumerate(stage_order(definition))}

    def stage(self, id_: str) -> Stage | None:
        """A stage by its id; None if there is none."""
        return self._stages.get(id_)

    def move(self, state: State, stage: str, to: str | None = None, *, skip: bool = False) -> Move:
        """What leaving an active stage leads to.

        The ``fix`` of what is raised is what is added to the caller's command.

        :param to: the way that is chosen, where the stage branches.
        :param skip: the stage is passed over; so is one that is to be skipped on entry.
        :raises NexusError: 78, no link leads to where it is to go.
        :raises ChoiceError: a choice is needed.
        :raises ValidationError: 6, all ways are taken together, and one is named.
        """
        passed_over = skip or self._stages[stage].skip
        walk = _Walk(self, state)
        walk.leave(stage, self.onward(stage, to), "skipped" if passed_over else "left")
        walk.settle()
        return Move(stage, passed_over, tuple(walk.steps), walk.state)

    def targets(self, stage: str) -> tuple[str, ...]:
        """The stages that links lead to from a stage."""
        return tuple(self._ahead.get(stage, ()))

    def onward(self, stage: str, to: str | None) -> tuple[str, ...]:
        """The stages that the path goes on to from a stage; raises as :meth:`move`."""
        targets = self.targets(stage)
        links = self._links.get(stage, [])
        if to is not None and to not in targets:
            known = f"it leads to {', '.join(targets)}" if targets else "it is where a path ends"
            raise NexusError(
                "E_CHAIN_INVALID",
                f"No link leads from {stage} to {echoed(to)}; {known}.",
                fix=f"--to {targets[0]}" if targets else "",
                details={"stage": stage, "targets": list(targets)},
            )
        if not links or links[0].type == "linear":
            return targets
        if links[0].type == "fork":
            if to is not None and len(targets) > 1:
                raise ValidationError(
                    f"All ways out of {stage} are taken together: {', '.join(targets)}.",
                    fix="",
                    stage=stage,
                    targets=list(targets),
                )
            return targets
        return (self._branch(stage, to, links),)

    def _branch(self, stage: str, to: str | None, links: Iterable[Link]) -> str:
        if to is not None:
            return to
        targets = [one.to for one in links]
        true = [
            one.to
            for one in links
            if one.condition is not None and evaluate(one.condition, self._variables)
        ]
        if len(true) == 1:
            return true[0]
        held = f"the conditions of {', '.join(true)} hold" if true else "no condition holds"
        raise ChoiceError(
            f"One way out of {stage} is to be chosen, and {held}: {', '.join(targets)}.",
            fix=f"--to {(true or targets)[0]}",
            stage=stage,
            targets=targets,
        )

    def reaches(self, stage: str, other: str) -> bool:
        """Whether one or more links lead from a stage to another one."""
        if stage not in self._beyond:
            self._beyond[stage] = beyond(self._ahead, (stage,))
        return other in self._beyond[stage]

    def in_order(self, stages: Iterable[str]) -> list[str]:
        """Stages so that each comes after those that lead to it."""
        return sorted(stages, key=self._place.__getitem__)


class _Walk:
    def __init__(self, chart: Chart, state: State) -> None:
        self._chart = chart
        self.state = state
        self.steps: list[Step] = []
        #: The paths that arrive in this move: stage -> where they come from.
        self._new: dict[str, list[str]] = {}

    def leave(self, stage: str, targets: tuple[str, ...], how: str) -> None:
        self.steps.append(Step(how, stage, targets[0] if len(targets) == 1 else None))
        self.state = replace(
            self.state,
            active=tuple(one for one in self.state.active if one != stage),
            complete=self.state.complete | {stage},
        )
        for target in targets:
            self._new.setdefault(target, []).append(stage)

    def settle(self) -> None:
        """Ask of every stage that a path has come to whether it is entered now.

        A stage is asked about after those that lead to it: they may be entered first and then keep
        it waiting.
        """
        asked: set[str] = set()
        while True:
            due = self._chart.in_order({*self.state.arrived, *self._new} - asked)
            if not due:
                return
            stage = due[0]
            asked.add(stage)
            self._arrive(stage, self._new.pop(stage, []))

    def _arrive(self, stage: str, sources: list[str]) -> None:
        if any(self._chart.reaches(one, stage) for one in self.state.active):
            self.steps += [Step("waiting", source, stage) for source in sources]
            earlier = self.state.arrived.get(stage, ())
            self._set_arrived({**self.state.arrived, stage: (*earlier, *sources)})
            return
        self._set_arrived({one: from_ for one, from_ in self.state.arrived.items() if one != stage})
        found = self._chart.stage(stage)
        assert found is not None
        if found.skip:
            try:
                self.leave(stage, self._chart.onward(stage, None), "skipped")
                return
            except ChoiceError:
                # It is entered, so that somebody can choose the way on.
                pass
        self.steps.append(Step("entered", stage))
        self.state = replace(self.state, active=(*self.state.active, stage))

    def _set_arrived(self, arrived: Mapping[str, tuple[str, ...]]) -> None:
        self.state = replace(self.state, arrived=arrived)
