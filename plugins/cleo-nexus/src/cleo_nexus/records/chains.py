"""Chains as the service answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_nexus.definitions import Problem, Validation


@record
class Chain(Declared):
    """A chain; its stages, links, gates and variables are as its definition has them.

    :ivar tessera: the template that it was made from.
    :ivar packaged: whether it is one that comes with the plugin, as it came.
    :ivar variables: name -> ``{type, required, default, description}``; a template has some.
    :ivar instances: status -> how many instances are in it.
    """

    id: str
    version: str
    name: str
    description: str | None
    tessera: str | None
    packaged: bool
    metadata: Mapping[str, Any]
    variables: Mapping[str, Mapping[str, Any]]
    stages: Sequence[Mapping[str, Any]]
    links: Sequence[Mapping[str, Any]]
    entry_point: str
    exit_points: Sequence[str]
    gates: Sequence[Mapping[str, Any]]
    validation: Validation
    instances: Mapping[str, int]

    @property
    def template(self) -> bool:
        """Whether it has variables."""
        return bool(self.variables)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Chain:
        """A Chain from its JSON form."""
        from cleo_core.output import camel

        values = {name: data[camel(name)] for name in cls.__dataclass_fields__}
        judged = values["validation"]
        problems = {
            name: tuple(Problem(**one) for one in judged[name]) for name in ("errors", "warnings")
        }
        values["validation"] = Validation(
            judged["wellFormed"],
            judged["gateSatisfiable"],
            judged["artifactComplete"],
            **problems,
        )
        return cls(**values)


@record
class DeletedChain(Declared):
    """A chain that is gone.

    :ivar deleted: its id.
    :ivar instances: how many finished instances went with it.
    :ivar packaged: whether the one that comes with the plugin is in its place again.
    """

    deleted: str
    instances: int
    packaged: bool
