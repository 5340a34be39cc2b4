"""The short form of ``make chaos``: real processes on all stores, killed and starved."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_nothing_acknowledged_is_lost_whatever_befalls_the_processes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "chaos", "--calls", "150", "--processes", "5", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert found["faults"] == [], done.stderr
    assert done.returncode == 0
    assert found["acknowledged"] == 150
    assert found["kills"] > 5
    assert {"chores", "copies"} <= {word for word, number in found.items() if number}
    if not found["leftOut"]:
        assert all(found[weather] for weather in ("full", "failing", "clock"))
