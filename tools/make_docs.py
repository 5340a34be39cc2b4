"""Make the generated pages of docs/ from the code; ``--check`` says whether they are current.

cli.md from the commands' own help, hooks.md from the hook specifications, errors.md from the code
tables, guarantees.md from the marks on the tests.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
NOTE = "<!-- made by `make docs`; edits here are overwritten -->\n"


def cli_page() -> str:
    """Every command with its help, in the order of the root help."""
    from cleo_core.cli.invocation import Invocation
    from cleo_core.cli.root import root

    parts = [f"# Command line\n\n{NOTE}\n"]
    with click.Context(root, info_name="cleo", obj=Invocation([], {})) as ctx:
        parts.append(f"```\n{root.get_help(ctx)}\n```\n")
        for name in root.list_commands(ctx):
            command = root.get_command(ctx, name)
            assert command is not None
            parts.extend(_help(command, name, ctx))
    return "\n".join(parts)


def hooks_page() -> str:
    """Every hook with its signature and what its specification says."""
    from cleo_core import hookspecs

    parts = [
        f"# Hook reference\n\n{NOTE}",
        "A plugin is a module named by an entry point of the group `cleo.plugins`. Its functions "
        "are marked with `cleo_core.hookimpl` and name only the arguments they need.\n",
    ]
    for name, kind in hookspecs.HOOKS.items():
        function = getattr(hookspecs, name)
        signature = str(inspect.signature(function)).replace("'", "")
        parts.append(f"## {name}\n\n```python\n{name}{signature}\n```\n")
        parts.append(f"{inspect.getdoc(function)}\n")
        parts.append(f"Results: {kind.kind}. On error: {kind.on_error}.\n")
    return "\n".join(parts)


def errors_page() -> str:
    """Every symbolic code with exit, cause and fix."""
    from cleo_brain.errors import CODES as BRAIN
    from cleo_conduit.errors import CODES as CONDUIT
    from cleo_core.errors import CODES
    from cleo_nexus.errors import CODES as NEXUS
    from cleo_signaldock.errors import CODES as SIGNALDOCK
    from cleo_tasks.errors import CODES as TASKS

    parts = [f"# Errors\n\n{NOTE}\nA symbolic code has one exit code everywhere.\n"]
    for owner, codes in (
        ("core", CODES),
        ("cleo-tasks", TASKS),
        ("cleo-brain", BRAIN),
        ("cleo-conduit", CONDUIT),
        ("cleo-nexus", NEXUS),
        ("cleo-signaldock", SIGNALDOCK),
    ):
        parts.append(f"## {owner}\n")
        for code, (exit_code, cause, fix) in sorted(codes.items(), key=lambda item: item[1][0]):
            parts.append(f"### {code}\n\nExit {exit_code}. {cause} Usual fix: `{fix}`\n")
    return "\n".join(parts)


def guarantees_page() -> str:
    """What the suite proves, in the words of the marks."""
    shown: dict[tuple[str, int], list[tuple[str, str]]] = {}
    for path in sorted(_test_files()):
        for number, sentence, test in _marks(path):
            store, _, digits = number.rpartition("-")
            where = f"{path.relative_to(ROOT)}::{test}"
            shown.setdefault((store, int(digits)), []).append((sentence, where))
    parts = [
        f"# Guarantees\n\n{NOTE}",
        "Each sentence is shown by the test beside it, which fails without the code that keeps it."
        "\n",
    ]
    current = ""
    for (store, number), tests in sorted(shown.items()):
        if store != current:
            parts.append(f"## {store}\n")
            current = store
        for sentence, where in tests:
            parts.append(f"- **{store}-{number:02d}** {sentence} (`{where}`)")
    return "\n".join(parts) + "\n"


PAGES = {
    "cli.md": cli_page,
    "hooks.md": hooks_page,
    "errors.md": errors_page,
    "guarantees.md": guarantees_page,
}


def main() -> int:
    """Write the pages, or with ``--check`` compare them; 1 when a page is out of date."""
    check = "--check" in sys.argv
    stale = []
    DOCS.mkdir(exist_ok=True)
    for name, make in PAGES.items():
        text = re.sub(r"[ \t]+$", "", make(), flags=re.MULTILINE).rstrip() + "\n"
        path = DOCS / name
        if check:
            if not path.exists() or path.read_text("utf-8") != text:
                stale.append(name)
        else:
            path.write_text(text, "utf-8")
    if stale:
        print(f"out of date: {', '.join(stale)}; run `make docs`")
    return 1 if stale else 0


def _help(command: click.Command, path: str, parent: click.Context) -> Iterator[str]:
    with click.Context(command, info_name=path.split()[-1], parent=parent) as ctx:
        help_text = command.get_help(ctx).partition("Common options:")[0].rstrip()
        yield f"## cleo {path}\n\n```\n{help_text}\n```\n"
        if isinstance(command, click.Group):
            for name in command.list_commands(ctx):
                verb = command.get_command(ctx, name)
                assert verb is not None
                yield from _help(verb, f"{path} {name}", ctx)


def _test_files() -> Iterator[Path]:
    for folder in (ROOT / "tests", *sorted(ROOT.glob("plugins/*/tests"))):
        yield from folder.rglob("test_*.py")


def _marks(path: Path) -> Iterator[tuple[str, str, str]]:
    """(number, sentence, test) of each guarantee mark in a file."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for decorator in node.decorator_list:
            if (
                isinstance(decorator, ast.Call)
                and ast.unparse(decorator.func).endswith("guarantee")
                and len(decorator.args) == 2
            ):
                number, sentence = (ast.literal_eval(argument) for argument in decorator.args)
                yield number, sentence, node.name


if __name__ == "__main__":
    sys.exit(main())
