"""What crosses the hook line: frozen dataclasses and nothing else.

The declarations that every ``plugin.py`` makes are loaded at once; what only some commands meet
(changes, checks, plans, events) is loaded when it is first named, because making a dataclass costs
a third of a millisecond and a daily command has about ten of those to spend.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cleo_core.api.declared import Declared
from cleo_core.api.specs import (
    CommandSpec,
    ConfigKey,
    FileSpec,
    Project,
    Reference,
    ServiceSpec,
    StoreSpec,
)

if TYPE_CHECKING:
    from cleo_core.api.changes import Change, Veto
    from cleo_core.api.events import Check, Plan, Repair, Report
    from cleo_core.api.finished import CommandEvent

__all__ = [
    "Change",
    "Check",
    "CommandEvent",
    "CommandSpec",
    "ConfigKey",
    "Declared",
    "FileSpec",
    "Plan",
    "Project",
    "Reference",
    "Repair",
    "Report",
    "ServiceSpec",
    "StoreSpec",
    "Veto",
]


def __getattr__(name: str) -> Any:
    module: Any
    if name in ("Change", "Veto"):
        from cleo_core.api import changes

        module = changes
    elif name == "CommandEvent":
        from cleo_core.api import finished

        module = finished
    elif name in __all__:
        from cleo_core.api import events

        module = events
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(module, name)
    return found
