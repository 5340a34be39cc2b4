"""Documentation as a contract: generated pages are current, nothing public is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cleo_core.errors import CODES
from cleo_core.hookspecs import HOOKS

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
TESTS = [
    path.read_text("utf-8")
    for folder in (ROOT / "tests", *ROOT.glob("plugins/*/tests"))
    for path in folder.rglob("*.py")
]


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_a_heading_with_its_signature_and_a_test(hook: str) -> None:
    page = (DOCS / "hooks.md").read_text("utf-8")
    assert f"## {hook}\n" in page
    assert f"```python\n{hook}(" in page
    assert any(hook in text for text in TESTS)


@pytest.mark.parametrize("code", CODES)
def test_every_error_code_has_a_heading_with_exit_and_cause(code: str) -> None:
    page = (DOCS / "errors.md").read_text("utf-8")
    assert f"### {code}\n\nExit {CODES[code][0]}. {CODES[code][1]}" in page


def test_every_code_that_core_raises_is_in_the_table() -> None:
    raised = set()
    for path in (ROOT / "cleo_core").rglob("*.py"):
        raised |= set(re.findall(r'"(E_[A-Z_]+)"', path.read_text("utf-8")))
    assert raised <= set(CODES)


@pytest.mark.parametrize(
    "page", [*sorted(ROOT.glob("*.md")), *sorted(DOCS.glob("*.md"))], ids=lambda path: path.name
)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_usual_fix_that_names_a_command_names_one_that_is_there() -> None:
    from cleo_core.cli.root import BUILT_IN
    from cleo_tasks.api import COMMANDS
    from cleo_tasks.errors import CODES as TASKS_CODES

    known = {*BUILT_IN, *(spec.name for spec in COMMANDS), "--help"}
    named = {
        code: fix.split()[1]
        for code, (_, _, fix) in {**CODES, **TASKS_CODES}.items()
        if fix.startswith("cleo ")
    }
    assert {code: word for code, word in named.items() if word not in known} == {}
