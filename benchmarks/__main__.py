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
    asked = sys.argv[1:]
    unknown = [name for name in asked if name not in NAMES]
    if unknown:
        helped = unknown[0] in ("-h", "--help")
        print(
            "" if helped else f"There is no benchmark {unknown[0]!r}. ",
            f"Benchmarks: {', '.join(NAMES)}; all of them unless some are named.",
            sep="",
            file=sys.stdout if helped else sys.stderr,
        )
        sys.exit(0 if helped else 64)
    for name in asked or NAMES:
        import_module(f"benchmarks.{MODULES.get(name, name)}").main()


if __name__ == "__main__":
    main()
