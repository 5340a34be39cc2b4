"""The variables of templates: their types, and putting their values in.

``{{name}}`` stands for a variable's value in every string of a definition except its ``id``, its
``version`` and its ``variables``. A string that is nothing but one placeholder becomes the value
itself, with its type.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cleo_core.errors import ValidationError, echoed, shortened
from cleo_nexus.definitions.records import Problem, Variable
from cleo_nexus.definitions.text import MOST_BYTES, step_of, unfit
from cleo_nexus.errors import NexusError
from cleo_nexus.ids import parse_reference

VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\Z", re.ASCII)
#: The fields of a definition that nothing is put into.
LITERAL = ("id", "version", "variables")
_PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")
#: A value of each type, where a template is looked at without values.
SAMPLES: Mapping[str, Any] = {
    "string": "sample",
    "number": 1,
    "boolean": False,
    "taskId": "T001",
    "epicId": "T001",
}


def fits(type_: str, value: Any) -> bool:
    """Whether a value is of a variable's type; a task is named by a reference to one project."""
    if type_ == "boolean":
        return isinstance(value, bool)
    if type_ == "number":
        whole = isinstance(value, (int, float)) and not isinstance(value, bool)
        return whole and unfit(value) is None and math.isfinite(value)
    if not isinstance(value, str) or unfit(value) is not None:
        return False
    if type_ == "string":
        return True
    try:
        parse_reference(value)
    except NexusError:
        return False
    return True


def typed(variable: Variable, text: str) -> Any:
    """The value that a word of a command line gives a variable.

    :raises ValidationError: 6, it is not of the variable's type.
    """
    value: Any = text
    if variable.type in ("number", "boolean"):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = text
    return _checked(variable, value)


def settle(variables: Mapping[str, Variable], given: Mapping[str, Any]) -> dict[str, Any]:
    """The value of each variable: the given one, else its default; null without either.

    :param given: name -> value, of the variable's type.
    :raises ValidationError: 6, a name is unknown, a required one is missing, a type is wrong.
    """
    for name in given:
        if name not in variables:
            known = ", ".join(variables) or "it has none"
            raise _refused(name, f"The chain has no variable {echoed(name)}; known: {known}.")
    return {
        name: _checked(variable, given[name]) if name in given else _default(variable)
        for name, variable in variables.items()
    }


def samples(variables: Mapping[str, Variable]) -> dict[str, Any]:
    """Values to validate a template with: defaults, and samples of what is required."""
    return {
        name: SAMPLES.get(one.type, "sample")
        if one.required and one.default is None
        else one.default
        for name, one in variables.items()
    }


def put_in(
    definition: Mapping[str, Any], values: Mapping[str, Any], report: Callable[[Problem], None]
) -> dict[str, Any]:
    """A definition with its placeholders replaced; what was put in is not looked through again.

    :param report: called with each placeholder that stands for nothing, which then stays.
    :raises ValidationError: 6, what comes out is too large.
    """
    filler = _Filler(values, report)
    return {
        key: item if key in LITERAL else filler.filled(item, f"${step_of(key)}")
        for key, item in definition.items()
    }


def placeholders(text: str) -> Iterator[str]:
    """The names that stand in a text's placeholders."""
    return (found.strip() for found in _PLACEHOLDER.findall(text))


class _Filler:
    def __init__(self, values: Mapping[str, Any], report: Callable[[Problem], None]) -> None:
        self._values = values
        self._report = report
        self._left = MOST_BYTES

    def filled(self, value: Any, path: str) -> Any:
        if isinstance(value, str):
            return self._text(value, path)
        if isinstance(value, dict):
            return {key: self.filled(item, path + step_of(key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.filled(item, f"{path}[{at}]") for at, item in enumerate(value)]
        return value

    def _text(self, text: str, path: str) -> Any:
        if "{{" not in text:
            return text
        unknown = [name for name in placeholders(text) if name not in self._values]
        for name in unknown:
            words = f"{{{{{shortened(name)}}}}} stands for no variable of the chain."
            self._report(Problem("UNKNOWN_PLACEHOLDER", path, words))
        if unknown:
            return text
        whole = _PLACEHOLDER.fullmatch(text)
        if whole is not None:
            return self._counted(self._values[whole[1].strip()])
        return _PLACEHOLDER.sub(
            lambda found: self._counted(_as_text(self._values[found[1].strip()])), text
        )

    def _counted(self, value: Any) -> Any:
        self._left -= len(value) if isinstance(value, str) else 1
        if self._left < 0:
            raise ValidationError(
                f"With its variables put in, the chain has more than {MOST_BYTES} bytes.",
                fix="shorter values",
            )
        return value


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value)


def _default(variable: Variable) -> Any:
    if variable.required and variable.default is None:
        raise _refused(variable.name, f"The chain needs a value for {variable.name}.")
    return variable.default


def _checked(variable: Variable, value: Any) -> Any:
    if not fits(variable.type, value):
        raise _refused(
            variable.name,
            f"{echoed(value)} is no {variable.type}, which {variable.name} is.",
            SAMPLES.get(variable.type),
        )
    return value


def _refused(name: object, message: str, sample: Any = "VALUE") -> ValidationError:
    word = shortened(str(name))
    return ValidationError(
        message,
        fix=f"--var {word}={_as_text(sample)}",
        path=f"$.variables{step_of(word)}",
    )
