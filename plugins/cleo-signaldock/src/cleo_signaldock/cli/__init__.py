"""Commands of the identity store: parse, call the service, return a Result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cleo_core.cli.lazy import LazyGroup

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_signaldock.service import AgentsService


def service(app: App) -> AgentsService:
    """The service that the commands call; where the project has an older file, it is warned of."""
    found = unwarned(app)
    found.warn_of_legacy()
    return found


def unwarned(app: App) -> AgentsService:
    """The service, for the command that deals with the older file itself."""
    found: AgentsService = app.service("agents")
    return found


def json_option(text: str | None, option: str, example: str) -> Any:
    """The value of an option that takes JSON; None where it is not given.

    :raises UsageError: it is no JSON.
    """
    if text is None:
        return None
    import json

    from cleo_core.errors import UsageError

    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise UsageError(f"The value of {option} is no JSON.", fix=f"{option} {example}") from None


agent_command = LazyGroup(
    "agent",
    "Who the agents are, and which this project sees.",
    __name__,
    {
        **dict.fromkeys(("attach", "detach", "remove"), "visibility"),
        **dict.fromkeys(("capabilities", "skills"), "words"),
        **dict.fromkeys(("get", "list"), "listing"),
        **dict.fromkeys(("register", "update"), "registering"),
        **dict.fromkeys(
            ("heartbeat", "prune", "retire", "revive", "signin", "status", "stop", "whoami"),
            "presence",
        ),
        "keys": "keys",
        "start": "starting",
        "migrate-legacy": "migrating",
    },
    {"ls": "list", "show": "get"},
)
