"""Asking other machines what became of messages that left for them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from cleo_conduit.service.delivering import identity_of
from cleo_conduit.service.relaying import take_state
from cleo_conduit.service.routing import LOCAL, Routes, transport_for
from cleo_conduit.service.work import Verbs, Work
from cleo_conduit.store import inbound
from cleo_core import clock
from cleo_core.plugins import load_target
from cleo_core.plugins.record import described

if TYPE_CHECKING:
    from cleo_conduit.transport import Identity
    from cleo_core.app import App
    from cleo_core.database import Row

#: Messages that are asked for at once.
BATCH = 200
DAY = 86_400.0


def refresh_message(app: App, seq: int) -> int:
    """Ask about one message.

    :returns: how many receipts moved.
    """
    return _refresh(app, app.store("conduit").read(inbound.RELAYED_OF, seq=seq))


def refresh(app: App) -> int:
    """Ask about every message that is under way elsewhere, two hundred at a time."""
    days = max(1, int(app.config.get("conduit.job_ttl_days")))
    since = clock.format_time(max(0.0, clock.seconds() - days * DAY))
    after, count = 0, 0
    while True:
        rows = app.store("conduit").read(inbound.RELAYED, after=after, since=since, limit=BATCH)
        count += _refresh(app, rows)
        if len(rows) < BATCH:
            return count
        after = rows[-1]["seq"]


def _refresh(app: App, rows: Iterable[Row]) -> int:
    groups: dict[tuple[str, str], list[Row]] = {}
    routes = Routes(app)
    for row in rows:
        route = routes.of(row["agent_id"])
        if route is not LOCAL and route.base_url is not None:
            groups.setdefault((row["sender"], route.base_url), []).append(row)
    return sum(_ask(app, *key, group) for key, group in groups.items())


def _ask(app: App, sender: str, base_url: str, rows: list[Row]) -> int:
    spec = transport_for(app, base_url.partition(":")[0].lower())
    if spec is None:
        return 0
    route = Routes(app).of(rows[0]["agent_id"])
    transport: Any = None
    identity: Identity | None = None
    found: Mapping[str, Mapping[str, str]] = {}
    try:
        transport = load_target(spec.target)(app)
        if not hasattr(transport, "states"):
            return 0
        identity = identity_of(app, sender, route)
        transport.connect(identity)
        found = transport.states([row["id"] for row in rows])
    except Exception as error:  # whatever a plugin's transport raises is told and tried later
        words = str(getattr(error, "message", None) or described(error))
        words = words if identity is None else identity.without_secrets(words)
        app.warn("W_TRANSPORT", f"{base_url} could not be asked: {words}")
    finally:
        if transport is not None:
            # What was asked is answered, whatever closing does.
            with contextlib.suppress(Exception):
                transport.close()

    def body(work: Work) -> int:
        return sum(
            take_state(work, row["seq"], row["id"], row["agent_id"], state)
            for row in rows
            if isinstance(state := found.get(row["id"], {}).get(row["agent_id"]), str)
        )

    return Verbs(app).write("message.states", body)
