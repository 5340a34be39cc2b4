"""What the plugin declares, as data: its store, commands, settings, references and checks.

:class:`TransportSpec`, :class:`Transport` and what goes with them are for plugins that implement
``cleo_conduit_transports``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cleo_core.agent_ids import RESERVED
from cleo_core.api import CommandSpec, ConfigKey, Reference, StoreSpec

if TYPE_CHECKING:
    from cleo_conduit.transport import (
        Identity,
        Inbound,
        NotAuthenticatedError,
        PushResult,
        Transport,
        TransportSpec,
    )

__all__ = [
    "CHECKS",
    "COMMANDS",
    "CONFIG",
    "REFERENCES",
    "STORE",
    "Identity",
    "Inbound",
    "NotAuthenticatedError",
    "PushResult",
    "Transport",
    "TransportSpec",
]

#: What plugins that carry mail need, from ``cleo_conduit.transport``.
_CARRYING = (
    "TransportSpec",
    "Transport",
    "PushResult",
    "Identity",
    "Inbound",
    "NotAuthenticatedError",
)

STORE = StoreSpec(
    name="conduit",
    tier="project",
    file="conduit.db",
    application_id=0x434C434F,
    head="conduit_0003",
    schema="cleo_conduit.schema:metadata",
    migrations="cleo_conduit.migrations",
    snapshot="cleo_conduit.snapshot:STATEMENTS",
    kinds={
        "message": "messages",
        "conversation": "conversations",
        "document": "attachments",
        "lease": "leases",
    },
    after=("tasks", "brain"),
    derived=("messages_fts",),
)

COMMANDS = (
    CommandSpec(
        "conduit",
        "cleo_conduit.cli:conduit_command",
        "Messages between the agents of this project.",
        "Agents",
        (
            *("agents", "status", "inbox", "show", "thread", "conversation", "conversations"),
            *("receipts", "overdue", "search", "pins", "jobs", "dead list", "dead show"),
        ),
    ),
    CommandSpec(
        "topic",
        "cleo_conduit.cli:topic_command",
        "Messages to whoever subscribes to a topic.",
        "Agents",
        ("list", "read"),
    ),
    CommandSpec(
        "lease",
        "cleo_conduit.cli.leases:lease_command",
        "Tell other agents what not to edit meanwhile.",
        "Agents",
        ("check", "list"),
    ),
    CommandSpec(
        "doc",
        "cleo_conduit.cli.doc:doc_command",
        "Documents that agents share: versions, reviews, locks.",
        "Agents",
        ("show", "versions", "diff", "list"),
    ),
)

CONFIG = (
    ConfigKey(
        "conduit.claim_seconds",
        "duration",
        60.0,
        help="How long a message that was handed over is kept from other consumers.",
    ),
    ConfigKey(
        "conduit.retention_days",
        "int",
        0,
        help="Days after which `cleo conduit prune` deletes read messages; 0 keeps all.",
    ),
    ConfigKey(
        "conduit.job_ttl_days",
        "int",
        7,
        help="Days that a message waits for a recipient elsewhere that is out of reach.",
    ),
    ConfigKey(
        "conduit.inbox_max", "int", 10_000, help="Messages that may wait for one agent at most."
    ),
    ConfigKey(
        "conduit.deliver_on_send",
        "bool",
        True,
        help="Whether `send` tries at once to deliver to recipients elsewhere.",
    ),
)

#: Checks ``conduit.<name>``, each ``check_<name>`` of ``cleo_conduit.service.checking``.
CHECKS = ("counters", "jobs", "claims", "letters", "overdue", "refs", "trust", "unwiped")


def _agent(name: str, column: str) -> Reference:
    """An agent who did something; what it did stays when it is gone."""
    return Reference(
        f"conduit.{column}", "agent", "reject", "keep", name=f"conduit.{name}", exempt=RESERVED
    )


REFERENCES = (
    Reference(
        "conduit.project_agent_refs.agent_id",
        "agent",
        "reject",
        "delete",
        name="conduit.ref_agent",
        handler="cleo_conduit.service.agent_deletion:forget_agents",
    ),
    _agent("document_agent", "attachments.from_agent_id"),
    _agent("version_author", "attachment_versions.author_agent_id"),
    _agent("reviewer", "attachment_approvals.reviewer_agent_id"),
    _agent("contributor", "attachment_contributors.agent_id"),
    _agent("pin_agent", "message_pins.pinned_by"),
    Reference("conduit.leases.agent_id", "agent", "reject", "keep", name="conduit.lease_agent"),
    Reference("conduit.leases.task_id", "task", "keep", "null", name="conduit.lease_task"),
    Reference(
        "conduit.conversations.epic_id", "task", "keep", "null", name="conduit.conversation_epic"
    ),
    Reference(
        "conduit.messages.metadata",
        "task",
        "keep",
        "keep",
        name="conduit.message_task",
        id_from="json:$.taskRefs[*]",
    ),
)


def __getattr__(name: str) -> Any:
    # Only what carries mail needs them, and every command imports this module.
    if name in _CARRYING:
        from cleo_conduit import transport

        return getattr(transport, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
