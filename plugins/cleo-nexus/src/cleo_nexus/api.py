"""What the plugin declares, as data: its store, commands, settings, references and checks."""

from __future__ import annotations

from cleo_core.api import CommandSpec, ConfigKey, Reference, StoreSpec

STORE = StoreSpec(
    name="nexus",
    tier="global",
    file="nexus.db",
    application_id=0x434C4E58,
    head="nexus_0001",
    schema="cleo_nexus.schema:metadata",
    migrations="cleo_nexus.migrations",
    snapshot="cleo_nexus.snapshot:STATEMENTS",
    create="on_demand",
    kinds={"project": "project_registry", "project_task": None},
)

COMMANDS = (
    CommandSpec(
        "nexus",
        "cleo_nexus.cli:nexus_command",
        "The projects of this machine, and what joins them.",
        "Projects",
        (
            *("list", "show", "status", "permission get", "resolve", "search", "discover"),
            *("deps show", "blocking", "critical-path", "transfers", "audit list"),
        ),
    ),
    CommandSpec(
        "chain",
        "cleo_nexus.cli:chain_command",
        "Warp chains: stages with gates that work goes through.",
        "Projects",
        ("validate", "list", "show", "instances", "status", "history", "check"),
    ),
)

CONFIG = (
    ConfigKey(
        "nexus.scan_roots",
        "list",
        ["~/code", "~/projects"],
        scope="global",
        help="Where `cleo nexus scan` looks for projects.",
    ),
)

REFERENCES = (
    *(
        Reference(
            f"nexus.cross_project_dependencies.{end}_project_id:{end}_task_id",
            "project_task",
            "reject",
            "keep",
            name=f"nexus.edge_{end}",
            strict=True,
        )
        for end in ("source", "target")
    ),
    Reference(
        "nexus.warp_chain_instances.epic_project_id:epic_id",
        "project_task",
        "reject",
        "keep",
        name="nexus.instance_epic",
        strict=True,
    ),
    Reference(
        "nexus.warp_chain_instances.stage_to_task",
        "project_task",
        "reject",
        "keep",
        name="nexus.stage_task",
        id_from="json:$.*",
        strict=True,
    ),
    *(
        Reference(
            f"nexus.transfer_journal.{end}_project_id",
            "project",
            "reject",
            "keep",
            name=f"nexus.transfer_{end}",
        )
        for end in ("source", "target")
    ),
)

#: Checks ``nexus.<name>``, each ``check_<name>`` of module ``cleo_nexus.service.checking_<key>``.
CHECKS = {
    "registry": ("paths", "copies", "audit"),
    "edges": ("orphans", "cycles", "blocked"),
    "transfers": ("transfers",),
    "chains": ("chains",),
}
