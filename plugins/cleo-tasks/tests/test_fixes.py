"""What errors offer as a way out belongs to the command that was refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from cleo_core.cli.command import COMMON_OPTIONS
from cleo_core.cli.invocation import Invocation
from cleo_core.cli.root import root
from cleo_core.testing.fixtures import Outcome

Cli = Callable[..., Outcome]

SURROGATE = "x\udc80"
LONG = "x y" * 20_000
COMMON = {option.name for option in COMMON_OPTIONS}
#: Where ids and names are found, which is a way out of any command.
LISTS = re.compile(r"cleo (([a-z-]+ )?(list|find|stages)|release plan v1.2.0|session start)\b")
GOOD = {"type": "executor", "result": "pass"}


def leaves() -> Iterator[tuple[str, click.Command]]:
    """Every verb of the plugin, with its path."""
    invocation = Invocation([])
    with click.Context(root, obj=invocation) as ctx:
        for name in invocation.plugins.commands:
            command = root.get_command(ctx, name)
            assert command is not None
            if isinstance(command, click.Group):
                yield from ((f"{name} {verb}", one) for verb, one in command.commands.items())
            else:
                yield name, command


def taking_text(command: click.Command) -> list[click.Parameter]:
    return [
        param
        for param in command.params
        if param.name not in COMMON
        and type(param.type) is click.types.StringParamType
        and not getattr(param, "is_flag", False)
    ]


def words(command: click.Command, values: dict[str, str]) -> list[str]:
    """A command line: these values, and something for whatever else must be given."""
    found: list[str] = []
    for param in command.params:
        name = str(param.name)
        if name not in values and not param.required:
            continue
        value = values.get(name, GOOD.get(name, "T001"))
        if isinstance(param, click.Argument):
            found.append(value)
        else:
            found += [f"{param.opts[0]}={value}"]
    return found


def outcomes(cleo_cli: Cli, text: str, *more: str) -> Iterator[tuple[str, str, list[str]]]:
    """What each verb answers to a text in every place that takes one: path, message, fixes.

    :param more: values for ``--metadata`` alone.
    """
    for path, command in leaves():
        names = [str(param.name) for param in taking_text(command)]
        tries = [dict.fromkeys(names, text)]
        if "metadata" in names:
            tries += [{"metadata": value} for value in more]
        for values in tries:
            found = cleo_cli(*path.split(), *words(command, values), agent="ada", input="{}")
            if found.code not in (0, 100, 102):
                error = found.error
                problems = error.get("details", {}).get("problems", [])
                yield path, error["message"], [one["fix"] for one in (error, *problems)]


def test_every_fix_belongs_to_the_command_that_was_refused(
    cleo_cli: Cli, cleo_project: Path
) -> None:
    cleo_cli("add", "first")
    refused = 0
    for path, message, fixes in outcomes(cleo_cli, SURROGATE, '{"a":1e999}', "[1]", "{"):
        refused += 1
        for fix in fixes:
            own = fix.startswith(f"cleo {path} ") or not fix.startswith("cleo ")
            assert own or LISTS.match(fix), (path, message, fix)
    assert refused > 80


def test_no_error_repeats_all_of_a_long_value(cleo_cli: Cli, cleo_project: Path) -> None:
    cleo_cli("add", "first")
    refused = 0
    for path, message, fixes in outcomes(cleo_cli, LONG):
        refused += 1
        assert max(map(len, (message, *fixes))) < 2000, (path, message[:200])
    assert refused > 80


@pytest.mark.parametrize(
    ("argv", "fix"),
    [
        (("token", "record", "--request-id", SURROGATE), "cleo token record --help"),
        (("token", "record", "--metadata", '{"a":1e999}'), "cleo token record --help"),
        (("manifest", "find", SURROGATE), "cleo manifest find --help"),
        (("phase", "show", SURROGATE), "cleo phase show --help"),
        (("update", "T001", "--title", ""), "cleo update --help"),
        (("add", "x", "--desc", SURROGATE, "--note", " "), "cleo add --help"),
        (("list", "--limit", "x"), "cleo list --help"),
    ],
)
def test_an_error_without_a_better_way_names_its_own_help(
    argv: tuple[str, ...], fix: str, cleo_cli: Cli, cleo_project: Path
) -> None:
    cleo_cli("add", "first")
    error = cleo_cli(*argv).error
    problems = error.get("details", {}).get("problems", [error])
    assert problems[0]["fix"] == fix


def test_a_line_of_a_batch_names_the_batch(cleo_cli: Cli, cleo_project: Path) -> None:
    error = cleo_cli("add-batch", input='{"title": "x", "odd": 1}\n').error
    (failed,) = error["details"]["failed"]
    assert {error["fix"], failed["problems"][0]["fix"]} == {"cleo add-batch --help"}


@pytest.mark.parametrize(
    "argv", ["{}", "list --field {}", "list --project {}", "config get {}", "list --{}", "phase {}"]
)
def test_no_word_of_any_length_makes_an_error_of_that_length(
    argv: str, cleo_cli: Cli, cleo_project: Path
) -> None:
    outcome = cleo_cli(*(word.format("z" * 70_000) for word in argv.split()))
    assert outcome.code in (2, 3, 8)
    assert len(outcome.out) + len(outcome.err) < 15_000


@pytest.mark.parametrize("command", ["stats", "dash", "export"])
def test_a_long_id_is_cut_in_its_details_too(
    command: str, cleo_cli: Cli, cleo_project: Path
) -> None:
    outcome = cleo_cli(command, "--within", "7" * 70_000)
    assert outcome.code == 2
    assert len(outcome.out) < 1000
