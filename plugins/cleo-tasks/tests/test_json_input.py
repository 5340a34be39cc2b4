"""JSON that comes with ``add``: objects on the command line and in files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cleo_core.testing import Outcome

Cli = Callable[..., Outcome]


def nested(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


def test_metadata_comes_from_an_option_or_a_file(cleo_project: Path, cleo_cli: Cli) -> None:
    assert cleo_cli("add", "A", "--metadata", '{"x": [1]}').data["task"]["metadata"] == {"x": [1]}
    Path("task.json").write_text(json.dumps({"title": "B", "metadata": {"y": {"z": None}}}))
    added = cleo_cli("add", "--json-file", "task.json").data["task"]
    assert (added["title"], added["metadata"]) == ("B", {"y": {"z": None}})


@pytest.mark.parametrize("levels", [101, 300, 600, 900, 3_000, 30_000])
def test_json_that_is_nested_too_deep_is_refused(
    cleo_project: Path, cleo_cli: Cli, levels: int
) -> None:
    assert cleo_cli("add", "A", "--metadata", nested(levels)).error["exit"] == 2
    Path("task.json").write_text(f'{{"title": "A", "metadata": {nested(levels)}}}')
    assert cleo_cli("add", "--json-file", "task.json").error["exit"] == 2
    assert cleo_cli("list").data == []


@pytest.mark.parametrize("text", ["{", "[]", '{"colour": 1}', b"\xff"])
def test_standard_input_is_called_by_its_name(
    cleo_project: Path, cleo_cli: Cli, text: str | bytes
) -> None:
    error = cleo_cli("add", "--json-file", "-", input=text).error
    assert error["exit"] == 2
    assert error["message"].startswith("standard input ")


def test_json_of_a_hundred_levels_is_kept(cleo_project: Path, cleo_cli: Cli) -> None:
    added = cleo_cli("add", "A", "--metadata", nested(100)).data["task"]
    assert added["metadata"] == json.loads(nested(100))


def test_only_regular_files_are_read(cleo_project: Path, cleo_cli: Cli) -> None:
    os.mkfifo("pipe")
    Path("folder").mkdir()
    Path("shut").touch(0o000)
    shut = 3 if os.geteuid() else 2
    for name, code in (("pipe", 2), ("folder", 2), ("missing", 3), ("shut", shut), ("a\0b", 2)):
        error = cleo_cli("add", "--json-file", name).error
        assert error["exit"] == code, name
        assert error["fix"]
    assert cleo_cli("list").data == []
