"""Work that is done once the answer is out: it changes neither output nor exit code."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.app import App

MODULE = """
import os, sys
import click
from cleo_core import hookimpl
from cleo_core.api import CommandSpec
from cleo_core.cli import Result, command

CLEO_API = (1, 0)


@hookimpl
def cleo_register_commands():
    return [CommandSpec("later", "later_plugin:later", "Later.", "Things")]


@command("later")
@click.argument("how")
def later(app, how):
    \"\"\"Leave something for later.\"\"\"
    def work():
        sys.stdout.flush()
        with open("done", "a") as file:
            file.write(how)
        if how == "fails":
            raise RuntimeError("not seen by anybody")
        if how == "interrupted":
            raise KeyboardInterrupt
        if how == "exits":
            sys.exit(9)
        app.warn("W_LATE", "too late")
        app.service("tasks").find("x")
    app.afterwards.add("one", work)
    app.afterwards.add("one", work)
    if how == "refused":
        from cleo_core.errors import UsageError
        raise UsageError("no")
    return Result({"how": how})
"""


@pytest.fixture
def later(tmp_path: Path, monkeypatch: Any) -> None:
    folder = tmp_path / "plugin"
    info = folder / "later-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: later\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[cleo.plugins]\nlater = later_plugin\n")
    (folder / "later_plugin.py").write_text(textwrap.dedent(MODULE))
    monkeypatch.syspath_prepend(str(folder))


class TestCommands:
    @pytest.mark.parametrize("how", ["works", "fails", "interrupted", "exits"])
    def test_the_answer_stays_what_it_was(
        self, later: None, cleo_project: Path, cleo_cli: Callable[..., Any], how: str
    ) -> None:
        outcome = cleo_cli("later", how)
        assert outcome.code == 0
        assert outcome.data == {"how": how}
        assert outcome.warnings == []
        assert outcome.err == ""
        assert Path("done").read_text() == how

    def test_a_refusal_stays_one(
        self, later: None, cleo_project: Path, cleo_cli: Callable[..., Any]
    ) -> None:
        assert cleo_cli("later", "refused").error["exit"] == 2


class TestApp:
    def test_it_is_done_once_when_the_app_is_closed(self, cleo_app: App) -> None:
        done: list[str] = []
        cleo_app.afterwards.add("a", lambda: done.append("never"))
        cleo_app.afterwards.add("a", lambda: done.append("a"))
        cleo_app.afterwards.add("b", lambda: 1 / 0)
        cleo_app.afterwards.add("c", lambda: done.append("c"))
        assert done == []
        cleo_app.close()
        cleo_app.close()
        assert done == ["a", "c"]
