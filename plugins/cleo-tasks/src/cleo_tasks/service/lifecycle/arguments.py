"""Arguments of lifecycle verbs: checked before the unit, all problems together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from cleo_core import inputs
from cleo_core.errors import CleoError, ValidationError
from cleo_core.output import to_json
from cleo_tasks.errors import TasksError, several
from cleo_tasks.service import fields
from cleo_tasks.service.lifecycle import definitions

T = TypeVar("T")

#: Status word -> the verb that leads there.
_VERB_OF = {"completed": "complete", "skipped": "skip", "not_started": "back"}


class Checks:
    """Checks of arguments whose problems come together."""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self.arguments = arguments
        self.problems: fields.Problems = []

    def __call__(self, field: str, check: Callable[[], T]) -> T | None:
        """What a check makes of an argument; None where it is refused."""
        try:
            return check()
        except CleoError as error:
            self.problems.append((field, error))
            return None

    def forced(self, reason: str | None, force: bool) -> tuple[str | None, bool]:
        """Reason and force, which needs one."""
        if not force:
            return self("reason", lambda: fields.reason(reason)), False
        return self("reason", lambda: needed(reason, "A forced move needs a reason.")), True

    def done(self) -> None:
        """Refuse if there were problems."""
        if self.problems:
            raise several(
                self.problems, {name: to_json(one) for name, one in self.arguments.items()}
            )


def needed(reason: Any, message: str) -> str:
    """A reason that has to be given.

    :raises CleoError: ``E_REASON_REQUIRED`` (84) with the message; 6, it is too long or no text.
    """
    if reason is None or (isinstance(reason, str) and not reason.strip()):
        raise TasksError("E_REASON_REQUIRED", message)
    return str(fields.reason(reason))


def text(value: Any, field: str) -> str | None:
    """A text that says something, or None.

    :raises ValidationError: it is none.
    """
    return None if value is None else fields.entries([value], field)[0]


def settable(id_: str, value: Any) -> str:
    """A status that ``lifecycle set`` gives to a stage.

    :raises ValidationError: another one, with the verb that leads there.
    """
    if isinstance(value, str) and value in _VERB_OF:
        raise ValidationError(
            f"A stage does not become {value} by set.",
            fix=f"cleo lifecycle {_VERB_OF[value]} {id_}",
        )
    return inputs.word_of(definitions.SETTABLE, "status")(value)
