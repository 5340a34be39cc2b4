"""The ``tasks`` service: every verb of the store, each group loaded when one of it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cleo_core.app import App

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
    "relations": (
        "RelationVerbs",
        ("relate_add", "relate_remove", "relate_list", "relate_suggest"),
    ),
    "readiness": ("ReadyVerbs", ("next", "ready")),
    "claims": ("ClaimVerbs", ("claim", "unclaim", "start", "stop", "current")),
    "sessions": (
        "SessionVerbs",
        (
            *("session_start", "session_end", "session_status", "session_list"),
            *("session_show", "session_suspend", "session_resume", "session_note"),
            *("session_handoff", "session_briefing", "session_gc"),
        ),
    ),
    "search": ("SearchVerbs", ("find",)),
    "labels": ("LabelVerbs", ("label_list", "label_show", "label_rename", "label_remove")),
    "logs": (
        "LogVerbs",
        (
            *("log_list", "log_show", "log_prune"),
            *("sequence_show", "sequence_check", "sequence_repair"),
        ),
    ),
    "transfer": ("TransferVerbs", ("export", "import_jsonl", "import_beads", "import_cleo")),
}
_MODULE_OF = {verb: module for module, (_, verbs) in GROUPS.items() for verb in verbs}

if TYPE_CHECKING:
    from cleo_tasks.service.batch import BatchVerbs
    from cleo_tasks.service.claims import ClaimVerbs
    from cleo_tasks.service.editing import EditVerbs
    from cleo_tasks.service.graph import GraphVerbs
    from cleo_tasks.service.labels import LabelVerbs
    from cleo_tasks.service.logs import LogVerbs
    from cleo_tasks.service.placing import PlacingVerbs
    from cleo_tasks.service.readiness import ReadyVerbs
    from cleo_tasks.service.relations import RelationVerbs
    from cleo_tasks.service.search import SearchVerbs
    from cleo_tasks.service.sessions import SessionVerbs
    from cleo_tasks.service.status import StatusVerbs
    from cleo_tasks.service.tasks import TaskVerbs
    from cleo_tasks.service.transfer import TransferVerbs

    class TasksService(
        TaskVerbs,
        BatchVerbs,
        EditVerbs,
        StatusVerbs,
        PlacingVerbs,
        GraphVerbs,
        RelationVerbs,
        ReadyVerbs,
        ClaimVerbs,
        SessionVerbs,
        SearchVerbs,
        LabelVerbs,
        LogVerbs,
        TransferVerbs,
    ):
        """All verbs."""

else:

    class TasksService:
        """All verbs; a group's module is imported when one of its verbs is first asked for."""

        def __init__(self, app: App) -> None:
            self.app = app
            self._groups: dict[str, Any] = {}

        def __getattr__(self, verb: str) -> Any:
            module = _MODULE_OF.get(verb)
            if module is None:
                raise AttributeError(f"the tasks service has no verb {verb!r}")
            group = self._groups.get(module)
            if group is None:
                from importlib import import_module

                loaded = import_module(f"cleo_tasks.service.{module}")
                group = self._groups[module] = getattr(loaded, GROUPS[module][0])(self.app)
            return getattr(group, verb)

        def __dir__(self) -> list[str]:
            return sorted(_MODULE_OF)
