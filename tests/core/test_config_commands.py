"""``cleo config`` as a command: what is said before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("set", "backup.keep_last", "3"), 0),
        (("set", "backup.keep_lats", "3"), 8),
        (("set", "backup.keep_last", "many"), 8),
        (("set", "logging.level", "loud"), 8),
        (("set", "database.allow_non_wal", "tasks"), 8),
        (("unset", "backup.keep_last"), 0),
        (("unset", "agnet.id"), 0),
        (("unset", "no.such.key"), 8),
        (("preset", "apply", "standard"), 0),
        (("preset", "apply", "strictest"), 8),
    ],
    ids=str,
)
def test_a_dry_run_refuses_what_the_command_would_refuse_and_writes_nothing(
    cleo_project: Path, cleo_cli: Cli, frozen_bytes: Any, words: tuple[str, ...], code: int
) -> None:
    (cleo_project / ".cleo" / "config.json").write_text('{"agnet": {"id": "a1"}}')
    with frozen_bytes(cleo_project):
        rehearsed = cleo_cli("config", *words, "--dry-run")
    done = cleo_cli("config", *words)
    assert (rehearsed.code, done.code) == (code, code)
    if code:
        assert rehearsed.error == done.error


def test_what_validate_says_of_a_damaged_file_mends_it(cleo_project: Path, cleo_cli: Cli) -> None:
    (cleo_project / ".cleo" / "config.json").write_text("{")
    fix = cleo_cli("config", "validate").error["fix"]
    assert cleo_cli(*fix.split()[1:]).code == 0
    assert cleo_cli("config", "validate").code == 0
