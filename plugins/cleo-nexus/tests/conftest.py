"""The fixture ``atlas``: several real projects in one home."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_Atlas = runpy.run_path(str(Path(__file__).with_name("atlas.py")))["Atlas"]


@pytest.fixture
def atlas(cleo_home: Path) -> Iterator[Any]:
    """Projects below ``cleo_home / "projects"``: ``atlas.project("web")``, ``atlas.app("web")``."""
    folder = cleo_home / "projects"
    folder.mkdir()
    made = _Atlas(folder)
    yield made
    made.close()
