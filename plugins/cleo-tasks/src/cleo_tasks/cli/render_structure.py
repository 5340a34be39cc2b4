"""How hierarchy, dependencies, relations and suggestions look to people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cleo_tasks.cli.render import lines, status

if TYPE_CHECKING:
    from cleo_core.output import Printer
    from cleo_tasks.records import Line
    from cleo_tasks.service.graph import (
        Blocker,
        CriticalPath,
        Cycles,
        Dependencies,
        DependencyChange,
        Impact,
        Overview,
        Waves,
    )
    from cleo_tasks.service.placing import MoveResult, Node
    from cleo_tasks.service.readiness import Suggestion
    from cleo_tasks.service.relations import Relation, Similar


def tree(out: Printer, nodes: Sequence[Node]) -> None:
    """The hierarchy with branches."""
    if not nodes:
        out.line("No tasks.")
    stack = [(node, "", "") for node in reversed(nodes)]
    while stack:
        node, here, below = stack.pop()
        counted = f"  {node.done}/{node.total}" if node.total else ""
        out.line(f"{here}{node.id} {status(node.status)}  {node.title}{counted}")
        own = node.children or []
        for place, child in enumerate(reversed(own)):
            last = place == 0
            stack.append(
                (child, below + ("└─ " if last else "├─ "), below + ("   " if last else "│  "))
            )


def moved(out: Printer, result: MoveResult) -> None:
    """Where a task stands now."""
    one = result.task
    out.line(f"{one.id} is number {one.position} {_under(one.parent_id)}.")
    for change in result.retyped:
        out.line(f"{change['id']} was a {change['from']} and is a {change['to']} now.")


def dependencies(out: Printer, found: Dependencies) -> None:
    """Both sides of a task."""
    for heading, rows in (("Depends on", found.depends_on), ("Dependants", found.dependants)):
        out.line(heading, "bold")
        lines(out, rows)


def dependency_change(out: Printer, result: DependencyChange) -> None:
    """What a task waits for now."""
    for words, ids in (("waits for", result.added), ("no longer waits for", result.removed)):
        if ids:
            out.line(f"{result.task.id} {words} {', '.join(ids)}.")


def waves(out: Printer, found: Waves) -> None:
    """One block per wave."""
    if not found.waves:
        out.line("No open tasks.")
    for number, wave in enumerate(found.waves, 1):
        out.line(f"Wave {number}", "bold")
        for line in wave:
            out.line("  " + _brief(line))
    if found.outside:
        out.line(f"Also waiting for tasks elsewhere: {' '.join(found.outside)}")


def critical_path(out: Printer, found: CriticalPath) -> None:
    """The chain, one task per line."""
    if not found.path:
        out.line("No open tasks.")
    for number, line in enumerate(found.path, 1):
        out.line(f"{number:3} {_brief(line)}")


def impact(out: Printer, found: Impact) -> None:
    """Who waits, nearest first."""
    if not found.dependants:
        out.line("No open task waits for it.")
    for one in found.dependants:
        out.line(f"{one.distance:3} {_brief(one.task)}")


def cycles(out: Printer, found: Cycles) -> None:
    """The loops."""
    if not found.cycles:
        out.line("No tasks wait for each other.")
    for loop in found.cycles:
        out.line(f"{' → '.join(loop.path)}  ({loop.tasks} tasks)")


def overview(out: Printer, found: Overview) -> None:
    """The counts."""
    for words, count in (
        ("open tasks", found.open),
        ("ready to start", found.ready),
        ("waiting for a dependency", found.waiting),
        ("holding others up", found.blockers),
        ("open dependencies", found.dependencies),
        ("waves", "-" if found.waves is None else found.waves),
        ("loops", found.cycles),
    ):
        out.line(f"{count:>6} {words}")


def blockers(out: Printer, rows: Sequence[Blocker]) -> None:
    """Who holds how many up."""
    if not rows:
        out.line("No open task waits for another.")
        return
    out.table(
        ("id", "holds up", "root", "status", "title"),
        [
            (row.task.id, row.dependants, "root" if row.root else "", *_state(row.task))
            for row in rows
        ],
    )


def related(out: Printer, rows: Sequence[Relation], *, gone: bool = False) -> None:
    """Relations, with the task at the other end where it is known."""
    if not rows:
        out.line("No relations.")
    for row in rows:
        title = f"  {row.task.title}" if row.task is not None else ""
        reason = f" ({row.reason})" if row.reason else ""
        word = "Removed: " if gone else ""
        out.line(f"{word}{row.task_id} {row.relation_type} {row.related_to}{reason}{title}")


def similar(out: Printer, rows: Sequence[Similar]) -> None:
    """Suggestions with their reasons."""
    if not rows:
        out.line("No task is alike enough.")
        return
    out.table(
        ("id", "score", "same", "title"),
        [
            (
                row.task.id,
                row.score,
                " ".join(
                    [
                        *row.labels,
                        *(["(phase)"] if row.same_phase else []),
                        *(["(parent)"] if row.same_parent else []),
                    ]
                ),
                row.task.title,
            )
            for row in rows
        ],
    )


def suggestions(out: Printer, rows: Sequence[Suggestion]) -> None:
    """What to do next."""
    if not rows:
        out.line("Nothing is ready; see cleo blockers.")
    for row in rows:
        out.line(f"{row.score:4} {_brief(row.task)}")
        if row.parts is not None:
            points = [f"{name} {value}" for name, value in row.parts.items() if value]
            out.line(f"     {', '.join(points)}")


def _brief(line: Line) -> str:
    return f"{line.id} {status(line.status)}  {line.title}"


def _state(line: Line) -> tuple[str, str]:
    return status(line.status), line.title


def _under(parent: str | None) -> str:
    return f"under {parent}" if parent else "at the root"
