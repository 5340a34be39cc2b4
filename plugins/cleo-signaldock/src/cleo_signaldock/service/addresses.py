"""Where an agent is reached: asked with every message, so it loads nothing else."""

from __future__ import annotations

from cleo_signaldock.errors import agent_not_found
from cleo_signaldock.ids import parse_agent_id
from cleo_signaldock.service.work import Verbs
from cleo_signaldock.store import agents


class AddressVerbs(Verbs):
    """Transports of agents."""

    def address(self, agent_id: str) -> tuple[str, str | None]:
        """The transport of an agent and its server; None for one that is here.

        :raises NotFoundError: 4, the registry does not know it.
        """
        id_ = parse_agent_id(agent_id)
        row = agents.address(self.db, id_)
        if row is None:
            raise agent_not_found(id_)
        return row["transport_type"], row["api_base_url"]
