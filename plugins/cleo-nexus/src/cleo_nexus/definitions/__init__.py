"""Definitions of warp chains: JSON in, typed records and what is wrong with them out.

Nothing here knows of a database. The shape of a definition is in :mod:`.parsing`, the rules that it
has to keep are in :mod:`.validating`.
"""

from __future__ import annotations

from cleo_nexus.definitions.conditions import ConditionError, evaluate, parse_condition
from cleo_nexus.definitions.filling import (
    Filled,
    fill,
    invalid,
    parse_definition,
    substitute,
    variables_of,
)
from cleo_nexus.definitions.graph import preceding, reachable, stage_order
from cleo_nexus.definitions.records import (
    Definition,
    Gate,
    GateCheck,
    Link,
    Problem,
    Stage,
    Validation,
    Variable,
)
from cleo_nexus.definitions.text import NotJsonError, canonical, loads
from cleo_nexus.definitions.validating import validate
from cleo_nexus.definitions.variables import typed

__all__ = [
    "ConditionError",
    "Definition",
    "Filled",
    "Gate",
    "GateCheck",
    "Link",
    "NotJsonError",
    "Problem",
    "Stage",
    "Validation",
    "Variable",
    "canonical",
    "evaluate",
    "fill",
    "invalid",
    "loads",
    "parse_condition",
    "parse_definition",
    "preceding",
    "reachable",
    "stage_order",
    "substitute",
    "typed",
    "validate",
    "variables_of",
]
