"""Mail from other machines: fetched, stored, and only then reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cleo_conduit.service.accepting import RefusedError, accept, known_id
from cleo_conduit.service.delivering import identity_of
from cleo_conduit.service.routing import LOCAL, Route, Routes
from cleo_conduit.service.work import Verbs, Work
from cleo_conduit.store import inbound, refs
from cleo_conduit.transport import Inbound
from cleo_core.plugins import load_target
from cleo_core.plugins.record import described

if TYPE_CHECKING:
    from cleo_core.app import App

BATCH = 100
#: Told the id of a message that was refused, and why.
Refused = Callable[[str, str], None]


def remote_agents(app: App) -> dict[str, Route]:
    """The agents of this project whose mail is at a server that a transport leads to."""
    routes = Routes(app)
    found = {}
    for row in refs.listed(app.store("conduit"), enabled_only=True):
        route = routes.of(row["agent_id"])
        if route is not LOCAL and route.parked_for is None:
            found[row["agent_id"]] = route
    return found


def fetch(
    app: App,
    agent_id: str,
    route: Route,
    stopped: Callable[[], bool],
    refused: Refused | None = None,
) -> int:
    """Take an agent's mail from its server and tell that what became of it.

    :param refused: told of each message that is none, or not what it says; without it a warning is.
    :returns: how many messages were new here.
    :raises CleoError: its key cannot be read.
    :raises Exception: whatever the transport raises: an error is never an empty inbox.
    """
    from cleo_conduit.service.routing import transports

    assert route.base_url is not None
    spec = next(one for one in transports(app) if one.name == route.transport)
    transport: Any = load_target(spec.target)(app)
    count = 0
    identity = None
    try:
        identity = identity_of(app, agent_id, route)
        transport.connect(identity)
        while not stopped():
            after = inbound.cursor(app.store("conduit"), agent_id, route.base_url)
            found = list(transport.poll(after, BATCH))
            if not found:
                break
            count += _stored(app, agent_id, route.base_url, found, refused or _warning(app))
            report(app, agent_id, route.base_url, transport)
            if inbound.cursor(app.store("conduit"), agent_id, route.base_url) <= after:
                break
        report(app, agent_id, route.base_url, transport)
    except Exception as error:  # whatever a transport raises goes on, without what is secret
        words = described(error)
        if identity is None or identity.without_secrets(words) == words:
            raise
        # What it says is printed; what it was raised from says the same.
        raise RuntimeError(identity.without_secrets(words)) from None
    finally:
        transport.close()
    return count


def report(app: App, agent_id: str, base_url: str, transport: Any) -> None:
    """Tell a server the states that it does not know, by comparison, then note that it does."""
    while True:
        rows = inbound.unreported(app.store("conduit"), agent_id, base_url, BATCH)
        if not rows:
            return
        by_state: dict[str, list[Any]] = {}
        for row in rows:
            by_state.setdefault(row["state"], []).append(row)
        for state, some in by_state.items():
            transport.ack([row["id"] for row in some], state)

            def body(work: Work, some: Any = some, state: str = state) -> None:
                for row in some:
                    inbound.reported(work, row["seq"], agent_id, state)

            Verbs(app).write("message.report", body)


def _warning(app: App) -> Refused:
    def warn(id_: str, why: str) -> None:
        app.warn(
            "W_MAIL_REFUSED", f"The message {id_} was refused and is not fetched again: {why}."
        )

    return warn


def _stored(app: App, agent_id: str, base_url: str, found: list[Inbound], refused: Refused) -> int:
    """One unit: messages, receipts and the cursor."""
    bad: list[tuple[str, str]] = []

    def body(work: Work) -> int:
        count = 0
        bad.clear()
        for one in found:
            try:
                count += accept(
                    work,
                    one.event,
                    agent_id,
                    origin=base_url,
                    verified=True,
                    reported="pending",
                )
            except RefusedError as error:
                id_ = known_id(one.event)
                work.note("message", id_, action="message.refuse", why=str(error))
                bad.append((id_, str(error)))
        last = max(one.seq for one in found)
        work.execute(
            inbound.SET_CURSOR, agent_id=agent_id, base_url=base_url, seq=last, now=work.now
        )
        return count

    count = Verbs(app).write("message.fetch", body)
    for id_, why in bad:
        refused(id_, why)
    return count
