"""What all tables of the store are declared in."""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlalchemy import Column

from cleo_core.columns import new_metadata, required, strict_table

metadata = new_metadata()
table = partial(strict_table, metadata)


def project_id(name: str, **options: Any) -> Column[Any]:
    """A project's id as its marker holds it."""
    return required(
        name,
        f"length({name}) BETWEEN 8 AND 64 AND {name} NOT GLOB '*[^0-9a-z-]*'",
        **options,
    )


def project_hash(name: str, **options: Any) -> Column[Any]:
    """The first 12 hexadecimal digits of SHA-256 over a canonical path."""
    return required(name, f"length({name}) = 12 AND {name} NOT GLOB '*[^0-9a-f]*'", **options)


def task_id(name: str) -> Column[Any]:
    """A task's id inside its project."""
    return required(name, f"{name} GLOB 'T[0-9]*' AND substr({name}, 2) NOT GLOB '*[^0-9]*'")


def local_id(prefix: str) -> Column[Any]:
    """A primary key of a prefix and 12 hexadecimal digits."""
    form = prefix + "?" * 12
    start = len(prefix) + 1
    return required(
        "id", f"id GLOB '{form}' AND substr(id, {start}) NOT GLOB '*[^0-9a-f]*'", primary_key=True
    )
