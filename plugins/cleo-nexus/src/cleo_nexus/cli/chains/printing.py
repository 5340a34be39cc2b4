"""Chains and their validation, for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cleo_core.output import Printer
from cleo_nexus.definitions import Validation
from cleo_nexus.records.chains import Chain


def print_chain(out: Printer, chain: Chain) -> None:
    """A chain: its stages with their links and gates, its variables, what is to be thought of."""
    kind = "template" if chain.template else "chain"
    origin = ", comes with the plugin" if chain.packaged else ""
    out.line(f"{chain.id} {chain.version}: {chain.name} ({kind}{origin})")
    if chain.description:
        out.line(f"  {chain.description}")
    for stage in chain.stages:
        _print_stage(out, chain, stage)
    if chain.variables:
        out.line("variables")
        for name, variable in chain.variables.items():
            out.line(f"  {name}: {_variable(variable)}")
    runs = ", ".join(f"{count} {status}" for status, count in chain.instances.items() if count)
    out.line(f"instances  {runs or 'none'}")
    print_validation(out, chain.validation)


def print_validation(out: Printer, validation: Validation) -> None:
    """Errors and warnings, and what follows from them."""
    for word, problems in (("error", validation.errors), ("warning", validation.warnings)):
        for one in problems:
            out.line(f"{word}  {one.code}  {one.path}  {one.message}")
    judged = (
        f"well-formed {_word(validation.well_formed)}",
        f"gates satisfiable {_word(validation.gate_satisfiable)}",
        f"a gate on every stage {_word(validation.artifact_complete)}",
    )
    out.line(f"{'valid' if validation.valid else 'invalid'}: {', '.join(judged)}")


def _print_stage(out: Printer, chain: Chain, stage: Mapping[str, Any]) -> None:
    id_ = stage["id"]
    marks = [
        *(["entry"] if id_ == chain.entry_point else []),
        *(["exit"] if id_ in chain.exit_points else []),
        *(_mark(key, stage[key]) for key in ("skippable", "skip") if stage.get(key)),
    ]
    marked = f" ({', '.join(marks)})" if marks else ""
    out.line(f"  {id_}{marked}")
    for link in chain.links:
        if link["from"] == id_:
            when = f" if {link['condition']}" if link.get("condition") else ""
            kind = "" if link["type"] == "linear" else f" {link['type']}"
            out.line(f"    →{kind} {link['to']}{when}")
    for gate in chain.gates:
        if gate["stageId"] == id_:
            force = ", can be forced" if gate.get("canForce") else ""
            out.line(
                f"    {gate['position']}: {gate['name']} [{gate['id']}, {gate['severity']}{force}]"
            )


def _variable(variable: Mapping[str, Any]) -> str:
    words = [str(variable["type"])]
    if variable.get("required"):
        words.append("required")
    if variable.get("default") is not None:
        words.append(f"default {json.dumps(variable['default'], ensure_ascii=False)}")
    if variable.get("description"):
        words.append(str(variable["description"]))
    return ", ".join(words)


def _mark(key: str, value: Any) -> str:
    """A flag that is set, or that a variable sets."""
    return key if value is True else f"{key} by {value}"


def _word(truth: bool) -> str:
    return "yes" if truth else "no"
