"""What the plugin declares, as data: its store, commands, references and checks."""

from __future__ import annotations

from cleo_core.agent_ids import RESERVED
from cleo_core.api import CommandSpec, Reference, StoreSpec

STORE = StoreSpec(
    name="conduit",
    tier="project",
    file="conduit.db",
    application_id=0x434C434F,
    head="conduit_0001",
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
        "Which agents this project sees, and the state of their mail.",
        "Agents",
        ("agents", "status"),
    ),
)

#: Checks ``conduit.<name>``, each ``check_<name>`` of ``cleo_conduit.service.health``.
CHECKS = ("search",)


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
