"""A noun whose verbs are imported one by one."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from cleo_core.cli.command import Group


class LazyGroup(Group):
    """A noun whose verbs are imported when they are asked for.

    :param package: what the verbs' modules are in.
    :param verbs: verb -> module; the command in it is called ``<verb>_command``.
    :param aliases: other word -> verb.
    """

    def __init__(
        self,
        name: str,
        help: str,
        package: str,
        verbs: Mapping[str, str],
        aliases: Mapping[str, str] | None = None,
        **attributes: Any,
    ) -> None:
        super().__init__(name, help=help, **attributes)
        self.package = package
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
        module = self.verbs.get(cmd_name)
        if module is None:
            return None
        loaded = import_module(f"{self.package}.{module}")
        found: click.Command = getattr(loaded, f"{cmd_name.replace('-', '_')}_command")
        return found
