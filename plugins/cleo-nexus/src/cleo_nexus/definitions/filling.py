"""A definition that must be right: its records, and a template with its values put in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cleo_core.api import Declared
from cleo_core.api.records import record
from cleo_core.errors import ValidationError
from cleo_nexus.definitions.parsing import read_variables
from cleo_nexus.definitions.reading import Reader
from cleo_nexus.definitions.records import Definition, Problem, Variable
from cleo_nexus.definitions.validating import examine
from cleo_nexus.definitions.variables import put_in, settle
from cleo_nexus.errors import NexusError

if TYPE_CHECKING:
    from cleo_core.output import Printer


@record
class Filled(Declared):
    """A chain as an instance keeps it.

    :ivar definition: JSON, with the values in place of their placeholders.
    :ivar values: the value of each variable.
    """

    definition: dict[str, Any]
    values: dict[str, Any]


def parse_definition(definition: Any) -> Definition:
    """The records of a definition whose variables are put in.

    :raises NexusError: 78, with all errors.
    """
    validation, found = examine(definition, filled=True)
    if found is None:
        raise invalid(validation.errors)
    return found


def variables_of(definition: Mapping[str, Any]) -> dict[str, Variable]:
    """The variables that a definition declares, name -> variable.

    :raises NexusError: 78, with all errors.
    """
    reader = Reader()
    found = read_variables(reader, definition.get("variables"))
    if reader.errors:
        raise invalid(reader.errors)
    return found


def substitute(definition: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """A definition with the values of its variables, and defaults, in place of placeholders.

    :param given: name -> value, of the variable's type.
    :raises ValidationError: 6, a variable or a placeholder is unknown, a required variable is
        missing, a type is wrong; the JSON path is in ``details``.
    :raises NexusError: 78, the variables are declared wrongly.
    """
    return _substituted(definition, settle(variables_of(definition), given))


def fill(definition: Mapping[str, Any], given: Mapping[str, Any]) -> Filled:
    """A chain made ready for an instance: values settled, put in, and the outcome validated.

    :raises ValidationError: as :func:`substitute`.
    :raises NexusError: 78, with these values it is no valid chain.
    """
    values = settle(variables_of(definition), given)
    found = _substituted(definition, values)
    parse_definition(found)
    return Filled(found, values)


def _substituted(definition: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    unknown: list[Problem] = []
    found = put_in(definition, values, unknown.append)
    if unknown:
        raise ValidationError(
            unknown[0].message,
            fix="cleo chain validate FILE",
            path=unknown[0].path,
            errors=unknown,
        )
    return found


def invalid(errors: Sequence[Problem], *, fix: str = "cleo chain validate FILE") -> NexusError:
    """Exit 78 with all errors of a definition."""
    count = f"{len(errors)} errors" if len(errors) > 1 else "an error"
    first = f"{errors[0].code} at {errors[0].path}"
    error = NexusError(
        "E_CHAIN_INVALID",
        # The messages repeat what the chain holds, and this one is put on record.
        f"The chain has {count}: {first}{', …' if len(errors) > 1 else ''}.",
        fix=fix,
        details={"errors": list(errors)},
    )

    def human(out: Printer) -> None:
        for one in errors:
            out.line(f"{one.code}  {one.path}  {one.message}")

    error.human = human
    return error
