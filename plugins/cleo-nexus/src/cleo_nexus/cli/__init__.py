"""Commands of the map of projects: parse, call the service, return a Result."""

from __future__ import annotations

from cleo_core.cli.lazy import LazyGroup

nexus_command = LazyGroup(
    "nexus",
    "The projects of this machine, and what joins them.",
    __name__,
    {
        "deps": "depending",
        **dict.fromkeys(("transfer", "transfers"), "transferring"),
        **dict.fromkeys(("blocking", "critical-path", "orphans"), "exploring"),
        **dict.fromkeys(("register", "unregister", "rename", "permission"), "registering"),
        **dict.fromkeys(("list", "show", "status", "sync"), "listing"),
        **dict.fromkeys(("reconcile", "scan", "clean"), "keeping"),
        "audit": "auditing",
        **dict.fromkeys(("discover", "resolve", "search"), "searching"),
    },
    {"ls": "list"},
)
chain_command = LazyGroup(
    "chain",
    "Warp chains: stages with gates that work goes through.",
    __name__ + ".chains",
    {
        **dict.fromkeys(("validate", "add", "delete"), "storing"),
        **dict.fromkeys(("list", "show"), "showing"),
        "compose": "composing",
        "instantiate": "instantiating",
        **dict.fromkeys(("instances", "status", "history", "check"), "instances"),
        **dict.fromkeys(("advance", "skip", "run", "fail", "resume", "cancel"), "moving"),
    },
    {"ls": "list"},
)
