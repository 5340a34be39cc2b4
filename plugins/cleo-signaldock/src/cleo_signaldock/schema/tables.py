"""What all tables of the store are declared in."""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlalchemy import Column

from cleo_core.columns import is_uuid, new_metadata, refers, strict_table

metadata = new_metadata()
table = partial(strict_table, metadata)


def of_agent(name: str = "agent_id", **options: Any) -> Column[Any]:
    """The agent that a row belongs to, and goes with."""
    return refers(name, "agents.agent_id", "CASCADE", **{"nullable": False, **options})


def of_row(name: str, target: str, **options: Any) -> Column[Any]:
    """The row with a UUID that a row belongs to, and goes with."""
    options = {"nullable": False, **options}
    return refers(name, f"{target}.id", "CASCADE", is_uuid(name), **options)


def may_name(name: str, target: str) -> Column[Any]:
    """A row with a UUID, forgotten when that goes."""
    return refers(name, f"{target}.id", "SET NULL", is_uuid(name))
