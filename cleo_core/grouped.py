"""A service whose verbs live in modules that are imported when one of them is first called."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from cleo_core.app import App


class GroupedService:
    """Verbs of several classes under one name.

    :cvar PACKAGE: the package that the modules are in.
    :cvar GROUPS: module -> (its class, made with the App, and the verbs of it).
    """

    PACKAGE: ClassVar[str]
    GROUPS: ClassVar[Mapping[str, tuple[str, tuple[str, ...]]]]

    def __init__(self, app: App) -> None:
        self.app = app
        self._groups: dict[str, Any] = {}

    def __getattr__(self, verb: str) -> Any:
        for module, (name, verbs) in self.GROUPS.items():
            if verb in verbs:
                group = self._groups.get(module)
                if group is None:
                    loaded = import_module(f"{self.PACKAGE}.{module}")
                    group = self._groups[module] = getattr(loaded, name)(self.app)
                return getattr(group, verb)
        raise AttributeError(f"{type(self).__name__} has no verb {verb!r}")

    def __dir__(self) -> list[str]:
        return sorted(verb for _, verbs in self.GROUPS.values() for verb in verbs)
