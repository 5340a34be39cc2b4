"""Agents at work on shared documents, for the tests of these."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cleo_core.errors import CleoError

post = runpy.run_path(str(Path(__file__).with_name("post.py")))

#: Long enough for a patch to be shorter.
PLAN = "# Plan\n\n" + "".join(
    f"## Step {number}\n\nWhat is done in step {number}, and by whom.\n\n" for number in range(30)
)


class Room:
    """A project with agents in it: ``room.ann.create(…)`` is the service, ann acting."""

    def __init__(self, open_app: Callable[..., Any]) -> None:
        self._open = open_app
        self.apps: dict[str, Any] = {}
        self.join("ann", "bob", "cem")

    def join(self, *agents: str) -> None:
        """Let the project see agents."""
        for agent in agents:
            post["conduit"](self.app("ann")).attach(agent)

    def app(self, agent: str) -> Any:
        """The App in which an agent acts."""
        if agent not in self.apps:
            self.apps[agent] = self._open(agent=agent)
        return self.apps[agent]

    def __getattr__(self, agent: str) -> Any:
        return self.app(agent).service("documents")

    def talk(self, number: int, *agents: str, **more: Any) -> str:
        """A conversation of agents; its id."""
        id_: str = post["uuid"](number)
        at = post["AT"]
        post["execute"](
            post["conversation"](number, **more),
            *(
                post["insert"]("participants", conversation_id=id_, agent_id=one, joined_at=at)
                for one in agents
            ),
        )
        return id_


def refused(call: Callable[[], Any], exit: int) -> CleoError:
    """The error of this exit that a call ends with."""
    with pytest.raises(CleoError) as caught:
        call()
    assert caught.value.exit == exit, caught.value
    return caught.value


def mine(rows: list[Any], *names: str) -> list[tuple[Any, ...]]:
    """Some fields of records."""
    return [tuple(getattr(row, name) for name in names) for row in rows]
