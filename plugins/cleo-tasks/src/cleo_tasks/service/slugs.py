"""Titles as parts of ids and of names of files."""

from __future__ import annotations

import re
import unicodedata

LENGTH = 60


def slug_of(title: str) -> str:
    """Lower-case words of ASCII joined by hyphens; empty where a title has none."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:LENGTH].strip("-")
