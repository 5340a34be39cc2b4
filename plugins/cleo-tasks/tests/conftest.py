"""The tasks store alone with core, whatever other stores are installed."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def cleo_home(cleo_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A private home in which no other store is there."""
    monkeypatch.setenv("CLEO_PLUGINS", "tasks")
    return cleo_home
