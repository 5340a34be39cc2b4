"""The hook that this plugin adds: embedders."""

# mypy: disable-error-code="empty-body"

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cleo_brain.api import EmbedderSpec

hookspec = pluggy.HookspecMarker("cleo")


@hookspec
def cleo_brain_embedders() -> Iterable[EmbedderSpec]:
    """Embedders that the vector arm of memory search may use, as data.

    :fires: when a command embeds or searches, or says which embedder it would use.
    :writes: nothing; it imports nothing either.
    :on error: the plugin's embedders are passed over, with a warning.
    :since: 1.0
    """
