"""The ``telemetry`` service: each group of verbs is loaded when one of it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_core.grouped import GroupedService

#: Module -> (its class, its verbs).
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "consenting": ("ConsentVerbs", ("status", "enable", "disable")),
    "reading": ("ReadVerbs", ("show", "events", "export")),
    "analyzing": ("AnalyzeVerbs", ("analyze",)),
    "removing": ("RemoveVerbs", ("prune", "purge", "present")),
}

if TYPE_CHECKING:
    from cleo_telemetry.service.analyzing import AnalyzeVerbs
    from cleo_telemetry.service.consenting import ConsentVerbs
    from cleo_telemetry.service.reading import ReadVerbs
    from cleo_telemetry.service.removing import RemoveVerbs

    class TelemetryService(ConsentVerbs, ReadVerbs, AnalyzeVerbs, RemoveVerbs):
        """All verbs."""

else:

    class TelemetryService(GroupedService):
        """All verbs; a group's module is imported when one of its verbs is first asked for."""

        PACKAGE = __name__
        GROUPS = GROUPS
