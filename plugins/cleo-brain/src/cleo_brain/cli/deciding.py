"""``cleo memory decide``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_brain.cli import service
from cleo_brain.cli.observing import show_stored, text_of
from cleo_brain.enums import CONFIDENCE, CONFIRMATION_STATE, DECIDED_BY, DECISION_TYPE, OUTCOME
from cleo_core.cli import Result, command
from cleo_core.errors import UsageError

if TYPE_CHECKING:
    from cleo_core.app import App


@command("decide", creates=True)
@click.option("--decision", help="What was decided; - is standard input.")
@click.option("--rationale", help="Why.")
@click.option("--type", "type_", type=click.Choice(DECISION_TYPE), help="Kind of decision.")
@click.option("--confidence", type=click.Choice(CONFIDENCE), help="How sure.")
@click.option("--outcome", type=click.Choice(OUTCOME), help="What came of it.")
@click.option("--alternative", "alternatives", multiple=True, help="What else was possible.")
@click.option("--task", help="The task that it was taken for.")
@click.option("--epic", help="The epic that it was taken for.")
@click.option("--phase", help="The phase.")
@click.option("--adr", metavar="ID", help="The architecture decision that records it.")
@click.option("--adr-path", metavar="PATH", help="Its file.")
@click.option("--state", type=click.Choice(CONFIRMATION_STATE), help="Proposed or accepted.")
@click.option("--decided-by", type=click.Choice(DECIDED_BY), help="Who decided.")
@click.option("--tag", "tags", multiple=True, help="A tag.")
@click.option("--supersedes", multiple=True, metavar="ID", help="A decision that it replaces.")
@click.option("--update", metavar="ID", help="Set --outcome or --state of a decision.")
def decide_command(
    app: App,
    update: str | None,
    decision: str | None,
    rationale: str | None,
    type_: str | None,
    idempotency_key: str | None,
    **given: Any,
) -> Result:
    """Record a decision; or, with --update, what came of one.

    Example: cleo memory decide --decision "One file per store" --rationale "it can be copied"
    """
    words = {name: value for name, value in given.items() if value not in (None, ())}
    if type_ is not None:
        words["type"] = type_
    if update is not None:
        strays = sorted(set(words) - {"outcome", "state"})
        if decision or rationale or strays or idempotency_key:
            raise UsageError(
                "--update sets --outcome and --state only; a text is corrected by a new decision.",
                fix=f"cleo memory decide --update {update} --outcome success",
            )
        stored = service(app).decide_update(update, outcome=given["outcome"], state=given["state"])
    else:
        if decision is None or rationale is None:
            raise UsageError(
                "A decision needs --decision and --rationale.",
                fix='cleo memory decide --decision "what" --rationale "why"',
            )
        stored = service(app).decide(
            text_of(decision), rationale, idempotency_key=idempotency_key, **words
        )
    return Result(stored, ids=[stored.id], human=lambda out: show_stored(out, stored))
