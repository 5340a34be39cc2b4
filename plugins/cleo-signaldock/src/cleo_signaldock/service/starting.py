"""``start``: an agent is there, its mail is carried, and its program is given what comes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from cleo_core import clock
from cleo_core.errors import CleoError
from cleo_core.stopping import Stop
from cleo_signaldock.ids import parse_agent_id
from cleo_signaldock.service.presence import PresenceVerbs
from cleo_signaldock.service.rotating import RotateVerbs
from cleo_signaldock.store import secrets

#: Days after which an agent that starts gets another key at its server.
KEY_DAYS = 30
DAY = 86_400.0
Event = Mapping[str, Any]


class StartVerbs(PresenceVerbs):
    """Running an agent."""

    def start(
        self,
        agent_id: str,
        *,
        once: bool = False,
        poll_interval: float = 5.0,
        heartbeat: bool = True,
        program: Sequence[str] | None = None,
        stop: Stop | None = None,
    ) -> Iterator[Event]:
        """Set an agent online and run the post office for it, until it is stopped; then offline.

        Events are those of the post office's ``run``, and ``rotated`` where the agent got another
        key at its server, because the one it had was older than thirty days.

        :param once: one pass.
        :param poll_interval: seconds between two looks at its server.
        :param heartbeat: note every thirty seconds that it is there.
        :param program: the words of a command that gets each message on its standard input, and
            ends with 0 where it has dealt with it.
        :raises CleoError: 4; 5 ``E_PLUGIN_MISSING``, there is no post office; 6 it is retired; 99
            the project does not see it, or it did not prove who it is.
        """
        id_ = parse_agent_id(agent_id)
        mine = self.app.for_project(str(self.app.project.root), agent=id_)
        mail = mine.service("conduit")
        # Whether it may act here is asked before it is said to be there.
        mail.inbox(limit=1)
        self.heartbeat(id_)
        try:
            yield from self._rotated(id_)
            yield from mail.run(
                id_,
                once=once,
                poll_interval=poll_interval,
                stop=stop,
                program=program,
                beat=partial(self.heartbeat, id_) if heartbeat else None,
            )
        finally:
            self.stop(id_)

    def _rotated(self, agent_id: str) -> Iterator[Event]:
        row = secrets.of_agent(self.db, agent_id)
        if row is None or not row["api_key_encrypted"] or not row["api_base_url"]:
            return
        since = row["key_rotated_at"] or row["created_at"]
        if clock.seconds() - clock.parse_time(since) < KEY_DAYS * DAY:
            return
        try:
            RotateVerbs(self.app).keys_rotate(agent_id)
        except CleoError as error:
            # The old key is as good as before; the next start tries again.
            yield {"event": "error", "agentId": agent_id, "message": error.message}
            return
        yield {"event": "rotated", "agentId": agent_id}
