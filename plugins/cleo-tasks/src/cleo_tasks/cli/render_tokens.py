"""How token accounting looks to people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cleo_core.output import Printer
    from cleo_tasks.token_records import Measured, Summary, TokenUsage, Total


def recorded(out: Printer, usage: TokenUsage) -> None:
    """What became of a record."""
    tokens = _tokens(usage)
    name = "The record" if usage.id is None else f"Record {usage.id}"
    if usage.created and usage.id is None:
        out.line(f"Would be recorded: {tokens}")
    elif usage.created:
        out.line(f"Recorded {usage.id}: {tokens}")
    elif usage.changed:
        out.line(f"{name} of {usage.request_id} is known better now: {tokens}")
    else:
        out.line(f"{name} of {usage.request_id} stays, nothing better was given: {tokens}")


def estimate(out: Printer, found: Measured) -> None:
    """Tokens that texts would cost."""
    out.line(_tokens(found))


def lines(out: Printer, rows: Sequence[TokenUsage]) -> None:
    """Records as a table."""
    if not rows:
        out.line("No token records.")
        return
    out.table(
        ("id", "time", "model", "operation", "task", "in", "out", "total", "known"),
        [
            (
                row.id,
                row.created_at,
                row.model or row.provider,
                row.operation,
                row.task_id,
                row.input_tokens,
                row.output_tokens,
                row.total_tokens,
                f"{row.confidence} ({row.method})",
            )
            for row in rows
        ],
    )


def whole(out: Printer, rows: Sequence[TokenUsage]) -> None:
    """Records whole, one below the other."""
    for row in rows:
        out.line(f"{row.id}  {row.created_at}  {_tokens(row)}", "bold")
        for name in (
            *("provider", "model", "transport", "operation", "task_id", "session_id"),
            *("agent_id", "request_id", "input_chars", "output_chars", "request_hash"),
            *("response_hash", "metadata"),
        ):
            value = getattr(row, name)
            if value:
                out.line(f"  {name.replace('_', ' ')}: {value}")


def summary(out: Printer, found: Summary) -> None:
    """Totals, and where they come from."""
    out.line(
        f"{found.records} record{'' if found.records == 1 else 's'} · "
        f"{found.input_tokens} in · {found.output_tokens} out · "
        f"{found.total_tokens} tokens",
        "bold",
    )
    if not found.records:
        return
    out.line("known: " + _mix(found.confidence))
    for title, totals in (
        ("method", found.by_method),
        ("transport", found.by_transport),
        ("operation", found.by_operation),
        ("model", found.by_model),
    ):
        out.line("")
        _totals(out, title, totals)


def _totals(out: Printer, title: str, totals: Sequence[Total]) -> None:
    out.table(
        (title, "records", "in", "out", "total", "known"),
        [
            (
                "-" if one.name is None else one.name,
                one.records,
                one.input_tokens,
                one.output_tokens,
                one.total_tokens,
                _mix(one.confidence),
            )
            for one in totals
        ],
    )


def _mix(confidence: dict[str, dict[str, int]]) -> str:
    """``real 1200 · coarse 30``: the tokens of each confidence that occurs."""
    return " · ".join(
        f"{word} {part['totalTokens']}" for word, part in confidence.items() if part["records"]
    )


def _tokens(found: TokenUsage | Measured) -> str:
    return (
        f"{found.input_tokens} in, {found.output_tokens} out, {found.total_tokens} tokens "
        f"({found.confidence}, {found.method})"
    )
