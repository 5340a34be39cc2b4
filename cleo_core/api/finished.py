"""What is told of a command when it has ended.

It stands alone because every command makes one where a plugin measures.
"""

from __future__ import annotations

from typing import Literal

from cleo_core.api.declared import Declared
from cleo_core.api.records import record


@record
class CommandEvent(Declared):
    """One finished command: names and numbers, never values.

    :param path: words of the command's name; empty where the command line named no command.
    :param plugin: whose command it is; None for core's own.
    :param duration_ms: from the entry to the written output.
    """

    path: str
    plugin: str | None
    gateway: Literal["query", "mutate"]
    option_names: tuple[str, ...] = ()
    exit_code: int = 0
    error_code: str | None = None
    duration_ms: float = 0.0
    finished_at: str = ""
