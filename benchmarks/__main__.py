"""``make bench``: every benchmark, or those named: ``make bench ARGS="startup scale"``."""

from __future__ import annotations

import sys
from importlib import import_module

#: Name -> module, where they differ.
MODULES = {"recall": "brain_recall", "search": "brain_search", "writing": "brain_writing"}
NAMES = (
    *("startup", "scale", "importing", "contention", "health"),
    *("recall", "search", "writing", "identity", "migrating", "messaging", "storm", "projects"),
    *("telemetry", "backup"),
)


def main() -> None:
    """Run the benchmarks one after another."""
    for name in sys.argv[1:] or NAMES:
        import_module(f"benchmarks.{MODULES.get(name, name)}").main()


if __name__ == "__main__":
    main()
