"""From a definition's JSON to its records."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.errors import echoed
from cleo_nexus import enums
from cleo_nexus.definitions.reading import Fields, Reader
from cleo_nexus.definitions.records import (
    Definition,
    Gate,
    GateCheck,
    Link,
    Stage,
    Variable,
)
from cleo_nexus.definitions.text import step_of
from cleo_nexus.definitions.variables import SAMPLES, VARIABLE_NAME, fits

MOST_STAGES = 500
MOST_GATES = 2000
MOST_LINKS = 10_000
CHAIN_ID = re.compile(r"[a-z][a-z0-9._+-]{0,127}\Z", re.ASCII)
STAGE_ID = re.compile(r"[a-z][a-z0-9_-]{0,127}\Z", re.ASCII)
GATE_ID = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,127}\Z", re.ASCII)
VALIDATOR = re.compile(r"[a-z][a-z0-9._-]{0,127}\Z", re.ASCII)
VERSION = re.compile(r"(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){2}\Z", re.ASCII)

#: A check's type -> the fields that it must and may have beside ``type``.
CHECK_FIELDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "stage_complete": (("stageId",), ()),
    "artifact_exists": (("artifactType",), ("path",)),
    "protocol_valid": (("protocolType",), ()),
    "verification_gate": (("gateName",), ()),
    "custom": (("validator",), ("params",)),
}
T = TypeVar("T")
#: What was read, with the path it was read at.
Placed = list[tuple[str, T]]


@record
class Draft(Declared):
    """As much of a definition as can be read, and where each part of it stands.

    :ivar exits: the paths and ids of the exit points.
    :ivar empty: the list of stages is there, and empty.
    :ivar exitless: so is that of the exit points.
    """

    stages: Placed[Stage]
    links: Placed[Link]
    gates: Placed[Gate]
    entry: str | None
    exits: Placed[str]
    empty: bool
    exitless: bool
    whole: Definition


def read_definition(
    reader: Reader, value: Mapping[str, Any], variables: Mapping[str, Variable]
) -> Draft:
    """A definition whose placeholders are replaced; what cannot be read is left out."""
    head = reader.fields(
        value,
        "$",
        ("id", "name", "version", "shape"),
        ("description", "metadata", "variables", "gates"),
    )
    version = reader.text(head, "version", "$")
    if version is not None and not VERSION.match(version):
        words = f"{echoed(version)} is no version of the form MAJOR.MINOR.PATCH."
        reader.fault("BAD_VERSION", "$.version", words)
    shape: Fields = {}
    if head.get("shape") is not None:
        shape = reader.fields(
            head["shape"], "$.shape", ("stages", "entryPoint", "exitPoints"), ("links",)
        )
    stages: Placed[Stage] = []
    for at, one in enumerate(reader.items(shape, "stages", "$.shape", MOST_STAGES)):
        _read_stage(reader, one, f"$.shape.stages[{at}]", stages)
    links: Placed[Link] = []
    for at, one in enumerate(reader.items(shape, "links", "$.shape", MOST_LINKS)):
        _read_link(reader, one, f"$.shape.links[{at}]", links)
    exits: Placed[str] = []
    for at, one in enumerate(reader.items(shape, "exitPoints", "$.shape", MOST_STAGES)):
        if isinstance(one, str):
            exits.append((f"$.shape.exitPoints[{at}]", one))
        else:
            reader.fault("BAD_TYPE", f"$.shape.exitPoints[{at}]", "An exit point is a stage's id.")
    gates: Placed[Gate] = []
    for at, one in enumerate(reader.items(head, "gates", "$", MOST_GATES)):
        _read_gate(reader, one, f"$.gates[{at}]", gates)
    entry = reader.text(shape, "entryPoint", "$.shape")
    whole = Definition(
        id=reader.id(head, "id", "$", CHAIN_ID) or "",
        name=reader.name(head, "name", "$") or "",
        version=version or "",
        stages=tuple(one for _, one in stages),
        links=tuple(one for _, one in links),
        entry_point=entry or "",
        exit_points=tuple(one for _, one in exits),
        gates=tuple(one for _, one in gates),
        description=reader.text(head, "description", "$"),
        metadata=reader.object(head, "metadata", "$") or {},
        variables=variables,
    )
    return Draft(
        stages,
        links,
        gates,
        entry,
        exits,
        empty=shape.get("stages") == [],
        exitless=shape.get("exitPoints") == [],
        whole=whole,
    )


def read_variables(reader: Reader, value: Any) -> dict[str, Variable]:
    """The variables of a definition, name -> variable."""
    found: dict[str, Variable] = {}
    fields = reader.object({"variables": value}, "variables", "$") or {}
    for name, one in fields.items():
        path = f"$.variables{step_of(name)}"
        if not VARIABLE_NAME.match(name):
            words = "A variable's name has letters, digits and _, at most 64, the first no digit."
            reader.fault("BAD_ID", path, words)
            continue
        about = reader.fields(one, path, ("type",), ("required", "default", "description"))
        type_ = reader.word(about, "type", path, enums.VARIABLE_TYPE)
        default = about.get("default")
        if type_ is not None and default is not None and not fits(type_, default):
            reader.fault("BAD_TYPE", f"{path}.default", f"{echoed(default)} is no {type_}.")
            # So that what it is put into is not a fault of its own.
            default = SAMPLES[type_]
        found[name] = Variable(
            name,
            type_ or "string",
            reader.flag(about, "required", path),
            default,
            reader.text(about, "description", path),
        )
    return found


def _read_stage(reader: Reader, value: Any, path: str, found: Placed[Stage]) -> None:
    fields = reader.fields(
        value, path, ("id", "name", "category"), ("skippable", "skip", "description")
    )
    id_ = reader.id(fields, "id", path, STAGE_ID)
    stage = Stage(
        id=id_ or "",
        name=reader.name(fields, "name", path) or "",
        category=reader.word(fields, "category", path, enums.STAGE_CATEGORY) or "",
        skippable=reader.flag(fields, "skippable", path),
        skip=reader.flag(fields, "skip", path),
        description=reader.text(fields, "description", path),
    )
    if stage.skip and fields.get("skippable") in (None, False):
        reader.fault("BAD_SKIP", f"{path}.skip", "Only a skippable stage can be skipped on entry.")
    if id_ is not None:
        found.append((path, stage))


def _read_link(reader: Reader, value: Any, path: str, found: Placed[Link]) -> None:
    fields = reader.fields(value, path, ("from", "to", "type"), ("condition",))
    from_, to = reader.text(fields, "from", path), reader.text(fields, "to", path)
    type_ = reader.word(fields, "type", path, enums.LINK_TYPE)
    condition = reader.text(fields, "condition", path)
    if from_ is not None and to is not None:
        found.append((path, Link(from_, to, type_ or "", condition)))


def _read_gate(reader: Reader, value: Any, path: str, found: Placed[Gate]) -> None:
    fields = reader.fields(
        value,
        path,
        ("id", "name", "stageId", "position", "type", "severity", "check"),
        ("canForce",),
    )
    gate = Gate(
        id=reader.id(fields, "id", path, GATE_ID) or "",
        name=reader.name(fields, "name", path) or "",
        stage_id=reader.text(fields, "stageId", path) or "",
        position=reader.word(fields, "position", path, enums.GATE_POSITION) or "",
        type=reader.word(fields, "type", path, enums.GATE_TYPE) or "",
        severity=reader.word(fields, "severity", path, enums.GATE_SEVERITY) or "",
        can_force=reader.flag(fields, "canForce", path),
        check=_read_check(reader, fields.get("check"), f"{path}.check"),
    )
    if isinstance(value, dict):
        found.append((path, gate))


def _read_check(reader: Reader, value: Any, path: str) -> GateCheck:
    if value is None:
        return GateCheck("")
    if not isinstance(value, dict) or value.get("type") is None:
        reader.fields(value, path, ("type",), tuple(value) if isinstance(value, dict) else ())
        return GateCheck("")
    type_ = reader.word(value, "type", path, enums.CHECK_TYPE)
    if type_ is None:
        # What other fields it may have is not known.
        return GateCheck("")
    required, optional = CHECK_FIELDS[type_]
    fields = reader.fields(value, path, ("type", *required), optional)
    return GateCheck(
        type_,
        stage_id=reader.text(fields, "stageId", path),
        artifact_type=reader.name(fields, "artifactType", path),
        path=reader.text(fields, "path", path),
        protocol_type=reader.word(fields, "protocolType", path, enums.PROTOCOL),
        gate_name=reader.word(fields, "gateName", path, enums.VERIFICATION_GATE),
        validator=reader.id(fields, "validator", path, VALIDATOR),
        params=reader.object(fields, "params", path),
    )
