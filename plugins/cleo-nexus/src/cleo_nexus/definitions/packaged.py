"""The chains that come with the plugin: ``rcasd-ivtrc`` and the template ``tessera-rcasd``."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

#: The chain of the lifecycle from research to release.
DEFAULT = "rcasd-ivtrc"
TEMPLATE = "tessera-rcasd"
IDS = (DEFAULT, TEMPLATE)

#: Stage -> (name, category, whether it may be skipped), from the first to the last.
_STAGES: Mapping[str, tuple[str, str, bool]] = {
    "research": ("Research", "research", False),
    "consensus": ("Consensus", "consensus", True),
    "architecture_decision": ("Architecture decision", "architecture", True),
    "specification": ("Specification", "specification", False),
    "decomposition": ("Decomposition", "decomposition", False),
    "implementation": ("Implementation", "implementation", False),
    "validation": ("Validation", "validation", False),
    "testing": ("Testing", "testing", False),
    "release": ("Release", "release", True),
}
#: Stage -> the stages that are complete before it is entered.
_AFTER: Mapping[str, tuple[str, ...]] = {
    "consensus": ("research",),
    "architecture_decision": ("research", "consensus"),
    "specification": ("research", "consensus", "architecture_decision"),
    "decomposition": ("research", "specification"),
    "implementation": ("research", "specification", "decomposition"),
    "validation": ("implementation",),
    "testing": ("implementation", "validation"),
    "release": ("implementation", "validation", "testing"),
}
#: Stage -> the protocols that hold when it is left, beside the one of its own name.
_PROTOCOLS: Mapping[str, tuple[str, ...]] = {
    "implementation": ("contribution",),
    "release": ("artifact-publish", "provenance"),
}
#: Stage -> the verification gates of its task that are passed when it is left.
_VERIFIED: Mapping[str, tuple[str, ...]] = {
    "specification": ("documented",),
    "decomposition": ("cleanupDone",),
    "implementation": ("implemented",),
    "validation": ("qaPassed", "securityPassed"),
    "testing": ("testsPassed",),
}


def packaged(id_: str) -> dict[str, Any] | None:
    """The definition of a packaged chain, made anew; None for another id."""
    if id_ == DEFAULT:
        return _default()
    return _template() if id_ == TEMPLATE else None


def _default() -> dict[str, Any]:
    ids = list(_STAGES)
    return {
        "id": DEFAULT,
        "name": "RCASD-IVTR+C",
        "version": "1.0.0",
        "description": "The lifecycle from research to release, one stage after the other.",
        "metadata": {"archetypes": ["lifecycle"]},
        "shape": {
            "stages": [
                {"id": id_, "name": name, "category": category, "skippable": skippable}
                for id_, (name, category, skippable) in _STAGES.items()
            ],
            "links": [{"from": one, "to": other, "type": "linear"} for one, other in pairwise(ids)],
            "entryPoint": ids[0],
            "exitPoints": [ids[-1]],
        },
        "gates": [gate for id_ in ids for gate in _gates(id_)],
    }


def _template() -> dict[str, Any]:
    made = _default()
    research = made["shape"]["stages"][0]
    research["skippable"] = research["skip"] = "{{skipResearch}}"
    return made | {
        "id": TEMPLATE,
        "name": "RCASD-IVTR+C of an epic",
        "description": "{{projectName}}: epic {{epicId}} from research to release.",
        "metadata": {"archetypes": ["lifecycle"], "epic": "{{epicId}}"},
        "variables": {
            "epicId": {
                "type": "epicId",
                "required": True,
                "description": "The epic that goes through the stages.",
            },
            "projectName": {
                "type": "string",
                "default": "unnamed",
                "description": "What the project is called.",
            },
            "skipResearch": {
                "type": "boolean",
                "default": False,
                "description": "Whether research has been done and is passed over.",
            },
        },
    }


def _gates(stage: str) -> list[dict[str, Any]]:
    name = _STAGES[stage][0]
    protocols = (stage.replace("_", "-"), *_PROTOCOLS.get(stage, ()))
    return [
        *(
            _gate(
                stage,
                f"{stage}-after-{other}",
                f"{name} after {_STAGES[other][0].lower()}",
                {"type": "stage_complete", "stageId": other},
                entry=True,
            )
            for other in _AFTER.get(stage, ())
        ),
        *(
            _gate(
                stage,
                f"{stage}-protocol-{protocol}",
                f"{name} follows the protocol {protocol}",
                {"type": "protocol_valid", "protocolType": protocol},
            )
            for protocol in protocols
        ),
        *(
            _gate(
                stage,
                f"{stage}-verified-{gate}",
                f"{name} is verified: {gate}",
                {"type": "verification_gate", "gateName": gate},
                can_force=True,
            )
            for gate in _VERIFIED.get(stage, ())
        ),
    ]


def _gate(
    stage: str,
    id_: str,
    name: str,
    check: Mapping[str, Any],
    *,
    entry: bool = False,
    can_force: bool = False,
) -> dict[str, Any]:
    return {
        "id": id_,
        "name": name,
        "stageId": stage,
        "position": "before" if entry else "after",
        "type": "entry" if entry else "exit",
        "severity": "blocking",
        "canForce": can_force,
        "check": dict(check),
    }
