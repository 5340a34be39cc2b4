"""``analyze``: how commands performed, in figures and sentences."""

from __future__ import annotations

import itertools
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from cleo_core import clock, inputs
from cleo_core.errors import CleoError
from cleo_telemetry.records import Analysis, Figures, Observed, Totals, Window
from cleo_telemetry.service.file import MOST_DAYS, Verbs, flag, nothing, number
from cleo_telemetry.store import events
from cleo_telemetry.store.pruning import days_ago

#: Exits that say that there was nothing to show or to do, which is no failure.
NO_FAILURES = frozenset({0, 100, 102})
#: Runs from which on a rate of failures says something.
ENOUGH_RUNS = 5
#: Lines of the tables of failing and of slow commands.
MOST_LISTED = 10
#: Failing commands that are put into words.
MOST_SENTENCES = 5


class AnalyzeVerbs(Verbs):
    """The verb that computes."""

    def analyze(
        self, *, days: int = 30, command: str | None = None, observe: bool = False
    ) -> Analysis:
        """Figures of every command of the last days, and what stands out in words.

        :param command: this one alone, ``tasks.add``.
        :param observe: store the observations in the memory of the project.
        :raises CleoError: 2, a value can be none; 3, nothing can be stored outside of a project; 5,
            no memory is installed; ``E_NOTHING`` (100), nothing ran in that time.
        """
        days = number(days, "days", most=MOST_DAYS)
        if command is not None:
            command = inputs.as_filter(lambda given: inputs.plain_text(given, "command"), command)
        memory = self._memory() if flag(observe, "observe") else None
        window = Window(days=days, since=days_ago(days), until=clock.now())
        with self.reading() as db:
            rows = events.figures(db, window.since, command)
            found = tuple(
                _figures(name, list(group))
                for name, group in itertools.groupby(rows, key=lambda row: str(row[0]))
            )
        if not found:
            raise nothing(
                "No such command was recorded in that time.", "cleo telemetry analyze --days 365"
            )
        said = sentences(found, days)
        observed = None if memory is None else tuple(_stored(memory, one) for one in said)
        return Analysis(
            window=window,
            totals=_totals(found),
            commands=found,
            failing=failing(found),
            slowest=tuple(sorted(found, key=lambda one: (-one.mean_ms, one.command))[:MOST_LISTED]),
            once=tuple(one.command for one in found if one.runs == 1),
            observations=tuple(said),
            observed=observed,
        )

    def _memory(self) -> Any:
        app = self.app
        if app.project_or_none is None and app.project_problem is not None:
            raise app.project_problem
        assert app.project
        if not app.has_service("brain"):
            raise CleoError(
                "E_PLUGIN_MISSING",
                "No installed plugin keeps observations; cleo-brain does.",
                fix="pip install cleo-brain",
            )
        return app.service("brain")


def failing(found: Iterable[Figures]) -> tuple[Figures, ...]:
    """The commands that fail, the worst first."""
    enough = [one for one in found if one.runs >= ENOUGH_RUNS and one.failures]
    enough.sort(key=lambda one: (-one.failures / one.runs, -one.runs, one.command))
    return tuple(enough[:MOST_LISTED])


def sentences(found: Sequence[Figures], days: int) -> list[str]:
    """What stands out: the worst failing commands, and those far slower than most."""
    said = []
    for one in failing(found)[:MOST_SENTENCES]:
        most = f", most often with {one.top_error}" if one.top_error else ""
        said.append(
            f"{one.command} failed in {one.failures} of {one.runs} runs "
            f"({one.failures / one.runs:.0%}) of the last {days} days{most}."
        )
    usual = statistics.median(one.mean_ms for one in found)
    for one in sorted(found, key=lambda one: (-one.mean_ms, one.command)):
        if one.mean_ms > 2 * usual:
            said.append(
                f"{one.command} took {one.mean_ms:.0f} ms on average ({one.runs} in the last "
                f"{days} days), more than twice the {usual:.0f} ms that is usual."
            )
    return said


def _figures(command: str, rows: Sequence[tuple[Any, ...]]) -> Figures:
    """Of the rows of one command, ordered by duration."""
    durations = [int(row[1]) for row in rows]
    failed = [row for row in rows if row[2] not in NO_FAILURES]
    codes = Counter(str(row[3]) for row in failed if row[3] is not None)
    # The same number of times: the first by name, so that two analyses agree.
    top = min(codes, key=lambda code: (-codes[code], code)) if codes else None
    # Nearest rank: the smallest duration that 95 of 100 runs did not exceed.
    rank = -(-len(durations) * 95 // 100)
    return Figures(
        command=command,
        runs=len(rows),
        failures=len(failed),
        failure_rate=round(len(failed) / len(rows), 2),
        mean_ms=round(sum(durations) / len(durations), 2),
        median_ms=float(statistics.median(durations)),
        p95_ms=durations[rank - 1],
        max_ms=durations[-1],
        top_error=top,
    )


def _totals(found: Sequence[Figures]) -> Totals:
    runs, failures = sum(one.runs for one in found), sum(one.failures for one in found)
    return Totals(
        commands=len(found),
        runs=runs,
        failures=failures,
        failure_rate=round(failures / runs, 2),
    )


def _stored(memory: Any, text: str) -> Observed:
    done = memory.observe(text, tags=("telemetry",), link_current=False, force=True)
    return Observed(id=str(done.id), outcome=str(done.outcome))
