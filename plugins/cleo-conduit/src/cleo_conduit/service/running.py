"""``run``: the worker that carries mail to and from other machines."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

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
from cleo_core.errors import CleoError, ExitCode, UsageError
from cleo_core.locks import locked
from cleo_core.stopping import Stop

if TYPE_CHECKING:
    from cleo_core.app import App

#: Seconds between two looks at servers, and between two questions about what left for them.
POLL_SECONDS = 5.0
REFRESH_SECONDS = 60.0
#: Seconds between two signs of life.
BEAT_SECONDS = 30.0
Event = dict[str, Any]


class _Pulse:
    """Signs of life, no more often than every thirty seconds; a missed one is made up for."""

    def __init__(self, beat: Callable[[], None] | None) -> None:
        self._beat = beat
        self.last = float("-inf")

    def __call__(self) -> None:
        if self._beat is not None and time.monotonic() - self.last >= BEAT_SECONDS:
            try:
                self._beat()
            except CleoError as error:
                if error.exit != ExitCode.CONTENTION:
                    raise
                return
            self.last = time.monotonic()


class _Fetching:
    """The agents whose mail this process fetches, each under a lock of its own.

    :param wanted: fetch the mail of this agent alone.
    """

    def __init__(self, app: App, wanted: str | None) -> None:
        self._app = app
        self._wanted = wanted
        self._held: dict[str, tuple[Route, ExitStack]] = {}
        self._told: set[str] = set()

    def __enter__(self) -> _Fetching:
        return self

    def __exit__(self, *exception: object) -> None:
        while self._held:
            self._held.popitem()[1][1].close()

    @property
    def any(self) -> bool:
        """Whether there is an agent to fetch for."""
        return bool(self._held)

    def routes(self) -> dict[str, Route]:
        """Agent -> how its server is reached."""
        return {id_: route for id_, (route, _) in self._held.items()}

    def look(self) -> Iterator[Event]:
        """Take in agents that came, and let go those that went or moved.

        Tells once of each whose mail another process fetches.
        """
        found = {
            id_: route
            for id_, route in remote_agents(self._app).items()
            if self._wanted in (None, id_)
        }
        for id_, (route, lock) in list(self._held.items()):
            if found.get(id_) != route:
                del self._held[id_]
                lock.close()
        self._told &= found.keys()
        for id_, route in found.items():
            if id_ in self._held:
                continue
            taken = self._lock(id_, route)
            if taken is not None:
                self._held[id_] = route, taken
                self._told.discard(id_)
            elif id_ not in self._told:
                self._told.add(id_)
                yield {"event": "alreadyRunning", "agentId": id_}

    def _lock(self, agent_id: str, route: Route) -> ExitStack | None:
        """The lock of who fetches an agent's mail; None where another process has it."""
        name = hashlib.sha256(f"{agent_id} {route.base_url}".encode()).hexdigest()[:16]
        stack = ExitStack()
        try:
            stack.enter_context(locked(self._app.project.directory, f"{RUN_LOCK}{name}", timeout=0))
        except CleoError as error:
            if error.code != "E_LOCK_TIMEOUT":
                raise
            return None
        return stack


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
        consumer: str | None = None,
        beat: Callable[[], None] | None = None,
    ) -> Iterator[Event]:
        """Attempt what is due and fetch what waits elsewhere, until it is stopped.

        Events: ``started``, ``delivered`` and ``fetched`` with numbers, ``refused`` for what was
        fetched and is no message, ``error``, ``alreadyRunning`` for an agent whose mail another
        process fetches, ``stopped``. Once a minute it looks for agents that came or went, and
        whether that other process is gone.

        :param agent_id: fetch the mail of this agent alone.
        :param once: one pass.
        :param timeout: seconds after which it stops, and ends a program that runs then.
        :param poll_interval: seconds between two looks at the servers.
        :param program: gets each message for the acting agent, as from :meth:`watch`.
        :param consumer: which of the agent's processes the program is.
        :param beat: called every thirty seconds, between two attempts and while a program runs.
        :raises CleoError: with a program, 2 no agent acts; 99 it is not attached.
        :raises UsageError: 2, a consumer without a program.
        """
        wanted = None if agent_id is None else parse_agent_id(agent_id)
        if program is not None:
            acting(self.app, self.db)
        elif consumer is not None:
            raise UsageError("Only a program takes messages here.", fix="--exec ./on-message")
        deadline = None if timeout is None else time.monotonic() + timeout
        stop = stop or Stop()
        pulse = _Pulse(beat)

        def stopped() -> bool:
            pulse()
            return stop.wanted

        def handled() -> Iterator[Event]:
            if program is None:
                return
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            for event in self.watch(
                once=True,
                timeout=left,
                program=program,
                consumer=consumer,
                stop=stop,
                meanwhile=pulse,
            ):
                if event["event"] == "message":
                    yield event

        with ExitStack() as stack:
            yield {"event": "started", "agentId": wanted}
            fetching = stack.enter_context(_Fetching(self.app, wanted))
            waiter = stack.enter_context(self.waiter(EVERYBODY))
            fetched = looked = float("-inf")
            while True:
                now = time.monotonic()
                looks, fetches = now - looked >= REFRESH_SECONDS, now - fetched >= poll_interval
                contended = False
                try:
                    yield from self._carried(stopped)
                    if looks:
                        yield from fetching.look()
                    if fetches:
                        yield from self._fetched(fetching.routes(), stopped)
                        fetched = time.monotonic()
                    if looks:
                        refresh(self.app)
                        looked = time.monotonic()
                    yield from handled()
                except CleoError as error:
                    # Others write without pause; what is left is done a second later.
                    if error.exit != ExitCode.CONTENTION or once:
                        raise
                    contended = True
                    yield {"event": "error", "agentId": wanted, "message": error.message}
                if once or stop.wanted or (deadline is not None and time.monotonic() >= deadline):
                    break
                until = self._next(fetching.any, fetched + poll_interval, deadline)
                if beat is not None:
                    until = min(until, pulse.last + BEAT_SECONDS)
                if program is not None:
                    until = self._until(acting(self.app, self.db).agent_id, until) or until
                if contended:
                    until = max(until, time.monotonic() + LOOK)
                stop.blocking(True)
                try:
                    waiter.wait(until)
                finally:
                    stop.blocking(False)
            yield {"event": "stopped", "agentId": wanted}

    def _carried(self, stopped: Callable[[], bool]) -> Iterator[Event]:
        done = deliver_due(self.app, stopped)
        if done:
            yield {"event": "delivered", "attempts": done}

    def _fetched(self, routes: Mapping[str, Route], stopped: Callable[[], bool]) -> Iterator[Event]:
        for id_, route in routes.items():
            if stopped():
                return
            refused: list[tuple[str, str]] = []
            try:
                count = fetch(
                    self.app, id_, route, stopped, lambda *one, kept=refused: kept.append(one)
                )
            except Exception as error:  # one server's failure must not end the others' mail
                said = error.message if isinstance(error, CleoError) else f"{error}"
                yield {"event": "error", "agentId": id_, "message": said or type(error).__name__}
                continue
            for message_id, why in refused:
                yield {"event": "refused", "agentId": id_, "messageId": message_id, "message": why}
            if count:
                yield {"event": "fetched", "agentId": id_, "messages": count}

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
