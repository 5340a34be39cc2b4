"""How long work says how far it is."""

from __future__ import annotations

from collections.abc import Callable

#: Called with (what, how much of it is done, how much there is).
Progress = Callable[[str, int, int], None]
