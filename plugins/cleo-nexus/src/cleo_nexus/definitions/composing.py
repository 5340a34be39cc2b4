"""Chains made of chains: one after the other, or side by side."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from cleo_core.errors import ValidationError
from cleo_nexus.definitions.conditions import same
from cleo_nexus.definitions.reading import LONGEST_NAME
from cleo_nexus.definitions.text import step_of

MODES = ("sequence", "parallel")
#: A mode -> what the ids of its parts begin with, and what stands between their names.
_WORDS = {"sequence": ("s", ", then "), "parallel": ("p", " beside ")}


def compose(mode: str, parts: Sequence[Mapping[str, Any]], id_: str) -> dict[str, Any]:
    """The definition that valid definitions make together; it is not validated.

    Stage ids, gate ids and the stages that checks name begin with ``s0_``, ``s1_``, … in a
    sequence, and with ``p0_``, ``p1_``, … where the parts are parallel.

    :param mode: sequence or parallel.
    :raises ValidationError: 6, two parts declare a variable of one name differently.
    """
    prefix, between = _WORDS[mode]
    made = [_renamed(part, f"{prefix}{at}_") for at, part in enumerate(parts)]
    join = _in_sequence if mode == "sequence" else _in_parallel
    name = between.join(str(part["name"]) for part in parts)
    found = {
        "id": id_,
        "name": name if len(name) <= LONGEST_NAME else f"{mode} of {len(parts)} chains",
        "version": "1.0.0",
        "metadata": {
            "composition": {
                "mode": mode,
                "parts": [{"id": part["id"], "version": part["version"]} for part in parts],
            }
        },
        "shape": join([part["shape"] for part in made]),
        "gates": [gate for part in made for gate in part.get("gates") or ()],
    }
    variables = _variables(parts)
    return found | {"variables": variables} if variables else found


def _renamed(part: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    made: dict[str, Any] = copy.deepcopy(dict(part))
    shape = made["shape"]
    shape["links"] = shape.get("links") or []
    for stage in shape["stages"]:
        stage["id"] = prefix + stage["id"]
    for link in shape["links"]:
        link["from"], link["to"] = prefix + link["from"], prefix + link["to"]
    shape["entryPoint"] = prefix + shape["entryPoint"]
    shape["exitPoints"] = [prefix + one for one in shape["exitPoints"]]
    for gate in made.get("gates") or ():
        gate["id"], gate["stageId"] = prefix + gate["id"], prefix + gate["stageId"]
        if gate["check"].get("stageId") is not None:
            gate["check"]["stageId"] = prefix + gate["check"]["stageId"]
    return made


def _in_sequence(shapes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    links: list[Any] = []
    for at, shape in enumerate(shapes):
        links += shape["links"]
        if at + 1 < len(shapes):
            after = shapes[at + 1]["entryPoint"]
            links += [_link(one, after, "linear") for one in shape["exitPoints"]]
    return {
        "stages": [stage for shape in shapes for stage in shape["stages"]],
        "links": links,
        "entryPoint": shapes[0]["entryPoint"],
        "exitPoints": shapes[-1]["exitPoints"],
    }


def _in_parallel(shapes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "stages": [
            {"id": "fork", "name": "Fork", "category": "custom"},
            *(stage for shape in shapes for stage in shape["stages"]),
            {"id": "join", "name": "Join", "category": "custom"},
        ],
        "links": [
            *(_link("fork", shape["entryPoint"], "fork") for shape in shapes),
            *(link for shape in shapes for link in shape["links"]),
            *(_link(one, "join", "linear") for shape in shapes for one in shape["exitPoints"]),
        ],
        "entryPoint": "fork",
        "exitPoints": ["join"],
    }


def _link(from_: str, to: str, type_: str) -> dict[str, str]:
    return {"from": from_, "to": to, "type": type_}


def _variables(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, tuple[str, Any]] = {}
    for part in parts:
        for name, one in (part.get("variables") or {}).items():
            owner, other = found.setdefault(name, (part["id"], one))
            if not same(_declared(other), _declared(one)):
                raise ValidationError(
                    f"{owner} and {part['id']} declare the variable {name} differently.",
                    fix=f"cleo chain show {part['id']} --field variables",
                    path=f"$.variables{step_of(name)}",
                )
    return {name: one for name, (_, one) in found.items()}


def _declared(variable: Mapping[str, Any]) -> list[Any]:
    """What two declarations have to agree in: all but their words for people."""
    return [variable["type"], variable.get("required") is True, variable.get("default")]
