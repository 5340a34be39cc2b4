"""Twenty thousand messages while senders, consumers and the delivery worker are killed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import cleo_core
from benchmarks.measure import CLEO, PYTHON, clean_env, run, table
from cleo_core.app import create_app
from cleo_core.initialize import initialize

STORM = Path(__file__).parents[1] / "plugins" / "cleo-conduit" / "tests" / "storm.py"
MESSAGES = int(os.environ.get("BENCH_MESSAGES", "1250"))
SENDERS = 16


def main() -> None:
    """Run it and print what was counted.

    :raises RuntimeError: something was lost, doubled, reordered or left wrong.
    """
    with tempfile.TemporaryDirectory(prefix="cleo-bench-") as name:
        folder = Path(name)
        plugin = folder / "plugin"
        info = plugin / "storm-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: storm\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[cleo.plugins]\nstorm = storm\n")
        shutil.copy(STORM, plugin / "storm.py")
        env = {**clean_env(folder / "home"), "CLEO_DISABLE_PLUGINS": "signaldock"}
        names = ["far", *(f"r{n}" for n in range(4)), *(f"s{n}" for n in range(SENDERS))]
        for root in (folder / "work", folder / "other"):
            root.mkdir()
            initialize(str(root), plugins=create_app(env=env).plugins, env=env)
            with cleo_core.open_app(str(root), env=env) as app:
                for agent in names if root.name == "work" else ("far",):
                    app.service("conduit").attach(agent)
        run([CLEO, "config", "set", "conduit.claim_seconds", "1"], env, folder / "work")
        done = subprocess.run(
            [PYTHON, str(plugin / "storm.py"), str(folder), str(MESSAGES), str(SENDERS)],
            cwd=folder / "work",
            env={**env, "PYTHONPATH": str(plugin), "STORM_OTHER": str(folder / "other")},
            capture_output=True,
            text=True,
            check=True,
        )
    found = json.loads(done.stdout)
    table("Messages under SIGKILL", ("what", "number"), list(found.items()))
    if found["faults"]:
        raise RuntimeError("; ".join(found["faults"][:5]))


if __name__ == "__main__":
    main()
