"""What every store promises."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from cleo_core.database import Database
from cleo_core.testing import StoreConformance
from cleo_core.testing.conformance import Scene, Subject

_NO_ENTITY = "a timing is no entity that others refer to"


class TestStore(StoreConformance):
    plugin = "cleo-telemetry"

    @pytest.fixture
    def scene(self, subject: Subject, cleo_home: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
        """A project with rows, in which what the kit runs is not recorded on top of them."""
        made = Scene(cleo_home, self, subject)
        with monkeypatch.context() as patch:
            # What commands leave of the log would be folded in by the first that writes.
            patch.setattr(Database, "leave", Database.close)
            made.prepare(once=type(self))
        monkeypatch.setenv("DO_NOT_TRACK", "1")
        return made

    setup = (("telemetry", "enable"), ("version",), ("version",), ("stores",))
    commands: ClassVar[Mapping[str, Any]] = {
        "telemetry analyze": ("telemetry", "analyze", "--command", "core.version"),
        # With calls before it, the kit leaves it out of those that a spoilt file must refuse: who
        # wants to be measured no more is heard, whatever became of the file.
        "telemetry disable": {
            "argv": ("telemetry", "disable"),
            "before": (("telemetry", "disable"), ("telemetry", "enable")),
        },
        "telemetry enable": {
            "argv": ("telemetry", "enable"),
            "before": (("telemetry", "disable"),),
        },
        "telemetry export": ("telemetry", "export"),
        "telemetry prune": {
            "argv": ("telemetry", "prune"),
            "before": (("config", "set", "telemetry.max_rows", "1", "--global"),),
        },
        "telemetry purge": ("telemetry", "purge", "--yes"),
        "telemetry show": ("telemetry", "show"),
        "telemetry status": ("telemetry", "status"),
    }
    skip: ClassVar[Mapping[str, Any]] = {
        **{
            f"guards: telemetry {verb}": _NO_ENTITY
            for verb in ("analyze", "disable", "enable", "export", "prune", "purge")
        },
    }
