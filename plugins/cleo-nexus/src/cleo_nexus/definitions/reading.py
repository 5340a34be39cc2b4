"""Fields of JSON objects: their types and words; each fault is kept with its path."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from cleo_core.errors import echoed, shortened
from cleo_nexus.definitions.records import Problem
from cleo_nexus.definitions.text import step_of

#: Characters of a name at most.
LONGEST_NAME = 200
Fields = dict[str, Any]


class Reader:
    """Reads what can be read, and keeps what is wrong; ``null`` is a field that is not there.

    :ivar errors: the faults, in the order they were found in.
    """

    def __init__(self) -> None:
        self.errors: list[Problem] = []

    def fault(self, code: str, path: str, message: str) -> None:
        """Keep a fault."""
        self.errors.append(Problem(code, path, message))

    def fields(
        self, value: Any, path: str, required: Sequence[str], optional: Sequence[str] = ()
    ) -> Fields:
        """The fields of an object; unknown and missing ones are faults."""
        if not isinstance(value, dict):
            self.fault("BAD_TYPE", path, f"{echoed(value)} is no object.")
            return {}
        for key in value:
            if key not in required and key not in optional:
                known = ", ".join((*required, *optional))
                words = f"There is no field {shortened(key)!r} here; known: {known}."
                self.fault("UNKNOWN_FIELD", path + step_of(key), words)
        for key in required:
            if value.get(key) is None:
                self.fault("MISSING_FIELD", path, f"The field {key} is missing.")
        return value

    def items(self, fields: Fields, key: str, path: str, most: int) -> list[Any]:
        """A list, which may be absent; one that is too long is a fault and counts as empty."""
        value = fields.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.fault("BAD_TYPE", path + step_of(key), f"{key} is a list.")
            return []
        if len(value) > most:
            self.fault("TOO_LARGE", path + step_of(key), f"There are at most {most} {key}.")
            return []
        return value

    def text(self, fields: Fields, key: str, path: str) -> str | None:
        """A text; None where it is absent."""
        value = fields.get(key)
        if value is None or isinstance(value, str):
            return value
        self.fault("BAD_TYPE", path + step_of(key), f"{key} is a text.")
        return None

    def name(self, fields: Fields, key: str, path: str) -> str | None:
        """A line of text with something in it."""
        value = self.text(fields, key, path)
        if value is not None and not (
            value.strip() and value.isprintable() and len(value) <= LONGEST_NAME
        ):
            words = f"{key} is one line of 1 to {LONGEST_NAME} printable characters."
            self.fault("BAD_TEXT", path + step_of(key), words)
        return value

    def id(self, fields: Fields, key: str, path: str, form: re.Pattern[str]) -> str | None:
        """An id; one of the wrong form is a fault and still names what it names."""
        value = self.text(fields, key, path)
        if value is not None and not form.match(value):
            words = (
                f"{echoed(value)} is no id of the form {form.pattern.removesuffix(chr(92) + 'Z')}."
            )
            self.fault("BAD_ID", path + step_of(key), words)
        return value

    def word(self, fields: Fields, key: str, path: str, words: Sequence[str]) -> str | None:
        """A word of an enum."""
        value = fields.get(key)
        if value is None:
            return None
        if not isinstance(value, str) or value not in words:
            known = ", ".join(words)
            self.fault("UNKNOWN_VALUE", path + step_of(key), f"{echoed(value)} is none of {known}.")
            return None
        return value

    def flag(self, fields: Fields, key: str, path: str) -> bool:
        """True or false; false where it is absent."""
        value = fields.get(key)
        if value is not None and not isinstance(value, bool):
            self.fault("BAD_TYPE", path + step_of(key), f"{key} is true or false.")
        return value is True

    def object(self, fields: Fields, key: str, path: str) -> Fields | None:
        """An object of any content."""
        value = fields.get(key)
        if value is not None and not isinstance(value, dict):
            self.fault("BAD_TYPE", path + step_of(key), f"{key} is an object.")
            return None
        return value
