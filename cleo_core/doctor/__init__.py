"""Health checks: what is wrong, which command helps, and what can be mended without risk.

Checks only look. They run one by one, each with a time limit, and none can stop another; stores
are opened so that no byte changes (:mod:`cleo_core.database.examining`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cleo_core.doctor.finding import Finding
    from cleo_core.doctor.runner import Diagnosis, diagnose

__all__ = ["Diagnosis", "Finding", "diagnose"]

_HOMES = {"Finding": "finding", "Diagnosis": "runner", "diagnose": "runner"}


def __getattr__(name: str) -> Any:
    # Whoever only needs one module of this package does not pay for the runner.
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
