"""``token``: what an agent, or the person, proves itself with."""

from __future__ import annotations

import hashlib
import secrets
import sys

from cleo_conduit.errors import not_participant, ref_not_found
from cleo_conduit.ids import parse_agent_id, project_agent_id
from cleo_conduit.records.keeping import Token
from cleo_conduit.service.acting import AGENT_TOKEN, HUMAN, HUMAN_HASH, HUMAN_TOKEN, acting
from cleo_conduit.service.work import Verbs, Work
from cleo_conduit.store import meta, refs
from cleo_core.errors import ValidationError


class TokenVerbs(Verbs):
    """Tokens; only their hashes are kept."""

    def token(self, agent_id: str, *, remove: bool = False, as_human: bool = False) -> Token | None:
        """Make a token; from now on only who has it acts as this agent.

        An agent that has one must show it to get another, or the person does it. The person's own
        is made at a terminal.

        :param remove: take the token away instead.
        :returns: the token, in clear this once; None where it was taken away.
        :raises CleoError: 4, the project has no ref of the agent; 99, the old token is not shown,
            or this is no terminal.
        """
        given = parse_agent_id(agent_id)
        if given == HUMAN:
            return self._person(remove)
        id_ = project_agent_id(given)
        token = f"cleo_{secrets.token_urlsafe(32)}"

        def body(work: Work) -> Token | None:
            row = refs.get(work, id_)
            if row is None:
                raise ref_not_found(id_)
            if as_human or row["token_hash"] is not None:
                who = acting(self.app, work, as_human=as_human)
                if not who.human and who.agent_id != id_:
                    raise not_participant(
                        f"Only {id_} itself, or the person, changes its token.",
                        f"{AGENT_TOKEN}=… cleo conduit token {id_} --agent {id_}",
                    )
            refs.set_token(work, id_, None if remove else _hash(token), work.now)
            work.note("agent", id_, removed=remove)
            return None if remove else Token(id_, token, AGENT_TOKEN)

        return self.write("token.set", body)

    def _person(self, remove: bool) -> Token | None:
        if sys.stdin is None or not sys.stdin.isatty():
            raise not_participant(
                "The person's token is made at a terminal.", "cleo conduit token HumanOverseer"
            )
        token = f"cleo_{secrets.token_urlsafe(32)}"

        def body(work: Work) -> Token | None:
            if remove:
                if meta.get(work, HUMAN_HASH) is None:
                    raise ValidationError("The person has no token.", fix="cleo conduit status")
                meta.delete(work, HUMAN_HASH)
            else:
                meta.put(work, HUMAN_HASH, _hash(token))
            work.note("agent", HUMAN, removed=remove)
            return None if remove else Token(HUMAN, token, HUMAN_TOKEN)

        return self.write("token.set", body)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
