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
    "sending": ("SendVerbs", ("send", "send_draft", "send_many", "wait_for")),
    "receiving": ("ReceiveVerbs", ("poll", "confirm", "ack", "read", "reject")),
    "watching": ("WatchVerbs", ("watch",)),
    "searching": ("SearchVerbs", ("search",)),
    "pinning": ("PinVerbs", ("pin", "unpin", "pins")),
    "redacting": ("RedactVerbs", ("redact", "redact_all")),
    "tokens": ("TokenVerbs", ("token",)),
    "topics": (
        "TopicVerbs",
        ("topic_publish", "topic_subscribe", "topic_unsubscribe", "topic_list", "topic_read"),
    ),
    "replaying": (
        "LetterVerbs",
        ("jobs", "dead_list", "dead_show", "dead_replay", "dead_purge"),
    ),
    "relaying": ("RelayVerbs", ("accept_here", "waiting", "note_states", "states")),
    "running": ("RunVerbs", ("run",)),
    "pruning": ("PruneVerbs", ("prune", "reindex")),
    "reading": (
        "ReadVerbs",
        ("inbox", "show", "receipts", "thread", "conversation", "conversations", "overdue"),
    ),
}

if TYPE_CHECKING:
    from cleo_conduit.service.elsewhere import ElsewhereVerbs
    from cleo_conduit.service.joining import JoinVerbs
    from cleo_conduit.service.legacy import LegacyVerbs
    from cleo_conduit.service.legacy_checking import LegacyCheckVerbs
    from cleo_conduit.service.pinning import PinVerbs
    from cleo_conduit.service.pruning import PruneVerbs
    from cleo_conduit.service.redacting import RedactVerbs
    from cleo_conduit.service.refs import RefVerbs
    from cleo_conduit.service.relaying import RelayVerbs
    from cleo_conduit.service.replaying import LetterVerbs
    from cleo_conduit.service.running import RunVerbs
    from cleo_conduit.service.searching import SearchVerbs
    from cleo_conduit.service.status import StatusVerbs
    from cleo_conduit.service.tokens import TokenVerbs
    from cleo_conduit.service.topics import TopicVerbs

    class ConduitService(
        JoinVerbs,
        RefVerbs,
        ElsewhereVerbs,
        LegacyVerbs,
        LegacyCheckVerbs,
        StatusVerbs,
        TopicVerbs,
        SearchVerbs,
        PinVerbs,
        RedactVerbs,
        TokenVerbs,
        PruneVerbs,
        LetterVerbs,
        RelayVerbs,
        RunVerbs,
    ):
        """All verbs."""

else:

    class ConduitService(GroupedService):
        """All verbs; a group's module is imported when one of its verbs is first asked for."""

        PACKAGE = __name__
        GROUPS = GROUPS
