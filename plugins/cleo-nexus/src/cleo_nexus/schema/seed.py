"""The rows of a fresh file."""

from __future__ import annotations

HEAD = "nexus_0001"

seed: tuple[str, ...] = ()
