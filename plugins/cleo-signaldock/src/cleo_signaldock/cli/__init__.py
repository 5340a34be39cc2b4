"""Commands of the identity store: parse, call the service, return a Result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_core.cli.command import Group

if TYPE_CHECKING:
    from cleo_core.app import App
    from cleo_signaldock.service import AgentsService


def service(app: App) -> AgentsService:
    """The service that the commands call; where the project has an older file, it is warned of."""
    found = unwarned(app)
    found.warn_of_legacy()
    return found


def unwarned(app: App) -> AgentsService:
    """The service, for the command that deals with the older file itself."""
    found: AgentsService = app.service("agents")
    return found


def json_option(text: str | None, option: str, example: str) -> Any:
    """The value of an option that takes JSON; None where it is not given.

    :raises UsageError: it is no JSON.
    """
    if text is None:
        return None
    import json

    from cleo_core.errors import UsageError

    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise UsageError(f"The value of {option} is no JSON.", fix=f"{option} {example}") from None


class LazyGroup(Group):
    """A noun whose verbs are imported one by one.

    :param verbs: verb -> module of this package; the command in it is called ``<verb>_command``.
    :param aliases: other word -> verb.
    """

    def __init__(
        self,
        name: str,
        help: str,
        verbs: dict[str, str],
        aliases: dict[str, str] | None = None,
        **attributes: Any,
    ) -> None:
        super().__init__(name, help=help, **attributes)
        self.verbs = verbs
        self.aliases = aliases or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, in alphabetical order."""
        return sorted(self.verbs)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb that a word means, under its own name."""
        return super().resolve_command(ctx, [self.aliases.get(args[0], args[0]), *args[1:]])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A verb's command, or None."""
        from importlib import import_module

        module = self.verbs.get(cmd_name)
        if module is None:
            return None
        loaded = import_module(f"cleo_signaldock.cli.{module}")
        found: click.Command = getattr(loaded, f"{cmd_name.replace('-', '_')}_command")
        return found


agent_command = LazyGroup(
    "agent",
    "Who the agents are, and which this project sees.",
    {
        **dict.fromkeys(("attach", "detach", "remove"), "visibility"),
        **dict.fromkeys(("capabilities", "skills"), "words"),
        **dict.fromkeys(("get", "list"), "listing"),
        **dict.fromkeys(("register", "update"), "registering"),
        **dict.fromkeys(
            ("heartbeat", "prune", "retire", "revive", "signin", "status", "stop", "whoami"),
            "presence",
        ),
        "keys": "keys",
        "migrate-legacy": "migrating",
    },
    {"ls": "list", "show": "get"},
)
