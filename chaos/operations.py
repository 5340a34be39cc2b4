"""What the processes do, in every store, and the statements that show that it is there."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple

from chaos.ledger import Fact
from cleo_core.app import App
from cleo_core.errors import CleoError

#: Each gives one row with the number of what is asked for.
CHECKS = {
    "task": "SELECT count(*) FROM tasks WHERE id = ? AND title = ?",
    "task changed": "SELECT count(*) FROM audit_log WHERE action = ? AND entity_id = ?"
    " AND actor = ?",
    "task waits": "SELECT count(*) FROM task_dependencies WHERE task_id = ? AND depends_on = ?",
    "memory": "SELECT count(*) FROM brain_entries WHERE id = ? AND body = ?",
    "sticky": "SELECT count(*) FROM brain_sticky_notes WHERE id = ? AND content = ?",
    "message": "SELECT count(*) FROM messages WHERE id = ? AND content = ?",
    "read": "SELECT count(*) FROM receipts AS r JOIN messages AS m ON m.seq = r.message_seq"
    " WHERE m.id = ? AND r.agent_id = ? AND r.state = 'read'",
    "version": "SELECT count(*) FROM attachment_versions WHERE slug = ? AND version_number = ?"
    " AND author_agent_id = ?",
    "lease": "SELECT CAST(value AS INTEGER) >= ? FROM conduit_meta WHERE key = 'lease_fence'",
    "agent": "SELECT count(*) FROM agents WHERE agent_id = ?",
    "agent changed": "SELECT count(*) FROM signaldock_audit WHERE action = 'agent.update'"
    " AND subject_id = ? AND actor = ?",
    "edge": "SELECT count(*) FROM cross_project_dependencies WHERE source_task_id = ?"
    " AND target_task_id = ?",
}


class Call(NamedTuple):
    """One call of one process.

    :ivar who: the agent, which is the process's name.
    :ivar number: of the call; one that is made again has the same.
    :ivar memory: what calls before it left behind: kind -> list.
    """

    app: App
    who: str
    number: int
    chance: random.Random
    memory: dict[str, list[Any]]

    @property
    def key(self) -> str:
        """The idempotency key."""
        return f"{self.who}-{self.number}"

    @property
    def text(self) -> str:
        """Words that no other call says."""
        return f"chaos {self.who} {self.number}"


class Done(NamedTuple):
    """What a call did: facts, and what later calls may build on."""

    facts: list[Fact]
    remember: dict[str, Any]


Operation = Callable[[Call], Done]


def add_task(call: Call) -> Done:
    """A task of one's own."""
    made = call.app.service("tasks").add(call.text, idempotency_key=call.key).task
    return Done([Fact("tasks", "task", [made.id, call.text])], {"added": made.id})


def claim_task(call: Call) -> Done:
    """The next task that is free, put back where one has enough."""
    tasks = call.app.service("tasks")
    taken = tasks.claim(next=True, start=False).task.id
    return Done([Fact("tasks", "task changed", ["task.claim", taken, call.who])], {"held": taken})


def complete_task(call: Call) -> Done:
    """What one holds is done."""
    id_ = call.chance.choice(call.memory["held"])
    call.app.service("tasks").complete(id_)
    return Done([Fact("tasks", "task changed", ["task.complete", id_, call.who])], {})


def wait_for_task(call: Call) -> Done:
    """A later task waits for an earlier one, so that no loop can arise."""
    ids = sorted(call.memory["added"], key=lambda id_: (len(id_), id_))
    if len(ids) == 1:
        return Done([], {})
    first, last = ids[0], ids[-1]
    call.app.service("tasks").deps_add(last, first)
    return Done([Fact("tasks", "task waits", [last, first])], {})


def observe(call: Call) -> Done:
    """A memory."""
    kept = call.app.service("brain").observe(call.text, idempotency_key=call.key, force=True)
    return Done([Fact("brain", "memory", [kept.id, call.text])], {})


def stick(call: Call) -> Done:
    """A sticky note."""
    kept = call.app.service("brain").sticky_add(call.text, idempotency_key=call.key)
    return Done([Fact("brain", "sticky", [kept.id, call.text])], {})


def send(call: Call) -> Done:
    """A message to another process."""
    to = call.chance.choice([one for one in call.memory["others"] if one != call.who])
    sent = call.app.service("conduit").send(call.text, to=[to], idempotency_key=call.key)
    return Done([Fact("conduit", "message", [sent.id, call.text])], {})


def receive(call: Call) -> Done:
    """Take a few messages, and confirm them in a unit of its own."""
    mail = call.app.service("conduit")
    found = mail.poll(limit=5, consumer=call.who)
    ids = [one.id for one in found.messages]
    if ids:
        mail.read(*ids)
    return Done(
        [Fact("conduit", "read", [id_, call.who]) for id_ in ids],
        {"taken": [[one.seq, one.id, one.conversation_id] for one in found.messages]},
    )


def write_document(call: Call) -> Done:
    """The next version of a document that everybody writes to."""
    slug = f"shared-{call.number % 5}"
    documents = call.app.service("documents")
    content = f"{call.text}\n" * 20
    try:
        known = documents.show(slug).current_version
    except CleoError as error:
        if error.code != "E_NOT_PARTICIPANT":
            raise
        written = documents.create(content, slug=slug).version
    else:
        written = documents.edit(slug, content, if_version=known).version
    if written is None:
        # An earlier call wrote the same before nobody could say so.
        return Done([], {})
    number = written.version_number
    return Done([Fact("conduit", "version", [slug, number, call.who])], {"version": [slug, number]})


def lease_file(call: Call) -> Done:
    """A file for oneself, given back at once."""
    leases = call.app.service("leases")
    name = f"src/{call.number % 7}.py"
    granted = leases.acquire(name, exclusive=True, ttl=60).granted
    fences = [one.fence for one in granted]
    leases.release(name)
    facts = [Fact("conduit", "lease", [fence]) for fence in fences]
    return Done(facts, {"fence": fences})


def register_agent(call: Call) -> Done:
    """An agent with a key."""
    name = f"{call.who}-{call.number}"
    call.app.service("agents").register(
        name, name=name, api_key=f"sk_{call.key:0>40}", attach=False, idempotency_key=call.key
    )
    return Done([Fact("signaldock", "agent", [name], "")], {"registered": name})


def change_agent(call: Call) -> Done:
    """An agent of one's own gets another description."""
    name = call.chance.choice(call.memory["registered"])
    call.app.service("agents").update(name, description=call.text)
    return Done([Fact("signaldock", "agent changed", [name, call.who], "")], {})


def wait_elsewhere(call: Call) -> Done:
    """A task of this project waits for one of the other, never the other way round."""
    own = call.chance.choice(call.memory["added"])
    there = call.chance.choice(call.memory["theirs"])
    call.app.service("nexus").deps_add(
        f"one:{own}", f"two:{there}", note=call.text, idempotency_key=call.key
    )
    return Done([Fact("nexus", "edge", [own, there], "")], {})


def look_around(call: Call) -> Done:
    """Reading verbs over all stores."""
    app = call.app
    app.service("tasks").list(limit=5)
    app.service("brain").find("chaos", arm="lexical", limit=5)
    app.service("conduit").search("chaos", limit=5)
    app.service("nexus").search("chaos", limit=5)
    return Done([], {})


#: Operation -> how often, and what must be remembered before.
OPERATIONS: dict[str, tuple[Operation, int, tuple[str, ...]]] = {
    "add_task": (add_task, 14, ()),
    "claim_task": (claim_task, 8, ()),
    "complete_task": (complete_task, 6, ("held",)),
    "wait_for_task": (wait_for_task, 3, ("added",)),
    "observe": (observe, 14, ()),
    "stick": (stick, 5, ()),
    "send": (send, 14, ()),
    "receive": (receive, 10, ()),
    "write_document": (write_document, 6, ()),
    "lease_file": (lease_file, 6, ()),
    "register_agent": (register_agent, 5, ()),
    "change_agent": (change_agent, 4, ("registered",)),
    "wait_elsewhere": (wait_elsewhere, 3, ("added",)),
    "look_around": (look_around, 2, ()),
}


def choose(chance: random.Random, memory: dict[str, list[Any]]) -> str:
    """The name of an operation that is possible now."""
    possible = {
        name: weight
        for name, (_, weight, needs) in OPERATIONS.items()
        if all(memory.get(need) for need in needs)
    }
    return chance.choices(list(possible), list(possible.values()))[0]
