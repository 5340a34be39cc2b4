"""Write the snapshot of every store: the statements that make an empty file at head.

``--check`` writes nothing and exits 1 when a file on disk differs.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cleo_core.migrate import snapshot_source

ROOT = Path(__file__).resolve().parent.parent
STORES = (
    ("cleo_tasks.schema:metadata", "plugins/cleo-tasks/src/cleo_tasks/snapshot.py"),
    ("cleo_brain.schema:metadata", "plugins/cleo-brain/src/cleo_brain/snapshot.py"),
    ("cleo_conduit.schema:metadata", "plugins/cleo-conduit/src/cleo_conduit/snapshot.py"),
    ("cleo_nexus.schema:metadata", "plugins/cleo-nexus/src/cleo_nexus/snapshot.py"),
    ("cleo_signaldock.schema:metadata", "plugins/cleo-signaldock/src/cleo_signaldock/snapshot.py"),
    ("cleo_telemetry.schema:metadata", "plugins/cleo-telemetry/src/cleo_telemetry/snapshot.py"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, exit 1 on difference")
    parser.add_argument("schema", nargs="?", help="module:attr of the MetaData; absent: all")
    parser.add_argument("snapshot", nargs="?", help="the module to write")
    options = parser.parse_args()
    sys.path[:0] = [str(path) for path in sorted(ROOT.glob("plugins/*/src"))]
    stores = ((options.schema, options.snapshot),) if options.schema else STORES
    stale = 0
    for schema, file in stores:
        path = ROOT / file
        text = snapshot_source(schema, "make snapshots")
        if path.exists() and path.read_text("utf-8") == text:
            continue
        stale += 1
        if not options.check:
            path.write_text(text, "utf-8")
        print(f"{file}: {'differs' if options.check else 'written'}", file=sys.stderr)
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
