"""``cleo agent capabilities`` and ``skills``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cleo_core.cli import Result, command
from cleo_core.output import Printer
from cleo_signaldock.cli import service

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_signaldock.records import Word


@command("capabilities", project="optional")
@click.option("--category", help="Only those of this category.")
def capabilities_command(app: App, category: str | None) -> Result:
    """List the capabilities that an agent can be given."""
    return _result("capabilities", service(app).capabilities(category))


@command("skills", project="optional")
@click.option("--category", help="Only those of this category.")
def skills_command(app: App, category: str | None) -> Result:
    """List the skills that an agent can be given."""
    return _result("skills", service(app).skills(category))


def _result(key: str, words: list[Word]) -> Result:
    def human(out: Printer) -> None:
        out.table(("slug", "name", "category"), [(w.slug, w.name, w.category) for w in words])

    return Result({key: words}, ids=[word.slug for word in words], human=human)
