"""``cleo doc``: parse, call the service, return a Result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_core.cli.lazy import LazyGroup

if TYPE_CHECKING:
    from cleo_conduit.service.documents import DocumentsService
    from cleo_core.app import App


def service(app: App) -> DocumentsService:
    """The service that the commands call; an older file of messages is warned of."""
    if app.has_service("agents"):
        getattr(app.service("agents"), "warn_of_legacy", int)()
    found: DocumentsService = app.service("documents")
    return found


doc_command = LazyGroup(
    "doc",
    "Documents that agents share: versions, reviews, locks.",
    __name__,
    {
        **dict.fromkeys(("create", "edit"), "writing"),
        **dict.fromkeys(("show", "versions", "diff"), "reading"),
        **dict.fromkeys(("request", "approve", "reject", "mode"), "reviewing"),
        "list": "listing",
        "export": "exporting",
    },
    {"ls": "list"},
)
