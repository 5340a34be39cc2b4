"""Everything that CLEO promises for a store, shown for the map of projects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from cleo_core.testing import StoreConformance

#: A second project beside this one, and two tasks in each.
_TWO = (
    ("init", "--path", "other", "--nested", "--no-register"),
    ("nexus", "register", "other", "--slug", "other", "--permission", "write"),
    *(("add", title, "--project", "other") for title in ("There", "There too")),
    *(("add", title) for title in ("Here", "Here too")),
)
_NOT_THERE = (("nexus", "unregister", "web"),)
_EDGE = (("nexus", "deps", "add", "T001", "other:T001"),)
_INSERT = (
    "INSERT INTO cross_project_dependencies (source_project_id, source_task_id, "
    "target_project_id, target_task_id, created_by, created_at) "
    "VALUES ({}, 'kit', '2026-01-01T00:00:00.000Z')"
)
_CHAIN = (
    '{"id": "small", "name": "Small", "version": "1.0.0", "shape": {"stages": '
    '[{"id": "draft", "name": "Draft", "category": "custom"}], '
    '"entryPoint": "draft", "exitPoints": ["draft"]}}'
)
_TRANSFER = (
    "INSERT INTO transfer_journal (id, mode, options, package, package_sha256, state, steps, "
    "created_by, created_at, updated_at, source_project_id, target_project_id) VALUES "
    "('xfr-' || lower(hex(randomblob(6))), 'copy', '{{}}', '{{}}', 'x', 'done', '{{}}', 'kit', "
    "'2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', {})"
)

_RUN = (("chain", "instantiate", "tessera-rcasd", "T001", "--var", "skipResearch=true"),)
_INSTANCE = (
    "INSERT INTO warp_chain_instances (id, chain_id, chain_version, definition, epic_project_id, "
    "epic_id, stage_to_task, variables, active_stages, current_stage, created_by, created_at, "
    "updated_at) VALUES ('wci-' || lower(hex(randomblob(6))), 'drafted', '1.0.0', '{{}}', {}, "
    "'{{}}', '[]', 'draft', 'kit', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z')"
)


class TestStore(StoreConformance):
    plugin = "cleo-nexus"
    writes = 6

    companions = ("tasks",)
    files: ClassVar[Mapping[str, str]] = {"other/README": "Another project."}
    # What gates came to is recorded also where one of them is in the way.
    refusals = ("nexus_audit_log", "warp_instance_events")
    setup = (
        ("nexus", "register", "--slug", "web"),
        *_TWO,
        ("chain", "compose", "sequence", "rcasd-ivtrc", "rcasd-ivtrc", "--id", "drafted"),
    )
    commands: ClassVar[Mapping[str, Any]] = {
        "chain add": {"argv": ("chain", "add", "-"), "stdin": _CHAIN},
        "chain compose": ("chain", "compose", "parallel", *["rcasd-ivtrc"] * 2, "--id", "both-{n}"),
        "chain delete": ("chain", "delete", "drafted"),
        "chain list": ("chain", "list"),
        "chain show": ("chain", "show", "rcasd-ivtrc"),
        "chain instantiate": (
            "chain",
            "instantiate",
            "drafted",
            "T001",
            "--task",
            "s0_testing=T002",
        ),
        "chain instances": {"argv": ("chain", "instances", "--epic", "T001"), "before": _RUN},
        **{
            f"chain {verb}": {"argv": ("chain", verb, "{last}", *more), "before": _RUN}
            for verb, *more in (
                ("status",),
                ("history",),
                ("check",),
                ("advance",),
                ("skip", "research", "--reason", "because"),
                ("run",),
                ("fail", "--reason", "because"),
                ("cancel", "--reason", "because"),
            )
        },
        "chain resume": {
            "argv": ("chain", "resume", "{last}"),
            "before": (*_RUN, ("chain", "fail", "{last}", "--reason", "because")),
        },
        "chain validate": {"argv": ("chain", "validate", "-"), "stdin": _CHAIN},
        "nexus list": ("nexus", "list"),
        "nexus discover": ("nexus", "discover", "other:T001"),
        "nexus resolve": ("nexus", "resolve", "*:T001"),
        "nexus search": ("nexus", "search", "there"),
        "nexus register": {"argv": ("nexus", "register"), "before": _NOT_THERE},
        "nexus show": ("nexus", "show", "web"),
        "nexus unregister": ("nexus", "unregister", "other", "--with-edges"),
        "nexus rename": ("nexus", "rename", "web", "--slug", "front", "--name", "Front"),
        "nexus permission get": ("nexus", "permission", "get", "web"),
        "nexus permission set": ("nexus", "permission", "set", "web", "write"),
        "nexus reconcile": ("nexus", "reconcile"),
        "nexus sync": ("nexus", "sync", "web"),
        "nexus scan": ("nexus", "scan", "."),
        "nexus clean": ("nexus", "clean", "--match", "other", "--yes"),
        "nexus audit list": ("nexus", "audit", "list", "--action", "nexus.register"),
        "nexus audit prune": ("nexus", "audit", "prune", "--before", "2099-01-01"),
        "nexus transfer": {
            "argv": ("nexus", "transfer", "T001", "--to", "other", "--mode", "move"),
            "before": _EDGE,
        },
        "nexus transfers": ("nexus", "transfers"),
        **{
            " ".join(argv[:3]): {"argv": argv, "before": _EDGE}
            for argv in (
                ("nexus", "deps", "add", "T002", "other:T001", "--note", "why"),
                ("nexus", "deps", "remove", "T001", "other:T001"),
                ("nexus", "deps", "refresh"),
                ("nexus", "deps", "show", "web:T001"),
                ("nexus", "blocking", "other:T001"),
                ("nexus", "critical-path"),
            )
        },
        "nexus orphans": {"argv": ("nexus", "orphans", "--prune"), "before": _EDGE, "exit": 100},
    }
    references: ClassVar[Mapping[str, Any]] = {
        "nexus.edge_source": _INSERT.format(
            "substr(:ref, 1, instr(:ref, ':') - 1), substr(:ref, instr(:ref, ':') + 1), "
            "'00000000', 'T001'"
        ),
        "nexus.edge_target": _INSERT.format(
            "'00000000', 'T001', "
            "substr(:ref, 1, instr(:ref, ':') - 1), substr(:ref, instr(:ref, ':') + 1)"
        ),
        "nexus.instance_epic": _INSTANCE.format(
            "substr(:ref, 1, instr(:ref, ':') - 1), substr(:ref, instr(:ref, ':') + 1), '{}'"
        ),
        "nexus.stage_task": _INSTANCE.format("'00000000', 'T001', json_object('draft', :ref)"),
        "nexus.transfer_source": _TRANSFER.format(":ref, '00000000'"),
        "nexus.transfer_target": _TRANSFER.format("'00000000', :ref"),
    }
    guards: ClassVar[Mapping[str, Any]] = {
        "a task that another project waits for is purged": {
            "after": (("nexus", "deps", "add", "other:T002", "web:T002"),),
            "kind": "task",
            "op": "delete",
            "ids": ["T002"],
        },
    }
    skip: ClassVar[Mapping[str, Any]] = {
        "golden: nexus discover": "the projects of the golden database are nowhere",
        "idempotency: nexus transfer": "all its words are names, and another name is another error",
        "guards: nexus deps refresh": "it keeps a record, and changes tasks through their service",
        "idempotency: chain add": "with other letters its text is no chain, which is said first",
        **{
            f"guards: chain {verb}": "a chain is nothing that other stores refer to"
            for verb in ("add", "compose", "delete")
        },
        **{
            f"guards: chain {verb}": "an instance is of no kind that a reference could mean"
            for verb in ("instantiate", "advance", "skip", "run", "fail", "resume", "cancel")
        },
    }
