"""The hook that this plugin adds: transports."""

# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cleo_conduit.api import TransportSpec

hookspec = pluggy.HookspecMarker("cleo")


@hookspec
def cleo_conduit_transports() -> Iterable[TransportSpec]:
    """Transports that carry messages to other machines, as data.

    :fires: when a message has a recipient elsewhere, and when mail from elsewhere is fetched.
    :writes: nothing; it imports nothing either.
    :on error: the plugin's transports are passed over, with a warning.
    :since: 1.0
    """
