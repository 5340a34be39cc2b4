"""Projects of an atlas, and epics of theirs that go through chains."""

from __future__ import annotations

import runpy
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cleo_core.api import ServiceSpec
from cleo_core.errors import CleoError

_here = Path(__file__)
_atlas = runpy.run_path(str(_here.with_name("atlas.py")))
_shapes = runpy.run_path(str(_here.with_name("shapes.py")))
Atlas, execute, behind = _atlas["Atlas"], _atlas["execute"], _atlas["behind"]
stage, link, gate, chain = (_shapes[name] for name in ("stage", "link", "gate", "chain"))

#: What tests of validators answer with, by the validator's name.
ANSWERS: dict[str, Callable[..., Any]] = {}
_MODULE = "courses_validators"


class Courses(Atlas):  # type: ignore[valid-type, misc] # a path is imported, not a module
    """Projects of an atlas, and instances whose epics they have."""

    def start(self, definition: Any, epic: str = "web:T001", **options: Any) -> str:
        """Begin an instance of a chain, by its id or of its definition; its id."""
        nexus = self.elsewhere().service("nexus")
        if not isinstance(definition, str):
            nexus.chain_add(definition)
            definition = definition["id"]
        return str(nexus.chain_instantiate(definition, epic, **options).id)

    @property
    def chains(self) -> Any:
        """The service of the map, asked from outside of every project."""
        return self.elsewhere().service("nexus")

    def events(self, id_: str, *types: str) -> list[tuple[str, str | None, str | None]]:
        """Type, stage and target of the history; of some types only."""
        found = self.rows(
            "SELECT type, stage_id, to_stage_id FROM warp_instance_events WHERE instance_id = ? "
            "ORDER BY seq",
            id_,
        )
        return [row for row in found if not types or row[0] in types]

    def outcomes(self, id_: str) -> dict[str, str]:
        """The last outcome of each gate."""
        return {one.gate_id: one.outcome for one in self.chains.chain_status(id_).gate_results}

    def checked(self, id_: str) -> dict[str, tuple[str, str]]:
        """Outcome and message of each gate that a check asks."""
        return {
            one.gate_id: (one.outcome, one.message) for one in self.chains.chain_check(id_).gates
        }


def validator(app: Any, monkeypatch: Any, name: str, answer: Callable[..., Any]) -> None:
    """Let an App have a validator that answers with what a function of its own says."""
    module = sys.modules.setdefault(_MODULE, types.ModuleType(_MODULE))
    ANSWERS[name] = answer
    attribute = name.replace("-", "_").replace(".", "_")
    setattr(module, attribute, lambda app: ANSWERS[name])
    service = f"warp.validator.{name}"
    monkeypatch.setitem(
        app.plugins.services, service, ServiceSpec(service, f"{_MODULE}:{attribute}")
    )


def custom(id_: str, stage_id: str, name: str, **more: Any) -> Any:
    """A gate that asks a validator."""
    params = more.pop("params", None)
    check = {"type": "custom", "validator": name} | ({} if params is None else {"params": params})
    return gate(id_, stage_id, check, **more)


def verified(id_: str, stage_id: str, name: str = "implemented", **more: Any) -> Any:
    """A gate that asks whether a task is verified."""
    return gate(id_, stage_id, {"type": "verification_gate", "gateName": name}, **more)


def before(id_: str, stage_id: str, check: Any, **more: Any) -> Any:
    """A gate on entering a stage."""
    return gate(id_, stage_id, check, position="before", type="entry", **more)


def refused(call: Any, *arguments: Any, **options: Any) -> CleoError:
    """The error that a call ends with."""
    try:
        found = call(*arguments, **options)
    except CleoError as error:
        return error
    raise AssertionError(f"it was not refused: {found}")
