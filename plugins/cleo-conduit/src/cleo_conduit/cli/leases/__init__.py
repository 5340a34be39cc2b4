"""Commands of leases: parse, call the service, return a Result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cleo_core.cli.lazy import LazyGroup

if TYPE_CHECKING:
    from cleo_conduit.records.leases import Lease
    from cleo_conduit.service.leases import LeasesService
    from cleo_core.app import App
    from cleo_core.output import Printer


def service(app: App) -> LeasesService:
    """The service that the commands call."""
    found: LeasesService = app.service("leases")
    return found


def show(out: Printer, leases: list[Lease]) -> None:
    """A table of leases for people."""
    out.table(
        ("fence", "agent", "mode", "pattern", "until", "reason", "id"),
        [
            (
                str(one.fence),
                one.agent_id,
                one.mode,
                one.pattern,
                one.expires_at if one.release_kind is None else one.release_kind,
                one.reason or "",
                one.id,
            )
            for one in leases
        ],
    )


lease_command = LazyGroup(
    "lease",
    "Tell other agents what not to edit meanwhile. Leases stop nobody's hand; they tell.",
    __name__,
    {
        "acquire": "acquiring",
        "renew": "acquiring",
        "release": "ending",
        "break": "ending",
        "list": "listing",
        "check": "listing",
    },
    {"ls": "list"},
)
