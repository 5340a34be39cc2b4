"""A home in which no registry of agents takes `join` and `leave` over."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

import pytest

_INSTALLED = {entry.name for entry in entry_points(group="cleo.plugins")}


@pytest.fixture
def cleo_home(cleo_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A private home in which the plugin stands without the registry."""
    if "signaldock" in _INSTALLED:
        monkeypatch.setenv("CLEO_DISABLE_PLUGINS", "signaldock")
    return cleo_home
