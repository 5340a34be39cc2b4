"""What all declarations and records have in common."""

from __future__ import annotations

from dataclasses import fields

#: Attribute of a record's class that holds how its instances are made, once there is one.
PLAN = "__plan__"


class Declared:
    """``repr`` and equality of the declarations, field by field.

    Written once here instead of generated for each class: every command makes these classes, and
    generating the methods would take a millisecond and a half of it.
    """

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in _shown(self))
        return f"{type(self).__name__}({shown})"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in field_names(self))

    def __hash__(self) -> int:
        names = field_names(self)
        return hash((type(self), getattr(self, names[0]) if names else None))


def field_names(declared: Declared) -> tuple[str, ...]:
    """The names of a declaration's fields, in order."""
    plan = vars(type(declared)).get(PLAN)
    if plan is not None:
        return tuple(plan.fields)
    return tuple(one.name for one in fields(declared))  # type: ignore[arg-type] # all are dataclasses


def _shown(declared: Declared) -> list[str]:
    """The names of the fields that a ``repr`` shows."""
    plan = vars(type(declared)).get(PLAN)
    if plan is not None:
        return [name for name in plan.fields if name not in plan.hidden]
    return [one.name for one in fields(declared) if one.repr]  # type: ignore[arg-type] # as above
