"""The filter options of ``find`` and what else filters entries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from cleo_brain.enums import KIND, TIER

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--kind", "kinds", multiple=True, type=click.Choice(KIND), help="Of this kind; repeatable."
    ),
    click.option(
        "--type", "types", multiple=True, metavar="TYPE", help="Of this type; repeatable."
    ),
    click.option("--tag", "tags", multiple=True, help="With this tag; several: with all of them."),
    click.option("--by-agent", metavar="ID", help="Written by this agent."),
    click.option("--task", metavar="ID", help="Linked to this task, or deciding about it."),
    click.option("--thread", help="Of this conversation."),
    click.option("--in-session", metavar="ID", help="Observed in this session."),
    click.option("--tier", type=click.Choice(TIER), help="In this tier."),
    click.option("--verified", is_flag=True, help="Verified ones only."),
    click.option("--since", metavar="TIME", help="Valid since then: 24h, 7d, a date or a time."),
    click.option("--until", metavar="TIME", help="Valid since then at the latest."),
    click.option(
        "--min-confidence", type=float, help="Learnings with at least this confidence today."
    ),
    click.option("--include-superseded", is_flag=True, help="Withdrawn ones too."),
    click.option("--as-of", metavar="TIME", help="What was valid at that time."),
)


def filter_options(function: F) -> F:
    """Add the filter options to a command."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function
