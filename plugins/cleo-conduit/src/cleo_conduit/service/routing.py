"""On which way a message leaves for a recipient."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from cleo_core.errors import CleoError

if TYPE_CHECKING:
    from cleo_conduit.transport import TransportSpec
    from cleo_core.app import App


class Route:
    """How a recipient is reached.

    :ivar transport: name of the transport; ``local``: the row is the mailbox.
    :ivar base_url: the server.
    :ivar parked_for: why a job must wait from the beginning, with ``error`` in words.
    """

    __slots__ = ("base_url", "error", "parked_for", "transport")

    def __init__(
        self,
        transport: str,
        base_url: str | None = None,
        parked_for: str | None = None,
        error: str | None = None,
    ) -> None:
        self.transport = transport
        self.base_url = base_url
        self.parked_for = parked_for
        self.error = error


LOCAL = Route("local")


class Routes:
    """Routes as the registry of agents knows them; without one everybody is here."""

    def __init__(self, app: App) -> None:
        self.app = app
        self._known: dict[str, Route] = {}

    def of(self, agent_id: str) -> Route:
        """The route to a recipient."""
        if not self.app.has_service("agents"):
            return LOCAL
        if agent_id not in self._known:
            self._known[agent_id] = self._find(agent_id)
        return self._known[agent_id]

    def _find(self, agent_id: str) -> Route:
        from cleo_core.agent_ids import is_reserved

        if is_reserved(agent_id):
            return LOCAL
        try:
            kind, base_url = _address(self.app.service("agents"), agent_id)
        except CleoError:
            # Nobody can say where it lives: it is written to where it reads.
            return LOCAL
        if kind == "local" or not base_url:
            return LOCAL
        scheme = base_url.partition(":")[0].lower()
        spec = transport_for(self.app, scheme)
        if spec is None:
            return Route(
                kind,
                base_url,
                "transport",
                f"No installed plugin carries mail to {scheme} addresses; see cleo plugins.",
            )
        return Route(spec.name, base_url)


def _address(agents: Any, agent_id: str) -> tuple[str, str | None]:
    """Transport and server of an agent; a registry may say that without all the rest."""
    if hasattr(agents, "address"):
        found: tuple[str, str | None] = agents.address(agent_id)
        return found
    transport = agents.get(agent_id, everywhere=True).transport
    return transport["type"], transport["baseUrl"]


def transports(app: App) -> list[TransportSpec]:
    """All transports, by their order, then by name.

    A plugin whose hook fails, or whose transport has a name that is taken, gives none.
    """
    from cleo_conduit.transport import TransportSpec

    found: dict[str, TransportSpec] = {}
    for outcome in app.plugins.call("cleo_conduit_transports"):
        if outcome.error is not None:
            app.warn(
                "W_HOOK_FAILED",
                f"Plugin {outcome.plugin} gives no transports: {outcome.error}",
            )
            continue
        for spec in _listed(outcome.value):
            if not isinstance(spec, TransportSpec):
                app.warn(
                    "W_HOOK_FAILED",
                    f"Plugin {outcome.plugin} gives a {type(spec).__name__} as a transport.",
                )
                continue
            if spec.name in found:
                app.warn(
                    "W_DUPLICATE_TRANSPORT",
                    f"The transport {spec.name!r} of plugin {outcome.plugin} is left out: "
                    "another plugin has one of that name.",
                )
                continue
            found[spec.name] = spec
    return sorted(found.values(), key=lambda spec: (spec.order, spec.name))


def transport_for(app: App, scheme: str) -> TransportSpec | None:
    """The first transport that carries mail to addresses of a scheme."""
    return next((spec for spec in transports(app) if scheme in spec.schemes), None)


def _listed(specs: object) -> list[object]:
    if specs is None:
        return []
    return list(specs) if isinstance(specs, Iterable) else [specs]
