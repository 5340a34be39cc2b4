"""The codes of this store beside core's: code -> (exit, cause, usual fix)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from cleo_core.errors import CleoError, echoed

CODES: Mapping[str, tuple[int, str, str]] = {
    "E_NO_CRITERIA": (
        2,
        "Nothing says which projects are meant.",
        "cleo nexus clean --missing",
    ),
    "E_INVALID_PATTERN": (2, "The pattern is no regular expression.", "cleo nexus clean --help"),
    "E_NEXUS_UNAVAILABLE": (
        70,
        "The registry of projects cannot be used.",
        "cleo stores nexus",
    ),
    "E_PROJECT_UNKNOWN": (71, "The project is not registered.", "cleo nexus list"),
    "E_PERMISSION": (
        72,
        "The project does not let others do this.",
        "cleo nexus permission set PROJECT LEVEL",
    ),
    "E_REFERENCE_SYNTAX": (
        73,
        "The text is no reference to a task.",
        "cleo nexus resolve T001",
    ),
    "E_INCOMPLETE": (
        74,
        "A part of it could not be done, and can be done later.",
        "the same command",
    ),
    "E_PROJECT_ID_DRIFT": (
        75,
        "The directory and the registry disagree about the project's id.",
        "cleo nexus reconcile --adopt",
    ),
    "E_PROJECT_COPY": (
        75,
        "The same project id is in two places.",
        "cleo nexus reconcile --new-id",
    ),
    "E_PROJECT_EXISTS": (76, "The project is registered already.", "cleo nexus show PROJECT"),
    "E_WILDCARD": (77, "This takes one project, not all of them.", "cleo nexus list"),
    "E_CHAIN_INVALID": (78, "The chain, or the way through it, is not valid.", "cleo chain list"),
    "E_GATE_BLOCKED": (79, "A blocking gate is not passed.", "cleo chain check ID"),
    "E_HAS_DEPENDENTS": (19, "Something that is open still refers to it.", "cleo chain instances"),
    "E_HAS_CHILDREN": (
        16,
        "A task that is to go has open children that stay.",
        "the same command with --scope subtree",
    ),
    "E_CYCLE": (14, "The tasks would wait for each other.", "cleo nexus deps show REF"),
    "E_ALREADY_DONE": (17, "The instance is over.", "cleo chain history ID"),
    "E_ID_COLLISION": (22, "A chain has this id already.", "cleo chain list"),
}

#: The forms that a reference may have.
FORMS = "T001, .:T001, slug:T001, @project-id:T001"


class NexusError(CleoError):
    """An error with one of this store's codes."""

    codes: ClassVar[Mapping[str, tuple[int, str, str]]] = CODES


def project_unknown(key: object) -> NexusError:
    """Exit 71 for a project that the registry does not hold."""
    return NexusError(
        "E_PROJECT_UNKNOWN",
        f"There is no registered project {echoed(key)}.",
        fix="cleo nexus list",
    )


def bad_reference(value: object, hint: str = "") -> NexusError:
    """Exit 73 for a text that is no reference."""
    return NexusError(
        "E_REFERENCE_SYNTAX",
        f"{echoed(value)} is no reference to a task{hint}. Forms are: {FORMS}.",
        fix="cleo nexus list",
    )


def permission_denied(slug: str, granted: str, required: str, **details: Any) -> NexusError:
    """Exit 72, naming what is needed, what is granted, and what would grant it."""
    return NexusError(
        "E_PERMISSION",
        f"Project {slug} lets other projects {granted}; this needs {required}.",
        fix=f"cleo nexus permission set {slug} {required}",
        details={"project": slug, "granted": granted, "required": required, **details},
    )
