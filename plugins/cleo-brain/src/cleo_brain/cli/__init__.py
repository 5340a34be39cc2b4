"""Commands of the brain store: parse, call the service, return a Result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cleo_core.cli.command import Group

if TYPE_CHECKING:
    from cleo_brain.service import BrainService
    from cleo_core.app import App


def service(app: App) -> BrainService:
    """The service that the commands call."""
    found: BrainService = app.service("brain")
    return found


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
        loaded = import_module(f"cleo_brain.cli.{module}")
        found: click.Command = getattr(loaded, f"{cmd_name.replace('-', '_')}_command")
        return found


memory_command = LazyGroup(
    "memory",
    "What the agents of this project know.",
    {
        "context": "contexts",
        "decide": "deciding",
        "export": "exporting",
        "fetch": "fetching",
        "find": "finding",
        "forget": "forgetting",
        "import": "importing",
        "link": "linking",
        "maintain": "maintaining",
        "observe": "observing",
        "reembed": "reembedding",
        "stats": "statistics",
        "store": "storing",
        "timeline": "timeline",
        "verify": "verifying",
    },
)
sticky_command = LazyGroup(
    "sticky",
    "Sticky notes.",
    {
        **dict.fromkeys(("add", "list", "show", "edit", "archive", "restore"), "stickies"),
        "purge": "forgetting",
        "convert": "converting",
    },
    {"jot": "add", "ls": "list"},
)
