"""The ``tasks`` service: every verb of the store, each group loaded when one of it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_core.grouped import GroupedService

#: Module -> (its class, its verbs).
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "tasks": ("TaskVerbs", ("add", "show", "list", "exists")),
    "batch": ("BatchVerbs", ("add_batch",)),
    "editing": ("EditVerbs", ("update",)),
    "status": (
        "StatusVerbs",
        ("complete", "cancel", "reopen", "archive", "unarchive", "delete"),
    ),
    "placing": ("PlacingVerbs", ("reparent", "reorder", "tree")),
    "graph": (
        "GraphVerbs",
        (
            *("deps_show", "deps_add", "deps_remove", "deps_waves", "deps_critical_path"),
            *("deps_impact", "deps_cycles", "deps_overview", "blockers"),
        ),
    ),
    "verifying": ("VerifyVerbs", ("verify",)),
    "phases": (
        "PhaseVerbs",
        (
            *("phase_list", "phase_show", "phase_add", "phase_rename"),
            *("phase_start", "phase_complete", "phase_delete"),
        ),
    ),
    "relations": (
        "RelationVerbs",
        ("relate_add", "relate_remove", "relate_list", "relate_suggest"),
    ),
    "readiness": ("ReadyVerbs", ("next", "ready")),
    "claims": ("ClaimVerbs", ("claim", "unclaim", "start", "stop", "current")),
    "sessions": (
        "SessionVerbs",
        (
            *("session_start", "session_end", "session_list"),
            *("session_show", "session_suspend", "session_resume", "session_note"),
            *("session_handoff", "session_briefing", "session_gc"),
        ),
    ),
    "session_status": ("SessionStatusVerbs", ("session_status",)),
    "search": ("SearchVerbs", ("find",)),
    "stats": ("StatsVerbs", ("stats", "dash")),
    "labels": ("LabelVerbs", ("label_list", "label_show", "label_rename", "label_remove")),
    "adrs": (
        "AdrVerbs",
        (
            *("adr_add", "adr_list", "adr_show", "adr_find", "adr_sync"),
            *("adr_link", "adr_unlink"),
        ),
    ),
    "manifests": (
        "ManifestVerbs",
        (
            *("manifest_add", "manifest_list", "manifest_show", "manifest_find"),
            *("manifest_stats", "manifest_distil", "manifest_archive", "manifest_stages"),
        ),
    ),
    "links": ("LinkVerbs", ("link_add", "link_list", "link_remove", "link_reconcile")),
    "lifecycle.verbs": (
        "LifecycleVerbs",
        (
            *("lifecycle_show", "lifecycle_stages", "lifecycle_start", "lifecycle_complete"),
            *("lifecycle_skip", "lifecycle_back", "lifecycle_set", "lifecycle_gate"),
            *("lifecycle_history", "lifecycle_gate_history", "lifecycle_abort"),
        ),
    ),
    "releases": (
        "ReleaseVerbs",
        (
            *("release_plan", "release_ship", "release_list", "release_show"),
            *("release_changelog", "release_cancel", "release_rollback"),
        ),
    ),
    "logs": (
        "LogVerbs",
        (
            *("log_list", "log_show", "log_prune"),
            *("sequence_show", "sequence_check", "sequence_repair"),
        ),
    ),
    "tokens": (
        "TokenVerbs",
        (
            *("token_record", "token_summary", "token_list", "token_show", "token_estimate"),
            "token_delete",
        ),
    ),
    "instances": (
        "InstanceVerbs",
        (
            *("instance_register", "instance_heartbeat", "instance_list", "instance_cached"),
            *("instance_show", "instance_error", "instance_stop", "instance_reap"),
        ),
    ),
    "registry": ("RegistryVerbs", ("statuses",)),
    "bulk": ("BulkVerbs", ("edges", "summary", "features")),
    "package": ("PackageVerbs", ("export_records", "import_records", "archive_transferred")),
    "holds": ("HoldVerbs", ("hold",)),
    "transfer": (
        "TransferVerbs",
        (
            *("export", "import_jsonl", "import_beads", "import_cleo"),
            *("import_taskwarrior", "import_task_master", "import_github"),
        ),
    ),
}

if TYPE_CHECKING:
    from cleo_tasks.service.adrs import AdrVerbs
    from cleo_tasks.service.batch import BatchVerbs
    from cleo_tasks.service.bulk import BulkVerbs
    from cleo_tasks.service.claims import ClaimVerbs
    from cleo_tasks.service.editing import EditVerbs
    from cleo_tasks.service.graph import GraphVerbs
    from cleo_tasks.service.holds import HoldVerbs
    from cleo_tasks.service.instances import InstanceVerbs
    from cleo_tasks.service.labels import LabelVerbs
    from cleo_tasks.service.lifecycle.verbs import LifecycleVerbs
    from cleo_tasks.service.links import LinkVerbs
    from cleo_tasks.service.logs import LogVerbs
    from cleo_tasks.service.manifests import ManifestVerbs
    from cleo_tasks.service.package import PackageVerbs
    from cleo_tasks.service.phases import PhaseVerbs
    from cleo_tasks.service.placing import PlacingVerbs
    from cleo_tasks.service.readiness import ReadyVerbs
    from cleo_tasks.service.registry import RegistryVerbs
    from cleo_tasks.service.relations import RelationVerbs
    from cleo_tasks.service.releases import ReleaseVerbs
    from cleo_tasks.service.search import SearchVerbs
    from cleo_tasks.service.session_status import SessionStatusVerbs
    from cleo_tasks.service.sessions import SessionVerbs
    from cleo_tasks.service.stats import StatsVerbs
    from cleo_tasks.service.status import StatusVerbs
    from cleo_tasks.service.tasks import TaskVerbs
    from cleo_tasks.service.tokens import TokenVerbs
    from cleo_tasks.service.transfer import TransferVerbs
    from cleo_tasks.service.verifying import VerifyVerbs

    class TasksService(
        TaskVerbs,
        BatchVerbs,
        EditVerbs,
        StatusVerbs,
        PlacingVerbs,
        GraphVerbs,
        RelationVerbs,
        VerifyVerbs,
        PhaseVerbs,
        ReadyVerbs,
        ClaimVerbs,
        SessionVerbs,
        SessionStatusVerbs,
        SearchVerbs,
        StatsVerbs,
        LabelVerbs,
        AdrVerbs,
        ManifestVerbs,
        LinkVerbs,
        LifecycleVerbs,
        ReleaseVerbs,
        LogVerbs,
        TokenVerbs,
        InstanceVerbs,
        RegistryVerbs,
        TransferVerbs,
        BulkVerbs,
        HoldVerbs,
        PackageVerbs,
    ):
        """All verbs."""

else:

    class TasksService(GroupedService):
        """All verbs; a group's module is imported when one of its verbs is first asked for."""

        PACKAGE = __name__
        GROUPS = GROUPS
