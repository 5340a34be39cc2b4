"""``poll`` and the verbs that confirm: each message to one consumer at a time, in order."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from cleo_conduit.errors import not_participant
from cleo_conduit.ids import message_id
from cleo_conduit.records.messages import Confirmation, Message, Polled
from cleo_conduit.service import due, marks
from cleo_conduit.service.acting import acting
from cleo_conduit.service.refs import touch
from cleo_conduit.service.shaping import as_claimed, as_message
from cleo_conduit.service.work import Verbs, Work
from cleo_conduit.store import closing, mail, reading, receiving
from cleo_core import clock, inputs
from cleo_core.database import Row
from cleo_core.errors import UsageError, shortened
from cleo_core.stopping import Stop, Stopped

POLL_LIMIT = 20
MOST_POLLED = 200
MOST_IDS = 500
CONSUMER_LENGTH = 200
REASON_LENGTH = 1000
MOST_WAIT = 366 * 86_400.0


class ReceiveVerbs(Verbs):
    """Taking delivery of mail."""

    def poll(
        self,
        *,
        limit: int | None = None,
        consumer: str | None = None,
        confirm: int | None = None,
        deliver: bool = False,
        as_human: bool = False,
        wait: float | None = None,
        stop: Stop | None = None,
    ) -> Polled:
        """Take messages for the acting agent, oldest first; each is this consumer's for a minute.

        A message that is not confirmed by then is handed over again. While somebody has an earlier
        message of its conversation and has not confirmed it, it is not handed over: not to this
        consumer either, which may have died with that one and begun again.

        :param consumer: which of the agent's processes asks; by default the agent itself.
        :param confirm: take delivery of what this consumer was handed together with the message of
            this number, up to it. What it was handed earlier and did not confirm comes again: a
            consumer that died has not dealt with it, and the next one has its name.
        :param deliver: take delivery of what is handed over now: at most once, for who accepts it.
        :param wait: seconds to wait for a message where there is none.
        :param stop: told when it begins and ends to wait, which it may end.
        :raises CleoError: 2 no agent; 99 not attached.
        :raises UsageError: a number is out of range.
        """
        most = _number(limit, POLL_LIMIT, MOST_POLLED, "--limit")
        if wait is not None and not (isinstance(wait, (int, float)) and 0 <= wait < MOST_WAIT):
            raise UsageError("--wait is a number of seconds.", fix="--wait 30")
        up_to = None if confirm is None else _number(confirm, 0, 2**62, "--confirm", least=0)
        name = None if consumer is None else consumer_name(consumer)

        def body(work: Work) -> Polled:
            who = acting(self.app, work, as_human=as_human)
            mine = name or who.agent_id
            if not who.human:
                touch(work, who)
            confirmed = 0 if up_to is None else _confirm(work, who.agent_id, mine, up_to)
            rows, until = _claim(work, who.agent_id, mine, most)
            claimed = [as_claimed(row, until, delivered=deliver) for row in rows]
            if deliver:
                for one in claimed:
                    move(work, one.seq, one.id, who.agent_id, "delivered")
            last = claimed[-1].seq if claimed else (up_to or 0)
            return Polled(claimed, confirmed, last)

        found = self.write("message.poll", body)
        if found.messages or wait is None or self.app.dry_run:
            return found
        reader = acting(self.app, self.db, as_human=as_human).agent_id
        deadline = time.monotonic() + wait
        stop = stop or Stop()
        with self.waiter(reader) as waiter:
            while True:
                if stop.wanted:
                    return found
                if self._waits(reader):
                    again = self.write("message.poll", body)
                    if again.messages:
                        return Polled(again.messages, found.confirmed, again.next_after)
                try:
                    stop.blocking(True)
                    woken = waiter.wait(self._until(reader, deadline))
                    stop.blocking(False)
                except Stopped:
                    return found
                if not woken and time.monotonic() >= deadline:
                    return found

    def _waits(self, agent_id: str) -> bool:
        """Whether a message waits for an agent, claimed or not; nothing is written."""
        first = marks.first_waiting(self.db, agent_id)
        return bool(receiving.waiting(self.db, agent_id, first, 1))

    def _until(self, agent_id: str, deadline: float | None) -> float | None:
        """When to look again at the latest: at the deadline, or when a claim ends.

        One that has ended, and whose message waits for an earlier one, is looked at once a second.
        """
        from cleo_conduit.wake import LOOK

        first = marks.first_waiting(self.db, agent_id)
        ends = receiving.claim_ends(self.db, agent_id, first)
        if ends is None:
            return deadline
        seconds = float(self.app.config.get("conduit.claim_seconds"))
        left = min(clock.parse_time(ends) - clock.seconds(), seconds)
        again = time.monotonic() + (max(0.02, left) if left > 0 else LOOK)
        return again if deadline is None else min(deadline, again)

    def confirm(self, seqs: Sequence[int], *, consumer: str, as_human: bool = False) -> int:
        """Take delivery of messages that this consumer was handed.

        :returns: how many were confirmed now.
        """
        name = consumer_name(consumer)

        def body(work: Work) -> int:
            who = acting(self.app, work, as_human=as_human)
            count = 0
            for seq in seqs:
                for row in receiving.claimed(work, who.agent_id, name, seq, seq):
                    count += move(work, row["seq"], row["id"], who.agent_id, "delivered")
            return count

        return self.write("message.poll", body)

    def ack(self, *ids: str | int, as_human: bool = False) -> Confirmation:
        """Acknowledge messages.

        :raises ConduitError: 99, none of them is there for the acting agent.
        """
        return self._move("acked", ids, as_human, None)

    def read(self, *ids: str | int, as_human: bool = False) -> Confirmation:
        """Messages, marked as read; raises as :meth:`ack`."""
        return self._move("read", ids, as_human, None)

    def reject(
        self, *ids: str | int, reason: str | None = None, as_human: bool = False
    ) -> Confirmation:
        """Refuse messages, for good; raises as :meth:`ack`."""
        said = (
            None
            if reason is None
            else inputs.line(reason, "reason", REASON_LENGTH, fix="--reason 'not mine'")
        )
        return self._move("rejected", ids, as_human, said)

    def _move(
        self, state: str, ids: Sequence[str | int], as_human: bool, reason: str | None
    ) -> Confirmation:
        if not 1 <= len(ids) <= MOST_IDS:
            raise UsageError(f"Name 1 to {MOST_IDS} messages.", fix="cleo conduit inbox")
        named = {message_id(id_): str(id_) for id_ in ids}

        def body(work: Work) -> Confirmation:
            who = acting(self.app, work, as_human=as_human)
            if not who.human:
                touch(work, who)
            changed: list[str] = []
            unchanged: list[str] = []
            not_yours: list[str] = []
            unknown: list[str] = []
            shown: list[Message] = []
            seen: set[int] = set()
            for id_, given in named.items():
                row = mail.message(work, id_)
                if row is not None and row["seq"] in seen:
                    continue
                seen.add(0 if row is None else row["seq"])
                if row is None:
                    unknown.append(given)
                elif mail.receipt(work, row["seq"], who.agent_id) is None:
                    not_yours.append(row["id"])
                else:
                    moved = move(work, row["seq"], row["id"], who.agent_id, state, reason)
                    (changed if moved else unchanged).append(row["id"])
                    if state == "read":
                        found = work.one(reading.MESSAGE, seq=row["seq"], reader=who.agent_id)
                        assert found is not None
                        shown.append(as_message(found))
            if not changed and not unchanged:
                raise not_participant(
                    f"None of them is a message for {who.agent_id}: "
                    f"{shortened(', '.join([*not_yours, *unknown]), 200)}.",
                    "cleo conduit inbox --all",
                    notYours=not_yours,
                    unknown=unknown,
                )
            messages = shown if state == "read" else None
            return Confirmation(changed, unchanged, not_yours, unknown, messages)

        return self.write(f"message.{state}", body)


def move(
    work: Work, seq: int, id_: str, agent_id: str, state: str, reason: str | None = None
) -> bool:
    """Move a receipt up to a state; the message has arrived, so no job carries it any more.

    :returns: whether it moved.
    """
    if not receiving.mark(work, state, seq, agent_id, work.now, reason):
        return False
    if receiving.has_jobs(work, seq, agent_id):
        closing.cancel_jobs(work, seq, agent_id, work.now)
    work.note("receipt", f"{id_}:{agent_id}", action=f"receipt.{state}")
    message = mail.message(work, seq)
    if message is not None:
        work.wake([message["from_agent_id"]])
    return True


def consumer_name(value: Any) -> str:
    """The name of one of an agent's processes.

    :raises UsageError: it can be none.
    """
    return inputs.as_filter(
        lambda given: inputs.line(
            given, "consumer", CONSUMER_LENGTH, fix="--consumer worker-1", printable=True
        ),
        value,
    )


def _confirm(work: Work, agent_id: str, consumer: str, up_to: int) -> int:
    first = marks.first_waiting(work, agent_id)
    batch = receiving.claim_of(work, agent_id, consumer, up_to)
    if batch is None:
        return 0
    rows = receiving.claimed(work, agent_id, consumer, first, up_to)
    # What the same consumer was handed before, and died with, nobody has dealt with.
    rows = [row for row in rows if row["claim_until"] == batch]
    return sum(move(work, row["seq"], row["id"], agent_id, "delivered") for row in rows)


def _claim(work: Work, agent_id: str, consumer: str, most: int) -> tuple[list[Row], str]:
    """Hand over the oldest messages that nobody has, none after one that somebody has.

    :returns: their rows as they were before, and until when they are this consumer's.
    """
    seconds = float(work.unit.app.config.get("conduit.claim_seconds"))
    now = clock.seconds()
    until = clock.format_time(now + seconds)
    latest = due.latest_claim(work)
    start = first = marks.first_waiting(work, agent_id)
    taken: list[Row] = []
    held: set[str] = set()
    lowest: int | None = None
    while len(taken) < most:
        rows = receiving.waiting(work, agent_id, start, most + 20)
        for row in rows:
            lowest = row["seq"] if lowest is None else lowest
            free = (
                row["claim_until"] is None
                or row["claim_until"] <= work.now
                or row["claim_until"] > latest
            )
            if not free:
                held.add(row["conversation_id"])
            elif _is_over(row, work.now):
                # The next unit closes it.
                continue
            elif row["conversation_id"] not in held and len(taken) < most:
                taken.append(row)
        if len(rows) < most + 20:
            break
        start = rows[-1]["seq"] + 1
    receiving.claim(
        work,
        [
            {
                "seq": row["seq"],
                "agent_id": agent_id,
                "consumer": consumer,
                "until": until,
                "now": work.now,
                "latest": latest,
            }
            for row in taken
        ],
    )
    if lowest is None:
        lowest = mail.last_seq(work) + 1
    marks.remember_first(work, agent_id, first, lowest)
    return taken, until


def _is_over(row: Row, now: str) -> bool:
    """Whether a message has expired."""
    return row["expires_at"] is not None and row["expires_at"] <= now


def _number(value: Any, default: int, most: int, option: str, *, least: int = 1) -> int:
    chosen = default if value is None else value
    if not isinstance(chosen, int) or isinstance(chosen, bool) or not least <= chosen <= most:
        raise UsageError(f"{option} is from {least} to {most}.", fix=f"{option} {default or least}")
    return chosen
