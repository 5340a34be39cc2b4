"""Instances, their moves and their gates, for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from cleo_core.output import Printer
from cleo_nexus.records.instances import GateOutcome, Instance, Moved, MoveDone, Run

if TYPE_CHECKING:
    from cleo_core.app import App

_SIGNS = {"passed": "ok", "failed": "no", "unknown": "??"}


def print_instance(out: Printer, one: Instance) -> None:
    """An instance: where it stands, and what its gates came to."""
    attempt = f", attempt {one.attempt}" if one.attempt > 1 else ""
    out.line(f"{one.id}: {one.chain_id} {one.chain_version} of {one.epic.ref}")
    out.line(f"  status   {one.status}{attempt}")
    out.line(f"  active   {_names(one.active_stages)}")
    if one.waiting_stages:
        out.line(f"  waiting  {_names(one.waiting_stages)}, until no other path can reach it")
    for stage, task in one.stage_to_task.items():
        out.line(f"  task     {stage}: {task.ref}")
    for gate in one.gate_results:
        forced = " (forced)" if gate.forced else ""
        out.line(f"  {_SIGNS[gate.outcome]:<7}  {gate.gate_id}{forced}: {gate.message}")


def print_moved(out: Printer, found: Moved) -> None:
    """An instance after it was looked at or moved."""
    print_moves(out, found.moves)
    print_gates(out, found.gates)
    print_where(out, found.instance)


def print_run(out: Printer, found: Run) -> None:
    """How far an instance went, and what holds it up."""
    print_moves(out, found.moves)
    if not found.moves:
        out.line(f"{found.instance.id} has not moved.")
    for stop in found.stops:
        out.line(f"  {stop.stage} is held by a {stop.reason}: {stop.message}")
    print_where(out, found.instance)


def print_moves(out: Printer, moves: Iterable[MoveDone]) -> None:
    """Moves, one on each line."""
    for move in moves:
        passed = [stage for stage in move.skipped if stage != move.stage]
        how = "skipped" if move.stage in move.skipped else "left"
        parts = [
            f"{how} {move.stage}",
            *([f"skipped {_names(passed)}"] if passed else []),
            *([f"entered {_names(move.entered)}"] if move.entered else []),
            *([f"waiting for {_names(move.waiting)}"] if move.waiting else []),
            *([f"forced {_names(move.forced)}"] if move.forced else []),
        ]
        out.line(f"  {', '.join(parts)}")


def print_gates(out: Printer, gates: Iterable[GateOutcome]) -> None:
    """What gates came to, those in the way marked."""
    for gate in gates:
        mark = " (in the way)" if gate.blocks else " (forced)" if gate.forced else ""
        out.line(f"  {_SIGNS[gate.outcome]}  {gate.gate_id}{mark}: {gate.message}")


def print_where(out: Printer, one: Instance) -> None:
    """Where an instance stands, on one line."""
    active = f", active: {_names(one.active_stages)}" if one.active_stages else ""
    out.line(f"{one.id} is {one.status}{active}.")


def print_dry(out: Printer, app: App) -> None:
    """Say of a dry run that it was one."""
    if app.dry_run:
        out.line("This was a dry run: nothing is stored.")


def _names(stages: Sequence[str]) -> str:
    return ", ".join(stages) or "none"
