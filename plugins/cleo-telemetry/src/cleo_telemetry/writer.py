"""Storing a finished command without being in its way.

The command's answer is out and its exit settled; whatever is wrong here, the event is dropped in
silence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cleo_core.plugins import load_target
from cleo_core.states import HEAD
from cleo_telemetry import store
from cleo_telemetry.api import STORE

if TYPE_CHECKING:
    from cleo_core.api import CommandEvent
    from cleo_core.app import App
    from cleo_core.database import Transaction
    from cleo_core.plugins import Plugins

CORE = "core"
#: What is called so is in no command table.
UNKNOWN = (CORE, "unknown")
#: With every row whose number this divides, a few old ones go.
PRUNE_EVERY = 256
_LONGEST_MS = 2**62
_LONGEST_CODE = 100


def record(app: App, event: CommandEvent) -> None:
    """Store an event, or drop it."""
    try:
        row = row_of(app, event)
        # Consent that a command brought about does not hold for that command itself.
        if row["command"] != "telemetry.telemetry.enable" or row["exit_code"] != 0:
            _store(app, row)
    except BaseException:
        # Nothing that goes wrong here, an interruption included, may change how a command ended.
        return


def row_of(app: App, event: CommandEvent) -> dict[str, Any]:
    """The columns of an event but ``id`` and ``anonymous_id``."""
    domain, operation = name_of(app.plugins, event)
    code = event.error_code
    failed = event.exit_code & 0xFF  # as the system reports it to whoever started the process
    return {
        "domain": domain,
        # What is no command has changed nothing.
        "gateway": "query" if (domain, operation) == UNKNOWN else event.gateway,
        "operation": operation,
        "command": f"{domain}.{operation}",
        "exit_code": failed,
        "duration_ms": min(max(0, round(event.duration_ms)), _LONGEST_MS),
        "error_code": code if failed and _is_symbol(code) else None,
        "timestamp": event.finished_at,
    }


def name_of(plugins: Plugins, event: CommandEvent) -> tuple[str, str]:
    """Domain and operation of an event, ``("core", "unknown")`` where its words are no command's.

    The words are looked up anew: a group of a plugin's own may take any word for a verb.
    """
    words = event.path.split()
    if not words or not _in_table(plugins, words):
        return UNKNOWN
    domain = CORE if event.plugin is None else event.plugin.removeprefix("cleo-")
    return domain, ".".join(words)


def _in_table(plugins: Plugins, words: list[str]) -> bool:
    from cleo_core.cli.root import BUILT_IN

    first, *rest = words
    if first in BUILT_IN:
        target = BUILT_IN[first][0]
    elif first in plugins.commands:
        target = plugins.commands[first][0].target
    else:
        return False
    if not rest:
        return True
    command: Any = load_target(target)
    for word in rest:
        if not hasattr(command, "list_commands"):
            return False
        ctx = command.context_class(command)
        if word not in command.list_commands(ctx):
            return False
        command = command.get_command(ctx, word)
    return True


def _is_symbol(code: str | None) -> bool:
    """Whether a code is one of a table: ``E_`` and capitals, digits, underscores."""
    if code is None or not code.startswith("E_") or not 2 < len(code) <= _LONGEST_CODE:
        return False
    word = code.replace("_", "")
    return word.isascii() and word.isalnum() and word.upper() == word


def _store(app: App, row: dict[str, Any]) -> None:
    db, state = app.stores.open(STORE, write=True, profile="quick")
    if db is None:
        return
    try:
        if state.state == HEAD:
            db.unit(lambda tx: _insert(app, tx, row))
    finally:
        if db is not app.stores.elsewhere(STORE):
            db.leave()


def _insert(app: App, tx: Transaction, row: dict[str, Any]) -> None:
    number = store.insert(tx, row)
    if number is not None and number % PRUNE_EVERY == 0:
        from cleo_telemetry.store import pruning

        pruning.prune(tx, pruning.limits(app.config), pruning.BLOCK)
