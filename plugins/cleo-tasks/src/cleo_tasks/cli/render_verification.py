"""How verification looks to people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cleo_tasks.enums import GATES

if TYPE_CHECKING:
    from cleo_core.output import Printer
    from cleo_tasks.gate_records import GateResult, Verification

SYMBOLS = {"pass": "✓", "warn": "!", "fail": "✗"}


def verification(out: Printer, found: Verification) -> None:
    """Each gate, then what came before."""
    out.line(f"{found.id}  round {found.round} of {found.max_rounds}", "bold")
    out.table(
        ("gate", "result", "by", "when", "evidence, reason"),
        [_row(gate, found.gates.get(gate)) for gate in GATES],
    )
    if found.missing:
        out.line(f"Missing: {', '.join(found.missing)}")
    standing = set(map(id, found.gates.values()))
    earlier = [one for one in found.results if id(one) not in standing]
    if earlier:
        out.line()
        out.line("Earlier", "bold")
        for one in earlier:
            words = "; ".join((*map(_shown, one.evidence), *([one.reason] if one.reason else [])))
            out.line(
                f"  round {one.round} {one.gate} {SYMBOLS[one.result]} {one.result}"
                f" by {one.agent_id or '-'} {one.checked_at}: {words}"
            )


def _row(gate: str, found: GateResult | None) -> tuple[str, ...]:
    if found is None:
        return gate, "-", "", "", ""
    return (
        gate,
        f"{SYMBOLS[found.result]} {found.result}",
        found.agent_id or "",
        found.checked_at,
        "; ".join((*map(_shown, found.evidence), *([found.reason] if found.reason else []))),
    )


def _shown(entry: Any) -> str:
    """One piece of evidence; imported ones may have any shape."""
    if not isinstance(entry, dict):
        return str(entry)
    match entry:
        case {"atom": "commit", "sha": str(sha)}:
            return f"commit {sha[:12]}"
        case {"atom": "test-run", "path": path, "passed": passed, "tests": tests}:
            return f"{path} ({passed} of {tests} tests passed)"
        case {"atom": "tool", "name": name, "exit": code}:
            return f"{name} exit {code}"
        case {"path": path}:
            return str(path)
        case {"url": url}:
            return str(url)
        case {"text": text}:
            return str(text)
    return " ".join(f"{key} {value}" for key, value in entry.items())
