"""The ``brain`` service: every verb of the store, each group loaded when one of it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_core.grouped import GroupedService

#: Module -> (its class, its verbs).
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "observing": ("ObserveVerbs", ("observe",)),
    "observing_lines": ("BatchVerbs", ("observe_batch",)),
    "storing": ("StoreVerbs", ("store",)),
    "deciding": ("DecideVerbs", ("decide", "decide_update")),
    "linking": ("LinkVerbs", ("link",)),
    "verifying": ("VerifyVerbs", ("verify", "verify_list")),
    "fetching": ("FetchVerbs", ("fetch",)),
    "reembedding": ("ReembedVerbs", ("reembed",)),
    "finding": ("FindVerbs", ("find",)),
    "timeline": ("TimelineVerbs", ("timeline",)),
    "contexts": ("ContextVerbs", ("context",)),
    "stickies": (
        "StickyVerbs",
        (
            "sticky_add",
            "sticky_list",
            "sticky_show",
            "sticky_edit",
            "sticky_archive",
            "sticky_restore",
            "sticky_purge",
        ),
    ),
    "converting": ("ConvertVerbs", ("sticky_convert",)),
    "forgetting": ("ForgetVerbs", ("forget",)),
    "maintaining": ("MaintainVerbs", ("maintain",)),
    "statistics": ("StatsVerbs", ("stats",)),
    "importing": ("ImportVerbs", ("import_", "import_records")),
    "exporting": ("ExportVerbs", ("export", "export_records")),
}

if TYPE_CHECKING:
    from cleo_brain.service.contexts import ContextVerbs
    from cleo_brain.service.converting import ConvertVerbs
    from cleo_brain.service.deciding import DecideVerbs
    from cleo_brain.service.exporting import ExportVerbs
    from cleo_brain.service.fetching import FetchVerbs
    from cleo_brain.service.finding import FindVerbs
    from cleo_brain.service.forgetting import ForgetVerbs
    from cleo_brain.service.importing import ImportVerbs
    from cleo_brain.service.linking import LinkVerbs
    from cleo_brain.service.maintaining import MaintainVerbs
    from cleo_brain.service.observing import ObserveVerbs
    from cleo_brain.service.observing_lines import BatchVerbs
    from cleo_brain.service.reembedding import ReembedVerbs
    from cleo_brain.service.statistics import StatsVerbs
    from cleo_brain.service.stickies import StickyVerbs
    from cleo_brain.service.storing import StoreVerbs
    from cleo_brain.service.timeline import TimelineVerbs
    from cleo_brain.service.verifying import VerifyVerbs

    class BrainService(
        ObserveVerbs,
        BatchVerbs,
        StoreVerbs,
        DecideVerbs,
        LinkVerbs,
        VerifyVerbs,
        FetchVerbs,
        ReembedVerbs,
        FindVerbs,
        TimelineVerbs,
        ContextVerbs,
        StickyVerbs,
        ConvertVerbs,
        ForgetVerbs,
        MaintainVerbs,
        StatsVerbs,
        ImportVerbs,
        ExportVerbs,
    ):
        """All verbs."""

else:

    class BrainService(GroupedService):
        """All verbs; a group's module is imported when one of its verbs is first asked for."""

        PACKAGE = __name__
        GROUPS = GROUPS
