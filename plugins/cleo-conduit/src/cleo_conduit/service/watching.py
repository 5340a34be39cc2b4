"""``watch``: messages and what becomes of one's own, as they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from cleo_conduit.records.messages import Claimed
from cleo_conduit.service.acting import acting
from cleo_conduit.service.handling import run_program
from cleo_conduit.service.receiving import ReceiveVerbs, consumer_name, move
from cleo_conduit.service.work import Work
from cleo_conduit.store import receiving, watching
from cleo_core import clock
from cleo_core.errors import CleoError, ExitCode
from cleo_core.output import to_json
from cleo_core.stopping import Stop

#: Messages that are taken at once.
BATCH = 20
Event = dict[str, Any]


class WatchVerbs(ReceiveVerbs):
    """Waiting for mail."""

    def watch(
        self,
        *,
        consumer: str | None = None,
        timeout: float | None = None,
        once: bool = False,
        handler: Callable[[Claimed], bool] | None = None,
        program: Sequence[str] | None = None,
        stop: Stop | None = None,
        meanwhile: Callable[[], None] | None = None,
    ) -> Iterator[Event]:
        """Events as they come: ``started``, ``message``, ``state``, ``stopped``.

        A message is confirmed when the iterator is asked for the next event; with a handler, when
        that returned true. What it refused, and later messages of the same conversation, stay
        claimed and are handed over again. ``lost`` says of a message that the handler took so long
        that somebody else was handed it.

        :param timeout: seconds after which it stops.
        :param once: look once and stop.
        :param handler: given each message.
        :param program: instead of a handler the words of a command, which gets each message on its
            standard input as JSON and deals with it by ending with 0. While it runs, the claims on
            its message and on those behind it are renewed; when the time is over or it is to stop,
            the program is ended with everything that it started.
        :param stop: asked after each message, and told when it begins and ends to wait.
        :param meanwhile: called ten times a second while a program runs.
        :raises CleoError: 2 no agent; 99 not attached.
        """
        who = acting(self.app, self.db)
        mine = who.agent_id if consumer is None else consumer_name(consumer)
        deadline = None if timeout is None else time.monotonic() + timeout
        stop = stop or Stop()
        with self.waiter(who.agent_id) as waiter:
            seen = watching.last(self.db)
            yield {"event": "started", "agentId": who.agent_id, "consumer": mine}
            while True:
                while self._waits(who.agent_id):
                    found = _Batch(self, mine, self.poll(limit=BATCH, consumer=mine).messages)
                    deal = handler
                    if program is not None:
                        deal = _giving(program, found, stop, deadline, meanwhile)
                    yield from self._handed_over(found, deal, stop)
                    if found.count < BATCH or stop.wanted or _is_over(deadline):
                        break
                until = watching.last(self.db)
                for row in watching.states(self.db, who.agent_id, seen, until):
                    yield {"event": "state", **_state(row)}
                seen = until
                if once or stop.wanted or _is_over(deadline):
                    break
                stop.blocking(True)
                try:
                    waiter.wait(self._until(who.agent_id, deadline))
                finally:
                    stop.blocking(False)
                if _is_over(deadline):
                    break
            yield {"event": "stopped", "agentId": who.agent_id, "consumer": mine}

    def _handed_over(
        self,
        found: _Batch,
        handler: Callable[[Claimed], bool] | None,
        stop: Stop,
    ) -> Iterator[Event]:
        while not stop.wanted:
            message = found.next()
            if message is None:
                return
            event: Event = {"event": "message", "message": to_json(message)}
            if handler is None:
                # Whoever asks for the next event has taken this one.
                yield event
                found.confirm()
            elif not handler(message):
                found.drop(message.conversation_id)
                yield {**event, "handled": False}
            elif found.confirm():
                yield {**event, "handled": True}
            else:
                yield {**event, "handled": False, "lost": True}


class _Batch:
    """Messages that were handed over together, and are kept while they wait to be dealt with."""

    def __init__(self, verbs: ReceiveVerbs, consumer: str, messages: Sequence[Claimed]) -> None:
        self.count = len(messages)
        self._verbs = verbs
        self._consumer = consumer
        self._current: list[Claimed] = []
        self._waiting = list(messages)
        self._seconds = float(verbs.app.config.get("conduit.claim_seconds"))
        self._renewed = clock.seconds()

    def next(self) -> Claimed | None:
        """The next message that is still this consumer's; the one before it is dealt with."""
        self.keep()
        self._current = self._waiting[:1]
        del self._waiting[:1]
        return self._current[0] if self._current else None

    def drop(self, conversation_id: str) -> None:
        """Leave this message and the rest of its conversation to whoever gets it next."""
        self._current = []
        self._waiting = [one for one in self._waiting if one.conversation_id != conversation_id]

    def confirm(self) -> bool:
        """Take delivery of the message that was dealt with.

        :returns: False where it had been handed to somebody else meanwhile.
        """
        (message,) = self._current

        def body(work: Work) -> bool:
            agent_id = acting(self._verbs.app, work).agent_id
            mine = (message.seq, agent_id, self._consumer, message.claims)
            if receiving.is_mine(work, *mine):
                return move(work, message.seq, message.id, agent_id, "delivered")
            # Who deals with a message may have read or acknowledged it.
            return not receiving.is_waiting(work, message.seq, agent_id)

        return self._verbs.write("message.poll", body)

    def keep(self) -> None:
        """Renew the claims, before they end; what is somebody else's now is left out.

        Where others write without pause, the next call tries again.
        """
        # By the clock that claims go by, which goes on while a machine sleeps.
        now = clock.seconds()
        if abs(now - self._renewed) < self._seconds / 3:
            return
        until = clock.format_time(now + self._seconds)
        agent_id = acting(self._verbs.app, self._verbs.db).agent_id
        lost: set[str] = set()
        arrived: set[int] = set()

        def body(work: Work) -> None:
            lost.clear()
            arrived.clear()
            for one in (*self._current, *self._waiting):
                # After one that somebody else has, nothing of its conversation is handed over.
                if one.conversation_id in lost or receiving.renew(
                    work, one.seq, agent_id, self._consumer, one.claims, until
                ):
                    continue
                if receiving.is_waiting(work, one.seq, agent_id):
                    lost.add(one.conversation_id)
                else:
                    arrived.add(one.seq)

        try:
            self._verbs.write("message.poll", body)
        except CleoError as error:
            if error.exit != ExitCode.CONTENTION:
                raise
            return
        self._renewed = now
        self._waiting = [
            one
            for one in self._waiting
            if one.conversation_id not in lost and one.seq not in arrived
        ]


def _giving(
    program: Sequence[str],
    found: _Batch,
    stop: Stop,
    deadline: float | None,
    meanwhile: Callable[[], None] | None,
) -> Callable[[Claimed], bool]:
    """A handler that gives a message to a program."""

    def ends() -> bool:
        return stop.wanted or _is_over(deadline)

    def between() -> None:
        found.keep()
        if meanwhile is not None:
            meanwhile()

    return lambda message: run_program(program, message, ends=ends, meanwhile=between)


def _is_over(deadline: float | None) -> bool:
    return deadline is not None and time.monotonic() >= deadline


def _state(row: Any) -> Event:
    return {
        "id": row["id"],
        "agentId": row["agent_id"],
        "state": row["state"],
        "at": row["at"],
    }
