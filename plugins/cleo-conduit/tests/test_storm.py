"""Senders, consumers and the delivery worker under SIGKILL: `make bench ARGS=storm`, small."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cleo_core.testing import Outcome

STORM = Path(__file__).with_name("storm.py")
MESSAGES = 16


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.guarantee(
    "conduit-01",
    "Sixteen senders, sixteen consumers and a delivery worker that are killed all the time lose, "
    "double and reorder nothing.",
)
def test_nothing_is_lost_doubled_or_reordered(
    cleo_project: Path,
    cleo_cli: Callable[..., Outcome],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepare(cleo_project, cleo_cli, tmp_path, monkeypatch)
    done = subprocess.run(
        [sys.executable, str(STORM), str(tmp_path), str(MESSAGES)],
        cwd=cleo_project,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert found["faults"] == [], done.stderr[-3000:]
    assert found["sent"] == 16 * MESSAGES
    assert found["far"] == 16 * (MESSAGES // 10)
    assert found["kills"] >= 10


def prepare(
    project: Path, cli: Callable[..., Outcome], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both projects, with everybody in them, and the plugin of the storm."""
    info = folder / "plugin" / "storm-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: storm\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[cleo.plugins]\nstorm = storm\n")
    shutil.copy(STORM, folder / "plugin" / "storm.py")
    other = folder / "other"
    other.mkdir()
    assert cli("init", "--path", str(other)).code == 0
    assert cli("config", "set", "conduit.claim_seconds", "1").code == 0
    everybody = ["far", *(f"r{n}" for n in range(4)), *(f"s{n}" for n in range(16))]
    for name in everybody:
        assert cli("conduit", "join", name).code == 0
    assert cli("conduit", "join", "far", "--project", str(other)).code == 0
    earlier = os.environ.get("PYTHONPATH")
    path = str(folder / "plugin")
    monkeypatch.setenv("PYTHONPATH", f"{path}{os.pathsep}{earlier}" if earlier else path)
    monkeypatch.setenv("STORM_OTHER", str(other))
