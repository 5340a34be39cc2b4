"""``make bench``: every benchmark, or those named: ``make bench ARGS="startup scale"``."""

from __future__ import annotations

import sys
from importlib import import_module

NAMES = ("startup", "scale", "importing", "contention", "health")


def main() -> None:
    """Run the benchmarks one after another."""
    for name in sys.argv[1:] or NAMES:
        import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
