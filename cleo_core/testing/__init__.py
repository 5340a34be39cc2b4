"""A pytest plugin for people who write stores: ``pytest -p cleo_core.testing``.

Fixtures give every test a private home (``cleo_home``), a project (``cleo_project``), one that is
filled once (``cleo_once``), Apps (``cleo_app``, ``cleo_open``), the command line (``cleo_cli``), a
settable clock (``cleo_clock``), real processes (``cleo_processes``), faults at chosen statements
(``cleo_faults``) and a proof that files were left alone (``frozen_bytes``). No test can reach a
real home: while ``CLEO_TEST_ROOT`` is set, core refuses every path outside it.

:class:`StoreConformance` shows for a store everything that CLEO promises for all of them; see
:mod:`cleo_core.testing.conformance`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cleo_core.testing.faults import Faults, cleo_faults
from cleo_core.testing.fixtures import (
    Clock,
    Frozen,
    cleo_app,
    cleo_cli,
    cleo_clock,
    cleo_home,
    cleo_once,
    cleo_open,
    cleo_processes,
    cleo_project,
    frozen_bytes,
)
from cleo_core.testing.outcome import Outcome
from cleo_core.testing.processes import Processes

if TYPE_CHECKING:
    from cleo_core.testing.conformance import StoreConformance

__all__ = [
    "Clock",
    "Faults",
    "Frozen",
    "Outcome",
    "Processes",
    "StoreConformance",
    "cleo_app",
    "cleo_cli",
    "cleo_clock",
    "cleo_faults",
    "cleo_home",
    "cleo_once",
    "cleo_open",
    "cleo_processes",
    "cleo_project",
    "frozen_bytes",
]


def pytest_configure(config: object) -> None:
    """Register the marks, and read what does not change once."""
    from cleo_core.testing.once import remember

    remember()
    add = getattr(config, "addinivalue_line")  # noqa: B009 # pytest is no import-time need here
    add("markers", "guarantee(number, sentence): the test shows a statement of a specification")
    add("markers", "slow: takes more than a few seconds")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print which checks of the conformance kit were left out, and why."""
    from cleo_core.testing.conformance import left_out

    reports = [one for group in terminalreporter.stats.values() for one in group]
    found = sorted(left_out(reports))
    if found:
        terminalreporter.section("conformance: not checked")
        for line in found:
            terminalreporter.write_line(line)


def __getattr__(name: str) -> Any:
    if name == "StoreConformance":
        from cleo_core.testing.conformance import StoreConformance

        return StoreConformance
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
