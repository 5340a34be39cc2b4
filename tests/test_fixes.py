"""Every command that a fix names is there, with the options that it names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = (ROOT / "cleo_core", *ROOT.glob("plugins/*/src"))
#: Stands for what is put into a text when it is used.
HOLE = "\N{OBJECT REPLACEMENT CHARACTER}"
#: Begins like a command and is none: it is hashed.
OTHERS = {f"cleo store {HOLE} {HOLE}"}


def literals(path: Path) -> Iterator[tuple[int, str]]:
    """(line, text) of the strings in a module, if one of them can begin with ``cleo``."""
    source = path.read_text("utf-8")
    if re.search(r"[\"']cleo ", source) is None:
        return
    tree = ast.parse(source)
    parts = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            said = (
                str(part.value) if isinstance(part, ast.Constant) else HOLE for part in node.values
            )
            yield node.lineno, "".join(said)
        elif isinstance(node, ast.Constant) and id(node) not in parts:
            yield node.lineno, str(node.value)


def fault(text: str, ctx: click.Context) -> str | None:
    """What of a command line is not there; None for nothing."""
    command: click.Command = ctx.command
    words = iter(re.split(r"[,(<\n]", text)[0].split()[1:])
    for word in words:
        if word.startswith("-"):
            options = {name: one for one in command.params for name in one.opts}
            name, _, value = word.partition("=")
            if HOLE not in name and name not in options and name != "--help":
                return f"no option {name}"
            if not value and not getattr(options.get(name), "is_flag", True):
                next(words, None)
        elif isinstance(command, click.Group) and HOLE not in word and word != "…":
            found = command.get_command(ctx, word)
            if found is None:
                return f"no command {word}"
            command = found
        elif isinstance(command, click.Group):
            return None
    return None


def is_sentence(text: str) -> bool:
    return re.search(r"\S\.$", text) is not None


@pytest.fixture(scope="module")
def ctx() -> Iterator[click.Context]:
    from cleo_core.cli.invocation import Invocation
    from cleo_core.cli.root import root

    with click.Context(root, info_name="cleo", obj=Invocation([], {})) as found:
        yield found


def test_every_command_that_a_text_begins_with_is_there(ctx: click.Context) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {text!r}: {problem}"
        for source in SOURCES
        for path in sorted(source.rglob("*.py"))
        for line, text in literals(path)
        if text.startswith("cleo ")
        and text not in OTHERS
        and not is_sentence(text)
        and (problem := fault(text, ctx)) is not None
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("cleo reconcile --apply", None),
        ("cleo restore-all", "no command restore-all"),
        ("cleo doctor --fixx", "no option --fixx"),
        ("cleo deps nothing T001", "no command nothing"),
        (f"cleo {HOLE} T001", None),
        (f"cleo deps remove {HOLE} {HOLE}", None),
        ("cleo list --status=pending", None),
        ("cleo --project . list", None),
    ],
)
def test_what_is_not_there_is_seen(ctx: click.Context, text: str, problem: str | None) -> None:
    assert fault(text, ctx) == problem
