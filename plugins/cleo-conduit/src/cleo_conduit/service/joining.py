"""``join`` and ``leave``: which agents the project sees, where no registry of agents is there."""

from __future__ import annotations

from typing import Any

from cleo_conduit.ids import parse_agent_id, project_agent_id
from cleo_conduit.records.refs import UNSET, RefChange
from cleo_conduit.service.acting import to_be_seen
from cleo_conduit.service.refs import RefVerbs
from cleo_core.errors import ValidationError


class JoinVerbs(RefVerbs):
    """Refs as people and agents make them."""

    def join(self, agent_id: str, *, role: Any = UNSET) -> RefChange:
        """Let the project see an agent, as :meth:`attach` does.

        :raises ValidationError: 6, a registry of agents is installed, which does this.
        """
        id_ = project_agent_id(agent_id)
        self._alone(to_be_seen(self.app, id_))
        return self.attach(id_, role=role)

    def leave(self, agent_id: str) -> RefChange:
        """Stop the project from seeing an agent, as :meth:`detach` does.

        :raises ValidationError: 6, a registry of agents is installed, which does this.
        :raises NotFoundError: 4, the project has no ref of it.
        """
        id_ = parse_agent_id(agent_id)
        self._alone(f"cleo agent detach {id_}")
        return self.detach(id_)

    def _alone(self, fix: str) -> None:
        if self.app.has_service("agents"):
            raise ValidationError(
                "A registry of agents is installed; it says which agents this project sees.",
                fix=fix,
            )
