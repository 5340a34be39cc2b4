"""Commands of the message store: parse, call the service, return a Result."""

from __future__ import annotations

from cleo_core.cli.lazy import LazyGroup

conduit_command = LazyGroup(
    "conduit",
    "Messages between the agents of this project.",
    __name__,
    {
        **dict.fromkeys(("agents", "join", "leave"), "refs"),
        **dict.fromkeys(("ack", "poll", "read", "reject"), "receiving"),
        **dict.fromkeys(("conversation", "conversations", "show", "thread"), "conversations"),
        **dict.fromkeys(("overdue", "receipts"), "receipts"),
        **dict.fromkeys(("pin", "pins", "redact", "unpin"), "pins"),
        **dict.fromkeys(("prune", "reindex"), "upkeep"),
        **dict.fromkeys(("jobs", "dead"), "letters"),
        **dict.fromkeys(("run", "watch"), "watching"),
        "inbox": "inbox",
        "search": "searching",
        "send": "sending",
        "status": "status",
        "token": "tokens",
    },
    {"ls": "inbox"},
)
topic_command = LazyGroup(
    "topic",
    "Messages to whoever subscribes to a topic.",
    __name__ + ".topics",
    dict.fromkeys(("list", "publish", "read", "subscribe", "unsubscribe"), "verbs"),
    {"ls": "list"},
)
