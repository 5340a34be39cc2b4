"""Commands of telemetry: parse, call the service, return a Result."""

from __future__ import annotations

from cleo_core.cli.lazy import LazyGroup

telemetry_command = LazyGroup(
    "telemetry",
    "How commands perform on this machine. Nothing is recorded until you enable it, and nothing "
    "is ever sent.",
    __name__,
    {
        **dict.fromkeys(("disable", "enable", "status"), "consenting"),
        **dict.fromkeys(("export", "show"), "reading"),
        "analyze": "analyzing",
        **dict.fromkeys(("prune", "purge"), "removing"),
    },
)
