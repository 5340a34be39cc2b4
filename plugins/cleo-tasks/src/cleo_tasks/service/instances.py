"""Instances of agents: registering, signs of life, errors, the end, and finding the crashed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cleo_core import inputs
from cleo_core.errors import CleoError, UsageError, ValidationError
from cleo_core.output import Page, camel, to_json
from cleo_core.redaction import redact
from cleo_tasks.agent_records import CachedAgent, Instance, Reaped
from cleo_tasks.enums import AGENT_TYPE, INSTANCE_RUNNING, INSTANCE_STATUS
from cleo_tasks.errors import several
from cleo_tasks.ids import parse_id
from cleo_tasks.service import fields
from cleo_tasks.service import instance_rules as rules
from cleo_tasks.service.liveness import alive_since
from cleo_tasks.service.verbs import Verbs
from cleo_tasks.service.work import Work
from cleo_tasks.store import credentials, instances

#: Characters of an error's text.
_ERROR_LENGTH = 4000


class InstanceVerbs(Verbs):
    """``instance_register``, ``_heartbeat``, ``_list``, ``_show``, ``_error``, ``_stop`` …"""

    def instance_register(
        self,
        type: str,
        *,
        task: str | None = None,
        parent: str | None = None,
        capacity: float | None = None,
        host: str | None = None,
        pid: int | None = None,
        metadata: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Instance:
        """Say that an instance of the acting agent runs.

        :param type: orchestrator, executor, researcher, architect, validator, documentor, custom.
        :param parent: the id of the instance that started it.
        :param capacity: how much it can take on, 0 to 1; 1 by default.
        :param host: by default this machine; ``pid`` by default this process.
        :returns: the instance, with how often it should report.
        :raises CleoError: 2 nobody acts; 4 no such task or parent; 6 a value is not acceptable, or
            the agent does not exist; 5, 31.
        """
        agent = self.app.require_agent()
        given = {
            "agent_id": agent,
            "type": type,
            "task": task,
            "parent": parent,
            "capacity": capacity,
            "host": host,
            "pid": pid,
            "metadata": metadata,
        }
        settled = _settled(
            given,
            {
                "agent_id": _agent,
                "type": inputs.word_of(AGENT_TYPE, "type"),
                "task": parse_id,
                "capacity": rules.capacity,
                "host": rules.host,
                "pid": rules.pid,
                "metadata": fields.metadata,
            },
        )
        # Another process that repeats the command under its key has another pid.
        arguments = to_json(settled)
        settled |= {
            "capacity": 1.0 if capacity is None else settled["capacity"],
            "host": _this_host() if host is None else settled["host"],
            "pid": self._this_process() if pid is None else settled["pid"],
            "metadata": settled["metadata"] or {},
        }

        def body(work: Work) -> Instance:
            found: Instance = work.unit.idempotent(
                "instance register",
                idempotency_key,
                arguments,
                lambda: self._registered(work, settled),
                encode=to_json,
                decode=_from_json,
            )
            return found

        return self.write("instance.register", body)

    def instance_heartbeat(
        self,
        id: str,
        *,
        status: str | None = None,
        task: str | None = None,
        capacity: float | None = None,
        usage: Mapping[str, Any] | None = None,
    ) -> Instance:
        """Say that an instance is alive; the first time it becomes active.

        :param status: active, idle or error, from now on.
        :param task: what it works on now, or ``none``.
        :param usage: tokens spent since the last time, as for
            :meth:`~cleo_tasks.service.tokens.TokenVerbs.token_record`; that they cannot be recorded
            is a warning and changes nothing else.
        :returns: the instance; ``accepted`` is False for one that has ended.
        :raises CleoError: 4 no such instance or task; 6 a value is not acceptable.
        """
        given = _settled(
            {"status": status, "task": task, "capacity": capacity},
            {
                "status": inputs.word_of(rules.REPORTED, "status"),
                "task": lambda text: text if text == "none" else parse_id(text),
                "capacity": rules.capacity,
            },
        )

        def body(work: Work) -> Instance:
            row = rules.named(work.unit, id)
            accepted = rules.beat(work, row, given)
            return rules.shown(work, row, accepted=accepted, **rules.rhythm(work))

        found = self.write("instance.heartbeat", body)
        if usage:
            from cleo_tasks.service.token_recording import record_beside

            about = {"transport": "agent", "task": found.task_id, **usage}
            # They were spent, whatever became of the instance since.
            counted = record_beside(self.app, about, agent=found.agent_id)
            if counted and not found.accepted:
                self.app.warn(
                    "W_INSTANCE_ENDED",
                    f"The instance has {found.status}; its tokens count all the same.",
                )
        return found

    def instance_list(
        self,
        *,
        status: Sequence[str] = (),
        type: str | None = None,
        task: str | None = None,
        parent: str | None = None,
        of_agent: str | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> tuple[list[Instance], Page]:
        """A page of instances, newest first.

        :raises CleoError: 2 a filter's value can be no such thing; 4 no such task or parent.
        """
        filters: dict[str, Any] = {}
        if status:
            check = inputs.word_of(INSTANCE_STATUS, "status")
            filters["status"] = [inputs.as_filter(check, word) for word in status]
        if type is not None:
            filters["type"] = inputs.as_filter(inputs.word_of(AGENT_TYPE, "type"), type)
        if of_agent is not None:
            filters["agent"] = fields.name_filter(of_agent, "of-agent")
        limit, offset = self.page(limit, offset)
        alive = alive_since(self.app)
        with self.db.snapshot() as db:
            if task is not None:
                filters["task"] = rules.existing_task(db, task)
            if parent is not None:
                filters["parent"] = rules.named(db, parent)["id"]
            rows, total = instances.listing(db, filters, alive=alive, limit=limit, offset=offset)
        return rows, Page(limit, offset, total)

    def instance_cached(
        self, *, limit: int | None = None, offset: int = 0
    ) -> tuple[list[CachedAgent], Page]:
        """A page of the agents whose credentials are cached here, by id; no key is read."""
        limit, offset = self.page(limit, offset)
        with self.db.snapshot() as db:
            rows, total = credentials.names(db, limit=limit, offset=offset)
        return rows, Page(limit, offset, total)

    def instance_show(self, *ids: str) -> list[Instance]:
        """Instances by id.

        :raises NotFoundError: one of them does not exist.
        """
        alive = alive_since(self.app)
        with self.db.snapshot() as db:
            return [instances.record(rules.named(db, id_), alive) for id_ in dict.fromkeys(ids)]

    def instance_error(self, id: str, error: str) -> Instance:
        """Count an error of an instance and keep its text; its status stays.

        Whether it may pass is read from the text, see
        :func:`~cleo_tasks.service.error_kinds.kind_of`.

        :raises CleoError: 4 no such instance; 6 the text is blank or too long.
        """
        from cleo_tasks.service.error_kinds import kind_of

        text = inputs.plain_text(error, "error").strip()
        if not 1 <= len(text) <= _ERROR_LENGTH:
            raise ValidationError(
                f"An error has 1 to {_ERROR_LENGTH} characters.", fix="cleo instance error ID TEXT"
            )
        kind = kind_of(text)
        # What a server says about a refused key may quote it.
        kept = redact(text)

        def body(work: Work) -> Instance:
            row = rules.named(work.unit, id)
            counted = row["error_count"] + 1
            rules.change(
                work, row, {"error_count": counted, "last_error": kept, "last_error_kind": kind}
            )
            return rules.shown(work, row)

        return self.write("instance.error", body)

    def instance_stop(self, id: str) -> Instance:
        """Say that an instance has ended; of one that has, nothing changes.

        :returns: the instance, and whether it ``changed``.
        :raises NotFoundError: there is none.
        """

        def body(work: Work) -> Instance:
            row = rules.named(work.unit, id)
            changed = row["status"] in INSTANCE_RUNNING and rules.change(
                work, row, {"status": "stopped", "stopped_at": work.now}
            )
            return rules.shown(work, row, changed=changed)

        return self.write("instance.stop", body)

    def instance_reap(self, *, stale: str | float | None = None, release: bool = False) -> Reaped:
        """Mark instances as crashed that were silent for too long.

        :param stale: seconds, or a duration such as ``3m``; by default
            ``tasks.agents.stale_seconds``.
        :param release: give back what their agents hold, unless they go on in another instance.
        :raises UsageError: the length of time is none.
        """
        from cleo_core.durations import ago, seconds_of

        before = alive_since(self.app) if stale is None else ago(seconds_of(stale, "--stale", "3m"))

        def body(work: Work) -> Reaped:
            rows = instances.silent(work, before)
            for row in rows:
                rules.change(work, row, {"status": "crashed", "stopped_at": work.now})
            freed = rules.free_claims(work, rows) if release else []
            return Reaped([rules.shown(work, row) for row in rows], freed)

        return self.write("instance.reap", body)

    def _this_process(self) -> int:
        """The process that speaks for the instance: this one, or who called the command line."""
        import os

        return os.getppid() if self.app.source == "cli" else os.getpid()

    def _registered(self, work: Work, given: Mapping[str, Any]) -> Instance:
        row = rules.register(work, given)
        found = rules.shown(work, row, **rules.rhythm(work))
        return replace(found, id=rules.UNGIVEN) if self.app.dry_run else found


def _settled(
    given: Mapping[str, Any], checks: Mapping[str, Callable[[Any], Any]]
) -> dict[str, Any]:
    """The given values, checked; None where nothing was given.

    :raises CleoError: the only problem as itself, several as exit 6.
    """
    problems: fields.Problems = []
    settled = dict(given)
    for name, check in checks.items():
        if given[name] is not None:
            try:
                settled[name] = check(given[name])
            except CleoError as error:
                problems.append((name, error))
    if given.get("type", "") is None:
        raise UsageError(f"A type is needed: {', '.join(AGENT_TYPE)}.", fix="--type executor")
    if problems:
        raise several(problems, to_json(dict(given)))
    return settled


def _agent(value: Any) -> str:
    text = inputs.plain_text(value, "agent")
    if not text.strip():
        raise ValidationError("An agent's id is not blank.", fix="--agent ID")
    return text


def _from_json(data: Mapping[str, Any]) -> Instance:
    """An Instance as an idempotency key kept it."""
    values: dict[str, Any] = {name: data.get(camel(name)) for name in Instance.__dataclass_fields__}
    values.pop("OPTIONAL", None)
    return Instance(**values)


def _this_host() -> str:
    import socket

    return socket.gethostname() or "localhost"
