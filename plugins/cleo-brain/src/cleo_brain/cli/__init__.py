"""Commands of the brain store: parse, call the service, return a Result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_core.cli.lazy import LazyGroup

if TYPE_CHECKING:
    from cleo_brain.service import BrainService
    from cleo_core.app import App


def service(app: App) -> BrainService:
    """The service that the commands call."""
    found: BrainService = app.service("brain")
    return found


memory_command = LazyGroup(
    "memory",
    "What the agents of this project know.",
    __name__,
    {
        "context": "contexts",
        "decide": "deciding",
        "export": "exporting",
        "fetch": "fetching",
        "find": "finding",
        "forget": "forgetting",
        "import": "importing",
        "link": "linking",
        "maintain": "maintaining",
        "observe": "observing",
        "reembed": "reembedding",
        "stats": "statistics",
        "store": "storing",
        "timeline": "timeline",
        "verify": "verifying",
    },
)
sticky_command = LazyGroup(
    "sticky",
    "Sticky notes.",
    __name__,
    {
        **dict.fromkeys(("add", "list", "show", "edit", "archive", "restore"), "stickies"),
        "purge": "forgetting",
        "convert": "converting",
    },
    {"jot": "add", "ls": "list"},
)
