"""Tasks, sessions, lifecycle, decisions and releases of one project: the ``tasks`` store."""

from __future__ import annotations

__version__ = "0.1.0"
