"""Definitions that have one fault each, and what they are made with."""

from __future__ import annotations

from typing import Any

from .shapes import chain, gate, good, link

FORK = [link("a", "b", "fork"), link("a", "c", "fork"), link("b", "d"), link("c", "d")]
BRANCH = [link("a", "b", "branch"), link("a", "c", "branch"), link("b", "d"), link("c", "d")]


def having(value: Any, *steps: Any) -> dict[str, Any]:
    """The good chain with another value at a place."""
    made = good()
    target: Any = made
    for step in steps[:-1]:
        target = target[step]
    target[steps[-1]] = value
    return made


def without(*steps: Any) -> dict[str, Any]:
    """The good chain without what is at a place."""
    made = good()
    target: Any = made
    for step in steps[:-1]:
        target = target[step]
    del target[steps[-1]]
    return made


def gated(*gates: Any) -> dict[str, Any]:
    """The good chain with more gates."""
    return chain("a", "b", gates=[gate("g", "a"), gate("h", "b"), *gates])


def entry(target: str, stage_id: str = "b", **more: Any) -> dict[str, Any]:
    """An entry gate that waits for a stage."""
    check = {"type": "stage_complete", "stageId": target}
    return gate("k", stage_id, check, position="before", type="entry", **more)


def artifact(path: str) -> dict[str, Any]:
    """A gate that asks for a file."""
    return gate("k", "a", {"type": "artifact_exists", "artifactType": "plan", "path": path})


def conditional(condition: str, type_: str = "branch") -> dict[str, Any]:
    """A choice of two ways, one of them with a condition."""
    links = [
        link("a", "b", type_, condition=condition),
        link("a", "c", type_),
        link("b", "d"),
        link("c", "d"),
    ]
    variables = {"size": {"type": "string"}, "urgent": {"type": "boolean", "default": False}}
    return chain("a", "b", "c", "d", links=links, variables=variables, exitPoints=["d"])


def nested(levels: int) -> Any:
    """Lists in lists."""
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


#: What is wrong -> (code, path, the definition).
FAULTS: dict[str, tuple[str, str, Any]] = {
    "no object": ("BAD_TYPE", "$", ["a"]),
    "nothing": ("BAD_TYPE", "$", None),
    "a value that is no JSON": ("BAD_TYPE", "$.metadata.at", good(metadata={"at": {1, 2}})),
    "a number that is no JSON": ("BAD_TYPE", "$.metadata.at", good(metadata={"at": float("nan")})),
    "a number without end": ("BAD_TYPE", "$.metadata.n", good(metadata={"n": 10**5000})),
    "a NUL": ("BAD_TEXT", "$.description", good(description="a\0b")),
    "half a pair": ("BAD_TEXT", "$.description", good(description="\ud800")),
    "a NUL in a field's name": ("BAD_TEXT", "$.metadata", good(metadata={"a\0": 1})),
    "a name of two lines": ("BAD_TEXT", "$.name", good(name="a\nb")),
    "a blank name": (
        "BAD_TEXT",
        "$.shape.stages[0].name",
        having(" ", "shape", "stages", 0, "name"),
    ),
    "an unknown field": ("UNKNOWN_FIELD", "$.stages", good(stages=[])),
    "an unknown field of the shape": ("UNKNOWN_FIELD", "$.shape.exit", having(1, "shape", "exit")),
    "an unknown field of a stage": (
        "UNKNOWN_FIELD",
        "$.shape.stages[1].owner",
        having("ann", "shape", "stages", 1, "owner"),
    ),
    "an unknown field of a link": (
        "UNKNOWN_FIELD",
        "$.shape.links[0].weight",
        having(1, "shape", "links", 0, "weight"),
    ),
    "an unknown field of a gate": ("UNKNOWN_FIELD", "$.gates[0].x", having(1, "gates", 0, "x")),
    "a field of another check": (
        "UNKNOWN_FIELD",
        "$.gates[0].check.validator",
        having("v", "gates", 0, "check", "validator"),
    ),
    "an unknown field of a variable": (
        "UNKNOWN_FIELD",
        "$.variables.v.min",
        good(variables={"v": {"type": "number", "min": 1}}),
    ),
    "no version": ("MISSING_FIELD", "$", without("version")),
    "no shape": ("MISSING_FIELD", "$", without("shape") | {"gates": []}),
    "no type of a link": (
        "MISSING_FIELD",
        "$.shape.links[0]",
        without("shape", "links", 0, "type"),
    ),
    "no check": ("MISSING_FIELD", "$.gates[0]", without("gates", 0, "check")),
    "no type of a check": (
        "MISSING_FIELD",
        "$.gates[0].check",
        without("gates", 0, "check", "type"),
    ),
    "no entry point": ("MISSING_FIELD", "$.shape", without("shape", "entryPoint")),
    "no exit points": ("MISSING_FIELD", "$.shape", without("shape", "exitPoints")),
    "a number for a name": ("BAD_TYPE", "$.name", good(name=3)),
    "a text for a flag": (
        "BAD_TYPE",
        "$.shape.stages[0].skippable",
        having("yes", "shape", "stages", 0, "skippable"),
    ),
    "a text for gates": ("BAD_TYPE", "$.gates", good() | {"gates": "none"}),
    "a default of another type": (
        "BAD_TYPE",
        "$.variables.v.default",
        good(variables={"v": {"type": "number", "default": "1"}}),
    ),
    "a version of two numbers": ("BAD_VERSION", "$.version", good(version="1.0")),
    "a version with a leading zero": ("BAD_VERSION", "$.version", good(version="1.01.0")),
    "skipped and not skippable": (
        "BAD_SKIP",
        "$.shape.stages[0].skip",
        having(True, "shape", "stages", 0, "skip"),
    ),
    "an unknown placeholder": (
        "UNKNOWN_PLACEHOLDER",
        "$.shape.stages[0].description",
        having("of {{nobody}}", "shape", "stages", 0, "description"),
    ),
    "no stage": ("EMPTY", "$.shape.stages", chain()),
    "a stage twice": (
        "DUPLICATE_ID",
        "$.shape.stages[2]",
        chain("a", "b", "a", links=[link("a", "b")], exitPoints=["b"]),
    ),
    "a link twice": (
        "DUPLICATE_ID",
        "$.shape.links[1]",
        chain("a", "b", links=[link("a", "b"), link("a", "b")]),
    ),
    "a gate twice": ("DUPLICATE_ID", "$.gates[2]", gated(gate("g", "b"))),
    "an exit twice": (
        "DUPLICATE_ID",
        "$.shape.exitPoints[1]",
        chain("a", "b", exitPoints=["b", "b"]),
    ),
    "an id with a space": ("BAD_ID", "$.id", good(id="my chain")),
    "an id in capitals": ("BAD_ID", "$.id", good(id="Work")),
    "an id too long": ("BAD_ID", "$.id", good(id="a" * 129)),
    "an id with a line end": ("BAD_ID", "$.id", good(id="work\n")),
    "a stage's id with a dot": ("BAD_ID", "$.shape.stages[0].id", chain("a.b", "c")),
    "a gate's id with a space": ("BAD_ID", "$.gates[2].id", gated(gate("k k", "b"))),
    "a validator that can be no service": (
        "BAD_ID",
        "$.gates[2].check.validator",
        gated(gate("k", "a", {"type": "custom", "validator": "os system"})),
    ),
    "a variable's name with a dash": (
        "BAD_ID",
        '$.variables["a-b"]',
        good(variables={"a-b": {"type": "string"}}),
    ),
    "an entry point that is none": (
        "ENTRY_MISSING",
        "$.shape.entryPoint",
        chain("a", "b", entryPoint="z"),
    ),
    "an exit point that is none": (
        "EXIT_MISSING",
        "$.shape.exitPoints[1]",
        chain("a", "b", exitPoints=["b", "z"]),
    ),
    "no exit point": ("EXIT_MISSING", "$.shape.exitPoints", chain("a", "b", exitPoints=[])),
    "a link to nothing": (
        "LINK_END_MISSING",
        "$.shape.links[1].to",
        chain("a", "b", links=[link("a", "b"), link("a", "z")]),
    ),
    "a link from nothing": (
        "LINK_END_MISSING",
        "$.shape.links[1].from",
        chain("a", "b", links=[link("a", "b"), link("z", "b")]),
    ),
    "a link to itself": (
        "SELF_LINK",
        "$.shape.links[1]",
        chain("a", "b", links=[link("a", "b"), link("a", "a")]),
    ),
    "a way back": (
        "CYCLE",
        "$.shape.links",
        chain(
            *"abcd",
            links=[
                link("a", "b"),
                link("b", "c", "branch"),
                link("c", "b"),
                link("b", "d", "branch"),
            ],
        ),
    ),
    "a stage that nothing leads to": (
        "UNREACHABLE",
        "$.shape.stages[2]",
        chain("a", "b", "c", links=[link("a", "b"), link("c", "b")], exitPoints=["b"]),
    ),
    "a stage that leads to no exit": (
        "DEAD_END",
        "$.shape.stages[2]",
        chain(
            "a",
            "b",
            "c",
            links=[link("a", "b", "fork"), link("a", "c", "fork")],
            exitPoints=["b"],
        ),
    ),
    "an exit with a link": (
        "EXIT_HAS_LINKS",
        "$.shape.exitPoints[0]",
        chain("a", "b", "c", exitPoints=["b", "c"]),
    ),
    "a fork that is a branch too": (
        "MIXED_LINKS",
        "$.shape.links[1]",
        chain(*"abcd", links=[FORK[0], BRANCH[1], *FORK[2:]]),
    ),
    "two linear links": (
        "MIXED_LINKS",
        "$.shape.links[1]",
        chain(*"abcd", links=[link("a", "b"), link("a", "c"), *FORK[2:]]),
    ),
    "a condition on a fork": (
        "BAD_CONDITION",
        "$.shape.links[0].condition",
        conditional("urgent == true", "fork"),
    ),
    "a condition that is code": (
        "BAD_CONDITION",
        "$.shape.links[0].condition",
        conditional("__import__('os').system('true')"),
    ),
    "a condition on no variable": (
        "BAD_CONDITION",
        "$.shape.links[0].condition",
        conditional('colour == "red"'),
    ),
    "a condition with or": (
        "BAD_CONDITION",
        "$.shape.links[0].condition",
        conditional('size == "s" or urgent == true'),
    ),
    "too many stages": ("TOO_LARGE", "$.shape.stages", chain(*(f"s{at}" for at in range(501)))),
    "too many gates": (
        "TOO_LARGE",
        "$.gates",
        chain("a", gates=[gate(f"g{at}", "a") for at in range(2001)]),
    ),
    "too many bytes": ("TOO_LARGE", "$", good(metadata={"text": "x" * 1024 * 1024})),
    "too many levels": ("TOO_LARGE", "$", good(metadata={"deep": nested(5000)})),
    "an unknown category": (
        "UNKNOWN_VALUE",
        "$.shape.stages[0].category",
        having("dreaming", "shape", "stages", 0, "category"),
    ),
    "an unknown type of link": (
        "UNKNOWN_VALUE",
        "$.shape.links[0].type",
        having("loop", "shape", "links", 0, "type"),
    ),
    "an unknown position": (
        "UNKNOWN_VALUE",
        "$.gates[0].position",
        having("in", "gates", 0, "position"),
    ),
    "an unknown type of gate": (
        "UNKNOWN_VALUE",
        "$.gates[0].type",
        having("moat", "gates", 0, "type"),
    ),
    "an unknown severity": (
        "UNKNOWN_VALUE",
        "$.gates[0].severity",
        having("fatal", "gates", 0, "severity"),
    ),
    "an unknown check": (
        "UNKNOWN_VALUE",
        "$.gates[0].check.type",
        having("luck", "gates", 0, "check", "type"),
    ),
    "an unknown verification gate": (
        "UNKNOWN_VALUE",
        "$.gates[0].check.gateName",
        having("blessed", "gates", 0, "check", "gateName"),
    ),
    "an unknown protocol": (
        "UNKNOWN_VALUE",
        "$.gates[2].check.protocolType",
        gated(gate("k", "a", {"type": "protocol_valid", "protocolType": "http"})),
    ),
    "an unknown type of variable": (
        "UNKNOWN_VALUE",
        "$.variables.v.type",
        good(variables={"v": {"type": "date"}}),
    ),
    "a list for an enum": (
        "UNKNOWN_VALUE",
        "$.gates[0].severity",
        having(["blocking"], "gates", 0, "severity"),
    ),
    "a gate on no stage": ("GATE_STAGE_MISSING", "$.gates[2].stageId", gated(gate("k", "z"))),
    "a check of no stage": (
        "CHECK_TARGET_MISSING",
        "$.gates[2].check.stageId",
        gated(entry("z")),
    ),
    "an entry gate at the end": (
        "TYPE_POSITION",
        "$.gates[2].position",
        gated(gate("k", "a", type="entry")),
    ),
    "an exit gate at the beginning": (
        "TYPE_POSITION",
        "$.gates[2].position",
        gated(gate("k", "a", position="before")),
    ),
    "an absolute path": ("BAD_PATH", "$.gates[2].check.path", gated(artifact("/etc/passwd"))),
    "a path on a drive": ("BAD_PATH", "$.gates[2].check.path", gated(artifact("C:\\plan.md"))),
    "a path of another machine": (
        "BAD_PATH",
        "$.gates[2].check.path",
        gated(artifact("\\\\m\\x")),
    ),
    "a path that leaves": ("BAD_PATH", "$.gates[2].check.path", gated(artifact("docs/../../x"))),
    "a path that leaves and returns": (
        "BAD_PATH",
        "$.gates[2].check.path",
        gated(artifact("../work/x")),
    ),
    "an empty path": ("BAD_PATH", "$.gates[2].check.path", gated(artifact(""))),
    "a check of a later stage": (
        "UNSATISFIABLE",
        "$.gates[2].check.stageId",
        gated(entry("b", "a")),
    ),
    "a check of its own stage": ("UNSATISFIABLE", "$.gates[2].check.stageId", gated(entry("b"))),
    "a check of a stage beside it": (
        "UNSATISFIABLE",
        "$.gates[0].check.stageId",
        chain(*"abcd", links=FORK, gates=[entry("c", "b")]),
    ),
}
