"""The graph of a chain: which stage comes before which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cleo_nexus.definitions.records import Definition, Link

#: Stage -> the stages that are one link further.
Steps = Mapping[str, Sequence[str]]


def stage_order(definition: Definition) -> tuple[str, ...]:
    """All stages so that each comes after those that lead to it; else in the definition's order.

    Stages on a cycle, which no valid chain has, come last.
    """
    ahead = steps(definition.links)
    waiting = {stage.id: len(definition.links_to(stage.id)) for stage in definition.stages}
    ready = [stage.id for stage in definition.stages if not waiting[stage.id]]
    place = {stage.id: at for at, stage in enumerate(definition.stages)}
    found: list[str] = []
    while ready:
        ready.sort(key=place.__getitem__)
        one = ready.pop(0)
        found.append(one)
        for after in ahead.get(one, ()):
            waiting[after] -= 1
            if not waiting[after]:
                ready.append(after)
    return (*found, *(id_ for id_ in place if id_ not in set(found)))


def reachable(definition: Definition, stage_id: str) -> frozenset[str]:
    """The stages that one or more links lead to from a stage."""
    return beyond(steps(definition.links), (stage_id,))


def preceding(definition: Definition, stage_id: str) -> frozenset[str]:
    """The stages that lead to a stage by one or more links."""
    return beyond(steps(definition.links, backwards=True), (stage_id,))


def steps(links: Iterable[Link], *, backwards: bool = False) -> dict[str, list[str]]:
    """Each stage's next ones, or those before it."""
    found: dict[str, list[str]] = {}
    for link in links:
        one, other = (link.to, link.from_) if backwards else (link.from_, link.to)
        found.setdefault(one, []).append(other)
    return found


def beyond(ahead: Steps, starts: Iterable[str]) -> frozenset[str]:
    """What one or more steps lead to from any of the starts."""
    found: set[str] = set()
    pending = list(starts)
    while pending:
        for one in ahead.get(pending.pop(), ()):
            if one not in found:
                found.add(one)
                pending.append(one)
    return frozenset(found)


def cycle(ahead: Steps) -> list[str] | None:
    """A way that comes back to where it began, its first stage again at the end; None if none."""
    done: set[str] = set()
    for start in ahead:
        way: list[str] = []
        pending: list[tuple[str, bool]] = [(start, False)]
        while pending:
            one, left = pending.pop()
            if left:
                done.add(way.pop())
            elif one in way:
                return [*way[way.index(one) :], one]
            elif one not in done:
                way.append(one)
                pending.append((one, True))
                pending.extend((after, False) for after in reversed(ahead.get(one, ())))
    return None
