"""The ``leases`` service: each group of verbs is loaded when one of it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_core.grouped import GroupedService

#: Module -> (its class, its verbs).
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "granting": ("GrantVerbs", ("acquire", "renew")),
    "ending": ("EndVerbs", ("release", "break_")),
    "reading": ("ReadVerbs", ("list", "check")),
}

if TYPE_CHECKING:
    from cleo_conduit.service.leases.ending import EndVerbs
    from cleo_conduit.service.leases.granting import GrantVerbs
    from cleo_conduit.service.leases.reading import ReadVerbs

    class LeasesService(GrantVerbs, EndVerbs, ReadVerbs):
        """All verbs."""

else:

    class LeasesService(GroupedService):
        """All verbs; a group's module is imported when one of its verbs is first asked for."""

        PACKAGE = __name__
        GROUPS = GROUPS
