"""Who speaks and who reads: the acting agent, and how it proves that it is the one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from cleo_conduit.errors import not_participant
from cleo_conduit.ids import project_agent_id
from cleo_conduit.store import meta, refs
from cleo_core.hashing import sha256

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_core.database import Backend, Row

#: The person at the keyboard, and the post office itself.
HUMAN = "HumanOverseer"
SYSTEM = "cleo-system"

AGENT_TOKEN = "CLEO_AGENT_TOKEN"  # noqa: S105 - the name of a variable
HUMAN_TOKEN = "CLEO_HUMAN_TOKEN"  # noqa: S105 - the name of a variable
#: Key of ``conduit_meta`` that holds the SHA-256 of the person's token.
HUMAN_HASH = "human_token_hash"


class Acting:
    """Who acts.

    :ivar verified: it proved who it is by a token.
    :ivar ref: its row in ``project_agent_refs``; None for the person, and for an agent that has
        none yet.
    """

    __slots__ = ("agent_id", "human", "ref", "verified")

    def __init__(self, agent_id: str, verified: bool, human: bool, ref: Row | None) -> None:
        self.agent_id = agent_id
        self.verified = verified
        self.human = human
        self.ref = ref


def to_be_seen(app: App, agent_id: str) -> str:
    """The command after which the project sees an agent."""
    if not app.has_service("agents"):
        return f"cleo conduit join {agent_id}"
    # Registering makes it visible here; what is registered has to be attached.
    known = app.exists("agent", [agent_id])[agent_id]
    return f"cleo agent {'register' if known is False else 'attach'} {agent_id}"


def acting(app: App, db: Backend, *, as_human: bool = False) -> Acting:
    """The agent, or the person, in whose name a verb acts and reads.

    :param db: the store, or the unit in which the verb works.
    :raises CleoError: 2 ``E_AGENT_REQUIRED``, nobody is named; 99 ``E_NOT_PARTICIPANT``, the
        project does not see the agent, or the token is missing or wrong.
    :raises UsageError: 2, the id is reserved.
    """
    if as_human:
        return _person(app, db)
    agent_id = project_agent_id(app.require_agent())
    ref = refs.get(db, agent_id)
    if app.has_service("agents"):
        if ref is None or not ref["enabled"]:
            raise not_participant(
                f"This project does not see the agent {agent_id}.",
                to_be_seen(app, agent_id),
                agentId=agent_id,
            )
    elif ref is not None and not ref["enabled"]:
        raise not_participant(
            f"The agent {agent_id} has left this project.",
            f"cleo conduit join {agent_id}",
            agentId=agent_id,
        )
    hash_ = None if ref is None else ref["token_hash"]
    if hash_ is None:
        return Acting(agent_id, False, False, ref)
    if not _fits(app.env.get(AGENT_TOKEN), hash_):
        raise not_participant(
            f"The agent {agent_id} has a token, and {AGENT_TOKEN} is not it.",
            f"export {AGENT_TOKEN}=…",
            agentId=agent_id,
        )
    return Acting(agent_id, True, False, ref)


def _person(app: App, db: Backend) -> Acting:
    given = app.env.get(HUMAN_TOKEN)
    if given:
        hash_ = meta.get(db, HUMAN_HASH)
        if hash_ is not None and _fits(given, hash_):
            return Acting(HUMAN, True, True, None)
        raise not_participant(
            f"{HUMAN_TOKEN} is not the token of the person here.", f"unset {HUMAN_TOKEN}"
        )
    if sys.stdin is None or not sys.stdin.isatty():
        raise not_participant(
            f"Acting for the person needs a terminal, or {HUMAN_TOKEN}.",
            "cleo conduit token HumanOverseer",
        )
    return Acting(HUMAN, False, True, None)


def _fits(token: str | None, hash_: str) -> bool:
    import hmac

    given = sha256((token or "").encode("utf-8", "surrogateescape"))
    return token is not None and hmac.compare_digest(given, hash_)
