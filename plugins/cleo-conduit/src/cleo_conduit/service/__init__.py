"""The ``conduit`` service: each group of verbs is loaded when one of it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_core.grouped import GroupedService

#: Module -> (its class, its verbs).
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "refs": (
        "RefVerbs",
        ("attach", "detach", "remove_ref", "ref", "refs", "agents", "touch"),
    ),
    "joining": ("JoinVerbs", ("join", "leave")),
    "elsewhere": ("ElsewhereVerbs", ("refs_in",)),
    "legacy": ("LegacyVerbs", ("import_legacy", "drop_legacy")),
    "legacy_checking": ("LegacyCheckVerbs", ("verify_legacy",)),
    "status": ("StatusVerbs", ("status",)),
}

if TYPE_CHECKING:
    from cleo_conduit.service.elsewhere import ElsewhereVerbs
    from cleo_conduit.service.joining import JoinVerbs
    from cleo_conduit.service.legacy import LegacyVerbs
    from cleo_conduit.service.legacy_checking import LegacyCheckVerbs
    from cleo_conduit.service.refs import RefVerbs
    from cleo_conduit.service.status import StatusVerbs

    class ConduitService(
        JoinVerbs, RefVerbs, ElsewhereVerbs, LegacyVerbs, LegacyCheckVerbs, StatusVerbs
    ):
        """All verbs."""

else:

    class ConduitService(GroupedService):
        """All verbs; a group's module is imported when one of its verbs is first asked for."""

        PACKAGE = __name__
        GROUPS = GROUPS
