"""Carrying messages to other machines: claim, attempt, complete."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from cleo_conduit.service import breakers
from cleo_conduit.service.completing import (
    MOST_RETRY_AFTER,
    Completion,
    complete,
    lease_over,
    outcome,
)
from cleo_conduit.service.outliving import expire_outlived
from cleo_conduit.service.routing import Route, Routes, transports
from cleo_conduit.service.work import Verbs, Work
from cleo_conduit.store import jobs
from cleo_conduit.transport import Identity, NotAuthenticatedError, Outcome, PushResult, Transport
from cleo_core import clock
from cleo_core.agent_ids import is_reserved
from cleo_core.errors import CleoError, shortened
from cleo_core.plugins import load_target
from cleo_core.plugins.record import described

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Row

LEASE_SECONDS = 60.0
RENEW_SECONDS = 20.0
#: Seconds that ``send`` spends on its own jobs.
SEND_SECONDS = 5.0
BATCH = 50
#: Seconds by which a clock may have been set back between two looks at it.
SLACK = 5.0
#: Seconds after which a parked job is tried again.
PARKED_SECONDS = 60.0
#: What an event must have to be carried.
NEEDED = ("id", "from", "content", "recipient", "conversationId", "conversationKind")


def deliver_now(app: App, ids: Sequence[str]) -> None:
    """One attempt for each of these jobs, five seconds in all; what is left is for the runner."""
    deadline = time.monotonic() + SEND_SECONDS
    worker = Worker(app)
    for id_ in worker.due(ids):
        left = deadline - time.monotonic()
        job = worker.take(id_) if left > 0 else None
        if job is not None:
            worker.attempt(job, seconds=left)


def deliver_due(app: App, stopped: Callable[[], bool] = lambda: False) -> int:
    """Attempt every job that is due.

    :returns: how many attempts there were.
    """
    worker = Worker(app)
    count = 0
    while not stopped():
        before = count
        for id_ in worker.due():
            if stopped():
                break
            job = worker.take(id_)
            if job is not None:
                worker.attempt(job)
                count += 1
        if count == before:
            break
    return count


class Tried(NamedTuple):
    """An attempt: its result, and what is to be done where the result does not say it.

    :ivar parked_for: the job waits for something that no attempt could have found out.
    """

    result: PushResult
    parked_for: str | None = None


class Worker(Verbs):
    """Somebody who holds jobs, one at a time."""

    def __init__(self, app: App) -> None:
        super().__init__(app)
        self.name = f"{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}"

    def due(self, ids: Sequence[str] | None = None) -> list[str]:
        """Jobs to be attempted one after the other; old leases are seen to first.

        A job stands behind the earlier ones of its conversation and recipient, and waits for what
        they wait for.

        :param ids: of these alone.
        """

        def body(work: Work) -> list[str]:
            now = clock.seconds()
            latest = clock.format_time(now + LEASE_SECONDS + SLACK)
            expire_outlived(work)
            for row in work.read(jobs.LEASE_OVER, now=work.now, latest=latest, limit=200):
                lease_over(work, row)
            work.execute(jobs.UNPARK, now=work.now, before=clock.format_time(now - PARKED_SECONDS))
            far = clock.format_time(now + MOST_RETRY_AFTER + SLACK)
            found: list[str] = []
            held: dict[tuple[str, str], str | None] = {}
            behind: dict[str, list[str]] = {}
            for row in jobs.in_order(work):
                key = row["recipient"], row["conversation_id"]
                waits = work.now < row["next_attempt_at"] <= far
                if row["state"] != "pending" or waits or (ids is not None and row["id"] not in ids):
                    held.setdefault(key, row["parked_for"])
                elif key not in held:
                    found.append(row["id"])
                    if len(found) == BATCH:
                        break
                elif (parked_for := held[key]) is not None:
                    behind.setdefault(parked_for, []).append(row["id"])
            for parked_for, ids_behind in behind.items():
                encoded = json.dumps(ids_behind)
                work.execute(jobs.PARK_OTHERS, parked_for=parked_for, now=work.now, ids=encoded)
            return found

        return self.write("job.claim", body)

    def take(self, id_: str) -> Row | None:
        """Take a job for a minute; None where it is somebody else's, or not its turn."""
        until = clock.format_time(clock.seconds() + LEASE_SECONDS)
        far = clock.format_time(clock.seconds() + MOST_RETRY_AFTER + SLACK)
        return self.write(
            "job.claim", lambda work: jobs.take(work, id_, self.name, until, work.now, far)
        )

    def attempt(self, job: Row, *, seconds: float | None = None) -> None:
        """Try to hand a message over, and write down what came of it.

        The lease is renewed while that lasts.

        :param seconds: give up waiting after so long; the lease runs out by itself.
        """
        route = Routes(self.app).of(job["recipient"])
        event = decoded(job["payload"])
        if event is None:
            result = PushResult("permanent", error="The payload cannot be read.")
            self.complete(job, Completion("dead", spent=False, reason="undecodable"), result, None)
        elif breakers.is_open(self.db, route.base_url, clock.seconds()):
            result = PushResult("offline", error="The server failed too often; it is left alone.")
            self.complete(job, Completion("parked", "breaker", spent=False), result, None)
        else:
            tried = self._tried(job, route, event, seconds)
            if tried is None:
                return
            result = tried.result
            done = outcome(job, result)
            if tried.parked_for is not None:
                done = Completion("parked", tried.parked_for, spent=False)
            held = self.complete(job, done, result, route.base_url)
            if held and result.outcome == "auth" and tried.parked_for is None:
                self._flag(job["sender"])

    def complete(
        self, job: Row, done: Completion, result: PushResult, base_url: str | None
    ) -> bool:
        """Write down what came of an attempt; False where the job is somebody else's by now."""
        return self.write("job.complete", lambda work: complete(work, job, done, result, base_url))

    def _tried(
        self, job: Row, route: Route, event: Mapping[str, Any], seconds: float | None
    ) -> Tried | None:
        """An attempt; None where it is given up while it still goes on."""
        try:
            identity = identity_of(self.app, job["sender"], route)
        except CleoError as error:
            return Tried(PushResult("auth", error=error.message), "auth")
        spec = next((one for one in transports(self.app) if one.name == job["transport"]), None)
        if spec is None:
            words = f"The transport {job['transport']} is not installed."
            return Tried(PushResult("offline", error=words), "transport")
        results: list[Tried] = []

        def push() -> None:
            results.append(_push(self.app, spec.target, identity, event))

        thread = threading.Thread(target=push, daemon=True)
        thread.start()
        deadline = None if seconds is None else time.monotonic() + seconds
        while thread.is_alive():
            left = RENEW_SECONDS
            if deadline is not None:
                left = min(left, deadline - time.monotonic())
                if left <= 0:
                    return None
            thread.join(left)
            if thread.is_alive() and deadline is None:
                self._renew(job)
        return results[0] if results else Tried(PushResult("retry", error="It ended oddly."))

    def _renew(self, job: Row) -> None:
        until = clock.format_time(clock.seconds() + LEASE_SECONDS)
        self.write(
            "job.renew",
            lambda work: work.execute(jobs.RENEW, until=until, id=job["id"], fence=job["fence"]),
        )

    def _flag(self, agent_id: str) -> None:
        if not self.app.has_service("agents"):
            return
        try:
            self.app.service("agents").flag_reauth(agent_id, "rejected")
        except CleoError as error:
            self.app.warn("W_REAUTH", error.message)


def identity_of(app: App, sender: str, route: Route) -> Identity:
    """In whose name a transport works; a key is given to the server that it is for, and no other.

    :raises CleoError: the sender's key cannot be read.
    """
    config: Mapping[str, Any] = {}
    key = None
    if app.has_service("agents") and not is_reserved(sender):
        credential = app.service("agents").credential(sender)
        config = credential.transport_config or {}
        if credential.base_url == route.base_url:
            key = credential.key
    return Identity(sender, route.base_url, key, config)


def _push(app: App, target: str, identity: Identity, event: Mapping[str, Any]) -> Tried:
    """One attempt, whose error says nothing that is secret."""
    tried = _attempted(app, target, identity, event)
    if not isinstance(tried.result.error, str):
        return tried
    clean = identity.without_secrets(tried.result.error)
    return tried._replace(result=replace(tried.result, error=clean))


def _attempted(app: App, target: str, identity: Identity, event: Mapping[str, Any]) -> Tried:
    """One attempt; whatever a transport raises is a result too."""
    try:
        transport: Transport = load_target(target)(app)
    except Exception as error:  # a plugin's module that cannot be used burns no attempt
        return Tried(PushResult("offline", error=described(error)), "transport")
    try:
        try:
            transport.connect(identity)
        except OSError as error:
            return Tried(PushResult("offline", error=described(error)))
        result = transport.push(event)
        if not isinstance(result, PushResult):
            return Tried(PushResult("retry", error="The transport gave no PushResult."))
        return Tried(_sound(result))
    except NotAuthenticatedError as error:
        return Tried(PushResult("auth", error=str(error)))
    except Exception as error:  # whatever a plugin's transport raises is a failed attempt
        return Tried(PushResult("retry", error=described(error)))
    finally:
        # The result stands, whatever closing does.
        with contextlib.suppress(Exception):
            transport.close()


def _sound(result: PushResult) -> PushResult:
    """A plugin's result, without what it may not hold: nothing of it is to end a runner."""

    def number(value: Any) -> bool:
        return isinstance(value, (int, float)) and not isinstance(value, bool)

    known = result.outcome in get_args(Outcome)
    words = None if result.error is None else str(result.error)
    if not known:
        words = f"The transport answered {shortened(repr(result.outcome))}. {words or ''}".strip()
    after = result.retry_after
    return PushResult(
        result.outcome if known else "retry",
        result.status if number(result.status) else None,
        after if after is not None and number(after) and isfinite(after) else None,
        words,
    )


def decoded(payload: str) -> dict[str, Any] | None:
    """The event that a job carries; None where it is none."""
    try:
        event = json.loads(payload)
    except ValueError:
        return None
    if not isinstance(event, dict) or not all(isinstance(event.get(one), str) for one in NEEDED):
        return None
    return event
