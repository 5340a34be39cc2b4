"""``watch``: messages and what becomes of one's own, as they come."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from cleo_conduit.records.messages import Claimed
from cleo_conduit.service.acting import acting
from cleo_conduit.service.receiving import ReceiveVerbs, consumer_name
from cleo_conduit.store import receiving, watching
from cleo_core import clock
from cleo_core.output import to_json
from cleo_core.stopping import Stop

#: Messages that are taken at once.
BATCH = 20
#: Seconds between two looks whether a handler is to end, and from asking it to killing it.
GLANCE = 0.1
GRACE = 5.0
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
        stop: Stop | None = None,
    ) -> Iterator[Event]:
        """Events as they come: ``started``, ``message``, ``state``, ``stopped``.

        A message is confirmed when the iterator is asked for the next event; with a handler, when
        that returned true. What it refused, and later messages of the same conversation, stay
        claimed and are handed over again.

        :param timeout: seconds after which it stops.
        :param once: look once and stop.
        :param stop: asked after each message, and told when it begins and ends to wait.
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
                    found = self.poll(limit=BATCH, consumer=mine).messages
                    yield from self._handed_over(found, mine, handler, stop)
                    if len(found) < BATCH or stop.wanted or _is_over(deadline):
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
        found: Sequence[Claimed],
        consumer: str,
        handler: Callable[[Claimed], bool] | None,
        stop: Stop,
    ) -> Iterator[Event]:
        refused: set[str] = set()
        for message in found:
            if stop.wanted:
                return
            if message.conversation_id in refused:
                continue
            event: Event = {"event": "message", "message": to_json(message)}
            if handler is None:
                # Whoever asks for the next event has taken this one.
                yield event
                self.confirm([message.seq], consumer=consumer)
            elif handler(message):
                self.confirm([message.seq], consumer=consumer)
                yield {**event, "handled": True}
            else:
                refused.add(message.conversation_id)
                yield {**event, "handled": False}

    def run_handler(
        self,
        words: Sequence[str],
        message: Claimed,
        consumer: str,
        *,
        stop: Stop,
        deadline: float | None = None,
    ) -> bool:
        """Give a message to a program on its standard input, as JSON.

        While it runs the claim is renewed. When it is to stop, or the time is over, it is asked to
        end, and killed five seconds later.

        :param deadline: ``time.monotonic()`` at which the time is over.
        :returns: whether it ended with 0.
        :raises OSError: the program cannot be run.
        """
        seconds = float(self.app.config.get("conduit.claim_seconds"))
        process = subprocess.Popen(list(words), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        text = json.dumps(to_json(message), ensure_ascii=False).encode("utf-8", "replace")
        given: bytes | None = text
        renewed = time.monotonic()
        try:
            while True:
                try:
                    process.communicate(given, timeout=GLANCE)
                    return process.returncode == 0
                except subprocess.TimeoutExpired:
                    given = None
                if stop.wanted or _is_over(deadline):
                    return _ended(process)
                if time.monotonic() - renewed >= seconds / 3:
                    self._renew(message.seq, consumer, seconds)
                    renewed = time.monotonic()
        except BaseException:
            process.kill()
            process.wait()
            raise

    def _renew(self, seq: int, consumer: str, seconds: float) -> None:
        until = clock.format_time(clock.seconds() + seconds)
        agent_id = acting(self.app, self.db).agent_id
        self.write(
            "message.poll",
            lambda work: receiving.renew(work, seq, agent_id, consumer, until),
        )


def _ended(process: subprocess.Popen[bytes]) -> bool:
    """End a program that takes too long; the message stays claimed."""
    process.terminate()
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    return False


def _is_over(deadline: float | None) -> bool:
    return deadline is not None and time.monotonic() >= deadline


def _state(row: Any) -> Event:
    return {
        "id": row["id"],
        "agentId": row["agent_id"],
        "state": row["state"],
        "at": row["at"],
    }
