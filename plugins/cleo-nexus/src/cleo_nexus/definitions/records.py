"""A chain's definition as typed records, and what its validation answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from cleo_core.api import Declared
from cleo_core.api.records import record


@record
class Problem(Declared):
    """One fault, or one thing to think about, in a definition.

    :ivar path: where, as a JSON path: ``$.shape.stages[2].id``.
    """

    code: str
    path: str
    message: str


@record
class Validation(Declared):
    """What is wrong with a definition, and what it promises.

    :ivar well_formed: nothing but its gates can be wrong.
    :ivar gate_satisfiable: its gates name what exists, and each can be passed.
    :ivar artifact_complete: every stage that cannot be skipped has a gate.
    """

    well_formed: bool
    gate_satisfiable: bool
    artifact_complete: bool
    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...]

    @property
    def valid(self) -> bool:
        """Whether it has no error."""
        return not self.errors


@record
class Variable(Declared):
    """A variable of a template.

    :ivar type: string, number, boolean, taskId or epicId.
    :ivar default: the value where none is given; None is no value.
    """

    name: str
    type: str
    required: bool = False
    default: Any = None
    description: str | None = None


@record
class Stage(Declared):
    """A stage.

    :ivar skippable: whether it may be passed over.
    :ivar skip: it is passed over when it is entered.
    """

    id: str
    name: str
    category: str
    skippable: bool = False
    skip: bool = False
    description: str | None = None


@record
class Link(Declared):
    """A way from one stage to another.

    :ivar type: linear, the one way on; fork, taken with all others; branch, one of them is chosen.
    :ivar condition: when a branch is chosen without being named.
    """

    from_: str
    to: str
    type: str
    condition: str | None = None


@record
class GateCheck(Declared):
    """What a gate asks for; which of the fields are set depends on the type.

    :ivar type: stage_complete (``stage_id``), artifact_exists (``artifact_type``, ``path``),
        protocol_valid (``protocol_type``), verification_gate (``gate_name``) or custom
        (``validator``, ``params``).
    """

    type: str
    stage_id: str | None = None
    artifact_type: str | None = None
    path: str | None = None
    protocol_type: str | None = None
    gate_name: str | None = None
    validator: str | None = None
    params: Mapping[str, Any] | None = None


@record
class Gate(Declared):
    """A condition on entering (``before``) or leaving (``after``) a stage.

    :ivar type: entry, exit or checkpoint.
    :ivar severity: blocking, warning or info.
    :ivar can_force: whether it may be passed by force, with a reason.
    """

    id: str
    name: str
    stage_id: str
    position: str
    type: str
    severity: str
    check: GateCheck
    can_force: bool = False

    @property
    def blocking(self) -> bool:
        """Whether nobody goes on before it is passed."""
        return self.severity == "blocking"


@record
class Definition(Declared):
    """A chain: stages, the links between them, and gates on stages."""

    id: str
    name: str
    version: str
    stages: tuple[Stage, ...]
    links: tuple[Link, ...]
    entry_point: str
    exit_points: tuple[str, ...]
    gates: tuple[Gate, ...] = ()
    description: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Variable] = field(default_factory=dict)

    def stage(self, id_: str) -> Stage:
        """A stage by its id.

        :raises KeyError: there is none.
        """
        for one in self.stages:
            if one.id == id_:
                return one
        raise KeyError(id_)

    def links_from(self, stage_id: str) -> tuple[Link, ...]:
        """The links out of a stage; all of one type."""
        return tuple(one for one in self.links if one.from_ == stage_id)

    def links_to(self, stage_id: str) -> tuple[Link, ...]:
        """The links into a stage; several make it a join."""
        return tuple(one for one in self.links if one.to == stage_id)

    def gates_of(self, stage_id: str, position: str | None = None) -> tuple[Gate, ...]:
        """The gates of a stage, in their order; of one position (before, after) or of both."""
        return tuple(
            one
            for one in self.gates
            if one.stage_id == stage_id and position in (None, one.position)
        )

    def is_exit(self, stage_id: str) -> bool:
        """Whether a path ends in a stage."""
        return stage_id in self.exit_points
