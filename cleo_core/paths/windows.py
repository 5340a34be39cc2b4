"""What only Windows has: profiles that roam, and where another CLEO kept its databases."""

from __future__ import annotations

import os
from collections.abc import Mapping

#: GetProfileType (userenv.h) sets this bit for a profile that is copied between machines.
_ROAMING = 0x2


def profile_roams() -> bool:
    """Whether this person's profile is copied between machines at sign-in."""
    import ctypes

    windll = getattr(ctypes, "windll", None)
    if windll is None:
        return False
    flags = ctypes.c_ulong(0)
    return bool(windll.userenv.GetProfileType(ctypes.byref(flags))) and bool(flags.value & _ROAMING)


def old_databases(env: Mapping[str, str] = os.environ) -> list[str]:
    """Databases below ``%LOCALAPPDATA%\\cleo\\Data``, where the TypeScript CLEO kept them."""
    local = env.get("LOCALAPPDATA", "").strip()
    if not local:
        return []
    folder = os.path.join(local, "cleo", "Data")
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [os.path.join(folder, name) for name in names if name.lower().endswith(".db")]
