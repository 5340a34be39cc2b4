"""The refusal of what is no bundle."""

from __future__ import annotations

from cleo_core.errors import CleoError


def invalid(why: str) -> CleoError:
    """``E_BUNDLE_INVALID``: the file is no bundle that could be imported; nothing was written."""
    return CleoError("E_BUNDLE_INVALID", f"The file is refused: {why}.", details={"reason": why})
