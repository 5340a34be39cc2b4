"""What the plugin declares, as data: its store, commands, settings, references; and its embedders.

:class:`EmbedderSpec` is for plugins that implement ``cleo_brain_embedders``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cleo_core.api import CommandSpec, ConfigKey, Reference, StoreSpec

if TYPE_CHECKING:
    from cleo_brain.embedders import OURS, EmbedderSpec

__all__ = ["CHECKS", "COMMANDS", "CONFIG", "OURS", "REFERENCES", "STORE", "EmbedderSpec"]

STORE = StoreSpec(
    name="brain",
    tier="project",
    file="brain.db",
    application_id=0x434C4252,
    head="brain_0001",
    schema="cleo_brain.schema:metadata",
    migrations="cleo_brain.migrations",
    snapshot="cleo_brain.snapshot:STATEMENTS",
    kinds={
        "decision": "brain_decisions",
        "pattern": "brain_patterns",
        "learning": "brain_learnings",
        "observation": "brain_observations",
        "sticky": "brain_sticky_notes",
    },
    after=("tasks",),
    derived=("brain_fts", "brain_vec_float", "brain_vec_bit"),
)

COMMANDS = (
    CommandSpec(
        "observe", "cleo_brain.cli.observing:observe_command", "Note what was noticed.", "Memory"
    ),
    CommandSpec(
        "memory",
        "cleo_brain.cli:memory_command",
        "What the agents of this project know.",
        "Memory",
        ("find", "timeline", "fetch", "context", "stats", "export"),
    ),
    CommandSpec(
        "sticky", "cleo_brain.cli:sticky_command", "Sticky notes.", "Memory", ("list", "show")
    ),
)

CONFIG = (
    ConfigKey(
        "brain.embedder",
        "str",
        "auto",
        help="Model id of the embedder; auto takes the first that can run, none takes none.",
    ),
    ConfigKey(
        "brain.embed",
        "enum",
        "batch",
        choices=("batch", "always", "never"),
        help="When vectors are made: in batches after writes, with every write, or never.",
    ),
    ConfigKey(
        "brain.search.vectors",
        "enum",
        "auto",
        choices=("auto", "off"),
        help="Whether search looks at vectors.",
    ),
    ConfigKey(
        "brain.gate.min_confidence",
        "float",
        0.2,
        help="A learning with less confidence is not stored.",
    ),
    ConfigKey(
        "brain.evict_days",
        "int",
        30,
        help="Days after which what nobody used is withdrawn; 0 is never.",
    ),
    ConfigKey(
        "brain.sticky.ttl_days", "int", 14, help="Days that a sticky note lives; 0 is for ever."
    ),
    ConfigKey(
        "brain.retrieval_log",
        "bool",
        False,
        help="Whether every fetch and context counts as a use.",
    ),
    ConfigKey("brain.context.budget", "int", 2000, help="Tokens of `cleo memory context`."),
)

#: Checks ``brain.<name>``, each ``check_<name>`` of ``cleo_brain.service.health``.
CHECKS = ("search", "vectors", "size")

#: name, source, target kind, on_missing, on_delete, how the id stands in the column.
_REFERENCES = (
    ("decision_epic", "brain_decisions.context_epic_id", "task", "null", "null", "column"),
    ("decision_task", "brain_decisions.context_task_id", "task", "null", "null", "column"),
    ("link_task", "brain_memory_links.task_id", "task", "reject", "delete", "column"),
    (
        *("observation_session", "brain_observations.source_session_id", "session"),
        *("null", "null", "column"),
    ),
    ("edge_task", "brain_edges.to_node", "task", "reject", "delete", "prefix:task:"),
    ("edge_session", "brain_edges.to_node", "session", "reject", "delete", "prefix:session:"),
    ("decision_adr", "brain_decisions.adr_id", "adr", "reject", "null", "column"),
    ("log_session", "brain_retrieval_log.session_id", "session", "null", "null", "column"),
    ("example_task", "brain_patterns.examples_json", "task", "keep", "keep", "json:$[*]"),
    ("sticky_task", "brain_sticky_notes.converted_to", "task", "reject", "keep", "prefix:task:"),
    ("entry_agent", "brain_entries.agent", "agent", "keep", "keep", "column"),
    (
        *("observation_document", "brain_observations.attachments_json", "document"),
        *("keep", "keep", "json:$[*]"),
    ),
)

REFERENCES = tuple(
    Reference(
        f"brain.{source}",
        kind,
        on_missing,  # type: ignore[arg-type]  # the words stand above
        on_delete,  # type: ignore[arg-type]
        name=f"brain.{name}",
        id_from=id_from,
    )
    for name, source, kind, on_missing, on_delete, id_from in _REFERENCES
)


def __getattr__(name: str) -> Any:
    # Only what embeds needs them, and every command imports this module.
    if name in ("EmbedderSpec", "OURS"):
        from cleo_brain import embedders

        return getattr(embedders, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
