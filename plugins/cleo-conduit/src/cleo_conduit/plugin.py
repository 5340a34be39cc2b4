"""Hook implementations of the message store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from cleo_conduit import api
from cleo_core import hookimpl
from cleo_core.api import CommandSpec, Reference, ServiceSpec, StoreSpec

if TYPE_CHECKING:
    from cleo_conduit.api import TransportSpec
    from cleo_core.api import Change, Check, Repair
    from cleo_core.app import App

CLEO_API = (1, 0)
CLEO_CONFIG = api.CONFIG
CLEO_HOOKSPECS = "cleo_conduit.hookspecs"


@hookimpl
def cleo_register_stores() -> Iterable[StoreSpec]:
    """``conduit.db``."""
    return (api.STORE,)


@hookimpl
def cleo_register_commands() -> Iterable[CommandSpec]:
    """``conduit``, ``topic``, ``doc`` and ``lease``."""
    return api.COMMANDS


@hookimpl
def cleo_register_references() -> Iterable[Reference]:
    """What this store keeps of other stores' ids."""
    return api.REFERENCES


@hookimpl
def cleo_register_services() -> Iterable[ServiceSpec]:
    """The services ``conduit``, ``documents`` and ``leases``."""
    return (
        ServiceSpec("conduit", "cleo_conduit.service:ConduitService"),
        ServiceSpec("documents", "cleo_conduit.service.documents:DocumentsService"),
        ServiceSpec("leases", "cleo_conduit.service.leases:LeasesService"),
    )


@hookimpl
def cleo_existing_ids(app: App, kind: str, ids: Iterable[str]) -> frozenset[str] | None:
    """Which ids of this store's kinds exist; no answer where the file cannot say."""
    if kind not in api.STORE.kinds:
        return None
    from cleo_conduit.service.existence import existing_ids

    return existing_ids(app, kind, tuple(ids))


@hookimpl
def cleo_change_committed(app: App, change: Change) -> None:
    """Tell the subscribers of topic ``lifecycle`` what became of sessions."""
    if change.kind == "session":
        from cleo_conduit.service import lifecycle

        lifecycle.publish(app, change)


@hookimpl
def cleo_doctor_checks() -> Iterable[Check]:
    """Search index, counters, contents, jobs, dead letters, refs, and who is trusted."""
    from cleo_core.api import Check

    service = "cleo_conduit.service"
    return [
        Check(
            "conduit.search",
            f"{service}.health:check_search",
            "conduit",
            f"{service}.health:mend_search",
        ),
        Check("conduit.blobs", f"{service}.documents.health:check_blobs", "conduit"),
        *(
            Check(f"conduit.{name}", f"{service}.checking:check_{name}", "conduit")
            for name in api.CHECKS
        ),
    ]


@hookimpl
def cleo_reconcile(app: App, apply: bool) -> Iterable[Repair]:
    """Counters of conversations and contributors; receipts of jobs that ended."""
    from cleo_conduit.service.checking import repairs

    return repairs(app, apply)


@hookimpl
def cleo_conduit_transports() -> Iterable[TransportSpec]:
    """``local``: the mailboxes of this project; it leads to no address."""
    return (api.TransportSpec("local", 0, "cleo_conduit.transports.local:LocalTransport", ()),)
