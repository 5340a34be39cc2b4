"""The ``documents`` service: each group of verbs is loaded when one of it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_core.grouped import GroupedService

#: Module -> (its class, its verbs).
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "writing": ("WriteVerbs", ("create", "edit")),
    "reading": ("ReadVerbs", ("show", "versions", "diff")),
    "listing": ("ListVerbs", ("list",)),
    "reviewing": ("ReviewVerbs", ("request", "approve", "reject")),
    "modes": ("ModeVerbs", ("mode",)),
    "exporting": ("ExportVerbs", ("export",)),
}

if TYPE_CHECKING:
    from cleo_conduit.service.documents.exporting import ExportVerbs
    from cleo_conduit.service.documents.listing import ListVerbs
    from cleo_conduit.service.documents.modes import ModeVerbs
    from cleo_conduit.service.documents.reading import ReadVerbs
    from cleo_conduit.service.documents.reviewing import ReviewVerbs
    from cleo_conduit.service.documents.writing import WriteVerbs

    class DocumentsService(WriteVerbs, ExportVerbs, ReadVerbs, ListVerbs, ReviewVerbs, ModeVerbs):
        """All verbs."""

else:

    class DocumentsService(GroupedService):
        """All verbs; a group's module is imported when one of its verbs is first asked for."""

        PACKAGE = __name__
        GROUPS = GROUPS
