"""The ``cleo`` command: a root that loads only the command that runs, and the built-in commands.

Plugins build their commands with :func:`command` and :func:`group` from here.
"""

from __future__ import annotations

from cleo_core.cli.command import Command, Group, command, group
from cleo_core.cli.root import main, root
from cleo_core.output import Page, Printer, Result

__all__ = ["Command", "Group", "Page", "Printer", "Result", "command", "group", "main", "root"]
