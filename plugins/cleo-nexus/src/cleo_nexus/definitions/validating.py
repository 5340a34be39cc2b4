"""Whether a definition can work: its form, its graph, its gates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cleo_core.errors import ValidationError, echoed
from cleo_nexus.definitions import graph
from cleo_nexus.definitions.conditions import ConditionError, parse_condition
from cleo_nexus.definitions.parsing import Draft, Placed, read_definition, read_variables
from cleo_nexus.definitions.reading import Reader
from cleo_nexus.definitions.records import Definition, Gate, Link, Problem, Validation
from cleo_nexus.definitions.text import unfit
from cleo_nexus.definitions.variables import put_in, samples

_GATES = "$.gates"
#: An entry gate is asked before its stage, an exit gate after it.
_POSITION_OF = {"entry": "before", "exit": "after"}
_DRIVE = re.compile(r"[A-Za-z]:")


def validate(value: Any, *, filled: bool = False) -> Validation:
    """Everything that is wrong with a definition; never raises.

    A template is looked at with its defaults, and with samples of what it requires.

    :param value: the definition, of any JSON.
    :param filled: its variables are put in already; ``{{name}}`` is then plain text.
    """
    return examine(value, filled=filled)[0]


def examine(value: Any, *, filled: bool = False) -> tuple[Validation, Definition | None]:
    """A definition's validation, and its records where it has no error."""
    fault = unfit(value)
    if fault is None and not isinstance(value, dict):
        fault = Problem("BAD_TYPE", "$", "A definition is a JSON object.")
    if fault is not None:
        return Validation(False, False, False, (fault,), ()), None
    reader = Reader()
    variables = read_variables(reader, value.get("variables"))
    if not filled:
        try:
            value = put_in(value, samples(variables), reader.errors.append)
        except ValidationError as error:
            reader.fault("TOO_LARGE", "$", error.message)
            return _answer(reader, [], complete=False), None
    draft = read_definition(reader, value, variables)
    if not any(problem.code == "TOO_LARGE" for problem in reader.errors):
        _shape(reader, draft)
        _gates(reader, draft)
    warnings = [*_skippable_targets(draft), *_open_exits(draft)]
    validation = _answer(reader, warnings, complete=_complete(draft))
    return validation, draft.whole if validation.valid else None


def _answer(reader: Reader, warnings: list[Problem], *, complete: bool) -> Validation:
    of_gates = [problem.path.startswith(_GATES) for problem in reader.errors]
    return Validation(
        well_formed=all(of_gates),
        gate_satisfiable=not any(of_gates) and not _broken(reader.errors),
        artifact_complete=complete,
        errors=tuple(reader.errors),
        warnings=tuple(warnings),
    )


def _broken(errors: list[Problem]) -> bool:
    """Whether so much of the shape is missing that no gate could be asked about it."""
    return any(
        problem.code in ("EMPTY", "TOO_LARGE", "MISSING_FIELD")
        or (problem.code == "BAD_TYPE" and problem.path.startswith("$.shape"))
        for problem in errors
        if not problem.path.startswith(_GATES)
    )


def _complete(draft: Draft) -> bool:
    gated = {gate.stage_id for _, gate in draft.gates}
    needed = [stage.id for _, stage in draft.stages if not stage.skippable]
    return bool(draft.stages) and gated.issuperset(needed)


def _shape(reader: Reader, draft: Draft) -> None:
    known = _unique(reader, [(path, stage.id) for path, stage in draft.stages], "stage")
    if not known:
        if draft.empty:
            reader.fault("EMPTY", "$.shape.stages", "The chain has no stage.")
        return
    links = _usable_links(reader, draft.links, known)
    _types(reader, links)
    _conditions(reader, draft)
    ahead = graph.steps(link for _, link in links)
    back = graph.steps((link for _, link in links), backwards=True)
    way = graph.cycle(ahead)
    if way is not None:
        words = f"The links lead back to where they began: {_way(way)}."
        reader.fault("CYCLE", "$.shape.links", words)
    entry = _entry(reader, draft, known)
    exits = _exits(reader, draft, known, ahead)
    reached = graph.beyond(ahead, (entry,)) | {entry} if entry else frozenset(known)
    ending = graph.beyond(back, exits) | set(exits) if exits else frozenset(known)
    for id_, path in known.items():
        if id_ not in reached:
            words = f"No link leads from the entry point to {id_}."
            reader.fault("UNREACHABLE", path, words)
        if id_ not in ending:
            reader.fault("DEAD_END", path, f"No link leads from {id_} to an exit point.")


def _unique(reader: Reader, placed: Placed[str], noun: str) -> dict[str, str]:
    """Id -> where it stands first; each further one is a fault."""
    known: dict[str, str] = {}
    for path, id_ in placed:
        if id_ in known:
            words = f"The {noun} {echoed(id_)} stands at {known[id_]} already."
            reader.fault("DUPLICATE_ID", path, words)
        else:
            known[id_] = path
    return known


def _usable_links(reader: Reader, links: Placed[Link], known: Mapping[str, str]) -> Placed[Link]:
    """The links between two stages, each once."""
    found: Placed[Link] = []
    seen: dict[tuple[str, str], str] = {}
    for path, link in links:
        ends = (link.from_, link.to)
        missing = [
            (field, end)
            for field, end in (("from", link.from_), ("to", link.to))
            if end not in known
        ]
        for field, end in missing:
            words = f"There is no stage {echoed(end)}."
            reader.fault("LINK_END_MISSING", f"{path}.{field}", words)
        if missing:
            continue
        if link.from_ == link.to:
            reader.fault("SELF_LINK", path, f"{link.from_} is linked to itself.")
        elif ends in seen:
            words = f"A link from {link.from_} to {link.to} stands at {seen[ends]} already."
            reader.fault("DUPLICATE_ID", path, words)
        else:
            seen[ends] = path
            found.append((path, link))
    return found


def _types(reader: Reader, links: Placed[Link]) -> None:
    first: dict[str, Link] = {}
    for path, link in links:
        other = first.setdefault(link.from_, link)
        if other is link or not link.type or not other.type:
            continue
        if link.type != other.type:
            words = f"The links out of {link.from_} are {other.type} and {link.type}."
            reader.fault("MIXED_LINKS", path, words)
        elif link.type == "linear":
            words = f"A linear link is the one way out of {link.from_}; several are fork or branch."
            reader.fault("MIXED_LINKS", path, words)


def _conditions(reader: Reader, draft: Draft) -> None:
    for link_path, link in draft.links:
        if link.condition is None:
            continue
        path = f"{link_path}.condition"
        if link.type and link.type != "branch":
            reader.fault("BAD_CONDITION", path, f"A {link.type} link has no condition.")
            continue
        try:
            compared = parse_condition(link.condition)
        except ConditionError as error:
            reader.fault("BAD_CONDITION", path, f"It is no condition: {error}.")
            continue
        for name in sorted({one.name for one in compared} - draft.whole.variables.keys()):
            words = f"{echoed(name)} is no variable of the chain."
            reader.fault("BAD_CONDITION", path, words)


def _entry(reader: Reader, draft: Draft, known: Mapping[str, str]) -> str | None:
    if draft.entry in known:
        return draft.entry
    if draft.entry is not None:
        words = f"There is no stage {echoed(draft.entry)} to begin with."
        reader.fault("ENTRY_MISSING", "$.shape.entryPoint", words)
    return None


def _exits(
    reader: Reader, draft: Draft, known: Mapping[str, str], ahead: graph.Steps
) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for path, id_ in draft.exits:
        if id_ not in known:
            reader.fault("EXIT_MISSING", path, f"There is no stage {echoed(id_)} to end with.")
        elif id_ in found:
            reader.fault("DUPLICATE_ID", path, f"{id_} is an exit point already.")
        else:
            found[id_] = None
            if id_ in ahead:
                words = f"{id_} is an exit point and is linked to {ahead[id_][0]}."
                reader.fault("EXIT_HAS_LINKS", path, words)
    if draft.exitless:
        reader.fault("EXIT_MISSING", "$.shape.exitPoints", "The chain has no exit point.")
    return tuple(found)


def _gates(reader: Reader, draft: Draft) -> None:
    stages = {stage.id for _, stage in draft.stages}
    _unique(reader, [(path, gate.id) for path, gate in draft.gates if gate.id], "gate")
    back = graph.steps(draft.whole.links, backwards=True)
    before: dict[str, frozenset[str]] = {}
    for path, gate in draft.gates:
        needed = _POSITION_OF.get(gate.type)
        if needed and gate.position and gate.position != needed:
            words = f"An {gate.type} gate is asked {needed} its stage, not {gate.position} it."
            reader.fault("TYPE_POSITION", f"{path}.position", words)
        if gate.stage_id and gate.stage_id not in stages:
            words = f"There is no stage {echoed(gate.stage_id)}."
            reader.fault("GATE_STAGE_MISSING", f"{path}.stageId", words)
        target = gate.check.stage_id
        if target is not None and target not in stages:
            words = f"There is no stage {echoed(target)}."
            reader.fault("CHECK_TARGET_MISSING", f"{path}.check.stageId", words)
        elif target is not None and gate.stage_id in stages:
            if gate.stage_id not in before:
                before[gate.stage_id] = graph.beyond(back, (gate.stage_id,))
            if target not in before[gate.stage_id]:
                words = f"{target} does not come before {gate.stage_id}."
                reader.fault("UNSATISFIABLE", f"{path}.check.stageId", words)
        if gate.check.path is not None:
            fault = _bad_path(gate.check.path)
            if fault:
                reader.fault("BAD_PATH", f"{path}.check.path", fault)


def _bad_path(path: str) -> str | None:
    """Why a path cannot be one inside of a project, on any system."""
    plain = path.replace("\\", "/")
    if not plain.strip():
        return "The path is empty."
    if plain.startswith("/") or _DRIVE.match(plain):
        return f"{echoed(path)} is an absolute path; it is one from the project's root."
    depth = 0
    for part in plain.split("/"):
        depth += -1 if part == ".." else part not in ("", ".")
        if depth < 0:
            return f"{echoed(path)} leaves the project."
    return None


def _skippable_targets(draft: Draft) -> list[Problem]:
    skippable = {stage.id for _, stage in draft.stages if stage.skippable}
    return [
        Problem(
            "SKIPPABLE_TARGET",
            f"{path}.check.stageId",
            f"{gate.check.stage_id} may be skipped, and then counts as complete.",
        )
        for path, gate in draft.gates
        if gate.check.stage_id in skippable
    ]


def _open_exits(draft: Draft) -> list[Problem]:
    exits = {id_ for _, id_ in draft.exits}
    if not exits or any(_guards(gate, exits) for _, gate in draft.gates):
        return []
    words = "No blocking gate stands on any exit point."
    return [Problem("OPEN_EXITS", "$.shape.exitPoints", words)]


def _guards(gate: Gate, exits: set[str]) -> bool:
    return gate.blocking and gate.stage_id in exits


def _way(way: list[str]) -> str:
    if len(way) > 12:
        way = [*way[:6], f"… {len(way) - 11} more …", *way[-5:]]
    return " → ".join(way)
