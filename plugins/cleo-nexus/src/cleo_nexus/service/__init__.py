"""The ``nexus`` service: each group of verbs is loaded when one of it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_core.grouped import GroupedService

#: Module -> (its class, its verbs).
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "registering": ("RegisterVerbs", ("register", "unregister")),
    "listing": ("ListVerbs", ("list", "show", "status", "projects")),
    "renaming": ("RenameVerbs", ("rename", "permission_get", "permission_set")),
    "reconciling": ("ReconcileVerbs", ("reconcile",)),
    "syncing": ("SyncVerbs", ("sync", "set_health")),
    "scanning": ("ScanVerbs", ("scan",)),
    "cleaning": ("CleanVerbs", ("clean",)),
    "auditing": ("AuditVerbs", ("audit_list", "audit_prune")),
    "searching": ("SearchVerbs", ("resolve", "search", "discover")),
    "depending": ("DependVerbs", ("deps_add", "deps_remove")),
    "exploring": ("ExploreVerbs", ("deps_show", "blocking", "critical_path")),
    "orphaned": ("OrphanVerbs", ("orphans",)),
    "refreshing": ("RefreshVerbs", ("deps_refresh",)),
    "chains.storing": ("ChainStoreVerbs", ("chain_validate", "chain_add", "chain_delete")),
    "chains.showing": ("ChainListVerbs", ("chain_list", "chain_show")),
    "chains.composing": ("ChainComposeVerbs", ("chain_compose",)),
    "runs.instantiating": ("ChainInstantiateVerbs", ("chain_instantiate",)),
    "runs.showing": (
        "ChainRunListVerbs",
        ("chain_instances", "chain_status", "chain_history", "chain_check"),
    ),
    "runs.moving": (
        "ChainMoveVerbs",
        ("chain_advance", "chain_skip", "chain_fail", "chain_resume", "chain_cancel"),
    ),
    "runs.running": ("ChainRunVerbs", ("chain_run", "chain_run_all")),
    "transferring": (
        "TransferVerbs",
        ("transfer", "transfer_resume", "transfer_abort", "transfers"),
    ),
}

if TYPE_CHECKING:
    from cleo_nexus.service.auditing import AuditVerbs
    from cleo_nexus.service.chains.composing import ChainComposeVerbs
    from cleo_nexus.service.chains.showing import ChainListVerbs
    from cleo_nexus.service.chains.storing import ChainStoreVerbs
    from cleo_nexus.service.cleaning import CleanVerbs
    from cleo_nexus.service.depending import DependVerbs
    from cleo_nexus.service.exploring import ExploreVerbs
    from cleo_nexus.service.listing import ListVerbs
    from cleo_nexus.service.orphaned import OrphanVerbs
    from cleo_nexus.service.reconciling import ReconcileVerbs
    from cleo_nexus.service.refreshing import RefreshVerbs
    from cleo_nexus.service.registering import RegisterVerbs
    from cleo_nexus.service.renaming import RenameVerbs
    from cleo_nexus.service.runs.instantiating import ChainInstantiateVerbs
    from cleo_nexus.service.runs.moving import ChainMoveVerbs
    from cleo_nexus.service.runs.running import ChainRunVerbs
    from cleo_nexus.service.runs.showing import ChainRunListVerbs
    from cleo_nexus.service.scanning import ScanVerbs
    from cleo_nexus.service.searching import SearchVerbs
    from cleo_nexus.service.syncing import SyncVerbs
    from cleo_nexus.service.transferring import TransferVerbs

    class NexusService(
        RegisterVerbs,
        ListVerbs,
        TransferVerbs,
        RenameVerbs,
        ReconcileVerbs,
        SyncVerbs,
        ScanVerbs,
        CleanVerbs,
        AuditVerbs,
        SearchVerbs,
        DependVerbs,
        ExploreVerbs,
        OrphanVerbs,
        RefreshVerbs,
        ChainStoreVerbs,
        ChainListVerbs,
        ChainComposeVerbs,
        ChainInstantiateVerbs,
        ChainRunListVerbs,
        ChainMoveVerbs,
        ChainRunVerbs,
    ):
        """All verbs."""

else:

    class NexusService(GroupedService):
        """All verbs; a group's module is imported when one of its verbs is first asked for."""

        PACKAGE = __name__
        GROUPS = GROUPS
