"""``run``: the worker that carries mail to and from other machines."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from cleo_conduit.ids import parse_agent_id
from cleo_conduit.service.acting import acting
from cleo_conduit.service.delivering import deliver_due
from cleo_conduit.service.fetching import fetch, remote_agents
from cleo_conduit.service.refreshing import refresh
from cleo_conduit.service.routing import Route
from cleo_conduit.service.watching import WatchVerbs
from cleo_conduit.service.work import RUN_LOCK
from cleo_conduit.store import jobs
from cleo_conduit.wake import EVERYBODY, LOOK
from cleo_core import clock
from cleo_core.errors import CleoError
from cleo_core.locks import locked
from cleo_core.stopping import Stop

#: Seconds between two looks at servers, and between two questions about what left for them.
POLL_SECONDS = 5.0
REFRESH_SECONDS = 60.0
#: Seconds between two signs of life.
BEAT_SECONDS = 30.0
Event = dict[str, Any]


class _Pulse:
    """Signs of life, no more often than every thirty seconds."""

    def __init__(self, beat: Callable[[], None] | None) -> None:
        self._beat = beat
        self.last = float("-inf")

    def __call__(self) -> None:
        if self._beat is not None and time.monotonic() - self.last >= BEAT_SECONDS:
            self._beat()
            self.last = time.monotonic()


class RunVerbs(WatchVerbs):
    """Carrying mail."""

    def run(
        self,
        agent_id: str | None = None,
        *,
        once: bool = False,
        timeout: float | None = None,
        poll_interval: float = POLL_SECONDS,
        stop: Stop | None = None,
        program: Sequence[str] | None = None,
        beat: Callable[[], None] | None = None,
    ) -> Iterator[Event]:
        """Attempt what is due and fetch what waits elsewhere, until it is stopped.

        Events: ``started``, ``delivered`` and ``fetched`` with numbers, ``error``,
        ``alreadyRunning`` for an agent whose mail another process fetches, ``stopped``.

        :param agent_id: fetch the mail of this agent alone.
        :param once: one pass.
        :param timeout: seconds after which it stops.
        :param poll_interval: seconds between two looks at the servers.
        :param program: gets each message for the acting agent, as from :meth:`watch`.
        :param beat: called every thirty seconds, between two attempts and while a program runs.
        """
        wanted = None if agent_id is None else parse_agent_id(agent_id)
        deadline = None if timeout is None else time.monotonic() + timeout
        stop = stop or Stop()
        pulse = _Pulse(beat)

        def stopped() -> bool:
            pulse()
            return stop.wanted

        with ExitStack() as stack:
            mine: dict[str, Route] = {}
            yield {"event": "started", "agentId": wanted}
            for id_, route in remote_agents(self.app).items():
                if wanted in (None, id_):
                    if self._taken(stack, id_, route):
                        mine[id_] = route
                    else:
                        yield {"event": "alreadyRunning", "agentId": id_}
            waiter = stack.enter_context(self.waiter(EVERYBODY))
            fetched = refreshed = float("-inf")
            while True:
                done = deliver_due(self.app, stopped)
                if done:
                    yield {"event": "delivered", "attempts": done}
                now = time.monotonic()
                if now - fetched >= poll_interval:
                    yield from self._fetched(mine, stopped)
                    fetched = time.monotonic()
                if now - refreshed >= REFRESH_SECONDS:
                    refresh(self.app)
                    refreshed = time.monotonic()
                if program is not None:
                    for event in self.watch(once=True, program=program, stop=stop, meanwhile=pulse):
                        if event["event"] == "message":
                            yield event
                if once or stop.wanted or (deadline is not None and time.monotonic() >= deadline):
                    break
                until = self._next(bool(mine), fetched + poll_interval, deadline)
                if beat is not None:
                    until = min(until, pulse.last + BEAT_SECONDS)
                if program is not None:
                    until = self._until(acting(self.app, self.db).agent_id, until) or until
                stop.blocking(True)
                try:
                    waiter.wait(until)
                finally:
                    stop.blocking(False)
            yield {"event": "stopped", "agentId": wanted}

    def _fetched(self, mine: dict[str, Route], stopped: Callable[[], bool]) -> Iterator[Event]:
        for id_, route in list(mine.items()):
            if stopped():
                return
            try:
                count = fetch(self.app, id_, route, stopped)
            except Exception as error:  # one server's failure must not end the others' mail
                said = error.message if isinstance(error, CleoError) else f"{error}"
                yield {"event": "error", "agentId": id_, "message": said or type(error).__name__}
                continue
            if count:
                yield {"event": "fetched", "agentId": id_, "messages": count}

    def _taken(self, stack: ExitStack, agent_id: str, route: Route) -> bool:
        """Whether this process is the one that fetches an agent's mail."""
        name = hashlib.sha256(f"{agent_id} {route.base_url}".encode()).hexdigest()[:16]
        directory = self.app.project.directory
        try:
            stack.enter_context(locked(directory, f"{RUN_LOCK}{name}", timeout=0))
        except CleoError as error:
            if error.code != "E_LOCK_TIMEOUT":
                raise
            return False
        return True

    def _next(self, fetches: bool, next_fetch: float, deadline: float | None) -> float:
        """When there is something to do at the latest, by ``time.monotonic()``."""
        now = time.monotonic()
        until = [now + REFRESH_SECONDS]
        if fetches:
            until.append(next_fetch)
        due = self.db.scalar(jobs.NEXT)
        if due is not None:
            left = clock.parse_time(due) - clock.seconds()
            # One that is long due stands behind another that somebody holds.
            until.append(now + (max(0.05, left) if left > -LOOK else LOOK))
        if deadline is not None:
            until.append(deadline)
        return min(until)
