"""Commands of the message store: parse, call the service, return a Result."""

from __future__ import annotations

from cleo_conduit.cli.refs import agents_command, join_command, leave_command
from cleo_conduit.cli.status import status_command
from cleo_core.cli import group

conduit_command = group(
    "conduit",
    "Which agents this project sees, and the state of their mail.",
    agents_command,
    join_command,
    leave_command,
    status_command,
)
